"""Contacts, leads, accounts, opportunities, activities, cases, campaigns and users of Salesforce.

Vendor facts: README.md beside this file.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from operator import itemgetter
from typing import Any, ClassVar, Final, Literal, TypeVar
from urllib.parse import quote

from msgspec.structs import replace

from connectors.salesforce import lists, removals, soql
from connectors.salesforce.auth import REGISTRATION, authorization, authorizer
from connectors.salesforce.bulk import BulkQuery
from connectors.salesforce.fields import Catalogue, catalogue, sent
from connectors.salesforce.settings import SalesforceSettings, SalesforceStream
from connectors.salesforce.shapes import STAMP
from connectors.salesforce.statuses import BUSY, LOST_FIELD, LOST_RESULT, STATUSES, left, usage
from connectors.salesforce.streams import CALCULATED, IDS, RESOURCES, Resource
from connectors.salesforce.writes import Batch, batches, outcomes, reason
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
    Position,
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
from connectors.sdk.decoding import ENCODER

T = TypeVar("T")

# Beyond it the query goes in a body (README, Lists). 16,384 bytes are taken for address and headers together.
_LONGEST_ADDRESS: Final = 14_000
_ID: Final = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_LISTINGS: Final = 4
# What the id of a custom field begins with, and how long after a change of an object's fields they are looked at each
# time: longer than it is until we ask again who we are.
_CUSTOM_FIELD: Final = "00N"
_LATELY: Final = timedelta(hours=2)
_DEFINITIONS: Final = (
    "SELECT QualifiedApiName,DurableId FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName='{}'"
)
# A record type names itself; to describe the object would cost a call and tell nothing else that is read.
_RECORD_TYPE: Final = {"fields": [{"name": "DeveloperName", "label": "Name", "type": "string"}]}


class SalesforceConnector:
    name: ClassVar[str] = "salesforce"
    label: ClassVar[str] = "Salesforce"
    unit: ClassVar[str] = "calls"
    role: ClassVar[Literal["crm", "files", "cem"]] = "crm"
    settings: ClassVar[type[Settings]] = SalesforceSettings
    stream_settings: ClassVar[type[StreamSettings]] = SalesforceStream
    streams: ClassVar[Mapping[str, StreamSpec]] = {name: resource.spec for name, resource in RESOURCES.items()}
    registration: ClassVar[Sequence[str]] = REGISTRATION

    def __init__(self, transport: Transport, settings: SalesforceSettings, tools: Tools) -> None:
        self._transport = transport
        self._settings = settings
        self._tools = tools
        self._root = f"/services/data/v{settings.api_version}.0"
        self._bulk = BulkQuery(transport, tools, self._root)
        self._lock = threading.RLock()
        self._described: dict[str, Json] = {}  # by object, None: not for us
        self._catalogues: dict[str, Catalogue] = {}  # by stream
        self._changed: dict[str, datetime] = {}  # by object when its fields were last changed, where that is told
        self._looks = False  # are custom fields told from earlier ones of their names, however long they stand?
        self._told: datetime | None = None  # the vendor's clock, as the last answer had it
        self._usage: tuple[int, int] | None = None

    @classmethod
    def connect(cls, settings: SalesforceSettings, tools: Tools) -> "SalesforceConnector":
        transport = Transport(
            settings.host,
            authorizer(settings, tools),
            STATUSES,
            tools,
            tools.connection,
            limits=Limits(left=left),
            # A query may take two minutes (README, Lists).
            timeout=130.0,
            insecure=settings.insecure,
            headers={"Sforce-Call-Options": "client=crosswalk"},
        )
        return cls(transport, settings, tools)

    def close(self) -> None:
        self._transport.close()

    @property
    def authorization(self) -> AuthorizationCode | None:
        return authorization(self._settings, self._tools)

    # who we are, and what there is

    def account(self) -> Account:
        self._looks = True
        org, user = self._one("Organization"), self._user()
        country = org.get("Country")
        # An org with one currency names it nowhere: then it is the operator's word.
        currency = user.get("DefaultCurrencyIsoCode") or self._settings.currency
        allowance, remaining = (None, None) if self._usage is None else (self._usage[1], left_of(self._usage))
        return Account(
            id=str(org["Id"]),
            name=str(org.get("Name") or org["Id"]),
            identity=str(user.get("Username") or user.get("preferred_username") or "the user of the access token"),
            time_zone=org.get("TimeZoneSidKey"),
            currency=currency if isinstance(currency, str) else None,
            currency_by_file=currency is not None and currency == self._settings.currency,
            country=country.strip().upper() if isinstance(country, str) and len(country.strip()) == 2 else None,
            allowance=allowance,
            left=remaining,
            missing=self._missing(),
        )

    def _one(self, sobject: str, key: str | None = None) -> dict[str, Json]:
        """One record with all that may be seen of it; without a key the only one that there is."""
        if key is None:
            rows = lists.rows_of(self._query(soql.select(["Id"], sobject, limit=1)))
            if not rows:
                raise GrantError(
                    f"Salesforce shows no {sobject}",
                    hint="the user needs the permission View Setup and Configuration",
                    code="CW204",
                )
            key = str(rows[0]["Id"])
        answer = self._get(f"{self._root}/sobjects/{sobject}/{key}")
        if not isinstance(answer.json, dict) or "Id" not in answer.json:
            raise lists.unknown_form(answer)
        return dict(answer.json)

    def _user(self) -> Mapping[str, Json]:
        """Whose token it is: the user's id ends an address that comes with a grant; a ready token has none."""
        held = self._tools.tokens.read(self._tools.connection)
        key = "" if held is None else held.extra.get("id", "").rpartition("/")[2]
        path = f"{self._root}/sobjects/User/{key}" if key.startswith("005") else "/services/oauth2/userinfo"
        answer = self._get(path, accept={403, 404})
        return answer.json if answer.status == 200 and isinstance(answer.json, dict) else {}

    def _missing(self) -> Mapping[str, Sequence[str]]:
        """Objects that we may not read. One call tells of all of them."""
        answer = self._get(f"{self._root}/sobjects")
        objects = answer.json.get("sobjects") if isinstance(answer.json, dict) else None
        if not isinstance(objects, list):
            raise lists.unknown_form(answer)
        readable = {one.get("name") for one in objects if one.get("queryable")}
        return {
            name: (f"Read on {resource.sobject}",)
            for name, resource in RESOURCES.items()
            if resource.sobject not in readable
        }

    def fields(self, stream: str) -> Sequence[FieldInfo]:
        """The fields as the org has them now: they are described anew."""
        return self._catalogue(stream, anew=True).infos

    def _catalogue(self, stream: str, *, anew: bool = False) -> Catalogue:
        with self._lock:
            if anew:
                self._described.pop(RESOURCES[stream].sobject, None)
                self._catalogues.pop(stream, None)
            if stream not in self._catalogues:
                self._catalogues[stream] = self._make_catalogue(stream, RESOURCES[stream])
            return self._catalogues[stream]

    def _asked(self, stream: str) -> Catalogue:
        """The catalogue of a stream that is asked for records. What is not there is not taken for empty, or all that
        is held of it would be taken for deleted."""
        known = self._catalogue(stream)
        if known.lacks is not None:
            raise GrantError(
                f"Salesforce shows no {stream.replace('_', ' ')}: {RESOURCES[stream].sobject} has no {known.lacks}",
                hint="take the stream away where the org has none, else the user may not see them",
                code="CW204",
            )
        return known

    def _make_catalogue(self, stream: str, resource: Resource) -> Catalogue:
        described = self._describe(resource.sobject)
        if described is None:
            raise GrantError(
                f"Salesforce: the user may not read {resource.sobject}",
                hint=f"a permission set of the user grants Read on {resource.sobject}",
                code="CW204",
            )
        relationships = {row.get("relationshipName") for row in described["fields"]}
        account = described if resource.sobject == "Account" else None
        if "Account" in relationships and account is None:
            account = self._describe("Account")
        names = {row["name"] for row in (account or {}).get("fields", ())}
        own = self._settings.streams.get(stream)
        return catalogue(
            described,
            resource,
            person_accounts=resource.sobject != "Account" and "IsPersonAccount" in names,
            leave_out=own.leave_out if isinstance(own, SalesforceStream) else (),
            related={"Account": account, "RecordType": _RECORD_TYPE},
            marks=self._marks(resource.sobject),
        )

    def _marks(self, sobject: str) -> Mapping[str, str]:
        """By custom field the id that tells it from an earlier one of its name.

        Asked whenever it is asked who we are, and after each change of the object's fields. Else nothing is told, and
        nothing can have become of them.
        """
        changed = self._changed.get(sobject)
        lately = changed is not None and (self._told or self._tools.clock()) - changed < _LATELY
        if not (self._looks or lately):
            return {}
        asked = quote(_DEFINITIONS.format(sobject), safe=",()=*:")
        path = f"{self._root}/query?q={asked}".replace("%20", "+")
        answer = self._get(path, accept={400, 403, 404})  # it may be closed to us: then nothing is told
        rows = lists.rows_of(answer) if answer.status == 200 else []
        ids = {str(row.get("QualifiedApiName")): str(row.get("DurableId")).rpartition(".")[2] for row in rows}
        return {name: key for name, key in ids.items() if key.startswith(_CUSTOM_FIELD)}

    def _describe(self, sobject: str) -> Json:
        """What the org says of an object; None where it is not for us."""
        if sobject not in self._described:
            answer = self._get(f"{self._root}/sobjects/{sobject}/describe", accept={404})
            if answer.status != 404 and not isinstance((answer.json or {}).get("fields"), list):
                raise lists.unknown_form(answer)
            self._described[sobject] = None if answer.status == 404 else answer.json
            self._changed.pop(sobject, None)
            if changed := answer.headers.get("last-modified"):
                self._changed[sobject] = parsedate_to_datetime(changed)
        return self._described[sobject]

    def parts(self, stream: str) -> Sequence[str]:
        """Streams with formulas, or with fields of other records, have a second part: see `pull`."""
        if not RESOURCES[stream].spec.parts:
            return [""]
        return ["", CALCULATED] if self._catalogue(stream).calculated else [""]

    # asking

    def _get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Answer:
        return self._heard(self._transport.get(path, params, **options))

    def _heard(self, answer: Answer) -> Answer:
        self._told = answer.server_time or self._told
        self._usage = usage(answer.headers) or self._usage
        return answer

    def _query(self, text: str, *, everything: bool = False, size: int | None = None) -> Answer:
        """A query's first answer. `everything`: what is in the bin too. `size`: rows a page, at most."""
        resource = "queryAll" if everything else "query"
        # Commas and blanks as they are: encoded they would take three times the room.
        path = f"{self._root}/{resource}?q={quote(text, safe=',()=*:')}".replace("%20", "+")
        headers = {} if size is None else {"Sforce-Query-Options": f"batchSize={size}"}
        if len(path) <= _LONGEST_ADDRESS:
            return self._get(path, headers=headers)
        body = {"batchRequests": [{"method": "GET", "url": path.removeprefix("/services/data/")}]}
        answer = self._heard(
            self._transport.request(
                "POST", f"{self._root}/composite/batch", json=body, headers=headers, lane="read", idempotent=True
            )
        )
        return unpacked(answer)

    def _with_fields(self, stream: str, ask: Callable[[Catalogue], T]) -> T:
        """Ask with the fields as they are known; once more with those of now, where one of them is gone."""
        try:
            return ask(self._asked(stream))
        except (ShapeError, RecordError) as exc:  # the latter where a job is asked for
            if exc.vendor_code not in LOST_FIELD:
                raise
        return ask(self._catalogue(stream, anew=True))

    # reading

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        """The changed records, oldest change first; of many at once, by Bulk API, in no order.

        The part `calculated` is the whole stream again, once its last reading is older than the operator wants: what
        did not change costs nothing in the hub.
        """
        self._asked(stream)
        total: int | None = (window.position or {}).get("total")
        if window.part == CALCULATED:
            pages, total = self._whole(stream, window), 0  # its records are counted in the other part
        else:
            pages = self._walk(stream, window.since, window.position)
        for page in pages:
            total = page.total if total is None else total
            position = page.position if page.position is None else {**page.position, "total": total}
            yield replace(page, total=total, position=position)

    def _whole(self, stream: str, window: Window) -> Iterator[Page]:
        if window.position is None and window.since is None:
            # Everything has just been read, in the part before.
            yield Page([], None, self._told or self._now(stream))
        elif window.position is None and not self._is_due(window.since):
            yield Page([], None, None)  # without a time, so the watermark stays that of the last reading
        else:
            yield from self._walk(stream, None, window.position)

    def _is_due(self, since: datetime | None) -> bool:
        rest = timedelta(hours=self._settings.calculated_every_hours)
        return since is None or self._tools.clock() - since >= rest

    def _walk(self, stream: str, since: datetime | None, position: Position | None) -> Iterator[Page]:
        if position is not None and "bulk" in position:
            return self._by_job(stream, position)
        return self._by_query(stream, since, position)

    def _now(self, stream: str) -> datetime | None:
        """The vendor's clock, where it has not been heard yet."""
        return self._get(f"{self._root}/sobjects/{RESOURCES[stream].sobject}/describe").server_time

    def _where(self, known: Catalogue, since: str | None, after: lists.Place | None = None) -> list[str]:
        where = list(known.where)
        if after is not None:
            where.append(soql.behind(after.stamp, after.key))
        elif since is not None:
            where.append(f"{STAMP} >= {since}")
        return where

    def _by_query(self, stream: str, since: datetime | None, position: Position | None) -> Iterator[Page]:
        resource = RESOURCES[stream]
        bound = None if since is None else soql.moment(since)
        if position is not None:
            bound = position["since"]
        elif since is None and resource.bulk:
            # Counted first: ordering everything takes the org long, and may end in its time-out.
            answer = self._with_fields(
                stream, lambda known: self._query(soql.count(resource.sobject, where=self._where(known, bound)))
            )
            if lists.total_of(answer) > self._settings.bulk_from:
                yield from self._by_bulk(stream, bound, answer)
                return

        def ask(after: lists.Place | None) -> Answer:
            return self._with_fields(
                stream,
                lambda known: self._query(
                    soql.select(
                        [column.name for column in known.columns],
                        resource.sobject,
                        where=self._where(known, bound, after),
                        order=[STAMP, "Id"],
                    ),
                    size=resource.spec.page_size,
                ),
            )

        listed = lists.by_stamp(ask, self._get, after=lists.place_of(position), where=f"Salesforce {stream}")
        for number, page in enumerate(listed):
            if number == 0 and position is None and resource.bulk and page.total > self._settings.bulk_from:
                yield from self._by_bulk(stream, bound, page)
                return
            made, faults = lists.records(page.rows, self._catalogue(stream).shape, where=stream)
            total = page.total if number == 0 and position is None and since is None else None
            behind = None if page.place is None else list(page.place)
            yield Page(
                records=made,
                position=None if page.ended else {"since": bound, "after": behind},
                server_time=page.server_time,
                total=total,
                faults=faults,
            )

    def _by_bulk(self, stream: str, bound: str | None, counted: "Answer | lists.Listed") -> Iterator[Page]:
        """The first page says that it will be a job, and starts none: who only wants to know the count stops here."""
        total = counted.total if isinstance(counted, lists.Listed) else lists.total_of(counted)
        position = {"bulk": {"since": bound, "job": None, "locator": None, "line": 0}}
        yield Page([], position, counted.server_time, total=total if bound is None else None)
        yield from self._by_job(stream, position)

    def _by_job(self, stream: str, position: Position) -> Iterator[Page]:
        """A job's result can be gone while the job is still said to be done: then there is another job, once."""
        held: dict[str, Any] = dict(position["bulk"])
        for again in (True, False):
            yield from self._begun(stream, held)
            try:
                yield from self._result(stream, held)
                return
            except (ShapeError, RecordError) as exc:
                if exc.status not in LOST_RESULT or not again:
                    raise
            held |= {"job": None, "locator": None, "line": 0}

    def _begun(self, stream: str, held: dict[str, Any]) -> Iterator[Page]:
        """Have a job that is done; a new one is noted before it is waited for."""
        resource = RESOURCES[stream]

        def text(known: Catalogue) -> str:
            names = [column.name for column in known.columns]
            return soql.select(names, resource.sobject, where=self._where(known, held["since"]))

        if held["job"] is None:
            held["job"] = self._with_fields(stream, lambda known: self._bulk.start(text(known)))
            yield Page([], {"bulk": dict(held)}, self._told)
        begun = held["job"]
        held["job"], _ = self._bulk.ready(text(self._catalogue(stream)), job=begun, where=f"Salesforce {stream}")
        if held["job"] != begun:
            held["locator"], held["line"] = None, 0  # another job: its files are read from their beginning

    def _result(self, stream: str, held: dict[str, Any]) -> Iterator[Page]:
        size = RESOURCES[stream].spec.page_size

        def reader(header: Sequence[str]) -> Callable[[Sequence[str]], Record | RowFault]:
            return lists.of_cells(self._catalogue(stream).shape, header, where=stream)

        blocks = self._bulk.blocks(held["job"], locator=held["locator"], line=held["line"], size=size, reader=reader)
        for block in blocks:
            held["locator"], held["line"] = block.locator, block.line
            yield Page(
                [one for one in block.rows if not isinstance(one, RowFault)],
                None if block.ended else {"bulk": dict(held)},
                block.server_time,
                faults=[one for one in block.rows if isinstance(one, RowFault)],
            )

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Page]:
        """These records now; what is missing is gone, merged, or invisible for us."""
        resource = RESOURCES[stream]
        # A whole query is refused for one text in it that is no id.
        ids = [key for key in keys if _ID.fullmatch(key)]
        for start in range(0, len(ids), IDS):
            yield from self._found(stream, resource, [soql.among("Id", ids[start : start + IDS])])

    def _found(
        self, stream: str, resource: Resource, conditions: Sequence[str], *, limit: int | None = None
    ) -> Iterator[Page]:
        answer = self._with_fields(
            stream,
            lambda known: self._query(
                soql.select(
                    [column.name for column in known.columns],
                    resource.sobject,
                    where=[*known.where, *conditions],
                    order=["CreatedDate DESC"] if limit is not None else (),
                    limit=limit,
                )
            ),
        )
        while True:
            rows, _, path = lists.page_of(answer)
            made, faults = lists.records(rows, self._catalogue(stream).shape, where=stream)
            yield Page(made, None, answer.server_time, faults=faults)
            if path is None:
                return
            answer = self._get(path)

    def keys(self, stream: str) -> Iterator[Sequence[str]]:
        """Every live key. A list that ends before its count is read again, then an error."""
        resource = RESOURCES[stream]
        text = soql.select(["Id"], resource.sobject, where=self._asked(stream).where)
        for _ in range(_LISTINGS):
            answer = self._query(text, size=resource.spec.page_size)
            total, seen = lists.total_of(answer), 0
            if resource.bulk and total > self._settings.bulk_from:
                yield from self._keys_by_job(stream, text)
                return
            while True:
                found = [str(row["Id"]) for row in lists.rows_of(answer)]
                seen += len(found)
                yield found
                path = lists.following(answer)
                if path is None:
                    break
                answer = self._get(path)
            if seen >= total:
                return
            # Deleted while we read, most likely: then a new list has its own count.
        raise lists.incomplete(f"Salesforce {stream}", f"ended after {seen} of {total}")

    def _keys_by_job(self, stream: str, text: str) -> Iterator[Sequence[str]]:
        where = f"Salesforce {stream}"
        job, total = self._bulk.ready(text, job=None, where=where)
        seen = 0
        size = RESOURCES[stream].spec.page_size
        for block in self._bulk.blocks(job, locator=None, line=0, size=size, reader=lambda _: itemgetter(0)):
            seen += len(block.rows)
            yield block.rows
        if total is not None and seen != total:
            raise lists.incomplete(where, f"ended after {seen} of {total}")

    # what is gone

    def removals(self, stream: str, window: Window) -> Iterator[Sequence[Removal]]:
        """What was deleted or merged since then. Salesforce keeps it for 15 days, and under load for less: then what
        is in the bin is looked through, and the sweep finds the rest."""
        resource, known = RESOURCES[stream], self._asked(stream)
        if not resource.spec.removals:
            return
        reach = resource.spec.removals_reach or timedelta(0)
        earliest = (self._told or self._tools.clock()) - reach
        since = earliest if window.since is None else max(window.since, earliest)
        binned: dict[str, tuple[datetime | None, str | None]] = {}
        if resource.merges and "MasterRecordId" in known.names:
            # Before the feed, so that what is merged meanwhile is in neither, and comes with the next window.
            binned = self._in_bin(resource, since, ["MasterRecordId != null"], master=True)
        until = self._told or self._tools.clock()
        gone: dict[str, datetime | None] = {}
        reaches = known.is_fed
        if known.is_fed:
            for deleted, back_to in removals.feed(lambda a, b: self._feed(resource, a, b), since, until):
                gone |= deleted
                reaches = reaches and (back_to is None or back_to <= since)
        if not reaches and "IsDeleted" in known.names:
            binned = self._in_bin(resource, since, [], master="MasterRecordId" in known.names) | binned
        live = self._still_there(resource, [key for key in gone if key not in binned])
        yield from removals.together({key: at for key, at in gone.items() if key not in live}, binned)

    def _feed(self, resource: Resource, since: datetime, until: datetime) -> Answer:
        bounds = {"start": removals.minutes(since), "end": removals.minutes(until)}
        return self._get(f"{self._root}/sobjects/{resource.sobject}/deleted/", bounds)

    def _in_bin(
        self, resource: Resource, since: datetime, conditions: Sequence[str], *, master: bool
    ) -> dict[str, tuple[datetime | None, str | None]]:
        text = soql.select(
            ["Id", STAMP, *(["MasterRecordId"] if master else [])],
            resource.sobject,
            where=["IsDeleted = true", *conditions, f"{STAMP} >= {soql.moment(since)}"],
        )
        found: dict[str, tuple[datetime | None, str | None]] = {}
        answer = self._query(text, everything=True)
        while True:
            for row in lists.rows_of(answer):
                found[str(row["Id"])] = (removals.at(row.get(STAMP)), row.get("MasterRecordId"))
            path = lists.following(answer)
            if path is None:
                return found
            answer = self._get(path)

    def _still_there(self, resource: Resource, keys: Sequence[str]) -> set[str]:
        """Of deleted ones those that somebody took out of the bin again."""
        there: set[str] = set()
        for start in range(0, len(keys), IDS):
            condition = soql.among("Id", keys[start : start + IDS])
            there |= {
                str(row["Id"])
                for row in lists.rows_of(self._query(soql.select(["Id"], resource.sobject, where=[condition])))
            }
        return there

    # writing

    def find(self, stream: str, write: Write) -> Sequence[Record]:
        """Did that create arrive? By its hub id, where it carries one; else by what a person would go by."""
        resource = RESOURCES[stream]
        conditions = self._identity_of(self._asked(stream), resource, write)
        if not conditions:
            return []
        return [record for page in self._found(stream, resource, conditions, limit=200) for record in page.records]

    def _identity_of(self, known: Catalogue, resource: Resource, write: Write) -> list[str]:
        kinds = {info.path: info.type for info in known.infos}
        for info in known.infos:
            if info.unique and write.hub_id is not None and write.values.get(info.path) == write.hub_id:
                return [f"{info.path} = {soql.quoted(write.hub_id)}"]
        values = sent(write.values)
        for identity in resource.identities:
            if values.get(identity[0]) is None:
                continue
            told = [(name, values[name]) for name in identity if values.get(name) is not None]
            return [
                f"{name} = {value if kinds.get(name) in ('date', 'datetime') else soql.literal(value)}"
                for name, value in told
            ]
        return []

    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        """Up to 200 records a call. Once Salesforce asks us to wait, the rest is left for later.

        Raises RecordError where a call is refused for all of its records: nothing of them was done, and which of them
        is the cause a smaller call shows.
        """
        resource = RESOURCES[stream]
        if not resource.spec.writes:
            raise SetupError(f"Salesforce's {stream} are only read", hint="take `write` away from this stream")
        fields = {info.name: info for info in self._catalogue(stream).infos}
        waits: LaterError | None = None
        for batch in batches(writes, list(fields.values())):
            if waits is not None:
                yield from _all(batch, "later", waits.text)
                continue
            try:
                yield from self._send(resource, batch, fields)
            except UnknownOutcomeError as exc:
                yield from _all(batch, "unknown", exc.text)
            except LaterError as exc:
                waits = exc
                yield from _all(batch, "later", exc.text)

    def _send(self, resource: Resource, batch: Batch, fields: Mapping[str, FieldInfo]) -> list[Outcome]:
        try:
            answer = self._heard(
                self._transport.request(
                    batch.method,
                    batch.path(self._root, resource.sobject),
                    headers=self._write_headers(),
                    idempotent=False,
                    **batch.asked(resource.sobject),
                )
            )
        except RecordError as exc:
            told = [one for one in exc.details or () if isinstance(one, dict)] if isinstance(exc.details, list) else []
            why = f"{exc.text}; {reason(told, fields)}"
            if len(batch.writes) > 1:
                raise RecordError(why, hint=exc.hint, code=exc.code) from exc
            return _all(batch, "rejected", why)
        try:
            found = outcomes(batch, answer.json, fields)
        except ShapeError:
            found = None
        return found or _all(batch, "unknown", f"{answer.origin}: the answer to a write cannot be read")

    def _write_headers(self) -> dict[str, str]:
        headers = {"Sforce-Mru": "updateMru=false"}
        if not self._settings.assignment_rules:
            headers["Sforce-Auto-Assign"] = "FALSE"
        if self._settings.duplicates == "save":
            headers["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
        return headers


def _all(batch: Batch, status: Literal["later", "unknown", "rejected"], why: str) -> list[Outcome]:
    return [Outcome(write.action, status, write.key, reason=why) for write in batch.writes]


def left_of(told: tuple[int, int]) -> int:
    return max(0, told[1] - told[0])


def unpacked(answer: Answer) -> Answer:
    """The answer of the one query that a batch was made of; raises as it would have by itself."""
    body = answer.json
    results = body.get("results") if isinstance(body, dict) else None
    if not isinstance(results, list) or len(results) != 1 or not isinstance(results[0], dict):
        raise lists.unknown_form(answer)
    one = results[0]
    status, result = one.get("statusCode"), one.get("result")
    if status == 200:
        content = ENCODER.encode(result)
        return Answer(status, content, answer.headers, answer.server_time, answer.elapsed, answer.origin)
    code = STATUSES.vendor_code(result) if result else None
    error: ShapeError | LaterError
    if code == BUSY or STATUSES.rule(int(status or 500), code).family in ("retry", "later"):
        error = LaterError(f"{answer.origin}: {status}, {code}", hint="nothing: the next run asks again", code="CW302")
    else:
        error = ShapeError(f"{answer.origin}: the query was refused: {status}, {code}", code="CW307")
    error.status, error.vendor_code, error.details = status, code, result
    raise error
