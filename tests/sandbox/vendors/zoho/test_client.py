"""A client that others wrote for the real API, Zoho's own Python SDK for v8, drives the sandbox at another address.

It makes its records out of the fields that `settings/fields` tells of, so it fails on one that it cannot read.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.api.authenticator.store import FileStore
from zohocrmsdk.src.com.zoho.api.logger import Logger
from zohocrmsdk.src.com.zoho.crm.api.coql import BodyWrapper as Query
from zohocrmsdk.src.com.zoho.crm.api.coql import CoqlOperations
from zohocrmsdk.src.com.zoho.crm.api.dc import DataCenter
from zohocrmsdk.src.com.zoho.crm.api.fields import FieldsOperations, GetFieldsParam
from zohocrmsdk.src.com.zoho.crm.api.header_map import HeaderMap
from zohocrmsdk.src.com.zoho.crm.api.initializer import Initializer
from zohocrmsdk.src.com.zoho.crm.api.layouts import GetLayoutsParam, LayoutsOperations
from zohocrmsdk.src.com.zoho.crm.api.modules import ModulesOperations
from zohocrmsdk.src.com.zoho.crm.api.org import OrgOperations
from zohocrmsdk.src.com.zoho.crm.api.parameter_map import ParameterMap
from zohocrmsdk.src.com.zoho.crm.api.record import (
    BodyWrapper,
    GetDeletedRecordsHeader,
    GetRecordsHeader,
    GetRecordsParam,
    RecordOperations,
    SearchRecordsParam,
)
from zohocrmsdk.src.com.zoho.crm.api.record import Record as Row
from zohocrmsdk.src.com.zoho.crm.api.sdk_config import SDKConfig
from zohocrmsdk.src.com.zoho.crm.api.users import UsersOperations

from sandbox.server import Sandbox
from sandbox.world import MARA

MODULES = ("Leads", "Contacts", "Accounts", "Deals", "Tasks", "Events", "Calls", "Campaigns", "Cases", "Notes")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(("zoho",), seed=7, size=600, limits="lifted") as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def signed_in(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The SDK keeps who it is in one place of the process."""
    vendor, folder = sandbox.vendor("zoho"), tmp_path_factory.mktemp("sdk")
    known = vendor.credentials
    Initializer.initialize(
        environment=DataCenter.Environment(vendor.base_url, vendor.token_url, vendor.base_url),
        token=OAuthToken(known["client_id"], known["client_secret"], refresh_token=known["refresh_token"]),
        store=FileStore(str(folder / "tokens.txt")),
        sdk_config=SDKConfig(auto_refresh_fields=False, pick_list_validation=True),
        resource_path=str(folder),
        logger=Logger.get_instance(level=Logger.Levels.ERROR, file_path=str(folder / "sdk.log")),
    )


def params(*pairs: tuple[Any, Any]) -> ParameterMap:
    made = ParameterMap()
    for name, value in pairs:
        made.add(name, value)
    return made


def body(*rows: dict[str, Any]) -> BodyWrapper:
    records = []
    for values in rows:
        record = Row()
        for name, value in values.items():
            record.add_key_value(name, value)
        records.append(record)
    made = BodyWrapper()
    made.set_data(records)
    made.set_trigger([])
    return made


def everything(module: str, fields: str) -> list[Any]:
    operations, rows, token = RecordOperations(module), [], None
    while True:
        asked = params((GetRecordsParam.fields, fields), (GetRecordsParam.per_page, 50))
        if token is not None:
            asked.add(GetRecordsParam.page_token, token)
        page = operations.get_records(asked, HeaderMap()).get_object()
        rows += page.get_data()
        token = page.get_info().get_next_page_token()
        if token is None:
            return rows


def made(module: str, **values: Any) -> int:
    reply = RecordOperations(module).create_records(body(values), HeaderMap())
    assert reply.get_status_code() == 201
    return int(reply.get_object().get_data()[0].get_details()["id"])


@pytest.mark.parametrize("module", MODULES)
def test_it_lists_a_module_to_the_end_and_reads_each_record(module: str) -> None:
    rows = everything(module, "id,Modified_Time")

    count = RecordOperations(module).record_count(ParameterMap()).get_object().get_count()
    assert len({row.get_id() for row in rows}) == len(rows) == count
    for row in rows[:5]:
        record = RecordOperations(module).get_record(row.get_id()).get_object().get_data()[0]
        assert record.get_key_value("Modified_Time") == row.get_key_value("Modified_Time")


def test_it_reads_mara_with_her_company_and_options(sandbox: Sandbox) -> None:
    found = params((SearchRecordsParam.email, sandbox.world.people[MARA].work_email))

    record = RecordOperations("Contacts").search_records(found, HeaderMap()).get_object().get_data()[0]

    assert (record.get_key_value("First_Name"), record.get_key_value("Last_Name")) == ("Mara", "Lindqvist")
    assert record.get_key_value("Account_Name").get_key_value("name") == "Nordlicht Solar AB"
    assert record.get_key_value("Owner").get_email().endswith("@nordlicht.test")
    tiers = {row.get_key_value("Customer_Tier") for row in everything("Contacts", "Customer_Tier")} - {None}
    assert "ব্রোঞ্জ" in {tier.get_value() for tier in tiers}


