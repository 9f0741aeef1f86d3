"""Broken variants of the engine, one for each invariant: what the machine must find, or it holds nothing.

Each is a patch of a few lines for as long as a block lasts; the product knows nothing of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest
from msgspec.structs import replace

import crosswalk.engine.apply
import crosswalk.engine.plan
import crosswalk.engine.pull
import mapping.merge.threeway
from connectors.sdk.errors import UnknownOutcomeError
from crosswalk.engine.emptied import Emptied, Left
from crosswalk.engine.identify import Matcher
from crosswalk.engine.settle import EntityMerger
from crosswalk.engine.undo import _Undoer
from crosswalk.store import letters, outbox
from crosswalk.store.budget import Budgets
from crosswalk.store.codec import dump, load
from crosswalk.store.dialect import Database
from crosswalk.store.records import Landing
from mapping.merge import NEVER, Base
from mapping.merge.sets import merge_set
from mapping.merge.threeway import merge_unit
from tests.chaos.histories import history, play
from tests.chaos.invariants import BrokenError
from tests.chaos.orders import hold_in_any_order
from tests.chaos.undoing import undo_in
from tests.hub import World

Patch = pytest.MonkeyPatch


@dataclass(frozen=True)
class Defect:
    """What is broken and which invariant that breaks.

    `kinds`: of steps that the histories are made of, so that a few suffice; `within` so many it must be found. Without
    them `whole` plays a world: by default it is about the order of arrival.
    """

    invariant: str
    breaks: Callable[[Patch], None]
    kinds: Sequence[str] = ()
    within: int = 25
    whole: Callable[[Callable[[], World], int], object] = hold_in_any_order

    @contextmanager
    def planted(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            self.breaks(patch)
            yield

    def found(self, make: Callable[[], World]) -> int:
        """How many histories it took. Raises LookupError where all of them hold."""
        with self.planted():
            for seed in range(self.within):
                try:
                    if self.kinds:
                        play(make(), history(seed, kinds=self.kinds))
                    else:
                        self.whole(make, seed)
                except BrokenError as broken:
                    if broken.invariant == self.invariant:
                        return seed + 1
                except Exception:  # a broken engine may fall over as well: it is found by its invariant or not at all
                    continue
        raise LookupError(f"{self.invariant} holds {self.within} histories of a broken engine")


def compares_with_the_whole(patch: Patch) -> None:
    """A text that a vendor cuts is compared with what was sent, and so it is sent for ever."""
    shown = EntityMerger.shown

    def uncut(self: EntityMerger, member: Any, at: int, value: Any) -> Any:
        return value if isinstance(value, str) else shown(self, member, at, value)

    patch.setattr(EntityMerger, "shown", uncut)


def plans_nothing_for_one_system(patch: Patch) -> None:
    """What is not at rest in one system is not looked at."""
    unrest = crosswalk.engine.plan._unrest
    patch.setattr(
        crosswalk.engine.plan,
        "_unrest",
        lambda house, stream: iter(()) if stream.connection == "beta" else unrest(house, stream),
    )


def writes_over_edits(patch: Patch) -> None:
    """The hub holds its own value for newer than an edit of one system."""
    side = EntityMerger.side

    def forgetful(self: EntityMerger, member: Any, at: int, position: int, name: str, golden: Any, **more: Any) -> Any:
        seen = side(self, member, at, position, name, golden, **more)
        if member.stream.connection != "beta" or seen.base is None or seen.base.side == seen.observed:
            return seen
        return replace(seen, base=Base(seen.observed, NEVER))

    patch.setattr(EntityMerger, "side", forgetful)


def sends_again_without_a_look(patch: Patch) -> None:
    """A write whose answer was lost is sent once more."""
    ask = crosswalk.engine.apply._Sender._ask

    def twice(self: Any, writes: Any) -> Any:
        answers = ask(self, writes)
        return ask(self, writes) if isinstance(answers.failure, UnknownOutcomeError) else answers

    patch.setattr(crosswalk.engine.apply._Sender, "_ask", twice)


def journals_no_create(patch: Patch) -> None:
    journal = outbox.journal

    def without(database: Any, connection: Any, written: Any, **more: Any) -> None:
        journal(database, connection, [one for one in written if one[0].op != "create"], **more)

    patch.setattr(outbox, "journal", without)


def holds_nothing_back(patch: Patch) -> None:
    """The watermark is the vendor's time, whatever commits late."""
    move = crosswalk.engine.pull._move_part

    def to_now(house: Any, connection: Any, stream: Any, part: str, page: Any, held: Any, **more: Any) -> None:
        back = int(stream.spec.hold_back.total_seconds() * 1000)
        opened = None if held["opened"] is None else held["opened"] + back
        move(house, connection, stream, part, page, {**held, "opened": opened}, **more)

    patch.setattr(crosswalk.engine.pull, "_move_part", to_now)


