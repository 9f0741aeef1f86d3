import pytest

from tests.sandbox.calls import Caller
from tests.sandbox.vendors.salesforce.calls import DATA, refusal


def test_the_list_of_objects_names_each_with_its_prefix(salesforce: Caller) -> None:
    told = salesforce("GET", f"{DATA}/sobjects/").json

    prefixes = {entry["name"]: entry["keyPrefix"] for entry in told["sobjects"]}
    assert told["maxBatchSize"] == 200
    assert prefixes.items() >= {"Contact": "003", "Account": "001", "Lead": "00Q", "Opportunity": "006"}.items()
    assert all(entry["urls"]["describe"].endswith(f"{entry['name']}/describe") for entry in told["sobjects"])


def test_a_description_tells_what_may_be_written_and_what_must(salesforce: Caller) -> None:
    told = salesforce("GET", f"{DATA}/sobjects/contact/describe").json
    fields = {field["name"]: field for field in told["fields"]}

    must = {
        name for name, field in fields.items()
        if field["createable"] and not field["nillable"] and not field["defaultedOnCreate"]
    }  # fmt: skip
    assert must == {"LastName"}
    assert (fields["Email"]["type"], fields["Email"]["length"], fields["Email"]["idLookup"]) == ("email", 80, True)
    hub_id = fields["Crosswalk_Id__c"]
    assert (hub_id["unique"], hub_id["externalId"], hub_id["length"], hub_id["custom"]) == (True, True, 36, True)
    tier = fields["Account_Tier__c"]
    assert (tier["calculated"], tier["updateable"], tier["calculatedFormula"]) == (True, False, "TEXT(Account.Tier__c)")
    classes = fields["CX_NPS_Class__c"]
    assert classes["restrictedPicklist"] is True
    assert [value["value"] for value in classes["picklistValues"]] == ["Promoter", "Passive", "Detractor"]
    assert fields["CX_NPS_Comment__c"]["filterable"] is False
    assert (fields["AccountId"]["referenceTo"], fields["AccountId"]["relationshipName"]) == (["Account"], "Account")
    assert "Cases" in {child["relationshipName"] for child in told["childRelationships"]}
    assert told["recordTypeInfos"][-1]["recordTypeId"] == "012000000000000AAA"


@pytest.mark.parametrize("path", ["sobjects", "sobjects/Account/describe"])
def test_what_has_not_changed_is_not_told_again(salesforce: Caller, path: str) -> None:
    first = salesforce("GET", f"{DATA}/{path}")
    asked = {**salesforce.headers, "if-modified-since": first.headers["last-modified"]}

    assert salesforce("GET", f"{DATA}/{path}", headers=asked).status == 304
    salesforce.vendor.change_schema("accounts", "Tier", to=None)
    assert salesforce("GET", f"{DATA}/{path}", headers=asked).status == 200


def test_an_object_that_is_none_has_no_description(salesforce: Caller) -> None:
    assert refusal(salesforce("GET", f"{DATA}/sobjects/Nope/describe")) == (404, "NOT_FOUND")


def test_records_are_counted(salesforce: Caller) -> None:
    told = salesforce("GET", f"{DATA}/limits/recordCount", sObjects="Contact,Lead").json["sObjects"]

    for row in told:
        query = f"SELECT COUNT() FROM {row['name']}"
        assert salesforce("GET", f"{DATA}/query", q=query).json["totalSize"] == row["count"]
    assert [row["name"] for row in told] == ["Contact", "Lead"]
