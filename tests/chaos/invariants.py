"""What must hold of a hub and its vendors (DESIGN.md, section 5), each as a check that counts what it judged.

`at_any_time` is asked after every run, crashed ones too; `at_the_end` once people and faults are gone and two runs have
passed. What does not hold is a `BrokenError`, which names the invariant.
"""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from crosswalk.engine.model import House
from crosswalk.engine.settle import EntityMerger, load_groups
from crosswalk.store import conflicts
from crosswalk.store.budget import HEADROOM
from crosswalk.store.codec import load, load_row, mark
from crosswalk.store.dialect import Database
from crosswalk.store.goldens import load_goldens
from crosswalk.store.letters import letter_key
from crosswalk.store.records import DELETED, LIVE, MERGED, SETTLE, STATES, add_work
from mapping.merge.consent import severity
from mapping.schema import target
from mapping.values import ABSENT
from tests.databases import stored

if TYPE_CHECKING:
    from tests.chaos.histories import Play

INVARIANTS: Final = {
    "I1": "in a quiet world the second run writes nothing",
    "I2": "once edits stop, every permitted field is at rest or sits in a queue",
    "I3": "every edit is propagated, superseded by a journaled decision, or queued",
    "I4": "nothing is made twice",
    "I5": "every write is journaled, and nothing else is written",
    "I6": "no record stamped before the watermark is missing from the store",
    "I7": "deletes and clears only with evidence",
    "I8": "who was erased never comes back, neither in the store nor at a vendor",
    "I9": "consent never loosens without newer evidence",
    "I10": "matching depends on no order, and is stable when it runs again",
    "I11": "an undo restores every untouched field",
    "I12": "our calls never exceed our share of the budget",
    "I13": "no secret and no personal data in what is told of errors",
    "I14": "no more than one page is held while a stream is read",
}


class BrokenError(AssertionError):
    """Something that must hold does not."""

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant


@dataclass
class Effect:
    """A write that happened at a vendor."""

    system: str
    op: str
    stream: str
    key: str
    action: int
    hub_id: str | None
    values: dict[str, Any]
    before: dict[str, Any]


@dataclass
class Witness:
    """What was done in a history, as far as a check asks for it."""

    gone: set[tuple[str, str, str]] = field(default_factory=set)  # system, stream, key that a vendor showed as gone
    cleared: set[tuple[str, str]] = field(default_factory=set)  # system, column that somebody emptied
    left: set[tuple[str, str]] = field(default_factory=set)  # system, key of people whom somebody said to work nowhere
    untold: set[tuple[str, str]] = field(default_factory=set)  # and at a company that had gone before anybody read so
    may_clear: set[str] = field(default_factory=set)  # systems whose clears the file let through at some time
    told: list[str] = field(default_factory=list)  # texts of errors and problems that nobody has judged yet
    judged: int = 0  # effects that were looked at one by one


def at_any_time(play: "Play", database: Database) -> None:
    play.erased.look(play)
    with database.read() as connection:
        check_watermarks(play, database, connection)
        check_removals(play, database, connection)
        check_texts(play, database, connection)
    check_erased(play, database)
    check_kept(play)
    for effect in play.effects[play.witness.judged :]:
        check_clear(play, effect)
        check_opt_out(play, effect)
    play.witness.judged = len(play.effects)
    check_budgets(play)


def at_the_end(play: "Play", house: House) -> None:
    check_rest(play, house)
    check_edits(play, house)
    check_creates(play, house)
    check_journal(play, house)
    check_bases(play, house)
    check_work(play, house)
    check_consent(play, house)


# -- at any time ---------------------------------------------------------------------------------------------------


def check_watermarks(play: "Play", database: Database, connection: Any) -> None:
    """I6: what a read up to the watermark must have shown is held as it stands there."""
    held: dict[int, dict[str, str]] = {}
    for stream, key, version in database.run(connection, "SELECT stream, rkey, version FROM record").fetchall():
        held.setdefault(stream, {})[key] = version or ""
    parts = database.run(
        connection,
        "SELECT s.id, s.connection, s.name, p.watermark FROM part p JOIN stream s ON s.id = p.stream "
        "WHERE p.name = '' AND p.watermark IS NOT NULL",
    ).fetchall()
    for stream, system, name, watermark in parts:
        for row in play.remote(system).shown(name):
            if play.erased.has(system, name, row["id"]):
                continue
            if _millis(row["updated"]) >= watermark:
                continue  # the next window begins with it
            play.held["I6"] += 1
            if held.get(stream, {}).get(row["id"], "") < row["updated"]:
                raise BrokenError("I6", f"{system}/{name}/{row['id']} of {row['updated']} was missed")


