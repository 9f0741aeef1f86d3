"""Results in the envelope that Qualtrics puts around them, and each kind of refusal."""

import hashlib
from http import HTTPStatus
from typing import Final

from sandbox.web import Answer, Call, Json, dump

# What the vendor says where HTTP has other words.
_REASONS: Final = {503: "Temporary Internal Server Error", 413: "Request Entity Too Large"}


class RefusedError(Exception):
    """A handler declines; the door answers with `answer`."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def ok(call: Call, result: Json, *, notice: str | None = None) -> Answer:
    meta = {"httpStatus": "200 - OK", "requestId": _request_id(call)}
    return Answer(200, dump({"result": result, "meta": meta if notice is None else {**meta, "notice": notice}}))


def done(call: Call) -> Answer:
    """Of a change that has nothing to tell."""
    return Answer(200, dump({"meta": {"httpStatus": "200 - OK", "requestId": _request_id(call)}}))


def listed(call: Call, elements: list[bytes], following: str | None) -> Answer:
    """A page of a list, its elements ready as JSON. `following`: the whole address of the next one."""
    return Answer(
        200,
        b'{"result":{"elements":[%b],"nextPage":%b},"meta":{"httpStatus":"200 - OK","requestId":%b}}'
        % (b",".join(elements), dump(following), dump(_request_id(call))),
    )


def refused(status: int, code: str, message: str) -> RefusedError:
    return RefusedError(refusal(status, code, message))


def refusal(status: int, code: str, message: str) -> Answer:
    error = {"errorCode": code, "errorMessage": message}
    if status >= 500:
        error["instanceId"] = "sandbox"
    reason = _REASONS.get(status) or HTTPStatus(status).phrase
    meta = {"httpStatus": f"{status} - {reason}", "requestId": _uuid(f"{status}/{code}/{message}"), "error": error}
    return Answer(status, dump({"meta": meta}))


def invalid(what: str) -> RefusedError:
    """A parameter or a key of the body that is missing, unknown or wrong."""
    return refused(400, "RP_0.1", f"Missing or invalid parameter: {what}")


def not_found(what: str) -> RefusedError:
    return refused(404, "RE_0.1", f"{what} not found")


def _request_id(call: Call) -> str:
    return _uuid(f"{call.method} {call.path} {sorted(call.query.items())} {call.now.isoformat()}")


def _uuid(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))
