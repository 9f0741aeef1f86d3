"""The hub unattended: what a slot does, what the log says of it, and what stops nothing."""

import io
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.sdk.errors import GrantError, LaterError
from crosswalk import log
from crosswalk.daemon import Unattended, open_daemon, triggers_of
from crosswalk.settings.load import load
from crosswalk.store.codec import iso, millis
from crosswalk.store.leases import Slots
from scheduler.slots import Firing
from tests.hub import REGISTRY, World

SLOT = datetime(2026, 11, 24, 8, 15, tzinfo=UTC)
FILE = """
time_zone: Europe/Berlin
schedule: {{every: 1h{audit}}}
connections:
  alpha:
    connector: memory
    account: {a}
    streams:
      people: {{write: [create, update], create_from: [beta]}}
  beta:
    connector: memory
    account: {b}
    schedule: {{cron: 0 3 * * sun}}
    streams:
      people: {{write: [update]}}
merge:
  defaults: {{masters: [alpha, beta], on_conflict: [masters]}}
guards:
  create: {{at_most: 2, share: 100%}}
  update: {{at_most: 50, share: 100%}}
"""

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> World:
    made = World(tmp_path, database_url, "")
    made.write(FILE.format(a=made.account("alpha"), b=made.account("beta"), audit=""))
    made.remote("alpha").put("people", "1", name="Mara Lindqvist", email="mara@a.test", title="COO")
    made.remote("beta").put("people", "1", name="Mara Lindqvist", email="mara@a.test")
    return made


@pytest.fixture
def lines(world: World) -> Iterator[Lines]:
    """The lines of the log since the last call."""
    out = io.StringIO()
    log.configure(out=out, clock=world.clock)

    def taken() -> list[dict[str, Any]]:
        found = [json.loads(line) for line in out.getvalue().splitlines()]
        out.seek(0)
        out.truncate()
        return found

    yield taken
    log.configure(out=io.StringIO())


@pytest.fixture
def daemon(world: World) -> Iterator[Unattended]:
    with open_daemon(world.folder / "crosswalk.yaml", clock=world.clock, registry=REGISTRY) as opened:
        yield opened


def only(lines: list[dict[str, Any]], event: str) -> dict[str, Any]:
    (found,) = [line for line in lines if line["event"] == event]
    return found


def events(lines: list[dict[str, Any]]) -> list[str]:
    return [line["event"] for line in lines]


def test_a_slot_syncs_its_connection_and_says_so(world: World, daemon: Unattended, lines: Lines) -> None:
    world.sync()
    lines()
    world.remote("alpha").put("people", "1", title="CEO")

    assert daemon.run(Firing("alpha", SLOT)) == "done"

    told = lines()
    assert events(told) == ["run.start", "run.done"]
    start, done = told
    assert (start["event"], start["connection"], start["slot"]) == ("run.start", "alpha", "2026-11-24T08:15:00Z")
    assert (done["event"], done["run"], done["outcome"]) == ("run.done", start["run"], "done")
    assert (done["read"], done["changed"], done["written"], done["waiting"]) == (1, 1, 1, 0)
    assert world.remote("beta").of("people", "1")["title"] == "CEO"
    with world.open() as hub:
        (run,) = hub.runs(1)["runs"]
    assert (run["trigger"], run["state"], run["connections"]) == ("daemon", "done", ["alpha", "beta"])


def test_of_other_connections_nothing_is_read(world: World, daemon: Unattended) -> None:
    world.sync()
    before = len(world.remote("beta").calls)

    daemon.run(Firing("alpha", SLOT))

    assert len(world.remote("beta").calls) == before


def test_the_first_plan_of_a_mapping_is_held_and_the_next_slot_does_not_say_so_again(
    world: World, daemon: Unattended, lines: Lines
) -> None:
    world.remote("beta").put("people", "1", phone="+49895550177")
    daemon.run(Firing("beta", SLOT))

    daemon.run(Firing("alpha", SLOT))

    told = lines()
    assert only(told, "plan.ready")["waiting"] == 2
    assert told[-1]["outcome"] == "waits"
    assert world.remote("alpha").log == []
    with world.open() as hub:
        (held, *_) = hub.status()["waiting"]["approvals"]
    assert (held["plan"], held["why"]) == (only(told, "plan.ready")["plan"], ["the first plan of a mapping"])

    daemon.run(Firing("alpha", SLOT + timedelta(hours=1)))
    assert "plan.ready" not in events(lines())

    with world.open() as hub:
        hub.apply(held["plan"])
    assert [op for op, *_ in world.remote("alpha").log] == ["update"]


