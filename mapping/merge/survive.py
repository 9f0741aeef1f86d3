"""Survivorship: first contact, a split, a changed policy. Some side has no base, so nothing tells an edit.

Empty is a gap to fill and never a clear; equal agrees, as each side can show it; different goes by the masters in
their order, else to a person. Sides that do have a base are merged first, so a pending edit is not lost to an
old value that a newcomer brings.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from mapping.merge.consent import tightened
from mapping.merge.policy import (
    Base,
    Decision,
    Fate,
    FieldPolicy,
    Side,
    Verdict,
    changed,
    conclude,
    instant,
    is_empty,
    named,
    precedence,
    shows,
)
from mapping.merge.sets import keyed, survive_set
from mapping.merge.threeway import common, is_source, issuer_of, merge, untouched
from mapping.values import ABSENT, Value


def survive(sides: Sequence[Side], *, policy: FieldPolicy, golden: Value = ABSENT) -> Decision:
    """What the field becomes where some side has no base yet. The order of the sides changes no value."""
    if policy.code == "local":
        return untouched(sides, golden=ABSENT, policy=policy, reason="kept per record, never merged")
    if policy.code == "derived":
        return conclude(
            sides,
            golden=golden,
            policy=policy,
            verdict="rest",
            winner=None,
            reason="computed by the hub",
            rule="hub",
            fates={},
        )
    first = _among_those_who_met(sides, golden=golden, policy=policy)
    held = golden if first is None else first.golden
    speakers = _speakers(sides, policy)
    if first is not None and first.verdict == "conflict":
        return _beside_a_conflict(sides, first, policy)
    if policy.code == "strict":
        return _consents(sides, speakers, first, golden=held, policy=policy)
    if not speakers:
        if first is not None:
            return _following(sides, first, policy)
        return _nobody(sides, golden=golden, policy=policy)
    if policy.shape == "set":
        return _sets(sides, speakers, first, golden=held, policy=policy)
    return _units(sides, speakers, first, golden=held, policy=policy)


def _among_those_who_met(sides: Sequence[Side], *, golden: Value, policy: FieldPolicy) -> Decision | None:
    """The merge of the sides that have a base. Newcomers who show what the hub holds speak for it, and no more."""
    based = [side for side in sides if side.base is not None]
    if not based:
        return None
    backers = [
        replace(side, base=Base(side.observed, golden))
        for side in sides
        if side.base is None and not is_empty(golden) and shows(side, golden)
    ]
    made = merge([*based, *backers], golden=golden, policy=policy)
    return replace(made, stands=made.stands[: len(based)], bases=made.bases[: len(based)])


def _speakers(sides: Sequence[Side], policy: FieldPolicy) -> list[Side]:
    """Who has something to say, in order of precedence."""
    issuer = issuer_of(sides) if policy.code == "src" else None
    found = [
        side
        for side in sides
        if side.base is None
        and not is_empty(side.observed)
        and (policy.code == "strict" or is_source(side, edits=None, policy=policy, issuer=issuer))
    ]
    found.sort(key=lambda side: precedence(side, policy))
    return found


def _nobody(sides: Sequence[Side], *, golden: Value, policy: FieldPolicy) -> Decision:
    value = golden
    reason = "nobody has a value"
    if golden is ABSENT and any(side.observed is not ABSENT for side in sides):
        value = None
    others = [side for side in sides if not is_empty(side.observed)]
    if others:
        reason = f"only {named(others)} has it, and is no master of it"
    return conclude(
        sides, golden=value, policy=policy, verdict="rest", winner=None, reason=reason, rule="nobody", fates={}
    )


def _following(sides: Sequence[Side], first: Decision, policy: FieldPolicy) -> Decision:
    """Newcomers with nothing to say follow what was decided without them."""
    return _conclude(sides, first, value=first.golden, policy=policy)


def _conclude(
    sides: Sequence[Side],
    first: Decision | None,
    *,
    value: Value,
    policy: FieldPolicy,
    verdict: Verdict = "survived",
    winner: Side | None = None,
    rule: str = "",
    reason: str = "",
    losers: Sequence[Side] = (),
    fates: dict[int, Fate] | None = None,
) -> Decision:
    """One decision over all sides: those with a base keep the stand of their merge unless golden went on."""
    made = conclude(
        sides,
        golden=value,
        policy=policy,
        verdict=verdict if rule or first is None else first.verdict,
        winner=winner,
        reason=reason or (first.reason if first else ""),
        rule=rule or (first.rule if first else "nobody"),
        losers=losers,
        fates=fates or {},
    )
    if first is None:
        return made
    stands, bases = list(made.stands), list(made.bases)
    overruled: list[int] = []
    if value != first.golden:
        overruled = [side.record for side in sides if changed(side) and not shows(side, value)]
    else:
        merged = iter(zip(first.stands, first.bases, strict=True))
        for at, side in enumerate(sides):
            if side.base is not None:
                stands[at], bases[at] = next(merged)
    return Decision(
        golden=made.golden,
        verdict=made.verdict,
        winner=made.winner if rule else first.winner,
        reason=made.reason,
        rule=made.rule,
        losers=sorted({*made.losers, *first.losers, *overruled}),
        stands=stands,
        bases=bases,
    )


def _beside_a_conflict(sides: Sequence[Side], first: Decision, policy: FieldPolicy) -> Decision:
    """While those who knew each other disagree, a newcomer who says something else waits with them."""
    fates: dict[int, Fate] = {
        at: "held"
        for at, side in enumerate(sides)
        if side.base is None and not is_empty(side.observed) and not shows(side, first.golden)
    }
    return _conclude(sides, first, value=first.golden, policy=policy, fates=fates)


def _backing(sides: Sequence[Side], golden: Value, policy: FieldPolicy) -> int | None:
    """The best rank among those who hold golden by their own word; None: nobody does."""
    ranks = [
        rank
        for side in sides
        if side.base is not None
        and side.represents
        and not side.written_by_hub
        and shows(side, golden)
        and (rank := policy.rank(side.system)) is not None
    ]
    return min(ranks, default=None)


def _units(
    sides: Sequence[Side], speakers: Sequence[Side], first: Decision | None, *, golden: Value, policy: FieldPolicy
) -> Decision:
    if not is_empty(golden) and first is not None:
        return _newcomers(sides, speakers, first, golden=golden, policy=policy)
    entitled = [side for side in speakers if side.represents] or list(speakers)
    top = entitled[0]
    if len(entitled) == 1:
        return _conclude(
            sides,
            first,
            value=top.observed,
            policy=policy,
            winner=top,
            rule="only value",
            reason=f"only {top.system} has it",
        )
    agreed = common(entitled)
    if agreed is not ABSENT:
        winner = next(side for side in entitled if side.observed == agreed)
        return _conclude(
            sides, first, value=agreed, policy=policy, winner=winner, rule="agreed", reason="all say the same"
        )
    if policy.code == "newest" and (latest := _newest(entitled, policy)) is not None:
        return _won(sides, first, latest, entitled, policy, "newest", f"{latest.system} has the newest")
    peers = [side for side in entitled if precedence(side, policy)[:4] == precedence(top, policy)[:4]]
    if common(peers) is ABSENT:
        fates: dict[int, Fate] = {at: "held" for at, side in enumerate(sides) if side in entitled}
        return _conclude(
            sides,
            first,
            value=golden,
            policy=policy,
            verdict="conflict",
            rule="review",
            reason=f"{named(entitled)} say different things and no rule decides",
            losers=entitled,
            fates=fates,
        )
    return _won(sides, first, _fuller(top, entitled), entitled, policy, "masters", _why(top, policy))


def _why(top: Side, policy: FieldPolicy) -> str:
    return f"{top.system} is master" if policy.rank(top.system) is not None else f"{top.system} comes first"


def _fuller(top: Side, entitled: Sequence[Side]) -> Side:
    """The winner may show only a part of what another has whole: then the whole stands."""
    return next((side for side in entitled if side.observed != top.observed and shows(top, side.observed)), top)


def _won(
    sides: Sequence[Side],
    first: Decision | None,
    winner: Side,
    entitled: Sequence[Side],
    policy: FieldPolicy,
    rule: str,
    reason: str,
) -> Decision:
    losers = [side for side in entitled if not shows(side, winner.observed)]
    return _conclude(
        sides, first, value=winner.observed, policy=policy, winner=winner, rule=rule, reason=reason, losers=losers
    )


def _newest(entitled: Sequence[Side], policy: FieldPolicy) -> Side | None:
    if any(not side.trusted or side.modified is None for side in entitled):
        return None
    ordered = sorted(entitled, key=lambda side: (instant(side.modified), side.record), reverse=True)
    latest = ordered[0]
    for other in ordered[1:]:
        if other.observed == latest.observed:
            continue
        newer, older = instant(latest.modified), instant(other.modified)
        if newer is None or older is None or newer - older <= policy.tolerance:
            return None
    return latest


def _newcomers(
    sides: Sequence[Side], speakers: Sequence[Side], first: Decision, *, golden: Value, policy: FieldPolicy
) -> Decision:
    """Against a value that others already agree on, a newcomer needs the better rank."""
    speaking = [side for side in speakers if side.represents]
    differing = [side for side in speaking if not shows(side, golden)]
    if not differing:
        return _following(sides, first, policy)
    top = differing[0]
    holders = [side for side in sides if side.base is not None and shows(side, golden)]
    if holders and all(shows(side, top.observed) for side in (*holders, *speaking)):
        return _won(sides, first, top, differing, policy, "agreed", f"{top.system} has it whole")
    backing = _backing(sides, golden, policy)
    rank = policy.rank(top.system)
    peers = [side for side in differing if precedence(side, policy)[:4] == precedence(top, policy)[:4]]
    if backing is not None and not top.live:
        return _conclude(
            sides,
            first,
            value=golden,
            policy=policy,
            rule="masters",
            reason="live records before archived ones",
            losers=differing,
        )
    if backing is not None and (rank is None or rank > backing):
        return _conclude(
            sides,
            first,
            value=golden,
            policy=policy,
            rule="masters",
            reason=f"{policy.masters[backing]} is master",
            losers=differing,
        )
    if backing is None or rank == backing or common(peers) is ABSENT:
        fates: dict[int, Fate] = {at: "held" for at, side in enumerate(sides) if side in differing}
        return _conclude(
            sides,
            first,
            value=golden,
            policy=policy,
            verdict="conflict",
            rule="review",
            reason=f"{named(differing)} differs from what is agreed and no rule decides",
            losers=differing,
            fates=fates,
        )
    return _won(sides, first, top, speaking, policy, "masters", f"{top.system} is master")


def _sets(
    sides: Sequence[Side], speakers: Sequence[Side], first: Decision | None, *, golden: Value, policy: FieldPolicy
) -> Decision:
    value, gave = survive_set(speakers, golden=golden, policy=policy, keep=first is not None)
    if not gave:
        return _following(sides, first, policy) if first is not None else _nobody(sides, golden=golden, policy=policy)
    entries = keyed(value, policy.key)
    losers = [
        side
        for side in speakers
        if any(entries.get(name) != element for name, element in keyed(side.observed, policy.key).items())
        and not shows(side, value)
    ]
    alone = len(gave) == 1
    reason = f"only {gave[0].system} has it" if alone and len(speakers) == 1 else "what each of them has"
    if len(speakers) > 1 and all(side.observed == value for side in speakers):
        reason = "all say the same"
    rule = "only value" if len(speakers) == 1 else "agreed" if reason == "all say the same" else "union"
    return _conclude(sides, first, value=value, policy=policy, winner=gave[0], rule=rule, reason=reason, losers=losers)


def _consents(
    sides: Sequence[Side], speakers: Sequence[Side], first: Decision | None, *, golden: Value, policy: FieldPolicy
) -> Decision:
    said = [(side, keyed(side.observed, policy.key)) for side in speakers]
    value, winners, losers = tightened(said, golden=golden, policy=policy)
    if not speakers:
        return _following(sides, first, policy) if first is not None else _nobody(sides, golden=golden, policy=policy)
    if value is ABSENT:
        value = None
    reason = f"{named(winners)} says so, the most restrictive holds" if winners else "what is agreed is as strict"
    return _conclude(
        sides,
        first,
        value=value,
        policy=policy,
        winner=winners[0] if winners else None,
        rule="restrictive",
        reason=reason,
        losers=losers,
    )
