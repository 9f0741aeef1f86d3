"""Surveys, responses, directory contacts and mailings of Qualtrics. Vendor facts: README.md beside this file."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, ClassVar, Final, Literal
from urllib.parse import quote

from msgspec.structs import replace

from connectors.qualtrics import contacts, lists, mailings
from connectors.qualtrics.auth import authorizer, base_url
from connectors.qualtrics.contacts import Search
from connectors.qualtrics.exports import Exports, stamp
from connectors.qualtrics.questions import NOTHING, Columns, columns, is_answer, joined, listed
from connectors.qualtrics.settings import QualtricsSettings, QualtricsStream, length
from connectors.qualtrics.streams import (
    API,
    CONTACTS,
    CONTACTS_PAGE,
    FIELDS,
    HITS,
    RESPONSES,
    RESPONSES_PAGE,
    SCOPES,
    STATUSES,
    STREAMS,
    SURVEYS_AT_ONCE,
    embedded,
)
from connectors.sdk import (
    Account,
    Answer,
    Burst,
    FieldInfo,
    Json,
    LaterError,
    Limits,
    Outcome,
    Page,
    Patience,
    Position,
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
)

# Of the whole brand, whoever asks (README, Limits).
_BURST: Final = Burst(3000, 60.0)
# An export is ready within seconds, a large one within minutes.
_PATIENCE: Final = Patience(first=timedelta(seconds=1), rarest=timedelta(seconds=15), longest=timedelta(minutes=30))
# Up to so many responses one call for each and each survey is cheaper than an export of ids.
_ONE_BY_ONE: Final = 3
# What is exported where only the ids are wanted.
_IDS_ALONE: Final[Mapping[str, Json]] = {"questionIds": [], "embeddedDataIds": [], "surveyMetadataIds": ["_recordId"]}
# Who answered from where is nobody's affair.
_LEFT_OUT: Final = frozenset({"ipAddress", "locationLatitude", "locationLongitude", "_recordId"})
_METADATA: Final = frozenset(
    {
        "startDate", "endDate", "status", "progress", "duration", "finished", "recordedDate", "recipientLastName",
        "recipientFirstName", "recipientEmail", "externalDataReference", "distributionChannel", "userLanguage",
    }
)  # fmt: skip


class QualtricsConnector:
    name: ClassVar[str] = "qualtrics"
    label: ClassVar[str] = "Qualtrics"
    unit: ClassVar[str] = "calls"
    role: ClassVar[Literal["crm", "files", "cem"]] = "cem"
    settings: ClassVar[type[Settings]] = QualtricsSettings
    stream_settings: ClassVar[type[StreamSettings]] = QualtricsStream
    # How long the directory's index lags is the operator's word, so an instance has declarations of its own.
    streams: Mapping[str, StreamSpec] = STREAMS

    def __init__(self, transport: Transport, settings: QualtricsSettings, tools: Tools) -> None:
        self._transport = transport
        self._settings = settings
        self._tools = tools
        lag = length(self._own(CONTACTS).index_lag)
        self.streams = {
            **self.streams,
            CONTACTS: replace(self.streams[CONTACTS], hold_back=lag, visibility_lag=lag),
        }
        self._lock = threading.Lock()
        self._directory = settings.directory
        self._edited: dict[str, str] = {}  # survey -> when it was last edited, as last listed
        self._asked: dict[str, tuple[str, Columns]] = {}  # survey -> of which edit, its questions

    @classmethod
    def connect(cls, settings: QualtricsSettings, tools: Tools) -> "QualtricsConnector":
        transport = Transport(
            base_url(settings),
            authorizer(settings, tools),
            STATUSES,
            tools,
            tools.connection,
            limits=Limits(bursts=(_BURST,)),
            insecure=settings.insecure,
        )
        return cls(transport, settings, tools)

    def close(self) -> None:
        self._transport.close()

    # who we are, and what there is

    def account(self) -> Account:
        answer = self._transport.get(f"{API}/whoami")
        me = lists.result(answer)
        brand, user = me.get("brandId"), me.get("userId")
        if not brand or not user:
            raise lists.unknown_form(answer)
        center = me.get("datacenter")
        return Account(
            id=str(brand),
            name=f"{brand} at {center}" if center else str(brand),
            identity=str(user),
            missing=self._missing(),
        )

    def _missing(self) -> Mapping[str, Sequence[str]]:
        """Streams whose scope was not granted. Only a client's token names its scopes; a user's has none."""
        held = self._tools.tokens.read(self._tools.connection)
        granted = set((held.extra.get("scope") or "").split()) if held is not None else set()
        if not granted or "manage:all" in granted:
            return {}
        return {name: (scopes[0],) for name, scopes in SCOPES.items() if granted.isdisjoint(scopes)}

    def fields(self, stream: str) -> Sequence[FieldInfo]:
        """What every row has, and the embedded data that is known.

        Of responses that of the surveys which take part; without a list of the operator's it is the latest ones that
        are asked. Of contacts what the first of them hold: the directory has no catalogue, and any key can be written.
        """
        found: dict[str, FieldInfo] = {}
        if stream == RESPONSES:
            for survey in self._listed_by_operator(stream) or self._all_surveys()[:SURVEYS_AT_ONCE]:
                for one in self._running(survey).get("embeddedData") or ():
                    if isinstance(one, Mapping) and one.get("name"):
                        found[str(one["name"])] = embedded(str(one["name"]), write=False)
        elif stream == CONTACTS:
            for row in lists.page(self._list_contacts({})).rows:
                for name in row.get("embeddedData") or ():
                    found[str(name)] = embedded(str(name), write=True)
        return [*FIELDS[stream], *found.values()]

    def parts(self, stream: str) -> Sequence[str]:
        """Of responses and mailings: the surveys, those that the operator lists or all of them."""
        if not STREAMS[stream].parts:
            return [""]
        return self._listed_by_operator(stream) or self._all_surveys()

    def _own(self, stream: str) -> QualtricsStream:
        own = self._settings.streams.get(stream)
        return own if isinstance(own, QualtricsStream) else QualtricsStream()

    def _listed_by_operator(self, stream: str) -> Sequence[str]:
        return self._own(stream).parts

    def _pool(self) -> str:
        """The directory, by its address: that of the file, else the brand's default one."""
        with self._lock:
            held = self._directory
        if held is None:
            rows = lists.page(self._transport.get(f"{API}/directories")).rows
            held = next((str(row["directoryId"]) for row in rows if row.get("isDefault")), None)
            if held is None:
                raise SetupError(
                    "Qualtrics names no default directory",
                    hint="write `directory: POOL_...` as it stands under Account Settings, Qualtrics IDs",
                    code="CW102",
                )
            with self._lock:
                self._directory = held
        return f"{API}/directories/{quote(held, safe='')}"

    # surveys

    def _survey_pages(self) -> Iterator[lists.Listed]:
        for page in lists.each_page(
            lambda params: self._transport.get(f"{API}/surveys", params), {}, where="Qualtrics surveys"
        ):
            with self._lock:
                self._edited.update({str(row.get("id")): str(row.get("lastModified")) for row in page.rows})
            yield page

    def _all_surveys(self) -> list[str]:
        """The latest edited first."""
        rows = {str(row["id"]): str(row.get("lastModified")) for page in self._survey_pages() for row in page.rows}
        return sorted(rows, key=lambda key: (rows[key], key), reverse=True)

    def _running(self, survey: str) -> dict[str, Json]:
        """A survey as it runs, with the numbers of its responses."""
        return lists.result(self._of_survey(f"{_path(survey)}", survey))

    def _of_survey(self, path: str, survey: str) -> Answer:
        """What stands under a survey's address. A survey that is not there is a mistake in the file, or was deleted."""
        answer = self._transport.get(path, accept={404})
        if answer.status == 404:
            raise SetupError(
                f"Qualtrics has no survey '{survey}', or this user may not see it",
                hint="take it away from `surveys` if it was deleted there. Else the id begins with SV_"
                " and stands under Account Settings, Qualtrics IDs, and who owns the survey shares it with the user of"
                " the token",
                code="CW102",
            )
        return answer

    def _definition(self, survey: str) -> dict[str, Json]:
        return lists.result(self._of_survey(f"{API}/survey-definitions/{quote(survey, safe='')}", survey))

    def _columns(self, survey: str) -> Columns:
        """A survey's questions, read anew unless a list has said that the survey is as it was."""
        with self._lock:
            edited = self._edited.get(survey)
            held = self._asked.get(survey)
        if held is not None and held[0] == edited:
            return held[1]
        return self._keep_columns(survey, self._definition(survey))

    def _keep_columns(self, survey: str, definition: Mapping[str, Json]) -> Columns:
        asked = columns(definition)
        with self._lock:
            if survey in self._edited:
                self._asked[survey] = (self._edited[survey], asked)
        return asked

    # reading

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        """Surveys and contacts: oldest change first. Responses: in the order of the export. Mailings: by their id."""
        match stream:
            case "surveys":
                return self._pull_surveys(window)
            case "responses":
                return self._pull_responses(window)
            case "distributions":
                return self._pull_mailings(window)
        return self._pull_contacts(window)

    def _pull_surveys(self, window: Window) -> Iterator[Page]:
        changed: dict[str, Mapping[str, Json]] = {}
        server_time: datetime | None = None
        for page in self._survey_pages():
            server_time = server_time or page.server_time
            changed.update((str(row.get("id")), row) for row in page.rows if not _older(row, window))
        done = None if window.position is None else tuple(window.position["after"])
        rows = sorted((row for row in changed.values() if done is None or _place(row) > done), key=_place)
        for start in range(0, len(rows) or 1, SURVEYS_AT_ONCE):
            some = rows[start : start + SURVEYS_AT_ONCE]
            more = start + SURVEYS_AT_ONCE < len(rows)
            made, faults = self._surveys(some)
            yield Page(made, {"after": list(_place(some[-1]))} if more else None, server_time, faults=faults)

    def _surveys(self, rows: Sequence[Mapping[str, Json]]) -> tuple[list[RemoteRecord], list[RowFault]]:
        made: list[RemoteRecord] = []
        faults: list[RowFault] = []
        for row in rows:
            key = row.get("id")
            try:
                modified = lists.at(row.get("lastModified"))
                if not isinstance(key, str) or not key:
                    raise ValueError("a survey without an id")
            except ValueError:
                faults.append(RowFault(f"surveys/{key}", None, "a survey without an id or a readable date", dict(row)))
                continue
            try:
                definition = self._definition(key)
            except SetupError:
                continue  # deleted since it was listed
            self._keep_columns(key, definition)
            made.append(RemoteRecord(key, row.get("lastModified"), modified, _survey_values(row, definition)))
        return made, faults

    # responses

    def _exports(self, survey: str) -> Exports:
        where = f"Qualtrics responses of {survey}"
        return Exports(self._transport, self._tools, _path(survey), where=where, patience=_PATIENCE)

    def _pull_responses(self, window: Window) -> Iterator[Page]:
        """A job is started, and noted before it is waited for; the file is read from the line on that was landed last.

        Between two windows the position holds what the next one goes on from: the vendor's token and the numbers of
        responses, by which a survey that nobody touched is known without an export.
        """
        position = window.position or {}
        if "job" not in position:
            opened = self._open(window, position)
            if opened is None:
                yield Page([], position or None, None, last=True)  # deleted since the surveys were listed
                return
            position, server_time, quiet = opened
            if quiet:
                yield Page([], position, server_time, last=True)
                return
            yield Page([], position, server_time)
        yield from self._export(window.part, position)

    def _open(self, window: Window, before: Position) -> tuple[dict[str, Json], datetime | None, bool] | None:
        """The position of a new window, the vendor's time, and whether there is nothing to be read."""
        survey = window.part
        try:
            answer = self._of_survey(_path(survey), survey)
        except SetupError:
            if survey in self._listed_by_operator(RESPONSES):
                raise
            return None
        counts, now = lists.result(answer).get("responseCounts"), answer.server_time
        read_to = lists.at(before.get("read_to"))
        if (
            counts is not None
            and counts == before.get("counts")
            and now is not None
            and read_to is not None
            and now - read_to < length(self._own(RESPONSES).quiet)
        ):
            return dict(before), now, True
        since = window.since if read_to is None else read_to - STREAMS[RESPONSES].hold_back
        opened: dict[str, Json] = {
            "token": before.get("token"),
            "since": None if since is None else stamp(since),
            "read_to": None if now is None else stamp(now),
            "counts": counts,
            "line": 0,
        }
        return {**opened, "job": self._begin(survey, opened)}, now, False

    def _begin(self, survey: str, position: Position) -> str:
        """Start the job of a window: behind the token, else from a date on, else from the beginning."""
        exports = self._exports(survey)
        always = {"allowContinuation": True}
        if position["token"] is not None:
            job = exports.start({"continuationToken": position["token"]})
            if job is not None:
                return job
        since = {} if position["since"] is None else {"startDate": position["since"]}
        job = exports.start({**always, **since})
        if job is None:
            raise ShapeError(f"Qualtrics responses of {survey}: the export is refused", code="CW307")
        return job

    def _export(self, survey: str, position: Position) -> Iterator[Page]:
        exports = self._exports(survey)
        read_to = lists.at(position["read_to"])
        job, line = str(position["job"]), int(position["line"])
        asked: Columns | None = None
        for _ in range(2):
            began: list[str] = []

            def begin(began: list[str] = began) -> str:
                began.append(self._begin(survey, position))
                return began[-1]

            file = exports.wait(begin, job or None)
            if began:
                job, line = began[-1], 0  # another file than the one whose lines were counted
            with exports.lines(file) as rows:
                if rows is None:
                    job, line = "", 0
                    continue
                done = {"token": file.token, "read_to": position["read_to"], "counts": position["counts"]}
                for some, more in _in_pages(islice(rows, line, None)):
                    if asked is None and some:
                        asked = self._columns(survey)
                    line += len(some)
                    made, faults = _responses(some, survey, asked or NOTHING)
                    goes_on = {**position, "job": job, "line": line}
                    yield Page(made, goes_on if more else done, read_to, faults=faults, last=not more, asked=asked)
                return
        raise ShapeError(f"Qualtrics responses of {survey}: the file of a finished export is not there", code="CW307")

    def _ids(self, survey: str) -> Iterator[Sequence[str]]:
        """The ids of all responses of a survey, by an export of nothing else. Its file proves that it is whole."""
        exports = self._exports(survey)

        def begin() -> str:
            job = exports.start(_IDS_ALONE)
            if job is None:
                raise ShapeError(f"Qualtrics responses of {survey}: the export of ids is refused", code="CW307")
            return job

        with exports.lines(exports.wait(begin, None)) as rows:
            if rows is None:
                raise LaterError(f"Qualtrics responses of {survey}: the file of the export is not there", code="CW302")
            while some := [str(row.get("responseId")) for row in islice(rows, RESPONSES_PAGE)]:
                yield some

    # contacts

    def _search(self, body: Json, token: str | None, *, lane: Literal["read", "write"] = "read") -> Answer:
        asked: dict[str, Any] = {"pageSize": CONTACTS_PAGE, **({} if token is None else {"skipToken": token})}
        try:
            return self._transport.request(
                "POST", f"{self._pool()}/contacts/search", params=asked, json=body, lane=lane, idempotent=True
            )
        except RecordError as exc:
            shape = ShapeError(exc.text, hint=exc.hint, code="CW307")  # our question, and no record's fault
            shape.status, shape.vendor_code, shape.details = exc.status, exc.vendor_code, exc.details
            raise shape from exc

    def _list_contacts(self, params: Mapping[str, Any]) -> Answer:
        asked = {"pageSize": CONTACTS_PAGE, "useNewPaginationScheme": True, "includeEmbedded": True, **params}
        return self._transport.get(f"{self._pool()}/contacts", asked)

    def _contact_pages(self, first: Mapping[str, Any]) -> Iterator[lists.Listed]:
        return lists.each_page(self._list_contacts, first, where="Qualtrics directory contacts")

    def _pull_contacts(self, window: Window) -> Iterator[Page]:
        """By a search, which goes by the index; only where more contacts changed in one second than it shows, by the
        whole list."""
        if window.position is not None and "listed" in window.position:
            yield from self._pull_list(window.position)
            return
        search = Search.since(window.since) if window.position is None else Search.at(window.position)
        while True:
            page = lists.page(self._search(search.filter(), search.token))
            made, faults = _contacts(page.rows)
            token = None if page.following is None else page.following.get("skipToken")
            search = search.shown(made, token, cap=HITS)
            if search.one_second:
                yield Page(made, {"listed": {}}, page.server_time, faults=faults)
                yield from self._pull_list({"listed": {}})
                return
            yield Page(made, search.position(), page.server_time, faults=faults)
            if not search.windows:
                return

    def _pull_list(self, position: Position) -> Iterator[Page]:
        for page in self._contact_pages(position["listed"]):
            made, faults = _contacts(page.rows)
            goes_on = None if page.following is None else {"listed": dict(page.following)}
            yield Page(made, goes_on, page.server_time, faults=faults)

    # mailings

    def _distributions(self, survey: str) -> Iterator[lists.Listed]:
        asked = {"surveyId": survey, "useNewPaginationScheme": True}
        return lists.each_page(
            lambda params: self._transport.get(f"{API}/distributions", params),
            asked,
            where=f"Qualtrics distributions of {survey}",
        )

    def _pull_mailings(self, window: Window) -> Iterator[Page]:
        """Of each mailing whose figures have moved, everybody who was asked. One that is long over is read once."""
        survey, before = window.part, window.position or {}
        known, left = dict(before.get("figures", {})), dict(before.get("left", {}))
        over, server_time = before.get("over"), lists.at(before.get("opened"))
        start = before.get("page") or {}
        if not left:
            listed_now = list(self._distributions(survey))
            server_time = next((page.server_time for page in listed_now), None)
            rows = [row for page in listed_now for row in page.rows if mailings.is_followed(row, since=over)]
            now = {str(row["id"]): mailings.figures(row) for row in rows if row.get("id")}
            known = {key: told for key, told in known.items() if key in now}
            left = {key: told for key, told in now.items() if known.get(key) != told}
            over = mailings.over(server_time)
        state = {"over": over, "opened": None if server_time is None else server_time.isoformat()}
        for key in sorted(left):
            for page in self._history(survey, key, start):
                made, faults = mailings.records(page.rows, survey=survey, distribution=key)
                if page.following is None:
                    known[key] = left.pop(key)
                goes_on = {"figures": dict(known), "left": dict(left), "page": page.following, **state}
                yield Page(made, goes_on, server_time, faults=faults)
            start = {}
        yield Page([], {"figures": known, **state}, server_time, last=True)

    def _history(self, survey: str, key: str, start: Mapping[str, str]) -> Iterator[lists.Listed]:
        """One mailing, from a page on."""
        return lists.each_page(
            lambda params: self._transport.get(f"{API}/distributions/{quote(key, safe='')}/history", params),
            {"surveyId": survey, **start},
            where=f"Qualtrics distribution {key}",
        )

    # by key

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Page]:
        """These records now; what is missing is gone or invisible."""
        match stream:
            case "surveys":
                wanted = set(keys)
                rows = {str(row.get("id")): row for page in self._survey_pages() for row in page.rows}
                made, faults = self._surveys([row for key, row in rows.items() if key in wanted])
                yield Page(made, None, None, faults=faults)
            case "responses":
                yield from self._fetch_responses(keys)
            case "distributions":
                yield from self._fetch_mailings(keys)
            case _:
                yield from self._fetch_contacts(keys)

    def _fetch_contacts(self, keys: Sequence[str]) -> Iterator[Page]:
        for key in keys:
            answer = self._transport.get(f"{self._pool()}/contacts/{quote(key, safe='')}", accept={404})
            if answer.status != 404:
                made, faults = _contacts([lists.result(answer)])
                yield Page(made, None, answer.server_time, faults=faults)

    def _fetch_responses(self, keys: Sequence[str]) -> Iterator[Page]:
        """A response's id does not say of which survey it is: few are looked for in every one, many by their lists."""
        missing = set(keys)
        for survey in self._where_to_look():
            if not missing:
                return
            there = missing
            if len(missing) > _ONE_BY_ONE:
                there = {key for some in self._ids(survey) for key in some if key in missing}
            for key in sorted(there):
                answer = self._transport.get(f"{_path(survey)}/responses/{quote(key, safe='')}", accept={404})
                if answer.status == 404:
                    continue
                missing.discard(key)
                asked = self._columns(survey)
                made, faults = _responses([lists.result(answer)], survey, asked)
                yield Page(made, None, answer.server_time, faults=faults, asked=asked)

    def _where_to_look(self) -> Iterator[str]:
        """The surveys of the stream, then the others: what was read of one that is no longer listed is not gone."""
        listed_ones = self._listed_by_operator(RESPONSES)
        there = self._all_surveys()
        yield from (survey for survey in listed_ones if survey in there)
        yield from (survey for survey in there if survey not in listed_ones)

    def _fetch_mailings(self, keys: Sequence[str]) -> Iterator[Page]:
        wanted = set(keys)
        mailed = {key.partition("/")[0] for key in keys}
        for survey in self._all_surveys():
            there = [str(row.get("id")) for page in self._distributions(survey) for row in page.rows]
            for key in sorted(mailed.intersection(there)):
                for page in self._history(survey, key, {}):
                    made, _ = mailings.records(page.rows, survey=survey, distribution=key)
                    yield Page([one for one in made if one.key in wanted], None, page.server_time)

    def keys(self, stream: str) -> Iterator[Sequence[str]]:
        """Every live key, by lists that name their end and exports whose file is whole."""
        match stream:
            case "surveys":
                for page in self._survey_pages():
                    yield [str(row["id"]) for row in page.rows]
            case "responses":
                for survey in self.parts(RESPONSES):
                    yield from self._ids(survey)
            case "directory_contacts":
                for page in self._contact_pages({}):
                    yield [str(row["contactId"]) for row in page.rows]
            case _:
                raise SetupError(f"Qualtrics' {stream} are not swept")

    def removals(self, stream: str, window: Window) -> Iterator[Sequence[Removal]]:
        """Qualtrics has no list of deletions: the sweep finds them."""
        return iter(())

    # writing

    def find(self, stream: str, write: Write) -> Sequence[RemoteRecord]:
        """Did that create arrive, or is somebody's contact with its identifiers there? By the external reference where
        one was sent, else by the address; both go by the index, which lags."""
        if stream != CONTACTS:
            return []
        for kind in ("extRef", "email"):
            value = write.values.get(kind)
            if isinstance(value, str) and value:
                page = lists.page(self._search(contacts.equals(kind, value), None))
                made, _ = _contacts(page.rows)
                if made:
                    return made
        return []

    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        """One call each. Once Qualtrics asks us to wait, the rest is left for later."""
        if stream != CONTACTS:
            raise SetupError(f"Qualtrics' {stream} are only read", hint="take `write` away from this stream")
        waits: LaterError | None = None
        for write in writes:
            if waits is not None:
                yield Outcome(write.action, "later", write.key, reason=waits.text)
                continue
            try:
                yield self._send(write)
            except UnknownOutcomeError as exc:
                yield Outcome(write.action, "unknown", write.key, reason=exc.text)
            except LaterError as exc:
                waits = exc
                yield Outcome(write.action, "later", write.key, reason=exc.text)
            except RecordError as exc:
                yield Outcome(write.action, "rejected", write.key, reason=exc.text)

    def _send(self, write: Write) -> Outcome:
        body = contacts.body(write.values)
        if "unsubscribed" in body and body["unsubscribed"] is not True:
            # Whoever opted out stays out: nobody but the contact takes that back.
            return Outcome(write.action, "rejected", write.key, reason="an opt-out is never taken back")
        lane: Literal["optout", "write"] = "optout" if body.keys() == {"unsubscribed"} else "write"
        if write.op == "create":
            answer = self._transport.request("POST", f"{self._pool()}/contacts", json=body, lane=lane)
            try:
                key = lists.result(answer).get("id")
            except ShapeError as exc:
                raise UnknownOutcomeError(f"{answer.origin}: the answer to a create cannot be read") from exc
            if not isinstance(key, str) or not key:
                raise UnknownOutcomeError(f"{answer.origin}: the answer to a create names no contact")
            return Outcome(write.action, "done", key)
        path = f"{self._pool()}/contacts/{quote(str(write.key), safe='')}"
        # Not sent twice: in between somebody else may have edited what it sets.
        self._transport.request("PUT", path, json=body, lane=lane, idempotent=False)
        return Outcome(write.action, "done", write.key)


