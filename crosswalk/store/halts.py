"""Why what was read is not matched and merged: noted when a run ends in the middle, until one comes to its end."""

from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import asdict

from crosswalk.store import meta
from crosswalk.store.codec import dump, load
from crosswalk.store.reading import Reading

if TYPE_CHECKING:  # `crosswalk status` reads and goes without the engine
    from crosswalk.store.dialect import Database

_NAME: Final = "halt"


class Halt(Struct, frozen=True, kw_only=True):
    """`at`: since when (milliseconds), however many runs have met it; `run`: the last of them."""

    at: int
    run: int
    text: str
    code: str = ""


def halt_of(database: Reading) -> Halt | None:
    kept = meta.get(database, _NAME)
    return None if kept is None else Halt(**load(kept))


def note(database: "Database", *, code: str, text: str, at: int, run: int) -> None:
    before = halt_of(database)
    since = before.at if before is not None else at
    with database.write() as connection:
        meta.put(database, connection, _NAME, dump(asdict(Halt(at=since, run=run, text=text, code=code))))


def end(database: "Database") -> None:
    """A run has come to the end of it."""
    if halt_of(database) is not None:
        with database.write() as connection:
            meta.drop(database, connection, _NAME)
