"""check, discover, status, runs, export: asking without changing anything."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from crosswalk.cli import problems as faults
from crosswalk.cli import text
from crosswalk.cli.options import app, command
from crosswalk.cli.screen import Line, Piece, Screen, Span, padded, sign, state, wide
from crosswalk.cli.session import DONE, FAILED, Answer, Session, UsageError, told
from crosswalk.cli.table import Column, table

commands = app()

Limit = Annotated[int, typer.Option("--limit", min=0, help="How many are listed; 0: all.")]

_STORES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
_DOWN = ("fail", "paused")
_NAME, _LONG, _STATE = 16, 30, 6  # columns of `check`: its names, at the least and at the most; their states
_CHANGES = 5  # changed fields that `check` names one by one


# check


@command(
    commands,
    examples="""
        crosswalk check                   the file, the store and every connection
        crosswalk check salesforce zoho   these alone
    """,
)
def check(
    session: Session,
    only: Annotated[list[str] | None, typer.Argument(metavar="CONNECTION...", help="These connections alone.")] = None,
) -> int:
    """Read the configuration and ask every system who we are there and what we may do. Writes nothing."""
    from crosswalk.problems import ProblemsError

    try:
        with session.hub() as hub:
            answer = hub.check(only=only or [])
    except ProblemsError as error:
        found, code = told(error)
        return session.show({"exit_code": code, "problems": found, "told": True}, lambda a, s: _faulty(a, s, session))
    return session.show({**answer, "told": True}, lambda a, s: checked(a, s, file=session.manners.config))


def _faulty(answer: Answer, screen: Screen, session: Session) -> Iterator[Line]:
    found = answer["problems"]
    yield from faults.shown(found, screen, beside=session.beside, excerpt=screen.terminal)
    yield f"{faults.tally(found)}. No system was contacted."


def checked(answer: Answer, screen: Screen, *, file: Path) -> Iterator[Line]:
    """What `check` found, a connection and its streams at a time."""
    found = list(answer.get("problems", ()))
    general = [problem for problem in found if not problem.get("connection") and not problem.get("stream")]
    config, store = answer["config"], answer["store"]
    words = [text.count(config["connections"], "connection"), text.count(config["streams"], "stream")]
    words.append(f"{text.count(config['fields'], 'field')} mapped")
    if config.get("own"):
        words.append(f"{text.number(config['own'])} of them by you")
    bad = any((problem.get("severity") or "error") == "error" for problem in general)
    column = _column_of_states(file.name, answer["connections"], found)
    yield from _checked(file.name, "fail" if bad else "ok", ", ".join(words), screen, column)
    yield from faults.shown(general, screen, beside=file.absolute().parent, excerpt=screen.terminal)
    dialect = _STORES.get(store["dialect"], store["dialect"])
    yield from _checked("store", "ok", f"{dialect} {store['version']}, schema {store['schema']}", screen, column)
    failing = limited = 0
    for connection in answer["connections"]:
        failing += connection["state"] == "fail"
        yield from _connection(connection, found, screen, column)
        for stream in _listed(connection):
            limited += stream["state"] != "ok" and connection["state"] != "fail"
            yield from _stream(connection, stream, found, screen, column)
    said = _summary(len(answer["connections"]), failing, limited, bad=bad or bool(answer["exit_code"]))
    yield from screen.prose(said)


def _column_of_states(file: str, connections: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> int:
    """Behind every name that a state stands behind: a long one of a stream with a problem takes the state's place."""
    faulty = {faults.address(problem) for problem in found}
    names = [file]
    for connection in connections:
        names.append(connection["name"])
        for stream in _listed(connection):
            if f"{connection['name']}/{stream['name']}" not in faulty:
                names.append(f"  {stream['name']}")
    return max([_NAME, *(wide(name) + 2 for name in names if wide(name) < _LONG)])


def _checked(name: str, word: str, said: str, screen: Screen, column: int) -> Iterator[Line]:
    return screen.prose(said, indent=column + _STATE, first=_named(name, word, column))


def _named(name: str, word: str, column: int) -> Line:
    return [*padded(name, column - 1), " ", *padded([state(word)], _STATE)]


def _connection(
    connection: Mapping[str, Any], found: Sequence[Mapping[str, Any]], screen: Screen, column: int
) -> Iterator[Line]:
    own = [
        problem for problem in found if problem.get("connection") == connection["name"] and not problem.get("stream")
    ]
    first: Line = _named(connection["name"], connection["state"], column)
    if connection["state"] != "fail" or not own:
        yield from _checked(connection["name"], connection["state"], _account(connection), screen, column)
        first = ""
    for problem in own:
        yield from screen.prose(f"{problem['code']}: {problem['text']}", indent=column + _STATE, first=first)
        if problem.get("hint"):
            yield from screen.prose(problem["hint"], indent=column + _STATE)
        first = ""


