"""Pull and land: read what changed at a vendor, page by page, losing nothing at any crash.

A window is open from its first page to its last. Each page commits its records together with the position
from which the window goes on; the last one moves the watermark to the vendor's own time at the start of the
window less the stream's hold-back, so that what commits late under an older stamp is found by the next window.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from connectors.sdk.contract import NOT_KEPT, Page, RawRecord, RemoteRecord, RowFault, Window, is_key
from connectors.sdk.errors import ConnectorError, GoneError, GrantError, SetupError, ShapeError
from connectors.sdk.paging import prefetched
from crosswalk.engine import erase
from crosswalk.engine.failures import is_for_good
from crosswalk.engine.model import House, Link, Stream
from crosswalk.store import letters, meta, removals
from crosswalk.store.codec import dump, load, millis, moment
from crosswalk.store.coverage import SWEEP
from crosswalk.store.dialect import once_more
from crosswalk.store.leases import fence
from crosswalk.store.records import ARCHIVED, DELETED, MERGED, SETTLE, Landed, Landing, add_work, mark_state
from scheduler.leases import Lease

_REMOVALS = "~removals"  # the part whose watermark the feed of deletions has
_SWEEP_EVERY = 24 * 3600 * 1000
_WIDER = "hold_back:{}"  # by stream
_TOGETHER = 1000  # records of small pages that are landed in one transaction


class Pulled(Struct):
    """What one stream brought in one run."""

    landed: Landed = field(default_factory=Landed)
    aside: int = 0
    removed: int = 0
    doubt: ShapeError | None = None  # why nothing could be said of what is gone there
    unread: list[ConnectorError] = field(default_factory=list)  # why parts could not be read, others could
    gone: list[GoneError] = field(default_factory=list)  # parts that were deleted while they were read
    back: list[str] = field(default_factory=list)  # keys that a sweep found there and not held
    missing: list[str] = field(default_factory=list)  # and those that it found held and not there

    def add(self, other: "Pulled") -> None:
        self.landed.add(other.landed)
        self.aside += other.aside
        self.removed += other.removed
        self.doubt = other.doubt or self.doubt
        self.unread += other.unread
        self.gone += other.gone


def pull_stream(
    house: House, stream: Stream, lease: Lease, *, run: int, afresh: bool = False, bulk: bool = False
) -> Pulled:
    """Read every part of a stream to the vendor's now. `afresh`: from the beginning, whatever the watermark says.

    A part that cannot be read, a survey that was deleted for one, keeps no other from being read. While there is one,
    nothing is said of what is gone, and a stream that was not read to its end is not taken for read.
    """
    link = house.links[stream.connection]
    pulled = Pulled()
    parts = list(link.connector.parts(stream.name))
    for part in parts:
        try:
            _pull_part(house, link, stream, part, lease, run, pulled, afresh=afresh, bulk=bulk)
        except GoneError as error:
            pulled.gone.append(error)
        except (SetupError, GrantError, ShapeError) as error:
            pulled.unread.append(error)
            if is_for_good(error) or len(pulled.unread) == len(parts):
                raise
        if house.stop.is_set():
            return pulled
    if pulled.unread:
        return pulled
    if not stream.complete:
        with house.database.write() as connection:
            house.database.run(
                connection, "UPDATE stream SET complete = ?, swept_at = ? WHERE id = ?", (True, house.now(), stream.id)
            )
        stream.complete = True
    elif stream.spec.removals:
        _read_removals(house, link, stream, lease, pulled)
    if stream.spec.sweep and (afresh or _sweep_is_due(house, stream)):
        sweep(house, stream, lease, pulled, run=run)
    return pulled


def hold_back_of(house: House, connection: Any, stream: Stream) -> timedelta:
    """How far behind the vendor's time a window ends: as declared, or more since an audit found a later commit."""
    row = house.database.run(
        connection, "SELECT value FROM meta WHERE name = ?", (_WIDER.format(stream.id),)
    ).fetchone()
    declared = stream.spec.hold_back
    return declared if row is None else max(declared, timedelta(milliseconds=load(bytes(row[0]))))


