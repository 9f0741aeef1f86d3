"""`--json`: one object on one line of stdout, with the keys that are promised."""

import json
from typing import Any

import pytest

from tests.crosswalk.cli import fixtures
from tests.crosswalk.cli.fixtures import FakeHub, Run

ALWAYS = {"schema", "command", "exit_code", "problems"}


@pytest.mark.parametrize(
    ("args", "command", "keys"),
    [
        (["check"], "check", {"config", "store", "connections"}),
        (["discover", "salesforce/contacts"], "discover", {"stream", "fields"}),
        (["plan"], "plan", {"plan", "counts", "forecast", "guards", "actions", "conflicts"}),
        (["plan", "P87"], "plan", {"plan", "counts", "forecast", "guards", "actions", "conflicts"}),
        (["apply", "P87", "--yes"], "apply", {"run", "streams", "calls", "totals"}),
        (["undo", "R143"], "undo", {"plan", "counts", "actions", "coverage", "left"}),
        (["audit", "salesforce", "--sample", "2%"], "audit", {"compared", "differences"}),
        (["sync"], "sync", {"run", "streams", "calls", "totals"}),
        (["resync", "a/b/c"], "resync", {"run", "streams", "calls", "differences"}),
        (["status"], "status", {"daemon", "connections", "waiting"}),
        (["runs"], "runs", {"runs"}),
        (["explain", "person/8f2kq"], "explain", {"entity", "records", "fields", "history"}),
        (["explain", "CW202"], "explain", {"code", "page"}),
        (["review"], "review", {"conflicts", "pairs"}),
        (["review", "C31"], "review", {"conflicts", "pairs"}),
        (["dlq"], "dlq", {"dead_letters"}),
        (["dlq", "show", "D9"], "dlq show", {"dead_letters"}),
        (["dlq", "retry", "D9"], "dlq retry", {"dead_letters", "run"}),
    ],
)
def test_the_object_has_the_promised_keys(crosswalk: Run, args: list[str], command: str, keys: set[str]) -> None:
    result = crosswalk(*args, "--json", terminal=True)

    assert result.out.count("\n") == 1
    told = json.loads(result.out)
    assert ALWAYS | keys <= set(told)
    assert told["schema"] == 1
    assert told["command"] == command
    assert told["exit_code"] == result.code
    assert result.err == ""


def test_numbers_are_raw_and_times_are_utc(crosswalk: Run) -> None:
    told = json.loads(crosswalk("plan", "--json").out)

    assert told["forecast"][3]["cost"] == 2215
    assert told["plan"]["created_at"] == "2026-11-23T07:58:00.000Z"


def test_an_error_is_an_object_too(crosswalk: Run, hub: FakeHub) -> None:
    from crosswalk.problems import Problem, ProblemsError

    hub.answers["open"] = ProblemsError([Problem(code="CW101", text="no key 'wirte'", file="c.yaml", line=3, column=9)])

    result = crosswalk("sync", "--json")

    told = json.loads(result.out)
    assert told["exit_code"] == result.code == 2
    assert told["problems"][0]["code"] == "CW101"
    assert (told["problems"][0]["file"], told["problems"][0]["line"]) == ("c.yaml", 3)


def test_a_question_that_cannot_be_asked_is_an_object_too(crosswalk: Run) -> None:
    result = crosswalk("apply", "P87", "--json", terminal=True)

    assert json.loads(result.out)["exit_code"] == result.code == 2


def test_what_is_filtered_is_filtered_in_the_object(crosswalk: Run) -> None:
    told = json.loads(crosswalk("discover", "salesforce/contacts", "--unmapped", "--json").out)

    assert len(told["fields"]) == 104
    assert {one["mapped_to"] for one in told["fields"]} == {None}
    assert told["total"] == 142


def test_problems_of_a_run_stand_in_the_object_and_on_stderr(crosswalk: Run, hub: FakeHub) -> None:
    problem: dict[str, Any] = {
        "code": "CW302",
        "severity": "error",
        "text": "Zoho does not answer",
        "connection": "zoho",
    }
    hub.answers["sync"] = {**fixtures.SYNC, "problems": [problem], "exit_code": 1}

    assert json.loads(crosswalk("sync", "--json").out)["problems"] == [problem]
    assert crosswalk("sync").err == "zoho: error CW302: Zoho does not answer\n"
