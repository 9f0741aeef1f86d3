"""Walk lists to their end, and know that it was the end.

    by_cursor   the last answer names what to ask next: cursor, page token, address of the next page
    by_keyset   "after this key", the last record's own, until a short page
    by_offset   numbers that slide while others write: pages overlap, the count is checked, a slip is read again
    halved      a listing that stops at a cap: the window is cut in two until every half fits
    prefetched  the next page is on its way while this one is worked on

Each of them raises ShapeError where a vendor makes no progress, rather than turning for ever or ending early.
"""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import Any, Final, TypeAlias, TypeVar

from connectors.sdk.errors import ShapeError

T = TypeVar("T")
Params: TypeAlias = Mapping[str, Any]

_RESCANS: Final = 3

# Building and sending a request takes a millisecond of the interpreter, and lets go of it several times on the way.
_HEAD_START: Final = 0.002


def by_cursor(
    ask: Callable[[Params], T], first: Params, follow: Callable[[T], Params | None], *, where: str
) -> Iterator[T]:
    """Answers in turn. `follow` reads the next page's parameters off an answer: laid over `first`; None ends.

    The same parameters twice mean that the vendor turns in a circle. `where` names the list for the error.
    """
    params = dict(first)
    asked = {_mark(params)}
    while True:
        answer = ask(params)
        following = follow(answer)
        yield answer
        if following is None:
            return
        params = {**first, **following}
        mark = _mark(params)
        if mark in asked:
            raise no_progress(where)
        asked.add(mark)


def by_keyset(
    ask: Callable[[str | None], Sequence[T]],
    key: Callable[[T], str],
    *,
    page_size: int,
    where: str,
    after: str | None = None,
) -> Iterator[Sequence[T]]:
    """Pages of a list that is ordered by its key, each after the last key of the one before; a short page ends.

    `ask` must order by the key: a page whose last key is the one we asked after ends in an error.
    """
    while True:
        page = ask(after)
        if page:
            yield page
        if len(page) < page_size:
            return
        last = key(page[-1])
        if last == after:
            raise no_progress(where)
        after = last


def by_offset(
    ask: Callable[[int], tuple[Sequence[T], int | None]],
    key: Callable[[T], Hashable],
    *,
    page_size: int,
    where: str,
    overlap: int = 1,
    start: int = 0,
) -> Iterator[Sequence[T]]:
    """Pages by offset, which slide when somebody adds or removes a row meanwhile.

    Each page begins `overlap` rows inside the one before: if none of those rows is there again, rows have slipped
    through, and the list is read once more from `start`. At the end the distinct keys are held against the total
    that the vendor named last (`ask` answers rows and total, or None). Rows may come twice; none is left out:
    after three rescans ShapeError is raised.
    """
    if not 0 <= overlap < page_size:
        raise ValueError("overlap must be smaller than a page")
    for _ in range(_RESCANS + 1):
        seen: set[Hashable] = set()
        tail: set[Hashable] = set()
        offset, total, slipped = start, None, False
        while True:
            rows, said = ask(offset)
            total = total if said is None else said
            keys = [key(row) for row in rows]
            slipped = slipped or (bool(tail) and tail.isdisjoint(keys))
            fresh = [row for row, one in zip(rows, keys, strict=True) if one not in seen]
            seen.update(keys)
            if fresh:
                yield fresh
            if len(rows) < page_size:
                break
            tail = set(keys[len(keys) - overlap :])
            offset += page_size - overlap
        if not slipped and (total is None or len(seen) >= total - start):
            return
    raise ShapeError(
        f"{where}: the list changed under every one of {_RESCANS + 1} readings",
        hint="nothing is lost: the next run reads it again, when less is going on there",
        code="CW307",
    )


