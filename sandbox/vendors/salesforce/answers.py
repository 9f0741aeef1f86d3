"""Bodies that Salesforce answers with: success, and each kind of refusal."""

from collections.abc import Mapping, Sequence
from typing import Final

from sandbox.web import Answer, Json, dump

MEDIA_TYPE: Final = "application/json;charset=UTF-8"


class RefusedError(Exception):
    """A request or one of its records is refused. `more` stands in the body of a single refusal only."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: Sequence[str] | None = None,
        more: Mapping[str, Json] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message
        self.fields = fields
        self.more = more or {}

    def answer(self) -> Answer:
        body = {**self.more, "message": self.message, "errorCode": self.code}
        if self.fields is not None:
            body["fields"] = list(self.fields)
        return Answer(self.status, dump([body]), media_type=MEDIA_TYPE)

    def outcome(self) -> Json:
        """As one of several records of a call."""
        error = {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}
        return {"success": False, "errors": [error]}


def ok(body: Json, *, status: int = 200) -> Answer:
    return Answer(status, dump(body), media_type=MEDIA_TYPE)


def empty(status: int = 204) -> Answer:
    return Answer(status, b"")


def refused(code: str, message: str, fields: Sequence[str] | None = None) -> RefusedError:
    """400, as most refusals are."""
    return RefusedError(400, code, message, fields)


def not_found(message: str = "The requested resource does not exist") -> RefusedError:
    return RefusedError(404, "NOT_FOUND", message)


def is_deleted(status: int = 404) -> RefusedError:
    return RefusedError(status, "ENTITY_IS_DELETED", "entity is deleted", ())


def invalid_session() -> RefusedError:
    return RefusedError(401, "INVALID_SESSION_ID", "Session expired or invalid")


def over_limit() -> RefusedError:
    return RefusedError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def no_permission() -> RefusedError:
    return RefusedError(403, "INSUFFICIENT_ACCESS", "insufficient access rights on object id")


def uri_too_long() -> RefusedError:
    return RefusedError(414, "URI_TOO_LONG", "The length of the URI exceeds the 16,384 byte limit")


def not_json(message: str) -> RefusedError:
    return RefusedError(400, "JSON_PARSER_ERROR", message)
