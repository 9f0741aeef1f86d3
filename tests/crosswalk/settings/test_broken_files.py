"""Files as people break them: whatever is typed, there is an answer, and it repeats no secret."""

import random
from pathlib import Path

import pytest

from crosswalk.problems import errors
from crosswalk.settings.load import load
from crosswalk.settings.render import lines
from tests.crosswalk.settings.fakes import registry
from tests.crosswalk.settings.test_load import HERE, SECRETS

TYPED = [
    "{",
    "}",
    "[",
    "]",
    ":",
    " ",
    "\n",
    "'",
    '"',
    "#",
    "|",
    "&",
    "*",
    "!",
    "- ",
    "\t",
    "null",
    "0",
    "ক",
    "😀",
    "? ",
]
TYPED += ["<<: ", "%", "@", "\\", "env:", "(", ")", ",", "a: b", "\u2028", "[]", "{}", "~"]


def broken(source: str, rng: random.Random) -> str:
    for _ in range(rng.choice([1, 1, 1, 2, 3, 8])):
        at = rng.randrange(len(source))
        written = source.split("\n")
        line = rng.randrange(len(written))
        match rng.randrange(5):
            case 0:
                source = source[:at] + source[at + rng.randrange(1, 20) :]
            case 1:
                source = source[:at] + rng.choice(TYPED) + source[at:]
            case 2:
                written[line] = rng.choice([" " + written[line], written[line][1:], "  " + written[line], ""])
                source = "\n".join(written)
            case 3:
                written.insert(line, rng.choice(written))
                source = "\n".join(written)
            case _:
                words = source.split()
                source = source.replace(rng.choice(words), rng.choice([*words, *TYPED]), 1)
    return source


@pytest.mark.parametrize("seed", range(8))
def test_every_file_has_an_answer(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    whole = (HERE / "whole.yaml").read_text(encoding="utf-8")
    file = tmp_path / "crosswalk.yaml"
    known = registry()
    for _ in range(20):
        source = broken(whole, rng)
        file.write_text(source, encoding="utf-8")

        loaded = load(file, environment=SECRETS, registry=known)

        assert (loaded.hub is None) == bool(errors(loaded.problems))
        drawn = [line for one in loaded.problems for width in (40, 100) for line in lines(one, source, width)]
        said = repr(loaded.problems) + "\n".join(drawn)
        assert not [secret for secret in SECRETS.values() if secret in said]
