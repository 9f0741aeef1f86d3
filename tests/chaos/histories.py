"""Random histories: what people and systems do to a hub and its vendors, and what must hold when they have stopped.

A history is a list of steps, each a name and three numbers, so that any part of one is a history as well: what a
step means is found out when it is taken (of as many people as there are then, the n-th). `shrink` uses that.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final, NamedTuple, cast

import pytest

from connectors.sdk.contract import Outcome, Write
from connectors.sdk.errors import LaterError, UnknownOutcomeError
from crosswalk.engine.words import AskError
from crosswalk.store.dialect import Database
from tests.chaos import companies, erased
from tests.chaos.erased import Erased
from tests.chaos.invariants import (
    BrokenError,
    Effect,
    Witness,
    at_any_time,
    at_the_end,
    check_pages,
    match_again,
    partition,
)
from tests.chaos.stage import MemoryStore
from tests.hub import AHEAD, World
from tests.memory.connector import Crash, Remote

TEXT: Final = """
connections:
  alpha:
    connector: unique
    account: {alpha}
    streams:
      firms: {{write: {alpha_firms}, create_from: [beta]{on_delete}}}
      people:
        write: {alpha_write}
        create_from: [beta]
        hub_id: hub
        {scope}
        mapping: {{"consent[email.marketing]": "opt_out | optout(true)"{alpha_mapping}}}
  beta:
    connector: {beta_connector}
    account: {beta}
    streams:
      firms: {{write: {beta_firms}{on_delete}}}
      people:
        write: {beta_write}
        create_from: [alpha]
        mapping: {{"consent[email.marketing]": "news | consent(yes, no)"{beta_mapping}}}
  tool:
    connector: survey
    account: {tool}
    streams:
      answers:
match:
  person:
    rules: [{rules}]
merge:
  defaults: {{masters: [alpha, beta], {allow_clear}on_conflict: {on_conflict}, on_foreign_edit: review}}
guards:
  create: {{at_most: {creates}, share: 100%}}
  update: {{at_most: 50, share: 100%}}
  clear: {{at_most: 50, share: 100%}}
  delete: {{at_most: 50, share: 100%}}
