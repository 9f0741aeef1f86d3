"""Lines of a Bulk file become what a query would have shown, whatever stands in them and in whatever order."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.salesforce import lists
from connectors.salesforce.shapes import FLAG, PERSON_ACCOUNTS, STREAM, Column, Shape
from connectors.sdk import RawRecord, RowFault, ShapeError
from connectors.sdk.decoding import DECODER, ENCODER

COLUMNS = (
    Column("Id", "id"),
    Column("SystemModstamp", "datetime"),
    Column("LastName", "string"),
    Column("Segments__c", "multipicklist"),
    Column("HasOptedOutOfEmail", "boolean"),
    Column("Count__c", "int"),
    Column("Score__c", "double"),
    Column("Price__c", "currency"),
    Column("Birthdate", "date"),
    Column("Seen__c", "datetime"),
    Column("AccountId", "reference"),
    Column("WhoId", "reference"),
    Column("Account.Name", "string", "AccountId"),
    Column("Account.Rating__c", "percent", "AccountId"),
    Column("Account.SystemModstamp", "datetime", "AccountId"),
    Column(FLAG, "boolean", "AccountId"),
)
LEADING = ("AccountId", "WhoId")
SHAPE = Shape(COLUMNS, LEADING)

_TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
_NUMBERS = st.sampled_from(["0", "-7", "12", "1.50", "-0.5", "1E3", "1e-3", "many", "²"])
_CELLS = {
    "id": st.just("003000000000001AAA"),
    "datetime": st.sampled_from(["2026-11-01T07:15:02.000Z", "2026-11-01T07:15:02.000+0000"]),
    "boolean": st.sampled_from(["true", "false", "TRUE", "False", "perhaps"]),
    "int": _NUMBERS,
    "double": _NUMBERS,
    "currency": _NUMBERS,
    "percent": _NUMBERS,
    "reference": st.sampled_from(["001000000000001AAA", "003000000000002AAA", "00Q000000000003AAA", "a01", "0"]),
}
_KEPT = ("Id", "SystemModstamp")  # without which a line is no record


@st.composite
def files(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """A header, some columns of it unknown, some missing, and a line."""
    further = (*COLUMNS, Column("New__c", "string"), Column("Owner.Name", "string"))
    some = [one for one in further if one.name in _KEPT or draw(st.booleans())]
    header = draw(st.permutations(some))
    cells = [
        draw(_CELLS.get(one.type, _TEXTS) if one.name in _KEPT else st.just("") | _CELLS.get(one.type, _TEXTS))
        for one in header
    ]
    return [one.name for one in header], cells


def column_by_column(header: list[str], cells: list[str]) -> dict[str, Any]:
    """The same, said the long way: the row that a query shows, brought into shape like any other."""
    known = {one.name: one for one in COLUMNS}
    told: dict[str, Any] = {}
    relationships: dict[str, dict[str, Any] | None] = {}
    for name, cell in zip(header, cells, strict=True):
        relationship, dot, part = name.partition(".")
        value = _of_text(known[name].type if name in known else "", cell)
        if not dot:
            told[name] = value
        elif name in known:
            parent = cells[header.index("AccountId")] if "AccountId" in header else ""
            if not parent:
                relationships[relationship] = None
            else:
                inner = relationships.setdefault(relationship, {"attributes": {"type": "Account"}})
                assert inner is not None
                inner[part] = value
    return dict(SHAPE.row({"attributes": {"type": "Contact"}, **told, **relationships}))


def _of_text(type_: str, cell: str) -> Any:
    if not cell:
        return None
    if type_ == "boolean":
        return {"true": True, "false": False}.get(cell.lower(), cell)
    if type_ == "datetime":
        return cell.replace("Z", "+0000")
    if type_ in ("int", "double", "currency", "percent"):
        if cell in ("many", "²"):
            return cell
        if type_ == "int":
            return int(cell) if cell.lstrip("-").isdigit() else Decimal(cell)
        return Decimal(cell if "." in cell or "e" in cell.lower() else f"{cell}.0")
    return cell


@given(files())
def test_a_line_says_what_the_row_of_a_query_says(file: tuple[list[str], list[str]]) -> None:
    header, cells = file

    (made,) = map(lists.of_cells(SHAPE, header, where="contacts"), [cells])

    assert isinstance(made, RawRecord)
    assert bytes(made.raw) == ENCODER.encode(column_by_column(header, cells))
    assert (made.key, made.version) == (made.values["Id"], made.values["SystemModstamp"])


_JSON = st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | _TEXTS
_ODD = _JSON | st.lists(_JSON, max_size=2) | st.dictionaries(_TEXTS, _JSON, max_size=2)
_USUAL = {
    "id": st.sampled_from(["003000000000001AAA", ""]),
    "datetime": st.sampled_from(["2026-11-01T07:15:02.000+0000", "2026-11-01T07:15:02", "yesterday"]),
    "boolean": st.booleans(),
    "multipicklist": st.sampled_from(["SMB", "SMB;EMEA", ""]),
    "reference": _CELLS["reference"],
}


@st.composite
def shown(draw: st.DrawFn) -> dict[str, Any]:
    """A row as a query might show it: some of it missing, empty, or of a form that nobody expects."""

    def value(column: Column) -> Any:
        usual = _USUAL.get(column.type, _JSON)
        return draw(usual if column.name in _KEPT and draw(st.booleans()) else st.one_of(usual, usual, st.none(), _ODD))

    row: dict[str, Any] = {"attributes": {"type": "Contact"}} if draw(st.booleans()) else {}
    row |= {one.name: value(one) for one in COLUMNS if one.parent is None and draw(st.integers(0, 9))}
    inner = {one.name.partition(".")[2]: value(one) for one in COLUMNS if one.parent and draw(st.integers(0, 9))}
    account = draw(st.sampled_from([inner, inner, {"attributes": {"type": "Account"}, **inner}, None, "no object", []]))
    return row | ({"Account": account} if draw(st.integers(0, 9)) else {})


@settings(max_examples=1000, deadline=None)
@given(shown())
def test_a_row_that_is_not_parsed_says_what_it_says_parsed(row: dict[str, Any]) -> None:
    raw = msgspec.Raw(ENCODER.encode(row))
    parsed = DECODER.decode(raw)

    (made, faults) = lists.records([raw], SHAPE, where="contacts")

    told = lists._record(parsed, SHAPE.row)
    if isinstance(told, str):
        assert (made, [fault.reason for fault in faults]) == ([], [told])
    else:
        assert [(one.key, one.version, one.modified, one.values) for one in made] == [
            (told.key, told.version, told.modified, told.values)
        ]


def test_rows_and_lines_of_one_record_are_the_same_bytes() -> None:
    """So that one read after the other is known to change nothing before it is parsed."""
    cells = {
        "Id": "003000000000001AAA", "SystemModstamp": "2026-11-01T07:15:02.000Z", "LastName": "Lind",
        "Segments__c": "SMB;EMEA", "HasOptedOutOfEmail": "false", "Count__c": "3", "Score__c": "9", "Price__c": "",
        "Birthdate": "1990-02-28", "AccountId": "001000000000001AAA", "WhoId": "", "Account.Name": "Nordwerk",
        "Account.Rating__c": "0.5", FLAG: "true",
    }  # fmt: skip
    row = {
        "attributes": {"type": "Contact"}, **{name: cell or None for name, cell in cells.items() if "." not in name},
        "SystemModstamp": "2026-11-01T07:15:02.000+0000", "HasOptedOutOfEmail": False, "Count__c": 3, "Score__c": 9.0,
        "Account": {"attributes": {"type": "Account"}, "Name": "Nordwerk", "Rating__c": 0.5, "IsPersonAccount": True},
    }  # fmt: skip

    line = lists.of_cells(SHAPE, list(cells), where="contacts")(list(cells.values()))
    (made,), _ = lists.records([msgspec.Raw(ENCODER.encode(row))], SHAPE, where="contacts")

    assert isinstance(line, RawRecord)
    assert isinstance(made, RawRecord)
    assert bytes(line.raw) == bytes(made.raw)


def test_an_account_of_a_person_leads_to_the_persons() -> None:
    header = [FLAG, "AccountId", "Id", "SystemModstamp"]
    read = SHAPE.cells(header)

    told = [
        DECODER.decode(ENCODER.encode(read([flag, account, "003", "2026-11-01T07:15:02.000Z"])[-1]))
        for flag, account in (("true", "001A"), ("false", "001A"), ("true", ""))
    ]

    assert [row["AccountId" + STREAM] for row in told] == [PERSON_ACCOUNTS, "accounts", None]


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["", "2026-11-01T07:15:02.000Z"], "a row without an Id"),
        (["003", "yesterday"], "SystemModstamp is no date-time"),
        (["003", ""], "SystemModstamp is no date-time"),
        (["003", "2026-11-01T07:15:02"], "SystemModstamp has no time zone"),
        (["003", "2026-11-01T07:15:02.000Z", "more"], "a line with another number of cells than its header"),
    ],
)
def test_a_line_that_is_no_record_is_set_aside(cells: list[str], why: str) -> None:
    made = lists.of_cells(SHAPE, ["Id", "SystemModstamp"], where="contacts")(cells)

    assert isinstance(made, RowFault)
    assert (made.reason, made.key) == (why, cells[0] or None)


@pytest.mark.parametrize("header", [["Id"], ["Id", "SystemModstamp", "Id"]])
def test_a_header_that_tells_no_record_ends_the_reading(header: list[str]) -> None:
    read = lists.of_cells(SHAPE, header, where="contacts")

    with pytest.raises(ShapeError, match="a column is missing or comes twice"):
        read(["003"] * len(header))


def test_a_line_takes_no_room_that_only_a_search_for_cycles_frees() -> None:
    *_, line = SHAPE.cells(["Id", "SystemModstamp"])(["003", ""])

    assert isinstance(line, msgspec.Struct)
    assert not line.__struct_config__.gc
