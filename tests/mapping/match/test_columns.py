from collections.abc import Sequence

import pytest

from mapping.match.columns import (
    Columns,
    columns,
    field_of,
    holds,
    kind_of,
    of_addresses,
    of_names,
    of_sites,
    recognised,
)
from mapping.match.profile import Profile


def profile_of(plan: Columns, row: Sequence[str]) -> Profile:
    """Of one row of cells, as readers say that they are to be read."""
    found: dict[str, tuple[str, ...]] = {}
    for reader in plan.readers:
        if any(row[at] for at in reader.unless):
            continue
        for field, values in zip(reader.fields, reader.read([row[at] for at in reader.places]), strict=True):
            if values:
                found.setdefault(field, values)
    return found


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("given_name", "name.given"),
        ("First Name", "name.given"),
        ("firstName", "name.given"),
        ("surname", "name.family"),
        ("Full name", "name"),
        ("date_of_birth", "birth_date"),
        ("DOB (dd/mm/yyyy)", "birth_date"),
        ("street_number", "addresses.number"),
        ("address_1", "addresses.lines"),
        ("suburb", "addresses.locality"),
        ("Post Code", "addresses.postal_code"),
        ("ZIP", "addresses.postal_code"),
        ("state", "addresses.region"),
        ("soc_sec_id", "external_ids"),
        ("Mitgliedsnummer", "external_ids"),
        ("Kunden-Nr.", "external_ids"),
        ("N° client", "external_ids"),
        ("employee_no", "external_ids"),
        ("telefoon", "phones"),
        ("GSM", "phones"),
        ("tel_kom", "phones"),
        ("data_ur", "birth_date"),
        ("postnr", "addresses.postal_code"),
        ("gatuadress", "addresses.lines"),
        ("village", "addresses.locality"),
        ("house", "addresses.number"),
        ("practice_name", "company_name"),
        ("Phone (mobile)", "phones"),
        ("HomePhone", "phones"),
        ("contact_email", "emails"),
        ("e-mail 2", "emails"),
        ("organisation", "company_name"),
        ("Company Name", "company_name"),
        ("Job Title", "job_title"),
        ("Website URL", "website"),
        ("domain", "domains"),
        ("Country", "addresses.country"),
        ("VAT number", "registrations"),
        ("E-Mails", "emails"),
        ("D.O.B.", "birth_date"),
        ("Patient's name", "name"),
        ("res_zip_code", "addresses.postal_code"),
        ("姓名", "name"),
        ("メールアドレス", "emails"),
        ("Фамилия", "name.family"),
        ("Förnamn", "name.given"),
        ("address.street", "addresses.lines"),
        ("cust_name", "name"),
        ("ship_name", "name"),
        ("Recipient e-mail", "emails"),
        ("delivery address", "addresses.lines"),
        ("name_sufx_cd", "name.suffix"),
        ("Soyadı", "name.family"),
        ("Apellido materno", "name.family"),
        ("CEP", "addresses.postal_code"),
        ("Irányítószám", "addresses.postal_code"),
        ("Miejscowość", "addresses.locality"),
        ("Morada", "addresses.lines"),
        ("Straat", "addresses.lines"),
        ("Telemóvel", "phones"),
        ("Handynr.", "phones"),
        ("KVK nummer", "registrations"),
        ("account number", None),
        ("account_no", None),
        ("blood_group", None),
        ("owner_email", None),
        ("employer_city", None),
        ("employer_name", "company_name"),
        ("mailing_address_street_name", "addresses.lines"),
        ("emergency contact phone", None),
        ("email_opt_in", None),
        ("ip address", None),
        ("birth city", None),
    ],
)
def test_a_heading_tells_its_field(heading: str, field: str | None) -> None:
    assert field_of(heading) == field


