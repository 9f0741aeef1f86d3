"""The files of a stream: which there are, in which order, and what has changed since they were read."""

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, Self

from msgspec import Struct

from connectors.sdk.contract import Json
from connectors.sdk.errors import LaterError, SetupError

# A file that was changed this short a while ago may be changed again without another size or time to show for it.
_YOUNG: Final = timedelta(seconds=2)
# Whoever copies a file writes its next piece within this.
_GOES_ON: Final = timedelta(seconds=10)
_PIECE: Final = 1024 * 1024
_UNSEEN: Final = "a systemd unit may hide it (ProtectHome, PrivateTmp)"
_NUMBERS: Final = re.compile(r"(\d+)")


class Trace(NamedTuple):
    """What of a file was read. `modified` is 0 where the time cannot be trusted: then its content is compared."""

    size: int
    modified: int  # nanoseconds
    content: str

    @classmethod
    def parse(cls, stored: Json) -> Self:
        return cls(int(stored[0]), int(stored[1]), str(stored[2]))


class BusyError(Exception):
    """This file cannot be read now: somebody writes it, took it away, or keeps it to himself."""


class Open(Struct, frozen=True):
    """A file while it is read. `trace` is what it was when it was opened.

    `settles`: seconds from now until it is not written any more, if nobody has gone on by then; 0: it has settled.
    """

    handle: BinaryIO
    trace: Trace
    modified: int  # nanoseconds, trusted or not
    settles: float

    def check(self) -> None:
        """Raise BusyError where the file was written to since. One that was replaced whole stays what it was."""
        now = os.fstat(self.handle.fileno())
        if (now.st_size, now.st_mtime_ns) != (self.trace.size, self.modified):
            raise BusyError("is being written")


class Folder(Struct, frozen=True):
    """The files below `path` that match a pattern, newest first: by name, where numbers count as numbers.

    Not by their time: whoever corrects an old export does not make it the newest by that.
    """

    path: Path
    pattern: str
    clock: Callable[[], datetime]

    def names(self) -> list[str]:
        """Raises SetupError as `look_into` does, LaterError where no file matches.

        That no file is there says nothing about the records: the folder may be on a disk that is not mounted.
        """
        look_into(self.path)
        found = [
            name
            for path in self.path.glob(self.pattern)
            # Hidden files, and the locks and halves that spreadsheets and copying programs leave.
            if path.is_file() and not path.name.startswith((".", "~$")) and not path.name.endswith((".part", ".tmp"))
            for name in [path.relative_to(self.path).as_posix()]
        ]
        if not found:
            raise LaterError(
                f"no file in {self.path} matches {self.pattern}",
                hint="nothing is removed because of that: the stream goes on when there is one; else correct `files`",
                code="CW302",
            )
        return newest_first(found)

    def is_unchanged(self, name: str, trace: Trace) -> bool:
        """By size and time, without opening it."""
        try:
            now = (self.path / name).stat()
        except OSError:
            return False
        return (now.st_size, now.st_mtime_ns) == (trace.size, trace.modified)

    @contextmanager
    def open(self, name: str) -> Iterator[Open]:
        """Raises BusyError where it cannot be opened, or changes under our hands."""
        try:
            handle = (self.path / name).open("rb")
        except FileNotFoundError as exc:
            raise BusyError("was taken away while the folder was read") from exc
        except OSError as exc:
            raise BusyError(f"cannot be opened: {exc.strerror}") from exc
        with handle:
            opened = self._traced(handle)
            opened.check()
            yield opened

    def _traced(self, handle: BinaryIO) -> Open:
        before = os.fstat(handle.fileno())
        content = hashlib.blake2b(digest_size=16)
        while piece := handle.read(_PIECE):
            content.update(piece)
        handle.seek(0)
        age = abs(self.clock().timestamp() - before.st_mtime)
        young = age < _YOUNG.total_seconds()
        trace = Trace(before.st_size, 0 if young else before.st_mtime_ns, content.hexdigest())
        return Open(handle, trace, before.st_mtime_ns, max(0.0, _GOES_ON.total_seconds() - age))


def look_into(path: Path) -> None:
    """Raises SetupError where there is no such folder, or this user may not look into it; LaterError where it is out of
    reach for another reason.
    """
    try:
        with os.scandir(path):
            os.stat(f"{path}/.")  # its names may be read, its files not
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise SetupError(
            f"{path} is no folder",
            hint="correct `path`, which is meant beside the configuration file, or mount the disk that it is on; "
            f"{_UNSEEN}",
            code="CW102",
        ) from exc
    except PermissionError as exc:
        raise SetupError(
            f"{path} cannot be read: permission denied",
            hint=f"let the user that the hub runs as read this folder, and enter those that it lies in; {_UNSEEN}",
            code="CW102",
        ) from exc
    except OSError as exc:
        raise LaterError(f"{path} cannot be read: {exc.strerror}", code="CW302") from exc


def newest_first(names: Iterable[str]) -> list[str]:
    """By name, where numbers count as numbers."""
    return sorted(names, key=_by_name, reverse=True)


def _by_name(name: str) -> tuple[list[str | int], str]:
    # Text and numbers take turns, text first: so like is always compared with like. Without the ending, since what is
    # downloaded or saved once more is "members (1).csv" or "members 2.csv", and newer.
    stem, dot, _ = name.rpartition(".")
    parts = _NUMBERS.split(stem if dot and "/" not in name[len(stem) :] else name)
    return [int(part) if part.isdecimal() else part.casefold() for part in parts], name


def parse_traces(stored: Mapping[str, Json]) -> dict[str, Trace]:
    return {name: Trace.parse(one) for name, one in stored.items()}
