"""Random histories of the pure machine: no edit is lost, and it comes to rest. `make chaos` plays 200,000 of them.

The wrong model below shows that the check bites: a base of one value loses edits or never rests.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.merge import Base, FieldPolicy, Side, merge
from tests.chaos.invariants import BrokenError
from tests.chaos.merging import CHAINS, CLEARS, FOREIGN, MASTERS, SYSTEMS, WHAT, Event, Setup, drawn, play

events = st.lists(st.builds(Event, st.sampled_from(WHAT), st.integers(0, 2), st.booleans()), max_size=25)
flags = st.lists(st.booleans(), min_size=3, max_size=3)
setups = st.builds(Setup, flags, flags, *(st.sampled_from(choices) for choices in (CHAINS, MASTERS, FOREIGN, CLEARS)))


@settings(max_examples=400, deadline=None)
@given(setups, events)
def test_no_edit_is_lost_and_it_comes_to_rest(setup: Any, story: Any) -> None:
    play(setup, story)


def test_nor_in_the_drawn_ones() -> None:
    for seed in range(3000):
        play(*drawn(seed))


ALL_MASTERS: Any = (("masters", "review"), SYSTEMS, "revert", ())


def test_a_base_of_one_value_takes_the_stub_of_a_truncating_side_for_an_edit() -> None:
    setup = Setup([True, False, False], [True, True, True], *ALL_MASTERS)
    story = [
        Event("edit", 2, True),
        Event("settle", 0, False),
        Event("done", 0, False),
        Event("edit", 2, True),
        Event("settle", 0, False),
    ]

    play(setup, story)
    with pytest.raises(BrokenError, match="nobody said"):
        play(setup, story, one_value=True)


def test_a_write_that_lost_against_a_master_is_not_a_new_edit_when_golden_comes_back() -> None:
    policy = FieldPolicy(masters=SYSTEMS, on_conflict=("masters", "review"))
    crm = Side(record=0, system="crm", observed="x", base=Base("y", "y"))
    cem = Side(record=1, system="cem", observed="z", base=Base("x", "x"))

    first = merge([crm, cem], golden="y", policy=policy)
    again = merge(
        [
            Side(record=0, system="crm", observed="x", base=first.bases[0]),
            Side(record=1, system="cem", observed="z", base=first.bases[1]),
        ],
        golden=first.golden,
        policy=policy,
    )

    assert (first.golden, again.golden) == ("x", "x")
    assert again.stands == ["rest", "write"]
