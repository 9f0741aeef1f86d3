"""Folders as they are found in offices: what is read, when, and what is set aside."""

import json
import os
import re
import tracemalloc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from connectors.files.connector import FilesConnector
from connectors.files.settings import FilesSettings, FilesStream
from connectors.sdk.contract import NOT_KEPT, Page, Position, Record, RowFault, Window, Write
from connectors.sdk.errors import LaterError, SetupError, ShapeError
from connectors.sdk.fakes import Bench
from mapping.language import parse_path

LONG_AGO = 1_700_000_000


class Folder:
    """A folder, a connector over it, and where its last window ended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.position: Position | None = None
        self._clock = LONG_AGO

    def write(self, name: str, content: str | bytes, *, encoding: str = "utf-8") -> Path:
        """Each write is a minute after the one before, so that times can be told apart."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
        self._clock += 60
        os.utime(path, (self._clock, self._clock))
        return path

    def connector(self, **stream: Any) -> FilesConnector:
        stream = {"files": "members-*", "entity": "person", "key": "no", **stream}
        settings = FilesSettings(path=self.path, streams={"members": FilesStream(**stream)})
        return FilesConnector.connect(settings, Bench().tools("shop", time_zone="Europe/Berlin"))

    def pages(self, **stream: Any) -> Iterator[Page]:
        window = Window(part="", since=None, position=self.position)
        for page in self.connector(**stream).pull("members", window):
            self.position = json.loads(json.dumps(page.position))
            yield page

    def pull(self, **stream: Any) -> "Pulled":
        return Pulled(list(self.pages(**stream)))


class Pulled:
    def __init__(self, pages: Sequence[Page]) -> None:
        self.pages = pages
        self.records: list[Record] = [record for page in pages for record in page.records]
        self.faults: list[RowFault] = [fault for page in pages for fault in page.faults]

    @property
    def values(self) -> dict[str, dict[str, Any]]:
        return {record.key: dict(record.values) for record in self.records}

    @property
    def keys(self) -> list[str]:
        return [record.key for record in self.records]

    @property
    def aside(self) -> dict[str, str]:
        return {fault.where: fault.reason for fault in self.faults}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "exports")


# What a file looks like.


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encoding_delimiter_and_line_ends_are_found(folder: Folder, encoding: str, delimiter: str, end: str) -> None:
    rows = [["no", "Name", "Tel. privat"], ["1", "Jürgen Groß", "0211 1"], ["2", "Ærø Øst", ""]]
    folder.write("members-1.csv", end.join(delimiter.join(row) for row in rows), encoding=encoding)

    pulled = folder.pull()

    assert pulled.values == {
        "1": {"no": "1", "Name": "Jürgen Groß", "Tel. privat": "0211 1"},
        "2": {"no": "2", "Name": "Ærø Øst", "Tel. privat": None},
    }
    assert pulled.aside == {}


def test_an_encoding_that_shows_only_far_behind_is_found(folder: Folder) -> None:
    rows = "".join(f"{number};plain\n" for number in range(20_000))
    folder.write("members-1.csv", f"no;name\n{rows}20000;Jürgen\n", encoding="cp1252")

    pulled = folder.pull()

    assert pulled.values["20000"]["name"] == "Jürgen"
    assert pulled.aside == {}


def test_what_is_not_there_is_absent_and_what_is_empty_is_cleared(folder: Folder) -> None:
    folder.write("members-1.csv", "no,name,phone\n1,,\n2,Ada\n3, ,5\n")

    assert folder.pull().values == {
        "1": {"no": "1", "name": None, "phone": None},
        "2": {"no": "2", "name": "Ada"},
        "3": {"no": "3", "name": None, "phone": "5"},
    }


def test_what_spreadsheets_do_to_a_file_is_undone(folder: Folder) -> None:
    text = (
        'sep=;\r\nno;  E-Mail ;E-Mail;"Tel.\nprivat";;Betrag;;\r\n'
        '="0017";a@x.test;b@x.test;\'+49 211 1;seen;"1.234,50";;\r\n'
        "2;#N/A;\0b@x.test;;;;;\r\n;;;;;;;\r\n"
    )
    folder.write("members-1.csv", text)

    pulled = folder.pull()

    assert pulled.values == {
        "0017": {
            "no": "0017",
            "E-Mail": "a@x.test",
            "E-Mail (2)": "b@x.test",
            "Tel. privat": "+49 211 1",
            "column 5": "seen",
            "Betrag": "1.234,50",
        },
        "2": {"no": "2", "E-Mail (2)": "b@x.test", "Tel. privat": None, "column 5": None, "Betrag": None},
    }
    assert pulled.aside == {}


