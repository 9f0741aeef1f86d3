"""Find connectors: built in and from other distributions, through one entry-point group.

A plugin that is broken or comes twice is reported and left out; it never keeps the others from working.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module, resources
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from msgspec import Struct, field

from connectors.sdk.contract import Connector, Settings

GROUP: Final = "crosswalk.connectors"

_CLASS_ATTRIBUTES: Final = ("name", "label", "unit", "role", "settings", "stream_settings")
_METHODS: Final = (
    "connect", "account", "fields", "parts", "pull", "fetch", "keys", "removals", "find", "send", "close",
)  # fmt: skip


class PluginFault(Struct, frozen=True):
    """Why a plugin is left out. `distribution`: where it comes from, "?" if that cannot be told."""

    name: str
    distribution: str
    reason: str
    hint: str


class Registry(Struct, frozen=True, kw_only=True):
    """The connectors that are installed, by name, and what could not be used."""

    connectors: Mapping[str, type[Connector]] = field(default_factory=dict)
    faults: tuple[PluginFault, ...] = ()


def installed(only: Iterable[str] | None = None, *, points: Iterable[EntryPoint] | None = None) -> Registry:
    """The connectors of every installed distribution. `only`: load just these names, as start-up time matters."""
    wanted = None if only is None else set(only)
    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP) if points is None else points:
        if wanted is None or point.name in wanted:
            same = found.setdefault(point.name, [])
            # An editable install beside a wheel shows one and the same plugin twice.
            if all((point.value, _distribution(point)) != (other.value, _distribution(other)) for other in same):
                same.append(point)
    connectors: dict[str, type[Connector]] = {}
    faults: list[PluginFault] = []
    for name, candidates in sorted(found.items()):
        if len(candidates) > 1:
            homes = ", ".join(sorted(_distribution(point) for point in candidates))
            faults.append(
                PluginFault(name, homes, f"{len(candidates)} distributions offer it", "uninstall all but one of them")
            )
            continue
        loaded = _load(candidates[0])
        if isinstance(loaded, PluginFault):
            faults.append(loaded)
        else:
            connectors[name] = loaded
    return Registry(connectors=connectors, faults=tuple(faults))


def names() -> list[str]:
    """Names of the installed connectors, sorted, without importing any."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def default_mapping(connector: type[Connector]) -> str:
    """The text of `mapping.yaml` beside the connector's module; "" where it brings none."""
    package = import_module(connector.__module__).__package__ or connector.__module__
    file = resources.files(package).joinpath("mapping.yaml")
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _load(point: EntryPoint) -> type[Connector] | PluginFault:
    home = _distribution(point)
    try:
        loaded: Any = point.load()
    except Exception as exc:  # whatever a foreign module does when it is imported
        return PluginFault(
            point.name,
            home,
            f"{point.value} cannot be loaded: {type(exc).__name__}: {exc}",
            f"upgrade or uninstall {home}",
        )
    lacking = [name for name in (*_CLASS_ATTRIBUTES, *_METHODS) if not hasattr(loaded, name)]
    if not isinstance(loaded, type) or lacking or not hasattr(loaded, "streams"):
        what = ", ".join(lacking) or "streams"
        return PluginFault(point.name, home, f"{point.value} is no connector: it lacks {what}", f"upgrade {home}")
    kind: Any = loaded
    if kind.name != point.name:
        return PluginFault(
            point.name, home, f"{point.value} calls itself '{kind.name}'", "name the entry point as the connector"
        )
    if not (isinstance(kind.settings, type) and issubclass(kind.settings, Settings)):
        return PluginFault(point.name, home, f"settings of {point.value} do not extend Settings", f"upgrade {home}")
    return kind  # type: ignore[no-any-return]  # a class of foreign origin: checked above, name by name


def _distribution(point: EntryPoint) -> str:
    return "?" if point.dist is None else point.dist.name
