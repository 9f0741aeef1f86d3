"""From the YAML file to the settings of a hub, or to every fault of it in one report.

The story: text -> tree -> references fetched -> shapes, section by section -> what refers to other parts -> the hub.
A faulty part never hides the faults of another; what is wrong is told once, at its place.
"""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import asdict, replace

from connectors.sdk import registry as plugins
from connectors.sdk.contract import Connector, StreamSpec
from connectors.sdk.registry import Registry
from crosswalk import __version__
from crosswalk.settings import grammar
from crosswalk.settings.faults import ROOT, Faults, Mark, Spot, nearest, offer, reason_of, some, suggest
from crosswalk.settings.forms import Forms, Keys, said
from crosswalk.settings.listed import print_of
from crosswalk.settings.mappings import (
    DefaultMapping,
    MappingFileError,
    check_expression,
    default_mappings,
    mapping_lines,
    place_of,
)
from crosswalk.settings.model import (
    DEFAULT_GUARDS,
    Alert,
    Budget,
    ConnectionSettings,
    Guard,
    HubSettings,
    Loaded,
    MatchSettings,
    ReviewSettings,
    Schedule,
    StreamSettings,
    SurveySettings,
)
from crosswalk.settings.plugin import keys_of, read_model
from crosswalk.settings.rules import Rules, region, zone
from crosswalk.settings.secrets import References
from crosswalk.settings.source import Entry, Node, Scalar, Table, decode, parse
from mapping.language import Line, Place, overlay

_ROLES: Final = ("crm", "files", "cem")  # the default rank of masters
_NOTHING: Final = Scalar(Mark(1, 1), None, "")
_EVERY: Final = Schedule(every=timedelta(minutes=15))


def load(path: Path | str, *, environment: Mapping[str, str] | None = None, registry: Registry | None = None) -> Loaded:
    """The settings that a file holds. `path` is shown in messages as it is given.

    `environment`: for env: references, the process's own unless told; `registry`: the connectors to choose from, the
    installed ones unless told (only those named in the file are imported).
    """
    file = str(path)
    faults = Faults(file)
    folder = Path(path).absolute().parent
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        forbidden = isinstance(error, PermissionError)
        hint = "correct who may read it" if forbidden else "crosswalk init writes one; --config names another"
        faults.add("CW100", None, f"{file} cannot be read: {reason_of(error)}", hint)
        return Loaded(None, faults.problems())
    text = decode(raw, faults)
    root = None if text is None else parse(text, faults)
    if root is None:
        if text is not None and not faults.bad:
            faults.add("CW100", Mark(1, 1), "the file is empty", "crosswalk init writes one to begin with")
        return Loaded(None, faults.problems())
    if not isinstance(root, Table):
        faults.add("CW100", root.mark, "the file is no mapping", "it begins with version: 1")
        return Loaded(None, faults.problems())
    if not _version(root, faults):
        return Loaded(None, faults.problems())
    whole = _File(root, folder, faults, os.environ if environment is None else environment, registry)
    hub = whole.hub()
    return Loaded(None if faults.bad else hub, faults.problems(), print_of(raw), whole.beside)


def _version(root: Table, faults: Faults) -> bool:
    """Is it a file that this program reads? Of another version nothing else is judged."""
    entry = root.get("version")
    if entry is None:
        return True  # told with the other missing keys
    number = Forms(faults).whole(entry.value, "version", ROOT / "version", such_as=1)
    if number is None or number == 1:
        return True
    if number > 1:
        text = f"the file is version {number}; this is Crosswalk {__version__.rpartition('.')[0]}, which reads 1"
        faults.add("CW801", entry.value.mark, text, "upgrade, or keep to version 1", at=ROOT / "version")
    else:
        text = f"the file is version {number}, the oldest there is is 1"
        faults.add("CW802", entry.value.mark, text, "write version: 1; no key has changed", at=ROOT / "version")
    return False


class _Known(Struct, frozen=True):
    """What can be told of a connector without an account.

    `specs`: what it declares of its streams, as far as its class says so. `each`: of whatever stream an operator names.
    `names`: of its streams; None: each account has its own.
    """

    connector: type[Connector]
    specs: Mapping[str, StreamSpec]
    each: StreamSpec | None
    names: tuple[str, ...] | None
    mappings: Mapping[str, DefaultMapping]


