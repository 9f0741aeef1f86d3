"""The one fault of normalising."""

from typing import Final


class Misfit(ValueError):  # noqa: N818 # it says what the value is
    """A value that cannot be understood. It carries what was wanted, never the value: that is a customer's."""

    def __init__(self, want: str) -> None:
        super().__init__(f"is no {want}")
        self.want: Final = want