"""

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "alpha_write": ("[create, update]", "[update]", "[create, update]"),
    "beta_write": ("[update]", "[create, update]", "[]", "[create, update]"),
    "alpha_mapping": ("", ", cx.nps.score: nps", ", cx.nps.score: nps, department: site"),
    "beta_mapping": ("", ", job_title: null", ", department: site", ""),
    "rules": ("{same: [emails]}", "{same: [emails]}, {same: [phones, name.family], then: review}",
              "{same: [emails]}, {same: [phones, name.family]}"),
    "on_conflict": ("[masters]", "[review]", "[newest, review]"),
    "creates": ("50", "0", "50"),
    "beta_firms": ("[update]", "[create, update], create_from: [alpha]", "[]"),
    "allow_clear": ("", "allow_clear: [alpha], ", "allow_clear: [alpha, beta], "),
    "scope": ("", "where: scope != out", ""),
    "listed": ("", "beta people", "tool"),  # what is taken out of the file for a while
}  # fmt: skip
# What beta is: see `do_world`.
BETAS: Final = ("memory", "whole", "coarse", "merging", "terse", "whole", "coarse", "merging")

FIELDS: Final = ("title", "phone", "title", "name", "tags")
MOST: Final = 4  # people: the same few meet everything
ALWAYS: Final = (*("edit",) * 4, *("both",) * 2, *("new",) * 2, *("sync",) * 6, "sure")
SOMETIMES: Final = (
    "clear", "trash", "restore", "drop", "mail", "swap", "firm", "firm_new", "answer", "decide", "pair", "config",
    "lost", "vanish", "refuse", "away", "employ", "sure", "busy", "die_before", "die_after", "race", "stale", "still",
    "tick", "commit", "page", "retry", "merge", "scope", "opt_out", "opt_in", "late", "garble", "short", "throttle",
    "shuffle", "twice", "hint", "two", "poor",
)  # fmt: skip


_COLUMN: Final = {"job_title": "title", "phones": "phone", "tags": "tags", "works_at": "firm", "emails": "email",
                  "department": "site"}  # fmt: skip
_ERASES: Final = 0.2  # of the histories have people who are erased, now and then
_KEEPS: Final = 0.3  # of them have somebody who lets each side of a question keep its own
_COMPANIES: Final = 0.3  # of them are about companies that go, and who is said to work there
_KEPT: Final = ("job_title", "department")  # whose columns hold one text
_OF_COMPANIES: Final = ("beta_firms", "allow_clear")  # what else the file says in histories of companies
# Steps after which what is kept stays so, as far as it is not edited itself.
_GOES_ON: Final = frozenset({"keep", "sync", "edit", "tick", "calm", "commit", "page", "two", "short", "throttle",
                             "shuffle", "twice", "lost", "vanish", "refuse", "busy", "die_before", "die_after",
                             "still", "hint", "firm_new", "answer"})  # fmt: skip
RUNS: Final = frozenset({"sync", "sure", "away", "hint", "firm_sure", "firm_left"})


class Step(NamedTuple):
    name: str
    a: int
    b: int
    c: int


def history(seed: int, length: int = 45, *, kinds: Sequence[str] = (), of_companies: bool = False) -> list[Step]:
    """Each has some kinds of steps often and others never: what is rare together is found that way.

    `kinds`: of these steps alone. `of_companies`: it is about them, as some are anyway.
    """
    random = Random(seed)
    some = [name for name in SOMETIMES if random.random() < 0.3]
    names = kinds or [*ALWAYS, *some * 3, *(["erase"] * (random.random() < _ERASES))]
    steps = [Step("world", *(random.randrange(100) for _ in range(3)))]
    if not kinds and Random(f"keep/{seed}").random() < _KEEPS:
        names = [*names, *["keep"] * 2, *["both"] * 4]
        steps.append(Step("config", list(CHOICES).index("on_conflict"), 1, 0))
    about = Random(f"companies/{seed}")
    if not kinds and (about.random() < _COMPANIES or of_companies):
        names = [*names, *companies.MOVES]
        steps.append(Step("deletes", *(about.randrange(100) for _ in range(3))))
        steps += [Step("config", list(CHOICES).index(name), about.randrange(3), 0) for name in _OF_COMPANIES]
        steps += [Step("firm_new", 2, 0, 0) for _ in range(2)]
    steps += [Step("new", random.randrange(100), random.randrange(100), random.randrange(100)) for _ in range(3)]
    if random.random() < 0.7:
        steps.append(Step("sync", 0, 0, 0))
    for _ in range(random.randrange(8, length)):
        steps.append(Step(random.choice(names), *(random.randrange(100) for _ in range(3))))
    return steps


class Keeping(NamedTuple):
    """That each side keeps its own, by a person's word. It holds until somebody edits such a column, or anything else
    is asked for than to go on."""

    column: str
    shown: dict[tuple[str, str], Any]  # by system and key
    homes: list[tuple[int, int]]  # whose each record was


@dataclass
class Play:
    """One history being played in one world."""

    world: World
    told: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHOICES, 0))
    edits: dict[tuple[str, str, str, str], Any] = field(default_factory=dict)  # system, stream, key, field -> last
    exempt: set[tuple[str, str, str, str]] = field(default_factory=set)
    effects: list[Effect] = field(default_factory=list)
    crash_at: tuple[int, bool] | None = None
    dead: bool = False
    commits: int = 0
    faults: dict[str, tuple[str, int]] = field(default_factory=dict)  # system -> what the next write meets
    people: int = 0
    firms: int = 0
    answers: int = 0
    log: list[str] = field(default_factory=list)
    held: Counter[str] = field(default_factory=Counter)  # how much was judged, by invariant
    witness: Witness = field(default_factory=Witness)
    beta: str = BETAS[0]
    stood: dict[str, dict[str, Any]] = field(default_factory=dict)  # by action, what its record was before it
    unlanded: int = 0  # pages that were handed over since something was last committed
    pages: int = 1  # that may be
    threads: bool = False
    nested: bool = False
    erased: Erased = field(default_factory=Erased)
    kept: list[Keeping] = field(default_factory=list)
    on_delete: str = companies.ON_DELETE[0]  # of companies
    fresh_words: set[tuple[str, str]] = field(default_factory=set)  # system, key of who was given a company just now
    fresh_ends: set[tuple[str, str]] = field(default_factory=set)  # system, key of companies that went just now
    slip: Step | None = None  # a company that goes when the next page is asked for
    power: bool = False  # with a process that dies its machine does: the store is what was on the disk

    def __post_init__(self) -> None:
        self.write_config()
        for name in ("alpha", "beta", "tool"):
            remote = self.remote(name)
            remote.before = self._before(name, remote)
            remote.after = self._after(name, remote)
            remote.on_page = self._on_page
        self.remote("beta").answers = False
        self.page_crash: int | None = None
        self.page_busy: int | None = None
        self.second: str | None = None  # whose next page finds another daemon at work
        if self.power:
            with self.world.store() as database:
                cast("MemoryStore", database).keep_flushed()

    # -- the vendors -----------------------------------------------------------------------------------------

    def remote(self, name: str) -> Remote:
        return self.world.remote(name)

    def _on_page(self, stream: str, _at: int) -> None:
        if self.dead:
            raise Crash
        self.unlanded += 1
        check_pages(self)
        if self.slip is not None and stream == ("people", "firms")[self.slip.b // 4 % 2]:
            step, self.slip = self.slip, None
            self.do_firm_gone(step)
        if self.page_crash is not None:
            self.page_crash -= 1
            if self.page_crash < 0:
                self.dead, self.page_crash = True, None
                raise Crash
        if self.page_busy is not None:
            self.page_busy -= 1
            if self.page_busy < 0:
                self.page_busy = None
                raise LaterError("too many")
        if self.second == stream and not self.nested:
            self.second = None
            self._work_beside()

    def _work_beside(self) -> None:
        """Another daemon does all that it finds to do, while this one waits for a page."""
        held, self.nested = self.unlanded, True
        try:
            self.unlanded = 0
            with self.opened() as hub:
                self._hear(hub.sync(first_too=True))
        finally:
            self.nested = False
            self.unlanded = held

    def _before(self, name: str, remote: Remote) -> Callable[[Write], Outcome | None]:
        def before(write: Write) -> Outcome | None:
            if self.dead:
                raise Crash
            rows = remote.rows.get("people", {})
            self.stood[write.action] = dict(rows.get(write.key or "", {}))
            if ("people", write.key or "") in remote.lagging:  # nobody could have seen what it is written over
                self.exempt.update((name, "people", write.key or "", one) for one in write.values)
            kind, _ = self.faults.get(name, ("", 0))
            if kind in ("vanish", "refuse", "busy", "die_before", "race"):
                del self.faults[name]
            if kind == "vanish":
                return Outcome(write.action, "unknown", reason="no answer")
            if kind == "refuse":
                return Outcome(write.action, "rejected", reason="refused")
            if kind == "busy":
                raise LaterError("too many")
            if kind == "die_before":
                self.dead = True
                raise Crash
            if kind == "race" and write.key in remote.rows.get("people", {}):
                self.put(name, "people", write.key or "", title=f"race {len(self.log)}")
                self.exempt.add((name, "people", write.key or "", "title"))
            return None

        return before

    def _after(self, name: str, remote: Remote) -> Callable[[Write], None]:
        def after(write: Write) -> None:
            op, stream, key, values = remote.log[-1]
            if op == "archive":
                self.witness.gone.add((name, stream, key))
                companies.note_gone(self, name, key)
            self.effects.append(
                Effect(name, op, stream, key, int(write.action), write.hub_id, values, self.stood[write.action])
            )
            kind, _ = self.faults.get(name, ("", 0))
            if kind in ("lost", "die_after", "stale"):
                del self.faults[name]
            if kind == "lost":
                raise UnknownOutcomeError("sent, and no answer came")
            if kind == "die_after":
                self.dead = True
                raise Crash
            if kind == "stale" and write.key and stream == "people":
                stood = self.stood[write.action]

                def once(row: dict[str, Any]) -> dict[str, Any]:
                    if row["id"] != key:
                        return row
                    remote.on_fetch = None
                    return dict(stood)

                remote.on_fetch = once

        return after

    def put(self, name: str, stream: str, key: str, /, **values: Any) -> None:
        self.remote(name).put(stream, key, **values)
        self._note_edit(name, stream, key, values)

    def _note_edit(self, name: str, stream: str, key: str, values: dict[str, Any]) -> None:
        if values.get("gone"):
            self.witness.gone.add((name, stream, key))
        for one, value in values.items():
            if value is None:
                self.witness.cleared.add((name, one))
            if value is None and one == "firm":
                self.witness.left.add((name, key))
            if one == "firm":
                self.fresh_words.add((name, key))
            if one == "gone" and value and stream == "firms":
                companies.note_gone(self, name, key)
            if one == "title" and value is not None:
                value = self.remote(name).of(stream, key)["title"]
            self.edits[name, stream, key, one] = value
            self.kept = [] if one == "gone" else [kept for kept in self.kept if kept.column != one]
            self.exempt.discard((name, stream, key, one))
        self.erased.note(name, stream, key, values)
        self.log.append(f"{name}/{stream}/{key} {values}")

    def keys(self, name: str, stream: str = "people") -> list[str]:
        return sorted(self.remote(name).rows.get(stream, {}))

    def pick(self, n: int, stream: str = "people") -> tuple[str, str] | None:
        there = [(name, key) for name in ("alpha", "beta") for key in self.keys(name, stream)]
        return there[n % len(there)] if there else None

    # -- steps -----------------------------------------------------------------------------------------------

    def step(self, step: Step) -> None:
        """Take a step; a process that dies in it is replaced once its leases have run out."""
        try:
            self.take(step)
        except Crash:
            self.log.append("crash")
            self.dead, self.crash_at, self.page_crash = False, None, None
            self.unlanded = 0
            self.power_fails()
            self.pass_time(120)
        if step.name in RUNS:
            self.judge()

    def power_fails(self) -> None:
        if self.power:
            with self.world.store() as database:
                cast("MemoryStore", database).power_fails()

    def pass_time(self, seconds: float) -> None:
        """For the hub and for its vendors; no answer lags longer than a vendor says."""
        self.world.clock.forward(seconds=seconds)
        for name in ("alpha", "beta", "tool"):
            self.remote(name).now += timedelta(seconds=seconds)
            self.remote(name).on_fetch = None

    def judge(self) -> None:
        """What must hold at any time."""
        with self.world.store() as database:
            companies.at_any_time(self, database)
            at_any_time(self, database)

    def take(self, step: Step) -> None:
        if step.name not in _GOES_ON:
            self.kept.clear()
        getattr(self, f"do_{step.name}")(step)

    def do_world(self, step: Step) -> None:
        """What kind of vendors they are, and what ids are hashed with: told before anything else, or not at all."""
        if self.log[1:] != [f"-- {step}"]:
            return
        self.world.key = f"{step.a} {step.b} {step.c}"
        self.beta = BETAS[step.a % len(BETAS)]
        beta = self.remote("beta")
        if self.beta == "coarse":
            beta.grain = timedelta(minutes=step.b % 2)
        if step.b % 4 == 0:
            beta.longest = 6
        for name, far in (("alpha", 0), ("beta", (0, 90, -90)[step.c % 3])):
            self.remote(name).now += timedelta(seconds=far)
        if step.c // 3 % 4 == 3 and not self.threads:
            self.world.swift, self.pages = True, AHEAD
        self.write_config()

    def do_new(self, step: Step) -> None:
        names = (("alpha",), ("beta",), ("alpha", "beta"))[step.a % 3]
        if self.people == MOST:
            self.do_edit(step)
            return
        self.people += 1
        n = self.people
        for name in names:
            values: dict[str, Any] = {"name": f"Ann Person{n}", "email": f"p{n}@a.test"}
            if step.c % 7 == 0:
                values["email"] = None
            if step.b % 2:
                values["title"] = f"t{step.b % 3 if name == 'alpha' else step.b % 5}"
            if step.b % 3 == 0:
                values["phone"] = f"+4989555{1000 + step.c % 4}"
            self.put(name, "people", f"{name[0]}{n}", **values)

    def value(self, field: str, step: Step) -> Any:
        if field == "tags":
            return sorted({f"g{step.c % 3}", f"g{step.b % 4}"})
        if field == "phone":
            return f"+4989555{1000 + step.c % 7}"
        return f"{field} {step.c}"

    def do_edit(self, step: Step) -> None:
        target = self.pick(step.a)
        if target is not None:
            name = FIELDS[step.b % len(FIELDS)]
            self.put(target[0], "people", target[1], **{name: self.value(name, step)})

    def do_both(self, step: Step) -> None:
        """The same person edited in both systems."""
        target = self.pick(step.a)
        if target is None:
            return
        name = FIELDS[step.b % len(FIELDS)]
        mail = self.remote(target[0]).of("people", target[1]).get("email")
        for system in ("alpha", "beta"):
            for key in self.keys(system):
                if mail and self.remote(system).of("people", key).get("email") == mail:
                    there = step._replace(c=step.c + (system == "beta"))
                    self.put(system, "people", key, **{name: self.value(name, there)})

    def do_clear(self, step: Step) -> None:
        target = self.pick(step.a)
        if target is not None:
            self.put(target[0], "people", target[1], **{("title", "phone", "tags")[step.b % 3]: None})

    def do_mail(self, step: Step) -> None:
        target = self.pick(step.a)
        if target is not None:
            self.put(target[0], "people", target[1], email=f"p{step.b % (self.people + 2)}@a.test")

    def do_trash(self, step: Step) -> None:
        target = self.pick(step.a)
        if target is not None:
            self.put(target[0], "people", target[1], gone=True)

    def do_restore(self, step: Step) -> None:
        for name in ("alpha", "beta"):
            for key in self.keys(name):
                if self.remote(name).of("people", key).get("gone"):
                    self.put(name, "people", key, gone=False)

    def do_away(self, step: Step) -> None:
        """Somebody is in the bin while the same person is edited elsewhere, and comes back."""
        target = self.pick(step.a)
        if target is None:
            return
        self.take(Step("sync", 0, 0, 0))
        self.put(target[0], "people", target[1], gone=True)
        self.take(Step("sync", 0, 0, 0))
        mail = self.remote(target[0]).of("people", target[1]).get("email")
        for system in ("alpha", "beta"):
            for key in self.keys(system):
                row = self.remote(system).of("people", key)
                if mail and row.get("email") == mail and not row.get("gone"):
                    self.put(
                        system,
                        "people",
                        key,
                        **{FIELDS[step.b % len(FIELDS)]: self.value(FIELDS[step.b % len(FIELDS)], step)},
                    )
        self.take(Step("sync", 0, 0, 0))
        self.put(target[0], "people", target[1], gone=False)

    def do_employ(self, step: Step) -> None:
        """Somebody gets a company that only one system knows."""
        target = self.pick(step.a)
        if target is not None:
            self.firms += 1
            key = f"{target[0][0]}f{self.firms}"
            self.put(target[0], "firms", key, name=f"Firm {self.firms}", site=f"https://f{self.firms}.test")
            self.put(target[0], "people", target[1], firm=key)

    def do_sure(self, step: Step) -> None:
        """One edit, with nothing else under way, is never taken back, whatever becomes of its writes."""
        self.calm()
        target = self.pick(step.a)
        if target is None:
            return
        name = FIELDS[step.b % len(FIELDS)]
        value = (
            ["sure", f"g{step.c}"]
            if name == "tags"
            else f"+4989556{step.c:04}"
            if name == "phone"
            else f"sure {step.c}"
        )
        if name == "tags":
            value = sorted(value)
        stood = self.remote(target[0]).of("people", target[1]).get("tags") or ()
        homes, contested = self.homes(), self.contested()
        # What a vendor has never carried says nothing: a value there is a first contact, and a master's goes first.
        contested |= name not in self.remote(target[0]).of("people", target[1])
        # A write that was refused there carries an edit of somebody else to this very person.
        contested |= self.refused(*target)
        other = "beta" if target[0] == "alpha" else "alpha"
        fault = ("", "lost", "vanish", "stale", "busy", "die_before", "die_after", "stale", "lost")[step.c % 9]
        if fault:
            self.faults[other] = (fault, 0)
        self.put(target[0], "people", target[1], **{name: value})
        if step.a % 4 == 0:
            self.crash_at = (1 + step.c % 50, bool(step.b % 2))
        self.step(Step("sync", 0, 0, 0))
        self.calm()
        value = self.edits[target[0], "people", target[1], name]  # as its vendor keeps it
        shows = self.remote(target[0]).of("people", target[1]).get(name)
        if name == "tags" and isinstance(shows, list):  # what it had before may have been taken out in another record
            value = sorted(set(value) - set(stood))
            shows = sorted(set(shows) & set(value))
        self.held["I3"] += 1
        if shows != value and self.homes() == homes and not contested:
            raise BrokenError("I3", f"{target} {name} was edited to {value!r}, alone, and is {shows!r}")

    def homes(self) -> list[tuple[int, int]]:
        """Whose each record is: where people turn out to be one, their values meet."""
        with self.world.store() as database:
            return partition(database)

    def contested(self) -> bool:
        """Does something wait for a person? Whatever touches it has it decided anew, by all that is known then."""
        with self.world.store() as database, database.read() as connection:
            return bool(database.run(connection, "SELECT count(*) FROM conflict WHERE state = 'open'").scalar())

    def refused(self, system: str, key: str) -> bool:
        """Was a write to this record, or to another one of the same person there, set aside, and not closed?"""
        with self.world.store() as database, database.read() as connection:
            found = database.run(
                connection,
                "SELECT count(*) FROM record me JOIN stream s ON s.id = me.stream JOIN member m ON m.record = me.id "
                "JOIN member o ON o.entity = m.entity JOIN record r ON r.id = o.record AND r.stream = me.stream "
                "JOIN dead_letter d ON d.stream = r.stream AND d.rkey = r.rkey AND d.phase = 'write' "
                "AND d.state <> 'closed' WHERE s.connection = ? AND s.name = 'people' AND me.rkey = ?",
                (system, key),
            )
            return bool(found.scalar())

    def calm(self) -> None:
        """No fault, no crash, and a day on: two runs bring everything to rest that can come to rest."""
        self.faults.clear()
        self.crash_at = self.page_crash = self.page_busy = self.second = self.slip = None
        for name in ("alpha", "beta"):
            self.remote(name).on_fetch = None
        self.take(Step("tick", 1, 0, 0))
        for _ in range(2):
            self.take(Step("sync", 0, 0, 0))
        self.fresh_words.clear()
        self.fresh_ends.clear()

    def do_swap(self, step: Step) -> None:
        """Two people of one system have each other's address from now on."""
        name = ("alpha", "beta")[step.a % 2]
        keys = self.keys(name)
        if len(keys) > 1:
            one, other = keys[step.b % len(keys)], keys[(step.b + 1 + step.c % (len(keys) - 1)) % len(keys)]
            mails = [self.remote(name).of("people", key).get("email") for key in (one, other)]
            self.put(name, "people", one, email=mails[1])
            self.put(name, "people", other, email=mails[0])

    def do_merge(self, step: Step) -> None:
        """Two records of one person are made one in the CRM, by somebody there."""
        keys = self.keys("beta")
        if self.beta in ("merging", "coarse") and len(keys) > 1:
            one = step.b % len(keys)
            loser, survivor = keys[one], keys[one - 1]
            self.remote("beta").merge("people", loser, survivor)
            self.witness.gone.add(("beta", "people", loser))
            self.log.append(f"beta/people/{loser} was merged into {survivor}")

    def do_scope(self, step: Step) -> None:
        target = self.pick(step.a)
        if target is not None:
            self.put(target[0], "people", target[1], scope="out" if step.b % 2 else "in")

    def was_cleared(self, system: str, key: str, name: str) -> bool:
        """Did somebody empty this field there last?"""
        if name == "consent":  # a box that was ticked is so no longer
            return self.edits.get((system, "people", key, "opt_out"), True) is not True
        if name == "works_at" and (system, key) in self.witness.untold:  # somebody took the company before away
            return True
        return self.edits.get((system, "people", key, _COLUMN.get(name, name)), "") is None

    def out_of_scope(self, system: str, row: dict[str, Any]) -> bool:
        """Does the file's `where` of today leave this person out?"""
        return system == "alpha" and bool(CHOICES["scope"][self.told["scope"]]) and row.get("scope") == "out"

    def do_opt_out(self, step: Step) -> None:
        target = self.pick(step.a)
        if target is not None:
            told: dict[str, Any] = {"opt_out": True} if target[0] == "alpha" else {"news": "no"}
            self.put(target[0], "people", target[1], **told)

    def do_opt_in(self, step: Step) -> None:
        """A box is ticked that says yes, without a word on when and why."""
        target = self.pick(step.a)
        if target is not None:
            told: dict[str, Any] = {"opt_out": False} if target[0] == "alpha" else {"news": "yes"}
            self.put(target[0], "people", target[1], **told)

    def do_late(self, step: Step) -> None:
        """What is edited now comes to light later, under its old stamp; within the hold-back, where there is one."""
        target = self.pick(step.a)
        if target is not None and target[0] == "beta" and self.beta == "coarse":
            name = FIELDS[step.b % len(FIELDS)]
            told = {name: self.value(name, step)}
            self.remote("beta").put_late("people", target[1], seconds=5 + step.c % 50, **told)
            self._note_edit("beta", "people", target[1], told)

    def do_garble(self, step: Step) -> None:
        """Somebody writes a note where a number should stand."""
        target = self.pick(step.a)
        if target is not None:
            self.put(target[0], "people", target[1], phone=f"ask Ann{step.c} first")

    def do_short(self, step: Step) -> None:
        self.remote(("alpha", "beta")[step.a % 2]).short = 1 + step.b % 2

    def do_throttle(self, step: Step) -> None:
        self.page_busy = step.a % 8

    def do_shuffle(self, step: Step) -> None:
        self.remote(("alpha", "beta")[step.a % 2]).shuffled = bool(step.b % 3)

    def do_twice(self, step: Step) -> None:
        self.remote(("alpha", "beta")[step.a % 2]).twice = bool(step.b % 3)

    def do_hint(self, step: Step) -> None:
        """Word comes that a record has changed: perhaps late, perhaps twice, perhaps of nothing at all."""
        target = self.pick(step.a)
        if target is None or self.told["listed"]:
            return
        for _ in range(1 + step.b % 2):
            with self.opened() as hub:
                self._hear(hub.resync(f"{target[0]}/people/{target[1]}"))

    def do_two(self, step: Step) -> None:
        if not self.threads:  # in a world of several threads this one would not be alone with its patches
            self.second = ("people", "firms")[step.a % 2]

    def do_poor(self, step: Step) -> None:
        """An account that has so many calls a day and no more. The hub asks for that hourly."""
        remote = self.remote(("alpha", "beta")[step.a % 2])
        if remote.allowance is None:
            remote.allowance = 60 + step.b
            self.world.clock.forward(seconds=3700)

    def do_drop(self, step: Step) -> None:
        target = self.pick(step.a)
        if target is not None:
            self.witness.gone.add((target[0], "people", target[1]))
            self.remote(target[0]).drop("people", target[1])
            self.log.append(f"{target} dropped")

    def do_firm_new(self, step: Step) -> None:
        self.firms += 1
        for name in (("alpha",), ("beta",), ("alpha", "beta"))[step.a % 3]:
            key = f"{name[0]}f{self.firms}"
            self.put(name, "firms", key, name=f"Firm {self.firms}", site=f"https://f{self.firms}.test")

    def do_firm(self, step: Step) -> None:
        target = self.pick(step.a)
        if target is None:
            return
        firms = self.keys(target[0], "firms")
        if firms or step.b % 5 == 0:
            firm = firms[step.b % len(firms)] if firms and step.b % 5 else None if step.b % 2 else "unseen"
            self.put(target[0], "people", target[1], firm=firm)

    def do_deletes(self, step: Step) -> None:
        """What becomes of who names a company that is deleted, and of the company in the other system."""
        companies.follow_suit(self, step)

    def do_firm_gone(self, step: Step) -> None:
        target = companies.pick(self, step.a)
        if target is not None:
            companies.go(self, *target, step.b)

    def do_firm_slip(self, step: Step) -> None:
        """A company goes while others of it, or people, are read."""
        self.slip = step

    def do_firm_back(self, step: Step) -> None:
        companies.come_back(self, step)

    def do_firm_both(self, step: Step) -> None:
        companies.name_in_both(self, step)

    def do_firm_sure(self, step: Step) -> None:
        companies.be_sure(self, step, Step("sync", 0, 0, 0))

    def do_firm_left(self, step: Step) -> None:
        companies.leave_behind(self, step, Step("sync", 0, 0, 0))

    def changed_unseen(self, system: str, stream: str, key: str) -> bool:
        """Has a vendor changed this record without a word, when what it named went?"""
        return stream == "people" and key in self.remote(system).unseen

    def may_write(self, system: str) -> bool:
        """Does today's file let people be written there?"""
        return system == "alpha" or "update" in CHOICES["beta_write"][self.told["beta_write"]]

    def may_clear_now(self) -> set[str]:
        """The systems whose clears today's file lets through."""
        told = CHOICES["allow_clear"][self.told["allow_clear"]]
        return {name for name in ("alpha", "beta") if name in told}

    def do_answer(self, step: Step) -> None:
        self.answers += 1
        asked = {"field": {"id": "q", "ref": "q", "type": "nps"}, "type": "number", "number": step.b % 11}
        key = f"r{self.answers if step.c % 3 else max(1, self.answers - 1)}"
        email = f"p{step.a % (self.people + 1)}@a.test"
        self.remote("tool").put("answers", key, email=email, survey="S1", answers=[asked])
        self.erased.note("tool", "answers", key, {"email": email})

    def do_decide(self, step: Step) -> None:
        with self.opened() as hub:
            waiting = hub.review_list()["conflicts"]
            if waiting:
                one = waiting[step.a % len(waiting)]
                side = one["sides"][step.b % len(one["sides"])]
                hub.review_decide(one["id"], take=side.get("address", "1"))

    def do_keep(self, step: Step) -> None:
        """Each side of a question keeps its own. Whatever was edited before has been read by then."""
        self.calm()
        with self.opened() as hub:
            waiting = [one for one in hub.review_list()["conflicts"] if one["field"] in _KEPT]
            if not waiting:
                return
            one = waiting[step.a % len(waiting)]
            hub.review_decide(one["id"], take="keep")
        column = _COLUMN[one["field"]]
        ends = [(side["connection"], side["record"].rpartition("/")[2]) for side in one["sides"] if side["record"]]
        shown = {
            (name, key): self.remote(name).of("people", key).get(column) for name, key in ends if key in self.keys(name)
        }
        self.kept.append(Keeping(column, shown, self.homes()))

    def do_pair(self, step: Step) -> None:
        with self.opened() as hub:
            pairs = hub.review_list()["pairs"]
            if pairs:
                try:
                    hub.review_pair(pairs[step.a % len(pairs)]["id"], same=bool(step.b % 2))
                except AskError as error:
                    if "said that" not in error.text:  # that it would contradict what people said of others
                        raise

    def do_retry(self, step: Step) -> None:
        with self.opened() as hub:
            letters = hub.dlq_list()["dead_letters"]
            if letters:
                hub.dlq_retry(letters[step.a % len(letters)]["id"])

    def do_erase(self, step: Step) -> None:
        """Somebody wants nothing to be kept of them. What others edited before may have gone with it."""
        target = self.pick(step.a)
        if target is None or self.told["listed"]:
            return
        with self.world.store() as database:
            theirs = erased.theirs_of(self, database, *target)
            before = erased.count(database)
        try:
            with self.opened() as hub:
                hub.erase(f"{target[0]}/people/{target[1]}")
        except AskError as error:
            self.log.append(f"not erased: {error.text}")
        finally:
            with self.world.store() as database:
                if erased.count(database) > before:
                    self.erased.add(self, theirs)
                    self.exempt.update(self.edits)

    def do_config(self, step: Step) -> None:
        name = list(CHOICES)[step.a % len(CHOICES)]
        self.told[name] = step.b % len(CHOICES[name])
        self.write_config()

    def write_config(self) -> None:
        values = {name: choices[self.told[name]] for name, choices in CHOICES.items()}
        values["beta_connector"] = self.beta
        values |= {"alpha_firms": "[create, update]", "on_delete": ""}
        if self.on_delete != companies.ON_DELETE[0]:
            values["on_delete"] = f", on_delete: {self.on_delete}"
            for name in ("alpha_firms", "beta_firms"):
                values[name] = values[name].replace("update", "update, delete")
        for name in ("alpha", "beta"):
            if name in values["allow_clear"]:
                self.witness.may_clear.add(name)
        accounts = {name: self.world.account(name) for name in ("alpha", "beta", "tool")}
        text = TEXT.format(**values, **accounts)
        if values["listed"] == "tool":
            text = text[: text.index("  tool:")] + text[text.index("match:") :]
        elif values["listed"]:
            at = text.rindex("      people:")
            text = text[:at] + text[text.index("  tool:", at) :]
        self.world.write(text)
        self.log.append(f"config {self.told}")

    def _fault(self, step: Step) -> None:
        self.faults[("alpha", "beta")[step.a % 2]] = (step.name, step.b)

    do_lost = do_vanish = do_refuse = do_busy = do_die_before = do_die_after = do_race = do_stale = _fault

    def do_still(self, step: Step) -> None:
        name = ("alpha", "beta")[step.a % 2]
        self.remote(name).tick = timedelta(seconds=0 if step.b % 2 else 1)

    def do_tick(self, step: Step) -> None:
        if step.a % 4 == 1:
            self.power_fails()
        seconds = (5, 70, 4000, 26 * 3600)[step.a % 4]
        self.world.clock.forward(seconds=seconds)
        for name in ("alpha", "beta", "tool"):
            self.remote(name).now += timedelta(seconds=seconds)

    def do_commit(self, step: Step) -> None:
        """The process of the next run dies at its n-th commit, before or after it."""
        self.crash_at = (1 + step.a % 60, bool(step.b % 2))

    def do_page(self, step: Step) -> None:
        self.page_crash = step.a % 8

    def do_sync(self, _step: Step) -> dict[str, Any]:
        with self.opened() as hub:
            return self._hear(hub.sync(first_too=True))

    def _hear(self, answer: dict[str, Any]) -> dict[str, Any]:
        for problem in answer["problems"]:
            self.witness.told += [problem["text"], problem.get("hint") or ""]
        return answer

    @contextmanager
    def opened(self) -> Iterator[Any]:
        self.commits = 0
        kind = type_of(self.world)
        write = kind.write

        @contextmanager
        def watched(database: Database, *, durable: bool = False) -> Iterator[Any]:
            if self.dead:
                raise Crash
            with write(database, durable=durable) as connection:
                yield connection
                self.unlanded = 0
                self.commits += 1
                due = self.crash_at is not None and self.commits == self.crash_at[0]
                if due and self.crash_at is not None and not self.crash_at[1]:
                    self.dead = True
                    raise Crash
            if due:
                self.dead = True
                raise Crash

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kind, "write", watched)
            with self.world.open() as hub:
                yield hub

    # -- the end ---------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Edits and faults stop; two runs; then everything must hold."""
        self.faults.clear()
        self.told["listed"] = 0
        self.write_config()
        self.crash_at = self.page_crash = self.page_busy = self.second = self.slip = None
        for name in ("alpha", "beta"):
            remote = self.remote(name)
            remote.on_fetch = None
            remote.tick = timedelta(seconds=1)
            remote.short = 0
            remote.allowance = None if remote.allowance is None else 1000
        self.do_tick(Step("tick", 3, 0, 0))
        runs = [self.do_sync(Step("sync", 0, 0, 0)) for _ in range(2)]
        assert all(run["run"]["state"] != "failed" for run in runs), runs
        self.stays("I1", "a quiet world")
        with self.world.open() as hub:
            at_the_end(self, hub.house)
            companies.at_the_end(self, hub.house)
        with self.world.store() as database:
            before = partition(database)
            self.held["I10"] += 1
            match_again(database)
            if self.contested():
                self.do_sync(Step("sync", 0, 0, 0))
            else:
                self.stays("I10", "a world that is matched again")
            if partition(database) != before:
                raise BrokenError("I10", f"matched again, {before} became {partition(database)}")

    def stays(self, invariant: str, what: str) -> None:
        """Another run writes nothing."""
        self.held[invariant] += 1
        count = len(self.effects)
        totals = self.do_sync(Step("sync", 0, 0, 0))["totals"]
        if len(self.effects) != count or totals["written"] or totals["moved"]:
            raise BrokenError(invariant, f"{what} is written to: {self.effects[count:]} {totals}")
        self.judge()


def type_of(world: World) -> type[Database]:
    """The kind of store that a world has."""
    with world.store() as database:
        return type(database)


def play(world: World, steps: Sequence[Step], *, pages: int = 1, power: bool = False) -> Play:
    """The history as it was played. `pages`: how many may be in hand at once, of all streams that are read together.
    `power`: on a stage, it is the power that fails wherever a process dies, and now and then between two runs.

    Raises BrokenError.
    """
    made = Play(world, pages=pages, threads=pages > 1, power=power)
    for step in steps:
        made.log.append(f"-- {step}")
        made.step(step)
    made.finish()
    return made


def shrink(make: Callable[[], World], steps: Sequence[Step], *, tries: int = 200, play: Any = play) -> list[Step]:
    """A shorter history that still breaks something. `play`: what plays one in a world."""
    kept = list(steps)
    size = max(1, len(kept) // 2)
    while size and tries:
        at = 0
        while at < len(kept) and tries:
            tries -= 1
            shorter = kept[:at] + kept[at + size :]
            try:
                play(make(), shorter)
            except Exception:
                kept = shorter
            else:
                at += size
        size //= 2
    return kept


__all__ = ["Play", "Step", "history", "play", "shrink"]
