"""explain: why a record, a field or a code is as it is."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import typer

from crosswalk.cli.options import app, command
from crosswalk.cli.screen import Line, Piece, Screen, Span, cut, dim, padded, sign
from crosswalk.cli.session import Answer, Session, UsageError
from crosswalk.cli.table import Column, table

commands = app()

_CODE = re.compile(r"CW\d{3}", re.IGNORECASE)


@command(
    commands,
    examples="""
        crosswalk explain mara.lindqvist@nordlicht-solar.test   whose address is it
        crosswalk explain person/8f2kq --field phone            why this value
        crosswalk explain person/8f2kq --field phone --history  what it was, and who wrote it where
        crosswalk explain person/8f2kq --as-of R131             as it stood after that run
        crosswalk explain person/8f2kq --with person/2zt9c      why they are one, or are not
        crosswalk explain typeform/responses/r8w2k1             where did that go
        crosswalk explain CW202                                 what a code means
    """,
)
def explain(
    session: Session,
    what: Annotated[str, typer.Argument(metavar="WHAT", help="An address, an e-mail address, or a code.")],
    field: Annotated[str | None, typer.Option("--field", metavar="NAME", help="One field of it, side by side.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="RUN", help="As it stood after this run.")] = None,
    other: Annotated[str, typer.Option("--with", metavar="OTHER", help="Why these two are one, or are not.")] = "",
    history: Annotated[bool, typer.Option("--history", help="What changed, newest first.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many changes are shown; 0: all.")] = 20,
) -> int:
    """Why something is as it is: the records behind it, the rule that joined them, where each value comes from."""
    if _CODE.fullmatch(what):
        # A code is explained where no hub can be opened, too: that is when most of them are met.
        from crosswalk.messages import explain as page_of

        page = page_of(what)
        if page is None:
            raise UsageError(f"there is no code {what.upper()}", _codes_like(what.upper()))
        return session.show({"code": what.upper(), "page": page}, lambda a, s: str(a["page"]).splitlines())
    if other:
        with session.hub() as hub:
            return session.show(hub.alike(what, other), alike)
    with session.hub() as hub:
        answer = hub.explain(what, field=field, as_of=None if as_of is None else as_of.upper())

    def whole(answer: Answer, screen: Screen) -> Iterator[Line]:
        if answer.get("as_of"):
            at = f", {screen.stamp(answer['as_of_at'])}" if answer.get("as_of_at") else ""
            yield f"As it stood after {answer['as_of']}{at}"
        yield from explained(answer, screen, field=field)
        if history:
            yield from changes(answer["history"], screen, limit=limit)

    return session.show(answer, whole)


def _codes_like(code: str) -> str:
    """The codes of the same family: the first digit says what is to be done."""
    from crosswalk.messages import MESSAGES

    near = [one for one in MESSAGES if one.startswith(code[:3])] or list(MESSAGES)
    return f"there are: {', '.join(near)}"


def explained(answer: Answer, screen: Screen, *, field: str | None) -> Iterator[Line]:
    """An entity with its records and lineage, one field of it, or a record that belongs to nobody."""
    if answer.get("entity") is None:
        yield from _nobody(answer, screen)
        return
    if field is not None:
        for one in answer["fields"]:
            yield from _field(one, screen)
        return
    yield from screen.titled(answer["entity"], [screen.title(answer.get("title"))])
    yield from _records(answer, screen)
    yield from _waits(answer, screen)
    yield from _lineage(answer["fields"], screen)
    yield from _responses(answer.get("responses") or (), screen)


def alike(answer: Answer, screen: Screen) -> Iterator[Line]:
    """Whether two are one, what decided it, and the evidence, each with its bits."""
    one, other = answer["entities"]
    yield f"{one} and {other} are two" if not answer["same"] else f"both are {one}"
    yield cut(["  ", "   ".join(answer["records"])], screen.width)
    if answer["decided_by"]:
        yield from screen.prose(f"decided   {answer['decided_by']}", indent=2)
    for word, told in (("for", answer["for"]), ("against", answer["against"])):
        for at, reason in enumerate(told):
            yield cut([f"  {'' if at else word:<9} ", str(reason)], screen.width)
    if answer["bits"] is not None:
        yield f"  together  {answer['bits']:+.1f} bits: {answer['outcome']}"


# history


_DONE: Final = {"archive": "put away", "restore": "brought back", "create": "made", "unsure": "no answer came"}


def changes(events: Sequence[Mapping[str, Any]], screen: Screen, *, limit: int) -> Iterator[Line]:
    """What the hub came to hold and what it wrote where, newest first: when, by which run, from what to what, why."""
    shown = events[:limit] if limit else events
    for one in shown:
        where = one.get("record") or "the hub"
        done = _DONE.get(str(one.get("op")), "")
        head: list[Piece] = [f"  {screen.stamp(one['at'])}  {one['run']:<6}{where}  {one.get('field') or ''}"]
        values: list[Piece] = [screen.value(one.get("before")), "  ->  ", screen.value(one.get("after"))]
        yield cut([*head, f"  {done}" if done else ""], screen.width)
        if one.get("field"):
            yield cut(["      ", *values], screen.width)
        if one.get("reason"):
            yield cut(["      ", dim(str(one["reason"]))], screen.width)
    if len(shown) < len(events):
        yield f"...  {len(events) - len(shown)} more;  --limit 0"
    if not events:
        yield "  Nothing of it has changed."


# records


def _records(answer: Answer, screen: Screen) -> Iterator[Line]:
    records = answer["records"]
    blocks = {one["id"]: one for one in answer.get("blocks") or ()}
    named = min(max((len(one["address"]) for one in records), default=0), screen.width - 24)
    for one in records:
        if one.get("blocked_by"):
            when = screen.clock(one["next_try_at"]) if one.get("next_try_at") else "when you say"
            seen: Line = [Span(f"BLOCKED by {one['blocked_by']}", "red")]
            why = _block({"text": one.get("reason"), **blocks.get(one["blocked_by"], {})}, screen)
            said = f"{why}; next try {when}".removeprefix("; ")
        else:
            seen = f"seen {screen.ago(one['seen_at'])}" if one.get("seen_at") else "-"
            said = _matched(one, screen)
        line: list[Piece] = ["  ", *padded(cut(one["address"], named), named), "  "]
        yield cut([*line, *padded(seen, 15), "   ", said], screen.width)
    for one in answer.get("missing") or ():
        line = ["  ", *padded(cut(one["stream"], named), named), "  "]
        since = f" (since {screen.stamp(one['since'])})" if one.get("since") else ""
        yield cut([*line, *padded([dim("not there")], 15), "   ", f"{one['reason']}{since}"], screen.width)


def _matched(one: Mapping[str, Any], screen: Screen) -> str:
    """`same email, 3 Nov`; `archived, created by the hub, 4 Nov (R12)`."""
    words = [] if one.get("state") in (None, "live") else [str(one["state"])]
    if one.get("matched_by"):
        words.append(str(one["matched_by"]))
    if one.get("matched_at"):
        words.append(screen.day(one["matched_at"]))
    return ", ".join(words) + (f" ({one['created_by_run']})" if one.get("created_by_run") else "")


def _block(one: Mapping[str, Any], screen: Screen) -> str:
    words = str(one.get("text") or one.get("reason") or "")
    return f"{words} since {screen.clock(one['since'])}" if one.get("since") else words


def _waits(answer: Answer, screen: Screen) -> Iterator[Line]:
    """What keeps a field or a record from coming to rest, besides what a record's own line has said."""
    told = {one.get("blocked_by") for one in answer["records"]}
    for one in answer.get("blocks") or ():
        if one["id"] not in told:
            name, words = str(one["field"] or one.get("record") or ""), _block(one, screen)
            said = words if words.startswith(f"{name}: ") else f"{name}: {words}"
            yield from screen.prose(f"{one['id']}  {said}", indent=4, first=["  ", sign("!")])


