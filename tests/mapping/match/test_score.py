from itertools import permutations

import pytest
from msgspec.structs import replace

from mapping.match.model import Model, ModelError, read, shipped
from mapping.match.profile import Profile, of_row
from mapping.match.score import Counts, Scorer, counted
from tests.mapping.match.people import company, person, strangers

CROWD = strangers(3000)


def scorer(*those: Profile, kind: str = "person", model: Model | None = None) -> Scorer:
    return Scorer(model or shipped(kind), counted([*CROWD, *those]))


RAHIM = person("Md. Rahim Uddin", email="rahim.uddin+nps@padma.test", phone="+8801711555012")


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        pytest.param(RAHIM, person("Rahim U.", email="rahim.uddin@padma.test"), "same", id="a-tag-is-no-other-mailbox"),
        pytest.param(RAHIM, person("মোঃ রহিম উদ্দিন", phone="01711 555012"), "same", id="another-script"),
        pytest.param(RAHIM, person("Uddin Rahim", phone="+8801711555012"), "same", id="names-swapped"),
        pytest.param(
            person("Jo Halvorsen", phone="+4930111222", street="1 Elm Street", postcode="10001"),
            person("Mia Halvorsen", phone="+4930111222", street="1 Elm Street", postcode="10001"),
            "different",
            id="a-household",
        ),
        pytest.param(
            person(family="Halvorsen", phone="+4930111222", street="1 Elm Street"),
            person("Mia Halvorsen", street="1 Elm Street", postcode="10001"),
            "review",
            id="of-one-house-and-who-knows",
        ),
        pytest.param(
            person("Ole Halvorsen", email="ole@halvorsen.test", born="1950-01-02"),
            person("Ole Halvorsen", email="ole@halvorsen.test", born="1981-09-27"),
            "review",
            id="father-and-son-share-a-mailbox",
        ),
        pytest.param(
            person("Ole Halvorsen", email="info@halvorsen.test"),
            person("Mia Varga", email="info@halvorsen.test"),
            "different",
            id="a-desk",
        ),
        pytest.param(person("Anna Lindqvist"), person("Anna Lindqvist"), "different", id="namesakes"),
        pytest.param(
            person("Sunil", phone="+919467036781"),
            person("SUNIL BOSE", phone="+919467036781"),
            "same",
            id="one-word-is-a-given-name",
        ),
        pytest.param(
            person("Divya M", phone="+919467036781"),
            person("Divya Menon", phone="+919467036781"),
            "same",
            id="an-initial-behind-the-name",
        ),
        pytest.param(person("Sunil"), person("Sunil Bose"), "different", id="one-word-and-nothing-else"),
        pytest.param(
            person("Sunil", phone="+919467036781"),
            person("Amit Bose", phone="+919467036781"),
            "different",
            id="one-word-of-another",
        ),
    ],
)
def test_two_records_come_to_an_outcome_whichever_stands_first(one: Profile, other: Profile, outcome: str) -> None:
    ours = scorer(one, other)

    assert ours.score(one, other).outcome == outcome
    assert ours.score(other, one).bits == pytest.approx(ours.score(one, other).bits)


def test_a_switchboard_says_no_more_than_that_people_are_of_one_house() -> None:
    names = ["Anna Kestov", "Tom Holdsen", "Olga Bergez", "Noah Mondari"]
    staff = [person(name, phone="+493055500", company="Varastrom Works") for name in names]
    nameless = person(phone="+493055500")
    ours = scorer(*staff, nameless)

    assert {ours.score(one, other).outcome for one, other in permutations(staff, 2)} == {"different"}
    assert {ours.score(one, nameless).outcome for one in staff} == {"different"}


def test_a_rare_name_weighs_more_than_a_common_one() -> None:
    rare = person("Zebulon Quirrenbach", postcode="10001")
    common = person("Anna Lindqvist", postcode="10001")
    ours = scorer(rare, common)

    assert ours.score(rare, rare).bits > ours.score(common, common).bits + 3


def test_what_is_missing_says_nothing() -> None:
    whole = person("Ole Halvorsen", email="ole@halvorsen.test", born="1950-01-02", company="Halvorsen Works")
    part = person("Ole Halvorsen", email="ole@halvorsen.test")
    ours = scorer(whole, part)

    assert ours.score(whole, part).bits == pytest.approx(ours.score(part, part).bits)


def test_records_that_one_system_keeps_apart_need_more() -> None:
    one, other = RAHIM, person("Rahim Uddin", phone="+8801711555012")
    ours = scorer(one, other)

    apart = ours.score(one, other, same_system=True)

    assert apart.bits == pytest.approx(ours.score(one, other).bits + ours.model.same_system)
    assert any("keeps them apart" in told for told in apart.against)


