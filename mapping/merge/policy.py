"""The words of the merge: sides, bases, decisions, and the policy of one field. No clock, no database, no network."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, Literal, Protocol, TypeAlias, cast

from msgspec import Struct

from mapping.values import ABSENT, Value


class Agreement(Enum):
    """A mark for `Base.hub`. An Enum, since it is its own identity in every process."""

    NEVER = "never"

    def __repr__(self) -> str:
        return "NEVER"


# Nothing the hub holds has been agreed with this side yet: differs from every golden value.
NEVER: Final = Agreement.NEVER

Verdict: TypeAlias = Literal["rest", "taken", "agreed", "held", "conflict", "reverted", "survived"]
Stand: TypeAlias = Literal["rest", "write", "held"]
Rule: TypeAlias = Literal["masters", "newest", "union", "restrictive", "review"]
ForeignEdit: TypeAlias = Literal["revert", "keep", "review", "adopt"]
MergeCode: TypeAlias = Literal["crm", "newest", "union", "strict", "src", "derived", "local"]

RULES: Final[tuple[str, ...]] = (
    "nobody",  # no side says anything
    "only value",  # one side has one, the others are empty
    "agreed",  # all say the same, as each of them can show it
    "masters",
    "newest",
    "union",
    "restrictive",
    "review",
    "only edit",
    "clear",
    "revert",
    "keep",
    "hub",  # the hub owns it, or holds it while nobody moves
)


class Base(Struct, frozen=True):
    """What one side showed and what the hub held when they last agreed. The two need not be equal."""

    side: Value
    hub: Value


def whole(value: Value) -> Value:
    """`shown` of a side that can hold everything."""
    return value


class Side(Struct, frozen=True, kw_only=True):
    """One record of an entity, seen from one field."""

    record: int
    system: str
    observed: Value
    base: Base | None = None
    modified: str | None = None
    trusted: bool = False
    live: bool = True
    represents: bool = True
    writable: bool = True
    written_by_hub: bool = False
    shown: Callable[[Value], Value] = whole


class Decision(Struct, frozen=True, kw_only=True):
    """What one field of one entity becomes, and why.

    `stands` and `bases` follow the order of the sides. A stand is `rest` (the side and the hub agree, perhaps
    unequally), `write` (the side is to show something else) or `held` (nothing moves until an input does).
    `bases` are the bases from now on: store them as they are. A side whose edit was overruled gets
    `(observed, observed)`, as if the hub had taken it and gone on: the edit is dealt with, and a write is due
    whatever golden becomes later. With the old base kept, a golden that returns to it would make the overruled edit
    look like a new one, or like rest. A side that is to be written at first contact gets `(observed, NEVER)`.
    """

    golden: Value
    verdict: Verdict
    winner: int | None
    reason: str
    rule: str
    losers: Sequence[int]
    stands: Sequence[Stand]
    bases: Sequence[Base | None]


class FieldLike(Protocol):
    """What the policy needs to know of a field of the schema."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> Literal["unit", "set"]: ...
    @property
    def key(self) -> tuple[str, ...]: ...
    @property
    def merge(self) -> MergeCode: ...
    @property
    def required(self) -> bool: ...
    @property
    def clears_spread(self) -> bool: ...


_ON_CONFLICT: Final[Mapping[str, tuple[Rule, ...]]] = {
    "crm": ("review",),
    "newest": ("newest", "masters", "review"),
    "union": ("union", "review"),
    "strict": ("restrictive",),
    "src": ("review",),
    "derived": ("review",),
    "local": ("review",),
}
_HUBS_OWN: Final = ("derived", "src", "strict", "local")  # `merge.defaults` of a file does not reach these


class FieldPolicy(Struct, frozen=True, kw_only=True):
    """How one field is merged. `masters` in rank order: who is not named is written to, not believed."""

    masters: tuple[str, ...] = ()
    on_conflict: tuple[Rule, ...] = ("review",)
    on_foreign_edit: ForeignEdit = "review"
    allow_clear: tuple[str, ...] = ()
    tolerance: timedelta = timedelta(minutes=5)
    shape: Literal["unit", "set"] = "unit"
    key: tuple[str, ...] = ()
    code: MergeCode = "crm"
    required: bool = False
    # Whose later grant with evidence reopens a consent.
    authoritative: tuple[str, ...] = ()
    # Masters that the operator named for this very field: believed even where they can show only a part of it.
    named: tuple[str, ...] = ()

    @classmethod
    def for_field(
        cls,
        field: FieldLike,
        *,
        masters: Sequence[str],
        overrides: Mapping[str, object] | None = None,
        defaults: Mapping[str, object] | None = None,
    ) -> "FieldPolicy":
        """The policy of a field: by its merge code, then `merge.defaults`, then the line for this very field.

        The keys of both mappings are those of the file: `masters`, `on_conflict`, `on_foreign_edit`,
        `allow_clear`, `tolerance` (a timedelta or seconds), and `authoritative` for consent.
        """
        own = dict(overrides or {})
        told = {**({} if field.merge in _HUBS_OWN else dict(defaults or {})), **own}
        if "masters" in (defaults or {}) and "masters" not in told:
            told["masters"] = (defaults or {})["masters"]
        ranked = _names(told.get("masters", masters))
        on_conflict = cast(tuple[Rule, ...], _names(told.get("on_conflict", _ON_CONFLICT[field.merge])))
        clears = _names(told.get("allow_clear", ranked if field.clears_spread else ()))
        tolerance = told.get("tolerance", timedelta(minutes=5))
        if not isinstance(tolerance, timedelta):
            tolerance = timedelta(seconds=float(cast(float, tolerance)))
        revert = field.merge in ("derived", "src")
        return cls(
            masters=() if field.merge == "derived" else ranked,
            on_conflict=("restrictive",) if field.merge == "strict" else on_conflict,
            on_foreign_edit=cast(ForeignEdit, told.get("on_foreign_edit", "revert" if revert else "review")),
            allow_clear=() if field.required or field.merge == "strict" else clears,
            tolerance=tolerance,
            shape=field.shape,
            key=field.key,
            code=field.merge,
            required=field.required,
            authoritative=_names(told.get("authoritative", ())),
            named=_names(own.get("masters", ())),
        )

    def rank(self, system: str) -> int | None:
        """The place of a system among the masters; None: it is not believed."""
        try:
            return self.masters.index(system)
        except ValueError:
            return None


