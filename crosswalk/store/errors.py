"""What the store cannot do, in the operator's words.

StoreError
    StoreDamagedError  CW501: what a row holds cannot be read
    StoreKeyError      CW502: the key does not open what is encrypted here
    StoreTooNewError   CW803: a newer program has changed the store's schema
"""

from typing import ClassVar


class StoreError(Exception):
    """`code` is of the message catalogue; `hint` says what to do."""

    code: ClassVar[str]

    def __init__(self, text: str, *, hint: str) -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint


class StoreDamagedError(StoreError):
    code = "CW501"


class StoreKeyError(StoreError):
    code = "CW502"


class StoreTooNewError(StoreError):
    code = "CW803"
