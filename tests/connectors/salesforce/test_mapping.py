"""The default mapping fits the records as they are, both ways."""

from typing import Any

import pytest

from connectors.salesforce.connector import SalesforceConnector
from connectors.sdk import Window, Write
from mapping.compile import CompiledMapping
from tests.connectors.mappings import compiled
from tests.connectors.mappings import told as told_by
from tests.connectors.salesforce.live import STREAMS, keys, pulled

# Of these the simulated org holds nothing.
EMPTY = {
    ("contacts", "last_activity_at"), ("contacts", "reports_to"), ("leads", "last_activity_at"),
    ("leads", "description"), ("leads", "industry"), ("accounts", "ownership"), ("accounts", "registrations"),
    ("opportunities", "description"), ("tasks", "duration_s"), ("cases", "state_reason"), ("groups", "email"),
    ("person_accounts", "description"), ("person_accounts", "job_title"), ("person_accounts", "addresses"),
}  # fmt: skip


@pytest.mark.parametrize("stream", STREAMS)
def test_every_line_reads_something_from_the_records_of_its_stream(stream: str, live: SalesforceConnector) -> None:
    mapping = compiled(live, stream)
    pages = pulled(live, stream)
    filled, faulty = told_by(mapping, pages)

    assert all(mapping.accepts(record.values) for page in pages for record in page.records)
    assert filled
    assert set(mapping.fields) - filled - {name for where, name in EMPTY if where == stream} == set()
    assert faulty <= {"phones"}  # numbers that people typed


@pytest.mark.parametrize("stream", STREAMS)
def test_no_line_is_left_out_but_for_what_only_some_orgs_have(stream: str, live: SalesforceConnector) -> None:
    held = {one.held.rpartition("'")[0].rpartition("'")[2] for one in compiled(live, stream).left_out}

    assert held <= ONLY_SOME


# Fields that an org has or has not, by its edition and what is switched on.
ONLY_SOME = {
    "LastStageChangeDate", "EmailBouncedDate", "Type", "PersonOtherPhone", "PersonLeadSource", "BudgetedCost",
}  # fmt: skip


@pytest.mark.parametrize(
    ("stream", "values", "state"),
    [
        pytest.param("contacts", {"IsDeleted": True}, "deleted", id="a-deleted-contact"),
        pytest.param("contacts", {"IsDeleted": True, "MasterRecordId": "003"}, "merged", id="a-merged-contact"),
        pytest.param("leads", {"IsConverted": True}, "converted", id="a-converted-lead"),
        pytest.param("leads", {"IsConverted": False}, "live", id="a-live-lead"),
    ],
)
def test_the_state_of_a_record_is_read_from_its_flags(
    stream: str, values: dict[str, Any], state: str, live: SalesforceConnector
) -> None:
    assert compiled(live, stream).state(values) == state


@pytest.mark.parametrize(
    ("values", "status"),
    [
        pytest.param({"IsWon": True, "IsClosed": True}, "won", id="won"),
        pytest.param({"IsWon": False, "IsClosed": True}, "lost", id="lost"),
        pytest.param({"IsWon": False, "IsClosed": False}, "open", id="open"),
    ],
)
def test_a_deals_status_follows_from_its_stage(values: dict[str, Any], status: str, live: SalesforceConnector) -> None:
    row, faults = compiled(live, "opportunities").read(values)

    assert faults == []
    assert row[at(compiled(live, "opportunities"), "stage")]["status"] == status


@pytest.mark.parametrize(
    ("stream", "company", "people"),
    [
        pytest.param("accounts", [{"id": "001A", "stream": "accounts"}], None, id="a-company"),
        pytest.param("person_accounts", None, [{"id": "001A", "stream": "person_accounts"}], id="a-person"),
    ],
)
def test_a_deal_with_a_person_account_goes_to_the_person(
    stream: str, company: Any, people: Any, live: SalesforceConnector
) -> None:
    mapping = compiled(live, "opportunities")

    row, _ = mapping.read({"AccountId": "001A", "AccountId:stream": stream, "ContactId": None})

    assert told(row[at(mapping, "of_company")]) == company
    assert told(row[at(mapping, "on_deal")]) == people


