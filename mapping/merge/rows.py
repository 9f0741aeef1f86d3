"""Survivorship of whole rows: n records of an entity, aligned by golden position, in one go.

The answers are those of `survive` for sides without a base; what a first load asks 28 times for each customer is
decided here without a Side for every value. Fields on which the rows differ and rank does not tell go to `survive`.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from mapping.merge.consent import tightened
from mapping.merge.policy import RULES, FieldPolicy, Side, precedence, whole
from mapping.merge.sets import keyed
from mapping.merge.survive import survive
from mapping.merge.threeway import is_source, issuer_of
from mapping.values import ABSENT, Value

NOBODY: Final = -1
_RULE: Final = {rule: at for at, rule in enumerate(RULES)}
_HUB, _NONE = _RULE["hub"], _RULE["nobody"]
_RESTRICTIVE: Final = _RULE["restrictive"]
_ONLY, _AGREED, _MASTERS, _UNION = _RULE["only value"], _RULE["agreed"], _RULE["masters"], _RULE["union"]
_KEPT: Final = 10_000
_UNIT, _SET, _ASK, _LEAVE = range(4)  # the first two are decided here


class RowSide(NamedTuple):
    """A record and its row. `shown`: what this side can show of a value at a position; None: everything."""

    record: int
    system: str
    row: Sequence[Value]
    live: bool = True
    represents: bool = True
    modified: str | None = None
    trusted: bool = False
    shown: Callable[[int, Value], Value] | None = None


class RowDecision(NamedTuple):
    """Golden with its lineage by position: the side that won (`NOBODY`: none), the rule (an index into RULES)."""

    values: list[Value]
    winners: list[int]
    rules: list[int]
    contested: list[int]  # positions on which the sides differ and no rule decides


class _Plan(NamedTuple):
    """By position how it is decided, who speaks in which order, and the lineage where all of them say the same."""

    hows: list[int]
    orders: list[tuple[int, ...]]
    winners: list[int]
    rules: list[int]
    apart: bool  # no two of them are of one rank
    mixed: bool  # some represent their system, some do not

    @classmethod
    def of(cls, decided: Sequence[tuple[int, tuple[int, ...]]], sides: Sequence[RowSide]) -> "_Plan":
        hows = [how for how, _ in decided]
        orders = [order for _, order in decided]
        told = [_entitled(order, sides) if how == _UNIT else order for how, order in decided]
        ranks = {(side.system, side.live) for side in sides if side.represents}
        return cls(
            hows,
            orders,
            winners=[order[0] if order else NOBODY for order in orders],
            rules=[
                _HUB if how == _LEAVE else _AGREED if len(by) > 1 else _ONLY for how, by in zip(hows, told, strict=True)
            ],
            apart=len(ranks) == len(sides),
            mixed=len({side.represents for side in sides}) > 1,
        )


class RowMerger:
    """The policies of one kind, ready for whole rows. Plans for each set of systems are kept."""

    def __init__(self, policies: Sequence[FieldPolicy]) -> None:
        self._policies = tuple(policies)
        self._plans: dict[tuple[object, ...], _Plan] = {}
        self._spoken: dict[tuple[str, int, str], Value] = {}
        self._singles: dict[tuple[str, bool], tuple[list[int], list[int]]] = {}

    def single(self, side: RowSide) -> RowDecision:
        """A record that is alone: its row is golden, but for what its system is not believed in.

        Its lineage names the record for empty fields too, since one list serves all.
        """
        left_out, strict = self._exceptions(side)
        values = list(side.row)
        width = len(values)
        rules = [_ONLY] * width
        for at in strict:
            if values[at]:
                told = self._alone(side, at, values[at])
                if told is ABSENT:
                    return self.survive([side])
                values[at], rules[at] = told, _RESTRICTIVE
        for at in left_out:
            hubs = self._policies[at].code in ("derived", "local")
            values[at] = ABSENT if hubs or values[at] is ABSENT else None
        return RowDecision(values, [0] * width, rules, [])

    def not_as_shown(self, side: RowSide) -> list[int]:
        """Positions that `single` does not just take over. Each of them it decides by its own value alone."""
        left_out, strict = self._exceptions(side)
        return left_out + strict

    def _exceptions(self, side: RowSide) -> tuple[list[int], list[int]]:
        known = self._singles.get((side.system, side.represents))
        if known is None:
            known = self._singles[side.system, side.represents] = self._unbelieved(side)
        return known

    def _alone(self, side: RowSide, at: int, value: Value) -> Value:
        """What the only speaker's consents come to; ABSENT where they are to be looked at one by one.

        Most records of a system say one of a few things, so what was worked out is kept.
        """
        key = (side.system, at, repr(value))
        known = self._spoken.get(key)
        if known is None:
            policy = self._policies[at]
            said = [(_probe(side, at, value), keyed(value, policy.key))]
            told, winners, _ = tightened(said, golden=ABSENT, policy=policy)
            if len(self._spoken) >= _KEPT:
                self._spoken.clear()
            known = self._spoken[key] = told if winners else ABSENT
        return known

    def _unbelieved(self, side: RowSide) -> tuple[list[int], list[int]]:
        out = [at for at, order in enumerate(self._plan([side]).orders) if not order]
        strict = [at for at, policy in enumerate(self._policies) if policy.code == "strict"]
        return out, strict

    def survive(self, sides: Sequence[RowSide]) -> RowDecision:
        """Golden of several records of which none has a base."""
        plan = self._plan(sides)
        rows = [side.row for side in sides]
        cutters = [n for n, side in enumerate(sides) if side.shown is not None]
        count, mixed = len(rows), plan.mixed
        # As if all said the same everywhere, which most of them do; what is otherwise is put in its place.
        values, winners, rules = list(rows[0]), list(plan.winners), list(plan.rules)
        contested: list[int] = []
        for at, (column, how) in enumerate(zip(zip(*rows, strict=True), plan.hows, strict=True)):
            one = column[0]
            if how <= _SET:
                if one is not None and one is not ABSENT and column.count(one) == count:
                    continue
                order: Sequence[int] = plan.orders[at]
                if mixed and how == _UNIT:
                    order = _entitled([n for n in order if column[n] is not None and column[n] is not ABSENT], sides)
                first = NOBODY
                differs, alone = False, True
                for n in order:
                    value = column[n]
                    if value is not None and value is not ABSENT:
                        if first < 0:
                            first, top = n, value
                        else:
                            alone = False
                            if value != top:
                                differs = True
                                break
                if first < 0:
                    values[at] = None if any(value is not ABSENT for value in column) else ABSENT
                    winners[at], rules[at] = NOBODY, _NONE
                    continue
                winners[at] = first
                if not differs:
                    values[at], rules[at] = top, _ONLY if alone else _AGREED
                    continue
                if how == _SET:
                    values[at], rules[at] = self._union(column, order, self._policies[at]), _UNION
                    continue
                ranked = plan.apart or self._ranked_apart(sides, order, column)
                if ranked and not (cutters and self._is_cut(sides, order, at, column)):
                    values[at], rules[at] = top, _MASTERS
                    continue
            if how == _LEAVE:
                values[at] = ABSENT
                continue
            values[at], winners[at], rules[at], open_ = self._ask(sides, at, column)
            if open_:
                contested.append(at)
        return RowDecision(values, winners, rules, contested)

    def _plan(self, sides: Sequence[RowSide]) -> _Plan:
        key: tuple[object, ...] = tuple([(side.system, side.live, side.represents) for side in sides])
        records = [side.record for side in sides]
        ordered = sorted(records)
        if records != ordered:
            key += tuple([ordered.index(record) for record in records])
        plan = self._plans.get(key)
        if plan is None:
            decided = [self._orders(sides, policy) for policy in self._policies]
            plan = self._plans[key] = _Plan.of(decided, sides)
        return plan

    @staticmethod
    def _orders(sides: Sequence[RowSide], policy: FieldPolicy) -> tuple[int, tuple[int, ...]]:
        if policy.code in ("derived", "local"):
            return _LEAVE, ()
        probes = [_probe(side, None) for side in sides]
        issuer = issuer_of(probes) if policy.code == "src" else None
        order = [n for n, probe in enumerate(probes) if is_source(probe, edits=None, policy=policy, issuer=issuer)]
        order.sort(key=lambda n: precedence(probes[n], policy))
        if policy.code in ("strict", "newest"):
            return _ASK, tuple(order) or (0,)
        if not order:
            return _ASK, ()
        if policy.shape == "set":
            duplicates = policy.code != "union" and not all(side.represents for side in sides)
            return (_ASK if duplicates else _SET), tuple(order)
        return _UNIT, tuple(order)

    def _ranked_apart(self, sides: Sequence[RowSide], order: Sequence[int], column: Sequence[Value]) -> bool:
        """Is the first by rank alone in its place, or are its peers of one mind?"""
        filled = [n for n in order if column[n] is not None and column[n] is not ABSENT]
        top = sides[filled[0]]
        if not top.represents:
            return False
        for n in filled[1:]:
            other = sides[n]
            peers = other.system == top.system and other.live == top.live and other.represents
            if peers and column[n] != column[filled[0]]:
                return False
        return True

    @staticmethod
    def _is_cut(sides: Sequence[RowSide], order: Sequence[int], at: int, column: Sequence[Value]) -> bool:
        """Does one of them show a part of what another has whole?"""
        for n in order:
            shown, value = sides[n].shown, column[n]
            if shown is not None and value is not None and value is not ABSENT:
                others = [other for other in (column[m] for m in order) if other is not None and other is not ABSENT]
                if any(other != value and shown(at, other) == value for other in others):
                    return True
        return False

    @staticmethod
    def _union(column: Sequence[Value], order: Sequence[int], policy: FieldPolicy) -> Value:
        merged: dict[object, Value] = {}
        for n in order:
            if value := column[n]:
                for name, element in keyed(value, policy.key).items():
                    merged.setdefault(name, element)
        return [merged[name] for name in sorted(merged)]  # type: ignore[type-var] # keys of one set are alike

    def _ask(self, sides: Sequence[RowSide], at: int, column: Sequence[Value]) -> tuple[Value, int, int, bool]:
        """Value, winner, rule, and whether no rule decides."""
        if all(value is None or value is ABSENT for value in column):
            return None if any(value is None for value in column) else ABSENT, NOBODY, _NONE, False
        decision = survive(
            [_probe(side, at, value) for side, value in zip(sides, column, strict=True)],
            policy=self._policies[at],
        )
        place = {side.record: n for n, side in enumerate(sides)}
        winner = NOBODY if decision.winner is None else place[decision.winner]
        return decision.golden, winner, _RULE[decision.rule], decision.verdict == "conflict"


def _entitled(order: Sequence[int], sides: Sequence[RowSide]) -> Sequence[int]:
    """Of those who say something the ones that represent their system; all where none does."""
    return [n for n in order if sides[n].represents] or order


def _probe(side: RowSide, at: int | None, value: Value = None) -> Side:
    shown = side.shown
    return Side(
        record=side.record,
        system=side.system,
        observed=value,
        modified=side.modified,
        trusted=side.trusted,
        live=side.live,
        represents=side.represents,
        shown=whole if shown is None or at is None else lambda wanted: shown(at, wanted),
    )
