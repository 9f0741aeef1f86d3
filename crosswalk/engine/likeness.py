"""What scored matching knows of one store: records in comparing form, blocks to look them up by, how common values are.

A record is looked up by the hashes of its blocks (table `block`), the frequencies of values are those of the last
count (table `frequency`, by hash; a value that is not in it counts as held once). Both hold keyed hashes and no
customer's value. A store of at most `SMALL` records needs neither: all of it is looked at.
"""

from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from msgspec import Struct, field

from crosswalk.engine.model import House, Stream
from crosswalk.engine.profiles import Known as Known
from crosswalk.engine.profiles import Profiles
from crosswalk.store import meta
from crosswalk.store.codec import dump, load, load_row
from crosswalk.store.reading import array_of
from crosswalk.store.records import ARCHIVED
from mapping.match.rules import SCORED, MatchRules, persons
from mapping.values import Value

if TYPE_CHECKING:
    from mapping.match.model import Model
    from mapping.match.profile import Profile
    from mapping.match.score import Counts, Scored, Scorer

SMALL: Final = 200  # records of one kind that are all looked at
GROWN: Final = 1.25  # how often the counted records the store may hold before they are counted anew
_IDENTIFIERS: Final = ("email", "phone", "id", "domain")
_SAID: Final = 3  # reasons that stand in one line
_KEPT: Final = 200_000  # frequencies in memory
Connection = Any


class Facts(Struct, frozen=True):
    """Of the last count of one kind."""

    records: int = 0
    last: int = 0  # the highest number of a record then
    totals: Mapping[str, int] = field(default_factory=dict)
    learned: Mapping[str, Any] = field(default_factory=dict)  # see `Model.learned`
    model: str = ""  # which it was


class Holders(NamedTuple):
    """Who has some identifiers: the records, and by (field, value) how many names, where more than one holds it."""

    known: list[Known]
    names: dict[tuple[str, str], int]


