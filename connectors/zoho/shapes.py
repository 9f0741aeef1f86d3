"""From Zoho's rows to plain values, and what of them is left out.

Keys with a dollar are the system's: what this user may do, what state a view is in. They change without the record
changing; the one that says which module a related record is of is kept, in the words of the streams.
"""

from collections.abc import Mapping
from typing import Final

from connectors.sdk import Json
from connectors.zoho.fields import FORECAST, RELATED
from connectors.zoho.streams import STREAMS

_FLEETING_OF_USERS: Final = frozenset(
    {"Isonline", "isonline", "offset", "Modified_Time", "Modified_By", "current_shift", "next_shift",
     "shift_effective_from", "sandboxDeveloper", "microsoft"}
)  # fmt: skip


def record(row: dict[str, Json], *, forecast: Mapping[str, str]) -> dict[str, Json]:
    """The row itself, mended in place. `forecast`: what each stage counts as, where the stream has stages."""
    for name in [name for name in row if name[:1] == "$" and name != RELATED]:
        del row[name]
    if RELATED in row:
        row[RELATED] = STREAMS.get(row[RELATED], row[RELATED])
    if forecast and "Stage" in row:
        row[FORECAST] = forecast.get(row["Stage"])
    return row


def user(row: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in row.items() if name not in _FLEETING_OF_USERS and name[:1] != "$"}
