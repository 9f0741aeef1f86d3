"""Lookup: what a person at a terminal means: an address, an entity, a dead letter, an e-mail, a phone, a number.

Identifiers are stored as hashes, so a text is hashed in every form in which it may stand there, and what is found is
compared with the real values before anything is shown.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from crosswalk.engine.model import House, Stream
from crosswalk.engine.words import AskError, find_entity, number_of, shortened, split_address, spoken
from crosswalk.store import erasures
from crosswalk.store.codec import iso, load, load_row
from mapping.match.keys import fold
from mapping.match.rules import is_role
from mapping.normalise import domain, email, phone
from mapping.schema import KINDS
from mapping.values import Value

_SAID: Final = re.compile(r"[CDcd]\d{1,9}")


class Found(NamedTuple):
    """What was meant: `entities` (several where an identifier is shared), `lone` records that belong to none.

    `asked`: the one record that was named. `letter`: the dead letter that was named, or is all there is.
    """

    entities: tuple[int, ...] = ()
    lone: tuple[int, ...] = ()
    asked: int | None = None
    field: str | None = None
    letter: int | None = None


def find(house: House, connection: Any, what: str) -> Found:
    """Raises AskError where nothing, or an ambiguous beginning of an id, was meant."""
    text = what.strip()
    if not text:
        raise AskError("nothing was asked for", hint="an e-mail address, person/8f2kq, or connection/stream/id")
    if _SAID.fullmatch(text):
        return _said(house, connection, text)
    address = split_address(text)
    if address is not None and address[0] in _connections(house, connection):
        return _record(house, connection, *address)
    kind, slash, _ = text.partition("/")
    if slash and kind in KINDS:
        return Found(entities=(find_entity(house, connection, text),))
    if slash and kind in _connections(house, connection):
        raise AskError(f"'{text}' is no record", hint=f"a record is called {text.rstrip('/')}/ID")
    found = by_identifier(house, connection, text) or _by_key(house, connection, text)
    if found:
        return _of_records(house, connection, found)
    try:
        return Found(entities=(find_entity(house, connection, text),))
    except AskError as nothing:
        if "beginning of" in nothing.text:
            raise
    shared = _is_shared(house, text)
    if shared:
        raise AskError(
            f"'{text}' is {shared}: it identifies nobody, so nobody is found by it",
            hint="ask for the person by an address of their own, or by a record",
        )
    _say_who_was_erased(house, connection, text, _forms(house, connection, text))
    raise AskError(
        f"nothing here carries '{text}'",
        hint="an e-mail address, a phone number with its country code, person/8f2kq, or connection/stream/id",
    )


def _is_shared(house: House, text: str) -> str:
    """Why an address is no identifier, whoever carries it; "" where it might be one."""
    if "@" in text and is_role(text.lower()):
        return "the address of a desk"
    blocked = any(house.rules.of(kind).blocks(form) for kind in house.layouts for form in (text.lower(), _tight(text)))
    return "on the block list of `match`" if blocked else ""


def _tight(text: str) -> str:
    """A number as the block list has it."""
    return "".join(text.split())


def _said(house: House, connection: Any, text: str) -> Found:
    if text[0] in "cC":
        row = house.database.run(
            connection, "SELECT entity, field FROM conflict WHERE id = ?", (number_of("conflict", text),)
        ).fetchone()
        if row is not None:
            return Found(entities=(row[0],), field=row[1])
    else:
        number = number_of("letter", text)
        row = house.database.run(
            connection, "SELECT stream, rkey, field FROM dead_letter WHERE id = ?", (number,)
        ).fetchone()
        if row is not None:
            record = record_number(house, connection, row[0], row[1])
            if record is None:
                return Found(letter=number)
            found = _of_records(house, connection, [record])
            return found._replace(asked=record, field=row[2] or None, letter=number)
    raise AskError(f"there is no {text.upper()}", hint="crosswalk dlq and crosswalk review list what there is")


def _connections(house: House, connection: Any) -> set[str]:
    rows = house.database.run(connection, "SELECT DISTINCT connection FROM stream").fetchall()
    return {row[0] for row in rows} | set(house.links)


def _record(house: House, connection: Any, system: str, stream: str, key: str) -> Found:
    row = house.database.run(
        connection, "SELECT id FROM stream WHERE connection = ? AND name = ?", (system, stream)
    ).fetchone()
    if row is None:
        listed = sorted(one.name for one in house.streams.values() if one.connection == system)
        raise AskError(f"{system} has no stream '{stream}' here", hint="listed are: " + (shortened(listed) or "none"))
    number = record_number(house, connection, row[0], key)
    if number is not None:
        return _of_records(house, connection, [number])._replace(asked=number)
    letter = house.database.run(
        connection,
        "SELECT id FROM dead_letter WHERE stream = ? AND rkey = ? AND state <> 'closed' ORDER BY id LIMIT 1",
        (row[0], key),
    ).fetchone()
    if letter is not None:
        return Found(letter=letter[0])
    _say_who_was_erased(house, connection, f"{system}/{stream}/{key}", [f"{system}/{stream}/{key}"])
    raise AskError(
        f"no record {system}/{stream}/{key} has been read",
        hint=f"if it is there, it is read now by: crosswalk resync {system}/{stream}/{key}",
    )


def _say_who_was_erased(house: House, connection: Any, what: str, forms: Iterable[str]) -> None:
    """Raise AskError if nothing is here because it was erased."""
    found = erasures.by_hashes(house.database, connection, map(house.ident_kinds.hashed, forms))
    known = erasures.of(house.database, connection, min(found.values())) if found else None
    if known is not None:
        name = spoken("erasure", known.id)
        raise AskError(
            f"'{what}' was erased on {str(iso(known.at))[:10]} ({name})",
            hint=f"nothing of it is kept; crosswalk erase --lift {name} stores again what is sent of them",
        )


def record_number(house: House, connection: Any, stream: int, key: str) -> int | None:
    row = house.database.run(
        connection, "SELECT id FROM record WHERE stream = ? AND rkey = ?", (stream, key)
    ).fetchone()
    return None if row is None else int(row[0])


def _of_records(house: House, connection: Any, records: Sequence[int]) -> Found:
    homes = dict(house.database.select(connection, "SELECT record, entity FROM member WHERE", "record", list(records)))
    lone = tuple(record for record in records if record not in homes)
    return Found(entities=tuple(sorted(set(homes.values()))), lone=lone)


def _by_key(house: House, connection: Any, text: str) -> list[int]:
    """Records whose own id it is, in any stream."""
    numbers = (record_number(house, connection, stream.id, text) for stream in house.streams.values())
    return [number for number in numbers if number is not None]


# -- identifiers ---------------------------------------------------------------------------------------------


def by_identifier(house: House, connection: Any, text: str) -> list[int]:
    """Records that carry this e-mail, phone, domain, customer number: whatever matching knows."""
    forms = _forms(house, connection, text)
    hashes = {house.ident_kinds.hashed(form) for form in forms}
    records: set[int] = set()
    kinds = house.database.run(connection, "SELECT id, kind FROM ident_kind ORDER BY id").fetchall()
    for number, name in kinds:
        if "+" not in name.partition(":")[0]:
            rows = house.database.select(
                connection, "SELECT record FROM ident WHERE kind = ? AND", "value", list(hashes), first=(number,)
            )
            records.update(row[0] for row in rows)
    return _carrying(house, connection, sorted(records), forms)


def _forms(house: House, connection: Any, text: str) -> set[str]:
    """The text as each kind of identifier would write it."""
    forms = {text, text.lower(), fold(text)}
    # The domain of an address is somebody else: the company.
    tries: list[Callable[[str], str | None]] = [email.normalise, *([] if "@" in text else [domain.normalise])]
    for attempt in tries:
        try:
            forms.add(attempt(text) or "")
        except ValueError:
            continue
    for region in _regions(house, connection, text):
        try:
            told = phone.normalise(text, region=region)
        except ValueError:
            continue
        if told is not None:
            number, extension = told
            forms.add(f"{number};{extension}" if extension else number)
    return forms - {""}


def _regions(house: House, connection: Any, text: str) -> Iterable[str | None]:
    """Where a number without a country code may be from: the countries of the accounts."""
    if sum(letter.isdigit() for letter in text) < 5:
        return []
    if text.lstrip().startswith("+"):
        return [None]
    rows = house.database.run(connection, "SELECT account FROM connection WHERE account IS NOT NULL").fetchall()
    return {load(bytes(row[0])).get("country") for row in rows} - {None}


def _carrying(house: House, connection: Any, records: Sequence[int], forms: set[str]) -> list[int]:
    """Of these records those that really show the value: a hash alone is no evidence."""
    found = []
    streams: dict[int, Stream] = {stream.id: stream for stream in house.streams.values()}
    for number, stream, rkey, observed in house.database.select(
        connection,
        "SELECT r.id, r.stream, r.rkey, b.observed FROM record r JOIN body b ON b.record = r.id WHERE",
        "r.id",
        records,
    ):
        own = streams.get(stream)
        names = set() if own is None else {f"{own.address}/{rkey}", f"{own.connection}/{rkey}"}
        if names & forms or any(_same(leaf, forms) for leaf in leaves(load_row(bytes(observed)))):
            found.append(number)
    return found


def _same(leaf: str, forms: set[str]) -> bool:
    if leaf in forms or leaf.lower() in forms or fold(leaf) in forms:
        return True
    # A number with its extension, a host in its address.
    return any(form.partition(";")[0] == leaf or ("." in form and form in leaf.lower()) for form in forms)


def leaves(value: Value) -> Iterable[str]:
    """Every text within a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part)
