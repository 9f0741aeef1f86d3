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
from typing import Any, Final, NamedTuple

import pytest

from connectors.sdk.contract import Outcome, Write
from connectors.sdk.errors import LaterError, UnknownOutcomeError
from crosswalk.engine.model import House
from crosswalk.engine.plan import letter_key
from crosswalk.engine.settle import EntityMerger, load_groups
from crosswalk.store.codec import load, load_row, mark
from crosswalk.store.dialect import Database
from crosswalk.store.goldens import load_goldens
from crosswalk.store.records import LIVE, STATES
from mapping.values import ABSENT
from tests.hub import World
from tests.memory.connector import Crash, Remote

TEXT: Final = """
connections:
  alpha:
    connector: unique
    account: {alpha}
    streams:
      firms: {{write: [create, update], create_from: [beta]}}
      people: {{write: {alpha_write}, create_from: [beta], hub_id: hub{alpha_mapping}}}
  beta:
    connector: memory
    account: {beta}
    streams:
      firms: {{write: {beta_firms}}}
      people: {{write: {beta_write}, create_from: [alpha]{beta_mapping}}}
  tool:
    connector: survey
    account: {tool}
    streams:
      answers:
match:
  person:
    rules: [{rules}]
merge:
  defaults: {{masters: [alpha, beta], on_conflict: {on_conflict}, on_foreign_edit: review}}
guards:
  create: {{at_most: {creates}, share: 100%}}
  update: {{at_most: 50, share: 100%}}
  clear: {{at_most: 50, share: 100%}}
"""

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "alpha_write": ("[create, update]", "[update]", "[create, update]"),
    "beta_write": ("[update]", "[create, update]", "[]", "[create, update]"),
    "alpha_mapping": ("", ", mapping: {cx.nps.score: nps}", ", mapping: {cx.nps.score: nps, department: site}"),
    "beta_mapping": ("", ", mapping: {job_title: null}", ", mapping: {department: site}", ""),
    "rules": ("{same: [emails]}", "{same: [emails]}, {same: [phones, name.family], then: review}",
              "{same: [emails]}, {same: [phones, name.family]}"),
    "on_conflict": ("[masters]", "[review]", "[newest, review]"),
    "creates": ("50", "0", "50"),
    "beta_firms": ("[update]", "[create, update], create_from: [alpha]", "[]"),
    "listed": ("", "beta people", "tool"),  # what is taken out of the file for a while
}  # fmt: skip

FIELDS: Final = ("title", "phone", "title", "name", "tags")
MOST: Final = 4  # people: the same few meet everything
ALWAYS: Final = (*("edit",) * 4, *("both",) * 2, *("new",) * 2, *("sync",) * 6, "sure")
SOMETIMES: Final = (
    "clear", "trash", "restore", "drop", "mail", "firm", "firm_new", "answer", "decide", "pair", "config", "lost",
    "vanish", "refuse", "away", "employ", "sure", "busy", "die_before", "die_after", "race", "stale", "still", "tick",
    "commit", "page", "retry",
)  # fmt: skip


class Step(NamedTuple):
    name: str
    a: int
    b: int
    c: int


def history(seed: int, length: int = 45) -> list[Step]:
    """Each has some kinds of steps often and others never: what is rare together is found that way."""
    random = Random(seed)
    some = [name for name in SOMETIMES if random.random() < 0.3]
    names = [*ALWAYS, *some * 3]
    steps = [Step("new", random.randrange(100), random.randrange(100), random.randrange(100)) for _ in range(3)]
    if random.random() < 0.7:
        steps.append(Step("sync", 0, 0, 0))
    for _ in range(random.randrange(8, length)):
        steps.append(Step(random.choice(names), *(random.randrange(100) for _ in range(3))))
    return steps


class BrokenError(AssertionError):
    """Something that must hold does not."""


