"""Streams that are to be read before something may be made: who waits for them, and since when."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import asdict

from crosswalk.store import meta
from crosswalk.store.codec import dump, load
from crosswalk.store.reading import Reading

if TYPE_CHECKING:  # `crosswalk status` reads and goes without the engine
    from crosswalk.store.dialect import Database

_NAME: Final = "awaited"


class Awaited(Struct, frozen=True, kw_only=True):
    """`since` in milliseconds; `creates`: how many wait, None: all that are to be made of the kind."""

    since: int
    creates: int | None


def awaited(database: Reading) -> dict[str, Awaited]:
    """By the address of the stream."""
    kept = meta.get(database, _NAME)
    return {} if kept is None else {address: Awaited(**one) for address, one in load(kept).items()}


def note(database: "Database", creates: Mapping[str, int | None], *, at: int) -> None:
    """As the last plan found it; who was waited for already has been since then."""
    before = awaited(database)
    now = {
        address: Awaited(since=before[address].since if address in before else at, creates=count)
        for address, count in creates.items()
    }
    if now != before:
        with database.write() as connection:
            meta.put(database, connection, _NAME, dump({address: asdict(one) for address, one in now.items()}))
