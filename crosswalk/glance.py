"""A glance at the store: `status` and `runs` as `crosswalk.app` answers them, in a fraction of the time.

Both ask the store alone, and of the file only what it lists. When a hub is opened, that is kept in the store with the
print of the file. A glance finds the store, and answers if the file is still the same; if anything is otherwise (the
file has changed or cannot be read, the store is not there, is of another version, does not answer), there is none, and
the hub is opened, which knows every fault by its name.

Nothing here may import connectors, mappings or the engine of the store: to import those takes longer than the answer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from crosswalk import clock as real_clock
from crosswalk.engine import overview
from crosswalk.settings.faults import ROOT, Faults
from crosswalk.settings.listed import Listed, print_of
from crosswalk.settings.secrets import References
from crosswalk.settings.source import Scalar, Table, decode, parse
from crosswalk.settings.store import store_url
from crosswalk.store import meta
from crosswalk.store.codec import dump, load
from crosswalk.store.migrations import HEAD, step
from crosswalk.store.reading import Reader, Reading, UnreadableError

if TYPE_CHECKING:
    from crosswalk.store.dialect import Database

_LISTED: Final = "listed"


class NoGlanceError(Exception):
    """The hub has to be opened."""


class Glance:
    """Answers with the objects of `--json`, as `Hub` does. Not for several threads at once."""

    def __init__(self, database: Reading, listed: Listed, clock: Callable[[], datetime] = real_clock.now) -> None:
        self._database = database
        self._listed = listed
        self._clock = clock

    @property
    def time_zone(self) -> ZoneInfo:
        return ZoneInfo(self._listed.time_zone)

    def status(self) -> dict[str, Any]:
        return _whole(overview.status(self._database, self._listed, now=self._clock()))

    def runs(self, limit: int = 20, run: str | None = None) -> dict[str, Any]:
        return _whole(overview.runs(self._database, limit, run=run, now=self._clock()))


def _whole(told: dict[str, Any]) -> dict[str, Any]:
    return {**told, "problems": [], "exit_code": 0}


@contextmanager
def open_glance(config: Path) -> Iterator[Glance]:
    """The store of a file, open until the end of the block. Raises NoGlanceError, also from within the block."""
    try:
        raw = config.read_bytes()
        reader = Reader(_store_of(config, raw))
    except (OSError, UnreadableError) as error:
        raise NoGlanceError from error
    try:
        yield Glance(reader, _recall(reader, raw))
    except UnreadableError as error:
        raise NoGlanceError from error
    finally:
        reader.close()


def _store_of(config: Path, raw: bytes) -> str:
    """The address of the store, as `crosswalk.settings.load` reads it from a file without faults."""
    faults = Faults(str(config))
    folder = config.absolute().parent
    text = decode(raw, faults)
    root = None if text is None else parse(text, faults)
    if not isinstance(root, Table) or faults.bad:
        raise NoGlanceError
    store = root.get("store")
    url = store.value.get("url") if store is not None and isinstance(store.value, Table) else None
    if url is None:
        return store_url(None, folder)
    References(folder, environ, faults).fetch(url.value, ROOT)
    if not isinstance(url.value, Scalar) or not isinstance(url.value.value, str) or faults.bad:
        raise NoGlanceError
    return store_url(url.value.value, folder)


def remember(database: "Database", listed: Listed, file_print: str) -> None:
    """Keep for the next glance what a file lists that has just been read as a whole."""
    told = dump({"print": file_print, "listed": listed.json()})
    if meta.get(database, _LISTED) != told:
        with database.write() as connection:
            meta.put(database, connection, _LISTED, told)


def _recall(reader: Reader, raw: bytes) -> Listed:
    if step(reader) != HEAD:
        raise NoGlanceError
    kept = meta.get(reader, _LISTED)
    told = None if kept is None else load(kept)
    if told is None or told["print"] != print_of(raw):
        raise NoGlanceError
    return Listed.from_json(told["listed"])