@dataclass
class Effect:
    """A write that happened at a vendor."""

    system: str
    op: str
    stream: str
    key: str
    action: int
    hub_id: str | None
    values: dict[str, Any]
    before: dict[str, Any]


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

    def __post_init__(self) -> None:
        self.write_config()
        for name in ("alpha", "beta", "tool"):
            remote = self.remote(name)
            remote.before = self._before(name, remote)
            remote.after = self._after(name, remote)
            remote.on_page = self._on_page
        self.remote("beta").answers = False
        self.page_crash: int | None = None

    # -- the vendors -----------------------------------------------------------------------------------------

    def remote(self, name: str) -> Remote:
        return self.world.remote(name)

    def _on_page(self, _stream: str, _at: int) -> None:
        if self.dead:
            raise Crash
        if self.page_crash is not None:
            self.page_crash -= 1
            if self.page_crash < 0:
                self.dead, self.page_crash = True, None
                raise Crash

    def _before(self, name: str, remote: Remote) -> Callable[[Write], Outcome | None]:
        def before(write: Write) -> Outcome | None:
            if self.dead:
                raise Crash
            self._stood = dict(remote.rows["people"].get(write.key or "", {})) if "people" in remote.rows else {}
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
            self.effects.append(Effect(name, op, stream, key, int(write.action), write.hub_id, values, self._stood))
            kind, _ = self.faults.get(name, ("", 0))
            if kind in ("lost", "die_after", "stale"):
                del self.faults[name]
            if kind == "lost":
                raise UnknownOutcomeError("sent, and no answer came")
            if kind == "die_after":
                self.dead = True
                raise Crash
            if kind == "stale" and write.key and stream == "people":
                stood = self._stood

                def once(row: dict[str, Any]) -> dict[str, Any]:
                    if row["id"] != key:
                        return row
                    remote.on_fetch = None
                    return dict(stood)

                remote.on_fetch = once

        return after

    def put(self, name: str, stream: str, key: str, /, **values: Any) -> None:
        self.remote(name).put(stream, key, **values)
        for one, value in values.items():
            self.edits[name, stream, key, one] = value
            self.exempt.discard((name, stream, key, one))
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
            self.world.clock.forward(seconds=120)
            for name in ("alpha", "beta", "tool"):
                self.remote(name).now += timedelta(seconds=120)
                self.remote(name).on_fetch = None  # no answer lags longer than a vendor says

    def take(self, step: Step) -> None:
        getattr(self, f"do_{step.name}")(step)

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
        homes = self.homes()
        other = "beta" if target[0] == "alpha" else "alpha"
        fault = ("", "lost", "vanish", "stale", "busy", "die_before", "die_after", "stale", "lost")[step.c % 9]
        if fault:
            self.faults[other] = (fault, 0)
        self.put(target[0], "people", target[1], **{name: value})
        if step.a % 4 == 0:
            self.crash_at = (1 + step.c % 50, bool(step.b % 2))
        self.step(Step("sync", 0, 0, 0))
        self.calm()
        shows = self.remote(target[0]).of("people", target[1]).get(name)
        if name == "tags" and isinstance(shows, list):
            shows = sorted(set(shows) & set(value))
        if shows != value and self.homes() == homes:
            raise BrokenError(f"I3: {target} {name} was edited to {value!r}, alone, and is {shows!r}")

    def homes(self) -> list[tuple[int, int]]:
        """Whose each record is: where people turn out to be one, their values meet."""
        database = Database(self.world.url)
        with database.read() as connection:
            rows = database.run(connection, "SELECT record, entity FROM member ORDER BY record").fetchall()
        database.close()
        return [(row[0], row[1]) for row in rows]

    def calm(self) -> None:
        """No fault, no crash, and a day on: two runs bring everything to rest that can come to rest."""
        self.faults.clear()
        self.crash_at = self.page_crash = None
        for name in ("alpha", "beta"):
            self.remote(name).on_fetch = None
        self.take(Step("tick", 1, 0, 0))
        for _ in range(2):
            self.take(Step("sync", 0, 0, 0))

    def do_drop(self, step: Step) -> None:
        target = self.pick(step.a)
        if target is not None:
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

    def do_answer(self, step: Step) -> None:
        self.answers += 1
        asked = {"field": {"id": "q", "ref": "q", "type": "nps"}, "type": "number", "number": step.b % 11}
        self.remote("tool").put(
            "answers", f"r{self.answers if step.c % 3 else max(1, self.answers - 1)}",
            email=f"p{step.a % (self.people + 1)}@a.test", survey="S1", answers=[asked],
        )  # fmt: skip

    def do_decide(self, step: Step) -> None:
        with self.opened() as hub:
            waiting = hub.review_list()["conflicts"]
            if waiting:
                one = waiting[step.a % len(waiting)]
                side = one["sides"][step.b % len(one["sides"])]
                hub.review_decide(one["id"], take=side.get("address", "1"))

    def do_pair(self, step: Step) -> None:
        with self.opened() as hub:
            pairs = hub.review_list()["pairs"]
            if pairs:
                hub.review_pair(pairs[step.a % len(pairs)]["id"], same=bool(step.b % 2))

    def do_retry(self, step: Step) -> None:
        with self.opened() as hub:
            letters = hub.dlq_list()["dead_letters"]
            if letters:
                hub.dlq_retry(letters[step.a % len(letters)]["id"])

    def do_config(self, step: Step) -> None:
        name = list(CHOICES)[step.a % len(CHOICES)]
        self.told[name] = step.b % len(CHOICES[name])
        self.write_config()

    def write_config(self) -> None:
        values = {name: choices[self.told[name]] for name, choices in CHOICES.items()}
        accounts = {name: self.world.account(name) for name in ("alpha", "beta", "tool")}
        text = TEXT.format(**values, **accounts)
        if values["listed"] == "tool":
            text = text[: text.index("  tool:")] + text[text.index("match:") :]
        elif values["listed"]:
            at = text.rindex("      people:")
            text = text[:at] + text[text.index("\n", at) + 1 :]
        self.world.write(text)
        self.log.append(f"config {self.told}")

    def _fault(self, step: Step) -> None:
        self.faults[("alpha", "beta")[step.a % 2]] = (step.name, step.b)

    do_lost = do_vanish = do_refuse = do_busy = do_die_before = do_die_after = do_race = do_stale = _fault

    def do_still(self, step: Step) -> None:
        name = ("alpha", "beta")[step.a % 2]
        self.remote(name).tick = timedelta(seconds=0 if step.b % 2 else 1)

    def do_tick(self, step: Step) -> None:
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
            answer: dict[str, Any] = hub.sync(first_too=True)
            return answer

    @contextmanager
    def opened(self) -> Iterator[Any]:
        self.commits = 0
        write = Database.write

        @contextmanager
        def watched(database: Database) -> Iterator[Any]:
            if self.dead:
                raise Crash
            with write(database) as connection:
                yield connection
                self.commits += 1
                due = self.crash_at is not None and self.commits == self.crash_at[0]
                if due and self.crash_at is not None and not self.crash_at[1]:
                    self.dead = True
                    raise Crash
            if due:
                self.dead = True
                raise Crash

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Database, "write", watched)
            with self.world.open() as hub:
                yield hub

    # -- the end ---------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Edits and faults stop; two runs; then everything must hold."""
        self.faults.clear()
        self.told["listed"] = 0
        self.write_config()
        self.crash_at = self.page_crash = None
        for name in ("alpha", "beta"):
            self.remote(name).on_fetch = None
            self.remote(name).tick = timedelta(seconds=1)
        self.do_tick(Step("tick", 1, 0, 0))
        runs = [self.do_sync(Step("sync", 0, 0, 0)) for _ in range(2)]
        assert all(run["run"]["state"] != "failed" for run in runs), runs
        with self.world.open() as hub:
            check_rest(self, hub.house)
            check_edits(self, hub.house)
            check_creates(self, hub.house)
            check_journal(self, hub.house)
            check_bases(self, hub.house)
            check_work(hub.house)
        count = len(self.effects)
        last = self.do_sync(Step("sync", 0, 0, 0))
        if len(self.effects) != count or last["totals"]["written"] or last["totals"]["moved"]:
            raise BrokenError(f"I1: a quiet world is written to: {self.effects[count:]} {last['totals']}")


