"""A run: pull, settle, plan, apply, each under its leases; what came of it, for people and for the record.

Streams are pulled side by side, each under its own lease; settling and planning are one lane. What fails for one
connection stops no other: it is told, and the next run goes on from what was committed.
"""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Final, Self

from msgspec import Struct, field
from msgspec.structs import replace

from connectors.sdk.errors import ConnectorError
from crosswalk.engine.anew import ask_for
from crosswalk.engine.apply import Applied, apply_stream
from crosswalk.engine.audit import Audited, Sample, audit_stream
from crosswalk.engine.doubts import ask, in_doubt
from crosswalk.engine.erase import erase
from crosswalk.engine.failures import code_of, down, is_for_good, problem_of, state_of
from crosswalk.engine.loops import WITHIN, Frozen
from crosswalk.engine.model import House, Stream
from crosswalk.engine.parting import Parting, part
from crosswalk.engine.plan import Planned, make_plan
from crosswalk.engine.planned import sent_actions
from crosswalk.engine.pull import Pulled, fetch_records, pull_stream, remove
from crosswalk.engine.remap import needs_remap, remap
from crosswalk.engine.resolve import resolve_stream
from crosswalk.engine.review import decide_overdue
from crosswalk.engine.settle import Settled, is_first_load, note_bulk, settle
from crosswalk.engine.spoken import FIRST, GUARD, STORM, held_classes, held_reasons, maybe_spoken, spoken
from crosswalk.engine.undo import plan_undo, put_down, take_up
from crosswalk.engine.words import entity_names
from crosswalk.problems import Problem, ProblemsError, errors
from crosswalk.store import halts, outbox, runs, storms, unsettled
from crosswalk.store.budget import Budgets
from crosswalk.store.codec import iso, load, load_row
from crosswalk.store.dialect import once_more
from crosswalk.store.leases import fence
from crosswalk.store.pauses import Pause
from crosswalk.store.records import IDENT_INDEXES, drop_indexes, make_indexes
from crosswalk.store.retention import forget
from scheduler.workers import Ended, Job, Turn, run_jobs

SETTLE_LEASE: Final = "settle"
DAEMON: Final = "daemon"  # the trigger of runs that nobody asked for
_SIDE_BY_SIDE: Final = 4  # streams at a time, on as few cores
_OTHERS: Final = ("CW601", "CW603")  # another process works there
_ALARMS: Final = 5  # that a run tells one by one
_AGAIN: Final = 3  # rounds of planning anew what had moved


class Ran(Struct):
    """What a run did. Streams by address."""

    run: int
    command: str
    started_at: int
    trigger: str = "person"
    ended_at: int = 0
    state: str = "running"
    pulled: dict[str, Pulled] = field(default_factory=dict)
    applied: dict[str, Applied] = field(default_factory=dict)
    settled: Settled = field(default_factory=Settled)
    planned: Planned | None = None  # what waits, or what `plan` made
    sent_plan: int | None = None  # the plan whose writes went out
    audited: dict[str, Audited] = field(default_factory=dict)  # of an audit
    problems: list[Problem] = field(default_factory=list)
    unasked: Sequence[Problem] = ()  # of connections that had failed before it began

    @property
    def failed(self) -> bool:
        """Wholly or in part."""
        return any(problem.severity == "error" for problem in (*self.unasked, *self.problems))

    @property
    def outcome(self) -> str:
        """`part`: something failed, and something else was read or written all the same."""
        if self.failed:
            faulty = {problem.stream for problem in self.problems if problem.severity == "error"}
            return runs.PART if {*self.pulled, *self.applied} - faulty else runs.FAILED
        return "waits" if self.waiting or self.settled.conflicts else "done"

    @property
    def written(self) -> int:
        return sum(one.written for one in self.applied.values())

    @property
    def moved(self) -> int:
        return sum(one.moved for one in self.applied.values())

    @property
    def aside(self) -> int:
        return sum(one.aside for one in self.pulled.values()) + sum(one.aside for one in self.applied.values())

    @property
    def compared(self) -> int:
        """Of an audit: records that were compared with their vendor."""
        return sum(one.compared for one in self.audited.values())

    @property
    def differences(self) -> int:
        """Of an audit: records that had changed, or were there, without any window having brought them."""
        return sum(one.unseen for one in self.audited.values())

    @property
    def waiting(self) -> int:
        return 0 if self.planned is None else self.planned.actions - self.planned.ready

    def totals(self) -> dict[str, int]:
        landed = [one.landed for one in self.pulled.values()]
        return {
            "read": sum(one.read for one in landed),
            "changed": sum(one.new + one.changed for one in landed) + sum(p.removed for p in self.pulled.values()),
            "written": self.written,
            "moved": self.moved,
            "aside": self.aside,
            "waiting": self.waiting,
        }

    def by_stream(self) -> dict[str, dict[str, int]]:
        told: dict[str, dict[str, int]] = {}
        for address in sorted({*self.pulled, *self.applied}):
            pulled, applied = self.pulled.get(address), self.applied.get(address)
            told[address] = {
                "read": pulled.landed.read if pulled else 0,
                "changed": pulled.landed.new + pulled.landed.changed + pulled.removed if pulled else 0,
                "written": applied.written if applied else 0,
                "moved": applied.moved if applied else 0,
                "aside": (pulled.aside if pulled else 0) + (applied.aside if applied else 0),
                "waiting": 0,
            }
        return told


