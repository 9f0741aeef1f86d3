"""audit: are the systems as the hub believes?"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from crosswalk.cli import text
from crosswalk.cli.daemon import paused_lines
from crosswalk.cli.options import app, command
from crosswalk.cli.screen import Line, Piece, Screen, Span, cut, padded
from crosswalk.cli.session import Answer, Session, UsageError

commands = app()

_SAMPLE = re.compile(r"(\d+(?:\.\d+)?)(%?)")
_MISSED = ("changed unseen", "never seen")


@command(
    commands,
    examples="""
        crosswalk audit                         every record of every connection
        crosswalk audit salesforce --sample 2%  some of them, others each time
        crosswalk audit zoho --sample 500
    """,
)
def audit(
    session: Session,
    only: Annotated[list[str] | None, typer.Argument(metavar="CONNECTION...", help="These alone.")] = None,
    sample: Annotated[str, typer.Option("--sample", metavar="N", help="So many of each stream, or a share: 2%.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many of each kind are shown; 0: all.")] = 20,
) -> int:
    """Compare what the systems show with what the hub last saw of them, and explain each difference."""
    told = _SAMPLE.fullmatch(sample.strip()) if sample else None
    if sample and (told is None or not float(told[1]) or (told[2] and float(told[1]) > 100)):
        raise UsageError(f"--sample {sample}", "a number of records, as 500, or a share, as 2%")
    number, share = None, None
    if told is not None:
        number, share = (None, float(told[1]) / 100) if told[2] else (int(float(told[1])), None)
    with session.hub(works=True) as hub:
        answer = hub.audit(only or [], number=number, share=share)
    return session.show(answer, lambda a, s: audited(a, s, limit=limit))


def audited(answer: Answer, screen: Screen, *, limit: int) -> Iterator[Line]:
    """How many are as believed, then what is not, by kind, with what explains it."""
    compared, held = answer["compared"], answer["held"]
    calls = sum(one["calls"] for one in answer.get("calls") or ())
    believed = max(0, compared - answer["unlike"])
    words = f"{text.number(compared)} of {text.count(held, 'record')} compared, {text.count(calls, 'call')}: "
    yield from screen.prose(f"{words}{text.number(believed)} as believed")
    yield from paused_lines(answer, screen)
    for kind, count in Counter(one["kind"] for one in answer["differences"]).items():
        mine = [one for one in answer["differences"] if one["kind"] == kind]
        if kind in _MISSED or len(mine) <= 3:
            yield from _each(kind, mine[: limit or None], screen)
            if limit and len(mine) > limit:
                yield f"...  {text.number(len(mine) - limit)} more;  --limit 0"
        else:
            reasons = Counter(_said(one) for one in mine)
            first = reasons.most_common(1)[0][0]
            more = f", and {text.count(len(reasons) - 1, 'other reason')}" if len(reasons) > 1 else ""
            yield _row(count, kind, f"{first}{more}", screen)
    for one in answer["widened"]:
        yield from screen.prose(f"{one['stream']}: overlap is now {text.seconds(one['seconds'])}", indent=5)


def _each(kind: str, differences: Sequence[Mapping[str, Any]], screen: Screen) -> Iterator[Line]:
    for one in differences:
        where = str(one["record"]) + (f" {one['field']}" if one.get("field") else "")
        when = f", {screen.stamp(one['at'])}" if one.get("at") else ""
        yield _row(1, kind, f"{where}{when}: {_said(one)}", screen)


def _said(one: Mapping[str, Any]) -> str:
    return "; ".join(part for part in (str(one["explanation"]), str(one["action"])) if part)


def _row(count: int, kind: str, words: str, screen: Screen) -> Line:
    name = kind.upper() if kind in _MISSED else kind
    head: list[Piece] = padded([Span(name, "warn")] if kind in _MISSED else name, 17)
    return cut([*padded(text.number(count), 3, right=True), "  ", *head, "  ", words], screen.width)