def test_a_guard_that_trips_is_told(world: World, daemon: Unattended, lines: Lines) -> None:
    world.sync()
    for number in range(3):
        world.remote("beta").put("people", f"n{number}", name=f"New {number}", email=f"new{number}@b.test")

    daemon.run(Firing("beta", SLOT))

    guard = only(lines(), "guard.tripped")
    assert (guard["code"], guard["stream"], guard["class"], guard["planned"], guard["ceiling"]) == (
        "CW701", "alpha/people", "create", 3, 2,
    )  # fmt: skip
    assert guard["level"] == "warning"


def test_a_connection_that_does_not_answer_fails_its_run_and_no_other(
    world: World, daemon: Unattended, lines: Lines
) -> None:
    world.sync()

    def silent(_stream: str, _page: int) -> None:
        raise LaterError("does not answer")

    world.remote("alpha").on_page = silent
    assert daemon.run(Firing("alpha", SLOT)) == "again"
    failed = lines()
    assert (only(failed, "vendor.silent")["code"], failed[-1]["event"]) == ("CW302", "run.failed")

    daemon.run(Firing("beta", SLOT))
    assert lines()[-1]["event"] == "run.done"

    world.remote("alpha").on_page = None
    daemon.run(Firing("alpha", SLOT + timedelta(hours=1)))
    assert "connection.resumed" in events(lines())


def test_a_refused_connection_is_paused_and_asked_no_more_until_check_lets_it_in(
    world: World, daemon: Unattended, lines: Lines
) -> None:
    world.sync()
    world.remote("alpha").refused = True
    assert daemon.run(Firing("alpha", SLOT)) == "again"
    told = lines()
    assert (only(told, "token.refused")["code"], events(told)[-1]) == ("CW202", "connection.paused")
    asked = len(world.remote("alpha").calls)

    daemon.run(Firing("alpha", SLOT + timedelta(hours=1)))
    with world.open() as hub:
        synced = hub.sync()
        status = hub.status()["connections"][0]

    assert lines() == []
    assert len(world.remote("alpha").calls) == asked
    assert synced["exit_code"] == 1
    assert [one["code"] for one in synced["problems"] if one["severity"] == "error"] == ["CW202"]
    assert (status["state"], status["code"], status["next_at"]) == ("paused", "CW202", None)

    world.remote("alpha").refused = False
    with world.open() as hub:
        hub.check(["alpha"])
    daemon.run(Firing("alpha", SLOT + timedelta(hours=2)))
    assert lines()[-1]["event"] == "run.done"


def test_a_connection_whose_token_was_refused_goes_on_by_itself_once_it_is_let_in(
    world: World, daemon: Unattended, lines: Lines
) -> None:
    """A vendor's trouble of an hour at night costs an hour, not the night."""
    world.sync()
    world.remote("alpha").refused = True
    daemon.run(Firing("alpha", SLOT))
    assert daemon.run(Firing("alpha", SLOT, 1)) == "again"
    lines()
    world.remote("alpha").refused = False
    world.remote("alpha").put("people", "1", title="CEO")

    assert daemon.run(Firing("alpha", SLOT, 2)) == "done"

    assert events(lines()) == ["run.start", "run.done", "connection.resumed"]
    assert world.remote("beta").of("people", "1")["title"] == "CEO"


@pytest.mark.parametrize("code", ["CW201", "CW203"])
def test_a_grant_that_was_revoked_is_asked_for_no_more(world: World, daemon: Unattended, code: str) -> None:
    world.sync()

    def revoked(_stream: str, _page: int) -> None:
        raise GrantError("the refresh token is revoked", code=code)

    world.remote("alpha").on_page = revoked

    assert daemon.run(Firing("alpha", SLOT)) == "done"
    assert daemon.run(Firing("alpha", SLOT + timedelta(hours=1))) == "done"
    with world.open() as hub:
        assert hub.status()["connections"][0]["state"] == "paused"


def test_a_persons_pause_is_no_refused_token(world: World, daemon: Unattended) -> None:
    world.sync()
    with world.open() as hub:
        hub.pause("alpha")
    asked = len(world.remote("alpha").calls)

    assert daemon.run(Firing("alpha", SLOT)) == "done"
    assert len(world.remote("alpha").calls) == asked


