"""The connector against the simulated vendor, over real HTTP: what a team meets in its first weeks."""

from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from connectors.pipedrive.connector import PipedriveConnector
from connectors.sdk import Window, Write
from connectors.sdk.fakes import Bench
from sandbox.server import Sandbox
from tests.connectors.pipedrive.live import STREAMS, connect, keys, labelled, pulled, server_time


@pytest.mark.parametrize("stream", STREAMS)
def test_every_live_key_is_read_once_and_swept_once(stream: str, live: PipedriveConnector) -> None:
    read = keys(pulled(live, stream))
    swept = [key for some in live.keys(stream) for key in some]

    assert read
    assert sorted(read) == sorted(swept)
    assert len(set(read)) == len(read)


@pytest.mark.parametrize("stream", STREAMS)
def test_what_is_fetched_by_key_is_what_was_listed(stream: str, live: PipedriveConnector) -> None:
    listed = {record.key: record for page in pulled(live, stream) for record in page.records}

    for some in (list(listed)[:3], list(listed)[-7:]):
        fetched = {record.key: record for page in live.fetch(stream, some) for record in page.records}

        assert fetched == {key: listed[key] for key in some}


@pytest.mark.parametrize("stream", STREAMS)
def test_every_path_of_the_catalogue_that_can_be_read_is_in_the_records(stream: str, live: PipedriveConnector) -> None:
    fields = live.fields(stream)
    shown: set[str] = set()
    for page in pulled(live, stream):
        for record in page.records:
            shown |= record.values.keys() | {f"custom_fields.{code}" for code in record.values.get("custom_fields", ())}
            shown |= {f"value.{name}" for name in (record.values.get("value") or {})} if stream == "leads" else set()

    # An unset custom field of a lead is left out, so that none may carry it.
    missing = {info.path for info in fields if info.read and not (stream == "leads" and info.custom)} - shown
    assert missing == set()


def test_a_second_window_brings_only_what_was_edited(sandbox: Sandbox, live: PipedriveConnector) -> None:
    first = pulled(live, "persons")
    edited = keys(first)[17]
    sandbox.set_clock(sandbox.now() + timedelta(minutes=5))
    sandbox.edit("pipedrive", "persons", edited, {"job_title": "Head of Purchasing 🧵"})

    second = pulled(live, "persons", server_time(first) - live.streams["persons"].hold_back)

    assert keys(second) == [edited]
    assert second[0].records[0].values["job_title"] == "Head of Purchasing 🧵"


def test_a_record_that_commits_late_is_found_by_the_window_after(sandbox: Sandbox, live: PipedriveConnector) -> None:
    first = pulled(live, "persons")
    key = keys(first)[3]
    sandbox.fault("late_commit", path=f"persons/{key}", seconds=40, count=1)
    list(live.send("persons", [Write("a1", "update", key, None, {"name": "Late Commit"}, None)]))
    hold_back = live.streams["persons"].hold_back
    second = pulled(live, "persons", server_time(first) - hold_back)
    sandbox.set_clock(sandbox.now() + timedelta(seconds=50))

    third = pulled(live, "persons", server_time(second) - hold_back)

    assert key not in keys(second)
    assert key in keys(third)


def test_an_app_reads_on_when_its_token_dies_in_the_middle(sandbox: Sandbox) -> None:
    bench = Bench()
    sandbox.fault("expired_token", path=r"persons\?.*cursor", count=1)

    with closing(connect(sandbox.vendor("pipedrive"), by="refresh_token", bench=bench)) as connector:
        read = keys(pulled(connector, "persons"))

    assert len(read) == len(set(read)) > 500
    assert len(bench.tokens.history) == 2


@pytest.mark.parametrize("wait", [pytest.param(2, id="it-says-how-long"), pytest.param(None, id="it-says-nothing")])
def test_a_storm_of_refusals_passes(wait: int | None, sandbox: Sandbox, live: PipedriveConnector) -> None:
    sandbox.fault("storm", path="organizations", retry_after=wait, count=2)

    assert len(keys(pulled(live, "organizations"))) > 100


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "truncated", "honest": False}, id="a-broken-connection"),
        pytest.param({"kind": "error", "html": True}, id="a-gateways-page"),
    ],
)
def test_a_page_that_fails_is_asked_for_again(
    fault: dict[str, Any], sandbox: Sandbox, live: PipedriveConnector
) -> None:
    sandbox.fault(**fault, path="persons", skip=1, count=1)

    read = keys(pulled(live, "persons"))

    assert len(read) == len(set(read)) > 500


