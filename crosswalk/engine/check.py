"""Check and discover: ask every system who we are there and what we may do. Nothing is written to any of them.

Each connection is asked in a thread of its own, so one that fails or is slow stops no other. What was learned of an
account is kept in the store.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import asdict

from connectors.sdk.contract import Account, FieldInfo, Page, StreamSpec, Window
from connectors.sdk.errors import ConnectorError, ShapeError
from crosswalk.drift import stored
from crosswalk.engine.accounts import (
    ANOTHER,
    RENAMED,
    carried,
    doubted,
    known_accounts,
    renamed_streams,
    renewed,
    strange,
    twice,
)
from crosswalk.engine.failures import down, problem_of
from crosswalk.engine.model import House, Link, Stream
from crosswalk.engine.overview import count_records
from crosswalk.engine.reach import is_reached
from crosswalk.engine.words import AskError, shortened
from crosswalk.problems import Problem
from crosswalk.store.budget import Budgets
from crosswalk.store.codec import dump, iso, load, millis, moment
from crosswalk.store.migrations import step


class Judged(Struct, frozen=True):
    """What the file makes of the fields that a stream has now.

    `catalogue`: them as they are to be kept, stored; None: the file does not fit. `changes`: what is not as it was.
    """

    problems: Sequence[Problem] = ()
    catalogue: bytes | None = None
    changes: Sequence[Mapping[str, str]] = ()


Judge = Callable[[Stream, Sequence[FieldInfo]], Judged]

_AT_ONCE: Final = 8
_PAGES_LOOKED_AT: Final = 2  # of what changed since the newest record did: a first one may be empty
_LOOKED_AT: Final = 200  # records of a stream
_ENOUGH: Final = 20
_PARTS_COUNTED: Final = 3  # of a stream in more parts only the first is looked at
_MANY: Final = {"owner": "owners", "company": "companies"}
_NO_HUB_ID: Final = "CW118"  # creates go by search
_ABOVE: Final = "CW120"  # more is allowed by the file than the account has


class _StreamAnswer(Struct):
    """What a system says of one stream."""

    fields: Sequence[FieldInfo] = ()
    records: int | None = None
    error: ConnectorError | None = None
    blind: str | None = None  # the time of a change that the stream's cursor does not show
    rows: Sequence[Any] = ()  # values of some of its records
    judged: Judged = field(default_factory=Judged)


class _Answer(Struct):
    """What one system says. `error`: it did not let us in at all."""

    account: Account | None = None
    error: ConnectorError | None = None
    all_streams: Mapping[str, StreamSpec] = field(default_factory=dict)
    streams: dict[str, _StreamAnswer] = field(default_factory=dict)


def check(house: House, *, only: Sequence[str] = (), judge: Judge | None = None) -> dict[str, Any]:
    """Ask the connections (`only` these). `judge`: what the file makes of the fields that a stream has now.

    Problems stand with their stream and all together in `problems`, as `Problem.json` gives them.
    """
    unknown = [name for name in only if name not in house.links]
    if unknown:
        raise AskError(f"there is no connection '{unknown[0]}'", hint="there are: " + shortened(sorted(house.links)))
    links = [link for name, link in house.links.items() if not only or name in only]
    with house.database.read() as connection:
        held = count_records(house.database, connection, [stream.id for stream in house.streams.values()])
    with ThreadPoolExecutor(max_workers=max(1, min(_AT_ONCE, len(links)))) as pool:
        answers = dict(
            zip([link.name for link in links], pool.map(lambda link: _ask(house, link, held), links), strict=True)
        )
    known = known_accounts(house.database)
    found: list[Problem] = []
    told = [_connection(house, link, answers[link.name], held, judge, found) for link in links]
    barred = [*_others(house, answers, known), *_twice(house, answers, known)]
    found += barred
    for link in links:
        if (account := answers[link.name].account) is not None:
            found += doubted(link.name, link.connector.label, carried(account, known=known.get(link.name)))
    for one in told:
        own = [problem for problem in found if problem.connection == one["name"] and problem.stream is None]
        if one["state"] == "ok" and any(problem.severity == "error" for problem in own):
            one["state"] = "part"
    _keep(house, links, answers, {problem.connection or "": problem for problem in barred}, known)
    return {
        "config": _config(house),
        "store": _store(house),
        "connections": told,
        "problems": [problem.json() for problem in found],
    }


def is_let_in(house: House, name: str) -> bool:
    """Does the account answer who we are there? One call, and nothing is kept of it."""
    try:
        house.links[name].connector.account()
    except ConnectorError:
        return False
    return True


def _config(house: House) -> dict[str, int]:
    """`fields`: lines of mappings that do something; `own`: those of them that the operator wrote."""
    lines = [line for stream in house.streams.values() for line in stream.mapping.describe()]
    working = [line for line in lines if line.direction != "none"]
    return {
        "connections": len(house.links),
        "streams": len(house.streams),
        "fields": len(working),
        "own": sum(not line.default for line in working),
    }


def _store(house: House) -> dict[str, Any]:
    database = house.database
    question = "SELECT sqlite_version()" if database.dialect == "sqlite" else "SHOW server_version"
    with database.read() as connection:
        version = str(database.run(connection, question).scalar())
    return {"dialect": database.dialect, "version": version.split()[0], "schema": step(database)}


# -- asking --------------------------------------------------------------------------------------------------


def _ask(house: House, link: Link, held: Mapping[int, int]) -> _Answer:
    """In a thread of its own. Nothing it raises gets out: it is an answer too."""
    answer = _Answer()
    try:
        answer.account = link.connector.account()
        answer.all_streams = link.connector.streams
    except Exception as error:  # a boundary: a plugin may raise anything
        answer.error = _error(link, error)
        return answer
    for stream in house.streams.values():
        if stream.connection == link.name:
            told = answer.streams[stream.name] = _StreamAnswer()
            try:
                told.fields = link.connector.fields(stream.name)
                if held.get(stream.id):
                    told.blind = _is_blind(house, link, stream)
                    told.rows = _some(house, stream)
                else:
                    told.records, told.rows = _first_look(link, stream)
            except Exception as error:  # as above
                told.error = _error(link, error)
    return answer


def _some(house: House, stream: Stream) -> list[Any]:
    """Values of some of the records that are held, as they came."""
    with house.database.read() as connection:
        rows = house.database.run(
            connection,
            "SELECT b.raw FROM record r JOIN body b ON b.record = r.id WHERE r.stream = ? AND r.state = 0 "
            f"ORDER BY r.rkey DESC LIMIT {_LOOKED_AT}",
            (stream.id,),
        ).fetchall()
    return [load(bytes(row[0])) for row in rows]


def _first_look(link: Link, stream: Stream) -> tuple[int | None, list[Any]]:
    """Read one page of a stream that has not been read yet: proof that we may, its count where pages tell it, and the
    values of some records.

    Of a stream in several parts the others are asked only while each has told its own.
    """
    parts = link.connector.parts(stream.name)
    found = 0
    rows: list[Any] = []
    for part in parts:
        with _pulling(link, stream, Window(part=part, since=None)) as pages:
            page = next(pages, None)
        rows += [] if page is None else [record.values for record in page.records[:_LOOKED_AT]]
        if page is None or len(parts) > _PARTS_COUNTED:
            return None, rows
        ended = page.position is None or page.last
        if page.total is None and not ended:
            return None, rows
        found += len(page.records) if page.total is None else page.total
    return found, rows


@contextmanager
def _pulling(link: Link, stream: Stream, window: Window) -> Iterator[Iterator[Page]]:
    """The pages of a window, of which only the first are looked at: what the connector holds open is closed."""
    pages = link.connector.pull(stream.name, window)
    try:
        yield pages
    finally:
        if isinstance(pages, Generator):
            pages.close()


def _is_blind(house: House, link: Link, stream: Stream) -> str | None:
    """The stamp of the newest record, where asking for it by that stamp shows nothing though it is still as it was: the
    vendor does not filter as we expect, and changes would be missed."""
    if stream.spec.cursor != "modified" or stream.spec.parts:
        return None
    with house.database.read() as connection:
        row = house.database.run(
            connection,
            "SELECT rkey, modified FROM record WHERE stream = ? AND state = 0 AND modified IS NOT NULL "
            "ORDER BY modified DESC LIMIT 1",
            (stream.id,),
        ).fetchone()
    if row is None:
        return None
    key, stamp = row
    for part in link.connector.parts(stream.name):
        with _pulling(link, stream, Window(part=part, since=stream.spec.whole(moment(stamp)))) as pages:
            if any(page.records for page in islice(pages, _PAGES_LOOKED_AT)):
                return None
    again = [record for page in link.connector.fetch(stream.name, [key]) for record in page.records]
    return iso(stamp) if any(millis(record.modified) == stamp for record in again) else None


def _error(link: Link, error: Exception) -> ConnectorError:
    if isinstance(error, ConnectorError):
        return error
    # The text of a foreign error may hold anything, a customer's value too.
    return ShapeError(
        f"the connector {link.connector.name} failed: {type(error).__name__}",
        hint="run it with --verbose and send the trace to whoever maintains the connector",
    )


# -- telling -------------------------------------------------------------------------------------------------


def _connection(
    house: House, link: Link, answer: _Answer, held: Mapping[int, int], judge: Judge | None, found: list[Problem]
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": link.name,
        "connector": link.connector.name,
        "label": link.connector.label,
        "state": "fail",
        "account": None,
        "identity": None,
        "budget": None,
        "streams": [],
    }
    if answer.account is None:
        found.append(problem_of(answer.error or ShapeError("no answer"), connection=link.name))
        return told
    told["account"], told["identity"] = answer.account.name, answer.account.identity
    told["budget"] = _budget(house, link, answer.account)
    found += _above(house, link, answer.account)
    streams = [stream for stream in house.streams.values() if stream.connection == link.name]
    told["streams"] = [_stream(link, stream, answer, held, judge, found) for stream in streams]
    listed = {stream.name for stream in streams}
    others = renamed_streams(house.database, link.name, _in_file(house, link.name)) if link.role == "files" else ()
    found += others
    for one in told["streams"]:
        one["problems"] += [problem.json() for problem in others if problem.stream == f"{link.name}/{one['name']}"]
    told["streams"] += [
        {
            "name": name, "state": "unlisted", "records": None, "can": [], "missing": [], "unlisted": True,
            "changes": [], "problems": [],
        }
        for name in answer.all_streams
        if name not in listed
    ]  # fmt: skip
    states = {one["state"] for one in told["streams"] if not one["unlisted"]}
    told["state"] = "ok" if states <= {"ok"} else "part"
    return told


def _stream(
    link: Link, stream: Stream, answer: _Answer, held: Mapping[int, int], judge: Judge | None, found: list[Problem]
) -> dict[str, Any]:
    told = answer.streams[stream.name]
    account = answer.account
    missing = [] if account is None else list(account.missing.get(stream.name, ()))
    problems: list[Problem] = []
    if told.error is not None:
        problems.append(problem_of(told.error, connection=link.name, stream=stream))
    if missing:
        problems.append(
            Problem(
                code="CW204",
                text=f"not granted: {', '.join(missing)}",
                hint=f"whoever administers {link.connector.label} grants it, then  crosswalk check {link.name}",
                connection=link.name,
                stream=stream.address,
            )
        )
    if told.blind is not None:
        problems.append(
            Problem(
                code="CW309",
                text=f"asked for what changed since {told.blind}, {link.connector.label} does not show what did then",
                hint="crosswalk resync reads all of it; report it: changes of this stream may go unseen",
                connection=link.name,
                stream=stream.address,
            )
        )
    if told.error is None:
        told.judged = Judged(catalogue=stored(told.fields)) if judge is None else judge(stream, told.fields)
        problems += told.judged.problems
        problems += unseen_problems(stream, told.rows)
    found += problems
    can = [] if told.error is not None else ["read"]
    if can and not missing:
        can += [word for word in ("create", "update", "delete") if word in stream.writes]
    bad = any(problem.severity == "error" for problem in problems)
    return {
        "name": stream.name,
        "state": "fail" if told.error is not None else "part" if bad else "ok",
        "records": held[stream.id] if held.get(stream.id) else told.records,
        "can": can,
        "missing": missing,
        "unlisted": False,
        "changes": list(told.judged.changes),
        "problems": [problem.json() for problem in problems],
    }


def unfilled_problems(house: House, stream: Stream) -> list[Problem]:
    """Lines that are to show something of a person's owner or company, where nobody reads owners or companies."""
    found = []
    for at, name in enumerate(stream.mapping.fields):
        kind = name.partition(".")[0]
        if is_reached(stream.kind, name) and not house.of_kind(kind):
            place = stream.mapping.source(at)
            found.append(
                Problem(
                    code="CW121",
                    severity="warning",
                    text=f"{name} is never filled: no stream is read that tells of {_MANY.get(kind, kind)}",
                    hint="list one, such as users of a CRM, or take the line out",
                    file=None if place is None else place.file,
                    line=None if place is None else place.line,
                    column=None if place is None else place.column,
                    connection=stream.connection,
                    stream=stream.address,
                )
            )
    return found


