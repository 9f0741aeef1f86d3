"""The default mapping fits the records as they are, both ways."""

from typing import Any, Final

import pytest

from connectors.sdk import Record, Window, Write
from connectors.zoho.connector import ZohoConnector
from mapping.compile import CompiledMapping
from tests.connectors.mappings import compiled, told
from tests.connectors.zoho.live import STREAMS, pulled

# What an operator writes for the scores; the fields are the organization's own, by API name or by label.
SCORES: Final = {
    "contacts": {
        "cx.nps.score": "CX_NPS_Score",
        "cx.nps.class": "CX NPS Class",
        "cx.nps.comment": "CX_NPS_Comment | truncate(2000)",
        "cx.nps.answered_at": "CX_NPS_Answered",
        "cx.responses": "CX_Response_Count",
        "custom.tier": "Customer_Tier",
    },
    "accounts": {"cx.nps.value": "CX_Account_NPS", "cx.responses": "CX_Response_Count", "segment": "Region"},
}
# Of these the simulated organization holds nothing.
EMPTY: Final = {
    "contacts": {"description", "last_activity_at"},
    "leads": {"consent", "description", "last_activity_at", "tags"},
    "accounts": {"description", "rating", "tags"},
    "deals": {"description", "next_step", "tags"},
    "calls": {"outcome"},
    "cases": {"body", "kind", "tags"},
    "campaigns": {"end"},
}


@pytest.mark.parametrize("stream", STREAMS)
def test_every_line_reads_something_from_the_records_of_its_stream(stream: str, live: ZohoConnector) -> None:
    mapping = compiled(live, stream)

    filled, faulty = told(mapping, pulled(live, stream))

    assert set(mapping.fields) - filled - EMPTY.get(stream, set()) == set()
    assert faulty <= {"phones", "emails"}  # what people typed


def test_owner_segment_and_revenue_of_a_company_are_read(live: ZohoConnector) -> None:
    mapping = compiled(live, "accounts", SCORES["accounts"])

    filled, _ = told(mapping, pulled(live, "accounts"))

    assert {"owned_by", "segment", "annual_revenue", "industry"} <= filled


def test_a_lead_that_was_converted_says_what_it_became(live: ZohoConnector) -> None:
    mapping = compiled(live, "leads")
    states = {mapping.state(record.values) for page in pulled(live, "leads") for record in page.records}

    assert states == {"live", "converted"}


def test_what_an_activity_is_about_is_a_record_of_a_stream(live: ZohoConnector) -> None:
    mapping = compiled(live, "tasks")
    about = {
        one["stream"]
        for page in pulled(live, "tasks")
        for record in page.records
        for one in mapping.read(record.values)[0][at(mapping, "about")] or ()
    }

    assert about
    assert about <= set(STREAMS)


def test_scores_a_name_and_an_owner_are_written_and_read_back_as_meant(live: ZohoConnector) -> None:
    mapping = compiled(live, "contacts", SCORES["contacts"])
    record = some(live, "contacts")
    boss = some(live, "users")
    wanted: dict[int, Any] = {
        at(mapping, "name"): {"full": "Mara Lindqvist", "given": "Mara", "family": "Lindqvist"},
        at(mapping, "emails"): [{"address": "mara@nordlicht.example", "type": "work", "primary": True}],
        at(mapping, "owned_by"): [{"stream": "users", "id": boss.key}],
        at(mapping, "cx.nps.score"): "9",
        at(mapping, "cx.nps.class"): "promoter",
        at(mapping, "cx.nps.comment"): "Schön 🎈",
        at(mapping, "cx.nps.answered_at"): "2026-11-22T17:44:05.000Z",
        at(mapping, "cx.responses"): "3",
        at(mapping, "custom.tier"): "Gold",
    }

    after = written(live, "contacts", record, mapping, wanted)

    row, faults = mapping.read(after.values)
    assert faults == []
    assert (row[at(mapping, "name")]["given"], row[at(mapping, "name")]["family"]) == ("Mara", "Lindqvist")
    assert row[at(mapping, "emails")][0]["address"] == "mara@nordlicht.example"
    assert row[at(mapping, "owned_by")] == [{"stream": "users", "id": boss.key}]
    assert row[at(mapping, "custom.tier")] == "Gold"
    shown = {name: after.values[name] for name in after.values if name.startswith("CX_")}
    assert shown == {
        "CX_NPS_Score": 9,
        "CX_NPS_Class": "Promoter",
        "CX_NPS_Comment": "Schön 🎈",
        "CX_NPS_Answered": "2026-11-22T18:44:05+01:00",
        "CX_Response_Count": 3,
    }
    for name in ("cx.nps.score", "cx.nps.class", "cx.nps.comment", "cx.nps.answered_at", "cx.responses"):
        place = at(mapping, name)
        assert mapping.shown(place, wanted[place], over=after.values) == row[place], "the hub would write it again"


def test_a_companys_score_is_written(live: ZohoConnector) -> None:
    mapping = compiled(live, "accounts", SCORES["accounts"])

    after = written(live, "accounts", some(live, "accounts"), mapping, {at(mapping, "cx.nps.value"): "41.7"})

    assert str(after.values["CX_Account_NPS"]) == "41.7"


def test_an_opt_out_is_written_and_never_taken_back(live: ZohoConnector) -> None:
    mapping = compiled(live, "contacts")
    consent = at(mapping, "consent")
    record = next(one for one in every(live, "contacts") if not one.values["Email_Opt_Out"])

    after = written(live, "contacts", record, mapping, {consent: [denial("denied")]})

    assert after.values["Email_Opt_Out"] is True
    assert mapping.read(after.values)[0][consent][0]["status"] == "denied"
    assert mapping.write({consent: [denial("granted")]}, over=after.values) == {}


def denial(status: str) -> dict[str, Any]:
    return {"channel": "email", "purpose": "marketing", "status": status}


def at(mapping: CompiledMapping, field: str) -> int:
    return mapping.fields.index(field)


def every(live: ZohoConnector, stream: str) -> list[Record]:
    return [record for page in pulled(live, stream) for record in page.records]


def some(live: ZohoConnector, stream: str) -> Record:
    first = next(iter(live.pull(stream, Window(part="", since=None))))
    return first.records[0]


def written(
    live: ZohoConnector, stream: str, record: Record, mapping: CompiledMapping, wanted: dict[int, Any]
) -> Record:
    """The record after a write of these, as it is read back."""
    values = mapping.write(wanted, over=record.values)
    [outcome] = live.send(stream, [Write("a1", "update", record.key, None, values, None)])
    assert (outcome.status, outcome.reason) == ("done", "")
    [page] = live.fetch(stream, [record.key])
    return page.records[0]
