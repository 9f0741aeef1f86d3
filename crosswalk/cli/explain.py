"""explain: why a record, a field or a code is as it is."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from crosswalk.cli.options import app, command
from crosswalk.cli.screen import Line, Piece, Screen, Span, cut, dim, padded, wide
from crosswalk.cli.session import Answer, Session

commands = app()

_CODE = re.compile(r"CW\d{3}", re.IGNORECASE)


@command(
    commands,
    examples="""
        crosswalk explain mara.lindqvist@nordlicht-solar.test   whose address is it
        crosswalk explain person/8f2kq --field phone            why this value
        crosswalk explain typeform/responses/r8w2k1             where did that go
        crosswalk explain CW202                                 what a code means
    """,
)
def explain(
    session: Session,
    what: Annotated[str, typer.Argument(metavar="WHAT", help="An address, an e-mail address, or a code.")],
    field: Annotated[str | None, typer.Option("--field", metavar="NAME", help="One field of it, side by side.")] = None,
) -> int:
    """Why something is as it is: the records behind it, the rule that joined them, where each value comes from."""
    if _CODE.fullmatch(what):
        # A code is explained where no hub can be opened, too: that is when most of them are met.
        from crosswalk.cli.codes import page

        return session.show(page(what.upper()), explained_code)
    with session.hub() as hub:
        answer = hub.explain(what, field=field)
    return session.show(answer, lambda a, s: explained(a, s, field=field))


def explained_code(answer: Answer, screen: Screen) -> Iterator[Line]:
    for line in str(answer["page"]).splitlines():
        yield from screen.prose(line) if not line.startswith("  ") else [line]


def explained(answer: Answer, screen: Screen, *, field: str | None) -> Iterator[Line]:
    """An entity with its records and lineage, one field of it, or a record that belongs to nobody."""
    if answer.get("entity") is None:
        yield from _nobody(answer, screen)
    elif field is not None:
        for one in answer["fields"]:
            yield from _field(one, screen)
    else:
        yield from screen.titled(answer["entity"], [screen.title(answer.get("title"))])
        yield from _records(answer, screen)
        yield from _lineage(answer, screen)


def _records(answer: Answer, screen: Screen) -> Iterator[Line]:
    records = answer["records"]
    named = min(max((len(one["address"]) for one in records), default=0), screen.width - 24)
    for one in records:
        if one.get("blocked_by"):
            when = screen.clock(one["next_try_at"]) if one.get("next_try_at") else "when you say"
            seen: Line = [Span(f"BLOCKED by {one['blocked_by']}", "red")]
            said = "; ".join(filter(None, [str(one.get("reason") or ""), f"next try {when}"]))
        else:
            seen = f"seen {screen.ago(one['seen_at'])}" if one.get("seen_at") else "not seen yet"
            said = ", ".join(filter(None, [_state(one), str(one.get("matched_by") or "")]))
        line: list[Piece] = ["  ", *padded(cut(one["address"], named), named), "  "]
        yield cut([*line, *padded(seen, 15), "   ", said], screen.width)


def _state(one: Mapping[str, Any]) -> str:
    return "" if one.get("state") in (None, "live") else str(one["state"])


def _lineage(answer: Answer, screen: Screen) -> Iterator[Line]:
    """Every field: where its value comes from and since when; the value last, since it is free text."""
    fields = [one for one in answer.get("fields") or () if one.get("value") is not None]
    if not fields:
        return
    name = min(max(len(one["name"]) for one in fields), 28)
    source = min(max(len(str(one.get("source") or "")) for one in fields), 44)
    yield "fields"
    for one in fields:
        since = screen.stamp(one["since"]) if one.get("since") else ""
        line: list[Piece] = ["  ", *padded(one["name"], name), "  "]
        came: list[Piece] = [*padded([dim(str(one.get("source") or ""))], source), "  "]
        if wide(line) + wide(came) + 13 + 24 <= screen.width:
            line += [*came, *padded([dim(since)], 12), "  "]
        elif wide(line) + wide(came) + 24 <= screen.width:
            line += came
        yield cut([*line, screen.value(one["value"])], screen.width)


def _field(one: Mapping[str, Any], screen: Screen) -> Iterator[Line]:
    since = f"since {screen.stamp(one['since'])}" if one.get("since") else ""
    if since and one.get("run"):
        since += f" ({one['run']})"
    yield from screen.titled([f"{one['name']} = ", screen.value(one["value"])], since)
    sides = one.get("sides") or ()
    name = max([10, *(len(side["connection"]) for side in sides)])
    why = str(one.get("rule") or "")
    if one.get("place"):
        why += f" ({one['place']})"
    if why:
        yield from screen.prose(why, indent=4 + name, first=["  ", *padded("why", name)])
    if one.get("previous") is not None:
        before, origin = _previous(one)
        said: list[Piece] = [screen.value(before), f", from {origin}" if origin else ""]
        yield cut(["  ", *padded("before", name), "  ", *said], screen.width)
    for side in sides:
        holds: list[Piece] = ["holds it"] if side["state"] == "holds" else ["holds ", screen.value(side["value"])]
        line: list[Piece] = ["  ", *padded(side["connection"], name), "  ", *padded(holds, 20), "  "]
        yield cut([*line, str(side.get("reason") or "")], screen.width)


def _previous(one: Mapping[str, Any]) -> tuple[Any, str]:
    held = one["previous"]
    if isinstance(held, dict) and set(held) == {"value", "source"}:
        return held["value"], str(held["source"] or "")
    return held, str(one.get("previous_source") or "")


def _nobody(answer: Answer, screen: Screen) -> Iterator[Line]:
    records = answer.get("records") or ()
    read = next((one["seen_at"] for one in records if one.get("seen_at")), None)
    words = "Belongs to nobody." + (f" Read {screen.clock(read)};" if read else "")
    words += f" {answer.get('why') or 'no rule has joined it to anything yet.'}"
    if answer.get("advice"):
        words += f"  {answer['advice']}"
    yield from screen.prose(words)
    if records and records[0].get("blocked_by"):
        yield from _records(answer, screen)
