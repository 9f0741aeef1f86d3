"""When to try again, and what a vendor's word about it means."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sdk.errors import LaterError
from connectors.sdk.retry import AgainError, RetryPolicy, http_date, retry_after

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("7", timedelta(seconds=7)),
        (" 1.5 ", timedelta(seconds=1.5)),
        ("0", timedelta(0)),
        ("Tue, 24 Nov 2026 08:00:09 GMT", timedelta(seconds=9)),
        ("Tue, 24 Nov 2026 09:00:09 +0100", timedelta(seconds=9)),
        ("Tue, 24 Nov 2026 07:00:00 GMT", timedelta(0)),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("1e300", None),
        (None, None),
    ],
)
def test_both_forms_of_retry_after_are_understood(said: str | None, meant: timedelta | None) -> None:
    assert retry_after(said, now=NOW) == meant


@given(st.text(max_size=60))
def test_no_header_breaks_the_reading(said: str) -> None:
    pause = retry_after(said, now=NOW)

    assert pause is None or pause >= timedelta(0)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2099, 1, 1)), st.integers(-12, 14))  # noqa: DTZ001
def test_every_date_is_read_as_it_was_written(naive: datetime, hours: int) -> None:
    moment = naive.replace(microsecond=0, tzinfo=timezone(timedelta(hours=hours)))

    assert http_date(format_datetime(moment)) == moment


def attempts(policy: RetryPolicy, *, pause: timedelta | None = None) -> list[float]:
    """What is slept between attempts that all fail."""
    slept: list[float] = []

    def fail() -> None:
        raise AgainError(LaterError("busy"), pause=pause)

    with pytest.raises(AgainError):
        policy.retrying(slept.append)(fail)
    return slept


def test_pauses_grow_and_stay_below_the_longest() -> None:
    slept = attempts(RetryPolicy(attempts=12, first=1.0, longest=5.0))

    assert len(slept) == 11
    assert all(0 <= pause <= 5 for pause in slept)


def test_pauses_are_drawn_so_that_many_do_not_come_back_together() -> None:
    assert len({pause for _ in range(20) for pause in attempts(RetryPolicy(attempts=2))}) > 10


def test_a_pause_that_was_asked_for_is_never_cut_short() -> None:
    slept = attempts(RetryPolicy(attempts=3), pause=timedelta(seconds=9))

    assert len(slept) == 2
    assert all(9 <= pause <= 10 for pause in slept)


def test_a_pause_beyond_patience_ends_it() -> None:
    assert attempts(RetryPolicy(attempts=9, patience=60), pause=timedelta(seconds=61)) == []


def test_what_is_no_reason_to_try_again_comes_out_at_once() -> None:
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise LaterError("no")

    with pytest.raises(LaterError):
        RetryPolicy().retrying(lambda _: None)(fail)

    assert len(calls) == 1
