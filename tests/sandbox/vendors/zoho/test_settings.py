import pytest

from sandbox.vendors.zoho.app import Zoho
from tests.sandbox.calls import Caller

SETTINGS = "/crm/v8/settings"


def test_the_organisation_tells_its_id_zone_and_currency(zoho: Caller, crm: Zoho) -> None:
    org = zoho("GET", "/crm/v8/org").json["org"][0]

    assert org["zgid"] == crm.credentials["org_id"]
    assert (org["time_zone"], org["iso_code"], org["license_details"]["paid_type"]) == (
        "Europe/Berlin", "EUR", "enterprise",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("AllUsers", 7),
        ("ActiveUsers", 5),
        ("DeactiveUsers", 1),
        ("DeletedUsers", 1),
        ("AdminUsers", 2),
        ("CurrentUser", 1),
    ],
)
def test_users_are_listed_by_their_state(zoho: Caller, kind: str, number: int) -> None:
    reply = zoho("GET", "/crm/v8/users", type=kind)

    assert len(reply.json["users"]) == number
    assert zoho("GET", "/crm/v8/users/actions/count", type=kind).json == {"count": number}


def test_users_come_in_pages_and_one_by_one(zoho: Caller) -> None:
    page = zoho("GET", "/crm/v8/users", per_page=4, page=2).json
    user = page["users"][0]

    assert page["info"] == {"per_page": 4, "count": 3, "page": 2, "more_records": False}
    assert zoho("GET", f"/crm/v8/users/{user['id']}").json["users"] == [user]
    assert zoho("GET", "/crm/v8/users/1").status == 204
    assert zoho("GET", "/crm/v8/users", type="Nobody").status == 400


def test_modules_are_listed_and_read_by_name(zoho: Caller) -> None:
    names = [module["api_name"] for module in zoho("GET", f"{SETTINGS}/modules").json["modules"]]

    assert {"Leads", "Contacts", "Accounts", "Deals", "Tasks", "Events", "Calls", "Cases", "Campaigns"} <= set(names)
    assert zoho("GET", f"{SETTINGS}/modules/Contacts").json["modules"][0]["singular_label"] == "Contact"
    assert zoho("GET", f"{SETTINGS}/modules/Nobodies").json["code"] == "INVALID_MODULE"


def test_fields_tell_type_length_options_and_who_may_write(zoho: Caller) -> None:
    fields = {field["api_name"]: field for field in zoho("GET", f"{SETTINGS}/fields", module="Contacts").json["fields"]}

    hub, score, tier = fields["Crosswalk_Id"], fields["CX_NPS_Score"], fields["Customer_Tier"]
    assert (hub["unique"], hub["external"]) == ({"case_sensitive": False}, {"type": "org", "show": True})
    assert (score["data_type"], score["json_type"], score["custom_field"]) == ("integer", "integer", True)
    assert [option["actual_value"] for option in tier["pick_list_values"]] == ["Gold", "Silver", "ব্রোঞ্জ"]
    assert fields["Account_Name"]["lookup"]["module"]["api_name"] == "Accounts"
    assert (fields["Last_Name"]["system_mandatory"], fields["Last_Name"]["length"]) == (True, 80)
    assert fields["Modified_Time"]["operation_type"]["api_update"] is False
    one = zoho("GET", f"{SETTINGS}/fields/{hub['id']}", module="Contacts").json["fields"]
    assert one == [hub]
    assert len({field["id"] for field in fields.values()}) == len(fields)


def test_an_option_may_be_displayed_otherwise_than_it_is_written(zoho: Caller) -> None:
    fields = {field["api_name"]: field for field in zoho("GET", f"{SETTINGS}/fields", module="Accounts").json["fields"]}

    shown = [(option["display_value"], option["actual_value"]) for option in fields["Region"]["pick_list_values"]]

    assert ("বাংলাদেশ", "Bangladesh") in shown


def test_layouts_pipelines_related_lists_and_roles_are_read(zoho: Caller) -> None:
    layout = zoho("GET", f"{SETTINGS}/layouts", module="Deals").json["layouts"][0]
    pipelines = zoho("GET", f"{SETTINGS}/pipeline", layout_id=layout["id"]).json["pipeline"]
    lists = zoho("GET", f"{SETTINGS}/related_lists", module="Deals").json["related_lists"]

    assert zoho("GET", f"{SETTINGS}/layouts/{layout['id']}", module="Deals").json["layouts"] == [layout]
    required = [field["api_name"] for field in layout["sections"][0]["fields"] if field["required"]]
    assert required == ["Deal_Name", "Stage"]
    assert [pipeline["default"] for pipeline in pipelines] == [True, False]
    assert {stage["forecast_type"] for stage in pipelines[0]["maps"]} == {"Open", "Closed Won", "Closed Lost"}
    assert {"Contact_Roles", "Notes"} <= {one["api_name"] for one in lists}
    assert zoho("GET", "/crm/v8/Contacts/roles").json["contact_roles"][1]["name"] == "Decision Maker"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/fields", "REQUIRED_PARAM_MISSING"), ("/fields?module=Nobodies", "INVALID_MODULE"),
        ("/fields/7?module=Deals", "INVALID_DATA"), ("/layouts/7?module=Deals", "INVALID_DATA"),
        ("/pipeline", "REQUIRED_PARAM_MISSING"), ("/pipeline?layout_id=7", "INVALID_DATA"),
    ],
)  # fmt: skip
def test_a_question_that_cannot_be_answered_is_refused(zoho: Caller, path: str, code: str) -> None:
    reply = zoho("GET", SETTINGS + path)

    assert (reply.status, reply.json["code"]) == (400, code)
