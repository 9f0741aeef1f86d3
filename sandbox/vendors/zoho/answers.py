"""Bodies that Zoho answers with: rows that went well or not, and refusals of a whole call."""

from collections.abc import Callable, Sequence
from typing import Final

from sandbox.web import Answer, Json, dump

NO_CONTENT: Final = Answer(204, b"")
NOT_MODIFIED: Final = Answer(304, b"")


class RefusedError(Exception):
    """A handler declines the call; the door answers with `answer`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class FaultError(Exception):
    """One record or field of a call is refused; `row` is what stands in its place in the answer."""

    def __init__(self, code: str, message: str, **details: Json) -> None:
        super().__init__(code)
        self.code = code
        self.row = fault(code, message, details)


def fault(code: str, message: str, details: Json) -> Json:
    return {"code": code, "details": details, "message": message, "status": "error"}


def success(message: str, details: Json, **more: Json) -> Json:
    return {"code": "SUCCESS", **more, "details": details, "message": message, "status": "success"}


def refused(status: int, code: str, message: str, **details: Json) -> RefusedError:
    return RefusedError(Answer(status, dump(fault(code, message, details))))


def missing_param(name: str) -> RefusedError:
    return refused(400, "REQUIRED_PARAM_MISSING", "One of the expected parameter is missing", param=name)


def invalid_param(name: str, **details: Json) -> RefusedError:
    return refused(400, "INVALID_DATA", "invalid data", param=name, **details)


def invalid_id(index: int = 1) -> RefusedError:
    """`index`: which segment of the path, behind the version, is meant."""
    return refused(400, "INVALID_DATA", "the id given seems to be invalid", resource_path_index=index)


def invalid_module() -> RefusedError:
    return refused(400, "INVALID_MODULE", "the module name given seems to be invalid", resource_path_index=0)


def invalid_url() -> Answer:
    return refused(404, "INVALID_URL_PATTERN", "Please check if the URL trying to access is a correct one").answer


def wrong_method() -> Answer:
    return refused(400, "INVALID_REQUEST_METHOD", "The http request method type is not a valid one").answer


def unauthorized() -> Answer:
    return refused(401, "INVALID_TOKEN", "invalid oauth token").answer


def unauthenticated() -> Answer:
    return refused(401, "AUTHENTICATION_FAILURE", "Authentication failed").answer


def scope_mismatch() -> Answer:
    return refused(401, "OAUTH_SCOPE_MISMATCH", "invalid oauth scope to access this URL").answer


def no_permission() -> Answer:
    return refused(403, "NO_PERMISSION", "permission denied", permissions=["Crm_Implied_Api_Access"]).answer


def too_many() -> Answer:
    return refused(429, "TOO_MANY_REQUESTS", "Requests limit exceeded, please try again later.").answer


def outcomes(one: Callable[[Json, int], Json], rows: Sequence[Json], *, status: int = 200, key: str = "data") -> Answer:
    """Do one row after the other, and tell what became of each in the order of the request.

    `one` may raise `FaultError`. `status` is that of a call whose rows all went well.
    """
    told = []
    for nth, row in enumerate(rows):
        try:
            told.append(one(row, nth))
        except FaultError as exc:
            told.append(exc.row)
    failed = [row for row in told if row["status"] == "error"]
    if failed and len(failed) == len(told):
        status = 412 if all(row["code"] == "ALREADY_MODIFIED" for row in failed) else 400
    elif failed:
        status = 207
    return Answer(status, dump({key: told}))
