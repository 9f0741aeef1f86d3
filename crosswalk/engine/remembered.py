"""A scorer that remembers what it said, as long as nothing of it was guessed.

Records that are looked at together show the same values, and are put into groups again and again until the count has
told all that it was asked for.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from crosswalk.engine.likeness import Counted
from mapping.match.model import Comparison, Model
from mapping.match.profile import Profile
from mapping.match.score import Evidence, Scored, Scorer, Weigher

_MOST: Final = 50_000  # pairs of values of one field
_Pair: TypeAlias = tuple[int, int, bool]
_Values: TypeAlias = tuple[Sequence[str], Sequence[str]]


class Remembering(Scorer):
    """For a run: of values as long as it lasts, of pairs of records until `begin`."""

    def __init__(self, model: Model, counted: Counted) -> None:
        super().__init__(model, counted)
        self._counted = counted
        self._weigher = self._values = _Weigher(model, counted)
        self._said: dict[_Pair, Scored] = {}
        self._fields = [(name, one, self._values.said_of(name)) for name, one in model.comparisons.items()]

    def score(self, left: Profile, right: Profile, *, same_system: bool = False) -> Scored:
        """Profiles are known by their identity: they live until `begin`."""
        pair = id(left), id(right), same_system
        said = self._said.get(pair)
        if said is None:
            self._counted.guessed = False
            said = super().score(left, right, same_system=same_system)
            if not self._counted.guessed:
                self._said[pair] = said
        return said

    def _weighed(self, left: Profile, right: Profile) -> dict[str, Evidence]:
        anew = self._values.anew
        found: dict[str, Evidence] = {}
        for name, comparison, said_of in self._fields:
            ours = left.get(name)
            if ours and (theirs := right.get(name)):
                pair = ours, theirs
                found[name] = said_of.get(pair) or anew(comparison, said_of, pair)
        return found

    def foresee(self, pairs: Sequence[tuple[Profile, Profile]]) -> None:
        """Compare what these pairs show, each two values once: what has to be counted for them is noted then."""
        for name, comparison, said_of in self._fields:
            beside = {
                (ours, theirs) for left, right in pairs if (ours := left.get(name)) and (theirs := right.get(name))
            }
            for pair in beside - said_of.keys():
                self._values.anew(comparison, said_of, pair)

    def begin(self) -> None:
        """With other records, of whose identifiers nothing is known but what the count says."""
        self._said.clear()
        if self._counted.make_room():
            self._values.forget(set(self.model.comparisons))
        self.held_by({})

    def held_by(self, names: Mapping[tuple[str, str], int]) -> None:
        """How many names hold identifiers now: see `Holders.names`."""
        fields = self._counted.held_by(names)
        if not fields:
            return
        self._values.forget(fields)
        self._said = {
            pair: said
            for pair, said in self._said.items()
            if not any(one.level == "same" and one.field in fields for one in said.evidence)
        }


class _Weigher(Weigher):
    def __init__(self, model: Model, counted: Counted) -> None:
        super().__init__(model, counted)
        self._counted = counted
        self._said: dict[str, dict[_Values, Evidence]] = defaultdict(dict)

    def said_of(self, field: str) -> dict[_Values, Evidence]:
        """What is remembered of a field, now and later."""
        return self._said[field]

    def weigh(self, comparison: Comparison, left: Sequence[str], right: Sequence[str]) -> Evidence:
        said_of, pair = self._said[comparison.field], (left, right)
        return said_of.get(pair) or self.anew(comparison, said_of, pair)

    def anew(self, comparison: Comparison, said_of: dict[_Values, Evidence], pair: _Values) -> Evidence:
        """What is not remembered; it is from now on, if nothing of it was guessed."""
        counted, guessed = self._counted, self._counted.guessed
        counted.guessed = False
        left, right = pair
        if len(left) == 1 and len(right) == 1:
            said = self._pair(comparison, left[0], right[0])
        else:
            said = super().weigh(comparison, left, right)
        if counted.guessed:
            return said
        counted.guessed = guessed
        if len(said_of) >= _MOST:
            said_of.clear()
        said_of[pair] = said
        return said

    def forget(self, fields: set[str]) -> None:
        for field in fields:
            self._said[field].clear()
