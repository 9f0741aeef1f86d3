"""Stay inside the account's budget: units taken before a call, bursts spaced out, the vendor's figures fed back.

The day's allowance stands in the store, shared by all processes (`BudgetStore`); reads take it in chunks, since
asking the store for every page costs more than the page. Bursts ("80 calls in 2 s") are held here, per process.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Literal, TypeAlias

from msgspec import Struct

from connectors.sdk.contract import Tools
from connectors.sdk.errors import LaterError

Lane: TypeAlias = Literal["optout", "alert", "write", "read"]

_urgent: ContextVar[Lane | None] = ContextVar("lane", default=None)


@contextmanager
def in_lane(lane: Lane) -> Iterator[None]:
    """Every call that this thread makes until the end of the block is paid for from this lane, reads too."""
    before = _urgent.set(lane)
    try:
        yield
    finally:
        _urgent.reset(before)


def lane_of(lane: Lane) -> Lane:
    """From which lane a call is paid for that would be paid for from this one."""
    return _urgent.get() or lane


class Burst(Struct, frozen=True):
    """At most `calls` in any `seconds`."""

    calls: int
    seconds: float


class Limits(Struct, frozen=True, kw_only=True):
    """How fast a vendor lets us call, and where its answers say what is left.

    `remaining`, `resets`: headers of the day's allowance; `left` reads what remains where no header is just that number
    ("api-usage=18/5000"). `burst_remaining`, `burst_resets`: of the burst window;
    at none left we wait until it turns. `resets_in`: what a reset header counts: seconds from now, or since 1970.
    `at_once`: how many calls may be under way together; None: as many as there are threads.
    """

    bursts: tuple[Burst, ...] = ()
    remaining: str | None = None
    left: Callable[[Mapping[str, str]], int | None] | None = None
    resets: str | None = None
    burst_remaining: str | None = None
    burst_resets: str | None = None
    resets_in: Literal["seconds", "epoch"] = "seconds"
    chunk: int = 20
    at_once: int | None = None


class Purse:
    """The budget of one account as one transport sees it. Thread-safe."""

    def __init__(self, account: str, limits: Limits, tools: Tools, *, vendor: str) -> None:
        self._account = account
        self._limits = limits
        self._tools = tools
        self._vendor = vendor
        self._lock = threading.Lock()
        self._left: dict[str, int] = {}
        self._calls: list[deque[datetime]] = [deque(maxlen=burst.calls) for burst in limits.bursts]
        self._closed_until: datetime | None = None
        self._turns: datetime | None = None
        self._told: int | None = None

    def take(self, cost: int, *, lane: Lane) -> None:
        """Pay for one call, in the lane of `in_lane` where the caller stands in one.

        Waits for the burst window; raises LaterError CW303 where the day's allowance is gone.
        """
        with self._lock:
            self._pay(cost, lane_of(lane))
            pause = self._space()
        if pause > 0:
            self._tools.sleep(pause)

    def _pay(self, cost: int, lane: Lane) -> None:
        left = self._left.get(lane, 0)
        if left < cost:
            chunk = self._limits.chunk if lane == "read" else 1
            left += self._tools.budget.take(self._account, lane=lane, calls=max(chunk, cost - left))
        self._left[lane] = max(0, left - cost) if left >= cost else left
        if left < cost:
            raise self._empty()

    def _space(self) -> float:
        """Seconds to wait, and the moment after which this call counts as made."""
        now = self._tools.clock()
        at = now if self._closed_until is None else max(now, self._closed_until)
        for burst, calls in zip(self._limits.bursts, self._calls, strict=True):
            if len(calls) == burst.calls:
                at = max(at, calls[0] + timedelta(seconds=burst.seconds))
        for calls in self._calls:
            calls.append(at)
        return (at - now).total_seconds()

    def _empty(self) -> LaterError:
        until = "" if self._turns is None else f" until about {self._turns:%H:%M} UTC"
        return LaterError(
            f"{self._vendor} has no calls left{until} for this lane of its budget",
            hint="nothing: what waits goes out then; or raise `budget.per_day`",
            code="CW303",
            earliest=self._turns,
        )

    def hear(self, headers: Mapping[str, str]) -> None:
        """Feed back what an answer says is left."""
        limits = self._limits
        if limits.burst_remaining is not None:
            left = _number(headers.get(limits.burst_remaining))
            if left is not None and left <= 0:
                with self._lock:
                    self._closed_until = self._moment(headers, limits.burst_resets) or (
                        self._tools.clock() + timedelta(seconds=1)
                    )
        left = self._remaining(headers)
        if left is None:
            return
        resets = self._moment(headers, limits.resets)
        with self._lock:
            # Not every page: the figure is worth a write to the store when it moved by a chunk, rose or ran out.
            told = self._told
            if told is not None and 0 < left <= told < left + limits.chunk:
                return
            self._told = int(left)
            self._turns = resets or self._turns
        self._tools.budget.report(self._account, remaining=int(left), resets=resets)

    def _remaining(self, headers: Mapping[str, str]) -> float | None:
        if self._limits.left is not None:
            return self._limits.left(headers)
        return None if self._limits.remaining is None else _number(headers.get(self._limits.remaining))

    def exhausted(self, pause: timedelta | None) -> LaterError:
        """The vendor itself says that the day's allowance is gone: everybody shall know."""
        if pause is not None:
            self._turns = self._tools.clock() + pause
        with self._lock:
            self._left.clear()
        self._tools.budget.report(self._account, remaining=0, resets=self._turns)
        return self._empty()

    def _moment(self, headers: Mapping[str, str], name: str | None) -> datetime | None:
        seconds = None if name is None else _number(headers.get(name))
        if seconds is None or not 0 <= seconds < 100_000_000_000:
            return None
        if self._limits.resets_in == "epoch":
            return datetime.fromtimestamp(seconds, UTC)
        return self._tools.clock() + timedelta(seconds=min(seconds, 10_000_000))


def _number(text: str | None) -> float | None:
    try:
        number = None if text is None else float(text)
    except ValueError:
        return None
    return number if number is not None and isfinite(number) else None
