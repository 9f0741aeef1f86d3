import pytest

from mapping.match.columns import columns, digits_of_day, field_of, kind_of, months_first, recognised


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
        ("blood_group", None),
    ],
)
def test_a_heading_tells_its_field(heading: str, field: str | None) -> None:
    assert field_of(heading) == field


@pytest.mark.parametrize(
    ("cell", "digits"),
    [
        ("1985-03-04", "19850304"),
        ("1985-03-04T00:00:00Z", "19850304"),
        ("19850304", "19850304"),
        ("04.03.1985", "19850304"),
        ("3/24/1985", "19850324"),
        ("4 March 1985", "19850304"),
        ("Mar 4, 1985", "19850304"),
        ("4.3.85", "19850304"),
        ("1985", "1985"),
        ("19850304.0", "19850304"),
        ("none", ""),
    ],
)
def test_days_come_in_many_forms(cell: str, digits: str) -> None:
    assert digits_of_day(cell) == digits


def test_a_column_tells_whether_months_stand_first() -> None:
    assert months_first(["1/2/1985", "3/24/1985"])
    assert not months_first(["1/2/1985", "24/3/1985"])
    assert digits_of_day("1/2/1985", months_first=True) == "19850102"


@pytest.mark.parametrize(
    ("fields", "names", "kind"),
    [
        (["name.given", "company_name"], [], "person"),
        (["company_name", "website"], [], "company"),
        (["name", "addresses.locality"], ["Nordlicht GmbH", "Padma Ltd", "Acme"], "company"),
        (["name", "emails"], ["Mara Lindqvist", "Rahim Uddin"], "person"),
    ],
)
def test_columns_tell_whether_they_are_of_people(fields: list[str], names: list[str], kind: str) -> None:
    assert kind_of(fields, names) == kind


def test_cells_of_several_columns_become_one_field() -> None:
    headings = ["full name", "first name", "mobile", "phone", "street_number", "address", "email"]
    plan = columns("person", recognised(headings), headings=headings)
    row = ["Lind, Mara", "", "+49 89 555-0166", "089 5550166; 0171 2345678", "12", "Elm Street", "m.l77123@gmx.de"]

    profile = {
        field: values
        for one in plan.readers
        for field, values in zip(one.fields, one.read([row[at] for at in one.places]), strict=True)
    }

    assert profile == {
        "given": ("mara",),
        "family": ("lind",),
        "email": ("m.l77123@gmx.de",),
        "handle": ("m.l77123",),
        "domain": (),
        "phone": ("895550166", "712345678"),
        "street": ("12 elm st",),
    }
