"""The connector against the simulated vendor, over real HTTP: what a team meets in its first weeks."""

from contextlib import closing
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from connectors.sdk import AuthorizationRequest, Window, Write
from connectors.sdk.fakes import Bench
from connectors.zoho.connector import ZohoConnector
from connectors.zoho.settings import ZohoStream
from sandbox.server import Sandbox
from tests.connectors.zoho.live import STREAMS, connect, keys, pulled, server_time

WRITTEN = tuple(stream for stream in STREAMS if stream != "users")


@pytest.mark.parametrize("stream", STREAMS)
def test_every_live_key_is_read_and_swept(stream: str, live: ZohoConnector) -> None:
    read = set(keys(pulled(live, stream)))
    swept = {key for some in live.keys(stream) for key in some}

    assert read
    assert read == swept


@pytest.mark.parametrize("stream", STREAMS)
def test_what_is_fetched_by_key_is_what_was_listed(stream: str, live: ZohoConnector) -> None:
    listed = {record.key: record for page in pulled(live, stream) for record in page.records}

    for some in (list(listed)[:3], list(listed)[-120:]):
        fetched = {record.key: record for page in live.fetch(stream, some) for record in page.records}

        assert fetched == {key: listed[key] for key in some}


@pytest.mark.parametrize("stream", STREAMS)
def test_every_path_of_the_catalogue_is_in_the_records(stream: str, live: ZohoConnector) -> None:
    fields = {info.path for info in live.fields(stream) if info.read}
    shown: set[str] = set()
    for page in pulled(live, stream):
        for record in page.records:
            shown |= record.values.keys()
            shown |= {
                f"{name}.{part}" for name, value in record.values.items() if isinstance(value, dict) for part in value
            }

    assert {path for path in fields if path.partition(".")[0] not in shown} == set()


