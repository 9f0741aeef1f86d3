"""A fault on a terminal: cut around the place, aligned in cells, secrets and control characters never shown."""

import pytest

from crosswalk.problems import Problem
from crosswalk.settings.render import lines


def fault(
    line: int, column: int, width: int = 1, *, hint: str = "do this", text: str = "wrong", code: str = "CW102"
) -> Problem:
    return Problem(code=code, text=text, hint=hint, file="f.yaml", line=line, column=column, width=width)


def test_the_first_line_alone_says_it_all() -> None:
    assert lines(fault(2, 4, 2), "a: b\nc: de\n", 80) == [
        "f.yaml:2:4: error CW102: wrong",
        "     2 | c: de",
        "       |    ^^ do this",
    ]


def test_without_a_place_there_is_no_line() -> None:
    assert lines(Problem(code="CW302", text="Zoho does not answer", hint="nothing"), "a: b", 80) == [
        "error CW302: Zoho does not answer",
        "       | nothing",
    ]
    assert lines(fault(9, 1), "a: b", 80)[1:] == ["       | do this"]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120])
@pytest.mark.parametrize("column", [1, 30, 100, 250, 390])
def test_a_long_line_is_cut_around_the_place(width: int, column: int) -> None:
    source = " ".join(f"w{n:03}" for n in range(80))

    _, shown, under, *more = lines(fault(1, column, 4, hint="x" * 20), source, width)

    assert len(shown) <= width
    assert len(under) <= width
    assert not more
    at = under.index("^")
    assert shown[at : at + 4] == source[column - 1 : column + 3].ljust(4)[:4]


def test_a_long_hint_stands_below() -> None:
    told = lines(fault(1, 4, hint="word " * 20), "a: b", 60)

    assert told[2] == "       |    ^"
    assert told[3].startswith("       | word word")


@pytest.mark.parametrize(
    ("line", "at", "before"),
    [("ক: ভুল", 4, 3), ("😀: x", 4, 4), ("名前: x", 5, 6), ("e\u0301: x", 5, 3), ("\ta: x", 5, 4)],
    ids=["bengali", "emoji", "wide", "combining", "tab"],
)
def test_the_caret_stands_under_its_cell(line: str, at: int, before: int) -> None:
    under = lines(fault(1, at), line, 80)[2]

    assert under.removeprefix("       | ").index("^") == before


def test_control_characters_are_shown_as_escapes() -> None:
    assert lines(fault(1, 1), "a\x1b[31m: \u202eb", 80)[1] == "     1 | a\\x1b[31m: \\u202eb"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("client_secret: hunter2", "client_secret: •••"),
        ("client_secret: env:HUNTER", "client_secret: env:HUNTER"),
        ("auth: {token: hunter2, flow: x}", "auth: {token: •••, flow: x}"),
        ("auth: {token: 'hunter2, x', flow: y}", "auth: {token: •••, flow: y}"),
        ('"api_token": "hunter2"', '"api_token": •••'),
        ("token_url: http://x.test/token", "token_url: http://x.test/token"),
        ("key: member_no", "key: member_no"),
        ("url: postgresql://hub:hunter2@db/x", "url: postgresql://hub:•••@db/x"),
        ("password: hunter2 # since May", "password: ••• # since May"),
        ("secret:", "secret:"),
        ("password: hun,ter2}#x, y", "password: •••"),
        ("- token: hunter2", "- token: •••"),
        ("{a: b, secret: hunter2}", "{a: b, secret: •••}"),
        ("{secret: {a: b}, token: hunter2}", "{secret: {a: b}, token: •••}"),
    ],
)
def test_secrets_of_the_line_are_masked_whatever_the_fault_is(line: str, shown: str) -> None:
    assert lines(fault(1, 1), line, 100)[1] == f"     1 | {shown}"


def test_lines_of_a_secret_block_are_masked() -> None:
    source = "auth:\n  private_key: |\n    -----BEGIN\n    hunter2\n  flow: jwt\n"

    assert lines(fault(4, 5), source, 80)[1] == "     4 |     •••"
    assert lines(fault(5, 3), source, 80)[1] == "     5 |   flow: jwt"


def test_the_place_of_a_secret_is_masked_whatever_its_key() -> None:
    problem = fault(1, 9, 7, text="a secret stands in the file", code="CW103")

    assert lines(problem, "whoami: hunter2", 80)[1:] == ["     1 | whoami: •••", "       |         ^^^ do this"]