def check_removals(play: "Play", database: Database, connection: Any) -> None:
    """I7: what is held as gone was gone at its vendor once."""
    rows = database.run(
        connection,
        "SELECT s.connection, s.name, r.rkey, r.state FROM record r JOIN stream s ON s.id = r.stream "
        f"WHERE r.state IN ({DELETED}, {MERGED})",
    ).fetchall()
    for system, stream, key, state in rows:
        if key.startswith("erased-"):
            continue
        play.held["I7"] += 1
        if (system, stream, key) not in play.witness.gone:
            raise BrokenError("I7", f"{system}/{stream}/{key} is held as {STATES[state]} and was never gone")


_EMPTY: Final[tuple[Any, ...]] = (None, "", [])
_FIELD: Final = {"title": "job_title", "phone": "phones", "email": "emails", "name": "name", "tags": "tags"}


def check_clear(play: "Play", effect: Effect) -> None:
    """I7: a field is emptied only after somebody emptied it in a system whose clears count."""
    if effect.stream != "people":
        return
    for column in _FIELD:
        if column not in effect.values or effect.values[column] not in _EMPTY:
            continue
        if effect.before.get(column) in _EMPTY:
            continue
        play.held["I7"] += 1
        spreads = target("person", _FIELD[column]).field.clears_spread  # of fields that say so, from everybody
        may = ("alpha", "beta") if spreads else play.witness.may_clear
        if not any((system, column) in play.witness.cleared for system in may):
            raise BrokenError("I7", f"{column} was emptied, and nobody who may had emptied it: {effect}")


def check_opt_out(play: "Play", effect: Effect) -> None:
    """I9: who has said no in a system is never written there as having said yes, or nothing."""
    for column, no, yes in (("opt_out", True, False), ("news", "no", "yes")):
        if column not in effect.values:
            continue
        play.held["I9"] += 1
        if effect.before.get(column) == no and effect.values[column] in (yes, *_EMPTY):
            raise BrokenError("I9", f"{column} was opened without evidence: {effect}")


def check_kept(play: "Play") -> None:
    """I3: what somebody lets each side keep is not written over on either."""
    if not play.kept:
        return
    homes = play.homes()
    play.kept = [kept for kept in play.kept if kept.homes == homes]  # who is somebody else by now shows what they do
    for kept in play.kept:
        for (system, key), shown in kept.shown.items():
            play.held["I3"] += 1
            there = play.remote(system).rows["people"].get(key)
            if there is not None and there.get(kept.column) != shown:
                raise BrokenError(
                    "I3", f"{system}/people/{key} {kept.column} was to keep {shown!r} and is {there.get(kept.column)!r}"
                )


def check_budgets(play: "Play") -> None:
    """I12: the reserve of the account's people is left to them, and reads leave what writes need."""
    for system in ("alpha", "beta"):
        remote = play.remote(system)
        if remote.allowance is None:
            continue
        share = remote.allowance - remote.allowance * RESERVE // 100
        for day in {day for day, _ in remote.paid}:
            play.held["I12"] += 1
            reads, writes = remote.paid[day, "read"], remote.paid[day, "write"]
            most = share - remote.allowance * HEADROOM["write"] // 100
            if reads + writes > most or reads > share - remote.allowance * HEADROOM["read"] // 100:
                raise BrokenError("I12", f"{system}: {reads} reads and {writes} writes of {remote.allowance} a day")


RESERVE: Final = 20  # of a hundred: what the account's people keep, where the file says nothing
_PERSONAL: Final = re.compile(r"@a\.test|Ann |Person\d|\+?4989555|ask \w+ first")
_REASONS: Final = (
    "SELECT reason FROM dead_letter",
    "SELECT reason FROM action WHERE reason IS NOT NULL",
    "SELECT detail FROM connection WHERE detail IS NOT NULL",
)


