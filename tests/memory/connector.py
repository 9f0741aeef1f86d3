"""A vendor in memory, for tests of the engine: what it holds, how it fails, and what was done to it.

`Remote` is the vendor's side, shared by all connectors of one test; its clock moves only when told.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Literal

from msgspec.structs import replace

from connectors.sdk.budget import Lane, Limits, Purse, lane_of
from connectors.sdk.contract import (
    Account,
    FieldInfo,
    Outcome,
    Page,
    RemoteRecord,
    Removal,
    Settings,
    StreamSettings,
    StreamSpec,
    Tools,
    Window,
    Write,
)
from connectors.sdk.errors import GrantError, LaterError, RecordError, UnknownOutcomeError

START = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SPEC = StreamSpec(
    writes=frozenset({"create", "update", "archive", "restore"}),
    hold_back=timedelta(0),
    visibility_lag=timedelta(seconds=5),
    sweep=True,
    page_size=2,
)


# What becomes of a reference when its record is put away: it is kept, or changed, under a stamp of then or not.
Followed = Literal["kept", "stamped", "unseen"]


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Remote:
    """One account. `log` holds every effect; `before` and `after` may raise around the effect of a write."""

    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # stream -> key -> values
    now: datetime = START
    log: list[tuple[str, str, str, dict[str, Any]]] = field(default_factory=list)  # op, stream, key, values
    calls: list[str] = field(default_factory=list)
    before: Callable[[Write], Outcome | None] | None = None
    after: Callable[[Write], None] | None = None
    on_page: Callable[[str, int], None] | None = None
    on_fetch: Callable[[dict[str, Any]], dict[str, Any]] | None = None  # what a read by key shows of a row
    tick: timedelta = timedelta(seconds=1)  # how far its clock moves with every change
    hidden: set[str] = field(default_factory=set)  # keys that reads do not show yet
    merged: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # stream -> (loser, survivor)
    gone: dict[str, set[str]] = field(default_factory=dict)  # stream -> fields that the account no longer has
    options: Sequence[tuple[str, str]] = ()  # of "tags"
    lagging: dict[tuple[str, str], tuple[datetime, dict[str, Any] | None]] = field(default_factory=dict)
    grain: timedelta = timedelta(0)  # of its stamps: cut down to a multiple of it
    shuffled: bool = False  # pages hold their records in another order, batches answer in another one
    twice: bool = False  # every page of a listing comes twice
    short: int = 0  # so many keys are left out of the next listing of keys, which says that it is whole
    longest: int | None = None  # characters of a title that it keeps
    allowance: int | None = None  # calls a day
    paid: Counter[tuple[date, str]] = field(default_factory=Counter)  # calls by day and lane
    answers: bool = True
    currency: str | None = None
    forbidden: set[str] = field(default_factory=set)  # streams that the user may not read
    refused: bool = False  # whoever asks, whatever for
    empties: Followed = "kept"  # who named a firm that is deleted names none
    leads_on: Followed = "kept"  # who named a firm that is merged names the one it lives on in
    gives_back: bool = False  # who was left without a firm that comes back has it again, where nobody has named another
    unseen: set[str] = field(default_factory=set)  # people who name another firm than when they were stamped
    _left: dict[str, list[str]] = field(default_factory=dict)  # by firm the people whom its end has left without
    _next: int = 100

    def put(self, stream: str, key: str, /, **values: Any) -> None:
        """As a person there would: what is named changes."""
        held = self.rows.setdefault(stream, {}).setdefault(key, {"id": key, "gone": False})
        went = bool(values.get("gone", held["gone"])) - bool(held["gone"])
        held.update(values)
        if self.longest is not None and isinstance(held.get("title"), str):
            held["title"] = held["title"][: self.longest]
        held["updated"] = self.stamp()
        self.lagging.pop((stream, key), None)
        if stream == "people":
            self.unseen.discard(key)
        if stream == "firms" and went > 0:
            self._left[key] = self._lead_on(key, None, self.empties)
        if stream == "firms" and went < 0:
            self._give_back(key)

    def put_late(self, stream: str, key: str, /, *, seconds: float, **values: Any) -> None:
        """The same, under a stamp of now; what reads show is for so long what was there before."""
        before = self.rows.get(stream, {}).get(key)
        before = None if before is None else dict(before)
        self.put(stream, key, **values)
        self.lagging[stream, key] = (self.now + timedelta(seconds=seconds), before)

    def shown(self, stream: str) -> list[dict[str, Any]]:
        """The rows as reads show them now."""
        found = []
        for key, row in self.rows.get(stream, {}).items():
            until, before = self.lagging.get((stream, key), (self.now, row))
            seen = row if until <= self.now else before
            if seen is not None and key not in self.hidden:
                found.append(seen)
        return found

    def drop(self, stream: str, key: str) -> None:
        del self.rows[stream][key]
        if stream == "firms":
            self._lead_on(key, None, self.empties)

    def _lead_on(self, firm: str, to: str | None, how: Followed) -> list[str]:
        """What the vendor makes of who named a firm that is no more; who that was."""
        if how == "kept":
            return []
        found = [key for key, row in self.rows.get("people", {}).items() if row.get("firm") == firm]
        for key in found:
            self._name(key, to, how)
        return found

    def left_without(self, firm: str) -> list[str]:
        """The people whom the end of this firm has left without one."""
        return self._left.get(firm, [])

    def _give_back(self, firm: str) -> None:
        for key in self._left.pop(firm, []) if self.gives_back else ():
            if self.rows["people"].get(key, {"firm": firm}).get("firm") is None:
                self._name(key, firm, self.empties)

    def _name(self, key: str, firm: str | None, how: Followed) -> None:
        row = self.rows["people"][key]
        row["firm"] = firm
        if how == "stamped":
            row["updated"] = self.stamp()
            self.unseen.discard(key)
        else:
            self.unseen.add(key)

    def merge(self, stream: str, key: str, into: str) -> None:
        """As a person there would: the one record lives on in the other."""
        if stream == "firms":
            self._lead_on(key, into, self.leads_on)
        self.drop(stream, key)
        self.merged.setdefault(stream, []).append((key, into))
        self.put(stream, into)

    def stamp(self) -> str:
        self.now += self.tick
        return _stamp(self.now - (self.now - START) % self.grain if self.grain else self.now)

    def of(self, stream: str, key: str) -> dict[str, Any]:
        return self.rows[stream][key]

    def new_key(self) -> str:
        self._next += 1
        return str(self._next)

    def writes(self, op: str | None = None) -> list[tuple[str, str, str, dict[str, Any]]]:
        return [one for one in self.log if op is None or one[0] == op]


def _stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


REMOTES: dict[str, Remote] = {}  # by account, so that a connector opened again finds its vendor


class MemorySettings(Settings):
    account: str


class MemoryConnector:
    name: ClassVar[str] = "memory"
    label: ClassVar[str] = "Memory"
    unit: ClassVar[str] = "calls"
    role: ClassVar[Literal["crm", "files", "cem"]] = "crm"
    settings: ClassVar[type[Settings]] = MemorySettings
    stream_settings: ClassVar[type[StreamSettings]] = StreamSettings
    streams: ClassVar[Mapping[str, StreamSpec]] = {
        "people": SPEC,
        "firms": SPEC,
        "answers": StreamSpec(hold_back=timedelta(0), page_size=2),
    }

    def __init__(self, settings: MemorySettings, tools: Tools) -> None:
        self._remote = REMOTES.setdefault(settings.account, Remote())
        self._tools = tools
        self._account = settings.account
        self._purse = Purse(tools.connection, Limits(chunk=5), tools, vendor=self.label)

    @classmethod
    def connect(cls, settings: MemorySettings, tools: Tools) -> "MemoryConnector":
        return cls(settings, tools)

    def account(self) -> Account:
        self._let_in()
        return Account(id=self._account, name=self._account, identity="tester", time_zone="UTC", country="DE",
                       currency=self._remote.currency, allowance=self._remote.allowance)  # fmt: skip

    def _call(self, what: str, lane: Lane = "read") -> None:
        """One call: paid for, where the account has an allowance, and noted."""
        self._let_in()
        remote = self._remote
        if remote.allowance is not None:
            self._purse.take(1, lane=lane)
            remote.paid[self._tools.clock().date(), lane_of(lane)] += 1
        remote.calls.append(what)

    def _let_in(self) -> None:
        if self._remote.refused:
            raise GrantError("the token has been refused", code="CW202")

    def fields(self, stream: str) -> Sequence[FieldInfo]:
        if stream in self._remote.forbidden:
            raise GrantError(f"may not read {stream}: 403", hint="Read on it", code="CW204")
        if stream == "answers":
            names = ["id", "updated", "email", "contact_id", "survey", "answers"]
        else:
            names = ["id", "updated", "gone", "name", "email", "phone", "title", "tags", "firm", "site", "nps", "hub",
                     "opt_out", "news", "scope", *(["became"] if stream == "leads" else [])]  # fmt: skip
        names = [name for name in names if name not in self._remote.gone.get(stream, ())]
        kinds = {
            "nps": "number",
            "tags": "multi",
            "gone": "bool",
            "updated": "datetime",
            "answers": "json",
            "opt_out": "bool",
        }
        return [
            FieldInfo(
                name=one, label=one, type=kinds.get(one, "text"), path=one, write=one not in ("id", "updated"),  # type: ignore[arg-type] # of its words
                options=self._remote.options if one == "tags" else (),
                max_length=self._remote.longest if one == "title" else None,
                unique=one == "hub" and self.streams["people"].hub_id_unique,
            )
            for one in names
        ]  # fmt: skip

    def parts(self, stream: str) -> Sequence[str]:
        return [""]

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        rows = sorted(self._live(stream), key=lambda row: (row["updated"], row["id"]))
        start = int((window.position or {}).get("at", 0))
        since = None if window.since is None else window.since.isoformat().replace("+00:00", "Z")
        rows = [row for row in rows if since is None or row["updated"] >= since]
        passed = (window.position or {}).get("after")
        if passed is not None:
            rows = [{}] * start + [row for row in rows if [row["updated"], row["id"]] > passed]
        size = self.streams[stream].page_size
        number = start
        while True:
            self._call(f"list {stream}")
            asked = self._remote.now
            if self._remote.on_page is not None:
                self._remote.on_page(stream, number)
            some = rows[number : number + size]
            number += size
            more = number < len(rows)
            after = {"at": number, "after": [some[-1]["updated"], some[-1]["id"]]} if more else None
            if self._remote.shuffled:
                some = some[::-1]
            back = {"at": number - size, **({} if passed is None else {"after": passed})}
            page = Page([_record(row) for row in some], after, asked)
            if self._remote.twice:
                yield replace(page, position=back)
            yield page
            passed = None if after is None else after["after"]
            if not more:
                return

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Page]:
        self._call(f"fetch {stream}")
        found = [row for row in self._live(stream) if row["id"] in set(keys)]
        if (shown := self._remote.on_fetch) is not None:  # it may take itself away
            found = [shown(row) for row in found]
        yield Page(records=[_record(row) for row in found], position=None, server_time=self._remote.now)

    def keys(self, stream: str) -> Iterator[Sequence[str]]:
        self._call(f"keys {stream}")
        keys = [row["id"] for row in self._live(stream)]
        left_out = 0
        if len(keys) > self._remote.short:
            left_out, self._remote.short = self._remote.short, 0
        yield keys[: len(keys) - left_out]

    def removals(self, stream: str, window: Window) -> Iterator[Sequence[Removal]]:
        yield [Removal(key, self._remote.now, survivor) for key, survivor in self._remote.merged.get(stream, [])]

    def find(self, stream: str, write: Write) -> Sequence[RemoteRecord]:
        self._call(f"find {stream}")
        wanted = write.values.get("email")
        return [
            _record(row)
            for row in self._live(stream)
            if (wanted and row.get("email") == wanted) or (write.hub_id and row.get("hub") == write.hub_id)
        ]

    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        size = self.streams[stream].batch
        for start in range(0, len(writes), size):
            outcomes = self._send_batch(stream, writes[start : start + size])
            yield from outcomes[::-1] if self._remote.shuffled else outcomes

    def _send_batch(self, stream: str, writes: Sequence[Write]) -> list[Outcome]:
        """One call: what is refused is refused before anything is done, what breaks breaks without an answer."""
        remote = self._remote
        self._call(f"{writes[0].op} {stream}", "write")
        refused = [remote.before(write) if remote.before is not None else None for write in writes]
        if self.streams[stream].batch_failure != "per_record" and any(refused):
            raise RecordError("something in it cannot be taken")
        return [said or self._do(stream, write) for write, said in zip(writes, refused, strict=True)]

    def _do(self, stream: str, write: Write) -> Outcome:
        remote = self._remote
        known = self._by_hub_id(stream, write) if write.op == "create" else None
        op = write.op if known is None else "update"
        key = write.key or known or remote.new_key()
        values = {name: value for name, value in write.values.items() if name not in ("id", "updated")}
        if write.op in ("archive", "restore"):
            values["gone"] = write.op == "archive"
        remote.put(stream, key, **values)
        remote.log.append((op, stream, key, dict(values)))
        if remote.after is not None:
            remote.after(write)
        shown = dict(remote.of(stream, key)) if remote.answers else None
        return Outcome(write.action, "done", key=key, version=remote.of(stream, key)["updated"], values=shown)

    def _by_hub_id(self, stream: str, write: Write) -> str | None:
        """A unique field is a key to write by: where a record carries it already, that one is written."""
        if not self.streams[stream].hub_id_unique or write.hub_id is None:
            return None
        rows = self._remote.rows.get(stream, {}).values()
        return next((row["id"] for row in rows if row.get("hub") == write.hub_id), None)

    def close(self) -> None:
        """Nothing is held open."""

    def _live(self, stream: str) -> list[dict[str, Any]]:
        gone = self._remote.gone.get(stream, ())
        rows = self._remote.shown(stream)
        return [{name: value for name, value in row.items() if name not in gone} for row in rows] if gone else rows


class UniqueConnector(MemoryConnector):
    """The same with a unique field for hub ids, and three records a call."""

    name: ClassVar[str] = "unique"
    streams: ClassVar[Mapping[str, StreamSpec]] = {
        **MemoryConnector.streams,
        "people": replace(SPEC, hub_id_unique=True, batch=3, parent="firms"),
    }


class SilentConnector(MemoryConnector):
    """The same with thirty records a call, whose answer has no values: they are read back, up to a hundred at once."""

    name: ClassVar[str] = "silent"
    streams: ClassVar[Mapping[str, StreamSpec]] = {
        **MemoryConnector.streams,
        "people": replace(SPEC, batch=30, fetch_batch=100, answers_with_values=False),
    }


class TerseConnector(SilentConnector):
    """The same with one record a call: a few updates are several batches already."""

    name: ClassVar[str] = "terse"
    streams: ClassVar[Mapping[str, StreamSpec]] = {
        **MemoryConnector.streams,
        "people": replace(SPEC, fetch_batch=10, answers_with_values=False),
    }


class WholeConnector(MemoryConnector):
    """The same with eight records a call, of which it refuses all for the sake of one."""

    name: ClassVar[str] = "whole"
    streams: ClassVar[Mapping[str, StreamSpec]] = {
        **MemoryConnector.streams,
        "people": replace(SPEC, batch=8, batch_failure="opaque"),
    }


class MergingConnector(MemoryConnector):
    """The same, and it tells which record another one was merged into, and which of its people a lead became."""

    name: ClassVar[str] = "merging"
    streams: ClassVar[Mapping[str, StreamSpec]] = {
        **MemoryConnector.streams,
        "people": replace(SPEC, removals=True, merges_name_survivor=True),
        "firms": replace(SPEC, removals=True, merges_name_survivor=True),
        "leads": SPEC,
    }


class CoarseConnector(MergingConnector):
    """The same, whose stamps may be a minute old and whose commits may come to light a minute late."""

    name: ClassVar[str] = "coarse"
    streams: ClassVar[Mapping[str, StreamSpec]] = {
        name: replace(spec, hold_back=timedelta(seconds=120), resolution=timedelta(minutes=1))
        for name, spec in MergingConnector.streams.items()
    }


class GreetingConnector(MemoryConnector):
    """The same, and it sends a welcome mail to whoever is made."""

    name: ClassVar[str] = "greeting"
    streams: ClassVar[Mapping[str, StreamSpec]] = {
        **MemoryConnector.streams,
        "people": replace(SPEC, fires_automation_on_create=True),
    }


class SurveyConnector(MemoryConnector):
    """The same as a survey tool."""

    name: ClassVar[str] = "survey"
    role: ClassVar[Literal["crm", "files", "cem"]] = "cem"


def _record(row: dict[str, Any]) -> RemoteRecord:
    moment = datetime.fromisoformat(row["updated"])
    return RemoteRecord(row["id"], row["updated"], moment, row)


def lost(_write: Write) -> None:
    """The answer to a write that has happened never comes."""
    raise UnknownOutcomeError("sent, and no answer came")


def busy(_write: Write) -> Outcome | None:
    raise LaterError("does not answer")


__all__ = [
    "REMOTES",
    "CoarseConnector",
    "Crash",
    "GreetingConnector",
    "MemoryConnector",
    "MergingConnector",
    "Remote",
    "SurveyConnector",
    "UniqueConnector",
    "WholeConnector",
    "busy",
    "lost",
]