class _File:
    def __init__(
        self, root: Table, folder: Path, faults: Faults, environment: Mapping[str, str], registry: Registry | None
    ) -> None:
        self._root, self._folder, self._faults = root, folder, faults
        self._forms = Forms(faults)
        self._references = References(folder, environment, faults)
        self._given = self._keys()
        connections = self._given.get("connections")
        node = connections.value if connections else _NOTHING
        self._table = self._forms.table(node, ROOT / "connections", "connections") or Table(node.mark)
        self._names = [name for name, _ in self._table]
        self._rules = Rules(self._forms, self._names)
        self._registry = registry if registry is not None else plugins.installed(only=self._wanted())
        self._all_installed = registry is None
        self._known: dict[str, _Known] = {}
        self.mapping_files: set[Path] = set()

    @property
    def beside(self) -> tuple[Path, ...]:
        return tuple(sorted(self._references.read | self.mapping_files))

    def _keys(self) -> Keys:
        reserved = [entry for name, entry in self._root if name in grammar.RESERVED]
        for entry in reserved:
            self._faults.add(
                "CW101", entry.key.mark, f"{entry.key.written} is not in this version", "take it out",
                at=ROOT / entry.key.written,
            )  # fmt: skip
        self._root.entries[:] = [entry for entry in self._root.entries if entry not in reserved]
        return self._forms.keys(self._root, grammar.FILE, ROOT, mark=Mark(1, 1))

    def _wanted(self) -> set[str]:
        wanted = set()
        for name, entry in self._table:
            told = entry.value.get("connector") if isinstance(entry.value, Table) else None
            wanted.add(told.value.written if told and isinstance(told.value, Scalar) else name)
        return wanted

    def _value(self, name: str) -> Node:
        return self._given[name].value if name in self._given else _NOTHING

    def hub(self) -> HubSettings:
        time_zone = (
            zone(self._value("time_zone"), self._forms, ROOT / "time_zone") if "time_zone" in self._given else None
        )
        phone_region = None
        if "phone_region" in self._given:
            phone_region = region(self._value("phone_region"), self._forms, ROOT / "phone_region")
        self._references.fetch(self._value("store"), ROOT / "store")
        store = self._rules.store(self._value("store"), self._folder, ROOT / "store")
        guards = {
            **DEFAULT_GUARDS,
            **self._rules.guards(self._value("guards"), ROOT / "guards", under=DEFAULT_GUARDS),
        }
        schedule = self._rules.schedule(
            self._value("schedule"), ROOT / "schedule", under=_EVERY, zone=time_zone or "UTC"
        )
        if "connections" in self._given and not self._names and not self._faults.bad:
            self._faults.add(
                "CW102", self._given["connections"].key.mark, "connections is empty",
                f"name one, such as {self.installed[0] if self.installed else 'crm'}:", at=ROOT / "connections",
            )  # fmt: skip
        connections: dict[str, ConnectionSettings] = {}
        for name, entry in self._table:
            connection = _Connection(self, name, entry, guards, time_zone or "UTC").read()
            if connection is not None:
                connections[name] = connection
        match = self._rules.match(self._value("match"), self._folder, ROOT / "match")
        merge = self._rules.merge(self._value("merge"), ROOT / "merge", self._masters())
        cx = self._rules.cx(self._value("cx"), ROOT / "cx")
        review = ReviewSettings()
        if "review" in self._given:
            review = self._rules.review(self._value("review"), ROOT / "review")
        alerts: tuple[Alert, ...] = ()
        if "alerts" in self._given:
            self._references.fetch(self._value("alerts"), ROOT / "alerts")
            alerts = self._rules.alerts(self._value("alerts"), ROOT / "alerts")
        hub = HubSettings(
            folder=self._folder,
            file=self._faults.file,
            time_zone=time_zone or "UTC",
            phone_region=phone_region,
            store=store,
            connections=connections,
            match=match,
            merge=merge,
            cx=cx,
            guards=guards,
            review=review,
            schedule=schedule,
            alerts=alerts,
        )
        return replace(hub, digest=digest(hub))

    def _masters(self) -> list[str]:
        """The connections in the file's order: CRMs, then files, then CEM tools."""
        roles = {}
        for name, entry in self._table:
            connector = self.connector_of(name, entry)
            roles[name] = _ROLES.index(connector.role) if connector is not None else 0
        return sorted(roles, key=lambda name: roles[name])

    def connector_of(self, name: str, entry: Entry) -> type[Connector] | None:
        told = entry.value.get("connector") if isinstance(entry.value, Table) else None
        word = told.value.written if told and isinstance(told.value, Scalar) else name
        return self._registry.connectors.get(word)

    def known(self, connector: type[Connector], mark: Mark, spot: Spot) -> _Known:
        if connector.name not in self._known:
            declared: Any = getattr(connector, "streams", None)  # a property where streams are the account's
            specs: Mapping[str, StreamSpec] = declared if isinstance(declared, Mapping) else {}
            mappings: Mapping[str, DefaultMapping] = {}
            try:
                mappings = default_mappings(plugins.default_mapping(connector), file=f"{connector.name}/mapping.yaml")
            except MappingFileError as error:
                self._faults.add(
                    "CW105",
                    mark,
                    f"the connector {connector.name} is broken: {error}",
                    "upgrade or uninstall it",
                    at=spot,
                )
            names = tuple(specs or mappings) or None
            each: StreamSpec | None = getattr(connector, "each", None)
            self._known[connector.name] = _Known(connector, specs, each, names, mappings)
        return self._known[connector.name]

    @property
    def forms(self) -> Forms:
        return self._forms

    @property
    def rules(self) -> Rules:
        return self._rules

    @property
    def references(self) -> References:
        return self._references

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def names(self) -> list[str]:
        return self._names

    @property
    def registry(self) -> Registry:
        return self._registry

    @cached_property
    def installed(self) -> list[str]:
        """The names that there are to choose from; those that are not named in the file have not been imported."""
        return plugins.names() if self._all_installed else sorted(self._registry.connectors)


