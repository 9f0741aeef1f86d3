"""Evidence: what speaks for two records being one, and what against it, in bits and in words."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from crosswalk.engine.entities import ALIKE_BY
from crosswalk.engine.likeness import Counted, Known, Likeness, in_short, likeness_of, scored_kinds, shown_by, without
from crosswalk.engine.model import House

if TYPE_CHECKING:
    from mapping.match.score import Scored

Connection = Any


class Comparer:
    """Compares records as scored matching does, by what they show now."""

    def __init__(self, house: House, connection: Connection) -> None:
        self._house, self._connection = house, connection
        self._kinds: dict[str, _OfKind | None] = {}

    def scored(self, kind: str, one: int, other: int) -> "Scored | None":
        """Of two live records of a kind that is scored; else None."""
        of = self._of(kind)
        return None if of is None else of.scored(one, other)

    def learn(self, kind: str, records: Iterable[int]) -> None:
        """Read these at once, which are to be compared one by one."""
        of = self._of(kind)
        if of is not None:
            of.learn(records)

    def words(self, kind: str, one: int, other: int, *, rule: str, bits: str, shown: str | None) -> str:
        """Why two records were joined, for a line: `same e-mail, same family name, +31.2 bits`.

        `rule`, `bits` and `shown` are those of the edge. A first load notes only what they were found by: the reasons
        are found again as long as both show what they showed then.
        """
        of = self._of(kind) if rule.startswith(ALIKE_BY) else None
        found = None if of is None else of.scored(one, other)
        if of is not None and found is not None and of.shown(one, other) == shown:
            rule = in_short(found)
        return f"{rule}, {float(bits):+.1f} bits"

    def _of(self, kind: str) -> "_OfKind | None":
        if kind not in self._kinds:
            scored = kind in scored_kinds(self._house)
            self._kinds[kind] = _OfKind(likeness_of(self._house, kind), self._connection) if scored else None
        return self._kinds[kind]


class _OfKind:
    def __init__(self, likeness: Likeness, connection: Connection) -> None:
        self._likeness, self._connection = likeness, connection
        self._known: dict[int, Known | None] = {}
        self._counted: Counted | None = None
        self._crowded: set[tuple[str, str]] = set()
        few = likeness.small(connection)
        weighing = likeness.weighing(connection) if few is None else None
        if weighing is not None:
            self._scorer, self._counted = weighing
            return
        known = likeness.known(connection, few or ())
        self._known.update((one.record, one) for one in known)
        self._crowded = likeness.crowded((one.stream, one.profile) for one in known)
        self._scorer, _ = likeness.weighing_all(known)

    def learn(self, records: Iterable[int]) -> None:
        missing = [number for number in set(records) if number not in self._known]
        found: Mapping[int, Known] = {one.record: one for one in self._likeness.known(self._connection, missing)}
        self._known.update((number, found.get(number)) for number in missing)

    def scored(self, one: int, other: int) -> "Scored | None":
        self.learn([one, other])
        left, right = self._known[one], self._known[other]
        if left is None or right is None:
            return None
        if self._counted is not None:
            self._look_at_holders(left, right)
        while True:
            found = self._scorer.score(
                without(left.profile, self._crowded),
                without(right.profile, self._crowded),
                same_system=left.stream == right.stream,
            )
            if self._counted is None or not self._counted.fetch(self._connection):
                return found

    def shown(self, one: int, other: int) -> str | None:
        left, right = self._known.get(min(one, other)), self._known.get(max(one, other))
        return None if left is None or right is None else shown_by(left.profile, right.profile)

    def _look_at_holders(self, left: Known, right: Known) -> None:
        """How many names hold the identifiers that both carry."""
        if self._counted is not None:
            holders = self._likeness.holders(self._connection, [left, right], self._learned, {})
            self._counted.held_by(holders.names)
            self._crowded = self._likeness.crowded((one.stream, one.profile) for one in holders.known)

    def _learned(self, records: Iterable[int]) -> list[Known]:
        wanted = sorted(set(records))
        self.learn(wanted)
        return [one for number in wanted if (one := self._known[number]) is not None]
