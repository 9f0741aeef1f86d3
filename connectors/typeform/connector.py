"""Forms and their responses, from Typeform. Read only. Vendor facts: README.md beside this file."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal
from urllib.parse import quote

from connectors.sdk import (
    Account,
    Answer,
    AuthorizationCode,
    Burst,
    FieldInfo,
    GoneError,
    Json,
    Limits,
    Outcome,
    Page,
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
    Window,
    Write,
)
from connectors.sdk.rows import unknown_form
from connectors.typeform import lists
from connectors.typeform.auth import REGISTRATION, authorization, authorizer, base_url
from connectors.typeform.questions import NOTHING, Questions, joined, questions
from connectors.typeform.settings import TypeformSettings, TypeformStream
from connectors.typeform.streams import (
    FIELDS,
    FORMS,
    FORMS_AT_ONCE,
    FORMS_PAGE,
    IDS,
    RESPONSES,
    RESPONSES_PAGE,
    STATUSES,
    STREAMS,
)

# Of an account, whoever asks (README, Limits).
_BURST: Final = Burst(2, 1.0)
_EVERY_TYPE: Final = "started,partial,completed"
# What stays of a form: what its answers need, and nothing of who is notified of them.
_OF_FORM: Final = ("id", "type", "title", "created_at", "last_updated_at", "fields", "hidden", "_links")
_OF_SETTINGS: Final = ("is_public", "language")
# What stays of the device: no address and no browser's full signature.
_OF_METADATA: Final = ("platform", "browser")
_LEFT_OUT: Final = frozenset({"landing_id", "metadata"})


class TypeformConnector:
    name: ClassVar[str] = "typeform"
    label: ClassVar[str] = "Typeform"
    unit: ClassVar[str] = "calls"
    role: ClassVar[Literal["crm", "files", "cem"]] = "cem"
    settings: ClassVar[type[Settings]] = TypeformSettings
    stream_settings: ClassVar[type[StreamSettings]] = TypeformStream
    streams: ClassVar[Mapping[str, StreamSpec]] = STREAMS
    registration: ClassVar[Sequence[str]] = REGISTRATION

    def __init__(self, transport: Transport, settings: TypeformSettings, tools: Tools) -> None:
        self._transport = transport
        self._settings = settings
        self._tools = tools
        self._lock = threading.Lock()
        self._updated: dict[str, str] = {}  # form -> when it was last updated, as last listed
        self._asked: dict[str, tuple[str, Questions]] = {}  # form -> of which update, its questions

    @classmethod
    def connect(cls, settings: TypeformSettings, tools: Tools) -> "TypeformConnector":
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

    @property
    def authorization(self) -> AuthorizationCode | None:
        return authorization(self._settings, self._tools)

    def close(self) -> None:
        self._transport.close()

    # who we are, and what there is

    def account(self) -> Account:
        answer = self._transport.get("/me")
        me = answer.json
        if not isinstance(me, dict):
            raise unknown_form(answer)
        name = me.get("alias") or me.get("email")
        number = me.get("user_id") or me.get("email") or name
        if not number:
            raise unknown_form(answer)
        return Account(id=str(number), name=str(name), identity=str(me.get("email") or name))

    def fields(self, stream: str) -> Sequence[FieldInfo]:
        """What every row has; of responses also the hidden fields of the forms that take part.

        A form tells them only when it is asked for by itself, so without a list of the operator's it is the latest
        forms that are asked; the others' hidden fields can be read all the same.
        """
        if stream != RESPONSES:
            return FIELDS[stream]
        hidden: dict[str, FieldInfo] = {}
        for form in self._listed_by_operator() or self._all_forms()[:FORMS_AT_ONCE]:
            for name in self._form(form).get("hidden") or ():
                path = f"hidden.{name}"
                hidden[path] = FieldInfo(name=path, label=str(name), type="text", path=path, custom=True)
        return [*FIELDS[stream], *hidden.values()]

    def parts(self, stream: str) -> Sequence[str]:
        """Of responses: the forms, those that the operator lists or all of them."""
        if stream != RESPONSES:
            return [""]
        return self._listed_by_operator() or self._all_forms()

    def _own(self) -> TypeformStream:
        own = self._settings.streams.get(RESPONSES)
        return own if isinstance(own, TypeformStream) else TypeformStream()

    def _listed_by_operator(self) -> Sequence[str]:
        return self._own().parts

    def _all_forms(self) -> list[str]:
        forms: dict[str, None] = {}
        for page in self._form_pages():
            forms.update((str(row["id"]), None) for row in page.rows)
        return list(forms)

    def _form_pages(self) -> Iterator[lists.Listed]:
        def ask(page: int) -> Answer:
            asked = {"page": page, "page_size": FORMS_PAGE, "sort_by": "last_updated_at", "order_by": "desc"}
            return self._transport.get("/forms", asked)

        for page in lists.each_form(ask, where="Typeform forms"):
            with self._lock:
                self._updated.update({str(row.get("id")): str(row.get("last_updated_at")) for row in page.rows})
            yield page

    def _form(self, form: str) -> dict[str, Json]:
        """One form with its questions. A form that is not there is a mistake in the file, or was deleted."""
        answer = self._transport.get(_path(form), accept={404})
        if answer.status == 404 and form not in self._listed_by_operator():
            raise _gone(form)
        if answer.status == 404:
            raise SetupError(
                f"Typeform has no form '{form}', or this token may not see it",
                hint="take it away from `surveys` if it was deleted there. Else the id stands in the"
                " form's address, behind /to/",
                code="CW102",
            )
        found = answer.json
        if not isinstance(found, dict):
            raise unknown_form(answer)
        return found

    def _questions(self, form: str) -> Questions:
        """A form's questions, read anew unless a list has said that the form is as it was."""
        with self._lock:
            updated = self._updated.get(form)
            held = self._asked.get(form)
        if held is not None and held[0] == updated:
            return held[1]
        return self._keep_questions(form, self._form(form))

    def _keep_questions(self, form: str, found: Mapping[str, Json]) -> Questions:
        asked = questions(found)
        with self._lock:
            stamp = found.get("last_updated_at") or self._updated.get(form)
            if stamp is not None:
                self._asked[form] = (str(stamp), asked)
        return asked

    # reading

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        """Forms: oldest change first. Responses of one form: newest first, which is how the list can be paged."""
        return self._pull_forms(window) if stream == FORMS else self._pull_responses(window)

    def _pull_forms(self, window: Window) -> Iterator[Page]:
        changed: dict[str, Mapping[str, Json]] = {}
        first: lists.Listed | None = None
        for page in self._form_pages():
            first = first or page
            changed.update((str(row.get("id")), row) for row in page.rows if not _older(row, window))
            if _falling(page.rows) and _older(page.rows[-1], window):
                break
        server_time = None if first is None else first.server_time
        done = None if window.position is None else tuple(window.position["after"])
        rows = sorted((row for row in changed.values() if done is None or _place(row) > done), key=_place)
        for start in range(0, len(rows) or 1, FORMS_AT_ONCE):
            some = rows[start : start + FORMS_AT_ONCE]
            more = start + FORMS_AT_ONCE < len(rows)
            made, faults = self._forms(some)
            yield Page(made, {"after": list(_place(some[-1]))} if more else None, server_time, faults=faults)

    def _forms(self, rows: Sequence[Mapping[str, Json]]) -> tuple[list[RemoteRecord], list[RowFault]]:
        made: list[RemoteRecord] = []
        faults: list[RowFault] = []
        for row in rows:
            key = row.get("id")
            try:
                modified = lists.at(row.get("last_updated_at"))
                if not isinstance(key, str):
                    raise ValueError("a form without an id")
            except ValueError:
                faults.append(RowFault(f"forms/{key}", None, "a form without an id or a readable date", dict(row)))
                continue
            try:
                found = self._form(key)
            except SetupError:
                continue  # deleted since it was listed
            self._keep_questions(key, found)
            made.append(RemoteRecord(key, row.get("last_updated_at"), modified, _form_values({**row, **found})))
        return made, faults

    def _pull_responses(self, window: Window) -> Iterator[Page]:
        form, types = window.part, self._own().response_types
        position = window.position
        begin = types.index(position["type"]) if position is not None and position["type"] in types else 0
        if begin == 0 and (position is None or position["type"] != types[0]):
            position = None
        asked: Questions | None = None
        begun = position is not None
        for at, kind in enumerate(types[begin:], start=begin):
            following = types[at + 1] if at + 1 < len(types) else None
            try:
                for listed in self._walk(form, kind, window, position):
                    if asked is None and any(row.get("answers") for row in listed.rows):
                        asked = self._questions(form)
                    begun = True
                    yield self._page(form, listed, asked or NOTHING, _where_next(listed, kind, following))
            except GoneError:
                if begun:  # else nothing of it was to be read any more
                    raise
                yield Page([], None, None)
                return
            position = None

    def _walk(self, form: str, kind: str, window: Window, position: Position | None) -> Iterator[lists.Listed]:
        """The responses of one kind. Only those that were submitted are ordered by when they were."""

        def ask(before: str | None) -> Answer:
            asked = lists.params(
                page_size=RESPONSES_PAGE,
                since=lists.stamp(window.since),
                before=before,
                response_type=None if kind == "completed" else kind,
            )
            return self._transport.get(f"{_path(form)}/responses", asked)

        try:
            yield from lists.each_answer(
                ask,
                since=window.since,
                position=position,
                where=f"Typeform responses of {form}",
                ordered=kind == "completed",
            )
        except RecordError as exc:
            if exc.status != 404:
                raise
            if form in self._listed_by_operator():
                self._form(form)  # says what is to be done, if the form itself is gone
                raise ShapeError(f"Typeform shows form {form}, and not its responses", code="CW307") from exc
            raise _gone(form) from exc

    def _page(self, form: str, listed: lists.Listed, asked: Questions, position: Position | None) -> Page:
        made: list[RemoteRecord] = []
        faults: list[RowFault] = []
        for row in listed.rows:
            one = _response(row, form, asked)
            if isinstance(one, RemoteRecord):
                made.append(one)
            else:
                key = lists.key_of(row)
                faults.append(RowFault(f"responses/{key or form}", key, one, dict(row)))
        return Page(made, position, listed.server_time, total=listed.total, faults=faults)

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Page]:
        """These records now. A response is looked for in every form, since its id does not say in which it is."""
        if stream == FORMS:
            wanted = set(keys)
            rows = {str(row.get("id")): row for page in self._form_pages() for row in page.rows}
            made, faults = self._forms([row for key, row in rows.items() if key in wanted])
            yield Page(made, None, None, faults=faults)
            return
        missing = list(keys)
        for form in self._where_to_look():
            found: set[str] = set()
            for start in range(0, len(missing), IDS):
                yield (page := self._by_ids(form, missing[start : start + IDS]))
                found |= {record.key for record in page.records}
            missing = [key for key in missing if key not in found]
            if not missing:
                return

    def _where_to_look(self) -> Iterator[str]:
        """The forms of the stream, then the others: what was read of a form that is no longer listed is not gone."""
        listed = self._listed_by_operator()
        yield from listed
        for form in self._all_forms():
            if form not in listed:
                yield form

    def _by_ids(self, form: str, keys: Sequence[str]) -> Page:
        asked = {"page_size": RESPONSES_PAGE, "included_response_ids": ",".join(keys), "response_type": _EVERY_TYPE}
        answer = self._transport.get(f"{_path(form)}/responses", asked, accept={404})
        rows = [] if answer.status == 404 else lists.rows_of(answer)
        listed = lists.Listed(rows, None, answer.server_time, None)
        try:
            return self._page(form, listed, self._questions(form) if rows else NOTHING, None)
        except GoneError:
            return Page([], None, answer.server_time)

    def keys(self, stream: str) -> Iterator[Sequence[str]]:
        """Every form, or every response of the forms that take part; counted against what the list says."""
        if stream == FORMS:
            for page in self._form_pages():
                yield [str(row["id"]) for row in page.rows]
            return
        for form in self.parts(RESPONSES):
            try:
                for kind in self._own().response_types:
                    for listed in self._walk(form, kind, Window(part=form, since=None), None):
                        yield [key for row in listed.rows if (key := lists.key_of(row)) is not None]
            except GoneError:
                if self._is_there(form):
                    raise ShapeError(f"Typeform shows form {form}, and not its responses", code="CW307") from None

    def _is_there(self, form: str) -> bool:
        return self._transport.get(_path(form), accept={404}).status != 404

    def removals(self, stream: str, window: Window) -> Iterator[Sequence[Removal]]:
        """Typeform has no list of deletions: the sweep finds them."""
        return iter(())

    # writing: nothing is

    def find(self, stream: str, write: Write) -> Sequence[RemoteRecord]:
        return []

    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        raise SetupError(f"Typeform's {stream} are only read", hint="take `write` away from this stream")


