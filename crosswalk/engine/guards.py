"""Guards: more of one kind of write than expected waits, as a whole, for a person.

A ceiling is absolute and relative; the lower one holds, the share counted from 20 live records up. Updates are
counted per field: a mapping gone wrong shows as one field that changes everywhere.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from crosswalk.engine.model import Ceiling, House, Stream
from crosswalk.engine.spoken import GUARD, held_reasons
from crosswalk.store.outbox import Action

_SHARE_FROM: Final = 20


class Tripped(Struct, frozen=True, kw_only=True):
    """A class of a stream that waits."""

    stream: str
    klass: str
    field: str | None  # of updates: the field that most records would get anew
    planned: int
    ceiling: int
    share: str | None  # "5%" where that part of `records` is the ceiling; None: the absolute number is
    records: int
    rule: str
    waiting: int  # actions of the class that are held with it

    def told(self) -> dict[str, Any]:
        return {
            "stream": self.stream,
            "class": self.klass,
            "field": self.field,
            "planned": self.planned,
            "ceiling": self.ceiling,
            "share": self.share,
            "records": self.records,
            "rule": self.rule,
            "waiting": self.waiting,
        }


def hold_back(house: House, actions: Sequence[Action]) -> list[Tripped]:
    """Hold the classes that are over their ceilings; `state` and `held_by` of the actions are set."""
    tripped = []
    for stream in house.streams.values():
        mine = [action for action in actions if action.stream == stream.id]
        if not mine:
            continue
        live = _live(house, stream)
        for klass in ("create", "clear", "update", "delete"):
            ceiling = stream.guards.get(klass)
            if ceiling is not None:
                tripped += _hold_class(stream, klass, ceiling, [one for one in mine if klass in one.classes], live)
    return tripped


def _hold_class(stream: Stream, klass: str, ceiling: Ceiling, actions: Sequence[Action], live: int) -> list[Tripped]:
    allowed = limit(ceiling, live)
    if allowed is None or not actions:
        return []
    if klass in ("create", "delete"):
        over, count, name = list(actions), len(actions), None
    else:
        counts = Counter(
            one["field"] for action in actions for one in action.fields if klass == "update" or one["after"] is None
        )
        above = {field for field, number in counts.items() if number > allowed}
        if not above:
            return []
        name, count = counts.most_common(1)[0]
        over = [action for action in actions if any(one["field"] in above for one in action.fields)]
    if count <= allowed:
        return []
    for action in over:
        action.state, action.held_by = "held", ",".join([*held_reasons(action.held_by), GUARD + klass])
    return [
        Tripped(
            stream=stream.address,
            klass=klass,
            field=name,
            planned=count,
            ceiling=allowed,
            share=_share(ceiling, live, allowed),
            records=live,
            rule=ceiling.rule,
            waiting=len(over),
        )
    ]


def limit(ceiling: Ceiling, live: int) -> int | None:
    """How many are let through without a word; None: any number."""
    limits = [] if ceiling.at_most is None else [ceiling.at_most]
    if ceiling.share is not None and live >= _SHARE_FROM:
        limits.append(int(round(live * ceiling.share, 6)))  # 29% of 100 are 29, whatever a float makes of it
    return min(limits, default=None)


def _share(ceiling: Ceiling, live: int, allowed: int) -> str | None:
    """The relative part as people write it, where it is what holds."""
    if ceiling.share is None or live < _SHARE_FROM or (ceiling.at_most is not None and ceiling.at_most <= allowed):
        return None
    return f"{ceiling.share * 100:.4g}%"


def _live(house: House, stream: Stream) -> int:
    with house.database.read() as connection:
        return int(
            house.database.run(
                connection, "SELECT count(*) FROM record WHERE stream = ? AND state = 0", (stream.id,)
            ).scalar()
            or 0
        )
