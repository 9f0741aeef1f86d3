"""Every function: what it reads, what it writes back, and which have no way back."""

from decimal import Decimal
from typing import Any

import pytest

from mapping.compile import Context
from mapping.functions import FUNCTIONS, SKIP, Function
from mapping.functions.picklists import folded, known_lists, picklist
from mapping.schema import KINDS, names
from mapping.values import ABSENT
from tests.mapping.mapped import BERLIN, faults_of, info, mapped, read

NO_WAY_BACK = {
    "answers", "case", "context", "filled", "first", "if", "json", "links", "lower", "pairs", "score", "stage_status",
    "unless", "upper",
}  # fmt: skip


def test_the_language_has_these_functions() -> None:
    assert set(FUNCTIONS) == NO_WAY_BACK | {
        "address", "at", "body", "bool", "cents", "consent", "country", "day", "decimal", "domain", "each", "email",
        "emails", "html", "id", "int", "lang", "lines", "map", "money", "ms", "multi", "name", "not", "option",
        "optout", "partial_date", "percent", "phone", "phones", "ref", "ref_by", "round", "seconds", "sf_id", "share",
        "tags", "text", "trim", "truncate", "tz", "url", "when",
    }  # fmt: skip


@pytest.mark.parametrize("function", [pytest.param(one, id=one.name) for one in FUNCTIONS.values()])
def test_a_function_says_what_it_is(function: Function) -> None:
    assert function.usage.startswith(function.name)
    assert function.takes
    assert function.inverse is (function.name not in NO_WAY_BACK)


# target, expression, raw, value, what is written for it (of a new record), options of the source
BOTH_WAYS = [
    ("job_title", "x | text", 12, "12", "12"),
    ("job_title", "x | trim", " a ", "a", "a"),
    ("external_ids[a]", "x | id", "007", "007", "007"),
    ("external_ids[a]", "x | id", 7, "7", 7),
    ("external_ids[a]", "x | sf_id", "003Ab00000Qx7Lm", "003Ab00000Qx7LmIAJ", "003Ab00000Qx7LmIAJ"),
    ("custom.n", "x | int", "12", 12, 12),
    ("custom.n", "x | int", Decimal("12.0"), 12, 12),
    ("custom.n", "x | decimal", Decimal("8.50"), "8.5", Decimal("8.5")),
    ("custom.n", "x | percent", Decimal("0.125"), "12.5", Decimal("0.125")),
    ("custom.n", "x | share", 12, "12", 12),
    ("custom.n", "x | round(0)", "12.4", "12.4", 12),
    ("custom.n", "x | round(1)", "2.25", "2.25", Decimal("2.3")),
    ("custom.b", "x | bool", "Ja", True, True),
    ("custom.b", "x | not", 0, True, False),
    ("custom.d", "x | day", "2026-11-22T23:30:00Z", "2026-11-22", "2026-11-22"),
    ("custom.d", "x | day(account)", "2026-11-22T23:30:00Z", "2026-11-23", "2026-11-23"),
    ("custom.d", "x | day(Asia/Dhaka)", "2026-11-22T18:30:00Z", "2026-11-23", "2026-11-23"),
    ("custom.d", "x | at", "2026-11-22 17:02:00", "2026-11-22T16:02:00.000Z", "2026-11-22T16:02:00.000Z"),
    ("custom.d", "x | at(UTC)", "2026-11-22 17:02:00", "2026-11-22T17:02:00.000Z", "2026-11-22T17:02:00.000Z"),
    ("custom.d", "x | when", "2026-11-22", "2026-11-22", "2026-11-22"),
    ("birth_date", "x | partial_date", "--03-04", "--03-04", "--03-04"),
    ("custom.s", "x | seconds", "01:02:05", 3725, 3725),
    ("custom.s", "x | ms", 1500, 1, 1000),
    ("language", "x | lang", "pt_BR", "pt-BR", "pt-BR"),
    ("time_zone", "x | tz", "Europe/Berlin", "Europe/Berlin", "Europe/Berlin"),
    ("custom.c", "x | country", "Germany", "DE", "DE"),
    ("custom.u", "x | domain", "HTTPS://www.X.test/a", "x.test", "x.test"),
    ("description", "x | body", "a\r\nb", {"text": "a\nb"}, "a\nb"),
    ("tags", "x | multi(;)", "b; a;", ["a", "b"], "a;b"),
    ("tags", "x | multi(\",\")", "b, a", ["a", "b"], "a, b"),
    ("tags", "x | lines", "b\na", ["a", "b"], "a\nb"),
    ("tags", "x | tags", ["b", "a"], ["a", "b"], ["a", "b"]),
    ("tags", "x | tags(name)", [{"name": "b"}], ["b"], [{"name": "b"}]),
    ("name.variants[phonetic]", "x | name", "マラ", [{"full": "マラ", "kind": "phonetic"}], "マラ"),
    ("addresses[home]", "x | address", {"locality": "Berlin"}, [{"locality": "Berlin", "type": "home"}],
     {"locality": "Berlin", "formatted": "Berlin", "lines": None,
      "region": None, "postal_code": None, "country": None}),
    ("related", "x | ref(contacts)", [7, "8"], [{"stream": "contacts", "id": "7"}, {"stream": "contacts", "id": "8"}],
     [7, 8]),
    ("reports_to", "x | ref(contacts)", {"value": 7}, [{"stream": "contacts", "id": "7"}], 7),
    ("phones[work]", "x | phone(AT)", "01 5055525", [{"number": "+4315055525", "type": "work"}], "+4315055525"),
    ("phones", "x | phones(number)", [{"number": "030 123456 ext. 12"}], [{"number": "+4930123456", "extension": "12"}],
     [{"number": "+4930123456;ext=12"}]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "expression", "raw", "value", "written"),
    [pytest.param(*case, id=f"{n}-{case[1]}") for n, case in enumerate(BOTH_WAYS)],
)
def test_a_function_reads_and_writes_back(target: str, expression: str, raw: Any, value: Any, written: Any) -> None:
    mapping = mapped({target: expression})
    [found] = read(mapping, {"x": raw}).values()

    if isinstance(found, list) and isinstance(value, str | int):
        found = found[0]["value"]
    assert found == value
    assert type(found) is type(value)
    [told] = mapping.read({"x": raw})[0]
    assert mapping.write({0: told}, over=None) == {"x": written}
    assert mapping.write({0: told}, over={"x": raw}) == {}