def test_the_contact_of_a_person_account_is_the_person(live: SalesforceConnector) -> None:
    """Salesforce names it by an id of its own, which is no record of the hub's."""
    mapping = compiled(live, "opportunities")
    place = at(mapping, "on_deal")

    row, _ = mapping.read({"AccountId": "001A", "AccountId:stream": "person_accounts", "ContactId": "003P"})
    others, _ = mapping.read({"AccountId": "001B", "AccountId:stream": "accounts", "ContactId": "003C"})

    assert told(row[place]) == [{"id": "001A", "stream": "person_accounts"}]
    assert told(others[place]) == [{"id": "003C", "stream": "contacts"}]


def told(value: Any) -> Any:
    return [{"id": one["id"], "stream": one["stream"]} for one in value] if value else None


def test_a_contacts_change_is_written_and_reads_back_as_meant(live: SalesforceConnector) -> None:
    mapping = compiled(
        live,
        "contacts",
        {
            "cx.nps.score": "CX_NPS_Score__c",
            "cx.nps.class": "NPS Class",
            "cx.nps.comment": "CX_NPS_Comment__c | truncate(255)",
            "cx.nps.answered_at": "CX_NPS_Answered__c",
            "cx.responses": "CX_Responses__c",
        },
    )
    [first, *_] = [page for page in live.pull("contacts", Window(part="", since=None)) if page.records]
    record = first.records[0]
    wanted = {
        at(mapping, "name"): {"given": "Mara", "family": "Lindqvist"},
        at(mapping, "job_title"): "COO",
        at(mapping, "emails"): [{"address": "mara@nordlicht.example", "type": "work"}],
        at(mapping, "cx.nps.score"): "9",
        at(mapping, "cx.nps.class"): "promoter",
        at(mapping, "cx.nps.comment"): "x" * 300,
        at(mapping, "cx.nps.answered_at"): "2026-11-22T09:31:10.000Z",
        at(mapping, "cx.responses"): 3,
    }

    [outcome] = live.send(
        "contacts", [Write("a1", "update", record.key, None, mapping.write(wanted, over=record.values), None)]
    )

    assert (outcome.status, outcome.reason) == ("done", "")
    [page] = live.fetch("contacts", [record.key])
    row, faults = mapping.read(page.records[0].values)
    assert [fault for fault in faults if fault.field != "phones"] == []
    assert row[at(mapping, "name")]["family"] == "Lindqvist"
    assert row[at(mapping, "job_title")] == "COO"
    assert page.records[0].values["CX_NPS_Class__c"] == "Promoter"
    assert len(page.records[0].values["CX_NPS_Comment__c"]) == 255
    for name in ("cx.nps.score", "cx.nps.class", "cx.nps.answered_at", "cx.responses"):
        assert row[at(mapping, name)] == wanted[at(mapping, name)], name


def test_scores_go_onto_an_account_too(live: SalesforceConnector) -> None:
    mapping = compiled(live, "accounts", {"cx.nps.value": "CX_Account_NPS__c", "segment": "Tier__c"})
    [first, *_] = [page for page in live.pull("accounts", Window(part="", since=None)) if page.records]
    record = first.records[0]
    written = mapping.write({at(mapping, "cx.nps.value"): "41.5", at(mapping, "segment"): "Gold"}, over=record.values)

    [outcome] = live.send("accounts", [Write("a1", "update", record.key, None, written, None)])

    assert (outcome.status, outcome.reason) == ("done", "")
    [page] = live.fetch("accounts", [record.key])
    assert keys([page]) == [record.key]
    assert str(page.records[0].values["CX_Account_NPS__c"]) == "41.5"
    assert page.records[0].values["Tier__c"] == "Gold"


def at(mapping: CompiledMapping, field: str) -> int:
    return mapping.fields.index(field)
