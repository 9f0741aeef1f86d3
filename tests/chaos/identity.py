"""Random histories of who is who: what people, vendors, rules and likeness say of two records, in every order.

A few records meet all the time: they are merged and converted at their vendor, called the same or never the same, put
apart, edited, deleted, restored, erased, left out of the file and listed again, read from streams that are paused.
After each run what it came to is what matching everybody again comes to, what people and vendors have said holds, and
an entity goes by the smallest birth id of its records.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final, NamedTuple

from crosswalk.app import Hub
from crosswalk.engine.words import AskError
from crosswalk.store.dialect import Database
from mapping.match.cluster import Edge, Member, cluster
from mapping.match.ids import birth_id
from tests.chaos.histories import Step
from tests.chaos.invariants import BrokenError, match_again
from tests.hub import World

TEXT: Final = """
connections:
  alpha:
    connector: unique
    account: {alpha}
    streams:
      people: {{write: {write}, hub_id: hub, create_from: [beta], on_delete: {on_delete}}}
  beta:
    connector: merging
    account: {beta}
    streams:
{streams}
match:
  person:
    rules: [{rules}]
    limits: {{emails: {limit}}}
    model: {model}
merge:
  defaults: {{masters: [alpha, beta], on_conflict: [masters]}}
guards:
  create: {{at_most: 50, share: 100%}}
  update: {{at_most: 50, share: 100%}}
  clear: {{at_most: 50, share: 100%}}