def test_status_says_when_what_failed_is_tried_again(world: World, daemon: Unattended) -> None:
    world.sync()
    daemon._presence.beat()
    slots = Slots(daemon._database, holder="x", clock=world.clock)
    slots.claim("alpha", world.clock())
    slots.again(Firing("alpha", world.clock()), world.clock() + timedelta(minutes=2))

    with world.open() as hub:
        alpha, beta = hub.status()["connections"]

    assert alpha["again_at"] == alpha["next_at"] == iso(millis(world.clock() + timedelta(minutes=2)))
    assert beta["again_at"] is None
    assert beta["next_at"] > alpha["next_at"]


def test_a_fault_of_the_program_ends_the_run_and_names_no_customer(
    world: World, daemon: Unattended, lines: Lines
) -> None:
    world.sync()

    def broken(_stream: str, _page: int) -> None:
        raise KeyError("mara@a.test")

    world.remote("alpha").on_page = broken
    assert daemon.run(Firing("alpha", SLOT)) == "again"

    told = lines()
    assert (told[-1]["event"], told[-1]["error"]) == ("program.error", "KeyError")
    assert "mara" not in json.dumps(told)
    with world.open() as hub:
        assert hub.runs(1)["runs"][0]["state"] == "failed"


def test_told_to_stop_a_run_ends_behind_its_page_and_its_slot_is_left(world: World, daemon: Unattended) -> None:
    world.sync()
    for number in range(9):
        world.remote("alpha").put("people", f"n{number}", name=f"New {number}", email=f"new{number}@b.test")

    def stopped(_stream: str, page: int) -> None:
        if page > 2:
            for hub in daemon._hubs.values():
                hub.stop()
            daemon.stop("SIGTERM")

    world.remote("alpha").on_page = stopped

    assert daemon.run(Firing("alpha", SLOT)) == "left"
    assert daemon.run(Firing("beta", SLOT)) == "left"

    with world.open() as hub:
        (run,) = hub.runs(1)["runs"]
    assert run["state"] == "stopped"
    assert 0 < run["read"] < 9
    world.remote("alpha").on_page = None
    assert world.sync()["totals"]["changed"] + run["changed"] == 9


def test_a_retry_is_not_slept_through_when_the_daemon_ends(world: World, daemon: Unattended) -> None:
    world.sync()

    def wait_long(_stream: str, _page: int) -> None:
        (hub,) = daemon._hubs.values()
        timer.start()
        hub.house.sleep(3600)

    timer = threading.Timer(0.1, lambda: daemon.finish(within=0))
    world.remote("alpha").on_page = wait_long

    assert daemon.run(Firing("alpha", SLOT)) == "left"

    timer.join()
    with world.open() as hub:
        assert hub.runs(1)["runs"][0]["state"] == "stopped"


def test_from_start_to_end_it_makes_up_for_what_is_due_and_says_when_it_ends(
    world: World, daemon: Unattended, lines: Lines
) -> None:
    daemon.start()
    with world.open() as hub:
        assert hub.status()["daemon"] is not None
    daemon.stop("SIGTERM")
    daemon.wait()
    unfinished = daemon.finish(within=30)

    told = lines()
    assert (told[0]["event"], told[0]["connections"]) == ("daemon.start", 2)
    assert unfinished == 0
    assert only(told, "daemon.stopping")["signal"] == "SIGTERM"
    assert told[-1]["event"] == "daemon.stopped"


def test_a_daemon_that_has_left_is_told_as_ended(world: World) -> None:
    with open_daemon(world.folder / "crosswalk.yaml", clock=world.clock, registry=REGISTRY):
        pass

    with world.open() as hub:
        told = hub.status()

    assert (told["daemon"], told["lost"]) == (None, None)


def test_a_changed_file_is_followed_and_a_broken_one_is_not(world: World, daemon: Unattended, lines: Lines) -> None:
    path = world.folder / "crosswalk.yaml"
    before = path.read_text()
    path.write_text(before + "schdule: {every: 1m}\n")

    daemon.reload()
    daemon.reload()

    (rejected,) = lines()
    assert (rejected["event"], rejected["code"]) == ("settings.rejected", "CW101")
    path.write_text(before.replace("    streams:\n      people: {write: [update]}\n", ""))
    daemon.reload()
    assert events(lines()) == ["settings.loaded"]
    path.write_text(before.replace("  beta:", "  gamma:").replace("beta]", "gamma]"))
    daemon.reload()
    daemon.run(Firing("beta", SLOT))
    assert events(lines()) == ["settings.loaded"]  # of what the file no longer names nothing is done