def check_erased(play: "Play", database: Database) -> None:
    """I8: no record of theirs is held, none is written to, and nothing has an address of theirs in it."""
    erased = play.erased
    if not erased.keys:
        return
    with database.read() as connection:
        rows = database.run(
            connection, "SELECT s.connection, s.name, r.rkey FROM record r JOIN stream s ON s.id = r.stream"
        ).fetchall()
    play.held["I8"] += len(erased.keys) + len(erased.mails)
    if back := {tuple(row) for row in rows} & erased.keys:
        raise BrokenError("I8", f"is held again: {back}")
    for effect in play.effects[erased.after :]:
        if (effect.system, effect.stream, effect.key) in erased.keys:
            raise BrokenError("I8", f"was written to: {effect}")
    for table, text in stored(database) if erased.mails else ():
        if found := [mail for mail in erased.mails if mail in text]:
            raise BrokenError("I8", f"{found} stands in {table}")


def check_texts(play: "Play", database: Database, connection: Any) -> None:
    """I13: neither what people are told nor what is kept as a reason quotes a customer."""
    told = list(play.witness.told)
    play.witness.told.clear()
    for statement in _REASONS:
        told += [str(row[0]) for row in database.run(connection, statement).fetchall()]
    for text in told:
        play.held["I13"] += 1
        if _PERSONAL.search(text):
            raise BrokenError("I13", f"this is told: {text}")


def check_pages(play: "Play") -> None:
    """I14: a page is asked for only when the one before it has been landed; with threads, a few later."""
    play.held["I14"] += 1
    if play.unlanded > play.pages:
        raise BrokenError("I14", f"{play.unlanded} pages are held at once")


def _millis(stamp: str) -> int:
    return int(datetime.fromisoformat(stamp).timestamp() * 1000)


# -- at the end ----------------------------------------------------------------------------------------------------


def check_consent(play: "Play", house: House) -> None:
    """I9: as long as a record says no, its entity does."""
    with house.database.read() as connection:
        layout = house.layouts["person"]
        people = house.database.run(connection, "SELECT id FROM entity WHERE kind = 'person'").fetchall()
        entities = [row[0] for row in people]
        goldens = load_goldens(house.database, connection, entities, len(layout.fields))
        names = [name for name in layout.fields if name.startswith("consent")]
        for group in load_groups(house, connection, entities, reading=True):
            for name in names:
                place = layout.position[name]
                said = [
                    severity(element)
                    for member in group.members
                    if member.state == LIVE and member.represents and name in member.stream.at
                    for element in member.row[place] or ()
                ]
                if not said:
                    continue
                play.held["I9"] += 1
                golden = goldens[group.entity].values[place]
                if max(said) >= 3 > max((severity(one) for one in golden or ()), default=0):
                    raise BrokenError("I9", f"person {group.entity}: a record says no, golden is {golden}")


def partition(database: Database) -> list[tuple[int, int]]:
    """Whose each record is."""
    with database.read() as connection:
        rows = database.run(connection, "SELECT record, entity FROM member ORDER BY record").fetchall()
    return [(row[0], row[1]) for row in rows]


def match_again(database: Database) -> None:
    """Put everybody up to be settled once more. Not answers: they follow an address to who has it now."""
    with database.write() as connection:
        records = database.run(
            connection, "SELECT r.id FROM record r JOIN stream s ON s.id = r.stream WHERE s.name <> 'answers'"
        ).fetchall()
        add_work(database, connection, SETTLE, [row[0] for row in records])


@dataclass
class Queues:
    """What waits for somebody, by entity and field or record."""

    conflicts: set[tuple[int, str]]
    letters: set[tuple[int, str]]
    pairs: set[int]
    held: set[tuple[int, int]]  # stream, entity


def queues(house: House, connection: Any) -> Queues:
    run = house.database.run
    return Queues(
        {tuple(row) for row in run(connection, "SELECT entity, field FROM conflict WHERE state = 'open'").fetchall()},
        {
            tuple(row)
            for row in run(
                connection,
                "SELECT stream, rkey FROM dead_letter WHERE state IN ('open', 'dropped')",
            ).fetchall()
        },
        {
            row[0]
            for row in run(
                connection,
                'SELECT m.entity FROM pair p JOIN member m ON m.record = p."left" OR m.record = p."right" '
                "WHERE p.state = 'open'",
            ).fetchall()
        },
        {tuple(row) for row in run(connection, "SELECT stream, entity FROM action WHERE state = 'held'").fetchall()},
    )


