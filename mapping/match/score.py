"""Scored comparison of two records in the Fellegi-Sunter manner: how many bits speak for their being one, and why.

    scorer = Scorer(shipped("person"), counted(profiles))
    scored = scorer.against(changed, candidates)     # best first; what is different is left out
    scored[0].bits, scored[0].outcome, scored[0].words()

Pure: profiles in (`mapping.match.profile`), decisions with their reasons out. The batch (`mapping.match.batch`) sums
the same weights over arrays and comes to the same scores.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from math import log2
from typing import Final, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

from msgspec import Struct, field

from mapping.match.latin import latin
from mapping.match.model import DIFFERING, IN_ANY_ORDER, SYSTEM, Comparison, Level, Model, Outcome
from mapping.match.profile import Profile, called, initial, label, local_part, name_keys, sound, words

Key = TypeVar("Key", bound=Hashable)

HELD: Final = ("email", "phone", "id", "domain")  # identifiers of which it is counted how many names hold them
OF_ONE: Final = 6  # records without a name that may be one person's, of one identifier
# A store of fewer is taken for a sample of so many: of two records every value is common, and says something still.
FEWEST: Final = 1000


def _first(value: str) -> str:
    """Of a company's name: the sound of the first word."""
    return sound(value.partition(" ")[0])


# Parts of values: what records are looked up by, and whose rarity counts where only a part is shared.
PARTS: Final[Mapping[str, Callable[[str], str]]] = {
    "sound": sound,
    "called": called,
    "initial": initial,
    "local": local_part,
    "label": label,
    "first": _first,
}
WITH_PARTS: Final = ("given", "family", "company", "name")  # their words are counted too


class Frequencies(Protocol):
    """How common values are. `records`: how many there are to be the same as."""

    @property
    def records(self) -> int: ...

    def rarity(self, field: str, value: str) -> float:
        """log2 of one in how many records that have the field has this value; of `field.word` this word in it."""

    def names(self, field: str, value: str) -> int:
        """How many people at least hold this identifier, as far as the names of its holders tell."""


class Counts(Struct):
    """Frequencies that have been counted. A value that is not in `counts` counts as held once."""

    records: int
    totals: Mapping[str, int] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    holders: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    _none: Mapping[str, int] = field(default_factory=dict)

    def rarity(self, field: str, value: str) -> float:
        count = self.counts.get(field, self._none).get(value, 1)
        return rarity_of(count, self.totals.get(field, 0), self.records)

    def names(self, field: str, value: str) -> int:
        return self.holders.get(field, self._none).get(value, 1)


def rarity_of(count: int, total: int, records: int) -> float:
    """log2 of one in how many has a value that `count` of `total` records that have the field have."""
    if total < 2:
        return 0.0
    return log2(total / min(total, count)) + (log2(FEWEST / records) if records < FEWEST else 0.0)


