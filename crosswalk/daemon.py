"""The hub unattended: its connections synced and audited at their times, the log, and a clean end.

Each run opens the hub anew over one database: it sees the file, approvals, pauses and catalogues as they are now. What
fails for one connection stops no other, and nothing that a run does ends the daemon.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from connectors.sdk.registry import Registry
from crosswalk import __version__, log, watchdog
from crosswalk import clock as real_clock
from crosswalk.alerting import Alerting, Trouble
from crosswalk.app import Hub
from crosswalk.engine.model import Patience, Silent
from crosswalk.engine.overview import trigger_of
from crosswalk.engine.run import Ran
from crosswalk.engine.settle import is_first_load
from crosswalk.engine.words import spoken
from crosswalk.glance import remember
from crosswalk.house import prints_of
from crosswalk.problems import Problem, ProblemsError, errors
from crosswalk.settings.listed import Listed, print_of, stamp_of
from crosswalk.settings.load import load
from crosswalk.settings.model import HubSettings
from crosswalk.store.clock import in_step
from crosswalk.store.daemons import Presence
from crosswalk.store.dialect import Database
from crosswalk.store.leases import Leases, Slots
from crosswalk.store.opening import STORE_ERRORS, in_words, open_store
from crosswalk.store.pauses import DOUBTFUL, pause_of, pauses, reconsider
from crosswalk.store.runs import FAILED, PART
from crosswalk.store.tokens import Vault
from scheduler.daemon import Daemon, Work
from scheduler.slots import Firing
from scheduler.triggers import Cron, Trigger
from scheduler.workers import Stopped

SIDE_BY_SIDE: Final = 4  # connections at a time
BOUND: Final = 60.0  # seconds for what is in flight when the daemon is told to end
_LOOK_EVERY: Final = 0.2  # seconds between two looks whether a signal came
AUDIT: Final = "audit:"  # of jobs; a connection's own name has no colon
# Another process settles for as long as a first load takes; a stream it sends to is free within seconds.
_PATIENCE: Final = Patience(stream=60, settling=600)
_ALERTS_BOUND: Final = 5.0  # seconds for an alert that is on its way when the daemon ends
# Of codes: a vendor or a network that does not answer, the store, another process.
_PASSING: Final = frozenset({"CW3", "CW5", "CW6"})
_SAID: Final[Mapping[str, str]] = {  # what the log calls a problem by its code; others are a stream's or a connection's
    "CW201": "token.refused",
    "CW202": "token.refused",
    "CW203": "token.refused",
    "CW301": "vendor.silent",
    "CW302": "vendor.silent",
    "CW303": "budget.spent",
    "CW304": "vendor.throttled",
    "CW305": "field.paused",
    "CW405": "writes.stopped",
    "CW603": "lease.lost",
    "CW702": "field.frozen",
}


class _File(Struct, frozen=True):
    """The settings in force, the print of the file that they were read from, and the stamp of the files beside it."""

    settings: HubSettings
    warned: tuple[Problem, ...]
    print: str
    beside: tuple[Path, ...]
    stamp: str


@contextmanager
def open_daemon(
    config: Path, *, clock: Callable[[], datetime] = real_clock.now, registry: Registry | None = None
) -> "Iterator[Unattended]":
    """The daemon of a file, not started yet.

    Raises ProblemsError with all faults of the file at once, StoreError where the store cannot be used.
    """
    loaded = load(config, registry=registry)
    if loaded.hub is None:
        raise ProblemsError(loaded.problems)
    store = loaded.hub.store
    database, vault = open_store(store.url, key=store.encryption_key, key_file=store.key_file)
    try:
        with in_words(database):
            stamp = stamp_of(loaded.beside)
            file = _File(loaded.hub, tuple(loaded.problems), loaded.file_print, loaded.beside, stamp)
            unattended = Unattended(config, file, database, vault, clock=in_step(database, clock), registry=registry)
            try:
                yield unattended
            finally:
                unattended.leave()
    finally:
        database.close()


class Unattended:
    """One daemon. `start` it, `wait` until it is told to end, `finish` it."""

    def __init__(
        self,
        config: Path,
        file: _File,
        database: Database,
        vault: Vault,
        *,
        clock: Callable[[], datetime],
        registry: Registry | None,
    ) -> None:
        self._config = config
        self._file = file
        self._database = database
        self._vault = vault
        self._clock = clock
        self._registry = registry
        self._host = socket.gethostname()
        self._told = False  # to end
        self._signal = ""
        self._stop = threading.Event()  # ends what runs and what sleeps
        self._hubs: dict[str, Hub] = {}
        self._first_load = threading.Lock()
        self._rejected = ("", "")  # print and stamp of the last file that had errors
        self._warned: dict[str, set[Problem]] = {}  # by job: what its last run has warned of
        self._store_failed = False
        me = f"{self._host}:{os.getpid()}:{secrets.token_hex(4)}"
        self.alerting = Alerting(database, host=self._host, clock=clock)
        self._presence = Presence(database, me, host=self._host, version=__version__, clock=clock)
        slots = Slots(database, holder=me, clock=clock)
        self._daemon = Daemon(slots, self.run, clock=clock, limit=SIDE_BY_SIDE, beat=self._beat, failed=self._failed)

    # -- from the first word to the last -----------------------------------------------------------------------

    def start(self) -> None:
        log.event(
            "daemon.start", host=self._host, connections=len(self._file.settings.connections), version=__version__
        )
        self.follow()
        self._daemon.start()
        watchdog.tell("READY=1")

    def stop(self, signal: str = "") -> None:
        """Begin to end: nothing more is begun. What is in flight is finished by `finish`.

        For a signal handler, so it takes no lock: the thread that it interrupts may hold it.
        """
        self._signal = self._signal or signal
        self._told = True

    def wait(self) -> None:
        """Until it is told to end."""
        while not self._told:
            time.sleep(_LOOK_EVERY)

    def finish(self, *, within: float = BOUND) -> int:
        """Let runs finish the page or batch that they are at, for so many seconds; how many had not ended by then."""
        began = self._clock()
        watchdog.tell("STOPPING=1")
        log.event("daemon.stopping", signal=self._signal or None, finishing=self._in_flight())
        self._told = True
        self._stop.set()
        for hub in list(self._hubs.values()):
            hub.stop()
        unfinished = self._daemon.stop(within=within)
        seconds = round((self._clock() - began).total_seconds(), 1)
        log.event("daemon.stopped", seconds=seconds, unfinished=len(unfinished))
        return len(unfinished)

    def leave(self) -> None:
        """Say that it is here no more."""
        self._daemon.stop(within=0)
        self.alerting.rest(within=_ALERTS_BOUND)
        self._presence.end()

    def _in_flight(self) -> list[str]:
        """The streams that this process works on."""
        held = Leases(self._database, self._clock).held_by(f"{self._host}:{os.getpid()}")
        return sorted(name.removeprefix("stream:") for name in held)

    # -- the file ----------------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Run by the schedule of the settings in force."""
        settings = self._file.settings
        with in_words(self._database):
            remember(self._database, Listed.of(settings), self._file.print)
            self.alerting.follow(settings.alerts)
            for name in reconsider(self._database, prints_of(settings, self._vault)):
                log.event("connection.resumed", connection=name, text="its credentials have changed")
        triggers = triggers_of(settings)
        self._daemon.follow(triggers, patient=[job for job in triggers if job.startswith(AUDIT)])

    def reload(self) -> None:
        """Read the file again if it has changed, or one that it refers to: a secret, a mapping, the `.env` beside it.

        One with errors leaves the settings in force, and is told once.
        """
        try:
            seen = print_of(self._config.read_bytes())
        except OSError:
            seen = ""
        stamp = stamp_of(self._file.beside)
        if (seen, stamp) in ((self._file.print, self._file.stamp), self._rejected):
            return
        loaded = load(self._config, registry=self._registry)
        if loaded.hub is None:
            self._reject((seen, stamp), errors(loaded.problems))
        elif loaded.hub.store.url != self._file.settings.store.url:
            moved = Problem(code="CW501", text="store.url has changed", hint="a daemon keeps its store: start it anew")
            self._reject((seen, stamp), [moved])
        else:
            self._rejected = ("", "")
            if loaded.beside != self._file.beside:
                stamp = stamp_of(loaded.beside)
            self._file = _File(loaded.hub, tuple(loaded.problems), loaded.file_print, loaded.beside, stamp)
            log.event("settings.loaded", connections=len(loaded.hub.connections))
            self.follow()

    def _reject(self, seen: tuple[str, str], faults: list[Problem]) -> None:
        self._rejected = seen
        for fault in faults:
            log.event("settings.rejected", level="error", code=fault.code, at=fault.place or None, text=fault.text)

    # -- now and then ------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        try:
            with in_words(self._database):
                self._presence.beat()
                if self._store_failed:
                    self._store_failed = False
                    log.event("store.answers")
            self.reload()
            self.alerting.deliver_aside()
        except STORE_ERRORS as error:
            self._tell_store(error)
        watchdog.tell("WATCHDOG=1")  # last: a beat that hangs is none

    def _failed(self, error: Exception) -> None:
        """Of looking for work, not of a run."""
        try:
            with in_words(self._database):
                raise error
        except STORE_ERRORS as told:
            self._tell_store(told)
        except Exception as told:  # a boundary: the daemon goes on
            log.event("program.error", level="error", error=told)

    def _tell_store(self, error: Exception) -> None:
        """Once, however long it lasts."""
        if not self._store_failed:
            self._store_failed = True
            log.event("store.failed", level="error", error=error)

    # -- a run -------------------------------------------------------------------------------------------------

    def run(self, firing: Firing) -> Work:
        """Work off one slot; what became of it. Whatever goes wrong is told here and ends nothing."""
        name = firing.job.removeprefix(AUDIT)
        if self._told:
            return "left"
        with log.about(connection=name):
            try:
                with in_words(self._database):
                    return self._work(firing, name)
            except Stopped:
                return "left"
            except ProblemsError as error:
                found = errors(error.problems)
                for one in found:
                    log.event("run.failed", level="error", code=one.code, stream=one.stream, text=one.text)
                self._alert(name, Trouble(code=found[0].code, text=found[0].text) if found else Trouble())
                return "again" if _passes(found) else "done"
            except STORE_ERRORS as error:
                self._tell_store(error)
            except Exception as error:  # a boundary: the next slot comes whatever happened to this one
                log.event("program.error", level="error", error=error)
                self._alert(name, Trouble(text=f"a fault of the program: {type(error).__name__}"))
        return "again"

    def _work(self, firing: Firing, name: str) -> Work:
        file = self._file
        with self._database.read() as connection:
            paused = pause_of(pauses(self._database, connection), name)
        if name not in file.settings.connections or (paused is not None and paused.code != DOUBTFUL):
            return "done"
        before = self._state_of(name)  # to look anew may fail already
        hub = Hub(
            file.settings, self._database, self._vault, progress=Silent(), who=self._host, clock=self._clock,
            warned=file.warned, sleep=self._sleep, ask=(name,), patience=_PATIENCE,
        )  # fmt: skip
        self._hubs[firing.job] = hub
        try:
            if self._told:  # since the question above
                hub.stop()
            if paused is not None and not hub.let_in(name):
                return "again"
            house = hub.look_anew()
            house.begun = lambda run: self._begun(run, firing)
            with self._first_load if is_first_load(house) else nullcontext():  # that is landed and settled as a whole
                ran, problems = hub.unattended(name, audit=firing.job.startswith(AUDIT))
            tell(ran, self._news(firing.job, problems))
            self._tell_state(name, before)
            if ran.state != "stopped":
                self._alert(name, _trouble(ran, problems))
            if ran.state == "stopped":
                return "left"
            return "again" if ran.state in (FAILED, PART) and _passes(errors(problems)) else "done"
        finally:
            self._hubs.pop(firing.job, None)
            hub.close()

    def _news(self, job: str, problems: list[Problem]) -> list[Problem]:
        """Errors, and warnings that the run before had not: those stand in `status` for as long as they last."""
        warnings = {problem for problem in problems if problem.severity == "warning"}
        before, self._warned[job] = self._warned.get(job, set()), warnings
        return [problem for problem in problems if problem not in before]

    def _begun(self, run: int, firing: Firing) -> None:
        job = "audit" if firing.job.startswith(AUDIT) else None
        log.event("run.start", run=spoken("run", run), slot=firing.slot, job=job)

    def _sleep(self, seconds: float) -> None:
        """Of retries and waits for a vendor: not slept through when the daemon ends."""
        if self._stop.wait(seconds):
            raise Stopped("the daemon ends")

    def _alert(self, name: str, failed: Trouble | None) -> None:
        """Tell whom the file names, if there is anything new. An alert that cannot be noted ends no run."""
        try:
            with in_words(self._database), self._database.read() as connection:
                row = self._database.run(
                    connection, "SELECT state, code, detail FROM connection WHERE name = ?", (name,)
                ).fetchone()
            state, code, detail = ("ok", None, None) if row is None else row
            run = "" if failed is None else failed.run
            down = None if state == "ok" else Trouble(code=code or "", text=detail or "", run=run)
            with in_words(self._database):
                self.alerting.note(name, failed=failed, down=down)
            self.alerting.deliver_aside()
        except STORE_ERRORS as error:
            self._tell_store(error)

    def _state_of(self, name: str) -> str:
        with self._database.read() as connection:
            row = self._database.run(connection, "SELECT state FROM connection WHERE name = ?", (name,)).fetchone()
        return "ok" if row is None else str(row[0])

    def _tell_state(self, name: str, before: str) -> None:
        now = self._state_of(name)
        if now == "paused" and before != "paused":
            log.event("connection.paused", level="warning", hint=f"crosswalk check {name}")
        elif now == "ok" and before != "ok":
            log.event("connection.resumed")


