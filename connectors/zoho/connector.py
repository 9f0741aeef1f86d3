"""Contacts, leads, accounts, deals, activities, cases, campaigns and users of Zoho CRM.

Vendor facts: README.md beside this file.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any, ClassVar, Final, Literal, NamedTuple

from msgspec.structs import replace

from connectors.sdk import (
    Account,
    Answer,
    AuthorizationCode,
    FieldInfo,
    GrantError,
    Json,
    LaterError,
    Limits,
    Outcome,
    Page,
    Record,
    RecordError,
    Removal,
    RowFault,
    Settings,
    SetupError,
    ShapeError,
    StreamSettings,
    StreamSpec,
    Tools,
    Transport,
    UnknownOutcomeError,
    Window,
    Write,
)
from connectors.sdk.rows import undated
from connectors.zoho import account, fields, lists, shapes, writes
from connectors.zoho.arrived import Sought
from connectors.zoho.auth import REGISTRATION, authorization, authorizer
from connectors.zoho.settings import HOSTS, ZohoSettings, ZohoStream
from connectors.zoho.statuses import STATUSES
from connectors.zoho.streams import (
    BATCH,
    FIELDS_PATH,
    IDS,
    ORG_PATH,
    PAGE,
    RESOURCES,
    ROWS_A_CREDIT,
    Resource,
    path,
)

# An empty list has no body; nothing new since then is answered with 304.
_NOTHING_NEW: Final = 304
# A field that Zoho does not know is ignored without a word: what is written is checked against a catalogue so old.
_CHECKED: Final = timedelta(minutes=10)

Row = Mapping[str, Json]


class ZohoConnector:
    name: ClassVar[str] = "zoho"
    label: ClassVar[str] = "Zoho CRM"
    unit: ClassVar[str] = "credits"
    role: ClassVar[Literal["crm", "files", "cem"]] = "crm"
    settings: ClassVar[type[Settings]] = ZohoSettings
    stream_settings: ClassVar[type[StreamSettings]] = ZohoStream
    registration: ClassVar[Sequence[str]] = REGISTRATION

    def __init__(self, transport: Transport, settings: ZohoSettings, tools: Tools) -> None:
        self._transport = transport
        self._settings = settings
        self._tools = tools
        self._catalogues: dict[str, list[Row]] = {}  # rows of a module's catalogue by stream
        self._checked: dict[str, datetime] = {}  # when a stream's catalogue was last read for writing
        self._fetched: dict[str, dict[str, datetime]] = {}  # by stream: what was fetched last, by key, and when

    @classmethod
    def connect(cls, settings: ZohoSettings, tools: Tools) -> "ZohoConnector":
        transport = Transport(
            settings.base_url or HOSTS[settings.data_center].api,
            authorizer(settings, tools),
            STATUSES,
            tools,
            tools.connection,
            limits=Limits(remaining="x-api-credits-remaining", at_once=settings.concurrent_calls),
            insecure=settings.insecure,
        )
        return cls(transport, settings, tools)

    @property
    def authorization(self) -> AuthorizationCode | None:
        return authorization(self._settings, self._tools)

    def close(self) -> None:
        self._transport.close()

    @property
    def streams(self) -> Mapping[str, StreamSpec]:
        fires = bool(self._settings.trigger)
        return {
            name: replace(resource.spec, fires_automation_on_create=fires and bool(resource.spec.writes))
            for name, resource in RESOURCES.items()
        }

    # who we are, and what there is

    def account(self) -> Account:
        answer = self._transport.get(ORG_PATH)
        [org] = lists.rows_of(answer, "org")
        return account.told(
            org,
            identity=self._identity(org),
            left=answer.headers.get("x-api-credits-remaining"),
            missing=self._missing(),
        )

    def _identity(self, org: Row) -> str:
        """The user whose token it is. Who may not look that up is known by the organization's own address."""
        try:
            answer = self._transport.get(path("users"), {"type": "CurrentUser"})
        except GrantError as exc:
            if exc.status not in (401, 403) or exc.code == "CW202":
                raise
            return str(org.get("primary_email") or org.get("company_name"))
        me: Row = next(iter(lists.rows_of(answer, "users")), {})
        return str(me.get("email") or me.get("full_name") or me.get("id"))

    def _missing(self) -> Mapping[str, Sequence[str]]:
        held = self._tools.tokens.read(self._tools.connection)
        return account.missing(None if held is None else held.extra.get("scope"))

    def fields(self, stream: str) -> Sequence[FieldInfo]:
        """The fields as the organization has them now: the catalogue is asked for anew."""
        return fields.described(stream, self._catalogue(stream, anew=True), leave_out=self._left_out(stream))

    def _left_out(self, stream: str) -> tuple[str, ...]:
        own = self._settings.streams.get(stream)
        return own.leave_out if isinstance(own, ZohoStream) else ()

    def _catalogue(self, stream: str, *, anew: bool = False) -> list[Row]:
        """The rows of a stream's catalogue as they were last read."""
        if stream == "users":
            return []
        held = None if anew else self._catalogues.get(stream)
        if held is None:
            answer = self._transport.get(FIELDS_PATH, {"module": RESOURCES[stream].module})
            held = self._catalogues[stream] = lists.rows_of(answer, "fields")
        return held

    def _by_name(self, stream: str, *, to_write: bool = False) -> Mapping[str, FieldInfo]:
        now = self._tools.clock()
        checked = self._checked.get(stream)
        anew = to_write and (checked is None or now - checked > _CHECKED)
        rows = self._catalogue(stream, anew=anew)
        if anew:
            self._checked[stream] = now
        return {info.name: info for info in fields.described(stream, rows, leave_out=self._left_out(stream))}

    def parts(self, stream: str) -> Sequence[str]:
        return [""]

    # reading

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        """The changed records, oldest change first; users all, by number."""
        if stream == "users":
            yield from self._users()
            return
        resource = RESOURCES[stream]
        first, *more = self._questions(stream)
        total: int | None = None
        for number, page in enumerate(self._by_change(stream, resource, first, window)):
            made, faults = self._records(stream, page.rows, more)
            if number == 0 and window.since is None and window.position is None and page.position is not None:
                total = self._count(resource)
            yield Page(made, page.position, page.server_time, total=total, faults=faults)

    def _count(self, resource: Resource) -> int | None:
        """How many records a module has. It is worth a credit, and no failure: counting needs a scope of its own."""
        try:
            answer = self._transport.get(path(f"{resource.module}/actions/count"), resource.always)
        except (GrantError, ShapeError, RecordError):
            return None
        count = answer.json.get("count") if isinstance(answer.json, dict) else None
        return count if isinstance(count, int) else None

    def _questions(self, stream: str) -> list[str]:
        """`fields=` of each call that it takes to read a record whole."""
        names = fields.listed(self._catalogue(stream), leave_out=self._left_out(stream))
        return fields.questions(names, related=RESOURCES[stream].related)

    def _by_change(self, stream: str, resource: Resource, question: str, window: Window) -> Iterator[lists.Listed]:
        always = {
            "fields": question,
            "per_page": resource.spec.page_size,
            "sort_by": fields.MODIFIED,
            "sort_order": "asc",
            **resource.always,
        }

        def ask(begun: str | None, token: str | None) -> Answer:
            headers = {} if begun is None else {"If-Modified-Since": begun}
            return self._transport.get(
                path(resource.module), {**always, "page_token": token}, headers=headers, accept={_NOTHING_NEW}
            )

        where = f"Zoho {stream}"
        return lists.by_change(ask, since=window.since, position=window.position, where=where)

    def _rest(self, resource: Resource, question: str, keys: Sequence[str]) -> Mapping[str, Row]:
        """Further fields of these records, by id. What is gone by now has none: they are absent."""
        return {
            str(row["id"]): row
            for some in lists.in_pieces(keys, IDS)
            for row in lists.rows_of(self._by_ids(resource, question, some))
            if isinstance(row, dict) and row.get("id")
        }

    def _by_ids(self, resource: Resource, question: str, keys: Sequence[str]) -> Answer:
        asked = {"fields": question, "ids": ",".join(keys), "per_page": PAGE, **resource.always}
        return self._transport.get(path(resource.module), asked)

    def _users(self) -> Iterator[Page]:
        resource = RESOURCES["users"]

        def ask(page: int) -> Answer:
            asked = {**resource.always, "page": page, "per_page": resource.spec.page_size}
            return self._transport.get(path("users"), asked)

        for number, answer in enumerate(lists.by_page(ask, where="Zoho users"), start=1):
            position = {"page": number + 1} if lists.goes_on(answer) else None
            made, faults = undated(lists.rows_of(answer, "users"), shapes.user, where="users")
            yield Page(made, position, answer.server_time, faults=faults)

    def _records(
        self, stream: str, rows: lists.Rows, more: Sequence[str]
    ) -> tuple[Sequence[Record], Sequence[RowFault]]:
        """The records of a page, with the fields of further questions, and the rows that cannot be one."""
        resource = RESOURCES[stream]
        forecast = fields.forecast_types(self._catalogue(stream)) if stream == "deals" else {}
        if not (more or forecast or resource.related) and (made := rows.records()) is not None:
            return made, []
        parsed = rows.parsed()
        for question in more:
            parsed = lists.joined(parsed, self._rest(resource, question, rows.keys()))
        shaped = [shapes.record(row, forecast=forecast) if isinstance(row, dict) else row for row in parsed]
        return lists.records(shaped, where=stream)

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Page]:
        """These records now; what is missing is gone or invisible."""
        if stream == "users":
            wanted = set(keys)
            for page in self._users():
                yield Page([one for one in page.records if one.key in wanted], None, page.server_time)
            return
        resource = RESOURCES[stream]
        first, *more = self._questions(stream)
        seen: dict[str, datetime] = {}
        for some in lists.in_pieces(keys, IDS):
            answer = self._by_ids(resource, first, some)
            if answer.server_time is not None:
                seen.update(dict.fromkeys(some, answer.server_time))
            made, faults = self._records(stream, lists.Rows(answer), more)
            yield Page(made, None, answer.server_time, faults=faults)
        self._fetched[stream] = seen

    def keys(self, stream: str) -> Iterator[Sequence[str]]:
        """Every live key. An edit moves a record to the end of the list, where it comes again; none is passed over."""
        if stream == "users":
            for page in self._users():
                yield [one.key for one in page.records]
            return
        everything = Window(part="", since=None)
        for listed in self._by_change(stream, RESOURCES[stream], fields.MODIFIED, everything):
            yield listed.rows.keys()

    def removals(self, stream: str, window: Window) -> Iterator[Sequence[Removal]]:
        """What was deleted since then, as far as Zoho still tells. It does not tell what was merged into what."""
        resource = RESOURCES[stream]
        if not resource.spec.removals:
            return
        begun = lists.bound(window.since)
        headers = {} if begun is None else {"If-Modified-Since": begun}

        def ask(page: int) -> Answer:
            asked = {"type": "all", "page": page, "per_page": resource.spec.page_size}
            return self._transport.get(
                path(f"{resource.module}/deleted"), asked, headers=headers, accept={_NOTHING_NEW}
            )

        for answer in lists.by_page(ask, where=f"Zoho deleted {stream}"):
            yield [
                Removal(str(row["id"]), lists.moment(row.get("deleted_time")), None) for row in lists.rows_of(answer)
            ]

    # writing

    def find(self, stream: str, write: Write) -> Sequence[Record]:
        """Did that create arrive, or is somebody's record with its identifiers there since we last read?

        Lists show a record at once, so the newest are looked at first; they tell all where they are all there is. Else
        the index is searched, which lags: by the hub's id where one was sent, as nothing else is as sure.
        """
        resource = RESOURCES[stream]
        sought = Sought(stream, write, self._by_name(stream))
        newest = {"per_page": PAGE, "sort_by": "Created_Time", "sort_order": "desc", **resource.always}
        made, whole = self._hits(stream, resource, path(resource.module), newest)
        if by_id := [record for record in made if sought.is_it(record.values)]:
            return by_id
        alike = [record for record in made if sought.is_like(record.values)]
        question = sought.question()
        if whole or question is None or (alike and sought.carrier is None):
            return alike
        found, _ = self._hits(stream, resource, path(f"{resource.module}/search"), {**question, **resource.always})
        if sought.carrier is not None:
            return [record for record in found if sought.is_it(record.values)] or alike
        return [record for record in found if sought.is_like(record.values)]

    def _hits(
        self, stream: str, resource: Resource, where: str, asked: Mapping[str, Any]
    ) -> tuple[Sequence[Record], bool]:
        """The records of one page, whole; and whether it is all there is."""
        first, *more = self._questions(stream)
        rows = lists.Rows(self._transport.get(where, {**asked, "fields": first}))
        made, _ = self._records(stream, rows, more)
        return made, not rows.go_on

    def send(self, stream: str, writes_: Sequence[Write]) -> Iterator[Outcome]:
        """A hundred a call. Once Zoho asks us to wait, the rest is left for later.

        Raises RecordError where a call is refused for all of its records, and which of them is the cause is not told:
        nothing was done of those that have no outcome by then.
        """
        if not RESOURCES[stream].spec.writes:
            raise SetupError(f"Zoho's {stream} are only read", hint="take `write` away from this stream")
        known = self._by_name(stream, to_write=True)
        seen = self._fetched.pop(stream, {})  # good for one write: it changes what was seen
        good: list[Write] = []
        for write in writes_:
            if gone := writes.unknown_fields(write.values, known):
                reason = f"there is no field {', '.join(gone)} any more: crosswalk discover shows what there is"
                yield Outcome(write.action, "rejected", write.key, reason=reason)
            else:
                good.append(write)
        waits: LaterError | None = None
        for door, some in self._calls(stream, good, known):
            for batch in lists.in_pieces(some, BATCH):
                if waits is None:
                    try:
                        since = self._unedited_since(door, batch, seen)
                        outcomes = self._send(door, batch, known, unedited_since=since)
                    except UnknownOutcomeError as exc:
                        outcomes = _all(batch, "unknown", exc.text)
                    except LaterError as exc:
                        waits = exc
                if waits is not None:
                    outcomes = _all(batch, "later", waits.text)
                yield from outcomes

    def _calls(
        self, stream: str, some: Sequence[Write], known: Mapping[str, FieldInfo]
    ) -> Iterator[tuple["_Door", list[Write]]]:
        """Changes, then creates: by the hub's id, which makes a repeated one harmless, where one is sent along."""
        module = path(RESOURCES[stream].module)
        upserts: dict[str, list[Write]] = {}
        plain: list[Write] = []
        for write in some:
            carrier = writes.hub_field(write, known) if write.op == "create" else None
            if carrier is not None and carrier.unique and RESOURCES[stream].spec.hub_id_unique:
                upserts.setdefault(carrier.name, []).append(write)
            else:
                plain.append(write)
        yield _Door("PUT", module), [write for write in plain if write.op == "update"]
        for name, found in upserts.items():
            yield _Door("POST", f"{module}/upsert", check=name), found
        yield _Door("POST", module), [write for write in plain if write.op == "create"]
        yield _Door("DELETE", module), [write for write in plain if write.op == "archive"]
        for write in plain:
            if write.op == "restore":
                yield (
                    _Door("POST", path(f"settings/recycle_bin/{write.key}/actions/restore"), rows="recycle_bin"),
                    [write],
                )

    def _unedited_since(self, door: "_Door", batch: Sequence[Write], seen: Mapping[str, datetime]) -> datetime | None:
        """When all of these were last fetched; None where that is not known, or not to be told."""
        if door.method != "PUT" or not self._settings.conditional_updates:
            return None
        return min(seen[str(write.key)] for write in batch) if all(write.key in seen for write in batch) else None

    def _send(
        self, door: "_Door", batch: Sequence[Write], known: Mapping[str, FieldInfo], *, unedited_since: datetime | None
    ) -> list[Outcome]:
        """What became of each. Where one that was edited since refuses them all, the others are sent again."""
        moved: dict[str, Outcome] = {}
        while rest := [write for write in batch if write.action not in moved]:
            told = self._told(door, rest, known, unedited_since=unedited_since)
            if not isinstance(told, str):
                outcomes = [writes.outcome(write, row, known) for write, row in zip(rest, told, strict=True)]
                by_action = {one.action: one for one in outcomes} | moved
                return [by_action[write.action] for write in batch]
            edited = [write for write in rest if write.key == told] or rest
            moved |= {write.action: writes.moved(write) for write in edited}
        return [moved[write.action] for write in batch]

    def _told(
        self, door: "_Door", batch: Sequence[Write], known: Mapping[str, FieldInfo], *, unedited_since: datetime | None
    ) -> Sequence[Row] | str:
        """A row for each record of one call; or the id of the one whose edit refused them all."""
        headers = {} if unedited_since is None else {"If-Unmodified-Since": lists.stamp(unedited_since)}
        try:
            # Not sent twice: in between somebody else may have edited what it sets.
            answer = self._transport.request(
                door.method, door.path, headers=headers, cost=ceil(len(batch) / ROWS_A_CREDIT), idempotent=False,
                **self._asked(door, batch, known),
            )  # fmt: skip
            told, error = writes.rows(answer.json, len(batch), key=door.rows), None
        except (RecordError, GrantError) as exc:
            # Where all were refused the status says so, and each has its reason nevertheless. A record of somebody
            # else's is refused like this too; a missing scope or token concerns them all.
            told, error = None if exc.status == 401 else writes.rows(exc.details, len(batch), key=door.rows), exc
        if told is not None:
            return told
        if error is None:
            raise UnknownOutcomeError(f"Zoho {door.method} {door.path}: the answer to a write cannot be read")
        if error.status == 412:
            return writes.edited(error.details)
        raise error

    def _asked(self, door: "_Door", batch: Sequence[Write], known: Mapping[str, FieldInfo]) -> dict[str, Any]:
        """What goes along: of what is put into the bin, or taken out of it, ids alone."""
        if door.method == "DELETE":
            return {
                "params": {
                    "ids": ",".join(str(write.key) for write in batch),
                    "wf_trigger": str("workflow" in self._settings.trigger).lower(),
                }
            }
        if door.rows != "data":
            return {}
        body: dict[str, Json] = {
            "data": [
                {**({"id": write.key} if write.op == "update" else {}), **writes.body(write.values, known)}
                for write in batch
            ],
            # Left out, everything would run.
            "trigger": list(self._settings.trigger),
        }
        if door.check is not None:
            body["duplicate_check_fields"] = [door.check]
        return {"json": body}


class _Door(NamedTuple):
    """Where a batch goes in. `check`: the field by which a record that is there already is recognised. `rows`: where
    the answer has its rows."""

    method: Literal["POST", "PUT", "DELETE"]
    path: str
    check: str | None = None
    rows: str = "data"


def _all(batch: Sequence[Write], status: Literal["rejected", "later", "unknown"], reason: str) -> list[Outcome]:
    return [Outcome(write.action, status, write.key, reason=reason) for write in batch]
