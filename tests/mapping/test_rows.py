"""Rows are read by one function that was written out for their mapping: it answers as its fields do one by one."""

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from random import Random
from typing import Any, Final

import msgspec
import pytest

from mapping.compile import CompiledMapping
from mapping.compile.model import ValueFault, Values
from mapping.compile.rows import Rows, Simple, Slots
from mapping.values import ABSENT, Value
from tests.mapping.mapped import info, mapped

LINES: Final = {
    "key": "id",
    "name.full": "name | name",
    "name.given": "first | name",
    "name.family": "last | name",
    "emails": "mails | emails(value, label, primary)",
    "phones": "numbers | phones(value, label, primary)",
    "job_title": "job | text",
    "birth_date": "born | day",
    "description": "notes | text",
    "tags": "marks | option",
    "works_at[primary]": "employer | ref(accounts)",
    "custom.tier": "own.tier | text",
    "custom.seats": "own.seats | text",
    "custom.paid": "own.paid | bool",
    # Sets of several lines, with parts of their own, and lines that look at the whole row.
    "urls[website]": "site | url",
    "-urls[linkedin]": "blog | url ?? site | url",
    "addresses[mailing]": "@ | address(street, city, region, code, country)",
    "addresses[billing]": "@ | address(street2, city2)",
    "consent[email.marketing]": "out | optout(true)",
    "-consent[email.marketing].captured_at": "since | at",
    "consent[phone.marketing]": "own.out | optout(1)",
    "external_ids[erp]": "vat | text",
    "-consent[phone.marketing].source": "bounced | filled(box, form)",
    "external_ids[sic]": "own.sic | text",
}
CATALOGUE: Final = [
    *(info(name) for name in ("id", "name", "first", "last", "mails", "numbers", "job", "born", "notes", "employer")),
    *(info(name) for name in ("site", "blog", "street", "city", "region", "code", "country", "street2", "city2")),
    *(info(name) for name in ("out", "since", "vat", "bounced")),
    info("marks", "multi", options=[("1", "Customer"), ("2", "Partner")]),
    *(info(name, path=f"own.{name}") for name in ("tier", "seats", "paid", "out", "sic")),
]
# Nothing in these asks for the whole row.
IN_LINE: Final = {name: text for name, text in LINES.items() if "urls" not in name} | {
    "deleted": "gone",
    "merged_into": "own.into",
    "custom.whole": "own | json",
    "+company_name": "firm | text",
}
# What equals something of another type, and must not be taken for it.
ALIKE: Final = (1, True, Decimal(1), "1", "true", 0, False, "0", "", "yes")
TIERS: Final = ("gold", " silver ", "Größe", "\u00e9", "e\u0301", None)
MARKS: Final[list[Any]] = [[1], ["1"], [2], [1, 2], [True], [7], [], None, "1", 1]

_encode: Final = msgspec.json.Encoder(decimal_format="number").encode
_decode: Final = msgspec.json.Decoder(float_hook=Decimal).decode


def row(random: Random, number: int) -> dict[str, Any]:
    """A row of which parts are missing, empty, of another type or faulty; some values come again, others never."""
    whole = {
        "id": number,
        "name": random.choice((f"Mara {number}", "-", "", None)),
        "first": random.choice(("Mara", "Ito", None, "-", 7, {"a": 1})),
        "last": random.choice(("Lind", "Sho", "", True)),
        "mails": random.choice(
            (
                [{"value": f"M{number}@acme.test", "label": "work", "primary": True}],
                [],
                None,
                [{"value": "nobody"}],
                "x",
            )
        ),
        "numbers": random.choice(([{"value": f"+49 30 {10_000_000 + number}", "label": "home"}], [{"value": "12"}], 5)),
        "job": random.choice((f"Job {number}", "Lead", 12, ["Lead"])),
        "born": random.choice(("1990-02-28", "1990-02-30", "", None)),
        "notes": random.choice((f"note {number}", "note", " \u00a0 ", None)),
        "marks": random.choice(MARKS),
        "employer": random.choice((number % 7, str(number % 7), None, True, Decimal(3), {"id": 4})),
        "site": random.choice((f"acme{number}.test", "acme.test", "no site", None, 3)),
        "blog": random.choice(("blog.acme.test", "", None, ["x"])),
        "street": random.choice((f"Road {number}", " ", "", None)),
        "city": random.choice(("Berlin", "", None, 7)),
        "region": random.choice(("BE", None, 0, [])),
        "code": random.choice((f"{number:05}", 12345, 0, None)),
        "country": random.choice(("DE", "Germany", "Utopia", "", None)),
        "street2": random.choice((f"Way {number}", None)),
        "city2": random.choice(("Köln", None)),
        "out": random.choice(ALIKE),
        "since": random.choice(("2026-11-22T16:02:00+02:00", "2026-11-22", "", None)),
        "vat": random.choice(("DE123", f"AT{number}", True, "", None)),
        "bounced": random.choice(("2026-11-22", "", False, None)),
        "own": {
            "tier": random.choice(TIERS),
            "seats": random.choice(ALIKE),
            "paid": random.choice(ALIKE),
            "out": random.choice(ALIKE),
            "sic": random.choice(("12", 12, None, [])),
        },
    }
    if random.random() < 0.1:
        whole["own"] = random.choice((None, "none", []))
    return {name: value for name, value in whole.items() if random.random() < 0.9}


