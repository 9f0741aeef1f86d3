import random
import string
from collections.abc import Sequence

import numpy as np
import pytest

from mapping.match.apart import Apart
from mapping.match.compare import COMPARISONS

HOSTS = ("gmx.de", "gmx.net", "lind.test", "padma.test", "mozmail.com")


def slips(text: str, draw: random.Random, letters: str) -> str:
    """The text with none to three mistakes of any kind."""
    for _ in range(draw.randrange(4)):
        at, letter = draw.randrange(len(text) + 1), draw.choice(letters)
        way = draw.randrange(4)
        if way == 0:
            text = text[:at] + letter + text[at:]
        elif way == 1:
            text = text[:at] + text[at + 1 :]
        elif way == 2:
            text = text[:at] + letter + text[at + 1 :]
        else:
            text = text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]
    return text


def values(how: str, draw: random.Random) -> Sequence[str]:
    letters = string.digits if how in ("phone", "date", "code") else string.ascii_lowercase + "0.é"
    if how in ("given", "family", "company"):
        letters = "abdelmnor"  # so that they are like one another by chance, too
    size = {"date": 8, "phone": 9, "code": 5}.get(how, 7)
    begun = ["".join(draw.choices(letters, k=size)) for _ in range(12)]
    told = [slips(text, draw, letters) or "1" for text in begun for _ in range(8)]
    if how == "street":
        told = [f"{draw.randrange(1, 4)} {text} st" for text in told]
    if how == "company":
        told = [f"{text} {draw.choice(told)}" for text in told]
    if how == "domain":
        told = [f"{text}.{draw.choice(('de', 'net', 'nett'))}" for text in told]
    if how == "email":
        told = [f"{local}@{draw.choice(HOSTS)}" for local in told]
    return list(dict.fromkeys(told))


@pytest.mark.parametrize(
    "how", ["email", "phone", "code", "date", "exact", "given", "family", "domain", "street", "company"]
)
def test_what_is_certain_is_what_comparing_says(how: str) -> None:
    certain = 0
    for seed in range(5):
        told = values(how, random.Random(seed))
        pairs = [(one, other) for one in range(len(told)) for other in range(len(told)) if one != other]
        one, other = (np.array(some, dtype=np.int64) for some in zip(*pairs, strict=True))

        found = Apart([(text,) for text in told]).certain(how, one, other)

        for left, right in zip(one[found].tolist(), other[found].tolist(), strict=True):
            assert COMPARISONS[how](told[left], told[right]).level == "different"
        certain += int(found.sum())
    assert certain > 1000


def test_familiar_forms_are_not_certain_to_be_different_names() -> None:
    told = Apart([("margaret",), ("peggy",), ("thorvald",)])

    assert told.certain("given", np.array([0, 0]), np.array([1, 2])).tolist() == [False, True]


def test_initials_and_one_word_less_are_not_certain_to_be_another_company() -> None:
    told = Apart([("nls",), ("nordlicht lind solar",), ("nordlicht",), ("varastrom kest",)])

    found = told.certain("company", np.array([0, 2, 1]), np.array([1, 1, 3]))

    assert found.tolist() == [False, False, True]


def test_of_several_texts_and_of_other_scripts_nothing_is_certain() -> None:
    told = Apart([("anna@lind.test", "a@gmx.de"), ("рахим@padma.test",), ("tom@varaton.test",)])

    assert told.certain("email", np.array([0, 1]), np.array([2, 2])).tolist() == [False, False]
    assert told.certain("given", np.array([2]), np.array([1])).tolist() == [False]
