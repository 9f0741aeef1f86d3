"""Where everything meets: a hub opened from its file, with a method for each thing that people ask of it.

Every method answers with a plain dict, the object of `--json` less `schema` and `command`; the command line renders
it. `problems` and `exit_code` stand in each.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from connectors.sdk.contract import FieldInfo
from connectors.sdk.registry import Registry
from crosswalk import clock as real_clock
from crosswalk import drift
from crosswalk.engine import (
    anew,
    audit,
    authorize,
    check,
    erase,
    explain,
    export,
    parting,
    planned,
    queue,
    restored,
    review,
    run,
    standstill,
    undo,
)
from crosswalk.engine.audit import Sample
from crosswalk.engine.check import Judged
from crosswalk.engine.likeness import scored_kinds
from crosswalk.engine.model import House, Patience, Progress, Silent, Stream
from crosswalk.engine.settle import is_first_load
from crosswalk.engine.words import AskError, number_of, shortened, split_address, spoken
from crosswalk.glance import Glance, remember
from crosswalk.house import Builder, fault_problem
from crosswalk.problems import Problem, ProblemsError
from crosswalk.settings.listed import Listed
from crosswalk.settings.load import load
from crosswalk.settings.model import HubSettings
from crosswalk.store import outbox
from crosswalk.store.clock import in_step
from crosswalk.store.dialect import Database
from crosswalk.store.opening import in_words, open_store
from crosswalk.store.pauses import regain
from crosswalk.store.tokens import Vault
from mapping.compile import MappingError

Answer = dict[str, Any]
DONE, FAILED, USAGE, WAITS = 0, 1, 2, 3


@contextmanager
def open_hub(
    config: Path,
    *,
    progress: Progress | None = None,
    who: str = "",
    clock: Callable[[], datetime] = real_clock.now,
    registry: Registry | None = None,
) -> "Iterator[Hub]":
    """The hub of a file, open until the end of the block. `registry`: other connectors than the installed ones.

    Raises ProblemsError with all faults of the file at once, StoreError where the store cannot be used.
    """
    loaded = load(config, registry=registry)
    if loaded.hub is None:
        raise ProblemsError(loaded.problems)
    settings = loaded.hub
    database, vault = open_store(
        settings.store.url, key=settings.store.encryption_key, key_file=settings.store.key_file
    )
    hub = Hub(
        settings, database, vault, progress=progress or Silent(), who=who, clock=in_step(database, clock),
        warned=loaded.problems,
    )  # fmt: skip
    try:
        with in_words(database):
            remember(database, Listed.of(settings), loaded.file_print)
            yield hub
    finally:
        hub.close()
        database.close()


class Hub:
    """One hub. Not for several threads at once; `stop` may be called from any."""

    def __init__(
        self,
        settings: HubSettings,
        database: Database,
        vault: Vault,
        *,
        progress: Progress,
        who: str,
        clock: Callable[[], datetime],
        warned: Sequence[Problem] = (),
        sleep: Callable[[float], None] = time.sleep,
        ask: Collection[str] | None = None,
        patience: Patience = Patience(),
    ) -> None:
        """`ask`: the connections whose catalogues are looked at again when they are old; all, unless told."""
        self.settings = settings
        self._database = database
        self._who = who
        self._warned = list(warned)
        self._stop = threading.Event()
        self._ask = ask
        self._patience = patience
        self._builder = Builder(settings, database, vault, clock, progress, sleep)
        self._glance = Glance(database, Listed.of(settings), clock)

    def close(self) -> None:
        for link in self._builder.links.values():
            link.connector.close()

    def stop(self) -> None:
        """Finish the batch in flight, then end; what is left goes on next time."""
        self._stop.set()

    @property
    def time_zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.time_zone)

    @cached_property
    def offline(self) -> House:
        """The house as the store knows it; nobody is asked."""
        return self._ready(self._builder.build(lenient=True))

    @cached_property
    def house(self) -> House:
        """The house with today's catalogues. Raises ProblemsError where the file does not fit what the vendors have."""
        return self._asked(anew=False)

    def _asked(self, *, anew: bool) -> House:
        house = self._builder.build(ask=True, anew=anew, of=self._ask)
        if self._builder.faults:
            raise ProblemsError([*self._warned, *self._builder.problems, *self._builder.faults])
        return self._ready(house)

    def look_anew(self) -> House:
        """The house for a run that reads whole streams: every catalogue is compared with how it was."""
        if "house" not in self.__dict__:
            self.__dict__["house"] = self._asked(anew=True)
        return self.house

    def _ready(self, house: House) -> House:
        house.stop = self._stop
        house.patience = self._patience
        return house

    # -- looking -----------------------------------------------------------------------------------------------

    def check(self, only: Sequence[str] = ()) -> Answer:
        told = check.check(self.offline, only=list(only), judge=self._judge)
        told["problems"] = [*(one.json() for one in self._warned), *told.get("problems", [])]
        states = {one["state"] for one in told["connections"]}
        by_file = any(one["code"].startswith("CW1") and one["severity"] == "error" for one in told["problems"])
        told["exit_code"] = USAGE if by_file else FAILED if states & {"fail", "part"} else DONE
        return told

    def _judge(self, stream: Stream, fields: Sequence[FieldInfo]) -> Judged:
        told = self.settings.connections[stream.connection]
        settings = told.streams[stream.name]
        if (misfit := self._builder.misfits.get(stream.address)) is not None:
            return Judged([misfit])
        try:
            kept = self._builder.fitted(told, settings, stream.catalogue, fields)
        except MappingError as error:
            return Judged([fault_problem(fault, told, settings) for fault in error.faults])
        found = drift.changes(stream.catalogue, fields) if stream.catalogue else []
        paused = drift.told(stream.address, told.connector.label, kept.paused, found)
        unfit = [
            *check.hub_id_problems(stream, settings.hub_id, fields),
            *check.unfilled_problems(self.offline, stream),
            *check.unfollowed_problems(self.offline, stream),
        ]
        return Judged([*paused, *unfit], drift.stored(kept.catalogue), [change.json() for change in found])

    def authorize(
        self, connection: str, *, redirect_uri: str, ask: authorize.Ask, confirm: authorize.Confirm
    ) -> Answer:
        """Have a person grant access in a browser, and keep the grant. `ask` brings the query of the redirect."""
        told = authorize.authorize(
            self.offline, connection, self._builder.tools, redirect_uri=redirect_uri, ask=ask, confirm=confirm
        )
        told["problems"] = [*(one.json() for one in self._warned), *told["problems"]]
        told["exit_code"] = FAILED if any(one["severity"] == "error" for one in told["problems"]) else DONE
        return told

    def discover(self, address: str) -> Answer:
        return _whole(check.discover(self.offline, address))

    def status(self) -> Answer:
        return self._glance.status()

    def runs(self, limit: int = 20, run: str | None = None) -> Answer:
        return self._glance.runs(limit, run)

    def explain(self, what: str, *, field: str | None = None, as_of: str | None = None) -> Answer:
        return _whole(explain.explain(self.offline, what, field=field, as_of_run=as_of))

    def export(self, kind: str) -> Answer:
        return _whole(export.export(self.offline, kind))

    def train(self, kind: str, *, model: Path | None, seed: int, progress: Callable[[str], None]) -> Answer:
        """A model of matching with weights of the records in the store. Raises ProblemsError."""
        from crosswalk import training

        records, base = training.of_store(self.offline, kind, base=model, progress=progress)
        now = self._builder.clock()
        return training.trained(records, base, source="the store", seed=seed, at=now, progress=progress)

    # -- pausing -----------------------------------------------------------------------------------------------

    def pause(self, address: str) -> Answer:
        """Neither read nor write a connection or stream until `resume`, whatever runs and whatever is restarted."""
        return _whole(standstill.pause(self.offline, self._known(address), who=self._who))

    def resume(self, address: str) -> Answer:
        return _whole(standstill.resume(self.offline, self._known(address)))

    def _known(self, address: str) -> str:
        streams = [f"{name}/{stream}" for name, one in self.settings.connections.items() for stream in one.streams]
        names = [*self.settings.connections, *streams]
        if address not in names:
            raise AskError(f"there is no connection or stream '{address}'", hint="there are: " + shortened(names))
        return address

    # -- deciding ----------------------------------------------------------------------------------------------

    def review_list(self) -> Answer:
        return _whole(review.listing(self.offline))

    def review_decide(self, item: str, *, take: str | None = None, value: Any = None, all_like: bool = False) -> Answer:
        return _whole(
            review.decide(
                self.offline, item, take=take if take != "keep" else None, value=value, keep=take == "keep",
                who=self._who, all_alike=all_like,
            )
        )  # fmt: skip

    def review_pair(self, item: str, *, same: bool, all_like: bool = False) -> Answer:
        """A person says that two records are the same, or never are: those that are one by now are parted at once."""
        house = self.offline
        parted = None if same else parting.to_part_pair(house, item)
        if parted is None:
            return _whole(review.decide_pair(house, item, same=same, who=self._who, all_alike=all_like))
        told = self._part(house, parted)
        return {**told, "ids": [item] if told["decided"] else [], "left": [], "same": False}

    def unite(self, one: str, other: str, *, why: str = "") -> Answer:
        """A person says that two are the same; the next run joins them."""
        return _whole(parting.unite(self.offline, one, other, who=self._who, why=why))

    def part(self, records: Sequence[str], *, why: str = "") -> Answer:
        """A person says that these records are somebody else than those that they are one with."""
        house = self.offline
        return self._part(house, parting.to_part(house, records), why=why)

    def _part(self, house: House, parted: parting.Parting, *, why: str = "") -> Answer:
        ran, told = run.split(house, parted, who=self._who, why=why)
        problems = [one.json() for one in ran.problems]
        if told is None:
            return {"decided": 0, "problems": problems, "exit_code": FAILED}
        return {"run": spoken("run", ran.run), **told, "problems": problems, "exit_code": DONE}

    def would_erase(self, what: str) -> Answer:
        """What erasing a person would take, and where they would still stand."""
        return _whole(erase.foreseen(self.offline, what))

    def erase(self, what: str, *, reason: str = "") -> Answer:
        """Keep nothing of a person, and store nothing of what is sent of them again."""
        ran, told = run.erase_person(self.offline, what, who=self._who, reason=reason)
        problems = [one.json() for one in ran.problems]
        if told is None:
            return {"erasure": None, "problems": problems, "exit_code": FAILED}
        return {"run": spoken("run", ran.run), **told, "problems": problems, "exit_code": DONE}

    def erasures(self) -> Answer:
        return _whole(erase.listing(self.offline))

    def lift_erasure(self, erasure: str) -> Answer:
        """Store again what is sent of somebody who was erased."""
        return _whole(erase.lift(self.offline, erasure))

    def scrub(self) -> Answer:
        """Try again to leave nothing of what was erased in free places of the store's files."""
        return _whole({"scrubbed": erase.scrub(self.offline)})

    def would_match_anew(self, kind: str = "") -> Answer:
        """What `match_anew` would change, if nothing is edited meanwhile."""
        house = self.offline
        return _whole({"kinds": [anew.would(house, one).json() for one in self._scored(house, kind)]})

    def match_anew(self, kind: str = "") -> Answer:
        """Match all records of a kind, or of every kind that is scored, as if all of them came today."""
        house = self.offline
        kinds = self._scored(house, kind)
        ran = run.match_anew(house, kinds, who=self._who)
        settled = ran.settled
        return {
            "run": spoken("run", ran.run), "kinds": kinds, "joined": settled.joined, "parted": settled.parted,
            "asked": settled.pairs, "problems": [one.json() for one in ran.problems],
            "exit_code": FAILED if ran.failed else DONE,
        }  # fmt: skip

    def _scored(self, house: House, kind: str) -> list[str]:
        """The kind that was named, or all that are scored."""
        scored = scored_kinds(house)
        if kind and kind not in scored:
            raise AskError(f"'{kind}' is matched by no model here", hint=f"there are: {', '.join(scored) or 'none'}")
        if not scored:
            raise AskError("nothing is matched by a model here", hint="exact rules are followed with every change")
        if is_first_load(house):
            raise AskError("nothing has been matched yet", hint="crosswalk sync")
        return [kind] if kind else scored

    def alike(self, one: str, other: str) -> Answer:
        """Why two are one, or are not."""
        return _whole(explain.alike(self.offline, one, other))

    def dlq_list(self, *, code: str | None = None, stream: str | None = None, limit: int = 0) -> Answer:
        return _whole(queue.listing(self.offline, code=code, stream=stream, limit=limit))

    def dlq_show(self, letter: str) -> Answer:
        return _whole(queue.show(self.offline, letter))

    def dlq_retry(self, letter: str) -> Answer:
        return _whole(queue.retry(self.offline, [letter], self._who))

    def dlq_drop(self, letter: str, reason: str) -> Answer:
        return _whole(queue.drop(self.offline, [letter], reason, self._who))

    def restored(self) -> Answer:
        return _whole(restored.restored(self.offline))

    # -- running -----------------------------------------------------------------------------------------------

    def plan(self, only: Sequence[str] = (), force: bool = False) -> Answer:
        """Pull, settle and plan; nothing is written. `force`: a new plan even where the open one says the same."""
        house = self.look_anew()
        streams = self._begun(only)
        ran = run.plan_only(house, streams, who=self._who, force=force)
        told = self._plan_report(ran.planned.plan if ran.planned and ran.planned.actions else None)
        told["paused"] = standstill.listed(house, streams)
        told["problems"] = self._problems(ran)
        waits = bool(told["total"]) or bool(ran.settled.conflicts)
        told["exit_code"] = FAILED if ran.failed else WAITS if waits else DONE
        return told

    def show_plan(self, number: str) -> Answer:
        return _whole(self._plan_report(planned.load_plan(self.offline, number)))

    def _plan_report(self, plan: outbox.Plan | None) -> Answer:
        house = self.house if "house" in self.__dict__ else self.offline
        if plan is not None and "undoes" in plan.detail:
            return planned.report_undo(house, plan)
        return planned.report(house, plan)

    def apply(self, number: str, approve: Sequence[str] = (), only: Sequence[str] = ()) -> Answer:
        """Send what a stored plan says. Raises ProblemsError CW602 where it no longer fits."""
        house = self.house
        plan = planned.load_plan(house, number)
        if "undoes" in plan.detail:
            return self._apply_undo(plan, approve, only)
        unfit = _unfit(house, plan, following=planned.open_plan(house))
        if unfit is not None:
            raise ProblemsError([unfit])
        approved = [self._class_of(one) for one in approve]
        streams = self._begun(only)
        ran = run.apply_plan(house, plan.id, who=self._who, approve=approved, streams=streams)
        return self._ran(house, ran, [stream for stream in streams if stream.writes])

    def _apply_undo(self, plan: outbox.Plan, approve: Sequence[str], only: Sequence[str]) -> Answer:
        """What was written to is paused afterwards: whatever made the mistake would go on making it."""
        house = self.house
        unfit = _unfit(house, plan, following=None)
        if unfit is not None:
            raise ProblemsError([unfit])
        if approve:
            raise AskError("no guard holds an undo", hint=f"crosswalk apply {spoken('plan', plan.id)}")
        for stream in undo.streams_of_plan(house, plan):
            standstill.refuse_paused(house, stream)
        streams = self._begun(only)
        ran = run.apply_undo(house, plan, who=self._who, streams=streams)
        touched = [
            stream for stream in house.streams.values() if (one := ran.applied.get(stream.address)) and one.written
        ]
        for stream in touched:
            standstill.pause(house, stream.address, who=self._who)
        told = self._ran(house, ran, [stream for stream in streams if stream.writes])
        return {**told, "undoes": spoken("run", plan.detail["undoes"])}

    def undo(self, name: str) -> Answer:
        """Read what a run wrote again, and propose what takes it back; `apply` of that plan does it."""
        house = self.house
        undoes = number_of("run", name)
        addresses = [stream.address for stream in undo.streams_of(house, undoes)]
        ran = run.undo(house, undoes, self._begun(addresses), who=self._who) if addresses else None
        if ran is None or ran.planned is None:
            raise AskError(
                f"{spoken('run', undoes)} cannot be taken back: no stream that it wrote to is listed any more"
            )
        told = planned.report_undo(house, ran.planned.plan)
        told["paused"] = []
        told["problems"] = self._problems(ran)
        told["exit_code"] = FAILED if ran.failed else WAITS if ran.planned.actions else DONE
        return told

    def sync(self, only: Sequence[str] = (), *, first_too: bool = False, trigger: str = "person") -> Answer:
        """Pull, settle, plan, and write what need not wait. `first_too`: nor do the first plans of mappings."""
        house = self.look_anew()
        streams = self._begun(only)
        ran = run.sync(house, streams, who=self._who, first_too=first_too, trigger=trigger)
        return self._ran(house, ran, streams)

    def unattended(self, connection: str, *, audit: bool = False) -> tuple[run.Ran, list[Problem]]:
        """What a daemon does in one slot of a connection; what came of it, and every problem on the way."""
        house = self.look_anew()
        work = run.audit if audit else run.sync
        ran = work(house, self._begun([connection]), who=self._who, trigger=run.DAEMON)
        return ran, [*self._builder.warnings, *ran.unasked, *ran.problems]

    def let_in(self, connection: str) -> bool:
        """Is a connection that was paused for a refused token let in again? Then it goes on."""
        if not check.is_let_in(self.offline, connection):
            return False
        with self._database.write() as transaction:
            regain(self._database, transaction, connection)
        return True

    def audit(self, only: Sequence[str] = (), *, number: int | None = None, share: float | None = None) -> Answer:
        """Compare what the vendors show with what the hub last saw of it, of every record or of a sample per stream.

        Nothing is written; what had been missed is read.
        """
        house = self.house
        streams = self._begun(only)
        sample = None if number is None and share is None else Sample(number, share)
        before = dict(house.calls)
        ran = run.compare(house, streams, who=self._who, sample=sample)
        told = audit.report(ran.audited)
        calls = {name: house.calls.get(name, 0) - before.get(name, 0) for name in house.links}
        told["calls"] = [
            {"connection": name, "calls": count, "unit": house.links[name].unit}
            for name, count in calls.items()
            if count
        ]
        told["run"] = spoken("run", ran.run)
        told["paused"] = standstill.listed(house, streams)
        told["problems"] = self._problems(ran)
        told["exit_code"] = FAILED if ran.failed else DONE
        return told

    def resync(self, address: str) -> Answer:
        """Read a record, a stream or a connection again, whatever the watermark says; then as `sync` does."""
        parts = split_address(address)
        house = self.look_anew() if parts is None else self.house
        if parts is None:
            streams = self._begun([address])
            ran = run.sync(house, streams, who=self._who, afresh=True, command="resync")
            return self._ran(house, ran, streams)
        connection, stream, key = parts
        (found,) = self._begun([f"{connection}/{stream}"])
        standstill.refuse_paused(house, found)
        ran, before, after = run.resync_record(house, found, key, who=self._who)
        told = self._ran(house, ran, [found])
        told["found"] = bool(after)
        told["differences"] = [{"field": name} for name in sorted(before.keys() | after.keys())
                               if before.get(name) != after.get(name)]  # fmt: skip
        return told

    def _streams(self, only: Sequence[str]) -> list[Stream]:
        house = self.house
        found = run.lanes(house, only)
        for one in only:
            self._known(one)
        return found

    def _begun(self, only: Sequence[str]) -> list[Stream]:
        """The streams of a run. Its record tells which of their connections were not asked, or could not be."""
        house, streams = self.house, self._streams(only)
        names = {one.partition("/")[0] for one in only} or set(self.settings.connections)
        asked = self._builder.problems
        just = {(one.code, one.connection) for one in asked}
        before = [one for one in standstill.refused(house) if (one.code, one.connection) not in just]
        house.unasked = [problem for problem in (*asked, *before) if problem.connection in names]
        return streams

    def _class_of(self, text: str) -> tuple[Stream, str]:
        address, _, klass = text.rpartition(":")
        (stream,) = self._streams([address])
        return stream, klass

    def _ran(self, house: House, ran: run.Ran, streams: Sequence[Stream]) -> Answer:
        told = run.report(house, ran)
        told["paused"] = standstill.listed(house, streams)
        told["problems"] = self._problems(ran)
        left = bool(told["waits"]) or bool(ran.settled.conflicts) or bool(ran.settled.pairs)
        told["exit_code"] = FAILED if ran.failed else WAITS if left else DONE
        return told

    def _problems(self, ran: run.Ran) -> list[dict[str, Any]]:
        return [one.json() for one in (*self._warned, *self._builder.warnings, *ran.unasked, *ran.problems)]


def _unfit(house: House, plan: outbox.Plan, *, following: str | None) -> Problem | None:
    """Why a stored plan can no longer be applied. `following`: the plan that stands now."""
    name = spoken("plan", plan.id)
    again = f"undo {spoken('run', plan.detail['undoes'])}" if "undoes" in plan.detail else "plan"
    hint = f"crosswalk {again}; a plan is for the settings it was made with"
    if plan.state not in ("open", "proposed"):
        why = {"applied": "was applied", "superseded": "was superseded by a newer plan"}.get(plan.state, plan.state)
        text = f"{name} {why}"
        if following is not None:
            hint = f"what is left of it stands in {following}:  crosswalk plan {following}"
    elif plan.expires_at <= house.now():
        text = f"{name} has expired: a plan holds for 24 h"
    elif plan.settings != house.settings_print:
        text = f"{name} no longer fits: settings changed"
    else:
        return None
    return Problem(code="CW602", text=text, hint=hint)


def _whole(told: Answer) -> Answer:
    told.setdefault("problems", [])
    told.setdefault("exit_code", DONE)
    return told