def unseen_problems(stream: Stream, rows: Sequence[Any]) -> list[Problem]:
    """Lines of the file whose field no record has, though the vendor lists it. A few records tell nothing."""
    if len(rows) < _ENOUGH:
        return []
    return [
        Problem(
            code="CW123",
            severity="warning",
            text=f"{name}: none of {len(rows)} records has a '{label}'",
            hint=f"is it sent only when asked for, or under another name?  crosswalk discover {stream.address}",
            file=place.file,
            line=place.line,
            column=place.column,
            connection=stream.connection,
            stream=stream.address,
        )
        for name, label, place in stream.mapping.unseen(rows)
    ]


def unfollowed_problems(house: House, stream: Stream) -> list[Problem]:
    """A delete that the others are to follow, where none of them may be deleted from."""
    others = [one for one in house.of_kind(stream.kind) if one.connection != stream.connection]
    if stream.on_delete not in ("archive", "review") or any("delete" in one.writes for one in others):
        return []
    many = _MANY.get(stream.kind, stream.kind)
    return [
        Problem(
            code="CW122",
            severity="warning",
            text=f"on_delete has no effect: no other stream of {many} may be deleted from",
            hint="add delete to `write` where records are to be put away, or take on_delete out",
            connection=stream.connection,
            stream=stream.address,
        )
    ]


