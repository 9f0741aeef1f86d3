"""One window over the files of a stream.

The rows of a stream are those of all its files; of a key that stands in several, the newest file's row counts. So
files are read from the newest back, and a key that was met is not shown again. What has to be read:

    a file that is new or has other content             its rows
    a file older than one that changed or went           its rows too: what was hidden may show through
    a file newer than one of those                       its keys alone: they hide
    everything else                                      nothing: its size and time are looked at

So while nothing changes no file is opened, and an export that joins the others as the newest is read alone.
"""

import sqlite3
from collections.abc import Generator, Iterator
from typing import Literal, TypeAlias

from msgspec import Struct, field

from connectors.files.folder import BusyError, Folder, Trace, newest_first, parse_traces
from connectors.files.rows import Row, Rows
from connectors.files.streams import PAGE
from connectors.sdk.contract import Page, Position, RemoteRecord, RowFault
from connectors.sdk.errors import LaterError


class _State(Struct):
    """What was read so far: what a position says."""

    read: dict[str, Trace] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)  # still to be shown in this window, newest first
    row: int = 0  # rows of left[0] that were shown
    of: str = ""  # its content then

    @classmethod
    def parse(cls, position: Position | None) -> "_State":
        if position is None:
            return cls()
        return cls(
            read=parse_traces(position["read"]),
            left=list(position.get("left", ())),
            row=int(position.get("row", 0)),
            of=str(position.get("of", "")),
        )

    def position(self) -> Position:
        read = {name: list(trace) for name, trace in self.read.items()}
        return {"read": read, "left": list(self.left), "row": self.row, "of": self.of}


class _Work(Struct, frozen=True):
    """Files newest first, down to the oldest that is shown."""

    names: list[str]
    shown: set[str]
    revealed: set[str]  # of the shown: unchanged, behind one that changed or went


