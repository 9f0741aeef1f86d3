"""What one field of one entity becomes, once every side has a base: what changed where since it last agreed.

The order of the story: who changed it (absent is never a change) · what only agrees with golden · which clears
count · the sources among themselves, and against a hub that moved unseen by them · the edits of sides that are
no source · where each side stands then.
"""

import re
from collections.abc import Sequence
from itertools import combinations
from typing import Final

from mapping.merge.consent import merge_consent
from mapping.merge.policy import (
    NEVER,
    Decision,
    Fate,
    FieldPolicy,
    Side,
    changed,
    conclude,
    instant,
    is_empty,
    moved,
    named,
    precedence,
    shows,
)
from mapping.merge.sets import merge_set
from mapping.values import ABSENT, Value

_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")


def merge(sides: Sequence[Side], *, golden: Value, policy: FieldPolicy) -> Decision:
    """Three-way: every side with a base. The order of the sides changes nothing but the order of the stands."""
    if policy.code == "local":
        return untouched(sides, golden=ABSENT, policy=policy, reason="kept per record, never merged")
    if policy.code == "strict":
        return merge_consent(sides, golden=golden, policy=policy)
    if policy.shape == "set":
        return merge_set(sides, golden=golden, policy=policy, unit=merge_unit)
    return merge_unit(sides, golden=golden, policy=policy)


def untouched(sides: Sequence[Side], *, golden: Value, policy: FieldPolicy, reason: str) -> Decision:
    """Golden as it is; what differs from it is left alone."""
    return conclude(
        sides,
        golden=golden,
        policy=policy,
        verdict="rest",
        winner=None,
        reason=reason,
        rule="hub",
        fates={},
    )


def merge_unit(sides: Sequence[Side], *, golden: Value, policy: FieldPolicy) -> Decision:
    """One value decided whole."""
    fates: dict[int, Fate] = {}
    sources: list[int] = []
    foreign: list[int] = []
    fillers: list[int] = []
    agreeing: list[Side] = []  # came to what golden is: overruled only if golden goes on
    cleared: list[Side] = []
    issuer = issuer_of(sides) if policy.code == "src" else None
    for at, side in enumerate(sides):
        if not changed(side):
            continue
        if shows(side, golden):
            agreeing.append(side)
            continue
        if not side.represents:
            if is_empty(golden) and side.observed is not None:
                fillers.append(at)
            continue
        source = is_source(side, edits=_edited(side), policy=policy, issuer=issuer)
        if side.observed is None:
            if is_empty(golden):
                continue
            if side.system not in policy.allow_clear or policy.required:
                cleared.append(side)
                if source or policy.on_foreign_edit != "revert":
                    fates[at] = "cleared"
                continue
        (sources if source else foreign).append(at)

    verdict, rule, reason, winner = "rest", "hub", "nobody changed it", None
    losers: list[Side] = []
    value = golden
    if sources or (fillers and not foreign):
        contenders = sources or fillers
        outcome = _contend(sides, contenders, golden=golden, policy=policy)
        value, winner, rule, reason = outcome.value, outcome.winner, outcome.rule, outcome.reason
        losers += [sides[at] for at in contenders if not shows(sides[at], value)]
        verdict = "conflict" if rule == "review" else "agreed" if rule == "agreed" else "taken"
        if rule == "review":
            fates.update(dict.fromkeys(contenders, "held"))
    for at in sorted(foreign, key=lambda at: precedence(sides[at], policy)):
        side = sides[at]
        if shows(side, value):
            continue
        losers.append(side)
        fate, foreign_rule, foreign_reason = _foreign(side, golden=value, policy=policy)
        if fate:
            fates[at] = fate
        if verdict in ("rest", "reverted", "held") and verdict != "conflict":
            verdict = "conflict" if fate == "held" else "held" if fate == "kept" else "reverted"
            rule, reason = foreign_rule, foreign_reason
        elif fate == "held":
            verdict, rule, reason = "conflict", "review", f"{reason}; {foreign_reason}"
    if cleared:
        losers += cleared
        note = _clear_reason(cleared, policy)
        if verdict == "rest":
            refilled = all(fates.get(at) != "cleared" for at, side in enumerate(sides) if side in cleared)
            verdict, rule, reason = ("reverted" if refilled else "held"), "clear", note
        else:
            reason = f"{reason}; {note}"
    losers += [side for side in agreeing if not shows(side, value)]
    return conclude(
        sides,
        golden=value,
        policy=policy,
        verdict=verdict,  # type: ignore[arg-type] # one of its words on every path above
        winner=winner,
        reason=reason,
        rule=rule,
        losers=losers,
        fates=fates,
    )