"""
WRITES: Final = ("[]", "[create, update]", "[update]")
RULES: Final = (
    "{same: [emails]}",
    "{same: [emails]}, {same: [phones]}",
    "{same: [emails]}, {same: [phones, name.family]}",
)
LEADS: Final = "      leads:"
LISTED: Final = ("      people:\n" + LEADS, "      people: {write: [update]}\n" + LEADS)
LEFT_OUT: Final = ("      people:", LEADS)
Place = tuple[str, str]  # system and stream
PLACES: Final[tuple[Place, ...]] = (("alpha", "people"), ("beta", "people"), ("beta", "leads"))
PAUSED: Final = ("alpha", "alpha/people", "beta", "beta/people")
MOST: Final = 4  # records of a stream
NAMES: Final = ("Ann Lind", "Anna Lind", "Ann Berg", "Bo Berg")
STEPS: Final = (
    "new", "new", "new", "mail", "mail", "phone", "name", "merge", "merge", "convert", "convert", "unite", "unite",
    "part", "part", "pair", "pair", "trash", "restore", "drop", "erase", "lift", "list", "pause", "anew",
    *("sync",) * 6,
)  # fmt: skip


def history(seed: int, length: int = 26) -> list[Step]:
    """Each goes without some kinds of steps: what is rare together is found that way."""
    random = Random(f"identity/{seed}")
    without = {name for name in dict.fromkeys(STEPS) if random.random() < 0.35} - {"new", "sync"}
    some = [name for name in STEPS if name not in without]
    names = ["world", "new", "new", "new", *(["sync"] * (random.random() < 0.6))]
    names += [random.choice(some) for _ in range(random.randrange(6, length))]
    return [Step(name, *(random.randrange(100) for _ in range(3))) for name in names]


class Named(NamedTuple):
    """A record, as its vendor knows it."""

    system: str
    stream: str
    key: str


@dataclass
class IdentityPlay:
    """One history being played in one world."""

    world: World
    kind: Step = field(default_factory=lambda: Step("world", 0, 0, 0))
    left_out: str = ""  # what of beta is all that is listed
    changed: bool = False  # how many there are, and not by what was read, since everybody was matched
    paused: bool = False
    erased: bool = False
    shown: set[str] = field(default_factory=set)  # ids of entities
    held: Counter[str] = field(default_factory=Counter)  # how much was judged, by invariant
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.write_config()

    def take(self, step: Step) -> None:
        self.log.append(f"-- {step}")
        getattr(self, f"do_{step.name}")(step)

    def write_config(self) -> None:
        _, a, b, c = self.kind
        self.world.write(
            TEXT.format(
                alpha=self.world.account("alpha"),
                beta=self.world.account("beta"),
                streams=self.left_out or LISTED[b % 2],
                write=WRITES[a % 3],
                on_delete=("ignore", "unlink")[a // 3 % 2],
                rules=RULES[b % 3],
                model="shipped" if c % 3 else "none",
                limit=2 + c % 2,
            )
        )

    # -- at the vendors --------------------------------------------------------------------------------------

    def records(self, *places: Place) -> list[Named]:
        return [
            Named(system, stream, key)
            for system, stream in places or PLACES
            for key in sorted(self.world.remote(system).rows.get(stream, {}))
        ]

    def pick(self, n: int, *places: Place) -> Named | None:
        there = self.records(*places)
        return there[n % len(there)] if there else None

    def put(self, record: Named | None, **values: Any) -> None:
        if record is not None:
            self.world.remote(record.system).put(record.stream, record.key, **values)
            self.log.append(f"{'/'.join(record)} {values}")

    def do_world(self, step: Step) -> None:
        """How they match and write, and what ids are hashed with: told before anything else, or not at all."""
        if self.log == [f"-- {step}"]:
            self.world.key = f"{step.a} {step.b} {step.c}"
            self.kind = step
            self.write_config()

    def do_new(self, step: Step) -> None:
        system, stream = PLACES[step.a % 3]
        held = self.world.remote(system).rows.get(stream, {})
        free = [key for n in range(MOST) if (key := f"{system[0]}{stream[0]}{n}") not in held]
        if free:
            values = {"name": NAMES[step.b % 4], "email": mail(step.c), "phone": phone(step.b + step.c)}
            self.put(Named(system, stream, free[0]), **values)

    def do_mail(self, step: Step) -> None:
        self.put(self.pick(step.a), email=mail(step.b))

    def do_phone(self, step: Step) -> None:
        self.put(self.pick(step.a), phone=phone(step.b))

    def do_name(self, step: Step) -> None:
        self.put(self.pick(step.a), name=NAMES[step.b % 4])

    def do_merge(self, step: Step) -> None:
        keys = [record.key for record in self.records(("beta", "people"))]
        if len(keys) > 1:
            at = step.a % len(keys)
            loser, survivor = keys[at], keys[(at + 1 + step.b % (len(keys) - 1)) % len(keys)]
            self.world.remote("beta").merge("people", loser, survivor)
            self.log.append(f"{loser} was merged into {survivor}")

    def do_convert(self, step: Step) -> None:
        person = self.pick(step.b, ("beta", "people"))
        if person is not None:
            self.put(self.pick(step.a, ("beta", "leads")), became=person.key)

    def do_trash(self, step: Step) -> None:
        self.put(self.pick(step.a), gone=True)

    def do_restore(self, _step: Step) -> None:
        for record in self.records():
            if self.world.remote(record.system).of(record.stream, record.key).get("gone"):
                self.put(record, gone=False)

    def do_drop(self, step: Step) -> None:
        if (record := self.pick(step.a)) is not None:
            self.world.remote(record.system).drop(record.stream, record.key)
            self.log.append(f"{'/'.join(record)} dropped")

    # -- in the hub ------------------------------------------------------------------------------------------

    def ask(self, what: str, ask: Callable[[Hub], Any]) -> Any:
        """Whatever it refuses is left as it is."""
        self.log.append(what)
        try:
            with self.world.open() as hub:
                return ask(hub)
        except AskError as error:
            self.log.append(error.text)

    def known(self) -> list[str]:
        """Addresses of records that are somebody's."""
        with self.world.store() as database, database.read() as connection:
            rows = database.run(
                connection,
                "SELECT s.connection, s.name, r.rkey FROM record r JOIN member m ON m.record = r.id "
                "JOIN stream s ON s.id = r.stream ORDER BY r.id",
            ).fetchall()
        return ["/".join(row) for row in rows]

    def do_unite(self, step: Step) -> None:
        if known := self.known():
            one, other = known[step.a % len(known)], known[step.b % len(known)]
            self.ask(f"{one} and {other} are one", lambda hub: hub.unite(one, other))

    def do_part(self, step: Step) -> None:
        if known := self.known():
            one = known[step.a % len(known)]
            self.ask(f"{one} is somebody else", lambda hub: hub.part([one]))

    def do_pair(self, step: Step) -> None:
        def decide(hub: Hub) -> None:
            if pairs := hub.review_list()["pairs"]:
                hub.review_pair(pairs[step.a % len(pairs)]["id"], same=bool(step.b % 2))

        self.ask("a pair", decide)

    def do_erase(self, step: Step) -> None:
        if known := self.known():
            self.erased = self.changed = True
            one = known[step.a % len(known)]
            self.ask(f"{one} is erased", lambda hub: hub.erase(one))

    def do_lift(self, step: Step) -> None:
        def lift(hub: Hub) -> None:
            if erasures := hub.erasures()["erasures"]:
                hub.lift_erasure(erasures[step.a % len(erasures)]["id"])

        self.ask("an erasure is lifted", lift)

    def do_list(self, step: Step) -> None:
        self.left_out = (*LEFT_OUT, "", "")[step.a % 4]
        self.changed = True
        self.write_config()

    def do_pause(self, step: Step) -> None:
        address = PAUSED[step.a % 4]
        self.paused = True
        self.ask(f"{address} is paused", lambda hub: hub.pause(address))

    def go_on(self) -> None:
        def resume(hub: Hub) -> None:
            for address in PAUSED:
                with suppress(AskError):  # it goes already
                    hub.resume(address)

        if self.paused:
            self.ask("all go on", resume)
            self.paused = False

    def do_anew(self, _step: Step) -> None:
        self.ask("all anew", lambda hub: hub.match_anew())

    def do_sync(self, _step: Step) -> None:
        self.run()
        self.judge()

    def run(self) -> None:
        self.world.clock.forward(seconds=60)
        for name in ("alpha", "beta"):
            self.world.remote(name).now = self.world.clock.now
        ran = self.world.sync()
        if ran["run"]["state"] == "failed":
            raise BrokenError("I2", f"a run failed: {ran['problems']}")

    # -- what must hold --------------------------------------------------------------------------------------

    def judge(self) -> None:
        with self.world.store() as database:
            before = look(self, database)
        if self.left_out or self.paused:
            return  # what is not looked at is no part of what matching again comes to
        if self.changed:  # what likeness tells hangs on how many have it, and is told anew when somebody is looked at
            self.changed = False
            with self.world.store() as database:
                match_again(database)
            self.run()
        self.run()  # reads what it has written
        with self.world.store() as database:
            before = look(self, database)
            match_again(database)
        self.run()
        with self.world.store() as database:
            after = look(self, database)
        self.held["I10"] += 1
        if before != after:
            raise BrokenError("I10", f"matched again, {before} became {after}")

    def finish(self) -> None:
        self.left_out = ""
        self.write_config()
        self.go_on()
        self.run()
        self.judge()


