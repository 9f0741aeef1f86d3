"""How a line is read, and where its faults are."""

from typing import Any

import pytest

from mapping.conditions import compiled, parse_condition
from mapping.language import (
    Constant,
    Line,
    Path,
    Place,
    Step,
    SyntaxFault,
    arguments,
    nearest,
    overlay,
    parse,
    parse_paths,
    split_target,
)

HERE = Place("crosswalk.yaml", 1, 1)


def line(target: str, text: str | None, **more: Any) -> Line:
    return Line(target, text, HERE, HERE, **more)


def steps(text: str) -> tuple[Step, ...]:
    source = parse(text).alternatives[0].source
    assert isinstance(source, Path)
    return source.steps


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Phone | phone", (Step("Phone"),), id="one-name"),
        pytest.param("Owner.id", (Step("Owner"), Step("id")), id="dots-lead-inward"),
        pytest.param('"Tel. privat" | phone(DE)', (Step("Tel. privat"),), id="quotes-keep-dots"),
        pytest.param("{odd.key}.x", (Step("odd.key"), Step("x")), id="braces-keep-dots"),
        pytest.param("phones[label=work].value", (Step("phones", ("label", "work")), Step("value")), id="an-element"),
        pytest.param("Umsatz (EUR) | money", (Step("Umsatz (EUR)"),), id="parentheses-belong-to-a-name"),
        pytest.param("Kundenstufe Süd", (Step("Kundenstufe Süd"),), id="blanks-belong-to-a-name"),
        pytest.param(r'"a \"b\" | c"', (Step('a "b" | c'),), id="quotes-within-quotes"),
        pytest.param("@ | address(a)", (), id="the-row"),
        pytest.param("@odata.etag", (Step("@odata"), Step("etag")), id="a-name-that-begins-with-an-at"),
    ],
)
def test_a_path_names_where_the_value_stands(text: str, expected: tuple[Step, ...]) -> None:
    assert steps(text) == expected


def test_functions_keep_their_arguments_and_columns() -> None:
    chain = parse('a | address(b+c, "d, e", {f.g}) | each(phone(DE))').alternatives[0]

    assert [(call.name, [one.text for one in call.arguments]) for call in chain.calls] == [
        ("address", ["b+c", "d, e", "{f.g}"]),
        ("each", ["phone(DE)"]),
    ]
    assert [call.offset for call in chain.calls] == [4, 34]
    assert [one.offset for one in chain.calls[0].arguments] == [12, 17, 25]


def test_an_alternative_without_functions_takes_those_of_the_last() -> None:
    first, second, third = parse("a ?? b | trim ?? c | text").alternatives

    assert [[call.name for call in one.calls] for one in (first, second, third)] == [["text"], ["trim"], ["text"]]


@pytest.mark.parametrize("text", ['="lead"', "=lead", '= "lead"'])
def test_a_constant_is_a_value_of_its_own(text: str) -> None:
    source = parse(text).alternatives[0].source
    assert isinstance(source, Constant)
    assert source.value == "lead"


@pytest.mark.parametrize(
    ("text", "offset", "said"),
    [
        pytest.param("QID1 | scale(1", 12, "'(' is not closed", id="parenthesis"),
        pytest.param("নাসরিন | scale(1", 14, "'(' is not closed", id="columns-are-characters"),
        pytest.param("a | f(g(1)", 5, "'(' is not closed", id="outer-parenthesis"),
        pytest.param("a |", 3, "function's name is missing", id="nothing-behind-the-bar"),
        pytest.param("| b", 0, "field's name is missing", id="nothing-before-the-bar"),
        pytest.param("a ??", 4, "field's name is missing", id="no-alternative"),
        pytest.param("a..b", 2, "field's name is missing", id="empty-step"),
        pytest.param('"a', 0, "is not closed", id="quote"),
        pytest.param("{a", 0, "'{' is not closed", id="brace"),
        pytest.param("a[b", 1, "'[' is not closed", id="bracket"),
        pytest.param("a[b].c", 1, "picks nothing", id="no-pick"),
        pytest.param("a | f(1,,2)", 8, "argument is missing", id="empty-argument"),
        pytest.param("a | f(1) g", 9, "not expected here", id="debris"),
        pytest.param('"a" b', 4, "not expected behind a quoted name", id="behind-quotes"),
    ],
)
def test_a_fault_has_its_column(text: str, offset: int, said: str) -> None:
    with pytest.raises(SyntaxFault) as caught:
        parse(text)

    assert (caught.value.offset, said in caught.value.text) == (offset, True)


