"""The front of the simulated Salesforce: who calls, at what cost, and which handler answers."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from sandbox.state import Record
from sandbox.vendors.salesforce import bulk1, ids, soap
from sandbox.vendors.salesforce.answers import (
    RefusedError,
    invalid_session,
    no_permission,
    not_found,
    ok,
    over_limit,
    uri_too_long,
)
from sandbox.vendors.salesforce.auth import Grants
from sandbox.vendors.salesforce.bulk import Bulk
from sandbox.vendors.salesforce.bulk1 import Bulk1
from sandbox.vendors.salesforce.composite import Composite
from sandbox.vendors.salesforce.limits import DAILY, Limits
from sandbox.vendors.salesforce.org import Org
from sandbox.vendors.salesforce.query import Queries
from sandbox.vendors.salesforce.rest import LONGEST_URI, NEWEST, OLDEST, Rest, versions
from sandbox.vendors.salesforce.schema import Field, SObject
from sandbox.vendors.salesforce.settlement import Settlement
from sandbox.vendors.salesforce.soap import Soap
from sandbox.vendors.salesforce.stamps import stamp
from sandbox.vendors.salesforce.writes import Terms, Writer
from sandbox.web import Answer, Call, Effect, Json, Route, Routes
from sandbox.world import World

_DOOR: Final = re.compile(r"/services/data/v(\d+)\.0(?=/|$)")
_OLDER_DOOR: Final = re.compile(r"/services/async/\d+\.0(?=/)")
_ALSO: Final = {"Account": "person_accounts", "OpportunityContactRole": "contact_roles"}
_WITH_BODY: Final = frozenset({"POST", "PATCH", "PUT"})


class Salesforce:
    """A `Vendor`. `limits_kept`: whether calls over the daily limit are refused, or only counted."""

    name = "salesforce"

    def __init__(
        self, world: World, *, limits_kept: bool = True, daily_calls: int = DAILY, rotates: bool = True
    ) -> None:
        self.org = Org(world)
        Settlement(self.org, world).settle()
        self.queries = Queries(self.org)
        self.limits = Limits(daily=daily_calls, kept=limits_kept)
        self._writer = Writer(self.org)
        user = self.org.integration_user()
        self._grants = Grants(world.draw("salesforce", "secrets"), org_id=self.org.id, user=user, rotates=rotates)
        self._soap = Soap(self._grants, user, self.org.id)
        rest = Rest(self.org, self.queries, self._writer, self.limits)
        composite = Composite(self.org, self._writer, rest, self._answered)
        bulk = Bulk(self.org, self.queries, self._writer, rest, composite, self.limits)
        self._routes = Routes([*rest.routes(), *composite.routes(), *bulk.routes()])
        self._older = Routes(Bulk1(self.org, self.queries).routes())
        self._fields = {name: entry.fields for name, entry in self.org.objects.items()}

    @property
    def credentials(self) -> Mapping[str, str]:
        return self._grants.credentials()

    def routes(self) -> Routes:
        """Every operation below `/services/data/vNN.0`."""
        return self._routes

    def _find(self, call: Call) -> tuple[Route, Sequence[str], str] | None:
        for pattern, routes in ((_DOOR, self._routes), (_OLDER_DOOR, self._older)):
            door = pattern.match(call.path)
            found = routes.find(call.method, call.path[door.end() :] or "/") if door else None
            if found and door:
                return (*found, door[0])
        return None

    def route(self, call: Call) -> str:
        found = self._find(call)
        return found[2] + found[0].template if found else call.path

    def unit_cost(self, call: Call) -> int:
        found = self._find(call)
        return found[0].cost if found else 0

    def answer(self, call: Call) -> Answer:
        self.org.settle(call.now)
        open_doors = {
            ("POST", "/services/oauth2/token"): self._grants.token,
            ("GET", "/services/oauth2/authorize"): self._grants.consent.ask,
            ("POST", "/services/oauth2/revoke"): self._grants.revoke,
            ("GET", "/services/oauth2/revoke"): self._grants.revoke,
            ("POST", "/services/oauth2/introspect"): self._grants.introspect,
        }
        path = call.path.rstrip("/")
        door = open_doors.get((call.method, path))
        if door is not None:
            return door(call)
        if path.startswith(soap.PATH) and call.method == "POST":
            return self._soap.answer(call)
        if path == "/services/data":
            return ok(versions())
        scheme, _, session = call.headers.get("authorization", "").partition(" ")
        if path.startswith(bulk1.PATH):
            scheme, session = "bearer", call.headers.get("x-sfdc-session", session)
        if scheme.lower() not in ("bearer", "oauth") or not self._grants.admits(session, call.now):
            return bulk1.invalid_session() if path.startswith(bulk1.PATH) else self.unauthorized()
        if path == "/services/oauth2/userinfo" or path.startswith("/id/"):
            return self._grants.userinfo(call)
        if not self.limits.admit(call.now):
            return over_limit().answer()
        self._writer.begin()
        # Of the address alone: what a subrequest asks stands in a body.
        answer = uri_too_long().answer() if _is_too_long(call) else self._answered(call)
        answer.headers.append(self.limits.header())
        return answer

    def _answered(self, call: Call) -> Answer:
        """The answer to a request of somebody who may ask."""
        try:
            return self._handled(call)
        except RefusedError as exc:
            return exc.answer()

    def _handled(self, call: Call) -> Answer:
        found = self._find(call)
        if found is not None and found[2].startswith(bulk1.PATH):
            return found[0].handler(call, found[1])
        door = _DOOR.match(call.path)
        if door is not None and int(door[1]) < OLDEST:
            raise RefusedError(410, "UNSUPPORTED_API_VERSION", f"API version {door[1]}.0 is retired")
        if door is None or int(door[1]) > NEWEST:
            raise not_found()
        if found is None:
            if self._routes.methods(call.path[door.end() :]):
                raise RefusedError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{call.method}' not allowed.")
            raise not_found()
        route, at, _ = found
        kind = call.headers.get("content-type", "application/json").lower()
        if call.method in _WITH_BODY and call.body and not ("json" in kind or "csv" in kind):
            raise RefusedError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content type {kind} is not supported")
        return route.handler(call, at)

    # what the control endpoint does

    def expire_tokens(self) -> None:
        self._grants.expire()

    def revoke_grant(self) -> None:
        self._grants.throw_out()

    def unauthorized(self) -> Answer:
        answer = invalid_session().answer()
        answer.headers.append(("WWW-Authenticate", "Token"))
        return answer

    def throttled(self, retry_after: int | None) -> Answer:
        answer = over_limit().answer()
        if retry_after is not None:
            answer.headers.append(("Retry-After", str(retry_after)))
        return answer

    def forbidden(self) -> Answer:
        return no_permission().answer()

    def commit_late(self, delay: timedelta) -> None:
        self.org.late = delay

    def lag_search(self, delay: timedelta) -> None:
        """There is no search here."""

    def lock_rows(self, every: int) -> None:
        self.org.locked_every = every

    def change_schema(self, stream: str, field: str, *, to: str | None) -> None:
        """Rename a field, or take it out of the sight of the integration user."""
        self._object(stream).rename(field, to)
        self._schema_changed()

    def restore_schema(self) -> None:
        for name, fields in self._fields.items():
            if self.org.objects[name].fields is not fields:
                self.org.objects[name].restore(fields)
                self._schema_changed()

    def _schema_changed(self) -> None:
        self.org.schema_changed += timedelta(days=1)
        self.queries.forget_views()

    def edit(self, now: datetime, stream: str, key: str | None, fields: Mapping[str, Json]) -> str:
        """As through the API, but fields may go by their label, and by somebody else than the integration user.

        Some fields say what a person does at the screen: `IsDeleted` true or false deletes or brings back,
        `MasterRecordId` merges the record into that one, `IsConverted` converts a lead.
        """
        self.org.settle(now)
        entry = self._object(stream)
        terms = Terms(now=now, by=self.org.seller, save_duplicates=True)
        body = {self._name(entry, name): value for name, value in fields.items()}
        try:
            if key is None:
                return self._writer.create(entry, body, terms)
            record = self.org.tables[entry.name].get(ids.full(key) or "")
            if record is None:
                raise KeyError(key)
            self._act(entry, record, body, terms)
        except RefusedError as exc:
            raise ValueError(str(exc)) from exc
        return str(record["Id"])

    def _act(self, entry: SObject, record: Record, body: Record, terms: Terms) -> None:
        if "IsDeleted" in body:
            (self._writer.delete if body["IsDeleted"] else self._writer.undelete)(entry, record, terms)
        elif "MasterRecordId" in body:
            winner = self.org.record(ids.full(body["MasterRecordId"]))
            if winner is None:
                raise KeyError(body["MasterRecordId"])
            self._writer.merge(entry, winner, record, terms)
        elif body.get("IsConverted"):
            self._writer.convert(record, terms)
        elif entry.name == "User":  # which no client may write, and an administrator does
            at = stamp(terms.now)
            stamps = {"LastModifiedDate": at, "LastModifiedById": terms.by, "SystemModstamp": at}
            self.org.commit("User", {**record, **body, **stamps}, terms.now)
        else:
            self._writer.update(entry, record, body, terms)

    def _object(self, stream: str) -> SObject:
        """By its API name, or by its plural: `Contact` or `contacts`, or by what lists of it are called elsewhere."""
        for entry in self.org.objects.values():
            if stream in (entry.name, entry.plural.lower().replace(" ", "_"), _ALSO.get(entry.name)):
                return entry
        raise KeyError(stream)

    @staticmethod
    def _name(entry: SObject, name: str) -> str:
        def matches(field: Field) -> bool:
            return field.custom and field.label == name

        return next((field.name for field in entry.fields.values() if matches(field)), name)

    def effects(self) -> Sequence[Effect]:
        return self.org.journal.read()


def _is_too_long(call: Call) -> bool:
    """Measured only where it may be so."""
    if sum(map(len, call.query.values())) <= LONGEST_URI // 4:
        return False
    return len(f"{call.path}?{urlencode(call.query)}") > LONGEST_URI
