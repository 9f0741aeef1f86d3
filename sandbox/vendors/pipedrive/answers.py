"""Bodies that Pipedrive answers with: success, and each kind of refusal."""

from typing import Final

from sandbox.web import Answer, Json, dump

_INFO: Final = "Please check developers.pipedrive.com"
_LONG_INFO: Final = "Please check developers.pipedrive.com for more information about Pipedrive API."


class RefusedError(Exception):
    """A handler declines; the door answers with `answer`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def ok(data: Json, *, status: int = 200, **more: Json) -> Answer:
    return Answer(status, dump({"success": True, "data": data, **more}))


def invalid(text: str) -> RefusedError:
    """v2 refuses a parameter or a body."""
    body = {"success": False, "error": f"Validation failed: {text}", "code": "ERR_SCHEMA_VALIDATION_FAILED"}
    return RefusedError(Answer(400, dump(body)))


def bad_request(text: str) -> RefusedError:
    """v1 refuses a body."""
    body = {"success": False, "error": text, "error_info": _LONG_INFO, "data": None, "additional_data": None}
    return RefusedError(Answer(400, dump(body)))


def not_found(text: str, info: str = _INFO) -> RefusedError:
    body = {"success": False, "error": text, "error_info": info, "data": None, "additional_data": None}
    return RefusedError(Answer(404, dump(body)))


def field_gone() -> RefusedError:
    return RefusedError(Answer(410, dump({"success": False, "error": "The field is not found"})))


def unauthorized() -> Answer:
    return Answer(401, dump({"success": False, "error": "unauthorized access", "errorCode": 401, "error_info": _INFO}))


def wrong_scope() -> Answer:
    body = {"success": False, "error": "Scope and URL mismatch", "errorCode": 403, "error_info": _INFO}
    return Answer(403, dump(body))


def no_permission() -> Answer:
    body = {
        "success": False,
        "error": "You do not have permissions to do this.",
        "error_info": _INFO,
        "data": None,
        "additional_data": None,
    }
    return Answer(403, dump(body))


def over_limit() -> Answer:
    return Answer(429, dump({"success": False, "error": "request over limit", "errorCode": 429}))


def blocked() -> Answer:
    """The page of the network in front of the API, after a client went on hammering."""
    page = (
        "<!DOCTYPE html><html><head><title>Access denied</title></head>"
        "<body><h1>Error 1015</h1>You are being rate limited</body></html>"
    )
    return Answer(403, page.encode(), media_type="text/html; charset=UTF-8")


def unknown_method() -> Answer:
    return Answer(404, dump({"success": False, "error": "Unknown method .", "error_info": _INFO}))


def method_not_allowed() -> Answer:
    return Answer(405, dump({"success": False, "error": "Method not allowed", "errorCode": 405, "error_info": _INFO}))


def wrong_media_type() -> Answer:
    return Answer(
        415, dump({"success": False, "error": "Unsupported media type", "errorCode": 415, "error_info": _INFO})
    )