@pytest.mark.parametrize(
    ("kind", "target", "expression", "row", "value"),
    [
        ("person", "job_title", "x | upper", {"x": "coo"}, "COO"),
        ("person", "job_title", "x | lower", {"x": "COO"}, "coo"),
        ("person", "job_title", "x | not(0)", {"x": 0}, None),
        ("person", "job_title", "x | not(0)", {"x": 5}, "5"),
        ("person", "job_title", "x | first", {"x": ["", "a", "b"]}, "a"),
        ("person", "job_title", "x | if(y=1)", {"x": "a", "y": "1"}, "a"),
        ("person", "job_title", "x | if(y=1)", {"x": "a", "y": 2}, None),
        ("person", "job_title", "x | unless(y is filled)", {"x": "a"}, "a"),
        ("response", "status", "x | filled(completed, partial)", {"x": "2026"}, "completed"),
        ("response", "status", "x | filled(completed, partial)", {"x": None}, "partial"),
        ("response", "status", "x | filled(completed, none)", {}, ABSENT),
        ("deal", "stage.status", "@ | case(IsWon=true: won, IsClosed=true: lost, else: open)", {"IsClosed": True},
         {"status": "lost"}),
        ("deal", "stage.status", "@ | case(IsWon=true: won, IsClosed=true: lost, else: open)", {}, {"status": "open"}),
        ("deal", "stage.probability", "x | percent", {"x": "0.6"}, {"probability": "60"}),
        ("deal", "amount", "x | cents(c)", {"x": 1250, "c": "EUR"}, {"amount": "12.5", "currency": "EUR"}),
        ("deal", "amount", "x | cents(c)", {"x": 1250, "c": "JPY"}, {"amount": "1250", "currency": "JPY"}),
        ("deal", "closed_on", "a ?? b ?? c | at", {"a": None, "b": "2026-01-02T03:04:05Z"}, "2026-01-02T03:04:05.000Z"),
        ("activity", "due", "d | when(t, UTC)", {"d": "2026-11-22", "t": "14:00:00"}, "2026-11-22T14:00:00.000Z"),
        ("activity", "due", "d | when(t)", {"d": "2026-11-22", "t": None}, "2026-11-22"),
        ("activity", "body", "x | html", {"x": "<p>a &amp; b</p>"}, {"text": "a & b"}),
        ("activity", "about[participant]", "x | ref_by({x@type})", {"x": 7, "x@type": "contacts"},
         [{"stream": "contacts", "id": "7", "role": "participant"}]),
        ("person", "works_at", "companies.results | links(id, primary)",
         {"companies": {"results": [{"id": 2}, {"id": 1, "primary": True}]}},
         [{"stream": "companies", "id": "1", "primary": True}, {"stream": "companies", "id": "2"}]),
        ("person", "works_at", "LINKS | links(ID, NAME=Organisation)",
         {"LINKS": [{"ID": 1, "NAME": "Organisation"}, {"ID": 2, "NAME": "Contact"}]},
         [{"stream": "LINKS", "id": "1"}]),
        ("person", "attributes", "x | json", {"x": {"a": Decimal("1.50"), "b": [1]}}, {"a": "1.5", "b": [1]}),
        ("response", "context", "x | pairs(name, value)", {"x": [{"name": "tier", "value": "A"}, {"name": ""}]},
         {"tier": "A"}),
        ("response", "drivers", "x | json", {"x": {"price": 1}}, [{"key": "price", "value": "1"}]),
        ("person", "lifecycle_stage", "x", {"x": "MQL"}, "mql"),
        ("activity", "status", "x | map(activity.status)", {"x": True}, "done"),
        ("owner", "active", "x | map(owner.active)", {"x": "disabled"}, False),
    ],
)  # fmt: skip
def test_a_function_reads(kind: str, target: str, expression: str, row: dict[str, Any], value: Any) -> None:
    lines = {"key": "id", target: expression} if kind == "response" else {target: expression}
    mapping = mapped(lines, kind=kind, stream="some")

    found = read(mapping, {"id": 1, **row})

    assert next(iter(found.values())) == value


