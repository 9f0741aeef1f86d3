"""CSV as it is found, and CSV that spreadsheets open safely."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk.csvio import BadRow, Row, export_csv, guess_delimiter, guess_encoding, read_rows


def read(data: bytes | str, **options: Any) -> list[Row | BadRow]:
    return list(read_rows(io.BytesIO(data.encode() if isinstance(data, str) else data), **options))


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"", "utf-8"),
        (b"plain", "utf-8"),
        ("Größe".encode(), "utf-8"),
        ("Größe".encode("utf-8-sig"), "utf-8-sig"),
        ("Größe".encode("cp1252"), "cp1252"),
        ("Größe".encode("utf-16"), "utf-16"),
        ("a;b\n".encode("utf-16-le"), "utf-16-le"),
        ("a;b\n".encode("utf-16-be"), "utf-16-be"),
        ("Größe Übung äöü".encode() + b"\xfc", "utf-8"),  # one broken byte among many good ones
        ("Größe".encode()[:3], "utf-8"),  # cut within a letter
    ],
)
def test_encodings_are_told_by_the_beginning(data: bytes, encoding: str) -> None:
    assert guess_encoding(data) == encoding


@pytest.mark.parametrize(
    ("sample", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb\n1, x\t2\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ('"a;x","b;x"\n"1;2;3",4\n', ","),
        ("alone\n1\n", ","),
        ("", ","),
        ("a;b;c\n1;2;3\n4;5", ";"),  # the last row is cut
    ],
)
def test_delimiters_are_told_by_the_width_of_rows(sample: str, delimiter: str) -> None:
    assert guess_delimiter(sample) == delimiter


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_what_would_be_a_mark_at_the_beginning_is_text_inside_a_file(mark: bytes) -> None:
    rows = read(b"a,b\n1,x\n" + mark + b",y\n2,z\n")

    assert rows == [Row(1, ["a", "b"]), Row(2, ["1", "x"]), Row(3, [mark.decode("cp1252"), "y"]), Row(4, ["2", "z"])]


def test_lines_are_counted_as_an_editor_does() -> None:
    rows = read('a,b\n\n1,"two\nlines"\r\n2,x\r3,y\n')

    assert [(row.line, row.cells) for row in rows] == [
        (1, ["a", "b"]),
        (3, ["1", "two\nlines"]),
        (5, ["2", "x"]),
        (6, ["3", "y"]),
    ]


@pytest.mark.parametrize("first", ["sep=;\n", "sep=;\r\n", "SEP=;\r\n", '"sep=;"\r\n', "\ufeffsep=;\n"])
def test_a_line_that_declares_the_delimiter_is_believed_and_no_row(first: str) -> None:
    assert read(f"{first}a;b,c\n1;2,5\n") == [Row(2, ["a", "b,c"]), Row(3, ["1", "2,5"])]


def test_a_delimiter_that_is_given_beats_the_files_own_line() -> None:
    assert read("sep=;\na,b\n", delimiter=",") == [Row(2, ["a", "b"])]


@pytest.mark.parametrize("data", ["sep=a\n1\n", "sep\n1\n", "sep=;;\n1;\n"])
def test_what_only_looks_like_a_declaration(data: str) -> None:
    rows = read(data)

    assert len(rows) == (1 if data.startswith("sep=a") else 2)


def test_a_quotation_mark_that_is_never_closed_costs_one_row() -> None:
    rows = read('a,b\n1,"open\n2,x\n3,y')

    assert [type(row).__name__ for row in rows] == ["Row", "BadRow", "Row", "Row"]
    assert [(row.line, row.cells) for row in rows] == [
        (1, ["a", "b"]),
        (2, ['1,"open']),
        (3, ["2", "x"]),
        (4, ["3", "y"]),
    ]


def test_an_open_quotation_mark_in_a_large_file_costs_one_row() -> None:
    lines = [f"{number},text of some length" for number in range(20_000)]
    lines[100] = '100,"open'

    rows = read("no,text\n" + "\n".join(lines) + "\n")

    assert [row.line for row in rows if isinstance(row, BadRow)] == [102]
    assert len(rows) == 20_001
    assert [row.cells[0] for row in rows[1:] if isinstance(row, Row)] == [str(n) for n in range(20_000) if n != 100]


def test_a_file_without_line_ends_is_not_read_whole() -> None:
    rows = read("a,b\n1," + "x" * 3_000_000)

    assert any(isinstance(row, BadRow) for row in rows)
    assert all(len(cell) <= 1024 * 1024 for row in rows for cell in row.cells)


def test_nul_bytes_are_dropped() -> None:
    assert read(b"a,b\n1,\x00x\x00\n") == [Row(1, ["a", "b"]), Row(2, ["1", "x"])]


def test_a_mark_of_replacement_in_good_utf8_is_a_letter() -> None:
    assert read("a\nwhat \ufffd is\n") == [Row(1, ["a"]), Row(2, ["what \ufffd is"])]


def test_half_a_letter_of_utf16_is_broken() -> None:
    data = "a,b\n1,x".encode("utf-16-le") + b"\x00\xd8" + "\n2,y\n".encode("utf-16-le")

    rows = read(data, encoding="utf-16-le")

    assert [type(row).__name__ for row in rows] == ["Row", "BadRow", "Row"]


def test_what_broke_is_shown_without_breaking_again() -> None:
    (_, bad) = read("äöü,b\n".encode() + b"x\xff,y\n")

    assert isinstance(bad, BadRow)
    assert bad.cells == ["x\ufffd", "y"]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)


@given(st.lists(st.lists(cells, min_size=2, max_size=2), min_size=1, max_size=20), st.sampled_from(",;\t|"))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], mark: str
) -> None:
    path = tmp_path_factory.mktemp("csv") / "x.csv"

    assert export_csv(path, ["one", "two"], rows, delimiter=mark) == len(rows)

    with path.open("rb") as file:
        back = [row.cells for row in read_rows(file, encoding="utf-8", delimiter=mark)]
    assert back == [["one", "two"], *rows]


def test_an_export_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("before")

    with pytest.raises(ValueError, match="row 2 has 1 values for 2 columns"):
        export_csv(path, ["a", "b"], [[1, 2], [3]])

    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("value", "plain", "safe"),
    [
        (None, "", ""),
        (True, "true", "true"),
        (["a", 1], "a; 1", "a; 1"),
        ("=1+1", "=1+1", "'=1+1"),
        ("@x", "@x", "'@x"),
        ("-x", "-x", "'-x"),
        (-5, "-5", "-5"),
        ("-5.5", "-5.5", "-5.5"),
        ("+4989 1", "+4989 1", "'+4989 1"),
        ("a=b", "a=b", "a=b"),
    ],
)
def test_values_as_text_and_safe_for_spreadsheets(tmp_path: Path, value: Any, plain: str, safe: str) -> None:
    path = tmp_path / "x.csv"

    for safely, expected in ((False, plain), (True, safe)):
        export_csv(path, ["a", "b"], [{"a": value, "b": "x"}], spreadsheet_safe=safely)
        with path.open(newline="", encoding="utf-8") as file:
            assert list(csv.reader(file)) == [["a", "b"], [expected, "x"]]


def test_a_mark_is_written_where_old_spreadsheets_need_it(tmp_path: Path) -> None:
    export_csv(tmp_path / "x.csv", ["ä"], [], mark=True)

    assert (tmp_path / "x.csv").read_bytes() == "\ufeffä\r\n".encode()