def test_a_page_costs_one_credit_and_an_idle_look_another(sandbox: Sandbox) -> None:
    with closing(connect(sandbox.vendor("zoho"))) as zoho:
        pages = pulled(zoho, "contacts")
        sandbox.forget_log()
        again = pulled(zoho, "contacts")
        whole = cost(sandbox, "GET /crm/v8/Contacts")
        sandbox.forget_log()
        idle = pulled(zoho, "contacts", server_time(again) + timedelta(minutes=1))

    count = len(set(keys(pages)))
    assert count > 400
    # At the least a page of 200 each; a page may begin with some that came before.
    assert -(-count // 200) <= whole <= -(-count * 11 // 2000) + 1
    assert (keys(idle), cost(sandbox, "GET /crm/v8/Contacts")) == ([], 1)


def test_a_second_window_brings_only_what_was_edited(sandbox: Sandbox, live: ZohoConnector) -> None:
    first = pulled(live, "contacts")
    edited = keys(first)[17]
    sandbox.set_clock(sandbox.now() + timedelta(minutes=5))
    sandbox.edit("zoho", "Contacts", edited, {"Title": "Head of Purchasing 🧵"})

    second = pulled(live, "contacts", server_time(first) - live.streams["contacts"].hold_back)

    assert keys(second) == [edited]
    assert second[0].records[0].values["Title"] == "Head of Purchasing 🧵"


def test_what_was_deleted_or_purged_is_told(sandbox: Sandbox, live: ZohoConnector) -> None:
    first = pulled(live, "leads")
    recycled, purged, *_ = keys(first)
    sandbox.set_clock(sandbox.now() + timedelta(minutes=5))
    sandbox.edit("zoho", "Leads", recycled, {"$deleted": True})
    sandbox.edit("zoho", "Leads", purged, {"$purged": True})

    told = [one for some in live.removals("leads", Window("", server_time(first))) for one in some]

    assert {one.key for one in told} == {recycled, purged}
    assert [page.records for page in live.fetch("leads", [recycled])] == [[]]


def test_an_app_reads_on_when_its_token_dies_in_the_middle(sandbox: Sandbox) -> None:
    bench = Bench()
    sandbox.fault("expired_token", path=r"Contacts\?", count=1)
    with closing(connect(sandbox.vendor("zoho"), bench=bench)) as zoho:
        assert len(set(keys(pulled(zoho, "contacts")))) > 400

    assert len(bench.tokens.history) == 2


def test_what_a_person_grants_in_a_browser_lets_us_in_and_lasts(sandbox: Sandbox) -> None:
    bench, vendor = Bench(), sandbox.vendor("zoho")
    client = {name: vendor.credentials[name] for name in ("client_id", "client_secret")}
    with closing(connect(vendor, bench=bench, auth=client)) as zoho:
        flow = zoho.authorization
        assert flow is not None
        asked = AuthorizationRequest.make("http://localhost:8910/callback")
        redirect = urlsplit(httpx.get(flow.address(asked)).headers["location"])
        code = flow.code(asked, dict(parse_qsl(redirect.query)))
        granted = flow.grant(zoho._transport.exchange(flow.redeem(asked, code)), held=None, now=bench.clock.now)
        bench.tokens.replace("acme", granted, generation=0)

        assert zoho.account().missing == {}
        sandbox.fault("expired_token", path=r"Accounts", count=1)
        assert keys(pulled(zoho, "accounts"))

    first, renewed = bench.tokens.history
    assert (first.refresh_token, first.access_token) != (None, renewed.access_token)
    assert renewed.refresh_token == first.refresh_token


@pytest.mark.parametrize("stream", WRITTEN)
def test_a_record_is_created_changed_and_emptied(stream: str, live: ZohoConnector) -> None:
    template = next(record for page in live.pull(stream, Window("", None)) for record in page.records)
    required = {info.path.partition(".")[0] for info in live.fields(stream) if info.required}
    values = {name: template.values[name] for name in required}

    key = done(live, stream, Write("a1", "create", None, None, values, None))
    done(live, stream, Write("a2", "update", key, None, {"Description": "Zoë 🎈"}, None))
    assert value(live, stream, key, "Description") == "Zoë 🎈"
    done(live, stream, Write("a3", "update", key, None, {"Description": None}, None))

    assert value(live, stream, key, "Description") is None


@pytest.mark.parametrize("stream", WRITTEN)
def test_a_record_is_put_into_the_bin_and_taken_out_again(stream: str, live: ZohoConnector) -> None:
    key = keys(pulled(live, stream))[0]

    assert done(live, stream, Write("a1", "archive", key, None, {}, None)) == key
    assert key not in {one for some in live.keys(stream) for one in some}
    assert done(live, stream, Write("a2", "restore", key, None, {}, None)) == key

    assert [record.key for page in live.fetch(stream, [key]) for record in page.records] == [key]


def test_a_record_that_is_in_no_bin_is_not_taken_out(live: ZohoConnector) -> None:
    key = keys(pulled(live, "contacts"))[0]

    [outcome] = live.send("contacts", [Write("a1", "restore", key, None, {}, None)])

    assert outcome.status == "rejected"


@pytest.mark.parametrize("stream", ["contacts", "leads", "accounts", "deals", "cases"])
def test_a_create_that_is_sent_twice_makes_one_record(stream: str, live: ZohoConnector, sandbox: Sandbox) -> None:
    template = next(record for page in live.pull(stream, Window("", None)) for record in page.records)
    required = {info.path.partition(".")[0] for info in live.fields(stream) if info.required}
    values = {**{name: template.values[name] for name in required}, "Crosswalk_Id": f"twice-{stream}"}
    write = Write("a1", "create", None, f"twice-{stream}", values, None)

    first, second = done(live, stream, write), done(live, stream, write)

    assert first == second
    assert [record.key for record in live.find(stream, write)] == [first]
    sandbox.forget_log()


def test_a_value_that_another_record_has_is_refused_with_its_id(live: ZohoConnector) -> None:
    one, other, *_ = keys(pulled(live, "contacts"))
    done(live, "contacts", Write("a1", "update", one, None, {"Crosswalk_Id": "taken"}, None))

    [outcome] = live.send("contacts", [Write("a2", "update", other, None, {"Crosswalk_Id": "taken"}, None)])

    assert (outcome.status, outcome.reason) == (
        "rejected",
        f"refused, DUPLICATE_DATA: Crosswalk Id, record {one} has it",
    )


def test_a_locked_record_is_refused_and_its_neighbours_are_written(sandbox: Sandbox, live: ZohoConnector) -> None:
    one, locked, other, *_ = keys(pulled(live, "contacts"))
    sandbox.edit("zoho", "Contacts", locked, {"$locked": True})

    writes = [Write(key, "update", key, None, {"Title": "CFO"}, None) for key in (one, locked, other)]
    outcomes = list(live.send("contacts", writes))
    sandbox.edit("zoho", "Contacts", locked, {"$locked": False})

    assert [outcome.status for outcome in outcomes] == ["done", "rejected", "done"]


def test_an_edit_between_the_last_reading_and_the_write_is_not_overwritten(
    sandbox: Sandbox, live: ZohoConnector
) -> None:
    one, edited, *_ = keys(pulled(live, "contacts"))
    list(live.fetch("contacts", [one, edited]))
    sandbox.set_clock(sandbox.now() + timedelta(seconds=2))
    sandbox.edit("zoho", "Contacts", edited, {"Title": "by a person"})

    outcomes = live.send("contacts", [Write(key, "update", key, None, {"Title": "x"}, None) for key in (one, edited)])

    assert [outcome.status for outcome in outcomes] == ["done", "moved"]
    assert value(live, "contacts", edited, "Title") == "by a person"


def test_a_field_that_goes_away_is_no_fault_of_the_stream(sandbox: Sandbox) -> None:
    with closing(connect(sandbox.vendor("zoho"))) as zoho:
        first = pulled(zoho, "contacts")
        sandbox.fault("schema", vendor="zoho", stream="Contacts", field="Customer_Tier")

        second = pulled(zoho, "contacts")
        [outcome] = zoho.send(
            "contacts", [Write("a1", "update", keys(first)[0], None, {"Customer_Tier": "Gold"}, None)]
        )

    assert len(set(keys(second))) == len(set(keys(first)))
    assert "Customer_Tier" not in second[0].records[0].values
    assert (outcome.status, "Customer_Tier" in outcome.reason) == ("rejected", True)


def test_fewer_fields_are_asked_for_where_some_are_left_out(sandbox: Sandbox) -> None:
    streams = {"contacts": ZohoStream(leave_out=("Title", "Department"))}
    with closing(connect(sandbox.vendor("zoho"), streams=streams)) as zoho:
        values = pulled(zoho, "contacts")[0].records[0].values

    assert not {"Title", "Department"} & set(values)


def test_limits_that_are_kept_are_kept_to(sandbox: Sandbox) -> None:
    """A day's credits are told from half of them on; nothing is refused to one who asks for pages."""
    with Sandbox.start(("zoho",), seed=7, size=60) as strict, closing(connect(strict.vendor("zoho"))) as zoho:
        assert zoho.account().allowance == 60_000
        assert {stream: len(keys(pulled(zoho, stream))) > 0 for stream in STREAMS} == dict.fromkeys(STREAMS, True)


def done(live: ZohoConnector, stream: str, write: Write) -> str:
    [outcome] = live.send(stream, [write])
    assert (outcome.status, outcome.reason) == ("done", "")
    assert outcome.key is not None
    return outcome.key


def value(live: ZohoConnector, stream: str, key: str, name: str) -> Any:
    [page] = live.fetch(stream, [key])
    return page.records[0].values[name]


def cost(sandbox: Sandbox, call: str) -> int:
    return sum(row["cost"] for row in sandbox.log()["calls"] if row["call"] == call)