@pytest.mark.parametrize(
    ("fields", "names", "kind"),
    [
        (["name.given", "company_name"], [], "person"),
        (["company_name", "website"], [], "company"),
        (["name", "addresses.locality"], ["Nordlicht GmbH", "Padma Ltd", "Acme"], "company"),
        (["name", "emails"], ["Mara Lindqvist", "Rahim Uddin"], "person"),
        (["name", "addresses.locality"], ["Cafe Bizou", "Campanile", "Art's Delicatessen"], "company"),
    ],
)
def test_columns_tell_whether_they_are_of_people(fields: list[str], names: list[str], kind: str) -> None:
    assert kind_of(fields, names) == kind


def test_a_title_is_a_name_where_nothing_else_is() -> None:
    assert recognised(["title", "address", "phone"])[0] == "name"
    assert recognised(["name", "title", "phone"])[1] == "job_title"
    assert recognised(["title", "address"], {"title": "job_title"})[0] == "job_title"


def test_father_and_son_are_told_apart_by_a_suffix_or_by_what_stands_behind_the_name() -> None:
    def told(headings: list[str], cells: list[str]) -> tuple[str, ...]:
        return profile_of(columns("person", recognised(headings), headings=headings), cells).get("generation", ())

    apart = ["first name", "last name", "suffix"]
    assert told(apart, ["John", "Smith", "JR"]) == told(["name"], ["John Smith Jr."]) == ("2",)
    assert told(apart, ["John", "Smith III", ""]) == ("3",)
    assert told(apart, ["John", "Smith", "PhD"]) == ()
    assert told(["first name", "last name"], ["Junior", "Senior"]) == ()


def test_a_day_that_programs_make_of_nothing_is_no_birthday() -> None:
    assert _read("birth", "birthday", "1900-01-01") == ()
    assert _read("birth", "birthday", "1901-01-02") == ("19010102",)


def test_a_column_that_only_companies_have_tells_that_they_are_companies() -> None:
    assert kind_of(["name"], ["Campanile", "Padma"], ["name", "Number of employees"]) == "company"


@pytest.mark.parametrize(
    ("field", "cells", "fits"),
    [
        ("emails", ["mara@lind.test", "", "n/a"], True),
        ("emails", ["yes", "no", "yes"], False),
        ("phones", ["089 555 0166", "verified"], True),
        ("phones", ["yes", "1"], False),
        ("name.given", ["101", "102"], False),
        ("job_title", ["whatever"], True),
        ("job_title", ["Mr", "Mrs.", "", "Prof. Dr."], False),
        ("job_title", ["Dr", "Head of Sales", "Nurse"], True),
        ("emails", ["", "-"], True),
    ],
)
def test_cells_say_whether_the_heading_is_right(field: str, cells: list[str], fits: bool) -> None:
    assert holds(field, cells) is fits


def test_addresses_are_known_without_a_heading_unless_they_are_somebody_else_s() -> None:
    assert of_addresses("login", ["mara@lind.test", "rahim@padma.test", ""])
    assert not of_addresses("account manager", ["mara@lind.test"])
    assert not of_addresses("login", ["mara", "rahim@padma.test"])


@pytest.mark.parametrize(
    ("heading", "cells", "found"),
    [
        ("customer", ["Mara Lindqvist", "R. Uddin", "", "陈芳", "রহিম উদ্দিন"], True),
        ("Kunde", ["Mara Lindqvist", "Tom Berg"], True),
        ("customer", ["C-1001", "C-1002", "C-1003"], False),
        ("customer", ["1001", "1002"], False),
        ("member", ["gold", "silver"] * 40, False),
        ("customer segment", ["Mara Lindqvist", "Tom Berg"], False),
        ("customer", ["", "-"], False),
    ],
)
def test_who_a_table_is_about_is_a_name_where_the_cells_are_names(heading: str, cells: list[str], found: bool) -> None:
    assert of_names(heading, cells) is found


def test_cells_of_several_columns_become_one_field() -> None:
    headings = ["full name", "first name", "mobile", "phone", "street_number", "address", "email"]
    plan = columns("person", recognised(headings), headings=headings)
    row = ["Lind, Mara", "", "+49 89 555-0166", "089 5550166; 0171 2345678", "12", "Elm Street", "m.l77123@gmx.de"]

    assert profile_of(plan, row) == {
        "given": ("mara",),
        "family": ("lind",),
        "email": ("m.l77123@gmx.de",),
        "handle": ("m.l77123",),
        "phone": ("895550166", "712345678"),
        "street": ("12 elm st",),
    }


