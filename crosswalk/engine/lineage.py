"""Lineage: of one entity, who its records are, what decided each field, how each side stands to it, what blocks it."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from crosswalk.engine.answers import MADE
from crosswalk.engine.entities import SCORED
from crosswalk.engine.evidence import Comparer
from crosswalk.engine.model import House, Stream
from crosswalk.engine.plan import origin_awaited, origins_of
from crosswalk.engine.references import References
from crosswalk.engine.settle import Member, load_groups
from crosswalk.engine.words import (
    AskError,
    Titles,
    entity_names,
    field_of,
    held_words,
    maybe_spoken,
    record_addresses,
    shortened,
    spoken,
    title_of,
)
from crosswalk.store import unsettled
from crosswalk.store.awaited import awaited
from crosswalk.store.codec import iso, load, unmark
from crosswalk.store.goldens import Golden, load_goldens
from crosswalk.store.letters import letter_key
from crosswalk.store.records import ARCHIVED, LIVE, STATES
from mapping.merge.policy import RULES
from mapping.values import ABSENT, Value

_RESPONSES_SHOWN: Final = 20
_HISTORY_SHOWN: Final = 200
# Word for word as the partial indexes of `action` have it, or SQLite does not use them.


class Change(NamedTuple):
    """What one run did to golden. `before`: field -> (value, winner, why) as they stood."""

    run: int
    at: int
    before: Mapping[str, tuple[Value, int | None, str]]


class Write(NamedTuple):
    """One row of the journal."""

    run: int
    plan: int | None
    record: int
    at: int
    op: str
    fields: Sequence[Mapping[str, Any]]


class Waiting(NamedTuple):
    """An action that has not been done."""

    id: int
    plan: int
    stream: int
    record: int | None
    op: str
    state: str
    held_by: str | None
    due: int | None
    fields: Sequence[str]


class Lineage:
    """Gathers what there is of one entity, then tells it."""

    def __init__(self, house: House, connection: Any, entity: int) -> None:
        self._house = house
        self._connection = connection
        self._entity = entity
        row = house.database.run(connection, "SELECT kind, public FROM entity WHERE id = ?", (entity,)).fetchone()
        self._kind: str = row[0]
        self._public: str = row[1]
        if self._kind not in house.layouts:
            raise AskError(f"no stream of {self._kind} is listed any more", hint="list one to see its golden records")
        self._layout = house.layouts[self._kind]
        self._titles = Titles(house, connection)
        self._references = References(house, connection)
        width = len(self._layout.fields)
        goldens = load_goldens(house.database, connection, [entity], width)
        self._golden = goldens.get(entity) or Golden.blank(width)
        self._changes = self._load_changes()
        self._all = self._load_records()
        self._members = self._load_members()
        self._unwritable = self._load_letters("write")
        self._unreadable = self._load_letters("read")
        self._writes = self._load_writes()
        self._waiting = self._load_waiting()
        self._conflicts = self._load_conflicts()
        self._past: int | None = None  # the run at whose end it is told
        self._until: int | None = None  # when that was

    def as_of(self, run: int) -> "Lineage":
        """The same with golden taken back to the end of a run."""
        for change in self._changes:
            if change.run > run:
                for name, (value, winner, why) in change.before.items():
                    position = self._layout.position.get(name)
                    if position is not None:
                        self._golden.values[position] = value
                        self._golden.winners[position] = winner
                        self._golden.rules[position] = why
        self._changes = [change for change in self._changes if change.run <= run]
        self._writes = [write for write in self._writes if write.run <= run]
        self._waiting, self._unwritable = [], {}  # they are of now
        self._past = run
        self._until = self._house.database.run(
            self._connection, "SELECT coalesce(ended_at, started_at) FROM run WHERE id = ?", (run,)
        ).scalar()
        return self

    # -- gathering -------------------------------------------------------------------------------------------

    def _load_changes(self) -> list[Change]:
        """Newest first."""
        rows = self._house.database.run(
            self._connection,
            "SELECT run, at, before FROM golden_history WHERE entity = ? ORDER BY run DESC",
            (self._entity,),
        ).fetchall()
        return [
            Change(
                run, at, {name: (unmark(stood[0]), stood[1], stood[2]) for name, stood in load(bytes(before)).items()}
            )
            for run, at, before in rows
        ]

    def _load_records(self) -> list[Any]:
        rows = self._house.database.run(
            self._connection,
            "SELECT r.id, r.stream, s.connection, s.name, r.rkey, r.state, r.modified FROM member m "
            "JOIN record r ON r.id = m.record JOIN stream s ON s.id = r.stream WHERE m.entity = ? ORDER BY r.id",
            (self._entity,),
        )
        return list(rows.fetchall())

    def _load_members(self) -> dict[int, Member]:
        """Records of the entity's own kind, in listed streams, as merging and planning see them."""
        groups = load_groups(self._house, self._connection, [self._entity], reading=True)
        return {member.id: member for group in groups for member in group.members}

    def _load_letters(self, phase: str) -> dict[int, dict[str, int]]:
        """Dead letters of each record by field ("" for all of it)."""
        found: dict[int, dict[str, int]] = {}
        by_stream: dict[int, dict[str, int]] = {}
        for member in self._members.values():
            by_stream.setdefault(member.stream.id, {})[member.rkey] = member.id
        for stream, keys in by_stream.items():
            for number, rkey, name in self._house.database.select(
                self._connection,
                "SELECT id, rkey, field FROM dead_letter "
                "WHERE state IN ('open', 'dropped') AND phase = ? AND stream = ? AND",
                "rkey",
                list(keys),
                first=(phase, stream),
            ):
                found.setdefault(keys[rkey], {})[name] = number
        return found

    def _load_writes(self) -> list[Write]:
        """Newest first."""
        rows = self._house.database.select(
            self._connection,
            "SELECT run, plan, record, at, op, fields, id FROM journal WHERE",
            "record",
            [row[0] for row in self._all],
        )
        ordered = sorted(rows, key=lambda row: (row[3], row[6]), reverse=True)
        return [
            Write(run, plan, record, at, op, load(bytes(fields))) for run, plan, record, at, op, fields, _ in ordered
        ]

    def _load_waiting(self) -> list[Waiting]:
        rows = self._house.database.run(
            self._connection,
            "SELECT id, plan, stream, record, op, state, held_by, due, fields FROM action "
            f"WHERE {unsettled.ACTION} AND entity = ? ORDER BY id",
            (self._entity,),
        ).fetchall()
        return [
            Waiting(number, plan, stream, record, op, state, held, due, [one["field"] for one in load(bytes(fields))])
            for number, plan, stream, record, op, state, held, due, fields in rows
        ]

    def _load_conflicts(self) -> dict[str, tuple[int, str, int]]:
        """Open ones by field: number, why, since."""
        rows = self._house.database.run(
            self._connection,
            "SELECT field, id, detail, at FROM conflict WHERE state = 'open' AND entity = ?",
            (self._entity,),
        ).fetchall()
        return {row[0]: (row[1], str(load(bytes(row[2])).get("why", "")), row[3]) for row in rows}

    # -- telling ---------------------------------------------------------------------------------------------

    def told(self, *, asked: int | None, field: str | None) -> dict[str, Any]:
        positions = self._meant(field)
        addresses = {row[0]: f"{row[2]}/{row[3]}/{row[4]}" for row in self._all}
        winners = {winner for winner in self._golden.winners if winner is not None}
        winners |= {stood[1] for change in self._changes for stood in change.before.values() if stood[1] is not None}
        addresses |= record_addresses(self._house, self._connection, winners - set(addresses))
        names = {self._layout.fields[position] for position in positions}
        values = dict(zip(self._layout.fields, self._golden.values, strict=True))
        name = entity_names(self._house, self._connection, [self._entity])[self._entity]
        title = self._titles.of([self._entity], post=True)[self._entity]
        if self._past is not None:
            title = title_of(self._kind, values) or title
        return {
            "entity": name,
            "id": f"{self._kind}/{self._public}",
            "title": title,
            "record": None if asked is None else addresses.get(asked),
            "as_of": maybe_spoken("run", self._past),
            "as_of_at": iso(self._until),
            "records": self._records(addresses),
            "missing": [] if self._past is not None else self._missing(),
            "blocks": [] if self._past is not None else self._blocks(addresses, names, whole=field is None),
            "fields": [self._field(position, addresses) for position in positions],
            "responses": self._responses() if field is None else [],
            "history": self._history(names, addresses),
        }

    def _meant(self, text: str | None) -> list[int]:
        """Positions of the fields that a person means; without a text, of all that say anything."""
        fields = self._layout.fields
        if text is None:
            return [position for position in range(len(fields)) if self._says(position)]
        wanted = text.strip().lower().partition("[")[0]
        for test in (
            lambda name: name == wanted,
            lambda name: name in (f"{wanted}s", f"{wanted}es", f"custom.{wanted}", f"cx.{wanted}"),
            lambda name: name.startswith(wanted),
            lambda name: wanted in name,
        ):
            if positions := [position for position, name in enumerate(fields) if test(name)]:
                # Of several that are meant, those that say anything; asked for by its name, one says that it is empty.
                return [position for position in positions if self._says(position)] or positions
        near = get_close_matches(wanted, fields, n=4) or sorted(fields)
        raise AskError(f"a {self._kind} has no field '{text}' here", hint="there are: " + shortened(near))

    def _says(self, position: int) -> bool:
        """Does the hub hold anything of it, or does any side show a value?"""
        name = self._layout.fields[position]
        return self._golden.values[position] is not ABSENT or any(
            self._observed(member, name) not in (ABSENT, None) for member in self._members.values()
        )

    @staticmethod
    def _address(member: Member) -> str:
        return f"{member.stream.address}/{member.rkey}"

    def _answer(self, row: Any) -> bool:
        """Is it a record of another kind, joined by what it claims?"""
        stream = self._house.by_id(row[1])
        return stream is not None and stream.kind != self._kind

    def _observed(self, member: Member, name: str) -> Value:
        at = member.stream.at.get(name)
        return ABSENT if at is None else member.observed[at]

    # records

    def _records(self, addresses: Mapping[int, str]) -> list[dict[str, Any]]:
        numbers = [row[0] for row in self._all]
        own = [row[0] for row in self._all if not self._answer(row)]
        shown = [*own, *[number for number in numbers if number not in own][-_RESPONSES_SHOWN:]]
        matched = _matched(self._house, self._connection, self._kind, numbers, until=self._until)
        seen = seen_streams(self._house, self._connection, {row[1] for row in self._all})
        created = {write.record: write for write in self._writes if write.op == "create"}
        rows = {row[0]: row for row in self._all}
        told = []
        for number in shown:
            member, row = self._members.get(number), rows[number]
            by, at = matched.get(number) or (_FIRST if number == min(numbers) else _BY_ITSELF, None)
            create = created.get(number)
            if create is not None:
                by, at = MADE, create.at
            if self._until is not None and at is not None and at > self._until:
                continue  # it came to the others only later
            due = [one.due for one in self._waiting if one.record == number and one.due is not None]
            told.append(
                {
                    "address": addresses[number],
                    "state": STATES[row[5]],
                    "seen_at": iso(seen.get(row[1])),
                    "modified_at": iso(row[6]),
                    "matched_by": by,
                    "matched_at": iso(at),
                    "represents": member.represents if member is not None else False,
                    **(_FREE if member is None else self._blocked(member)),
                    "next_try_at": iso(min(due, default=None)),
                    "created_by_run": None if create is None else spoken("run", create.run),
                }
            )
        return told

    def _blocked(self, member: Member) -> Mapping[str, str | None]:
        """What keeps the whole record from being written."""
        letter = self._unwritable.get(member.id, {}).get("")
        if letter is not None:
            row = self._house.database.run(
                self._connection, "SELECT reason FROM dead_letter WHERE id = ?", (letter,)
            ).fetchone()
            return {"blocked_by": spoken("letter", letter), "reason": row[0]}
        held = next((one for one in self._waiting if one.record == member.id and one.state == "held"), None)
        if held is None:
            return _FREE
        return {"blocked_by": spoken("plan", held.plan), "reason": ", ".join(held_words(held.held_by))}

    def _missing(self) -> list[dict[str, Any]]:
        """Streams that the hub may make it in and where it has no record, with the reason (the planner's own)."""
        told, waited_for = [], awaited(self._house.database)
        for stream in self._house.of_kind(self._kind):
            there = [one for one in self._members.values() if one.stream.connection == stream.connection]
            if "create" in stream.writes and not any(one.state <= ARCHIVED for one in there):
                reason, first = self._why_missing(stream, gone=bool(there))
                since = None if first is None or first not in waited_for else iso(waited_for[first].since)
                told.append({"stream": stream.address, "reason": reason, "since": since})
        return told

    def _why_missing(self, stream: Stream, *, gone: bool) -> tuple[str, str | None]:
        """And the stream that is to be read first, where it is that."""
        unread = [other.address for other in self._house.of_kind(self._kind) if not other.complete]
        reason = self._why_never_made(stream, gone=gone)
        if reason is not None:
            return reason, None
        if unread:
            return f"{shortened(unread)} has not been read to its end yet", unread[0]
        origin = origin_awaited(self._members.values(), origins_of(self._house, self._connection))
        if origin is not None:
            return f"it may have been made of one of {origin.address}, which is to be read first", origin.address
        return "the next plan makes it, if it has what the stream needs", None

    def _why_never_made(self, stream: Stream, *, gone: bool) -> str | None:
        live = {one.stream.connection for one in self._members.values() if one.state == LIVE}
        waits = next((one for one in self._waiting if one.op == "create" and one.stream == stream.id), None)
        letter = self._refused_create(stream)
        pair = self._doubtful()
        if waits is not None:
            return _waits(waits)
        if letter is not None:
            return f"{spoken('letter', letter[0])}: {letter[1]}"
        if gone:
            return "it was there and is gone: the hub does not make it again"
        if not live & stream.create_from:
            return f"made there only from {shortened(sorted(stream.create_from)) or 'nowhere'}"
        if pair is not None:
            return f"{spoken('pair', pair)} is open: it may be somebody who is there already"
        return None

    def _refused_create(self, stream: Stream) -> tuple[int, str] | None:
        row = self._house.database.run(
            self._connection,
            "SELECT id, reason FROM dead_letter WHERE stream = ? AND rkey = ? AND state IN ('open', 'dropped')",
            (stream.id, letter_key(self._public)),
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def _doubtful(self) -> int | None:
        """An open pair with one of its records."""
        rows = [
            row[0]
            for column in ('"left"', '"right"')
            for row in self._house.database.select(
                self._connection, "SELECT id FROM pair WHERE state = 'open' AND", column, list(self._members)
            )
        ]
        return min(rows, default=None)

    def _blocks(self, addresses: Mapping[int, str], names: set[str], *, whole: bool) -> list[dict[str, Any]]:
        """Whatever keeps a field or a record from coming to rest."""
        told: list[dict[str, Any]] = []
        numbers = {
            number: self._address(self._members[record])
            for letters in (self._unwritable, self._unreadable)
            for record, fields in letters.items()
            for name, number in fields.items()
            if whole or name in names or not name
        }
        for number, code, reason, phase, name, at, state in self._house.database.select(
            self._connection,
            "SELECT id, code, reason, phase, field, first_at, state FROM dead_letter WHERE",
            "id",
            sorted(numbers),
            "ORDER BY id",
        ):
            told.append(
                {
                    "id": spoken("letter", number), "what": "dead letter", "record": numbers[number],
                    "field": name, "code": code, "text": reason, "phase": phase, "state": state, "since": iso(at),
                }
            )  # fmt: skip
        for name, (number, why, at) in sorted(self._conflicts.items()):
            if whole or name in names:
                told.append(
                    {
                        "id": spoken("conflict", number), "what": "conflict", "record": None, "field": name,
                        "text": why, "since": iso(at),
                    }
                )  # fmt: skip
        for one in self._waiting:
            if one.state == "held" and (whole or names & set(one.fields)):
                stream = self._house.by_id(one.stream)
                target = addresses.get(one.record or 0) or (None if stream is None else stream.address)
                told.append(
                    {
                        "id": spoken("plan", one.plan), "what": "held", "record": target, "field": "",
                        "fields": list(one.fields), "text": _waits(one), "since": None,
                    }
                )  # fmt: skip
        return told

    # fields

    def _field(self, position: int, addresses: Mapping[int, str]) -> dict[str, Any]:
        name = self._layout.fields[position]
        kind_field = field_of(self._kind, name)
        golden = self._golden
        winner = golden.winners[position]
        change = next((one for one in self._changes if name in one.before), None)
        previous = None
        if change is not None:
            value, source, _ = change.before[name]
            previous = {
                "value": self._titles.shown(value, kind_field),
                "source": addresses.get(source) if source is not None else None,
            }
        return {
            "name": name,
            "value": self._titles.shown(golden.values[position], kind_field),
            "source": addresses.get(winner) if winner is not None else None,
            "rule": self._reason(golden.rules[position], winner, addresses),
            "place": rule_place(self._house, self._kind, name),
            "since": None if change is None else iso(change.at),
            "run": None if change is None else spoken("run", change.run),
            "previous": previous,
            "conflict": spoken("conflict", self._conflicts[name][0]) if name in self._conflicts else None,
            "sides": [] if self._past is not None else self._sides(position, name),
        }

    def _reason(self, why: str, winner: int | None, addresses: Mapping[int, str]) -> str:
        """Fields of a first load carry only the word of their rule."""
        if why not in RULES:
            return why
        who = addresses.get(winner or 0, "").partition("/")[0] or "one of them"
        return {
            "nobody": "nobody says anything",
            "only value": f"only {who} has a value",
            "agreed": "all that have it say the same",
            "masters": f"{who} is master",
            "newest": f"{who} changed it last",
            "union": "what any of them has",
            "restrictive": "the strictest of them holds",
            "hub": "computed by the hub",
        }.get(why, why)

    def _sides(self, position: int, name: str) -> list[dict[str, Any]]:
        kind_field = field_of(self._kind, name)
        order = list(self._house.links)
        told = []
        for member in sorted(self._members.values(), key=lambda one: (order.index(one.stream.connection), one.id)):
            at = member.stream.at.get(name)
            if at is None:
                continue
            stood = self._stand(member, at, name, self._golden.values[position])
            written = self._written(member, name)
            if stood.state == "holds" and not stood.reason and written is not None:
                stood = stood._replace(reason="written by the hub, accepted")
            told.append(
                {
                    "connection": member.stream.connection,
                    "record": self._address(member),
                    "label": member.stream.mapping.label(at),
                    "value": self._titles.shown(stood.value, kind_field),
                    "state": stood.state,
                    "reason": stood.reason,
                    "written_at": iso(written),
                }
            )
        return told

    def _written(self, member: Member, name: str) -> int | None:
        return next(
            (
                write.at
                for write in self._writes
                if write.record == member.id and any(one["field"] == name for one in write.fields)
            ),
            None,
        )

    def _stand(self, member: Member, at: int, name: str, golden: Value) -> "_Stood":
        """How one side stands to what the hub holds."""
        observed = member.row[member.stream.place[at]]
        pending = name in member.base.hub
        if observed is ABSENT and not member.stream.mapping.readable[at]:
            return self._stand_unread(member, at, name, golden)
        if observed is ABSENT:
            unread = self._unreadable.get(member.id, {}).get(name)
            if unread is not None:
                return _Stood(None, "not read", f"{spoken('letter', unread)}: it cannot be understood")
            raw = member.observed[at]
            if raw is not ABSENT:
                return _Stood(raw, "not read", "what it refers to has not been read yet")
            return _Stood(None, "not read", "no answer has carried it yet")
        if observed == golden:
            return _Stood(observed, "holds", "")
        if golden in (ABSENT, None):
            if golden is None and pending:
                return self._due(member, at, name, observed)
            return _Stood(observed, "differs", self._unwritten(member, at) or _AGREED)
        theirs = self._shown_there(member, at, golden)
        if theirs is ABSENT:
            return _Stood(observed, "cannot hold", self._cannot(member, at))
        if observed == theirs:
            return _Stood(observed, "holds", "as much of it as this side can hold")
        return self._due(member, at, name, observed)

    def _stand_unread(self, member: Member, at: int, name: str, golden: Value) -> "_Stood":
        """A line that is only written: what it shows is what was agreed last."""
        stored: Any = member.base.hub.get(name, False)
        if stored is False:
            blank = golden in (ABSENT, None)
            return _Stood(None if blank else golden, "holds", "" if blank else "written, and never read back")
        before = unmark(stored[0]) if stored else None
        return self._due(member, at, name, before)

    def _due(self, member: Member, at: int, name: str, observed: Value) -> "_Stood":
        """It shows something else. Is a write due, and what is in its way?"""
        never = self._unwritten(member, at)
        if never is not None:
            return _Stood(observed, "differs", never)
        if name in self._conflicts:
            return _Stood(observed, "differs", f"{spoken('conflict', self._conflicts[name][0])} is open")
        if at in member.unread:
            return _Stood(observed, "not written", "not all of what it refers to has been read yet")
        letters = self._unwritable.get(member.id, {})
        for key, what in (("", "the record"), (name, "the field")):
            if key in letters:
                return _Stood(observed, "not written", f"{spoken('letter', letters[key])} blocks {what}")
        waits = next((one for one in self._waiting if one.record == member.id and name in one.fields), None)
        if waits is not None:
            return _Stood(observed, "not written", _waits(waits))
        if name in member.base.side and at in member.stream.refs and self._is_in_doubt(member):
            return _Stood(observed, "not read", "whether what it named is still there is to be asked first")
        if name in member.base.hub or name in member.base.side:
            return _Stood(observed, "not written", "the next plan writes it")
        return _Stood(observed, "differs", _AGREED)

    def _is_in_doubt(self, member: Member) -> bool:
        """Does it name something no more that may be gone? See `emptied`."""
        row = self._house.database.run(
            self._connection, "SELECT 1 FROM doubt WHERE record = ? LIMIT 1", (member.id,)
        ).fetchone()
        return row is not None

    def _unwritten(self, member: Member, at: int) -> str | None:
        """Why this side is never written, whatever it shows; None: it may be."""
        if member.state != LIVE:
            return f"{STATES[member.state]} there: not written"
        if not member.represents:
            other = next(
                one
                for one in self._members.values()
                if one.represents and one.stream.connection == member.stream.connection
            )
            return f"a duplicate: {self._address(other)} is the one that is written"
        if not member.stream.mapping.writable[at]:
            return "this line of the mapping only reads"
        if "update" not in member.stream.writes:
            return f"{member.stream.address} has no update in `write`"
        return None

    def _shown_there(self, member: Member, at: int, golden: Value) -> Value:
        """What this record would show of it (the engine's own question before it plans a write)."""
        mapping = member.stream.mapping
        if at in member.stream.refs:
            theirs = self._references.as_remote(member.stream, golden)
            if theirs is ABSENT or not self._references.can_show(member.stream, golden):
                return ABSENT
            kept = mapping.shown(at, theirs, over=None)
            return ABSENT if kept is ABSENT else self._references.seen_once(member.stream, at, kept)
        return mapping.shown(at, golden, over=member.raw(self._load_raw))

    def _load_raw(self, record: int) -> Any:
        row = self._house.database.run(self._connection, "SELECT raw FROM body WHERE record = ?", (record,)).fetchone()
        return load(bytes(row[0]))

    def _cannot(self, member: Member, at: int) -> str:
        if at in member.stream.refs:
            return f"{member.stream.connection} has no record of what it refers to, or they have left"
        return "there is no form of it that this side takes"

    # responses

    def _responses(self) -> list[dict[str, Any]]:
        numbers = [row[0] for row in self._all if self._answer(row)]
        return answers(self._house, self._connection, numbers[-_RESPONSES_SHOWN:])

    # history

    def _history(self, names: set[str], addresses: Mapping[int, str]) -> list[dict[str, Any]]:
        """What the hub came to hold and what it wrote, newest first."""
        events: list[tuple[int, int, dict[str, Any]]] = []
        after = dict(zip(self._layout.fields, self._golden.values, strict=True))
        why = dict(zip(self._layout.fields, zip(self._golden.winners, self._golden.rules, strict=True), strict=True))
        for change in self._changes:
            for name, (value, winner, reason) in change.before.items():
                if name in names and name in after:
                    kind_field = field_of(self._kind, name)
                    by, because = why[name]
                    event = {
                        "at": iso(change.at), "run": spoken("run", change.run), "what": "hub", "field": name,
                        "before": self._titles.shown(value, kind_field),
                        "after": self._titles.shown(after[name], kind_field),
                        "source": addresses.get(by or 0), "reason": self._reason(because, by, addresses),
                    }  # fmt: skip
                    events.append((change.at, change.run, event))
                if name in after:
                    after[name], why[name] = value, (winner, reason)
        for write in self._writes:
            if not write.fields:
                event = {
                    "at": iso(write.at), "run": spoken("run", write.run), "what": "write", "op": write.op,
                    "record": addresses.get(write.record), "plan": maybe_spoken("plan", write.plan), "field": "",
                    "label": None, "before": None, "after": None, "source": None, "reason": None,
                }  # fmt: skip
                events.append((write.at, write.run, event))
            for one in write.fields:
                if one["field"] in names:
                    event = {
                        "at": iso(write.at), "run": spoken("run", write.run), "what": "write", "op": write.op,
                        "record": addresses.get(write.record), "plan": maybe_spoken("plan", write.plan),
                        "field": one["field"], "label": one.get("label"),
                        "before": self._titles.shown(unmark(one.get("before")), field_of(self._kind, one["field"])),
                        "after": self._titles.shown(unmark(one.get("after")), field_of(self._kind, one["field"])),
                        "source": one.get("source"), "reason": one.get("reason"),
                    }  # fmt: skip
                    events.append((write.at, write.run, event))
        events.sort(key=lambda event: event[:2], reverse=True)
        return [event for _, _, event in events[:_HISTORY_SHOWN]]


class _Stood(NamedTuple):
    value: Value
    state: str  # holds, not written, differs, cannot hold, not read
    reason: str


_FREE: Final[Mapping[str, str | None]] = {"blocked_by": None, "reason": None}
_FIRST: Final = "first here"
_AGREED: Final = "agreed to differ: left as it is there"
_BY_ITSELF: Final = "no rule: put here by a person or by an earlier rule"


def _waits(one: Waiting) -> str:
    """Why an action has not been done, in words."""
    plan = spoken("plan", one.plan)
    if one.state == "held":
        return f"waits in {plan} for a person: {', '.join(held_words(one.held_by))}"
    return {
        "later": f"{plan}: put off by the vendor, tried again by itself",
        "unknown": f"{plan}: sent, and no answer came; it is looked up before anything else is done",
    }.get(one.state, f"planned in {plan}")


def rule_place(house: House, kind: str, name: str) -> str | None:
    """Where the line of the file stands that decides this field; None: the defaults of the hub decide."""
    if house.settings is None or house.policies.policy(kind, name).code == "derived":
        return None
    merge = house.settings.merge
    policy = merge.kinds.get(kind, {}).get(name, merge.defaults)
    place = policy.place or merge.defaults.place
    return None if place is None else f"{place.file}:{place.line}:{place.column}"


def _matched(
    house: House, connection: Any, kind: str, records: Sequence[int], *, until: int | None
) -> dict[int, tuple[str, int]]:
    """By which rule each record came to the others, and when. `until`: what was said only later counts least."""
    own = set(records)
    best: dict[int, tuple[tuple[Any, ...], str, int]] = {}
    comparer = Comparer(house, connection)
    for column in ('"left"', '"right"'):
        for left, right, source, rule, who, at, score, shown in house.database.select(
            connection,
            'SELECT "left", "right", source, rule, who, at, score, shown FROM edge WHERE verdict = \'same\' AND',
            column,
            list(records),
        ):
            if not (left in own and right in own):
                continue
            text = f"decided by {who}" if source == "person" and who else rule
            if source == SCORED:
                text = comparer.words(kind, left, right, rule=rule, bits=score, shown=shown)
            for number, other in ((left, right), (right, left)):
                # The edge to an earlier record is how it came; the first record of all did not come to anybody.
                order = (until is not None and at > until, other > number, source != "person", at)
                if number != min(own) and (number not in best or order < best[number][0]):
                    best[number] = (order, text, at)
    return {number: (text, at) for number, (_, text, at) in best.items()}


def seen_streams(house: House, connection: Any, streams: Iterable[int]) -> dict[int, int | None]:
    """Of each stream the moment up to which all its parts were read: its records are known as of then.

    Where a system tells no time, the last run that it answered.
    """
    wanted = set(streams)
    found: dict[int, int | None] = {}
    for stream, name, open_at, watermark, covered in house.database.select(
        connection,
        "SELECT stream, name, CASE WHEN position IS NULL THEN NULL ELSE opened END, watermark, covered_to "
        "FROM part WHERE",
        "stream",
        list(wanted),
    ):
        if name.startswith("~"):
            continue
        known = house.by_id(stream)
        unfinished = open_at is not None and known is not None and known.spec.cursor != "content"
        reached = watermark if unfinished else covered if covered is not None else watermark
        before = found.get(stream, reached)
        found[stream] = None if reached is None or before is None else min(before, reached)
    timeless = [stream for stream in wanted if found.get(stream) is None]
    for stream, good in house.database.select(
        connection,
        "SELECT s.id, c.last_good_at FROM stream s JOIN connection c ON c.name = s.connection WHERE",
        "s.id",
        timeless,
    ):
        found[stream] = good
    return found


def answers(house: House, connection: Any, records: Sequence[int]) -> list[dict[str, Any]]:
    """Responses with their scores, newest first: which of them count, and where they stand."""
    addresses = record_addresses(house, connection, records)
    told: dict[int, dict[str, Any]] = {}
    for record, metric, survey, kind, at, score, counted in house.database.select(
        connection,
        "SELECT record, metric, survey, kind, answered_at, score, counted FROM response WHERE",
        "record",
        list(records),
        "ORDER BY record, metric, question",
    ):
        one = told.setdefault(
            record,
            {"record": addresses[record], "survey": survey, "kind": kind, "answered_at": iso(at), "scores": []},
        )
        value = load(bytes(score))
        one["scores"].append(
            {"metric": metric, "value": value.get("value"), "class": value.get("class"), "counted": bool(counted)}
        )
    return sorted(told.values(), key=lambda one: (one["answered_at"] or "", one["record"]), reverse=True)