def test_the_evidence_is_told_in_words() -> None:
    one = person("Ole Halvorsen", phone="+4930111222")
    other = person("Ole Halvorson", phone="+4930111222")

    scored = scorer(one, other).score(one, other)

    assert scored.words().startswith("same phone, ")
    assert "family name differs by one letter" in scored.words()
    assert scored.words().endswith(f"{scored.bits:+.1f} bits")
    assert scored.reasons[0].startswith("same phone, +")


def test_a_changed_record_is_scored_against_its_block() -> None:
    twin = person("Rahim Uddin", email="rahim.uddin@padma.test")
    other = person("Karim Uddin", phone="+8801711555012")
    ours = scorer(RAHIM, twin, other)

    found = ours.against(RAHIM, [(7, other), (8, twin), (9, CROWD[0])], system="crm", systems={8: "survey"})

    assert [(one.key, one.scored.outcome) for one in found] == [(8, "same")]


def test_records_of_one_person_share_a_key() -> None:
    ours = scorer()
    in_bengali = person("মোঃ রহিম উদ্দিন")

    assert set(ours.keys(RAHIM)) & set(ours.keys(in_bengali)) == {"name.any_order|adn+rm"}
    assert not set(ours.keys(RAHIM)) & set(ours.keys(CROWD[0]))
    assert "email|rahim.uddin@padma.test" in ours.keys(RAHIM)


@pytest.mark.parametrize(
    ("one", "other", "outcome"),
    [
        pytest.param(
            company("Nordlicht Solar GmbH", domain="nordlicht.test", town="Kiel"),
            company("Nordlicht Solar", domain="nordlicht.test"),
            "same",
            id="a-legal-form-is-no-part-of-a-name",
        ),
        pytest.param(
            company("Nordlicht Solar GmbH", domain="nordlicht.test"),
            company("Nordlicht Solar AB", domain="nordlicht.test"),
            "review",
            id="a-subsidiary-in-another-form",
        ),
        pytest.param(
            company("Padma Textiles Ltd", phone="+88029555012"),
            company("পদ্মা টেক্সটাইলস লিমিটেড", phone="+88029555012"),
            "same",
            id="another-script",
        ),
        pytest.param(
            company("Nordlicht Solar", town="Kiel", country="DE"),
            company("Nordlicht Pharma", town="Kiel", country="DE"),
            "different",
            id="one-word-of-two",
        ),
        pytest.param(
            company("The Nordlicht Solar GmbH", domain="nordlicht.test", town="Kiel"),
            company("Nordlicht Solar GmbH", domain="nordlicht.test"),
            "same",
            id="an-article-is-no-part-of-a-name",
        ),
        pytest.param(
            company("Nordlicht & Vara", phone="+493055512300", town="Kiel"),
            company("Nordlicht und Vara GmbH", phone="+493055512345"),
            "same",
            id="two-desks-of-one-house",
        ),
        pytest.param(
            company("Nordlicht Solar", domain="nordlicht.test", phone="+493055512300"),
            company("Nordlicht Solar", domain="nordlicht.test", phone="+463099988812"),
            "review",
            id="a-name-and-its-domain-but-another-phone",
        ),
        pytest.param(
            company("Nordlicht Solar", domain="nordlicht.test", town="Kiel", phone="+493055512300"),
            company("Nordlicht Solar Sweden", domain="nordlicht.test", town="Kiel", phone="+493055512300"),
            "review",
            id="a-daughter-in-the-same-house",
        ),
    ],
)
def test_two_companies_come_to_an_outcome(one: Profile, other: Profile, outcome: str) -> None:
    crowd = [company(f"{stranger['family'][0]} {stranger['given'][0]} {number % 90}", domain=f"f{number}.test",
                     town=f"Town {number % 50}", country="DE")
             for number, stranger in enumerate(CROWD)]  # fmt: skip
    ours = Scorer(shipped("company"), counted([*crowd, one, other]))

    assert ours.score(one, other).outcome == outcome
    assert ours.score(other, one).outcome == outcome


KIEL = {"town": "Kiel", "street": "12 Elm Street", "postcode": "24103"}


