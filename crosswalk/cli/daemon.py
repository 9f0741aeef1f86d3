"""daemon, pause, resume: the hub unattended."""

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crosswalk.cli.options import app, command
from crosswalk.cli.screen import Line, Screen
from crosswalk.cli.session import DONE, FAILED, INTERRUPTED, Answer, Session, collect_seldom, is_terminal

if TYPE_CHECKING:
    from crosswalk.daemon import Unattended

commands = app()

# daemon


@command(
    commands,
    examples="""
        crosswalk daemon            until SIGTERM or Ctrl-C; a second one stops at once
        crosswalk daemon | jq .     one JSON object a line; on a terminal the same in words
    """,
)
def daemon(session: Session) -> int:
    """Sync every connection at its time, until told to end. Several on one store share the work.

    The file is read again when it changes. What waits for a person waits; `crosswalk status` shows it.
    """
    from crosswalk import log
    from crosswalk.daemon import open_daemon

    collect_seldom()
    log.configure(plain=is_terminal(sys.stdout) and not session.manners.json)
    ending = _Ending()
    ending.listen()
    with open_daemon(session.manners.config) as unattended:
        ending.of = unattended
        unattended.start()
        unattended.wait()
        if unattended.finish():
            unattended.leave()
            sys.stdout.flush()
            os._exit(FAILED)  # what has not ended by now would hold up the end of the process
    return DONE


class _Ending:
    """What SIGTERM and Ctrl-C come to: the first a clean end, the second one at once.

    They are listened to before the store is opened, which may take long: the first process of a container is not ended
    by a signal that it does not listen to.
    """

    def __init__(self) -> None:
        self.of: Unattended | None = None
        self._told = False

    def listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        if self._told:
            os._exit(INTERRUPTED)
        self._told = True
        if self.of is None:
            sys.exit(DONE)  # nothing has begun
        self.of.stop(signal.Signals(number).name)


# pause and resume


Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="A connection, or CONNECTION/STREAM.")]


@command(
    commands,
    examples="""
        crosswalk pause pipedrive            the whole connection
        crosswalk pause salesforce/contacts  one stream of it
    """,
)
def pause(session: Session, address: Address) -> int:
    """Neither read nor write a connection or stream until `resume`, whatever runs."""
    with session.hub() as hub:
        answer = hub.pause(address)
    return session.show(answer, paused_lines)


@command(
    commands,
    examples="""
        crosswalk resume pipedrive
        crosswalk resume salesforce/contacts
    """,
)
def resume(session: Session, address: Address) -> int:
    """Go on with what was paused; what was missed is caught up by its next run."""
    with session.hub() as hub:
        answer = hub.resume(address)
    return session.show({**answer, "address": address}, goes_on)


def goes_on(answer: Answer, screen: Screen) -> Iterator[Line]:
    address = answer["address"]
    yield f"{address} goes on with its next run" if answer["changed"] else f"{address} was not paused"
    yield from paused_lines(answer, screen)


def paused_lines(answer: Answer, screen: Screen) -> Iterator[Line]:
    """What an answer leaves out since it stands still, and how it goes on."""
    for one in answer.get("paused") or ():
        yield from screen.prose(f"{_paused(one, screen)};  crosswalk resume {one['address']}", indent=2, first="!")


def _paused(one: Mapping[str, Any], screen: Screen) -> str:
    """`pipedrive is paused by anna since 09:20: neither read nor written`."""
    by = f" by {one['who']}" if one.get("who") else ""
    since = f" since {screen.stamp(one['since'])}" if one.get("since") else ""
    why = f" ({one['code']}: {one['text']})" if one.get("code") else ""
    return f"{one['address']} is paused{by}{since}: neither read nor written{why}"
