"""From the first version's rows to plain values: zones named, embedded and fleeting things left out.

The second version's rows need nothing of this. What is embedded (the title of a note's deal) changes without
the row changing, and a user's last login is news to nobody: kept, they would make every reading look like an edit.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

from connectors.sdk import FieldInfo, Json

HASH: Final = re.compile(r"[0-9a-f]{40}")
_NAIVE: Final = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
_EMBEDDED: Final = frozenset({"deal", "person", "organization", "project", "task", "user"})
_FLEETING: Final = frozenset({"last_login", "modified", "is_you"})


def note(row: Mapping[str, Json]) -> dict[str, Json]:
    return _zoned(row, leave=_EMBEDDED)


def user(row: Mapping[str, Json]) -> dict[str, Json]:
    return _zoned(row, leave=_FLEETING)


def lead(row: Mapping[str, Json], customs: Callable[[], Mapping[str, FieldInfo]]) -> dict[str, Json]:
    """A lead with its choices as ids, as the second version shows those of a deal: the first has them as text.

    `customs`: the custom fields by hash, asked for only where a row carries one.
    """
    values = dict(row)
    hashes = [name for name, value in row.items() if isinstance(value, str) and HASH.fullmatch(name)]
    if hashes:
        known = customs()
        for name in hashes:
            info = known.get(name)
            if info is not None and info.type in ("choice", "multi"):
                values[name] = _ids(row[name], many=info.type == "multi")
    return values


def _ids(text: str, *, many: bool) -> Json:
    ids = [int(part) if part.strip().isdecimal() else part for part in text.split(",") if part.strip()]
    if many:
        return ids
    return ids[0] if ids else None


def _zoned(row: Mapping[str, Json], *, leave: Collection[str]) -> dict[str, Json]:
    """The first version writes UTC without saying so."""
    return {
        name: f"{value[:10]}T{value[11:]}Z" if isinstance(value, str) and _NAIVE.fullmatch(value) else value
        for name, value in row.items()
        if name not in leave
    }
