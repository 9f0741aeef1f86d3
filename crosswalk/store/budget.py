"""The day's allowance of each account, shared by all processes (connectors' BudgetStore).

Lanes, the most urgent first: optout, alert, write, read. The reserve belongs to the account's people; an
opt-out alone may spend it, since somebody has said no. Above it each lane stops a little earlier than the
next more urgent one, so that reading a large account cannot eat what its writes need.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from crosswalk.store.reading import Reading

if TYPE_CHECKING:  # `crosswalk status` reads balances and goes without the engine
    from crosswalk.store.connections import Connection
    from crosswalk.store.dialect import Database

# What a lane leaves to the more urgent ones above the reserve, in hundredths of the day's allowance.
HEADROOM: Final[Mapping[str, int]] = {"optout": 0, "alert": 0, "write": 2, "read": 10}

# A vendor's reset that differs by less is the same day, told by another clock.
_SAME_DAY: Final = timedelta(hours=1)


class Balance(Struct, frozen=True, kw_only=True):
    allowance: int
    reserve: int
    remaining: int
    resets_at: datetime


def midnight_utc(now: datetime) -> datetime:
    """The next turn of the day for vendors that say nothing of it."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


class Budgets:
    """`next_reset`: when the day of an account turns next, seen from a moment, until the vendor says so itself."""

    def __init__(
        self,
        database: "Database",
        clock: Callable[[], datetime],
        *,
        next_reset: Callable[[datetime], datetime] = midnight_utc,
    ) -> None:
        self._database = database
        self._clock = clock
        self._next_reset = next_reset

    def declare(self, account: str, *, allowance: int, reserve: int, remaining: int | None = None) -> None:
        """What the account may spend a day, from its settings and what it says of itself; what was spent stays spent.

        `remaining`: what the vendor says is left today, if less than the hub believes.
        """
        now = self._clock()
        left = allowance if remaining is None else min(allowance, max(0, remaining))
        with self._write() as connection:
            self._database.run(
                connection,
                "INSERT INTO budget (account, allowance, reserve, remaining, resets_at, granted) "
                "VALUES (?, ?, ?, ?, ?, 0) ON CONFLICT (account) DO UPDATE SET "
                "allowance = excluded.allowance, reserve = excluded.reserve, "
                # A changed allowance moves what is left with it; the vendor's word can only lower it.
                "remaining = CASE WHEN budget.resets_at <= ? THEN excluded.remaining "
                "WHEN budget.remaining + excluded.allowance - budget.allowance < 0 THEN 0 "
                "WHEN budget.remaining + excluded.allowance - budget.allowance < excluded.remaining "
                "THEN budget.remaining + excluded.allowance - budget.allowance "
                "ELSE excluded.remaining END, "
                "resets_at = CASE WHEN budget.resets_at <= ? THEN excluded.resets_at ELSE budget.resets_at END",
                (account, allowance, reserve, left, _millis(self._next_reset(now)), _millis(now), _millis(now)),
            )

    def take(self, account: str, *, lane: str, calls: int) -> int:
        """Up to `calls` units; how many were granted. An account without a declared allowance is not limited here."""
        now = self._clock()
        # One statement, so that two processes never both take the last unit. Its right-hand sides see the old row.
        day = "CASE WHEN resets_at <= ? THEN allowance ELSE remaining END"
        floor = "0" if lane == "optout" else f"reserve + allowance * {HEADROOM[lane]} / 100"
        free = f"({day} - ({floor}))"
        granted = f"CASE WHEN {free} <= 0 THEN 0 WHEN {free} < ? THEN {free} ELSE ? END"
        at = _millis(now)
        fill = (at, at, calls, at, calls)
        with self._write() as connection:
            row = self._database.run(
                connection,
                f"UPDATE budget SET granted = {granted}, remaining = ({day}) - ({granted}), "
                "resets_at = CASE WHEN resets_at <= ? THEN ? ELSE resets_at END WHERE account = ? RETURNING granted",
                (*fill, at, *fill, at, _millis(self._next_reset(now)), account),
            ).fetchone()
        return calls if row is None else int(row[0])

    def report(self, account: str, *, remaining: int, resets: datetime | None) -> None:
        """What the vendor says is left. It lowers our figure, which knows what was granted and not yet called;
        it raises it only where the vendor's day has turned before ours."""
        now = self._clock()
        turn = _millis(resets if resets is not None and resets > now else self._next_reset(now))
        later = _millis_of(_SAME_DAY)
        told = "TRUE" if resets is not None and resets > now else "FALSE"
        new_day = f"(resets_at <= ? OR ({told} AND resets_at + {later} < ?))"
        with self._write() as connection:
            self._database.run(
                connection,
                "UPDATE budget SET "
                f"remaining = CASE WHEN {new_day} THEN ? WHEN remaining > ? THEN ? ELSE remaining END, "
                f"resets_at = CASE WHEN {told} OR resets_at <= ? THEN ? ELSE resets_at END "
                "WHERE account = ?",
                (_millis(now), turn, remaining, remaining, remaining, _millis(now), turn, account),
            )

    def balance(self, account: str) -> Balance | None:
        """What is left now; None: nobody declared an allowance."""
        return balance(self._database, account, now=self._clock(), next_reset=self._next_reset)

    @contextmanager
    def _write(self) -> "Iterator[Connection]":
        """A transaction that need not reach the disk: after a crash of the server the vendor's word corrects it."""
        with self._database.write() as connection:
            if self._database.dialect == "postgresql":
                self._database.run(connection, "SET LOCAL synchronous_commit TO off")
            yield connection


def balance(
    database: Reading,
    account: str,
    *,
    now: datetime,
    next_reset: Callable[[datetime], datetime] = midnight_utc,
) -> Balance | None:
    """What is left of an account's day; None: nobody declared an allowance."""
    with database.read() as connection:
        row = database.run(
            connection,
            "SELECT allowance, reserve, remaining, resets_at FROM budget WHERE account = ?",
            (account,),
        ).fetchone()
    if row is None:
        return None
    turned = row[3] <= _millis(now)
    return Balance(
        allowance=row[0],
        reserve=row[1],
        remaining=row[0] if turned else row[2],
        resets_at=next_reset(now) if turned else datetime.fromtimestamp(row[3] / 1000, tz=UTC),
    )


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _millis_of(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)
