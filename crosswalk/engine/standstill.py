"""Pausing and resuming what is read and written; and telling what stands still, and why."""

from collections.abc import Iterable
from typing import Any, Final

from connectors.sdk.auth import AuthorizedInBrowser
from crosswalk.engine.accounts import ANOTHER, RENAMED, TWICE
from crosswalk.engine.model import House, Stream
from crosswalk.engine.spoken import AskError
from crosswalk.problems import Problem
from crosswalk.store.codec import iso
from crosswalk.store.pauses import Pause, end_pause, pauses, set_pause


def pause(house: House, address: str, *, who: str) -> dict[str, Any]:
    """`changed` is False where a person had paused it already; then that one's name stays."""
    database = house.database
    with database.write(durable=True) as connection:
        changed = set_pause(database, connection, address, who=who, at=house.now())
        known = pauses(database, connection)
    house.pauses = known
    return {"paused": [told(known[address])], "changed": changed}


def resume(house: House, address: str) -> dict[str, Any]:
    """What still stands still there is told: a stream of a paused connection, a stream paused by itself."""
    database = house.database
    with database.write(durable=True) as connection:
        changed = end_pause(database, connection, address)
        known = pauses(database, connection)
    name = address.partition("/")[0]
    left = [one for one in known.values() if one.address in (address, name) or one.address.startswith(f"{address}/")]
    return {"paused": [told(one) for one in left], "changed": changed}


def refuse_paused(house: House, stream: Stream) -> None:
    """Raises AskError where a stream is paused that is to be read or written."""
    if (paused := house.pause_of(stream)) is not None:
        raise AskError(
            f"{paused.address} is paused: it is neither read nor written", hint=f"crosswalk resume {paused.address}"
        )


def listed(house: House, streams: Iterable[Stream]) -> list[dict[str, Any]]:
    """What a person has paused of these streams: whole connections once."""
    asked = list(streams)
    addresses = {stream.address for stream in asked} | {stream.connection for stream in asked}
    return [told(one) for one in house.pauses.values() if one.address in addresses and not one.code]


_CHECKED: Final = ", then  crosswalk check {address}"
_CURES: Final = {
    TWICE: f"keep one of the two{_CHECKED}",
    ANOTHER: f"correct its credentials, or give the account another name{_CHECKED}",
    RENAMED: "call it by its old name again",  # and there is no connection of this one to be checked
}


def refused(house: House) -> list[Problem]:
    """Connections that are paused since their access was refused for good: a fault as long as it lasts."""
    return [
        Problem(
            code=one.code,
            text=one.text,
            hint=_cure(house, one),
            connection=one.address,
        )
        for one in house.pauses.values()
        if one.code
    ]


def _cure(house: House, one: Pause) -> str:
    cure = _CURES.get(one.code) or _grant_anew(house, one.address) + _CHECKED
    return cure.format(address=one.address)


def _grant_anew(house: House, name: str) -> str:
    """How somebody lets a connection in again whose access was refused."""
    link = house.links.get(name)
    flow = link.connector.authorization if link and isinstance(link.connector, AuthorizedInBrowser) else None
    return f"grant access anew{f' (crosswalk auth {name})' if flow is not None else ''}, or correct its credentials"


def told(one: Pause) -> dict[str, Any]:
    return {"address": one.address, "who": one.who, "since": iso(one.at), "code": one.code or None, "text": one.text}
