"""A client that others wrote for the real API, pipedrive-python-lib, drives the sandbox; only its address differs.

It speaks v1 alone, so it stands on the endpoints that may still answer. What it offers and the sandbox does not serve,
since nothing here needs it: products, filters, subscriptions, webhooks, mail messages, followers, participants and
`duplicate_deal`.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from pipedrive.client import Client
from pipedrive.exceptions import BadRequestError, NotFoundError, UnauthorizedError

from sandbox.server import RunningVendor, Sandbox
from sandbox.world import MARA


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(("pipedrive",), seed=7, size=60, limits="lifted") as running:
        yield running


@pytest.fixture
def vendor(sandbox: Sandbox) -> RunningVendor:
    return sandbox.vendor("pipedrive")


@pytest.fixture
def client(vendor: RunningVendor) -> Client:
    client = Client(domain=vendor.base_url)
    client.set_api_token(vendor.credentials["api_token"])
    return client


def everything(method: Any) -> list[Any]:
    rows: list[Any] = []
    start: int | None = 0
    while start is not None:
        answer = method(params={"start": start, "limit": 5})
        rows += answer["data"]
        start = answer["additional_data"]["pagination"].get("next_start")
    return rows


def test_it_lists_persons_organizations_deals_and_notes_to_the_end(client: Client) -> None:
    for method in (
        client.persons.get_all_persons, client.organizations.get_all_organizations, client.deals.get_all_deals,
        client.notes.get_all_notes, client.persons.get_person_fields, client.deals.get_deal_fields,
    ):  # fmt: skip
        rows = everything(method)
        assert len({row["id"] for row in rows}) == len(rows) > 5


def test_it_finds_mara_and_reads_her(client: Client, sandbox: Sandbox) -> None:
    term = {"term": "mara.lindqvist@nordlicht-solar.test", "fields": "email", "exact_match": True}

    hits = client.persons.search_persons(params=term)["data"]["items"]
    person = client.persons.get_person(hits[0]["item"]["id"])["data"]

    assert person["id"] == sandbox.world.crm_id(sandbox.world.people[MARA])
    assert (person["name"], person["org_id"]["name"]) == ("Mara Lindqvist", "Nordlicht Solar AB")


def test_it_creates_updates_and_deletes_a_person(client: Client) -> None:
    made = client.persons.create_person({"name": "Ada", "email": ["ada@x.test"], "phone": ["+4930231250"]})["data"]
    updated = client.persons.update_person(made["id"], {"name": "Ada L", "visible_to": "7"})["data"]

    assert (updated["name"], updated["visible_to"], updated["email"][0]["value"]) == ("Ada L", "7", "ada@x.test")
    assert client.persons.delete_person(made["id"])["data"] == {"id": made["id"]}
    assert client.persons.get_person(made["id"])["data"]["active_flag"] is False


def test_it_works_with_organizations_deals_activities_notes_and_leads(client: Client) -> None:
    firm = client.organizations.create_organization({"name": "Firm", "address": "Main St 1"})["data"]
    person = client.persons.create_person({"name": "P", "org_id": firm["id"]})["data"]
    deal = client.deals.create_deal({"title": "D", "value": "100", "org_id": firm["id"], "person_id": person["id"]})[
        "data"
    ]
    call = client.activities.create_activity({"subject": "Call", "type": "call", "person_id": person["id"], "done": 0})[
        "data"
    ]
    note = client.notes.create_note({"content": "<b>x</b>", "person_id": person["id"]})["data"]
    lead = client.leads.create_lead({"title": "L", "person_id": person["id"]})["data"]

    assert client.organizations.get_organization(firm["id"])["data"]["address"] == "Main St 1"
    assert client.deals.update_deal(deal["id"], {"status": "won"})["data"]["status"] == "won"
    assert [row["id"] for row in client.organizations.get_organization_persons(firm["id"])["data"]] == [person["id"]]
    assert [row["id"] for row in client.persons.get_person_deals(person["id"])["data"]] == [deal["id"]]
    assert client.activities.update_activity(call["id"], {"done": 1})["data"]["done"] is True
    assert [row["id"] for row in client.persons.get_person_activities(person["id"])["data"]] == [call["id"]]
    assert client.notes.get_note(note["id"])["data"]["person"] == {"name": "P"}
    assert client.leads.update_lead(lead["id"], {"title": "L2"})["data"]["title"] == "L2"
    assert client.leads.delete_lead(lead["id"])["data"] == {"id": lead["id"]}


def test_it_reads_users_stages_pipelines_recents_and_searches_items(client: Client) -> None:
    assert client.users.get_me()["data"]["company_domain"] == "nordlicht"
    assert len(client.users.get_all_users()["data"]) == 6
    assert client.stages.get_all_stages()["data"][0]["pipeline_id"] == 1
    assert client.stages.get_stage(6)["data"]["pipeline_id"] == 2
    assert client.pipelines.get_pipeline(2)["data"]["name"] == "Renewals"
    assert client.pipelines.get_all_pipelines()["data"][0]["name"] == "Neukunden"
    assert client.recents.get_recent_changes(params={"since_timestamp": "2026-11-01 00:00:00"})["data"]
    assert client.items.get_item_search(params={"term": "Nordlicht Solar"})["data"]["items"]


def test_it_recognises_refusals(client: Client, vendor: RunningVendor) -> None:
    with pytest.raises(NotFoundError):
        client.persons.get_person(999999)
    with pytest.raises(BadRequestError):
        client.persons.create_person({})
    stranger = Client(domain=vendor.base_url)
    stranger.set_api_token("wrong")
    with pytest.raises(UnauthorizedError):
        stranger.users.get_me()


def test_it_refreshes_its_token_and_calls_with_it(vendor: RunningVendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Client, "OAUTH_BASE_URL", vendor.token_url.removesuffix("token"))
    known = vendor.credentials
    client = Client(known["client_id"], known["client_secret"], domain=vendor.base_url)

    granted = client.refresh_token(known["refresh_token"])
    client.set_access_token(granted["access_token"])

    assert client.users.get_me()["data"]["is_you"] is True
    exchanged = client.exchange_code("https://hub.test/", known["code"])
    assert exchanged["api_domain"] == vendor.base_url
