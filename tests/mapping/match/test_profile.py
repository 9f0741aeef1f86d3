"""Profiles are kept in stores: what `of_row` makes of a row is part of what stands there."""

from hashlib import sha256
from typing import Any

import pytest

from mapping.match.columns import columns
from mapping.match.profile import FIELDS, FORM, given_and_family, last_digits, of_row

PEOPLE: list[dict[str, Any]] = [
    {
        "name": {"full": "Dr. Lind, Mara-Jo"},
        "name.variants": [{"full": "Мара Линд", "kind": "native"}],
        "emails": [{"address": "M.Lind+nps@Gmail.com"}, {"address": "info@nordlicht.test"}],
        "primary_email": "mara772@mail.nordlicht.co.uk",
        "phones": [{"number": "+49895550166", "extension": "12"}, {"number": "+4989555", "type": "fax"}],
        "birth_date": "--03-04",
        "external_ids": [{"namespace": "shop", "value": "A 12"}],
    },
    {
        "name": {"given": "MD. Rahim", "family": "Uddin"},
        "emails": [{"address": "rahim@padma.test", "role": True}],
        "primary_phone": "+8801711555012",
        "birth_date": "1985-03-04",
        "company_name": "The Padma & Sons Ltd.",
        "job_title": "Head of  Sales",
        "addresses": [
            {"lines": ["Lindenstraße 12", "2nd Floor"], "postal_code": "10 115", "locality": "München"},
            {"lines": "4 Rosebery Avenue", "postal_code": "SW1A-1AA"},
        ],
    },
    {"name": {"full": "赵芳"}, "phones": [{"number": "1234567890"}]},
    {"name": {"full": "Otto Berg Jr."}, "emails": []},
    {"name": {"full": "Jr"}},
    {"name": {"full": "KJ Mcdonald"}},
    {"name": {"full": "Mª García"}},
    {"name": {"full": "Otto Berg"}, "company_name": "Self-employed", "primary_email": "otto1@guest.booking.com"},
    {"name": {"full": "BERG/OTTO MR"}, "company_name": "Univ. of Lind"},
    {"name": {"full": "Линд Мара Ивановна"}},
    {"name": {"full": "Lind M. J."}},
]
COMPANIES: list[dict[str, Any]] = [
    {
        "name": "Nordlicht Gesellschaft mit beschränkter Haftung",
        "aliases": ["Nordlicht GmbH & Co. KG", "株式会社ノルド"],
        "domains": [{"domain": "www.nordlicht.de"}, "gmail.com"],
        "website": "https://shop.nordlicht.co.uk/de",
        "emails": [{"address": "otto@nordlicht.de"}],
        "registrations": [{"scheme": "vat", "value": "DE 123.456.789"}, {"scheme": "employer", "value": "7"}],
        "addresses": [{"lines": ["1 Main Street"], "postal_code": "80-331", "locality": "München", "country": "DE"}],
    },
    {"name": "লিন্ড লিমিটেড", "legal_name": "Lind Pvt. Ltd.", "phones": [{"number": "+8801711555012"}]},
]
# After a change of what is made of these, count FORM up and put here what is made of them now.
MADE = {3: "f801e2f19ad63d37"}


def made() -> str:
    told = [of_row("person", row) for row in PEOPLE] + [of_row("company", row) for row in COMPANIES]
    return sha256(repr([sorted(one.items()) for one in told]).encode()).hexdigest()[:16]


def test_what_is_made_of_a_row_is_numbered() -> None:
    assert made() == MADE[FORM]


@pytest.mark.parametrize(("kind", "rows"), [("person", PEOPLE), ("company", COMPANIES)])
def test_a_profile_has_no_field_that_would_not_be_kept(kind: str, rows: list[dict[str, Any]]) -> None:
    seen = {name for row in rows for name in of_row(kind, row)}

    assert seen == set(FIELDS[kind])


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("KJ Mcdonald", "k j"),
        ("K.J. Mcdonald", "k j"),
        ("Mcdonald, KJ", "k j"),
        ("MR KJ MCDONALD", "k j"),
        ("Kelly JM Mcdonald", "kelly j m"),
        ("EA Anderson", "e a"),
        ("JO ANDERSON", "jo"),
        ("Jo Anderson", "jo"),
        ("Ed ANDERSON", "ed"),
        ("KIM Jun", "kim"),
        ("LI Fengming", "li"),
        ("NG Wei", "ng"),
        ("Mª Elena García", "maria elena"),
        ("M.ª García", "maria"),
        ("Ma. Elena García", "maria elena"),
        ("Ma Elena García", "ma elena"),
        ("Fco. Javier García", "francisco javier"),
        ("FDO. GARCÍA", "fernando"),
        ("Ant.º García", "antonio"),
        ("J. García", "j"),
    ],
)
def test_a_given_name_is_read_as_it_is_meant(name: str, given: str) -> None:
    assert given_and_family(name)[0] == given


