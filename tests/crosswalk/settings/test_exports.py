"""A folder of exports that nobody has described becomes streams that can be read as they stand."""

from collections.abc import Callable, Mapping
from pathlib import Path

import openpyxl
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.files.glimpse import Glimpse
from connectors.files.guess import path_of
from connectors.sdk.errors import SetupError
from crosswalk.app import open_hub
from crosswalk.settings.exports import Draft, drafts, name_of, suggested
from crosswalk.settings.init import FILE, starter
from tests.mapping.mapped import info, mapped, read

HUBSPOT = """\
"Record ID","First Name","Last Name","Email","Phone Number","Mobile Phone Number","Contact owner","Associated Company",\
"Street Address","City","Postal Code","Country/Region","Unsubscribed from all email","Last Modified Date"
101,Mara,Lind,mara@acme.test,+49 30 1234567,,Jo Ito,Acme GmbH,Hauptstr. 5,Berlin,10115,Germany,false,2026-11-01 10:00
102,Rahim,Uddin,rahim@padma.test,,+880 1711 555012,Jo Ito,Padma,,Dhaka,1205,Bangladesh,true,2026-11-02 11:00
"""
DYNAMICS = """\
(Do Not Modify) Contact,(Do Not Modify) Modified On,Full Name,Email,Company Name,Business Phone
0f1c5d5e-0000-ea11-a812-000d3a1b14a2,2026-11-01 10:00,Mara Lind,mara@acme.test,Acme GmbH,+49 30 1234567
1f1c5d5e-0000-ea11-a812-000d3a1b14a2,2026-11-01 10:00,Rahim Uddin,rahim@padma.test,Padma Ltd,
"""
KUNDEN = """\
Kundenliste;;;;;;
Stand 1.11.2026;;;;;;
Firma;Straße;PLZ;Ort;USt-IdNr.;Telefon;Webseite
Acme GmbH;Hauptstr. 5;10115;Berlin;DE123456789;030 1234567;acme.test
Beta AG;Weg 1;20095;Hamburg;DE987654321;040 7654321;www.beta.test
"""
MITGLIEDER = '''\
Mitgliedsnummer;Vorname;Nachname;E-Mail;E-Mail privat;Geburtsdatum;Tel. mobil;"Telefon ""alt"""
7;Anna;Meyer;anna@meyer.test;am@web.test;03.04.1985;+49 170 1234567;+49 30 7654321
8;Jo;Ito;jo@ito.test;;22.11.1990;;
'''


@pytest.fixture
def sketched(tmp_path: Path) -> Callable[..., list[Draft]]:
    """Drafts of files of these names and texts."""

    def sketch(files: Mapping[str, str]) -> list[Draft]:
        for name, text in files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
        return drafts(tmp_path)

    return sketch


def alone(found: list[Draft]) -> Draft:
    (one,) = found
    return one


def test_an_export_of_hubspot(sketched: Callable[..., list[Draft]]) -> None:
    one = alone(sketched({"hubspot-contacts.csv": HUBSPOT}))

    assert (one.stream, one.entity, one.key, one.modified) == (
        "hubspot_contacts", "person", "Record ID", "Last Modified Date",
    )  # fmt: skip
    assert one.mapping == {
        "name.given": "First Name",
        "name.family": "Last Name",
        "company_name": "Associated Company",
        "emails[work]": "Email",
        "phones[work]": "Phone Number",
        "phones[mobile]": "Mobile Phone Number",
        "addresses[mailing]": "@ | address(Street Address, City, -, Postal Code, Country/Region)",
        "consent[email.marketing]": "Unsubscribed from all email | optout(true)",
    }
    assert one.left == ["Contact owner"]
    assert not one.has_home_numbers


def test_a_person_has_a_name_beside_that_of_a_company(sketched: Callable[..., list[Draft]]) -> None:
    one = alone(sketched({"dynamics.csv": DYNAMICS}))

    assert (one.entity, one.key) == ("person", "(Do Not Modify) Contact")
    assert one.mapping["name.full"] == "Full Name"
    assert one.mapping["company_name"] == "Company Name"


