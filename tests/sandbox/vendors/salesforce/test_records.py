from datetime import timedelta
from typing import Any

import pytest

from sandbox.vendors.salesforce.app import Salesforce
from sandbox.vendors.salesforce.ids import mint
from tests.sandbox.calls import Caller
from tests.sandbox.vendors.salesforce.calls import DATA, one, refusal, rows

CONTACT = f"{DATA}/sobjects/Contact"
LEFT = mint("005", 6)  # who has left the firm
MAIL = "mara.lindqvist@nordlicht-solar.test"


@pytest.fixture
def mara(salesforce: Caller) -> str:
    return str(one(salesforce, f"SELECT Id FROM Contact WHERE Email = '{MAIL}'")["Id"])


def made(salesforce: Caller, name: str, **fields: Any) -> str:
    reply = salesforce("POST", f"{DATA}/sobjects/{name}", fields)
    assert reply.status == 201, reply.body
    return str(reply.json["id"])


def read(salesforce: Caller, name: str, record_id: str) -> Any:
    reply = salesforce("GET", f"{DATA}/sobjects/{name}/{record_id}")
    assert reply.status == 200, reply.body
    return reply.json


@pytest.mark.parametrize(
    ("name", "body", "derived"),
    [
        ("Contact", {"FirstName": "Ada", "LastName": "Byron", "Email": "ada@x.test"}, {"Name": "Ada Byron"}),
        ("Lead", {"LastName": "Byron", "Company": "Engines"}, {"Status": "Open - Not Contacted", "IsConverted": False}),
        ("Account", {"Name": "Engines Ltd", "NumberOfEmployees": 7}, {"IsPersonAccount": False}),
        (
            "Opportunity",
            {"Name": "O", "StageName": "Proposal/Price Quote", "CloseDate": "2026-12-31", "Amount": 1000},
            {"Probability": 75.0, "ExpectedRevenue": 750.0, "IsClosed": False, "ForecastCategoryName": "Pipeline"},
        ),
        ("Task", {"Subject": "Call"}, {"Status": "Not Started", "Priority": "Normal", "IsClosed": False}),
        (
            "Event",
            {"Subject": "Meet", "StartDateTime": "2026-12-01T10:00:00+02:00", "DurationInMinutes": 30},
            {"StartDateTime": "2026-12-01T08:00:00.000+0000", "EndDateTime": "2026-12-01T08:30:00.000+0000"},
        ),
        ("Case", {"Subject": "Broken"}, {"Status": "New", "IsClosed": False}),
        ("Campaign", {"Name": "C"}, {"Status": "Planned", "IsActive": False}),
    ],
)
def test_a_created_record_is_read_back_with_what_follows_from_it(
    salesforce: Caller, org: Salesforce, name: str, body: Any, derived: Any
) -> None:
    record = read(salesforce, name, made(salesforce, name, **body))

    sent = {key: value for key, value in body.items() if key not in derived}
    assert {key: record[key] for key in sent} == sent
    assert {key: record[key] for key in derived} == derived
    assert record["CreatedDate"] == record["SystemModstamp"] == "2026-11-23T12:00:00.000+0000"
    assert record["OwnerId"] == record["CreatedById"] == org.org.me
    [effect] = org.effects()
    assert (effect.method, effect.stream, effect.record, effect.fields) == ("POST", name, record["Id"], body)


def test_an_update_changes_what_was_sent_and_the_stamps(salesforce: Caller, mara: str, org: Salesforce) -> None:
    before = read(salesforce, "Contact", mara)
    salesforce.later(minutes=5)

    reply = salesforce("PATCH", f"{CONTACT}/{mara}", {"title": "CEO", "Description": None, "CX_NPS_Score__c": "9"})

    moved = {"LastModifiedDate": "2026-11-23T12:05:00.000+0000", "SystemModstamp": "2026-11-23T12:05:00.000+0000"}
    assert (reply.status, reply.body) == (204, b"")
    assert read(salesforce, "Contact", mara) == {
        **before, "Title": "CEO", "Description": None, "CX_NPS_Score__c": 9.0, "LastModifiedById": org.org.me, **moved,
    }  # fmt: skip


