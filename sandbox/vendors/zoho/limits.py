"""Two limits of a Zoho account: credits in the last 24 hours, and calls at the same time."""

from collections import deque
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from sandbox.vendors.zoho.answers import too_many
from sandbox.web import Answer, Call

Edition = Literal["free", "standard", "professional", "enterprise", "ultimate"]
DAY: Final = timedelta(hours=24)


class _Allowance(NamedTuple):
    base: int
    per_user: int
    most: int | None
    at_once: int


_ALLOWANCES: Final[dict[Edition, _Allowance]] = {
    "free": _Allowance(5_000, 0, None, 5),
    "standard": _Allowance(50_000, 250, 100_000, 10),
    "professional": _Allowance(50_000, 500, 3_000_000, 15),
    "enterprise": _Allowance(50_000, 1_000, 5_000_000, 20),
    "ultimate": _Allowance(50_000, 2_000, None, 25),
}


class Limits:
    """Counts, and refuses where `kept`. A credit comes back 24 hours after its use. `users`: licences bought."""

    def __init__(self, *, edition: Edition, users: int, kept: bool) -> None:
        allowance = _ALLOWANCES[edition]
        credits = allowance.base + allowance.per_user * users
        self.credits = credits if allowance.most is None else min(credits, allowance.most)
        self.at_once = allowance.at_once
        self.kept = kept
        self.spent = 0
        self._uses: deque[tuple[datetime, int]] = deque()

    def admit(self, call: Call, cost: int) -> tuple[Answer | None, list[tuple[str, str]]]:
        """A refusal, or None and the headers that go with the answer. The cost is charged when admitted."""
        while self._uses and not call.now - DAY < self._uses[0][0] <= call.now:
            self.spent -= self._uses.popleft()[1]
        if self.kept and (call.concurrent > self.at_once or self.spent + cost > self.credits):
            return too_many(), []
        self._uses.append((call.now, cost))
        self.spent += cost
        if self.spent * 2 < self.credits:
            return None, []
        return None, [("X-API-CREDITS-REMAINING", str(max(0, self.credits - self.spent)))]
