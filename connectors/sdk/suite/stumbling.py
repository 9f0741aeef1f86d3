# ruff: noqa: S101  - assertions are what a test is made of
"""A vendor that stumbles: what is waited for, what is tried again, and what comes out."""

from datetime import timedelta

import pytest

from connectors.sdk.errors import ConnectorError, GrantError, LaterError
from connectors.sdk.suite.vendor import Rig
from connectors.sdk.suite.windows import read

_NO_END = 1000  # more than anybody tries


class Stumbling:
    def test_a_pause_that_the_vendor_asks_for_is_kept(self, rig: Rig, stream: str) -> None:
        keys = seed(rig, stream)
        rig.vendor.fail(429, after=1, headers={"Retry-After": "7"})
        before = rig.bench.clock.now

        assert set(read(rig.connector, stream).records) == set(keys)
        assert rig.bench.clock.now - before >= timedelta(seconds=7)

    @pytest.mark.parametrize("status", [429, 500, 502, 503])
    def test_a_vendor_that_stumbles_once_is_asked_again(self, rig: Rig, stream: str, status: int) -> None:
        keys = seed(rig, stream)
        rig.vendor.fail(status, after=1)

        assert set(read(rig.connector, stream).records) == set(keys)

    @pytest.mark.parametrize("status", [429, 500, 503])
    def test_a_vendor_that_stays_down_ends_in_later_and_never_in_an_early_end(
        self, rig: Rig, stream: str, status: int
    ) -> None:
        keys = seed(rig, stream)
        rig.vendor.fail(status, after=1, times=_NO_END)
        try:
            found = set(read(rig.connector, stream).records)
        except LaterError:
            return

        assert found == set(keys), "the window ended early, and said nothing"

    def test_an_answer_that_is_lost_is_read_again(self, rig: Rig, stream: str) -> None:
        keys = seed(rig, stream)
        rig.vendor.lose(after=1)

        assert set(read(rig.connector, stream).records) == set(keys)

    @pytest.mark.parametrize("after", [0, 1, 2])
    def test_a_token_that_expires_in_the_middle_is_renewed(self, rig: Rig, stream: str, after: int) -> None:
        keys = seed(rig, stream)
        rig.vendor.expire_token(after=after)

        assert set(read(rig.connector, stream).records) == set(keys)

    def test_a_renewed_token_stands_in_the_store(self, rig: Rig, stream: str) -> None:
        """So another process, and this one after a crash, goes on with what the vendor rotated."""
        seed(rig, stream)
        rig.vendor.expire_token(after=1)

        read(rig.connector, stream)

        held = rig.bench.tokens.history
        assert held, "a token was renewed, and the store does not know"
        assert len({grant.access_token for grant in held}) == len(held)

    def test_access_that_is_taken_away_is_for_a_person(self, rig: Rig, stream: str) -> None:
        seed(rig, stream)
        rig.vendor.fail(403, times=_NO_END)

        with pytest.raises(GrantError):
            read(rig.connector, stream)

    @pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
    def test_errors_hold_no_secret_and_say_what_to_do(self, rig: Rig, stream: str, status: int) -> None:
        seed(rig, stream)
        rig.vendor.fail(status, times=_NO_END)

        with pytest.raises(ConnectorError) as caught:
            read(rig.connector, stream)

        said = f"{caught.value!r} {caught.value.text} {caught.value.hint} {caught.value.__cause__!r}"
        assert not [secret for secret in rig.vendor.secrets if secret in said]
        assert len(caught.value.text) > 10


def seed(rig: Rig, stream: str) -> list[str]:
    """Two and a half pages."""
    size = rig.spec(stream).page_size
    return rig.vendor.seed(stream, size * 5 // 2, at=rig.yesterday(), step=timedelta(seconds=1))
