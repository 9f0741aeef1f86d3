"""Streams are the operator's own: each is declared alike."""

from datetime import timedelta
from typing import Final

from connectors.sdk.contract import StreamSpec

PAGE: Final = 500

SPEC: Final = StreamSpec(
    # Which file changed is told by its size and time, then by its content; no row is trusted to carry a time.
    cursor="content",
    hold_back=timedelta(0),
    visibility_lag=timedelta(0),
    page_size=PAGE,
    # A column that a file does not have says nothing about what other files said.
    missing_means="absent",
    # A row that is in no file any more is gone; `keys` refuses to say so while a file cannot be read whole.
    sweep=True,
)
