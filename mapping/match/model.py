"""The model of scored matching, read from its file: weights in bits, thresholds, blocks, limits. One per kind."""

from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from hashlib import blake2b
from importlib.resources import files
from typing import Any, Final, Literal

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from mapping.match.compare import COMPARISONS, Compare

Outcome = Literal["same", "review", "different"]
KINDS: Final = ("person", "company")
DIFFERING: Final = ("email", "phone")  # of `doubts`: what it counts more, by the records, that these are different
IN_ANY_ORDER: Final = "name.any_order"  # a part of blocks: both names
SYSTEM: Final = ("system", "same")  # of `vetoes`: two records that one system keeps apart


class ModelError(ValueError):
    """A model file that cannot be used. Says which part, what was found and what is allowed."""


class Level(Struct, frozen=True, kw_only=True):
    """What one level of likeness counts, in bits.

    `rarity`: how much of the value's rarity is added. `words`: how much of the rarities of the words that both share
    is added instead; then `beyond` is how many bits that may be over the rarity of the whole value. `shared`: it counts
    with what a house shares, whatever the field.
    """

    bits: float = 0.0
    rarity: float = 0.0
    words: float = 0.0
    beyond: float | None = None
    at_most: float | None = None
    says: str = ""
    shared: bool = False


class Comparison(Struct, frozen=True, kw_only=True, dict=True):
    """How one field is compared."""

    field: str
    how: str
    levels: Mapping[str, Level]

    @cached_property
    def compare(self) -> Compare:
        return COMPARISONS[self.how]

    @property
    def at_most(self) -> float | None:
        """Bits that no level is beyond; None where rarity alone limits one of them."""
        told = [
            level.at_most if level.at_most is not None else level.bits
            for level in self.levels.values()
            if level.at_most is not None or not (level.rarity or level.words)
        ]
        return max(told) if len(told) == len(self.levels) else None


class Model(Struct, frozen=True, kw_only=True, dict=True):
    """One model file. What its parts mean stands in the file that ships, `models/person.yaml`."""

    version: int
    kind: str
    same: float
    same_at_most: float  # how far a batch may raise `same` where too many of its joins would be doubtful
    wrong: float  # share of joins that may be wrong, as far as their bits tell
    review: float
    comparisons: Mapping[str, Comparison]
    identifiers: Mapping[str, int]
    shared: frozenset[str]
    shared_at_most: float
    shared_beside: float  # what it says at most beside one of `lent`, where nothing of one's own speaks
    alike: tuple[str, ...]
    alike_rest: float
    alike_at_least: float
    names: tuple[str, ...]
    names_at_most: float
    names_at_one_address: float | None  # bits over the prior that a name and one address count at the least
    alike_shared: bool  # whether these count with what is shared
    swapped: tuple[str, str] | None
    swapped_bits: float
    conflicts: Mapping[tuple[str, str], tuple[tuple[str, str], ...]]  # by (field, level) what excuses it, likewise
    same_system: float
    blocks: tuple[tuple[str, ...], ...]
    limits: Mapping[str, int] = field(default_factory=dict)
    lent: frozenset[str] = frozenset()  # identifiers that go round in a house, as the records have shown
    doubts: Mapping[tuple[str, str], float] = field(default_factory=dict)  # by (field, level), as they have shown, too
    vetoes: frozenset[tuple[str, str]] = frozenset()  # levels that are for a person, as they have shown; see `learned`
    rivals: bool = False  # whether records in conflict are two, as they have shown

    @property
    def watched(self) -> tuple[str, ...]:
        """Fields whose levels records may show to be worth more or less than the file says."""
        told = (name for name in DIFFERING if name in self.comparisons and name not in self.names)
        return (*self.names, *told, *self.places)

    @property
    def places(self) -> tuple[str, ...]:
        """Of companies the fields that tell where they are: whether another place is another company, records show."""
        own = () if self.alike_shared else self.alike
        return tuple(name for name in own if (name, "different") not in self.conflicts)

    @cached_property
    def found_by(self) -> tuple[frozenset[str], ...]:
        """The fields that the parts of each block are made of."""
        both = frozenset({"given", "family"})
        return tuple(
            frozenset().union(*(both if part == IN_ANY_ORDER else {part.partition(".")[0]} for part in block))
            for block in self.blocks
        )

    @cached_property
    def digest(self) -> str:
        """Of all that decides: equal for equal models, in every process."""
        told = ((name, getattr(self, name)) for name in sorted(self.__struct_fields__))
        text = repr([(name, sorted(one) if isinstance(one, frozenset) else one) for name, one in told])
        return blake2b(text.encode(), digest_size=8).hexdigest()

    def learned(self) -> dict[str, Any]:
        """What a batch has learned of its records, for `taught`: numbers and names of fields alone."""
        return {
            "same": self.same,
            "same_system": self.same_system,
            "lent": sorted(self.lent),
            "doubts": {".".join(of): bits for of, bits in sorted(self.doubts.items())},
            "vetoes": sorted(map(".".join, self.vetoes)),
            "rivals": self.rivals,
            "bits": {name: self.comparisons[name].levels["same"].bits for name in sorted(self.lent)},
        }

    def taught(self, told: Mapping[str, Any]) -> "Model":
        """This model with what a batch has learned: see `learned`."""
        comparisons = dict(self.comparisons)
        for name, bits in told["bits"].items():
            same = replace(comparisons[name].levels["same"], bits=float(bits))
            comparisons[name] = replace(comparisons[name], levels={**comparisons[name].levels, "same": same})
        return replace(
            self,
            comparisons=comparisons,
            same=float(told["same"]),
            same_system=float(told["same_system"]),
            lent=frozenset(told["lent"]),
            doubts=_doubts(told.get("doubts", {})),
            vetoes=_vetoes(told.get("vetoes", ())),
            rivals=bool(told.get("rivals")),
        )

    def outcome(self, bits: float) -> Outcome:
        if bits >= self.same:
            return "same"
        return "review" if bits >= self.review else "different"


