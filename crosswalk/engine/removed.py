"""What a delete on one side does to the records of the same entity on the others: `on_delete` of its stream.

ignore: nothing, and it is not made again there. unlink: the two are no longer one, so that the entity may be made there
again. archive: the others are put away too, where their streams may be deleted from. review: a person says so, or that
they stay; so with archive where the entity was edited since the record was last known to be there.

Nothing follows where another record of the entity lives in the same system, or where it was the hub that put it away.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from crosswalk.engine.entities import UNLINKED, Matched
from crosswalk.engine.identify import Matcher
from crosswalk.engine.model import House, Stream
from crosswalk.engine.settle import Group, Member, Settled, load_groups, merge_entities
from crosswalk.store import conflicts, removals, unsettled
from crosswalk.store.codec import digest, dump_sorted, iso, load
from crosswalk.store.dialect import batches
from crosswalk.store.leases import fence
from crosswalk.store.outbox import Action
from crosswalk.store.records import ARCHIVED, CREATE, LIVE, SETTLE, add_work
from crosswalk.store.removals import Removal
from scheduler.leases import Lease

RECORD: Final = "record"  # in place of a field, of a conflict over a whole record
THERE, GONE = "there", "deleted"
_BATCH: Final = 500


def follow_removals(house: House, lease: Lease, *, run: int) -> tuple[list[Action], int]:
    """What is to be put away since it was deleted elsewhere, and how many new questions there are for a person."""
    database = house.database
    with database.write() as connection:
        fence(database, connection, lease)
        began = database.run(connection, "SELECT started_at FROM run WHERE id = ?", (run,)).scalar()
        removals.date(database, connection, at=house.now() if began is None else int(began))
        waiting = removals.unanswered(database, connection)
        _close_questions(house, connection, {one.entity for one in waiting})
    actions: dict[int, Action] = {}
    asked = 0
    for some in batches(waiting, _BATCH):
        with database.write() as connection:
            fence(database, connection, lease)
            follower = _Follower(house, connection, some, run=run)
            for removal in some:
                for action in follower.follow(removal):
                    actions.setdefault(action.record or 0, action)
            asked += follower.save()
    return list(actions.values()), asked


def _close_questions(house: House, connection: Any, entities: set[int | None]) -> None:
    """Of records that are back, or whose entity has become another."""
    rows = house.database.run(
        connection, f"SELECT id, entity FROM conflict WHERE field = ? AND {unsettled.CONFLICT}", (RECORD,)
    ).fetchall()
    gone = [(number,) for number, entity in rows if entity not in entities]
    house.database.run_many(connection, "UPDATE conflict SET state = 'gone' WHERE id = ?", gone)


class _Follower:
    """Answers removals one by one, inside one transaction."""

    def __init__(self, house: House, connection: Any, waiting: Sequence[Removal], *, run: int) -> None:
        self._house = house
        self._connection = connection
        self._run = run
        entities = sorted({one.entity for one in waiting if one.entity is not None})
        self._groups = {group.entity: group for group in load_groups(house, connection, entities, reading=True)}
        members = [member.id for group in self._groups.values() for member in group.members]
        self._versions = dict(house.database.select(connection, "SELECT id, version FROM record WHERE", "id", members))
        self._decided = conflicts.decisions(house.database, connection, entities)
        self._edits = _edits(house, connection, self._groups)
        self._ours = _put_away_by_us(house, connection, [one.record for one in waiting])
        self._found: list[conflicts.Found] = []
        self._closed: list[int] = []

    def follow(self, removal: Removal) -> list[Action]:
        stream = self._house.by_id(removal.stream)
        if stream is None:
            return []  # not listed any more: it waits until it is
        group = self._groups.get(removal.entity or 0)
        if group is None or removal.record in self._ours:
            return self._close(removal)
        if stream.on_delete == "unlink":
            self._unlink(removal, group)
        targets = self._targets(group, stream)
        if stream.on_delete in ("ignore", "unlink") or not targets:
            return self._close(removal)
        doubtful = not removal.agreed and (stream.on_delete == "review" or self._edited(group, removal))
        if doubtful and not self._ask(removal, stream, group, targets):
            return []
        return [self._action(removal, stream, group, target) for target in targets]

    def _targets(self, group: Group, stream: Stream) -> list[Member]:
        """The records that would follow: none where another one of the same system lives on."""
        alive = [member for member in group.members if member.state <= ARCHIVED]
        if any(member.stream.connection == stream.connection for member in alive):
            return []
        return [m for m in alive if m.state == LIVE and m.represents and "delete" in m.stream.writes]

    def _edited(self, group: Group, removal: Removal) -> bool:
        return any(at >= removal.there_until for at in self._edits.get(group.entity, ()))

    def _worked_with_since(self, group: Group, decision: Mapping[str, Any]) -> bool:
        """Did somebody go on with it after a person had said that it is to go?"""
        gone = decision["take"] == "side" and decision["value"] == GONE
        return gone and any(at > decision.get("at", at) for at in self._edits.get(group.entity, ()))

    def _ask(self, removal: Removal, stream: Stream, group: Group, targets: Sequence[Member]) -> bool:
        """Ask a person, or hear what they said; whether the others are to follow."""
        decision = self._decided.get(group.entity, {}).get(RECORD)
        if decision is not None and self._worked_with_since(group, decision):
            conflicts.give_up(self._house.database, self._connection, group.entity, RECORD)
        elif decision is not None:
            conflicts.use(self._house.database, self._connection, group.entity, RECORD)
            if decision["take"] != "side" or decision["value"] != GONE:
                self._close(removal)
                return False
            removals.mark(self._house.database, self._connection, [removal.record], removals.AGREED)
            return True
        sides = [
            {"connection": stream.connection, "record": removal.record, "value": GONE,
             "changed_at": iso(removal.there_until)},
            *({"connection": one.stream.connection, "record": one.id, "value": THERE, "changed_at": iso(one.modified)}
              for one in targets),
        ]  # fmt: skip
        why = "deleted there" if stream.on_delete == "review" else "deleted there and edited elsewhere"
        inputs = digest(dump_sorted([[side["record"], side["value"]] for side in sides]))
        detail = {"base": THERE, "sides": sides, "why": why}
        self._found.append(conflicts.Found(group.entity, RECORD, inputs, detail))
        return False

    def _unlink(self, removal: Removal, group: Group) -> None:
        """Forget what has joined it with the others, but for what people have said; it is an entity of its own then."""
        database, connection, record = self._house.database, self._connection, removal.record
        matcher = Matcher(self._house, run=self._run)
        matcher.note_unlinked(connection, record)
        for column in ('"left"', '"right"'):
            what = f"DELETE FROM edge WHERE {column} = ? AND source NOT IN ('person', ?)"
            database.run(connection, what, (record, UNLINKED))
        matched = Matched()
        matcher.regroup(connection, group.entity, matched)
        merge_entities(self._house, connection, matched, Settled(), run=self._run)
        add_work(database, connection, CREATE, matched.touched)
        left = [number for entity in matched.touched for number in matcher.entities.members(connection, entity)]
        add_work(database, connection, SETTLE, left)  # what it held together is decided by what is left

    def _action(self, removal: Removal, stream: Stream, group: Group, target: Member) -> Action:
        """`expects`: what somebody touches before it is put away stays."""
        return Action(
            0, target.stream.id, target.id, group.entity, "archive", [], expects=self._versions[target.id],
            reason=f"deleted in {stream.connection}", origin=removal.record,
        )  # fmt: skip

    def _close(self, removal: Removal) -> list[Action]:
        self._closed.append(removal.record)
        return []

    def save(self) -> int:
        database = self._house.database
        removals.mark(database, self._connection, self._closed, removals.CLOSED)
        return conflicts.save(database, self._connection, self._found, at=self._house.now(), run=self._run)


def _edits(house: House, connection: Any, groups: Mapping[int, Group]) -> dict[int, list[int]]:
    """When golden fields of these entities were changed that people fill in, in milliseconds."""
    found: dict[int, list[int]] = defaultdict(list)
    rows = house.database.select(
        connection, "SELECT entity, at, before FROM golden_history WHERE", "entity", list(groups)
    )
    for entity, at, before in rows:
        kind = groups[entity].kind
        if any(house.policies.policy(kind, name).code != "derived" for name in load(bytes(before))):
            found[entity].append(at)
    return found


def _put_away_by_us(house: House, connection: Any, records: Sequence[int]) -> set[int]:
    """Records of which the hub's last write was to put them away."""
    rows = house.database.select(
        connection, "SELECT record, op FROM journal WHERE", "record", list(records), "ORDER BY id"
    )
    return {record for record, op in dict(rows).items() if op == "archive"}