def test_a_stage_says_its_status_by_its_definition() -> None:
    context = Context(connection="crm", label="Acme", lookups={"stages": {"4": "won"}})
    mapping = mapped({"stage.status": "s | stage_status(stages)"}, kind="deal", stream="deals", context=context)

    assert mapping.read({"s": 4})[0] == [{"status": "won"}]
    assert mapping.read({"s": 5})[1][0].want == "stage that is known"
    unknown = mapped({"stage.status": "s | stage_status(stages)"}, kind="deal", stream="deals", context=BERLIN)
    assert unknown.read({"s": 4}) == ([ABSENT], [])


@pytest.mark.parametrize(("written", "means"), [("-", ABSENT), ("n/a", ABSENT), ("", None), (None, None)])
def test_a_filler_was_never_filled_where_an_empty_name_is_cleared(written: str | None, means: Any) -> None:
    mapping = mapped({"company_name": "firm | name"})

    assert mapping.read({"id": 1, "firm": written})[0] == [means]


def test_an_html_field_gets_escaped_text_and_only_if_the_text_changed() -> None:
    mapping = mapped({"description": "note | html"})
    shown = "<p>a &amp; b</p>"

    assert mapping.write({0: {"text": "a & b"}}, over={"note": shown}) == {}
    written = mapping.write({0: {"text": "a < c"}}, over={"note": shown})
    assert "&lt;" in written["note"]
    assert mapping.read(written)[0][0]["text"] == "a < c"


def test_a_duration_is_written_as_it_stood() -> None:
    mapping = mapped({"custom.s": "d | seconds"})

    assert mapping.write({0: 3725}, over={"d": "00:05"}) == {"d": "01:02:05"}
    assert mapping.write({0: 3720}, over={"d": "00:05"}) == {"d": "01:02"}
    assert mapping.write({0: 3725}, over={"d": 5}) == {"d": 3725}


@pytest.mark.parametrize("name", known_lists())
def test_every_code_of_a_list_belongs_to_a_field_of_the_schema(name: str) -> None:
    listed = picklist(name)
    assert listed is not None
    known = {code for kind in KINDS.values() for field in kind.fields.values()
             for codes in (field.codes, *field.part_codes.values()) for code in codes}  # fmt: skip

    assert set(listed.writes) <= known | {"true", "false"}


def test_a_list_of_one_vendor_goes_before_that_of_everybody() -> None:
    plain, own = picklist("consent"), picklist("consent", "activecampaign")
    assert plain is not None
    assert own is not None

    assert (plain.reads.get("1"), own.reads["1"], own.writes["granted"][0]) == (None, "granted", "1")
    assert own.reads["unsubscribed"] == "withdrawn"
    assert picklist("no such list") is None
    assert [folded(raw) for raw in (True, 1, " Won ")] == ["true", "1", "won"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_target_takes_a_bare_name_or_says_what_it_needs(kind: str) -> None:
    for target in names(kind):
        found = faults_of({target: "x"}, kind=kind, stream="some", catalogue=[info("x")])
        assert [fault.code for fault in found] in ([], ["CW109"], ["CW110"], ["CW107"], ["CW116"]), target
        assert all(fault.hint for fault in found), target


def test_nothing_to_write_is_a_mark_of_its_own() -> None:
    assert SKIP == ()


@pytest.mark.parametrize(
    ("wanted", "was", "written"),
    [
        pytest.param(["a", "b"], ["b"], ["a", "b"], id="put-back-where-it-stood"),
        pytest.param(["a", "b", "c"], ["c", "b"], ["c", "b", "a"], id="whoever-stays-keeps-the-order"),
        pytest.param(["a", "b"], [{"x": 1}, "b"], [{"x": 1}, "b", "a"], id="what-is-not-ours-stays-in-front"),
        pytest.param(["a", "b"], ["b", "c"], ["a", "b"], id="what-is-not-wanted-goes"),
        pytest.param(["a", "b"], None, ["a", "b"], id="nothing-was-there"),
    ],
)
def test_a_list_is_filled_up_without_moving_what_stays(wanted: Any, was: Any, written: Any) -> None:
    mapping = mapped({"tags": "x | tags"})

    assert mapping.write({0: wanted}, over={"x": was}) == {"x": written}