def issuer_of(sides: Sequence[Side]) -> int | None:
    """The record that a `src` field comes from: the first that was landed; copies are made later."""
    return min((side.record for side in sides if side.represents), default=None)


def is_source(side: Side, *, edits: Value, policy: FieldPolicy, issuer: int | None = None) -> bool:
    """May golden take this side's word? `edits`: what it was that somebody changed there; empty at first contact."""
    if policy.code == "derived":
        return False
    if policy.code == "src":
        return side.record == issuer
    believed = policy.rank(side.system) is not None or policy.on_foreign_edit == "adopt"
    if not believed or side.system in policy.named or is_empty(edits):
        return believed
    # It can show only a part of what it edits: believed only where the operator says so. A number that it rounds is
    # typed anew as a whole.
    shown = side.shown(edits)
    return bool(shown == edits) or _is_rounded(shown, edits)


def _is_rounded(shown: Value, whole: Value) -> bool:
    """Is it a number, or holds one, of fewer decimals?"""
    if isinstance(shown, dict) and isinstance(whole, dict):
        return shown.keys() == whole.keys() and all(
            part == whole[name] or _is_rounded(part, whole[name]) for name, part in shown.items()
        )
    if not (isinstance(shown, str) and isinstance(whole, str)):
        return False
    return _NUMBER.fullmatch(shown) is not None and "." in whole and _NUMBER.fullmatch(whole) is not None


def _edited(side: Side) -> Value:
    """What an edit was made of: what the side and the hub agreed on last; before that, what it showed.

    Not golden: that may move while the edit waits for somebody, and whoever was no source would become one by it.
    """
    if side.base is None:
        return None
    return side.base.side if side.base.hub is NEVER else side.base.hub


class _Outcome:
    __slots__ = ("reason", "rule", "value", "winner")

    def __init__(self, value: Value, winner: Side | None, rule: str, reason: str) -> None:
        self.value, self.winner, self.rule, self.reason = value, winner, rule, reason


class _Claim:
    """A value in contention, with those who say it. `seen`: the hub's own value says it too."""

    __slots__ = ("by", "hub", "value")

    def __init__(self, value: Value, by: list[Side], *, hub: bool = False) -> None:
        self.value, self.by, self.hub = value, by, hub


def _contend(sides: Sequence[Side], edits: Sequence[int], *, golden: Value, policy: FieldPolicy) -> _Outcome:
    """The edits of sources among themselves, and against golden where none of them had seen it."""
    ranked = sorted((sides[at] for at in edits), key=lambda side: precedence(side, policy))
    agreed = common(ranked)
    unseen = all(moved(side, golden) for side in ranked)
    if agreed is not ABSENT and not unseen:
        return _sole(agreed, ranked)
    claims = [_Claim(value, by) for value, by in _grouped(ranked)]
    if unseen:
        claims.append(_Claim(golden, _backers(sides, golden), hub=True))
    for rule in policy.on_conflict:
        if rule == "masters":
            found = _by_masters(claims, policy)
        elif rule == "newest":
            found = _by_newest(claims, policy)
        elif rule == "union" and policy.shape == "set":
            found = _by_union(claims, policy)
        else:
            found = None
        if found is not None:
            return found
    who = named(ranked)
    against = f"{who} and the hub" if unseen else who
    return _Outcome(golden, None, "review", f"{against} say different things and no rule decides")


def _backers(sides: Sequence[Side], golden: Value) -> list[Side]:
    """Who says by own word what the hub holds. Nobody says nothing: a gap looks like a clear that was agreed."""
    if is_empty(golden):
        return []
    return [
        side
        for side in sides
        if side.base is not None and side.represents and not side.written_by_hub and shows(side, golden)
    ]


def _sole(value: Value, ranked: Sequence[Side]) -> _Outcome:
    winner = next(side for side in ranked if side.observed == value)
    if len(ranked) == 1:
        verb = "cleared" if value is None else "changed"
        return _Outcome(value, winner, "only edit", f"only {winner.system} {verb} it")
    return _Outcome(value, winner, "agreed", f"{named(ranked)} changed it alike")


