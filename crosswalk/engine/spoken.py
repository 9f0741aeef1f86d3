"""Ids that can be said on the telephone (run R143, plan P87, conflict C31, pair M12), and why writes wait.

Apart from the other words of answers, which take the whole schema: `crosswalk status` needs these alone.
"""

from collections.abc import Mapping
from typing import Final

LETTERS: Final[Mapping[str, str]] = {
    "run": "R", "plan": "P", "conflict": "C", "pair": "M", "letter": "D",
    "erasure": "E",
}  # fmt: skip
_NAMES: Final[Mapping[str, str]] = {
    "run": "run", "plan": "plan", "conflict": "conflict", "pair": "pair", "letter": "dead letter", "erasure": "erasure",
}  # fmt: skip

# What holds an action back: the words of `action.held_by`, of which there may be several, with commas between.
FIRST: Final = "first"  # the first plan of a mapping
STORM: Final = "storm"  # so many writes to its stream were refused that it was stopped
GUARD: Final = "guard:"  # the guard of a class


class AskError(Exception):
    """What was asked cannot be answered as it was asked: nothing has this name, or several things have."""

    def __init__(self, text: str, *, hint: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint


def spoken(thing: str, number: int) -> str:
    """`spoken("run", 143)` is "R143"."""
    return f"{LETTERS[thing]}{number}"


def maybe_spoken(thing: str, number: int | None) -> str | None:
    return None if number is None else spoken(thing, number)


def number_of(thing: str, text: str | int) -> int:
    """The number in "C31", "c31" or "31"; AskError where it is none of this thing."""
    plain = str(text).strip().upper().removeprefix(LETTERS[thing])
    if not (plain.isascii() and plain.isdigit()) or len(plain) > 9:
        raise AskError(f"'{text}' is no {_NAMES[thing]}", hint=f"such as {spoken(thing, 31)}")
    return int(plain)


def held_reasons(held_by: str | None) -> list[str]:
    return list(filter(None, (held_by or "").split(",")))


def held_classes(op: str, held_by: str | None) -> list[str]:
    """The classes of a held action, each of which a person approves: its guards', else what it does."""
    guards = [one.removeprefix(GUARD) for one in held_reasons(held_by) if one.startswith(GUARD)]
    return guards or [op]


def held_words(held_by: str | None) -> list[str]:
    """`action.held_by` in words."""
    told = []
    for one in held_reasons(held_by):
        if one == FIRST:
            told.append("the first plan of a mapping")
        elif one == STORM:
            told.append("a stream that was stopped, since most of its writes were refused")
        elif one.startswith(GUARD):
            told.append(f"more {one.removeprefix(GUARD)}s than its guard lets through")
        else:
            told.append(one)
    return told or ["it is held"]
