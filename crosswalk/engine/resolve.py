"""Find out what became of writes whose answer never came, before anything else is sent to their records.

Never by sending again: by looking, once the vendor shows what it has done. What arrived is acknowledged; what did
not is planned anew, a create under the same hub id; anything else is a read like any other, and the merge decides.
"""

from typing import Final, NamedTuple

from connectors.sdk.contract import Record
from crosswalk.engine.answers import (
    MOVES,
    UNSEEN,
    acknowledge,
    acknowledge_gone,
    arrived,
    at_path,
    close,
    create_writes,
    has_moved,
    read_back,
    row_of,
    standing,
    stands,
    targets_of,
    twin_of,
)
from crosswalk.engine.entities import members_of
from crosswalk.engine.model import House, Stream
from crosswalk.engine.pull import catch_up, fetch_records, remove
from crosswalk.engine.references import References
from crosswalk.store import outbox
from crosswalk.store.codec import load_row
from crosswalk.store.leases import fence
from crosswalk.store.outbox import Action
from crosswalk.store.records import DELETED
from scheduler.leases import Lease

PATIENCE = 15.0  # seconds that a run waits for a write to become visible; later ones are left to the next run
# Or not yet: some vendors take longer to show a write than they say, so it is journaled as one that may have arrived.
_NOT_THERE: Final = "it did not arrive"


def resolve_stream(house: House, stream: Stream, lease: Lease, *, run: int) -> int:
    """Resolve what is open; how many were. Those that cannot be seen yet stay as they are, and block their record."""
    with house.database.read() as connection:
        actions = outbox.loose(house.database, connection, stream.id)
    resolved = 0
    for action in actions:
        if house.stop.is_set():
            break
        if _wait(house, stream, action):
            if action.op == "create":
                _resolve_create(house, stream, lease, action, run=run)
            elif action.op in MOVES:
                _resolve_move(house, stream, lease, action, run=run)
            else:
                _resolve_update(house, stream, lease, action, run=run)
            resolved += 1
    return resolved


def _wait(house: House, stream: Stream, action: Action) -> bool:
    """Until the vendor shows what it did; False: that takes longer than a run should wait."""
    if action.sent_at is None:
        return True
    due = action.sent_at + int(stream.spec.visibility_lag.total_seconds() * 1000)
    left = (max(due, action.due or 0) - house.now()) / 1000
    if left > PATIENCE:
        return False
    if left > 0:
        house.sleep(left)
    return True


def _resolve_update(house: House, stream: Stream, lease: Lease, action: Action, *, run: int) -> None:
    with house.database.read() as connection:
        target = targets_of(house, connection, [action.record or 0]).get(action.record or 0)
    record = None if target is None else read_back(house, stream, [target.rkey]).get(target.rkey)
    if target is None or record is None:
        if target is not None:
            remove(house, stream, [target.rkey], lease)
        # It may have been written before it went.
        _close(house, lease, action, reason="the record is gone", unsure=(run, action.record or 0))
        return
    row, faults = stream.mapping.read(record.values)
    with house.database.read() as connection:
        references = References(house, connection)
        arrived_not = stands(references, stream, action, row, unread={fault.field for fault in faults})
        # What stood there before may be the form of what was sent, a number that is not kept more exactly there:
        # once the vendor has said that it was written.
        formed = action.reason == UNSEEN or not arrived_not
        has_arrived = arrived(references, stream, action, row, formed=formed)
    if has_arrived:  # or somebody else has written the very same
        acknowledge(house, stream, lease, [(action, record)], run=run, atomic=False, unsure=action.reason != UNSEEN)
        return
    fetch_records(house, stream, [target.rkey], lease, run=run)
    untouched = action.expects in (None, record.version)
    if arrived_not and untouched:
        reason = _NOT_THERE
    elif arrived_not:  # somebody has touched it since, and may have put back what stood there before
        reason = "it did not arrive, or was put back"
    else:
        # It may have been written and edited since: what is there now goes through the merge like any edit.
        reason = "edited there since"
    _close(house, lease, action, reason=reason, unsure=(run, target.id))