def _in_pages(rows: Iterator[Mapping[str, Json]]) -> Iterator[tuple[Sequence[Mapping[str, Json]], bool]]:
    """Pages of an export, at least one, and whether another one follows."""
    some = list(islice(rows, RESPONSES_PAGE))
    while True:
        ahead = list(islice(rows, RESPONSES_PAGE))
        yield some, bool(ahead)
        if not ahead:
            return
        some = ahead


def _path(survey: str) -> str:
    """Where a survey stands; its id comes from a file."""
    return f"{API}/surveys/{quote(survey, safe='')}"


def _older(row: Mapping[str, Json], window: Window) -> bool:
    """Was this survey last edited before the window? One whose date cannot be read is not."""
    try:
        moment = lists.at(row.get("lastModified"))
    except ValueError:
        return False
    return window.since is not None and moment is not None and moment < window.since


def _place(row: Mapping[str, Json]) -> tuple[str, str]:
    return str(row.get("lastModified")), str(row.get("id"))


def _survey_values(row: Mapping[str, Json], definition: Mapping[str, Json]) -> dict[str, Json]:
    options = definition.get("SurveyOptions")
    return {
        **{name: row.get(name) for name in ("id", "name", "isActive", "creationDate", "lastModified")},
        "language": options.get("SurveyLanguage") if isinstance(options, Mapping) else None,
        "questions": listed(definition),
        "embeddedData": sorted(_carried(definition.get("SurveyFlow"))),
    }