def one_by_one(mapping: CompiledMapping, values: Values) -> tuple[list[Value], list[ValueFault]]:
    faults: list[ValueFault] = []
    return [reader(values, faults) for reader in mapping._readers], faults


@pytest.fixture(scope="module")
def mapping() -> CompiledMapping:
    return mapped(LINES, catalogue=CATALOGUE)


def rows(count: int) -> Iterator[dict[str, Any]]:
    random = Random(11)
    for number in range(count):
        yield row(random, number)


def typed(value: Value) -> Any:
    """With its type, so that 1 is not taken for True."""
    if isinstance(value, dict):
        return {name: typed(one) for name, one in value.items()}
    if isinstance(value, list):
        return [typed(one) for one in value]
    return type(value), value


def test_the_reader_answers_as_its_fields_do_while_it_learns_and_afterwards(mapping: CompiledMapping) -> None:
    for values in rows(5000):  # it learns from the first 2000
        before = deepcopy(values)

        told, faults = mapping.read(values)

        alone, faults_alone = one_by_one(mapping, values)
        assert typed(told) == typed(alone), values
        assert faults == faults_alone
        assert values == before


@pytest.mark.parametrize("later", [["Lead"], {"a": 1}, True, 1, Decimal(1), 1.5, None, "", "Job 7"], ids=repr)
@pytest.mark.parametrize("line", ["job | text", "job | bool", "job | optout(true)"])
def test_where_only_texts_stood_something_else_is_read_as_it_would_be_alone(line: str, later: Any) -> None:
    name = "consent[email.marketing]" if "optout" in line else "custom.job"
    mapping = mapped({name: line}, catalogue=CATALOGUE)
    rows = [{"job": str(number % 2)} for number in range(2500)] + [{"job": later}, {}, {"job": later}]

    for values in rows:
        told = [mapping.read(values)]
        if (raw := mapping.read_raw(_encode(values))) is not None and type(later) is not float:
            told.append(raw[:2])

        alone, faults = one_by_one(mapping, values)
        for read, found in told:
            assert typed(read) == typed(alone), values
            assert found == faults


def test_sets_of_one_line_are_read_as_they_would_be_alone() -> None:
    """A text, a number with an extension, a reference, several: each becomes the elements that its line says."""
    lines = {
        "emails[work]": "mail | email",
        "phones[mobile]": "number | phone",
        "tags": "job | text",
        "works_at[primary]": "employer | ref(accounts)",
        "owned_by": "owner | ref(users)",
        "external_ids[erp]": "vat | text",
        "urls[website]": "site | url",
    }
    mapping = mapped(lines, catalogue=[*CATALOGUE, info("mail"), info("number"), info("owner")])
    random = Random(14)
    for number in range(5000):
        values = row(random, number) | {
            "mail": random.choice((f"M{number}@acme.test", "m@acme.test", "nobody", "", None, 3)),
            "number": random.choice((f"+49 30 {10_000_000 + number}", "+49 30 123456 ext. 7", "12", None, [])),
            "owner": random.choice((number, str(number % 3), [str(number), "1"], [number], {"id": "u1"}, None)),
        }
        before = deepcopy(values)

        told, faults = mapping.read(values)
        raw = mapping.read_raw(_encode(values))

        alone, faults_alone = one_by_one(mapping, values)
        assert typed(told) == typed(alone), values
        assert faults == faults_alone
        assert raw is not None
        assert (typed(raw[0]), raw[1]) == (typed(alone), faults)
        assert values == before


def test_sets_of_several_lines_stand_in_line_too(mapping: CompiledMapping) -> None:
    kinds = {name: type(one) for name, one in zip(mapping.fields, mapping._rows._inline, strict=True)}

    assert {name for name, kind in kinds.items() if kind is Slots} == {"addresses", "consent", "external_ids"}
    assert kinds["urls"] is type(None)  # one of its lines has two places


