"""Slots: the same in every process, right across summer time, weekdays by name."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.triggers import Cron, Every, Trigger, TriggerError, offset

BERLIN = "Europe/Berlin"


def slots(trigger: Trigger, after: datetime, count: int) -> list[str]:
    found = []
    for _ in range(count):
        slot = trigger.next(after)
        assert slot is not None
        found.append(slot.strftime("%d %H:%M"))
        after = slot
    return found


def cron(line: str, zone: str = BERLIN) -> Cron:
    return Cron(line, zone=zone, name="pipedrive")


@given(
    st.integers(1, 90_000),
    st.text(min_size=1),
    st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - aware by `timezones`
)
def test_every_gives_evenly_spaced_slots_whenever_asked(seconds: int, name: str, asked: datetime) -> None:
    interval = timedelta(seconds=seconds)
    trigger = Every(interval, name=name)

    slot = trigger.next(asked)

    assert asked < slot <= asked + interval
    assert trigger.next(slot) == slot + interval
    assert Every(interval, name=name).next(asked) == slot
    assert trigger.next(slot - timedelta(microseconds=1)) == slot


def test_streams_do_not_all_start_at_once() -> None:
    quarter = timedelta(minutes=15)

    offsets = {offset(f"crm/stream-{number}", quarter) for number in range(40)}

    assert len(offsets) > 30
    assert all(timedelta(0) <= one < quarter for one in offsets)


def test_the_offset_of_a_name_is_for_ever() -> None:
    """Another version of the program must not move everybody's schedule."""
    assert offset("pipedrive/persons", timedelta(hours=1)) == timedelta(seconds=2018)


def test_too_short_an_interval_is_refused() -> None:
    with pytest.raises(TriggerError, match="shorter than a second"):
        Every(timedelta(0), name="x")


@pytest.mark.parametrize(
    ("line", "after", "expected"),
    [
        pytest.param(
            "0 3 * * sun", datetime(2026, 11, 24, tzinfo=UTC), ["29 02:00", "06 02:00"], id="sunday-is-sunday"
        ),
        pytest.param("0 3 * * mon", datetime(2026, 11, 24, tzinfo=UTC), ["30 02:00", "07 02:00"], id="monday"),
        pytest.param(
            "30 8 * * fri-mon",
            datetime(2026, 11, 24, tzinfo=UTC),
            ["27 07:30", "28 07:30", "29 07:30", "30 07:30", "04 07:30"],
            id="a-range-across-the-weekend",
        ),
        pytest.param(
            "*/20 6 * * *", datetime(2026, 11, 24, tzinfo=UTC), ["24 05:00", "24 05:20", "24 05:40"], id="steps"
        ),
        pytest.param(
            "0 0 1 * mon", datetime(2026, 11, 24, tzinfo=UTC), ["29 23:00", "30 23:00", "06 23:00"], id="day-or-weekday"
        ),
        pytest.param(
            "0 4 1,15 jun *", datetime(2026, 11, 24, tzinfo=UTC), ["01 02:00", "15 02:00"], id="month-by-name"
        ),
    ],
)
def test_cron_lines(line: str, after: datetime, expected: list[str]) -> None:
    assert slots(cron(line), after, len(expected)) == expected


@pytest.mark.parametrize(
    ("line", "after", "expected"),
    [
        pytest.param(
            "30 2 * * *",
            datetime(2026, 3, 28, 0, tzinfo=UTC),
            ["28 01:30", "29 01:30", "30 00:30"],
            id="skipped-hour-once",
        ),
        pytest.param(
            "30 2 * * *",
            datetime(2026, 10, 24, 0, tzinfo=UTC),
            ["24 00:30", "25 00:30", "26 01:30"],
            id="double-hour-once",
        ),
        pytest.param(
            "30 * * * *",
            datetime(2026, 10, 25, 0, tzinfo=UTC),
            ["25 00:30", "25 01:30", "25 02:30"],
            id="every-hour-is-every-hour",
        ),
        pytest.param("0 3 * * *", datetime(2026, 3, 28, 3, tzinfo=UTC), ["29 01:00", "30 01:00"], id="by-the-clock"),
    ],
)
def test_summer_time(line: str, after: datetime, expected: list[str]) -> None:
    assert slots(cron(line), after, len(expected)) == expected


def test_slots_are_told_in_utc() -> None:
    slot = cron("0 3 * * *").next(datetime(2026, 7, 1, 12, tzinfo=UTC))

    assert slot == datetime(2026, 7, 2, 1, tzinfo=UTC)
    assert slot is not None
    assert slot.utcoffset() == timedelta(0)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - aware by `timezones`
def test_cron_slots_are_a_function_of_time(after: datetime) -> None:
    trigger = cron("15 2 * * *")
    row = [after]
    for _ in range(4):
        slot = trigger.next(row[-1])
        assert slot is not None
        row.append(slot)

    assert all(earlier < later for earlier, later in pairwise(row))
    assert trigger.next(row[1] - timedelta(seconds=1)) == row[1]


def test_a_spread_moves_a_line_by_a_fixed_share() -> None:
    after = datetime(2026, 11, 24, tzinfo=UTC)
    plain = cron("0 3 * * *").next(after)
    spread = Cron("0 3 * * *", zone=BERLIN, name="pipedrive", spread=timedelta(minutes=10)).next(after)

    assert plain is not None
    assert spread == plain + offset("pipedrive", timedelta(minutes=10))
    assert spread != plain


def test_a_day_that_never_comes_has_no_slot() -> None:
    assert cron("0 0 30 feb *").next(datetime(2026, 11, 24, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("0 3 * * 0", "weekday '0' is not known"),
        ("0 3 * * 1-5", "weekday '1-5' is not known"),
        ("0 3 * * mon-1", "weekday 'mon-1' is not known"),
        ("0 3 * *", "has 4 fields, a cron line has 5"),
        ("61 3 * * *", "is no cron line"),
        ("a b * * *", "is no cron line"),
    ],
)
def test_what_cannot_be_read_is_told(line: str, says: str) -> None:
    with pytest.raises(TriggerError) as caught:
        cron(line)

    assert says in caught.value.text
    assert caught.value.hint
