"""Refusals as Typeform words them."""

from collections.abc import Sequence

from sandbox.web import Answer, Json, dump


class RefusedError(Exception):
    """A handler declines; the door answers with `answer`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def refused(status: int, code: str, description: str, details: Sequence[Json] = ()) -> RefusedError:
    body: dict[str, Json] = {"code": code, "description": description}
    if details:
        body["details"] = list(details)
    return RefusedError(Answer(status, dump(body)))


def invalid(field: str, why: str) -> RefusedError:
    return refused(400, "VALIDATION_ERROR", "Invalid data", [{"code": "INVALID", "description": why, "field": field}])
