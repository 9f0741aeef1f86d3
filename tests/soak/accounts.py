"""What the store says happened, against what the vendors say was done to them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from crosswalk.app import open_hub
from crosswalk.engine.model import House
from crosswalk.store.codec import load
from tests.soak.edits import Edit


@dataclass
class Found:
    words: str
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the journal. `at`: milliseconds since 1970."""

    vendor: str
    record: str
    entity: int
    stream: str
    at: int
    op: str


def keys_of(folder: Path) -> Mapping[tuple[str, str], Sequence[str]]:
    """Keys of live records, by connection and stream."""
    found: dict[tuple[str, str], list[str]] = {}
    with open_hub(folder / "crosswalk.yaml") as hub:
        house = hub.offline
        with house.database.read() as connection:
            rows = house.database.run(
                connection,
                "SELECT s.connection, s.name, r.rkey FROM record r JOIN stream s ON s.id = r.stream "
                "WHERE r.state = 0 ORDER BY r.id",
            ).fetchall()
    for connection_name, stream, key in rows:
        found.setdefault((connection_name, stream), []).append(key)
    return found


def under_way(folder: Path) -> int:
    """Writes of which it is not known yet what became of them: some vendors show only after minutes what was done."""
    with open_hub(folder / "crosswalk.yaml") as hub:
        database = hub.offline.database
        with database.read() as connection:
            found = database.run(connection, "SELECT count(*) FROM action WHERE state IN ('leased', 'sent', 'unknown')")
            return int(found.scalar())


def judge(folder: Path, effects: Sequence[Mapping[str, Any]], edits: Sequence[Edit]) -> Found:
    """Every effect explained, nothing made twice, no edit gone without a trace."""
    with open_hub(folder / "crosswalk.yaml") as hub:
        house = hub.offline
        journal = journal_of(house)
        with house.database.read() as connection:
            raws = {
                (row[0], row[1]): load(bytes(row[2]))
                for row in house.database.run(
                    connection,
                    "SELECT s.connection, r.rkey, b.raw FROM body b JOIN record r ON r.id = b.record "
                    "JOIN stream s ON s.id = r.stream WHERE r.state <= 1",
                ).fetchall()
            }
            conflicts = house.database.run(connection, "SELECT count(*) FROM conflict WHERE state = 'open'").scalar()
            letters = house.database.run(connection, "SELECT count(*) FROM dead_letter WHERE state = 'open'").scalar()
    faults = [*unexplained(effects, journal), *doubled(journal), *_lost(edits, journal, raws)]
    words = (
        f"{len(edits)} edits by people, {len(effects)} effects of ours, {len(journal)} rows of the journal; "
        f"{conflicts} conflicts and {letters} dead letters wait"
    )
    return Found(words, faults)


def journal_of(house: House) -> list[Row]:
    with house.database.read() as connection:
        rows = house.database.run(
            connection,
            "SELECT s.connection, r.rkey, j.entity, s.name, j.at, j.op FROM journal j "
            "JOIN record r ON r.id = j.record JOIN stream s ON s.id = r.stream ORDER BY j.id",
        ).fetchall()
    return [Row(*row) for row in rows]


def unexplained(effects: Sequence[Mapping[str, Any]], journal: Sequence[Row]) -> list[str]:
    """Per record as many effects as rows: a row may stand for a write that is not known to have arrived."""
    done = Counter((str(one["vendor"]), str(one["record"])) for one in effects)
    sure = Counter((row.vendor, row.record) for row in journal if row.op != "unsure")
    noted = Counter((row.vendor, row.record) for row in journal)
    faults = [
        f"{vendor} {record}: {number} effects, {noted[vendor, record]} in the journal"
        for (vendor, record), number in done.items()
        if number > noted[vendor, record]
    ]
    faults += [
        f"{vendor} {record}: {number} writes in the journal, {done[vendor, record]} effects"
        for (vendor, record), number in sure.items()
        if number > done[vendor, record]
    ]
    return faults


def doubled(journal: Sequence[Row]) -> list[str]:
    made = Counter((row.vendor, row.stream, row.entity) for row in journal if row.op == "create")
    return [
        f"{vendor}/{stream}: entity {entity} was made {n} times"
        for (vendor, stream, entity), n in made.items()
        if n > 1
    ]


def _lost(
    edits: Sequence[Edit], journal: Sequence[Row], raws: Mapping[tuple[str, str], Mapping[str, Any]]
) -> list[str]:
    """The last edit of each field stands there yet, or a write of ours came after it."""
    last = {(one.vendor, one.record, one.field): one for one in edits}
    written: dict[tuple[str, str], int] = {}
    for row in journal:
        written[row.vendor, row.record] = row.at
    faults = []
    for edit in last.values():
        raw = raws.get((edit.vendor, edit.record))
        if raw is None or raw.get(edit.field) == edit.value:
            continue
        if written.get((edit.vendor, edit.record), 0) < _millis(edit.at):
            faults.append(f"{edit.vendor} {edit.record}: {edit.field} was edited and is not as it was left")
    return faults


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
