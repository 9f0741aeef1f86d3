"""What sending a plan takes of each account's budget, told before anything is sent.

Counted as `apply` asks: records are read again before their update, others' creates are looked for before ours, and
where the answer to a write carries no values its records are read back. Not counted: repeats, and catalogues, which
whoever opens the hub asks for.
"""

from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any, Final

from connectors.sdk.contract import StreamSpec
from crosswalk.engine.answers import MOVES
from crosswalk.engine.apply import chunk_of_creates, chunk_of_updates, looks_ahead, says_no
from crosswalk.engine.model import House, Stream
from crosswalk.store.budget import Budgets
from crosswalk.store.outbox import Action

# How many calls go out in a second, as far as it decides how much of what we made lies within a stream's hold-back.
_PACE: Final = 5


def forecast(house: House, actions: Sequence[Action]) -> list[dict[str, Any]]:
    """By stream: what sending takes in the account's unit, and what the account has left today."""
    rows = []
    budgets = Budgets(house.database, house.clock)
    for stream in house.streams.values():
        mine = [action for action in actions if action.stream == stream.id]
        if not mine:
            continue
        creates = sum(action.op == "create" for action in mine)
        moves = sum(action.op in MOVES for action in mine)
        denials = sum(action.op == "update" and says_no(action) for action in mine)  # go out first, by themselves
        updates = len(mine) - creates - moves - denials
        cost = _updates(stream.spec, denials) + _updates(stream.spec, updates)
        cost += _creates(stream, creates, beside=denials + updates) + _moves(stream.spec, moves)
        balance = budgets.balance(stream.connection)
        rows.append(
            {
                "stream": stream.address,
                "connection": stream.connection,
                "unit": house.links[stream.connection].unit,
                "cost": cost,
                "left": None if balance is None else balance.remaining,
            }
        )
    return rows


def _updates(spec: StreamSpec, count: int) -> int:
    cost = _sending(spec, count, spec.costs.update)
    if spec.precondition == "none":
        chunk = chunk_of_updates(spec)
        cost += _reading(spec, min(count, chunk) if looks_ahead(spec) else count, chunk)
    return cost


def _creates(stream: Stream, count: int, *, beside: int) -> int:
    """`beside`: so many updates went out before them."""
    spec = stream.spec
    cost = _sending(spec, count, spec.costs.create)
    if stream.unique_hub_id:
        return cost
    if spec.cursor != "modified":
        return cost + count * spec.costs.search
    looks = range(beside, beside + count, chunk_of_creates(spec))
    return cost + spec.costs.list * sum(_pages_of_news(spec, written) for written in looks)


def _pages_of_news(spec: StreamSpec, written: int) -> int:
    """What others have made is looked for from the hold-back on, and what we have written since comes with it."""
    within = ceil(spec.hold_back.total_seconds() * _PACE) * spec.batch
    return max(1, ceil(min(written, within) / spec.page_size))


def _moves(spec: StreamSpec, count: int) -> int:
    """Putting away or bringing back."""
    return _sending(spec, count, spec.costs.archive) + _reading(spec, count, chunk_of_updates(spec))


def _sending(spec: StreamSpec, count: int, cost: int) -> int:
    """`cost`: of a full batch. What is not answered with values is read back, a batch at a time."""
    sent = sum(ceil(cost * size / spec.batch) for size in _pieces(count, spec.batch))
    return sent if spec.answers_with_values else sent + _reading(spec, count, spec.batch)


def _reading(spec: StreamSpec, count: int, at_once: int) -> int:
    """So many records by their keys, `at_once` in a piece."""
    return sum(
        min(size * spec.costs.get, ceil(size / spec.fetch_batch) * spec.costs.list)
        if spec.fetch_batch > 1
        else size * spec.costs.get
        for size in _pieces(count, at_once)
    )


def _pieces(count: int, most: int) -> Iterator[int]:
    """How `count` is cut: full pieces and the rest."""
    for start in range(0, count, most):
        yield min(most, count - start)


__all__ = ["forecast"]