@cache
def shipped(kind: str) -> Model:
    """The model of "person" or "company" that ships with the package."""
    from yaml import safe_load

    text = files("mapping.match.models").joinpath(f"{kind}.yaml").read_text(encoding="utf-8")
    return read(safe_load(text))


def read(told: Mapping[str, Any]) -> Model:
    """Of the content of a model file. Raises ModelError."""
    if not isinstance(told, Mapping):
        raise ModelError("the file is no mapping of `kind`, `thresholds`, `comparisons`, ...")
    if told.get("version") != 1:
        raise ModelError(f"version: {told.get('version')!r} was found; this program reads version 1")
    if told.get("kind") not in KINDS:
        raise ModelError(f"kind: {told.get('kind')!r} was found; one of {', '.join(KINDS)} is allowed")
    try:
        return _read(told)
    except ModelError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(
            f"a part is missing or of the wrong shape: {error}; compare with the model that ships"
        ) from None


def _read(told: Mapping[str, Any]) -> Model:
    comparisons = {name: _comparison(name, one) for name, one in told["comparisons"].items()}
    shared, alike, conflicts = told["shared"], told["alike"], told["conflicts"]
    swapped, thresholds = told.get("swapped"), told["thresholds"]
    excuses = {_level(name, "different"): tuple(_excuse(one) for one in told) for name, told in conflicts.items()}
    named = [*told["identifiers"], *shared["of"], *alike["of"], *(name for name, _ in excuses)]
    named += [name for told in excuses.values() for name, _ in told]
    named += told["names"]["of"] if told.get("names") else []
    named += told.get("lent", ())
    for name in [*named, *(swapped["of"] if swapped else ())]:
        if name not in comparisons:
            raise ModelError(f"'{name}' has no comparison; there are: {', '.join(comparisons)}")
    names, doubts = (tuple(told["names"]["of"]) if told.get("names") else ()), _doubts(told.get("doubts", {}))
    for name, _ in doubts:
        if name not in (*names, *alike["of"], *DIFFERING):
            raise ModelError(f"doubts: '{name}' is none of names.of: {', '.join(names)}, nor {' or '.join(DIFFERING)}")
    vetoes = _vetoes(told.get("vetoes", ()))
    for name, _ in vetoes - {SYSTEM}:
        if name not in (*names, *alike["of"]):
            raise ModelError(f"vetoes: '{name}' is none of names.of: {', '.join(names)}, and not system.same")
    for name, level in (*excuses, *doubts, *(vetoes - {SYSTEM})):
        if level not in comparisons[name].levels:
            raise ModelError(f"'{name}.{level}' is no level; there are: {', '.join(comparisons[name].levels)}")
    return Model(
        version=1,
        kind=told["kind"],
        same=float(thresholds["same"]),
        same_at_most=max(float(thresholds["same"]), float(thresholds.get("same_at_most", thresholds["same"]))),
        wrong=float(thresholds.get("wrong", 1.0)),
        review=float(thresholds["review"]),
        comparisons=comparisons,
        identifiers={name: int(names) for name, names in told["identifiers"].items()},
        shared=frozenset(shared["of"]),
        shared_at_most=float(shared["at_most"]),
        shared_beside=float(shared.get("beside", shared["at_most"])),
        alike=tuple(alike["of"]),
        alike_rest=float(alike["rest"]),
        alike_at_least=float(alike["at_least"]),
        names_at_one_address=_number((told.get("names") or {}).get("at_one_address")),
        alike_shared=set(alike["of"]) <= set(shared["of"]),
        names=names,
        names_at_most=float(told["names"]["at_most"]) if told.get("names") else 0.0,
        swapped=(swapped["of"][0], swapped["of"][1]) if swapped else None,
        swapped_bits=float(swapped["bits"]) if swapped else 0.0,
        conflicts=excuses,
        same_system=float(told["same_system"]["bits"]),
        blocks=tuple(tuple(one) for one in told["blocks"]),
        limits={name: int(limit) for name, limit in told["limits"].items()},
        lent=frozenset(told.get("lent", ())),
        doubts=doubts,
        vetoes=vetoes,
        rivals=bool(told.get("rivals")),
    )


