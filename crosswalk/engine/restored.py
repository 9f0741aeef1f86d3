"""After a backup was put back: an older store meets newer remotes.

What the store believes of them is of the day of the backup. So everything is read again from the beginning, what was
planned then is dropped, and nothing is written before a person has seen the plan. Where all sides have come to the
same value since, they agree; what differs, and every create, stands in that plan. Writes that were under way in the
backup are looked for as ever, and never sent again.
"""

from typing import Any

from crosswalk.engine.model import House
from crosswalk.engine.run import SETTLE_LEASE
from crosswalk.engine.spoken import AskError
from crosswalk.store import outbox
from crosswalk.store.leases import fence

_SECONDS = 60.0


def restored(house: House) -> dict[str, Any]:
    """Take the store for an older one. Raises AskError while another process works with it."""
    lease = house.leases.acquire(SETTLE_LEASE, holder=house.holder, seconds=_SECONDS)
    if lease is None:
        holder = house.leases.holder(SETTLE_LEASE) or "another process"
        raise AskError(f"{holder} works with this store", hint="stop it, put the backup back, then ask again")
    database = house.database
    streams = [stream.id for stream in house.streams.values()]
    try:
        with database.write(durable=True) as connection:
            fence(database, connection, lease)
            waiting = outbox.early_creates(database, connection, streams)
            outbox.drop_early(database, connection, streams)
            outbox.close_plans(database, connection, but=(0,))
            database.run(connection, "UPDATE mapping SET approved_at = NULL")
            database.run(connection, "UPDATE part SET watermark = NULL, position = NULL, since = NULL")
            database.run(connection, "UPDATE stream SET swept_at = NULL, complete = ?, catalogue_at = NULL", (False,))
    finally:
        house.leases.release(lease)
    return {"streams": sorted(house.streams), "creates_dropped": len(waiting)}