def widen(house: House, stream: Stream, hold_back: timedelta) -> None:
    """From now on windows of this stream end that far behind the vendor's time."""
    with house.database.write() as connection:
        milliseconds = int(hold_back.total_seconds() * 1000)
        meta.put(house.database, connection, _WIDER.format(stream.id), dump(milliseconds))


def catch_up(house: House, stream: Stream, lease: Lease, *, run: int) -> Pulled:
    """Read only what changed since the last read: what somebody made there a moment ago is known then."""
    link = house.links[stream.connection]
    pulled = Pulled()
    for part in link.connector.parts(stream.name):
        _pull_part(house, link, stream, part, lease, run, pulled, afresh=False, bulk=False)
    return pulled


def _pull_part(
    house: House,
    link: Link,
    stream: Stream,
    part: str,
    lease: Lease,
    run: int,
    pulled: Pulled,
    *,
    afresh: bool,
    bulk: bool,
) -> None:
    database = house.database
    held = _part_row(house, stream, part)
    content = stream.spec.cursor == "content"
    opened, largest, since = held["opened"], held["largest"], held["since"]
    resumed = held["position"] is not None and not content and not afresh
    if not resumed:
        opened, largest = None, None
        since = None if afresh or stream.spec.cursor == "full" else held["watermark"]
    position = None if afresh else held["position"]
    read_no = database.take_ids("read", 1)[0]
    landing = stream.landing(database, bulk=bulk)
    mending = _has_letters(house, stream)
    listed: set[str] | None = set() if stream.spec.cursor == "full" and stream.complete else None
    ended = False
    window = Window(part=part, since=stream.spec.whole(moment(since)), position=position)
    pages = link.connector.pull(stream.name, window)
    for page in map(with_keys, prefetched(pages, _TOGETHER, weigh=_weight, join=as_one)):
        if opened is None:
            opened = millis(page.server_time)
        if opened is None:  # no time of the vendor's own: the newest stamp stands for it
            largest = _newest(page, largest)
        if listed is not None:
            listed.update(record.key for record in page.records)
        ended = page.last if content else page.position is None
        _land_page(
            house, stream, part, page, landing, lease, run, read_no, pulled,
            mending=mending, ended=ended,
            held={"opened": opened, "largest": largest, "since": since, "watermark": held["watermark"]},
        )  # fmt: skip
        mending = mending or bool(pulled.aside)
        house.progress.advance(
            stream.address, read=len(page.records), changed=pulled.landed.changed + pulled.landed.new
        )
        if house.stop.is_set():
            return
    if not ended:
        raise ShapeError(
            f"{stream.address}: the listing stopped without saying that it was complete",
            hint="nothing is lost: the next run goes on from the last page",
            code="CW307",
        )
    if listed is not None:
        _remove_unlisted(house, link, stream, lease, listed, run, pulled)