def common(ranked: Sequence[Side]) -> Value:
    """The value that all of them say, as each can show it; ABSENT where there is none."""
    first = ranked[0].observed
    if all(side.observed == first for side in ranked):
        return first
    for speaker in ranked:
        value = speaker.observed
        if value is not None and all(shows(side, value) for side in ranked):
            return value
    return ABSENT


def _grouped(ranked: Sequence[Side]) -> list[tuple[Value, list[Side]]]:
    """Equal words together; who shows only a part of a fuller one stands with the fuller one."""
    groups: list[tuple[Value, list[Side]]] = []
    for side in ranked:
        for value, by in groups:
            if side.observed == value:
                by.append(side)
                break
        else:
            groups.append((side.observed, [side]))
    for (value, by), (other, others) in list(combinations(groups, 2)):
        for (short, shorts), (full, fulls) in (((value, by), (other, others)), ((other, others), (value, by))):
            real = shorts and fulls and short is not None and full is not None
            if real and all(shows(side, full) for side in shorts):
                fulls += shorts
                shorts.clear()
    return [(value, by) for value, by in groups if by]


def _by_masters(claims: Sequence[_Claim], policy: FieldPolicy) -> _Outcome | None:
    ranks: list[tuple[int, _Claim]] = []
    for claim in claims:
        known = [rank for side in claim.by if (rank := policy.rank(side.system)) is not None]
        if not known:
            if claim.hub:
                return None  # nobody speaks for what the hub holds: no rank tells who is right
            continue
        ranks.append((min(known), claim))
    if not ranks:
        return None
    best = min(rank for rank, _ in ranks)
    first = [claim for rank, claim in ranks if rank == best]
    if len(first) > 1:
        return None
    winner = min(first[0].by, key=lambda side: precedence(side, policy))
    return _Outcome(first[0].value, winner, "masters", f"{winner.system} is master, changed there")


def _by_newest(claims: Sequence[_Claim], policy: FieldPolicy) -> _Outcome | None:
    times = []
    for claim in claims:
        stamps = [instant(side.modified) for side in claim.by if side.trusted and side.modified is not None]
        if not stamps:
            return None
        times.append((max(stamp for stamp in stamps if stamp is not None), claim))
    times.sort(key=lambda pair: pair[0])
    (second, _), (latest, claim) = times[-2], times[-1]
    if latest - second <= policy.tolerance:
        return None
    winner = min(
        (side for side in claim.by if side.trusted and instant(side.modified) == latest),
        key=lambda side: precedence(side, policy),
    )
    return _Outcome(claim.value, winner, "newest", f"{winner.system} changed it last, {winner.modified}")


def _by_union(claims: Sequence[_Claim], policy: FieldPolicy) -> _Outcome | None:
    """Of one element: who has it keeps it; of two forms, the one of the better rank."""
    held = [claim for claim in claims if not is_empty(claim.value)]
    spoken = [claim for claim in held if claim.by]
    if not spoken:
        return _Outcome(held[0].value, None, "union", "still held elsewhere") if held else None
    first = min(spoken, key=lambda claim: min(precedence(side, policy) for side in claim.by))
    winner = min(first.by, key=lambda side: precedence(side, policy))
    return _Outcome(first.value, winner, "union", f"{winner.system} has it")


def _foreign(side: Side, *, golden: Value, policy: FieldPolicy) -> tuple[Fate, str, str]:
    """The edit of a side that is no source, against what golden is by now."""
    who = side.system
    if policy.on_foreign_edit == "revert":
        return "", "revert", f"{who} changed it and is no master of it: written back"
    if policy.on_foreign_edit == "keep":
        return "kept", "keep", f"{who} changed it and is no master of it: left as it is there"
    if moved(side, golden) and "masters" in _before_review(policy):
        return "", "masters", f"{who} changed it too, but is no master of it"
    return "held", "review", f"{who} changed it and is no master of it"


def _before_review(policy: FieldPolicy) -> tuple[str, ...]:
    chain = policy.on_conflict
    return chain[: chain.index("review")] if "review" in chain else chain


def _clear_reason(cleared: Sequence[Side], policy: FieldPolicy) -> str:
    who = named(cleared)
    if policy.required:
        return f"{who} cleared it; a required field is never cleared"
    return f"{who} cleared it; a clear from there does not spread"
