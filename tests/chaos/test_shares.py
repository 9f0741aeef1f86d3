"""Every machine of `make chaos` has its shares, and plays one in a process of its own."""

import pytest

from tests.chaos.__main__ import _SHARE
from tests.chaos.shares import TOLD, Share, play_share


def test_every_machine_has_shares() -> None:
    assert set(_SHARE) == set(TOLD)


@pytest.mark.parametrize("machine", ["merging", "small", "engine", "power", "vendors", "undo", "identity", "orders"])
def test_a_share_is_played_and_judged(machine: str) -> None:
    share = play_share(Share(machine, 0, 3))  # type: ignore[arg-type] # one of its words

    assert not share.broken
    assert sum(share.held.values()) > 0