def test_a_column_with_signs_of_a_path_is_one_name(folder: Folder) -> None:
    folder.write("members-1.csv", 'no;Tel. privat;USt-IdNr.;Betrag [EUR];"a ""b"""\n1;0211 1;DE1;5;6\n')
    folder.write("members-2.jsonl", '{"no": 2, "address": {"city": "Berlin", "Nr. alt": "5"}, "a. b": "c"}\n')

    told = {field.name: field.path for field in folder.connector().fields("members")}

    assert told == {
        "no": "no",
        "Tel. privat": '"Tel. privat"',
        "USt-IdNr.": '"USt-IdNr."',
        "Betrag [EUR]": '"Betrag [EUR]"',
        'a "b"': r'"a \"b\""',
        "address.city": "address.city",
        "address.Nr. alt": 'address."Nr. alt"',
        "a. b": '"a. b"',
    }
    for name, path in told.items():
        assert ".".join(step.name for step in parse_path(path).steps) == name


def test_titles_above_the_header_are_passed_over(folder: Folder) -> None:
    folder.write("members-1.csv", "Export of members\nAs of, yesterday, noon\n\nno;name\n1;Ada, Countess\n")

    assert folder.pull().values == {"1": {"no": "1", "name": "Ada, Countess"}}


def test_rows_that_cannot_be_read_are_set_aside_by_line_and_the_others_go_on(folder: Folder) -> None:
    folder.write(
        "members-11.csv",
        "no,name\n1,Ada\n,nobody\n2,a,b,c\n1,Ada again\n4.71E+12,Eva\n"
        + 'x,"multi\nline"\n3,"never closed\n4,Grace\n5,Mara\n',
    )

    pulled = folder.pull()

    assert pulled.keys == ["1", "x", "4", "5"]
    assert {where: re.split("[:;]", reason)[0] for where, reason in pulled.aside.items()} == {
        "members-11.csv line 3": "has no key",
        "members-11.csv line 4": "has 4 cells, the header 2",
        "members-11.csv line 5": "its key stands twice in this file",
        "members-11.csv line 6": "the key was rounded by a spreadsheet, as 4.71E+12 is",
        "members-11.csv line 9": "a quotation mark is opened here and never closed",
    }
    assert [fault.raw for fault in pulled.faults if fault.where.endswith("line 4")] == [["2", "a", "b", "c"]]
    assert not any("Ada" in fault.reason or "nobody" in fault.reason for fault in pulled.faults)


@pytest.mark.parametrize("name", ["members-1.csv", "members-1.jsonl"])
def test_a_file_in_another_encoding_than_it_is_said_to_have_is_told_as_that(folder: Folder, name: str) -> None:
    folder.write(name, "no,name\n1,Mara\n" if name.endswith("csv") else '{"no": "1", "name": "Mara"}\n')

    with pytest.raises(ShapeError, match=rf"{name} is no text in utf-16"):
        folder.connector(encoding="utf-16").fields("members")
    assert folder.pull(encoding="utf-16").aside == {name: "is no text in utf-16"}


def test_a_key_that_no_store_can_keep_costs_its_row_alone(folder: Folder) -> None:
    rows = [{"no": key, "name": "Mara"} for key in ("1", "7" * 501, "2\0")]
    folder.write("members-1.jsonl", "\n".join(map(json.dumps, rows)))

    pulled = folder.pull()

    assert pulled.keys == ["1"]
    assert pulled.aside == {"members-1.jsonl line 2": NOT_KEPT, "members-1.jsonl line 3": NOT_KEPT}
    assert list(folder.connector().keys("members")) == [["1"]]  # it hides nobody's record


def test_bytes_of_another_encoding_cost_their_row_alone(folder: Folder) -> None:
    folder.write("members-1.csv", "no,name\n1,Jürgen\n2,Zoë\n".encode() + b"3,J\xfcrgen\n4,Ada\n")

    pulled = folder.pull()

    assert pulled.keys == ["1", "2", "4"]
    assert pulled.aside == {"members-1.csv line 4": "bytes that are no text in the file's encoding"}


