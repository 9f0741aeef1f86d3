"""What identifies a record, as it stands in the store."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from random import Random
from typing import Any

import pytest

from crosswalk.engine.matching import LOW, IdentKinds, Rules
from crosswalk.store.dialect import Database
from mapping.match.keys import identifiers
from mapping.match.rules import MatchRules

SECRET = b"of the house"

SHOWN: dict[str, list[Any]] = {
    "name": [None, "Mara Lind", {"full": "Mara Lind"}, {"given": "Mara", "family": "Lïnd"}, {"given": "Mara"}],
    "emails": [None, [{"address": "mara@a.test"}, {"address": "info@a.test"}], [{"address": "ml@a.test"}] * 2],
    "primary_email": [None, "mara@a.test", "lind@a.test"],
    "phones": [
        None,
        [{"number": "+4930100"}, {"number": "+4930100"}, {"number": "+4930200", "type": "fax"}],
        [{"number": "+4930100", "extension": "7"}, {"number": "+4930300"}, {"number": "+49800"}],
    ],
    "primary_phone": [None, "+4930100", "+4930400"],
    "company_name": [None, "Acme GmbH"],
    "addresses": [None, [{"country": "SE"}, {"country": "DE"}, {"country": "SE"}, {"city": "Bonn"}]],
    "external_ids": [None, [{"namespace": "erp", "value": "7"}, {"value": "8"}, {"namespace": "erp"}]],
    "birth_date": [None, "1990-02-28"],
    "hub_id": [None, "k1"],
    "custom.tier": [None, "Gold", ["Gold", "gold", "Silver"]],
}

RULES: dict[str, list[dict[str, object]] | None] = {
    "as they ship": None,
    "a number with two things": [{"same": ["phones", "name.family"]}, {"same": ["phones", "name"]}],
    "several of several": [{"same": ["emails", "phones"]}, {"same": ["name", "country"]}, {"same": "custom.tier"}],
    "judged by the second": [{"same": ["birth_date", "primary_phone"]}, {"same": ["custom.tier", "emails"]}],
}


def by_definition(value: str) -> int:
    return int.from_bytes(blake2b(value.encode(), digest_size=8, key=SECRET).digest(), "big", signed=True)


def judged_part(kind: str, value: str) -> str | None:
    words = zip(kind.split("+"), value.split("|"), strict=True) if "+" in kind else ()
    return next((part for word, part in words if word in ("phone", "email")), None)


def stored(kind: str, value: str) -> int:
    part = judged_part(kind, value)
    whole = by_definition(value)
    return whole if part is None else by_definition(part) & ~LOW | whole & LOW


@pytest.mark.parametrize("rules", RULES)
def test_what_is_stored_is_the_hash_of_what_a_row_gives(database: Database, rules: str) -> None:
    compiled = MatchRules.compile("person", rules=RULES[rules], block=["+49 800"])
    kinds = IdentKinds(database, SECRET)
    identify = Rules({"person": compiled}, kinds, SECRET).identifiers("person", list(SHOWN), [])
    chance = Random(7)

    for _ in range(300):
        row = {name: chance.choice(values) for name, values in SHOWN.items()}
        given = identifiers("person", row, rules=compiled)
        assert [(kinds.name(kind), value) for kind, value in identify(list(row.values()))] == [
            (f"person/{kind}", stored(kind, value)) for kind, value in given
        ]
        alone = [one for one in given if one.kind != "external:erp"]
        assert len(alone) == len(set(alone))


@pytest.mark.parametrize("rules", RULES)
def test_a_rule_that_is_told_twice_gives_nothing_more(rules: str) -> None:
    once = MatchRules.compile("person", rules=RULES[rules], block=["+49 800"])
    twice = MatchRules.compile("person", rules=[*once.rules, *once.rules], block=["+49 800"])
    chance = Random(8)

    for _ in range(500):
        row = {name: chance.choice(values) for name, values in SHOWN.items() if name != "external_ids"}
        given = identifiers("person", row, rules=once)
        assert identifiers("person", row, rules=twice) == given


def test_what_an_answer_claims_is_hashed_alike(database: Database) -> None:
    kinds = IdentKinds(database, SECRET)
    rules = Rules({"person": MatchRules.compile("person")}, kinds, SECRET)
    claims = {"email": "mara@a.test", "phone": "+4930100", "family": "Lind", "refs": [{"namespace": "erp", "value": 7}]}

    answered = rules.identifiers("response", ["respondent"], [])([claims])
    person = rules.identifiers("person", ["emails", "phones", "name", "external_ids"], [])(
        [["mara@a.test"], ["+4930100"], {"family": "Lind"}, [{"namespace": "erp", "value": "7"}]]
    )

    assert len(answered) == 4
    assert set(answered) == set(person)


def test_hashes_stay_as_they_are(database: Database) -> None:
    """They stand in stores that exist."""
    kinds = IdentKinds(database, SECRET)
    identify = Rules({"person": MatchRules.compile("person")}, kinds, SECRET).identifiers(
        "person", ["emails", "phones", "name"], []
    )

    given = identify([[{"address": "mara@a.test"}], [{"number": "+4930100"}], {"full": "Mara Lind"}])

    assert [(kinds.name(kind), value) for kind, value in given] == [
        ("person/email", 2481808058855684402),
        ("person/phone", -6643592318385189857),
        ("person/phone+family", -6643592317307596064),
    ]


def test_kinds_that_several_meet_at_the_same_moment_get_numbers_of_their_own(database: Database) -> None:
    """Streams that a daemon reads for the first time side by side."""
    words = [f"person/external:{n}" for n in range(40)]
    several = [IdentKinds(database, SECRET) for _ in range(4)]

    def numbered(at: int) -> list[int]:
        return [several[at].number(word) for word in words[at:] + words[:at]]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(numbered, range(4)))

    told = [[kinds.number(word) for word in words] for kinds in several]
    assert told == [told[0]] * 4
    assert len(set(told[0])) == len(words)
