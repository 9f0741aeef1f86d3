"""What a connector's error means for the hub: a problem with a code, and the state of its connection."""

from typing import Any

from connectors.sdk.errors import ConnectorError, GrantError, LaterError, RecordError, SetupError, ShapeError
from crosswalk.engine.model import Stream
from crosswalk.problems import Problem
from crosswalk.store.dialect import Database
from crosswalk.store.pauses import REVOKED

_CODES = (
    (SetupError, "CW102"),
    (GrantError, "CW201"),
    (LaterError, "CW302"),
    (ShapeError, "CW307"),
    (RecordError, "CW403"),
)


def code_of(error: ConnectorError) -> str:
    """Its own, else its family's."""
    return error.code or next((code for family, code in _CODES if isinstance(error, family)), "CW307")


def problem_of(error: ConnectorError, *, connection: str, stream: Stream | None = None) -> Problem:
    """The error in the operator's words."""
    return Problem(
        code=code_of(error),
        text=error.text,
        hint=error.hint,
        connection=connection,
        stream=None if stream is None else stream.address,
    )


def is_for_good(error: ConnectorError) -> bool:
    """Is access refused until a person grants it anew? Then nobody asks again before."""
    return isinstance(error, GrantError) and code_of(error) in REVOKED


def down(problem: Problem) -> str:
    """The state of a connection that has this problem."""
    return "paused" if problem.code in REVOKED else "fail"


def state_of(database: Database, connection: Any, name: str, problem: Problem, *, at: int) -> None:
    """Note that a connection fails; `since` stays what it was while it goes on failing.

    One that is refused for good is paused: nobody asks again until a person has granted access anew.
    """
    database.run(
        connection,
        "UPDATE connection SET since = CASE WHEN state = 'ok' THEN ? ELSE since END, state = ?, code = ?, "
        "detail = ? WHERE name = ?",
        (at, down(problem), problem.code, problem.text, name),
    )