@pytest.mark.parametrize(("cell", "given"), [("KJ", "k j"), ("K. J.", "k j"), ("EA", "ea"), ("Jo", "jo")])
def test_in_a_column_of_given_names_alone_consonants_are_initials(cell: str, given: str) -> None:
    read = columns("person", {0: "name.given"}, headings=["first name"]).readers[0].read

    assert read([cell]) == ((given,),)


@pytest.mark.parametrize(
    ("told", "company"),
    [("n/a", ()), ("-", ()), ("Self-Employed", ()), ("Freelance", ()), ("Private Ltd", ("private",))],
)
def test_who_says_that_there_is_no_company_has_none(told: str, company: tuple[str, ...]) -> None:
    assert of_row("person", {"name": {"full": "Otto Berg"}, "company_name": told}).get("company", ()) == company


@pytest.mark.parametrize("address", ["none@none.com", "no.email@lind.test", "Unknown@unknown.com", "info@lind.test"])
def test_what_is_typed_where_an_address_is_demanded_is_nobodys_mailbox(address: str) -> None:
    assert "email" not in of_row("person", {"primary_email": address})
    assert of_row("person", {"primary_email": "noemi@lind.test"})["email"] == ("noemi@lind.test",)


def test_who_passes_mail_on_is_nobodys_company() -> None:
    told = of_row("person", {"primary_email": "otto@guest.booking.com"})

    assert told == {"email": ("otto@guest.booking.com",)}


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("LIND/MARA MRS", ("mara", "lind")),
        ("VAN DEN BERG/JAN PAUL MR", ("jan paul", "van den berg")),
        ("Lind/Mara", ("mara", "lind")),
        ("LIND/M J", ("m j", "lind")),
        ("Mara/Otto Lind", ("mara otto", "lind")),
    ],
)
def test_a_name_on_a_reservation_begins_with_the_family(name: str, parts: tuple[str, str]) -> None:
    assert given_and_family(name) == parts


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Линд Мара Ивановна", ("мара ивановна", "линд")),
        ("Мара Ивановна Линд", ("мара ивановна", "линд")),
        ("Соколов Пётр Ильич", ("петр ильич", "соколов")),
        ("SOKOLOV PETR SERGEEVICH", ("petr sergeevich", "sokolov")),
        ("Mark David Rabinovich", ("mark david", "rabinovich")),
        ("Линд М. И.", ("м и", "линд")),
        ("Lind M.J.", ("m j", "lind")),
        ("Lind M J", ("m j", "lind")),
        ("M. J. Lind", ("m j", "lind")),
        ("Mara L.", ("mara", "l")),
    ],
)
def test_a_patronymic_or_initials_behind_it_tell_that_the_family_stands_first(
    name: str, parts: tuple[str, str]
) -> None:
    assert given_and_family(name) == parts


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("Univ. of Lind", "University of Lind"),
        ("Lind Fdn", "Lind Foundation"),
        ("Lind Intl. Inc", "Lind International"),
    ],
)
def test_what_stands_shortened_in_the_name_of_a_company_is_spelt_out(short: str, long: str) -> None:
    one, other = of_row("company", {"name": short}), of_row("company", {"name": long})

    assert one["name"] == other["name"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("김준나", ("준나", "김")),
        ("赵峰", ("峰", "赵")),
        ("欧阳娜娜", ("娜娜", "欧阳")),
        ("山田太郎", ("", "山田太郎")),
        ("Jun Na Kim", ("junna", "kim")),
        ("Jun-Na Kim", ("junna", "kim")),
        ("Kim Jun Na", ("junna", "kim")),
        ("Mary Ann Lee", ("mary ann", "lee")),
    ],
)
def test_a_chinese_or_korean_name_comes_apart_as_its_romanised_form_does(name: str, parts: tuple[str, str]) -> None:
    assert given_and_family(name) == parts


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("+18775121569", ""),
        ("1-877-512-1569", ""),
        ("(800) 555-0199", ""),
        ("0800 5081439", ""),
        ("00800 12345678", ""),
        ("+49800508143", ""),
        ("+34 800198693", ""),
        ("+498005", ""),
        ("+447800123456", "800123456"),  # a mobile of Britain
        ("+918775512156", "775512156"),  # and one of India
        ("8775512156", "775512156"),
        ("+17802345678", "802345678"),
        ("+1 415 800 2345", "158002345"),
        ("030 8001234", "308001234"),
    ],
)
def test_a_number_free_of_charge_is_nobodys_own(number: str, told: str) -> None:
    assert last_digits(number) == told
