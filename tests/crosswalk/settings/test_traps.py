"""What a trial and an editor taught: each row of traps, each told once, at its place, with its cure."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crosswalk.problems import Problem
from crosswalk.settings.load import load
from tests.crosswalk.settings.fakes import registry

Check = Callable[[str], list[Problem]]

SECRETS = {"PD": "pd-token", "TF": "tf-token"}


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """The faults of a text."""

    def read(text: str, *, raw: bytes | None = None) -> list[Problem]:
        file = tmp_path / "crosswalk.yaml"
        file.write_bytes(text.encode() if raw is None else raw)
        return load(file, environment=SECRETS, registry=registry()).problems

    return read


def told(problems: list[Problem]) -> list[tuple[str, int | None, int | None]]:
    return [(one.code, one.line, one.column) for one in problems]


def persons(line: str) -> str:
    """A sound file but for one line of the mapping of persons, which stands in line 7, in column 9."""
    return f"""\
version: 1
connections:
  pipedrive:
    auth: {{api_token: env:PD}}
    streams:
      persons: {{write: [update], mapping: {{cx.nps.score: NPS}}}}
{line}
"""


SOUND = """\
version: 1
connections:
  pipedrive:
    auth: {api_token: env:PD}
    streams:
      persons:
        write: [update]
        mapping:
          cx.nps.score: NPS
