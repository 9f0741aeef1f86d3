import random
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mapping.match.batch import Resolution, Table, frequencies_of, resolve, table, threshold_of
from mapping.match.groups import CERTAIN, Groups, held_together
from mapping.match.model import SYSTEM, shipped
from mapping.match.pairs import Pairs
from mapping.match.profile import Profile
from mapping.match.score import Scorer, counted
from tests.mapping.match.people import FAMILY, GIVEN, company, person, strangers

CROWD = [(f"crowd{number:05}", "crm", profile) for number, profile in enumerate(strangers(1500, seed=2))]
Record = tuple[str, str, Profile]


def resolved(records: Sequence[Record], kind: str = "person") -> tuple[Table, Resolution]:
    told = table(records)
    return told, resolve(told, shipped(kind))


def groups(told: Table, found: Resolution, wanted: Iterable[str]) -> set[frozenset[str]]:
    keys = set(wanted)
    made: dict[int, set[str]] = {}
    for key, group in zip(told.keys, found.group.tolist(), strict=True):
        if key in keys:
            made.setdefault(group, set()).add(key)
    return {frozenset(one) for one in made.values()}


RAHIM = [
    ("a1", "crm", person("Md. Rahim Uddin", email="rahim.uddin@padma.test", phone="+8801711555012", born="1980-02-03")),
    ("a2", "survey", person("Rahim U.", email="rahim.uddin+nps@padma.test")),
    ("a3", "shop", person("মোঃ রহিম উদ্দিন", phone="01711 555012")),
]
HOUSE = [
    ("h1", "crm", person("Jo Halvorsen", phone="+4930111222", street="1 Elm Street", postcode="99111")),
    ("h2", "shop", person("Mia Halvorsen", phone="+4930111222", street="1 Elm Street", postcode="99111")),
    ("h3", "survey", person("Mia Halvorsen", phone="+4930111222")),
]
FIRM = [
    (f"f{number}", "crm", person(name, phone="+493055500", company="Varastrom Works", email="office@varastrom.test"))
    for number, name in enumerate(["Anna Kestov", "Tom Holdsen", "Olga Bergez", "Noah Mondari", "Wei Lindton"])
]


def test_people_are_found_and_houses_and_firms_stay_apart() -> None:
    told, found = resolved([*CROWD, *RAHIM, *HOUSE, *FIRM])

    wanted = [key for key, _, _ in (*RAHIM, *HOUSE, *FIRM)]
    assert groups(told, found, wanted) == {
        frozenset({"a1", "a2", "a3"}),
        frozenset({"h1"}),
        frozenset({"h2", "h3"}),
        *(frozenset({key}) for key, _, _ in FIRM),
    }


