"""Explain: why is it as it is? Of one entity or record: who matched it, what decided each field, what blocks it.

Everything is read from the store: nobody is asked, nothing is changed. Values stand as people read them
(`words.shown`), times in UTC. FACE, section 2.3, has the keys.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from crosswalk.engine.entities import SCORED, UNLINKED
from crosswalk.engine.evidence import Comparer
from crosswalk.engine.lineage import Lineage, answers, seen_streams
from crosswalk.engine.lookup import Found, by_identifier, find
from crosswalk.engine.model import House, Stream
from crosswalk.engine.parting import meant
from crosswalk.engine.words import (
    AskError,
    Titles,
    entity_names,
    field_of,
    load_record_fields,
    number_of,
    record_addresses,
    shortened,
    spoken,
    title_of,
)
from crosswalk.store.codec import iso
from crosswalk.store.records import ARCHIVED, SETTLE, STATES
from mapping.match.rules import is_role
from mapping.values import Value


def explain(house: House, what: str, *, field: str | None = None, as_of_run: int | str | None = None) -> dict[str, Any]:
    """Everything the hub knows of it. `field`: only this one, or those whose name it is a part of.

    `as_of_run`: golden, its records and its history as they stood when that run had ended; what sides showed then is
    not kept, so none are told.
    Raises AskError where nothing is found, or several that share what was asked for.
    """
    with house.database.read() as connection:
        found = find(house, connection, what)
        if len(found.entities) > 1 or (len(found.lone) > 1 and not found.entities):
            raise _several(house, connection, what, found)
        if found.entities:
            answer = Lineage(house, connection, found.entities[0])
            told = answer.as_of(_known_run(house, connection, as_of_run)) if as_of_run is not None else answer
            return told.told(asked=found.asked, field=field or found.field)
        if found.lone:
            return _nobody(house, connection, found.lone[0])
        return _never_landed(house, connection, found.letter or 0)


def alike(house: House, one: str, other: str) -> dict[str, Any]:
    """Why two that were named are one, or are not: what decided it, and what speaks for and against it.

    Of an entity with several records the pair that is most alike is weighed. Raises AskError.
    """
    with house.database.read() as connection:
        ends = [meant(house, connection, what) for what in (one, other)]
        (ours, mine), (theirs, yours) = ((end.entity, end.records) for end in ends)
        kind = ends[0].kind
        pairs = [(left, right) for left in mine for right in yours if left != right]
        if not pairs or ends[1].kind != kind:
            raise AskError(f"{one} and {other} are no two of one kind", hint="name two records, or two people")
        comparer = Comparer(house, connection)
        weighed = [(scored, pair) for pair in pairs if (scored := comparer.scored(kind, *pair)) is not None]
        best, pair = max(weighed, key=lambda found: found[0].bits, default=(None, pairs[0]))
        addresses = record_addresses(house, connection, pair)
        names = entity_names(house, connection, [ours, theirs])
        return {
            "same": ours == theirs,
            "entities": [names[ours], names[theirs]],
            "records": [addresses[number] for number in pair],
            "decided_by": _decided_by(house, connection, mine, yours, pair, kind, comparer),
            "for": [] if best is None else list(best.reasons),
            "against": [] if best is None else list(best.against),
            "bits": None if best is None else round(best.bits, 1),
            "outcome": None if best is None else best.outcome,
        }


def _decided_by(
    house: House,
    connection: Any,
    mine: Sequence[int],
    yours: Sequence[int],
    pair: tuple[int, int],
    kind: str,
    comparer: Comparer,
) -> str | None:
    """What was decided of two of their records: by a person before all others, by a rule, by their likeness."""
    found = []
    for left, right, source, verdict, rule, score, shown in house.database.select(
        connection,
        'SELECT "left", "right", source, verdict, rule, score, shown FROM edge WHERE',
        '"left"',
        sorted({*mine, *yours}),
    ):
        if (left in mine and right in yours) or (left in yours and right in mine):
            words = comparer.words(kind, left, right, rule=rule, bits=score, shown=shown) if source == SCORED else rule
            if verdict == UNLINKED:
                words = _unlinked(house, connection, shown)
            text = f"never the same: {words}" if verdict == "never" else words
            found.append((source != "person", source == SCORED, (left, right) != tuple(sorted(pair)), text))
    if found:
        return min(found)[3]
    asked = house.database.run(
        connection, 'SELECT id, state FROM pair WHERE "left" = ? AND "right" = ?', (min(pair), max(pair))
    ).fetchone()
    return None if asked is None else f"{spoken('pair', asked[0])} is {asked[1]}"


def _unlinked(house: House, connection: Any, record: str | None) -> str:
    """Which of two was deleted, and so unlinked from the other; `record`: as its edge has it."""
    if record is None:  # of an earlier version, which did not keep it
        return "one of them was deleted there, and unlinked"
    return f"{record_addresses(house, connection, [int(record)])[int(record)]} was deleted there, and unlinked"


def _known_run(house: House, connection: Any, text: int | str) -> int:
    number = number_of("run", text)
    last = house.database.run(connection, "SELECT max(id) FROM run").scalar()
    if last is not None and number > last:
        raise AskError(f"there is no run {spoken('run', number)}", hint="crosswalk runs lists them")
    return number


def _several(house: House, connection: Any, what: str, found: Found) -> AskError:
    names = [*entity_names(house, connection, found.entities).values()]
    names = sorted(names) or sorted(record_addresses(house, connection, found.lone).values())
    return AskError(
        f"{len(names)} carry '{what.strip()}': it identifies nobody by itself",
        hint="ask for one of: " + shortened(names),
    )


# -- a record that belongs to nobody -------------------------------------------------------------------------


def _nobody(house: House, connection: Any, record: int) -> dict[str, Any]:
    database = house.database
    stream_id, rkey, state, modified = database.run(
        connection, "SELECT stream, rkey, state, modified FROM record WHERE id = ?", (record,)
    ).fetchone()
    address = record_addresses(house, connection, [record])[record]
    stream = house.by_id(stream_id)
    values = load_record_fields(house, connection, [record]).get(record, {})
    waits = database.run(connection, "SELECT 1 FROM todo WHERE stage = ? AND id = ?", (SETTLE, record)).fetchone()
    if stream is None:
        why, hint = "its stream is not listed any more", "list it again, or leave it: nothing is lost"
    elif state > ARCHIVED:
        why, hint = f"it is {STATES[state]} there", ""
    elif waits is not None:
        why, hint = "it has been read and waits to be matched", "the next run does it"
    elif stream.kind == "response":
        why, hint = _unclaimed(house, connection, record, stream, values)
    else:
        why, hint = "it has not been matched", "the next run does it"
    titles = Titles(house, connection)
    seen = seen_streams(house, connection, [stream_id]).get(stream_id)
    kind = "response" if stream is None else stream.kind
    return {
        "entity": None,
        "title": title_of(kind, values) or "",
        "record": address,
        "why": f"{why}.",
        "advice": hint,
        "records": [
            {
                "address": address, "state": STATES[state], "seen_at": iso(seen), "modified_at": iso(modified),
                "matched_by": None, "matched_at": None, "represents": False, "blocked_by": None, "reason": None,
                "next_try_at": None,
                "created_by_run": None,
            }
        ],
        "missing": [],
        "blocks": _read_letters(house, connection, stream_id, rkey, address),
        "fields": [
            {
                "name": name, "value": titles.shown(value, field_of(kind, name)), "source": address,
                "rule": "as it was read", "place": None, "since": None, "run": None, "previous": None,
                "conflict": None, "sides": [],
            }
            for name, value in values.items()
            if value is not None and value != {}
        ],
        "responses": answers(house, connection, [record]),
        "history": [],
    }  # fmt: skip


def _unclaimed(
    house: House, connection: Any, record: int, stream: Stream, values: Mapping[str, Value]
) -> tuple[str, str]:
    """Why no rule of match.person could tell whose answer it is."""
    claims = values.get("respondent") or {}
    parts = []
    for key, word in (("email", "e-mail"), ("phone", "phone")):
        claimed = claims.get(key)
        if isinstance(claimed, Mapping):
            claimed = claimed.get("address") or claimed.get("number")
        if not claimed:
            if key == "email":
                parts.append("the e-mail is empty")
        elif key == "email" and is_role(str(claimed)):
            parts.append("the e-mail is that of a desk, not of a person")
        else:
            parts.append(f"the {word} is carried by {_who_else(house, connection, str(claimed), record)}")
    refs = claims.get("refs") or []
    if not refs:
        parts.append("no hidden field carries an id")
    for ref in refs:
        parts.append(f"the hidden field {ref.get('namespace')} names no record that the hub has read")
    why = f"{' and '.join([', '.join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]}"
    hint = "Pass external_id as a hidden field of the form, or  crosswalk review"
    return f"{why}, so no rule of match.person can answer", hint


def _who_else(house: House, connection: Any, claimed: str, record: int) -> str:
    others = [number for number in by_identifier(house, connection, claimed) if number != record]
    if not others:
        return "nobody else"
    homes = dict(house.database.select(connection, "SELECT record, entity FROM member WHERE", "record", others))
    count = len(set(homes.values()))
    return "others that belong to nobody" if not count else f"{count} people" if count > 1 else "one person, too weakly"


def _read_letters(house: House, connection: Any, stream: int, rkey: str, address: str) -> list[dict[str, Any]]:
    rows = house.database.run(
        connection,
        "SELECT id, code, reason, phase, field, first_at, state FROM dead_letter "
        "WHERE stream = ? AND rkey = ? AND state IN ('open', 'dropped') ORDER BY id",
        (stream, rkey),
    ).fetchall()
    return [
        {
            "id": spoken("letter", row[0]), "what": "dead letter", "record": address, "field": row[4], "code": row[1],
            "text": row[2], "phase": row[3], "state": row[6], "since": iso(row[5]),
        }
        for row in rows
    ]  # fmt: skip


def _never_landed(house: House, connection: Any, letter: int) -> dict[str, Any]:
    """What could not be a record at all."""
    row = house.database.run(
        connection,
        "SELECT d.stream, d.rkey, s.connection, s.name FROM dead_letter d JOIN stream s ON s.id = d.stream "
        "WHERE d.id = ?",
        (letter,),
    ).fetchone()
    blocks = _read_letters(house, connection, row[0], row[1], row[1])
    return {
        "entity": None, "title": row[1], "record": row[1],
        "why": f"it could not be read as a record of {row[2]}/{row[3]}: set aside as {spoken('letter', letter)}.",
        "advice": f"crosswalk dlq show {spoken('letter', letter)}",
        "records": [], "missing": [], "blocks": blocks, "fields": [], "responses": [], "history": [],
    }  # fmt: skip
