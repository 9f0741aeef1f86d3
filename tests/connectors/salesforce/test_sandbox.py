"""The connector against the simulated vendor, over real HTTP: what a team meets in its first weeks."""

from collections import Counter
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from connectors.salesforce.connector import SalesforceConnector
from connectors.sdk import Removal, Window, Write
from connectors.sdk.fakes import Bench, FakeClock
from sandbox.server import Sandbox
from tests.connectors.salesforce.live import KEYS, STREAMS, connect, keys, labelled, pulled, server_time


@pytest.mark.parametrize("stream", STREAMS)
def test_every_live_key_is_read_once_and_swept_once(stream: str, live: SalesforceConnector) -> None:
    read = keys(pulled(live, stream))
    swept = [key for some in live.keys(stream) for key in some]

    assert read
    assert sorted(read) == sorted(swept)
    assert len(set(read)) == len(read)


@pytest.mark.parametrize("stream", STREAMS)
def test_what_is_fetched_by_key_is_what_was_listed(stream: str, live: SalesforceConnector) -> None:
    listed = {record.key: record for page in pulled(live, stream) for record in page.records}

    for some in (list(listed)[:3], list(listed)[-7:]):
        fetched = {record.key: record for page in live.fetch(stream, some) for record in page.records}

        assert fetched == {key: listed[key] for key in some}


def test_more_keys_than_an_address_holds_are_one_question(sandbox: Sandbox, live: SalesforceConnector) -> None:
    wanted = keys(pulled(live, "contacts"))
    sandbox.forget_log()

    found = keys(list(live.fetch("contacts", wanted)))

    assert sorted(found) == sorted(wanted)
    assert len(wanted) > 600
    assert [one["count"] for one in sandbox.log()["calls"]] == [1]


@pytest.mark.parametrize("stream", STREAMS)
def test_a_job_brings_what_queries_bring_to_the_letter(
    stream: str, sandbox: Sandbox, live: SalesforceConnector
) -> None:
    by_query = {record.key: repr(record) for page in pulled(live, stream) for record in page.records}
    with closing(connect(sandbox.vendor("salesforce"), bulk_from=0)) as other:
        by_job = {record.key: repr(record) for page in pulled(other, stream) for record in page.records}

    assert by_job == by_query


@pytest.mark.parametrize("stream", STREAMS)
def test_every_path_of_the_catalogue_that_can_be_read_is_in_the_records(stream: str, live: SalesforceConnector) -> None:
    fields = live.fields(stream)
    shown: set[str] = set()
    for page in pulled(live, stream):
        for record in page.records:
            shown |= record.values.keys()
            shown |= {
                f"{name}.{inner}" for name, held in record.values.items() if isinstance(held, dict) for inner in held
            }

    assert {info.path for info in fields if info.read} - shown == set()


@pytest.mark.parametrize("by", KEYS)
def test_every_way_in_leads_to_the_same_org(by: str, sandbox: Sandbox) -> None:
    bench = Bench(clock=FakeClock(sandbox.now()))  # an assertion ends after minutes
    with closing(connect(sandbox.vendor("salesforce"), by=by, bench=bench)) as connector:
        account = connector.account()

        assert (account.name, account.identity) == ("Nordlicht", "svc-crosswalk@nordlicht.test")
        assert account.time_zone == "Europe/Berlin"
        assert account.allowance is not None
        assert account.left is not None
        assert account.left < account.allowance
        assert not account.missing


def test_a_second_window_brings_only_what_was_edited(sandbox: Sandbox, live: SalesforceConnector) -> None:
    first = pulled(live, "contacts")
    edited = keys(first)[17]
    sandbox.set_clock(sandbox.now() + timedelta(minutes=30))
    sandbox.edit("salesforce", "contacts", edited, {"Title": "Head of Purchasing 🧵"})

    second = pulled(live, "contacts", server_time(first))

    assert keys(second) == [edited]
    assert second[0].records[0].values["Title"] == "Head of Purchasing 🧵"


def test_a_commit_under_an_older_stamp_is_found_by_the_next_window(sandbox: Sandbox, live: SalesforceConnector) -> None:
    late = sandbox.edit("salesforce", "contacts", None, {"LastName": "Late"}, visible_after=120)
    first = pulled(live, "contacts")
    sandbox.set_clock(sandbox.now() + timedelta(minutes=5))

    second = pulled(live, "contacts", server_time(first) - live.streams["contacts"].hold_back)

    assert late not in keys(first)
    assert late in keys(second)


def test_a_formula_that_changed_without_a_stamp_is_seen_when_the_stream_is_read_whole(
    sandbox: Sandbox, live: SalesforceConnector
) -> None:
    tier = labelled(live, "contacts", "Account Tier").name
    first = pulled(live, "contacts")
    contact = next(one for page in first for one in page.records if one.values["AccountId"])
    sandbox.set_clock(sandbox.now() + timedelta(hours=1))
    other = "Bronze" if contact.values[tier] != "Bronze" else "Silver"
    sandbox.edit("salesforce", "accounts", contact.values["AccountId"], {"Tier__c": other})
    bench = Bench(clock=FakeClock(sandbox.now() + timedelta(days=2)))
    with closing(connect(sandbox.vendor("salesforce"), bench=bench)) as later:
        changes = keys(list(later.pull("contacts", Window("", server_time(first)))))
        again = {
            one.key: one
            for page in later.pull("contacts", Window("calculated", server_time(first)))
            for one in page.records
        }

    assert contact.key not in changes
    assert again[contact.key].values[tier] == other
    assert again[contact.key].version == contact.version


