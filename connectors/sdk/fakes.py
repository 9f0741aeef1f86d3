"""The hub's side of the seam, in memory: stores, a clock, a sleep. For tests of connectors; nothing is kept."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from connectors.sdk.contract import Grant, Tools

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


class FakeClock:
    """A clock that sleeping moves. `slept` lists every pause, in seconds."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now
        self.slept: list[float] = []
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.slept.append(seconds)
            self.now += timedelta(seconds=seconds)


class MemoryTokens:
    """A TokenStore. `history` holds every grant that was ever stored, oldest first."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._grants: dict[str, Grant] = {}
        self._claims: dict[tuple[str, int], datetime] = {}
        self.history: list[Grant] = []

    def read(self, connection: str) -> Grant | None:
        with self._lock:
            return self._grants.get(connection)

    def claim(self, connection: str, *, generation: int, seconds: float) -> bool:
        with self._lock:
            if self._generation(connection) != generation:
                return False
            until = self._claims.get((connection, generation))
            if until is not None and until > self._clock():
                return False
            self._claims[connection, generation] = self._clock() + timedelta(seconds=seconds)
            return True

    def release(self, connection: str, *, generation: int) -> None:
        with self._lock:
            self._claims.pop((connection, generation), None)

    def replace(self, connection: str, grant: Grant, *, generation: int) -> bool:
        with self._lock:
            if self._generation(connection) != generation:
                return False
            stored = grant._replace(generation=generation + 1)
            self._grants[connection] = stored
            self.history.append(stored)
            return True

    def _generation(self, connection: str) -> int:
        held = self._grants.get(connection)
        return 0 if held is None else held.generation


class MemoryBudget:
    """A BudgetStore: without `allowance` it grants everything. `taken` counts units by lane."""

    def __init__(self, allowance: int | None = None) -> None:
        self._lock = threading.Lock()
        self.left = allowance
        self.taken: Counter[str] = Counter()
        self.reports: list[tuple[int, datetime | None]] = []

    def take(self, account: str, *, lane: str, calls: int) -> int:
        with self._lock:
            granted = calls if self.left is None else min(calls, max(0, self.left))
            if self.left is not None:
                self.left -= granted
            self.taken[lane] += granted
            return granted

    def report(self, account: str, *, remaining: int, resets: datetime | None) -> None:
        with self._lock:
            self.reports.append((remaining, resets))


@dataclass
class Bench:
    """Everything a connector is handed, each part in reach of the test."""

    clock: FakeClock = field(default_factory=FakeClock)
    budget: MemoryBudget = field(default_factory=MemoryBudget)
    tokens: MemoryTokens = field(init=False)

    def __post_init__(self) -> None:
        self.tokens = MemoryTokens(self.clock)

    def tools(self, connection: str = "acme", *, time_zone: str = "UTC") -> Tools:
        return Tools(
            connection=connection,
            clock=self.clock,
            sleep=self.clock.sleep,
            tokens=self.tokens,
            budget=self.budget,
            time_zone=time_zone,
        )
