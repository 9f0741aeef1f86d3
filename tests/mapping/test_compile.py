"""What a compiled mapping reads, writes, refuses and tells."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from mapping.language import Line, Place
from mapping.values import ABSENT
from tests.mapping.mapped import BERLIN, Info, faults_of, info, lines, mapped, read, write

SLOTS = {
    "phones[work]": "Phone | phone",
    "phones[mobile]": "MobilePhone | phone",
    "phones[fax]": "Fax | phone",
}
PARTS = {"*name.family": "LastName | name", "name.given": "FirstName | name", "-name.full": "Name | name"}


# -- three states and a fault -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "value"),
    [
        pytest.param({}, ABSENT, id="a-missing-key-is-absent"),
        pytest.param({"Title": None}, None, id="null-is-cleared"),
        pytest.param({"Title": "  "}, None, id="blanks-are-cleared"),
        pytest.param({"Title": " COO "}, "COO", id="a-value"),
    ],
)
def test_a_field_is_absent_cleared_or_has_a_value(row: dict[str, Any], value: Any) -> None:
    assert read(mapped({"job_title": "Title"}), row) == {"job_title": value}


def test_a_stream_may_say_that_what_is_missing_is_cleared() -> None:
    mapping = mapped({"missing": "cleared", "job_title": "Title", "custom.deep": "a.b"})

    assert read(mapping, {}) == {"job_title": None, "custom.deep": None}
    assert read(mapping, {"a": {}}) == {"job_title": None, "custom.deep": None}


def test_what_stands_in_an_emptied_object_is_cleared() -> None:
    mapping = mapped({"custom.deep": "a.b"})

    rows: list[dict[str, Any]] = [{"a": None}, {}, {"a": {}}, {"a": {"b": 1}}]
    assert [read(mapping, row)["custom.deep"] for row in rows] == [None, ABSENT, ABSENT, "1"]


def test_a_fault_is_of_its_field_alone_and_the_field_counts_as_absent() -> None:
    mapping = mapped({"birth_date": "Born", "job_title": "Title"})

    values, faults = mapping.read({"Born": "next Tuesday", "Title": "COO"})

    assert values == [ABSENT, "COO"]
    assert [tuple(fault) for fault in faults] == [("birth_date", "Born", "date or part of one", "next Tuesday")]


def test_of_a_list_only_the_element_is_set_aside() -> None:
    mapping = mapped({"phones": "phones | phones(value, label, primary)"})
    raw = [{"value": "call me", "label": "work"}, {"value": "089 5550166", "label": "home", "primary": True}]

    values, faults = mapping.read({"phones": raw})

    assert values == [[{"number": "+49895550166", "type": "home", "primary": True}]]
    assert [(fault.field, fault.got) for fault in faults] == [("phones", "call me")] or faults[0].got == raw[0]


def test_a_list_in_which_nothing_is_understood_is_not_cleared() -> None:
    mapping = mapped(SLOTS)

    assert mapping.read({"Phone": "call me", "Fax": None})[0] == [ABSENT]
    assert mapping.read({"Phone": None, "Fax": None})[0] == [None]
    assert mapped({"emails": "emails | emails(value)"}).read({"emails": [{"value": "x"}]})[0] == [ABSENT]


def test_a_unit_with_a_part_that_cannot_be_understood_is_absent_as_a_whole() -> None:
    mapping = mapped({"addresses[home]": "@ | address(street, city, region, zip, country)"})

    values, faults = mapping.read({"city": "Berlin", "country": "Nowhere at all"})

    assert (values, len(faults)) == ([ABSENT], 1)


def test_one_faulty_claim_leaves_the_others_standing() -> None:
    mapping = mapped(
        {"key": "id", "respondent.email": "mail", "respondent.full": "who"}, kind="response", stream="answers"
    )

    values, faults = mapping.read({"id": 1, "mail": "no address", "who": "Mara"})

    assert dict(zip(mapping.fields, values, strict=True))["respondent"] == {"full": "Mara"}
    assert [fault.field for fault in faults] == ["respondent"]


# -- sources ------------------------------------------------------------------------------------------------------


def test_the_first_alternative_with_a_value_is_taken() -> None:
    mapping = mapped({"job_title": "a ?? b"})

    rows: list[dict[str, Any]] = [{"a": "x", "b": "y"}, {"a": "", "b": "y"}, {"a": None}, {"b": None}, {}]
    assert [read(mapping, row)["job_title"] for row in rows] == ["x", "y", None, None, ABSENT]


def test_each_alternative_may_have_functions_of_its_own() -> None:
    mapping = mapped({"start": "From | when | unless(AllDay=true) ?? Day | day"}, kind="activity", stream="events")

    timed = {"From": "2026-11-22T16:02:00Z", "Day": "2026-11-22", "AllDay": False}
    assert read(mapping, timed)["start"] == "2026-11-22T16:02:00.000Z"
    assert read(mapping, {**timed, "AllDay": True})["start"] == "2026-11-22"


def test_a_flat_column_named_like_a_path_answers_it() -> None:
    mapping = mapped({"company_name": "Account.Name"})

    assert read(mapping, {"Account.Name": "Nordlicht"}) == {"company_name": "Nordlicht"}
    assert read(mapping, {"Account": {"Name": "Nordlicht"}}) == {"company_name": "Nordlicht"}


def test_a_path_is_first_a_whole_name_then_a_label_then_cut_at_its_dots() -> None:
    catalogue = [
        info("Tel. privat", label="Tel. privat", path='"Tel. privat"'),
        info("a3f1", label="Kundenstufe", path="custom_fields.a3f1"),
        info("owner", "json"),
        info("hidden.contact_id", path="hidden.contact_id"),
    ]
    mapping = mapped(
        {"phones[home]": "Tel. privat | phone", "custom.tier": "Kundenstufe", "custom.boss": "owner.name.first",
         "external_ids[crm]": "hidden.contact_id"},
        catalogue=catalogue,
    )  # fmt: skip
    row = {"Tel. privat": "030 123456", "custom_fields": {"a3f1": "Gold"}, "owner": {"name": {"first": "Ito"}},
           "hidden": {"contact_id": 7}}  # fmt: skip

    assert read(mapping, row) == {
        "phones": [{"number": "+4930123456", "type": "home"}],
        "custom.tier": "Gold",
        "custom.boss": "Ito",
        "external_ids": [{"namespace": "crm", "value": "7"}],
    }
    assert [mapping.label(at) for at in range(3)] == ["Tel. privat", "Kundenstufe", "owner.name.first"]


@pytest.mark.parametrize("path", ["Tel. privat", '"Tel. privat"'])
def test_the_dot_of_a_column_with_a_blank_behind_it_leads_nowhere(path: str) -> None:
    mapping = mapped({"phones[home]": '"Tel. privat"'}, catalogue=[info("Tel. privat", path=path)])

    assert read(mapping, {"Tel. privat": "030 123456"})["phones"] == [{"number": "+4930123456", "type": "home"}]


def test_an_element_of_a_list_is_picked_by_a_key() -> None:
    mapping = mapped({"phones[work]": "phones[label=work].value | phone"})
    row = {"phones": [{"label": "home", "value": "1"}, {"label": "work", "value": "089 5550166"}]}

    assert read(mapping, row)["phones"] == [{"number": "+49895550166", "type": "work"}]
    assert read(mapping, {"phones": []}) == {"phones": None}
    assert write(mapping, row, phones=[{"number": "+49895550177"}]) == {
        "phones": [{"label": "home", "value": "1"}, {"label": "work", "value": "+49895550177"}]
    }


def test_a_constant_stands_in_every_row() -> None:
    assert read(mapped({"-kind": '="note"'}, kind="activity", stream="notes"), {})["kind"] == "note"


# -- lists and units ----------------------------------------------------------------------------------------------


def test_slots_gather_into_one_set_and_a_number_that_stands_twice_is_one() -> None:
    row = {"Phone": "+49 89 5550166", "MobilePhone": "0895550166", "Fax": "089 5550199"}

    assert read(mapped(SLOTS), row)["phones"] == [
        {"number": "+49895550166", "type": "work"},
        {"number": "+49895550199", "type": "fax"},
    ]


def test_a_line_may_tell_a_part_of_the_element_of_another() -> None:
    mapping = mapped(
        {
            "emails[work]": "Email",
            "-emails[work].status": "Bounced | filled(bounced_hard, ok)",
            "consent[email.marketing]": "OptOut | optout(true)",
            "-consent[email.marketing].captured_at": "Since | at",
        }
    )

    row = read(mapping, {"Email": "m@x.test", "Bounced": "2026", "OptOut": True, "Since": "2026-01-02T00:00:00Z"})

    assert row["emails"] == [{"address": "m@x.test", "type": "work", "status": "bounced_hard"}]
    assert row["consent"] == [
        {"channel": "email", "purpose": "marketing", "status": "denied", "captured_at": "2026-01-02T00:00:00.000Z"}
    ]


@pytest.mark.parametrize(
    ("row", "full"),
    [
        ({"FirstName": "Mara", "LastName": "Lind"}, "Mara Lind"),
        ({"FirstName": "太郎", "LastName": "山田"}, "山田太郎"),
        ({"LastName": "Sukarno"}, "Sukarno"),
        ({"FirstName": "Mara", "LastName": "Lind", "Name": "Dr Mara Lind"}, "Dr Mara Lind"),
    ],
)
def test_a_name_in_parts_has_a_full_form(row: dict[str, Any], full: str) -> None:
    assert read(mapped(PARTS), row)["name"]["full"] == full


def test_an_address_stands_in_columns_or_in_an_object() -> None:
    columns = mapped({"addresses[mailing]": "@ | address(Street, City, State, Zip, Country)"})
    whole = mapped(
        {"addresses[billing]": "address | address(route+number, city, region, zip, country, value)"},
        kind="company", stream="organizations", catalogue=[info("address", "address")],
    )  # fmt: skip

    assert read(columns, {"Street": "Hauptstr. 5\r\nHof", "City": "Berlin", "Country": "Germany"})["addresses"] == [
        {"lines": ["Hauptstr. 5", "Hof"], "locality": "Berlin", "country": "DE", "type": "mailing"}
    ]
    # A part that is not there, and one under a name with signs of the language.
    short = mapped({"addresses[mailing]": '@ | address("Street, No + Door", City, -, Zip)'},
                   catalogue=[info("Street, No + Door"), info("City"), info("Zip")])  # fmt: skip
    assert read(short, {"Street, No + Door": "Hauptstr. 5", "City": "Berlin", "Zip": "10115"})["addresses"] == [
        {"lines": ["Hauptstr. 5"], "locality": "Berlin", "postal_code": "10115", "type": "mailing"}
    ]
    row = {"address": {"route": "Hauptstr.", "number": "5", "city": "Berlin", "value": "Hauptstr. 5, Berlin"}}
    assert read(whole, row)["addresses"] == [{"lines": ["Hauptstr. 5"], "locality": "Berlin", "type": "billing"}]
    assert read(whole, {"address": {"route": None, "value": "Hauptstr. 5, Berlin"}})["addresses"] == [
        {"formatted": "Hauptstr. 5, Berlin", "type": "billing"}
    ]


def test_money_takes_its_currency_from_a_field_from_the_account_or_from_itself() -> None:
    mapping = mapped(
        {"amount": "value | money(currency)", "amount_home": "home | money(account)", "custom.budget": "Budget"},
        kind="deal", stream="deals",
        catalogue=[info("value", "number"), info("currency"), info("home", "number"), info("Budget", "money")],
    )  # fmt: skip
    row = {"value": Decimal("12000.50"), "currency": "usd", "home": 5, "Budget": {"value": 7, "currency": "JPY"}}

    assert read(mapping, row) == {
        "amount": {"amount": "12000.5", "currency": "USD"},
        "amount_home": {"amount": "5", "currency": "EUR"},
        "custom.budget": {"amount": "7", "currency": "JPY"},
    }


def test_a_reference_is_a_list_of_stream_and_id() -> None:
    mapping = mapped(
        {
            "owned_by": "owner | ref(users)",
            "about[subject]": "deal_id | ref(deals)",
            "about[participant]": "person_id | ref(persons)",
        },
        kind="activity",
        stream="activities",
    )

    assert read(mapping, {"owner": {"id": 7}, "deal_id": 9001, "person_id": "501"}) == {
        "owned_by": [{"stream": "users", "id": "7"}],
        "about": [
            {"stream": "deals", "id": "9001", "role": "subject"},
            {"stream": "persons", "id": "501", "role": "participant"},
        ],
    }


def test_labels_and_ids_of_options_are_told_apart_by_the_catalogue() -> None:
    options = [("3", "Customer"), ("4", "Prospect")]
    mapping = mapped(
        {"tags": "label_ids | option", "segment": "Segment", "lifecycle_stage": "Stage | map(lifecycle_stage)"},
        catalogue=[info("label_ids", "multi", options=options), info("Segment", "choice", options=options),
                   info("Stage", "choice", options=[("10", "Lead"), ("11", "Customer")])],
    )  # fmt: skip

    assert read(mapping, {"label_ids": [4, 3], "Segment": 4, "Stage": 11}) == {
        "tags": ["Customer", "Prospect"], "segment": "Prospect", "lifecycle_stage": "customer",
    }  # fmt: skip
    assert write(mapping, None, tags=["Prospect"], segment="customer", lifecycle_stage="lead") == {
        "label_ids": [4], "Segment": 3, "Stage": 10,
    }  # fmt: skip
    assert mapping.read({"Segment": 99})[1][0].want == "option of this field"
    assert write(mapping, {"Segment": 3}, segment="VIP", lifecycle_stage="advocate") == {}


def test_a_word_without_a_code_is_other_with_its_word_and_is_never_written() -> None:
    mapping = mapped({"lead_status": "Status | map(lead_status)"})

    assert read(mapping, {"Status": "Waiting for the moon"}) == {
        "lead_status": {"code": "other", "raw": "Waiting for the moon"}
    }
    assert write(mapping, {"Status": "x"}, lead_status={"code": "other", "raw": "y"}) == {}
    assert write(mapping, {"Status": "x"}, lead_status="new") == {"Status": "Open - Not Contacted"}


@pytest.mark.parametrize(
    ("unmapped", "value", "faults"),
    [("dead_letter", ABSENT, 1), ("keep", {"code": "other", "raw": "VIP"}, 0), ("empty", None, 0)],
)
def test_values_of_the_long_form_say_what_becomes_of_a_word_that_they_lack(
    unmapped: Any, value: Any, faults: int
) -> None:
    told = lines({"lifecycle_stage": "Stufe"}, values={"Interessent": "lead", "Kunde": "customer"}, unmapped=unmapped)
    mapping = mapped(told)

    assert read(mapping, {"Stufe": "kunde"}) == {"lifecycle_stage": "customer"}
    found, told_faults = mapping.read({"Stufe": "VIP"})
    assert (found, len(told_faults)) == ([value], faults)
    assert write(mapping, {"Stufe": "Kunde"}, lifecycle_stage="lead") == {"Stufe": "Interessent"}


def test_values_of_the_long_form_go_for_each_of_several_choices() -> None:
    options = [("3", "Kunde"), ("4", "Partner")]
    mapping = mapped(
        lines({"tags": "Labels"}, values={"Kunde": "customer", "Partner": "partner"}),
        catalogue=[info("Labels", "multi", options=options)],
    )

    assert read(mapping, {"Labels": [4, 3]}) == {"tags": ["customer", "partner"]}
    assert write(mapping, {"Labels": [3]}, tags=["customer", "partner"]) == {"Labels": [3, 4]}


# -- consent ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "raw", "status"),
    [
        ("X | optout(true)", True, "denied"),
        ("X | optout(true)", False, None),
        ("X | optout(1)", "1", "denied"),
        ("X | consent(ja, nein)", "Ja", "granted"),
        ("X | consent(ja, nein)", "nein", "denied"),
        ("X | consent(ja, nein)", "", None),
        ("X | consent(consent)", "unsubscribed", "withdrawn"),
        ("X | consent(consent)", "no_consent", None),
        ("X | consent(consent)", "pending", "pending"),
    ],
)
def test_a_box_that_is_not_ticked_says_nothing(expression: str, raw: Any, status: str | None) -> None:
    found = read(mapped({"consent[email.marketing]": expression}), {"X": raw})["consent"]

    assert found == (status and [{"channel": "email", "purpose": "marketing", "status": status}])


@pytest.mark.parametrize(
    ("expression", "over", "status", "written"),
    [
        ("X | optout(true)", False, "denied", {"X": True}),
        ("X | optout(true)", True, "granted", {}),
        ("X | optout(true)", True, None, {}),
        ("X | consent(ja, nein)", "ja", "withdrawn", {"X": "nein"}),
        ("X | consent(ja, nein)", "nein", "granted", {}),
        ("X | consent(consent)", "subscribed", "denied", {"X": "unsubscribed"}),
        ("X | consent(consent)", "unsubscribed", "denied", {}),
        ("X | consent(consent)", "unsubscribed", "granted", {}),
    ],
)
def test_denials_are_written_and_grants_never(expression: str, over: Any, status: str | None, written: Any) -> None:
    mapping = mapped({"consent[email.marketing]": expression})
    wanted = status and [{"channel": "email", "purpose": "marketing", "status": status}]

    assert write(mapping, {"X": over}, consent=wanted) == written


# -- writing ------------------------------------------------------------------------------------------------------


def test_a_spelling_of_the_side_is_kept_while_it_says_the_same() -> None:
    mapping = mapped({**SLOTS, "emails[work]": "Email", "job_title": "Title", "custom.n": "N | decimal"})
    row = {"Phone": "089 / 555 01 66", "Email": " Mara@X.Test", "Title": "COO ", "N": "12.50"}

    assert write(
        mapping, row, phones=[{"number": "+49895550166", "type": "work"}],
        emails=[{"address": "mara@x.test", "type": "work"}], job_title="COO", **{"custom.n": "12.5"},
    ) == {}  # fmt: skip


def test_a_slot_is_never_emptied_to_make_room() -> None:
    mapping = mapped(SLOTS)
    row = {"Phone": "089 5550166", "MobilePhone": None, "Fax": None}
    kept = {"number": "+49895550166", "type": "work"}
    new = {"number": "+49895550177", "type": "work", "primary": True}

    assert write(mapping, row, phones=[kept, new]) == {}
    assert mapping.shown(0, [kept, new], over=row) == [kept]
    assert write(mapping, row, phones=[new]) == {"Phone": "+49895550177"}
    assert write(mapping, row, phones=None) == {"Phone": None}


def test_slots_are_filled_by_preference_then_type() -> None:
    mapping = mapped(SLOTS)
    wanted = [
        {"number": "+49895550101", "type": "home"},
        {"number": "+49895550102", "type": "main", "primary": True},
        {"number": "+49895550103", "type": "work"},
        {"number": "+491701234567", "type": "mobile"},
        {"number": "+49895550199", "type": "fax"},
    ]

    assert write(mapping, None, phones=wanted) == {
        "Phone": "+49895550102", "MobilePhone": "+491701234567", "Fax": "+49895550199",
    }  # fmt: skip


def test_a_number_that_is_not_understood_is_left_where_it_is() -> None:
    assert write(mapped(SLOTS), {"Phone": "call me", "Fax": None}, phones=None) == {}


def test_a_list_is_written_whole_with_what_is_not_ours() -> None:
    mapping = mapped({"emails": "emails | emails(value, label, primary)"})
    row = {
        "emails": [
            {"value": "Mara@X.test", "label": "work", "primary": True, "id": 7},
            {"value": "(none)", "label": "old"},
            {"value": "gone@x.test", "label": "home"},
        ]
    }
    wanted = [
        {"address": "mara@x.test", "type": "work"},
        {"address": "new@x.test", "type": "personal", "primary": True},
    ]

    assert write(mapping, row, emails=wanted) == {
        "emails": [
            {"value": "Mara@X.test", "label": "work", "primary": False, "id": 7},
            {"value": "(none)", "label": "old", "primary": False},
            {"value": "new@x.test", "label": "home", "primary": True},
        ]
    }
    assert write(mapping, row, emails=None) == {"emails": [{"value": "(none)", "label": "old"}]}


@pytest.mark.parametrize(
    ("over", "wanted", "written"),
    [
        pytest.param(None, {"full": "Sukarno"}, {"LastName": "Sukarno"}, id="a-mononym-fills-what-is-demanded"),
        pytest.param(
            {"FirstName": "Mara", "LastName": "Lind"}, {"full": "Sukarno"}, {"FirstName": None, "LastName": "Sukarno"},
            id="and-empties-the-rest",
        ),
        pytest.param(None, {"full": "Mara", "given": "Mara"}, {"LastName": "Mara"}, id="given-alone-fills-it-too"),
        pytest.param(
            None, {"full": "Vincent van Gogh"}, {"FirstName": "Vincent", "LastName": "van Gogh"}, id="parts-are-split"
        ),
        pytest.param(
            {"FirstName": "Vincent van", "LastName": "Gogh"}, {"full": "Vincent van Gogh"}, {}, id="not-split-again"
        ),
        pytest.param(
            {"FirstName": "Mara", "LastName": "Lind"},
            {"full": "Mara Lindqvist", "given": "Mara", "family": "Lindqvist"},
            {"LastName": "Lindqvist"},
            id="only-what-differs",
        ),
    ],
)  # fmt: skip
def test_a_name_is_written_in_the_parts_that_a_side_demands(
    over: dict[str, Any] | None, wanted: dict[str, str], written: dict[str, Any]
) -> None:
    assert write(mapped(PARTS), over, name=wanted) == written


def test_a_filler_is_what_the_side_shows_from_then_on() -> None:
    mapping = mapped(PARTS)

    assert mapping.shown(0, {"full": "Sukarno"}, over=None) == {"full": "Sukarno", "family": "Sukarno"}


def test_what_a_unit_does_not_tell_of_stays() -> None:
    mapping = mapped({**PARTS, "name.prefix": "Salutation | text"})
    row = {"Salutation": "Dr", "FirstName": "Mara", "LastName": "Lind"}

    assert write(mapping, row, name={"full": "Mara Lindqvist", "given": "Mara", "family": "Lindqvist"}) == {
        "LastName": "Lindqvist"
    }


def test_a_long_text_is_cut_at_a_letter_and_compared_after_the_cut() -> None:
    mapping = mapped(
        {"cx.nps.comment": "Comment | truncate(12)", "job_title": "Title"},
        catalogue=[info("Comment"), info("Title", max_length=4)],
    )
    comment, title = "नमस्ते दुनिया 👩‍👩‍👧", "Director"

    written = write(mapping, None, **{"cx.nps.comment": comment, "job_title": title})

    assert (written["Title"], len(written["Comment"]) <= 12, written["Comment"][-1]) == ("Dir…", True, "…")
    assert mapping.shown(1, title, over=None) == "Dir…"
    assert mapping.write({1: title}, over={"Title": "Dir…"}) == {}


def test_a_number_is_rounded_to_what_its_field_keeps_and_compared_after_that() -> None:
    mapping = mapped(
        {"custom.rank": "Rank | decimal", "custom.stars": "Stars | decimal"},
        catalogue=[info("Rank", "number", decimals=2), info("Stars", "number", decimals=0)],
    )

    assert write(mapping, None, **{"custom.rank": "8.255", "custom.stars": "7.5"}) == {
        "Rank": Decimal("8.26"), "Stars": 8,
    }  # fmt: skip
    assert mapping.shown(1, "7.25", over=None) == "7"
    assert mapping.write({1: "7.25"}, over={"Stars": 7}) == {}


def test_an_instant_is_cut_to_a_date_in_the_zone_of_the_account() -> None:
    mapping = mapped(
        {"cx.nps.answered_at": "NPS date", "custom.since": "Since | day(account)"},
        catalogue=[info("NPS date", "date"), info("Since", "datetime")],
    )

    assert write(mapping, None, **{"cx.nps.answered_at": "2026-11-22T23:30:00.000Z", "custom.since": "2026-11-23"}) == {
        "NPS date": "2026-11-23", "Since": "2026-11-22T23:00:00.000Z",
    }  # fmt: skip
    assert read(mapping, {"Since": "2026-11-22T23:00:00Z"})["custom.since"] == "2026-11-23"
    assert mapping.shown(0, "2026-11-22T23:30:00.000Z", over=None) == "2026-11-23"


def test_scores_are_written_as_the_field_takes_them() -> None:
    options = [("11", "Promoter"), ("12", "Passive"), ("13", "Detractor")]
    catalogue = [info("score", "number", path="custom_fields.aa"), info("class", "choice", options=options),
                 info("text"), info("risk", "bool")]  # fmt: skip
    person = mapped(
        {"cx.nps.score": "score", "cx.nps.class": "class", "cx.csat.score": "text", "cx.responses": "text2"},
        catalogue=[*catalogue, info("text2")],
    )
    company = mapped({"cx.at_risk": "risk"}, kind="company", stream="accounts", catalogue=catalogue)

    assert write(
        person, None, **{"cx.nps.score": "9", "cx.nps.class": "promoter", "cx.csat.score": "4.5", "cx.responses": 3}
    ) == {"custom_fields": {"aa": 9}, "class": 11, "text": "4.5", "text2": "3"}
    assert write(company, None, **{"cx.at_risk": True}) == {"risk": True}
    assert write(person, {"custom_fields": {"aa": 9}}, **{"cx.nps.score": None}) == {"custom_fields": {"aa": None}}


def test_what_the_hub_computes_is_read_to_be_compared_and_is_no_source() -> None:
    mapping = mapped({"cx.nps.score": "NPS", "job_title": "Title", "+segment": "Segment"})

    assert read(mapping, {"NPS": 8, "Title": "COO", "Segment": "A"}) == {
        "cx.nps.score": "8", "job_title": "COO", "segment": ABSENT,
    }  # fmt: skip
    assert mapping.readable == (False, True, False)
    assert mapping.writable == (True, True, True)


def test_a_change_of_money_names_its_currency_and_an_account_of_another_cannot_hold_it() -> None:
    by_field = mapped({"annual_revenue": "Revenue | money(Currency)"}, kind="company", stream="accounts")
    by_account = mapped({"annual_revenue": "Revenue | money(account)"}, kind="company", stream="accounts")
    wanted = {"amount": "12000", "currency": "USD"}

    assert write(by_field, {"Revenue": 5, "Currency": "EUR"}, annual_revenue=wanted) == {
        "Revenue": 12000, "Currency": "USD",
    }  # fmt: skip
    assert write(by_account, {"Revenue": 5}, annual_revenue=wanted) == {}
    assert by_account.shown(0, wanted, over={"Revenue": 5}) == {"amount": "5", "currency": "EUR"}


def test_an_id_is_written_as_its_side_spells_ids() -> None:
    mapping = mapped({"owned_by": "owner | ref(users)"})

    assert write(mapping, None, owned_by=[{"stream": "users", "id": "7"}]) == {"owner": 7}
    assert write(mapping, {"owner": "8"}, owned_by=[{"stream": "users", "id": "7"}]) == {"owner": "7"}
    assert write(mapping, None, owned_by=[{"stream": "users", "id": "0031"}]) == {"owner": "0031"}
    assert write(mapping, {"owner": 7}, owned_by=None) == {"owner": None}


def test_one_slot_gets_the_primary_company_and_one_that_is_as_good_stays() -> None:
    mapping = mapped({"works_at[primary]": "org | ref(orgs)"})
    one, two = {"stream": "orgs", "id": "1"}, {"stream": "orgs", "id": "2"}

    assert write(mapping, {"org": 2}, works_at=[one, two]) == {}
    assert write(mapping, {"org": 2}, works_at=[{**one, "primary": True}, two]) == {"org": 1}


def test_a_create_tells_only_what_there_is() -> None:
    mapping = mapped({"job_title": "Title", "name": "Name | name", "custom.deep": "a.b"})

    written = mapping.write({0: None, 1: {"full": "Mara"}, 2: None}, over=None, create=True)

    assert written == {"Name": "Mara"}


def test_one_of_several_places_is_written_where_the_value_stands() -> None:
    mapping = mapped({"language": "language ?? locale | lang"})

    assert write(mapping, {"language": None, "locale": "pt_BR"}, language="de") == {"locale": "de"}
    assert write(mapping, {}, language="de") == {"language": "de"}
    assert write(mapping, {"language": "x", "locale": "de"}, language=None) == {"language": None, "locale": None}


# -- which way ----------------------------------------------------------------------------------------------------


def test_people_and_companies_go_both_ways_other_kinds_are_read() -> None:
    deal = mapped({"name": "title", "custom.x": "X"}, kind="deal", stream="deals")
    told = mapped(lines({"name": "title"}, direction="both"), kind="deal", stream="deals")

    assert (deal.writable, told.writable) == ((False, False), (True,))


def test_a_function_without_inverse_makes_its_line_read_only() -> None:
    mapping = mapped({"job_title": "Title | lower", "segment": "a ?? b | first"})

    assert (mapping.readable, mapping.writable) == ((True, True), (False, False))
    assert [(line.target, line.direction) for line in mapping.describe()] == [
        ("job_title", "read"),
        ("segment", "read"),
    ]


def test_a_vendors_read_only_field_is_not_written() -> None:
    catalogue = [info("Title", write=False)]

    assert mapped({"job_title": "Title"}, catalogue=catalogue).writable == (False,)
    [fault] = faults_of(lines({"job_title": "Title"}, direction="both"), catalogue=catalogue)
    assert (fault.code, fault.text) == ("CW116", "Title cannot be written through Acme")


def test_what_a_create_must_have_is_told() -> None:
    mapping = mapped(
        {"*name.full": "name | name", "job_title": "Title", "!segment": "Segment"},
        catalogue=[info("name"), info("Title", required=True), info("Segment"), info("Industry", required=True)],
    )

    assert mapping.create_needs == (0, 1, "Industry")
    assert mapping.once == {2}


def test_a_default_line_whose_field_this_account_lacks_is_left_out() -> None:
    mapping = mapped(
        {"custom.tier": "Tier"},
        defaults={"job_title": "Title", "emails[work]": "Email", "segment": "a ?? Seg"},
        catalogue=[info("Tier"), info("Email"), info("Seg")],
    )  # fmt: skip

    assert mapping.fields == ("emails", "segment", "custom.tier")
    assert [(line.target, line.direction) for line in mapping.left_out] == [("job_title", "none")]
    assert [mapping.is_default(at) for at in range(3)] == [True, True, False]


def test_of_two_writers_of_one_field_the_operators_wins() -> None:
    mapping = mapped({"custom.role": "Title"}, defaults={"job_title": "Title"})

    assert dict(zip(mapping.fields, mapping.writable, strict=True)) == {"job_title": False, "custom.role": True}
    assert [fault.code for fault in faults_of({"custom.a": "Title", "custom.b": "Title"})] == ["CW117"]


# -- the words of a record ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ({}, "live"),
        ({"IsDeleted": False}, "live"),
        ({"IsDeleted": True}, "deleted"),
        ({"IsDeleted": "true", "Master": "003"}, "merged"),
        ({"Converted": 1}, "converted"),
        ({"active": False}, "archived"),
    ],
)
def test_the_state_of_a_record_stands_in_its_words(row: dict[str, Any], state: str) -> None:
    mapping = mapped(
        {"deleted": "IsDeleted", "merged_into": "Master | sf_id", "converted": "Converted", "archived": "active | not"}
    )

    assert mapping.state(row) == state


def test_key_and_times_are_read_by_their_words() -> None:
    mapping = mapped(
        {"key": "dist, lookup", "modified": "changed ?? made", "created": "made", "converted_to": "a.id, b.id",
         "converted_from": "lead", "merged_into": "master", "zone": "America/New_York"}
    )  # fmt: skip
    row = {"dist": 7, "lookup": "x", "made": "2026-11-22 10:00:00", "a": {"id": 1}, "b": None, "master": 9, "lead": 3}

    assert mapping.key(row) == "7/x"
    assert mapping.key({"dist": 7}) is None
    assert mapping.modified(row) == mapping.created(row) == "2026-11-22T15:00:00.000Z"
    assert (mapping.conversions(row), mapping.survivor(row)) == (("1", "3"), "9")


def test_where_is_judged_on_the_row() -> None:
    mapping = mapped({"where": "IsPersonAccount != true and Type in (Kunde, Partner)", "job_title": "x"})

    rows: list[dict[str, Any]] = [{"Type": "kunde"}, {"Type": "Kunde", "IsPersonAccount": True}, {"Type": "Rival"}]
    assert [mapping.accepts(row) for row in rows] == [True, False, False]


def test_a_default_where_on_a_field_that_an_account_lacks_meets_no_row_of_it() -> None:
    unequal = mapped({}, defaults={"where": "IsPersonAccount != true", "job_title": "x"}, catalogue=[info("x")])
    equal = mapped({}, defaults={"where": "IsPersonAccount = true", "job_title": "x"}, catalogue=[info("x")])

    assert (unequal.accepts({"x": 1}), equal.accepts({"x": 1})) == (True, False)


def test_where_may_name_an_option_by_its_label() -> None:
    stage = info("Stage", "choice", options=[("11", "Customer")])
    mapping = mapped({"where": "Stage = Customer", "job_title": "x"}, catalogue=[stage, info("x")])

    assert [mapping.accepts({"Stage": raw}) for raw in (11, "11", "Customer", 10)] == [True, True, True, False]


# -- faults of a mapping ------------------------------------------------------------------------------------------

CATALOGUE = [
    info("a3f1", label="Kundenstufe"), info("Amount", "number"), info("Title"), info("Twice1", label="Twice"),
    info("Twice2", label="Twice"), info("Lifecycle__c", "choice", options=[("1", "Interessent"), ("2", "Käufer")]),
    info("Born", "date"), info("emails", "emails"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("target", "text", "code", "column", "width", "said", "hint"),
    [
        ("custom.tier", "Kundenstuffe", "CW106", 11, 12, "Acme contacts have no field 'Kundenstuffe'", "'Kundenstufe'"),
        ("custom.tier", "Twice", "CW106", 11, 5, "several fields 'Twice'", "Twice1, Twice2"),
        ("emials[work]", "Title", "CW107", 1, 12, "person has no field 'emials[work]'", "emails[work]"),
        ("job_title", "Title | trimm", "CW108", 19, 5, "no function 'trimm'", "'trim'"),
        ("phones[work]", "Amount | phone", "CW109", 20, 5, "`Amount | phone`: phone takes text, Amount is a number",
         "functions that take a number: "),
        ("birth_date", "Amount | decimal", "CW109", 11, 16, "birth_date takes a date or part of one", "functions that"),
        ("phones", "emails | emails(value)", "CW109", 11, 22, "is a list of e-mail addresses", ""),
        ("job_title", "Title | truncate(255", "CW110", 27, 1, "'(' is not closed", "quote it"),
        ("job_title", "Title | truncate", "CW110", 19, 8, "truncate has 0 arguments", "truncate(characters)"),
        ("job_title", "Title | truncate(x)", "CW110", 28, 1, "'x' is no whole number", "truncate(255)"),
        ("closed", "Amount | money(Curency)", "CW107", 1, 6, "person has no field 'closed'", ""),
        ("custom.money", "Amount | money(Titel)", "CW106", 26, 5, "no field 'Titel'", "'Title'"),
        ("job_title", "Title | if(Titel = x)", "CW106", 22, 5, "no field 'Titel'", "'Title'"),
        ("lifecycle_stage", '="leed"', "CW109", 11, 4, "lifecycle_stage has no value 'leed'", "lead"),
        ("where", "Titel = x", "CW106", 11, 5, "no field 'Titel'", "'Title'"),
        ("missing", "maybe", "CW102", 11, 1, "missing is 'maybe'", "cleared or absent"),
    ],
)  # fmt: skip
def test_a_fault_says_where_what_and_what_to_do(
    target: str, text: str, code: str, column: int, width: int, said: str, hint: str
) -> None:
    found = faults_of({target: text}, catalogue=CATALOGUE)

    fault = found[0]
    assert (fault.code, fault.place.column, fault.width) == (code, column, width)
    assert said in fault.text
    assert hint in fault.hint


def test_every_fault_of_a_stream_is_told_at_once_in_the_order_of_the_file() -> None:
    told = lines({"job_title": "Titel", "emials": "Title | trimm", "segment": "Title", "birth_date": "Amount | phone"})

    found = faults_of(told, catalogue=CATALOGUE)

    assert [(fault.code, fault.place.line) for fault in found] == [("CW106", 1), ("CW107", 2), ("CW109", 4)] or [
        (fault.code, fault.place.line) for fault in found
    ] == [("CW106", 1), ("CW107", 2), ("CW108", 2), ("CW109", 4)]


def test_options_that_do_not_exist_are_told_with_those_that_do() -> None:
    told = [
        Line("lifecycle_stage", "Lifecycle__c", Place("c.yaml", 1, 1), Place("c.yaml", 1, 1), operator=True,
             values={"Interessent": "lead", "Kunde": "customer", "2": "kunde"})
    ]  # fmt: skip

    found = faults_of(told, catalogue=CATALOGUE)

    assert [(fault.code, fault.text) for fault in found] == [
        ("CW115", "Lifecycle__c offers no option 'Kunde'"),
        ("CW115", "lifecycle_stage has no value 'kunde'"),
    ]
    assert "Interessent, Käufer" in found[0].hint


# -- prints -------------------------------------------------------------------------------------------------------


def prints(told: dict[str, str], **more: Any) -> tuple[dict[str, bytes], bytes]:
    mapping = mapped(told, **more)
    return dict(zip(mapping.fields, mapping.prints, strict=True)), mapping.fingerprint


BASE = {"job_title": "Title", "phones[work]": "Phone | phone", "custom.at": "At | at", "segment": "Segment"}


@pytest.mark.parametrize(
    ("change", "more", "changed"),
    [
        pytest.param({"job_title": "Titel"}, {}, {"job_title"}, id="another-source"),
        pytest.param({"job_title": "Title | upper"}, {}, {"job_title"}, id="another-function"),
        pytest.param({"phones[work]": "Phone | phone(AT)"}, {}, {"phones"}, id="another-argument"),
        pytest.param({"phones[home]": "Phone2 | phone"}, {}, {"phones"}, id="another-line"),
        pytest.param({"job_title": "Title | truncate(20)"}, {}, set(), id="a-cut-when-written"),
        pytest.param({"-job_title": "Title"}, {}, set(), id="another-direction"),
        pytest.param({}, {"region": "AT"}, {"phones"}, id="another-region"),
        pytest.param({}, {"time_zone": "Asia/Dhaka"}, {"custom.at"}, id="another-zone"),
        pytest.param({"missing": "cleared"}, {}, set(BASE) - {"phones[work]"} | {"phones"}, id="what-missing-means"),
    ],
)
def test_a_print_changes_just_when_reading_does(
    change: dict[str, str], more: dict[str, Any], changed: set[str]
) -> None:
    before, whole = prints(BASE)
    told = {f"-{key}" if f"-{key}" in change else key: text for key, text in BASE.items()} | change
    after, whole_after = prints(told, context=replace(BERLIN, **more))

    assert {name for name in before if before[name] != after[name]} == changed
    assert (whole == whole_after) is (not changed)


def test_options_belong_to_the_print_only_where_they_are_read() -> None:
    def of(*options: tuple[str, str]) -> dict[str, bytes]:
        catalogue: list[Info] = [info("Segment", "choice", options=options), info("Owner", "choice", options=options)]
        return prints({"segment": "Segment", "external_ids[x]": "Owner | id"}, catalogue=catalogue)[0]

    one, two = of(("1", "A")), of(("1", "B"))

    assert (one["segment"] == two["segment"], one["external_ids"] == two["external_ids"]) == (False, True)


def test_where_and_state_belong_to_the_whole_print() -> None:
    whole = prints(BASE)[1]

    assert whole != prints({**BASE, "where": "a = b"})[1]
    assert whole != prints({**BASE, "deleted": "gone"})[1]
    assert whole == prints(dict(BASE), context=BERLIN)[1]
