"""Persons, organizations, deals, leads, activities, notes and users of Pipedrive.

Vendor facts: README.md beside this file.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal

import msgspec

from connectors.pipedrive import arrived, lists, shapes, writes
from connectors.pipedrive.auth import REGISTRATION, authorization, authorizer
from connectors.pipedrive.fields import described
from connectors.pipedrive.settings import ApiTokenAuth, PipedriveSettings, PipedriveStream
from connectors.pipedrive.statuses import SAID, STATUSES
from connectors.pipedrive.streams import (
    ARCHIVED,
    FIELDS,
    IDS,
    LIVE,
    ME,
    PAGE,
    RESOURCES,
    V2,
    Resource,
)
from connectors.sdk import (
    Account,
    Answer,
    AuthorizationCode,
    Burst,
    FieldInfo,
    GrantError,
    Json,
    LaterError,
    Limits,
    Outcome,
    Page,
    Record,
    RecordError,
    RemoteRecord,
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
    by_cursor,
)
from connectors.sdk.rows import undated, unknown_form

BASE_URL: Final = "https://api.pipedrive.com"

# What the largest plan allows in 2 s (README, Limits). Smaller ones are told by the headers of every answer.
_BURST_API_TOKEN: Final = Burst(120, 2.0)
_BURST_OAUTH: Final = Burst(480, 2.0)

# Up to so many records one call each is cheaper than the list that takes their ids.
_ONE_BY_ONE: Final = 5


class _Id(msgspec.Struct):
    id: int
    is_deleted: bool = False


class _Ids(lists.Followed, kw_only=True):
    """A page of which only the ids are read: a sweep needs nothing else."""

    success: Literal[True]
    data: list[_Id]


_IDS_ALONE: Final = msgspec.json.Decoder(_Ids)


class PipedriveConnector:
    name: ClassVar[str] = "pipedrive"
    label: ClassVar[str] = "Pipedrive"
    unit: ClassVar[str] = "tokens"
    role: ClassVar[Literal["crm", "files", "cem"]] = "crm"
    settings: ClassVar[type[Settings]] = PipedriveSettings
    stream_settings: ClassVar[type[StreamSettings]] = PipedriveStream
    streams: ClassVar[Mapping[str, StreamSpec]] = {name: resource.spec for name, resource in RESOURCES.items()}
    registration: ClassVar[Sequence[str]] = REGISTRATION

    def __init__(self, transport: Transport, settings: PipedriveSettings, tools: Tools) -> None:
        self._transport = transport
        self._settings = settings
        self._tools = tools
        self._catalogues: dict[str, list[Json]] = {}  # rows of a catalogue by its path
        self._addons: dict[str, bool] = {}  # stream -> does the account have its add-on? Not known before we asked

    @classmethod
    def connect(cls, settings: PipedriveSettings, tools: Tools) -> "PipedriveConnector":
        by_token = isinstance(settings.auth, ApiTokenAuth)
        transport = Transport(
            settings.base_url or BASE_URL,
            authorizer(settings, tools),
            STATUSES,
            tools,
            tools.connection,
            costs=V2,
            limits=Limits(
                bursts=(_BURST_API_TOKEN if by_token else _BURST_OAUTH,),
                burst_remaining="x-ratelimit-remaining",
                burst_resets="x-ratelimit-reset",
            ),
            insecure=settings.insecure,
        )
        return cls(transport, settings, tools)

    @property
    def authorization(self) -> AuthorizationCode | None:
        return authorization(self._settings, self._tools)

    def close(self) -> None:
        self._transport.close()

    # who we are, and what there is

    def account(self) -> Account:
        answer = self._transport.get("/v1/users/me", cost=ME)
        me = lists.one_of(answer)
        company, country = me.get("company_id"), me.get("company_country")
        if company is None:
            raise unknown_form(answer)
        return Account(
            id=str(company),
            name=str(me.get("company_name") or me.get("company_domain") or company),
            identity=str(me.get("email") or me.get("name") or me.get("id")),
            time_zone=me.get("timezone_name"),
            currency=self._settings.currency or me.get("default_currency"),
            currency_by_file=self._settings.currency is not None,
            country=country if isinstance(country, str) and len(country) == 2 else None,
            missing=self._missing(),
        )

    def _missing(self) -> Mapping[str, Sequence[str]]:
        """Streams whose scope was not granted. Only an app's grant names its scopes; a user's token has none."""
        held = self._tools.tokens.read(self._tools.connection)
        granted = None if held is None else held.extra.get("scope")
        if not granted:
            return {}
        scopes = set(granted.replace(",", " ").split())
        return {
            name: (resource.scopes[0],)
            for name, resource in RESOURCES.items()
            if resource.scopes and scopes.isdisjoint(resource.scopes)
        }

    def fields(self, stream: str) -> Sequence[FieldInfo]:
        """The fields as the account has them now: the catalogue is asked for anew."""
        return described(stream, self._catalogue(stream, anew=True), included=self._included(stream))

    def _included(self, stream: str) -> tuple[str, ...]:
        own = self._settings.streams.get(stream)
        return own.include_fields if isinstance(own, PipedriveStream) else ()

    def _catalogue(self, stream: str, *, anew: bool = False) -> list[Json]:
        """The rows of a stream's catalogue as they were last read."""
        path = RESOURCES[stream].catalogue
        if path is None:
            return []
        held = None if anew else self._catalogues.get(path)
        if held is None:
            held = self._catalogues[path] = self._read_catalogue(path)
        return held

    def _read_catalogue(self, path: str) -> list[Json]:
        def ask(params: Mapping[str, Any]) -> Answer:
            return self._transport.get(path, params, cost=FIELDS)

        try:
            pages = by_cursor(ask, {"limit": PAGE}, lists.next_cursor, where=f"Pipedrive {path}")
            return [row for answer in pages for row in lists.rows_of(answer)]
        except GrantError as exc:
            # Of activities only an admin may read the catalogue; what every activity has is known without it.
            if exc.status == 403 and path == RESOURCES["activities"].catalogue:
                return []
            raise

    def _by_path(self, stream: str) -> Mapping[str, FieldInfo]:
        known = described(stream, self._catalogue(stream), included=self._included(stream))
        return {info.path: info for info in known}

    def parts(self, stream: str) -> Sequence[str]:
        return [""] if RESOURCES[stream].archived is None else [LIVE, ARCHIVED]

    # reading

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        """The changed records of one part. Lists of the second version come oldest change first, others by id."""
        resource = RESOURCES[stream]
        match resource.walk:
            case "cursor":
                listed = self._by_change(stream, resource, window)
            case "offset":
                listed = self._by_start(stream, resource, window)
            case _:
                answer = self._transport.get(resource.path, cost=resource.spec.costs.list)
                listed = iter([lists.Listed(lists.rows_of(answer), None, answer.server_time)])
        for page in listed:
            yield self._page(stream, page)

    def _by_change(self, stream: str, resource: Resource, window: Window) -> Iterator[lists.Listed]:
        path, cost = self._list_of(resource, window.part)
        always = {"limit": resource.spec.page_size, "sort_by": "update_time", "sort_direction": "asc"}
        return lists.by_change(
            lambda params: self._ask(stream, path, {**always, **params}, cost=cost),
            since=lists.stamp(window.since),
            position=window.position,
            where=f"Pipedrive {stream}",
        )

    def _by_start(self, stream: str, resource: Resource, window: Window) -> Iterator[lists.Listed]:
        """By id, which an edit does not move; where there is no `since`, newest change first down to it."""
        path, cost = self._list_of(resource, window.part)
        archived = window.part == ARCHIVED
        downwards = archived and not resource.archived_since and window.since is not None
        sort = "update_time DESC, id ASC" if downwards else "id ASC"
        always: dict[str, Any] = {"limit": resource.spec.page_size, "sort": sort}
        if not archived or resource.archived_since:
            always["updated_since"] = lists.stamp(window.since)
        for page in lists.by_start(
            lambda start: self._transport.get(path, {**always, "start": start}, cost=cost),
            position=window.position,
            where=f"Pipedrive {stream}",
        ):
            if downwards and _falling(page.rows) and _before(page.rows[-1], window):
                yield page._replace(position=None)
                return
            yield page

    def _list_of(self, resource: Resource, part: str) -> tuple[str, int]:
        if part == ARCHIVED and resource.archived is not None:
            return resource.archived, resource.archived_cost
        return resource.path, resource.spec.costs.list

    def _ask(
        self, stream: str, path: str, params: Mapping[str, Any], *, cost: int, accept: Collection[int] = ()
    ) -> Answer:
        """Ask for records with the fields that come only when asked for; for those of an add-on only if it is there."""
        resource = RESOURCES[stream]
        usual = (*self._included(stream), *resource.include)
        addon = resource.addon if self._addons.get(stream, True) else ()
        try:
            answer = self._transport.get(path, _including(params, *usual, *addon), cost=cost, accept=accept)
        except ShapeError as exc:
            if exc.status != 400 or not addon or stream in self._addons:
                raise
            answer = self._transport.get(path, _including(params, *usual), cost=cost, accept=accept)
            self._addons[stream] = False
            return answer
        if addon and answer.status == 200:
            self._addons[stream] = True
        return answer

    def _page(self, stream: str, page: lists.Listed) -> Page:
        made, faults = self._records(stream, page.rows)
        return Page(records=made, position=page.position, server_time=page.server_time, faults=faults)

    def _records(self, stream: str, rows: Sequence[Any]) -> tuple[Sequence[Record], Sequence[RowFault]]:
        if stream == "users":
            return undated(rows, shapes.user, where=stream)
        if stream in ("notes", "leads"):
            rows = [self._plain(stream, row) for row in rows]
        return lists.records(rows, where=stream)

    def _plain(self, stream: str, row: Json) -> Json:
        """A row of either version in the form in which the hub keeps it."""
        if stream == "notes" and isinstance(row, dict):
            return shapes.note(row)
        if stream == "leads" and isinstance(row, dict):
            return shapes.lead(row, lambda: self._by_path("leads"))
        return row

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Page]:
        """These records now, archived and lately deleted ones too; what is missing is gone or invisible."""
        resource = RESOURCES[stream]
        if resource.walk == "whole":
            wanted = set(keys)
            for page in self.pull(stream, Window(part="", since=None)):
                yield Page([one for one in page.records if one.key in wanted], None, page.server_time)
        elif resource.walk == "offset" or len(keys) <= _ONE_BY_ONE:
            for key in keys:
                answer = self._ask(stream, f"{resource.path}/{key}", {}, cost=resource.spec.costs.get, accept={404})
                if answer.status != 404:
                    row = lists.raw_one(answer) if resource.walk == "cursor" else lists.one_of(answer)
                    yield self._page(stream, lists.Listed([row], None, answer.server_time))
        else:
            for start in range(0, len(keys), IDS):
                yield from self._by_ids(stream, resource, keys[start : start + IDS])

    def _by_ids(self, stream: str, resource: Resource, keys: Sequence[str]) -> Iterator[Page]:
        missing = list(keys)
        for part in self.parts(stream):
            path, cost = self._list_of(resource, part)
            answer = self._ask(stream, path, {"ids": ",".join(missing), "limit": PAGE}, cost=cost)
            page = self._page(stream, lists.Listed(lists.raw_rows(answer), None, answer.server_time))
            yield page
            shown = {record.key for record in page.records}
            missing = [key for key in missing if key not in shown]
            if not missing:
                return

    def keys(self, stream: str) -> Iterator[Sequence[str]]:
        """Every live key. By id, so that nothing moves while we read; a list that runs backwards is an error."""
        resource = RESOURCES[stream]
        for part in self.parts(stream):
            if resource.walk == "cursor":
                yield from self._ids(stream, *self._list_of(resource, part))
            else:
                for page in self.pull(stream, Window(part=part, since=None)):
                    yield [record.key for record in page.records]

    def _ids(self, stream: str, path: str, cost: int) -> Iterator[Sequence[str]]:
        def ask(params: Mapping[str, Any]) -> _Ids:
            page: _Ids = self._transport.get(path, params, cost=cost).decode(_IDS_ALONE)
            return page

        last = 0
        first = {"limit": RESOURCES[stream].spec.page_size, "sort_by": "id", "sort_direction": "asc"}
        for page in by_cursor(ask, first, _Ids.follow, where=f"Pipedrive {stream}"):
            for row in page.data:
                if row.id <= last:
                    raise ShapeError(
                        f"Pipedrive {stream}: the list is not ordered by id, so it cannot prove that it is complete",
                        hint="nothing is taken for deleted; if it stays, ask the vendor",
                        code="CW307",
                    )
                last = row.id
            yield [str(row.id) for row in page.data if not row.is_deleted]

    def removals(self, stream: str, window: Window) -> Iterator[Sequence[Removal]]:
        """Deals deleted since then, within the 30 days that Pipedrive keeps them. Other streams have no such list."""
        if not RESOURCES[stream].spec.removals:
            return
        resource = RESOURCES[stream]
        always = {
            "limit": resource.spec.page_size,
            "sort_by": "update_time",
            "sort_direction": "asc",
            "status": "deleted",
        }
        for page in lists.by_change(
            lambda params: self._transport.get(resource.path, {**always, **params}, cost=resource.spec.costs.list),
            since=lists.stamp(window.since),
            position=window.position,
            where=f"Pipedrive deleted {stream}",
        ):
            made, _ = lists.records(page.rows, where=stream)
            yield [Removal(record.key, record.modified, None) for record in made]

    # writing

    def find(self, stream: str, write: Write) -> Sequence[Record]:
        """Did that create arrive, or is somebody's record with its identifiers there since we last read?

        Lists show a record at once, so the newest are looked at first; they tell all where they reach back to the
        beginning. Else the index is searched, which lags: by the hub's id where one was sent, as nothing else is
        as sure, or by what a person would go by.
        """
        resource = RESOURCES[stream]
        newest = self._ask(stream, resource.path, arrived.newest(resource), cost=resource.spec.costs.list)
        made, _ = self._records(stream, lists.rows_of(newest))
        ours = arrived.Sought(stream, write)
        if by_id := [record for record in made if ours.is_it(record.values)]:
            return by_id
        alike = [record for record in made if ours.is_like(record.values)]
        if not lists.goes_on(newest):
            return alike
        if ours.hub_id is not None:
            hits = self._hits(stream, resource, arrived.by_hub_id(ours.hub_id))
            return [record for record in hits if ours.is_it(record.values)] or alike
        question = arrived.by_identity(resource, write)
        if alike or question is None:
            return alike
        return [record for record in self._hits(stream, resource, question) if ours.is_like(record.values)]

    def _hits(self, stream: str, resource: Resource, question: Mapping[str, Any]) -> list[Record]:
        if resource.search is None:
            return []
        keys = arrived.keys(self._transport.get(resource.search, question, cost=V2.search))
        return [record for page in self.fetch(stream, keys) for record in page.records] if keys else []

    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        """One call each: Pipedrive takes no batches. Once it asks us to wait, the rest is left for later."""
        if not RESOURCES[stream].spec.writes:
            raise SetupError(f"Pipedrive's {stream} are only read", hint="take `write` away from this stream")
        fields = self._by_path(stream)
        waits: LaterError | None = None
        for write in writes:
            if waits is not None:
                yield Outcome(write.action, "later", write.key, reason=waits.text)
                continue
            try:
                yield self._send(stream, write, fields)
            except UnknownOutcomeError as exc:
                yield Outcome(write.action, "unknown", write.key, reason=exc.text)
            except LaterError as exc:
                waits = exc
                yield Outcome(write.action, "later", write.key, reason=exc.text)
            except RecordError as exc:
                yield Outcome(write.action, "rejected", write.key, reason=_reason(exc, fields))
            except GrantError as exc:
                # A record that belongs to somebody else is refused like this; a missing scope concerns them all.
                if exc.status != 403 or exc.vendor_code != SAID:
                    raise
                yield Outcome(write.action, "rejected", write.key, reason=exc.text)

    def _send(self, stream: str, write: Write, fields: Mapping[str, FieldInfo]) -> Outcome:
        resource = RESOURCES[stream]
        body = writes.body(write.op, write.values, fields, stream=stream)
        costs = resource.spec.costs
        if write.op == "archive" and resource.archived is None:
            return self._put_into_bin(resource, write)
        if write.op == "create":
            answer = self._transport.request("POST", resource.path, json=body, cost=costs.create)
        else:
            path = f"{resource.path}/{write.key}"
            # Not sent twice: in between somebody else may have edited what it sets.
            answer = self._transport.request(resource.change, path, json=body, cost=costs.update, idempotent=False)
        try:
            row = self._plain(stream, lists.one_of(answer))
        except ShapeError as exc:
            raise UnknownOutcomeError(f"{answer.origin}: the answer to a write cannot be read") from exc
        one = lists.record(row)
        if isinstance(one, str):
            # It happened, but the answer does not show the record: the hub reads it.
            if write.op == "create" and row.get("id") is None:
                raise UnknownOutcomeError(f"{answer.origin}: the answer to a create names no record")
            return Outcome(write.action, "done", str(row.get("id") or write.key))
        return Outcome(write.action, "done", one.key, one.version, one.values)

    def _put_into_bin(self, resource: Resource, write: Write) -> Outcome:
        """Of what has no archive: deleted, and for 30 days to be brought back there (README, Writing)."""
        path = f"{resource.path}/{write.key}"
        self._transport.request("DELETE", path, cost=resource.spec.costs.archive, idempotent=False)
        return Outcome(write.action, "done", str(write.key))


def _including(params: Mapping[str, Any], *fields: str) -> Mapping[str, Any]:
    return {**params, "include_fields": ",".join(sorted(fields))} if fields else params


def _falling(rows: Sequence[Json]) -> bool:
    """Do they come newest change first, as they were asked for?"""
    stamps = [str(row.get("update_time")) for row in rows if isinstance(row, dict)]
    return bool(stamps) and stamps == sorted(stamps, reverse=True)


def _before(row: Json, window: Window) -> bool:
    """Is this row older than what the window asks for?"""
    one = lists.record(row)
    return (
        isinstance(one, RemoteRecord)
        and one.modified is not None
        and window.since is not None
        and one.modified < window.since
    )


def _reason(error: RecordError, fields: Mapping[str, FieldInfo]) -> str:
    """Why a record was refused: the vendor's own words may quote it, so only the fields that they name are told."""
    said = _words(str(error.details.get("error"))) if isinstance(error.details, Mapping) else set()
    named = sorted({info.label for info in fields.values() if info.name in said})
    return f"{error.text} ({', '.join(named)})" if named else error.text


def _words(text: str) -> set[str]:
    return {word.strip(".,:;'\"()[]") for part in text.split() for word in (part, *part.split("."))}
