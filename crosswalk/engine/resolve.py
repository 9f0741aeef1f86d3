"""Find out what became of writes whose answer never came, before anything else is sent to their records.

Never by sending again: by looking, once the vendor shows what it has done. What arrived is acknowledged; what did
not is planned anew, a create under the same hub id; anything else is a read like any other, and the merge decides.
"""

from collections.abc import Sequence

from crosswalk.engine.apply import acknowledge, close, create_write, read_one, stands, targets_of, twin_of
from crosswalk.engine.model import House, Stream
from crosswalk.engine.pull import fetch_records, remove
from crosswalk.store import outbox
from crosswalk.store.codec import mark
from crosswalk.store.leases import fence
from crosswalk.store.outbox import Action
from mapping.values import Value
from scheduler.leases import Lease

PATIENCE = 15.0  # seconds that a run waits for a write to become visible; later ones are left to the next run


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
    record = None if target is None else read_one(house, stream, target.rkey)
    if target is None or record is None:
        if target is not None:
            remove(house, stream, [target.rkey], lease)
        _close(house, lease, action, reason="the record is gone")
        return
    row, _ = stream.mapping.read(record.values)
    if _shows(stream, action, row):
        acknowledge(house, stream, lease, action, record, run=run, atomic=False)
        return
    arrived_not = stands(stream, action, row)
    fetch_records(house, stream, [target.rkey], lease, run=run)
    with house.database.write() as connection:
        fence(house.database, connection, lease)
        if not arrived_not:
            # It may have been written and edited since: what is there now goes through the merge like any edit.
            outbox.journal(house.database, connection, action, run=run, record=target.id, at=house.now(), op="unsure")
    _close(house, lease, action, reason="it did not arrive" if arrived_not else "edited there since")


def _shows(stream: Stream, action: Action, row: Sequence[Value]) -> bool:
    """Does the record show all that was sent? References are compared by the merge, which knows both systems' ids."""
    fields = [one for one in action.fields if stream.at[one["field"]] not in stream.refs]
    return bool(fields) and all(mark(row[stream.at[one["field"]]]) == one["after"] for one in fields)


def _resolve_create(house: House, stream: Stream, lease: Lease, action: Action, *, run: int) -> None:
    twin = twin_of(house, stream, action, create_write(house, stream, action), since=action.sent_at)
    if twin is not None:
        acknowledge(house, stream, lease, action, twin, run=run, atomic=False)
        return
    _close(house, lease, action, reason="it did not arrive")


def _close(house: House, lease: Lease, action: Action, *, reason: str) -> None:
    database = house.database
    with database.write() as connection:
        fence(database, connection, lease)
        close(database, connection, action, "moved", reason)
