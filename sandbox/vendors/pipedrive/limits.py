"""Two limits of a Pipedrive account: tokens a day for all its users, and requests in rolling windows of two seconds."""

from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from sandbox.vendors.pipedrive.answers import blocked, over_limit
from sandbox.web import Answer

Plan = Literal["lite", "growth", "premium", "ultimate"]

WINDOW: Final = timedelta(seconds=2)
_DAILY: Final[dict[Plan, int]] = {"lite": 30_000, "growth": 60_000, "premium": 150_000, "ultimate": 210_000}
_BURST: Final[dict[Plan, int]] = {"lite": 20, "growth": 40, "premium": 100, "ultimate": 120}
_OAUTH_FACTOR: Final = 4
_SEARCHES: Final = 10
# A client that has been refused this often within the window is shut out by the network in front.
_HAMMERING: Final = 60
_SHUT_OUT: Final = timedelta(seconds=10)


class Limits:
    """Counts, and refuses where `kept`; where not, only the counting and the headers go on."""

    def __init__(self, *, plan: Plan, seats: int, kept: bool) -> None:
        self.daily = _DAILY[plan] * seats
        self.kept = kept
        self.spent = 0
        self._burst = _BURST[plan]
        self._day = datetime.min.replace(tzinfo=UTC).date()
        self._calls: dict[str, deque[datetime]] = {}
        self._searches: deque[datetime] = deque()
        self._refused: deque[datetime] = deque()
        self._shut_until: datetime | None = None

    def admit(
        self, now: datetime, *, token: str, oauth: bool, cost: int, search: bool
    ) -> tuple[Answer | None, list[tuple[str, str]]]:
        """A refusal, or None and the headers that go with the answer. The cost is charged when admitted."""
        if now.date() != self._day:
            # Midnight; the sheet does not say in which zone. UTC here.
            self._day, self.spent = now.date(), 0
        if self.kept and self._shut_until is not None and now < self._shut_until:
            return blocked(), []
        burst = self._burst * (_OAUTH_FACTOR if oauth else 1)
        calls = self._calls.setdefault(token, deque())
        _age(calls, now)
        _age(self._searches, now)
        full = len(calls) >= burst or (search and len(self._searches) >= _SEARCHES)
        oldest = self._searches if search and len(self._searches) >= _SEARCHES else calls
        reset = max(1, -(-(oldest[0] + WINDOW - now) // timedelta(seconds=1))) if oldest else 2
        if self.kept and (full or self.spent + cost > self.daily):
            self._note_refusal(now, oauth=oauth)
            return over_limit(), _headers(burst, max(0, burst - len(calls)) if not full else 0, reset)
        calls.append(now)
        if search:
            self._searches.append(now)
        self.spent += cost
        return None, _headers(burst, max(0, burst - len(calls)), reset)

    def _note_refusal(self, now: datetime, *, oauth: bool) -> None:
        _age(self._refused, now)
        self._refused.append(now)
        if len(self._refused) >= _HAMMERING and not oauth:
            self._shut_until = now + _SHUT_OUT


def _age(calls: deque[datetime], now: datetime) -> None:
    while calls and (calls[0] <= now - WINDOW or calls[0] > now):
        calls.popleft()


def _headers(limit: int, remaining: int, reset: int) -> list[tuple[str, str]]:
    return [
        ("x-ratelimit-limit", str(limit)),
        ("x-ratelimit-remaining", str(remaining)),
        ("x-ratelimit-reset", str(reset)),
    ]