def default_kinds(connector: type[Connector]) -> list[tuple[str, str]]:
    """The streams that a connector maps by itself, each with its kind; none where streams are the account's."""
    mappings = default_mappings(plugins.default_mapping(connector), file=f"{connector.name}/mapping.yaml")
    declared: Any = getattr(connector, "streams", None)
    names = declared if isinstance(declared, Mapping) and declared else mappings
    return [(name, mappings[name].kind) for name in names if name in mappings]


class _Connection:
    """One entry under `connections`."""

    def __init__(self, file: _File, name: str, entry: Entry, guards: Mapping[str, Guard], time_zone: str) -> None:
        self._file, self._name, self._entry = file, name, entry
        self._guards, self._time_zone = guards, time_zone
        self._forms, self._faults = file.forms, file.forms.faults
        self._spot = (ROOT / "connections" / name).of(connection=name)

    def read(self) -> ConnectionSettings | None:
        self._check_name()
        node = self._entry.value
        if isinstance(node, Table):
            for name, entry in node:
                if name != "streams":
                    self._file.references.fetch(entry.value, self._spot / name)
        connector = self._connector()
        label = f"{_article(connector.label)} connection" if connector else f"the connection {self._name}"
        own = keys_of(connector.settings) if connector else []
        given = self._forms.keys(
            node,
            grammar.CONNECTION,
            self._spot,
            noun=label,
            also=own,
            open_=connector is None,
            mark=self._entry.key.mark,
        )
        budget = self._budget(given)
        schedule = None
        if "schedule" in given:
            schedule = self._file.rules.schedule(
                given["schedule"].value, self._spot / "schedule", under=Schedule(), zone=self._time_zone
            )
        if connector is None:
            self._streams_of_nobody(given)
            return None
        known = self._file.known(connector, self._entry.key.mark, self._spot)
        streams, instances = self._streams(given, known)
        settings = read_model(
            connector.settings,
            {name: entry for name, entry in given.items() if name in own},
            noun=self._name,
            mark=self._entry.key.mark,
            written=_keys_in(node),
            spot=self._spot,
            faults=self._faults,
            folder=self._file.folder,
            failed=self._file.references.failed,
            filled={"streams": instances},
        )
        if settings is None:
            return None
        self._check_addresses(settings, given)
        return ConnectionSettings(
            name=self._name,
            connector=connector,
            settings=settings,
            budget=budget,
            streams=streams,
            schedule=schedule,
            place=self._place(self._entry.key),
        )

    def _check_name(self) -> None:
        import re

        if not re.match(grammar.NAME, self._name):
            hint = "a-z 0-9 _ -, a letter first: it is part of every address"
            self._faults.add(
                "CW102", self._entry.key.mark, f"a connection is named '{self._name}'", hint, at=self._spot
            )

    def _connector(self) -> type[Connector] | None:
        node = self._entry.value
        told = node.get("connector") if isinstance(node, Table) else None
        if told is None:
            word, mark = self._name, self._entry.key.mark
        else:
            installed = self._file.installed
            text = self._forms.text(
                told.value, "connector", self._spot / "connector", expected=f"one of: {', '.join(installed)}"
            )
            if text is None:
                return None
            word, mark = text, told.value.mark
            if self._name in installed and text != self._name:
                self._faults.add(
                    "CW102", mark, f"the connection {self._name} is of the connector '{text}'",
                    f"a connection named like a connector is of that: rename it, or write connector: {self._name}",
                    at=self._spot / "connector",
                )  # fmt: skip
                return None
        connector = self._file.registry.connectors.get(word)
        if connector is not None:
            return connector
        installed = self._file.installed
        fault = next((one for one in self._file.registry.faults if one.name == word), None)
        if fault is not None:
            self._faults.add(
                "CW105", mark, f"the connector {word} cannot be used: {fault.reason}", fault.hint, at=self._spot
            )
        elif told is None:
            near = nearest(word, installed)
            hint = (
                f"did you mean '{near[0]}'?  or say which it is, connector: "
                if near
                else "say which it is, connector: "
            )
            self._faults.add(
                "CW105", mark, f"there is no connector '{word}'", hint + some(installed, most=8), at=self._spot
            )
        else:
            near = nearest(word, installed)
            hint = (f"did you mean '{near[0]}'?  " if near else "") + f"installed: {some(installed, most=8)}"
            self._faults.add("CW105", mark, f"there is no connector '{word}'", hint, at=self._spot / "connector")
        return None

    def _budget(self, given: Keys) -> Budget:
        if "budget" not in given:
            return Budget()
        spot = self._spot / "budget"
        keys = self._forms.keys(given["budget"].value, grammar.BUDGET, spot)
        per_day, reserve = None, None
        if "per_day" in keys:
            per_day = self._forms.whole(keys["per_day"].value, "per_day", spot / "per_day", least=1, such_as=40000)
        if "reserve" in keys:
            reserve = self._forms.share(keys["reserve"].value, "reserve", spot / "reserve", such_as="20%")
        return Budget(per_day=per_day, reserve=Budget().reserve if reserve is None else reserve)

    def _check_addresses(self, settings: Any, given: Keys) -> None:  # of a connector's own class
        for name in ("base_url", "token_url"):
            url = getattr(settings, name, None)
            if url is None or name not in given:
                continue
            parts = urlsplit(str(url))
            mark, spot = given[name].value.mark, self._spot / name
            if parts.scheme not in ("http", "https") or not parts.hostname:
                what = said(given[name].value)
                self._faults.add(
                    "CW102", mark, f"{name} is {what}", "an address, such as https://api.example.com", at=spot
                )
            elif parts.scheme == "http" and not settings.insecure and not _loopback(parts.hostname):
                text = f"{name} is {said(given[name].value)}: tokens would travel unencrypted"
                self._faults.add("CW102", mark, text, "https, or insecure: true beside it", at=spot)

    # Streams.

    def _streams_of_nobody(self, given: Keys) -> None:
        """The hub's own keys of streams can be judged though the connector is not known."""
        if "streams" in given:
            table = self._forms.table(given["streams"].value, self._spot / "streams", "streams")
            for name, entry in table or ():
                _Stream(self._file, self._name, name, entry, None, self._spot, self._guards).read()

    def _streams(self, given: Keys, known: _Known) -> tuple[dict[str, StreamSettings], dict[str, Any]]:
        spot = self._spot / "streams"
        if "streams" not in given or (
            isinstance(given["streams"].value, Scalar) and given["streams"].value.value is None
        ):
            mark = given["streams"].key.mark if "streams" in given else self._entry.key.mark
            return self._usual(known, mark, spot)
        streams: dict[str, StreamSettings] = {}
        instances: dict[str, Any] = {}
        table = self._forms.table(given["streams"].value, spot, "streams")
        for name, entry in table or ():
            if known.names is not None and name not in known.names:
                hint = offer(name, known.names)
                text = f"{known.connector.label} has no stream '{name}'"
                self._faults.add(
                    "CW101", entry.key.mark, text, hint, at=(spot / name).of(stream=f"{self._name}/{name}")
                )
                continue
            if not name.strip() or "/" in name:
                hint = "no / in it, and not empty: it is part of every address"
                self._faults.add("CW102", entry.key.mark, f"a stream is named '{name}'", hint, at=spot)
                continue
            stream, instance = _Stream(self._file, self._name, name, entry, known, self._spot, self._guards).read()
            if stream is not None:
                streams[name] = stream
            if instance is not None:
                instances[name] = instance
        return streams, instances

    def _usual(self, known: _Known, mark: Mark, spot: Spot) -> tuple[dict[str, StreamSettings], dict[str, Any]]:
        if known.names is None:
            keys = ", ".join(keys_of(known.connector.stream_settings)[:3])
            hint = "name what to read" + (f": each stream with {keys}" if keys else "")
            self._faults.add("CW102", mark, f"streams is missing in {self._name}", hint, at=spot)
            return {}, {}
        streams: dict[str, StreamSettings] = {}
        instances: dict[str, Any] = {}
        for name in known.names:
            usual = name not in known.specs or known.specs[name].usual
            if usual and name in known.mappings:
                entry = Entry(Scalar(mark, name, name), Scalar(mark, None, ""))
                stream, instance = _Stream(self._file, self._name, name, entry, known, self._spot, self._guards).read()
                if stream is not None:
                    streams[name] = stream
                if instance is not None:
                    instances[name] = instance
        return streams, instances

    def _place(self, key: Scalar) -> Place:
        return Place(self._faults.file, key.mark.line, key.mark.column)