def check_rest(play: "Play", house: House) -> None:
    """I2: every permitted field is equal as shown, or sits in a queue."""
    with house.database.read() as connection:
        waits = queues(house, connection)
        for kind, layout in house.layouts.items():
            entities = [
                row[0]
                for row in house.database.run(connection, "SELECT id FROM entity WHERE kind = ?", (kind,)).fetchall()
            ]
            goldens = load_goldens(house.database, connection, entities, len(layout.fields))
            kept = conflicts.kept(house.database, connection, entities)
            merger = EntityMerger(house, connection, layout, {})
            for group in load_groups(house, connection, entities, reading=True):
                if not group.members:
                    raise BrokenError("I2", f"entity {group.entity} has no record")
                golden = goldens.get(group.entity)
                if golden is None:
                    raise BrokenError("I2", f"entity {group.entity} has no golden record: {group.members}")
                systems = Counter(member.stream.connection for member in group.members)
                for stream in house.of_kind(kind):
                    play.held["I2"] += 1
                    wanted = stream.connection not in systems and "create" in stream.writes and any(
                        member.state == LIVE and member.stream.connection in stream.create_from
                        for member in group.members
                    )  # fmt: skip
                    public = house.database.run(
                        connection, "SELECT public FROM entity WHERE id = ?", (group.entity,)
                    ).scalar()
                    queued = (
                        group.entity in waits.pairs
                        or (stream.id, group.entity) in waits.held
                        or (stream.id, letter_key(public)) in waits.letters
                        or any(entity == group.entity for entity, _ in waits.conflicts)
                    )
                    if wanted and not queued:
                        raise BrokenError("I2", f"{kind} {group.entity} is missing in {stream.address}")
                for member in group.members:
                    if member.state != LIVE or not member.represents or systems[member.stream.connection] > 1:
                        continue
                    stream = member.stream
                    remote = play.remote(stream.connection).rows.get(stream.name, {}).get(member.rkey)
                    if remote is None:
                        continue  # dropped there, and not swept yet
                    row, _ = stream.mapping.read(remote)
                    if play.changed_unseen(stream.connection, stream.name, member.rkey):
                        for at in stream.refs:  # of which the vendor has not told that it has changed
                            row[at] = member.observed[at]
                    if [a for a, b in zip(row, member.observed, strict=True) if a is not ABSENT and a != b]:
                        raise BrokenError(
                            "I6", f"{stream.address}/{member.rkey} is held as {member.observed}, is {row}"
                        )
                    for at, name in enumerate(stream.mapping.fields):
                        if not stream.may_write(at):
                            continue
                        play.held["I2"] += 1
                        place = stream.place[at]
                        value, observed = golden.values[place], member.row[place]
                        if at in stream.refs and observed is ABSENT and member.observed[at] not in (ABSENT, None):
                            continue  # it names a record that nobody has seen: that says nothing yet
                        shown = merger.shown(member, at, value)
                        if (
                            value is ABSENT
                            or shown == observed
                            or (shown in (None, ABSENT) and observed in (None, ABSENT))
                        ):
                            continue
                        if (group.entity, name) in waits.conflicts or (stream.id, member.rkey) in waits.letters:
                            continue
                        if (stream.id, group.entity) in waits.held:
                            continue
                        said = kept.get(group.entity, {}).get(name)
                        if said is not None and member.id in said.shown and golden.rules[place].startswith("decided"):
                            continue  # each side keeps its own, by a person's word
                        if observed is None and play.was_cleared(stream.connection, member.rkey, name):
                            continue  # a clear from there is held: neither spread nor refilled
                        if value is None and observed is not None:
                            if name.startswith("cx."):
                                raise BrokenError(
                                    "I2", f"{stream.address}/{member.rkey} {name} shows {observed!r}, none holds"
                                )
                            continue
                        raise BrokenError(
                            "I2",
                            f"{stream.address}/{member.rkey} {name} shows {observed!r}, the hub holds {value!r} "
                            f"({golden.rules[place]}); base {member.base.side.get(name)} "
                            f"{member.base.hub.get(name, '-')}",
                        )