class Runner:
    """One run in a house, from its first word in the record to its last. `who`: the person or daemon that asked.

    While it lasts it says now and then that it lives: of one that has been killed others know that it is over.
    """

    def __init__(
        self,
        house: House,
        *,
        command: str,
        who: str,
        trigger: str = "person",
        plan: int | None = None,
        streams: Sequence[Stream] = (),
    ) -> None:
        self._house = house
        self._who = who
        self._asked = list(dict.fromkeys(stream.connection for stream in self._at_work(streams)))
        number = runs.start(
            house.database, command=command, trigger=trigger, who=who, at=house.now(), plan=plan, asked=self._asked
        )
        self.ran = Ran(number, command, house.now(), trigger, unasked=house.unasked)
        self._refused: dict[str, ConnectorError] = {}  # by connection: access that was refused for good in this run
        self._ended = threading.Event()
        self._beating = threading.Thread(target=self._beat, name=f"beat-{number}", daemon=True)

    def __enter__(self) -> Self:
        self._beating.start()
        self._house.begun(self.ran.run)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._beating.join()
        if error is None:
            self._end()
        else:
            with suppress(Exception):  # what ended the run matters more than that it cannot be written down
                self._end(runs.FAILED if isinstance(error, Exception) else "stopped")

    def _beat(self) -> None:
        while not self._ended.wait(runs.BEAT_SECONDS):
            with suppress(Exception):  # a store that is away for a moment ends nothing here
                runs.beat(self._house.database, self.ran.run, at=self._house.now())

    @property
    def house(self) -> House:
        return self._house

    # -- phases ----------------------------------------------------------------------------------------------

    def pull(self, streams: Sequence[Stream], *, afresh: bool = False) -> None:
        """Read these streams to the vendors' now, and find out what became of writes without an answer."""
        house, ran = self._house, self.ran
        streams = self._at_work(streams)
        bulk = is_first_load(house)
        house.progress.stage("read")
        if not self._remapped():
            return
        if bulk:
            note_bulk(house, run=ran.run)
            drop_indexes(house.database, IDENT_INDEXES)

        def job(stream: Stream) -> Callable[[Turn], Pulled]:
            def pull_one(turn: Turn) -> Pulled:
                with self._granted(stream):
                    pulled = pull_stream(house, stream, turn.lease, run=ran.run, afresh=afresh, bulk=bulk)
                    resolve_stream(house, stream, turn.lease, run=ran.run)
                    return pulled

            return pull_one

        unread: set[str] = set()  # connections of which not everything was read to its end
        for ended in self._jobs([Job(_lease_of(stream), job(stream)) for stream in streams]):
            stream = house.streams[_address_of(ended.name)]
            if ended.state != "done" or house.stop.is_set():
                unread.add(stream.connection)
            if isinstance(ended.result, Pulled):
                ran.pulled.setdefault(stream.address, Pulled()).add(ended.result)
                if (doubt := ended.result.doubt) is not None:
                    told = problem_of(doubt, connection=stream.connection, stream=stream)
                    self._problem(replace(told, severity="warning"))
                for gone in ended.result.gone:
                    told = problem_of(gone, connection=stream.connection, stream=stream)
                    self._problem(replace(told, severity="warning"))
                for error in ended.result.unread:
                    unread.add(stream.connection)
                    self._problem(problem_of(error, connection=stream.connection, stream=stream))
            self._note(stream, ended)
        if bulk:
            make_indexes(house.database, IDENT_INDEXES)
            note_bulk(house, run=ran.run)  # again: this run may have been given up for a while
        self._note_connections(streams, unread)

    def _at_work(self, streams: Sequence[Stream]) -> list[Stream]:
        """Those of them that are not paused."""
        return [stream for stream in streams if self._house.pause_of(stream) is None]

    @contextmanager
    def _granted(self, stream: Stream) -> Iterator[None]:
        """Once a connection's access is refused for good, none of its streams asks again in this run."""
        if (refused := self._refused.get(stream.connection)) is not None:
            raise refused
        try:
            yield
        except ConnectorError as error:
            self._refuse(stream.connection, error)
            raise

    def _refuse(self, name: str, error: ConnectorError) -> bool:
        """Pause a connection whose access is refused for good, for the rest of this run too."""
        if not is_for_good(error):
            return False
        self._refused.setdefault(name, error)
        pause = Pause(address=name, at=self._house.now(), code=code_of(error), text=error.text)
        self._house.pauses = {name: pause, **self._house.pauses}  # a person's pause stays a person's
        return True

    def _remapped(self) -> bool:
        """Is everything stored as today's mappings read it? Nothing may land beside what was read by another one."""
        house = self._house
        done = self._settling(lambda turn: remap(house, turn.lease, run=self.ran.run))
        return done is not None or not needs_remap(house)

    def fetch(self, stream: Stream, keys: Sequence[str]) -> None:
        """Read these records of one stream again; what is no longer there is removed."""
        house, ran = self._house, self.ran
        house.progress.stage("read")
        if not self._remapped():
            return

        def work(turn: Turn) -> Pulled:
            landed, missing = fetch_records(house, stream, keys, turn.lease, run=ran.run, again=True)
            pulled = Pulled(landed=landed)
            pulled.removed = remove(house, stream, missing, turn.lease)
            resolve_stream(house, stream, turn.lease, run=ran.run)
            return pulled

        for ended in self._jobs([Job(_lease_of(stream), work)]):
            if isinstance(ended.result, Pulled):
                ran.pulled[stream.address] = ended.result
            self._note(stream, ended)

    def audit(self, streams: Sequence[Stream], sample: Sample | None) -> None:
        """Compare what these streams show with what was last seen of them."""
        house, ran = self._house, self.ran
        house.progress.stage("read")
        if not self._remapped():
            return

        def job(stream: Stream) -> Callable[[Turn], Audited]:
            def audit_one(turn: Turn) -> Audited:
                with self._granted(stream):
                    return audit_stream(house, stream, turn.lease, run=ran.run, sample=sample)

            return audit_one

        for ended in self._jobs([Job(_lease_of(stream), job(stream)) for stream in self._at_work(streams)]):
            stream = house.streams[_address_of(ended.name)]
            if isinstance(ended.result, Audited):
                ran.audited[stream.address] = ended.result
                if (wider := ended.result.hold_back) is not None:
                    self._problem(_widened(stream, ended.result, wider))
            self._note(stream, ended)

    def settle(self) -> None:
        house, ran = self._house, self.ran
        if house.stop.is_set():
            return
        house.progress.stage("settle")

        def work(turn: Turn) -> None:
            settle(house, turn.lease, ran.settled, run=ran.run, first=is_first_load(house))
            if decide_overdue(house):  # of conflicts as they stand now: an edit begins the wait anew
                settle(house, turn.lease, ran.settled, run=ran.run)
            halts.end(house.database)

        try:
            self._settling(work)
            if ran.pulled and self._ask_in_doubt():
                self._settling(work)
        except Exception as error:
            with suppress(Exception):  # what ended the run matters more than that it cannot be written down
                self._halted(error)
            raise
        for problem in _alarms(house, ran.settled.alarms):
            self._problem(problem)

    def _ask_in_doubt(self) -> bool:
        """Ask for what records name no more, so that who has been deleted is told from who was taken away."""
        house, ran = self._house, self.ran
        wanted = in_doubt(house)
        if not wanted:
            return False

        def job(stream: Stream) -> Callable[[Turn], Pulled]:
            def ask_one(turn: Turn) -> Pulled:
                with self._granted(stream):
                    return ask(house, stream, turn.lease, run=ran.run)

            return ask_one

        streams = [stream for stream in self._at_work(list(house.streams.values())) if stream.id in wanted]
        found = False
        for ended in self._jobs([Job(_lease_of(stream), job(stream)) for stream in streams]):
            stream = house.streams[_address_of(ended.name)]
            if isinstance(ended.result, Pulled):
                ran.pulled.setdefault(stream.address, Pulled()).add(ended.result)
                found = True
            if ended.state != "busy":  # whoever works there asks, or the next run
                self._note(stream, ended)
        return found

    def plan(self, *, force: bool = False) -> None:
        house, ran = self._house, self.ran
        if house.stop.is_set() or is_first_load(house):
            return
        house.progress.stage("plan")
        detail = {"changed_records": ran.totals()["changed"], "command": ran.command}
        planned = self._settling(lambda turn: make_plan(house, turn.lease, run=ran.run, detail=detail, force=force))
        ran.planned = planned if isinstance(planned, Planned) else None
        if ran.planned is None:
            return
        ran.settled.conflicts += ran.planned.asked
        for frozen in ran.planned.frozen:
            ran.settled.conflicts += 1
            self._problem(_frozen(house, frozen))

    def undo(self, undoes: int) -> None:
        """Propose what takes another run back; nothing is written."""
        self.ran.planned = None
        if self._house.stop.is_set():
            return
        self._house.progress.stage("plan")
        planned = self._settling(lambda turn: plan_undo(self._house, turn.lease, undoes=undoes, run=self.ran.run))
        self.ran.planned = planned if isinstance(planned, Planned) else None

    def part(self, parting: Parting, *, why: str) -> dict[str, Any] | None:
        """Part an entity as a person says; None: somebody else settles just now."""
        told = self._settling(
            lambda turn: part(self._house, turn.lease, parting, run=self.ran.run, who=self._who, why=why)
        )
        return told if isinstance(told, dict) else None

    def erase(self, what: str, *, reason: str) -> dict[str, Any] | None:
        """Erase a person; None: somebody else settles just now."""
        told = self._settling(
            lambda turn: erase(self._house, turn.lease, what, run=self.ran.run, who=self._who, reason=reason)
        )
        if told is not None:
            self.settle()
        return told if isinstance(told, dict) else None

    def match_anew(self, kinds: Sequence[str]) -> None:
        """Match these kinds as if all of their records came today. What is interrupted the next run goes on with."""

        def work(turn: Turn) -> bool:
            with self._house.database.write() as connection:
                fence(self._house.database, connection, turn.lease)
                for kind in kinds:
                    ask_for(self._house, connection, kind)
            return True

        if self._settling(work):
            self.settle()

    def take_up(self, plan: outbox.Plan) -> None:
        """Put the writes of a proposal among those that are to be sent."""
        self._settling(lambda turn: take_up(self._house, turn.lease, plan, run=self.ran.run))

    def send(
        self,
        plan: int,
        *,
        streams: Sequence[Stream],
        record: tuple[Stream, str] | None = None,
        children_first: bool = False,
    ) -> None:
        """Send what is ready of a plan, then settle the answers; what had moved is planned anew.

        `record`: only what concerns the entity of this record. `children_first`: what is put away goes before what it
        refers to.
        """
        house, ran = self._house, self.ran
        ran.sent_plan = plan
        house.progress.stage("write", total=_ready(house, plan))
        levels = _levels(self._at_work(streams))
        for level in reversed(levels) if children_first else levels:
            jobs = []
            for stream in level:
                with house.database.read() as connection:
                    actions = outbox.of_plan(house.database, connection, plan, states=["planned"], stream=stream.id)
                if record is not None:
                    entity = entity_of(house, *record)
                    actions = [action for action in actions if action.entity == entity]
                if actions:
                    jobs.append(Job(_lease_of(stream), self._sending(plan, stream, actions)))
            for ended in self._jobs(jobs):
                stream = house.streams[_address_of(ended.name)]
                if isinstance(ended.result, Applied):
                    ran.applied[stream.address] = ended.result
                    if ended.result.problem is not None:
                        self._problem(problem_of(ended.result.problem, connection=stream.connection, stream=stream))
                    if ended.result.stormy:
                        self._problem(_storm(stream, ended.result))
                        with house.database.write() as connection:
                            storms.stop(house.database, connection, stream.id, run=ran.run)
                self._note(stream, ended)
        self._note_refused()
        with house.database.write() as connection:
            outbox.settle_plan(house.database, connection, plan)
        self.settle()

    def _sending(self, plan: int, stream: Stream, actions: Sequence[outbox.Action]) -> Callable[[Turn], Applied]:
        house, ran = self._house, self.ran

        def send_one(turn: Turn) -> Applied:
            with house.database.read() as connection:  # another process may have sent some before we had the lease
                now = outbox.of_plan(house.database, connection, plan, states=["planned"], stream=stream.id)
            planned = {action.id for action in now}
            mine = [action for action in actions if action.id in planned]
            applied = apply_stream(house, stream, turn.lease, mine, run=ran.run)
            refused = applied.problem is not None and self._refuse(stream.connection, applied.problem)
            if applied.unknown and not refused:
                with self._granted(stream):
                    resolve_stream(house, stream, turn.lease, run=ran.run)
            return applied

        return send_one

    def _end(self, state: str = "") -> None:
        house, ran = self._house, self.ran
        ran.ended_at = house.now()
        if state:
            ran.state = state
        elif house.stop.is_set():
            ran.state = "stopped"
        else:
            ran.state = ran.outcome
        counts = {
            **ran.totals(),
            "asked": self._asked,
            "streams": ran.by_stream(),
            "problems": [one.json() for one in (*ran.unasked, *ran.problems)],
            "changes": {address: [change.json() for change in found] for address, found in house.changes.items()},
        }
        plan = ran.sent_plan or (ran.planned.plan.id if ran.planned and ran.planned.actions else None)
        runs.end(house.database, ran.run, state=ran.state, at=ran.ended_at, counts=counts, plan=plan)
        if ran.state in ("done", "waits") and house.settings is not None:
            store = house.settings.store
            forget(
                house.database, history=store.keep_history, journal=store.keep_journal, removed=store.keep_removed,
                now=house.now(),
            )  # fmt: skip

    # -- below -----------------------------------------------------------------------------------------------

    def _settling(self, work: Callable[[Turn], Any]) -> Any:
        """In the one lane that moves golden records."""
        (ended,) = self._jobs([Job(SETTLE_LEASE, work)], patience=self._house.patience.settling)
        if ended.state == "failed" and ended.error is not None:
            raise ended.error
        if ended.state in ("busy", "lost"):
            holder = self._house.leases.holder(SETTLE_LEASE) or "another process"
            self._problem(
                Problem(
                    code="CW601",
                    text=f"{holder} settles records since a moment ago",
                    hint="wait and try again; a dead process is replaced after 60 s",
                )
            )
        return ended.result

    def _halted(self, error: Exception) -> None:
        """Until a run comes to the end of settling, whoever asks how things are is told that none does."""
        code, text = "", f"a fault of the program: {type(error).__name__}"
        if isinstance(error, ProblemsError):
            first = errors(error.problems)[0]
            code, text = first.code, first.text
        halts.note(self._house.database, code=code, text=text, at=self._house.now(), run=self.ran.run)

    def _jobs(self, jobs: Sequence[Job], *, patience: float | None = None) -> list[Ended]:
        if not jobs:
            return []
        house = self._house

        def again(work: Callable[[Turn], Any]) -> Callable[[Turn], Any]:
            return lambda turn: once_more(lambda: work(turn))

        return run_jobs(
            [Job(job.name, again(job.run)) for job in jobs],
            book=house.leases,
            holder=house.holder,
            limit=_SIDE_BY_SIDE,
            stop=house.stop,
            patience=house.patience.stream if patience is None else patience,
        )

    def _note(self, stream: Stream, ended: Ended) -> None:
        if isinstance(ended.result, Pulled) and (erased := ended.result.landed.erased):
            self._problem(_kept_out(stream, erased))
        if ended.state == "busy":
            holder = self._house.leases.holder(ended.name) or "another process"
            self._problem(
                Problem(
                    code="CW601",
                    text=f"{holder} works on {stream.address}",
                    hint="wait; a dead process is replaced after 60 s",
                    connection=stream.connection,
                    stream=stream.address,
                )
            )
        elif ended.state == "lost":
            self._problem(
                Problem(
                    code="CW603",
                    text=f"this process lost its lease on {stream.address}",
                    hint="nothing is lost: it goes on from what was committed",
                    connection=stream.connection,
                    stream=stream.address,
                )
            )
        elif ended.error is not None:
            if not isinstance(ended.error, ConnectorError):
                raise ended.error
            self._problem(problem_of(ended.error, connection=stream.connection, stream=stream))

    def _problem(self, problem: Problem) -> None:
        if problem.code in _OTHERS and self.ran.trigger == DAEMON:
            # Daemons meet all the time: what the other one does is done, and the next slot takes the rest.
            problem = replace(problem, severity="warning")
        known = {(one.code, one.text, one.connection) for one in self.ran.problems}
        if (problem.code, problem.text, problem.connection) not in known:
            self.ran.problems.append(problem)

    def _note_connections(self, streams: Sequence[Stream], unread: Collection[str]) -> None:
        house = self._house
        now = house.now()
        faulty: dict[str, Problem] = {}
        # What pauses a connection says more about it than whatever else went wrong.
        for problem in sorted(self.ran.problems, key=lambda problem: down(problem) != "paused"):
            if problem.connection is not None and problem.severity == "error" and problem.code not in _OTHERS:
                faulty.setdefault(problem.connection, problem)
        with house.database.write() as connection:
            for name in dict.fromkeys(stream.connection for stream in streams):
                if name in faulty:
                    state_of(house.database, connection, name, faulty[name], at=now)
                elif name not in unread:
                    house.database.run(
                        connection,
                        "UPDATE connection SET state = 'ok', code = NULL, detail = NULL, since = NULL, "
                        "last_good_at = ? WHERE name = ?",
                        (now, name),
                    )

    def _note_refused(self) -> None:
        """What was refused for good while it was written to is paused, as where it is read."""
        house = self._house
        with house.database.write() as connection:
            for name, error in self._refused.items():
                state_of(house.database, connection, name, problem_of(error, connection=name), at=house.now())


