"""When to try again: tenacity's policies, with the vendor's own word first.

Computes; the transport performs. `AgainError` is raised inside one attempt and carries the error that stands if
no attempt is left, and the pause that the vendor asked for.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from msgspec import Struct
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from connectors.sdk.errors import ConnectorError


class AgainError(Exception):
    """This attempt failed in a way that another may not. Never leaves the transport.

    `throttled`: nothing is wrong but that too many ask at once, be it in other processes; with `pause` it tells when.
    """

    def __init__(self, error: ConnectorError, *, pause: timedelta | None = None, throttled: bool = False) -> None:
        super().__init__(error.text)
        self.error = error
        self.pause = pause
        self.throttled = throttled


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """How often and how long. A pause longer than `patience` is not waited for here: the run goes on elsewhere.

    Whoever is told when to come back waits for its turn as long as that, however often it is told: another process
    that paces itself at the whole rate of the account leaves a gap only now and then.
    """

    attempts: int = 4
    first: float = 0.5  # seconds, doubled by each attempt and drawn at random below that
    longest: float = 20.0
    patience: float = 60.0

    def retrying(self, sleep: Callable[[float], None]) -> Retrying:
        return Retrying(
            retry=retry_if_exception_type(AgainError),
            wait=self._wait,
            stop=self._stop,
            sleep=sleep,
            reraise=True,
        )

    def _wait(self, state: RetryCallState) -> float:
        asked = _asked(state)
        if asked is not None:
            # A little over what was asked: many callers come back at the same second, and clocks are coarse.
            return asked + wait_random_exponential(multiplier=self.first / 5, max=1)(state)
        return wait_random_exponential(multiplier=self.first, max=self.longest)(state)

    def _stop(self, state: RetryCallState) -> bool:
        failure, asked = _failure(state), _asked(state)
        if asked is not None and asked > self.patience:
            return True
        if failure is not None and failure.throttled and asked is not None:
            return state.idle_for + asked > self.patience
        return stop_after_attempt(self.attempts)(state)


def _failure(state: RetryCallState) -> AgainError | None:
    failure = state.outcome.exception() if state.outcome is not None else None
    return failure if isinstance(failure, AgainError) else None


def _asked(state: RetryCallState) -> float | None:
    failure = _failure(state)
    return None if failure is None or failure.pause is None else max(0.0, failure.pause.total_seconds())


def retry_after(value: str | None, *, now: datetime) -> timedelta | None:
    """A Retry-After header: seconds (a fraction too) or an HTTP date; None where it says nothing sensible."""
    if value is None:
        return None
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        moment = http_date(text)
        return None if moment is None else max(moment - now, timedelta(0))
    if not 0 <= seconds < 10_000_000:
        return None
    return timedelta(seconds=seconds)


def http_date(value: str | None) -> datetime | None:
    """A Date header in UTC; None where it is missing or no date."""
    if not value:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