def _weight(page: Page) -> int:
    return max(len(page.records), _TOGETHER // 4)  # few calls are made ahead, however little they bring


def as_one(page: Page, following: Page) -> Page | None:
    """Two pages as one, which one transaction lands under the position of the second; None: they are landed one by one.

    A transaction has a price of its own: on PostgreSQL pages of 200 that are landed together take 4 to 16 % less, and
    of the server 12 to 35 %, the more the busier it is.
    """
    if len(page.records) + len(following.records) > _TOGETHER or page.faults or following.anew:
        return None  # what was set aside is to be known when the second is landed, which may mend it
    if page.records and following.records and page.asked is not following.asked:
        return None
    if _takes_back(page.records, following.records):
        return None  # of two reads in one page the last counts
    return replace(
        page,
        records=[*page.records, *following.records],
        faults=following.faults,
        server_time=page.server_time or following.server_time,
        position=following.position,
        total=following.total,
        last=following.last,
        asked=following.asked if following.records else page.asked,
    )


def with_keys(page: Page) -> Page:
    """A page whose records can all be kept by their keys; those of which it is not so are set aside."""
    kept = [record for record in page.records if is_key(record.key)]
    if len(kept) == len(page.records):
        return page
    faults = [
        RowFault(ascii(record.key)[:100], None, NOT_KEPT, record.values)
        for record in page.records
        if not is_key(record.key)
    ]
    return replace(page, records=kept, faults=[*page.faults, *faults])


def _takes_back(records: Sequence[RemoteRecord | RawRecord], following: Sequence[RemoteRecord | RawRecord]) -> bool:
    """Does the second page hold an older read of a record? Most vendors list in the order of change, and few of a page
    are older than the newest of the one before."""
    before = [one.modified for one in records if one.modified is not None]
    if not before:
        return False
    newest = max(before)
    older = [one for one in following if one.modified is not None and one.modified < newest]
    if not older:
        return False
    keys = {one.key for one in older}
    held = {one.key: one.modified for one in records if one.key in keys}
    return any(_is_older(one.modified, held.get(one.key)) for one in older)


def _is_older(modified: datetime | None, held: datetime | None) -> bool:
    return modified is not None and held is not None and modified < held


def _newest(page: Page, largest: int | None) -> int | None:
    stamps = [stamp for record in page.records if (stamp := millis(record.modified)) is not None]
    return max([*stamps, *([] if largest is None else [largest])], default=None)


def _land_page(
    house: House,
    stream: Stream,
    part: str,
    page: Page,
    landing: Landing,
    lease: Lease,
    run: int,
    read_no: int,
    pulled: Pulled,
    *,
    mending: bool,
    ended: bool,
    held: dict[str, Any],
) -> None:
    database = house.database

    def land() -> tuple[Landed, int]:
        with database.read() as connection:
            news, seen = landing.news(connection, page.records)
        landing.prepare(news, seen)
        understood = landing.understand(news)
        with database.write() as connection:
            fence(database, connection, lease)
            landing.leave_unasked(connection, understood, seen, page.asked)
            landed = landing.land(connection, understood, seen, read_no=read_no)
            aside = _set_aside(house, connection, stream, page, landed, news if mending else {}, run)
            _move_part(house, connection, stream, part, page, held, ended=ended, read_no=read_no)
        return landed, aside

    landed, aside = once_more(land)
    landed.read = len(page.records)
    pulled.landed.add(landed)
    pulled.aside += aside


def _move_part(
    house: House,
    connection: Any,
    stream: Stream,
    part: str,
    page: Page,
    held: dict[str, Any],
    *,
    ended: bool,
    read_no: int,
) -> None:
    """The position, and behind the last page the watermark: never from our own clock, never backwards."""
    watermark = held["watermark"]
    position = None if page.position is None else dump(page.position)
    if ended:
        hold_back = int(hold_back_of(house, connection, stream).total_seconds() * 1000)
        reached = held["opened"] if held["opened"] is not None else held["largest"]
        if reached is not None:
            watermark = max(reached - hold_back, watermark or 0)
    house.database.upsert(
        connection,
        "part",
        ("stream", "name"),
        (
            "stream", "name", "watermark", "position", "since", "opened", "largest", "read_no", "covered_to", "total",
            "complete",
        ),
        [
            (
                stream.id, part, watermark, position, held["since"], held["opened"], held["largest"], read_no,
                held["opened"], page.total, ended or held["watermark"] is not None,
            )
        ],
    )  # fmt: skip


def _set_aside(
    house: House, connection: Any, stream: Stream, page: Page, landed: Landed, again: dict[str, Any], run: int
) -> int:
    """Dead letters for rows and fields that cannot be understood; letters of what reads well again are closed."""
    if page.anew:
        letters.close_places(house.database, connection, stream.id, page.anew)
    faulty: dict[str, set[str]] = {key: set() for key in again}
    posts = []
    erased = house.suppressed.values(connection) if page.faults and stream.gate is not None else frozenset()
    for fault in page.faults:
        raw = dump(fault.raw)
        if erase.names(house, erased, raw):
            landed.erased += 1
            continue
        code = "CW406" if "twice" in fault.reason else "CW402"
        faulty.setdefault(fault.where, set()).add("")
        posts.append(letters.Letter(stream.id, fault.where, "read", "", code, fault.reason, raw, None))
    for key, value_fault in landed.faults:
        faulty.setdefault(key, set()).add(value_fault.field)
        posts.append(letters.of_field(stream.id, key, value_fault))
    if faulty:
        letters.close_read(house.database, connection, stream.id, faulty)
    if not posts:
        return 0
    return letters.post(house.database, connection, posts, at=house.now(), run=run)


def _part_row(house: House, stream: Stream, part: str) -> dict[str, Any]:
    with house.database.read() as connection:
        row = house.database.run(
            connection,
            "SELECT watermark, position, since, opened, largest FROM part WHERE stream = ? AND name = ?",
            (stream.id, part),
        ).fetchone()
    if row is None:
        return dict.fromkeys(("watermark", "position", "since", "opened", "largest"))
    position = None if row[1] is None else load(bytes(row[1]))
    return {"watermark": row[0], "position": position, "since": row[2], "opened": row[3], "largest": row[4]}


def _has_letters(house: House, stream: Stream) -> bool:
    with house.database.read() as connection:
        return letters.any_open(house.database, connection, stream.id, "read")


def fetch_records(
    house: House,
    stream: Stream,
    keys: Sequence[str],
    lease: Lease,
    *,
    run: int,
    again: bool = False,
    pages: Iterable[Page] | None = None,
) -> tuple[Landed, set[str]]:
    """Read these records again and land them; what was landed, and the keys that the vendor no longer shows.

    `again`: settle them even where nothing of them has changed. `pages`: what reads them, where they are not asked for
    by themselves.
    """
    connector = house.links[stream.connection].connector
    missing = set(keys)
    landed = Landed()
    database = house.database
    read_no = database.take_ids("read", 1)[0]
    landing = stream.landing(database)

    def land(page: Page) -> Landed:
        with database.read() as connection:
            news, seen = landing.news(connection, page.records, again=again)
            known = landing.prefetch(connection, [record.key for record in page.records]) if again else {}
        landing.prepare(news, seen)
        understood = landing.understand(news)
        with database.write() as connection:
            fence(database, connection, lease)
            if again:
                add_work(database, connection, SETTLE, [old.id for old in known.values()])
            landing.leave_unasked(connection, understood, seen, page.asked)
            some = landing.land(connection, understood, seen, read_no=read_no)
            _set_aside(house, connection, stream, page, some, news, run)
        return some

    for page in map(with_keys, connector.fetch(stream.name, keys) if pages is None else pages):
        some = once_more(partial(land, page))
        some.read = len(page.records)
        landed.add(some)
        missing.difference_update(record.key for record in page.records)
    return landed, missing


def remove(
    house: House,
    stream: Stream,
    keys: Iterable[str],
    lease: Lease,
    *,
    state: int = DELETED,
    survivors: Mapping[str, str] | None = None,
    there_until: int | None = None,
) -> int:
    """Mark records that are gone, with the vendor's word for it. `survivors`: what they were merged into, by key.

    `there_until`: when they were last known to be there; at the last sweep, where nobody says.
    """
    database = house.database
    with database.write() as connection:
        fence(database, connection, lease)
        gone = [
            (row[0], row[1])
            for row in database.select(
                connection,
                "SELECT id, rkey FROM record WHERE state <= ? AND stream = ? AND",
                "rkey",
                list(keys),
                first=(ARCHIVED, stream.id),
            )
        ]
        rows = [(number, survivors[key]) for number, key in gone if survivors and key in survivors]
        database.upsert(connection, "survivor", ("record",), ("record", "rkey"), rows)
        numbers = [number for number, _ in gone]
        mark_state(database, connection, numbers, state, limit=house.rules.limit)
        now = house.now()
        held = removals.OPEN if state == DELETED else removals.CLOSED
        if there_until is None:
            there_until = _swept_at(house, connection, stream) or now
        removals.note(database, connection, numbers, since=now, there_until=there_until, state=held)
    return len(gone)


def _read_removals(house: House, link: Link, stream: Stream, lease: Lease, pulled: Pulled) -> None:
    held = _part_row(house, stream, _REMOVALS)
    reach = stream.spec.removals_reach
    hold_back = int(stream.spec.hold_back.total_seconds() * 1000)
    since, began = held["watermark"], house.now()
    # When an edit was taken up is told by our own clock, and so is this: the vendor's may be ahead of it.
    there_until = since if since is None or held["opened"] is None else held["opened"] - hold_back
    if since is not None and reach is not None and house.now() - since > reach.total_seconds() * 1000:
        # The feed no longer reaches back to where we stopped: only a sweep can tell what went in between.
        with house.database.write() as connection:
            house.database.run(connection, "UPDATE stream SET swept_at = NULL WHERE id = ?", (stream.id,))
        since = there_until = None
    started = _part_row(house, stream, link.connector.parts(stream.name)[0])["opened"]
    window = Window(part="", since=stream.spec.whole(moment(since)), position=None)
    for told in link.connector.removals(stream.name, window):
        deleted = [one.key for one in told if one.survivor is None]
        pulled.removed += remove(house, stream, deleted, lease, there_until=there_until)
        pulled.removed += remove(
            house, stream, [one.key for one in told if one.survivor], lease, state=MERGED,
            survivors={one.key: one.survivor for one in told if one.survivor},
        )  # fmt: skip
    if started is not None:
        with house.database.write() as connection:
            fence(house.database, connection, lease)
            house.database.upsert(
                connection,
                "part",
                ("stream", "name"),
                ("stream", "name", "watermark", "opened", "read_no", "complete"),
                [(stream.id, _REMOVALS, max(started - hold_back, since or 0), began, 0, True)],
            )


def _sweep_is_due(house: House, stream: Stream) -> bool:
    with house.database.read() as connection:
        swept = _swept_at(house, connection, stream)
    return swept is None or house.now() - swept >= _SWEEP_EVERY


def _swept_at(house: House, connection: Any, stream: Stream) -> int | None:
    swept = house.database.run(connection, "SELECT swept_at FROM stream WHERE id = ?", (stream.id,)).scalar()
    return None if swept is None else int(swept)


def sweep(house: House, stream: Stream, lease: Lease, pulled: Pulled, *, run: int) -> None:
    """List every live key; what is held but not listed is asked for by its key, and gone only if that fails too."""
    database = house.database
    connector = house.links[stream.connection].connector
    with database.write() as connection:
        fence(database, connection, lease)
        database.run(connection, "DELETE FROM swept WHERE stream = ?", (stream.id,))
    try:
        for keys in connector.keys(stream.name):
            with database.write() as connection:
                fence(database, connection, lease)
                rows = [(stream.id, key) for key in set(keys) if is_key(key)]
                database.upsert(connection, "swept", ("stream", "rkey"), ("stream", "rkey"), rows)
    except ShapeError as error:
        if stream.spec.cursor != "content":
            raise
        pulled.doubt = error  # no proof, no removal: everything stays, and the next run looks again
        return
    erased_before = pulled.landed.erased
    for back in _unheld(house, stream, pulled):
        landed, unshown = fetch_records(house, stream, back, lease, run=run)
        pulled.back += [key for key in back if key not in unshown]
        pulled.landed.add(landed)
    for missing in _unswept(house, stream):
        _confirm_removed(house, stream, missing, lease, pulled, run=run)
    with database.write() as connection:
        fence(database, connection, lease)
        _note_coverage(house, connection, stream, erased=pulled.landed.erased - erased_before)
        database.run(connection, "DELETE FROM swept WHERE stream = ?", (stream.id,))
        database.run(connection, "UPDATE stream SET swept_at = ? WHERE id = ?", (house.now(), stream.id))


def _note_coverage(house: House, connection: Any, stream: Stream, *, erased: int) -> None:
    """How many records the vendor has listed, and how many of them are held: for whoever asks what is covered.

    `erased`: how many of the listed ones are not to be held.
    """
    listed, held = house.database.run(
        connection,
        "SELECT count(*), count(r.id) FROM swept s LEFT JOIN record r ON r.stream = s.stream AND r.rkey = s.rkey "
        f"AND r.state <= {ARCHIVED} WHERE s.stream = ?",
        (stream.id,),
    ).fetchone()
    house.database.upsert(
        connection,
        "part",
        ("stream", "name"),
        ("stream", "name", "total", "position", "read_no", "complete"),
        [(stream.id, SWEEP, listed - erased, dump({"held": held}), 0, True)],
    )


def _unheld(house: House, stream: Stream, pulled: Pulled) -> Iterator[list[str]]:
    """Keys that are listed and not held, or held as gone: what came late under an old stamp, or came back.

    Those of people who were erased are only counted.
    """
    after = ""
    while True:
        with house.database.read() as connection:
            rows = house.database.run(
                connection,
                "SELECT s.rkey FROM swept s LEFT JOIN record r ON r.stream = s.stream AND r.rkey = s.rkey "
                "WHERE s.stream = ? AND s.rkey > ? AND (r.id IS NULL OR (r.state = ? AND r.hash IS NULL)) "
                "ORDER BY s.rkey LIMIT 500",
                (stream.id, after, DELETED),
            ).fetchall()
            keys = [row[0] for row in rows]
            known = keys if stream.gate is None else stream.gate.without(connection, keys)
        if not keys:
            return
        after = keys[-1]
        pulled.landed.erased += len(keys) - len(known)
        if known:
            yield known


def _unswept(house: House, stream: Stream) -> Iterator[list[str]]:
    after = 0
    while True:
        with house.database.read() as connection:
            rows = house.database.run(
                connection,
                "SELECT r.id, r.rkey FROM record r LEFT JOIN swept s ON s.stream = r.stream AND s.rkey = r.rkey "
                "WHERE r.stream = ? AND r.state <= ? AND s.rkey IS NULL AND r.id > ? ORDER BY r.id LIMIT 500",
                (stream.id, ARCHIVED, after),
            ).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield [row[1] for row in rows]


def _confirm_removed(
    house: House, stream: Stream, keys: Sequence[str], lease: Lease, pulled: Pulled, *, run: int
) -> None:
    landed, missing = fetch_records(house, stream, keys, lease, run=run)
    pulled.landed.add(landed)
    pulled.missing += sorted(missing)
    pulled.removed += remove(house, stream, missing, lease)


def _remove_unlisted(
    house: House, link: Link, stream: Stream, lease: Lease, listed: set[str], run: int, pulled: Pulled
) -> None:
    """A stream that is always read whole: what a complete listing does not show is asked for once more."""
    with house.database.read() as connection:
        held = [
            row[0]
            for row in house.database.run(
                connection, "SELECT rkey FROM record WHERE stream = ? AND state <= ?", (stream.id, ARCHIVED)
            ).fetchall()
        ]
    missing = [key for key in held if key not in listed]
    if missing:
        _confirm_removed(house, stream, missing, lease, pulled, run=run)
