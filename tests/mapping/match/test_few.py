"""A few records come to the same groups as many do, in whatever order they come."""

from itertools import combinations
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from bench import worlds
from crosswalk.labelled import read_records, tabled
from mapping.match import few
from mapping.match.batch import Resolution, Table, resolve
from mapping.match.model import SYSTEM, shipped
from mapping.match.score import Counts, Scorer, counted


def world(folder: Path, kind: str, records: int, seed: int) -> Table:
    file, _ = worlds.write(folder / f"{kind}{seed}", kind, records, seed)
    told, _ = tabled(read_records(file), mapping=None, kind=kind, file=file)
    return told


def in_words(found: few.Few, names: list[str]) -> set[frozenset[str]]:
    return {frozenset(names[place] for place in group) for group in found.groups}


@pytest.mark.parametrize(("kind", "seed"), [("person", 3), ("person", 4), ("company", 5)])
def test_a_few_come_to_the_groups_of_a_batch(tmp_path: Path, kind: str, seed: int) -> None:
    told = world(tmp_path, kind, 1200, seed)

    same_as_a_batch(told, resolve(told, shipped(kind)))


@pytest.mark.parametrize("kind", ["person", "company"])
def test_a_few_come_to_the_groups_of_a_batch_that_learned_whom_to_believe(tmp_path: Path, kind: str) -> None:
    told = world(tmp_path, kind, 1200, 7)
    level = "part" if kind == "company" else "nickname"
    model = replace(shipped(kind), vetoes=frozenset({SYSTEM, (shipped(kind).names[0], level)}), rivals=True)

    many = resolve(told, model)

    assert many.model.vetoes >= model.vetoes
    assert many.model.rivals
    same_as_a_batch(told, many)


def same_as_a_batch(told: Table, many: Resolution) -> None:
    model = many.model  # with what was learned of these records
    scorer = Scorer(model, many.frequencies)
    profiles = [told.profile(at) for at in range(len(told))]
    pairs = few.meeting([scorer.keys(profile) for profile in profiles], model.limits["block"])

    found = few.resolve(scorer, profiles, told.system.tolist(), pairs)

    of = many.group.tolist()
    together: dict[int, set[str]] = {}
    for at, group in enumerate(of):
        together.setdefault(group, set()).add(told.keys[at])
    assert in_words(found, list(told.keys)) == {frozenset(one) for one in together.values()}
    assert set(found.joined) == set(zip(many.joined.left.tolist(), many.joined.right.tolist(), strict=True))
    assert set(found.review) == set(zip(many.review.left.tolist(), many.review.right.tolist(), strict=True))


def test_who_are_two_at_a_glance_are_two_when_they_are_scored(tmp_path: Path) -> None:
    told = world(tmp_path, "person", 1200, 9)
    many = resolve(told, shipped("person"))
    profiles = [dict(told.profile(at)) for at in range(len(told))]
    for at in range(0, len(profiles), 7):  # names the other way round, and of one word
        given, family = profiles[at].pop("given", ()), profiles[at].pop("family", ())
        profiles[at] |= {"family": given} if at % 2 else {"given": family, "family": given}
        profiles[at] = {name: values for name, values in profiles[at].items() if values}
    scorer = Scorer(many.model, many.frequencies)
    pairs = few.meeting([scorer.keys(profile) for profile in profiles], many.model.limits["block"])
    pairs |= set(combinations(range(200), 2))

    seen = 0
    for one, other in pairs:
        left, right = profiles[one], profiles[other]
        if scorer.are_two(left, right):
            seen += 1
            for same_system in (False, True):
                scored = scorer.score(left, right, same_system=same_system)
                assert scored.outcome == "different"
                assert not any(
                    told.level == "same" and told.field in many.model.identifiers for told in scored.evidence
                )

    assert seen > len(pairs) * 0.7


def test_whose_one_word_may_be_a_given_name_are_not_two_at_a_glance() -> None:
    scorer = Scorer(shipped("person"), Counts(100_000, dict.fromkeys(("given", "family", "birth"), 100_000)))
    birth = {"birth": ("19830404",)}
    left, right = birth | {"family": ("ilse",)}, birth | {"given": ("ilse",), "family": ("zimmermann",)}

    assert scorer.score(left, right).outcome == "same"
    assert not scorer.are_two(left, right)
    assert scorer.are_two(birth | {"given": ("otto",), "family": ("berg",)}, right)


@pytest.mark.parametrize("kind", ["person", "company"])
def test_what_is_different_by_values_that_nobody_has_counted_is_so_by_any_count(tmp_path: Path, kind: str) -> None:
    told = world(tmp_path, kind, 1200, 9)
    many = resolve(told, shipped(kind))
    counted_none = Counts(many.frequencies.records, many.frequencies.totals)
    guessing, knowing = Scorer(many.model, counted_none), Scorer(many.model, many.frequencies)
    profiles = [told.profile(at) for at in range(len(told))]
    pairs = few.meeting([knowing.keys(profile) for profile in profiles], many.model.limits["block"])
    pairs |= set(combinations(range(120), 2))  # most of which have nothing to do with one another

    surely = 0
    for one, other in pairs:
        left, right = profiles[one], profiles[other]
        guessed = guessing.score(left, right)
        if guessed.outcome == "different" and not guessing.may_turn_out(guessed, left, right):
            surely += 1
            assert knowing.score(left, right).outcome == "different"
    assert 0.5 * len(pairs) < surely < len(pairs)


def test_what_may_fit_better_the_other_way_round_is_not_surely_different() -> None:
    left, right = {"given": ("kim",), "family": ("kim lee",)}, {"given": ("kim lee",), "family": ("kim",)}
    scorer = Scorer(shipped("person"), Counts(1_000_000, {"given": 1_000_000, "family": 1_000_000}))

    scored = scorer.score(left, right)

    assert scored.outcome == "different"
    assert scorer.may_turn_out(scored, left, right)


def test_what_is_decided_otherwise_holds(tmp_path: Path) -> None:
    told = world(tmp_path, "person", 300, 6)
    scorer = Scorer(shipped("person"), resolve(told, shipped("person")).frequencies)
    profiles = [told.profile(at) for at in range(len(told))]
    pairs = few.meeting([scorer.keys(profile) for profile in profiles], 40)
    before = few.resolve(scorer, profiles, told.system.tolist(), pairs)
    joined = min(before.joined)
    strange = (min(before.groups[0]), max(before.groups[-1]))

    after = few.resolve(scorer, profiles, told.system.tolist(), pairs, together=[strange], apart={joined})

    home = {place: group[0] for group in after.groups for place in group}
    assert home[strange[0]] == home[strange[1]]
    assert home[joined[0]] != home[joined[1]]
    assert joined in after.review


def test_the_order_of_arrival_has_no_part_in_it(tmp_path: Path) -> None:
    told = world(tmp_path, "person", 400, 7)
    whole = [(told.keys[at], told.profile(at), int(told.system[at])) for at in range(len(told))]
    seen = set()
    for seed in range(20):
        records = list(whole)
        Random(seed).shuffle(records)
        scorer = Scorer(shipped("person"), counted([profile for _, profile, _ in records]))
        records.sort(key=lambda one: one[0])  # a caller puts them in an order of its own, whatever they come in
        pairs = few.meeting([scorer.keys(profile) for _, profile, _ in records], 40)
        found = few.resolve(scorer, [one[1] for one in records], [one[2] for one in records], pairs)
        seen.add(frozenset(in_words(found, [one[0] for one in records])))
    assert len(seen) == 1