def _number(told: float | None) -> float | None:
    return None if told is None else float(told)


def _vetoes(told: Iterable[str]) -> frozenset[tuple[str, str]]:
    return frozenset(_level(name, "same") for name in told)


def _doubts(told: Mapping[str, Any]) -> dict[tuple[str, str], float]:
    return {_level(name, "different"): float(bits) for name, bits in told.items()}


def _excuse(told: str) -> tuple[str, str]:
    """`id` or `id.typo`."""
    name, level = _level(told, "same")
    if level not in ("same", "typo"):
        raise ModelError(f"conflicts: '{told}' was found; a field, FIELD.same or FIELD.typo is allowed")
    return name, level


def _level(told: str, usual: str) -> tuple[str, str]:
    """Field and level of `name.member`; of a field alone the usual level."""
    name, _, level = told.partition(".")
    return name, level or usual


def _comparison(name: str, told: Mapping[str, Any]) -> Comparison:
    if told["how"] not in COMPARISONS:
        raise ModelError(
            f"comparisons.{name}.how: {told['how']!r} was found; one of {', '.join(COMPARISONS)} is allowed"
        )
    return Comparison(
        field=name, how=told["how"], levels={level: Level(**one) for level, one in told["levels"].items()}
    )


def told(model: Model) -> dict[str, Any]:
    """The content of a file that reads as this model: `read(told(model)) == model`."""
    made: dict[str, Any] = {
        "version": model.version,
        "kind": model.kind,
        "thresholds": {
            "same": model.same, "same_at_most": model.same_at_most, "wrong": model.wrong, "review": model.review
        },
        "comparisons": {name: _comparison_told(one) for name, one in model.comparisons.items()},
        "identifiers": dict(model.identifiers),
        "shared": {"of": sorted(model.shared), "at_most": model.shared_at_most, "beside": model.shared_beside},
        "alike": {"of": list(model.alike), "rest": model.alike_rest, "at_least": model.alike_at_least},
        "conflicts": {".".join(of): [".".join(one) for one in excuses] for of, excuses in model.conflicts.items()},
        "same_system": {"bits": model.same_system},
        "blocks": [list(block) for block in model.blocks],
        "limits": dict(model.limits),
    }  # fmt: skip
    if model.names:
        made["names"] = {"of": list(model.names), "at_most": model.names_at_most}
        if model.names_at_one_address is not None:
            made["names"]["at_one_address"] = model.names_at_one_address
    if model.swapped is not None:
        made["swapped"] = {"of": list(model.swapped), "bits": model.swapped_bits}
    if model.lent:
        made["lent"] = sorted(model.lent)
    if model.doubts:
        made["doubts"] = {".".join(of): bits for of, bits in model.doubts.items()}
    if model.vetoes:
        made["vetoes"] = sorted(map(".".join, model.vetoes))
    if model.rivals:
        made["rivals"] = True
    return made


def _comparison_told(one: Comparison) -> dict[str, Any]:
    usual = asdict(Level())
    levels = {
        name: {part: value for part, value in asdict(level).items() if part == "bits" or value != usual[part]}
        for name, level in one.levels.items()
    }
    return {"how": one.how, "levels": levels}