class _Stream:
    """One entry under `streams`."""

    def __init__(
        self,
        file: _File,
        connection: str,
        name: str,
        entry: Entry,
        known: _Known | None,
        spot: Spot,
        guards: Mapping[str, Guard],
    ) -> None:
        self._file, self._connection, self._name, self._entry, self._known = file, connection, name, entry, known
        self._guards = guards
        self._forms, self._faults = file.forms, file.forms.faults
        self._spot = (spot / "streams" / name).of(stream=f"{connection}/{name}")
        self._label = known.connector.label if known else connection
        self._spec = known.specs.get(name) if known else None
        self._own_files: set[str] = set()

    def shape(self) -> Keys:
        """Keys and what can be judged without a connector."""
        own = keys_of(self._known.connector.stream_settings) if self._known else []
        noun = f"{_article(self._label)} stream"
        return self._forms.keys(
            self._entry.value,
            grammar.STREAM,
            self._spot,
            noun=noun,
            also=own,
            open_=self._known is None,
            mark=self._entry.key.mark,
        )

    def read(self) -> tuple[StreamSettings | None, Any]:
        """The settings, and the instance of the connector's own; None for either that is faulty or cannot be judged."""
        given = self.shape()
        write = self._write(given)
        create_from = self._create_from(given, write)
        surveys = self._surveys(given)
        instance = self._own(given, tuple(surveys))
        kind = None if self._known is None else self._kind(instance)
        lines, where = self._lines(given, kind, surveys)
        hub_id = self._text(given, "hub_id", "the name of a text field")
        if "create" in write and hub_id is None:
            self._faults.add(
                "CW118", self._entry.key.mark, f"{self._connection}/{self._name} creates without hub_id",
                "name a unique text field; without it creates go by search and lease", at=self._spot,
            )  # fmt: skip
        on_delete = None
        if "on_delete" in given:
            node = given["on_delete"].value
            on_delete = self._forms.word(node, "on_delete", self._spot / "on_delete", grammar.ON_DELETE)
        guards: Mapping[str, Guard] = {}
        if "guards" in given:
            guards = self._file.rules.guards(given["guards"].value, self._spot / "guards", under=self._guards)
        if kind is None or instance is None:
            return None, instance
        return (
            StreamSettings(
                name=self._name,
                kind=kind,
                write=frozenset(write),
                create_from=create_from,
                where=where.text if where else None,
                where_place=where.place if where else None,
                on_delete=on_delete or "ignore",
                hub_id=hub_id,
                lines=lines,
                surveys=surveys,
                guards=guards,
                place=self._place(self._entry.key),
            ),
            instance,
        )

    def _own(self, given: Keys, parts: tuple[str, ...]) -> Any:  # of a connector's own class
        if self._known is None:
            return None
        model = self._known.connector.stream_settings
        own = keys_of(model)
        return read_model(
            model,
            {name: entry for name, entry in given.items() if name in own and name not in grammar.STREAM.names},
            noun=f"{self._connection}/{self._name}",
            mark=self._entry.key.mark,
            written=_keys_in(self._entry.value),
            spot=self._spot,
            faults=self._faults,
            folder=self._file.folder,
            failed=self._file.references.failed,
            filled={"parts": parts},
        )

    def _kind(self, instance: Any) -> str | None:  # of a connector's own class
        """Of the connector's mapping; where each account has its own streams, what the operator calls it."""
        from mapping.schema import ASSOCIATIONS, KINDS

        known = self._known
        told: str | None = getattr(instance, "entity", None)
        if told is not None:
            if told in KINDS:
                return told
            value = self._entry.value
            entry = value.get("entity") if isinstance(value, Table) else None
            mark = entry.value.mark if entry else self._entry.key.mark
            self._faults.add("CW102", mark, f"entity is '{told}'", suggest(told, list(KINDS)), at=self._spot / "entity")
            return None
        default = known.mappings.get(self._name) if known else None
        if default is not None and (default.kind in KINDS or default.kind in ASSOCIATIONS):
            return default.kind
        if instance is not None and known is not None:
            self._faults.add(
                "CW101", self._entry.key.mark, f"{known.connector.label} has no mapping of '{self._name}'",
                offer(self._name, list(known.mappings)), at=self._spot,
            )  # fmt: skip
        return None

    def _write(self, given: Keys) -> tuple[str, ...]:
        if "write" not in given:
            return ()
        spot = self._spot / "write"
        write = self._forms.words(given["write"].value, "write", spot, grammar.WRITES) or ()
        spec = self._spec or (self._known.each if self._known else None)
        if spec is not None:
            able = {"delete" if one == "archive" else one for one in spec.writes}
            for one in write:
                if one not in able:
                    can = ", ".join(word for word in grammar.WRITES if word in able)
                    hint = f"it can: {can}" if can else "it is only read: leave write out"
                    mark = _mark_of(given["write"].value, one)
                    text = f"{self._label} {self._name} cannot {one}"
                    self._faults.add("CW102", mark, text, hint, at=spot)
        return write

    def _create_from(self, given: Keys, write: tuple[str, ...]) -> tuple[str, ...]:
        if "create_from" in given:
            others = [name for name in self._file.names if name != self._connection]
            such_as = others[0] if others else "another"
            spot = self._spot / "create_from"
            return (
                self._forms.named(given["create_from"].value, "create_from", spot, self._file.names, such_as=such_as)
                or ()
            )
        if "create" in write:
            mark = _mark_of(given["write"].value, "create")
            hint = "name the connections whose people may become new records here, such as create_from: [...]"
            self._faults.add("CW102", mark, "create is written without create_from", hint, at=self._spot / "write")
        return ()

    def _text(self, given: Keys, key: str, expected: str) -> str | None:
        return self._forms.text(given[key].value, key, self._spot / key, expected=expected) if key in given else None

    def _lines(
        self, given: Keys, kind: str | None, surveys: Mapping[str, SurveySettings]
    ) -> tuple[tuple[Line, ...], Line | None]:
        """The default's lines overlaid by the operator's, and the condition among them."""
        known = self._known
        default = known.mappings.get(self._name) if known else None
        lines: list[Line] = list(default.lines) if default else []
        own: list[Line] = []
        if "mapping_file" in given:
            own = self._from_file(given["mapping_file"])
        if "mapping" in given:
            own = overlay_all(own, mapping_lines(given["mapping"].value, self._forms, self._spot / "mapping"))
        where = None
        text = self._text(given, "where", "a condition, such as status = active")
        if text is not None and isinstance(given["where"].value, Scalar):
            place = place_of(given["where"].value, self._faults.file)
            where = Line("where", text, place, self._place(given["where"].key), operator=True)
            own.append(where)
        merged = tuple(overlay(lines, own))
        if kind is not None and (own or surveys):
            self._compile(merged, kind, surveys)
        else:
            for line in own:
                if line.text is not None and not line.is_word:
                    spot = self._spot / "mapping" / line.target
                    check_expression(line.text, line.place, self._beside(line.place) or self._faults, spot)
        return merged, where

    def _compile(self, lines: Sequence[Line], kind: str, surveys: Mapping[str, SurveySettings]) -> None:
        """What is wrong with the lines whatever the account holds: hub fields, functions, how they chain."""
        from mapping.compile import Context, MappingError, SurveyRoles, compile_mapping

        roles = {
            name: SurveyRoles(kind=one.kind, touchpoint=one.touchpoint, roles=one.roles, places=one.places)
            for name, one in surveys.items()
        }
        context = Context(connection=self._connection, label=self._label, region="DE", surveys=roles)
        try:
            compile_mapping(lines, kind=kind, stream=self._name, catalogue=None, context=context)
        except MappingError as error:
            for fault in error.faults:
                beside = self._beside(fault.place)
                if beside is None:
                    continue  # the connector's own line: told where the stream is compiled
                mark = Mark(fault.place.line, fault.place.column, fault.width)
                beside.add(fault.code, mark, fault.text, fault.hint, at=self._spot / "mapping")

    def _beside(self, place: Place) -> Faults | None:
        """The faults of the operator's file that a place is in; None: it is the connector's."""
        if place.file == self._faults.file:
            return self._faults
        return self._faults.beside(place.file) if place.file in self._own_files else None

    def _from_file(self, entry: Entry) -> list[Line]:
        spot = self._spot / "mapping_file"
        name = self._forms.text(entry.value, "mapping_file", spot, expected="a file of mapping lines")
        if name is None:
            return []
        path = self._file.folder / name
        self._file.mapping_files.add(path)
        try:
            raw = path.read_bytes()
        except OSError as error:
            text = f"{name} cannot be read: {reason_of(error)}"
            self._faults.add("CW102", entry.value.mark, text, "a path from the folder of this file", at=spot)
            return []
        self._own_files.add(name)
        beside = self._faults.beside(name)
        text_ = decode(raw, beside)
        root = None if text_ is None else parse(text_, beside)
        return [] if root is None else mapping_lines(root, Forms(beside), spot)

    def _surveys(self, given: Keys) -> dict[str, SurveySettings]:
        if "surveys" not in given:
            return {}
        spot = self._spot / "surveys"
        if self._spec is not None and not self._spec.parts:
            text = f"{self._label} {self._name} has no surveys"
            self._faults.add("CW101", given["surveys"].key.mark, text, "take it out", at=spot)
            return {}
        found: dict[str, SurveySettings] = {}
        table = self._forms.table(given["surveys"].value, spot, "surveys")
        for name, entry in table or ():
            at = spot / name
            keys = self._forms.keys(entry.value, grammar.SURVEY, at, noun=f"the survey {name}")
            kind, touchpoint = None, None
            if "kind" in keys:
                kind = self._forms.word(keys["kind"].value, "kind", at / "kind", grammar.SURVEY_KINDS)
            if "touchpoint" in keys:
                touchpoint = self._forms.text(keys["touchpoint"].value, "touchpoint", at / "touchpoint")
            roles, places = self._roles(keys["mapping"].value, at / "mapping") if "mapping" in keys else ({}, {})
            found[name] = SurveySettings(
                kind="transactional" if kind == "transactional" else "relationship",
                touchpoint=touchpoint,
                roles=roles,
                places=places,
            )
        return found

    def _roles(self, node: Node, spot: Spot) -> tuple[dict[str, str], dict[str, Place]]:
        table = self._forms.table(node, spot, "mapping")
        roles: dict[str, str] = {}
        places: dict[str, Place] = {}
        for name, entry in table or ():
            if isinstance(entry.value, Scalar) and entry.value.broken:
                continue
            text = self._forms.text(entry.value, name, spot / name, expected="a question, such as QID1")
            if text is not None and isinstance(entry.value, Scalar):
                place = place_of(entry.value, self._faults.file)
                if check_expression(text, place, self._faults, spot / name):
                    roles[name], places[name] = text, place
        return roles, places

    def _place(self, key: Scalar) -> Place:
        return Place(self._faults.file, key.mark.line, key.mark.column)