def sync(house: House, streams: Sequence[Stream], *, who: str, trigger: str = "person", first_too: bool = False,
         afresh: bool = False, command: str = "sync") -> Ran:  # fmt: skip
    """Pull, settle, plan, and send what need not wait. `first_too`: nor do the first plans of mappings."""
    with Runner(house, command=command, who=who, trigger=trigger, streams=streams) as runner:
        if trigger != DAEMON:
            let_go_on(house, streams)
        runner.pull(streams, afresh=afresh)
        runner.settle()
        _plan_and_send(runner, first_too=first_too)
    return runner.ran


def _plan_and_send(runner: Runner, *, first_too: bool = False) -> None:
    house = runner.house
    runner.plan()
    for _ in range(_AGAIN):
        planned = runner.ran.planned
        if planned is None or house.stop.is_set():
            break
        if first_too and planned.actions:
            approve_first(house, planned.plan.id)
        if not _ready(house, planned.plan.id):
            break
        moved = runner.ran.moved
        runner.send(planned.plan.id, streams=list(house.streams.values()))
        runner.plan()
        if runner.ran.moved == moved and not _follows_from(runner):
            break


def audit(house: House, streams: Sequence[Stream], *, who: str, trigger: str = "person") -> Ran:
    """Read everything again, whatever the watermarks say, and list what is there. What follows is planned and sent.

    What was edited since the last read is read first, as by any run: a record that differs after that had changed
    unseen.
    """
    with Runner(house, command="audit", who=who, trigger=trigger, streams=streams) as runner:
        runner.pull(streams)
        runner.settle()
        runner.audit(streams, None)
        runner.settle()
        _plan_and_send(runner)
    return runner.ran


