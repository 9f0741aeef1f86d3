"""The front of the simulated Pipedrive: who calls, at what cost, and which handler answers."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sandbox.state import Record
from sandbox.vendors.pipedrive.account import Account
from sandbox.vendors.pipedrive.answers import (
    RefusedError,
    method_not_allowed,
    no_permission,
    over_limit,
    unauthorized,
    unknown_method,
    wrong_media_type,
)
from sandbox.vendors.pipedrive.auth import Grants
from sandbox.vendors.pipedrive.fields import Catalogue, Field
from sandbox.vendors.pipedrive.limits import Limits, Plan
from sandbox.vendors.pipedrive.search import Search
from sandbox.vendors.pipedrive.settlement import Settlement
from sandbox.vendors.pipedrive.stamps import lead_stamp, stamp
from sandbox.vendors.pipedrive.twins import Twins
from sandbox.vendors.pipedrive.v1 import V1
from sandbox.vendors.pipedrive.v2 import V2
from sandbox.vendors.pipedrive.writes import changed, checked, fresh
from sandbox.web import Answer, Call, Effect, Json, Route, Routes
from sandbox.world import World

_ENTITY: Final = {"persons": "person", "organizations": "organization", "deals": "deal", "activities": "activity"}
# What people at the screen may change, and clients may not.
_BY_HAND: Final = (
    "first_name",
    "last_name",
    "job_title",
    "birthday",
    "notes",
    "is_deleted",
    "marketing_status",
)
_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


class Pipedrive:
    """A `Vendor`. `limits_kept`: whether the budget and the burst window refuse, or only count."""

    name = "pipedrive"

    def __init__(self, world: World, *, plan: Plan = "ultimate", seats: int = 2, limits_kept: bool = True) -> None:
        self.account = Account(world)
        Settlement(self.account, world).settle()
        self.search = Search(self.account)
        self.limits = Limits(plan=plan, seats=seats, kept=limits_kept)
        self._grants = Grants(world.draw("pipedrive", "secrets"))
        self._v2 = V2(self.account, self.search)
        self._v1 = V1(self.account, self.search)
        self._undo_schema: list[Callable[[], None]] = []
        self._doors = {
            "/api/v2/": Routes(self._v2.routes()),
            "/api/v1/": (v1 := Routes([*self._v1.routes(), *Twins(self.account, self.search, self._v1).routes()])),
            "/v1/": v1,
        }

    @property
    def credentials(self) -> Mapping[str, str]:
        return self._grants.credentials()

    def routes(self) -> Mapping[str, Routes]:
        """Every operation, by the prefix it stands under."""
        return self._doors

    def _find(self, call: Call) -> tuple[Route, Sequence[str], str] | None:
        for prefix, routes in self._doors.items():
            if call.path.startswith(prefix):
                found = routes.find(call.method, call.path[len(prefix) - 1 :])
                return (*found, prefix) if found else None
        return None

    def route(self, call: Call) -> str:
        found = self._find(call)
        return found[2][:-1] + found[0].template if found else call.path

    def unit_cost(self, call: Call) -> int:
        found = self._find(call)
        return found[0].cost if found else 0

    def answer(self, call: Call) -> Answer:
        self.account.settle(call.now)
        self.search.tick(call.now)
        if call.path.rstrip("/") == "/oauth/authorize" and call.method == "GET":
            return self._grants.consent.ask(call)
        if call.path.rstrip("/") == "/oauth/token" and call.method == "POST":
            return self._grants.grant(call)
        if call.path.rstrip("/") == "/oauth/revoke" and call.method == "POST":
            return self._grants.revoke(call)
        holder = self._grants.holder(call)
        if holder is None:
            return unauthorized()
        found = self._find(call)
        if found is None:
            return method_not_allowed() if self._other_methods(call) else unknown_method()
        route, at, _prefix = found
        token, oauth = holder
        refusal, headers = self.limits.admit(
            call.now, token=token, oauth=oauth, cost=route.cost, search="earch" in route.template
        )
        if refusal is None:
            refusal = self._handled(call, route, at)
        refusal.headers.extend(headers)
        return refusal

    def _handled(self, call: Call, route: Route, at: Sequence[str]) -> Answer:
        if (
            call.method in _BODY
            and call.path.startswith("/api/v2/")
            and "json" not in call.headers.get("content-type", "").lower()
        ):
            return wrong_media_type()
        try:
            return route.handler(call, at)
        except RefusedError as exc:
            return exc.answer

    def _other_methods(self, call: Call) -> bool:
        return any(
            routes.methods(call.path[len(prefix) - 1 :])
            for prefix, routes in self._doors.items()
            if call.path.startswith(prefix)
        )

    # what the control endpoint does

    def expire_tokens(self) -> None:
        self._grants.expire()

    def revoke_grant(self) -> None:
        self._grants.throw_out()

    def unauthorized(self) -> Answer:
        return unauthorized()

    def throttled(self, retry_after: int | None) -> Answer:
        answer = over_limit()
        answer.headers += [("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", str(retry_after or 2))]
        if retry_after is not None:
            answer.headers.append(("Retry-After", str(retry_after)))
        return answer

    def commit_late(self, delay: timedelta) -> None:
        self.account.late = delay

    def lag_search(self, delay: timedelta) -> None:
        self.search.lag = delay

    def forbidden(self) -> Answer:
        return no_permission()

    def change_schema(self, stream: str, field: str, *, to: str | None) -> None:
        """A custom field goes by its label or key and changes its label; a built-in one changes its name in answers."""
        entity = _ENTITY[stream]
        catalogue = self.account.catalogues[entity]
        found = catalogue.fields.get(field) or next((f for f in catalogue.custom() if f.name == field), None)
        if found is None:
            raise KeyError(field)
        if not found.custom:
            self._v2.renamed[entity, field] = to
        elif to is None:
            self._undo_schema.append(partial(self._put_field, catalogue, list(catalogue.fields.items())))
            del catalogue.fields[found.code]
        else:
            self._undo_schema.append(partial(setattr, found, "name", found.name))
            found.name = to
        self.account.by_name[entity].forget_bytes()

    @staticmethod
    def _put_field(catalogue: Catalogue, before: Sequence[tuple[str, Field]]) -> None:
        """The fields as they stood, and behind them what was made since."""
        catalogue.fields = {**dict(before), **catalogue.fields}

    def restore_schema(self) -> None:
        self._v2.renamed.clear()
        while self._undo_schema:
            self._undo_schema.pop()()
        for table in self.account.by_name.values():
            table.forget_bytes()

    def edit(self, now: datetime, stream: str, key: str | None, fields: Mapping[str, Json]) -> str:
        self.account.settle(now)
        self.search.tick(now)
        if stream in _ENTITY:
            return self._edit_entity(now, _ENTITY[stream], key, dict(fields))
        if stream == "leads":
            lead = self.account.leads.get(key or "")
            if lead is None:
                raise KeyError(key)
            if fields.get("converted"):
                return self._converted(now, lead)
            self.account.commit(self.account.leads, lead["id"], {**lead, **fields, "update_time": lead_stamp(now)}, now)
            return str(lead["id"])
        if stream == "notes":
            note = self.account.notes.get(int(key or 0))
            if note is None:
                raise KeyError(key)
            self.account.commit(self.account.notes, note["id"], {**note, **fields, "update_time": stamp(now)}, now)
            return str(note["id"])
        raise KeyError(stream)

    def _converted(self, now: datetime, lead: Record) -> str:
        """What somebody makes a deal of is no lead any more; the deal says which one it was."""
        account, worth = self.account, lead["value"] or {}
        kept = {
            "title": lead["title"],
            "owner_id": lead["owner_id"],
            "person_id": lead["person_id"],
            "org_id": lead["organization_id"],
            "value": worth.get("amount", 0),
            "currency": worth.get("currency", "EUR"),
            "expected_close_date": lead["expected_close_date"],
            "source_lead_id": lead["id"],
            "origin": lead["origin"],
            # A lead has the deals' custom fields, at its root.
            "custom_fields": {field.code: lead.get(field.code) for field in account.catalogues["deal"].custom()},
        }
        key = account.next_id("deal")
        account.commit(account.deals, key, fresh(account, "deal", kept, key=key, by=lead["owner_id"], now=now), now)
        account.leads.drop(lead["id"])
        return str(key)

    def _edit_entity(self, now: datetime, entity: str, key: str | None, fields: Record) -> str:
        """As through the API, but custom fields may go by their label, and names of contact sync are editable."""
        table = self.account.by_name[entity]
        direct: Record = {name: fields.pop(name) for name in _BY_HAND if name in fields}
        customs = self.account.catalogues[entity].custom()
        labels = {field.name: field.code for field in customs}
        custom: Record = {labels[name]: fields.pop(name) for name in list(fields) if name in labels}
        if custom:
            fields["custom_fields"] = dict(fields.get("custom_fields", {})) | custom
        try:
            kept = checked(self.account, entity, fields, create=key is None) | direct
        except RefusedError as exc:
            raise ValueError(exc.answer.body.decode()) from exc
        if key is None:
            new_id = self.account.next_id(entity)
            seller = next(user["id"] for user in self.account.users if user["active_flag"] and not user["is_you"])
            made = fresh(self.account, entity, kept, key=new_id, by=seller, now=now)
            self.account.commit(table, new_id, made, now)
            return str(new_id)
        record = table.get(int(key))
        if record is None:
            raise KeyError(key)
        self.account.commit(table, record["id"], changed(self.account, entity, record, kept, now), now)
        return key

    def effects(self) -> Sequence[Effect]:
        return self.account.journal.read()
