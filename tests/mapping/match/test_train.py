import random
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from mapping.match.batch import table
from mapping.match.model import SYSTEM, Model, read, shipped, told
from mapping.match.profile import Profile
from mapping.match.train import LESS, MORE, RECORDS, TooLittleError, Trained, train
from tests.mapping.match.people import person, strangers

Record = tuple[str, str, Profile]


def world(*, typos: float, seed: int = 3, count: int = 900) -> list[Record]:
    """Every second stranger in two systems; of those a share with a letter wrong in the given name."""
    draw = random.Random(seed)
    records: list[Record] = []
    for number, profile in enumerate(strangers(count, seed=seed)):
        records.append((f"a{number:04}", "crm", profile))
        if number % 2:
            twin: dict[str, Any] = dict(profile)
            if draw.random() < typos:
                (given,) = profile["given"]
                twin["given"] = (f"{given}x",)
            records.append((f"b{number:04}", "shop", twin))
    return records


@pytest.fixture(scope="module")
def clean() -> Trained:
    return train(table(world(typos=0.0)), shipped("person"))


@pytest.fixture(scope="module")
def sloppy() -> Trained:
    return train(table(world(typos=0.5)), shipped("person"))


def bits(model: Model, field: str, level: str) -> float:
    return model.comparisons[field].levels[level].bits


def test_a_typo_counts_for_more_where_typos_are_common(clean: Trained, sloppy: Trained) -> None:
    before = bits(shipped("person"), "given", "typo")

    assert bits(sloppy.model, "given", "typo") == pytest.approx(before + MORE)
    assert bits(clean.model, "given", "typo") == before
    assert bits(sloppy.model, "given", "same") < bits(clean.model, "given", "same")


def test_what_is_different_in_no_pair_of_one_speaks_against_it(clean: Trained) -> None:
    assert bits(clean.model, "street", "different") <= bits(shipped("person"), "street", "different")


def test_weights_stay_near_the_model_and_nothing_that_keeps_people_apart_is_weakened(sloppy: Trained) -> None:
    base = shipped("person")
    for change in sloppy.changes:
        assert change.before == bits(base, change.field, change.level)
        assert change.before - LESS - 0.05 <= change.after <= change.before + MORE + 0.05
        assert change.after == pytest.approx(bits(sloppy.model, change.field, change.level))
    for field, level in base.conflicts:
        assert bits(sloppy.model, field, level) <= bits(base, field, level)


def test_only_weights_and_what_a_batch_finds_out_are_learned(sloppy: Trained) -> None:
    base, model = shipped("person"), sloppy.model

    kept = replace(model, comparisons=base.comparisons, same=base.same, same_system=base.same_system, lent=base.lent)

    assert kept == base
    for field, one in model.comparisons.items():
        for level, weight in one.levels.items():
            assert replace(weight, bits=0) == replace(base.comparisons[field].levels[level], bits=0)


def test_any_order_gives_the_same_weights_and_so_does_a_seed(sloppy: Trained) -> None:
    records = world(typos=0.5)
    random.Random(1).shuffle(records)

    assert train(table(records), shipped("person")).model == sloppy.model
    assert train(table(records), shipped("person"), seed=7).model == train(
        table(records), shipped("person"), seed=7
    ).model  # fmt: skip


@pytest.mark.parametrize(
    ("records", "words"),
    [
        pytest.param(
            [(f"a{at}", "crm", person(f"Anna Lind{at}")) for at in range(5)],
            f"there are 5 records; it takes {RECORDS:,}",
            id="records",
        ),
        pytest.param(
            [(f"a{at:04}", "crm", profile) for at, profile in enumerate(strangers(RECORDS))],
            "are one; it takes 200",
            id="pairs",
        ),
    ],
)
def test_too_little_is_told_with_what_it_takes(records: Sequence[Record], words: str) -> None:
    with pytest.raises(TooLittleError, match=words):
        train(table(records), shipped("person"))


@pytest.mark.parametrize("kind", ["person", "company"])
def test_what_is_told_of_a_model_reads_as_that_model(kind: str) -> None:
    assert read(told(shipped(kind))) == shipped(kind)


def test_a_trained_model_reads_as_it_is(sloppy: Trained) -> None:
    assert read(told(sloppy.model)) == sloppy.model
    assert read(told(replace(sloppy.model, lent=frozenset({"phone"})))).lent == {"phone"}
    doubts = {("given", "typo"): -1.5}
    assert read(told(replace(sloppy.model, doubts=doubts))).doubts == doubts
    assert sloppy.model.taught(replace(sloppy.model, doubts=doubts).learned()).doubts == doubts


def test_what_records_have_shown_is_kept_with_a_model() -> None:
    shown = replace(shipped("company"), vetoes=frozenset({("name", "part"), SYSTEM}), rivals=True)

    assert read(told(shown)) == shown
    assert shipped("company").taught(shown.learned()) == shown