def test_it_creates_updates_upserts_and_deletes(sandbox: Sandbox) -> None:
    operations = RecordOperations("Contacts")
    key = made("Contacts", Last_Name="Ada", Email="ada@x.test", Crosswalk_Id="cw-1", CX_NPS_Score=9)

    changed = operations.update_record(key, body({"Title": "Countess"}), HeaderMap()).get_object().get_data()[0]
    again = body({"Last_Name": "Lovelace", "Crosswalk_Id": "cw-1"})
    again.set_duplicate_check_fields(["Crosswalk_Id"])
    upserted = operations.upsert_records(again, HeaderMap()).get_object().get_data()[0]

    assert changed.get_message().get_value() == "record updated"
    assert (upserted.get_action().get_value(), upserted.get_duplicate_field()) == ("update", "Crosswalk_Id")
    record = operations.get_record(key).get_object().get_data()[0]
    values = [record.get_key_value(name) for name in ("Last_Name", "Title", "CX_NPS_Score")]
    assert values == ["Lovelace", "Countess", 9]
    gone = operations.delete_record(key, ParameterMap(), HeaderMap()).get_object().get_data()[0]
    assert gone.get_status().get_value() == "success"
    deleted = operations.get_deleted_records(ParameterMap(), HeaderMap()).get_object().get_data()
    assert (deleted[0].get_id(), deleted[0].get_type()) == (key, "recycle")
    written = [effect["fields"]["$trigger"] for effect in sandbox.log()["effects"] if effect["record"] == str(key)]
    assert written[:3] == [[], [], []]


def test_it_is_told_what_became_of_each_row() -> None:
    made("Contacts", Last_Name="A", Crosswalk_Id="cw-2")

    reply = RecordOperations("Contacts").create_records(
        body({"Last_Name": "B", "Crosswalk_Id": "cw-2"}, {"Last_Name": "C", "Email": "nowhere"}, {"Last_Name": "D"}),
        HeaderMap(),
    )

    assert reply.get_status_code() == 207
    codes = [row.get_code().get_value() for row in reply.get_object().get_data()]
    assert codes == ["DUPLICATE_DATA", "INVALID_DATA", "SUCCESS"]


def test_nothing_new_and_nothing_at_all_are_no_errors() -> None:
    now = datetime(2099, 1, 1, tzinfo=UTC)
    since, gone = HeaderMap(), HeaderMap()
    since.add(GetRecordsHeader.if_modified_since, now)
    gone.add(GetDeletedRecordsHeader.if_modified_since, now)
    contacts = RecordOperations("Contacts")

    assert contacts.get_records(params((GetRecordsParam.fields, "Email")), since).get_status_code() == 304
    assert contacts.get_deleted_records(ParameterMap(), gone).get_status_code() == 304
    nobody = params((SearchRecordsParam.email, "nobody@x.test"))
    assert contacts.search_records(nobody, HeaderMap()).get_status_code() == 204


def test_it_recognises_refusals() -> None:
    reply = RecordOperations("Contacts").get_records(ParameterMap(), HeaderMap())

    assert (reply.get_status_code(), reply.get_object().get_code().get_value()) == (400, "REQUIRED_PARAM_MISSING")


def test_it_reads_users_the_organisation_modules_fields_and_layouts(sandbox: Sandbox) -> None:
    users = UsersOperations().get_users(ParameterMap(), HeaderMap()).get_object().get_users()
    org = OrgOperations().get_organization().get_object().get_org()[0]
    modules = ModulesOperations().get_modules(ParameterMap(), HeaderMap()).get_object().get_modules()
    fields = FieldsOperations().get_fields(params((GetFieldsParam.module, "Contacts"))).get_object().get_fields()
    layouts = LayoutsOperations().get_layouts(params((GetLayoutsParam.module, "Deals"))).get_object().get_layouts()

    assert {user.get_status() for user in users} == {"active", "inactive", "deleted"}
    assert org.get_zgid() == sandbox.vendor("zoho").credentials["org_id"]
    assert {module.get_api_name() for module in modules} == set(MODULES)
    hub = next(field for field in fields if field.get_api_name() == "Crosswalk_Id")
    assert (hub.get_data_type(), hub.get_length(), hub.get_custom_field()) == ("text", 36, True)
    assert layouts[0].get_sections()[0].get_fields()


def test_it_queries_in_coql(sandbox: Sandbox) -> None:
    mail = sandbox.world.people[MARA].work_email
    query = Query()
    query.set_select_query(f"select Last_Name, Account_Name.Account_Name from Contacts where Email = '{mail}' limit 10")

    row = CoqlOperations().get_records(query).get_object().get_data()[0]

    assert row.get_key_value("Last_Name") == "Lindqvist"
    assert row.get_key_value("Account_Name.Account_Name") == "Nordlicht Solar AB"
