"""How values stand in the store: JSON bytes, with "" for what was not read (see mapping.values)."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, Final, TypeVar

import msgspec
import xxhash

from crosswalk.store.errors import StoreDamagedError
from mapping.values import ABSENT, Value

_encoder = msgspec.json.Encoder(decimal_format="number")
_sorted = msgspec.json.Encoder(decimal_format="number", order="deterministic")
_decoder = msgspec.json.Decoder(float_hook=Decimal)

dump = _encoder.encode
Raw = msgspec.Raw  # a value of stored JSON as it stands there
load_fields = msgspec.json.Decoder(list[Raw]).decode  # of a row, each by itself
dump_sorted = _sorted.encode
pack = msgspec.msgpack.Encoder().encode  # what nobody reads but `unpacking` of the same type: a fifth shorter than JSON
Packed = TypeVar("Packed")


def load(data: bytes | memoryview) -> Any:
    """Raises StoreDamagedError where it is not what `dump` has written."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged() from error


def unpacking(of: type[Packed]) -> Callable[[bytes], Packed]:
    """Reads what `pack` has written. Raises StoreDamagedError where it is nothing of this type."""
    decode = msgspec.msgpack.Decoder(of).decode

    def unpack(data: bytes) -> Packed:
        try:
            return decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _damaged() from error

    return unpack


def _damaged() -> StoreDamagedError:
    return StoreDamagedError(
        "the store holds a row that is damaged",
        hint="restore it from a backup; what is newer is read again from the systems",
    )


def load_row(data: bytes | memoryview) -> list[Value]:
    plain = data if isinstance(data, bytes) else bytes(data)
    try:
        row: list[Value] = _decoder.decode(plain)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _damaged() from error
    return [ABSENT if value == "" else value for value in row] if b'""' in plain else row


def digest(data: bytes) -> bytes:
    """16 bytes, which nobody can aim at."""
    return blake2b(data, digest_size=16).digest()


# By 16 bytes a record is known again: enough that two versions of it never share them by chance. Whoever could make two
# that do would hide an edit of their own and no more; so it may be made in a tenth of the time that `digest` takes.
record_hash: Final = xxhash.xxh3_128_digest


def mark(value: Value) -> Value:
    """A value on its way into stored JSON."""
    return "" if value is ABSENT else value


def unmark(value: Value) -> Value:
    """A value that comes out of stored JSON."""
    return ABSENT if value == "" else value


def millis(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def moment(stamp: int | None) -> datetime | None:
    return None if stamp is None else datetime.fromtimestamp(stamp / 1000, tz=UTC)


def iso(stamp: int | None) -> str | None:
    """A stored time in the common form."""
    if stamp is None:
        return None
    return datetime.fromtimestamp(stamp / 1000, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Base:
    """What was agreed of one record's fields, as far as it is not at rest.

    `side[f]`: what the record showed when it last agreed (with the number of the raw record it was read from, and of
    references those that it shows no more and that are there nevertheless, as far as that was asked);
    `hub[f]`: what the hub held then, as a list of one; an empty list: the hub's half was never agreed, so its value is
    still to be shown; None: nothing was agreed at all, as before the first contact. No entry: equal to what is
    observed, or held, now.
    """

    __slots__ = ("hub", "raws", "side")

    def __init__(
        self,
        side: dict[str, list[Any]] | None = None,
        hub: dict[str, list[Value] | None] | None = None,
        raws: Any = None,
    ) -> None:
        self.side: dict[str, list[Any]] = side or {}
        self.hub: dict[str, list[Value] | None] = hub or {}
        self.raws: list[Any] = raws or []

    @classmethod
    def load(cls, side: bytes, hub: bytes, raws: bytes) -> "Base":
        return cls(load(side), load(hub), load(raws))

    def stored(self, record: int) -> tuple[int, bytes, bytes, bytes]:
        used = sorted({entry[1] for entry in self.side.values() if entry[1] is not None})
        numbers = {old: new for new, old in enumerate(used)}
        side = {f: [v, None if n is None else numbers[n], *there] for f, (v, n, *there) in self.side.items()}
        return record, dump(side), dump(self.hub), dump([self.raws[n] for n in used])

    @property
    def empty(self) -> bool:
        return not self.side and not self.hub

    def found_there(self, field: str, target: str) -> None:
        """What a reference named and names no more was asked for, and is there."""
        value, number, *there = self.side[field]
        self.side[field] = [value, number, sorted({target, *(there[0] if there else ())})]

    def side_moved(self, field: str, agreed: Value, now: Value, raw: Any) -> None:
        """The record shows `now` where it showed `agreed`; `raw`: the record that showed it."""
        entry = self.side.get(field)
        if entry is None:
            if raw not in self.raws:
                self.raws.append(raw)
            self.side[field] = [mark(agreed), self.raws.index(raw)]
        elif unmark(entry[0]) == now:
            del self.side[field]

    def hub_moved(self, field: str, agreed: Value, now: Value) -> None:
        """The hub holds `now` where it held `agreed`. With whom nothing was agreed nothing is."""
        if field not in self.hub:
            self.hub[field] = [mark(agreed)]
        elif (entry := self.hub[field]) and unmark(entry[0]) == now:
            del self.hub[field]

    def settled(self, field: str) -> None:
        """What the record shows and what the hub holds are agreed."""
        self.side.pop(field, None)
        self.hub.pop(field, None)
