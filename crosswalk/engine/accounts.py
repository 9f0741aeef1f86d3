"""Whose account a connection is: the same one never stands under two names, and a name never changes its account."""

from collections.abc import Collection, Mapping

from connectors.sdk.contract import Account
from crosswalk.problems import Problem
from crosswalk.store.codec import load
from crosswalk.store.dialect import Database

TWICE = "CW104"
ANOTHER = "CW207"


def known_accounts(database: Database) -> dict[str, Account]:
    """What the store knows of every connection that was asked once."""
    with database.read() as connection:
        rows = database.run(
            connection, "SELECT name, account FROM connection WHERE account IS NOT NULL ORDER BY name"
        ).fetchall()
    return {name: Account(**load(bytes(account))) for name, account in rows}


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
