"""Audit: are the remotes as the hub believes? Each record that is not is told, with what explains it.

What the hub last saw of a record is compared with what its vendor shows now, of all records or of a sample. An edit
with a newer stamp than the watermark is expected: the next sync takes it. A change inside a window that was closed had
been missed: it is read now, and the stream's hold-back is doubled, so that windows overlap by more from then on.

What a record shows and the hub would have it show otherwise is told as well: a rule, a filter, a dead letter, a
conflict, a plan that waits or a budget stands in between.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any, Final

from msgspec import Struct, field

from connectors.sdk.contract import Page, Window
from crosswalk.engine.lineage import Lineage
from crosswalk.engine.model import House, Stream
from crosswalk.engine.pull import Pulled, hold_back_of, sweep, widen
from crosswalk.engine.words import record_addresses
from crosswalk.store.codec import iso, load_row, millis
from crosswalk.store.dialect import batches
from crosswalk.store.leases import fence
from crosswalk.store.records import ARCHIVED, HIDDEN, STATES, Landing, Seen, Understood
from mapping.values import ABSENT
from scheduler.leases import Lease

EDITED, UNSEEN, GONE, NEVER_SEEN = "edited since", "changed unseen", "gone since", "never seen"
EXPECTED: Final = (EDITED, GONE)  # the next sync takes them
MOST: Final = timedelta(hours=24)  # a hold-back is never longer
_CHUNK: Final = 200
_EXPLAINED: Final = 200  # entities whose sides are looked at one by one


class Difference(Struct, frozen=True, kw_only=True):
    """One record (or one field of it, by its hub name) that is not as it should be."""

    record: str
    field: str
    kind: str
    explanation: str
    action: str
    at: int | None = None

    def told(self) -> dict[str, Any]:
        return {
            "record": self.record,
            "field": self.field,
            "kind": self.kind,
            "explanation": self.explanation,
            "action": self.action,
            "at": iso(self.at),
        }


class Audited(Struct):
    """What the audit of one stream came to."""

    held: int = 0  # records that the hub has of it
    compared: int = 0
    unlike: int = 0  # of them, records that are not as the hub last saw them
    differences: list[Difference] = field(default_factory=list)
    hold_back: timedelta | None = None  # what it was widened to

    @property
    def unseen(self) -> int:
        return sum(one.kind in (UNSEEN, NEVER_SEEN) for one in self.differences)


class Sample(Struct, frozen=True):
    """How many records of each stream are compared: a number, or a share of those that are held."""

    number: int | None = None
    share: float | None = None

    def of(self, held: int) -> int:
        wanted = self.number if self.number is not None else round(held * (self.share or 0))
        return min(held, max(1, wanted)) if held else 0


def report(audited: Mapping[str, Audited]) -> dict[str, Any]:
    """The dict of `audit --json`. `audited`: by address of the stream."""
    return {
        "compared": sum(one.compared for one in audited.values()),
        "held": sum(one.held for one in audited.values()),
        "unlike": sum(one.unlike for one in audited.values()),
        "differences": [difference.told() for one in audited.values() for difference in one.differences],
        "widened": [
            {"stream": address, "seconds": one.hold_back.total_seconds()}
            for address, one in audited.items()
            if one.hold_back is not None
        ],
        "streams": [
            {"stream": address, "compared": one.compared, "held": one.held, "unlike": one.unlike}
            for address, one in audited.items()
        ],
    }


def audit_stream(house: House, stream: Stream, lease: Lease, *, run: int, sample: Sample | None) -> Audited:
    """Compare one stream, under its lease. `sample` None: every record, and what is listed there and not held."""
    auditor = _Auditor(house, stream, lease, run)
    pages = auditor.whole() if sample is None else auditor.some(sample)
    for page in pages:
        auditor.compare(page)
        house.progress.advance(stream.address, read=len(page.records))
        if house.stop.is_set():
            return auditor.audited
    if sample is None and stream.spec.sweep:
        auditor.sweep()
    auditor.widen()
    auditor.explain()
    return auditor.audited


class _Auditor:
    def __init__(self, house: House, stream: Stream, lease: Lease, run: int) -> None:
        self._house = house
        self._stream = stream
        self._lease = lease
        self._run = run
        self._database = house.database
        self._connector = house.links[stream.connection].connector
        self._landing: Landing = stream.landing(house.database)
        self._read_no = house.database.take_ids("read", 1)[0]
        self._watermark = self._closed()
        self._restless: list[int] = []  # compared records of which something is not at rest
        self.audited = Audited(held=self._held())

    def _held(self) -> int:
        with self._database.read() as connection:
            return int(
                self._database.run(
                    connection,
                    "SELECT count(*) FROM record WHERE stream = ? AND state <= ?",
                    (self._stream.id, ARCHIVED),
                ).scalar()
                or 0
            )

    def _closed(self) -> int | None:
        """Up to when every part of it has been read for good; None where stamps tell nothing."""
        if self._stream.spec.cursor != "modified":
            return None
        with self._database.read() as connection:
            rows = self._database.run(
                connection,
                "SELECT watermark FROM part WHERE stream = ? AND substr(name, 1, 1) <> '~'",
                (self._stream.id,),
            ).fetchall()
        marks = [row[0] for row in rows]
        return min(marks) if marks and None not in marks else None

    # -- what is read ------------------------------------------------------------------------------------------

    def whole(self) -> Iterator[Page]:
        for part in self._connector.parts(self._stream.name):
            yield from self._connector.pull(self._stream.name, Window(part=part, since=None))

    def some(self, sample: Sample) -> Iterator[Page]:
        """A sample that is another one with every run, and the same for a run that is told again."""
        with self._database.read() as connection:
            keys = [
                row[0]
                for row in self._database.run(
                    connection,
                    "SELECT rkey FROM record WHERE stream = ? AND state <= ? ORDER BY id",
                    (self._stream.id, ARCHIVED),
                ).fetchall()
            ]
        chosen = Random(self._run * 1000 + self._stream.id).sample(keys, sample.of(len(keys)))
        for some in batches(chosen, _CHUNK):
            missing = set(some)
            for page in self._connector.fetch(self._stream.name, some):
                missing.difference_update(record.key for record in page.records)
                yield page
            for key in sorted(missing):
                self.audited.compared += 1
                self._note(key, "", GONE, "the vendor does not show it any more", "the next sweep takes it")

    # -- what is found -----------------------------------------------------------------------------------------

    def compare(self, page: Page) -> None:
        landing, audited = self._landing, self.audited
        with self._database.read() as connection:
            news, seen = landing.news(connection, page.records)
            held = landing.prefetch(connection, [record.key for record in page.records])
            observed = {
                row[0]: load_row(bytes(row[1]))
                for row in self._database.select(
                    connection, "SELECT record, observed FROM body WHERE", "record", [one.id for one in seen.values()]
                )
            }
            ids = [one.id for one in held.values()]
            erased = self._house.suppressed.values(connection)
            self._restless += [
                row[0] for row in self._database.select(connection, "SELECT record FROM base WHERE", "record", ids)
            ]
        audited.compared += len(held)
        for key, known in held.items():
            if known.state == HIDDEN:
                self._note(key, "", "filter", "out of the scope of `where`", "neither matched nor written")
        missed: dict[str, Understood] = {}
        understood = landing.understand(news)
        with self._database.read() as connection:
            landing.leave_unasked(connection, understood, seen, page.asked)
        for key, now in landing.let_in(understood, seen, erased).items():
            old = seen.get(key)
            if old is None:
                self._newcomer(key, now, missed)
            else:
                self._changed(key, now, old, observed.get(old.id, []), missed)
        if missed:
            self._land(missed, seen)

    def _newcomer(self, key: str, now: Understood, missed: dict[str, Understood]) -> None:
        stamp = millis(now.record.modified)
        if self._is_open(stamp):
            self._note(key, "", EDITED, "made since", "the next sync takes them", at=stamp)
        else:
            self._note(
                key, "", NEVER_SEEN, "its window was closed without it", f"{self._reads()} reads it now", at=stamp
            )
            missed[key] = now

    def _changed(
        self, key: str, now: Understood, old: Seen, before: Sequence[Any], missed: dict[str, Understood]
    ) -> None:
        names = [
            name
            for name, was, is_ in zip(self._stream.mapping.fields, before, now.row, strict=False)
            if is_ is not ABSENT and was != is_
        ]
        if not names and now.state == old.state:
            return  # nothing of it is mapped
        stamp = millis(now.record.modified)
        told = ", ".join(names) or f"{STATES[now.state]} there"
        self.audited.unlike += 1
        if self._is_open(stamp):
            self._note(key, told, EDITED, "expected", "the next sync takes them", at=stamp)
        else:
            self._note(key, told, UNSEEN, "inside a window that was closed", f"{self._reads()} reads it now", at=stamp)
            missed[key] = now

    def _is_open(self, stamp: int | None) -> bool:
        """Would the next sync read it by its stamp?"""
        return self._watermark is None or stamp is None or stamp >= self._watermark

    def _reads(self) -> str:
        return f"R{self._run}"

    def _land(self, missed: dict[str, Understood], seen: dict[str, Seen]) -> None:
        """What no window would bring: its stamp says nothing new, so it is landed by the number of this read."""
        anew = {key: old._replace(modified=None) for key, old in seen.items() if key in missed}
        self._landing.prepare(missed, anew)
        with self._database.write() as connection:
            fence(self._database, connection, self._lease)
            self._landing.land(connection, missed, anew, read_no=self._read_no)

    def sweep(self) -> None:
        """List every key: what is held and not there, and what is there and in no list by time."""
        pulled = Pulled()
        sweep(self._house, self._stream, self._lease, pulled, run=self._run)
        told = {one.record.rpartition("/")[2] for one in self.audited.differences if not one.field}
        for key in pulled.back:
            if key in told:
                continue
            self._note(key, "", NEVER_SEEN, "listed there, and no window brought it", f"{self._reads()} has read it")
        for key in pulled.missing:
            self._note(key, "", GONE, "the vendor does not show it any more", f"{self._reads()} has noted it")

    def widen(self) -> None:
        """A change inside a closed window: windows overlap by twice as much from now on."""
        if any(one.kind == UNSEEN for one in self.audited.differences):
            with self._database.read() as connection:
                now = hold_back_of(self._house, connection, self._stream)
            wider = min(MOST, max(2 * now, timedelta(minutes=1)))
            if wider > now:
                widen(self._house, self._stream, wider)
                self.audited.hold_back = wider

    def _note(self, key: str, name: str, kind: str, explanation: str, action: str, *, at: int | None = None) -> None:
        if kind in (GONE, NEVER_SEEN) or (kind == EDITED and not name):
            self.audited.unlike += 1
        self.audited.differences.append(
            Difference(
                record=f"{self._stream.address}/{key}", field=name, kind=kind, explanation=explanation, action=action,
                at=at,
            )
        )  # fmt: skip

    # -- what the hub would have otherwise ---------------------------------------------------------------------

    def explain(self) -> None:
        """Why what is compared does not show what the hub holds, where it is not at rest."""
        with self._database.read() as connection:
            homes = dict(
                self._database.select(
                    connection, "SELECT record, entity FROM member WHERE", "record", self._restless[:_EXPLAINED]
                )
            )
            addresses = record_addresses(self._house, connection, homes)
            for entity in dict.fromkeys(homes.values()):
                mine = {addresses[record] for record, home in homes.items() if home == entity}
                for one in Lineage(self._house, connection, entity).told(asked=None, field=None)["fields"]:
                    for side in one["sides"]:
                        if side["record"] in mine and side["state"] not in ("holds", "not read"):
                            self.audited.differences.append(_explained(side, one["name"]))


_WHY: Final = (
    (re.compile(r"^C\d+ is open"), "conflict", "crosswalk review"),
    (re.compile(r"^D\d+ blocks"), "dead letter", "crosswalk dlq"),
    (re.compile(r"put off by the vendor"), "budget", "tried again by itself"),
    (re.compile(r"waits in P\d+|planned in P\d+|the next plan"), "waits", "crosswalk plan"),
)


def _explained(side: dict[str, Any], name: str) -> Difference:
    reason = str(side["reason"])
    kind, action = next(((kind, action) for found, kind, action in _WHY if found.search(reason)), ("rule", ""))
    return Difference(record=side["record"], field=name, kind=kind, explanation=reason, action=action)