def compare(house: House, streams: Sequence[Stream], *, who: str, sample: Sample | None) -> Ran:
    """An audit that writes nothing: what is expected is left to the next sync, what had been missed is read."""
    with Runner(house, command="audit", who=who, streams=streams) as runner:
        runner.audit(streams, sample)
        runner.settle()
        runner.plan()
    return runner.ran


def plan_only(house: House, streams: Sequence[Stream], *, who: str, force: bool = False) -> Ran:
    """Pull, settle and plan; nothing is written."""
    with Runner(house, command="plan", who=who) as runner:
        runner.pull(streams)
        runner.settle()
        runner.plan(force=force)
    return runner.ran


def apply_plan(
    house: House, plan: int, *, who: str, approve: Sequence[tuple[Stream, str]] = (), streams: Sequence[Stream]
) -> Ran:
    """Send a stored plan: what is ready, the first plans of mappings that it holds, and the approved classes."""
    with Runner(house, command="apply", who=who, plan=plan) as runner:
        approve_first(house, plan)
        for stream, klass in approve:
            approve_class(house, plan, stream, klass, who=who)
        runner.send(plan, streams=streams)
        runner.plan()
        with house.database.write() as connection:
            outbox.settle_plan(house.database, connection, plan)
    return runner.ran


def undo(house: House, undoes: int, streams: Sequence[Stream], *, who: str) -> Ran:
    """Read what these streams show by now, and propose what takes a run back; nothing is written."""
    with Runner(house, command="undo", who=who, streams=streams) as runner:
        runner.pull(streams)
        runner.settle()
        runner.plan()  # an older plan may be of what has moved on by now
        runner.undo(undoes)
    return runner.ran


