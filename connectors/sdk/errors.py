"""Errors, arranged by what the engine does next.

ConnectorError
    SetupError   stop before any request; an operator edits the file
        GoneError  a part went away while it was read: go on with the next one
    GrantError   pause this connection; a person grants access again
    LaterError   try again; carries the earliest moment, if the vendor named one
    ShapeError   the vendor answered in a form we do not know; stop this stream
    RecordError  set this record or field aside, go on with the next

Texts are for the operator: where, what was found, what is allowed. They never hold a secret or a
customer's value.
"""

from datetime import datetime
from typing import Any


class ConnectorError(Exception):
    """Root of everything a connector raises on purpose. `hint`: what to do about it."""

    def __init__(self, text: str, *, hint: str = "", code: str | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint
        self.code = code  # a CWnnn of the message catalogue; None: the family's own
        # What the vendor answered, where an answer was the cause. `details` may hold a customer's values:
        # for a dead letter, never for a text or a log.
        self.status: int | None = None
        self.vendor_code: str | None = None
        self.details: Any = None


class SetupError(ConnectorError):
    """The configuration cannot work."""


class GoneError(SetupError):
    """A part (a form, a survey) was deleted while it was read. What came of it stands, and where it was read to; should
    it come back it is gone on with."""

    def __init__(self, text: str, *, hint: str = "") -> None:
        super().__init__(text, hint=hint, code="CW313")


class GrantError(ConnectorError):
    """Access is refused: token revoked, permission missing."""


class LaterError(ConnectorError):
    """The vendor cannot answer now."""

    def __init__(self, text: str, *, hint: str = "", code: str | None = None, earliest: datetime | None = None) -> None:
        super().__init__(text, hint=hint, code=code)
        self.earliest = earliest


class UnknownOutcomeError(LaterError):
    """A write was sent and no answer came: it may have happened."""


class ShapeError(ConnectorError):
    """An answer in a form the connector does not know, or a listing that cannot be complete."""


class RecordError(ConnectorError):
    """One record or field cannot be used as it is."""
