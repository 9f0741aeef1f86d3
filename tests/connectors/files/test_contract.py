"""The contract suite over a folder of one CSV file."""

import csv
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar, Final

import pytest

from connectors.files.connector import FilesConnector
from connectors.files.settings import FilesSettings, FilesStream
from connectors.sdk.contract import Json
from connectors.sdk.fakes import Bench
from connectors.sdk.suite import ConnectorContract, Rig, Vendor

COLUMNS: Final = ["no", "name", "tier", "born"]


class Office(Vendor):
    """Somebody who saves the table again after every change."""

    lacks: ClassVar[Mapping[str, str]] = {
        "archive": "a row is in the table or not",
        "expire_token": "a folder needs no token",
        "fail": "a folder answers nothing",
        "list_path": "a cell is a text",
        "lose": "a folder answers nothing",
        "merge": "a row is in the table or not",
    }

    def __init__(self, folder: Path, bench: Bench) -> None:
        self._file = folder / "members.csv"
        self._clock = bench.clock
        self._rows: dict[str, list[str]] = {}
        self._deleted: dict[str, list[str]] = {}
        self._hidden: set[str] = set()
        self._saved = 0
        self._save()

    def now(self) -> datetime:
        return self._clock()

    def seed(self, stream: str, count: int, *, at: datetime, step: timedelta = timedelta(0)) -> list[str]:
        start = len(self._rows) + len(self._deleted)
        keys = [str(start + number) for number in range(count)]
        self._rows.update((key, [key, f"name {key}", "gold", ""]) for key in keys)
        self._save()
        return keys

    def text_path(self, stream: str) -> str:
        return "name"

    def put(self, stream: str, key: str, value: Json, *, at: datetime) -> None:
        self._rows[key][1] = value or ""
        self._save()

    def choose(self, stream: str, key: str, option: str, *, at: datetime) -> None:
        self._rows[key][2] = option
        self._save()

    def date_path(self, stream: str) -> str:
        return "born"

    def date(self, stream: str, key: str, day: str, *, at: datetime) -> None:
        self._rows[key][3] = day
        self._save()

    def garble(self, stream: str, key: str, *, at: datetime) -> None:
        self._rows[key][0] = ""
        self._save()

    def delete(self, stream: str, key: str, *, at: datetime) -> None:
        self._deleted[key] = self._rows.pop(key)
        self._save()

    def undelete(self, stream: str, key: str, *, at: datetime) -> None:
        self._rows[key] = self._deleted.pop(key)
        self._save()

    def vanish(self, stream: str) -> None:
        """Somebody exports without the column."""
        self._hidden.add("name")
        self._save()

    def _save(self) -> None:
        shown = [at for at, name in enumerate(COLUMNS) if name not in self._hidden]
        with self._file.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([row[at] for at in shown] for row in [COLUMNS, *self._rows.values()])
        self._saved += 1
        os.utime(self._file, (1_700_000_000 + self._saved, 1_700_000_000 + self._saved))


class TestFiles(ConnectorContract):
    streams = ("members",)

    @pytest.fixture
    def rig(self, tmp_path: Path) -> Rig:
        bench = Bench()
        stream = FilesStream(files="*.csv", entity="person", key=("no",))
        settings = FilesSettings(path=tmp_path, streams={"members": stream})
        return Rig(FilesConnector.connect(settings, bench.tools("shop")), Office(tmp_path, bench), bench)