def test_a_file_that_names_another_store_needs_another_daemon(world: World, daemon: Unattended, lines: Lines) -> None:
    path = world.folder / "crosswalk.yaml"
    path.write_text(path.read_text().replace(world.url, "sqlite:///other.db"))

    daemon.reload()

    assert only(lines(), "settings.rejected")["text"] == "store.url has changed"


def test_schedules_of_connections_go_before_that_of_all_and_audits_are_jobs_of_their_own(world: World) -> None:
    world.write(FILE.format(a="a", b="b", audit=", audit: 30 2 * * *"))
    settings = load(world.folder / "crosswalk.yaml", registry=REGISTRY).hub
    assert settings is not None

    triggers = triggers_of(settings)
    after = datetime(2026, 11, 24, 12, tzinfo=UTC)

    assert set(triggers) == {"alpha", "audit:alpha", "beta", "audit:beta"}
    hourly = triggers["alpha"].next(after)
    assert hourly is not None
    assert hourly - after <= timedelta(hours=1)
    assert triggers["beta"].next(after) == datetime(2026, 11, 29, 2, tzinfo=UTC)
    assert triggers["audit:beta"].next(after) == datetime(2026, 11, 25, 1, 30, tzinfo=UTC)


def test_an_audit_reads_everything_again_and_counts_what_had_changed_unseen(
    world: World, daemon: Unattended, lines: Lines
) -> None:
    alpha = world.remote("alpha")
    for number in range(3):
        alpha.put("people", f"n{number}", name=f"Person {number}", email=f"p{number}@a.test", title="Buyer")
    world.sync()
    world.sync()
    lines()
    alpha.of("people", "n1")["title"] = "Seller"  # without a new stamp: no poll sees it
    alpha.put("people", "n2", title="CEO")  # edited since: expected

    daemon.run(Firing("alpha", SLOT))
    assert world.sync()["totals"]["changed"] == 0
    lines()
    alpha.put("people", "n0", title="CTO")
    daemon.run(Firing("audit:alpha", SLOT))

    told = lines()
    assert only(told, "run.start")["job"] == "audit"
    done = only(told, "audit.done")
    assert (done["compared"], done["differences"]) == (4, 1)
    with world.open() as hub:
        assert hub.explain("alpha/people/n1", field="job_title")["fields"][0]["value"] == "Seller"
        assert hub.runs(1)["runs"][0]["command"] == "audit"


def test_whom_the_file_names_is_told_when_a_connection_goes_down_and_when_it_works_again(
    world: World, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.sync()
    lines()
    path = world.folder / "crosswalk.yaml"
    path.write_text(path.read_text() + "alerts: [{to: 'mailto:ops@a.test'}]\n")
    told: list[str] = []
    monkeypatch.setattr("crosswalk.alerts.Mail.send", lambda _self, message: told.append(message.sentence))

    def silent(_stream: str, _page: int) -> None:
        raise LaterError("does not answer")

    with open_daemon(path, clock=world.clock, registry=REGISTRY) as daemon:
        daemon.follow()
        world.remote("alpha").on_page = silent
        for hour in range(2):
            daemon.run(Firing("alpha", SLOT + timedelta(hours=hour)))
            daemon.alerting.rest(within=10)
        world.remote("alpha").on_page = None
        daemon.run(Firing("alpha", SLOT + timedelta(hours=2)))
        daemon.alerting.rest(within=10)

    assert told == ["alpha is down: CW302, does not answer", "alpha works again"]
    assert [line["state"] for line in lines() if line["event"] == "alert.sent"] == ["began", "ended"]


def test_a_secret_that_changes_beside_the_file_is_followed_and_lets_its_connection_go_on(
    world: World, daemon: Unattended, lines: Lines
) -> None:
    secret = world.folder / "account"
    secret.write_text(world.account("beta"))
    path = world.folder / "crosswalk.yaml"
    path.write_text(path.read_text().replace(f"account: {world.account('beta')}", "account: file:account"))
    daemon.reload()

    world.remote("beta").refused = True
    daemon.run(Firing("beta", SLOT))
    assert "connection.paused" in events(lines())
    daemon.reload()
    daemon.run(Firing("beta", SLOT + timedelta(hours=1)))
    assert lines() == []

    secret.write_text(world.account("gamma"))
    daemon.reload()

    loaded, resumed = lines()
    assert (loaded["event"], resumed["event"], resumed["connection"]) == (
        "settings.loaded", "connection.resumed", "beta",
    )  # fmt: skip
    daemon.run(Firing("beta", SLOT + timedelta(hours=2)))
    assert only(lines(), "run.done")["connection"] == "beta"