def test_a_key_of_several_columns_is_one_and_needs_them_all(folder: Folder) -> None:
    folder.write("members-1.csv", "shop,no\na|b,1\na,b|1\na,\n")

    pulled = folder.pull(key=["shop", "no"])

    assert pulled.keys == ["a%7Cb|1", "a|b%7C1"]
    assert pulled.aside == {"members-1.csv line 4": "has no key"}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-11-22T16:02:00Z", datetime(2026, 11, 22, 16, 2, tzinfo=UTC)),
        ("2026-11-22 16:02", datetime(2026, 11, 22, 15, 2, tzinfo=UTC)),
        ("22.11.2026 16:02", datetime(2026, 11, 22, 15, 2, tzinfo=UTC)),
        ("2026-11-22", datetime(2026, 11, 21, 23, 0, tzinfo=UTC)),
        ("", None),
    ],
)
def test_a_row_may_say_when_it_was_changed(folder: Folder, said: str, meant: datetime | None) -> None:
    folder.write("members-1.csv", f"no,changed\n1,{said}\n2,yesterday\n")

    pulled = folder.pull(modified="changed")

    assert [(record.key, record.modified) for record in pulled.records] == [("1", meant)]
    assert pulled.aside == {"members-1.csv line 3": "'changed' is no time that we know"}


