"""What people see of daemons and of what is paused."""

from typing import Any

import pytest

from tests.crosswalk.cli import fixtures
from tests.crosswalk.cli.fixtures import FakeHub, Run

BY_ANNA = {"address": "pipedrive", "who": "anna", "since": "2026-11-22T15:02:00.000Z", "code": None, "text": ""}
BEAT = {"started_at": "2026-11-21T05:02:00.000Z", "heartbeat_at": "2026-11-23T08:28:56.000Z"}


def standing(hub: FakeHub, **more: Any) -> None:
    hub.answers["status"] = {**fixtures.STATUS, **more}


def test_every_daemon_has_a_line(crosswalk: Run, hub: FakeHub) -> None:
    standing(hub, daemons=[{"host": "hub-1", **BEAT}, {"host": "hub-2", **BEAT}])

    assert crosswalk("status").out.splitlines()[:2] == [
        "daemon  on hub-1 since 21 Nov, heartbeat 4 s ago",
        "daemon  on hub-2 since 21 Nov, heartbeat 4 s ago",
    ]


def test_a_daemon_that_has_gone_is_told_and_is_down(crosswalk: Run, hub: FakeHub) -> None:
    standing(hub, daemon=None, daemons=[], lost={"host": "hub-1", **BEAT}, connections=[], waiting={})

    result = crosswalk("status", "--exit-code")

    assert result.out.splitlines()[0] == "daemon  fail  on hub-1 is gone: its last heartbeat was 4 s ago"
    assert result.code == 1


def test_what_is_matched_no_more_is_told_and_is_down(crosswalk: Run, hub: FakeHub) -> None:
    text = "Spark does not start on spark://nowhere:7077"
    standing(hub, halt={"code": "CW132", "text": text, "since": "2026-11-23T08:20:00.000Z", "run": "R12"}, waiting={})

    result = crosswalk("status", "--exit-code")

    assert f"matching  fail  CW132: {text} since 09:20 (R12)" in result.out
    assert "nothing is matched, planned or written" in result.out
    assert result.code == 1


def test_what_waits_for_a_stream_is_told_with_how_far_that_is_read(crosswalk: Run, hub: FakeHub) -> None:
    since, read = "2026-11-23T08:20:00.000Z", "2026-11-22T15:02:00.000Z"
    leads = {"stream": "salesforce/leads", "creates": 3, "since": since, "read_to": read}
    standing(hub, awaited=[leads, {**leads, "creates": None, "read_to": None}])

    out = crosswalk("status").out

    assert "3 creates wait for salesforce/leads since 23 Nov 09:20; it is read to 22 Nov 16:02" in out
    assert "creates wait for salesforce/leads since 23 Nov 09:20; it has not been read yet" in out


def test_a_daemon_is_asked_for_on_this_machine_alone(
    crosswalk: Run, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "hub-2")
    standing(hub, daemons=[{"host": "hub-1", **BEAT}], waiting={"conflicts": 3})
    assert crosswalk("status", "--daemon").code == 1

    standing(hub, daemons=[{"host": "hub-1", **BEAT}, {"host": "hub-2", **BEAT}], waiting={"conflicts": 3})
    assert crosswalk("status", "--daemon").code == 0


def test_what_is_overdue_says_so_and_is_down(crosswalk: Run, hub: FakeHub) -> None:
    late = {"name": "zoho", "state": "ok", "overdue": True, "last_good_at": "2026-11-23T07:00:00.000Z"}
    standing(hub, connections=[late], waiting={})

    result = crosswalk("status", "--exit-code")

    assert "! ok   has not succeeded for twice its interval" in result.out
    assert result.code == 1


def test_what_a_person_paused_is_told_with_their_name(crosswalk: Run, hub: FakeHub) -> None:
    paused = {"name": "pipedrive", "state": "paused", "code": None, "who": "anna", "since": BY_ANNA["since"]}
    stream = {**fixtures.STATUS["streams"][0], "paused": {"who": "ben", "since": "2026-11-23T08:20:00.000Z"}}
    standing(hub, connections=[paused], streams=[stream])

    out = crosswalk("status").out

    assert "paused by anna since 22 Nov 16:02" in out
    assert f"{stream['stream']} is paused by ben since 23 Nov 09:20" in out


def test_a_first_plan_that_waits_is_told_as_one(crosswalk: Run, hub: FakeHub) -> None:
    held = {"plan": "P1", "class": "update", "count": 431, "streams": [], "why": ["the first plan of a mapping"]}
    standing(hub, waiting={"approvals": [held]})

    assert "431 updates (P1, the first plan of a mapping)" in crosswalk("status").out


def test_pausing_says_what_it_means_and_how_it_ends(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["pause"] = {"paused": [BY_ANNA], "changed": True, "problems": [], "exit_code": 0}

    result = crosswalk("pause", "pipedrive", "--as", "anna")

    assert result.out == (
        "! pipedrive is paused by anna since 22 Nov 16:02: neither read nor written;\n  crosswalk resume pipedrive\n"
    )
    assert (hub.calls, hub.opened["who"]) == ([("pause", ("pipedrive",), {})], "anna")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        pytest.param({"changed": True, "paused": []}, "pipedrive goes on with its next run\n", id="goes-on"),
        pytest.param({"changed": False, "paused": []}, "pipedrive was not paused\n", id="was-not"),
        pytest.param(
            {"changed": True, "paused": [{**BY_ANNA, "address": "pipedrive/persons"}]},
            "pipedrive goes on with its next run\n"
            "! pipedrive/persons is paused by anna since 22 Nov 16:02: neither read nor written;\n"
            "  crosswalk resume pipedrive/persons\n",
            id="a-stream-stays",
        ),
    ],
)
def test_resuming_says_what_goes_on(crosswalk: Run, hub: FakeHub, answer: dict[str, Any], said: str) -> None:
    hub.answers["resume"] = {**answer, "problems": [], "exit_code": 0}

    assert crosswalk("resume", "pipedrive").out == said


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        pytest.param(["sync"], fixtures.SYNC, id="sync"),
        pytest.param(["sync"], fixtures.SYNC_QUIET, id="nothing-to-do"),
        pytest.param(["plan"], fixtures.PLAN, id="plan"),
        pytest.param(["apply", "P87", "--yes"], fixtures.APPLY, id="apply"),
    ],
)
def test_what_is_left_out_of_a_run_is_named(
    crosswalk: Run, hub: FakeHub, command: list[str], answer: dict[str, Any]
) -> None:
    hub.answers[command[0]] = {**answer, "paused": [BY_ANNA]}

    assert "! pipedrive is paused by anna since 22 Nov 16:02" in crosswalk(*command).out
