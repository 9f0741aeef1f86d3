"""What people see of erasing somebody."""

import json
from typing import Any

import pytest

from tests.crosswalk.cli.fixtures import FakeHub, Run

WOULD: dict[str, Any] = {
    "entity": "person/8f2kq", "title": "Mara Lindqvist, Buyer", "records": {"record": 2, "response": 1, "activity": 2},
    "history": 14, "writes": 1, "conflicts": 0, "dead_letters": 0, "shared": 1,
    "still_at": ["pipedrive/persons/4711", "zoho/contacts/55610"], "problems": [], "exit_code": 0,
}  # fmt: skip
ERASED = {**WOULD, "run": "R9", "erasure": "E3", "scrubbed": True}
LISTED: dict[str, Any] = {
    "erasures": [
        {"id": "E2", "at": "2026-11-22T15:02:00.000Z", "who": "anna", "reason": "her request", "records": 3,
         "lifted_at": None},
        {"id": "E1", "at": "2026-11-20T15:02:00.000Z", "who": "anna", "reason": "", "records": 1,
         "lifted_at": "2026-11-21T15:02:00.000Z"},
    ],
    "problems": [], "exit_code": 0,
}  # fmt: skip


def test_what_would_go_and_where_they_still_stand_is_told_before_anybody_is_erased(
    crosswalk: Run, hub: FakeHub
) -> None:
    hub.answers |= {"would_erase": WOULD, "erase": ERASED}

    result = crosswalk("erase", "mara@example.test", "--reason", "her request", terminal=True, typed="y\n")

    assert result.err.splitlines()[:3] == [
        "person/8f2kq      Mara Lindqvist, Buyer",
        "What goes: 2 records, 1 response, 2 activities, 14 changes, 1 write.",
        "The systems keep what they have. To be deleted there as well:",
    ]
    assert "  zoho/contacts/55610" in result.err.splitlines()
    assert "1 address of theirs stand" in " ".join(result.err.split())
    assert "E3: nothing of them is kept, and what is sent of them again is not stored." in result.out
    assert hub.calls == [
        ("would_erase", ("mara@example.test",), {}), ("erase", ("mara@example.test",), {"reason": "her request"})
    ]  # fmt: skip


def test_a_no_erases_nobody_and_without_a_terminal_nobody_is_asked(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers |= {"would_erase": WOULD, "erase": ERASED}

    assert crosswalk("erase", "mara@example.test", terminal=True, typed="n\n").code == 2
    assert crosswalk("erase", "mara@example.test").code == 2
    assert [name for name, _, _ in hub.calls] == ["would_erase", "would_erase"]


def test_yes_asks_nothing_and_json_is_the_answer(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["erase"] = ERASED

    told = json.loads(crosswalk("erase", "mara@example.test", "--yes", "--json").out)

    assert (told["command"], told["erasure"], told["still_at"]) == ("erase", "E3", WOULD["still_at"])


def test_a_store_that_was_busy_is_told_of(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers |= {"erase": {**ERASED, "scrubbed": False}, "scrub": {"scrubbed": True, "problems": [], "exit_code": 0}}

    assert "crosswalk erase --scrub" in crosswalk("erase", "mara@example.test", "--yes").out
    assert crosswalk("erase", "--scrub").out == "The store's files hold nothing of what was erased.\n"


def test_who_was_erased_is_listed_by_number_and_may_come_back(crosswalk: Run, hub: FakeHub) -> None:
    lifted = {**LISTED["erasures"][0], "problems": [], "exit_code": 0}
    hub.answers |= {"erasures": LISTED, "lift_erasure": lifted}

    heads, first, second = crosswalk("erase", "--list").out.splitlines()
    assert heads.split() == ["erasure", "when", "who", "records", "reason"]
    assert first.startswith("E2")
    assert first.endswith("her request")
    assert second.endswith("(lifted)")
    assert "E2 is lifted" in crosswalk("erase", "--lift", "E2").out
    assert hub.calls[-1] == ("lift_erasure", ("E2",), {})


@pytest.mark.parametrize("args", [[], ["mara@example.test", "--list"], ["--list", "--scrub"]])
def test_it_is_one_thing_at_a_time(crosswalk: Run, args: list[str]) -> None:
    result = crosswalk("erase", *args)

    assert result.code == 2
    assert "who is to be erased?" in result.err