def test_a_list_of_paths_is_cut_at_its_commas() -> None:
    assert [path.text for path in parse_paths("Contact.id, {Deal.x}, Account")] == ["Contact.id", "{Deal.x}", "Account"]
    assert arguments("") == ()


def test_prefixes_are_taken_off_a_target() -> None:
    assert split_target("*!emails[work]") == ("*!", "emails[work]")
    assert split_target("- name.full") == ("-", "name.full")
    assert line("key", "id").is_word


def test_own_lines_win_target_by_target_whatever_their_prefixes() -> None:
    defaults = [line("*name.full", "name"), line("emails[work]", "Email"), line("emails[other]", "Email2")]
    own = [line("name.full", "Full name", operator=True), line("custom.tier", "Tier", operator=True)]

    merged = overlay(defaults, own)

    assert [(one.bare, one.text) for one in merged] == [
        ("name.full", "Full name"),
        ("emails[work]", "Email"),
        ("emails[other]", "Email2"),
        ("custom.tier", "Tier"),
    ]


def test_null_unmaps_a_line_and_a_whole_field() -> None:
    defaults = [line("emails[work]", "Email"), line("emails[other]", "Email2"), line("job_title", "Title")]

    assert [one.bare for one in overlay(defaults, [line("emails[work]", None)])] == ["emails[other]", "job_title"]
    assert [one.bare for one in overlay(defaults, [line("emails", None)])] == ["job_title"]


def test_a_long_form_without_a_field_refines_the_default() -> None:
    merged = overlay([line("*job_title", "Title | text")], [line("job_title", None, direction="read", operator=True)])

    assert [(one.target, one.text, one.direction, one.operator) for one in merged] == [
        ("*job_title", "Title | text", "read", True)
    ]


def test_the_nearest_names_come_best_first() -> None:
    assert nearest("Kundenstuffe", ["Kunde", "Kundenstufe", "Telefon"])[0] == "Kundenstufe"
    assert nearest("zzz", ["Kunde"]) == []


ROW = {"a": "Open", "n": "12", "flag": True, "list": ["x", "y"], "empty": "", "none": None, "deep": {"b": 3}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = open", True),
        ("a != Open", False),
        ("n >= 9", True),
        ("n < 9", False),
        ("flag = true", True),
        ("flag = 1", True),
        ("list = y", True),
        ("list = z", False),
        ("empty = x", False),
        ("empty != x", True),
        ("missing != x", True),
        ("missing = x", False),
        ("none is empty", True),
        ("a is filled and n = 12.0", True),
        ("a in (closed, open)", True),
        ('a in ("closed", lost)', False),
        ("not (a = open or flag = true)", False),
        ("a = lost or deep.b = 3", True),
        ("a = lost and n = 12 or flag = yes", True),
    ],
)
def test_a_condition_judges_a_row(text: str, expected: bool) -> None:
    def resolve(path: Path) -> tuple[Any, dict[str, str]]:
        def get(row: Any) -> Any:
            for step in path.steps:
                row = row.get(step.name) if isinstance(row, dict) else None
            return row

        return get, {}

    assert compiled(parse_condition(text), resolve)(ROW) is expected


@pytest.mark.parametrize(
    ("text", "offset"),
    [("a", 0), ("a =", 3), ("(a = 1", 0), ("a in b", 5), ("a in (b", 5), ("= 1", 0), ("a = 1)", 5), ("x = 'y", 4)],
)
def test_a_fault_of_a_condition_has_its_column(text: str, offset: int) -> None:
    with pytest.raises(SyntaxFault) as caught:
        parse_condition(text)
    assert caught.value.offset == offset