def split(house: House, parting: Parting, *, who: str, why: str) -> tuple[Ran, dict[str, Any] | None]:
    """Part an entity as a person says; what is to be corrected at the vendors is in the plans that follow."""
    with Runner(house, command="split", who=who) as runner:
        told = runner.part(parting, why=why)
    return runner.ran, told


def erase_person(house: House, what: str, *, who: str, reason: str) -> tuple[Ran, dict[str, Any] | None]:
    """Keep nothing of a person; figures that their answers were counted in follow."""
    with Runner(house, command="erase", who=who) as runner:
        told = runner.erase(what, reason=reason)
        runner.plan()
    return runner.ran, told


def match_anew(house: House, kinds: Sequence[str], *, who: str) -> Ran:
    """Match whole kinds anew; what follows from it at the vendors is in the plans that follow."""
    with Runner(house, command="resolve", who=who) as runner:
        runner.match_anew(kinds)
        runner.plan()
    return runner.ran


def apply_undo(house: House, plan: outbox.Plan, *, who: str, streams: Sequence[Stream]) -> Ran:
    """Take a run back as it was proposed. What has changed since is left as it is."""
    with Runner(house, command="apply", who=who, plan=plan.id) as runner:
        runner.take_up(plan)
        runner.send(plan.id, streams=streams, children_first=True)
        put_down(house, plan)
    return runner.ran


