import csv
import io
import time
from pathlib import Path

import pytest

from sandbox.files import COLUMNS, FILES, write_exports


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_exports(tmp_path_factory.mktemp("exports"), seed=7, size=600)


def lines(path: Path, encoding: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode(encoding), newline=""), delimiter=";"))


def test_the_exports_are_the_same_for_the_same_seed(exports: list[Path], tmp_path: Path) -> None:
    again = write_exports(tmp_path / "again", seed=7, size=600)

    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in exports]


def test_nobody_writes_them_any_more(exports: list[Path]) -> None:
    assert all(time.time() - path.stat().st_mtime > 3500 for path in exports)


def test_one_file_is_in_cp1252_and_one_in_utf8_with_a_mark(exports: list[Path]) -> None:
    western, world = exports

    with pytest.raises(UnicodeDecodeError):
        western.read_bytes().decode("utf-8")
    assert "ü" in western.read_bytes().decode("cp1252")
    assert world.read_bytes().startswith(b"\xef\xbb\xbf")
    assert any("\u0980" <= letter <= "\u09ff" for letter in world.read_bytes().decode("utf-8-sig"))


def test_the_header_is_the_shops_and_mara_is_a_member(exports: list[Path]) -> None:
    rows = [row for path, (_, encoding) in zip(exports, FILES, strict=True) for row in lines(path, encoding)]

    assert tuple(rows[0]) == COLUMNS
    mara = [
        row for row in rows if row[1:3] == ["Mara", "Lindqvist"] and row[3] == "mara.lindqvist@nordlicht-solar.test"
    ]
    assert len(mara) == 1


def test_a_few_rows_are_broken_and_most_are_sound(exports: list[Path]) -> None:
    rows = [row for path, (_, encoding) in zip(exports, FILES, strict=True) for row in lines(path, encoding)]
    broken = [row for row in rows if len(row) != len(COLUMNS)]

    assert 0 < len(broken) < len(rows) / 10
    assert any(len(row) > len(COLUMNS) for row in broken)
    assert exports[1].read_bytes().decode("utf-8-sig").rpartition("\r\n")[2].count('"') == 1  # never closed


def test_no_member_stands_in_the_exports_twice(exports: list[Path]) -> None:
    numbers = [row[0] for path, (_, e) in zip(exports, FILES, strict=True) for row in lines(path, e)[1:]]

    assert len(numbers) == len(set(numbers))


def test_dates_and_amounts_are_german(exports: list[Path]) -> None:
    rows = [row for row in lines(exports[0], "cp1252")[1:] if len(row) == len(COLUMNS)]

    assert {"12.999,99", "0,00"} <= {row[COLUMNS.index("Umsatz")] for row in rows}
    assert all(row[COLUMNS.index("Mitglied seit")].count(".") == 2 for row in rows)
    assert {row[COLUMNS.index("Newsletter")] for row in rows} == {"ja", "nein", ""}