def halved(
    count: Callable[[datetime, datetime], int],
    since: datetime,
    until: datetime,
    *,
    cap: int,
    resolution: timedelta,
    where: str,
) -> Iterator[tuple[datetime, datetime]]:
    """Windows [from, to) in order of time, none with `cap` results or more.

    Exactly `cap` results cannot be told from more of them, so they are cut too. Where even one step of the
    vendor's stamp holds too many, ShapeError says so: reading on would lose the rest.
    """
    if count(since, until) < cap:
        yield since, until
        return
    steps = (until - since) // resolution
    if steps <= 1:
        raise ShapeError(
            f"{where}: {cap} or more records at one time, and the list shows no more than {cap}",
            hint="read this stream by its export instead, or ask the vendor for another way",
            code="CW307",
        )
    middle = since + resolution * (steps // 2)
    for first, last in ((since, middle), (middle, until)):
        yield from halved(count, first, last, cap=cap, resolution=resolution, where=where)


def no_progress(where: str) -> ShapeError:
    """A list that answers the same page again."""
    return ShapeError(
        f"{where}: the list turns in a circle: the vendor names a page again that was read",
        hint="nothing is lost: the next run goes on from the last page; if it stays, ask the vendor",
        code="CW307",
    )


def _mark(params: Params) -> bytes:
    """Sixteen bytes for what was asked: some cursors are kilobytes, and all of them are kept to the end."""
    asked = repr(sorted((name, repr(value)) for name, value in params.items()))
    return blake2b(asked.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _counts_one(_item: object) -> int:
    return 1


def _stay_apart(_one: object, _other: object) -> None:
    return None


def prefetched(
    iterator: Iterator[T],
    ahead: int = 1,
    *,
    weigh: Callable[[T], int] = _counts_one,
    join: Callable[[T, T], T | None] = _stay_apart,
    head_start: float = _HEAD_START,
) -> Iterator[T]:
    """The same items, each fetched in a thread while the one before is worked on.

    An item is handed out `head_start` seconds after the next was asked for, or as soon as that is there: whoever works
    on it holds the interpreter, which the thread would have to wait for before its request is sent.

    The thread goes on while what waits weighs less than `ahead`. Of two that wait, `join` makes one where it can: small
    ones that come faster than they are worked on are worked on together, and none waits for others to come.

    Errors come out where they would have. When the consumer stops early the thread ends before its next item
    and the source is closed in that thread.
    """
    if ahead < 1:
        raise ValueError("ahead must be at least 1")
    waiting: deque[T] = deque()
    outcome: list[BaseException | None] = []  # once the source has ended: its error, or None
    changed = threading.Condition()
    asked = stop = False

    def has_room() -> bool:
        # The first one is taken by whoever asks for it: nobody waits here for them to wake up and do so.
        return stop or sum(map(weigh, islice(waiting, int(asked), None))) < ahead

    def fetch() -> None:
        end: BaseException | None = None
        try:
            while True:
                with changed:
                    changed.wait_for(has_room)
                    if stop:
                        return
                try:
                    item = next(iterator)
                except StopIteration:
                    return
                with changed:
                    waiting.append(item)
                    changed.notify_all()
        except BaseException as exc:  # handed over: it is raised again in the consumer's thread
            end = exc
        finally:
            with changed:
                outcome.append(end)
                changed.notify_all()
            close = getattr(iterator, "close", None)
            if close is not None:
                with contextlib.suppress(Exception):  # nobody is left to hear of it
                    close()

    thread = threading.Thread(target=fetch, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            with changed:
                asked = True
                changed.notify_all()
                changed.wait_for(lambda: waiting or outcome)
                asked = False
                if not waiting:
                    break
                item = waiting.popleft()
                while waiting and (both := join(item, waiting[0])) is not None:
                    item = both
                    waiting.popleft()
                changed.notify_all()
                changed.wait_for(lambda: waiting or outcome, head_start)
            yield item
        [end] = outcome
        if end is not None:
            raise end
    finally:
        with changed:
            stop = True
            changed.notify_all()
        thread.join()