def _follows_from(runner: Runner) -> bool:
    """Did what was written make something else writable: a child whose parent is there now?"""
    return any(one.created for one in runner.ran.applied.values())


def approve_first(house: House, plan: int) -> None:
    """A person lets the first plan of the mappings in it through; from now on they are like any other."""
    with house.database.write(durable=True) as connection:
        outbox.release(house.database, connection, plan, FIRST)
        for number in storms.stopped(house.database, connection):
            if outbox.release(house.database, connection, plan, STORM, stream=number):
                storms.go_on(house.database, connection, number)
        ids = [stream.mapping_id for stream in house.streams.values() if not stream.approved]
        house.database.run_many(
            connection, "UPDATE mapping SET approved_at = ? WHERE id = ?", [(house.now(), number) for number in ids]
        )
    for stream in house.streams.values():
        stream.approved = True


def let_go_on(house: House, streams: Sequence[Stream]) -> None:
    """A person has these written to again that were stopped in a storm of refusals."""
    with house.database.write(durable=True) as connection:
        for stream in streams:
            storms.go_on(house.database, connection, stream.id)


def approve_class(house: House, plan: int, stream: Stream, klass: str, *, who: str) -> int:
    """Let a class of one stream through that a guard holds: as many as there are now, for this plan alone."""
    with house.database.write(durable=True) as connection:
        count = outbox.release(house.database, connection, plan, GUARD + klass, stream=stream.id)
        house.database.upsert(
            connection,
            "approval",
            ("plan", "stream", "class"),
            ("plan", "stream", "class", "at_most", "who", "at"),
            [(plan, stream.id, klass, count, who, house.now())],
        )
    return count