# lineage


def _lineage(fields: Sequence[Mapping[str, Any]], screen: Screen) -> Iterator[Line]:
    """Every field: where its value comes from, and why; the value last, since it is free text."""
    shown = [one for one in fields if one.get("value") is not None]
    if not shown:
        return
    columns = [Column(title="field"), Column(title="from", leaves=3), Column(title="why", leaves=2)]
    rows: list[list[Line]] = [
        [cut(one["name"], 28), cut([dim(_short(one.get("source")))], 24), cut([dim(str(one.get("rule") or ""))], 32)]
        for one in shown
    ]
    if not any(one.get("rule") for one in shown):
        columns, rows = columns[:2], [row[:2] for row in rows]
    columns.append(Column(title="value"))
    for row, one in zip(rows, shown, strict=True):
        row.append([screen.value(one["value"])])
    yield from table(columns, rows, width=screen.width, indent=2, free=True)


def _short(source: Any) -> str:
    """`pipedrive/persons` of a record's address: which record it is stands above."""
    return "/".join(str(source or "the hub").split("/")[:2])


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
    if one.get("conflict"):
        yield cut(
            ["  ", *padded([Span("conflict", "warn")], name), f"  {one['conflict']}:  crosswalk review"], screen.width
        )
    if one.get("previous") is not None:
        before = one["previous"]
        origin = str(before.get("source") or "").partition("/")[0]
        said: list[Piece] = [screen.value(before["value"]), f", from {origin}" if origin else ""]
        yield cut(["  ", *padded("before", name), "  ", *said], screen.width)
    for side in sides:
        yield cut(["  ", *padded(side["connection"], name), "  ", *_side(side, screen)], screen.width)