def play(world: World, steps: Sequence[Step]) -> Play:
    made = Play(world)
    for step in steps:
        made.log.append(f"-- {step}")
        made.step(step)
    made.finish()
    return made


# -- what must hold ------------------------------------------------------------------------------------------------


@dataclass
class Queues:
    """What waits for somebody, by entity and field or record."""

    conflicts: set[tuple[int, str]]
    letters: set[tuple[int, str]]
    pairs: set[int]
    held: set[tuple[int, int]]  # stream, entity


def queues(house: House, connection: Any) -> Queues:
    run = house.database.run
    return Queues(
        {tuple(row) for row in run(connection, "SELECT entity, field FROM conflict WHERE state = 'open'").fetchall()},
        {
            tuple(row)
            for row in run(
                connection,
                "SELECT stream, rkey FROM dead_letter WHERE state IN ('open', 'dropped') AND phase = 'write'",
            ).fetchall()
        },
        {
            row[0]
            for row in run(
                connection,
                'SELECT m.entity FROM pair p JOIN member m ON m.record = p."left" OR m.record = p."right" '
                "WHERE p.state = 'open'",
            ).fetchall()
        },
        {tuple(row) for row in run(connection, "SELECT stream, entity FROM action WHERE state = 'held'").fetchall()},
    )


