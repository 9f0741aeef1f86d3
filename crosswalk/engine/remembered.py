"""A scorer that remembers what it said of two records, as long as nothing of it was guessed."""

from crosswalk.engine.likeness import Counted
from mapping.match.profile import Profile
from mapping.match.score import Scored, Scorer


class Remembering(Scorer):
    """For records that are put into groups again and again, until the count has told all that it was asked for.

    Profiles are known by their identity: they live as long as this does.
    """

    def __init__(self, scorer: Scorer, counted: Counted) -> None:
        super().__init__(scorer.model, counted)
        self._counted = counted
        self._said: dict[tuple[int, int, bool], Scored] = {}

    def score(self, left: Profile, right: Profile, *, same_system: bool = False) -> Scored:
        pair = id(left), id(right), same_system
        said = self._said.get(pair)
        if said is None:
            self._counted.guessed = False
            said = super().score(left, right, same_system=same_system)
            if not self._counted.guessed:
                self._said[pair] = said
        return said