def mail(n: int) -> str | None:
    return None if n % 5 == 4 else f"p{n % 5}@a.test"


def phone(n: int) -> str | None:
    return None if n % 3 == 2 else f"+4989555100{n % 3}"


class Kept(NamedTuple):
    """A record as the store has it."""

    number: int
    system: str
    stream: str
    key: str
    entity: int
    public: str


def look(play: IdentityPlay, database: Database) -> dict[str, list[str]]:
    """Who is who: records by the id of their entity. Raises BrokenError where that cannot be."""
    with database.read() as connection:
        secret = bytes(database.run(connection, "SELECT value FROM meta WHERE name = 'secret'").scalar())
        rows = database.run(
            connection,
            "SELECT r.id, s.connection, s.name, r.rkey, m.entity, e.public FROM record r JOIN stream s "
            "ON s.id = r.stream JOIN member m ON m.record = r.id JOIN entity e ON e.id = m.entity ORDER BY r.id",
        ).fetchall()
        kept = {row[0]: Kept(*row) for row in rows}
        check_ids(play, database, connection, list(kept.values()), secret)
        check_words(play, database, connection, kept, secret)
    found: dict[str, list[str]] = defaultdict(list)
    for one in kept.values():
        found[one.public].append("/".join(one[1:4]))
    return dict(sorted(found.items()))