def test_companies_under_a_title_with_numbers_of_home(sketched: Callable[..., list[Draft]]) -> None:
    one = alone(sketched({"kunden.csv": KUNDEN}))

    assert (one.entity, one.key) == ("company", "USt-IdNr.")
    assert one.mapping == {
        "name": "Firma",
        "phones[work]": "Telefon",
        "website": "Webseite",
        "registrations[vat]": '"USt-IdNr."',
        "addresses[mailing]": "@ | address(Straße, Ort, -, PLZ)",
    }
    assert one.has_home_numbers


def test_days_of_which_the_order_is_told_by_points(sketched: Callable[..., list[Draft]]) -> None:
    one = alone(sketched({"mitglieder.csv": MITGLIEDER}))

    assert one.key == "Mitgliedsnummer"
    assert one.dates == ["Geburtsdatum"]
    assert one.mapping["birth_date"] == "Geburtsdatum"
    assert one.mapping["emails[personal]"] == "E-Mail privat"
    assert one.mapping["phones[mobile]"] == '"Tel. mobil"'
    assert one.mapping["phones[work]"] == r'"Telefon \"alt\""'
    assert one.left == []


def test_a_house_number_in_a_column_of_its_own_stands_with_its_street(sketched: Callable[..., list[Draft]]) -> None:
    text = "id,name,street,house no,city,password changed,last updated\n1,Mara Lind,Weg,5,Bonn,{0},{0}\n"

    one = alone(sketched({"people.csv": text.format("2026-11-01 10:00")}))

    assert one.mapping["addresses[mailing]"] == "@ | address(street+house no, city)"
    assert (one.modified, one.left) == ("last updated", ["password changed"])


def test_of_a_day_between_strokes_nobody_knows_which_is_the_month(sketched: Callable[..., list[Draft]]) -> None:
    one = alone(sketched({"people.csv": "id,name,birthday\n1,Mara Lind,03/04/1985\n2,Jo Ito,22/11/1990\n"}))

    assert "birth_date" not in one.mapping
    assert one.left == ["birthday"]


@pytest.mark.parametrize(
    "text",
    [
        "Deal - ID,Deal - Title,Deal - Value,Deal - Organization\n1,Roof,300,Acme\n",
        "order id,customer name,quantity\n7,Mara Lind,2\n",
        "id,colour\n1,red\n",
    ],
    ids=["deals", "orders", "neither"],
)
def test_what_is_nobody_is_not_taken_for_somebody(text: str, sketched: Callable[..., list[Draft]]) -> None:
    one = alone(sketched({"rows.csv": text}))

    assert one.entity == ""
    assert all(line.lstrip().startswith("#") for line in one.lines())


def test_files_that_differ_by_a_day_are_one_stream(sketched: Callable[..., list[Draft]]) -> None:
    names = ["members-2026-10-31.csv", "members-2026-11-30.csv"]

    one = alone(sketched(dict.fromkeys(names, "id,name\n1,Mara Lind\n")))

    assert (one.stream, one.glimpse.pattern) == ("members", "members-*.csv")
    assert one.glimpse.names == names[::-1]


def test_a_pattern_takes_no_other_files(sketched: Callable[..., list[Draft]]) -> None:
    text = "id,name\n1,Mara Lind\n"

    found = sketched({"a-1.csv": text, "a-b.csv": text, "2026.csv": text, "2025.txt": text})

    assert [one.glimpse.pattern for one in found] == ["2025.txt", "2026.csv", "a-1.csv", "a-b.csv"]


def test_where_no_column_tells_the_rows_apart_a_person_has_to(sketched: Callable[..., list[Draft]]) -> None:
    one = alone(sketched({"people.csv": "name,city\nMara Lind,Berlin\nMara Lind,Berlin\n"}))

    assert one.key == ""
    assert any("# key:" in line for line in one.lines())


def test_a_number_of_a_telephone_is_no_key(sketched: Callable[..., list[Draft]]) -> None:
    one = alone(sketched({"people.csv": "name,phone number,e-mail\nMara,+49301,a@b.test\nJo,+49302,c@b.test\n"}))

    assert one.key == "e-mail"


