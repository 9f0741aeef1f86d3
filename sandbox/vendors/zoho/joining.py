"""Records that become others: a lead is converted, duplicates are merged, what was deleted is restored."""

from collections.abc import Sequence
from typing import Final

from sandbox.state import Record
from sandbox.vendors.zoho.account import Account, each_deletion, followed
from sandbox.vendors.zoho.answers import FaultError, invalid_id, invalid_module, outcomes, refused, success
from sandbox.vendors.zoho.fields import SE_MODULE
from sandbox.vendors.zoho.listing import numbered
from sandbox.vendors.zoho.modules import MODULES
from sandbox.vendors.zoho.stamps import kept, record_id, shown
from sandbox.vendors.zoho.writes import TRIGGERS, Writer, Writes, body_rows
from sandbox.web import Answer, Call, Json

MOST_LOSERS: Final = 2
# What of a lead goes where.
_TO_CONTACT: Final = {
    "First_Name": "First_Name", "Last_Name": "Last_Name", "Salutation": "Salutation", "Designation": "Title",
    "Email": "Email", "Secondary_Email": "Secondary_Email", "Phone": "Phone", "Mobile": "Mobile",
    "Lead_Source": "Lead_Source", "Email_Opt_Out": "Email_Opt_Out", "Street": "Mailing_Street", "City": "Mailing_City",
    "State": "Mailing_State", "Zip_Code": "Mailing_Zip", "Country": "Mailing_Country", "Description": "Description",
    "CX_NPS_Score": "CX_NPS_Score", "CX_NPS_Class": "CX_NPS_Class", "CX_NPS_Comment": "CX_NPS_Comment",
    "CX_NPS_Answered": "CX_NPS_Answered", "CX_Response_Count": "CX_Response_Count", "Tag": "Tag",
}  # fmt: skip
_TO_ACCOUNT: Final = {
    "Company": "Account_Name", "Website": "Website", "Industry": "Industry", "No_of_Employees": "Employees",
    "Annual_Revenue": "Annual_Revenue",
}  # fmt: skip