def check_edits(play: "Play", house: House) -> None:
    """I3: the last edit of each field of each record is visible somewhere: golden, its history, conflict, journal."""
    database = house.database
    with database.read() as connection:
        rows = {
            (row[0], row[1]): (row[2], row[3], row[4])
            for row in database.run(
                connection,
                "SELECT r.stream, r.rkey, r.id, r.state, m.entity FROM record r LEFT JOIN member m ON m.record = r.id",
            ).fetchall()
        }
        values: list[tuple[str, Any]] = []
        for kind, layout in house.layouts.items():
            for (vals,) in database.run(
                connection, "SELECT g.vals FROM golden g JOIN entity e ON e.id = g.entity WHERE e.kind = ?", (kind,)
            ).fetchall():
                values += zip(layout.fields, load_row(bytes(vals)), strict=False)
        for (before,) in database.run(connection, "SELECT before FROM golden_history").fetchall():
            values += [(name, entry[0]) for name, entry in load(bytes(before)).items()]
        for name, detail in database.run(connection, "SELECT field, detail FROM conflict").fetchall():
            values += [(name, side["value"]) for side in load(bytes(detail))["sides"]]
        for (fields,) in database.run(connection, "SELECT fields FROM journal").fetchall():
            values += [(one["field"], one[when]) for one in load(bytes(fields)) for when in ("before", "after")]
        seen = {(name, _text(value)) for name, value in values}
        elements = {(name, _text(one)) for name, value in values if isinstance(value, list) for one in value}
        for (system, stream_name, key, column), value in play.edits.items():
            stream = house.streams.get(f"{system}/{stream_name}")
            told = _FIELD.get(column)
            if stream is None or told is None or value is None or told not in stream.at:
                continue
            if (system, stream_name, key, column) in play.exempt or play.erased.has(system, stream_name, key):
                continue
            there = play.remote(system).rows[stream_name].get(key)
            held = rows.get((stream.id, key))
            if there is None or there.get("gone"):
                continue
            play.held["I3"] += 1
            state = None if held is None else STATES[held[1]]
            if state != ("hidden" if play.out_of_scope(system, there) else "live"):
                raise BrokenError("I6", f"{system}/{stream_name}/{key} is held as {state}, lives there: {there}")
            if state == "hidden":
                continue  # what is edited out of the scope goes nowhere
            row, _ = stream.mapping.read({**there, column: value})
            wanted = row[stream.at[told]]
            if (told, _text(mark(wanted))) in seen:
                continue
            if isinstance(wanted, list) and all((told, _text(element)) in elements for element in wanted):
                continue  # a list is merged entry by entry
            if there.get(column) == value:
                continue  # it stands there still; whether it should rest there is I2's question
            raise BrokenError("I3", f"{system}/{stream_name}/{key} {column} = {value!r} has vanished")


def _text(value: Any) -> str:
    return repr(value)


def check_creates(play: "Play", house: House) -> None:
    """I4: nothing is made twice."""
    creates = [
        effect
        for effect in play.effects
        if effect.op == "create" and effect.key in play.remote(effect.system).rows[effect.stream]  # nobody dropped it
    ]
    play.held["I4"] += len(creates)
    twice = [one for one, count in Counter((e.system, e.stream, e.hub_id) for e in creates).items() if count > 1]
    if twice:
        raise BrokenError("I4", f"made twice: {[e for e in creates if (e.system, e.stream, e.hub_id) in twice]}")
    with house.database.read() as connection:
        homes: Counter[tuple[str, str, int]] = Counter()
        for effect in creates:
            entity = house.database.run(
                connection,
                "SELECT m.entity FROM record r JOIN member m ON m.record = r.id WHERE r.stream = ? AND r.rkey = ?",
                (house.streams[f"{effect.system}/{effect.stream}"].id, effect.key),
            ).scalar()
            if entity is None and not play.erased.has(effect.system, effect.stream, effect.key):
                raise BrokenError("I4", f"what was made is nobody's: {effect}")
            homes[effect.system, effect.stream, entity or 0] += 1
        del homes  # two that were made for two entities may be one by now
    if play.on_delete == "unlink":  # what somebody deleted may be made again
        creates = [one for one in creates if (one.system, one.stream, one.key) not in play.witness.gone]
    same = Counter(
        (e.system, e.stream, repr(sorted((k, v) for k, v in e.values.items() if k in ("name", "email", "phone"))))
        for e in creates
    )
    with house.database.read() as connection:
        told_apart = house.database.run(
            connection, "SELECT count(*) FROM edge WHERE source = 'person' AND verdict = 'never'"
        ).scalar()
    # Of two who look alike and of whom a person said that they are not one, each may be made.
    if not told_apart and any(count > 1 for count in same.values()):
        raise BrokenError("I4", f"alike made twice: {[one for one, count in same.items() if count > 1]}")


