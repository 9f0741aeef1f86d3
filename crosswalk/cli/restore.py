"""restored: a backup of the store was put back."""

from collections.abc import Iterator

from crosswalk.cli import text
from crosswalk.cli.options import app, command
from crosswalk.cli.screen import Line, Screen
from crosswalk.cli.session import DONE, Answer, Session

commands = app()


@command(
    commands,
    examples="""
        crosswalk restored        once, after an older store was put back and before anything else
        crosswalk plan            then: everything is read again, and all that differs is shown
    """,
)
def restored(session: Session) -> int:
    """Say that the store is an older one: everything is read again, and nothing is written before you saw the plan."""
    question = "Read everything again, and let nothing be written before a plan was applied?"
    if not session.asker.confirm(question, what="Taking the store for an older one"):
        session.note("Nothing was changed.")
        return DONE
    with session.hub() as hub:
        answer = hub.restored()
    return session.show(answer, told)


def told(answer: Answer, screen: Screen) -> Iterator[Line]:
    streams = text.count(len(answer["streams"]), "stream")
    yield from screen.prose(
        f"{streams} will be read from the beginning. Where all sides agree by now, nothing is done; what differs, and "
        "every create, waits for you in the next plan. Tokens that were renewed since the backup may have to be "
        "granted anew."
    )
    yield "Next:  crosswalk check, then  crosswalk plan"
