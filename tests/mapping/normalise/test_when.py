"""Times: instants, dates, either, parts; zones and the hours that clocks skip or repeat."""

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mapping.functions.scalars import _written_day
from mapping.normalise import Misfit, when

BERLIN = "Europe/Berlin"
_CLOCK = "[0-2][0-9]:[0-6][0-9]"
_WRITTEN = rf"[0-9]{{4}}-[01][0-9]-[0-3][0-9]T{_CLOCK}:[0-6][0-9]([.][0-9]{{1,9}})?(Z|[+-][0-2][0-9]:?[0-6][0-9])"


@pytest.mark.parametrize(
    ("raw", "zone", "told"),
    [
        ("2026-11-22T16:02:00Z", None, "2026-11-22T16:02:00.000Z"),
        ("2026-11-22T16:02:00.000Z", None, "2026-11-22T16:02:00.000Z"),
        ("2026-11-22t16:02:00z", None, "2026-11-22T16:02:00.000Z"),
        ("2026-11-22 16:02:00", "UTC", "2026-11-22T16:02:00.000Z"),
        ("2026-11-22 16:02", BERLIN, "2026-11-22T15:02:00.000Z"),
        ("2026-07-22 16:02:00", BERLIN, "2026-07-22T14:02:00.000Z"),
        ("2026-11-22 16:02:00 UTC", BERLIN, "2026-11-22T16:02:00.000Z"),
        ("2026-11-22T16:02:00+00:00", BERLIN, "2026-11-22T16:02:00.000Z"),
        ("2026-11-22T16:02:00+0530", None, "2026-11-22T10:32:00.000Z"),
        ("2026-11-22T16:02:00-05", None, "2026-11-22T21:02:00.000Z"),
        ("2026-11-22T16:02:00.1239999Z", None, "2026-11-22T16:02:00.123Z"),
        ("2026-11-22T16:02:00.1+02:00", None, "2026-11-22T14:02:00.100Z"),
        ("2026-11-22T16:02:00,5Z", None, "2026-11-22T16:02:00.500Z"),
        ("2024-02-29T00:00:00Z", None, "2024-02-29T00:00:00.000Z"),
        ("9999-12-31T23:59:59Z", None, "9999-12-31T23:59:59.000Z"),
        ("0000-00-00 00:00:00", None, None),
        ("0000-00-00T00:00:00Z", None, None),
        ("0001-01-01T00:00:00Z", None, None),
        ("0001-01-01T00:00:00", None, None),
        ("", None, None),
    ],
)
def test_instants(raw: str, zone: str | None, told: str | None) -> None:
    assert when.instant(raw, zone) == told


@pytest.mark.parametrize(
    "raw",
    [
        "2026-11-22T16:02:00",
        "2026-11-22",
        "2026-11-22Z",
        "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T23:59:60Z",
        "2026-11-22T16:62:00Z",
        "2026-11-22T16:02:00+25:00",
        "9999-12-31T23:59:59-05:00",
        "2026-W47-7T00:00:00Z",
        "2026-326T00:00:00Z",
        "20261122T160200Z",
        "2026-11-22_16:02:00Z",
        "2026/11/22T16:02:00Z",
        "22.11.2026 16:02",
        "11/22/2026",
        "yesterday",
        "٢٠٢٦-١١-٢٢T١٦:٠٢:٠٠Z",
        "1763827320",
        1763827320,
        True,
        {"date": "2026-11-22"},
    ],
    ids=str,
)
def test_no_instants(raw: object) -> None:
    with pytest.raises(Misfit, match="instant"):
        when.instant(raw, None)


def test_a_fault_says_what_is_missing() -> None:
    with pytest.raises(Misfit, match="time zone"):
        when.instant("2026-11-22T16:02:00", None)
    with pytest.raises(Misfit, match="time of day"):
        when.instant("2026-11-22", BERLIN)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        pytest.param("2026-03-29 01:59:59", "2026-03-29T00:59:59.000Z", id="before"),
        pytest.param("2026-03-29 02:30:00", "2026-03-29T01:30:00.000Z", id="skipped-reads-as-03:30"),
        pytest.param("2026-03-29 03:30:00", "2026-03-29T01:30:00.000Z", id="after"),
        pytest.param("2026-10-25 02:30:00", "2026-10-25T00:30:00.000Z", id="repeated-reads-as-the-first"),
        pytest.param("2026-10-25 03:00:00", "2026-10-25T02:00:00.000Z", id="after-the-second"),
    ],
)
def test_hours_that_a_clock_skips_or_repeats(raw: str, told: str) -> None:
    assert when.instant(raw, BERLIN) == told


@pytest.mark.parametrize(
    ("raw", "zone", "told"),
    [
        ("2026-11-22", BERLIN, "2026-11-22"),
        ("2026-11-22T23:30:00Z", None, "2026-11-22"),
        ("2026-11-22T23:30:00Z", BERLIN, "2026-11-23"),
        ("2026-11-22T23:30:00Z", "America/New_York", "2026-11-22"),
        ("2026-11-22 23:30:00", "America/New_York", "2026-11-22"),
        ("0000-00-00", None, None),
        ("0001-01-01T00:00:00Z", BERLIN, None),
    ],
)
def test_days(raw: str, zone: str | None, told: str | None) -> None:
    assert when.day(raw, zone) == told


