# ruff: noqa: S101  - assertions are what a test is made of
"""What is gone is known to be gone, and nothing else is."""

from datetime import timedelta

import pytest

from connectors.sdk.contract import Removal, Window
from connectors.sdk.errors import ConnectorError
from connectors.sdk.suite.vendor import Rig, needs
from connectors.sdk.suite.windows import holds, read


class Removing:
    def test_the_sweep_lists_every_live_key(self, rig: Rig, stream: str) -> None:
        needs(rig.spec(stream).sweep, "sweep")
        size = rig.spec(stream).page_size
        keys = rig.vendor.seed(stream, size * 5 // 2, at=rig.yesterday())

        assert swept(rig, stream) == set(keys)

    def test_a_sweep_that_is_cut_short_is_an_error(self, rig: Rig, stream: str) -> None:
        """An end that is none would remove everything behind it."""
        needs(rig.spec(stream).sweep, "sweep")
        size = rig.spec(stream).page_size
        keys = rig.vendor.seed(stream, size * 5 // 2, at=rig.yesterday())
        rig.vendor.fail(500, after=1, times=1000)
        try:
            listed = swept(rig, stream)
        except ConnectorError:
            return

        assert listed == set(keys), "the sweep ended early, and said nothing"

    def test_a_deleted_record_is_listed_no_more(self, rig: Rig, stream: str) -> None:
        needs(rig.spec(stream).sweep, "sweep")
        gone, stays = rig.vendor.seed(stream, 2, at=rig.yesterday())
        rig.vendor.delete(stream, gone, at=rig.yesterday())

        assert swept(rig, stream) == {stays}

    def test_a_deleted_record_is_in_the_feed(self, rig: Rig, stream: str) -> None:
        needs(rig.spec(stream).removals, "removals")
        keys = rig.vendor.seed(stream, 3, at=rig.yesterday() - timedelta(hours=1))
        rig.vendor.delete(stream, keys[0], at=rig.yesterday())

        removed = fed(rig, stream)

        assert set(removed) == {keys[0]}
        assert removed[keys[0]].survivor is None

    def test_the_feed_of_deletions_is_read_to_its_end(self, rig: Rig, stream: str) -> None:
        needs(rig.spec(stream).removals, "removals")
        keys = rig.vendor.seed(stream, rig.spec(stream).page_size * 3 // 2, at=rig.yesterday() - timedelta(hours=1))
        for key in keys:
            rig.vendor.delete(stream, key, at=rig.yesterday())

        assert set(fed(rig, stream)) == set(keys)

    def test_a_record_that_was_undeleted_is_there_again(self, rig: Rig, stream: str) -> None:
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday() - timedelta(hours=2))
        rig.vendor.delete(stream, key, at=rig.yesterday() - timedelta(hours=1))
        rig.vendor.undelete(stream, key, at=rig.yesterday())

        assert key in read(rig.connector, stream, since=rig.yesterday() - timedelta(minutes=30)).records
        if rig.spec(stream).sweep:
            assert key in swept(rig, stream)

    def test_a_merged_record_names_who_survived_it(self, rig: Rig, stream: str) -> None:
        needs(rig.spec(stream).merges_name_survivor, "merges_name_survivor")
        lost, survivor = rig.vendor.seed(stream, 2, at=rig.yesterday() - timedelta(hours=1))
        rig.vendor.merge(stream, lost, into=survivor, at=rig.yesterday())

        if rig.spec(stream).removals:
            assert fed(rig, stream)[lost].survivor == survivor
        else:
            assert holds(read(rig.connector, stream).records[lost].values, survivor)

    def test_a_merged_record_is_listed_no_more(self, rig: Rig, stream: str) -> None:
        needs(rig.spec(stream).sweep, "sweep")
        lost, survivor = rig.vendor.seed(stream, 2, at=rig.yesterday() - timedelta(hours=1))
        rig.vendor.merge(stream, lost, into=survivor, at=rig.yesterday())

        assert swept(rig, stream) == {survivor}

    def test_an_archived_record_does_not_disappear_without_a_word(self, rig: Rig, stream: str) -> None:
        (key,) = rig.vendor.seed(stream, 1, at=rig.yesterday() - timedelta(hours=1))
        before = read(rig.connector, stream).records[key]
        rig.vendor.archive(stream, key, at=rig.yesterday())

        after = read(rig.connector, stream).records.get(key)

        if after is None:
            assert rig.spec(stream).removals, "an archived record is in no part, and there is no feed of removals"
            assert key in fed(rig, stream)
        else:
            assert after.values != before.values, "nothing in `values` tells an archived record from a live one"

    def test_a_fetched_record_that_is_gone_is_left_out_and_no_error(self, rig: Rig, stream: str) -> None:
        gone, stays = rig.vendor.seed(stream, 2, at=rig.yesterday())
        rig.vendor.delete(stream, gone, at=rig.yesterday())
        found = {r.key: r for page in rig.connector.fetch(stream, [gone, stays]) for r in page.records}

        assert stays in found
        if gone in found and rig.spec(stream).sweep:
            pytest.skip("the vendor shows deleted records by their key: that its values say so is the mapping's word")


def swept(rig: Rig, stream: str) -> set[str]:
    return {key for keys in rig.connector.keys(stream) for key in keys}


def fed(rig: Rig, stream: str) -> dict[str, Removal]:
    window = Window("", rig.yesterday() - timedelta(minutes=30))
    return {removal.key: removal for some in rig.connector.removals(stream, window) for removal in some}