def _passes(found: Sequence[Problem]) -> bool:
    """May time alone mend one of these? What a person must mend, in the file or at the vendor, is not tried again."""
    return not found or any(one.code == DOUBTFUL or one.code[:3] in _PASSING for one in found)


def _trouble(ran: Ran, problems: list[Problem]) -> Trouble | None:
    if ran.state not in (FAILED, PART):
        return None
    first = next(iter(errors(problems)), None)
    run = spoken("run", ran.run)
    return Trouble(run=run) if first is None else Trouble(code=first.code, text=first.text, run=run)


def triggers_of(settings: HubSettings) -> dict[str, Trigger]:
    """The jobs of these settings: every connection by its name, and its audit."""
    listed = Listed.of(settings)
    found: dict[str, Trigger] = {one.name: trigger_of(one, settings.time_zone) for one in listed.connections}
    for name, told in settings.connections.items():
        audit = told.schedule.audit if told.schedule is not None and told.schedule.audit else settings.schedule.audit
        if audit is not None:
            found[AUDIT + name] = Cron(audit, zone=settings.time_zone, name=name)
    return found


def tell(ran: Ran, problems: list[Problem]) -> None:
    """The lines of a run that has ended: what an operator might act on, then how it ended."""
    with log.about(run=spoken("run", ran.run)):
        for problem in problems:
            tell_problem(problem)
        planned = ran.planned
        if planned is not None and planned.plan.run == ran.run and planned.actions:
            _tell_plan(planned.plan.id, planned.plan.detail.get("guards", ()), waiting=ran.waiting)
        if ran.command == "audit":
            log.event("audit.done", compared=ran.compared, differences=ran.differences)
        totals = ran.totals()
        counts: dict[str, Any] = {name: totals[name] for name in ("read", "changed", "written", "aside", "waiting")}
        failed = ran.state in (FAILED, PART)
        log.event(
            "run.failed" if failed else "run.done",
            level="error" if failed else "info",
            outcome=ran.state,
            **counts,
            seconds=round((ran.ended_at - ran.started_at) / 1000, 1),
        )


def _tell_plan(plan: int, guards: Any, *, waiting: int) -> None:
    for one in guards:
        log.event(
            "guard.tripped", level="warning", code="CW701", stream=one["stream"], class_=one["class"],
            planned=one["planned"], ceiling=one["ceiling"],
        )  # fmt: skip
    if waiting:
        log.event("plan.ready", level="warning", plan=spoken("plan", plan), waiting=waiting)


def tell_problem(problem: Problem) -> None:
    if problem.code == "CW601":
        return  # another process works there, as it should
    name = _SAID.get(problem.code, "stream.failed" if problem.stream else "run.failed")
    log.event(
        name, level="error" if problem.severity == "error" else "warning", code=problem.code, stream=problem.stream,
        text=problem.text,
    )  # fmt: skip