def hub_id_problems(stream: Stream, wanted: str | None, fields: Sequence[FieldInfo]) -> list[Problem]:
    """What keeps the field that the file names for our id (`wanted`) from being one."""
    if wanted is None or "create" not in stream.writes:
        return []
    known = next((one for one in fields if wanted in (one.name, one.label, one.path)), None)
    if known is None:
        why, hint = f"there is no field '{wanted}'", "make it there, a unique text, or name one that there is"
    elif stream.spec.hub_id_unique and not known.unique:
        why, hint = f"{known.label} is not unique there", "have the vendor refuse duplicate values in that field"
    else:
        return []
    return [
        Problem(
            code=_NO_HUB_ID,
            severity="warning",
            text=f"{stream.address} creates without hub_id: {why}",
            hint=f"{hint}; until then creates go by search and lease",
            connection=stream.connection,
            stream=stream.address,
        )
    ]


def _budget(house: House, link: Link, account: Account) -> dict[str, Any] | None:
    balance = Budgets(house.database, house.clock).balance(link.name)
    limit = account.allowance if account.allowance is not None else None if balance is None else balance.allowance
    lefts = [left for left in (account.left, None if balance is None else balance.remaining) if left is not None]
    if limit is None:
        return None
    return {"left": min(lefts, default=limit), "limit": limit, "unit": link.unit}