class Reading:
    """Reads one window. Made anew for each."""

    def __init__(self, folder: Folder, rows: Rows, position: Position | None) -> None:
        self._folder = folder
        self._rows = rows
        self._state = _State.parse(position)
        self._records: list[RemoteRecord] = []
        self._faults: list[RowFault] = []
        self._kept = 0, 0  # how many of both are not of the file that is being read
        self._anew: list[str] = []

    def pages(self) -> Iterator[Page]:
        """Raises LaterError, behind everything that could be read, where a file is being written."""
        work = self._compare(self._folder.names())
        state = self._state
        doubtful = False
        seen = _Seen()
        try:
            for name in work.names:
                # A row that nobody can tell hides somebody: what is behind it might be older than we know already.
                # When the file is corrected it has changed, and what it hides is looked at again.
                if name in work.revealed and doubtful:
                    state.left.remove(name)
                    state.row, state.of = 0, ""
                    continue
                try:
                    if name in work.shown:
                        doubtful |= yield from self._show(name, seen)
                    else:
                        doubtful |= self._hide(name, seen)
                except BusyError as exc:
                    # Older files wait as well: this one may hide their rows.
                    self._forget(name)
                    if self._records or self._faults:
                        yield self._page()
                    raise LaterError(
                        f"{name} {exc}",
                        hint="nothing: the next run reads it, and the files that are older",
                        code="CW302",
                    ) from exc
        finally:
            seen.close()
        state.left.clear()
        yield self._page(last=True)

    def _compare(self, names: list[str]) -> _Work:
        """What has to be read, and where the window that was interrupted can go on."""
        state = self._state
        read = state.read
        fresh = {name for name in names if name not in read}
        changed = {name for name in names if name in read and self._is_changed(name)}
        gone = set(read) - set(names)
        rank = {name: place for place, name in enumerate(newest_first({*names, *gone}))}
        newest = min((rank[name] for name in changed | gone), default=len(rank))
        revealed = {name for name in names if rank[name] > newest or name in state.left} - fresh - changed
        shown = fresh | changed | revealed
        goes_on = bool(state.left) and not gone and fresh | changed <= set(state.left)
        if not goes_on:
            state.row, state.of = 0, ""
        for name in gone:
            del read[name]
        self._anew.extend(gone)
        state.left = [name for name in names if name in shown]
        last = max((names.index(name) for name in shown), default=-1)
        return _Work(names[: last + 1], shown, revealed)

    def _is_changed(self, name: str) -> bool:
        trace = self._state.read[name]
        if self._folder.is_unchanged(name, trace):
            return False
        try:
            with self._folder.open(name) as file:
                if file.trace.content != trace.content:
                    return True
                self._state.read[name] = file.trace
                return False
        except BusyError:
            return True

    def _show(self, name: str, seen: "_Seen") -> Generator[Page, None, bool]:
        """The rows of a file that no newer file hides. Returns whether there are some that cannot be told."""
        state = self._state
        doubtful = False
        with self._folder.open(name) as file:
            shown = state.row if state.of == file.trace.content else 0
            state.row, state.of = shown, file.trace.content
            if not shown:
                self._anew.append(name)
            self._kept = len(self._records), len(self._faults)
            for number, row in enumerate(self._rows.of(name, file), 1):
                doubtful |= row.doubtful
                met = "new" if row.key is None else seen.meet(row.key, name)
                if number <= shown:
                    continue  # an interrupted window showed it; it hides nevertheless
                self._take(row, met)
                state.row = number
                if len(self._records) + len(self._faults) >= PAGE:
                    file.check()
                    yield self._page()
            state.read[name] = file.trace
        state.left.remove(name)
        state.row, state.of = 0, ""
        return doubtful

    def _take(self, row: Row, met: "_Met") -> None:
        if met == "hidden":
            return
        if met == "twice":
            raw = row.record.values if row.record is not None else None
            self._faults.append(
                RowFault(row.where, row.key, "its key stands twice in this file: the first counts", raw)
            )
        elif row.fault is not None:
            self._faults.append(row.fault)
        elif row.record is not None:
            self._records.append(row.record)

    def _hide(self, name: str, seen: "_Seen") -> bool:
        """Note the keys of a file, which hide those of older ones."""
        doubtful = False
        with self._folder.open(name) as file:
            for row in self._rows.of(name, file):
                doubtful |= row.doubtful
                if row.key is not None:
                    seen.meet(row.key, name)
        return doubtful

    def _forget(self, name: str) -> None:
        """Drop what was kept of a file that turned out to be half written."""
        records, faults = self._kept
        del self._records[records:]
        del self._faults[faults:]
        self._anew = [one for one in self._anew if one != name]
        self._state.row, self._state.of = 0, ""

    def _page(self, *, last: bool = False) -> Page:
        page = Page(self._records, self._state.position(), None, faults=self._faults, last=last, anew=tuple(self._anew))
        self._records, self._faults, self._kept, self._anew = [], [], (0, 0), []
        return page


_Met: TypeAlias = Literal["new", "twice", "hidden"]


class _Seen:
    """The keys that were met, and in which file. On disk once there are many: SQLite decides when."""

    def __init__(self) -> None:
        # "": a database of our own that lives in memory while it is small, and goes when it is closed. A window
        # is read by one thread, but may be closed by another.
        self._rows = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "CREATE TABLE seen (key TEXT PRIMARY KEY, file INTEGER NOT NULL) WITHOUT ROWID",
            "BEGIN",
        ):
            self._rows.execute(statement)
        self._files: dict[str, int] = {}

    def meet(self, key: str, name: str) -> _Met:
        file = self._files.setdefault(name, len(self._files))
        if self._rows.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, file)).rowcount == 1:
            return "new"
        first = self._rows.execute("SELECT file FROM seen WHERE key = ?", (key,)).fetchone()[0]
        return "twice" if first == file else "hidden"

    def close(self) -> None:
        self._rows.close()
