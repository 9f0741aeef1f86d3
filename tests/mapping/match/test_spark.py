"""Matching on Spark comes to what a batch comes to: the same groups and pairs, the same bits, the same model.

What its workers do is tried without Spark; what Spark itself does of it wants the extra `spark`, and Java.
"""

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest
from msgspec import Struct, field

from crosswalk.spark import session
from mapping.match.batch import Resolution, candidates, frequencies_of, resolve, table, with_identifiers
from mapping.match.model import shipped
from mapping.match.profile import Profile
from mapping.match.score import Counts, Scorer
from tests.mapping.match.people import company, strangers
from tests.spark import HERE, MARKS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Record = tuple[str, str, Profile]
pytestmark = MARKS
if HERE:
    from mapping.match import spark


@pytest.fixture(scope="module")
def started() -> "Iterator[SparkSession]":
    with session("local[2]") as found:
        yield found


def people() -> list[Record]:
    """Those who share mailboxes, houses and names, in three systems, some of them twice in one."""
    draw = random.Random(11)
    found: list[Record] = []
    for number, profile in enumerate(strangers(700, seed=5)):
        for system in draw.sample(["crm", "shop", "survey"], draw.randint(1, 3)):
            told = {name: values for name, values in profile.items() if draw.random() > 0.15}
            if draw.random() < 0.1 and "given" in told and "family" in told:
                told["given"], told["family"] = told["family"], told["given"]
            if draw.random() < 0.15 and "phone" in told:
                told["phone"] = (*told["phone"], f"+4930{draw.randrange(40):06}")
            found.append((f"{system}/{number}/{draw.random()}", system, told))
    found += [(f"office/{at}", "crm", {**found[at][2], "email": ("office@firm.test",)}) for at in range(30)]
    return found


def companies() -> list[Record]:
    """Chains and groups: one name in several towns, towns in names, two places for one company."""
    draw = random.Random(12)
    towns = ["Berlin", "Leipzig", "Halle", "Porto"]
    found: list[Record] = []
    for number in range(300):
        name = draw.choice(["Varastrom", "Kestov", "Padma", "Lindton", "Mondari"]) + draw.choice(
            [" Works", "", " Foods"]
        )
        town = draw.choice(towns)
        for system in draw.sample(["crm", "shop", "erp"], draw.randint(1, 3)):
            known = {"domain": f"firm{number % 90}.test", "street": f"{number % 50 + 1} Elm Street", "town": town}
            told = company(
                f"{name} {town} GmbH" if draw.random() < 0.4 else f"{name} GmbH",
                **{part: value for part, value in known.items() if draw.random() < 0.7},
            )
            if "locality" in told and draw.random() < 0.3:
                told = {**told, "locality": (*told["locality"], draw.choice(towns).lower())}
            found.append((f"{system}/{number}/{draw.random()}", system, told))
    return found


def alike(ours: Resolution, theirs: Resolution) -> None:
    assert np.array_equal(ours.group, theirs.group)
    for one, other in ((ours.joined, theirs.joined), (ours.review, theirs.review)):
        for name in ("left", "right", "bits", "conflict", "found_by"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert ours.model == theirs.model
    assert ours.frequencies == theirs.frequencies
    assert ours.compared == theirs.compared
    assert sorted(ours.alarmed) == sorted(theirs.alarmed)


@pytest.mark.parametrize(("kind", "records"), [("person", people()), ("company", companies())])
def test_spark_comes_to_what_a_batch_comes_to(started: "SparkSession", kind: str, records: list[Record]) -> None:
    told = table(records)
    model = shipped(kind)
    here = resolve(told, model)
    assert len(here.joined) > 50
    assert len(here.review) > 5

    alike(spark.resolve(spark.frame_of(started, told), model), here)


def test_what_is_decided_otherwise_holds_on_spark_too(started: "SparkSession") -> None:
    told = table(people())
    model = shipped("person")
    here = resolve(told, model)
    parted = set(zip(here.joined.left[:5].tolist(), here.joined.right[:5].tolist(), strict=True))
    joined = [(0, len(told) - 1)]

    alike(
        spark.resolve(spark.frame_of(started, told), model, together=joined, apart=parted),
        resolve(told, model, together=joined, apart=parted),
    )


def test_nobody_and_one_who_is_alone(started: "SparkSession") -> None:
    for records in ([], people()[:1]):
        told = table(records)
        alike(spark.resolve(spark.frame_of(started, told), shipped("person")), resolve(told, shipped("person")))


class Watched(Struct):
    """Counts that notice what they are asked."""

    counts: Counts
    asked: set[tuple[str, str]] = field(default_factory=set)

    @property
    def records(self) -> int:
        return self.counts.records

    def rarity(self, name: str, value: str) -> float:
        self.asked.add((name, value))
        return self.counts.rarity(name, value)

    def names(self, name: str, value: str) -> int:
        self.asked.add((f"holders of {name}", value))
        return self.counts.names(name, value)


@pytest.mark.parametrize(("kind", "records"), [("person", people()), ("company", companies())])
def test_a_pair_wants_no_counts_but_those_that_its_records_bring(kind: str, records: list[Record]) -> None:
    told = table(records)
    model = with_identifiers(told, shipped(kind))
    watched = Watched(frequencies_of(told))
    scorer = Scorer(model, watched)
    left, right, _ = candidates(told, model)

    for at, to in zip(left.tolist(), right.tolist(), strict=True):
        watched.asked.clear()
        one, other = told.profile(at), told.profile(to)
        scorer.score(one, other)
        assert watched.asked <= spark.asked_of(one, model) | spark.asked_of(other, model)