def _above(house: House, link: Link, account: Account) -> list[Problem]:
    """`budget.per_day` over what the account has: the hub keeps to the account, so the line does not say what is."""
    told = None if house.settings is None else house.settings.connections.get(link.name)
    wanted, allowance = None if told is None else told.budget.per_day, account.allowance
    if wanted is None or allowance is None or wanted <= allowance:
        return []
    return [
        Problem(
            code=_ABOVE,
            severity="warning",
            text=f"budget.per_day is {wanted:,}, the account has {allowance:,} {link.unit} a day",
            hint="lower it, or ask the vendor for more; until then the hub keeps to what the account has",
            connection=link.name,
        )
    ]


def _others(house: House, answers: Mapping[str, _Answer], known: Mapping[str, Account]) -> list[Problem]:
    found = []
    for name, answer in answers.items():
        if answer.account is None:
            continue
        link = house.links[name]
        found.append(
            strange(
                house.database,
                name,
                link.connector.name,
                answer.account,
                _in_file(house, name),
                known=known.get(name),
                role=link.role,
                listed=house.links,
            )
        )
    return [problem for problem in found if problem is not None]


def _in_file(house: House, name: str) -> dict[str, str]:
    """The streams of a connection with their kinds, also those whose mapping cannot be used."""
    told = {} if house.settings is None else house.settings.connections[name].streams
    return {stream.name: stream.kind for stream in told.values()}


def _twice(house: House, answers: Mapping[str, _Answer], known: Mapping[str, Account]) -> list[Problem]:
    accounts = {}
    for name, link in house.links.items():
        answer = answers.get(name)
        account = known.get(name) if answer is None or answer.account is None else answer.account
        if account is not None:
            accounts[name] = (link.connector.name, account.id)
    writing = {stream.connection for stream in house.streams.values() if stream.writes}
    return twice(accounts, writing, asked=answers)


# -- keeping -------------------------------------------------------------------------------------------------