def test_deleted_merged_and_brought_back(sandbox: Sandbox, live: SalesforceConnector) -> None:
    first = pulled(live, "leads")
    gone, lost, survivor, back = keys(first)[:4]
    sandbox.set_clock(sandbox.now() + timedelta(minutes=30))
    since = sandbox.now() - timedelta(minutes=5)
    for key in (gone, back):
        sandbox.edit("salesforce", "leads", key, {"IsDeleted": True})
    sandbox.edit("salesforce", "leads", lost, {"MasterRecordId": survivor})
    sandbox.set_clock(sandbox.now() + timedelta(minutes=5))
    sandbox.edit("salesforce", "leads", back, {"IsDeleted": False})

    changed = keys(pulled(live, "leads", since))
    removed = {one.key: one.survivor for some in live.removals("leads", Window("", since)) for one in some}

    assert removed == {gone: None, lost: survivor}
    assert back in changed
    assert survivor in changed
    assert not {gone, lost} & {key for some in live.keys("leads") for key in some}


def test_what_hung_on_a_deleted_record_is_gone_too(sandbox: Sandbox, live: SalesforceConnector) -> None:
    role = next(one for page in pulled(live, "contact_roles") for one in page.records)
    sandbox.set_clock(sandbox.now() + timedelta(minutes=30))
    since = sandbox.now() - timedelta(minutes=5)
    sandbox.edit("salesforce", "opportunities", role.values["OpportunityId"], {"IsDeleted": True})
    sandbox.set_clock(sandbox.now() + timedelta(minutes=5))
    list(live.pull("contact_roles", Window("", since)))

    removed = [one for some in live.removals("contact_roles", Window("", since)) for one in some]

    assert Removal(role.key, removed[0].at, None) in removed


def make(number: int, **more: Any) -> Write:
    values = {"LastName": f"Neu {number}", "Crosswalk_Id__c": f"hub-{number}", **more}
    return Write(f"a{number}", "create", None, f"hub-{number}", values, None)


def test_creates_by_the_hubs_id_make_one_record_however_often_they_are_sent(live: SalesforceConnector) -> None:
    writes = [make(number) for number in range(1000, 1250)]

    first = list(live.send("contacts", writes))
    second = list(live.send("contacts", writes))

    assert Counter(one.status for one in first) == {"done": 250}
    assert [one.key for one in first] == [one.key for one in second]
    assert [one.key for one in live.find("contacts", writes[3])] == [first[3].key]


def test_a_duplicate_rule_refuses_and_may_be_passed(sandbox: Sandbox, live: SalesforceConnector) -> None:
    held = next(
        one
        for page in pulled(live, "contacts")
        for one in page.records
        if one.values["Email"] and one.values["LastName"]
    )
    twin = make(1300, LastName=held.values["LastName"], Email=held.values["Email"])

    [refused] = live.send("contacts", [twin])
    with closing(connect(sandbox.vendor("salesforce"), duplicates="save")) as other:
        [saved] = other.send("contacts", [twin])

    assert refused.status == "rejected"
    assert "a duplicate rule of the org" in refused.reason
    assert held.values["Email"] not in refused.reason
    assert saved.status == "done"


def test_rows_that_somebody_holds_are_written_later(sandbox: Sandbox, live: SalesforceConnector) -> None:
    some = keys(pulled(live, "contacts"))[:6]
    sandbox.fault("locked_rows", vendor="salesforce", every=3)

    outcomes = list(live.send("contacts", [Write(key, "update", key, None, {"Title": "COO"}, None) for key in some]))

    assert Counter(one.status for one in outcomes) == {"done": 4, "later": 2}
    assert {one.reason for one in outcomes if one.status == "later"} == {"UNABLE_TO_LOCK_ROW"}


def test_an_update_of_what_is_gone_is_planned_anew(sandbox: Sandbox, live: SalesforceConnector) -> None:
    key = keys(pulled(live, "contacts"))[-1]
    sandbox.edit("salesforce", "contacts", key, {"IsDeleted": True})

    [outcome] = live.send("contacts", [Write("a1", "update", key, None, {"Title": "COO"}, None)])

    assert outcome.status == "moved"


def test_records_are_put_into_the_bin_and_one_that_is_there_is_left(live: SalesforceConnector) -> None:
    pages = pulled(live, "contacts")
    one, other = keys(pages)[:2]

    outcomes = list(live.send("contacts", [Write(key, "archive", key, None, {}, None) for key in (one, other)]))
    [again] = live.send("contacts", [Write("a3", "archive", one, None, {}, None)])

    assert [(outcome.status, outcome.key) for outcome in outcomes] == [("done", one), ("done", other)]
    assert again.status == "moved"
    assert not {one, other} & {key for some in live.keys("contacts") for key in some}
    assert [page.records for page in live.fetch("contacts", [one])] in ([], [[]])


@pytest.mark.parametrize(
    "stream", ["contacts", "leads", "accounts", "person_accounts", "opportunities", "tasks", "cases"]
)
def test_what_is_written_is_read_back(stream: str, live: SalesforceConnector) -> None:
    # A lead that has been converted cannot be written any more.
    key = next(one.key for page in pulled(live, stream) for one in page.records if not one.values.get("IsConverted"))
    text = 'Zoë 🎈 "quoted"; two\nlines'

    [outcome] = live.send(stream, [Write("a1", "update", key, None, {"Description": text}, None)])

    assert (outcome.status, outcome.reason) == ("done", "")
    [page] = live.fetch(stream, [key])
    assert page.records[0].values["Description"] == text
