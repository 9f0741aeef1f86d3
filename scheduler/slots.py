"""One firing per slot, however many processes look at the same timetable.

Every process computes the same slots from the same configuration; whoever claims a slot first runs it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

from scheduler.triggers import Trigger


class SlotBook(Protocol):
    def claim(self, job: str, slot: datetime) -> bool:
        """True for exactly one caller per job and slot."""
        ...


class Firing(NamedTuple):
    job: str
    slot: datetime


class Timetable:
    """Which jobs are due. `since`: slots before it belong to nobody (start-up, or the end of the last run)."""

    def __init__(self, triggers: Mapping[str, Trigger], book: SlotBook, *, since: datetime) -> None:
        self._triggers = dict(triggers)
        self._book = book
        self._looked = dict.fromkeys(self._triggers, since)

    def due(self, now: datetime) -> list[Firing]:
        """Jobs to run now, claimed. Slots missed in between (sleep, overload) are made up for by the last of them."""
        firings = []
        for job, trigger in self._triggers.items():
            slot = last_slot(trigger, after=self._looked[job], until=now)
            if slot is None:
                continue
            self._looked[job] = slot
            if self._book.claim(job, slot):
                firings.append(Firing(job, slot))
        return firings

    def next(self) -> datetime | None:
        """When to look again; None: never."""
        coming = [self._triggers[job].next(after) for job, after in self._looked.items()]
        return min((slot for slot in coming if slot is not None), default=None)


def last_slot(trigger: Trigger, *, after: datetime, until: datetime) -> datetime | None:
    """The last slot in (after, until]."""
    found = None
    slot = trigger.next(after)
    while slot is not None and slot <= until:
        found = slot
        slot = trigger.next(slot)
    return found