def test_what_cannot_be_read_is_told(tmp_path: Path, sketched: Callable[..., list[Draft]]) -> None:
    (tmp_path / "old.xlsx").write_bytes(b"\xd0\xcf\x11\xe0")

    one = alone(sketched({}))

    assert "encrypted" in one.glimpse.fault
    assert list(one.lines()) == [f"      # old.xlsx {one.glimpse.fault}"]


def test_no_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(SetupError):
        drafts(tmp_path / "nowhere")


def test_all_of_it_is_read_as_it_stands(tmp_path: Path, sketched: Callable[..., list[Draft]]) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["ID", "Full name", "Email"], [1, "Mara Lind", "mara@acme.test"], [2, "Jo Ito", "jo@ito.test"]):
        sheet.append(row)
    book.save(folder / "people.xlsx")
    (folder / "lines.jsonl").write_text('{"id": 5, "name": "Anna Meyer", "contact": {"email": "anna@meyer.test"}}\n')
    texts = {"hubspot.csv": HUBSPOT, "dynamics.csv": DYNAMICS, "kunden.csv": KUNDEN, "mitglieder.csv": MITGLIEDER}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    found = drafts(folder)
    lines = [line for one in found for line in one.lines()]
    given = {"files": {"path": "./exports"}}
    written = starter(["files"], given=given, streams={"files": lines}, phone_region="DE")
    (tmp_path / FILE).write_text(written[FILE], encoding="utf-8")
    (tmp_path / "crosswalk.key").write_text(written["crosswalk.key"])

    with open_hub(tmp_path / FILE) as hub:
        assert hub.check()["exit_code"] == 0
        hub.sync()
        records = sum(one["records"] for one in hub.status()["streams"])
        database = hub.offline.database
        with database.read() as connection:
            letters = database.run(connection, "SELECT count(*) FROM dead_letter").fetchone()
            told = database.run(connection, "SELECT observed FROM body").fetchall()
    assert (records, tuple(letters or ())) == (11, (0,))
    seen = " ".join(bytes(row[0]).decode() for row in told)
    expected = ["+491701234567", "+49307654321", "+49301234567", "1985-04-03", "am@web.test", "DE123456789", "denied"]
    assert [value for value in expected if value not in seen] == []


SIGNS = list("ab .|\"[]{}(),@=?-/\\+*#:'%&é0<>!~_")


@given(st.text(st.sampled_from(SIGNS), min_size=1, max_size=8).map(lambda told: " ".join(told.split())).filter(bool))
@example("Tel. privat")
@example("-")
@example('"')
def test_a_column_of_any_name_is_read_as_it_is_written(column: str) -> None:
    draft = _named(column)
    written = yaml.safe_load("\n".join(draft.lines()))["rows"]["mapping"]

    assert written == {"description": draft.mapping["description"]}
    catalogue = [info(column, label=column, path=path_of(column))]
    alone = mapped(written, catalogue=catalogue)
    assert read(alone, {column: "hello"}) == {"description": {"text": "hello"}}


def _named(column: str) -> Draft:
    glimpse = Glimpse("rows.csv", ["rows.csv"], [column])
    return Draft("rows", glimpse, "person", "", {"description": name_of(column, glimpse)}, (), (), "", ())


@pytest.mark.parametrize(
    ("entity", "heading", "taken", "place"),
    [
        ("person", "Handy", ["name"], "phones[mobile]"),
        ("person", "Mobile Phone", ["phones[mobile]"], "phones[work]"),
        ("person", "Mobile Phone", ["phones"], None),
        ("person", "First Name", ["name"], None),
        ("person", "First Name", ["emails"], "name.given"),
        ("person", "Lead.Source", [], "lead_source"),
        ("person", "Last NPS", [], None),
        ("company", "VAT number", ["name"], "registrations[vat]"),
        ("company", "Website", ["website"], None),
        ("deal", "Notes", [], None),
    ],
)
def test_a_heading_tells_where_a_field_may_belong_whose_place_is_free(
    entity: str, heading: str, taken: list[str], place: str | None
) -> None:
    assert suggested(entity, heading, taken) == place
