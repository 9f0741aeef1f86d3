"""plan, apply, sync, resync: reading what changed and writing what is missing."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from crosswalk.cli import plans, text
from crosswalk.cli.commands import offers
from crosswalk.cli.daemon import paused_lines
from crosswalk.cli.options import app, command
from crosswalk.cli.plans import Choice
from crosswalk.cli.screen import Line, Piece, Screen, cut, padded, sign, wide
from crosswalk.cli.session import DONE, Answer, Session, UsageError
from crosswalk.cli.undo import left_lines, proposed

commands = app()

Only = Annotated[
    list[str] | None, typer.Option("--only", metavar="ADDRESS", help="A connection or stream; may be given again.")
]


@command(
    commands,
    examples="""
        crosswalk plan                          read, compare, and say what would be written
        crosswalk plan --only pipedrive         of one connection
        crosswalk plan P87 --field phone        look at a plan again, one field of it
        crosswalk plan P87 --record person/8f2kq
    """,
)
def plan(
    session: Session,
    plan: Annotated[str | None, typer.Argument(metavar="PLAN", help="A plan that was made, as P87.")] = None,
    only: Only = None,
    field: Annotated[str, typer.Option("--field", metavar="NAME", help="Show this field alone.")] = "",
    record: Annotated[str, typer.Option("--record", metavar="ADDRESS", help="Show this record or entity alone.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Show every record.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many records are shown; 0: all.")] = 20,
    force: Annotated[bool, typer.Option("--force", help="Plan although nothing changed.")] = False,
    no_actions: Annotated[bool, typer.Option("--no-actions", help="The counts alone.")] = False,
    leave: Annotated[bool, typer.Option("--leave", help="Of an undo: what it leaves, and why.")] = False,
) -> int:
    """Read what changed everywhere and say, field by field and with the reason, what would be written."""
    with session.hub(works=plan is None) as hub:
        answer = hub.show_plan(plan) if plan else hub.plan(only=only or [], force=force)
    if leave and "undoes" not in answer:
        raise UsageError("--leave is for the plan of an undo", "crosswalk undo RUN makes one")
    choice = Choice(only=only or (), field=field, record=record, limit=0 if everything else limit)
    if no_actions:
        answer = {**answer, "actions": [], "total": 0}
    elif session.manners.json:
        answer = {**answer, "actions": choice.of(answer["actions"])}

    def whole(answer: Answer, screen: Screen) -> Iterator[Line]:
        if "undoes" in answer:
            yield from proposed(answer, screen)
            if leave:
                yield from left_lines(answer, screen, limit=choice.limit)
                return
            yield from plans.records(answer, screen, choice=choice, verbose=session.manners.verbose)
            return
        yield from plans.planned(answer, screen, choice=choice, verbose=session.manners.verbose)
        yield from paused_lines(answer, screen)

    return session.show(answer, whole)


@command(
    commands,
    examples="""
        crosswalk apply P87
        crosswalk apply P87 --approve pipedrive/persons:create
        crosswalk apply P87 --only zoho --yes
    """,
)
def apply(
    session: Session,
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="As P87.")],
    approve: Annotated[
        list[str] | None,
        typer.Option("--approve", metavar="STREAM:CLASS", help="Let through what a guard holds; may be given again."),
    ] = None,
    only: Only = None,
) -> int:
    """Write what a plan says. What moved since is planned anew, what a guard holds waits."""
    approved = approve or []
    for one in approved:
        _, colon, kind = one.rpartition(":")
        if not colon or kind not in plans.CLASSES:
            raise UsageError(f"--approve {one}", "write STREAM:CLASS, as pipedrive/persons:create")
    with session.hub(works=True) as hub:
        answer = hub.show_plan(plan)
        due = plans.due(answer, approved=approved, only=only or ())
        where = dict.fromkeys(stream.partition("/")[0] for stream in due)
        words = f"Write {text.count(sum(due.values()), 'record')} to {', '.join(where)}?"
        if due and not session.asker.confirm(words, what=words.rstrip("?")):
            session.note("Nothing was written.")
            return DONE
        session.expect(due)
        done = hub.apply(plan, approve=approved, only=only or [])
    return session.show(done, applied)


def applied(answer: Answer, screen: Screen) -> Iterator[Line]:
    """What a run that wrote has done."""
    run, totals = answer["run"], answer["totals"]
    yield f"{run['id']}  {_ended(run)}"
    yield from paused_lines(answer, screen)
    rows: list[tuple[int, str, str]] = []
    if totals["written"]:
        rows.append((totals["written"], "written", _written_per_connection(answer["streams"])))
    if totals["moved"]:
        again = f"planned anew as {answer['replanned']}" if answer.get("replanned") else "planned anew"
        done = "left" if answer.get("undoes") else again
        rows.append((totals["moved"], done, f"changed there since {run.get('plan') or 'it was planned'}"))
    rows += _aside(answer.get("set_aside") or (), totals["aside"])
    rows += [
        (one["count"], "wait for approval" if one["count"] != 1 else "waits for approval", _what(one))
        for one in answer.get("waits") or ()
    ]
    for number, what, more in rows:
        line: list[Piece] = [*padded(text.number(number), 5, right=True), "  ", *padded(what, 26), more]
        yield cut(line, screen.width)
    if not rows:
        yield "    0  written"
    yield from _approvals(answer)
    if totals["written"] and offers("undo"):
        yield f"Take it back:  crosswalk undo {run['id']}"


def _approvals(answer: Answer) -> Iterator[Line]:
    """How what waits is let through, each command once."""
    for words in dict.fromkeys(str(one["approve"]) for one in answer.get("waits") or () if one.get("approve")):
        yield f"    {words}"


def _ended(run: Mapping[str, Any]) -> str:
    took = text.seconds(run["seconds"])
    return {
        "failed": f"failed after {took}",
        "part": f"failed in part after {took}",
        "stopped": f"stopped after {took}; the batch in flight was finished",
    }.get(run["state"], f"done in {took}")


def _written_per_connection(streams: Sequence[Mapping[str, Any]]) -> str:
    sums: dict[str, int] = {}
    for one in streams:
        if one["written"]:
            name = str(one["stream"]).partition("/")[0]
            sums[name] = sums.get(name, 0) + one["written"]
    return ", ".join(f"{name} {text.number(number)}" for name, number in sums.items())


def _aside(letters: Sequence[Mapping[str, Any]], number: int) -> list[tuple[int, str, str]]:
    """Each by itself while they are few, else where they are listed."""
    if len(letters) > 3 or len(letters) < number:
        return [(number, "set aside", "crosswalk dlq")]
    return [(1, f"set aside as {one['id']}", f"{one['record']}: {one['reason']}") for one in letters]


def _what(one: Mapping[str, Any]) -> str:
    return str(one.get("what") or f"{one['class']}s in {one['stream']}")


@command(
    commands,
    examples="""
        crosswalk sync              every connection
        crosswalk sync pipedrive    one of them
        crosswalk sync --yes        lets the first plan of a mapping through; approves no guard
    """,
)
def sync(
    session: Session,
    only: Annotated[list[str] | None, typer.Argument(metavar="CONNECTION...", help="These alone.")] = None,
) -> int:
    """Read what changed and write what is missing, but for what waits for a person."""
    with session.hub(works=True) as hub:
        answer = hub.sync(only=only or [], first_too=session.manners.yes)
    return session.show(answer, synced)


def synced(answer: Answer, screen: Screen) -> Iterator[Line]:
    run, totals = answer["run"], answer["totals"]
    took = text.seconds(run["seconds"])
    if (
        run["state"] == "done"
        and not plans.troubled(answer)
        and not any(totals[key] for key in ("changed", "written", "moved", "aside", "waiting"))
    ):
        asked = text.count(len(answer["streams"]), "stream")
        calls = text.count(sum(one["calls"] for one in answer.get("calls") or ()), "call")
        words = f"nothing to do: {asked} asked, 0 changed, 0 written, {calls}, {took}"
        yield from screen.prose(words, indent=len(run["id"]) + 2, first=run["id"])
        yield from paused_lines(answer, screen)
        return
    words_of = {"read": "read", "changed": "changed", "written": "written", "waiting": "wait", "aside": "set aside"}
    counted = ", ".join(f"{text.number(totals[key])} {word}" for key, word in words_of.items())
    yield from screen.prose(f"{_ended(run)}: {counted}", indent=len(run["id"]) + 2, first=run["id"])
    yield from paused_lines(answer, screen)
    if totals["moved"]:
        yield f"  {text.number(totals['moved'])} planned anew, changed there meanwhile"
    for number, what, more in _aside(answer.get("set_aside") or (), totals["aside"]):
        yield cut(f"  {number} {what}   {more}", screen.width)
    for one in answer.get("waits") or ():
        yield [sign("!"), f" {text.number(one['count'])} {'waits' if one['count'] == 1 else 'wait'}: {_what(one)}"]
        if one.get("approve"):
            yield f"    {one['approve']}"


@command(
    commands,
    examples="""
        crosswalk resync salesforce/contacts/003Ab00000Qx7Lm   one record
        crosswalk resync pipedrive/persons                     a stream, from its beginning
    """,
)
def resync(
    session: Session,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="CONNECTION/STREAM or CONNECTION/STREAM/ID.")],
) -> int:
    """Read one record or a whole stream again, whatever was known of it, and write what follows."""
    if "/" not in address:
        raise UsageError(f"'{address}' is no stream or record", "write CONNECTION/STREAM or CONNECTION/STREAM/ID")
    with session.hub(works=True) as hub:
        answer = hub.resync(address)
    return session.show(answer, resynced)


def resynced(answer: Answer, screen: Screen) -> Iterator[Line]:
    run, totals = answer["run"], answer["totals"]
    if not answer.get("found", True):
        words = f"there is no such record, and the hub never saw one; {text.seconds(run['seconds'])}"
        yield from screen.prose(words, indent=len(run["id"]) + 2, first=run["id"])
        return
    fields = list(dict.fromkeys(one["field"] for one in answer.get("differences") or ()))
    if not fields:
        found = "as the hub held it"
    else:
        found = f"{_listed(fields)} {'differs' if len(fields) == 1 else 'differ'} from what the hub held"
    many = totals["read"] > 1
    read = f"{text.number(totals['read'])} read again" if many else "read again"
    words = f"{read}: {found}; {text.number(totals['written'])} written, {text.seconds(run['seconds'])}"
    yield from screen.prose(words, indent=len(run["id"]) + 2, first=run["id"])
    for action in answer.get("actions") or ():
        yield from _done(action, screen)


def _listed(words: Sequence[str]) -> str:
    shown = list(words[:3]) + ([f"{len(words) - 3} more"] if len(words) > 3 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _done(action: Mapping[str, Any], screen: Screen) -> Iterator[Line]:
    """What was written into one record: address, why, then field by field."""
    new = action["class"] == "create"
    mark = {"create": "+", "delete": "-"}.get(action["class"], "~")
    left: list[Piece] = ["  ", sign(mark), f" {action['stream'] + '  new' if new else action['record']}"]
    for one in action["fields"]:
        words: list[Piece] = [
            f"{one.get('label') or one['name']} ",
            screen.value(one["before"]),
            " -> ",
            screen.value(one["after"]),
        ]
        line = [*padded(left, 32), "  ", *padded(str(one.get("reason") or ""), 32), "  ", *words]
        if wide(line) <= screen.width:
            yield line
        else:
            yield cut([*left, f"   {one.get('reason') or ''}"], screen.width)
            yield cut(["      ", *words], screen.width)
        left = [" " * wide(left)]
