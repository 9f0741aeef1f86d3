"""What the catalogue of a module becomes, and what of it is asked for."""

from typing import Any

import pytest
import respx

from connectors.sdk import FieldInfo
from connectors.zoho.connector import ZohoConnector
from connectors.zoho.fields import described, forecast_types, listed, questions
from tests.connectors.zoho.api import CATALOGUE, FIELDS, catalogue, connect, field, option


def known(stream: str, *rows: Any) -> dict[str, FieldInfo]:
    return {info.path: info for info in described(stream, rows or CATALOGUE)}


@respx.mock
def test_the_catalogue_is_asked_for_by_module_and_each_time_anew() -> None:
    route = respx.get(FIELDS).mock(side_effect=[catalogue(), catalogue(field("Title", "text"))])
    zoho = connect()

    first, second = ([info.name for info in zoho.fields("contacts")] for _ in range(2))

    assert route.calls.last.request.url.params["module"] == "Contacts"
    assert ("Crosswalk_Id" in first, second) == (True, ["id", "Title"])


def test_a_custom_field_is_known_by_label_and_api_name() -> None:
    score = known("contacts")["CX_NPS_Score"]

    assert (score.name, score.label, score.type, score.custom, score.write) == (
        "CX_NPS_Score", "CX NPS Score", "int", True, True,
    )  # fmt: skip


def test_what_is_unique_required_and_how_long_is_told() -> None:
    fields = known("contacts")

    assert (fields["Crosswalk_Id"].unique, fields["Crosswalk_Id"].max_length) == (True, 36)
    assert (fields["Last_Name"].required, fields["First_Name"].required) == (True, False)
    assert fields["Region"].max_length is None


def test_how_many_decimals_a_number_keeps_is_told() -> None:
    fields = known(
        "contacts",
        field("Rank", "double", decimal_place=2),
        field("Revenue", "currency", decimal_place=0),
        field("Share", "percent", decimal_place=None),
        field("Title", "text", decimal_place=2),
    )

    assert {name: one.decimals for name, one in fields.items() if name != "id"} == {
        "Rank": 2, "Revenue": 0, "Share": None, "Title": None,
    }  # fmt: skip


def test_a_reference_stands_by_its_id_and_beside_it_its_name() -> None:
    fields = known("contacts")

    account = fields["Account_Name.id"]
    assert (account.name, account.type, account.refers_to, account.write) == ("Account_Name", "ref", "accounts", True)
    assert (fields["Account_Name.name"].type, fields["Account_Name.name"].write) == ("text", False)
    assert fields["Owner.id"].refers_to == "users"


@pytest.mark.parametrize(
    ("lookup", "stream"),
    [
        pytest.param({"module": {"api_name": "Contacts"}}, "contacts", id="a-stream"),
        pytest.param({"module": {"api_name": "Vendors"}}, None, id="a-module-that-is-not-read"),
        pytest.param({"module": {"api_name": "se_module"}}, "any", id="several-modules"),
        pytest.param({}, None, id="not-told"),
    ],
)
def test_a_reference_leads_to_the_stream_of_its_module(lookup: Any, stream: str | None) -> None:
    assert known("contacts", field("X", "lookup", lookup=lookup))["X.id"].refers_to == stream


def test_an_option_is_known_by_its_own_value_and_none_is_no_option() -> None:
    assert known("contacts")["Region"].options == [("Norden", "North")]
    assert known("contacts")["Interests"].type == "multi"


@pytest.mark.parametrize(
    ("row", "type_"),
    [
        pytest.param(field("X", "formula", formula={"return_type": "double"}), "number", id="a-formula"),
        pytest.param(field("X", "formula", formula={"return_type": "text"}), "text", id="a-formula-of-words"),
        pytest.param(field("X", "rollup_summary"), "number", id="a-roll-up"),
        pytest.param(field("X", "autonumber"), "text", id="a-number-of-its-own"),
        pytest.param(field("X", "text", read_only=True), "text", id="read-only"),
        pytest.param(field("X", "text", field_read_only=True), "text", id="read-only-for-this-profile"),
        pytest.param(
            field("X", "text", operation_type={"api_create": False, "api_update": False}), "text", id="not-by-api"
        ),
    ],
)
def test_what_zoho_computes_or_keeps_to_itself_is_not_written(row: Any, type_: str) -> None:
    info = known("contacts", row)["X"]

    assert (info.type, info.write) == (type_, False)


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(field("X", "subform"), id="a-subform"),
        pytest.param(field("X", "profileimage"), id="a-picture"),
        pytest.param(field("X", "text", visible=False), id="hidden"),
        pytest.param(field("X", "text", type="unused"), id="taken-out-of-every-layout"),
        pytest.param(field("Last_Enriched_Time__s", "datetime"), id="moves-by-itself"),
    ],
)
def test_what_lists_do_not_show_or_what_moves_by_itself_is_neither_asked_for_nor_known(row: Any) -> None:
    assert listed([row]) == ["Modified_Time"]
    assert set(known("contacts", row)) == {"id"}


def test_what_the_operator_leaves_out_is_neither() -> None:
    rows = [field("Twitter", "text"), field("Email", "email")]

    assert listed(rows, leave_out=["Twitter"]) == ["Modified_Time", "Email"]
    assert [info.name for info in described("contacts", rows, leave_out=["Twitter"])] == ["id", "Email"]


def test_fifty_names_a_question_each_with_the_stamp() -> None:
    names = listed([field(f"F{number}", "text") for number in range(120)])

    asked = [question.split(",") for question in questions(names, related=True)]

    assert [len(some) for some in asked] == [50, 50, 24]
    assert {some[0] for some in asked} == {"Modified_Time"}
    assert [name for some in asked for name in some[1:]] == ["$se_module", *(f"F{number}" for number in range(120))]
    assert questions(["Modified_Time"], related=False) == ["Modified_Time"]


def test_activities_say_what_they_are_about() -> None:
    assert known("tasks", field("Subject", "text"))["$se_module"].write


def test_a_stage_counts_as_what_the_catalogue_says() -> None:
    stages = [
        option("Angebot", shown="Offer", forecast_type="Open"),
        option("Gewonnen", forecast_type="Closed Won"),
        option("Ohne"),
    ]
    row = field("Stage", "picklist", pick_list_values=stages)

    assert forecast_types([row]) == {"Offer": "Open", "Angebot": "Open", "Gewonnen": "Closed Won"}
    assert known("deals", row)["$forecast_type"].options == [("Closed Won", "Closed Won"), ("Open", "Open")]
    assert "$forecast_type" not in known("deals", field("Stage", "picklist"))


def test_users_have_the_same_fields_everywhere() -> None:
    zoho: ZohoConnector = connect()

    names = {info.name: info.write for info in zoho.fields("users")}

    assert names["email"] is False
    assert "Last_Name" not in names