def _side(side: Mapping[str, Any], screen: Screen) -> Line:
    """`holds it   written 22 Nov 16:15, accepted`, `holds "089 5550166"   not written: D9 blocks the record`."""
    reason = str(side.get("reason") or "")
    if side["state"] == "holds":
        holds: list[Piece] = ["holds it"]
        said = f"written {screen.stamp(side['written_at'])}, accepted" if side.get("written_at") else reason
    else:
        holds = ["holds nothing"] if side.get("value") is None else ["holds ", screen.value(side["value"])]
        said = f"{side['state']}: {reason}" if reason else str(side["state"])
    return [*padded(holds, 20), "  ", said]


# what they answered


def _responses(responses: Sequence[Mapping[str, Any]], screen: Screen) -> Iterator[Line]:
    if not responses:
        return
    columns = [
        Column(title="answered"),
        Column(title="scores"),
        Column(title="survey", leaves=1),
        Column(title="record"),
    ]
    rows: list[list[Line]] = [
        [
            screen.stamp(one["answered_at"]) if one.get("answered_at") else "-",
            ", ".join(_score(score) for score in one["scores"]) or "-",
            str(one.get("survey") or ""),
            str(one["record"]),
        ]
        for one in responses
    ]
    yield from table(columns, rows, width=screen.width, indent=2, free=True)


def _score(score: Mapping[str, Any]) -> str:
    return f"{score['metric']} {score['value']}" + ("" if score.get("counted", True) else " (not counted)")


# nobody


def _nobody(answer: Answer, screen: Screen) -> Iterator[Line]:
    """Why a record is nobody's, and what would change that."""
    read = next((one["seen_at"] for one in answer["records"] if one.get("seen_at")), None)
    words = "Belongs to nobody." + (f" Read {screen.clock(read)};" if read else "")
    words += f" {answer['why']}"
    yield from screen.prose(f"{words}  {answer['advice']}" if answer.get("advice") else words)
    yield from _waits({**answer, "records": []}, screen)
    yield from _lineage([{**one, "rule": ""} for one in answer["fields"]], screen)