def _resolve_move(house: House, stream: Stream, lease: Lease, action: Action, *, run: int) -> None:
    with house.database.read() as connection:
        stood = standing(house.database, connection, [action.record or 0])[action.record or 0]
    record = read_back(house, stream, [stood.rkey]).get(stood.rkey)
    if not has_moved(house, stream, action, record):
        _close(house, lease, action, reason=_NOT_THERE, unsure=(run, action.record or 0))
    elif record is None:
        acknowledge_gone(house, lease, [action], run=run)
    else:
        acknowledge(house, stream, lease, [(action, record)], run=run, atomic=False)


class _Landed(NamedTuple):
    """A record that was read only after a create was sent, and may be what it made."""

    number: int
    key: str
    whole: bool  # it shows all that was sent


def _resolve_create(house: House, stream: Stream, lease: Lease, action: Action, *, run: int) -> None:
    twin = twin_of(house, stream, action, *create_writes(house, stream, [action]))
    landed = None if twin is not None else _landed(house, stream, lease, action, run=run)
    if landed is not None and landed.whole:
        twin = read_back(house, stream, [landed.key]).get(landed.key)
    if twin is not None and _carries_another_id(stream, action, twin):
        fetch_records(house, stream, [twin.key], lease, run=run)
        _close(house, lease, action, reason="it did not arrive; a record with its identifiers is there")
    elif twin is not None:
        unsure = action.reason != UNSEEN and not _carries_our_id(stream, action, twin)
        acknowledge(house, stream, lease, [(action, twin)], run=run, atomic=False, unsure=unsure)
    elif landed is not None:
        # It may have been made and edited, or deleted, since; or somebody else made it.
        _close(house, lease, action, reason="edited or deleted there since", unsure=(run, landed.number))
    else:
        _close(house, lease, action, reason=_NOT_THERE)


def _carries_our_id(stream: Stream, action: Action, twin: Record) -> bool:
    """The only proof that it was made by us: somebody may enter the same person while our create goes unanswered."""
    return stream.hub_id is not None and at_path(twin.values, stream.hub_id.path) == action.hub_id


def _carries_another_id(stream: Stream, action: Action, twin: Record) -> bool:
    """What we make carries our id where that is unique; a record without it was made by somebody else."""
    return stream.unique_hub_id and stream.hub_id is not None and not _carries_our_id(stream, action, twin)


def _landed(house: House, stream: Stream, lease: Lease, action: Action, *, run: int) -> _Landed | None:
    """A record that is nobody else's and shows all that was sent; else one that is known by the same identifier."""
    if stream.spec.cursor == "modified":
        catch_up(house, stream, lease, run=run)
    mine = set(stream.identifiers(row_of(stream, action)))
    alike: _Landed | None = None
    with house.database.read() as connection:
        references = References(house, connection)
        rows = house.database.run(
            connection,
            "SELECT r.id, r.rkey, b.observed, m.entity FROM record r JOIN body b ON b.record = r.id "
            "LEFT JOIN member m ON m.record = r.id WHERE r.stream = ? AND r.id > ? AND r.state <= ? "
            "AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.record = r.id AND j.op = 'create') ORDER BY r.id",
            (stream.id, action.seen or 2**62, DELETED),
        ).fetchall()
        for number, key, observed, home in rows:
            if home not in (None, action.entity) and members_of(house, connection, home) != [number]:
                continue
            row = load_row(bytes(observed))
            if arrived(references, stream, action, row):
                return _Landed(number, key, whole=True)
            if alike is None and mine & set(stream.identifiers(row)):
                alike = _Landed(number, key, whole=False)
    return alike


def _close(house: House, lease: Lease, action: Action, *, reason: str, unsure: tuple[int, int] | None = None) -> None:
    """What it was for is planned anew. `unsure`: the run and record to journal it under, since it may have arrived."""
    database = house.database
    with database.write() as connection:
        fence(database, connection, lease)
        if unsure is not None:
            run, record = unsure
            outbox.journal(database, connection, [(action, record)], run=run, at=house.now(), op="unsure")
        close(database, connection, [action], "moved", reason)