def test_an_update_with_the_same_values_moves_the_stamps_all_the_same(salesforce: Caller, mara: str) -> None:
    before = read(salesforce, "Contact", mara)

    salesforce("PATCH", f"{CONTACT}/{mara}", {"Title": before["Title"]})

    assert read(salesforce, "Contact", mara)["SystemModstamp"] > before["SystemModstamp"]


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]"),
        ({"LastName": "  "}, "REQUIRED_FIELD_MISSING", "[LastName]"),
        ({"LastName": "X", "Nope": 1}, "INVALID_FIELD", "No such column 'Nope' on sobject of type Contact"),
        ({"LastName": "X", "FirstName": "y" * 41}, "STRING_TOO_LONG", "(max length=40)"),
        ({"LastName": "X", "Email": "no mail"}, "INVALID_EMAIL_ADDRESS", "invalid email address: no mail"),
        ({"LastName": "X", "CX_NPS_Class__c": "Fan"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Fan"),
        ({"LastName": "X", "CX_NPS_Score__c": 11}, "FIELD_CUSTOM_VALIDATION_EXCEPTION", "NPS must be 0-10"),
        ({"LastName": "X", "OwnerId": LEFT}, "INACTIVE_OWNER_OR_USER", "inactive user [005"),
        ({"LastName": "X", "CX_NPS_Score__c": 100}, "NUMBER_OUTSIDE_VALID_RANGE", "100"),
        ({"LastName": "X", "CX_NPS_Score__c": "nine"}, "JSON_PARSER_ERROR", "Cannot deserialize instance of double"),
        ({"LastName": "X", "Birthdate": "31.12.1999"}, "JSON_PARSER_ERROR", "instance of date"),
        ({"LastName": "X", "CX_NPS_Answered__c": "2026-11-22T10:00:00"}, "JSON_PARSER_ERROR", "instance of datetime"),
        ({"LastName": "X", "DoNotCall": "perhaps"}, "JSON_PARSER_ERROR", "instance of boolean"),
        ({"LastName": "X", "AccountId": "short"}, "MALFORMED_ID", "id value of incorrect type: short"),
        ({"LastName": "X", "AccountId": "003Hs0000010001"}, "FIELD_INTEGRITY_EXCEPTION", "003Hs0000010001"),
        ({"LastName": "X", "AccountId": "001Hs0000zzzzzz"}, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference"),
        ({"LastName": "X", "CreatedDate": "2026-01-01"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "CreatedDate"),
        ({"LastName": "X", "Name": "X"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "Name"),
        ({"LastName": "X", "Account_Tier__c": "Gold"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "Account_Tier__c"),
        ({"LastName": "X", "Account": {"Crosswalk_Id__c": "none"}}, "INVALID_FIELD", "Foreign key external ID: none"),
    ],
)
def test_what_a_record_cannot_be_is_refused(
    salesforce: Caller, org: Salesforce, body: Any, code: str, says: str
) -> None:
    reply = salesforce("POST", CONTACT, body)

    assert refusal(reply) == (400, code), reply.body
    assert says in reply.json[0]["message"]
    assert org.effects() == ()


def test_a_body_that_is_no_json_object_is_refused(salesforce: Caller) -> None:
    assert refusal(salesforce("POST", CONTACT, b"{")) == (400, "JSON_PARSER_ERROR")
    assert refusal(salesforce("POST", CONTACT, [1])) == (400, "JSON_PARSER_ERROR")
    headers = {**salesforce.headers, "content-type": "text/plain"}
    assert salesforce("POST", CONTACT, b"x", headers=headers).status == 415


def test_paths_that_lead_nowhere(salesforce: Caller, mara: str) -> None:
    assert refusal(salesforce("GET", f"{DATA}/sobjects/Nope/{mara}")) == (404, "NOT_FOUND")
    assert refusal(salesforce("GET", f"{DATA}/sobjects/Account/{mara}")) == (404, "NOT_FOUND")
    assert refusal(salesforce("GET", f"{CONTACT}/003Hs0000zzzzzzAAA")) == (404, "NOT_FOUND")
    assert refusal(salesforce("PUT", f"{CONTACT}/{mara}", {})) == (405, "METHOD_NOT_ALLOWED")


def test_only_some_fields_can_be_asked_for(salesforce: Caller, mara: str) -> None:
    reply = salesforce("GET", f"{CONTACT}/{mara}", fields="Email,Title")

    assert reply.json.keys() == {"attributes", "Email", "Title", "Id"}
    assert refusal(salesforce("GET", f"{CONTACT}/{mara}", fields="Nope")) == (400, "INVALID_FIELD")


def test_an_upsert_makes_then_changes_and_may_be_kept_from_making(salesforce: Caller) -> None:
    path = f"{CONTACT}/Crosswalk_Id__c/H-1"
    assert refusal(salesforce("PATCH", path, {"LastName": "X"}, updateOnly="true")) == (404, "NOT_FOUND")

    first = salesforce("PATCH", path, {"LastName": "Byron"})
    second = salesforce("PATCH", path.replace("H-1", "h-1"), {"FirstName": "Ada"})

    assert (first.status, first.json["created"]) == (201, True)
    assert (second.status, second.json) == (200, {**first.json, "created": False})
    record = salesforce("GET", path).json
    assert (record["Name"], record["Crosswalk_Id__c"]) == ("Ada Byron", "H-1")


def test_an_upsert_by_a_field_that_is_not_unique_may_hit_several(salesforce: Caller) -> None:
    allowed = {**salesforce.headers, "sforce-duplicate-rule-header": "allowSave=true"}
    twins = [
        salesforce("POST", CONTACT, {"LastName": "Twin", "Email": "twin@x.test"}, headers=allowed).json["id"]
        for _ in range(2)
    ]

    reply = salesforce("PATCH", f"{CONTACT}/Email/twin@x.test", {"FirstName": "A"})

    assert reply.status == 300
    assert sorted(reply.json) == sorted(f"{CONTACT}/{twin}" for twin in twins)
    assert refusal(salesforce("PATCH", f"{CONTACT}/Title/x", {})) == (404, "NOT_FOUND")


def test_a_unique_field_takes_a_value_once(salesforce: Caller, mara: str) -> None:
    salesforce("PATCH", f"{CONTACT}/{mara}", {"Crosswalk_Id__c": "H-9"})

    reply = salesforce("POST", CONTACT, {"LastName": "X", "Crosswalk_Id__c": "h-9"})

    assert refusal(reply) == (400, "DUPLICATE_VALUE")
    assert mara[:15] in reply.json[0]["message"]
    assert salesforce("PATCH", f"{CONTACT}/{mara}", {"Crosswalk_Id__c": "H-9"}).status == 204


def test_a_parent_can_be_named_by_its_external_id(salesforce: Caller) -> None:
    account = made(salesforce, "Account", Name="Engines", Crosswalk_Id__c="A-7")

    contact = made(salesforce, "Contact", LastName="Byron", Account={"Crosswalk_Id__c": "A-7"})

    assert read(salesforce, "Contact", contact)["AccountId"] == account


def test_an_alert_rule_stops_a_duplicate_unless_the_caller_insists(salesforce: Caller, mara: str) -> None:
    body = {"LastName": "Lindqvist", "Email": MAIL.upper()}

    stopped = salesforce("POST", CONTACT, body)
    insisted = salesforce(
        "POST", CONTACT, body, headers={**salesforce.headers, "sforce-duplicate-rule-header": "allowSave=true"}
    )

    assert refusal(stopped) == (400, "DUPLICATES_DETECTED")
    result = stopped.json[0]["duplicateResult"]
    assert result["allowSave"] is True
    assert [match["record"]["Id"] for match in result["matchResults"][0]["matchRecords"]] == [mara]
    assert insisted.status == 201


def test_a_block_rule_stops_a_duplicate_whoever_insists(salesforce: Caller) -> None:
    made(salesforce, "Account", Name="A", AccountNumber="K-1")
    insisting = {**salesforce.headers, "sforce-duplicate-rule-header": "allowSave=true"}

    reply = salesforce("POST", f"{DATA}/sobjects/Account", {"Name": "B", "AccountNumber": "K-1"}, headers=insisting)

    assert refusal(reply) == (400, "DUPLICATES_DETECTED")
    assert reply.json[0]["duplicateResult"]["allowSave"] is False


def test_a_write_can_be_made_to_depend_on_nobody_having_written_since(salesforce: Caller, mara: str) -> None:
    def patched(header: str, value: str, path: str = f"{CONTACT}/{mara}") -> int:
        return salesforce("PATCH", path, {"Description": "x"}, headers={**salesforce.headers, header: value}).status

    shown = salesforce("GET", f"{CONTACT}/{mara}").headers["last-modified"]
    assert patched("if-unmodified-since", "Sun, 01 Jan 2017 00:00:00 GMT") == 412
    assert patched("if-unmodified-since", "soon") == 400
    assert patched("if-unmodified-since", shown) == 204
    assert patched("if-unmodified-since", shown) == 412
    account = f"{DATA}/sobjects/Account/{rows(salesforce, 'SELECT Id FROM Account LIMIT 1')[0]['Id']}"
    etag = salesforce("GET", account).headers["etag"]
    assert patched("if-match", '"other"', account) == 412
    assert patched("if-match", etag, account) == 204
    assert patched("if-match", etag, account) == 412


def test_a_read_can_be_made_to_depend_on_a_change(salesforce: Caller, mara: str) -> None:
    shown = salesforce("GET", f"{CONTACT}/{mara}").headers["last-modified"]

    again = salesforce("GET", f"{CONTACT}/{mara}", headers={**salesforce.headers, "if-modified-since": shown})

    assert (again.status, again.body) == (304, b"")


def test_a_locked_row_is_refused_and_can_be_written_afterwards(salesforce: Caller, org: Salesforce, mara: str) -> None:
    org.lock_rows(1)
    assert refusal(salesforce("PATCH", f"{CONTACT}/{mara}", {"Title": "x"})) == (400, "UNABLE_TO_LOCK_ROW")
    org.lock_rows(0)

    assert salesforce("PATCH", f"{CONTACT}/{mara}", {"Title": "x"}).status == 204


def test_a_person_account_is_an_account_and_a_contact_that_share_their_fields(salesforce: Caller) -> None:
    account = made(salesforce, "Account", FirstName="Ada", LastName="Byron", PersonEmail="ada@home.test")
    shown = read(salesforce, "Account", account)
    contact = shown["PersonContactId"]

    salesforce("PATCH", f"{CONTACT}/{contact}", {"Email": "new@home.test", "CX_NPS_Score__c": 3})
    salesforce("PATCH", f"{DATA}/sobjects/Account/{account}", {"LastName": "King", "PersonHasOptedOutOfEmail": True})

    assert (shown["Name"], shown["IsPersonAccount"]) == ("Ada Byron", True)
    after, person = read(salesforce, "Account", account), read(salesforce, "Contact", contact)
    assert (after["PersonEmail"], after["CX_NPS_Score__pc"], after["Name"]) == ("new@home.test", 3.0, "Ada King")
    assert (person["Name"], person["HasOptedOutOfEmail"], person["AccountId"]) == ("Ada King", True, account)
    barred = salesforce("PATCH", f"{DATA}/sobjects/Account/{account}", {"Name": "X"})
    assert refusal(barred) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    assert salesforce("PATCH", f"{CONTACT}/{contact}", {"AccountId": None}).status == 400


def test_a_person_account_has_no_other_contact(salesforce: Caller) -> None:
    account = made(salesforce, "Account", LastName="Byron")

    reply = salesforce("POST", CONTACT, {"LastName": "X", "AccountId": account})

    assert refusal(reply) == (400, "INVALID_CROSS_REFERENCE_KEY")


def test_a_business_account_has_no_fields_of_a_person(salesforce: Caller) -> None:
    account = made(salesforce, "Account", Name="Engines")

    reply = salesforce("PATCH", f"{DATA}/sobjects/Account/{account}", {"PersonEmail": "x@y.test"})

    assert refusal(reply) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


def test_a_deal_made_with_a_contact_gets_a_primary_role(salesforce: Caller, mara: str) -> None:
    deal = made(salesforce, "Opportunity", Name="O", StageName="Prospecting", CloseDate="2026-12-31", ContactId=mara)

    role = one(salesforce, f"SELECT ContactId, IsPrimary FROM OpportunityContactRole WHERE OpportunityId = '{deal}'")
    assert (role["ContactId"], role["IsPrimary"]) == (mara, True)
    assert salesforce("PATCH", f"{DATA}/sobjects/Opportunity/{deal}", {"ContactId": mara}).status == 400


def test_a_stage_decides_what_a_deal_is_unless_somebody_says_otherwise(salesforce: Caller) -> None:
    deal = made(salesforce, "Opportunity", Name="O", StageName="Prospecting", CloseDate="2026-12-31", Amount=200)
    path = f"{DATA}/sobjects/Opportunity/{deal}"

    salesforce("PATCH", path, {"StageName": "Negotiation/Review", "Probability": 42})
    forced = salesforce("GET", path).json
    salesforce("PATCH", path, {"StageName": "Closed Won"})
    won = salesforce("GET", path).json

    assert (forced["Probability"], forced["ExpectedRevenue"]) == (42.0, 84.0)
    assert (won["Probability"], won["IsClosed"], won["IsWon"], won["ForecastCategory"]) == (100.0, True, True, "Closed")


def test_a_converted_lead_cannot_be_written(salesforce: Caller) -> None:
    lead = rows(salesforce, "SELECT Id FROM Lead WHERE IsConverted = true LIMIT 1")[0]["Id"]

    reply = salesforce("PATCH", f"{DATA}/sobjects/Lead/{lead}", {"Title": "x"})

    assert refusal(reply) == (400, "CANNOT_UPDATE_CONVERTED_LEAD")


def test_a_unique_value_is_taken_by_a_record_that_nobody_sees_yet(salesforce: Caller, org: Salesforce) -> None:
    org.commit_late(timedelta(minutes=1))
    first = salesforce("PATCH", f"{CONTACT}/Crosswalk_Id__c/H-1", {"LastName": "Late"})
    org.commit_late(timedelta(0))

    again = salesforce("PATCH", f"{CONTACT}/Crosswalk_Id__c/h-1", {"LastName": "Late"})
    salesforce.later(minutes=1)

    assert (first.status, refusal(again)) == (201, (400, "DUPLICATE_VALUE"))
    assert salesforce("PATCH", f"{CONTACT}/Crosswalk_Id__c/H-1", {"Title": "x"}).json["id"] == first.json["id"]


def test_what_an_administrator_keeps_cannot_be_written(salesforce: Caller) -> None:
    reply = salesforce("POST", f"{DATA}/sobjects/User", {"LastName": "X"})

    assert refusal(reply) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
