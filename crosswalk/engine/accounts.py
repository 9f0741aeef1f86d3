"""Whose account a connection is: the same one never stands under two names, and a name never changes its account."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from connectors.sdk.contract import Account
from crosswalk.engine.overview import count_records
from crosswalk.problems import Problem
from crosswalk.store.codec import load
from crosswalk.store.dialect import Database
from crosswalk.store.records import ARCHIVED

TWICE = "CW104"
ANOTHER = "CW207"
RENAMED = "CW208"
CURRENCY = "CW312"


class _Held(NamedTuple):
    """A stream of which the store has records: its number, and of which kind of entity they are."""

    number: int
    kind: str


def known_accounts(database: Database) -> dict[str, Account]:
    """What the store knows of every connection that was asked once."""
    with database.read() as connection:
        rows = database.run(
            connection, "SELECT name, account FROM connection WHERE account IS NOT NULL ORDER BY name"
        ).fetchall()
    return {name: Account(**load(bytes(account))) for name, account in rows}


def strange(
    database: Database, name: str, connector: str, now: Account, streams: Collection[str], *, known: Account | None,
    role: str, listed: Collection[str],
) -> Problem | None:  # fmt: skip
    """Why the account that answers may not be worked with under this name: see `another` and `renamed`."""
    return another(name, known, now, role=role) or renamed(
        database, name, connector, now, streams, role=role, listed=listed
    )


def renamed(
    database: Database, name: str, connector: str, now: Account, streams: Collection[str], *, role: str,
    listed: Collection[str],
) -> Problem | None:  # fmt: skip
    """A connection under a new name: its records would be there twice, once as they were and once as they are.

    `listed`: the names in the file. A folder may serve several connections, so of one (`role` files) a stream has to be
    of the same name too.
    """
    with database.read() as connection:
        formers = _formers(database, connection, connector, now, {*listed, name})
        if not formers or _read(database, connection, name):
            return None
        for former in formers:
            there = _read(database, connection, former)
            if there and (role != "files" or not there.keys().isdisjoint(streams)):
                counts = count_records(database, connection, [held.number for held in there.values()])
                count = sum(counts.values())
                return Problem(
                    code=RENAMED,
                    text=f"{name} is the account of {former}, which the file no longer names ({count:,} records)",
                    hint=f"call it {former} again: under another name all of its records would be new ones",
                    connection=name,
                )
    return None


def renamed_streams(database: Database, name: str, kinds: Mapping[str, str]) -> list[Problem]:
    """Streams of a folder that are new, where others are listed no more: the names of such streams are the operator's.

    A warning: it may as well be another list. `name`: of the connection; `kinds`: by stream in the file what it holds.
    """
    found = []
    with database.read() as connection:
        there = _read(database, connection, name)
        for stream, kind in kinds.items():
            former = {one: held for one, held in there.items() if one not in kinds and held.kind == kind}
            if stream in there or not former:
                continue
            counts = count_records(database, connection, [held.number for held in former.values()])
            told = ", ".join(f"{one} ({counts[held.number]:,} records)" for one, held in former.items())
            found.append(
                Problem(
                    code=RENAMED,
                    severity="warning",
                    text=f"{stream} is new, and the file no longer names {told}",
                    hint="if it is the same list, call it as it was: under another name its records would be new ones",
                    connection=name,
                    stream=f"{name}/{stream}",
                )
            )
    return found


def _formers(database: Database, connection: Any, connector: str, now: Account, listed: Collection[str]) -> list[str]:
    """The names under which an account was known and that are listed no more."""
    rows = database.run(
        connection,
        "SELECT name, account FROM connection WHERE account IS NOT NULL AND connector = ? ORDER BY name",
        (connector,),
    ).fetchall()
    return [name for name, told in rows if name not in listed and Account(**load(bytes(told))).id == now.id]


def _read(database: Database, connection: Any, name: str) -> dict[str, _Held]:
    """The streams of a connection of which the store has a record."""
    rows = database.run(
        connection,
        "SELECT name, id, (SELECT m.kind FROM record r JOIN mapping m ON m.id = r.mapping WHERE r.stream = s.id "
        "LIMIT 1) FROM stream s WHERE connection = ? ORDER BY name",
        (name,),
    ).fetchall()
    return {row[0]: _Held(row[1], row[2]) for row in rows if row[2] is not None}


def another(name: str, known: Account | None, now: Account, *, role: str) -> Problem | None:
    """A connection that answers as another account than before: everything that is known of it would count as gone.

    A folder (`role` files) may be moved.
    """
    if known is None or known.id == now.id or role == "files":
        return None
    return Problem(
        code=ANOTHER,
        text=f"{name} was account {known.name} ({known.id}), and answers as {now.name} ({now.id})",
        hint="correct its credentials, or give the new account a connection of its own; nothing of it was read",
        connection=name,
    )


def carried(now: Account, *, known: Account | None) -> Account:
    """The account as it is to be kept. Where the vendor says another currency than before, that of the amounts stays
    what it was until the file says what they are: they may be worth something else now, or read otherwise."""
    if known is None or now.currency_by_file or now.currency is None or known.currency in (None, now.currency):
        return now
    return replace(now, currency=known.currency, currency_now=now.currency)


def renewed(database: Database, connection: Any, name: str, now: Account, *, known: Account | None) -> Account:
    """`carried`, before it is stored."""
    kept = carried(now, known=known)
    if known is not None and known.currency_now and not kept.currency_now and kept.currency == known.currency:
        _read_anew(database, connection, name)
    return kept


def doubted(name: str, label: str, account: Account | None) -> list[Problem]:
    """A warning where nobody knows of what currency amounts are."""
    if account is None or account.currency_now is None:
        return []
    was, now = account.currency, account.currency_now
    return [
        Problem(
            code=CURRENCY,
            severity="warning",
            text=f"{label}'s currency was {was} and is {now}: amounts without one are paused",
            hint=f"set it back there, or say of {name} what its amounts are: currency: {was}, or currency: {now}",
            connection=name,
        )
    ]


def _read_anew(database: Database, connection: Any, name: str) -> None:
    """Have the streams of a connection read from the beginning: amounts that were edited meanwhile were left alone."""
    streams = "(SELECT id FROM stream WHERE connection = ?)"
    database.run(
        connection, f"UPDATE record SET hash = NULL WHERE state <= ? AND stream IN {streams}", (ARCHIVED, name)
    )
    database.run(connection, f"UPDATE part SET watermark = NULL, position = NULL WHERE stream IN {streams}", (name,))


def twice(
    accounts: Mapping[str, tuple[str, str]], writing: Collection[str], *, asked: Collection[str]
) -> list[Problem]:
    """One account under two names would be synced with itself; where both are only read, each may have its files.

    `accounts`: connector and id by name, in the file's order; `writing`: connections that may be written; `asked`:
    those that it is told of.
    """
    problems = []
    first: dict[tuple[str, str], str] = {}
    for name, account in accounts.items():
        other = first.setdefault(account, name)
        if other != name and {name, other} & set(writing) and {name, other} & set(asked):
            problems.append(
                Problem(
                    code=TWICE,
                    text=f"{other} and {name} are the same account",
                    hint="keep one of the two: each would take the other's writes for edits by people",
                    connection=name,
                )
            )
    return problems
