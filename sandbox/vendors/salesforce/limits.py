"""The calls that an org may make within twenty-four hours.

Source: Salesforce Developer Limits and Allocations Quick Reference, "API Request Limits and Allocations" (read
2026-11-23): 100,000 and more by licence for Enterprise Edition, counted over the last twenty-four hours. A little over
it is let pass for a while by the vendor; how much is not published, so here nothing is.
"""

from collections import deque
from datetime import datetime, timedelta
from typing import Final

from sandbox.web import Json

DAILY: Final = 108_000
_DAY: Final = timedelta(hours=24)
# What `/limits` tells beside the calls: (name, most).
_OTHERS: Final = (
    ("DailyBulkApiBatches", 15_000), ("DailyBulkV2QueryJobs", 10_000), ("DailyBulkV2QueryFileStorageMB", 976_562),
    ("DailyAsyncApexExecutions", 250_000), ("DataStorageMB", 10_240), ("FileStorageMB", 10_240),
    ("HourlyODataCallout", 20_000), ("SingleEmail", 5_000),
)  # fmt: skip


class Limits:
    """Counts by the minute. `kept`: whether calls over the limit are refused, or only counted."""

    def __init__(self, *, daily: int = DAILY, kept: bool = True) -> None:
        self.daily, self._kept = daily, kept
        self._minutes: deque[tuple[datetime, int]] = deque()
        self.used = 0
        self.query_jobs = 0

    def admit(self, now: datetime) -> bool:
        """Count one call; whether it may be answered. A refused one is not counted."""
        while self._minutes and self._minutes[0][0] <= now - _DAY:
            self.used -= self._minutes.popleft()[1]
        if self._kept and self.used >= self.daily:
            return False
        minute = now.replace(second=0, microsecond=0)
        calls = 1
        if self._minutes and self._minutes[-1][0] >= minute:
            minute, before = self._minutes.pop()
            calls += before
        self._minutes.append((minute, calls))
        self.used += 1
        return True

    def header(self) -> tuple[str, str]:
        return "Sforce-Limit-Info", f"api-usage={self.used}/{self.daily}"

    def told(self) -> Json:
        """As `/limits` tells it."""
        others = {name: {"Max": most, "Remaining": most} for name, most in _OTHERS}
        others["DailyBulkV2QueryJobs"]["Remaining"] -= self.query_jobs
        return {"DailyApiRequests": {"Max": self.daily, "Remaining": max(0, self.daily - self.used)}, **others}
