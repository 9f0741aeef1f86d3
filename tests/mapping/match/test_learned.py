"""What a batch learns without labels: of records whose truth is made up here."""

import numpy as np
import pytest

from mapping.match.learned import Systems, sparse
from mapping.match.model import shipped
from mapping.match.pairs import Flags

CHANCE = 1 / 3  # three systems of one size
ONES, TWOS = 0.02, CHANCE  # share of pairs inside one system: of one, and of two who only look alike


def inside(pairs: int, share: float) -> Flags:
    return np.arange(pairs) < round(pairs * share)


def mixed(pairs: int, wrong: float) -> Flags:
    """Pairs of which some are two."""
    two = round(pairs * wrong)
    return np.concatenate([inside(pairs - two, ONES), inside(two, TWOS)])


def systems(some: Flags, *, certain: int = 5000) -> tuple[Systems, Flags]:
    """What is known beside so many certain pairs, and which of all pairs are `some`."""
    whole = np.concatenate([inside(certain, ONES), some])
    sure = np.arange(len(whole)) < certain
    found = Systems.of(whole, sure, CHANCE)
    assert found is not None
    return found, ~sure


@pytest.mark.parametrize("wrong", [0.0, 0.05, 0.3])
def test_how_often_pairs_are_of_one_system_tells_how_many_are_wrong(wrong: float) -> None:
    found, some = systems(mixed(4000, wrong))

    told, off = found.wrong(some)

    assert told == pytest.approx(wrong, abs=0.01)
    assert 0 < off < 0.03


def test_few_pairs_tell_nothing() -> None:
    found, some = systems(mixed(40, 0.5))

    assert found.wrong(some) == (0.0, 1.0)
    assert found.doubt(some) == 0.0


@pytest.mark.parametrize(
    ("certain", "share", "chance"),
    [
        pytest.param(5000, 1.0, 1.0, id="one-system-alone"),
        pytest.param(5000, 0.3, CHANCE, id="systems-that-hold-most-of-them-twice"),
        pytest.param(50, 0.0, CHANCE, id="hardly-any-that-are-certain"),
    ],
)
def test_systems_may_tell_nothing(certain: int, share: float, chance: float) -> None:
    assert Systems.of(inside(certain, share), np.ones(certain, dtype=bool), chance) is None


def test_a_level_whose_pairs_are_two_too_often_loses_what_it_takes() -> None:
    right, some = systems(mixed(2000, 0.005))
    wrong, others = systems(mixed(2000, 0.1))
    worse, most = systems(mixed(2000, 0.6))

    assert right.doubt(some) == 0.0
    assert -3.0 < wrong.doubt(others) < -2.0  # of odds of 9 to 1, odds of 49 to 1
    assert worse.doubt(most) < -5.0


def test_a_level_whose_pairs_are_two_even_so_is_for_a_person() -> None:
    right, some = systems(mixed(2000, 0.02))
    wrong, others = systems(mixed(2000, 0.2))

    assert not right.doubtful(some)
    assert wrong.doubtful(others)


def test_a_field_that_one_system_alone_has_twice_says_nothing_of_who_is_wrong() -> None:
    """Titles of one system, which has some of its records twice: pairs that tell it are inside it, and right."""
    few, some = systems(inside(2000, 1.0), certain=4000)
    certain = ~some & few.inside

    assert few.doubtful(some)
    assert few.among(certain, 1.0) is few  # not a hundred such pairs are certain
    many, some = systems(inside(2000, 1.0), certain=20_000)
    certain = ~some & many.inside
    assert many.among(certain, 1.0) is None


def test_a_field_of_some_systems_is_judged_by_pairs_that_have_it_twice() -> None:
    """Two of three systems have it, one of them with duplicates: a third of these pairs are inside, and right."""
    certain, told = 6000, 2000
    within = np.concatenate([inside(certain - told, 0.01), inside(told, 0.2), inside(1000, 0.2), inside(1000, 0.5)])
    sure = np.arange(len(within)) < certain
    have = np.arange(len(within)) >= certain - told
    right = (np.arange(len(within)) >= certain) & (np.arange(len(within)) < certain + 1000)
    wrong = np.arange(len(within)) >= certain + 1000
    found = Systems.of(within, sure, CHANCE)
    assert found is not None

    judge = found.among(sure & have, 0.5)

    assert found.doubtful(right)
    assert judge is not None
    assert not judge.doubtful(right)
    assert judge.doubtful(wrong)


def test_records_in_conflict_are_two_where_systems_hold_them_as_often_as_chance() -> None:
    mistyped, some = systems(mixed(400, 0.1))
    namesakes, others = systems(mixed(400, 0.9))

    assert not mistyped.mostly_two(some)
    assert namesakes.mostly_two(others)


def test_the_threshold_goes_up_over_pairs_that_are_two_too_often() -> None:
    some = mixed(1000, 0.3)
    found, at = systems(np.concatenate([some, mixed(4000, 0.0)]))
    bits = np.where(at, 20.0, 30.0)
    bits[np.flatnonzero(at)[:1000]] = np.linspace(5.0, 7.9, 1000)
    even = np.random.default_rng(1).permutation(1000)  # those inside one system are among all bits alike
    bits[np.flatnonzero(at)[:1000]] = bits[np.flatnonzero(at)[:1000]][even]

    raised = found.threshold(bits, np.ones(len(bits), dtype=bool), 5.0)

    assert raised >= 7.0


def test_the_threshold_stays_where_pairs_are_of_one() -> None:
    found, at = systems(mixed(4000, 0.0))
    bits = np.where(at, 6.0, 30.0)

    assert found.threshold(bits, np.ones(len(bits), dtype=bool), 5.0) == 5.0


@pytest.mark.parametrize(
    ("pairs", "raised"),
    [
        pytest.param(600, 0.0, id="more-than-one-other-each"),
        pytest.param(137, 2.0, id="one-in-four-has-another"),
        pytest.param(0, 3.0, id="none-has"),
    ],
)
def test_thresholds_go_up_where_few_have_another(pairs: int, raised: float) -> None:
    model = shipped("company")

    found = sparse(np.full(pairs, 30.0), model, 1000)

    assert found.same - model.same == pytest.approx(raised, abs=0.05)
    assert found.same_at_most - model.same_at_most == pytest.approx(raised, abs=0.05)