class Likeness:
    """Scored matching of one kind of entity over one store."""

    def __init__(self, house: House, kind: str, model: "Model", *, spark: str | None = None) -> None:
        """`spark`: the master of the Spark on which all records are weighed; None: here."""
        self.house, self.kind, self.model, self.spark = house, kind, model, spark
        self.streams = {stream.id: stream for stream in house.streams.values() if stream.kind == kind}
        self._database = house.database
        self._listed = ", ".join(str(number) for number in self.streams) or "NULL"
        self._hashed = house.ident_kinds.hashed
        self._rules = house.rules.of(kind)
        self.number = SCORED.index(kind)  # of its rows in tables that kinds share
        self._print = model.digest
        self._found_by = frozenset().union(*model.found_by)
        blocked = self._rules.blocked
        self.profiles = Profiles(
            house.database, kind, self.streams.values(), rules=blocked.pattern if blocked else "", hashed=self._hashed
        )

    # -- records -------------------------------------------------------------------------------------------

    def small(self, connection: Connection, *, beside: int | None = None) -> list[int] | None:
        """All live records, if they are few. `beside`: one of them, or nearly."""
        if beside is not None and self._are_many_beside(connection, beside):
            return None
        found = self.live(connection, at_most=SMALL + 1)
        return None if len(found) > SMALL else found

    def _are_many_beside(self, connection: Connection, record: int) -> bool:
        """Of records that came together it is told by a few pages; `live` finds the first by their keys, each on a page
        of its own."""
        one_more = self._database.run(
            connection,
            "SELECT 1 FROM record WHERE id BETWEEN ? AND ? "
            f"AND +stream IN ({self._listed}) AND state <= ? LIMIT 1 OFFSET {SMALL}",  # a plus: by no index of it
            (record - 2 * SMALL, record + 2 * SMALL, ARCHIVED),
        ).fetchone()
        return one_more is not None

    def live(self, connection: Connection, *, at_most: int) -> list[int]:
        """All live records, or so many of them."""
        rows = self._database.run(
            connection,
            f"SELECT id FROM record WHERE stream IN ({self._listed}) AND state <= ? LIMIT {at_most}",
            (ARCHIVED,),
        ).fetchall()
        return sorted(row[0] for row in rows)

    def known(self, connection: Connection, records: Sequence[int]) -> list[Known]:
        """Those of these records that are live and of this kind, in the order of their birth ids."""
        return sorted(self._read(connection, records, live=True), key=lambda one: one.birth)

    def kept(self, connection: Connection, records: Sequence[int]) -> list[Known]:
        """The same in any order and at a tenth of the cost, inside a transaction that writes: see `engine.profiles`."""
        found = self.profiles.read(connection, records)
        if len(found) < len(records):
            there = {one.record for one in found}
            made = self._read(connection, [number for number in records if number not in there], live=True)
            self.profiles.add(connection, made)
            found += made
        return found

    def _read(self, connection: Connection, records: Sequence[int], *, live: bool) -> list[Known]:
        """Those of these records that are of this kind and live, or are not."""
        return [
            self._of(number, self.streams[stream], rkey, bytes(observed))
            for number, stream, rkey, state, mapping, observed in self._database.select(
                connection,
                "SELECT r.id, r.stream, r.rkey, r.state, r.mapping, b.observed FROM record r "
                "JOIN body b ON b.record = r.id WHERE",
                "r.id",
                records,
            )
            if (state <= ARCHIVED) == live and stream in self.streams and mapping == self.streams[stream].mapping_id
        ]

    def everybody(self) -> Iterator[Known]:
        """All live records, in the order of their numbers, without holding them."""
        with self._database.read() as connection:
            rows = self._database.stream(
                connection,
                "SELECT r.id, r.stream, r.rkey, r.mapping, b.observed FROM record r JOIN body b ON b.record = r.id "
                f"WHERE r.stream IN ({self._listed}) AND r.state <= {ARCHIVED} ORDER BY r.id",
            )
            for number, stream, rkey, mapping, observed in rows:
                of = self.streams[stream]
                if mapping == of.mapping_id:
                    yield self._of(number, of, rkey, bytes(observed))

    def _of(self, number: int, stream: Stream, rkey: str, observed: bytes) -> Known:
        from mapping.match.profile import of_row

        row = dict(zip(stream.mapping.fields, load_row(observed), strict=False))
        profile = of_row(self.kind, unblocked(row, self._rules))
        birth = self.house.rules.births(stream.connection, stream.name)(rkey)
        return Known(number, stream.id, birth, profile)

    # -- blocks --------------------------------------------------------------------------------------------

    def hashes(self, keys: Iterable[str]) -> list[int]:
        return [self._hashed(f"{self.kind}\x1f{key}") for key in keys]

    def put_in(self, connection: Connection, keys: Mapping[int, Sequence[int]], blocks: dict[int, list[int]]) -> None:
        """Records into their blocks. `keys`: by record the hashes of its keys; `blocks`: as they are, then as they will
        be."""
        rows = [
            (self.number, value, record)
            for record, values in keys.items()
            for value in values
            if record not in blocks.get(value, ())
        ]
        self._database.upsert(connection, "block", BLOCK_COLUMNS, BLOCK_COLUMNS, rows, replace=False)
        for _, value, record in rows:
            insort(blocks[value], record)

    def take_out(
        self, connection: Connection, mine: Sequence[Known], gone: Sequence[int], scorer: "Scorer",
        keys: Mapping[int, Sequence[int]],
    ) -> None:  # fmt: skip
        """Records out of the blocks that they are found by no more, of those that are gone out of all.

        `mine` and `keys`: what is compared of each, and the hashes of its keys; `gone`: records that may be.
        """
        away = {one.record: one.profile for one in self._read(connection, gone, live=False)}
        before = away | self.profiles.before(connection, [*keys, *away])
        now = {one.record: one.profile for one in mine}
        rows = [
            (self.number, value, record)
            for record, profile in before.items()
            if (changed := self._found_otherwise(profile, now.get(record, {})))
            for value in set(self.hashes(scorer.keys(profile, by=changed))).difference(keys.get(record, ()))
        ]
        self._database.remove(connection, "block", BLOCK_COLUMNS, rows)
        self._database.delete(connection, "profile", "record", list(away))

    def _found_otherwise(self, before: "Profile", now: "Profile") -> set[str]:
        """The fields by which a record is found that have changed."""
        return {name for name in self._found_by if before.get(name) != now.get(name)}

    def sharing(self, connection: Connection, values: Iterable[int]) -> dict[int, list[int]]:
        """By hash the records that have it; of one that more than a block may hold, as many and one more."""
        most = self.model.limits["block"] + 1
        wanted = sorted(set(values))
        found: dict[int, list[int]] = defaultdict(list)
        if not wanted:
            return found
        if self._database.dialect == "sqlite":
            ask = connection.cursor().execute
            statement = f"SELECT record FROM block WHERE kind = ? AND value = ? ORDER BY record LIMIT {most}"
            for value in wanted:
                found[value] = [row[0] for row in ask(statement, (self.number, value))]
            return found
        for value, record in self._database.select_all(
            connection,
            "SELECT v.value, b.record FROM unnest(?::bigint[]) AS v(value) "
            "CROSS JOIN LATERAL (SELECT record FROM block WHERE kind = ? AND block.value = v.value "
            f"ORDER BY record LIMIT {most}) b",
            (array_of(wanted), self.number),
        ):
            found[value].append(record)
        return found

    def identifying(self, profile: "Profile") -> dict[int, tuple[str, str]]:
        """By hash of block the identifiers of a record: (field, value), as far as it is looked up by them."""
        looked = {block[0] for block in self.model.blocks if len(block) == 1}
        return {
            self._hashed(f"{self.kind}\x1f{name}|{value}"): (name, value)
            for name in _IDENTIFIERS
            if name in looked
            for value in profile.get(name, ())
        }

    def holders(
        self, connection: Connection, some: Sequence[Known], read: Callable[[Iterable[int]], list[Known]],
        blocks: Mapping[int, Sequence[int]],
    ) -> "Holders":  # fmt: skip
        """Who has the identifiers of some records, themselves among them.

        `read`: records by their numbers. `blocks`: those of which it is known who is in them.
        """
        from mapping.match.profile import name_keys
        from mapping.match.score import people

        asked = {value: told for one in some for value, told in self.identifying(one.profile).items()}
        most = self.model.limits["block"] + 1
        held: dict[int, Sequence[int]] = {value: blocks[value][:most] for value in asked if value in blocks}
        held.update(self.sharing(connection, asked.keys() - held.keys()))
        known = {one.record: one for one in read(number for numbers in held.values() for number in numbers)}
        names = {}
        for value, numbers in held.items():
            if len(numbers) < 2:
                continue
            name, text = asked[value]
            profiles = [known[number].profile for number in numbers if number in known]
            keys = [name_keys(one) for one in profiles if text in one.get(name, ())]
            if len(keys) > 1:
                names[name, text] = people(keys)
        return Holders(list(known.values()), names)

    # -- limits of the file --------------------------------------------------------------------------------

    @property
    def limits(self) -> Mapping[str, int]:
        """By identifier how many may hold one: more, and it tells nothing of anybody."""
        told = self._rules.told_limits
        return {name: told[name] for name in _IDENTIFIERS if name in told}

    def crowded(self, holders: Iterable[tuple[int, "Profile"]]) -> set[tuple[str, str]]:
        """Identifiers that more of these hold than the file allows: (field, value). `holders`: system and profile."""
        held: dict[tuple[str, str], list[int]] = defaultdict(list)
        limits = self.limits
        for system, profile in holders if limits else ():
            for name in limits:
                for value in profile.get(name, ()):
                    held[name, value].append(system)
        return {told for told, systems in held.items() if persons(systems) > limits[told[0]]}

    # -- weighing ------------------------------------------------------------------------------------------

    def weighing_all(self, known: Sequence[Known]) -> tuple["Scorer", list["Profile"]]:
        """Of a store that is small, all of whose records these are: what weighs them, and as what each is weighed."""
        from mapping.match.score import Scorer, counted

        crowded = self.crowded((one.stream, one.profile) for one in known)
        profiles = [without(one.profile, crowded) for one in known]
        return Scorer(self.model, counted(profiles)), profiles

    def weighing(self, connection: Connection) -> "tuple[Scorer, Counted] | None":
        """By the frequencies of the last count; None: there was none yet."""
        from mapping.match.score import Scorer

        facts = self.facts(connection)
        if not facts.records:
            return None
        counted = Counted(self, facts)
        return Scorer(self.model.taught(facts.learned), counted), counted

    # -- frequencies ---------------------------------------------------------------------------------------

    def facts(self, connection: Connection) -> Facts:
        """Of the last count; `Facts()` where it was never counted, or by another model."""
        row = self._database.run(connection, "SELECT value FROM meta WHERE name = ?", (self._name,)).fetchone()
        if row is None:
            return Facts()
        known = Facts(**load(bytes(row[0])))
        return known if known.model == self._print else Facts()

    def forget(self, connection: Connection) -> None:
        """What the last count has left. Until the next is whole, there is none."""
        meta.drop(self._database, connection, self._name)
        for table in ("block", "frequency"):
            self._database.run(connection, f"DELETE FROM {table} WHERE kind = ?", (self.number,))
        self.profiles.forget(connection)

    def save(self, connection: Connection, counts: "Counts", learned: Mapping[str, Any]) -> None:
        """A count that is whole, with what was learned by it."""
        last = int(self._database.run(connection, "SELECT max(id) FROM record").scalar() or 0)
        told = {
            "records": counts.records, "last": last, "totals": counts.totals, "learned": learned,
            "model": self._print,
        }  # fmt: skip
        meta.put(self._database, connection, self._name, dump(told))
        rows = {
            self._frequency(table + mark, value): count
            for tables, mark in ((counts.counts, ""), (counts.holders, _NAMES))
            for table, held in tables.items()
            for value, count in held.items()
            if count > 1
        }
        self._database.insert(
            connection, "frequency", ("kind", "value", "count"),
            [(self.number, value, count) for value, count in sorted(rows.items())],
        )  # fmt: skip

    def has_grown(self) -> bool:
        """Has the store many more records than were counted, so that what was counted tells little by now?"""
        with self._database.read() as connection:
            facts = self.facts(connection)
            last = int(self._database.run(connection, "SELECT max(id) FROM record").scalar() or 0)
            if facts.records and last - facts.last < facts.records * (GROWN - 1):
                return False
            if self.small(connection) is not None:
                return False
            there = self._database.run(
                connection, f"SELECT count(*) FROM record WHERE stream IN ({self._listed}) AND state <= ?", (ARCHIVED,)
            ).scalar()
        return int(there or 0) >= facts.records * GROWN

    @property
    def _name(self) -> str:
        return f"likeness:{self.kind}"

    def _frequency(self, table: str, value: str) -> int:
        return self._hashed(f"{table}\x1f{value}")

    def held(self, connection: Connection, asked: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """How often values (table, value) were counted; 1 where the count knows nothing of one."""
        by_hash = {self._frequency(*one): one for one in asked}
        found = dict.fromkeys(by_hash.values(), 1)
        for value, count in self._database.select(
            connection, "SELECT value, count FROM frequency WHERE kind = ? AND", "value", sorted(by_hash),
            first=(self.number,),
        ):  # fmt: skip
            found[by_hash[value]] = count
        return found


_NAMES: Final = "#names"
BLOCK_COLUMNS: Final = ("kind", "value", "record")


def without(profile: "Profile", crowded: Collection[tuple[str, str]]) -> "Profile":
    """A profile without identifiers that identify nobody."""
    if not crowded:
        return profile
    kept = {
        name: tuple(value for value in values if (name, value) not in crowded) for name, values in profile.items()
    }  # fmt: skip
    return {name: values for name, values in kept.items() if values}


def shown_by(one: "Profile", other: "Profile") -> str:
    """A digest of what two records show, the one with the smaller number first."""
    whole = blake2b(digest_size=8)
    for profile in (one, other):
        whole.update(repr(sorted(profile.items())).encode())
    return whole.hexdigest()


def in_short(scored: "Scored") -> str:
    """What speaks most for two records: `same e-mail, same family name`."""
    told = sorted((one for one in scored.evidence if one.bits > 0), key=lambda one: -one.bits)
    return ", ".join(one.says for one in told[:_SAID])


def bits_told(bits: float) -> str:
    """As edges and pairs hold them."""
    return f"{bits:.1f}"


class Counted:
    """The frequencies of the last count, asked for as they are needed: see `mapping.match.score.Frequencies`.

    What is not known yet reads as held once and is noted; `fetch` asks the store for all that was noted.
    `guessed` says that something has read so.
    """

    def __init__(self, likeness: Likeness, facts: Facts) -> None:
        from mapping.match.score import rarity_of

        self._rarity = rarity_of
        self._likeness, self._totals = likeness, facts.totals
        self.records = facts.records
        self._own: Mapping[tuple[str, str], int] = {}
        self._known: dict[tuple[str, str], int] = {}
        self._rarities: dict[tuple[str, str], float] = {}
        self._missing: set[tuple[str, str]] = set()
        self.guessed = False

    def rarity(self, field: str, value: str) -> float:
        told = self._rarities.get((field, value))
        if told is None:
            told = self._rarity(self._held(field, value), self._totals.get(field, 0), self.records)
            if (field, value) in self._known:
                self._rarities[field, value] = told
        return told

    def names(self, field: str, value: str) -> int:
        return max(self._held(field + _NAMES, value), self._own.get((field, value), 1))

    def make_room(self) -> bool:
        """Was there too much, so that nothing is known any more?"""
        if len(self._known) <= _KEPT:
            return False
        self._known.clear()
        self._rarities.clear()
        return True

    def held_by(self, names: Mapping[tuple[str, str], int]) -> set[str]:
        """How many names hold identifiers now, where that was looked at; the fields of which `names` is another now."""
        before, self._own = self._own, names
        return {
            told[0]
            for told in before.keys() | names.keys()
            if (counted := self._known.get((told[0] + _NAMES, told[1]))) is not None  # else nobody has asked for it
            and max(counted, before.get(told, 1)) != max(counted, names.get(told, 1))
        }

    def _held(self, table: str, value: str) -> int:
        known = self._known.get((table, value))
        if known is None:
            self._missing.add((table, value))
            self.guessed = True
            return 1
        return known

    def fetch(self, connection: Connection) -> bool:
        """Was there anything to ask for?"""
        if not self._missing:
            return False
        self._known.update(self._likeness.held(connection, self._missing))
        self._missing.clear()
        return True


def scored_kinds(house: House) -> list[str]:
    """Kinds whose records are scored."""
    return [kind for kind in SCORED if house.rules.of(kind).scored and house.of_kind(kind)]


def likeness_of(house: House, kind: str) -> Likeness:
    from mapping.match.model import shipped

    told = None if house.settings is None else house.settings.match.get(kind)
    if told is None or told.model is None:
        return Likeness(house, kind, shipped(kind), spark=told.spark if told else None)
    from crosswalk.labelled import model_of

    return Likeness(house, kind, model_of(told.model), spark=told.spark)


def unblocked(row: Mapping[str, Value], rules: MatchRules) -> Mapping[str, Value]:
    """A row without what the file says identifies nobody."""
    if rules.blocked is None:
        return row
    kept = dict(row)
    for name, part in _BLOCKED:
        value = row.get(name)
        if isinstance(value, list):
            kept[name] = [one for one in value if not rules.blocks(_text_of(one, part))]
        elif value and rules.blocks(_text_of(value, part)):
            kept[name] = None
    return kept


_BLOCKED: Final = (
    ("emails", "address"), ("primary_email", ""), ("phones", "number"), ("primary_phone", ""), ("domains", "domain"),
    ("website", ""),
)  # fmt: skip


def _text_of(value: Value, part: str) -> str:
    found = value.get(part) if isinstance(value, Mapping) else value
    return str(found or "").lower()