def counted(profiles: Iterable[Profile], *, identifiers: Iterable[str] = HELD) -> Counts:
    """The frequencies of these records."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    totals: Counter[str] = Counter()
    keys: dict[str, dict[str, list[tuple[str, ...]]]] = {name: defaultdict(list) for name in identifiers}
    records = 0
    for profile in profiles:
        records += 1
        key = name_keys(profile)
        for name, values in profile.items():
            for table, parts in tabled(name, values):
                totals[table] += 1
                counts[table].update(parts)
            if name in keys:
                for value in values:
                    keys[name][value].append(key)
    holders = {
        name: {value: people(found) for value, found in told.items() if len(found) > 1} for name, told in keys.items()
    }
    return Counts(records, totals, counts, holders)


def tabled(name: str, values: Sequence[str]) -> list[tuple[str, set[str]]]:
    """The tables in which values of a field are counted, each once a record."""
    found = [(name, set(values))]
    if name in WITH_PARTS:
        found.append((f"{name}.word", {word for value in values for word in words(value)}))
    return found


def people(keys: Iterable[tuple[str, ...]]) -> int:
    """How many hold a value at least, by the name keys of the records that have it."""
    return max(named(Counter(told), whole=at == 0) for at, told in enumerate(zip(*keys, strict=True)))


def named(keys: Counter[str], *, whole: bool) -> int:
    """How many there are at least of these keys. One who is known by half a name may be any who has that letter.

    `whole`: of those without a name a few may be one, and no more.
    """
    unnamed = keys.get("", 0)
    full = [key for key in keys if len(key) > 1]
    halves = sum(1 for key in keys if len(key) == 1 and not any(key in one for one in full))
    return max(1, len(full) + halves, unnamed // OF_ONE if whole else 1)


class Evidence(NamedTuple):
    """One field of two records. `shared`: it counts with what a house shares."""

    field: str
    level: str
    bits: float
    says: str
    shared: bool = False


class Scored(NamedTuple):
    """Two records: `bits` over even odds that they are one, and the evidence that made them."""

    bits: float
    outcome: Outcome
    evidence: tuple[Evidence, ...]
    conflict: str = ""  # the field that keeps them from being joined without a person

    @property
    def reasons(self) -> tuple[str, ...]:
        """What speaks for it, the strongest first."""
        told = sorted((one for one in self.evidence if one.bits > 0), key=lambda one: -one.bits)
        return tuple(f"{one.says}, {one.bits:+.1f} bits" for one in told)

    @property
    def against(self) -> tuple[str, ...]:
        """What speaks against it, the strongest first."""
        told = sorted((one for one in self.evidence if one.bits < 0), key=lambda one: one.bits)
        return tuple(f"{one.says}, {one.bits:+.1f} bits" for one in told)

    def words(self) -> str:
        """`same phone, family name differs by one letter, +7.2 bits`."""
        told = sorted((one for one in self.evidence if one.bits), key=lambda one: -abs(one.bits))
        return ", ".join([*(one.says for one in told), f"{self.bits:+.1f} bits"])


class Candidate(Struct, Generic[Key], frozen=True):
    """A record that another one was scored against."""

    key: Key
    scored: Scored


class Weigher:
    """What the values of one field count, by a model and the frequencies of the data."""

    def __init__(self, model: Model, frequencies: Frequencies) -> None:
        self._model = model
        self._frequencies = frequencies
        self.prior = log2(max(FEWEST, frequencies.records))
        # Of fields in which all that is different counts the same, as most pairs of values do.
        self._different = {
            name: Evidence(name, "different", told.bits if told.at_most is None else min(told.bits, told.at_most),
                           told.says, told.shared or name in model.shared)
            for name, comparison in model.comparisons.items()
            if not (told := comparison.levels["different"]).rarity and not told.words
        }  # fmt: skip

    def weigh(self, comparison: Comparison, left: Sequence[str], right: Sequence[str]) -> Evidence:
        """The best pair of the values that two records have in a field; neither may be empty."""
        if len(left) == 1 and len(right) == 1:
            return self._pair(comparison, left[0], right[0])
        return max(
            (self._pair(comparison, one, other) for one in left for other in right), key=lambda found: found.bits
        )

    def _pair(self, comparison: Comparison, one: str, other: str) -> Evidence:
        like = comparison.compare(one, other)
        if like.level == "different" and (different := self._different.get(comparison.field)) is not None:
            return different
        level = comparison.levels.get(like.level) or comparison.levels["different"]
        name = comparison.field
        if like.level == "same" and name in self._model.identifiers:
            return self._identified(name, level, one)
        bits = level.bits
        if level.words and like.shared:
            bits += self._of_words(name, level, one, other, like.shared)
        elif level.rarity:
            bits += level.rarity * self._rarity(name, one, other, like.shared)
        if level.at_most is not None and bits > level.at_most:
            bits = level.at_most
        return Evidence(name, like.level, bits, level.says, level.shared or name in self._model.shared)

    def _identified(self, name: str, level: Level, value: str) -> Evidence:
        people = self._frequencies.names(name, value)
        if people <= self._model.identifiers[name]:
            return Evidence(name, "same", self.prior + level.bits, level.says)
        bits = max(0.0, self.prior - 1.5 * log2(people - 1))
        return Evidence(name, "same", bits, f"{level.says}, held by {people} names", shared=True)

    def placed(
        self, left: Sequence[str], right: Sequence[str], towns: Sequence[str], *, numbered: bool
    ) -> Evidence | None:
        """Names of companies that are one but for their town, or, where they are in one house, for the number of a
        shop; None where they are not."""
        comparison = self._model.comparisons["name"]
        best = None
        for one, other in ((left, right), (right, left)):
            bare = tuple(aside(name, towns, numbered=numbered) for name in one)
            if bare == tuple(one):
                continue
            way = self.weigh(comparison, bare, other)
            if way.level in WHOLE and (best is None or way.bits > best.bits):
                best = way
        if best is None:
            return None
        level = comparison.levels["placed"]
        bits = best.bits + level.bits
        if level.at_most is not None:
            bits = min(bits, level.at_most)
        return Evidence("name", "placed", bits, level.says, best.shared)

    def _rarity(self, name: str, one: str, other: str, shared: tuple[str, ...] | None) -> float:
        rarity = self._frequencies.rarity
        if shared and one != other and name in WITH_PARTS:
            return max(rarity(f"{name}.word", word) for word in shared)
        ours = rarity(name, one)
        return ours if one == other else min(ours, rarity(name, other))

    def _of_words(self, name: str, level: Level, one: str, other: str, shared: tuple[str, ...]) -> float:
        table = f"{name}.word"
        rarities = [self._frequencies.rarity(table, word) for word in shared]
        told = level.words * sum(sorted(rarities))  # in one order, whichever of the two stands first
        if level.beyond is None:
            return told
        whole = min(self._frequencies.rarity(name, one), self._frequencies.rarity(name, other))
        return min(told, whole + level.beyond)


class Scorer:
    """Scores pairs of records of one kind."""

    def __init__(self, model: Model, frequencies: Frequencies) -> None:
        self.model = model
        self._frequencies = frequencies
        self._weigher = Weigher(model, frequencies)
        self._comparisons = tuple(model.comparisons.items())
        parts = list(dict.fromkeys(part for block in model.blocks for part in block))
        self._parts = [part_of(part) for part in parts]  # blocks have most of them in common
        self._blocks = [
            ("+".join(block), [parts.index(part) for part in block], fields)
            for block, fields in zip(model.blocks, model.found_by, strict=True)
        ]
        self.prior = self._weigher.prior
        self._one_system = Evidence("system", "same", model.same_system, "one system keeps them apart")
        # Nothing is added to what the fields of two people say that would make more of it.
        self._only_less = (
            model.kind == "person" and model.same_system <= 0 and max(model.doubts.values(), default=0) <= 0
        )
        self._weighs_systems = bool(model.same_system) or SYSTEM in model.vetoes
        self._doubts = [
            (name, Evidence(f"{name} doubt", level, bits,
                            "of one it seldom does" if name in DIFFERING else "systems keep such apart as well"))
            for (name, level), bits in model.doubts.items()
        ]  # fmt: skip

    def score(self, left: Profile, right: Profile, *, same_system: bool = False) -> Scored:
        """`same_system`: both are live records of one system, which keeps them apart."""
        found = self._weighed(left, right)
        self._turn(found, left, right)
        self._of_one_word(found, left, right)
        self._place(found, left, right)
        if same_system and self._weighs_systems:
            found["system"] = self._one_system
        for name, doubt in self._doubts:
            if (one := found.get(name)) and one.level == doubt.level:
                found[doubt.field] = doubt
        bits = combined(self.model, self.prior, found)
        conflict = self._conflict(found)
        outcome = self.model.outcome(bits)
        if conflict and outcome == "same":
            outcome = "review"
        return Scored(bits, outcome, tuple(found.values()), conflict)

    def are_two(self, left: Profile, right: Profile) -> bool:
        """Would `score` say that two records are different, and share no identifier? Told at half of what that costs;
        False where it is not plain to see."""
        if not self._only_less:
            return False
        found = self._weighed(left, right)
        for name in self.model.identifiers:
            if (one := found.get(name)) is not None and one.level == "same":
                return False
        if self.model.swapped is not None and self._may_be_turned(found, left, right):
            return False
        return combined(self.model, self.prior, found) < self.model.review

    def _may_be_turned(self, found: Mapping[str, Evidence], left: Profile, right: Profile) -> bool:
        """Names the other way round, or one word that may be either."""
        first, second = self.model.swapped or ("", "")
        given, family = found.get(first), found.get(second)
        if given is None:
            return (first in left) != (first in right)
        if family is None or given.bits + family.bits >= 0:
            return False
        return self._across(left[first], right[second]) is not None

    def _weighed(self, left: Profile, right: Profile) -> dict[str, Evidence]:
        """By field what both have a value in says."""
        weigh = self._weigher.weigh
        found: dict[str, Evidence] = {}
        for name, comparison in self._comparisons:
            ours = left.get(name)
            if ours and (theirs := right.get(name)):
                found[name] = weigh(comparison, ours, theirs)
        return found

    def may_turn_out(self, scored: Scored, left: Profile, right: Profile) -> bool:
        """May two records that are different, scored while counts were missing, be something else by the counts?

        A value that is not counted yet is as rare as can be, so no count makes more of it. It may be that names fit
        better the other way round, and that of several values another pair of them speaks.
        """
        doubtful = {name for name, _ in self.model.doubts}
        if any(len(one.get(name, ())) > 1 for name in doubtful for one in (left, right)):
            return True
        names = self.model.swapped or ()
        straight = [told.bits for told in scored.evidence if told.field in names]
        return len(straight) == 2 and sum(straight) >= 0 and self._fits_across(left, right)

    def _fits_across(self, left: Profile, right: Profile) -> bool:
        first, second = self.model.swapped or ("", "")
        return (
            self._across(left[first], right[second]) is not None
            and self._across(left[second], right[first]) is not None
        )

    def against(
        self,
        record: Profile,
        candidates: Iterable[tuple[Key, Profile]],
        *,
        system: str | None = None,
        systems: Mapping[Key, str] | None = None,
    ) -> list[Candidate[Key]]:
        """One changed record against its block: what is the same or for review, the best first.

        `system` and `systems` (by key): where each record lives, as far as that is known.
        """
        found = []
        for key, profile in candidates:
            same_system = system is not None and systems is not None and systems.get(key) == system
            scored = self.score(record, profile, same_system=same_system)
            if scored.outcome != "different":
                found.append(Candidate(key, scored))
        return sorted(found, key=lambda one: (-one.scored.bits, str(one.key)))

    def keys(self, profile: Profile, *, by: Set[str] | None = None) -> list[str]:
        """What a record is looked up by: two records that share one of these are worth a comparison. `by`: only those
        in which one of these fields has a part."""
        told = [part(profile) for part in self._parts]
        found: dict[str, None] = {}
        for name, places, fields in self._blocks:
            if by is not None and fields.isdisjoint(by):
                continue
            rows = [name]
            for at in places:
                some = told[at]
                if len(some) == 1 == len(rows):  # as mostly
                    rows = [f"{rows[0]}|{some[0]}"]
                elif some:
                    rows = [f"{row}|{value}" for row in rows for value in some]
                else:
                    break
            else:
                for row in rows:
                    found[row] = None
        return list(found)

    def _turn(self, found: dict[str, Evidence], left: Profile, right: Profile) -> None:
        """Names the other way round, where that fits better."""
        if self.model.swapped is None:
            return
        first, second = self.model.swapped
        if first not in found or second not in found or (straight := found[first].bits + found[second].bits) >= 0:
            return
        one = self._across(left[first], right[second])
        other = None if one is None else self._across(left[second], right[first])
        if one is None or other is None:
            return
        across = (one, other) if one.bits <= other.bits else (other, one)
        turned = across[0].bits + across[1].bits + self.model.swapped_bits
        if turned > straight:
            share = self.model.swapped_bits / 2
            for name, one in zip((first, second), across, strict=True):
                says = f"{one.says}, the names swapped"
                found[name] = Evidence(name, "swapped", one.bits + share, says, name in self.model.shared)

    def _place(self, found: dict[str, Evidence], left: Profile, right: Profile) -> None:
        """Names of companies beside the place that both are at: a town in the name says nothing of those who are there,
        and two of one name in one house are one, however common the name."""
        if self.model.kind != "company" or (name := found.get("name")) is None:
            return
        street, town, code = (
            (one := found.get(field)) is not None and one.level == "same"
            for field in ("street", "locality", "postcode")
        )
        house = street or ((one := found.get("street")) is not None and one.level == "typo")
        if name.level in BESIDE and (town or house) and "placed" in self.model.comparisons["name"].levels:
            towns = common(left["locality"], right["locality"]) if town else ()
            name = self._weigher.placed(left["name"], right["name"], towns, numbered=house) or name
            found["name"] = name
        if (
            (beyond := self.model.names_at_one_address) is not None
            and name.level in WHOLE
            and street
            and (town or code)
            and has_number(left["street"])
            and has_number(right["street"])
        ):
            least = self.prior + beyond - found["street"].bits
            if name.bits < least:
                found["name"] = Evidence("name", name.level, least, name.says, name.shared)

    def _of_one_word(self, found: dict[str, Evidence], left: Profile, right: Profile) -> None:
        """A name of one word beside a given and a family name: nobody knows which of the two it is."""
        if self.model.swapped is None:
            return
        given, family = self.model.swapped
        if given in found or (given in left) == (given in right):
            return
        if (straight := found.get(family)) is None or straight.level != "different":
            return
        word, names = (right, left) if given in left else (left, right)
        if not of_one_word(word[family]):
            return
        bits = self._weigher.weigh(self.model.comparisons[given], word[family], names[given]).bits
        if (limit := limit_as_given(self.model.comparisons[family])) is not None:
            bits = min(bits, limit)
        if bits > 0:
            found[family] = Evidence(family, "part", bits, "one name is the given name of the other", shared=True)

    def _across(self, one: Sequence[str], other: Sequence[str]) -> Evidence | None:
        """A given beside a family name: as common as the word is as either. None where that speaks for nothing."""
        least = None
        for name in self.model.swapped or ():
            way = self._weigher.weigh(self.model.comparisons[name], one, other)
            if way.bits <= 0:
                return None
            if least is None or way.bits < least.bits:
                least = way
        return least

    def _conflict(self, found: Mapping[str, Evidence]) -> str:
        """The first field, in the order of their names, that leaves the decision to a person."""
        first = ""
        for (name, level), excuses in self.model.conflicts.items():
            one = found.get(name)
            if one and one.level == level and not _excused(found, excuses):
                first = min(first, name) if first else name
        for name, level in self.model.vetoes:
            one = found.get(name)
            if one and one.level == level:
                first = min(first, name) if first else name
        return first


BESIDE: Final = ("part", "member", "part_and_other")  # levels of names of which one may tell more of the place
WHOLE: Final = ("same", "typo", "placed")
_OF_A_SHOP: Final = 3  # digits from which a number in a name is that of a shop, and not of a fund


def aside(name: str, towns: Sequence[str], *, numbered: bool) -> str:
    """The name of a company without the town that it is in and, where that is asked, without the number of a shop."""
    words = name.split()
    for town in towns:
        told = town.split()
        for at in range(len(words) - len(told), 0, -1):  # what begins with its town is called so
            if words[at : at + len(told)] == told:
                del words[at : at + len(told)]
                break
    if numbered:
        words = [word for at, word in enumerate(words) if not at or len(word) < _OF_A_SHOP or not word.isdecimal()]
    return " ".join(words)


def common(ours: Sequence[str], theirs: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for one in ours if one in theirs)


def has_number(streets: Sequence[str]) -> bool:
    """Of street lines: whether a house is told. The number stands first."""
    return any(one[0].isdigit() for one in streets)


def of_one_word(values: Sequence[str]) -> bool:
    return len(values) == 1 and " " not in values[0]


def limit_as_given(family: Comparison) -> float | None:
    """What the one word of a name counts at most that is the given name of the other: as a part of a family name."""
    return family.levels["part"].at_most if "part" in family.levels else None


def _excused(found: Mapping[str, Evidence], excuses: Iterable[tuple[str, str]]) -> bool:
    return any((one := found.get(name)) and one.level == level and not one.shared for name, level in excuses)


def combined(model: Model, prior: float, found: Mapping[str, Evidence]) -> float:
    """The sum: what is shared in a house counts only so far, and what says the same thing counts once."""
    own = shared = names = 0.0
    against, alike, best = 0.0, 0.0, -1.0
    together, identifiers = model.alike, model.identifiers if model.alike_shared else ()
    for name, (_, _, bits, _, in_house) in found.items():
        if name in together or (in_house and name in identifiers):
            if bits > 0:
                alike += bits
            else:
                against += bits
            best = max(best, bits, 0.0)
        elif in_house and bits > 0:
            shared += bits
        else:
            own += bits
        if bits > 0 and name in model.names:
            names += bits
    if best >= 0:  # there is any
        told = best + model.alike_rest * (alike - best)
        own += max(model.alike_at_least, against)
        if model.alike_shared:
            shared += told
        else:
            own += told
    allowed = prior + model.shared_at_most - lent(model, prior, found)
    beyond = max(0.0, shared - allowed, names - prior - model.names_at_most)
    return own + shared - prior - beyond


def lent(model: Model, prior: float, found: Mapping[str, Evidence]) -> float:
    """What an identifier that goes round in a house has said of the house, where nothing of one's own speaks."""
    if not model.lent or any(
        one.bits > 0 for name, one in found.items() if name not in model.lent and name not in model.shared
    ):
        return 0.0
    known = sum(max(0.0, one.bits) for name, one in found.items() if name in model.lent and not one.shared)
    return min(known, prior + model.shared_at_most - model.shared_beside)


Part: TypeAlias = Callable[[Profile], Sequence[str]]


def part_of(part: str) -> Part:
    """How the values of one part of a block are told of a profile."""
    if part == IN_ANY_ORDER:
        return _any_order
    name, _, what = part.partition(".")
    if not what:
        if name in ("name", "company"):
            return lambda profile: [latin(value) for value in profile.get(name, ())]
        return lambda profile: profile.get(name, ())
    form = PARTS[what]

    def read(profile: Profile) -> Sequence[str]:
        values = profile.get(name, ())
        if len(values) == 1:
            told = form(values[0])
            return (told,) if told else ()
        return list(dict.fromkeys(filter(None, map(form, values))))

    return read


def _any_order(profile: Profile) -> Sequence[str]:
    given, family = profile.get("given"), profile.get("family")
    if not given or not family:
        return ()
    return ("+".join(sorted((called(given[0]), sound(family[0])))),)
