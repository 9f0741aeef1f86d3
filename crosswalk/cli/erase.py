"""erase: a person of whom nothing is to be kept."""

from collections.abc import Iterator
from typing import Annotated, Final

import typer

from crosswalk.cli import text
from crosswalk.cli.options import app, command
from crosswalk.cli.screen import Line, Screen
from crosswalk.cli.session import Answer, Session, UsageError
from crosswalk.cli.table import Column, table

commands = app()

_WORDS: Final = (
    ("history", "change", "changes"), ("writes", "write", "writes"), ("conflicts", "conflict", "conflicts"),
    ("dead_letters", "dead letter", "dead letters"),
)  # fmt: skip
_MANY: Final = {"activity": "activities"}


@command(
    commands,
    examples="""
        crosswalk erase mara@example.test                    says what would go, and asks
        crosswalk erase pipedrive/persons/4711 --reason "request of 3 May"
        crosswalk erase --list
        crosswalk erase --lift E3                            store again what is sent of them
    """,
)
def erase(
    session: Session,
    person: Annotated[
        str, typer.Argument(metavar="[PERSON]", help="A record, an entity, or an e-mail address of theirs.")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Kept with the erasure.")] = "",
    listed: Annotated[bool, typer.Option("--list", help="Whom nothing is kept of, by number.")] = False,
    lift: Annotated[str, typer.Option("--lift", metavar="ERASURE", help="Store again what is sent of them.")] = "",
    scrub: Annotated[bool, typer.Option("--scrub", help="Clean the store's files, if it was busy before.")] = False,
) -> int:
    """Keep nothing of a person, and store nothing of what the systems send of them again. It cannot be taken back.

    At the systems themselves nothing is deleted: the answer says where they still stand.
    """
    if sum(map(bool, (person, listed, lift, scrub))) != 1:
        raise UsageError("who is to be erased?", "one of: crosswalk erase PERSON, --list, --lift ERASURE, --scrub")
    with session.hub(works=bool(person)) as hub:
        if listed:
            return session.show(hub.erasures(), rows)
        if lift:
            return session.show(hub.lift_erasure(lift), lifted)
        if scrub:
            return session.show(hub.scrub(), scrubbed)
        if not session.asker.agreed:
            for line in foretold(hub.would_erase(person), session.err):
                session.err.write([line])
            if not session.asker.confirm("Erase them for good?", what="Erasing somebody"):
                raise UsageError("everything stays as it is", "--yes asks nothing")
        return session.show(hub.erase(person, reason=reason), erased)


def foretold(answer: Answer, screen: Screen) -> Iterator[Line]:
    """Who it is, and what would go."""
    records = [text.count(count, kind, _MANY.get(kind)) for kind, count in answer["records"].items()]
    others = [text.count(answer[key], one, many) for key, one, many in _WORDS if answer[key]]
    yield f"{answer['entity']:<18}{answer['title'] or ''}"
    yield from screen.prose(f"What goes: {', '.join([*records, *others])}.")
    yield from _still_there(answer, screen)


def _still_there(answer: Answer, screen: Screen) -> Iterator[Line]:
    if answer["still_at"]:
        yield from screen.prose("The systems keep what they have. To be deleted there as well:")
        yield from (f"  {address}" for address in answer["still_at"])
    if answer["shared"]:
        yield from screen.prose(
            f"{text.count(answer['shared'], 'address', 'addresses')} of theirs stand with somebody else as well, who "
            "keeps them: by these they are not known again."
        )


def erased(answer: Answer, screen: Screen) -> Iterator[Line]:
    if answer["erasure"] is None:
        return
    yield from screen.prose(
        f"{answer['erasure']}: nothing of them is kept, and what is sent of them again is not stored."
    )
    yield from _still_there(answer, screen)
    yield from scrubbed(answer, screen)


def scrubbed(answer: Answer, screen: Screen) -> Iterator[Line]:
    if not answer["scrubbed"]:
        yield from screen.prose(
            "Somebody else works in the store just now: what was erased may stand in free places of its files until  "
            "crosswalk erase --scrub"
        )
    elif "erasure" not in answer:
        yield "The store's files hold nothing of what was erased."


def lifted(answer: Answer, screen: Screen) -> Iterator[Line]:
    yield from screen.prose(
        f"{answer['id']} is lifted: what the systems send of them is stored again, with its next change or the next "
        "sweep. At once:  crosswalk resync CONNECTION/STREAM/ID"
    )


def rows(answer: Answer, screen: Screen) -> Iterator[Line]:
    if not answer["erasures"]:
        yield "Nobody has been erased."
        return
    yield from table(
        [
            Column(title="erasure"), Column(title="when"), Column(title="who", leaves=1),
            Column(title="records", right=True, leaves=2), Column(title="reason"),
        ],
        [
            [
                one["id"], screen.clock(one["at"]), one["who"], text.number(one["records"]),
                one["reason"] + (" (lifted)" if one["lifted_at"] else ""),
            ]
            for one in answer["erasures"]
        ],
        width=screen.width,
        free=True,
    )  # fmt: skip