# writing


def test_a_create_whose_answer_is_lost_is_found_by_its_hub_id(sandbox: Sandbox, live: PipedriveConnector) -> None:
    code = labelled(live, "persons", "Crosswalk ID").name
    write = _create("h-lost", code)
    before = live.find("persons", write)
    sandbox.fault("lost_response", method="POST", path="persons", count=1)

    [outcome] = live.send("persons", [write])

    assert before == []
    assert outcome.status == "unknown"
    [found] = live.find("persons", write)
    assert found.values["custom_fields"][code] == "h-lost"


def test_a_create_is_found_by_search_when_newer_ones_have_pushed_it_away(
    sandbox: Sandbox, live: PipedriveConnector
) -> None:
    code = labelled(live, "persons", "Crosswalk ID").name
    [outcome] = live.send("persons", [_create("h-old", code, add_time="2020-01-01T00:00:00Z")])
    sandbox.set_clock(sandbox.now() + live.streams["persons"].visibility_lag)

    [found] = live.find("persons", _create("h-old", code))

    assert found.key == outcome.key


def test_a_create_that_did_not_arrive_is_not_found(sandbox: Sandbox, live: PipedriveConnector) -> None:
    code = labelled(live, "persons", "Crosswalk ID").name
    write = _create("h-never", code)
    sandbox.fault("error", method="POST", path="persons", count=1)

    [outcome] = live.send("persons", [write])

    assert outcome.status == "unknown"
    assert live.find("persons", write) == []


def test_an_answer_shows_the_record_as_a_list_shows_it(sandbox: Sandbox, live: PipedriveConnector) -> None:
    key = keys(pulled(live, "organizations"))[0]
    address = {"value": "Hafenstr. 1, Kiel", "locality": "Kiel", "country": "Germany"}

    [outcome] = live.send("organizations", [Write("a1", "update", key, None, {"address": address}, None)])

    [listed] = [r for page in pulled(live, "organizations") for r in page.records if r.key == key]
    assert (outcome.status, outcome.version) == ("done", listed.version)
    assert outcome.values == listed.values
    assert listed.values["address"]["locality"] == "Kiel"


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"name": "আব্দুল করিম 🧵"}, id="another-script"),
        pytest.param({"phones": None, "emails": []}, id="emptied-lists"),
        pytest.param({"org_id": None}, id="a-cleared-reference"),
        pytest.param({"owner_id": "12", "visible_to": "7", "label_ids": []}, id="numbers-as-text"),
    ],
)
def test_what_is_written_is_what_is_read_back(values: dict[str, Any], live: PipedriveConnector) -> None:
    key = keys(pulled(live, "persons"))[40]

    [outcome] = live.send("persons", [Write("a1", "update", key, None, values, None)])

    assert (outcome.status, outcome.reason) == ("done", "")
    [page] = live.fetch("persons", [key])
    for name, value in values.items():
        shown = page.records[0].values[name]
        assert (str(shown) == value) if isinstance(value, str) else ((shown or None) == (value or None))


def test_custom_fields_of_every_kind_are_written_in_their_own_type(live: PipedriveConnector) -> None:
    key = keys(pulled(live, "deals"))[0]
    competitors = labelled(live, "deals", "Competitors")
    fee = labelled(live, "deals", "Renewal fee")
    customs = {
        competitors.name: [competitors.options[0][0], competitors.options[2][0]],
        fee.name: {"value": "120.5", "currency": "EUR"},
    }

    [outcome] = live.send("deals", [Write("a1", "update", key, None, {"custom_fields": customs}, None)])
    [cleared] = live.send("deals", [Write("a2", "update", key, None, {"custom_fields": {competitors.name: []}}, None)])

    assert outcome.values is not None
    assert cleared.values is not None
    shown = outcome.values["custom_fields"]
    assert shown[competitors.name] == [int(competitors.options[0][0]), int(competitors.options[2][0])]
    assert str(shown[fee.name]["value"]) == "120.5"
    assert cleared.values["custom_fields"][competitors.name] is None