def test_either_stays_what_it_is() -> None:
    assert when.when("2026-11-22", BERLIN) == "2026-11-22"
    assert when.when("2026-11-22T00:00:00+01:00", BERLIN) == "2026-11-21T23:00:00.000Z"


@pytest.mark.parametrize("day", ["2026-11-22", "2026-03-29", "2026-10-25", "1999-12-31"])
@pytest.mark.parametrize("zone", [BERLIN, "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia"])
def test_a_day_written_as_midnight_is_read_as_that_day(day: str, zone: str) -> None:
    assert when.day(when.midnight(day, zone), zone) == day


@pytest.mark.parametrize(
    ("raw", "form", "told"),
    [
        ("22.11.2026", "DD.MM.YYYY", "2026-11-22"),
        ("2.1.2026", "DD.MM.YYYY", "2026-01-02"),
        ("02/01/2026", "MM/DD/YYYY", "2026-02-01"),
        ("02/01/2026", "DD/MM/YYYY", "2026-01-02"),
        ("20261122", "YYYYMMDD", "2026-11-22"),
        ("2026-11-22", "DD.MM.YYYY", "2026-11-22"),
    ],
)
def test_other_forms_are_read_where_they_are_named(raw: str, form: str, told: str) -> None:
    assert when.day(raw, form=form) == told
    assert when.when(raw, form=form) == told
    assert when.partial(raw, form=form) == told


def test_a_form_may_have_a_time_of_day() -> None:
    assert when.instant("22.11.2026 16:02", BERLIN, form="DD.MM.YYYY hh:mm") == "2026-11-22T15:02:00.000Z"
    assert when.instant("11/22/2026 4:02:07", BERLIN, form="MM/DD/YYYY hh:mm:ss") == "2026-11-22T03:02:07.000Z"


@pytest.mark.parametrize("raw", ["31.02.2026", "22.13.2026", "22.11.26", "22-11-2026", "22.11.2026 16:02"])
def test_what_is_not_in_the_form_is_a_misfit(raw: str) -> None:
    with pytest.raises(Misfit):
        when.day(raw, form="DD.MM.YYYY")


@pytest.mark.parametrize("form", ["DD.MM", "DD.MM.YYYY hh", "DD.DD.MM.YYYY", "", "D.M.Y"])
def test_a_form_that_names_no_day_is_refused(form: str) -> None:
    with pytest.raises(ValueError, match="no form"):
        when.pattern(form)


@pytest.mark.parametrize(
    ("raw", "unit", "told"),
    [
        (1763827320, "s", "2025-11-22T16:02:00.000Z"),
        ("1763827320.5", "s", "2025-11-22T16:02:00.500Z"),
        (1763827320123, "ms", "2025-11-22T16:02:00.123Z"),
        (0, "s", "1970-01-01T00:00:00.000Z"),
        (-1, "s", "1969-12-31T23:59:59.000Z"),
        (None, "s", None),
    ],
)
def test_counts_since_1970_where_a_mapping_says_so(raw: object, unit: str, told: str | None) -> None:
    assert when.epoch(raw, unit=unit) == told  # type: ignore[arg-type] # a parameter is a plain str


@pytest.mark.parametrize("raw", ["x", 10**20, True])
def test_no_counts(raw: object) -> None:
    with pytest.raises(Misfit):
        when.epoch(raw)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("1985-03-04", "1985-03-04"),
        ("--03-04", "--03-04"),
        ("--02-29", "--02-29"),
        ("1985", "1985"),
        (1985, "1985"),
        ("1985-03", "1985-03"),
        ("0000-03-04", "--03-04"),
        ("1604-03-04", "--03-04"),
        ("1985-03-04T00:00:00Z", "1985-03-04"),
        ("0000-00-00", None),
        ("0000", None),
        ("0001-01-01", None),
    ],
)
def test_dates_of_which_a_part_is_known(raw: object, told: str | None) -> None:
    assert when.partial(raw) == told


@pytest.mark.parametrize("raw", ["--13-01", "--02-30", "85", "1985-13", "March", 85, True, "04.03.1985"])
def test_no_part_of_a_date(raw: object) -> None:
    with pytest.raises(Misfit):
        when.partial(raw)


@given(
    st.from_regex(_WRITTEN, fullmatch=True)
    | st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat(timespec="seconds"))
    | st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat(timespec="milliseconds"))
)
@example("0000-00-00T00:00:00+00:00")
@example("0001-01-01T00:00:00+05:00")
@example("9999-12-31T23:59:59-05:00")
@example("0001-01-01T00:00:00.000+0000")
@example("2026-03-01T00:30:00.999+0100")
@example("2026-02-28T23:30:00-0130")
@example("2026-02-30T00:00:00+01:00")
@example("2026-02-28T24:00:00+01:00")
def test_the_common_forms_are_read_as_all_others_are(raw: str) -> None:
    """A blank in front takes the long way."""

    def told(read: Callable[[str], str | None], text: str) -> str | None:
        try:
            return read(text)
        except Misfit:
            return "a misfit"

    assert told(when.instant, raw) == told(when.instant, f" {raw}")
    assert told(when.when, raw) == told(when.when, f" {raw}")
    assert told(_written_day, raw) == told(when.day, f" {raw}")
