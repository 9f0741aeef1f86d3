"""The simulated Typeform: forms, responses, who calls, and how often."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from sandbox.ids import token
from sandbox.state import Journal, Record
from sandbox.vendors.typeform.answers import RefusedError, invalid, refused
from sandbox.vendors.typeform.auth import Grants
from sandbox.vendors.typeform.forms import Form, answers, forms, response
from sandbox.vendors.typeform.responses import MOST, ResponseQuery, Responses, names, whole
from sandbox.web import Answer, Call, Effect, Json, Route, Routes, dump
from sandbox.world import World

MOST_FORMS: Final = 200
USUAL_FORMS: Final = 10
PER_SECOND: Final = 2
ME: Final = {"alias": "nordlicht", "email": "cx@nordlicht.test", "language": "en", "user_id": "01SANDBOX"}


class Typeform:
    """A `Vendor`. `limits_kept`: whether more than two requests a second are refused."""

    name = "typeform"

    def __init__(self, world: World, *, limits_kept: bool = True) -> None:
        self._world = world
        self._limits_kept = limits_kept
        self._grants = Grants(world.draw("typeform", "secrets"))
        self._calls: deque[datetime] = deque()
        self._journal = Journal("typeform")
        self._late = timedelta(0)
        self.renamed: dict[str, str | None] = {}  # ref -> its new ref, None: the question is gone
        self.forms: dict[str, Form] = {form.id: form for form in forms(world)}
        self.responses: dict[str, Responses] = {form_id: Responses() for form_id in self.forms}
        by_survey = {form.survey: form for form in self.forms.values()}
        numbers = dict.fromkeys(by_survey, 0)
        for said in world.answers:
            form = by_survey[said.survey]
            self.responses[form.id].put(response(world, form, said, numbers[said.survey]))
            numbers[said.survey] += 1
        self._routes = Routes(self._make_routes())

    @property
    def credentials(self) -> Mapping[str, str]:
        return self._grants.credentials()

    def _make_routes(self) -> list[Route]:
        rows: Sequence[tuple[str, str, Callable[[Call, Sequence[str]], Answer]]] = (
            ("GET", "/me", lambda _call, _at: _ok(ME)),
            ("GET", "/forms", lambda call, _at: self._list_forms(call)),
            ("POST", "/forms", lambda call, _at: self._create_form(call)),
            ("GET", "/forms/{id}", lambda _call, at: _ok(self._shown(self._form(at[0])))),
            ("PUT", "/forms/{id}", lambda call, at: self._replace_form(call, at[0])),
            ("PATCH", "/forms/{id}", lambda call, at: self._patch_form(call, at[0])),
            ("DELETE", "/forms/{id}", lambda call, at: self._delete_form(call, at[0])),
            ("GET", "/forms/{id}/responses", lambda call, at: self._list_responses(call, at[0])),
            ("DELETE", "/forms/{id}/responses", lambda call, at: self._delete_responses(call, at[0])),
        )
        return [Route(method=method, template=path, cost=1, handler=handler) for method, path, handler in rows]

    def routes(self) -> Mapping[str, Routes]:
        """Every operation, by the prefix it stands under."""
        return {"/": self._routes}

    def route(self, call: Call) -> str:
        found = self._routes.find(call.method, call.path)
        return found[0].template if found else call.path

    def unit_cost(self, call: Call) -> int:
        return 1 if self._routes.find(call.method, call.path) else 0

    def answer(self, call: Call) -> Answer:
        if call.path == "/oauth/authorize" and call.method == "GET":
            return self._grants.consent.ask(call)
        if call.path == "/oauth/token" and call.method == "POST":
            return self._grants.grant(call)
        try:
            self._grants.admit(call)
            found = self._routes.find(call.method, call.path)
            if found is None:
                raise refused(404, "NOT_FOUND", "Endpoint not found")
            self._pace(call.now)
            route, at = found
            return route.handler(call, at)
        except RefusedError as exc:
            return exc.answer

    def _pace(self, now: datetime) -> None:
        second = timedelta(seconds=1)
        while self._calls and (self._calls[0] <= now - second or self._calls[0] > now):
            self._calls.popleft()
        if self._limits_kept and len(self._calls) >= PER_SECOND:
            raise RefusedError(self.throttled(1))
        self._calls.append(now)

    # forms

    def _form(self, form_id: str) -> Form:
        form = self.forms.get(form_id)
        if form is None:
            raise refused(404, "FORM_NOT_FOUND", f"Non existing form with uid {form_id}")
        return form

    def _shown(self, form: Form) -> Json:
        return {**form.definition, "fields": self._shown_fields(form.definition["fields"])}

    def _shown_fields(self, fields: Sequence[Json]) -> list[Json]:
        shown = []
        for field in fields:
            ref = self.renamed.get(field["ref"], field["ref"])
            if ref is None:
                continue
            properties = field["properties"]
            if "fields" in properties:
                properties = {**properties, "fields": self._shown_fields(properties["fields"])}
            shown.append({**field, "ref": ref, "properties": properties})
        return shown

    def _list_forms(self, call: Call) -> Answer:
        query = call.query
        page, size = whole(query, "page", 1, None), whole(query, "page_size", USUAL_FORMS, MOST_FORMS)
        sort, order = query.get("sort_by", "last_updated_at"), query.get("order_by", "desc")
        if sort not in {"created_at", "last_updated_at"} or order not in {"asc", "desc"}:
            raise invalid("sort_by", "must be created_at or last_updated_at")
        term = query.get("search", "").casefold()
        found = [form.definition for form in self.forms.values() if term in form.definition["title"].casefold()]
        found.sort(key=lambda form: (form[sort], form["id"]), reverse=order == "desc")
        items = [
            {
                **{
                    name: form[name]
                    for name in ("id", "type", "title", "created_at", "last_updated_at", "theme", "_links")
                },
                "settings": {"is_public": form["settings"]["is_public"], "is_trial": False},
                "self": {"href": f"{call.base}/forms/{form['id']}"},
            }
            for form in found[(page - 1) * size : page * size]
        ]
        return _ok({"total_items": len(found), "page_count": -(-len(found) // size), "items": items})

    def _create_form(self, call: Call) -> Answer:
        body = _object(call)
        form_id = token(8, self._world.seed, "new form", len(self.forms))
        self._keep_form(call, form_id, body)
        self.responses[form_id] = Responses()
        return Answer(201, dump(self.forms[form_id].definition))

    def _replace_form(self, call: Call, form_id: str) -> Answer:
        self._form(form_id)
        self._keep_form(call, form_id, _object(call))
        return _ok(self.forms[form_id].definition)

    def _keep_form(self, call: Call, form_id: str, body: Record) -> None:
        if not isinstance(body.get("title"), str) or not body["title"].strip():
            raise invalid("title", "must not be blank")
        old = self.forms.get(form_id)
        at = call.now.isoformat()[:19] + "Z"
        fields = [
            {
                "id": token(12, form_id, nth),
                "ref": token(16, form_id, "ref", nth),
                "properties": {},
                "validations": {},
                **field,
            }
            for nth, field in enumerate(body.get("fields", []))
        ]
        definition = {
            "id": form_id,
            "type": "quiz",
            "workspace": {"href": f"{call.base}/workspaces/Wk0001"},
            "theme": {"href": f"{call.base}/themes/Th0001"},
            "settings": {"language": "en", "is_public": True},
            "thankyou_screens": [],
            "hidden": [],
            "variables": {},
            "logic": [],
            **body,
            "fields": fields,
            "created_at": old.definition["created_at"] if old else at,
            "last_updated_at": at,
            "_links": {"display": f"https://form.typeform.test/to/{form_id}"},
        }
        survey = old.survey if old else "relationship"
        self.forms[form_id] = Form(
            survey=survey, definition=definition, fields={field["ref"]: field for field in fields}
        )
        self._note(call, "forms", form_id, body)

    def _patch_form(self, call: Call, form_id: str) -> Answer:
        """JSON Patch, of which the API knows `replace` of a title, a setting and the like."""
        form = self._form(form_id)
        definition = {**form.definition, "settings": dict(form.definition["settings"])}
        changes = _body(call)
        if not isinstance(changes, list):
            raise invalid("", "must be a list of operations")
        for change in changes:
            steps = str(change.get("path", "")).strip("/").split("/")
            if change.get("op") != "replace" or steps[0] not in {"title", "settings", "theme"}:
                raise invalid(str(change.get("path")), "operation is not supported")
            if len(steps) == 1:
                definition[steps[0]] = change.get("value")
            else:
                definition[steps[0]][steps[1]] = change.get("value")
        definition["last_updated_at"] = call.now.isoformat()[:19] + "Z"
        self.forms[form_id] = Form(survey=form.survey, definition=definition, fields=form.fields)
        self._note(call, "forms", form_id, {str(change["path"]): change.get("value") for change in changes})
        return Answer(204, b"")

    def _delete_form(self, call: Call, form_id: str) -> Answer:
        self._form(form_id)
        del self.forms[form_id], self.responses[form_id]
        self._note(call, "forms", form_id, {})
        return Answer(204, b"")

    # responses

    def _list_responses(self, call: Call, form_id: str) -> Answer:
        self._form(form_id)
        kept = self.responses[form_id]
        query = ResponseQuery(call.query)
        if kept.all_shown(call.now):
            return Answer(200, kept.table.page(str(sorted(call.query.items())), lambda: self._page(kept, query, None)))
        return Answer(200, self._page(kept, query, call.now))

    def _page(self, kept: Responses, query: ResponseQuery, now: datetime | None) -> bytes:
        """`now` None: every response shows by now."""
        rows = [
            record for record in kept.between(query) if query.wants(record) and (now is None or kept.shows(record, now))
        ]
        if query.descending:
            rows.reverse()
        name = ",".join(sorted(query.fields))
        view = partial(self._response, fields=query.fields)
        body = b",".join(kept.table.prepared(name, record["token"], view) for record in rows[: query.size])
        pages = -(-len(rows) // query.size)
        return b'{"total_items":%d,"page_count":%d,"items":[%b]}' % (len(rows), pages, body)

    def _response(self, record: Record, fields: frozenset[str]) -> Json:
        shown = []
        for answer in record["answers"]:
            ref = self.renamed.get(answer["field"]["ref"], answer["field"]["ref"])
            if ref is not None and (not fields or not fields.isdisjoint({ref, answer["field"]["id"]})):
                shown.append({**answer, "field": {**answer["field"], "ref": ref}})
        return {**{name: value for name, value in record.items() if name[0] != "_"}, "answers": shown}

    def _delete_responses(self, call: Call, form_id: str) -> Answer:
        self._form(form_id)
        # `included_tokens` is the older name, which older clients still send.
        wanted = names(call.query, "included_response_ids") or names(call.query, "included_tokens")
        if not wanted or len(wanted) > MOST:
            raise invalid("included_response_ids", f"must name 1 to {MOST} responses")
        for key in sorted(wanted):
            if self.responses[form_id].table.get(key) is not None:
                self.responses[form_id].table.drop(key)
                self._note(call, "responses", key, {})
        return Answer(200, b"")

    def _note(self, call: Call, stream: str, record: str, fields: Record) -> None:
        self._journal.note(at=call.now, method=call.method, path=call.path, stream=stream, record=record, fields=fields)

    # what the control endpoint does

    def expire_tokens(self) -> None:
        self._grants.expire()

    def revoke_grant(self) -> None:
        self._grants.throw_out()

    def unauthorized(self) -> Answer:
        return refused(401, "AUTHENTICATION_FAILED", "Invalid access token").answer

    def throttled(self, retry_after: int | None) -> Answer:
        answer = refused(429, "TOO_MANY_REQUESTS", "Too many requests").answer
        if retry_after is not None:
            answer.headers.append(("Retry-After", str(retry_after)))
        return answer

    def commit_late(self, delay: timedelta) -> None:
        self._late = delay

    def lag_search(self, delay: timedelta) -> None:
        """Nothing here is searched."""

    def forbidden(self) -> Answer:
        return refused(403, "FORBIDDEN", "You do not have permissions to access this resource").answer

    def change_schema(self, stream: str, field: str, *, to: str | None) -> None:
        """Rename a question's ref, or with no new one remove the question."""
        if not any(field in form.fields for form in self.forms.values()):
            raise KeyError(field)
        self.renamed[field] = to
        self._forget()

    def restore_schema(self) -> None:
        self.renamed.clear()
        self._forget()

    def _forget(self) -> None:
        for kept in self.responses.values():
            kept.table.forget_bytes()

    def edit(self, now: datetime, stream: str, key: str | None, fields: Mapping[str, Json]) -> str:
        """A person answers: `form`, `answers` by ref, `hidden`, perhaps `submitted_at`; or edits a form's title."""
        if stream == "forms":
            form = self.forms[key or ""]
            definition = {**form.definition, **fields, "last_updated_at": now.isoformat()[:19] + "Z"}
            self.forms[form.id] = Form(survey=form.survey, definition=definition, fields=form.fields)
            return form.id
        if stream != "responses":
            raise KeyError(stream)
        if key is not None:
            raise ValueError("responses are never changed")
        form = self.forms[str(fields["form"])]
        values = dict(fields.get("answers", {}))
        if not form.fields.keys() >= values.keys():
            raise ValueError("answers: unknown ref")
        made = self.responses[form.id]
        new = token(22, self._world.seed, form.id, "edit", len(made.table), now)
        at = str(fields.get("submitted_at") or now.astimezone(UTC).isoformat()[:19] + "Z")
        made.put(
            {
                "landing_id": new,
                "token": new,
                "response_id": new,
                "response_type": "completed",
                "landed_at": at,
                "submitted_at": at,
                "metadata": {
                    "user_agent": "Mozilla/5.0",
                    "platform": "other",
                    "referer": "",
                    "network_id": new[:10],
                    "browser": "default",
                },
                "hidden": {**dict.fromkeys(form.definition["hidden"], ""), **fields.get("hidden", {})},
                "calculated": {"score": 0},
                "variables": [],
                "tags": [],
                "answers": answers(form, values),
                "_late": self._late,
            }
        )
        return new

    def effects(self) -> Sequence[Effect]:
        return self._journal.read()


def _ok(body: Json) -> Answer:
    return Answer(200, dump(body))


def _body(call: Call) -> Json:
    try:
        return call.json()
    except ValueError:
        raise refused(400, "INVALID_JSON", "The body is no valid JSON") from None


def _object(call: Call) -> Record:
    body = _body(call)
    if not isinstance(body, dict):
        raise invalid("", "must be an object")
    return body
