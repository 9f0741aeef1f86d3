"""Acme: a vendor that does not exist, and a connector to it. The suite is tried on them.

`people` have everything: changes by (time, id), a feed of deletions that names survivors, batches with an outcome
per record, versions, a unique field for our id, and a bin. `visits` come from a search that stops at a cap. `notes` are
listed whole and created one by one, with nothing that would make a second create harmless. `tickets` tell times to the
minute.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar, Final, Literal
from urllib.parse import parse_qs

import httpx
import respx

from connectors.sdk import (
    Account,
    Answer,
    FieldInfo,
    FieldType,
    Json,
    Outcome,
    Page,
    Record,
    RecordError,
    RefreshToken,
    RemoteRecord,
    Removal,
    RowFault,
    Rule,
    Settings,
    SetupError,
    StatusTable,
    StreamSettings,
    StreamSpec,
    TokenKeeper,
    Tools,
    Transport,
    UnknownOutcomeError,
    Values,
    Window,
    Write,
    by_cursor,
    halved,
)
from connectors.sdk.fakes import Bench
from connectors.sdk.suite import Effect, Rig, Vendor

URL: Final = "https://api.acme.test"
CAP: Final = 30
PAGE: Final = 10
SECOND: Final = timedelta(seconds=1)
FIRST_TOKEN: Final = "s3cr3t-first-refresh"
CLIENT_SECRET: Final = "s3cr3t-of-the-client"


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def cut(moment: datetime, stream: str) -> datetime:
    """As Acme keeps a time."""
    return moment.replace(microsecond=0) if stream != "tickets" else moment.replace(second=0, microsecond=0)


# The vendor.


@dataclass
class Row:
    id: int
    modified: datetime
    values: dict[str, Any]
    version: int = 1
    state: str = "live"
    merged_into: int | None = None
    hub: str | None = None
    garbled: bool = False

    def json(self, zone: timezone, hidden: Set[str] = frozenset()) -> dict[str, Any]:
        shown = {
            "id": self.id,
            "updated": "0000-00-00" if self.garbled else self.modified.astimezone(zone).isoformat(),
            "version": self.version,
            "archived": self.state == "archived",
            **self.values,
        }
        return {name: value for name, value in shown.items() if name not in hidden}


@dataclass
class Fault:
    kind: str
    after: int
    times: int = 1
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)


class AcmeVendor(Vendor):
    """The API, answered within this process."""

    def __init__(self, bench: Bench) -> None:
        self._clock = bench.clock
        self._lock = threading.RLock()
        self._rows: dict[str, dict[int, Row]] = {"people": {}, "visits": {}, "notes": {}, "tickets": {}}
        self._ids = iter(range(1, 1_000_000))
        self._faults: list[Fault] = []
        self._refused: set[int] = set()
        self._writes = 0
        self._vanished: set[str] = set()
        self._effects: list[Effect] = []
        self._zone = UTC
        self._shuffled = False
        self._refresh, self._access, self._renewals = FIRST_TOKEN, "", 0
        self.requests: list[httpx.Request] = []

    # verbs

    @property
    def secrets(self) -> Sequence[str]:
        return [CLIENT_SECRET, FIRST_TOKEN, *(f"s3cr3t-access-{n}" for n in range(1, 9))]

    def now(self) -> datetime:
        return self._clock().replace(microsecond=0)

    def seed(self, stream: str, count: int, *, at: datetime, step: timedelta = timedelta(0)) -> list[str]:
        keys = []
        for number in range(count):
            values = {"name": f"name {number}", "tier": "gold", "born": None, "tags": ["one"]}
            row = self._add(stream, values, at + step * number)
            keys.append(str(row.id))
        return keys

    def text_path(self, stream: str) -> str:
        return "name"

    def put(self, stream: str, key: str, value: Json, *, at: datetime) -> None:
        # As Acme has it, an emptied text is "".
        self._touch(stream, key, at).values["name"] = "" if value is None else value

    def choose(self, stream: str, key: str, option: str, *, at: datetime) -> None:
        self._touch(stream, key, at).values["tier"] = option

    def date_path(self, stream: str) -> str:
        return "born"

    def choice_path(self, stream: str) -> str:
        return "tier"

    def list_path(self, stream: str) -> str:
        return "tags"

    def date(self, stream: str, key: str, day: str, *, at: datetime) -> None:
        self._touch(stream, key, at).values["born"] = day

    def fill(self, stream: str, key: str, count: int, *, at: datetime) -> None:
        # As Acme has it, an emptied list is one of nothing.
        self._touch(stream, key, at).values["tags"] = [f"tag {number}" for number in range(count)] or [""]

    def tell_offset(self, offset: timedelta) -> None:
        self._zone = timezone(offset)

    def garble(self, stream: str, key: str, *, at: datetime) -> None:
        self._touch(stream, key, at).garbled = True

    def commit_late(self, stream: str, *, at: datetime) -> str:
        return self.seed(stream, 1, at=at)[0]

    def delete(self, stream: str, key: str, *, at: datetime) -> None:
        self._touch(stream, key, at).state = "deleted"

    def undelete(self, stream: str, key: str, *, at: datetime) -> None:
        self._touch(stream, key, at).state = "live"

    def archive(self, stream: str, key: str, *, at: datetime) -> None:
        self._touch(stream, key, at).state = "archived"

    def merge(self, stream: str, key: str, *, into: str, at: datetime) -> None:
        row = self._touch(stream, key, at)
        row.state, row.merged_into = "merged", int(into)

    def fail(self, status: int, *, after: int = 0, times: int = 1, headers: Mapping[str, str] | None = None) -> None:
        self._faults.append(Fault("fail", after, times, status, headers or {}))

    def lose(self, *, after: int = 0) -> None:
        self._faults.append(Fault("lose", after))

    def expire_token(self, *, after: int = 0) -> None:
        self._faults.append(Fault("expire", after))

    def refuse(self, *numbers: int) -> None:
        self._writes, self._refused = 0, set(numbers)

    def shuffle(self) -> None:
        self._shuffled = True

    def vanish(self, stream: str) -> None:
        self._vanished.add("name")

    def draft(self, stream: str, number: int) -> Values:
        return {"name": f"new {number}", "tier": "silver"}

    def effects(self) -> Sequence[Effect]:
        return list(self._effects)

    # the API

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self._lock:
            if request.url.path == "/token":
                return self._give_token(request)
            about_records = request.url.path not in ("/me", "/fields")
            fault = self._fault() if about_records else None
            if fault is not None and fault.kind == "expire":
                self._access = ""
            if request.headers.get("Authorization") != f"Bearer {self._access}" or not self._access:
                return self._answer(401, {"error": "expired"})
            if fault is not None and fault.kind == "fail":
                return self._answer(fault.status, {"error": "E1"}, fault.headers)
            self.requests.append(request)
            response = self._route(request)
            if fault is not None and fault.kind == "lose":
                raise httpx.ReadTimeout("no answer", request=request)
            return response

    def _fault(self) -> Fault | None:
        for fault in self._faults:
            if fault.after > 0:
                fault.after -= 1
            elif fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def _give_token(self, request: httpx.Request) -> httpx.Response:
        form = parse_qs(request.content.decode())
        if form["refresh_token"] != [self._refresh] or form["client_secret"] != [CLIENT_SECRET]:
            return self._answer(400, {"error": "invalid_grant"})
        self._renewals += 1
        self._refresh, self._access = f"s3cr3t-refresh-{self._renewals}", f"s3cr3t-access-{self._renewals}"
        body = {"access_token": self._access, "refresh_token": self._refresh, "expires_in": 3600}
        return self._answer(200, body)

    def _answer(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
        date = self._clock().strftime("%a, %d %b %Y %H:%M:%S GMT")
        return httpx.Response(status, json=body, headers={"Date": date, **(headers or {})})

    def _route(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        body: Any = json.loads(request.content) if request.content else None
        match request.method, request.url.path:
            case "GET", "/me":
                return self._answer(200, {"id": 77, "name": "Acme of Nordlicht", "user": "hub"})
            case "GET", "/fields":
                names = [name for name in ("name", "tier", "born", "tags", "hub") if name not in self._vanished]
                return self._answer(200, {"items": names})
            case "GET", "/people/ids":
                return self._ids_after("people", query)
            case "GET", "/notes/ids":
                return self._ids_after("notes", query)
            case "GET", "/people/deleted":
                return self._deleted(query)
            case "GET", "/visits/count":
                return self._answer(200, {"count": min(CAP, len(self._visits(query)))})
            case "GET", "/visits" if "from" in query:
                start = int(query["offset"])
                rows = self._visits(query)[:CAP][start : start + PAGE]
                return self._answer(200, {"items": [self._json(row) for row in rows]})
            case "GET", "/people" | "/visits" | "/notes" | "/tickets":
                return self._list(request.url.path[1:], query)
            case "POST", "/people/batch":
                return self._batch(body["writes"])
            case "POST", "/notes":
                return self._create_note(body)
        return self._answer(404, {"error": "E404"})

    def _json(self, row: Row) -> dict[str, Any]:
        return row.json(self._zone, self._vanished)

    def _shown(self, stream: str) -> list[Row]:
        return [row for row in self._rows[stream].values() if row.state in ("live", "archived")]

    def _list(self, stream: str, query: Mapping[str, str]) -> httpx.Response:
        rows = sorted(self._shown(stream), key=lambda row: (row.modified, row.id))
        if "ids" in query:
            rows = [row for row in rows if str(row.id) in query["ids"].split(",")]
        if "hub" in query:
            rows = [row for row in rows if row.hub == query["hub"]]
        if "since" in query:
            rows = [row for row in rows if iso(row.modified) >= query["since"]]
        if "after" in query:
            stamp, _, number = query["after"].partition("|")
            rows = [row for row in rows if (iso(row.modified), row.id) > (stamp, int(number))]
        page = rows[:PAGE] if "ids" not in query else rows
        following = f"{iso(page[-1].modified)}|{page[-1].id}" if len(rows) > len(page) else None
        return self._answer(200, {"items": [self._json(row) for row in page], "next": following})

    def _ids_after(self, stream: str, query: Mapping[str, str]) -> httpx.Response:
        rows = sorted(row.id for row in self._shown(stream) if row.id > int(query.get("after", 0)))
        return self._answer(200, {"items": rows[:PAGE], "next": rows[PAGE - 1] if len(rows) > PAGE else None})

    def _deleted(self, query: Mapping[str, str]) -> httpx.Response:
        rows = [
            {"id": row.id, "at": iso(row.modified), "merged_into": row.merged_into}
            for row in self._rows["people"].values()
            if row.state in ("deleted", "merged") and iso(row.modified) >= query["since"]
        ]
        rows = [row for row in rows if int(str(row["id"])) > int(query.get("after", 0))]
        return self._answer(200, {"items": rows[:PAGE], "next": rows[PAGE - 1]["id"] if len(rows) > PAGE else None})

    def _visits(self, query: Mapping[str, str]) -> list[Row]:
        rows = [row for row in self._shown("visits") if query["from"] <= iso(row.modified) < query["to"]]
        return sorted(rows, key=lambda row: (row.modified, row.id))

    def _batch(self, writes: Sequence[dict[str, Any]]) -> httpx.Response:
        results = [{"place": place, **self._write(write)} for place, write in enumerate(writes)]
        return self._answer(200, {"results": results[::-1] if self._shuffled else results})

    def _write(self, write: dict[str, Any]) -> dict[str, Any]:
        number = self._writes
        self._writes += 1
        if number in self._refused:
            # As many do, Acme quotes what it refuses.
            return {"ok": False, "code": "DUPLICATE", "message": f"{write['values'].get('name')} is taken"}
        if set(write["values"]) & self._vanished:
            return {"ok": False, "code": "NO_SUCH_FIELD"}
        if write["values"].get("tier") not in (None, "gold", "silver"):
            return {"ok": False, "code": "NO_SUCH_OPTION"}
        if write["op"] == "create":
            if any(row.hub == write["hub"] for row in self._rows["people"].values()):
                return {"ok": False, "code": "HUB_ID_TAKEN"}
            row = self._add("people", dict(write["values"]), self.now())
            row.hub = write["hub"]
            self._effects.append(Effect("people", "create", str(row.id)))
            return {"ok": True, "row": self._json(row)}
        found = self._rows["people"].get(write["id"])
        if found is None or found.state in ("deleted", "merged"):
            return {"ok": False, "code": "GONE"}
        if write["version"] is not None and write["version"] != found.version:
            return {"ok": False, "code": "MOVED"}
        if write["op"] in ("archive", "restore"):
            found.state = "archived" if write["op"] == "archive" else "live"
        found.values.update({name: "" if value is None else value for name, value in write["values"].items()})
        if not found.values["tags"]:
            found.values["tags"] = [""]
        found.version, found.modified = found.version + 1, self.now()
        self._effects.append(Effect("people", write["op"], str(found.id)))
        return {"ok": True, "row": self._json(found)}

    def _create_note(self, values: dict[str, Any]) -> httpx.Response:
        number = self._writes
        self._writes += 1
        if number in self._refused:
            return self._answer(422, {"error": "DUPLICATE", "message": values["name"]})
        row = self._add("notes", values, self.now())
        self._effects.append(Effect("notes", "create", str(row.id)))
        return self._answer(201, self._json(row))

    def _add(self, stream: str, values: dict[str, Any], at: datetime) -> Row:
        row = Row(next(self._ids), cut(at, stream), {"tags": [], **values})
        self._rows[stream][row.id] = row
        return row

    def _touch(self, stream: str, key: str, at: datetime) -> Row:
        row = self._rows[stream][int(key)]
        row.modified = cut(at, stream)
        row.version += 1
        return row


# The connector.


TYPES: Final[Mapping[str, FieldType]] = {"tier": "choice", "born": "date", "tags": "multi"}


class AcmeSettings(Settings):
    client_secret: str = CLIENT_SECRET
    refresh_token: str = FIRST_TOKEN


class AcmeConnector:
    name: ClassVar[str] = "acme"
    label: ClassVar[str] = "Acme"
    unit: ClassVar[str] = "calls"
    role: ClassVar[Literal["crm", "files", "cem"]] = "crm"
    settings: ClassVar[type[Settings]] = AcmeSettings
    stream_settings: ClassVar[type[StreamSettings]] = StreamSettings
    streams: ClassVar[Mapping[str, StreamSpec]] = {
        "people": StreamSpec(
            writes=frozenset({"create", "update", "archive", "restore"}),
            page_size=PAGE,
            sweep=True,
            removals=True,
            merges_name_survivor=True,
            hub_id_unique=True,
            batch=5,
            precondition="version",
        ),
        "visits": StreamSpec(page_size=PAGE, cap=CAP, paging="offset"),
        "notes": StreamSpec(
            writes=frozenset({"create"}), cursor="full", page_size=PAGE, sweep=True, hold_back=timedelta(0)
        ),
        "tickets": StreamSpec(page_size=PAGE, resolution=timedelta(minutes=1)),
    }

    def __init__(self, transport: Transport, tools: Tools) -> None:
        self._transport = transport
        self._tools = tools

    @classmethod
    def connect(cls, settings: AcmeSettings, tools: Tools) -> "AcmeConnector":
        flow = RefreshToken(
            vendor="Acme",
            token_url=f"{URL}/token",
            client_id="hub",
            client_secret=settings.client_secret,
            refresh_token=settings.refresh_token,
        )
        statuses = StatusTable(
            vendor="Acme",
            rules={(422, "DUPLICATE"): Rule("refused")},
            vendor_code=lambda body: str(body["error"]),
        )
        return cls(Transport(URL, TokenKeeper(flow, tools), statuses, tools, "acme"), tools)

    def close(self) -> None:
        self._transport.close()

    def account(self) -> Account:
        me = self._transport.get("/me").json
        return Account(id=str(me["id"]), name=me["name"], identity=me["user"])

    def fields(self, stream: str) -> Sequence[FieldInfo]:
        names = self._transport.get("/fields").json["items"]
        writable = "update" in self.streams[stream].writes or "create" in self.streams[stream].writes
        return [
            FieldInfo(
                name=name,
                label=name.title(),
                path=name,
                type=TYPES.get(name, "text"),
                options=(("gold", "Gold"), ("silver", "Silver")) if name == "tier" else (),
                write=writable,
                unique=name == "hub",
            )
            for name in names
        ]

    def parts(self, stream: str) -> Sequence[str]:
        return [""]

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        return self._pull_visits(window) if stream == "visits" else self._pull_list(stream, window)

    def _pull_list(self, stream: str, window: Window) -> Iterator[Page]:
        first: dict[str, Any] = {}
        if window.since is not None and stream != "notes":
            first["since"] = iso(window.since)
        if window.position is not None:
            first["after"] = window.position["after"]
        for answer in by_cursor(lambda p: self._transport.get(f"/{stream}", p), first, self.following, where="Acme"):
            following = self.following(answer)
            yield self.page(answer, None if following is None else dict(following))

    def following(self, answer: Answer) -> Mapping[str, Any] | None:
        after = answer.json["next"]
        return None if after is None else {"after": after}

    def _pull_visits(self, window: Window) -> Iterator[Page]:
        began = self._transport.get("/me").server_time or self._tools.clock()
        position = window.position or {}
        since = datetime.fromisoformat(position["from"]) if position else window.since or began - timedelta(days=3650)
        until = datetime.fromisoformat(position["until"]) if position else began + SECOND
        for start, end in self.cut(since, until):
            for offset in range(int(position.get("offset", 0)), CAP + 1, PAGE):
                position = {}
                query = {"from": iso(start), "to": iso(end), "offset": offset}
                answer = self._transport.get("/visits", query)
                if len(answer.json["items"]) < PAGE:
                    going_on = {"from": iso(end), "until": iso(until), "offset": 0} if end < until else None
                    yield self.page(answer, going_on)
                    break
                # A cut made anew after a crash begins at the same places only if it begins with this window.
                yield self.page(answer, {"from": iso(start), "until": iso(until), "offset": offset + PAGE})

    def cut(self, since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        def count(start: datetime, end: datetime) -> int:
            return int(self._transport.get("/visits/count", {"from": iso(start), "to": iso(end)}).json["count"])

        whole = since.replace(microsecond=0)
        return halved(count, whole, until.replace(microsecond=0), cap=CAP, resolution=SECOND, where="Acme visits")

    def page(self, answer: Answer, position: Mapping[str, Any] | None) -> Page:
        records: list[RemoteRecord] = []
        faults: list[RowFault] = []
        for row in answer.json["items"]:
            try:
                records.append(self.record(row))
            except ValueError:
                faults.append(RowFault(f"acme {row['id']}", str(row["id"]), "has no time of its last change", row))
        return Page(records, position, answer.server_time, faults=faults)

    def record(self, row: Mapping[str, Any]) -> RemoteRecord:
        modified = self.moment(row["updated"])
        values = {name: None if value == "" else [] if value == [""] else value for name, value in row.items()}
        return RemoteRecord(str(row["id"]), str(row["version"]), modified, values)

    def moment(self, told: str) -> datetime:
        return datetime.fromisoformat(told)

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Page]:
        yield self.page(self._transport.get(f"/{stream}", {"ids": ",".join(keys)}), None)

    def keys(self, stream: str) -> Iterator[Sequence[str]]:
        ask = by_cursor(lambda p: self._transport.get(f"/{stream}/ids", p), {}, self.following, where="Acme ids")
        for answer in ask:
            yield [str(key) for key in answer.json["items"]]

    def removals(self, stream: str, window: Window) -> Iterator[Sequence[Removal]]:
        since = {"since": iso(window.since or datetime(2000, 1, 1, tzinfo=UTC))}
        ask = by_cursor(lambda p: self._transport.get("/people/deleted", p), since, self.following, where="Acme gone")
        for answer in ask:
            yield [self.removal(row) for row in answer.json["items"]]

    def removal(self, row: Mapping[str, Any]) -> Removal:
        survivor = row["merged_into"]
        at = datetime.fromisoformat(row["at"])
        return Removal(str(row["id"]), at, None if survivor is None else str(survivor))

    def find(self, stream: str, write: Write) -> Sequence[Record]:
        if stream == "people":
            return self.page(self._transport.get("/people", {"hub": write.hub_id}), None).records
        pages = self._pull_list(stream, Window("", None))
        return [one for page in pages for one in page.records if one.values["name"] == write.values["name"]]

    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        spec = self.streams[stream]
        if not spec.writes:
            raise SetupError(f"Acme {stream} are read, not written")
        for start in range(0, len(writes), spec.batch):
            batch = writes[start : start + spec.batch]
            yield from self.send_batch(batch) if stream == "people" else self.send_note(batch[0])

    def send_batch(self, writes: Sequence[Write]) -> Iterator[Outcome]:
        rows = [
            {
                "op": one.op,
                "id": None if one.key is None else int(one.key),
                "hub": one.hub_id,
                "values": self.written(one.values),
                "version": None if one.expects is None else int(one.expects),
            }
            for one in writes
        ]
        try:
            answer = self.post("/people/batch", {"writes": rows})
        except RecordError as exc:
            yield from (
                Outcome(one.action, "rejected", reason=f"refused with its batch: {exc.status}") for one in writes
            )
            return
        except UnknownOutcomeError:
            yield from (Outcome(one.action, "unknown") for one in writes)
            return
        for result in answer.json["results"]:
            yield self.outcome(writes[result["place"]], result)

    def written(self, values: Values) -> Values:
        return dict(values)

    def post(self, path: str, body: Json) -> Answer:
        return self._transport.request("POST", path, json=body)

    def outcome(self, write: Write, result: Mapping[str, Any]) -> Outcome:
        if not result["ok"]:
            status: Literal["moved", "rejected"] = "moved" if result["code"] == "MOVED" else "rejected"
            return Outcome(write.action, status, write.key, reason=f"refused: {result['code']}")
        record = self.record(result["row"])
        return Outcome(write.action, "done", record.key, record.version, record.values)

    def send_note(self, write: Write) -> Iterator[Outcome]:
        try:
            record = self.record(self.post("/notes", self.written(write.values)).json)
        except RecordError as exc:
            yield Outcome(write.action, "rejected", reason=f"refused: {exc.vendor_code}")
        except UnknownOutcomeError:
            yield Outcome(write.action, "unknown")
        else:
            yield Outcome(write.action, "done", record.key, record.version, record.values)


def rig_of(connector: type[AcmeConnector], network: respx.MockRouter, simulation: type[AcmeVendor] = AcmeVendor) -> Rig:
    """A connector, an Acme of its own, and a bench between them."""
    bench = Bench()
    vendor = simulation(bench)
    network.route(host="api.acme.test").mock(side_effect=vendor)
    return Rig(connector.connect(AcmeSettings(), bench.tools("acme")), vendor, bench)
