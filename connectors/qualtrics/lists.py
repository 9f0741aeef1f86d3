"""Qualtrics' envelope, its lists and its dates."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from connectors.sdk import Answer, Json, ShapeError, by_cursor

# What takes a list on: other parameters of the address of the next page are those that it was asked with.
_TOKENS: Final = ("skipToken", "offset")


class Listed(NamedTuple):
    """One page of a list. `following`: what to ask next with; None: the list was read to its end."""

    rows: Sequence[Mapping[str, Json]]
    following: Mapping[str, str] | None
    server_time: datetime | None


def result(answer: Answer) -> dict[str, Json]:
    """What an answer has to say."""
    body = answer.json
    found = body.get("result") if isinstance(body, dict) else None
    if not isinstance(found, dict):
        raise unknown_form(answer)
    return found


def page(answer: Answer) -> Listed:
    """A page of a list. The next one is named by its whole address, of which only what takes it on is followed."""
    found = result(answer)
    rows, address = found.get("elements"), found.get("nextPage")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise unknown_form(answer)
    following: dict[str, str] | None = None
    if isinstance(address, str) and address:
        asked = dict(parse_qsl(urlsplit(address).query))
        following = {name: asked[name] for name in _TOKENS if name in asked}
        if not following:
            raise unknown_form(answer)
    return Listed(rows, following, answer.server_time)


def each_page(ask: Callable[[Mapping[str, Any]], Answer], first: Mapping[str, Any], *, where: str) -> Iterator[Listed]:
    """Every page of a list."""
    return by_cursor(lambda params: page(ask(params)), first, lambda listed: listed.following, where=where)


def at(raw: Json) -> datetime | None:
    """A stamp, in any of the vendor's spellings: a text, or milliseconds. Raises ValueError where it is none."""
    if raw is None or raw == "":
        return None
    if isinstance(raw, int) and not isinstance(raw, bool):
        return datetime.fromtimestamp(raw / 1000, UTC)
    if not isinstance(raw, str):
        raise ValueError("a stamp is a text or a number")
    if raw.isdecimal() and len(raw) > 10:
        return datetime.fromtimestamp(int(raw) / 1000, UTC)
    moment = datetime.fromisoformat(raw)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def second(raw: Json) -> str | None:
    """A stamp to the second, in one spelling: some of the vendor's have no more."""
    moment = at(raw)
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def unknown_form(answer: Answer) -> ShapeError:
    return ShapeError(
        f"{answer.origin}: answered in a form the connector does not know",
        hint="`crosswalk runs --report` makes a file without personal data to send in",
        code="CW307",
    )
