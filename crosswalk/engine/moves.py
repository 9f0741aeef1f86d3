"""Golden moved without a merge: what its records are to be shown is noted in their bases."""

from collections.abc import Mapping, Sequence
from typing import Any

from crosswalk.engine.model import House
from crosswalk.store.codec import Base, mark
from crosswalk.store.records import load_bases, save_bases
from mapping.values import ABSENT, Value


def note_moves(house: House, connection: Any, moves: Mapping[int, Sequence[tuple[str, Value]]]) -> None:
    """In the bases of these entities' records: which fields the hub holds otherwise now, with what stood before."""
    database = house.database
    records = [
        (row[0], row[1], house.by_id(row[2]))
        for row in database.select(
            connection,
            "SELECT m.record, m.entity, r.stream FROM member m JOIN record r ON r.id = m.record WHERE",
            "m.entity",
            list(moves),
        )
    ]
    database.hold(connection, "record", [record for record, _, _ in records])
    bases = load_bases(database, connection, [record for record, _, _ in records])
    changed = {}
    for record, entity, stream in records:
        if stream is None:
            continue
        base = None
        for name, before in moves[entity]:
            if name not in stream.at:
                continue
            base = base or bases.get(record) or Base()
            # What the record showed when nothing was computed yet was no agreement: it is to be written whatever it is.
            entry = base.hub.get(name, False)
            if entry is False:
                base.hub[name] = [] if before is ABSENT else [mark(before)]
            elif entry is None:
                base.hub[name] = []
        if base is not None:
            changed[record] = base
    save_bases(database, connection, changed)
