"""undo: what a run wrote, taken back. The plan first; `apply` does it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from crosswalk.cli import text
from crosswalk.cli.daemon import paused_lines
from crosswalk.cli.options import app, command
from crosswalk.cli.screen import Line, Screen, cut, padded, wide
from crosswalk.cli.session import Answer, Session

commands = app()

_LIST_AT = 60  # the column in which a row says where its records are listed


@command(
    commands,
    examples="""
        crosswalk undo R143              what it would take back, and what not
        crosswalk plan P89               field by field
        crosswalk plan P89 --leave       what is left, and why
        crosswalk apply P89              take it back
    """,
)
def undo(
    session: Session, run: Annotated[str, typer.Argument(metavar="RUN", help="A run that wrote, as R143.")]
) -> int:
    """Plan to take back what a run wrote, where its records still hold it. Nothing is written until `apply`."""
    with session.hub(works=True) as hub:
        answer = hub.undo(run.upper())
    return session.show(answer, proposed)


def proposed(answer: Answer, screen: Screen) -> Iterator[Line]:
    """How much of a run can be taken back, what is left, and how to go on."""
    plan, undoes, coverage = answer["plan"], answer["undoes"], answer["coverage"]
    name = "" if plan is None else plan["id"]
    written = text.count(undoes["written"], "write")
    if plan is None:
        yield f"Nothing of {undoes['run']} is to be taken back: {written} of {screen.clock(undoes['at'])}"
    else:
        yield f"{name} takes back {undoes['run']}, {written} of {screen.clock(undoes['at'])}"
    rows = [
        ("restore", f"the remote still holds what {undoes['run']} wrote", f"crosswalk plan {name}"),
        ("leave", _reasons(answer["left"], "leave"), f"crosswalk plan {name} --leave"),
        ("cannot", _reasons(answer["left"], "cannot"), f"crosswalk plan {name} --leave"),
    ]
    listed = name and any(answer["left"])
    for kind, reason, where in rows:
        if not coverage[kind]:
            continue
        line: list[Any] = [*padded(text.number(coverage[kind]), 5, right=True), "  ", *padded(kind, 14), reason]
        if kind == "leave" and listed:
            line = [*padded(line, _LIST_AT), f"  list:  {where}"]
        yield line if wide(line) <= screen.width else cut(line, screen.width)
    yield from paused_lines(answer, screen)
    if plan is None:
        yield from left_lines(answer, screen, limit=20)
        return
    words = f"Coverage {round(coverage['share'] * 100, 1):g} %. "
    if plan["state"] == "open":
        words += f"Take back:  crosswalk apply {name}   (pauses these mappings until  crosswalk resume)"
    else:
        words += f"{name} {plan['state']}."
    yield from screen.prose(words)


def _reasons(left: Sequence[Mapping[str, Any]], kind: str) -> str:
    """The commonest reason, and how many others there are."""
    counts = Counter(str(one["reason"]) for one in left if one["kind"] == kind)
    if not counts:
        return ""
    (first, _), *more = counts.most_common()
    return first + (f", and {text.count(len(more), 'other reason')}" if more else "")


def left_lines(answer: Answer, screen: Screen, *, limit: int) -> Iterator[Line]:
    """What is not taken back, a line each: record, field, why."""
    left = answer["left"]
    shown = left[:limit] if limit else left
    address = max((len(_whose(one)) for one in shown), default=0)
    field = max((len(str(one["field"])) for one in shown), default=0)
    for one in shown:
        line = [*padded(f"  {_whose(one)}", address + 4), *padded(str(one["field"]), field + 2 if field else 0)]
        yield cut([*line, str(one["reason"])], screen.width)
    if len(shown) < len(left):
        yield f"...  {text.number(len(left) - len(shown))} more;  --limit 0"


def _whose(one: Mapping[str, Any]) -> str:
    """The record; of somebody who was erased there is no address any more."""
    erasure = one.get("erasure")
    return f"somebody erased ({erasure})" if erasure else str(one["record"])
