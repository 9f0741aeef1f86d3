"""One firing per slot, however many processes look at the same timetable.

Every process computes the same slots from the same configuration; whoever claims a slot first runs it. A slot whose
process has gone before the end of its run is made up for by another one.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:  # its arithmetic of cron lines takes time to import, and only a daemon needs it
    from scheduler.triggers import Trigger


class Firing(NamedTuple):
    """A slot of a job that is to be worked off; `tries`: how often that has failed before."""

    job: str
    slot: datetime
    tries: int = 0


class SlotBook(Protocol):
    """The book of one process: what it claims, it holds."""

    def claim(self, job: str, slot: datetime) -> bool:
        """True for exactly one caller per job and slot."""
        ...

    def finish(self, firing: Firing) -> None:
        """The run of a slot has ended: nobody has to make up for it."""
        ...

    def again(self, firing: Firing, at: datetime) -> None:
        """The run of a slot has failed, and is to be tried again at `at`, unless the next slot comes before."""
        ...

    def last(self, job: str) -> datetime | None:
        """The last slot that anybody has claimed; None: the job is new."""
        ...

    def left_behind(self) -> list[Firing]:
        """Slots that somebody claimed, never finished, and is gone: claimed anew, by this process.

        The last of each job alone; what came before it is made up for by it.
        """
        ...

    def due_again(self) -> list[Firing]:
        """Slots that failed and whose time to be tried again has come: claimed anew, by this process.

        The last of each job alone, as above.
        """
        ...


_LOOK_BACK: Final = timedelta(hours=1)
_FURTHEST: Final = timedelta(days=400)


class Timetable:
    """Which jobs are due. `since`, per job: slots before it belong to nobody."""

    def __init__(self, triggers: "Mapping[str, Trigger]", book: SlotBook, *, since: Mapping[str, datetime]) -> None:
        self._triggers = dict(triggers)
        self._book = book
        self._looked = {job: since[job] for job in self._triggers}

    def due(self, now: datetime) -> list[Firing]:
        """Jobs to run now, claimed. Slots missed in between (sleep, overload) are made up for by the last of them."""
        firings = []
        for job, trigger in self._triggers.items():
            slot = last_slot(trigger, after=self._looked[job], until=now)
            if slot is None:
                continue
            claimed = self._book.claim(job, slot)
            self._looked[job] = slot  # only now: a book that cannot be reached is asked again
            if claimed:
                firings.append(Firing(job, slot))
        return firings

    def next(self) -> datetime | None:
        """When to look again; None: never."""
        coming = [self._triggers[job].next(after) for job, after in self._looked.items()]
        return min((slot for slot in coming if slot is not None), default=None)


def last_slot(trigger: "Trigger", *, after: datetime, until: datetime) -> datetime | None:
    """The last slot in (after, until]. Looked for from the end: what was missed may be a year of minutes."""
    back = _LOOK_BACK
    while True:
        start = max(after, until - back)
        if (slot := trigger.next(start)) is not None and slot <= until:
            break
        if start <= after or back > _FURTHEST:
            return None
        back *= 2
    while (following := trigger.next(slot)) is not None and following <= until:
        slot = following
    return slot