def test_a_choice_that_the_account_does_not_offer_is_refused_by_its_label(live: PipedriveConnector) -> None:
    tier = labelled(live, "persons", "Kundenstufe")

    [outcome] = live.send(
        "persons", [Write("a1", "create", None, None, {"name": "Ito Sho", "custom_fields": {tier.name: "4711"}}, None)]
    )

    assert outcome.status == "rejected"
    assert "Kundenstufe" in outcome.reason
    assert "4711" not in outcome.reason


def test_a_field_that_went_away_since_it_was_discovered_is_refused_by_its_label(
    sandbox: Sandbox, live: PipedriveConnector
) -> None:
    score = labelled(live, "persons", "NPS score")
    key = keys(pulled(live, "persons"))[0]
    sandbox.fault("schema", vendor="pipedrive", stream="persons", field="NPS score")

    [outcome] = live.send("persons", [Write("a1", "update", key, None, {"custom_fields": {score.name: "9"}}, None)])

    assert outcome.status == "rejected"
    assert "NPS score" in outcome.reason
    assert score.path not in {info.path for info in live.fields("persons")}


# archived, deleted, restored


def test_an_archived_deal_changes_its_part_and_comes_back(sandbox: Sandbox, live: PipedriveConnector) -> None:
    pages = list(live.pull("deals", Window(part="live", since=None)))
    deal, since = pages[0].records[0].key, server_time(pages)

    [archived] = live.send("deals", [Write("a1", "archive", deal, None, {}, None)])

    [page] = live.pull("deals", Window(part="archived", since=since))
    assert archived.status == "done"
    assert deal in [record.key for record in page.records]
    assert deal in {key for some in live.keys("deals") for key in some}

    [restored] = live.send("deals", [Write("a2", "restore", deal, None, {}, None)])

    assert restored.values is not None
    assert restored.values["is_archived"] is False


@pytest.mark.parametrize("stream", ["persons", "organizations", "activities"])
def test_what_has_no_archive_is_put_into_the_bin(stream: str, live: PipedriveConnector) -> None:
    key = keys(pulled(live, stream))[0]

    [outcome] = live.send(stream, [Write("a1", "archive", key, None, {}, None)])

    assert (outcome.status, outcome.key, outcome.values) == ("done", key, None)
    assert key not in {one for some in live.keys(stream) for one in some}
    assert all(one.values["is_deleted"] for page in live.fetch(stream, [key]) for one in page.records)


def test_a_deleted_deal_is_in_the_list_of_deletions(sandbox: Sandbox, live: PipedriveConnector) -> None:
    pages = pulled(live, "deals")
    gone = keys(pages)[5]
    since = server_time(pages) - timedelta(minutes=1)
    sandbox.edit("pipedrive", "deals", gone, {"is_deleted": True})

    removed = [removal.key for some in live.removals("deals", Window(part="", since=since)) for removal in some]

    assert gone in removed
    assert gone not in {key for some in live.keys("deals") for key in some}


def test_a_deleted_person_is_missing_from_the_sweep_and_told_by_its_key(
    sandbox: Sandbox, live: PipedriveConnector
) -> None:
    gone = keys(pulled(live, "persons"))[60]
    sandbox.edit("pipedrive", "persons", gone, {"is_deleted": True})

    assert gone not in {key for some in live.keys("persons") for key in some}
    [page] = live.fetch("persons", [gone])
    assert page.records[0].values["is_deleted"] is True


def _create(hub_id: str, code: str, **more: Any) -> Write:
    values = {
        "name": f"Test {hub_id}",
        "emails": [{"value": f"{hub_id}@crosswalk.example", "primary": True, "label": "work"}],
        "custom_fields": {code: hub_id},
        **more,
    }
    return Write("a1", "create", None, hub_id, values, None)
