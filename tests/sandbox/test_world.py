from collections import Counter

import phonenumbers
import pytest

from sandbox import world as worlds
from sandbox.people import typo
from sandbox.server import MAKERS
from sandbox.vendors.zoho.app import Zoho
from sandbox.world import MARA, MARA_SAYS, RAHIM, SHARMILA, World
from tests.sandbox.calls import Caller
from tests.sandbox.vendors.zoho.signing import signed_in


@pytest.fixture(scope="module")
def town() -> World:
    return worlds.make(3, 2000)


def test_the_same_seed_and_size_make_the_same_world_and_others_another() -> None:
    assert worlds.make(5, 80) == worlds.make(5, 80)
    assert worlds.make(5, 80).people != worlds.make(6, 80).people


@pytest.mark.parametrize(
    ("vendor", "header", "secret", "path"),
    [
        ("pipedrive", "x-api-token", "api_token", "/api/v2/persons?limit=500"),
        ("pipedrive", "x-api-token", "api_token", "/api/v2/personFields?limit=500"),
        ("typeform", "authorization", "token", "/forms"),
    ],
)
def test_equal_worlds_are_equal_byte_for_byte_at_every_vendor(vendor: str, header: str, secret: str, path: str) -> None:
    def bytes_of(seed: int) -> bytes:
        made = MAKERS[vendor](worlds.make(seed, 60), True)
        prefix = "Bearer " if header == "authorization" else ""
        return Caller(made, {header: prefix + made.credentials[secret]})("GET", path).body

    assert bytes_of(11) == bytes_of(11)
    assert bytes_of(11) != bytes_of(12)


def test_equal_worlds_are_equal_byte_for_byte_at_zoho() -> None:
    def bytes_of(seed: int) -> bytes:
        return signed_in(Zoho(worlds.make(seed, 60)))("GET", "/crm/v8/Contacts?per_page=20&fields=Last_Name,Email").body

    assert bytes_of(11) == bytes_of(11)
    assert bytes_of(11) != bytes_of(12)


def test_every_phone_number_is_valid_in_its_country(town: World) -> None:
    wrong = [p.phone for p in town.people if not phonenumbers.is_valid_number(phonenumbers.parse(p.phone))]
    strayed = [
        person.phone
        for person in town.people
        if person.number != MARA
        and phonenumbers.region_code_for_number(phonenumbers.parse(person.phone)) != person.culture.country
    ]

    assert (wrong, strayed) == ([], [])


def test_no_two_people_share_a_phone_or_an_address(town: World) -> None:
    phones = Counter(person.phone for person in town.people)
    mails = Counter(mail for person in town.people for mail in (person.work_email, person.private_email) if mail)

    assert phones.most_common(1)[0][1] == 1
    assert mails.most_common(1)[0][1] == 1


def test_every_mail_domain_ends_in_test(town: World) -> None:
    mails = [m for p in town.people for m in (p.work_email, p.private_email, p.former_email) if m]
    domains = {mail.rpartition("@")[2] for mail in mails} | {firm.domain for firm in town.companies}

    assert all(domain.endswith(".test") and domain.isascii() for domain in domains)


@pytest.mark.parametrize(
    ("script", "first", "last"),
    [
        ("Bengali", "\u0980", "\u09ff"), ("Arabic", "\u0600", "\u06ff"), ("Kana", "\u3040", "\u30ff"),
        ("Han", "\u4e00", "\u9fff"), ("Cyrillic", "\u0400", "\u04ff"), ("Vietnamese", "\u1ea0", "\u1ef9"),
        ("Latin with marks", "\u00c0", "\u017f"),
    ],
)  # fmt: skip
def test_people_of_many_scripts_live_here(town: World, script: str, first: str, last: str) -> None:
    assert sum(any(first <= letter <= last for letter in person.full()) for person in town.people) > 5, script


def test_some_people_have_one_name_and_some_work_elsewhere_by_now(town: World) -> None:
    assert any(person.family is None for person in town.people)
    assert any(person.former is not None and person.former != person.company for person in town.people)


def test_names_of_han_script_come_family_first_and_without_a_space(town: World) -> None:
    japanese = next(person for person in town.people if person.culture.country == "JP")

    assert japanese.family is not None
    assert japanese.full() == japanese.family[0] + japanese.given[0]
    assert japanese.latin() == f"{japanese.given[1]} {japanese.family[1]}"


def test_a_company_is_spelled_in_several_ways_with_its_legal_form(town: World) -> None:
    padma = town.companies[1]

    assert "Padma Textiles Ltd." in padma.spellings()
    assert "পদ্মা টেক্সটাইলস লিমিটেড" in padma.spellings()
    assert any("株式会社" in firm.legal() for firm in town.companies if firm.culture.country == "JP")
    assert any("GmbH" in firm.legal() for firm in town.companies if firm.culture.country == "DE")


def test_the_named_people_are_who_the_story_says(town: World) -> None:
    mara, sharmila, rahim = (town.people[number] for number in (MARA, SHARMILA, RAHIM))

    assert (mara.full(), mara.title, mara.work_email) == (
        "Mara Lindqvist",
        "COO",
        "mara.lindqvist@nordlicht-solar.test",
    )
    assert mara.company is not None
    assert town.companies[mara.company].legal() == "Nordlicht Solar AB"
    assert sharmila.full() == "শর্মিলা দত্ত"
    assert (rahim.work_email, rahim.private_email) == ("r.uddin@padma.test", "rahim.uddin@padma.test")
    assert MARA in town.members
    assert {MARA, SHARMILA, RAHIM} <= {entry.person.number for entry in town.crm}
    said = [a for a in town.answers if a.person is mara and a.survey == "relationship" and a.comment == MARA_SAYS]
    assert [(answer.score, answer.state) for answer in said] == [(3, "completed")]


def test_more_records_share_one_change_time_than_fit_on_a_page() -> None:
    changes = Counter(entry.changed for entry in worlds.make(7, 5000).crm)

    assert changes.most_common(1)[0][1] > 500


def test_one_person_is_merged_one_deleted_one_unsubscribed(town: World) -> None:
    assert set(town.fates) == {"merged", "deleted", "unsubscribed"}
    assert len(set(town.fates.values())) == 3


def test_another_crm_knows_a_share_of_the_people_and_those_whom_the_story_needs(town: World) -> None:
    other = town.entries("other", share=0.5)

    known = {entry.person.number for entry in other}
    assert other == town.entries("other", share=0.5)
    assert {MARA, SHARMILA, RAHIM, *town.fates.values()} <= known
    assert 0.45 < len(known) / len(town.people) < 0.55
    assert {entry.added for entry in other}.isdisjoint(entry.added for entry in town.crm)
    assert sum(entry.person.number == town.fates["merged"] for entry in other) == 2


def test_even_the_smallest_world_has_the_named_people() -> None:
    tiny = worlds.make(1, 1)

    assert [person.full() for person in tiny.people] == ["Mara Lindqvist", "শর্মিলা দত্ত", "মোঃ রহিম উদ্দিন"]


def test_a_typo_changes_a_word_a_little() -> None:
    rng = worlds.make(1, 3).draw("typos")

    slips = {typo(rng, "Lindqvist") for _ in range(50)}

    assert all(abs(len(slip) - len("Lindqvist")) <= 1 for slip in slips)
    assert len(slips) > 5
