"""Progress: lines where there is no terminal, bars where there is one, nothing with --quiet."""

import io
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest

from crosswalk.cli.progress import Bars, Lines, Quiet
from crosswalk.cli.screen import Screen
from crosswalk.engine.model import Progress
from tests.crosswalk.cli.fixtures import NOW, FakeHub, Run


def screen(*, terminal: bool = False) -> Screen:
    return Screen(stream=io.StringIO(), terminal=terminal, colour=terminal, width=80, now=NOW, zone=UTC)


def written(where: Screen) -> str:
    assert isinstance(where.stream, io.StringIO)
    return where.stream.getvalue()


def test_they_are_what_the_engine_tells() -> None:
    tellers: list[Progress] = [Lines(screen()), Bars(screen()), Quiet()]

    for teller in tellers:
        teller.stage("settle", total=3)


def test_a_line_per_stream_every_thirty_seconds() -> None:
    now = 0.0
    where = screen()
    lines = Lines(where, monotonic=lambda: now)

    for now in (0.0, 10.0, 29.0, 31.0, 40.0, 62.0):  # noqa: B007 (the clock reads it)
        lines.advance("salesforce/contacts", read=1000)
        lines.advance("zoho/contacts", read=1, written=1)

    assert written(where).splitlines() == [
        "salesforce/contacts  4,000 read",
        "zoho/contacts  4 read, 4 written",
        "salesforce/contacts  6,000 read",
        "zoho/contacts  6 read, 6 written",
    ]


def test_bars_show_every_stream_and_how_far_it_is() -> None:
    where = screen(terminal=True)
    with Bars(where) as bars:
        bars.expect({"zoho/contacts": 4})
        bars.stage("write", total=4)
        bars.advance("zoho/contacts", written=3)
        bars.advance("salesforce/contacts", read=1200)

    out = written(where)
    assert "━" in out
    assert "3/4" in out
    assert "1,200 read" in out


def test_bars_that_never_moved_leave_no_trace() -> None:
    where = screen(terminal=True)
    with Bars(where):
        pass

    assert written(where) == ""


@pytest.fixture
def telling(hub: FakeHub) -> Callable[..., Any]:
    from tests.crosswalk.cli import fixtures

    def sync(**_: Any) -> Any:
        hub.progress.stage("read")
        hub.progress.advance("zoho/contacts", read=5)
        return fixtures.SYNC

    return sync


def test_progress_goes_to_stderr_of_a_terminal(crosswalk: Run, hub: FakeHub, telling: Any) -> None:
    hub.answers["sync"] = telling

    on_terminal, piped = crosswalk("sync", terminal=True), crosswalk("sync")

    assert "5 read" in on_terminal.err
    assert "5 read" not in on_terminal.out
    assert piped.err == ""
    assert crosswalk("sync", "--quiet", terminal=True).err == ""
    assert crosswalk("sync", "--json", terminal=True).err == ""