def _account(connection: Mapping[str, Any]) -> str:
    said = connection.get("account") or "answers"
    if connection.get("identity"):
        said += f", as {connection['identity']}"
    budget = connection.get("budget") or {}
    if budget.get("left") is not None and budget.get("limit") is not None:
        left, limit = text.number(budget["left"]), text.number(budget["limit"])
        said += f"; {left} of {limit} {budget['unit']} left today"
    return said


def _listed(connection: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Streams that are synced; the first names those that are not."""
    listed = [dict(stream) for stream in connection["streams"] if not stream.get("unlisted")]
    unlisted = [stream["name"] for stream in connection["streams"] if stream.get("unlisted")]
    if listed:
        listed[0]["others"] = unlisted
    return list(listed)


def _stream(
    connection: Mapping[str, Any],
    stream: Mapping[str, Any],
    found: Sequence[Mapping[str, Any]],
    screen: Screen,
    column: int,
) -> Iterator[Line]:
    own = [problem for problem in found if faults.address(problem) == f"{connection['name']}/{stream['name']}"]
    name = f"  {stream['name']}"
    if not own:
        yield from _stream_row(name, stream, screen, column)
        yield from _changes(stream, screen, column)
        return
    # A long name takes the place of the state; the code behind it says the same.
    short = wide(name) < column
    first: Line = _named(name, stream["state"], column) if short else f"{name}  "
    for problem in own:
        place = faults.where(problem) if problem.get("file") else ""
        words = [f"{problem['code']}: {place + ': ' if place else ''}{problem['text']}"]
        if problem.get("hint"):
            words.append(problem["hint"])
        yield from screen.prose(
            "; ".join(words), indent=max(column + _STATE, wide(first) if not short else 0), first=first
        )
        first = ""
    yield from _changes(stream, screen, column)


def _changes(stream: Mapping[str, Any], screen: Screen, column: int) -> Iterator[Line]:
    """What is not as it was when the vendor was asked last."""
    told = [f"{one['field']} {one['text']}" for one in stream.get("changes") or ()]
    if told:
        shown = [*told[:_CHANGES], f"and {len(told) - _CHANGES} more"] if len(told) > _CHANGES else told
        yield from screen.prose(f"since the last look: {'; '.join(shown)}", indent=column + _STATE)


def _stream_row(name: str, stream: Mapping[str, Any], screen: Screen, column: int) -> Iterator[Line]:
    records = "-" if stream.get("records") is None else text.number(stream["records"])
    line: list[Piece] = [*_named(name, stream["state"], column)]
    line += [*padded(records, 7), "  ", *padded(" ".join(stream["can"]), 25), "  "]
    if stream.get("missing"):
        line.append(f"may not: {', '.join(stream['missing'])}")
    elif stream.get("others"):
        others = stream["others"]
        line.append(f"not synced: {', '.join(others[:3])}{', ...' if len(others) > 3 else ''}")
    yield line if wide(line) <= screen.width else line[:-1]


def _summary(total: int, failing: int, limited: int, *, bad: bool) -> str:
    said = []
    if failing:
        said.append(f"{failing} of {text.count(total, 'connection')} {'fails' if failing == 1 else 'fail'}")
    if limited:
        said.append(f"{text.count(limited, 'stream')} cannot do what the file asks")
    if said:
        return f"{', '.join(said)}. Nothing was written."
    if bad:
        return "The file has errors. Nothing was written."
    answers = "answers" if total == 1 else "answer"
    return f"{text.count(total, 'connection')} {answers}, nothing was written.  Next:  crosswalk plan"


# discover


@command(
    commands,
    examples="""
        crosswalk discover salesforce/contacts --like nps   fields with nps in name or label
        crosswalk discover pipedrive/persons --unmapped     what could be mapped besides
        crosswalk discover pipedrive/persons -v             with the options of choices
    """,
)
def discover(
    session: Session,
    stream: Annotated[str, typer.Argument(metavar="CONNECTION/STREAM")],
    like: Annotated[str, typer.Option("--like", metavar="TEXT", help="Part of a name, label or hub field.")] = "",
    unmapped: Annotated[bool, typer.Option("--unmapped", help="Those alone that nothing is mapped to.")] = False,
    limit: Limit = 20,
) -> int:
    """List the fields of a stream, what we may do with each, and what it is mapped to."""
    if "/" not in stream:
        raise UsageError(f"'{stream}' is no stream", "write CONNECTION/STREAM, as in salesforce/contacts")
    with session.hub() as hub:
        answer = hub.discover(stream)
    every = answer["fields"]
    wanted = [
        one
        for one in every
        if (not unmapped or not one["mapped_to"])
        and any(like.lower() in str(one.get(key) or "").lower() for key in ("name", "label", "mapped_to"))
    ]
    totals = {"total": len(every), "mapped": sum(1 for one in every if one["mapped_to"])}
    if session.manners.json:
        return session.show({**answer, "fields": wanted, **totals}, discovered)
    shown = wanted[:limit] if limit else wanted
    more = {"left_out": len(wanted) - len(shown), "options": session.manners.verbose}
    return session.show({**answer, "fields": shown, **totals, **more}, discovered)


def discovered(answer: Answer, screen: Screen) -> Iterator[Line]:
    columns = [
        Column(title="field", least=20),
        Column(title="type", least=9, leaves=2),
        Column(title="can", least=12, leaves=1),
        Column(title="mapped to", least=20),
        Column(title="label", leaves=3),
    ]
    if answer["fields"]:
        rows = [
            [one["name"], one["type"], _can(one), _mapped(one), _label(one, answer.get("options", False))]
            for one in answer["fields"]
        ]
        yield from table(columns, rows, width=screen.width, indent=2, free=True)
    words = (
        f"{text.count(answer['total'], 'field')}, {len(answer['fields'])} shown, {text.number(answer['mapped'])} mapped"
    )
    if answer.get("left_out"):
        words += "; all:  --limit 0"
    elif answer["mapped"] < answer["total"]:
        words += "; those not mapped:  --unmapped"
    yield from screen.prose(words)


def _can(one: Mapping[str, Any]) -> str:
    words = [word for word in ("read", "write") if one[word]]
    return " ".join(words + [word for word in ("required",) if one.get(word)]) or "-"


def _mapped(one: Mapping[str, Any]) -> str:
    if not one["mapped_to"]:
        return f"- ({one['suggested']}?)" if one.get("suggested") else "-"
    direction = one.get("direction") or "both"
    return str(one["mapped_to"]) + ("" if direction == "both" else f" ({direction})")


def _label(one: Mapping[str, Any], options: bool) -> str:
    names = [str(option["label"] if isinstance(option, dict) else option) for option in one.get("options") or ()]
    return str(one["label"]) + (f": {', '.join(names)}" if options and names else "")


# status


@command(
    commands,
    examples="""
        crosswalk status               what works, who is waited for
        crosswalk status -v            with what has been read of each stream
        crosswalk status --exit-code   1: something is down, 3: somebody is waited for
        crosswalk status --daemon      1: no daemon of this machine lives
    """,
)
def status(
    session: Session,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 or 3 where not all is well.")] = False,
    daemon: Annotated[bool, typer.Option("--daemon", help="End with 1 where no daemon of this machine lives.")] = False,
) -> int:
    """How every connection is, and what waits for a person."""
    answer = session.glance(lambda hub: hub.status())
    if exit_code:
        from crosswalk.engine.overview import judged

        answer = {**answer, "exit_code": judged(answer)}
    if daemon and not _lives_here(answer):
        answer = {**answer, "exit_code": FAILED}
    return session.show({**answer, "told": True, "verbose": session.manners.verbose}, standing)


def _lives_here(answer: Answer) -> bool:
    from socket import gethostname  # nobody else needs it

    here = gethostname()
    return any(one["host"] == here for one in answer.get("daemons") or ())


def standing(answer: Answer, screen: Screen) -> Iterator[Line]:
    """What `status` says."""
    yield from _daemons(answer, screen)
    columns = [
        Column(least=12),
        Column(title="last good", least=13, leaves=3),
        Column(title="next", least=6, leaves=2),
        Column(title="budget left", least=11, right=True, leaves=1),
        Column(title="state", gap=3),
    ]
    rows = [_standing_row(connection, screen) for connection in answer["connections"]]
    yield from table(columns, rows, width=screen.width, free=True)
    yield from _halt(answer, screen)
    yield from _awaited(answer, screen)
    yield from _coverage(answer, screen)
    yield from screen.prose(_waiting(answer["waiting"]))


def _daemons(answer: Answer, screen: Screen) -> Iterator[Line]:
    for daemon in answer.get("daemons") or [answer["daemon"]] if answer.get("daemon") else []:
        since, beat = screen.day(daemon["started_at"]), screen.ago(daemon["heartbeat_at"])
        yield f"daemon  on {daemon['host']} since {since}, heartbeat {beat}"
    if lost := answer.get("lost"):
        words = f"on {lost['host']} is gone: its last heartbeat was {screen.ago(lost['heartbeat_at'])}"
        yield ["daemon  ", state("fail"), f"  {words}"]


def _standing_row(connection: Mapping[str, Any], screen: Screen) -> list[Line]:
    last, following = connection.get("last_good_at"), connection.get("next_at")
    budget = connection.get("budget") or {}
    left = "-"
    if budget.get("limit") and budget.get("left") is not None:
        left = f"{100 * budget['left'] // budget['limit']} %"
    word = str(connection["state"])
    said: list[Piece] = [state("fail" if word in _DOWN else word)]
    if connection.get("code"):
        said = [*padded(said, 6), f"{connection['code']}{_trouble(connection, screen)}"]
    elif word == "paused":
        said = [state("paused"), _by(connection, screen)]
    if connection.get("overdue"):
        said = [sign("!"), " ", *said, "   has not succeeded for twice its interval"]
    return [
        connection["name"],
        screen.ago(last) if last else "-",
        screen.clock(following) if following else "-",
        left,
        said,
    ]


def _halt(answer: Answer, screen: Screen) -> Iterator[Line]:
    """`matching  fail  CW132: Spark does not start on yarn since 09:20 (R12)`, and what is left undone."""
    if halt := answer.get("halt"):
        code = f"{halt['code']}: " if halt.get("code") else ""
        words = f"{code}{halt['text']} since {screen.clock(halt['since'])} ({halt['run']})"
        first: Line = ["matching  ", state("fail"), "  "]
        yield from screen.prose(words, indent=wide(first), first=first)
        left = "until a run gets through nothing is matched, planned or written"
        yield from screen.prose(left, indent=wide(first))


def _awaited(answer: Answer, screen: Screen) -> Iterator[Line]:
    """`3 creates wait for salesforce/leads since 09:20; it is read to 08:00`."""
    for one in answer.get("awaited") or ():
        some = "creates" if one["creates"] is None else text.count(one["creates"], "create")
        verb = "waits" if one["creates"] == 1 else "wait"
        read = f"is read to {screen.stamp(one['read_to'])}" if one.get("read_to") else "has not been read yet"
        yield from screen.prose(f"{some} {verb} for {one['stream']} since {screen.stamp(one['since'])}; it {read}")


def _by(paused: Mapping[str, Any], screen: Screen) -> str:
    """` by anna since 22 Nov`."""
    since = f" since {screen.stamp(paused['since'])}" if paused.get("since") else ""
    return f" by {paused['who']}{since}" if paused.get("who") else since


def _trouble(connection: Mapping[str, Any], screen: Screen) -> str:
    """`: token refused since 09:20; paused`. When it is tried again stands under `next`."""
    words = f": {connection['text']}" if connection.get("text") else ""
    if connection.get("since"):
        words += f" since {screen.clock(connection['since'])}"
    return f"{words}; paused" if connection["state"] == "paused" else words


def _coverage(answer: Answer, screen: Screen) -> Iterator[Line]:
    """Streams that are not read to their end; with --verbose all of them."""
    known = answer.get("streams") or ()
    for one in known:
        if one.get("paused"):
            yield f"{one['stream']} is paused{_by(one['paused'], screen)}"
    streams = [one for one in known if answer.get("verbose") or not one["complete"] or _lacks(one)]
    if not streams:
        return
    columns = [
        Column(title="stream", least=12),
        Column(title="records", right=True),
        Column(title="of", right=True, leaves=2),
        Column(title="read from", leaves=1),
        Column(title="read to"),
    ]
    rows: list[list[Line]] = [
        [
            one["stream"],
            text.number(one["records"]),
            _listed_there(one),
            screen.stamp(one["covered_from"]) if one.get("covered_from") else "the beginning",
            (screen.stamp(one["covered_to"]) if one.get("covered_to") else "-")
            + ("" if one["complete"] else "; not yet to its end"),
        ]
        for one in streams
    ]
    yield from table(columns, rows, width=screen.width, free=True)


def _lacks(stream: Mapping[str, Any]) -> int:
    """How many records the vendor listed that are not held."""
    swept = stream.get("swept")
    return 0 if swept is None else int(swept["listed"]) - int(swept["held"])


def _listed_there(stream: Mapping[str, Any]) -> str:
    """What the vendor itself says there is."""
    if stream.get("total") is not None:
        return text.number(stream["total"])
    if stream.get("swept") is None:
        return "-"
    lacking = _lacks(stream)
    return text.number(stream["swept"]["listed"]) + (f", {text.number(lacking)} not held" if lacking else "")


def _waiting(waiting: Mapping[str, Any]) -> str:
    said: list[str] = []
    approvals = waiting.get("approvals") or 0
    if isinstance(approvals, list):
        said += [f"{text.count(one['count'], one['class'])} ({_held(one)})" for one in approvals]
    elif approvals:
        said.append(f"{text.count(approvals, 'write')} to approve")
    for key, word in (("conflicts", "conflict"), ("pairs", "pair"), ("dead_letters", "dead letter")):
        if waiting.get(key):
            said.append(text.count(waiting[key], word))
    return f"Waiting for a person:  {'   '.join(said)}" if said else "Nobody is waited for."


def _held(one: Mapping[str, Any]) -> str:
    """`P87`, or `P87, the first plan of a mapping`."""
    first = any("first plan" in str(why) for why in one.get("why") or ())
    return f"{one['plan']}, the first plan of a mapping" if first else str(one["plan"])


# runs


@command(
    commands,
    examples="""
        crosswalk runs             the last 20
        crosswalk runs --limit 1   the last one
        crosswalk runs R147        what one did, stream by stream
    """,
)
def runs(
    session: Session,
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="One of them, as R147.")] = None,
    limit: Limit = 20,
) -> int:
    """List the last runs, newest first, or show what one did."""
    answer = session.glance(lambda hub: hub.runs(limit, run=run))
    return session.show(answer, listed_runs)


def listed_runs(answer: Answer, screen: Screen) -> Iterator[Line]:
    if not answer["runs"]:
        yield "No run yet.  Begin with  crosswalk plan"
        return
    columns = [
        Column(),
        Column(),
        Column(leaves=3),
        Column(least=20, leaves=1),
        Column(least=8),
        Column(least=12),
        Column(least=7),
        Column(leaves=2),
    ]
    rows: list[list[Line]] = [_run_row(one, screen) for one in answer["runs"]]
    yield from table(columns, rows, width=screen.width, header=False)
    for one in answer.get("streams") or ():
        yield _stream_work(one)
    if answer.get("left_out"):
        yield f"...  {text.number(answer['left_out'])} older;  --limit 0"


def _run_row(one: Mapping[str, Any], screen: Screen) -> list[Line]:
    about = one.get("connections") or one.get("connection") or ""
    aside = f", aside {text.number(one['aside'])}" if one.get("aside") else ""
    return [
        one["id"],
        screen.clock(one["started_at"]),
        one["trigger"],
        ", ".join(about) if isinstance(about, list) else str(about),
        f"read {text.number(one['read'])}",
        f"written {text.number(one['written'])}{aside}",
        _outcome(one["state"]),
        "-" if one.get("seconds") is None else text.seconds(one["seconds"]),
    ]


def _outcome(word: str) -> Line:
    return [Span(word, "red")] if word in ("failed", "part") else word


def _stream_work(one: Mapping[str, Any]) -> Line:
    words = [
        f"{text.number(one[key])} {key}"
        for key in ("read", "changed", "written", "moved", "aside", "waiting")
        if one.get(key)
    ]
    return f"  {one['stream']:<28}  {', '.join(words) or 'nothing to do'}"


# export


@command(
    commands,
    examples="""
        crosswalk export person --to people.csv     every person's golden record
        crosswalk export company --to - | head      to stdout
        crosswalk export person --to x.csv --verbatim   for a program: texts such as =1+1 get no apostrophe
    """,
)
def export(
    session: Session,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="person, company, deal ...")],
    to: Annotated[str, typer.Option("--to", metavar="FILE", help="Where to; - is stdout.")],
    verbatim: Annotated[
        bool, typer.Option("--verbatim", help="Also what a spreadsheet would take for a formula, as it is.")
    ] = False,
) -> int:
    """Write the golden records of one kind to CSV, one row each. The file is for you alone (mode 600).

    A text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    from crosswalk.cli.csvfile import written

    target = None if to == "-" else Path(to)
    if (
        target is not None
        and target.exists()
        and not session.asker.confirm(f"Replace {target}?", what=f"{target} exists")
    ):
        raise UsageError(f"{target} stays as it is", "give another name, or --yes")
    with session.hub() as hub:
        found = hub.export(kind)
        rows: Iterable[Sequence[Any]] = found["rows"]
        number = written(
            target, found["columns"], rows,
            masked=session.manners.mask, verbatim=verbatim, stdout=session.out.stream,
        )  # fmt: skip
    if target is None:
        return DONE
    return session.show(
        {"kind": kind, "written": [str(target)], "rows": number},
        lambda answer, screen: [f"wrote  {target}   {text.count(number, 'row')}"],
    )