def _ready(house: House, plan: int) -> int:
    """How many actions of a plan wait for nothing but being sent."""
    with house.database.read() as connection:
        return outbox.count(house.database, connection, plan, "planned")


def _levels(streams: Sequence[Stream]) -> list[list[Stream]]:
    """Parents before children; the streams of a level go side by side."""
    levels: dict[int, list[Stream]] = {}
    for stream in streams:
        if stream.writes:
            levels.setdefault(stream.level, []).append(stream)
    return [levels[level] for level in sorted(levels)]


def _lease_of(stream: Stream) -> str:
    return f"stream:{stream.address}"


def _address_of(lease: str) -> str:
    return lease.removeprefix("stream:")


def _alarms(house: House, alarms: Mapping[int, str]) -> Iterator[Problem]:
    """What looks wrong about groups of records, by one of each; the first of many, and how many there are."""
    told = sorted(alarms.items())[:_ALARMS]
    with house.database.read() as connection:
        records = [record for record, _ in told]
        homes = dict(house.database.select(connection, "SELECT record, entity FROM member WHERE", "record", records))
        names = entity_names(house, connection, sorted(set(homes.values())))
    for record, words in told:
        name = names.get(homes.get(record, 0), "")
        hint = f"crosswalk explain {name}; what is somebody else: crosswalk match split RECORD"
        yield Problem(code="CW706", text=f"{name} looks too large: {words}", hint=hint, severity="warning")
    if len(alarms) > len(told):
        yield Problem(
            code="CW706", text=f"{len(alarms) - len(told)} more look too large",
            hint="they share what is nobody's own: name it under match.block", severity="warning",
        )  # fmt: skip