def check_rest(play: Play, house: House) -> None:
    """I2: every permitted field is equal as shown, or sits in a queue."""
    with house.database.read() as connection:
        waits = queues(house, connection)
        for kind, layout in house.layouts.items():
            entities = [
                row[0]
                for row in house.database.run(connection, "SELECT id FROM entity WHERE kind = ?", (kind,)).fetchall()
            ]
            goldens = load_goldens(house.database, connection, entities, len(layout.fields))
            merger = EntityMerger(house, connection, layout, {})
            for group in load_groups(house, connection, entities, reading=True):
                if not group.members:
                    raise BrokenError(f"I2: entity {group.entity} has no record")
                golden = goldens.get(group.entity)
                if golden is None:
                    raise BrokenError(f"I2: entity {group.entity} has no golden record: {group.members}")
                systems = Counter(member.stream.connection for member in group.members)
                for stream in house.of_kind(kind):
                    wanted = stream.connection not in systems and "create" in stream.writes and any(
                        member.state == LIVE and member.stream.connection in stream.create_from
                        for member in group.members
                    )  # fmt: skip
                    public = house.database.run(
                        connection, "SELECT public FROM entity WHERE id = ?", (group.entity,)
                    ).scalar()
                    queued = (
                        group.entity in waits.pairs
                        or (stream.id, group.entity) in waits.held
                        or (stream.id, letter_key(public)) in waits.letters
                        or any(entity == group.entity for entity, _ in waits.conflicts)
                    )
                    if wanted and not queued:
                        raise BrokenError(f"I2: {kind} {group.entity} is missing in {stream.address}")
                for member in group.members:
                    if member.state != LIVE or not member.represents or systems[member.stream.connection] > 1:
                        continue
                    stream = member.stream
                    remote = play.remote(stream.connection).rows.get(stream.name, {}).get(member.rkey)
                    if remote is None:
                        continue  # dropped there, and not swept yet
                    row, _ = stream.mapping.read(remote)
                    if [a for a, b in zip(row, member.observed, strict=True) if a is not ABSENT and a != b]:
                        raise BrokenError(f"I6: {stream.address}/{member.rkey} is held as {member.observed}, is {row}")
                    for at, name in enumerate(stream.mapping.fields):
                        if not stream.may_write(at):
                            continue
                        place = stream.place[at]
                        value, observed = golden.values[place], member.row[place]
                        if at in stream.refs and observed is ABSENT and member.observed[at] not in (ABSENT, None):
                            continue  # it names a record that nobody has seen: that says nothing yet
                        shown = merger.shown(member, at, value)
                        if (
                            value is ABSENT
                            or shown == observed
                            or (shown in (None, ABSENT) and observed in (None, ABSENT))
                        ):
                            continue
                        if (group.entity, name) in waits.conflicts or (stream.id, member.rkey) in waits.letters:
                            continue
                        if (stream.id, group.entity) in waits.held:
                            continue
                        if observed is None and _cleared(play, stream.connection, member.rkey, name):
                            continue  # a clear from there is held: neither spread nor refilled
                        if value is None and observed is not None:
                            if name.startswith("cx."):
                                raise BrokenError(
                                    f"I2: {stream.address}/{member.rkey} {name} shows {observed!r}, none holds"
                                )
                            continue
                        raise BrokenError(
                            f"I2: {stream.address}/{member.rkey} {name} shows {observed!r}, the hub holds {value!r} "
                            f"({golden.rules[place]}); base {member.base.side.get(name)} "
                            f"{member.base.hub.get(name, '-')}"
                        )


