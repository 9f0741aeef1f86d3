"""Export jobs: start, poll until done, fetch. What was started is remembered, so a crash does not start it again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from msgspec import Struct

from connectors.sdk.contract import Json, Tools
from connectors.sdk.errors import LaterError, ShapeError


class Progress(NamedTuple):
    """What a job's status says. `result`: what the caller fetches by (a file's address or id), once done."""

    state: Literal["running", "done", "failed", "gone"]
    result: Json = None
    reason: str = ""  # the vendor's code; never a customer's value


class Patience(Struct, frozen=True, kw_only=True):
    """Polls come closer at first and rarer later; `longest` is the whole wait."""

    first: timedelta = timedelta(seconds=1)
    rarest: timedelta = timedelta(seconds=30)
    factor: float = 1.5
    longest: timedelta = timedelta(hours=1)


def await_job(
    start: Callable[[], str],
    poll: Callable[[str], Progress],
    *,
    tools: Tools,
    where: str,
    job: str | None = None,
    remember: Callable[[str], None] | None = None,
    patience: Patience | None = None,
) -> Json:
    """The result of a job that is done.

    `job`: one that an earlier run started and `remember` noted; it is taken up again, and only if the vendor no
    longer knows it a new one is started. A failed job is started once more, then ShapeError; a slow one ends in
    LaterError, and the next run takes it up.
    """
    patience = patience or Patience()
    failures = 0
    remembered = job is not None
    until = tools.clock() + patience.longest
    while True:
        if job is None:
            job = start()
            if remember is not None:
                remember(job)
        progress = _wait(job, poll, tools=tools, where=where, patience=patience, until=until)
        if progress.state == "done":
            return progress.result
        if failures:
            raise ShapeError(
                f"{where}: the export failed twice ({progress.reason or progress.state})",
                hint="the next run starts it again; if it stays, ask the vendor",
                code="CW307",
            )
        # A job of an earlier run that expired is the usual way of things after a day's pause, and no failure.
        failures += progress.state == "failed" or not remembered
        job, remembered = None, False


def _wait(
    job: str, poll: Callable[[str], Progress], *, tools: Tools, where: str, patience: Patience, until: datetime
) -> Progress:
    pause = patience.first.total_seconds()
    while True:
        progress = poll(job)
        if progress.state != "running":
            return progress
        if tools.clock() >= until:
            raise LaterError(
                f"{where}: the export is not ready after {patience.longest}",
                hint="nothing: the next run takes up the same export",
                code="CW302",
            )
        tools.sleep(pause)
        pause = min(pause * patience.factor, patience.rarest.total_seconds())
