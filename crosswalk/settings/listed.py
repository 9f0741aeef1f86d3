"""What a file lists, in short: as much of the settings as a look at the store needs.

It is kept in the store with the print of the file that it was read from. So the hub can say how it stands without
reading the file as a whole, which takes the connectors and their mappings, as long as the file is the same.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, to_builtins

from crosswalk import __version__

if TYPE_CHECKING:
    from crosswalk.settings.model import HubSettings


class Due(Struct, frozen=True, kw_only=True):
    """When a connection is synced, by a schedule of its own or by the hub's. `cron` goes before `every` (seconds)."""

    every: float = 15 * 60
    cron: str | None = None


class Connected(Struct, frozen=True, kw_only=True):
    """One connection. `unit`: of its budget; `streams`: the names of those that are read."""

    name: str
    connector: str
    unit: str
    due: Due
    streams: tuple[str, ...] = ()


class Listed(Struct, frozen=True, kw_only=True):
    time_zone: str
    connections: tuple[Connected, ...]

    @classmethod
    def of(cls, settings: "HubSettings") -> "Listed":
        return cls(
            time_zone=settings.time_zone,
            connections=tuple(
                Connected(
                    name=name,
                    connector=one.connector.name,
                    unit=one.connector.unit,
                    due=due_of(settings, name),
                    streams=tuple(one.streams),
                )
                for name, one in settings.connections.items()
            ),
        )

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Listed":
        return cls(
            time_zone=told["time_zone"],
            connections=tuple(
                Connected(**{**one, "due": _due(one["due"]), "streams": tuple(one["streams"])})
                for one in told["connections"]
            ),
        )

    def json(self) -> dict[str, Any]:
        told: dict[str, Any] = to_builtins(self)
        return told


def _due(told: Mapping[str, Any]) -> Due:
    return Due(every=float(told["every"]), cron=told["cron"])  # stored numbers come back as Decimal


def due_of(settings: "HubSettings", name: str) -> Due:
    for schedule in (settings.connections[name].schedule, settings.schedule):
        if schedule is not None and schedule.cron is not None:
            return Due(cron=schedule.cron)
        if schedule is not None and schedule.every is not None:
            return Due(every=schedule.every.total_seconds())
    return Due()


def print_of(raw: bytes) -> str:
    """Of a file as this version reads it."""
    return hashlib.sha256(__version__.encode() + b"\n" + raw).hexdigest()


def stamp_of(paths: Iterable[Path]) -> str:
    """By which a change of any of these files is noticed, without reading them."""
    told = []
    for path in paths:
        try:
            found = path.stat()
            told.append(f"{path} {found.st_mtime_ns} {found.st_size} {found.st_ino}")
        except OSError:
            told.append(f"{path} -")
    return hashlib.sha256("\n".join(told).encode()).hexdigest()