def _gone(form: str) -> GoneError:
    return GoneError(
        f"Typeform's form {form} was deleted while it was read",
        hint="nothing: what came of it stands; should it come back it is read on",
    )


def _path(form: str) -> str:
    """Where a form stands; its id comes from a file."""
    return f"/forms/{quote(form, safe='')}"


def _where_next(listed: lists.Listed, kind: str, following: str | None) -> Position | None:
    if listed.position is not None:
        return {"type": kind, **listed.position}
    return None if following is None else {"type": following, "before": None, "seen": 0, "total": None}


def _older(row: Mapping[str, Json], window: Window) -> bool:
    """Was this form last updated before the window? One whose date cannot be read is not."""
    try:
        moment = lists.at(row.get("last_updated_at"))
    except ValueError:
        return False
    return window.since is not None and moment is not None and moment < window.since


def _falling(rows: Sequence[Mapping[str, Json]]) -> bool:
    """Do they come newest change first, as they were asked for?"""
    stamps = [str(row.get("last_updated_at")) for row in rows]
    return bool(stamps) and stamps == sorted(stamps, reverse=True)


def _place(row: Mapping[str, Json]) -> tuple[str, str]:
    return str(row.get("last_updated_at")), str(row.get("id"))


def _form_values(row: Mapping[str, Any]) -> dict[str, Json]:
    values = {name: row[name] for name in _OF_FORM if name in row}
    settings = row.get("settings")
    if isinstance(settings, Mapping):
        values["settings"] = {name: settings[name] for name in _OF_SETTINGS if name in settings}
    return values


def _response(row: Mapping[str, Json], form: str, asked: Questions) -> RemoteRecord | str:
    """One response as a record, or why it cannot be one."""
    key = lists.key_of(row)
    if key is None:
        return "a response without an id"
    try:
        submitted = lists.at(row.get("submitted_at"))
        modified = submitted or lists.at(row.get("landed_at"))
    except ValueError:
        return "a response whose dates cannot be read"
    if modified is None:
        return "a response without a date"
    values = {name: value for name, value in row.items() if name not in _LEFT_OUT}
    values["form_id"] = form
    values["response_type"] = row.get("response_type") or ("started" if submitted is None else "completed")
    if submitted is None:
        values["submitted_at"] = None
    hidden = row.get("hidden")
    if isinstance(hidden, Mapping):
        # A hidden field that the address did not carry comes as an empty text.
        values["hidden"] = {name: None if value == "" else value for name, value in hidden.items()}
    if "answers" in row:
        values["answers"] = joined(row["answers"], asked)
    metadata = row.get("metadata")
    if isinstance(metadata, Mapping):
        values["metadata"] = {name: metadata[name] for name in _OF_METADATA if name in metadata}
    return RemoteRecord(key, str(row["landed_at" if submitted is None else "submitted_at"]), modified, values)
