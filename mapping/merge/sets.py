"""Lists as sets with keys: three-way per element. Order is no information, the empty set is a cleared field."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from msgspec.structs import replace

from mapping.merge.policy import (
    NEVER,
    Base,
    Decision,
    Fate,
    FieldPolicy,
    Side,
    changed,
    conclude,
    is_empty,
    named,
    precedence,
    shows,
)
from mapping.values import ABSENT, Value

ElementKey = tuple[str, ...] | str


class Unit(Protocol):
    """The rule for one value, applied to one element."""

    def __call__(self, sides: Sequence[Side], *, golden: Value, policy: FieldPolicy) -> Decision: ...


def keyed(value: Value, key: tuple[str, ...]) -> dict[ElementKey, Value]:
    """The elements of a set by their key; of two with one key the first stands."""
    elements: dict[ElementKey, Value] = {}
    for element in value or ():
        elements.setdefault(key_of(element, key), element)
    return elements


def key_of(element: Value, key: tuple[str, ...]) -> ElementKey:
    if not key or not isinstance(element, Mapping):
        return str(element)
    return tuple(str(part) if (part := element.get(name)) is not None else "" for name in key)


def as_set(elements: Mapping[ElementKey, Value]) -> Value:
    """The common form: sorted by key, and None where nothing is left."""
    return [elements[key] for key in sorted(elements)] or None


def merge_set(sides: Sequence[Side], *, golden: Value, policy: FieldPolicy, unit: Unit) -> Decision:
    """Gone on one side and untouched elsewhere is removed; added on one side is added; the rest is `unit`'s.

    A side that empties the whole set clears the field: that spreads only from `allow_clear`. A conflict over one
    element holds every edit of the sides in it, so nothing of theirs is taken twice when it is settled.
    """
    cleared = {
        at
        for at, side in enumerate(sides)
        if changed(side)
        and side.observed is None
        and not is_empty(golden)
        and (policy.required or side.system not in policy.allow_clear)
    }
    still = set(cleared)
    contested: set[int] = set()
    while True:
        found = _elementwise(sides, golden=golden, policy=policy, unit=unit, still=still | contested)
        if not found.contested:
            break
        contested |= found.contested
    value = golden if policy.required and is_empty(found.value) else found.value
    fates: dict[int, Fate] = dict.fromkeys(contested, "held")
    for at in cleared:
        if policy.on_foreign_edit != "revert" or policy.rank(sides[at].system) is not None:
            fates.setdefault(at, "cleared")
    for at in found.kept:
        fates.setdefault(at, "kept")
    losers = [sides[at] for at in sorted(contested | found.overruled | cleared | found.kept)]
    winner = min((sides[at] for at in found.winners), key=lambda side: precedence(side, policy), default=None)
    if contested:
        who = named([sides[at] for at in contested])
        verdict, rule, reason = "conflict", "review", f"{who} changed the same entry and no rule decides"
    elif value != golden:
        verdict, rule = "taken", found.rule
        reason = _reason([sides[at] for at in found.winners])
    elif found.kept:
        who = named([sides[at] for at in found.kept])
        verdict, rule, reason = "held", "keep", f"{who} changed it and is no master of it: left as it is there"
    elif found.overruled:
        who = named([sides[at] for at in found.overruled])
        verdict, rule, reason = "reverted", found.rule, f"{who} changed it and does not decide it: written back"
    elif cleared:
        who = named([sides[at] for at in cleared])
        verdict, rule, reason = "held", "clear", f"{who} cleared it; a clear from there does not spread"
    else:
        verdict, rule, reason = "rest", "hub", "nobody changed it"
    return conclude(
        sides,
        golden=value,
        policy=policy,
        verdict=verdict,  # type: ignore[arg-type] # one of its words on every path above
        winner=winner if value != golden else None,
        reason=reason,
        rule=rule,
        losers=losers,
        fates=fates,
    )


def _reason(winners: Sequence[Side]) -> str:
    if not winners:
        return "settled entry by entry"
    who = named(winners)
    return f"only {who} changed it" if len(winners) == 1 else f"{who} changed different entries"


class _Found:
    __slots__ = ("contested", "kept", "overruled", "rule", "value", "winners")

    def __init__(self) -> None:
        self.value: Value = ABSENT
        self.contested: set[int] = set()
        self.kept: set[int] = set()
        self.overruled: set[int] = set()
        self.winners: set[int] = set()
        self.rule = "only edit"


def _elementwise(sides: Sequence[Side], *, golden: Value, policy: FieldPolicy, unit: Unit, still: set[int]) -> _Found:
    """Every element by itself. Sides in `still` do not speak: their edits wait."""
    key = policy.key
    before = keyed(None if golden is ABSENT else golden, key)
    speaking = [at for at, side in enumerate(sides) if at not in still and changed(side) and not shows(side, golden)]
    views: dict[int, tuple[dict[ElementKey, Value], dict[ElementKey, Value], dict[ElementKey, Value] | None]] = {}
    names = set(before)
    for at, side in enumerate(sides):
        base = side.base
        if side.observed is ABSENT or base is None or at in still:
            continue
        agreed = None if base.hub is NEVER else keyed(None if base.hub is ABSENT else base.hub, key)
        shown_then = keyed(side.shown(base.hub) if base.side is ABSENT and agreed else base.side or None, key)
        views[at] = (keyed(side.observed, key), shown_then, agreed)
        if at in speaking:
            names |= set(views[at][0]) | set(shown_then)
    found = _Found()
    after: dict[ElementKey, Value] = {}
    element_policy = _for_elements(policy, sides)
    positions = {side.record: at for at, side in enumerate(sides)}
    for name in sorted(names):
        old = before.get(name)
        elements = []
        places = []
        for at, (now, then, agreed) in views.items():
            side = sides[at]
            mine = now.get(name) if at in speaking else then.get(name)
            if not side.represents and mine is None:
                mine = then.get(name)  # a duplicate may add, it removes nothing
            base = Base(then.get(name), NEVER if agreed is None else agreed.get(name))
            elements.append(
                replace(
                    side,
                    observed=mine,
                    base=base,
                    shown=_shown_element(side.shown, name, key),
                )
            )
            places.append(at)
        decision = unit(elements, golden=old, policy=element_policy)
        edited = {at for at, element in zip(places, elements, strict=True) if changed(element)}
        if decision.verdict == "conflict":
            found.contested |= {
                at for at, one in zip(places, decision.stands, strict=True) if one == "held" and at in edited
            }
        lost = {positions[record] for record in decision.losers}
        if policy.on_foreign_edit == "keep":
            found.kept |= {at for at in lost if policy.rank(sides[at].system) is None}
        found.overruled |= lost - found.kept
        if decision.golden != old and not (decision.golden is None and is_empty(old)):
            found.winners |= edited - lost
            found.rule = decision.rule
        elif lost:
            found.rule = decision.rule
        if not is_empty(decision.golden):
            after[name] = decision.golden
    found.value = as_set(after)
    if found.value is None and golden is ABSENT and not found.winners:
        found.value = ABSENT
    return found


def _for_elements(policy: FieldPolicy, sides: Sequence[Side]) -> FieldPolicy:
    """Removing an entry is an edit of the set, not a clear; and a slot says all there is to say of its entry."""
    systems = tuple({side.system for side in sides})
    return replace(policy, allow_clear=systems, required=False, named=systems)


def _shown_element(shown: Callable[[Value], Value], name: ElementKey, key: tuple[str, ...]) -> Callable[[Value], Value]:
    def of_element(element: Value) -> Value:
        return element if is_empty(element) else keyed(shown([element]), key).get(name)

    return of_element


MAY_ADD: Final = ("union",)


def survive_set(ranked: Sequence[Side], *, golden: Value, policy: FieldPolicy, keep: bool) -> tuple[Value, list[Side]]:
    """The union by key of those who speak, the best rank deciding what an entry looks like.

    `ranked` in order of precedence. `keep`: what golden holds already stands before all of them. Also answers
    who gave an entry.
    """
    after = keyed(None if golden is ABSENT else golden, policy.key) if keep else {}
    gave: list[Side] = []
    for side in ranked:
        if not side.represents and after and policy.code not in MAY_ADD:
            continue
        new = False
        for name, element in keyed(side.observed, policy.key).items():
            if name not in after:
                after[name] = element
                new = True
        if new:
            gave.append(side)
    return as_set(after), gave