def _keep(
    house: House,
    links: Sequence[Link],
    answers: Mapping[str, _Answer],
    barred: Mapping[str, Problem],
    known: Mapping[str, Account],
) -> None:
    """Note accounts and catalogues. One that lets us in again goes on; `since` stays while it goes on failing.

    `barred`: connections whose account is none that may be used under their name.
    """
    database, now = house.database, house.now()
    with database.write() as connection:
        for link in links:
            answer = answers[link.name]
            problem = barred.get(link.name)
            if problem is None and answer.error is not None:
                problem = problem_of(answer.error, connection=link.name)
            state, code, detail = ("ok", None, None) if problem is None else (down(problem), problem.code, problem.text)
            theirs = problem is None or problem.code not in (ANOTHER, RENAMED)
            account = None
            if answer.account is not None and theirs:
                kept = renewed(database, connection, link.name, answer.account, known=known.get(link.name))
                account = dump(_plain(kept))
            database.run(
                connection,
                "INSERT INTO connection (name, connector, account, checked_at, state, code, detail, since) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET connector = excluded.connector, "
                "account = coalesce(excluded.account, connection.account), checked_at = excluded.checked_at, "
                "since = CASE WHEN excluded.state = 'ok' THEN NULL WHEN connection.state = excluded.state "
                "THEN connection.since ELSE excluded.since END, "
                "state = excluded.state, code = excluded.code, detail = excluded.detail",
                (link.name, link.connector.name, account, now, state, code, detail, now if problem else None),
            )
            for name, told in answer.streams.items():
                if told.judged.catalogue is not None and theirs:
                    database.run(
                        connection,
                        "UPDATE stream SET catalogue = ?, catalogue_at = ? WHERE connection = ? AND name = ?",
                        (told.judged.catalogue, now, link.name, name),
                    )


def _plain(account: Account) -> dict[str, Any]:
    return {**asdict(account), "missing": {name: list(words) for name, words in account.missing.items()}}


# -- discover ------------------------------------------------------------------------------------------------


def discover(house: House, address: str, like: str | None = None, unmapped: bool = False) -> dict[str, Any]:
    """The fields that a stream has now, asked of its system, and what each is mapped to.

    `like`: part of a name, a label or a hub field; `unmapped`: those alone that nothing is mapped to. Streams that
    are not listed can be asked too. Raises AskError and what the connector raises.
    """
    system, slash, name = address.strip().partition("/")
    link = house.links.get(system)
    if link is None:
        near = get_close_matches(system, house.links, n=1)
        hint = f"did you mean '{near[0]}'?" if near else "there are: " + shortened(sorted(house.links))
        raise AskError(f"there is no connection '{system}'", hint=hint)
    streams = link.connector.streams
    if not slash or name not in streams:
        raise AskError(f"{system} has no stream '{name}'", hint="there are: " + shortened(sorted(streams), 20))
    stream = house.streams.get(f"{system}/{name}")
    mapped = {} if stream is None else _mapped(stream)
    every = [_field(one, mapped) for one in link.connector.fields(name)]
    if stream is not None:
        _suggest(stream.kind, every)
    fields = [
        one
        for one in every
        if (not unmapped or not one["mapped_to"])
        and (not like or any(like.lower() in str(one[key] or "").lower() for key in ("name", "label", "mapped_to")))
    ]
    return {
        "stream": f"{system}/{name}",
        "fields": fields,
        "total": len(every),
        "mapped": sum(1 for one in every if one["mapped_to"]),
    }


def _field(one: FieldInfo, mapped: Mapping[str, list[tuple[str, str]]]) -> dict[str, Any]:
    lines = mapped.get(one.name, [])
    ways = {way for _, way in lines}
    return {
        "name": one.name,
        "label": one.label,
        "type": one.type,
        "options": [{"id": number, "label": label} for number, label in one.options],
        "read": one.read,
        "write": one.write,
        "required": one.required,
        "unique": one.unique,
        "mapped_to": ", ".join(dict.fromkeys(target for target, _ in lines)) or None,
        "direction": None if not ways else ways.pop() if len(ways) == 1 else "both",
        "suggested": None,
    }


def _suggest(kind: str, every: list[dict[str, Any]]) -> None:
    """Notes where a field may belong that can be read, is mapped to nothing, and has a heading that tells it."""
    from crosswalk.settings.exports import suggested

    taken = {target for one in every if one["mapped_to"] for target in one["mapped_to"].split(", ")}
    for one in every:
        if one["read"] and not one["mapped_to"]:
            one["suggested"] = suggested(kind, one["label"] or one["name"], taken)


def _mapped(stream: Stream) -> dict[str, list[tuple[str, str]]]:
    """By the vendor's name of a field: (target as it is written, direction)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in stream.mapping.describe():
        for name in line.vendor_fields:
            # A line that could be written is only read where the stream is.
            direction = "read" if line.direction == "both" and not stream.writes else line.direction
            if direction != "none":
                found.setdefault(name, []).append((line.target, direction))
    return found