def _carried(flow: Json) -> set[str]:
    """The embedded data that a survey's flow names, at whatever depth."""
    found: set[str] = set()
    if isinstance(flow, Mapping):
        for one in flow.get("EmbeddedData") or ():
            if isinstance(one, Mapping) and one.get("Field"):
                found.add(str(one["Field"]))
        for one in flow.get("Flow") or ():
            found |= _carried(one)
    return found


def _responses(
    rows: Sequence[Mapping[str, Json]], survey: str, asked: Columns
) -> tuple[list[RemoteRecord], list[RowFault]]:
    made: list[RemoteRecord] = []
    faults: list[RowFault] = []
    for row in rows:
        one = _response(row, survey, asked)
        if isinstance(one, RemoteRecord):
            made.append(one)
        else:
            key = row.get("responseId")
            faults.append(RowFault(f"responses/{key or survey}", key if isinstance(key, str) else None, one, dict(row)))
    return made, faults


def _response(row: Mapping[str, Json], survey: str, asked: Columns) -> RemoteRecord | str:
    """One response as a record, or why it cannot be one. What is no answer and none of the vendor's own is embedded
    data."""
    key, told = row.get("responseId"), row.get("values")
    if not isinstance(key, str) or not key:
        return "a response without an id"
    if not isinstance(told, Mapping):
        return "a response without values"
    recorded = told.get("recordedDate")
    try:
        modified = lists.at(recorded)
    except ValueError:
        return "a response whose dates cannot be read"
    if modified is None:
        return "a response without a date"
    kept = {name: None if value == "" else value for name, value in told.items() if name not in _LEFT_OUT}
    values = {name: value for name, value in kept.items() if name in _METADATA or is_answer(name)}
    return RemoteRecord(
        key,
        str(recorded),
        modified,
        {
            "responseId": key,
            "surveyId": survey,
            "values": values,
            "answers": joined(values, asked),
            "embeddedData": {name: value for name, value in kept.items() if name not in values},
        },
    )


def _contacts(rows: Sequence[Mapping[str, Json]]) -> tuple[list[RemoteRecord], list[RowFault]]:
    made: list[RemoteRecord] = []
    faults: list[RowFault] = []
    for row in rows:
        one = contacts.record(row)
        if isinstance(one, RemoteRecord):
            made.append(one)
        else:
            key = row.get("contactId") or row.get("id")
            faults.append(RowFault(f"{CONTACTS}/{key}", key if isinstance(key, str) else None, one, dict(row)))
    return made, faults