class Joining:
    def __init__(self, account: Account, writes: Writes, me: str) -> None:
        self._account, self._writes, self._me = account, writes, me

    # leads

    def convert(self, call: Call, at: Sequence[str]) -> Answer:
        """`POST /Leads/{id}/actions/convert`: the lead stays, as converted."""
        lead = self._account.find("Leads", at[0])
        if lead is None:
            raise invalid_id()
        if lead["Converted__s"]:
            raise refused(400, "ID_ALREADY_CONVERTED", "id already converted", resource_path_index=1)

        def one(row: Json, nth: int) -> Json:
            made = self._converted(call, lead, row, f"$.data[{nth}]")
            told = {module: record and self._told(module, record) for module, record in made.items()}
            return success("The record has been converted successfully", told)

        return outcomes(one, body_rows(call)[:1])

    def _converted(self, call: Call, lead: Record, row: Json, path: str) -> dict[str, Record | None]:
        account, now = self._account, call.now
        firm = self._given("Accounts", row, path)
        contact = self._given("Contacts", row, path)
        wanted = row.get("Deals")
        deal_values = None if wanted is None else self._writes.checked("Deals", wanted, f"{path}.Deals", create=True)
        if firm is None and lead["Company"] not in (None, "", "-"):
            firm = self._create(call, "Accounts", {to: lead[name] for name, to in _TO_ACCOUNT.items()})
        if contact is None:
            values = {to: lead[name] for name, to in _TO_CONTACT.items()}
            contact = self._create(call, "Contacts", {**values, "Account_Name": firm and firm["id"]})
        deal = None
        if deal_values is not None:
            links = {"Account_Name": firm and firm["id"], "Contact_Name": contact["id"]}
            deal = self._create(call, "Deals", {**deal_values, **links})
        new = {
            **lead,
            "Converted__s": True,
            "Converted_Date_Time": kept(now),
            "Converted_Contact": contact["id"],
            "Converted_Account": firm and firm["id"],
            "Converted_Deal": deal and deal["id"],
            "Modified_Time": kept(now),
            "Modified_By": self._me,
        }
        account.commit("Leads", new, now)
        self._note(call, "Leads", lead["id"], dict(row))
        return {"Contacts": contact, "Deals": deal, "Accounts": firm}

    def _given(self, module: str, row: Json, path: str) -> Record | None:
        """The record of a module into which the lead is to go; None: a new one."""
        told = row.get(module)
        if told is None:
            return None
        found = self._account.find(module, str(told.get("id")))
        if found is None:
            details = {"api_name": "id", "json_path": f"{path}.{module}.id"}
            raise FaultError("INVALID_DATA", "invalid data", **details)
        return found

    def _create(self, call: Call, module: str, values: Record) -> Record:
        return self._writes.create(Writer(call=call, module=module, by=self._me, trigger=TRIGGERS), values)

    def _told(self, module: str, record: Record) -> Json:
        return {"name": self._account.name(module, record), "id": record["id"]}

    # duplicates

    def merge(self, call: Call, at: Sequence[str]) -> Answer:
        """`POST /{module}/{id}/actions/merge`: the master takes the fields named for each of the others."""
        module, master = self._master(at)

        def one(row: Json, nth: int) -> Json:
            losers = row.get("data") if isinstance(row, dict) else None
            path = f"$.merge[{nth}].data"
            if not isinstance(losers, list) or not losers:
                raise FaultError("MANDATORY_NOT_FOUND", "required field not found", api_name="data", json_path=path)
            if len(losers) > MOST_LOSERS:
                raise FaultError("LIMIT_EXCEEDED", "limit exceeded", json_path=path, maximum_length=MOST_LOSERS)
            taken: Record = {}
            keys = []
            for place, loser in enumerate(losers):
                found = self._account.find(module, str(loser.get("id")))
                if found is None or found["id"] == master["id"]:
                    raise FaultError("INVALID_DATA", "invalid data", api_name="id", json_path=f"{path}[{place}].id")
                keys.append(found["id"])
                names = [field.get("api_name") for field in loser.get("_fields") or ()]
                fields = self._account.catalogues[module].by_name()
                taken |= {fields[name].key: found[fields[name].key] for name in names if name in fields}
            self.merge_into(call, module, master, keys, taken, by=self._me)
            self._note(call, module, master["id"], {"merged": keys, **taken})
            return success("merged successfully", {"id": master["id"]})

        return outcomes(one, body_rows(call, "merge"), key="merge")

    def merge_job(self, call: Call, at: Sequence[str]) -> Answer:
        """`GET` of the same: merges are done at once here, so no job is ever known."""
        self._master(at)
        raise refused(400, "INVALID_DATA", "invalid data", param="job_id")

    def _master(self, at: Sequence[str]) -> tuple[str, Record]:
        if at[0] not in {"Leads", "Contacts", "Accounts"}:
            raise invalid_module()
        master = self._account.find(at[0], at[1])
        if master is None:
            raise invalid_id()
        return at[0], master

    def merge_into(
        self, call: Call, module: str, master: Record, losers: Sequence[str], taken: Record, *, by: str
    ) -> None:
        """The losers are gone for good, and who referred to them refers to the master."""
        account, now = self._account, call.now
        for key in losers:
            loser = account.find(module, key)
            if loser is not None:
                account.drop(module, loser, by=by, at=now, permanent=True)
                self._point_elsewhere(call, module, key, master["id"])
        new = {**master, **taken, "Modified_Time": kept(now), "Modified_By": by}
        account.commit(module, followed(module, new), now)

    def _point_elsewhere(self, call: Call, module: str, old: str, new: str) -> None:
        account = self._account
        for name, catalogue in account.catalogues.items():
            for found in catalogue.lookups(module):
                before, after = ((module, old), (module, new)) if found.target == SE_MODULE else (old, new)
                for record in [one for one in account.tables[name] if one.get(found.key) == before]:
                    account.commit(name, {**record, found.key: after}, call.now)
        for deal, contact in [pair for pair in account.roles if pair[1] == old]:
            account.roles.setdefault((deal, new), account.roles.pop((deal, contact)))
        for campaign, of, member in [one for one in account.members if one[1:] == (module, old)]:
            account.members.setdefault((campaign, of, new), account.members.pop((campaign, of, member)))

    # the recycle bin

    def recycled(self, call: Call, at: Sequence[str]) -> Answer:
        """`GET /settings/recycle_bin`: of every module, the newest first."""
        account = self._account
        gone = [
            (deletion, module)
            for module in MODULES
            for deletion in each_deletion(account, module, call.now)
            if deletion.in_bin(call.now) and (not at or deletion.id == at[0])
        ]
        gone.sort(key=lambda pair: (pair[0].at, pair[0].id), reverse=True)
        rows = [
            {
                "id": deletion.id,
                "display_name": deletion.name,
                # a name in the list, an object in the answer for one record
                "module": {"api_name": module, "id": record_id(MODULES[module].number)} if at else module,
                "owner": account.by((deletion.record or {})["Owner"]),
                "deleted_by": account.by(deletion.by),
                "deleted_time": shown(kept(deletion.at)),
            }
            for deletion, module in gone
        ]
        return numbered(call, rows, key="recycle_bin", most=None)

    def restore(self, call: Call, at: Sequence[str]) -> Answer:
        """`POST /settings/recycle_bin/{id}/actions/restore`: the record is back as it was, its stamps as well."""

        def one(key: str, nth: int) -> Json:
            module = self.restored(key, call)
            self._note(call, module, key, {})
            return success("record restored", {"id": key})

        return outcomes(one, [at[0]], key="recycle_bin")

    def restored(self, key: str, call: Call) -> str:
        """Take a record out of the recycle bin; its module. Raises `FaultError`."""
        for module, deletions in self._account.deleted.items():
            deletion = deletions.get(key)
            if deletion is not None and deletion.record is not None and deletion.in_bin(call.now):
                self._account.restore(module, deletion.record)
                return module
        raise FaultError("INVALID_DATA", "the id given seems to be invalid", id=key)

    def erase(self, call: Call, at: Sequence[str]) -> Answer:
        """`DELETE /settings/recycle_bin/{id}`: gone for good."""

        def one(key: str, nth: int) -> Json:
            for deletions in self._account.deleted.values():
                if key in deletions and deletions[key].in_bin(call.now):
                    deletions[key].record = None
                    return success("record deleted", {"id": key})
            raise FaultError("INVALID_DATA", "the id given seems to be invalid", id=key)

        return outcomes(one, [at[0]], key="recycle_bin")

    def _note(self, call: Call, module: str, key: str, fields: Record) -> None:
        self._account.journal.note(
            at=call.now, method=call.method, path=call.path, stream=module, record=key, fields=fields
        )