def test_json_lines_are_read_and_broken_ones_set_aside(folder: Folder) -> None:
    lines = [
        '{"no": 1, "name": "Zoë 🎈", "amount": 12.50, "tags": ["a"], "empty": ""}',
        "",
        '{"no": 2, "name": null}',
        '{"no": 3, "name": "half',
        "[4]",
        '{"no": 5, "name": "\\ud83d"}',
        '{"no": true}',
    ]
    folder.write("members-1.jsonl", "\n".join(lines))

    pulled = folder.pull()

    assert pulled.values == {
        "1": {"no": 1, "name": "Zoë 🎈", "amount": Decimal("12.50"), "tags": ["a"], "empty": None},
        "2": {"no": 2, "name": None},
    }
    assert pulled.aside == {
        "members-1.jsonl line 4": "is no JSON, or no text in the file's encoding",
        "members-1.jsonl line 5": "is no object",
        "members-1.jsonl line 6": "has half a letter in a text",
        "members-1.jsonl line 7": "has no key",
    }


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('[{"no": "1", "a": {"b": [1]}}, {"no": "2", "a": null}]', id="a-list"),
        pytest.param('{"t": [1, 2], "rows": [{"no": "1", "a": {"b": [1]}}, {"no": "2", "a": null}]}', id="wrapped"),
        pytest.param('{"no": "1", "a": {"b": [1]}}\n{"no": "2", "a": null}\n', id="lines-by-another-name"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_is_read_as_it_comes(folder: Folder, text: str, encoding: str) -> None:
    folder.write("members-1.json", text, encoding=encoding)

    assert folder.pull().values == {"1": {"no": "1", "a": {"b": [1]}}, "2": {"no": "2", "a": None}}


def test_a_list_longer_than_a_piece_is_read_element_by_element(folder: Folder) -> None:
    rows = [{"no": number, "text": "x" * 97, "share": number / 4} for number in range(20_000)]
    folder.write("members-1.json", json.dumps(rows))

    pulled = folder.pull()

    assert pulled.keys == [str(number) for number in range(20_000)]
    assert pulled.values["19999"] == {"no": 19999, "text": "x" * 97, "share": Decimal("4999.75")}


def workbook(path: Path, rows: list[list[Any]], *, title: str = "Members") -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    other = book.create_sheet("Other")
    other.append(["no", "name"])
    other.append([9, "from another sheet"])
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def test_a_workbook_is_read_as_it_is_shown(folder: Folder) -> None:
    day, moment = datetime.fromisoformat("2026-11-22"), datetime.fromisoformat("2026-11-22T16:02")
    rows: list[list[Any]] = [
        ["Members of the club"],
        ["no", "amount", "since", "seen", "active", "note", "computed"],
        [1, 12000.0, day, moment, True, "Zoë", "=A3*2"],
        ["0017", 0.1 + 0.2, None, None, False, "#REF!", "x"],
        [None, None, None, None, None, None, None],
        [4711, 1.5, None, None, None, " ", None],
    ]
    workbook(folder.path / "members-1.xlsx", rows)
    book = openpyxl.load_workbook(folder.path / "members-1.xlsx")
    book["Members"]["C3"].number_format = "DD.MM.YYYY"
    book.save(folder.path / "members-1.xlsx")

    pulled = folder.pull()

    nothing = {"since": None, "seen": None}
    assert pulled.values == {
        # Nobody opened the workbook since its formula was written: what it comes to is not known, and not empty.
        "1": {
            "no": 1, "amount": 12000, "since": "2026-11-22", "seen": "2026-11-22T16:02:00", "active": True,
            "note": "Zoë",
        },
        "0017": {"no": "0017", "amount": Decimal("0.3"), **nothing, "active": False, "computed": "x"},
        "4711": {"no": 4711, "amount": Decimal("1.5"), **nothing, "active": None, "note": None, "computed": None},
    }  # fmt: skip
    assert pulled.aside == {}


def test_a_number_that_is_shown_with_zeros_in_front_keeps_them(folder: Folder) -> None:
    """As spreadsheets have it for postal codes."""
    workbook(folder.path / "members-1.xlsx", [["no", "zip", "count", "share"], [17, 1067, 7, 5], [18, 81234, 8, 6]])
    book = openpyxl.load_workbook(folder.path / "members-1.xlsx")
    for row in (2, 3):
        book["Members"][f"A{row}"].number_format = "0000;@"
        book["Members"][f"B{row}"].number_format = "00000"
        book["Members"][f"C{row}"].number_format = "0"
        book["Members"][f"D{row}"].number_format = "0.00"
    book.save(folder.path / "members-1.xlsx")

    assert folder.pull().values == {
        "0017": {"no": "0017", "zip": "01067", "count": 7, "share": 5},
        "0018": {"no": "0018", "zip": "81234", "count": 8, "share": 6},
    }


def test_a_sheet_that_is_hidden_is_read_only_where_it_is_named(folder: Folder) -> None:
    workbook(folder.path / "members-1.xlsx", [["no"], [1]])
    book = openpyxl.load_workbook(folder.path / "members-1.xlsx")
    book["Members"].sheet_state = "hidden"
    book.active = book["Other"]
    book.save(folder.path / "members-1.xlsx")

    assert folder.pull().keys == ["9"]
    assert {field.name for field in folder.connector().fields("members")} == {"no", "name"}
    folder.position = None
    assert folder.pull(sheet="Members").keys == ["1"]


def test_another_sheet_is_read_where_it_is_named(folder: Folder) -> None:
    workbook(folder.path / "members-1.xlsx", [["no"], [1]])

    assert folder.pull(sheet="Other").keys == ["9"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("members-2.csv", b"", "is empty: not even a header"),
        ("members-2.csv", b"\n \r\n", "is empty: not even a header"),
        ("members-2.csv", b"7,Ada\n8,Mara\n", "has no column 'no' in its first 20 lines"),
        ("members-2.csv", b"No;name\n8;Mara\n", "has no column 'no' in its first 20 lines; it has 'No'"),
        ("members-2.csv", bytes(range(256)) * 40, "has no column 'no' in its first 20 lines"),
        ("members-2.csv", b"\x1f\x8b\x08\x00rest", "is compressed: unpack it"),
        ("members-2.zip", b"PK\x03\x04rest", "is an archive: unpack it"),
        ("members-2.xlsx", b"PK\x03\x04rest", "is no workbook that can be read: open it and save it again"),
        ("members-2.xlsx", b"no,name\n", "is no workbook, whatever its name says"),
        ("members-2.xls", b"\xd0\xcf\x11\xe0rest", "is encrypted, or of the form before .xlsx: save it as .xlsx"),
        ("members-2.json", b'{"no": 1, "name": "Ada"}', "is JSON, but no list of rows, nor an object that holds one"),
        ("members-2.json", b'[{"no": 7}, {"no', "is broken JSON"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_named_and_the_others_go_on(
    folder: Folder, name: str, content: bytes, reason: str
) -> None:
    folder.write("members-1.csv", "no,name\n1,Ada\n")
    folder.write("members-3.csv", "no,name\n3,Mara\n")
    folder.write(name, content)

    pulled = folder.pull()

    assert [key for key in pulled.keys if key != "7"] == ["3", "1"]
    assert pulled.aside == {name: reason}
    assert pulled.pages[-1].last


# What is read when.


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are opened, as they are."""
    names: list[str] = []
    real = Path.open

    def spying(self: Path, *args: Any, **options: Any) -> Any:
        names.append(self.name)
        return real(self, *args, **options)

    monkeypatch.setattr(Path, "open", spying)
    return names


def test_nothing_is_opened_while_nothing_changes(folder: Folder, opened: list[str]) -> None:
    folder.write("members-1.csv", "no\n1\n")
    folder.write("members-2.csv", "no\n2\n")
    folder.pull()
    opened.clear()

    pulled = folder.pull()

    assert opened == []
    assert (pulled.records, pulled.pages[-1].last) == ([], True)


def test_a_newest_file_is_read_alone(folder: Folder, opened: list[str]) -> None:
    folder.write("members-9.csv", "no,name\n1,old\n2,Ada\n")
    folder.pull()
    folder.write("members-10.csv", "no,name\n1,new\n")
    opened.clear()

    pulled = folder.pull()

    assert opened == ["members-10.csv"]
    assert pulled.values == {"1": {"no": "1", "name": "new"}}


def test_a_file_that_was_only_touched_is_not_read_again(folder: Folder) -> None:
    path = folder.write("members-1.csv", "no\n1\n")
    folder.pull()
    os.utime(path, (LONG_AGO + 9000, LONG_AGO + 9000))

    assert folder.pull().records == []


@pytest.mark.parametrize("copy", ["members-1 (1).csv", "members-1 2.csv", "members-1-2.csv", "members-1_2.csv"])
def test_what_a_browser_or_a_desktop_numbers_is_newer_than_what_it_was_beside(folder: Folder, copy: str) -> None:
    folder.write("members-1.csv", "no,name\n1,old\n")
    folder.pull()
    folder.write(copy, "no,name\n1,corrected\n")

    assert folder.pull().values == {"1": {"no": "1", "name": "corrected"}}


def test_a_change_that_keeps_size_and_time_is_found_while_the_file_is_young(tmp_path: Path) -> None:
    bench = Bench()
    now = bench.clock.now.timestamp()
    settings = FilesSettings(
        path=tmp_path, streams={"members": FilesStream(files="*.csv", entity="person", key=("no",))}
    )
    connector = FilesConnector.connect(settings, bench.tools())
    path = tmp_path / "m.csv"
    path.write_text("no\n1\n")
    os.utime(path, (now, now))
    *_, last = connector.pull("members", Window("", None))
    path.write_text("no\n2\n")
    os.utime(path, (now, now))

    pages = list(connector.pull("members", Window("", None, last.position)))

    assert [record.key for page in pages for record in page.records] == ["2"]


def test_the_newest_file_counts_for_a_key_in_several(folder: Folder) -> None:
    folder.write("members-10.csv", "no,name\n1,new\n2,new\n")
    folder.write("members-9.csv", "no,name\n1,old\n3,old\n")

    pulled = folder.pull()

    assert pulled.keys == ["1", "2", "3"]
    assert {key: values["name"] for key, values in pulled.values.items()} == {"1": "new", "2": "new", "3": "old"}


def test_a_corrected_old_file_does_not_override_a_newer_one(folder: Folder) -> None:
    folder.write("members-10.csv", "no,name\n1,new\n")
    folder.write("members-9.csv", "no,name\n1,old\n3,old\n")
    folder.pull()
    folder.write("members-9.csv", "no,name\n1,older\n3,corrected\n4,added\n")

    assert {key: values["name"] for key, values in folder.pull().values.items()} == {"3": "corrected", "4": "added"}


@pytest.mark.parametrize("how", ["row", "file"])
def test_what_was_hidden_shows_when_the_newer_row_goes(folder: Folder, how: str) -> None:
    newest = folder.write("members-10.csv", "no,name\n1,new\n2,new\n")
    folder.write("members-9.csv", "no,name\n1,old\n")
    folder.pull()
    if how == "row":
        folder.write("members-10.csv", "no,name\n2,new\n")
    else:
        newest.unlink()

    assert folder.pull().values["1"] == {"no": "1", "name": "old"}


@pytest.mark.parametrize("broken", ["no,name\n2,new\n1,new,of too many\n", "\x00\x01 nothing of use"])
def test_a_newer_file_that_broke_does_not_bring_back_what_it_hid(folder: Folder, broken: str) -> None:
    folder.write("members-10.csv", "no,name\n1,new\n2,new\n")
    folder.write("members-9.csv", "no,name\n1,old\n")
    folder.pull()
    folder.write("members-10.csv", broken)

    while_broken = folder.pull()
    folder.write("members-10.csv", "no,name\n2,new\n")
    corrected = folder.pull()

    assert "1" not in while_broken.keys
    assert len(while_broken.faults) == 1
    assert corrected.values == {"1": {"no": "1", "name": "old"}, "2": {"no": "2", "name": "new"}}


@pytest.mark.parametrize("stop_after", [1, 2, 3, 4, 5, 6])
def test_an_interrupted_window_goes_on_where_it_stood(folder: Folder, stop_after: int) -> None:
    for number, start in ((1, 0), (2, 900), (3, 1800)):
        rows = "".join(f"{row}\n" for row in range(start, start + 1000))
        folder.write(f"members-{number}.csv", f"no\n{rows}")
    first: list[str] = []
    for count, page in enumerate(folder.pages(), 1):
        first += [record.key for record in page.records]
        if count == stop_after:
            break

    rest = folder.pull()

    assert sorted(map(int, first + rest.keys)) == list(range(2800))
    assert rest.pages[-1].last
    assert folder.pull().records == []


def test_an_interrupted_window_reads_anew_what_changed_meanwhile(folder: Folder) -> None:
    rows = "".join(f"{row},a\n" for row in range(1200))
    folder.write("members-1.csv", f"no,name\n{rows}")
    next(folder.pages())
    folder.write("members-1.csv", f"no,name\n{rows.replace('a', 'b')}")

    pulled = folder.pull()

    assert len(pulled.keys) == 1200
    assert {values["name"] for values in pulled.values.values()} == {"b"}


def test_a_file_that_is_written_meanwhile_waits_for_the_next_run(folder: Folder) -> None:
    folder.write("members-3.csv", "no\nnewest\n")
    path = folder.write("members-2.csv", "no\n" + "".join(f"{row}\n" for row in range(1100)))
    folder.write("members-1.csv", "no\noldest\n")
    pages = folder.pages()
    keys = [record.key for record in next(pages).records]
    with path.open("a") as file:
        file.write("late\n")

    def go_on() -> None:
        for page in pages:
            keys.extend(record.key for record in page.records)

    with pytest.raises(LaterError, match=r"members-2\.csv is being written"):
        go_on()
    after = folder.pull()

    assert keys[0] == "newest"
    assert "oldest" not in keys
    assert after.keys == [*map(str, range(1100)), "late", "oldest"]
    assert after.pages[-1].last


@pytest.mark.parametrize(
    ("content", "age", "waits"),
    [
        pytest.param(b"no,name\n1,Lindqv", 1, True, id="just-written"),
        pytest.param("no,name\n1,Lindqv".encode("utf-16"), 1, True, id="of-two-bytes"),
        pytest.param(b"no,name\n1,Lindqvist", 60, False, id="nobody-has-gone-on"),
        pytest.param(b"no,name\r\n1,Lindqvist\r\n", 1, False, id="whole"),
        pytest.param("no,name\n1,Lindqvist\n".encode("utf-16"), 1, False, id="whole-of-two-bytes"),
        pytest.param(b'[{"no": 1, "name": "Lindqvist"}]', 1, False, id="JSON-has-an-end-of-its-own"),
    ],
)
def test_a_file_that_ends_in_the_middle_of_a_line_may_still_be_copied(
    tmp_path: Path, content: bytes, age: float, waits: bool
) -> None:
    """Half a value would be an edit, and half a row somebody without an address."""
    bench = Bench()
    settings = FilesSettings(path=tmp_path, streams={"members": FilesStream(files="*", entity="person", key=("no",))})
    connector = FilesConnector.connect(settings, bench.tools())
    path = tmp_path / ("m.json" if content.startswith(b"[") else "m.csv")
    path.write_bytes(content)
    os.utime(path, (written := bench.clock.now.timestamp() - age, written))

    def read() -> list[str]:
        pages = connector.pull("members", Window("", None))
        return [record.values["name"] for page in pages for record in page.records]

    before = bench.clock.now
    [name] = read()

    assert "Lindqvist".startswith(name)
    assert (bench.clock.now - before).total_seconds() == pytest.approx(10 - age if waits else 0, abs=0.1)

    def goes_on(_seconds: float) -> None:
        path.write_bytes(content + b"ist")

    copied = FilesConnector.connect(settings, replace(bench.tools(), sleep=goes_on))
    bench.clock.now = before
    if waits:
        with pytest.raises(LaterError, match=r"m\.csv is being written"):
            list(copied.pull("members", Window("", None)))
        os.utime(path, (written, written))
        with pytest.raises(LaterError):
            list(copied.keys("members"))


def test_a_page_names_the_files_whose_old_faults_are_mended(folder: Folder) -> None:
    broken = folder.write("members-2.csv", "no,name\n1,a,b,c\n")
    folder.write("members-1.csv", "no,name\n" + "".join(f"{row},x\n" for row in range(700)))
    first = folder.pull()
    quiet = folder.pull()
    folder.write("members-2.csv", "no,name\n1,a\n")
    corrected = folder.pull()
    broken.unlink()
    gone = folder.pull()

    assert [page.anew for page in first.pages] == [("members-2.csv", "members-1.csv"), ()]
    assert [page.anew for page in quiet.pages] == [()]
    assert [name for page in corrected.pages for name in page.anew] == ["members-2.csv", "members-1.csv"]
    assert [name for page in gone.pages for name in page.anew] == ["members-2.csv", "members-1.csv"]


def test_a_file_that_is_read_on_is_not_read_anew(folder: Folder) -> None:
    folder.write("members-1.csv", "no,name\n" + "".join(f"{row},x\n" for row in range(700)))
    next(folder.pages())

    assert [page.anew for page in folder.pull().pages] == [()]


# What is gone.


def listed(folder: Folder, **stream: Any) -> list[str]:
    return sorted(key for keys in folder.connector(**stream).keys("members") for key in keys)


def test_keys_are_those_of_all_files(folder: Folder) -> None:
    folder.write("members-1.csv", "no\n1\n2\n")
    folder.write("members-2.csv", "no\n2\n3\n")

    assert set(listed(folder)) == {"1", "2", "3"}


def test_keys_are_not_told_while_one_cannot_be_read(folder: Folder) -> None:
    folder.write("members-1.csv", "no,name\n1,a\n2,b,too,many\n")

    with pytest.raises(ShapeError, match=r"members-1\.csv line 3: has 4 cells"):
        listed(folder)


def test_an_empty_folder_is_no_proof_that_all_are_gone(folder: Folder) -> None:
    folder.write("members-1.csv", "no\n1\n").unlink()

    with pytest.raises(LaterError, match=r"matches members-\*"):
        listed(folder)
    with pytest.raises(LaterError, match=r"matches members-\*"):
        folder.pull()


def test_a_missing_folder_is_a_setting_to_correct(folder: Folder) -> None:
    with pytest.raises(SetupError, match="is no folder"):
        folder.pull()
    with pytest.raises(SetupError, match="is no folder"):
        folder.connector().account()


@pytest.mark.parametrize("mode", [0o000, 0o444, 0o111], ids=oct)
def test_a_folder_that_may_not_be_looked_into_is_a_setting_to_correct(folder: Folder, mode: int) -> None:
    folder.write("members-1.csv", "no\n1\n")

    with nobody(folder.path, mode), pytest.raises(SetupError, match="cannot be read: permission denied"):
        folder.pull()
    with nobody(folder.path, mode), pytest.raises(SetupError, match="cannot be read: permission denied"):
        folder.connector().account()


@contextmanager
def nobody(path: Path, mode: int) -> Iterator[None]:
    """With these rights of a folder, as one to whom they apply: root is kept out by none."""
    user = os.geteuid()
    owner = path.stat().st_uid
    closed = [one for one in path.parents if one.stat().st_uid == owner and not one.stat().st_mode & 0o001]
    modes = {one: one.stat().st_mode for one in [path, *closed]}
    path.chmod(mode)
    if user == 0:
        for one in closed:
            one.chmod(modes[one] | 0o001)
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        for one, before in modes.items():
            one.chmod(before)


def test_records_are_fetched_from_the_file_that_counts(folder: Folder) -> None:
    folder.write("members-1.csv", "no,name\n1,old\n2,old\n3,old\n")
    folder.write("members-2.csv", "no,name\n1,new\n")

    pages = list(folder.connector().fetch("members", ["1", "2", "99"]))

    assert {r.key: r.values["name"] for page in pages for r in page.records} == {"1": "new", "2": "old"}


def test_locks_and_halves_of_other_programs_are_no_exports(folder: Folder) -> None:
    folder.write("members-1.csv", "no\n1\n")
    for name in ("~$members-2.xlsx", ".members-3.csv", "members-4.csv.part", "members-5.csv.tmp"):
        folder.write(name, "no\n2\n")

    assert folder.pull(files="*").keys == ["1"]


def test_files_may_lie_deeper(folder: Folder) -> None:
    folder.write("2026/members-1.csv", "no\n1,2\n")

    assert list(folder.pull(files="**/members-*.csv").aside) == ["2026/members-1.csv line 2"]


# What it says of itself.


def test_columns_are_discovered_with_what_they_hold(folder: Folder) -> None:
    folder.write(
        "members-2.csv",
        "no;E-Mail;since;seen;amount;score;phone;note\n"
        "1;a@x.test;2026-01-02;2026-01-02 10:00;1.234,50;9;0211;x\n"
        f"2;;03.01.2026;;9,90;10;5550177;{'long ' * 60}\n",
    )
    folder.write("members-1.csv", "no;old column\n")

    fields = folder.connector().fields("members")

    assert {field.name: field.type for field in fields} == {
        "no": "int",
        "E-Mail": "text",
        "since": "date",
        "seen": "datetime",
        "amount": "number",
        "score": "int",
        "phone": "text",
        "note": "long_text",
        "old column": "text",
    }
    assert [(field.path, field.unique, field.write) for field in fields[:2]] == [
        ("no", True, False),
        ("E-Mail", False, False),
    ]


def test_what_lies_within_a_row_of_json_is_discovered_by_its_path(folder: Folder) -> None:
    folder.write("members-1.json", '[{"no": 1, "address": {"city": "Rom"}, "tags": ["a"]}]')

    fields = folder.connector(key="no").fields("members")

    assert {field.path: field.type for field in fields} == {"no": "int", "address.city": "text", "tags": "json"}


def test_the_account_is_the_folder(folder: Folder) -> None:
    folder.write("members-1.csv", "no\n1\n")

    account = folder.connector().account()

    assert account.name == "exports"
    assert account.id == folder.connector().account().id
    assert str(folder.path) not in account.id


def test_nothing_is_written(folder: Folder) -> None:
    connector = folder.connector()

    assert connector.streams["members"].writes == frozenset()
    with pytest.raises(SetupError, match="read, not written"):
        connector.send("members", [Write("a", "update", "1", None, {}, None)])


@pytest.mark.parametrize(
    "wrong",
    [
        {"files": "/etc/*.csv"},
        {"files": "../*.csv"},
        {"delimiter": ";;"},
        {"encoding": "utf-9"},
        {"encoding": "rot13"},
        {"key": []},
        {"key": " "},
        {"kay": "no"},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FilesStream(**{"files": "*.csv", "entity": "person", "key": "no", **wrong})


def test_memory_does_not_grow_with_the_file(folder: Folder) -> None:
    def peak(rows: int) -> int:
        folder.write("members-1.csv", "no,name\n" + "".join(f"{row},{'x' * 200}\n" for row in range(rows)))
        folder.position = None
        tracemalloc.start()
        try:
            for _ in folder.pages():
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    small, large = peak(1_000), peak(12_000)

    assert large < small * 1.5 + 1_000_000


def test_days_in_named_columns_are_read_as_days_whatever_their_form(folder: Folder) -> None:
    folder.write(
        "members-1.csv",
        "no;born;since;note\n1;12.4.1981;22.11.2026 16:02;1.2.2026\n2;1981-04-12;;\n3;soon;22.11.2026;\n",
    )

    rows = folder.pull(dates=["born", "since", "elsewhere"]).values

    assert rows["1"]["born"] == "1981-04-12"
    assert rows["1"]["since"] == "2026-11-22T16:02:00"
    assert rows["1"]["note"] == "1.2.2026"  # nobody said that it is a day
    assert (rows["2"]["born"], rows["3"]["born"], rows["3"]["since"]) == ("1981-04-12", "soon", "2026-11-22")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "members-1.csv is empty: not even a header"),
        (b"%PDF-1.7 and so on", "members-1.csv is no table"),
        (b"number,name\n1,Mara\n", "members-1.csv has no column 'no' in its first 20 lines"),
    ],
)
def test_a_stream_of_which_no_file_can_be_read_has_a_fault_and_not_no_columns(
    folder: Folder, content: bytes, told: str
) -> None:
    folder.write("members-1.csv", content)

    with pytest.raises(ShapeError) as fault:
        folder.connector().fields("members")

    assert str(fault.value) == told


def test_one_file_that_can_be_read_tells_the_columns(folder: Folder) -> None:
    folder.write("members-1.csv", "no,name\n1,Mara\n")
    folder.write("members-2.csv", b"")

    assert [one.name for one in folder.connector().fields("members")] == ["no", "name"]
