"""What a status means: status and vendor code -> family and hint, as a table.

A vendor's table is laid over the common one. The engine acts on the family; nobody branches on a number.

    retry       try again soon, Retry-After first; then LaterError
    later       LaterError at once: trying again soon is no use
    budget      LaterError CW303: the allowance is used up until the vendor's day turns
    token       the token is refused: renew it once, then GrantError CW202
    grant       GrantError CW201: a person grants access again
    permission  GrantError CW204: the identity may not do this
    setup       SetupError: an operator edits the file
    refused     RecordError CW403 for a write; for a read our question was wrong: ShapeError CW307
    missing     RecordError CW403 without a sound: the record is gone or invisible
    shape       ShapeError CW307
"""

from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeAlias

from msgspec import Struct, field

from connectors.sdk.contract import Json

Family: TypeAlias = Literal[
    "retry", "later", "budget", "token", "grant", "permission", "setup", "refused", "missing", "shape"
]


class Rule(Struct, frozen=True):
    """What to do with an answer. `hint` tells the operator what mends it; `code` overrides the family's own."""

    family: Family
    hint: str = ""
    code: str | None = None


Rules: TypeAlias = Mapping[int | tuple[int, str], Rule]

COMMON: Final[Rules] = {
    400: Rule("refused"),
    401: Rule("token"),
    402: Rule("setup", "the account's plan or subscription does not allow this"),
    403: Rule("permission"),
    404: Rule("missing"),
    405: Rule("shape"),
    408: Rule("retry"),
    409: Rule("refused"),
    410: Rule("missing"),
    412: Rule("refused"),
    413: Rule("refused"),
    422: Rule("refused"),
    423: Rule("retry"),
    425: Rule("retry"),
    429: Rule("retry"),
    500: Rule("retry"),
    502: Rule("retry"),
    503: Rule("retry"),
    504: Rule("retry"),
    507: Rule("later"),
    509: Rule("later"),
}


def no_code(_: Json) -> str | None:
    """For vendors whose status says everything."""
    return None


class StatusTable(Struct, frozen=True, kw_only=True):
    """One vendor's habits. `vendor` is the name people know; `vendor_code` finds its code in an error's body.

    `lost`: statuses after which a write that must not be sent twice may nevertheless have happened.
    """

    vendor: str
    rules: Rules = field(default_factory=dict)
    vendor_code: Callable[[Json], str | None] = no_code
    lost: frozenset[int] = frozenset({408, 500, 502, 503, 504, 520, 521, 522, 523, 524})

    def rule(self, status: int, code: str | None) -> Rule:
        """The closest rule: the vendor's for status and code, for the status, then the common ones."""
        for rules in (self.rules, COMMON):
            if code is not None and (status, code) in rules:
                return rules[status, code]
            if status in rules:
                return rules[status]
        if status >= 500:
            return Rule("retry")
        return Rule("refused") if status >= 400 else Rule("shape")

    def may_have_happened(self, status: int, code: str | None) -> bool:
        """Of a write that was answered so. What no table knows may have."""
        known = any(key in rules for rules in (self.rules, COMMON) for key in (status, (status, code)))
        return status in self.lost or (status >= 500 and not known)