"""


def line_ten(line: str) -> str:
    return f"{SOUND}          {line}\n"


def test_a_sound_file_has_no_faults(check: Check) -> None:
    assert check(SOUND) == []


def test_a_comma_in_braces_is_one_fault(check: Check) -> None:
    problems = check(
        SOUND.replace(
            "      persons:",
            "      persons: {mapping: {birth_date: birthday | case(a, b), job_title: Job}}\n      users:",
        ).partition("        write")[0]
    )

    assert told(problems) == [("CW110", 6, 39)]
    assert problems[0].hint == "quote it: in { } a comma ends a value"


def test_a_parenthesis_that_is_never_closed_is_told_at_the_parenthesis(check: Check) -> None:
    problems = check(line_ten("job_title: Job | truncate(20"))

    assert told(problems) == [("CW110", 10, 36)]
    assert problems[0].text == "'(' is not closed"


def test_a_hash_that_begins_a_comment_is_a_warning(check: Check) -> None:
    problems = check(line_ten("job_title: Phone #1 | text"))

    assert told(problems) == [("CW111", 10, 28)]
    assert problems[0].severity == "warning"
    assert problems[0].text == "'#1 | text' is a comment: the value is 'Phone'"


@pytest.mark.parametrize("line", ["job_title: Job # a comment", "job_title: 'Phone #1 | text'", "job_title: Job  ## x"])
def test_a_comment_that_looks_like_one_is_none_of_our_business(check: Check, line: str) -> None:
    assert check(line_ten(line)) == []


@pytest.mark.parametrize(
    ("line", "column", "found", "cure"),
    [
        pytest.param(
            'job_title: "Tel. privat" | phone',
            36,
            "'|'",
            "put the whole value in single quotes: '\"Tel. privat\" | phone'",
            id="pipe-behind-quotes",
        ),
        pytest.param(
            "job_title: *.csv",
            22,
            "'*'",
            "a * begins an alias: put the whole value in single quotes: '*.csv'",
            id="star",
        ),
        pytest.param(
            "job_title: */5 * * * *",
            22,
            "'*'",
            "a * begins an alias: put the whole value in single quotes: '*/5 * * * *'",
            id="cron",
        ),
        pytest.param(
            "*name.full: Job",
            11,
            "'*'",
            "a * begins an alias: put the whole value in single quotes",
            id="star-of-a-key",
        ),
        pytest.param(
            "job_title: env: X", 25, "':'", "no blank belongs behind env: , as in env:NAME", id="blank-behind-env"
        ),
        pytest.param(
            "job_title: {field: ${env:X}}", 31, "'{'", "a reference has no braces: env:X", id="braces-in-braces"
        ),
        pytest.param(
            "job_title: @x", 22, "'@'", "'@' begins no value in YAML: put the value in single quotes", id="at"
        ),
        pytest.param(
            "job_title: `x`", 22, "'`'", "'`' begins no value in YAML: put the value in single quotes", id="tick"
        ),
        pytest.param("\tjob_title: x", 11, "a tab", "indent with blanks: YAML takes no tab", id="tab"),
        pytest.param("job_title: 'x", 22, "'''", "this quote is not closed", id="open-quote"),
        pytest.param('job_title: "x', 22, "'\"'", "this quote is not closed", id="open-double-quote"),
        pytest.param(
            "job_title: a: b",
            23,
            "':'",
            "a second ': ' in one value: put the whole value in single quotes",
            id="colon-in-a-value",
        ),
        pytest.param(
            "job_title: - x", 22, "'-'", "begin the list on a line of its own, or write it as [a, b]", id="dash"
        ),
        pytest.param(
            "job_title: {field: x", 1, "the end of the file", "the { in line 10 is not closed", id="open-brace"
        ),
        pytest.param("job_title: 'x' y", 26, "'y'", "put the whole value in single quotes", id="text-behind-quotes"),
        pytest.param(
            'job_title: "C:\\x"',
            25,
            "'\\'",
            "a \\ begins an escape between double quotes: use single ones",
            id="backslash",
        ),
    ],
)
def test_what_the_parser_cannot_read_is_told_with_its_cure(
    check: Check, line: str, column: int, found: str, cure: str
) -> None:
    problems = check(line_ten(line))

    assert [one.code for one in problems] == ["CW100"]
    assert (problems[0].text, problems[0].column) == (f"the file is not YAML here: found {found}", column)
    assert problems[0].hint.startswith(cure)


def test_a_key_without_its_blank_is_one_fault(check: Check) -> None:
    problems = check(SOUND.replace("{api_token: env:PD}", "{api_token:env:PD}"))

    assert told(problems) == [("CW100", 4, 12)]
    assert problems[0].hint == "a blank follows the colon of api_token:"


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("'${env:PD}'", "write env:PD"),
        ("${PD}", "write env:PD"),
        ("$PD", "write env:PD"),
        ("'${{ secrets.PD }}'", "write env:secrets.PD"),
        ("'{{ PD }}'", "write env:PD"),
    ],
)
def test_references_of_other_tools_are_told_the_right_form(check: Check, written: str, hint: str) -> None:
    problems = check(SOUND.replace("auth: {api_token: env:PD}", f"auth:\n      api_token: {written}"))

    assert told(problems) == [("CW103", 5, 18)]


@pytest.mark.parametrize(
    "word", ["NO", "no", "012", "16:30", "+4989555", "2026-11-23", "1_000", "0x1F", "yes", "1e3", ".5"]
)
def test_plain_words_stay_text(tmp_path: Path, word: str) -> None:
    file = tmp_path / "crosswalk.yaml"
    file.write_text(line_ten(f"job_title: {{field: Job, values: {{{word}: {word}}}}}"))

    hub = load(file, environment=SECRETS, registry=registry()).hub

    assert hub is not None
    line = next(one for one in hub.connections["pipedrive"].streams["persons"].lines if one.target == "job_title")
    assert line.values == {word: word}


def test_a_key_that_stands_twice_names_both_lines(check: Check) -> None:
    problems = check(line_ten("cx.nps.score: NPS2"))

    assert told(problems) == [("CW114", 10, 11)]
    assert problems[0].text == "'cx.nps.score' stands twice, in line 9 and in line 10"


def test_columns_count_characters_whatever_their_script(check: Check) -> None:
    text = SOUND.replace("mapping:", "mapping: {custom.a: 'নাসরিন 😀👩‍👩‍👧', wirte: [x]}").partition("          cx")[0]

    problems = check(text)

    assert told(problems) == [("CW102", 8, text.splitlines()[7].index("wirte") + 1)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_are_counted_whatever_ends_them(check: Check, end: str) -> None:
    problems = check(SOUND.replace("write:", "wirte:").replace("\n", end))

    assert told(problems) == [("CW101", 7, 9)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_moves_nothing(check: Callable[..., list[Problem]], encoding: str) -> None:
    problems = check("", raw=SOUND.replace("version", "verzion").encode(encoding))

    assert told(problems) == [("CW101", 1, 1)]


def test_another_encoding_is_told_at_its_byte(check: Callable[..., list[Problem]]) -> None:
    problems = check("", raw=line_ten("job_title: Stra\u00dfe").encode("latin-1"))

    assert told(problems) == [("CW100", 10, 26)]
    assert problems[0].hint == "save it as UTF-8"


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing but words\n", "---\n"])
def test_an_empty_file_says_so(check: Check, text: str) -> None:
    assert [(one.code, one.text) for one in check(text)] == [("CW100", "the file is empty")]


@pytest.mark.parametrize(
    ("text", "column"),
    [("- version: 1\n", 1), ("version\n", 1), ("version: 1\n---\nversion: 1\n", 1), ("version: 1\x07\n", 11)],
)
def test_what_is_no_configuration_is_one_fault(check: Check, text: str, column: int) -> None:
    assert [(one.code, one.column) for one in check(text)] == [("CW100", column)]


def test_tags_and_merges_are_told_not_followed(check: Check) -> None:
    assert told(check(line_ten("!job_title: Job"))) == [("CW100", 10, 11)]
    assert told(check(line_ten("<<: {job_title: Job}"))) == [("CW100", 10, 11)]


def test_an_alias_stands_for_what_it_names(tmp_path: Path) -> None:
    file = tmp_path / "crosswalk.yaml"
    file.write_text(
        SOUND.replace("persons:", "persons: &same").replace("  pipedrive", "  pipedrive", 1) + "      users: {}\n"
    )

    assert load(file, environment=SECRETS, registry=registry()).problems == []


def test_aliases_cannot_blow_up_the_file(check: Check) -> None:
    bomb = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    bomb += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]

    problems = check("\n".join(bomb))

    assert [(one.code, one.text) for one in problems] == [("CW100", "aliases make this file too large")]


def test_an_alias_that_contains_itself_is_told(check: Check) -> None:
    assert [one.code for one in check("version: 1\nconnections: &a\n  x: *a\n")] == ["CW100"]


def test_deep_nesting_ends_with_a_fault_not_a_crash(check: Check) -> None:
    assert [one.code for one in check("version: 1\nmatch: " + "[" * 5000 + "]" * 5000)] == ["CW100"]
