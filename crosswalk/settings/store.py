"""Where the store is."""

import re
from pathlib import Path

from crosswalk.settings import grammar


def store_url(url: str | None, folder: Path) -> str:
    """As the file has it (None: it says nothing). A relative SQLite file lies beside the file, wherever we started."""
    url = url or grammar.STORE.key("url").default
    found = re.match(r"^(sqlite(?:\+pysqlite)?:///)([^/?:][^?]*)(.*)$", url)
    if found is None or re.match(r"^[A-Za-z]:", found[2]):
        return url
    return f"{found[1]}{folder / found[2]}{found[3]}"