@settings(max_examples=20, deadline=None)
@given(order=st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_groups_named_alike(order: random.Random) -> None:
    records = [*CROWD[:300], *RAHIM, *HOUSE, *FIRM]
    told, found = resolved(records)
    shuffled = list(records)
    order.shuffle(shuffled)

    again, other = resolved(shuffled)

    assert again.keys == told.keys
    assert other.group.tolist() == found.group.tolist()
    assert _told(other) == _told(found)


def _told(found: Resolution) -> list[tuple[int, int]]:
    return sorted(zip(found.review.left.tolist(), found.review.right.tolist(), strict=True))


DOUBTS = {("given", "typo"): -1.5, ("family", "typo"): -2.0, ("given", "part"): -1.0, ("phone", "different"): -1.0}
VETOES = frozenset({("given", "initial"), ("family", "same")})


@pytest.mark.parametrize(("doubts", "vetoes"), [({}, frozenset()), (DOUBTS, frozenset()), ({}, VETOES)])
@pytest.mark.parametrize("seed", range(4))
def test_the_batch_and_the_scorer_come_to_the_same_scores(
    seed: int, doubts: Mapping[tuple[str, str], float], vetoes: frozenset[tuple[str, str]]
) -> None:
    model = replace(shipped("person"), doubts=doubts, vetoes=vetoes)
    told = table(_related(seed))
    found = resolve(told, model)
    profiles = [told.profile(at) for at in range(len(told))]
    scorer = Scorer(model, counted(profiles))
    pairs = [*_each(found.joined), *_each(found.review)]
    assert len(pairs) > 20

    for left, right, bits, conflict in pairs:
        scored = scorer.score(profiles[left], profiles[right])
        same_system = found.model.same_system if told.system[left] == told.system[right] else 0.0
        assert scored.bits + same_system == pytest.approx(bits, abs=1e-3)
        assert bool(scored.conflict) is conflict


OF_PLACES = {("locality", "different"): -2.0, ("street", "different"): -1.5, ("name", "placed"): -0.5}


@pytest.mark.parametrize(("doubts", "vetoes"), [({}, frozenset()), (OF_PLACES, frozenset({("postcode", "different")}))])
@pytest.mark.parametrize("seed", range(4))
def test_the_batch_and_the_scorer_come_to_the_same_scores_of_companies_and_their_places(
    seed: int, doubts: Mapping[tuple[str, str], float], vetoes: frozenset[tuple[str, str]]
) -> None:
    told = table(_placed(seed))
    found = resolve(told, replace(shipped("company"), doubts=doubts, vetoes=vetoes))
    profiles = [told.profile(at) for at in range(len(told))]
    scorer = Scorer(found.model, counted(profiles))
    pairs = [*_each(found.joined), *_each(found.review)]
    levels: set[tuple[str, str]] = set()

    for left, right, bits, conflict in pairs:
        same_system = told.system[left] == told.system[right]
        scored = scorer.score(profiles[left], profiles[right], same_system=bool(same_system))
        levels.update((one.field, one.level) for one in scored.evidence)
        assert scored.bits == pytest.approx(bits, abs=1e-3)
        assert bool(scored.conflict) is conflict
    assert len(pairs) > 100
    assert {("name", "placed"), ("name", "same"), ("street", "typo")} <= levels


def _placed(seed: int) -> list[Record]:
    """Companies of common names in a few towns, whose names tell the town or the number of a shop as it comes."""
    draw = random.Random(seed)
    records: list[Record] = []
    for number in range(150):
        town, name = (
            draw.choice(("Kiel", "Bad Lind", "Vara")),
            f"{draw.choice('ABCDEFGH')}berg {draw.choice('XYZ')}hold",
        )
        street = f"{draw.randrange(1, 400)} {draw.choice(('Elm', 'Rosebery', '5th', '6th'))} Avenue"
        for system in ("crm", "shop"):
            told = name + draw.choice(("", "", f" {town}", f" #{draw.randrange(10, 999)}", f" {town} Süd", " 2"))
            parts = {"town": town, "street": street, "phone": f"+4930555{number:04}", "postcode": f"{24000 + number}"}
            if draw.random() < 0.2:
                parts["street"] = street.replace("Avenue", "Avenuee").replace("Elm", "Eln")
            kept = {part: value for part, value in parts.items() if draw.random() < 0.8}
            records.append((f"{system}{number:04}", system, company(told, **kept)))
    return records


def _each(pairs: Pairs) -> list[tuple[int, int, float, bool]]:
    columns = (pairs.left, pairs.right, pairs.bits, pairs.conflict)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _related(seed: int) -> list[Record]:
    """Strangers, and others who share this and that with them."""
    draw = random.Random(seed)
    people = [profile for _, _, profile in CROWD[: 150 + seed]]
    records: list[Record] = []
    for number, profile in enumerate(people):
        records.append((f"r{number:04}", "crm", profile))
        kept = {name: values for name, values in profile.items() if draw.random() < 0.7}
        if draw.random() < 0.3 and "given" in kept and "family" in kept:
            kept["given"], kept["family"] = kept["family"], kept["given"]
        if draw.random() < 0.3:
            kept["given"] = (profile["given"][0][:1],)
        if number % 9 == 0:
            kept["family"] = kept.pop("given", profile["given"])
        if draw.random() < 0.3:
            other = draw.choice(people)
            kept["phone"] = (*profile["phone"], *other["phone"])
        records.append((f"s{number:04}", "shop", kept))
    return records


def test_frequencies_of_columns_are_those_of_profiles() -> None:
    told = table([*CROWD, *RAHIM, *FIRM])
    ours, theirs = frequencies_of(told), counted(told.profile(at) for at in range(len(told)))

    for name, values in (("given", ["anna"]), ("phone", ["493055500"]), ("company.word", ["works"]), ("birth", ["x"])):
        for value in values:
            assert ours.rarity(name, value) == theirs.rarity(name, value)
            assert ours.names(name, value) == theirs.names(name, value)
    assert ours.names("phone", "493055500") == len(FIRM)


def test_what_is_doubtful_goes_to_review() -> None:
    records = [
        ("x1", "crm", person("Ole Halvorsen", email="ole@halvorsen.test", born="1950-01-02")),
        ("x2", "shop", person("Ole Halvorsen", email="ole@halvorsen.test", born="1981-09-27")),
    ]

    told, found = resolved([*CROWD, *records])

    assert groups(told, found, ["x1", "x2"]) == {frozenset({"x1"}), frozenset({"x2"})}
    assert [(told.keys[left], told.keys[right]) for left, right in _told(found) if told.keys[left] == "x1"] == [
        ("x1", "x2")
    ]


def test_a_threshold_goes_up_where_too_many_joins_would_be_doubtful() -> None:
    model = shipped("person")

    def threshold(bits: Sequence[float], conflict: bool = False) -> float:
        size = len(bits)
        places = np.zeros(size, dtype=np.int32)
        told = np.array(bits, dtype=np.float32), np.full(size, conflict)
        return threshold_of(Pairs(places, places, *told, np.zeros(size, dtype=np.int64)), model)

    assert threshold([]) == model.same
    assert threshold([15.0] * 1000 + [3.0] * 40) == model.same
    assert threshold([15.0] * 100 + [4.5] * 10 + [3.0] * 50) == pytest.approx(4.5)
    assert threshold([3.0] * 50) == model.same_at_most
    assert threshold([3.0] * 50, conflict=True) == model.same


def test_a_phone_that_houses_share_counts_for_less_and_their_street_says_nothing_more() -> None:
    houses = [
        (f"l{number}{at}", "crm", person(f"{name} {family}", phone=f"+49301{number:07}", street=f"{number} Oak Road"))
        for number in range(150)
        for at, (name, family) in enumerate([("Anna", "Lindberg"), ("Tom", "Varaton")])
    ]
    unnamed = [
        (f"u{at}", "shop", person(phone="+49309999999", street="7 Elm Street", postcode="99111", email=f"u{at}@gmx.de"))
        for at in range(2)
    ]
    told, alone = resolved([*CROWD, *unnamed])
    again, found = resolved([*CROWD, *houses, *unnamed])

    assert groups(told, alone, ["u0", "u1"]) == {frozenset({"u0", "u1"})}
    assert found.model.lent == {"phone"}
    assert found.model.comparisons["phone"].levels["same"].bits == 0.0
    assert groups(again, found, ["u0", "u1"]) == {frozenset({"u0"}), frozenset({"u1"})}
    profiles = [again.profile(at) for at in range(len(again))]
    scorer = Scorer(found.model, counted(profiles))
    for left, right, bits, _ in [*_each(found.joined), *_each(found.review)]:
        same_system = found.model.same_system if again.system[left] == again.system[right] else 0.0
        assert scorer.score(profiles[left], profiles[right]).bits + same_system == pytest.approx(bits, abs=1e-3)


def test_companies_of_one_name_in_several_scripts_and_forms_are_one() -> None:
    crowd = [(f"c{number}", "crm", company(f"{one[2]['family'][0]} {one[2]['given'][0]} {number % 60}",
                                           domain=f"firm{number}.test", town=f"Town {number % 30}"))
             for number, one in enumerate(CROWD[:600])]  # fmt: skip
    records = [
        ("p1", "crm", company("Padma Textiles Ltd.", phone="+88029555012", town="Dhaka")),
        ("p2", "shop", company("পদ্মা টেক্সটাইলস লিমিটেড", phone="+88029555012")),
        ("p3", "shop", company("Padma Pharma Ltd.", phone="+88029555999", town="Dhaka")),
    ]

    told, found = resolved([*crowd, *records], "company")

    assert groups(told, found, ["p1", "p2", "p3"]) == {frozenset({"p1", "p2"}), frozenset({"p3"})}


def whole(found: Groups, size: int) -> list[int]:
    """By record the first of its group."""
    return [found.of.get(record, record) for record in range(size)]


def test_a_weak_pair_welds_no_strong_groups() -> None:
    edges = [(0, 1, 12.0), (0, 2, 12.0), (1, 2, 12.0), (3, 4, 12.0), (3, 5, 12.0), (4, 5, 12.0), (2, 3, 5.0)]

    found = held_together(
        [edges], lambda pairs: dict.fromkeys(pairs, -3.0), same=4.0, limits={"cluster": 50, "diameter": 3}
    )

    assert whole(found, 6) == [0, 0, 0, 3, 3, 3]


@pytest.mark.parametrize(("between", "joined"), [(5.5, False), (6.5, True)])
def test_two_groups_of_several_records_take_more_to_be_one(between: float, joined: bool) -> None:
    edges = [(0, 1, 30.0), (2, 3, 30.0), *((one, other, between) for one in (0, 1) for other in (2, 3))]

    found = held_together([edges], lambda pairs: {}, same=4.0, limits={"cluster": 50, "diameter": 3})

    assert whole(found, 4) == ([0, 0, 0, 0] if joined else [0, 0, 2, 2])


def test_a_record_that_fits_two_in_conflict_alike_is_joined_to_neither() -> None:
    father, son, either = 0, 1, 2
    edges = [(father, either, 20.0), (son, either, 19.0)]

    def grouped(told: Sequence[tuple[int, int, float]], *, rivals: bool) -> dict[int, int]:
        return held_together(
            [told],
            lambda pairs: dict.fromkeys(pairs, -99.0),
            same=3.0,
            limits={"cluster": 50, "diameter": 3},
            rivals=rivals,
        ).of

    assert grouped(edges, rivals=True) == {}
    assert grouped(edges, rivals=False) != {}
    assert grouped([(father, either, 20.0), (son, either, 9.0)], rivals=True) == {either: father}


def test_a_system_that_holds_nobody_twice_is_believed() -> None:
    people = strangers(400, seed=5)
    records = [(f"{system}{at:04}", system, one) for system in ("crm", "shop") for at, one in enumerate(people)]
    twice = [("crm9999", "crm", people[0])]

    _, sure = resolved(records)
    told, found = resolved([*records, *twice])

    assert SYSTEM in sure.model.vetoes
    assert SYSTEM in found.model.vetoes
    assert frozenset({"crm0000", "crm9999"}) not in groups(told, found, ["crm0000", "crm9999"])
    assert (told.keys.index("crm0000"), told.keys.index("crm9999")) in _told(found)


@pytest.mark.parametrize("sites", [1, 3])
def test_another_place_is_another_company_where_systems_keep_both(sites: int) -> None:
    """Of vendors with one tax number for all their sites; of others one system tells another office now and then."""
    records: list[Record] = []
    for number in range(400):
        name, tax = f"{FAMILY[number % 60]} {GIVEN[number % 10]} {FAMILY[number // 10]}", {"id": (f"vat:{number:09}",)}
        for site in range(sites):
            for system in ("crm", "shop", "erp"):
                moved = 1000 if sites == 1 and system == "erp" and number % 3 == 0 else 0
                at = number * 3 + site + moved
                town, street = FAMILY[at % 60], f"{at % 90 + 1} {FAMILY[at * 7 % 60]} Street"
                parts = {"town": town, "street": street, "postcode": f"{10000 + at * 7919 % 80000}"}
                records.append((f"{system}{number:03}.{site}", system, {**company(name, **parts), **tax}))

    _, found = resolved(records, "company")

    sizes = np.bincount(np.bincount(found.group))
    assert (("street", "different") in found.model.vetoes) is (sites > 1)
    assert sizes[3:].tolist() == [400 * sites]


def test_another_phone_counts_more_where_people_have_one() -> None:
    people = strangers(400, seed=8)
    same = [(f"{system}{at:04}", system, one) for system in ("crm", "shop") for at, one in enumerate(people)]
    moved = [
        (key, system, {**one, "phone": (f"49309{key[-4:]}00",)} if system == "shop" and key < "shop0200" else one)
        for key, system, one in same
    ]

    _, steady = resolved(same)
    _, changing = resolved(moved)

    assert steady.model.doubts["phone", "different"] == pytest.approx(-2.3)
    assert changing.model.doubts["phone", "different"] == pytest.approx(-0.27, abs=0.02)


def test_father_and_son_of_one_name_and_house_are_for_a_person() -> None:
    house = {"street": "1 Elm Street", "postcode": "99111", "phone": "+4930111222"}
    records = [
        ("h1", "crm", person("Leo Halvorsen Jr.", **house)),
        ("h2", "shop", person("Leo Halvorsen Sr.", **house)),
    ]

    told, found = resolved([*CROWD, *records])

    assert groups(told, found, ["h1", "h2"]) == {frozenset({"h1"}), frozenset({"h2"})}
    assert (told.keys.index("h1"), told.keys.index("h2")) in _told(found)


def test_what_is_certain_stays_together_and_what_is_apart_never_meets() -> None:
    edges = [(0, 1, 12.0), (1, 2, CERTAIN), (2, 3, 12.0)]

    found = held_together(
        [edges],
        lambda pairs: dict.fromkeys(pairs, -3.0),
        same=4.0,
        limits={"cluster": 50, "diameter": 3},
        apart={(0, 2)},
    )

    assert whole(found, 4) == [0, 1, 1, 1]


def test_what_is_certain_is_never_taken_apart_for_its_size() -> None:
    edges = [(0, at, CERTAIN) for at in range(1, 60)] + [(59, 60, 5.0)]

    found = held_together(
        [edges], lambda pairs: dict.fromkeys(pairs, 8.0), same=4.0, limits={"cluster": 50, "diameter": 3}
    )

    assert whole(found, 61) == [*[0] * 60, 60]


def test_a_chain_that_swallows_all_is_taken_apart_and_told() -> None:
    size = 60
    edges = [(at, at + 1, 5.0 if at % 3 == 2 else 12.0) for at in range(size - 1)]

    found = held_together(
        [edges], lambda pairs: dict.fromkeys(pairs, 8.0), same=4.0, limits={"cluster": 50, "diameter": 3}
    )

    assert max(np.bincount(whole(found, size))) == 3
    assert found.alarms == ["60 records hang together; taken apart at 7 bits"]


def test_a_group_that_is_a_chain_is_told() -> None:
    edges = [(at, at + 1, 12.0) for at in range(5)]

    found = held_together(
        [edges], lambda pairs: dict.fromkeys(pairs, 6.0), same=4.0, limits={"cluster": 50, "diameter": 3}
    )

    assert whole(found, 6) == [0] * 6
    assert found.alarms == ["a group of 6 records is 5 steps long"]