def test_what_comes_again_is_made_once_and_what_does_not_is_not_kept() -> None:
    made: list[str] = []

    def step(raw: Value) -> Value:
        made.append(raw)
        return raw.upper()

    def reader(values: Values, faults: list[ValueFault]) -> Value:
        raise AssertionError("it stands in line")

    fields = [Simple((name,), ABSENT, lambda row: ABSENT, step) for name in ("tier", "number")]
    both = Rows([reader, reader], fields)

    for number in range(4000):
        assert both.read({"tier": "gold", "number": f"n{number}"}, []) == ["GOLD", f"N{number}"]

    assert made.count("gold") == 1
    assert len(made) == 1 + 4000
    assert both.remembers() == 1


# -- rows that are JSON ---------------------------------------------------------------------------------------------

IN_LINE_CATALOGUE: Final = [*CATALOGUE, info("gone"), info("firm"), info("own", "json"), info("own.into")]


def in_line(**more: str) -> CompiledMapping:
    return mapped(IN_LINE | more, catalogue=IN_LINE_CATALOGUE)


def flagged(random: Random, number: int) -> dict[str, Any]:
    """A row of which something may have become."""
    told = row(random, number)
    if random.random() < 0.3:
        told["gone"] = random.choice((True, False, None, "true", "false", 0, 1))
    if random.random() < 0.3 and isinstance(told.get("own"), dict):
        told["own"]["into"] = random.choice((None, "", 7))
    if random.random() < 0.1:
        told["own.tier"] = "said at the top"
    return told


@pytest.mark.parametrize("more", [{}, {"custom.whole": "gone | text"}], ids=["an-object-twice", "an-object-in-parts"])
def test_a_row_that_is_json_is_read_as_one_that_was_parsed(more: dict[str, str]) -> None:
    mapping, random, whole = in_line(**more), Random(12), 0
    for number in range(5000):  # it learns from the first 2000
        raw = _encode(flagged(random, number))
        values = _decode(raw)

        told = mapping.read_raw(raw)

        if told is None:  # `own` is a text: no structure, so it is parsed
            assert not isinstance(values.get("own", {}), dict | None)
            continue
        whole += 1
        read, faults, state = told
        alone, faults_alone = one_by_one(mapping, values)
        assert typed(read) == typed(alone), values
        assert faults == faults_alone
        assert state == mapping.state(values)
    assert whole > 4500


@pytest.mark.parametrize("first", [b"", b'{"job": "\xff"}', b'["Lead"]', b'{"own": 7}', b'{"own": {}}'])
def test_a_row_says_the_same_in_whatever_order_its_keys_come(first: bytes) -> None:
    """The first ones show the order in which they are looked for."""
    mapping, random = in_line(), Random(13)
    mapping.read_raw(first)
    for number in range(2500):
        values = flagged(random, number)
        keys = random.sample(list(values), len(values))
        raw = _encode({key: values[key] for key in keys})

        told = mapping.read_raw(raw)

        if told is not None:
            alone, faults = one_by_one(mapping, _decode(raw))
            assert typed(told[0]) == typed(alone), values
            assert told[1] == faults


def test_where_a_key_is_missing_it_is_cleared_if_the_stream_says_so() -> None:
    mapping = in_line(missing="cleared")

    told = mapping.read_raw(b'{"own": {"tier": "gold"}}')

    assert told is not None
    assert told[:2] == mapping.read({"own": {"tier": "gold"}})
    assert told[0][mapping.fields.index("job_title")] is None


@pytest.mark.parametrize(
    "raw",
    [b'{"job": "Lead"', b'["Lead"]', b'{"unasked": "\xff"}', b'{"unasked": "\\ud83d"}', b'{"job": "\xff"}', b""],
    ids=["cut", "no-object", "no-text", "half-a-letter", "no-text-in-a-field", "nothing"],
)
def test_what_is_no_whole_json_is_left_to_whoever_mends_it(raw: bytes) -> None:
    assert in_line().read_raw(raw) is None


@pytest.mark.parametrize(
    "lines",
    [
        {"urls[website]": "blog | url ?? site | url"},
        {"where": "job = 'Lead'"},
        {"deleted": "gone | not"},
        {"alias": "firm"},
    ],
    ids=["a-field-of-two-places", "a-scope", "a-flag-that-is-made", "further-keys"],
)
def test_a_mapping_that_asks_for_more_than_places_has_its_rows_parsed(lines: dict[str, str]) -> None:
    assert in_line(**lines).read_raw(b'{"job": "Lead"}') is None


def test_a_key_that_no_member_can_be_called_by_has_its_rows_parsed() -> None:
    mapping = mapped({"job_title": '"say \\"x\\"" | text'}, catalogue=[info('say "x"')])

    assert mapping.read({'say "x"': "Lead"})[0] == ["Lead"]
    assert mapping.read_raw(b'{"say \\"x\\"": "Lead"}') is None
