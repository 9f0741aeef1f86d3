"""Identifiers, limits, groups, ids."""

from itertools import combinations
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.match.cluster import Edge, Forest, Member, cluster, contradictions
from mapping.match.ids import birth_id, public_id
from mapping.match.keys import fold, identifiers
from mapping.match.rules import MatchRules, strength

MARA = {
    "name": {"full": "Mara Lindqvist", "given": "Mara", "family": "Lindqvist"},
    "emails": [{"address": "mara@nordlicht.test"}, {"address": "info@nordlicht.test"}],
    "phones": [{"number": "+49895550177"}, {"number": "+49895550100"}],
    "external_ids": [{"namespace": "erp", "value": "7"}],
    "company_name": "Nordlicht Solar AB",
}


def test_a_person_gives_certain_strong_and_medium_identifiers() -> None:
    rules = MatchRules.compile("person", block=["+49 89 5550100"])

    given = identifiers("person", MARA, rules=rules)

    assert set(given) == {
        ("external:erp", "7"),
        ("email", "mara@nordlicht.test"),
        ("phone", "+49895550177"),
        ("phone+family", "+49895550177|lindqvist"),
        ("name+company", "mara lindqvist|nordlicht solar ab"),
    }
    assert [rules.then(kind) for kind in ("email", "phone+family", "name+company", "phone")] == [
        "same",
        "same",
        "review",
        None,
    ]


def test_a_response_is_joined_by_what_its_respondent_claims() -> None:
    claims = {
        "refs": [{"namespace": "crm/persons", "value": "4711"}, {"namespace": "erp", "value": "7"}],
        "email": "mara@nordlicht.test",
    }

    given = identifiers("response", {"respondent": claims})

    assert given == [("ref", "crm/persons/4711"), ("external:erp", "7"), ("email", "mara@nordlicht.test")]


def test_free_mail_says_nothing_of_a_company() -> None:
    row = {"domains": ["gmail.com", "nordlicht.test"], "website": "https://www.nordlicht.test/en"}
    assert identifiers("company", row) == [("domain", "nordlicht.test")]


@pytest.mark.parametrize(
    ("one", "other"),
    [("Müller-Lüdenscheidt", "MULLER LUDENSCHEIDT"), ("O’Brien", "obrien"), ("রহিম উদ্দিন", "রহিম উদ্দিন")],
)
def test_names_fold_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@given(st.text(st.characters(max_codepoint=127)))
def test_a_name_of_plain_words_is_folded_as_any_other(text: str) -> None:
    """An apostrophe is nothing, and no part of a plain word."""
    assert fold(text) == fold(f"{text}'")


def test_one_customer_in_five_systems_is_not_a_shared_mailbox() -> None:
    rules = MatchRules.compile("person")

    assert rules.identifies("email", ["crm", "cem", "shop", "forms", "files"])
    assert not rules.identifies("email", ["crm"] * 4)


def test_the_code_of_an_industry_identifies_no_company() -> None:
    rules = MatchRules.compile("company")

    assert (rules.then("registration:VAT"), strength("registration:VAT")) == ("same", 3)
    assert (rules.then("registration:SIC"), strength("registration:SIC")) == (None, 1)


def test_a_number_that_one_system_gives_to_many_is_nobodys() -> None:
    """An empty field that is shown as 0, the customer number of a whole group."""
    rules = MatchRules.compile("company")

    assert rules.identifies("external:account_number", ["crm", "crm", "shop", "erp"])  # one of them twice in the CRM
    assert not rules.identifies("external:account_number", ["crm", "crm", "crm"])


def test_groups_do_not_depend_on_the_order_over_two_hundred_worlds() -> None:
    for seed in range(200):
        chance = Random(seed)
        size = 12
        members = [
            Member(
                record=n,
                birth=birth_id(b"k", connection="c", stream="s", key=str(n)),
                stream=chance.choice("ab"),
                certain={"external:erp": frozenset(chance.choice("xyz"))} if chance.random() < 0.4 else {},
            )
            for n in range(size)
        ]
        edges = []
        for _ in range(10):
            left, right = chance.sample(range(size), 2)
            edges.append(Edge(left, right, chance.choice((1, 2, 3))))
        apart = [tuple(chance.sample(range(size), 2)) for _ in range(2)]
        told: Any = cluster(members, edges, apart=apart)  # type: ignore[arg-type] # pairs
        for _ in range(5):
            chance.shuffle(members)
            chance.shuffle(edges)
            again = cluster(members, edges, apart=apart)  # type: ignore[arg-type] # pairs
            assert again.groups == told.groups
        by_record = {member.record: member for member in members}
        for group in told.groups:
            for left, right in combinations(group, 2):
                one, other = by_record[left], by_record[right]
                if one.stream == other.stream and one.certain and other.certain:
                    assert one.certain == other.certain


@pytest.mark.parametrize("seed", range(20))
def test_the_smallest_of_a_group_is_its_home(seed: int) -> None:
    chance = Random(seed)
    forest, groups = Forest(30), [{record} for record in range(30)]
    for _ in range(25):
        left, right = chance.randrange(30), chance.randrange(30)
        forest.join(left, right)
        whole = groups[left] | groups[right]
        for record in whole:
            groups[record] = whole

    assert forest.homes().tolist() == [min(group) for group in groups]


def test_a_bulk_load_tells_which_groups_to_do_again() -> None:
    forest = Forest(4)
    for left, right in ((0, 1), (2, 3)):
        forest.join(left, right)
    members = [Member(n, str(n), "persons", certain={"external:erp": frozenset({"xyzz"[n]})}) for n in range(4)]

    assert contradictions(forest, members) == {forest.find(0)}


def test_ids_are_short_stable_and_keyed() -> None:
    one = birth_id(b"house", connection="crm", stream="persons", key="4711")

    assert one == birth_id(b"house", connection="crm", stream="persons", key="4711")
    assert one != birth_id(b"other", connection="crm", stream="persons", key="4711")
    assert (len(one), set(one) & set("ilou")) == (13, set())
    assert public_id(["b", "a"]) == "a"
