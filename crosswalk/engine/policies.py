"""Which policy decides which field: of the schema, the defaults of the file, and the line for the very field."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from crosswalk.store.goldens import Layout
from mapping.merge.policy import RULES, FieldPolicy
from mapping.merge.rows import NOBODY, RowDecision, RowMerger, RowSide
from mapping.schema import target
from mapping.values import Value


class Lone(NamedTuple):
    """Golden of a record that is alone. `plain`: every field came from it; then winners and rules are left out."""

    values: list[Value]
    winners: list[int | None]
    rules: list[str]
    plain: bool


class Policies:
    """The policies of one hub. `told`: of each kind and field the keys of its line in the file."""

    def __init__(
        self,
        *,
        masters: Sequence[str],
        defaults: Mapping[str, object],
        told: Mapping[str, Mapping[str, Mapping[str, object]]],
    ) -> None:
        self._masters = tuple(masters)
        self._defaults = dict(defaults)
        self._told = told
        self._known: dict[tuple[str, str], FieldPolicy] = {}
        self._prints: dict[tuple[str, str], str] = {}
        self._mergers: dict[tuple[str, int], RowMerger] = {}

    def policy(self, kind: str, name: str) -> FieldPolicy:
        known = self._known.get((kind, name))
        if known is None:
            known = self._known[kind, name] = FieldPolicy.for_field(
                target(kind, name).field,
                masters=self._masters,
                overrides=self._told.get(kind, {}).get(name, {}),
                defaults=self._defaults,
            )
        return known

    def of_kind(self, layout: Layout) -> list[FieldPolicy]:
        """By position of the layout."""
        return [self.policy(layout.kind, name) for name in layout.fields]

    def print_of(self, kind: str, name: str) -> str:
        """Changes when the policy does."""
        known = self._prints.get((kind, name))
        if known is None:
            known = self._prints[kind, name] = repr(self.policy(kind, name))
        return known

    def newcomers(self, layout: Layout, sides: Sequence[RowSide]) -> RowDecision:
        """Golden of records that meet for the first time, none of which has a base."""
        return self._merger(layout).survive(sides)

    def lone(self, layout: Layout, *, record: int, system: str, row: Sequence[Value]) -> Lone:
        """Golden of a record that nobody else shares an entity with."""
        merger = self._merger(layout)
        decided = merger.single(RowSide(record=record, system=system, row=row))
        if not any(decided.winners):
            return Lone(decided.values, [], [], plain=True)
        winners = [None if winner == NOBODY else record for winner in decided.winners]
        return Lone(decided.values, winners, [RULES[rule] for rule in decided.rules], plain=False)

    def not_as_shown(self, layout: Layout, system: str) -> frozenset[int]:
        """Positions of which golden may be something else than what a lone record of this system shows."""
        return frozenset(self._merger(layout).not_as_shown(RowSide(record=0, system=system, row=())))

    def _merger(self, layout: Layout) -> RowMerger:
        key = (layout.kind, len(layout.fields))
        merger = self._mergers.get(key)
        if merger is None:
            merger = self._mergers[key] = RowMerger(self.of_kind(layout))
        return merger


def of_settings(settings: Any) -> Policies:
    """Of `crosswalk.settings.model.HubSettings`: masters are all connections, CRMs before files before CEM tools."""
    ranks = {"crm": 0, "files": 1, "cem": 2}
    ordered = sorted(settings.connections.values(), key=lambda one: ranks[one.connector.role])
    return Policies(
        masters=[one.name for one in ordered],
        defaults=settings.merge.defaults.told(),
        told={
            kind: {name: policy.told() for name, policy in fields.items()}
            for kind, fields in settings.merge.kinds.items()
        },
    )
