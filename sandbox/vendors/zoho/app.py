"""The front of the simulated Zoho CRM: who calls, at what cost, and which handler answers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sandbox.state import Record
from sandbox.vendors.zoho.account import LICENCES, ME, ORG_ID, Account
from sandbox.vendors.zoho.answers import (
    FaultError,
    RefusedError,
    invalid_url,
    no_permission,
    scope_mismatch,
    too_many,
    unauthenticated,
    unauthorized,
    wrong_method,
)
from sandbox.vendors.zoho.auth import Grants, covers
from sandbox.vendors.zoho.coql import Coql
from sandbox.vendors.zoho.coql import credits as coql_credits
from sandbox.vendors.zoho.fields import Catalogue, Field
from sandbox.vendors.zoho.joining import Joining
from sandbox.vendors.zoho.limits import Edition, Limits
from sandbox.vendors.zoho.records import Records
from sandbox.vendors.zoho.related import Related
from sandbox.vendors.zoho.search import Search
from sandbox.vendors.zoho.settings import Settings
from sandbox.vendors.zoho.settlement import Settlement
from sandbox.vendors.zoho.writes import Writer, Writes
from sandbox.web import Answer, Call, Effect, Handler, Json, Route, Routes, dump
from sandbox.world import World

VERSION: Final = "/crm/v8"
CONVERT_COST: Final = 5
_BULK: Final = {("POST", "/{module}"), ("PUT", "/{module}"), ("POST", "/{module}/upsert")}
_OPERATIONS: Final = {"GET": "READ", "POST": "CREATE", "PUT": "UPDATE", "DELETE": "DELETE"}


class Zoho:
    """A `Vendor`. `limits_kept`: whether credits, concurrency and hurried grants refuse, or only count."""

    name = "zoho"

    def __init__(self, world: World, *, edition: Edition = "enterprise", limits_kept: bool = True) -> None:
        self.account = Account(world)
        Settlement(self.account, world).settle()
        self.limits = Limits(edition=edition, users=LICENCES, kept=limits_kept)
        self._grants = Grants(world.draw("zoho", "secrets"), ORG_ID, hurry_refused=limits_kept)
        self._writes = Writes(self.account)
        self.search = Search(self.account)
        self._records = Records(self.account, self._writes, self.search, ME)
        self._joining = Joining(self.account, self._writes, ME)
        self._related = Related(self.account)
        self._coql = Coql(self.account)
        self._settings = Settings(self.account)
        self._undo_schema: list[Callable[[], None]] = []
        self._routes = Routes(self._all_routes())
        self._accounts = {
            ("GET", "/oauth/v2/auth"): self._grants.ask,
            ("POST", "/oauth/v2/token"): self._grants.grant,
            ("POST", "/oauth/v2/token/revoke"): self._grants.revoke,
        }

    def _all_routes(self) -> Iterator[Route]:
        records, settings, joining, related = self._records, self._settings, self._joining, self._related
        operations: Sequence[tuple[str, str, Handler]] = (
            ("GET", "/org", settings.org),
            ("GET", "/users", settings.users),
            ("GET", "/users/{id}", settings.user),
            ("GET", "/users/actions/count", settings.user_count),
            ("GET", "/settings/modules", settings.modules),
            ("GET", "/settings/modules/{module}", settings.module),
            ("GET", "/settings/fields", settings.fields),
            ("GET", "/settings/fields/{id}", settings.field),
            ("GET", "/settings/layouts", settings.layouts),
            ("GET", "/settings/layouts/{id}", settings.layout),
            ("GET", "/settings/pipeline", settings.pipelines),
            ("GET", "/settings/related_lists", settings.related_lists),
            ("GET", "/settings/recycle_bin", joining.recycled),
            ("GET", "/settings/recycle_bin/{id}", joining.recycled),
            ("DELETE", "/settings/recycle_bin/{id}", joining.erase),
            ("POST", "/settings/recycle_bin/{id}/actions/restore", joining.restore),
            ("POST", "/coql", self._coql.answer),
            ("POST", "/Leads/{id}/actions/convert", joining.convert),
            ("GET", "/Contacts/roles", settings.contact_roles),
            ("GET", "/{module}", records.list),
            ("POST", "/{module}", records.insert),
            ("PUT", "/{module}", records.update),
            ("DELETE", "/{module}", records.delete),
            ("POST", "/{module}/upsert", records.upsert),
            ("GET", "/{module}/search", records.search),
            ("GET", "/{module}/deleted", records.deleted),
            ("GET", "/{module}/actions/count", records.count),
            ("GET", "/{module}/{id}", records.one),
            ("PUT", "/{module}/{id}", records.update_one),
            ("DELETE", "/{module}/{id}", records.delete_one),
            ("GET", "/{module}/{id}/actions/merge", joining.merge_job),
            ("POST", "/{module}/{id}/actions/merge", joining.merge),
            ("GET", "/{module}/{id}/{list}", related.list),
            ("PUT", "/{module}/{id}/{list}", related.put),
            ("DELETE", "/{module}/{id}/{list}", related.delete),
            ("PUT", "/{module}/{id}/{list}/{other}", related.put),
            ("DELETE", "/{module}/{id}/{list}/{other}", related.delete),
        )
        for method, template, handler in operations:
            cost = CONVERT_COST if template.endswith("/convert") else 1
            yield Route(method=method, template=template, cost=cost, handler=handler)

    @property
    def credentials(self) -> Mapping[str, str]:
        return self._grants.credentials()

    def routes(self) -> Routes:
        """Every operation, by its path behind the version."""
        return self._routes

    def _find(self, call: Call) -> tuple[Route, Sequence[str]] | None:
        if not call.path.startswith(f"{VERSION}/"):
            return None
        return self._routes.find(call.method, call.path[len(VERSION) :])

    def route(self, call: Call) -> str:
        found = self._find(call)
        if found is None:
            return call.path
        route, at = found
        module = at[0] if at and at[0] in self.account.tables else "{module}"
        return VERSION + route.template.replace("{module}", module)

    def unit_cost(self, call: Call) -> int:
        """In credits: one for a call, or for every ten records that it writes; COQL by how many it may bring."""
        found = self._find(call)
        if found is None:
            return 0
        route, _at = found
        if (route.method, route.template) in _BULK:
            return max(1, -(-_rows(call) // 10))
        if route.template == "/coql":
            return coql_credits(call)
        return route.cost

    def answer(self, call: Call) -> Answer:
        self.account.settle(call.now)
        self.search.tick(call.now)
        door = self._accounts.get((call.method, call.path.rstrip("/")))
        if door is not None:
            return door(call)
        found = self._find(call)
        if found is None:
            known = call.path.startswith(f"{VERSION}/") and self._routes.methods(call.path[len(VERSION) :])
            return wrong_method() if known else invalid_url()
        if "authorization" not in call.headers:
            return unauthenticated()
        scopes = self._grants.scopes(call)
        if scopes is None:
            return unauthorized()
        route, at = found
        if not all(covers(scopes, needed) for needed in _needed(route, at)):
            return scope_mismatch()
        refusal, headers = self.limits.admit(call, self.unit_cost(call))
        answer = refusal or self._handled(call, route, at)
        if headers:  # answers without a body are shared
            answer = Answer(answer.status, answer.body, [*answer.headers, *headers], answer.media_type)
        return answer

    @staticmethod
    def _handled(call: Call, route: Route, at: Sequence[str]) -> Answer:
        try:
            return route.handler(call, at)
        except RefusedError as exc:
            return exc.answer

    # what the control endpoint does

    def expire_tokens(self) -> None:
        self._grants.expire()

    def revoke_grant(self) -> None:
        self._grants.throw_out()

    def unauthorized(self) -> Answer:
        return unauthorized()

    def throttled(self, retry_after: int | None) -> Answer:
        answer = too_many()
        if retry_after is not None:
            answer.headers.append(("Retry-After", str(retry_after)))
        return answer

    def forbidden(self) -> Answer:
        return no_permission()

    def commit_late(self, delay: timedelta) -> None:
        self.account.late = delay

    def lag_search(self, delay: timedelta) -> None:
        self.search.lag = delay

    def change_schema(self, stream: str, field: str, *, to: str | None) -> None:
        """A field goes by its API name or its label, and changes its API name, as an administrator may."""
        catalogue = self.account.catalogues[stream]
        found = next((f for f in catalogue.fields.values() if field in {f.name, f.label}), None)
        if found is None:
            raise KeyError(field)
        if to is None:
            self._undo_schema.append(partial(_put_field, catalogue, list(catalogue.fields.items())))
            del catalogue.fields[found.key]
        else:
            self._undo_schema.append(partial(setattr, found, "name", found.name))
            found.name = to
        self.account.forget_views()

    def restore_schema(self) -> None:
        while self._undo_schema:
            self._undo_schema.pop()()
        self.account.forget_views()

    def edit(self, now: datetime, stream: str, key: str | None, fields: Mapping[str, Json]) -> str:
        """As through the API by somebody else, fields also by their label; and what only people do there:

        `$deleted` (into the recycle bin), `$purged`, `$restored`, `$locked`, `$merged_into` (the id of the master).
        """
        account = self.account
        account.settle(now)
        self.search.tick(now)
        if stream not in account.tables:
            raise KeyError(stream)
        seller = next(user["id"] for user in account.users if user["status"] == "active" and user["id"] != ME)
        labels = {found.label: found.name for found in account.catalogues[stream].fields.values()}
        row = {labels.get(name, name): value for name, value in fields.items()}
        call = Call(method="EDIT", path="", query={}, headers={}, body=b"", now=now, base="")
        writer = Writer(call=call, module=stream, by=seller, trigger=())
        try:
            if key is None:
                return str(self._writes.create(writer, self._writes.checked(stream, row, "$", create=True))["id"])
            if row.get("$restored"):
                self._joining.restored(key, call)
                return key
            record = account.find(stream, key)
            if record is None:
                raise KeyError(key)
            return self._edited(writer, record, row)
        except FaultError as exc:
            raise ValueError(dump(exc.row).decode()) from exc

    def _edited(self, writer: Writer, record: Record, row: Mapping[str, Json]) -> str:
        account, now, key = self.account, writer.call.now, str(record["id"])
        if row.get("$deleted") or row.get("$purged"):
            account.drop(writer.module, record, by=writer.by, at=now, permanent=bool(row.get("$purged")))
            return key
        if row.get("$merged_into"):
            master = account.find(writer.module, str(row["$merged_into"]))
            if master is None:
                raise KeyError(row["$merged_into"])
            self._joining.merge_into(writer.call, writer.module, master, [key], {}, by=writer.by)
            return str(master["id"])
        if "$locked" in row:
            account.commit(writer.module, record := {**record, "_locked": bool(row["$locked"])}, now)
        values = self._writes.checked(writer.module, row, "$", create=False, key=key)
        if values:
            self._writes.change(writer, record, values)
        return key

    def effects(self) -> Sequence[Effect]:
        return self.account.journal.read()


def _put_field(catalogue: Catalogue, before: Sequence[tuple[str, Field]]) -> None:
    catalogue.fields = dict(before)


def _rows(call: Call) -> int:
    try:
        data = call.json()["data"]
    except (ValueError, KeyError, TypeError):
        return 0
    return len(data) if isinstance(data, list) else 0


def _needed(route: Route, at: Sequence[str]) -> Sequence[str]:
    """The scopes that an operation asks for, all of them."""
    words = route.template.strip("/").split("/")
    operation = _OPERATIONS[route.method]
    if words[0] == "coql":
        return ["ZohoCRM.coql.READ"]
    if words[0] == "settings":
        return [f"ZohoCRM.settings.{words[1]}.{operation}"]
    if words[0] in {"org", "users"}:
        return [f"ZohoCRM.{words[0]}.{operation}"]
    module = (at[0] if words[0] == "{module}" else words[0]).lower()
    needed = [f"ZohoCRM.modules.{module}.{operation}"]
    return [*needed, "ZohoSearch.securesearch.READ"] if words[-1] == "search" else needed
