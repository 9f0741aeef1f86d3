"""The merge in worlds so small that all of them is looked at. `make chaos` looks at two thousand of these."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from mapping.merge import Side, threeway
from mapping.merge import policy as merge_policy
from mapping.merge.policy import changed
from tests.chaos.exhaustive import drawn, explore
from tests.chaos.invariants import BrokenError

THREE_SIDES = 100_000  # and on


@pytest.mark.parametrize("first", range(0, 40, 10))
def test_two_sides_lose_no_edit_and_come_to_rest_whatever_happens(first: int) -> None:
    for seed in range(first, first + 10):
        explore(drawn(seed))


def test_nor_do_three() -> None:
    for seed in range(THREE_SIDES, THREE_SIDES + 8):
        explore(drawn(seed))


def believes_by_what_the_hub_holds_now(patch: pytest.MonkeyPatch) -> None:
    """Golden of the moment tells who is a source, and it moves while an edit waits."""
    merge_unit = threeway.merge_unit

    def by_golden(sides: Sequence[Side], *, golden: Any, policy: Any) -> Any:
        patch.setattr(threeway, "_edited", lambda _side: golden)
        return merge_unit(sides, golden=golden, policy=policy)

    patch.setattr(threeway, "merge_unit", by_golden)


def hears_who_came_round_only_later(patch: pytest.MonkeyPatch) -> None:
    """Whoever has just come to what the hub holds speaks for it from the next merge on."""
    contend = threeway._contend

    def later(sides: Sequence[Side], edits: Sequence[int], **more: Any) -> Any:
        heard = [
            replace(side, represents=False) if changed(side) and at not in edits else side
            for at, side in enumerate(sides)
        ]
        return contend(heard, edits, **more)

    patch.setattr(threeway, "_contend", later)


def takes_them_as_they_come(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(threeway, "precedence", lambda _side, _policy: 0)


def overrules_without_a_word(patch: pytest.MonkeyPatch) -> None:
    """Who lost is not named."""
    conclude = merge_policy.conclude
    patch.setattr(threeway, "conclude", lambda sides, **more: conclude(sides, **{**more, "losers": ()}))


@pytest.mark.parametrize(
    ("invariant", "breaks", "first"),
    [
        pytest.param("I1", believes_by_what_the_hub_holds_now, 0, id="believes-by-golden-of-the-moment"),
        pytest.param("I1", hears_who_came_round_only_later, 0, id="hears-who-came-round-only-later"),
        pytest.param("I10", takes_them_as_they_come, THREE_SIDES, id="takes-them-as-they-come"),
        pytest.param("I3", overrules_without_a_word, 0, id="overrules-without-a-word"),
    ],
)
def test_the_model_finds_a_merge_that(
    invariant: str, breaks: Callable[[pytest.MonkeyPatch], None], first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaks(monkeypatch)
    for seed in range(first, first + 60):
        try:
            explore(drawn(seed))
        except BrokenError as broken:
            if broken.invariant == invariant:
                return
    pytest.fail(f"{invariant} holds a broken merge")