def overlay_all(first: list[Line], over: list[Line]) -> list[Line]:
    """The operator's lines of the stream over those of its file, the ones that unmap a default kept."""
    bare = {line.bare for line in over}
    return [*(line for line in first if line.bare not in bare), *over]


def _keys_in(node: Node) -> list[str]:
    return [name for name, _ in node] if isinstance(node, Table) else []


def _mark_of(node: Node, word: str) -> Mark:
    """Of one word in a list."""
    items = [] if isinstance(node, Scalar | Table) else node.items
    return next((item.mark for item in items if isinstance(item, Scalar) and item.written == word), node.mark)


def _article(label: str) -> str:
    return f"{'an' if label[:1].lower() in 'aeiou' else 'a'} {label}"


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def digest(hub: HubSettings) -> str:
    """Of all that decides what is read, matched, merged and written; see `HubSettings.digest`."""
    told = {
        "time_zone": hub.time_zone,
        "phone_region": hub.phone_region,
        "match": {kind: _matching(one) for kind, one in hub.match.items()},
        "merge": {
            "defaults": hub.merge.defaults.told(),
            **{
                kind: {name: policy.told() for name, policy in fields.items()}
                for kind, fields in hub.merge.kinds.items()
            },
        },
        "cx": {name: asdict(one) for name, one in hub.cx.items()},
        "guards": _guards(hub.guards),
        "connections": {name: _connection(one) for name, one in hub.connections.items()},
    }
    if hub.review.after is not None:
        told["review"] = asdict(hub.review)
    text = json.dumps(told, sort_keys=True, default=_plain, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _matching(settings: MatchSettings) -> dict[str, Any]:
    told = asdict(settings)
    del told["spark"]  # where it is done makes no difference
    return told


def _guards(guards: Mapping[str, Guard]) -> dict[str, Any]:
    return {name: [guard.at_most, guard.share] for name, guard in guards.items()}


def _connection(one: ConnectionSettings) -> dict[str, Any]:
    return {
        "connector": one.connector.name,
        "settings": one.settings.model_dump(mode="json", exclude={"streams"}),  # secrets are dumped as stars
        "streams": {
            name: {
                "kind": stream.kind,
                "write": sorted(stream.write),
                "create_from": stream.create_from,
                "on_delete": stream.on_delete,
                "hub_id": stream.hub_id,
                "surveys": {
                    key: [survey.kind, survey.touchpoint, survey.roles] for key, survey in stream.surveys.items()
                },
                "guards": _guards(stream.guards),
                "own": one.settings.streams[name].model_dump(mode="json") if name in one.settings.streams else None,
                "lines": sorted(
                    [line.target, line.text, dict(line.values or {}), line.direction, line.unmapped]
                    for line in stream.lines
                ),
            }
            for name, stream in one.streams.items()
        },
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return asdict(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
