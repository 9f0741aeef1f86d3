# ruff: noqa: S101  - assertions are what a test is made of
"""Everything that changed comes, at least once, and an end is an end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from connectors.sdk.contract import Window
from connectors.sdk.errors import ShapeError
from connectors.sdk.suite.vendor import Rig, needs
from connectors.sdk.suite.windows import Missing, at, holds, is_empty, pages, read, stored

# What would leave its place in a path, a query or a statement.
STRANGE_KEYS: Final = ("../users/me", "1?x=1&y=2", "x' OR Name != '", 'a"b', "Zoë 🎈", "a,b", "%2e%2e", "0")

# Before the epoch of many clocks, in years that some take for others, a day that few years have.
DAYS: Final = ("1899-12-31", "1931-05-04", "1969-12-31", "1970-01-01", "2000-02-29", "2068-01-01")


class Reading:
    def test_a_list_of_two_and_a_half_pages_is_read_to_its_end(self, rig: Rig, stream: str) -> None:
        size = rig.spec(stream).page_size
        keys = rig.vendor.seed(stream, size * 5 // 2, at=rig.yesterday(), step=timedelta(seconds=1))

        assert set(read(rig.connector, stream).records) == set(keys)

    @pytest.mark.parametrize("pages_full", [1, 2])
    def test_a_list_of_whole_pages_ends_too(self, rig: Rig, stream: str, pages_full: int) -> None:
        """The vendor's last page is as long as the others: nothing but its word says that it was the last."""
        size = rig.spec(stream).page_size
        keys = rig.vendor.seed(stream, size * pages_full, at=rig.yesterday(), step=timedelta(seconds=1))

        assert set(read(rig.connector, stream).records) == set(keys)

    def test_an_empty_list_is_read_to_its_end(self, rig: Rig, stream: str) -> None:
        assert read(rig.connector, stream).records == {}

    def test_more_equal_times_than_a_page_holds_come_all(self, rig: Rig, stream: str) -> None:
        needs(rig.spec(stream).cursor == "modified", 'cursor="modified"')
        size = rig.spec(stream).page_size
        before = rig.vendor.seed(stream, 2, at=rig.yesterday() - timedelta(hours=1))
        tied = rig.vendor.seed(stream, size * 3 // 2 + 1, at=rig.yesterday())
        after = rig.vendor.seed(stream, 2, at=rig.yesterday() + timedelta(hours=1))

        assert set(read(rig.connector, stream).records) == {*before, *tied, *after}

    def test_one_more_than_the_cap_comes_all(self, rig: Rig, stream: str) -> None:
        cap = rig.spec(stream).cap
        needs(cap is not None, "cap")
        keys = rig.vendor.seed(stream, (cap or 0) + 1, at=rig.yesterday(), step=rig.spec(stream).resolution)

        assert set(read(rig.connector, stream).records) == set(keys)

    def test_more_than_the_cap_at_one_time_come_all_or_are_an_error(self, rig: Rig, stream: str) -> None:
        cap = rig.spec(stream).cap
        needs(cap is not None, "cap")
        keys = rig.vendor.seed(stream, (cap or 0) + 1, at=rig.yesterday())
        try:
            found = set(read(rig.connector, stream).records)
        except ShapeError:
            return  # it says so: that is allowed

        assert found == set(keys)

    def test_the_lower_bound_is_included(self, rig: Rig, stream: str) -> None:
        needs(rig.spec(stream).cursor == "modified", 'cursor="modified"')
        since = rig.yesterday()
        rig.vendor.seed(stream, 1, at=since - timedelta(days=1))
        keys = rig.vendor.seed(stream, 3, at=since, step=rig.spec(stream).resolution)

        assert set(read(rig.connector, stream, since=since).records) >= set(keys)

    def test_a_later_window_leaves_out_what_is_long_known(self, rig: Rig, stream: str) -> None:
        needs(rig.spec(stream).cursor == "modified", 'cursor="modified"')
        known = rig.vendor.seed(stream, 3, at=rig.yesterday() - timedelta(days=30))
        new = rig.vendor.seed(stream, 1, at=rig.yesterday())

        found = set(read(rig.connector, stream, since=rig.yesterday() - timedelta(hours=1)).records)

        assert set(new) <= found
        assert not found & set(known), "all is read again every time"

    def test_every_change_has_its_time(self, rig: Rig, stream: str) -> None:
        needs(rig.spec(stream).cursor == "modified", 'cursor="modified"')
        keys = rig.vendor.seed(stream, 3, at=rig.yesterday(), step=timedelta(seconds=7))

        records = read(rig.connector, stream).records

        for place, key in enumerate(keys):
            modified = records[key].modified
            assert modified is not None
            assert modified.tzinfo is not None, "times are aware"
            assert abs(modified - rig.yesterday() - timedelta(seconds=7 * place)) <= rig.spec(stream).resolution

    @pytest.mark.parametrize(
        "moment",
        [
            pytest.param(datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC), id="leap-day"),
            pytest.param(datetime(2019, 12, 31, 23, 59, 59, tzinfo=UTC), id="last-second-of-a-year"),
            pytest.param(datetime(2021, 3, 28, 1, 30, tzinfo=UTC), id="the-hour-that-summer-time-skips-in-Europe"),
            pytest.param(datetime(2021, 10, 31, 0, 30, tzinfo=UTC), id="the-hour-that-comes-twice"),
        ],
    )
    def test_a_time_is_taken_for_what_it_is(self, rig: Rig, stream: str, moment: datetime) -> None:
        needs(rig.spec(stream).cursor == "modified", 'cursor="modified"')
        (key,) = rig.vendor.seed(stream, 1, at=moment)

        modified = read(rig.connector, stream).records[key].modified

        assert modified is not None
        assert abs(modified - moment) <= rig.spec(stream).resolution

    @pytest.mark.parametrize("offset", [timedelta(hours=5, minutes=45), -timedelta(hours=9, minutes=30)], ids=str)
    def test_a_time_with_an_offset_is_the_moment_it_tells(self, rig: Rig, stream: str, offset: timedelta) -> None:
        needs(rig.spec(stream).cursor == "modified", 'cursor="modified"')
        rig.vendor.tell_offset(offset)
        size = rig.spec(stream).page_size
        keys = rig.vendor.seed(stream, size * 3 // 2, at=rig.yesterday(), step=timedelta(minutes=10))

        records = read(rig.connector, stream).records
        later = read(rig.connector, stream, since=rig.yesterday() + timedelta(minutes=10) * size).records

        assert set(records) == set(keys)
        for place, key in enumerate(keys):
            modified = records[key].modified
            assert modified is not None
            assert abs(modified - rig.yesterday() - timedelta(minutes=10) * place) <= rig.spec(stream).resolution
        assert set(later) >= set(keys[size:])
        assert keys[0] not in later

    def test_a_change_later_in_the_unit_of_a_stamp_is_found(self, rig: Rig, stream: str) -> None:
        """A window begins with a unit of the declared resolution. A vendor whose stamps are coarser than that dates a
        change to before the window, and leaves it out."""
        needs(rig.spec(stream).cursor == "modified", 'cursor="modified"')
        unit = rig.spec(stream).resolution
        since = rig.yesterday() + timedelta(seconds=37)
        keys = rig.vendor.seed(stream, 1, at=since + unit * 0.3)

        assert set(read(rig.connector, stream, since=since + unit * 0.1).records) == set(keys)

    def test_a_window_says_what_time_it_is_at_the_vendor(self, rig: Rig, stream: str) -> None:
        """Without it the watermark follows the largest stamp; with neither the stream is read from the beginning
        every time."""
        needs(rig.spec(stream).cursor == "modified", 'cursor="modified"')
        rig.vendor.seed(stream, 1, at=rig.yesterday())

        done = read(rig.connector, stream)

        assert done.server_time is not None or done.largest is not None
        if done.server_time is not None:
            assert done.server_time.tzinfo is not None
            assert done.server_time <= rig.vendor.now() + timedelta(seconds=1), "that is not the vendor's clock"

    def test_what_commits_late_under_an_older_stamp_is_found_by_the_next_window(self, rig: Rig, stream: str) -> None:
        spec = rig.spec(stream)
        needs(spec.cursor == "modified", 'cursor="modified"')
        rig.vendor.seed(stream, 2, at=rig.yesterday())
        done = read(rig.connector, stream)
        reached = done.server_time or done.largest
        assert reached is not None
        late = rig.vendor.commit_late(stream, at=reached - spec.hold_back / 2)

        found = read(rig.connector, stream, since=reached - spec.hold_back).records

        assert late in found

    def test_an_interrupted_window_goes_on_from_its_position(self, rig: Rig, stream: str) -> None:
        size = rig.spec(stream).page_size
        keys = rig.vendor.seed(stream, size * 5 // 2, at=rig.yesterday(), step=timedelta(seconds=1))
        found: set[str] = set()
        for part in rig.connector.parts(stream):
            position = None
            # As a process would that dies behind every page.
            for _ in range(1000):
                page = next(iter(rig.connector.pull(stream, Window(part, None, position))))
                found |= {record.key for record in page.records}
                if page.position is None or page.last:
                    break
                assert stored(page.position) != position, "the position does not move"
                position = stored(page.position)
            else:
                raise AssertionError(f"{stream}: a window that is interrupted behind every page never ends")

        assert found == set(keys)

    def test_what_changes_while_the_window_is_open_is_not_lost(self, rig: Rig, stream: str) -> None:
        """A record that was still to come moves behind the window's end or in front of what was read."""
        spec = rig.spec(stream)
        needs(spec.cursor == "modified", 'cursor="modified"')
        path = rig.vendor.text_path(stream)
        keys = rig.vendor.seed(stream, spec.page_size * 2 + 1, at=rig.yesterday(), step=timedelta(seconds=1))
        began = None
        found: dict[str, Any] = {}
        for part in rig.connector.parts(stream):
            for count, page in enumerate(pages(rig.connector, stream, Window(part, None))):
                began = began or page.server_time
                found.update((record.key, at(record.values, path)) for record in page.records)
                if count == 0:
                    rig.vendor.put(stream, keys[-1], "moved while it was read", at=rig.vendor.now())
        since = (began or rig.vendor.now()) - spec.hold_back
        after = read(rig.connector, stream, since=since).records
        found.update((key, at(record.values, path)) for key, record in after.items())

        assert set(found) == set(keys)
        assert found[keys[-1]] == "moved while it was read"

    def test_a_stream_whose_connector_knows_what_changed_shows_a_change_and_nothing_else(
        self, rig: Rig, stream: str
    ) -> None:
        needs(rig.spec(stream).cursor == "content", 'cursor="content"')
        keys = rig.vendor.seed(stream, 3, at=rig.yesterday())
        (part,) = rig.connector.parts(stream)
        *_, last = pages(rig.connector, stream, Window(part, None))
        assert last.position is not None, "the last position says what was read"
        quiet = list(pages(rig.connector, stream, Window(part, None, stored(last.position))))
        position = quiet[-1].position
        assert position is not None
        rig.vendor.put(stream, keys[1], "changed", at=rig.vendor.now())

        changed = list(pages(rig.connector, stream, Window(part, None, stored(position))))

        assert not any(page.records for page in quiet)
        assert keys[1] in [record.key for page in changed for record in page.records]

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("Zoë 🎈👩‍👩‍👧 শর্মিলা", id="emoji-and-scripts"),
            pytest.param("x" * 65_536, id="64-kB"),
            pytest.param('"quoted", with; delimiters\tand <b>marks</b> & 100%', id="marks"),
            pytest.param("two\nlines", id="two-lines"),
            pytest.param("0", id="a-zero"),
            pytest.param("null", id="a-word"),
        ],
    )
    def test_a_text_arrives_as_it_is(self, rig: Rig, stream: str, text: str) -> None:
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        rig.vendor.put(stream, key, text, at=rig.yesterday())

        record = read(rig.connector, stream).records[key]

        assert at(record.values, rig.vendor.text_path(stream)) == text

    def test_what_was_emptied_is_cleared(self, rig: Rig, stream: str) -> None:
        """Or absent, where the stream says that a missing key means cleared; never an empty text."""
        path = rig.vendor.text_path(stream)
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        rig.vendor.put(stream, key, "something", at=rig.yesterday())
        rig.vendor.put(stream, key, None, at=rig.yesterday())

        value = at(read(rig.connector, stream).records[key].values, path)

        if rig.spec(stream).missing_means == "cleared" and value is Missing:
            return
        assert value is None, "an emptied field is null in `values`"

    def test_an_emptied_list_is_empty(self, rig: Rig, stream: str) -> None:
        """[] or cleared, and absent only where the stream says what that means; never a list of nothing."""
        path = rig.vendor.list_path(stream)
        full, emptied = rig.vendor.seed(stream, 2, at=rig.yesterday())
        rig.vendor.fill(stream, full, 2, at=rig.yesterday())
        rig.vendor.fill(stream, emptied, 2, at=rig.yesterday())
        rig.vendor.fill(stream, emptied, 0, at=rig.yesterday())

        records = read(rig.connector, stream).records

        held = at(records[full].values, path)
        assert isinstance(held, list), "several are a list"
        assert len(held) == 2
        assert is_empty(at(records[emptied].values, path), rig, stream)

    def test_what_is_not_shown_is_absent_and_not_cleared(self, rig: Rig, stream: str) -> None:
        """A field that is gone, or hidden from our user, says nothing of what stands in it: taken for cleared it would
        empty the field everywhere. The other fields, and the stream, go on."""
        path = rig.vendor.text_path(stream)
        keys = rig.vendor.seed(stream, 3, at=rig.yesterday())
        rig.vendor.put(stream, keys[0], "something", at=rig.yesterday())
        assert at(read(rig.connector, stream).records[keys[0]].values, path) == "something"
        rig.vendor.vanish(stream)

        records = read(rig.connector, stream).records

        assert set(records) == set(keys)
        assert at(records[keys[0]].values, path) is Missing
        if rig.spec(stream).missing_means == "cleared":
            assert path not in [field.path for field in rig.connector.fields(stream)], "nothing tells it from cleared"

    @pytest.mark.parametrize("day", DAYS)
    def test_a_day_arrives_as_it_is(self, rig: Rig, stream: str, day: str) -> None:
        path = rig.vendor.date_path(stream)
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        rig.vendor.date(stream, key, day, at=rig.yesterday())

        assert at(read(rig.connector, stream).records[key].values, path) == day

    def test_an_option_that_the_catalogue_does_not_know_arrives(self, rig: Rig, stream: str) -> None:
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday())
        rig.vendor.choose(stream, key, "made up since", at=rig.yesterday())

        assert holds(read(rig.connector, stream).records[key].values, "made up since")

    def test_a_row_that_is_no_record_costs_that_row_alone(self, rig: Rig, stream: str) -> None:
        keys = rig.vendor.seed(stream, 3, at=rig.yesterday(), step=timedelta(seconds=1))
        rig.vendor.garble(stream, keys[1], at=rig.yesterday() + timedelta(seconds=1))

        done = read(rig.connector, stream)

        assert {keys[0], keys[2]} <= set(done.records)
        assert done.faults or keys[1] in done.records, "the row disappeared without a word"
        assert all(fault.where and fault.reason for fault in done.faults)

    def test_records_are_fetched_by_their_keys(self, rig: Rig, stream: str) -> None:
        size = rig.spec(stream).page_size
        keys = rig.vendor.seed(stream, size + 2, at=rig.yesterday())
        wanted = [keys[0], keys[-1], keys[size // 2]]

        found = {r.key: r for page in rig.connector.fetch(stream, wanted) for r in page.records}

        assert set(found) == set(wanted)
        listed = read(rig.connector, stream).records
        for key in wanted:
            shared = set(found[key].values) & set(listed[key].values)
            assert {k: found[key].values[k] for k in shared} == {k: listed[key].values[k] for k in shared}

    def test_as_many_records_as_one_call_fetches_and_one_more_are_fetched(self, rig: Rig, stream: str) -> None:
        keys = rig.vendor.seed(stream, rig.spec(stream).fetch_batch + 1, at=rig.yesterday())

        found = [record.key for page in rig.connector.fetch(stream, keys) for record in page.records]

        assert sorted(found) == sorted(keys)

    @pytest.mark.parametrize("strange", STRANGE_KEYS, ids=ascii)
    def test_a_key_that_no_record_has_is_left_out_whatever_it_looks_like(
        self, rig: Rig, stream: str, strange: str
    ) -> None:
        """A hidden field of a form holds whatever somebody put into it, and the hub asks for it as a key."""
        keys = rig.vendor.seed(stream, 2, at=rig.yesterday())

        found = {record.key for page in rig.connector.fetch(stream, [keys[0], strange]) for record in page.records}

        assert found == {keys[0]}

    def test_nothing_is_fetched_for_no_key(self, rig: Rig, stream: str) -> None:
        rig.vendor.seed(stream, 1, at=rig.yesterday())

        assert not [record for page in rig.connector.fetch(stream, []) for record in page.records]

    def test_two_threads_read_two_streams_at_once(self, rig: Rig) -> None:
        """One connector serves a thread for each stream."""
        streams = list(self.streams)  # type: ignore[attr-defined]  # of the class that inherits this chapter
        wanted = {stream: set(rig.vendor.seed(stream, 3, at=rig.yesterday())) for stream in streams}
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda stream: set(read(rig.connector, stream).records), streams * 2))

        assert found == [wanted[stream] for stream in streams * 2]