def _names(given: object) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(cast(Sequence[str], given))


def is_empty(value: Value) -> bool:
    return value is None or value is ABSENT


def changed(side: Side) -> bool:
    """Did somebody edit it there since it last agreed with the hub? Absent is never a change."""
    base, observed = side.base, side.observed
    if base is None or observed is ABSENT:
        return False
    if base.side is ABSENT:
        # It could not be read when it was agreed: what it shows of the agreed value is no edit, nor is a gap.
        return observed is not None and (base.hub is NEVER or bool(observed != side.shown(base.hub)))
    return bool(observed != base.side)


def moved(side: Side, golden: Value) -> bool:
    """Does the hub hold something else than when it last agreed with this side?"""
    return side.base is None or side.base.hub is NEVER or bool(side.base.hub != golden)


def shows(side: Side, golden: Value) -> bool:
    """Does this side hold all of a value that it can hold?"""
    if side.observed is ABSENT or golden is ABSENT:
        return False
    return bool(side.observed == golden) or bool(side.observed == side.shown(golden))


Fate: TypeAlias = Literal["", "held", "kept", "cleared"]


def stand(side: Side, golden: Value, fate: Fate, policy: FieldPolicy) -> tuple[Stand, Base | None]:
    """Where a side stands once golden is decided, and its base from then on."""
    observed, base = side.observed, side.base
    if fate == "held":
        return "held", base
    if observed is ABSENT:
        return _stand_unread(side, golden)
    if golden is ABSENT:
        # Who shows nothing agrees with that, and whatever is said there again is an edit.
        return "rest", Base(observed, golden) if base is None or observed is None else base
    moves = moved(side, golden)
    if (
        shows(side, golden)
        or fate == "kept"
        or (fate == "cleared" and not moves)
        or not (side.represents and side.writable)
    ):
        return "rest", Base(observed, golden)
    edited = changed(side)
    if not (edited or moves):
        gap = observed is None and base is not None and base.side is ABSENT
        return ("write", Base(None, NEVER)) if gap and side.live else ("rest", Base(observed, golden))
    never_agreed = base is None or base.hub is NEVER
    if golden is None and never_agreed and policy.code != "derived":
        # Emptying a side needs evidence: that it once agreed with what is now gone.
        return "rest", Base(observed, None)
    if golden is None and base is None:
        return "rest", Base(observed, None)
    if not side.live:
        return "held", base  # due once the record is restored
    if base is None or base.hub is NEVER:
        return "write", Base(observed, NEVER)
    return "write", Base(observed, observed if edited else base.hub)


def _stand_unread(side: Side, golden: Value) -> tuple[Stand, Base | None]:
    base = side.base
    known = ABSENT if base is None else base.side
    if golden is ABSENT or not moved(side, golden) or (base is None and golden is None):
        return "rest", base
    if not (side.represents and side.writable):
        return "rest", base if base is None else Base(known, golden)
    if not side.live:
        return "held", base
    return "write", Base(known, NEVER if base is None else base.hub)


def conclude(
    sides: Sequence[Side],
    *,
    golden: Value,
    policy: FieldPolicy,
    verdict: Verdict,
    winner: Side | None,
    reason: str,
    rule: str,
    losers: Sequence[Side] = (),
    fates: Mapping[int, Fate],
) -> Decision:
    """A decision with the stand of every side. `fates` goes by position."""
    stands = [stand(side, golden, fates.get(at, ""), policy) for at, side in enumerate(sides)]
    return Decision(
        golden=golden,
        verdict=verdict,
        winner=None if winner is None else winner.record,
        reason=reason,
        rule=rule,
        losers=sorted(side.record for side in losers),
        stands=[one for one, _ in stands],
        bases=[base for _, base in stands],
    )


def named(sides: Sequence[Side]) -> str:
    """The systems of some sides, in words."""
    names = sorted({side.system for side in sides})
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def precedence(side: Side, policy: FieldPolicy) -> tuple[bool, bool, bool, int, str, int]:
    """Sorts sides: represents before duplicate, live before archived, own words before the hub's, then rank."""
    rank = policy.rank(side.system)
    return (
        not side.represents,
        not side.live,
        side.written_by_hub,
        len(policy.masters) if rank is None else rank,
        side.system,
        side.record,
    )
