"""The simulated Qualtrics: surveys, responses, the directory, distributions, who calls, and how often."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.ids import token
from sandbox.state import Journal, Record
from sandbox.vendors.qualtrics.answers import RefusedError, done, invalid, not_found, ok, refusal, refused
from sandbox.vendors.qualtrics.auth import Grants, unauthorized
from sandbox.vendors.qualtrics.directory import MOST_HITS, Directory
from sandbox.vendors.qualtrics.distributions import Distribution, Sent, distributions
from sandbox.vendors.qualtrics.exports import Exports
from sandbox.vendors.qualtrics.paging import by_offset, by_token, place, whole
from sandbox.vendors.qualtrics.responses import Responses, record, second, stamp, told, written
from sandbox.vendors.qualtrics.settlement import settle
from sandbox.vendors.qualtrics.surveys import BRAND, OWNER, Survey, surveys
from sandbox.web import Answer, Call, Effect, Json, Route, Routes, dump
from sandbox.world import World

PREFIX: Final = "/API/v3"
SURVEYS_PAGE: Final = 100
CONTACTS_PAGE: Final = 100
MOST_CONTACTS: Final = 1000
MOST_LISTED: Final = 50  # contacts of a mailing list
HISTORY_PAGE: Final = 100
PER_MINUTE: Final = 3000
EXPORTS_PER_MINUTE: Final = 100
ME: Final = {
    "brandId": BRAND, "userId": OWNER, "userName": "cx@nordlicht.test#nordlicht", "accountType": "UT_BRANDADMIN",
    "firstName": "Crosswalk", "lastName": "Integration", "email": "cx@nordlicht.test", "datacenter": "fra1",
    "language": "en",
}  # fmt: skip
_MINUTE: Final = timedelta(minutes=1)

Handler = Callable[[Call, Sequence[str]], Answer]


class Qualtrics:
    """A `Vendor`. `limits_kept`: whether more calls a minute than the brand has are refused."""

    name = "qualtrics"

    def __init__(self, world: World, *, limits_kept: bool = True) -> None:
        self._world = world
        self._limits_kept = limits_kept
        self._calls: dict[str, deque[datetime]] = {"": deque(), "export": deque()}
        self._journal = Journal("qualtrics")
        self._late = timedelta(0)
        self._made = 0
        self.directory = Directory(world.seed)
        self._grants = Grants(world.draw("qualtrics", "secrets"), self.directory.id)
        self.surveys: dict[str, Survey] = {survey.id: survey for survey in surveys(world)}
        self.responses: dict[str, Responses] = {key: Responses() for key in self.surveys}
        self.distributions: dict[str, Distribution] = {}
        self.exports = Exports(world.seed)
        self._settle()
        self._scopes: dict[tuple[str, str], str] = {}
        self._routes = Routes(self._make_routes())

    def _settle(self) -> None:
        contacts = settle(self._world, self.directory)
        by_kind = {survey.kind: survey for survey in self.surveys.values()}
        numbers = dict.fromkeys(by_kind, 0)
        sent: dict[str, list[Sent]] = {key: [] for key in self.surveys}
        for said in told(self._world):
            survey = by_kind[said.kind]
            contact = None if said.person is None else contacts.get(said.person.number)
            made, recorded = written(self._world, survey, said, numbers[said.kind], contact)
            numbers[said.kind] += 1
            if said.state == "open":
                self.responses[survey.id].open[made["responseId"]] = made
            else:
                self.responses[survey.id].put(made, shown=recorded)
            if contact is not None and said.channel == "email":
                sent[survey.id].append(Sent(contact, said, made))
        customers = next(iter(self.directory.lists))
        for survey in self.surveys.values():
            for one in distributions(self._world, survey, sent[survey.id], contacts.values(), customers):
                self.distributions[one.id] = one

    @property
    def credentials(self) -> Mapping[str, str]:
        return self._grants.credentials()

    def _make_routes(self) -> list[Route]:
        pool, mail = "/directories/{id}", "/directories/{id}/mailinglists"
        rows: Sequence[tuple[str, str, str, Handler]] = (
            ("GET", "/whoami", "", lambda call, _at: ok(call, ME)),
            ("GET", "/surveys", "read:surveys", lambda call, _at: self._list_surveys(call)),
            ("GET", "/surveys/{id}", "read:surveys", self._show_survey),
            ("PUT", "/surveys/{id}", "manage:surveys", self._change_survey),
            ("GET", "/surveys/{id}/filters", "read:surveys", lambda call, _at: by_offset(call, [], dump, 100)),
            ("GET", "/surveys/{id}/quotas", "read:surveys", lambda call, _at: by_offset(call, [], dump, 100)),
            ("GET", "/surveys/{id}/response-schema", "read:surveys", self._show_schema),
            ("GET", "/survey-definitions/{id}", "read:surveys", self._show_definition),
            ("GET", "/survey-definitions/{id}/flow", "read:surveys", self._show_flow),
            ("GET", "/survey-definitions/{id}/metadata", "read:surveys", self._show_metadata),
            ("POST", "/surveys/{id}/export-responses", "read:survey_responses", self._start_export),
            ("GET", "/surveys/{id}/export-responses/{id}", "read:survey_responses", self._ask_export),
            ("GET", "/surveys/{id}/export-responses/{id}/file", "read:survey_responses", self._fetch_export),
            ("GET", "/surveys/{id}/responses/{id}", "read:survey_responses", self._show_response),
            ("POST", "/surveys/{id}/responses", "manage:survey_responses", self._create_response),
            ("DELETE", "/surveys/{id}/responses/{id}", "manage:survey_responses", self._delete_response),
            ("PUT", "/responses/{id}", "manage:survey_responses", self._update_response),
            ("POST", "/surveys/{id}/update-responses", "manage:survey_responses", self._update_responses),
            ("GET", "/surveys/{id}/update-responses/{id}", "manage:survey_responses", self._ask_update),
            ("GET", "/directories", "read:directories", lambda call, _at: self._list_directories(call)),
            ("GET", f"{pool}/contacts", "read:directory_contacts", self._list_contacts),
            ("POST", f"{pool}/contacts", "manage:directory_contacts", self._create_contact),
            ("POST", f"{pool}/contacts/search", "read:directory_contacts", self._search_contacts),
            ("GET", f"{pool}/contacts/optedOutContacts", "read:directory_contacts", self._list_opted_out),
            ("GET", f"{pool}/contacts/{{id}}", "read:directory_contacts", self._show_contact),
            ("PUT", f"{pool}/contacts/{{id}}", "manage:directory_contacts", self._update_contact),
            ("DELETE", f"{pool}/contacts/{{id}}", "manage:directory_contacts", self._delete_contact),
            ("GET", f"{pool}/contacts/{{id}}/history", "read:directory_contacts", self._show_history),
            ("GET", mail, "read:mailing_lists", self._list_lists),
            ("POST", mail, "manage:mailing_lists", self._create_list),
            ("GET", f"{mail}/{{id}}", "read:mailing_lists", self._show_list),
            ("PUT", f"{mail}/{{id}}", "manage:mailing_lists", self._change_list),
            ("DELETE", f"{mail}/{{id}}", "manage:mailing_lists", self._delete_list),
            ("GET", f"{mail}/{{id}}/contacts", "read:mailing_list_contacts", self._list_members),
            ("POST", f"{mail}/{{id}}/contacts", "manage:mailing_list_contacts", self._create_member),
            ("GET", f"{mail}/{{id}}/contacts/{{id}}", "read:mailing_list_contacts", self._show_member),
            ("DELETE", f"{mail}/{{id}}/contacts/{{id}}", "manage:mailing_list_contacts", self._delete_member),
            ("GET", "/distributions", "read:distributions", lambda call, _at: self._list_distributions(call)),
            ("GET", "/distributions/{id}", "read:distributions", self._show_distribution),
            ("GET", "/distributions/{id}/history", "read:distributions", self._list_history),
            ("GET", "/distributions/{id}/links", "read:distributions", self._list_links),
        )
        self._scopes = {(method, path): scope for method, path, scope, _ in rows}
        return [Route(method=method, template=path, cost=1, handler=handler) for method, path, _, handler in rows]

    def routes(self) -> Mapping[str, Routes]:
        """Every operation, by the prefix it stands under."""
        return {f"{PREFIX}/": self._routes}

    def _find(self, call: Call) -> tuple[Route, Sequence[str]] | None:
        # Clients double slashes, and the vendor lets them.
        path = "/".join(part for part in call.path.split("/") if part)
        return self._routes.find(call.method, path.removeprefix(PREFIX[1:])) if f"/{path}/".startswith(PREFIX) else None

    def route(self, call: Call) -> str:
        found = self._find(call)
        return PREFIX + found[0].template if found else call.path

    def unit_cost(self, call: Call) -> int:
        return 1 if self._find(call) else 0

    def answer(self, call: Call) -> Answer:
        self.directory.tick(call.now)
        if call.path == "/oauth2/token" and call.method == "POST":
            return self._grants.grant(call)
        try:
            found = self._find(call)
            self._grants.admit(call, "" if found is None else self._scopes[call.method, found[0].template])
            if found is None:
                raise not_found("The requested resource")
            route, at = found
            self._pace("", PER_MINUTE, call.now)
            if route.template.endswith("/export-responses"):
                self._pace("export", EXPORTS_PER_MINUTE, call.now)
            return route.handler(call, at)
        except RefusedError as exc:
            return exc.answer

    def _pace(self, what: str, most: int, now: datetime) -> None:
        calls = self._calls[what]
        while calls and (calls[0] <= now - _MINUTE or calls[0] > now):
            calls.popleft()
        if self._limits_kept and len(calls) >= most:
            raise RefusedError(self.throttled(None))
        calls.append(now)

    # surveys

    def _survey(self, key: str) -> Survey:
        survey = self.surveys.get(key)
        if survey is None:
            raise not_found("Survey")
        return survey

    def _list_surveys(self, call: Call) -> Answer:
        return by_offset(call, list(self.surveys.values()), lambda survey: dump(survey.summary()), SURVEYS_PAGE)

    def _show_survey(self, call: Call, at: Sequence[str]) -> Answer:
        survey = self._survey(at[0])
        return ok(call, survey.running(self.responses[survey.id].counts(call.now)))

    def _change_survey(self, call: Call, at: Sequence[str]) -> Answer:
        survey, body = self._survey(at[0]), _object(call)
        if not body or not body.keys() <= {"name", "isActive", "expiration", "ownerId"}:
            raise invalid(next(iter(body), "body"))
        survey.name, survey.active = body.get("name", survey.name), body.get("isActive", survey.active)
        survey.modified = second(call.now)
        self._note(call, "surveys", survey.id, body)
        return done(call)

    def _show_definition(self, call: Call, at: Sequence[str]) -> Answer:
        return ok(call, self._survey(at[0]).definition())

    def _show_flow(self, call: Call, at: Sequence[str]) -> Answer:
        return ok(call, self._survey(at[0]).definition()["SurveyFlow"])

    def _show_metadata(self, call: Call, at: Sequence[str]) -> Answer:
        whole_one = self._survey(at[0]).definition()
        return ok(call, {name: whole_one[name] for name in ("SurveyID", "SurveyName", "SurveyStatus", "LastModified")})

    def _show_schema(self, call: Call, at: Sequence[str]) -> Answer:
        survey = self._survey(at[0])
        columns = survey.running({})["exportColumnMap"]
        values = {
            told["question"]: {"type": "string", "exportTag": tag, "dataType": "question"}
            for tag, told in columns.items()
        }
        values |= {name: {"type": "string", "dataType": "embeddedData"} for name in survey.embedded}
        return ok(call, {"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"values": values}})

    # responses

    def _start_export(self, call: Call, at: Sequence[str]) -> Answer:
        survey = self._survey(at[0])
        return ok(call, self.exports.start(survey, self.responses[survey.id], _object(call), call.now))

    def _ask_export(self, call: Call, at: Sequence[str]) -> Answer:
        return ok(call, self.exports.progress(self._survey(at[0]), at[1], call.now))

    def _fetch_export(self, call: Call, at: Sequence[str]) -> Answer:
        return self.exports.file(self._survey(at[0]), at[1], call.now)

    def _response(self, survey: str, key: str, now: datetime) -> Record:
        found = self.responses[self._survey(survey).id].get(key, now)
        if found is None:
            raise not_found("Response")
        return found

    def _show_response(self, call: Call, at: Sequence[str]) -> Answer:
        found = self._response(at[0], at[1], call.now)
        return ok(call, {name: value for name, value in found.items() if name[0] != "_"})

    def _create_response(self, call: Call, at: Sequence[str]) -> Answer:
        survey, body = self._survey(at[0]), _object(call)
        if not isinstance(body.get("values"), dict):
            raise invalid("values")
        key = self._new_response(survey, {"status": 4, **body["values"]}, call.now)
        self._note(call, "responses", key, body["values"])
        return ok(call, {"responseId": key})

    def _new_response(self, survey: Survey, values: Mapping[str, Json], now: datetime) -> str:
        self._made += 1
        key = f"R_{token(15, self._world.seed, survey.id, 'made', self._made)}"
        made = {
            "startDate": second(now - timedelta(minutes=2)),
            "endDate": second(now),
            "status": 0,
            "progress": 100,
            "duration": 120,
            "finished": 1,
            "recordedDate": stamp(now),
            "_recordId": key,
            "distributionChannel": "anonymous",
            "userLanguage": "EN",
            **values,
        }
        self.responses[survey.id].put(record(key, survey, made), shown=now + self._late)
        return key

    def _delete_response(self, call: Call, at: Sequence[str]) -> Answer:
        self._response(at[0], at[1], call.now)
        self.responses[at[0]].drop(at[1])
        self._note(call, "responses", at[1], {})
        return done(call)

    def _update_response(self, call: Call, at: Sequence[str]) -> Answer:
        body = _object(call)
        self._embed(call, str(body.get("surveyId")), {"responseId": at[0], **body})
        return done(call)

    def _update_responses(self, call: Call, at: Sequence[str]) -> Answer:
        body = _object(call)
        updates = body.get("updates")
        if not isinstance(updates, list) or len({one.get("responseId") for one in updates}) != len(updates):
            raise invalid("updates")
        for one in updates:
            if self.responses[self._survey(at[0]).id].get(str(one.get("responseId")), call.now) is not None:
                self._embed(call, at[0], one)
            elif not body.get("ignoreMissingResponses"):
                raise not_found("Response")
        return ok(call, {"progressId": f"PGRS_{token(15, self._world.seed, 'update', call.body)}"})

    def _ask_update(self, call: Call, at: Sequence[str]) -> Answer:
        self._survey(at[0])
        return ok(call, {"percentComplete": 100.0, "status": "complete"})

    def _embed(self, call: Call, survey: str, told: Mapping[str, Json]) -> None:
        embedded, key = told.get("embeddedData"), str(told.get("responseId"))
        if not isinstance(embedded, dict) or not all(isinstance(value, str) for value in embedded.values()):
            raise invalid("embeddedData")
        self._edit_response(self._survey(survey), key, embedded, call.now, reset=bool(told.get("resetRecordedDate")))
        self._note(call, "responses", key, embedded)

    def _edit_response(
        self, survey: Survey, key: str, values: Mapping[str, Json], now: datetime, *, reset: bool
    ) -> None:
        """Without `reset` it stays where it was in the order of recording, so no later export shows it."""
        kept = self.responses[survey.id]
        held = kept.get(key, now)
        if held is None:
            raise not_found("Response")
        changed = {**held["values"], **values}
        if reset:
            changed["recordedDate"] = stamp(now)
        kept.put(record(key, survey, changed), shown=now if reset else datetime.fromisoformat(held["_shown"]))

    # the directory

    def _pool(self, key: str) -> Directory:
        if key != self.directory.id:
            raise not_found("Directory")
        return self.directory

    def _list_directories(self, call: Call) -> Answer:
        shown = {
            "directoryId": self.directory.id,
            "name": "Default Directory",
            "contactCount": len(self.directory.contacts),
            "isDefault": True,
            "deduplicationCriteria": {
                "email": True, "firstName": False, "lastName": False, "externalDataReference": False, "phone": False,
            },
        }  # fmt: skip
        return by_offset(call, [shown], dump, 100)

    def _list_contacts(self, call: Call, at: Sequence[str]) -> Answer:
        pool = self._pool(at[0])
        size = whole(call, "pageSize", CONTACTS_PAGE, MOST_CONTACTS, least=1)
        embedded = call.query.get("includeEmbedded") == "true"
        name = "embedded" if embedded else "plain"
        table = pool.contacts

        def show(row: Record) -> bytes:
            return table.prepared(name, row["contactId"], lambda held: pool.brief(held, embedded=embedded))

        return by_token(call, list(table.walk("id")), _contact_id, show, size, short_ends=False)

    def _search_contacts(self, call: Call, at: Sequence[str]) -> Answer:
        pool = self._pool(at[0])
        size = whole(call, "pageSize", CONTACTS_PAGE, MOST_CONTACTS, least=1)
        hits = pool.search(_object(call))
        if place(call, hits, _contact_id) >= MOST_HITS:
            raise refused(400, "QVAL_1", f"Only the first {MOST_HITS} results of a search can be paged through")
        return by_token(call, hits, _contact_id, lambda row: dump(pool.hit(row)), size, short_ends=True)

    def _list_opted_out(self, call: Call, at: Sequence[str]) -> Answer:
        pool = self._pool(at[0])
        since = call.query.get("since", "")
        rows = [
            row
            for row in pool.contacts.walk("id")
            if row["directoryUnsubscribed"] and stamp(row["directoryUnsubscribeDate"]) >= since
        ]
        size = whole(call, "pageSize", CONTACTS_PAGE, MOST_CONTACTS, least=1)
        return by_token(call, rows, _contact_id, lambda row: dump(_opted_out(pool, row)), size, short_ends=False)

    def _create_contact(self, call: Call, at: Sequence[str]) -> Answer:
        body = _object(call)
        made = self._pool(at[0]).create(body, call.now)
        self._note(call, "directory_contacts", made["contactId"], body)
        return ok(call, {"id": made["contactId"]})

    def _show_contact(self, call: Call, at: Sequence[str]) -> Answer:
        pool = self._pool(at[0])
        return ok(call, pool.whole(pool.contact(at[1])))

    def _update_contact(self, call: Call, at: Sequence[str]) -> Answer:
        body = _object(call)
        self._pool(at[0]).update(at[1], body, call.now)
        self._note(call, "directory_contacts", at[1], body)
        return done(call)

    def _delete_contact(self, call: Call, at: Sequence[str]) -> Answer:
        self._pool(at[0]).delete(at[1])
        self._note(call, "directory_contacts", at[1], {})
        return done(call)

    def _show_history(self, call: Call, at: Sequence[str]) -> Answer:
        contact = self._pool(at[0]).contact(at[1])
        kind = call.query.get("type")
        if kind not in ("email", "response"):
            raise invalid("type")
        rows = [row for one in self.distributions.values() for row in one.history.values()]
        mine = [row for row in rows if row["contactId"] == contact["contactId"]]
        if kind == "email":
            shown = [
                {"distributionId": row["distributionId"], "date": row["sentAt"], "type": "Invite", "result": "Success",
                 "read": row["openedAt"] is not None}
                for row in mine if row["sentAt"]
            ]  # fmt: skip
        else:
            shown = [
                {"responseId": row["responseId"], "surveyId": self.distributions[row["distributionId"]].survey,
                 "distributionId": row["distributionId"], "dateStarted": row["responseStartedAt"],
                 "dateCompleted": row["responseCompletedAt"],
                 "surveyFinished": row["responseCompletedAt"] is not None}
                for row in mine if row["responseId"]
            ]  # fmt: skip
        return by_offset(call, shown, dump, 100)

    # mailing lists

    def _mailing_list(self, at: Sequence[str]) -> Record:
        found = self._pool(at[0]).lists.get(at[1])
        if found is None:
            raise not_found("Mailing list")
        return found

    def _members(self, key: str) -> list[Record]:
        return [row for row in self.directory.contacts.walk("id") if key in row["_lists"]]

    def _shown_list(self, row: Record) -> Json:
        dates = {name: int(row[name].timestamp() * 1000) for name in ("creationDate", "lastModifiedDate")}
        return {**row, **dates, "contactCount": len(self._members(row["mailingListId"]))}

    def _list_lists(self, call: Call, at: Sequence[str]) -> Answer:
        rows = sorted(self._pool(at[0]).lists.values(), key=lambda row: row["mailingListId"])
        size = whole(call, "pageSize", 100, 100, least=1)
        return by_token(
            call, rows, lambda row: str(row["mailingListId"]), lambda row: dump(self._shown_list(row)), size,
            short_ends=False,
        )  # fmt: skip

    def _create_list(self, call: Call, at: Sequence[str]) -> Answer:
        pool, body = self._pool(at[0]), _object(call)
        if not isinstance(body.get("name"), str) or not body["name"]:
            raise invalid("name")
        key = f"CG_{token(15, self._world.seed, 'new list', len(pool.lists))}"
        pool.lists[key] = {
            "mailingListId": key, "name": body["name"], "ownerId": OWNER, "creationDate": call.now,
            "lastModifiedDate": call.now,
        }  # fmt: skip
        self._note(call, "mailinglists", key, body)
        return ok(call, {"id": key})

    def _show_list(self, call: Call, at: Sequence[str]) -> Answer:
        return ok(call, self._shown_list(self._mailing_list(at)))

    def _change_list(self, call: Call, at: Sequence[str]) -> Answer:
        row, body = self._mailing_list(at), _object(call)
        self.directory.lists[at[1]] = {**row, "name": body.get("name", row["name"]), "lastModifiedDate": call.now}
        self._note(call, "mailinglists", at[1], body)
        return done(call)

    def _delete_list(self, call: Call, at: Sequence[str]) -> Answer:
        self._mailing_list(at)
        del self.directory.lists[at[1]]
        for row in self._members(at[1]):
            left = {key: held for key, held in row["_lists"].items() if key != at[1]}
            self.directory.contacts.put(row["contactId"], {**row, "_lists": left})
        self._note(call, "mailinglists", at[1], {})
        return done(call)

    def _list_members(self, call: Call, at: Sequence[str]) -> Answer:
        self._mailing_list(at)
        # Clients ask for more, and get no more.
        size = min(MOST_LISTED, whole(call, "pageSize", MOST_LISTED, None, least=1))
        return by_token(
            call, self._members(at[1]), _contact_id, lambda row: dump(self._member(row, at[1])), size, short_ends=False
        )

    def _member(self, row: Record, key: str) -> Json:
        listed = row["_lists"][key]
        return {
            **self.directory.brief(row, embedded=True),
            "contactLookupId": listed["contactLookupId"],
            "mailingListUnsubscribed": listed["unsubscribed"],
        }

    def _create_member(self, call: Call, at: Sequence[str]) -> Answer:
        self._mailing_list(at)
        body = _object(call)
        made = self.directory.create_in(at[1], body, call.now)
        self._note(call, "directory_contacts", made["contactId"], body)
        return ok(call, {"id": made["contactId"], "contactLookupId": made["_lists"][at[1]]["contactLookupId"]})

    def _show_member(self, call: Call, at: Sequence[str]) -> Answer:
        self._mailing_list(at)
        row = self._place(at)
        return ok(call, {**self.directory.whole(row), "contactLookupId": row["_lists"][at[1]]["contactLookupId"]})

    def _delete_member(self, call: Call, at: Sequence[str]) -> Answer:
        """The contact stays in the directory."""
        self._mailing_list(at)
        row = self._place(at)
        left = {key: held for key, held in row["_lists"].items() if key != at[1]}
        self.directory.contacts.put(row["contactId"], {**row, "_lists": left})
        self._note(call, "mailinglists", at[1], {"contactId": row["contactId"]})
        return done(call)

    def _place(self, at: Sequence[str]) -> Record:
        row = self.directory.contact(at[2])
        if at[1] not in row["_lists"]:
            raise not_found("Contact")
        return row

    # distributions

    def _list_distributions(self, call: Call) -> Answer:
        survey = call.query.get("surveyId")
        if survey is None:
            raise invalid("surveyId")
        rows = [one for one in self.distributions.values() if one.survey == survey]
        rows.sort(key=lambda one: one.id)
        size = whole(call, "pageSize", 100, 100, least=1)
        return by_token(call, rows, lambda one: one.id, lambda one: dump(one.shown()), size, short_ends=False)

    def _distribution(self, call: Call, at: Sequence[str]) -> Distribution:
        found = self.distributions.get(at[0])
        if found is None or call.query.get("surveyId") != found.survey:
            raise not_found("Distribution")
        return found

    def _show_distribution(self, call: Call, at: Sequence[str]) -> Answer:
        return ok(call, self._distribution(call, at).shown())

    def _list_history(self, call: Call, at: Sequence[str]) -> Answer:
        rows = sorted(self._distribution(call, at).history.values(), key=lambda row: row["contactLookupId"])
        return by_token(call, rows, lambda row: str(row["contactLookupId"]), dump, HISTORY_PAGE, short_ends=False)

    def _list_links(self, call: Call, at: Sequence[str]) -> Answer:
        contacts = {row["contactId"]: row for row in self.directory.contacts}
        return by_offset(call, self._distribution(call, at).links(contacts), dump, HISTORY_PAGE)

    def _note(self, call: Call, stream: str, key: str, fields: Mapping[str, Json]) -> None:
        self._journal.note(at=call.now, method=call.method, path=call.path, stream=stream, record=key, fields=fields)

    # what the control endpoint does

    def expire_tokens(self) -> None:
        self._grants.expire()

    def unauthorized(self) -> Answer:
        return unauthorized()

    def throttled(self, retry_after: int | None) -> Answer:
        answer = refusal(429, "QVAL_429", "Too many requests")
        if retry_after is not None:
            answer.headers.append(("Retry-After", str(retry_after)))
        return answer

    def forbidden(self) -> Answer:
        return refusal(403, "AUTH_3.1", "You do not have permission to access this resource")

    def commit_late(self, delay: timedelta) -> None:
        self._late = self.directory.late = delay

    def lag_search(self, delay: timedelta) -> None:
        self.directory.lag = delay

    def change_schema(self, stream: str, field: str, *, to: str | None) -> None:
        """Rename a question's export tag, or a key of the contacts' embedded data; with no new name it is gone."""
        if stream == "directory_contacts":
            if field not in self.directory.embedded_keys():
                raise KeyError(field)
            self.directory.renamed[field] = to
            self.directory.contacts.forget_bytes()
            return
        if stream not in ("surveys", "responses"):
            raise KeyError(stream)
        asked = [(one, qid) for one in self.surveys.values() for qid in one.questions]
        found = [(one, qid) for one, qid in asked if one.questions[qid]["DataExportTag"] == field]
        if not found:
            raise KeyError(field)
        for survey, qid in found:
            survey.renamed[qid] = to

    def restore_schema(self) -> None:
        self.directory.renamed.clear()
        self.directory.contacts.forget_bytes()
        for survey in self.surveys.values():
            survey.renamed.clear()

    def edit(self, now: datetime, stream: str, key: str | None, fields: Mapping[str, Json]) -> str:
        """What somebody does at the screen, or a respondent.

        directory_contacts  the fields of the API's bodies; `is_deleted`
        responses           with no key somebody answers: `survey`, `values`; else `values` change, with `reset` so that
                            it counts as recorded now; `is_deleted`
        surveys             `name`, `active`
        distributions       key EMD/CGC: `status` and times of one recipient
        """
        self.directory.tick(now)
        try:
            match stream:
                case "directory_contacts":
                    return self._edit_contact(now, key, fields)
                case "responses":
                    return self._edit_answer(now, key, fields)
                case "surveys":
                    survey = self.surveys[key or ""]
                    survey.name, survey.active = fields.get("name", survey.name), fields.get("active", survey.active)
                    survey.modified = second(now)
                    return survey.id
                case "distributions":
                    mailing, _, lookup = (key or "").partition("/")
                    sent = self.distributions[mailing]
                    sent.history[lookup] = {**sent.history[lookup], **fields}
                    sent.modified = now
                    return f"{mailing}/{lookup}"
        except RefusedError as exc:
            if exc.answer.status == 404:
                raise KeyError(key) from exc
            raise ValueError(exc.answer.body.decode()) from exc
        raise KeyError(stream)

    def _edit_contact(self, now: datetime, key: str | None, fields: Mapping[str, Json]) -> str:
        if key is None:
            return str(self.directory.create(dict(fields), now)["contactId"])
        if fields.get("is_deleted"):
            self.directory.delete(key)
        else:
            self.directory.update(key, dict(fields), now)
        return key

    def _edit_answer(self, now: datetime, key: str | None, fields: Mapping[str, Json]) -> str:
        values = fields.get("values", {})
        if key is None:
            return self._new_response(self.surveys[str(fields["survey"])], values, now)
        holder = next(one for one in self.surveys if self.responses[one].table.get(key) is not None)
        if fields.get("is_deleted"):
            self.responses[holder].drop(key)
        else:
            self._edit_response(self.surveys[holder], key, values, now, reset=bool(fields.get("reset")))
        return key

    def effects(self) -> Sequence[Effect]:
        return self._journal.read()


def _contact_id(row: Record) -> str:
    return str(row["contactId"])


def _opted_out(pool: Directory, row: Record) -> Json:
    brief = {name: value for name, value in pool.brief(row, embedded=False).items() if name != "unsubscribed"}
    return {
        **brief,
        "directoryUnsubscribed": True,
        "directoryUnsubscribeDate": stamp(row["directoryUnsubscribeDate"]),
    }


def _object(call: Call) -> dict[str, Any]:
    try:
        body = call.json()
    except ValueError:
        raise invalid("body") from None
    if not isinstance(body, dict):
        raise invalid("body")
    return body
