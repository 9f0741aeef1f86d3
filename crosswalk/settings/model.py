"""The settings of one hub, checked and ready for use. Frozen; secrets have been fetched."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from connectors.sdk.contract import Connector, Settings
from crosswalk.problems import Problem
from mapping.language import Line, Place
from mapping.match.rules import MatchRule

SurveyKind: TypeAlias = Literal["relationship", "transactional"]
GuardClass: TypeAlias = Literal["create", "update", "clear", "delete"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """Where the store is. A relative SQLite file has been made absolute, from the folder of the file.

    `encryption_key`: the key itself, where the file refers to one; else `key_file` says where the hub keeps it.
    """

    url: str = field(repr=False)  # may hold a password
    encryption_key: str | None = field(default=None, repr=False)
    key_file: Path | None = None
    keep_history: timedelta = timedelta(days=400)
    keep_journal: timedelta = timedelta(days=400)
    keep_removed: timedelta = timedelta(days=400)


class Budget(Struct, frozen=True, kw_only=True):
    """Of an account's allowance, in the vendor's unit. `per_day` None: the allowance less the reserve.

    `reserve` (0 to 1) is left to the people of the account; only opt-outs may spend it.
    """

    per_day: int | None = None
    reserve: Decimal = Decimal("0.2")


class Schedule(Struct, frozen=True, kw_only=True):
    """When a connection is synced: one of `every` and `cron`. `audit`: cron line of the comparison with the vendor."""

    every: timedelta | None = None
    cron: str | None = None
    audit: str | None = None


class ReviewSettings(Struct, frozen=True, kw_only=True):
    """What becomes of conflicts that nobody decides. `after` None: they wait for ever."""

    after: timedelta | None = None
    take: str = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Whom the daemon tells of troubles, and of which."""

    to: str = field(repr=False)  # may hold a password
    when: tuple[str, ...]


class Guard(Struct, frozen=True, kw_only=True):
    """A ceiling per stream and run; the lower of the two holds. `share` is 0 to 1, None: no such ceiling."""

    at_most: int | None = None
    share: Decimal | None = None
    place: Place | None = None  # None: nobody wrote it, it is the default


DEFAULT_GUARDS: Final[Mapping[str, Guard]] = {
    "create": Guard(at_most=200, share=Decimal("0.05")),
    "update": Guard(at_most=2000, share=Decimal("0.2")),
    "clear": Guard(at_most=20, share=Decimal("0.01")),
    "delete": Guard(at_most=0),
}


class Policy(Struct, frozen=True, kw_only=True):
    """The keys of `merge.defaults` or of one field, as far as they stand in the file."""

    masters: tuple[str, ...] | None = None
    on_conflict: tuple[str, ...] | None = None
    on_foreign_edit: str | None = None
    allow_clear: tuple[str, ...] | None = None
    tolerance: timedelta | None = None
    place: Place | None = None

    def told(self) -> dict[str, object]:
        """What was given, by the names of the file: the form that `FieldPolicy.for_field` takes."""
        given: dict[str, object] = {
            "masters": self.masters,
            "on_conflict": self.on_conflict,
            "on_foreign_edit": self.on_foreign_edit,
            "allow_clear": self.allow_clear,
            "tolerance": self.tolerance,
        }
        return {name: value for name, value in given.items() if value is not None}


class MergeSettings(Struct, frozen=True, kw_only=True):
    """`defaults.masters` is always there: what the file says, else the connections by role.

    `kinds`: entity -> hub field, as it is written ("consent[email.survey]") -> policy.
    """

    defaults: Policy = Policy()
    kinds: Mapping[str, Mapping[str, Policy]] = {}


class MatchSettings(Struct, frozen=True, kw_only=True):
    """What makes two records of one kind the same. `rules` None: the defaults; `limits` names only what differs.

    `scored`: they are compared by the model besides. `model`: a file of the operator's; None: the one that ships.
    `spark`: the master of the Spark on which a batch is weighed; None: here, to the same groups.
    """

    rules: tuple[MatchRule, ...] | None = None
    limits: Mapping[str, int] = {}
    block: tuple[str, ...] = ()
    scored: bool = False
    model: Path | None = None
    spark: str | None = None


class CxSetting(Struct, frozen=True, kw_only=True):
    """The figure of a company: answers of the last `window`; with fewer than `minimum_responses` it stays empty."""

    window: timedelta = timedelta(days=365)
    minimum_responses: int = 1
    kind: SurveyKind = "relationship"


class SurveySettings(Struct, frozen=True, kw_only=True):
    """One survey or form.

    `roles`: "nps", "comment" ... -> the question, with its functions as they are written; `places`: where those stand.
    """

    kind: SurveyKind = "relationship"
    touchpoint: str | None = None
    roles: Mapping[str, str] = {}
    places: Mapping[str, Place] = {}


class StreamSettings(Struct, frozen=True, kw_only=True):
    """One listed stream. `lines`: the connector's default mapping overlaid by the operator's, `where` among them."""

    name: str
    kind: str
    write: frozenset[str] = frozenset()
    create_from: tuple[str, ...] = ()
    where: str | None = None
    where_place: Place | None = None
    on_delete: str = "ignore"
    hub_id: str | None = None
    lines: tuple[Line, ...] = ()
    surveys: Mapping[str, SurveySettings] = {}
    guards: Mapping[str, Guard] = {}
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionSettings:
    """One account of a vendor. `settings` is what `connector.connect` takes; its `streams` are filled."""

    name: str
    connector: type[Connector]
    settings: Settings = field(repr=False)
    budget: Budget = field(default_factory=Budget)
    streams: Mapping[str, StreamSettings] = field(default_factory=dict)
    schedule: Schedule | None = None
    place: Place


class HubSettings(Struct, frozen=True, kw_only=True):
    """Everything the file says, and the defaults of what it leaves out.

    `digest`: over all that decides what is read and written (neither secrets nor places nor when it runs): a plan is
    for the settings it was made with.
    """

    folder: Path
    file: str
    time_zone: str = "UTC"
    phone_region: str | None = None
    store: StoreSettings
    connections: Mapping[str, ConnectionSettings]
    match: Mapping[str, MatchSettings] = {}
    merge: MergeSettings
    cx: Mapping[str, CxSetting] = {}
    guards: Mapping[str, Guard] = msgspec.field(default_factory=lambda: dict(DEFAULT_GUARDS))
    review: ReviewSettings = ReviewSettings()
    schedule: Schedule = Schedule(every=timedelta(minutes=15))
    alerts: tuple[Alert, ...] = ()
    digest: str = ""


class Loaded(Struct, frozen=True):
    """What `load` found. `hub` is None when there is any error; warnings may stand beside a hub.

    `file_print`: of the file as it was read; "" where it could not be. `beside`: the other files that it led to, for
    secrets and mappings, be it that they were not there.
    """

    hub: HubSettings | None
    problems: list[Problem]
    file_print: str = ""
    beside: tuple[Path, ...] = ()