def check_journal(play: "Play", house: House) -> None:
    """I5: what happened is written down, what is written down happened, and nothing was sent twice."""
    with house.database.read() as connection:
        written = house.database.run(connection, "SELECT action, op FROM journal").fetchall()
        states = dict(house.database.run(connection, "SELECT id, state FROM action").fetchall())
        reasons = dict(house.database.run(connection, "SELECT id, reason FROM action").fetchall())
    play.held["I5"] += len(play.effects) + len(written)
    rows = {action for action, _ in written}
    happened = Counter(effect.action for effect in play.effects)
    again = [one for one, count in happened.items() if count > 1]
    if again:
        raise BrokenError("I5", f"sent twice: {again}")
    if len(rows) != len(written):
        raise BrokenError("I5", f"journaled twice: {written}")
    for effect in play.effects:
        if effect.op == "create" and effect.key not in play.remote(effect.system).rows[effect.stream]:
            continue  # somebody dropped it before it could be looked for
        if effect.action not in rows and states.get(effect.action) not in ("sent", "unknown"):
            raise BrokenError(
                "I5", f"{effect} is not in the journal: {states.get(effect.action)}, {reasons[effect.action]}"
            )
    for action, op in written:
        if op != "unsure" and action not in happened:
            raise BrokenError("I5", f"action {action} is in the journal and never happened")


def check_bases(play: "Play", house: House) -> None:
    """In a quiet world only what waits for somebody has a base."""
    database = house.database
    with database.read() as connection:
        waits = queues(house, connection)
        entities = [row[0] for row in database.run(connection, "SELECT id FROM entity").fetchall()]
        duplicates = {
            member.id
            for group in load_groups(house, connection, entities, reading=True)
            for member in group.members
            if not member.represents
        }
        for record, side, hub, rkey, stream_id, state, entity in database.run(
            connection,
            "SELECT b.record, b.side, b.hub, r.rkey, r.stream, r.state, m.entity FROM base b "
            "JOIN record r ON r.id = b.record LEFT JOIN member m ON m.record = r.id",
        ).fetchall():
            stream = house.by_id(stream_id)
            if stream is None or state != LIVE:
                continue
            for name in {*load(bytes(side)), *load(bytes(hub))}:
                queued = (
                    (entity, name) in waits.conflicts
                    or (stream.id, rkey) in waits.letters
                    or (stream.id, entity) in waits.held
                )
                at = stream.at.get(name)
                if queued or at is None:
                    continue
                if at in stream.refs or not stream.may_write(at) or record in duplicates:
                    continue
                observed = load_row(
                    bytes(database.run(connection, "SELECT observed FROM body WHERE record = ?", (record,)).scalar())
                )
                raise BrokenError(
                    "I2",
                    f"{stream.address}/{rkey} {name} is not at rest: side {load(bytes(side)).get(name)} "
                    f"hub {load(bytes(hub)).get(name, '-')} shows {observed[at]!r} entity {entity}",
                )


def check_work(play: "Play", house: House) -> None:
    """Nothing is left on the list of work but creates that wait."""
    with house.database.read() as connection:
        left = house.database.run(connection, "SELECT stage, id FROM todo WHERE stage <> 4").fetchall()
        loose = house.database.run(
            connection, "SELECT id, state FROM action WHERE state IN ('leased', 'sent', 'unknown', 'later', 'planned')"
        ).fetchall()
        strays = house.database.run(
            connection,
            "SELECT m.record, m.entity FROM member m LEFT JOIN entity e ON e.id = m.entity WHERE e.id IS NULL",
        ).fetchall()
    if left or loose or strays:
        raise BrokenError("I2", f"left over: work {left}, actions {loose}, records of no entity {strays}")