def birth_of(secret: bytes, one: Kept) -> str:
    return birth_id(secret, connection=one.system, stream=one.stream, key=one.key)


def check_ids(play: IdentityPlay, database: Database, connection: Any, kept: Sequence[Kept], secret: bytes) -> None:
    """An entity goes by the smallest birth id of its records, and every id that was ever shown leads to one.

    What the hub has made counts only once its entity has been joined or parted since.
    """
    made = {row[0] for row in database.run(connection, "SELECT record FROM journal WHERE op = 'create'").fetchall()}
    births: dict[str, list[str]] = defaultdict(list)
    found: dict[str, list[str]] = defaultdict(list)
    for one in kept:
        births[one.public].append(birth_of(secret, one))
        if one.number not in made:
            found[one.public].append(birth_of(secret, one))
    play.held["I10"] += len(births)
    if wrong := {
        public: some
        for public, some in births.items()
        if public not in some or public > min(found[public], default=public)
    }:
        raise BrokenError("I10", f"entities do not go by the smallest of their births: {wrong}")
    if unborn := {row[0] for row in database.run(connection, "SELECT public FROM entity").fetchall()} - births.keys():
        raise BrokenError("I10", f"entities without a record: {unborn}")
    aliases = database.run(
        connection, "SELECT a.public, e.public FROM alias a LEFT JOIN entity e ON e.id = a.entity"
    ).fetchall()
    if astray := [public for public, there in aliases if there is None or public in births]:
        raise BrokenError("I10", f"lead to nobody, or to two: {astray}")
    if not play.erased:  # whose ids lead nowhere any more
        play.shown |= births.keys()
        if lost := play.shown - births.keys() - {public for public, _ in aliases}:
            raise BrokenError("I10", f"were shown once and lead nowhere: {lost}")


def check_words(play: IdentityPlay, database: Database, connection: Any, kept: dict[int, Kept], secret: bytes) -> None:
    """Who never is the same is not; who is by what people and vendors say is, as far as no person says otherwise."""
    edges = database.run(connection, 'SELECT "left", "right", source, verdict FROM edge').fetchall()
    never = [(left, right) for left, right, source, verdict in edges if (source, verdict) == ("person", "never")]
    for left, right in never:
        play.held["I10"] += 1
        if left in kept and right in kept and kept[left].entity == kept[right].entity:
            raise BrokenError("I10", f"are one, and a person said that they never are: {kept[left]}, {kept[right]}")
    if play.left_out:
        return  # what was said of a record of a stream that is left out waits until that is listed
    strength = {"person": 9, "merged_into": 8, "converted_to": 8}
    said = [
        Edge(left, right, strength[source], by_person=True)
        for left, right, source, verdict in edges
        if verdict == "same" and source in strength
    ]
    members = [Member(number, birth_of(secret, one)) for number, one in kept.items()]
    for group in cluster(members, said, apart=never).groups:
        play.held["I10"] += 1
        if len({kept[number].entity for number in group}) > 1:
            raise BrokenError("I10", f"are one by what was said, and are several: {[kept[one] for one in group]}")


def play(world: World, steps: Sequence[Step]) -> IdentityPlay:
    """The history as it was played. Raises BrokenError."""
    made = IdentityPlay(world)
    for step in steps:
        made.take(step)
    made.finish()
    return made


__all__ = ["IdentityPlay", "history", "play"]