def _frozen(house: House, frozen: Frozen) -> Problem:
    with house.database.read() as connection:
        name = entity_names(house, connection, [frozen.entity])[frozen.entity]
    label = house.links[frozen.connection].connector.label
    hours = int(WITHIN.total_seconds() // 3600)
    return Problem(
        code="CW702",
        text=f"{frozen.field} of {name} changed {frozen.changes} times in {hours} h between hub and {label}",
        hint=f"frozen as {spoken('conflict', frozen.conflict)}: a workflow there rewrites it; "
        "switch that off or `keep`",
        severity="warning",
        connection=frozen.connection,
    )


def _widened(stream: Stream, audited: Audited, wider: timedelta) -> Problem:
    minutes = wider.total_seconds() / 60
    return Problem(
        code="CW310",
        text=f"{audited.unseen} of {stream.address} had changed unseen: overlap is now {minutes:g} min",
        hint="nothing: they have been read; see crosswalk explain CW310",
        severity="warning",
        connection=stream.connection,
        stream=stream.address,
    )


def _kept_out(stream: Stream, count: int) -> Problem:
    return Problem(
        code="CW311",
        text=f"{count} of {stream.address} are of people who were erased: not stored",
        hint=f"delete them in {stream.connection} as well; see crosswalk erase --list",
        severity="warning",
        connection=stream.connection,
        stream=stream.address,
    )


def _storm(stream: Stream, applied: Applied) -> Problem:
    tried = applied.aside + applied.written
    return Problem(
        code="CW405",
        text=f"{applied.aside} of {tried} writes to {stream.address} were refused: stopped",
        hint=f"look at `dlq --stream {stream.address}`, mend, `crosswalk sync {stream.connection}`",
        connection=stream.connection,
        stream=stream.address,
    )


def resync_record(house: House, stream: Stream, key: str, *, who: str) -> tuple[Ran, dict[str, Any], dict[str, Any]]:
    """Read one record again and bring its entity to rest; the run, and what was held of the record before and after."""
    with Runner(house, command="resync", who=who) as runner:
        before = held_of(house, stream, key)
        runner.fetch(stream, [key])
        after = held_of(house, stream, key)
        runner.settle()
        runner.plan()
        planned = runner.ran.planned
        if planned is not None and planned.actions:
            runner.send(planned.plan.id, streams=list(house.streams.values()), record=(stream, key))
            runner.plan()
    return runner.ran, before, after


def entity_of(house: House, stream: Stream, key: str) -> int | None:
    """The entity that a record belongs to."""
    with house.database.read() as connection:
        row = house.database.run(
            connection,
            "SELECT m.entity FROM record r JOIN member m ON m.record = r.id WHERE r.stream = ? AND r.rkey = ?",
            (stream.id, key),
        ).fetchone()
    return None if row is None else int(row[0])


def held_of(house: House, stream: Stream, key: str) -> dict[str, Any]:
    """What the store holds of a record, by hub field; nothing where it has never been seen."""
    with house.database.read() as connection:
        row = house.database.run(
            connection,
            "SELECT r.mapping, b.observed, b.raw FROM record r JOIN body b ON b.record = r.id "
            "WHERE r.stream = ? AND r.rkey = ?",
            (stream.id, key),
        ).fetchone()
    if row is None:
        return {}
    if row[0] == stream.mapping_id:
        observed = load_row(bytes(row[1]))
    else:  # read by another mapping, and not by today's yet
        observed, _ = stream.mapping.read(load(bytes(row[2])))
    return dict(zip(stream.mapping.fields, observed, strict=True))


def report(house: House, ran: Ran) -> dict[str, Any]:
    """The dict of `sync --json`, and of `apply` and `resync`."""
    plan = ran.sent_plan
    by_stream = ran.by_stream()
    waits = _waits(house, ran, by_stream)
    budgets = Budgets(house.database, house.clock)
    actions = [] if plan is None else sent_actions(house, plan, run=ran.run)
    return {
        "run": {
            "id": spoken("run", ran.run),
            "state": ran.state,
            "started_at": iso(ran.started_at),
            "seconds": (ran.ended_at - ran.started_at) / 1000,
            "plan": maybe_spoken("plan", plan),
            "trigger": ran.trigger,
        },
        "streams": [{"stream": address, **counts} for address, counts in by_stream.items()],
        "totals": ran.totals(),
        "calls": [
            {
                "connection": name,
                "calls": house.calls.get(name, 0),
                "unit": link.unit,
                "left": None if (balance := budgets.balance(name)) is None else balance.remaining,
            }
            for name, link in house.links.items()
        ],
        "replanned": spoken("plan", ran.planned.plan.id)
        if ran.moved and ran.planned is not None and ran.planned.actions
        else None,
        "set_aside": _set_aside(house, ran),
        "waits": waits,
        "actions": actions,
    }


def _waits(house: House, ran: Ran, by_stream: dict[str, dict[str, int]]) -> list[dict[str, Any]]:
    """What this run leaves to a person, by stream and class."""
    planned = ran.planned
    if planned is None or not planned.actions:
        return []
    with house.database.read() as connection:
        held = outbox.of_plan(house.database, connection, planned.plan.id, states=["held"])
    counts: Counter[tuple[str, str, str]] = Counter()
    together: dict[tuple[str, str], set[str]] = {}
    first = "first plan of a mapping"
    for action in held:
        stream = house.by_id(action.stream)
        if stream is not None:
            reasons = held_reasons(action.held_by)
            why = (
                first
                if FIRST in reasons
                else "stopped, since most were refused"
                if STORM in reasons
                else "over its guard"
            )
            classes = held_classes(action.op, action.held_by)
            for klass in classes:
                counts[stream.address, klass, why] += 1
                together.setdefault((stream.address, klass), set()).update(classes)
            if stream.address in by_stream:
                by_stream[stream.address]["waiting"] += 1
    name = spoken("plan", planned.plan.id)
    return [
        {
            "what": f"{klass}s in {address}: {why}",
            "stream": address,
            "class": klass,
            "count": count,
            "approve": " ".join(
                [f"crosswalk apply {name}"]
                + [f"--approve {address}:{one}" for one in sorted(together[address, klass]) if why == "over its guard"]
            ),
        }
        for (address, klass, why), count in counts.items()
    ]


def _set_aside(house: House, ran: Ran) -> list[dict[str, Any]]:
    """The dead letters that this run opened."""
    with house.database.read() as connection:
        rows = house.database.run(
            connection,
            "SELECT id, stream, rkey, code, reason, phase FROM dead_letter "
            f"WHERE run = ? AND {unsettled.LETTER} AND state = 'open' ORDER BY stream, id LIMIT 50",
            (ran.run,),
        ).fetchall()
    told = []
    for number, stream_id, rkey, code, reason, phase in rows:
        stream = house.by_id(stream_id)
        address = "" if stream is None else stream.address
        record = rkey if phase == "read" and " line " in rkey else f"{address}/{rkey}"
        told.append({"id": spoken("letter", number), "record": record, "code": code, "reason": reason})
    return told


def lanes(house: House, only: Sequence[str]) -> list[Stream]:
    """The streams of these connections or addresses; of all where none is named."""
    if not only:
        return list(house.streams.values())
    return [stream for stream in house.streams.values() if stream.connection in only or stream.address in only]