@pytest.mark.parametrize(
    ("name", "other", "where", "level", "conflict"),
    [
        ("Hafen Apotheke", "Hafen Apotheke Kiel", KIEL, "placed", ""),
        ("Hafen Apotheke", "Hafen Apotheke - Kiel", {"town": "Kiel"}, "placed", ""),
        ("Hafen Apotheke", "Hafen Apotheke Lübeck", KIEL, "part", ""),
        ("Hafen Apotheke Kiel", "Kiel Apotheke", KIEL, "part", ""),
        ("Burger Barn", "BURGER BARN #5787", KIEL, "placed", ""),
        ("Burger Barn #12", "BURGER BARN #57", KIEL, "member", "name"),
        ("Burger Barn", "BURGER BARN #57", {"town": "Kiel"}, "member", "name"),
        ("Lind Fund", "Lind Fund 12", KIEL, "member", "name"),
        ("Hafen Apotheke", "Hafen Apotheke", KIEL, "same", ""),
    ],
)
def test_what_a_name_tells_of_the_place_of_both_tells_nothing_of_who_they_are(
    name: str, other: str, where: dict[str, str], level: str, conflict: str
) -> None:
    one, two = company(name, **where), company(other, **where)
    crowd = [company(f"{stranger['family'][0]} {stranger['given'][0]}", town=f"Town {number % 50}")
             for number, stranger in enumerate(CROWD)]  # fmt: skip
    ours = Scorer(shipped("company"), counted([*crowd, one, two]))

    for scored in (ours.score(one, two), ours.score(two, one)):
        assert next(told.level for told in scored.evidence if told.field == "name") == level
        assert scored.conflict == conflict


def test_two_of_a_common_name_in_one_house_are_one() -> None:
    told = {"town": "Kiel", "street": "12 Elm Street"}
    hotels = [company("Hotel Bristol", town=f"Town {number % 50}", street=f"{number} Elm Street")
              for number in range(2000)]  # fmt: skip
    ours = Scorer(shipped("company"), counted([*hotels, company("Hotel Bristol", **told)]))

    def outcome(name: str, **other: str) -> str:
        return ours.score(company("Hotel Bristol", **told), company(name, **{**told, **other})).outcome

    assert outcome("Hotel Bristol") == "same"
    assert outcome("Hotel Bristol", street="14 Elm Street") != "same"
    assert outcome("Hotel Bristol", town="Lübeck") != "same"
    assert outcome("Hotel Post") == "different"


def test_a_row_in_the_common_form_becomes_a_profile() -> None:
    row = {
        "name": {"full": "Lind, Mara"},
        "name.variants": [{"full": "Мара Линд", "kind": "native"}],
        "emails": [{"address": "m.lind@gmail.com"}, {"address": "info@nordlicht.test"}],
        "phones": [{"number": "+49895550166"}, {"number": "+4989555", "type": "fax"}],
        "birth_date": "--03-04",
        "external_ids": [{"namespace": "shop", "value": "A 12"}],
    }

    assert of_row("person", row) == {
        "given": ("mara", "мара"),
        "family": ("lind", "линд"),
        "birth": ("0304",),
        "email": ("mlind@gmail.com",),
        "domain": ("nordlicht.test",),
        "phone": ("895550166",),
        "id": ("shop:a12",),
    }


def test_frequencies_may_come_from_anywhere() -> None:
    told = Counts(1_000_000, {"family": 1_000_000}, {"family": {"smith": 10_000}})

    assert told.rarity("family", "smith") == pytest.approx(6.64, abs=0.01)
    assert told.rarity("family", "quirrenbach") == pytest.approx(19.93, abs=0.01)
    assert told.rarity("title", "coo") == 0.0
    assert told.names("phone", "711555012") == 1


@pytest.mark.parametrize(
    ("part", "held", "told"),
    [
        ("version", 7, "version: 7 was found; this program reads version 1"),
        ("kind", "ship", "kind: 'ship' was found; one of person, company is allowed"),
        ("comparisons", {"given": {"how": "magic", "levels": {}}}, "comparisons.given.how: 'magic' was found"),
        ("identifiers", {"fax": 1}, "'fax' has no comparison"),
        ("thresholds", {}, "a part is missing"),
        ("conflicts", {"given.other": []}, "'given.other' is no level; there are: same"),
        ("doubts", {"given.same": -2}, "doubts: 'given' is none of names.of"),
        ("vetoes", ["given.same"], "vetoes: 'given' is none of names.of"),
    ],
)
def test_a_model_file_that_cannot_be_used_says_why(part: str, held: object, told: str) -> None:
    whole = {
        "version": 1,
        "kind": "person",
        "thresholds": {"same": 4, "review": 0},
        "comparisons": {"given": {"how": "given", "levels": {"same": {"bits": 1}}}},
        "identifiers": {},
        "shared": {"of": [], "at_most": 1},
        "alike": {"of": [], "rest": 0, "at_least": 0},
        "conflicts": {},
        "same_system": {"bits": -2},
        "blocks": [["given"]],
        "limits": {"block": 40, "cluster": 50, "diameter": 3},
    }
    assert read(whole).kind == "person"

    with pytest.raises(ModelError, match=told.replace("(", r"\(")):
        read({**whole, part: held})


def test_thresholds_of_the_file_decide() -> None:
    one, other = RAHIM, person("Rahim Uddin", phone="+8801711555012")
    strict = replace(shipped("person"), same=99.0)

    assert scorer(one, other, model=strict).score(one, other).outcome == "review"