def believes_a_listing(patch: Patch) -> None:
    """What a listing of keys does not show is gone."""

    def remove(house: Any, stream: Any, keys: Sequence[str], lease: Any, pulled: Any, *, run: int) -> None:
        pulled.removed += crosswalk.engine.pull.remove(house, stream, keys, lease)

    patch.setattr(crosswalk.engine.pull, "_confirm_removed", remove)


def merges_consent_like_anything(patch: Patch) -> None:
    """A consent is merged like a list: the last or first word counts."""

    def loose(sides: Any, *, golden: Any, policy: Any) -> Any:
        return merge_set(sides, golden=golden, policy=policy, unit=merge_unit)

    patch.setattr(mapping.merge.threeway, "merge_consent", loose)


def counts_on_arrival(patch: Patch) -> None:
    """An identifier that has joined some goes on joining them, however many carry it later."""
    patch.setattr(Matcher, "_crossed", lambda *_: set())


def takes_back_all_but_one_field(patch: Patch) -> None:
    field = _Undoer._field

    def some(self: _Undoer, stream: Any, member: Any, one: Any, name: str, *more: Any) -> dict[str, Any] | None:
        return None if name == "job_title" else field(self, stream, member, one, name, *more)

    patch.setattr(_Undoer, "_field", some)


def spends_everything(patch: Patch) -> None:
    patch.setattr(Budgets, "take", lambda _self, _account, *, lane, calls: calls)


def quotes_what_is_wrong(patch: Patch) -> None:
    """A dead letter says what was found instead of a number."""
    post = letters.post

    def talkative(database: Any, connection: Any, posts: Sequence[Any], **more: Any) -> int:
        told = [one._replace(reason=f"{one.reason}: {load(one.payload or dump(None))}") for one in posts]
        return post(database, connection, told, **more)

    patch.setattr(letters, "post", talkative)


def sends_what_is_not_on_the_disk(patch: Patch) -> None:
    """With the power goes that something was being sent."""
    write = Database.write
    patch.setattr(Database, "write", lambda database, **_: write(database))


def reads_everything_first(patch: Patch) -> None:
    patch.setattr(crosswalk.engine.pull, "prefetched", lambda pages, *_, **__: iter(list(pages)))


def forgets_who_was_erased(patch: Patch) -> None:
    """What a vendor sends of them again is landed like anything."""
    patch.setattr(Landing, "let_in", lambda _self, page, *_: page)


def takes_what_is_emptied_for_left(patch: Patch) -> None:
    """A reference that a vendor empties since its company is gone is somebody's word."""
    patch.setattr(Emptied, "left", lambda _self, _record, _stream, before, *_, **__: Left(before, False, False))


def puts_beside_what_is_gone(patch: Patch) -> None:
    """Who names another company in place of one that is gone works for both."""
    patch.setattr(EntityMerger, "_takes_place", lambda *_, **__: False)


def follows_no_delete(patch: Patch) -> None:
    """What is deleted in one system lives on in the others, whatever the file says."""
    patch.setattr(crosswalk.engine.plan, "follow_removals", lambda *_, **__: ([], 0))


def of_companies(make: Callable[[], World], seed: int) -> object:
    return play(make(), history(seed, of_companies=True))


DEFECTS: Final[Mapping[str, Defect]] = {
    one.breaks.__name__: one
    for one in (
        Defect("I1", compares_with_the_whole, ("edit", "edit", "sync")),
        Defect("I2", plans_nothing_for_one_system, ("edit", "sync")),
        Defect("I3", writes_over_edits, ("sure", "sync")),
        Defect("I3", puts_beside_what_is_gone, ("deletes", "firm_new", "firm_sure", "firm_sure", "firm_sure")),
        Defect("I4", sends_again_without_a_look, ("new", "firm_new", "lost", "sync")),
        Defect("I5", journals_no_create, ("new", "sync")),
        Defect("I5", sends_what_is_not_on_the_disk, whole=lambda make, seed: play(make(), history(seed), power=True)),
        Defect("I6", holds_nothing_back, ("late", "late", "tick", "sync", "sync")),
        Defect("I7", believes_a_listing, ("new", "short", "tick", "sync", "sync")),
        Defect("I7", takes_what_is_emptied_for_left, whole=of_companies),
        Defect("I7", follows_no_delete, whole=of_companies),
        Defect("I8", forgets_who_was_erased, ("new", "sync", "erase", "edit", "sync")),
        Defect("I9", merges_consent_like_anything, ("opt_out", "opt_in", "sync", "sync")),
        Defect("I10", counts_on_arrival),
        Defect("I11", takes_back_all_but_one_field, within=100, whole=lambda make, seed: undo_in(make(), seed)),
        Defect("I12", spends_everything, ("poor", "edit", "sync", "sync", "sync")),
        Defect("I13", quotes_what_is_wrong, ("garble", "sync")),
        Defect("I14", reads_everything_first, ("new", "sync")),
    )
}
