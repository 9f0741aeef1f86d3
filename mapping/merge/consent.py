"""Consent only tightens. A grant reopens what was denied only with later evidence from an authority."""

from collections.abc import Mapping, Sequence
from typing import Final

from mapping.merge.policy import (
    NEVER,
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
from mapping.merge.sets import ElementKey, as_set, keyed
from mapping.values import ABSENT, Value

# unknown says nothing; pending is not yet granted.
SEVERITY: Final[Mapping[str, int]] = {"unknown": 0, "granted": 1, "pending": 2, "denied": 3, "withdrawn": 3}
DENIED: Final = 3  # from here on it says no


def severity(element: Value) -> int:
    return 0 if is_empty(element) else SEVERITY.get(str(element.get("status")), 0)


def since(element: Value) -> str:
    """When it was said, as text that sorts; "" where nobody knows."""
    return str(element.get("captured_at") or element.get("effective_from") or "")


def merge_consent(sides: Sequence[Side], *, golden: Value, policy: FieldPolicy) -> Decision:
    """Only what changed speaks, and only to tighten; see `tightened`."""
    spoken = [
        side for side in sides if side.observed is not None and (changed(side) or _denies_unseen(side, policy.key))
    ]
    said = [(side, _news(side, policy.key)) for side in spoken]
    said = [(side, news) for side, news in said if not shows(side, golden) or _severer(news, golden, policy.key)]
    value, winners, losers = tightened(said, golden=golden, policy=policy)
    fates: dict[int, Fate] = {}
    cleared: list[Side] = []
    for at, side in enumerate(sides):
        if changed(side) and not shows(side, value) and _only_lacks(side, value, policy.key):
            fates[at] = "cleared"
            cleared.append(side)
    if value != golden:
        verdict, rule = "taken", "restrictive"
        reason = f"{named(winners)} says so, the most restrictive holds" if winners else "the most restrictive holds"
    elif losers:
        verdict, rule, reason = (
            "reverted",
            "restrictive",
            f"{named(losers)} grants without newer evidence of an authority",
        )
    elif cleared:
        verdict, rule, reason = "held", "clear", f"{named(cleared)} no longer carries it; a consent is never cleared"
    else:
        verdict, rule, reason = "rest", "hub", "nobody changed it"
    return conclude(
        sides,
        golden=value,
        policy=policy,
        verdict=verdict,  # type: ignore[arg-type] # one of its words on every path above
        winner=winners[0] if winners and value != golden else None,
        reason=reason,
        rule=rule,
        losers=losers + cleared,
        fates=fates,
    )


def _news(side: Side, key: tuple[str, ...]) -> dict[ElementKey, Value]:
    """The entries that this side says anew."""
    base = side.base
    then = keyed(base.side if base is not None and base.side is not ABSENT else None, key)
    return {name: entry for name, entry in keyed(side.observed, key).items() if then.get(name) != entry}


def _denies_unseen(side: Side, key: tuple[str, ...]) -> bool:
    """A box that showed nothing when it was agreed on, and denies now: whatever it could show of what was agreed."""
    base, observed = side.base, side.observed
    if base is None or base.side is not ABSENT or observed is ABSENT or base.hub is NEVER:
        return False
    return _severer(keyed(observed, key), base.hub, key)


def _severer(news: Mapping[ElementKey, Value], golden: Value, key: tuple[str, ...]) -> bool:
    """A box that takes denials alone shows a grant, and nothing, as whatever it shows: a tick is said all the same."""
    before = keyed(None if golden is ABSENT else golden, key)
    return any(severity(entry) > severity(before.get(name)) for name, entry in news.items())


def _only_lacks(side: Side, value: Value, key: tuple[str, ...]) -> bool:
    """Everything it shows is golden; what is missing was removed there, which says nothing."""
    golden = keyed(side.shown(value) if not is_empty(value) else None, key)
    mine = keyed(side.observed, key)
    return len(mine) < len(golden) and all(golden.get(name) == entry for name, entry in mine.items())


def tightened(
    said: Sequence[tuple[Side, Mapping[ElementKey, Value]]], *, golden: Value, policy: FieldPolicy
) -> tuple[Value, list[Side], list[Side]]:
    """Golden after everything that was said, who decided it, and whose grants were refused.

    The severest of all wins, the latest among equals. Where golden is severer than everything said, only a grant
    reopens it that carries evidence, is later than what it answers and comes from a system named authoritative.
    A denial of `any` channel or purpose denies what lies under it.
    """
    key = policy.key
    before = keyed(None if golden is ABSENT else golden, key)
    after = dict(before)
    winners: dict[int, Side] = {}
    refused: dict[int, Side] = {}
    reopened: set[ElementKey] = set()
    ordered = sorted(said, key=lambda pair: precedence(pair[0], policy))
    names = sorted({name for _, entries in ordered for name in entries})
    for name in names:
        voices = [(side, entries[name]) for side, entries in ordered if name in entries and severity(entries[name])]
        if not voices:
            continue
        old = after.get(name)
        hardest = max(severity(entry) for _, entry in voices)
        strict = [(side, entry) for side, entry in voices if severity(entry) == hardest]
        latest = max(since(entry) for _, entry in strict)
        side, entry = next((side, entry) for side, entry in strict if since(entry) == latest)
        held = severity(old)
        believed = hardest > 1 or policy.rank(side.system) is not None
        if hardest < held:
            if all(_reopens(by, word, old, policy) for by, word in voices):
                reopened.add(name)
            else:
                refused.update({by.record: by for by, word in voices if not _reopens(by, word, old, policy)})
                continue
        elif not believed:
            refused[side.record] = side
            continue
        elif hardest == held and since(entry) <= since(old):
            continue
        elif severity(entry) == 1 and _reopens(side, entry, None, policy):
            reopened.add(name)
        after[name] = entry
        winners[side.record] = side
    said_anew = {name for name in after if after[name] != before.get(name)}
    for name, entry in list(after.items()):
        cover = _cover(name, after, key)
        if cover is None or not 0 < severity(entry) < 3:
            continue
        _, denial = cover
        if name in reopened and since(entry) > since(denial) and since(denial):
            continue
        if name in said_anew or cover[0] in said_anew:
            after[name] = {**denial, **dict(zip(key, _parts(entry, key), strict=True))}
            after[name] = {part: word for part, word in after[name].items() if word is not None}
    order = sorted(winners.values(), key=lambda side: precedence(side, policy))
    return as_set(after) if after or not is_empty(golden) else golden, order, list(refused.values())


def _reopens(side: Side, entry: Value, old: Value, policy: FieldPolicy) -> bool:
    if str(entry.get("status")) != "granted" or side.system not in policy.authoritative:
        return False
    if side.written_by_hub or not entry.get("evidence") or not since(entry):
        return False
    return is_empty(old) or (bool(since(old)) and since(entry) > since(old))


def _parts(entry: Value, key: tuple[str, ...]) -> list[Value]:
    return [entry.get(name) for name in key]


def _cover(
    name: ElementKey, entries: Mapping[ElementKey, Value], key: tuple[str, ...]
) -> tuple[ElementKey, Value] | None:
    """The latest denial of `any` that this entry lies under."""
    if not isinstance(name, tuple):
        return None
    open_ends = [at for at, part in enumerate(key) if part in ("channel", "purpose")]
    scope = [at for at, part in enumerate(key) if part == "scope"]
    found: list[tuple[ElementKey, Value]] = []
    for other, entry in entries.items():
        if other == name or severity(entry) < 3 or not isinstance(other, tuple):
            continue
        under = all(other[at] in (name[at], "any") for at in open_ends)
        under = under and all(other[at] in (name[at], "") for at in scope)
        if under:
            found.append((other, entry))
    return max(found, key=lambda pair: (since(pair[1]), pair[0]), default=None)
