"""What describe says of an object becomes fields that a mapping can use, by API name or label."""

from typing import Any

import pytest
import respx

from connectors.salesforce import soql
from connectors.sdk import FieldInfo
from tests.connectors.salesforce.api import (
    CONTACT,
    HEAT,
    HUB_ID,
    SEGMENTS,
    TASK,
    connect,
    describes,
    field,
    options,
)


def fields(stream: str, **objects: Any) -> dict[str, FieldInfo]:
    describes(**objects)
    return {info.name: info for info in connect().fields(stream)}


def one(described: dict[str, Any]) -> FieldInfo:
    return fields("contacts", Contact=(*CONTACT, described))[described["name"]]


@respx.mock
def test_the_hubs_own_id_is_unique_and_can_be_written() -> None:
    found = fields("contacts")[HUB_ID]

    assert (found.label, found.unique, found.write, found.custom, found.max_length) == (
        "Crosswalk ID", True, True, True, 36,
    )  # fmt: skip


@respx.mock
def test_how_many_decimals_a_number_keeps() -> None:
    assert one(field("Rank__c", "double", scale=2)).decimals == 2
    assert one(field("Stars__c", "double", scale=0)).decimals == 0
    assert one(field("Name__c", "string", scale=0)).decimals is None


@respx.mock
def test_what_a_create_must_have_and_what_the_org_fills_in() -> None:
    found = fields("contacts")

    assert found["LastName"].required
    assert not found["OwnerId"].required
    assert not found["HasOptedOutOfEmail"].required  # a box is never missing
    assert not found["Id"].write
    assert not found[HEAT].write


@pytest.mark.parametrize(
    ("kind", "more", "type_"),
    [
        ("string", {}, "text"),
        ("textarea", {"length": 255}, "text"),
        ("textarea", {"length": 32768}, "long_text"),
        ("picklist", {"picklistValues": options("A")}, "choice"),
        ("multipicklist", {"picklistValues": options("A")}, "multi"),
        ("combobox", {"picklistValues": options("A")}, "text"),
        ("boolean", {}, "bool"),
        ("int", {}, "int"),
        ("double", {}, "number"),
        ("currency", {}, "number"),
        ("percent", {}, "number"),
        ("date", {}, "date"),
        ("datetime", {}, "datetime"),
        ("time", {}, "text"),
        ("email", {}, "text"),
        ("encryptedstring", {}, "text"),
        ("reference", {"referenceTo": ["Individual"]}, "text"),
        ("newest", {}, "json"),
    ],
)
@respx.mock
def test_types_become_the_catalogues(kind: str, more: dict[str, Any], type_: str) -> None:
    assert one(field("Field__c", kind, **more)).type == type_


@pytest.mark.parametrize("kind", ["address", "location", "base64"])
@respx.mock
def test_what_cannot_be_read_in_one_piece_is_no_field(kind: str) -> None:
    assert "Field__c" not in fields("contacts", Contact=(*CONTACT, field("Field__c", kind)))


@respx.mock
def test_an_option_that_was_switched_off_is_known_and_the_live_label_wins() -> None:
    values = [
        {"value": "A", "label": "Alt", "active": False},
        {"value": "A", "label": "Neu", "active": True},
        {"value": "B", "label": "Bald", "active": False},
    ]

    assert one(field("Field__c", "picklist", picklistValues=values)).options == (("A", "Neu"), ("B", "Bald"))


@respx.mock
def test_references_name_their_stream() -> None:
    found = fields("contacts")

    assert (found["AccountId"].type, found["AccountId"].refers_to) == ("ref", "accounts")
    assert found["OwnerId"].refers_to == "users"
    assert found["MasterRecordId"].refers_to == "contacts"
    assert "OwnerId:stream" not in found


@respx.mock
def test_a_reference_to_one_of_several_is_accompanied_by_its_stream() -> None:
    found = fields("tasks", Task=TASK)

    assert {name: found[name].refers_to for name in ("WhoId", "WhatId", "OwnerId")} == dict.fromkeys(
        ("WhoId", "WhatId", "OwnerId"), "any"
    )
    assert not found["WhoId:stream"].write


@respx.mock
def test_fields_of_other_records_are_read_only() -> None:
    found = fields("contacts")["Account.Name"]

    assert (found.path, found.label, found.write) == ("Account.Name", "Account: Account Name", False)


@respx.mock
def test_fields_are_described_anew_each_time() -> None:
    routes = describes()
    connector = connect()

    connector.fields("contacts")
    connector.fields("contacts")

    assert (routes["Contact"].call_count, routes["Account"].call_count) == (2, 1)
    assert connector.fields("contacts")[0].path == "Id"


@respx.mock
def test_choices_are_found_by_value() -> None:
    assert fields("contacts")[SEGMENTS].options == (("SMB", "SMB"), ("EMEA", "EMEA"))


# The language of questions.


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("O'Hara", "'O\\'Hara'"),
        ("a\\b", "'a\\\\b'"),
        ("two\nlines", "'two\\nlines'"),
        ("Zoë 🎈", "'Zoë 🎈'"),
        (None, "null"),
        (True, "true"),
        (3, "3"),
    ],
)
def test_values_are_told_from_the_question(value: Any, text: str) -> None:
    assert soql.literal(value) == text


def test_a_question_has_all_its_parts_in_order() -> None:
    text = soql.select(["Id", "Name"], "Account", where=["A = 1", "B = 2"], order=["Name"], limit=5)

    assert text == "SELECT Id,Name FROM Account WHERE A = 1 AND B = 2 ORDER BY Name LIMIT 5"