_COLUMN: Final = {"job_title": "title", "phones": "phone", "tags": "tags", "works_at": "firm", "emails": "email",
                  "department": "site"}  # fmt: skip


def _cleared(play: Play, system: str, key: str, name: str) -> bool:
    return play.edits.get((system, "people", key, _COLUMN.get(name, name)), "") is None


def check_edits(play: Play, house: House) -> None:
    """I3: the last edit of each field of each record is visible somewhere: golden, its history, conflict, journal."""
    database = house.database
    with database.read() as connection:
        rows = {
            (row[0], row[1]): (row[2], row[3], row[4])
            for row in database.run(
                connection,
                "SELECT r.stream, r.rkey, r.id, r.state, m.entity FROM record r LEFT JOIN member m ON m.record = r.id",
            ).fetchall()
        }
        values: list[tuple[str, Any]] = []
        for kind, layout in house.layouts.items():
            for (vals,) in database.run(
                connection, "SELECT g.vals FROM golden g JOIN entity e ON e.id = g.entity WHERE e.kind = ?", (kind,)
            ).fetchall():
                values += zip(layout.fields, load_row(bytes(vals)), strict=False)
        for (before,) in database.run(connection, "SELECT before FROM golden_history").fetchall():
            values += [(name, entry[0]) for name, entry in load(bytes(before)).items()]
        for name, detail in database.run(connection, "SELECT field, detail FROM conflict").fetchall():
            values += [(name, side["value"]) for side in load(bytes(detail))["sides"]]
        for (fields,) in database.run(connection, "SELECT fields FROM journal").fetchall():
            values += [(one["field"], one[when]) for one in load(bytes(fields)) for when in ("before", "after")]
        seen = {(name, _text(value)) for name, value in values}
        elements = {(name, _text(one)) for name, value in values if isinstance(value, list) for one in value}
        for (system, stream_name, key, column), value in play.edits.items():
            stream = house.streams.get(f"{system}/{stream_name}")
            target = {
                "title": "job_title", "phone": "phones", "tags": "tags", "email": "emails", "name": "name",
            }.get(column)  # fmt: skip
            if stream is None or target is None or value is None or target not in stream.at:
                continue
            if (system, stream_name, key, column) in play.exempt:
                continue
            there = play.remote(system).rows[stream_name].get(key)
            held = rows.get((stream.id, key))
            if there is None or there.get("gone"):
                continue
            if held is None or held[1] != LIVE:
                raise BrokenError(
                    f"I6: {system}/{stream_name}/{key} is held as {held and STATES[held[1]]}, lives there"
                )
            row, _ = stream.mapping.read({**there, column: value})
            wanted = row[stream.at[target]]
            if (target, _text(mark(wanted))) in seen:
                continue
            if isinstance(wanted, list) and all((target, _text(element)) in elements for element in wanted):
                continue  # a list is merged entry by entry
            if there.get(column) == value:
                continue  # it stands there still; whether it should rest there is I2's question
            raise BrokenError(f"I3: {system}/{stream_name}/{key} {column} = {value!r} has vanished")


def _text(value: Any) -> str:
    return repr(value)


def check_creates(play: Play, house: House) -> None:
    """I4: nothing is made twice."""
    creates = [
        effect
        for effect in play.effects
        if effect.op == "create" and effect.key in play.remote(effect.system).rows[effect.stream]  # nobody dropped it
    ]
    twice = [one for one, count in Counter((e.system, e.stream, e.hub_id) for e in creates).items() if count > 1]
    if twice:
        raise BrokenError(f"I4: made twice: {[e for e in creates if (e.system, e.stream, e.hub_id) in twice]}")
    with house.database.read() as connection:
        homes: Counter[tuple[str, str, int]] = Counter()
        for effect in creates:
            entity = house.database.run(
                connection,
                "SELECT m.entity FROM record r JOIN member m ON m.record = r.id WHERE r.stream = ? AND r.rkey = ?",
                (house.streams[f"{effect.system}/{effect.stream}"].id, effect.key),
            ).scalar()
            if entity is None:
                raise BrokenError(f"I4: what was made is nobody's: {effect}")
            homes[effect.system, effect.stream, entity] += 1
        del homes  # two that were made for two entities may be one by now
    same = Counter(
        (e.system, e.stream, repr(sorted((k, v) for k, v in e.values.items() if k in ("name", "email", "phone"))))
        for e in creates
    )
    if any(count > 1 for count in same.values()):
        raise BrokenError(f"I4: alike made twice: {[one for one, count in same.items() if count > 1]}")


