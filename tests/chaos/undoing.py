"""I11 over random small histories: an undo restores every untouched field, it stays restored, and it can be undone."""

import copy
from collections import Counter
from random import Random
from typing import Any, Final

from tests.chaos.histories import CHOICES, Play, Step
from tests.chaos.invariants import BrokenError, Effect
from tests.hub import World

EDITS: Final = (
    "edit",
    "edit",
    "edit",
    "both",
    "both",
    "clear",
    "firm",
    "firm_new",
    "employ",
    "answer",
    "new",
    "decide",
)
COLUMNS: Final = ("title", "phone", "tags", "firm", "nps", "site")
Rows = dict[tuple[str, str, str], dict[str, Any]]
Written = dict[tuple[str, str, str, str], tuple[Any, Any]]  # system, stream, key, column -> before, after


def undo_in(world: World, seed: int) -> Counter[str]:
    """How many fields were restored, by the name of what they hold. Raises BrokenError."""
    return Counter({"I11": undo_and_look(Play(world), Random(seed))})


def undo_and_look(play: Play, random: Random) -> int:
    """Play a history up to a run, take that back, and that too; how many fields were restored."""
    world = Step("world", *(random.randrange(100) for _ in range(3)))
    play.log.append(f"-- {world}")
    play.take(world)
    play.told |= {name: random.randrange(len(choices)) for name, choices in CHOICES.items() if name != "listed"}
    play.write_config()
    steps(play, random, 3)
    for _ in range(3):
        play.take(Step("new", *(random.randrange(100) for _ in range(3))))
    for name in ("alpha", "beta"):
        for row in play.remote(name).rows.get("people", {}).values():
            row |= {column: row.get(column) for column in COLUMNS}  # an empty field is seen to be empty
    if random.random() < 0.8:
        play.calm()
    steps(play, random, random.randrange(3, 12))
    count, stood = len(play.effects), rows(play)
    run = play.do_sync(Step("sync", 0, 0, 0))["run"]["id"]
    effects = play.effects[count:]
    if not effects:
        return 0
    done = written(effects, stood)
    left = rows(play)
    told = answers(play)

    if random.random() < 0.6:
        steps(play, random, random.randrange(1, 4))
    if random.random() < 0.5:
        play.do_sync(Step("sync", 0, 0, 0))
    now = rows(play)
    touched = {
        column
        for record, row in now.items()
        for column in {*row, *left.get(record, {})}
        if row.get(column) != left.get(record, {}).get(column) and column != "updated"
    }
    sure = {
        place: values
        for place, values in done.items()
        if place[3] not in touched and place[:3] in now and not now[place[:3]].get("gone")
    }
    news = {"nps"} if answers(play) != told else set()  # somebody has answered since: that is another score
    undone = take_back(play, run)

    after = rows(play)
    for place, (before, _) in sure.items():
        differs(place, after[place[:3]].get(place[3]), before, "after the undo")
    for place in done:
        edited = now[place[:3]].get(place[3]) if place[:3] in now else None
        if place[:3] in now and edited not in (done[place][1], left[place[:3]].get(place[3])):
            differs(place, after[place[:3]].get(place[3]), edited, "though it was edited since")
    for record, row in after.items():
        for column, value in row.items():
            if (*record, column) not in done and record in now and column not in ("updated", "gone"):
                differs((*record, column), value, now[record].get(column), "and was none of the run's")

    play.calm()
    rested = rows(play)
    if not touched:
        for place, (before, _) in sure.items():
            if place[3] in news:
                continue
            differs(place, rested[place[:3]].get(place[3]), before, "with the mapping running")
    if undone is None:
        return 0
    take_back(play, undone["run"]["id"])
    again = rows(play)
    if not touched:
        for place in sure:
            if place[3] in news:
                continue
            differs(place, again[place[:3]].get(place[3]), now[place[:3]].get(place[3]), "after the undo of the undo")
    play.calm()
    count = len(play.effects)
    play.do_sync(Step("sync", 0, 0, 0))
    if len(play.effects) > count:
        raise BrokenError("I1", f"a quiet world is written to: {play.effects[count:]}")
    return len(sure)


def rows(play: Play) -> Rows:
    return {
        (name, stream, key): copy.deepcopy(row)
        for name in ("alpha", "beta")
        for stream, found in play.remote(name).rows.items()
        for key, row in found.items()
    }


def answers(play: Play) -> Any:
    """What has been answered by now, read or not."""
    return copy.deepcopy(play.remote("tool").rows)


def written(effects: list[Effect], stood: Rows) -> Written:
    """What some effects did to the columns of records that were there before, where anything could be read in them."""
    found: Written = {}
    for one in effects:
        row = stood.get((one.system, one.stream, one.key), {})
        for column, value in one.values.items():
            if column in row:
                found[one.system, one.stream, one.key, column] = (row[column], value)
    return found


def steps(play: Play, random: Random, count: int) -> None:
    for _ in range(count):
        play.take(Step(random.choice(EDITS), *(random.randrange(100) for _ in range(3))))


def take_back(play: Play, run: str) -> dict[str, Any] | None:
    """Undo a run, and let what that pauses go on; None: there was nothing to take back."""
    with play.opened() as hub:
        plan = hub.undo(run)["plan"]
        if plan is None:
            return None
        done = hub.apply(plan["id"])
        for one in done["paused"]:
            hub.resume(one["address"])
    told: dict[str, Any] = done
    return told


def differs(place: tuple[str, str, str, str], now: Any, wanted: Any, when: str) -> None:
    empty = now in (None, []) and wanted in (None, [])
    if _read(now) != _read(wanted) and not empty:
        raise BrokenError("I11", f"{'/'.join(place)} shows {now!r} {when}, not {wanted!r}")


def _read(value: Any) -> Any:
    """As the hub reads it: blanks at the end of a text, which a vendor that cuts texts short leaves, are none of it."""
    return value.rstrip() if isinstance(value, str) else value


__all__ = ["undo_and_look", "undo_in"]
