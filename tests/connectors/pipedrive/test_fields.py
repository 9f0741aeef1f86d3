"""What the catalogue of an account becomes."""

import pytest
import respx

from connectors.pipedrive.connector import PipedriveConnector
from connectors.pipedrive.fields import BASE as COMMON
from connectors.sdk import FieldInfo
from connectors.sdk.errors import GrantError
from tests.connectors.pipedrive.api import (
    AMOUNT,
    BASE,
    CATALOGUE,
    HUB_ID,
    PERSON_FIELDS,
    SEGMENTS,
    connect,
    field,
    listed,
    refused,
)


@pytest.fixture
def pipedrive() -> PipedriveConnector:
    return connect()


def described(pipedrive: PipedriveConnector, stream: str) -> dict[str, FieldInfo]:
    return {info.path: info for info in pipedrive.fields(stream)}


@respx.mock
def test_a_custom_field_is_known_by_label_and_stands_under_its_hash(pipedrive: PipedriveConnector) -> None:
    respx.get(PERSON_FIELDS).mock(return_value=listed(*CATALOGUE))

    known = described(pipedrive, "persons")

    hub_id = known[f"custom_fields.{HUB_ID}"]
    assert (hub_id.name, hub_id.label, hub_id.type) == (HUB_ID, "Crosswalk ID", "text")
    assert (hub_id.custom, hub_id.write, hub_id.max_length, hub_id.unique) == (True, True, 255, False)
    segments = known[f"custom_fields.{SEGMENTS}"]
    assert (segments.type, segments.options) == ("multi", [("41", "SMB"), ("42", "EMEA")])
    assert known[f"custom_fields.{AMOUNT}"].type == "money"


@respx.mock
def test_what_the_catalogue_calls_otherwise_stands_where_the_records_have_it(pipedrive: PipedriveConnector) -> None:
    respx.get(PERSON_FIELDS).mock(return_value=listed(*CATALOGUE))

    known = described(pipedrive, "persons")

    assert "email" not in known
    assert (known["emails"].label, known["emails"].type, known["emails"].write) == ("Electronic mail", "emails", True)
    assert (known["name"].required, known["first_name"].write) == (True, False)
    assert known["label_ids"].options == [("3", "Customer")]
    assert known["add_time"].type == "datetime"
    assert known["org_id"].refers_to == "organizations"


@respx.mock
def test_a_field_that_comes_only_when_asked_for_is_not_readable(pipedrive: PipedriveConnector) -> None:
    count = field("Open deals", "open_deals_count", "int", is_optional_response_field=True)
    respx.get(PERSON_FIELDS).mock(return_value=listed(*CATALOGUE, count))
    asking = connect(
        streams={"persons": PipedriveConnector.stream_settings.model_validate({"include_fields": ["open_deals_count"]})}
    )

    assert described(pipedrive, "persons")["open_deals_count"].read is False
    assert described(asking, "persons")["open_deals_count"].read is True


@respx.mock
def test_the_catalogue_is_read_to_its_last_page(pipedrive: PipedriveConnector) -> None:
    respx.get(PERSON_FIELDS).mock(side_effect=[listed(*CATALOGUE[:4], cursor="c2"), listed(*CATALOGUE[4:])])

    assert f"custom_fields.{AMOUNT}" in described(pipedrive, "persons")


@respx.mock
def test_leads_have_the_custom_fields_of_deals_at_their_root(pipedrive: PipedriveConnector) -> None:
    respx.get(f"{BASE}/api/v2/dealFields").mock(
        return_value=listed(field("Stage", "stage_id", "stage"), field("Segments", SEGMENTS, "set"))
    )

    known = described(pipedrive, "leads")

    assert known[SEGMENTS].custom
    assert "stage_id" not in known


@respx.mock
def test_activities_are_known_without_the_catalogue_that_only_an_admin_may_read(pipedrive: PipedriveConnector) -> None:
    respx.get(f"{BASE}/api/v2/activityFields").mock(return_value=refused(403, "Scope and URL mismatch"))
    respx.get(PERSON_FIELDS).mock(return_value=refused(403, "Scope and URL mismatch"))

    assert {info.path for info in COMMON["activities"]} == set(described(pipedrive, "activities"))
    with pytest.raises(GrantError):
        pipedrive.fields("persons")


def test_notes_and_users_have_no_catalogue_to_ask_for(pipedrive: PipedriveConnector) -> None:
    assert described(pipedrive, "notes")["content"].required
    assert described(pipedrive, "users")["email"].write is False