def check_journal(play: Play, house: House) -> None:
    """I5: what happened is written down, what is written down happened, and nothing was sent twice."""
    with house.database.read() as connection:
        written = house.database.run(connection, "SELECT action, op FROM journal").fetchall()
        states = dict(house.database.run(connection, "SELECT id, state FROM action").fetchall())
        reasons = dict(house.database.run(connection, "SELECT id, reason FROM action").fetchall())
    rows = {action for action, _ in written}
    happened = Counter(effect.action for effect in play.effects)
    again = [one for one, count in happened.items() if count > 1]
    if again:
        raise BrokenError(f"I5: sent twice: {again}")
    if len(rows) != len(written):
        raise BrokenError(f"I5: journaled twice: {written}")
    for effect in play.effects:
        if effect.op == "create" and effect.key not in play.remote(effect.system).rows[effect.stream]:
            continue  # somebody dropped it before it could be looked for
        if effect.action not in rows and states.get(effect.action) not in ("sent", "unknown"):
            raise BrokenError(
                f"I5: {effect} is not in the journal: {states.get(effect.action)}, {reasons[effect.action]}"
            )
    for action, op in written:
        if op != "unsure" and action not in happened:
            raise BrokenError(f"I5: action {action} is in the journal and never happened")


def check_bases(play: Play, house: House) -> None:
    """In a quiet world only what waits for somebody has a base."""
    database = house.database
    with database.read() as connection:
        waits = queues(house, connection)
        entities = [row[0] for row in database.run(connection, "SELECT id FROM entity").fetchall()]
        duplicates = {
            member.id
            for group in load_groups(house, connection, entities, reading=True)
            for member in group.members
            if not member.represents
        }
        for record, side, hub, rkey, stream_id, state, entity in database.run(
            connection,
            "SELECT b.record, b.side, b.hub, r.rkey, r.stream, r.state, m.entity FROM base b "
            "JOIN record r ON r.id = b.record LEFT JOIN member m ON m.record = r.id",
        ).fetchall():
            stream = house.by_id(stream_id)
            if stream is None or state != LIVE:
                continue
            for name in {*load(bytes(side)), *load(bytes(hub))}:
                queued = (
                    (entity, name) in waits.conflicts
                    or (stream.id, rkey) in waits.letters
                    or (stream.id, entity) in waits.held
                )
                at = stream.at.get(name)
                if queued or at is None:
                    continue
                if at in stream.refs or not stream.may_write(at) or record in duplicates:
                    continue
                observed = load_row(
                    bytes(database.run(connection, "SELECT observed FROM body WHERE record = ?", (record,)).scalar())
                )
                raise BrokenError(
                    f"I5: {stream.address}/{rkey} {name} is not at rest: side {load(bytes(side)).get(name)} "
                    f"hub {load(bytes(hub)).get(name, '-')} shows {observed[at]!r} entity {entity}"
                )


def check_work(house: House) -> None:
    """Nothing is left on the list of work but creates that wait."""
    with house.database.read() as connection:
        left = house.database.run(connection, "SELECT stage, id FROM todo WHERE stage <> 4").fetchall()
        loose = house.database.run(
            connection, "SELECT id, state FROM action WHERE state IN ('leased', 'sent', 'unknown', 'later', 'planned')"
        ).fetchall()
        strays = house.database.run(
            connection,
            "SELECT m.record, m.entity FROM member m LEFT JOIN entity e ON e.id = m.entity WHERE e.id IS NULL",
        ).fetchall()
    if left or loose or strays:
        raise BrokenError(f"I2: left over: work {left}, actions {loose}, records of no entity {strays}")


def shrink(make: Callable[[], World], steps: Sequence[Step], *, tries: int = 200) -> list[Step]:
    """A shorter history that still breaks something."""
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


__all__ = ["BrokenError", "Play", "Step", "history", "play", "shrink"]