@pytest.mark.parametrize(
    "cell",
    [
        "mara@lind.test",
        " MARA@LIND.TEST ".strip(),
        "mailto:mara@lind.test",
        "Mara Lindqvist <mara@lind.test>",
        "n.n., mara@lind.test",
        "mara+nps@lind.test",
    ],
)
def test_an_address_is_found_in_whatever_stands_around_it(cell: str) -> None:
    assert _read("email", "mail", cell) == ("mara@lind.test",)


def test_several_addresses_of_a_cell_are_several() -> None:
    assert _read("email", "mail", "a@lind.test b@lind.test / c@lind.test") == (
        "a@lind.test",
        "b@lind.test",
        "c@lind.test",
    )


@pytest.mark.parametrize("number", ["0000000000", "1234567890", "+1 234 567 8901", "9876543210"])
def test_what_is_typed_where_a_number_is_demanded_is_none(number: str) -> None:
    assert _read("phone", "phone", number) == ()


def test_a_whole_name_is_asked_only_where_its_parts_say_nothing() -> None:
    headings = ["first name", "last name", "full name"]
    plan = columns("person", recognised(headings), headings=headings)

    assert profile_of(plan, ["", "Lind", "Mara Berg"]) == {"family": ("lind",)}
    assert profile_of(plan, ["", "", "Mara Berg"]) == {"given": ("mara",), "family": ("berg",)}
    assert profile_of(plan, ["Tom", "Lind", "Mara Berg Jr."])["generation"] == ("2",)


def _read(field: str, heading: str, cell: str) -> tuple[str, ...]:
    return profile_of(columns("person", recognised([heading]), headings=[heading]), [cell]).get(field, ())


def test_a_street_may_be_told_by_its_last_word_where_no_other_column_is_one() -> None:
    assert recognised(["name", "practice_street", "practice_city"])[1] == "addresses.lines"
    assert 1 not in recognised(["name", "practice_street", "street"])
    assert {1, 2}.isdisjoint(recognised(["name", "practice_street", "court_street"]))
    assert 1 not in recognised(["name", "ip_address"])


def test_cells_of_sites_are_no_names_of_firms() -> None:
    sites = ["https://best.example/a", "www.best.example", "", "http://fair.example"]

    assert not holds("company_name", sites)
    assert of_sites("merchant_url", sites)
    assert not of_sites("owner_url", sites)
    assert not of_sites("merchant", ["Best Florist", "www.best.example"])


@pytest.mark.parametrize(
    ("cell", "ids"),
    [
        ("https://www.linkedin.com/in/Mara-Lind-12/", ("page:linkedin.com/in/mara-lind-12",)),
        ("de.linkedin.com/in/mara-lind-12?trk=x", ("page:linkedin.com/in/mara-lind-12",)),
        ("https://www.linkedin.com/company/lind", ()),
        ("https://lind.test/mara", ()),
    ],
)
def test_a_page_that_is_somebodys_own_is_an_id_of_a_person(cell: str, ids: tuple[str, ...]) -> None:
    person = columns("person", {0: "website", 1: "name"}, headings=["profile", "name"])
    company = columns("company", {0: "website", 1: "name"}, headings=["profile", "name"])

    assert profile_of(person, [cell, "Mara Lind"]).get("id", ()) == ids
    assert "id" not in profile_of(company, [cell, "Lind"])


def test_a_county_stands_for_a_town_that_no_column_tells() -> None:
    alone = columns("person", {0: "name", 1: "addresses.region"}, headings=["name", "county_desc"])
    beside = columns(
        "person", {0: "name", 1: "addresses.region", 2: "addresses.locality"}, headings=["name", "county", "town"]
    )

    assert field_of("county_desc") == "addresses.region"
    assert profile_of(alone, ["Mara Lind", "WAKE"])["locality"] == ("wake",)
    assert profile_of(beside, ["Mara Lind", "WAKE", "Cary"])["locality"] == ("cary",)
