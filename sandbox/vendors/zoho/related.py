"""The lists that hang on a record: what refers to it, the roles of people in a deal, the members of a campaign."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sandbox.state import Record
from sandbox.vendors.zoho.account import Account
from sandbox.vendors.zoho.answers import FaultError, invalid_id, invalid_module, outcomes, refused, success
from sandbox.vendors.zoho.listing import field_names, numbered, since
from sandbox.vendors.zoho.writes import body_rows
from sandbox.web import Answer, Call, Json

# By module and list: the module of its records, and the field in which they refer to the record.
REFERRING: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "Accounts": {
        "Contacts": ("Contacts", "Account_Name"), "Deals": ("Deals", "Account_Name"),
        "Cases": ("Cases", "Account_Name"), "Child_Accounts": ("Accounts", "Parent_Account"),
        "Notes": ("Notes", "Parent_Id"),
    },
    "Contacts": {
        "Deals": ("Deals", "Contact_Name"), "Cases": ("Cases", "Related_To"), "Tasks": ("Tasks", "Who_Id"),
        "Events": ("Events", "Who_Id"), "Calls": ("Calls", "Who_Id"), "Notes": ("Notes", "Parent_Id"),
    },
    "Leads": {"Notes": ("Notes", "Parent_Id")},
    "Deals": {
        "Tasks": ("Tasks", "What_Id"), "Events": ("Events", "What_Id"), "Calls": ("Calls", "What_Id"),
        "Notes": ("Notes", "Parent_Id"),
    },
    "Cases": {"Notes": ("Notes", "Parent_Id")},
}  # fmt: skip
# Lists of which the account keeps who is on them: module of the records.
KEPT: Final[Mapping[str, Mapping[str, str]]] = {
    "Deals": {"Contact_Roles": "Contacts"},
    "Campaigns": {"Contacts": "Contacts", "Leads": "Leads"},
    "Contacts": {"Campaigns": "Campaigns"},
    "Leads": {"Campaigns": "Campaigns"},
}


def lists_of(module: str) -> Mapping[str, str]:
    """The lists of a module's records, and of which module theirs are."""
    referring = {name: of for name, (of, _) in REFERRING.get(module, {}).items()}
    return {**referring, **KEPT.get(module, {})}


class Related:
    def __init__(self, account: Account) -> None:
        self._account = account

    def list(self, call: Call, at: Sequence[str]) -> Answer:
        """`GET /{module}/{id}/{list}`."""
        record = self._record(at)
        module, name = at[0], at[2]
        names, moment = field_names(call.query), since(call)
        of = lists_of(module)[name]
        view = self._account.view(of, names)
        rows = (
            {**view(one), **more}
            for one, more in self._rows(module, name, record)
            if moment is None or one["Modified_Time"] >= moment
        )
        return numbered(call, rows)

    def _record(self, at: Sequence[str]) -> Record:
        if at[0] not in self._account.tables:
            raise invalid_module()
        if at[2] not in lists_of(at[0]):
            text = "The relation name given seems to be invalid"
            raise refused(400, "INVALID_DATA", text, resource_path_index=2)
        record = self._account.find(at[0], at[1])
        if record is None:
            raise invalid_id()
        return record

    def _rows(self, module: str, name: str, record: Record) -> Iterator[tuple[Record, Json]]:
        """The records of a list, the newest first, and what the list says of each."""
        if name in KEPT.get(module, {}):
            yield from sorted(self._kept(module, name, record), key=lambda row: row[0]["id"], reverse=True)
            return
        of, key = REFERRING[module][name]
        wanted = {record["id"], (module, record["id"])}
        for one in self._account.tables[of].walk("id", descending=True):
            if one.get(key) in wanted:
                yield one, {}

    def _kept(self, module: str, name: str, record: Record) -> Iterator[tuple[Record, Json]]:
        account, key = self._account, record["id"]
        if name == "Contact_Roles":
            roles = {contact: role for (deal, contact), role in account.roles.items() if deal == key}
            for contact in dict.fromkeys([*roles, record["Contact_Name"]]):
                found = None if contact is None else account.find("Contacts", contact)
                if found is not None:
                    yield found, {"Contact_Role": self._role(roles.get(contact))}
            return
        for (campaign, of, member), status in account.members.items():
            found = None
            if module == "Campaigns" and (campaign, of) == (key, name):
                found = account.find(of, member)
            elif module != "Campaigns" and (of, member) == (module, key):
                found = account.find("Campaigns", campaign)
            if found is not None:
                yield found, {"Member_Status": status}

    def _role(self, role: str | None) -> Json:
        found = next((one for one in self._account.contact_roles if one["id"] == role), None)
        return found and {"name": found["name"], "id": found["id"]}

    def put(self, call: Call, at: Sequence[str]) -> Answer:
        """`PUT /{module}/{id}/{list}`, its records in the body, or one of them in the path."""
        record, rows = self._record(at), body_rows(call)
        if len(at) > 3:
            rows = [{**rows[0], "id": at[3]}]

        def one(row: Json, nth: int) -> Json:
            other = str(row.get("id"))
            self._related(at, other, nth)
            if at[2] == "Contact_Roles":
                self._account.roles[record["id"], other] = self._known_role(row, nth)
            else:
                self._account.members[self._membership(at, record, other)] = str(row.get("Member_Status") or "Planned")
            self._note(call, at, {name: value for name, value in row.items() if name != "id"})
            return success("relation added", {"id": other})

        return outcomes(one, rows)

    def delete(self, call: Call, at: Sequence[str]) -> Answer:
        """`DELETE /{module}/{id}/{list}?ids=`, or of one in the path."""
        record = self._record(at)
        others = [at[3]] if len(at) > 3 else [word for word in call.query.get("ids", "").split(",") if word]

        def one(other: str, nth: int) -> Json:
            self._related(at, other, nth)
            if at[2] == "Contact_Roles":
                self._account.roles.pop((record["id"], other), None)
            else:
                self._account.members.pop(self._membership(at, record, other), None)
            self._note(call, at, {})
            return success("relation removed", {"id": other})

        return outcomes(one, others)

    def _related(self, at: Sequence[str], other: str, nth: int) -> None:
        of = KEPT.get(at[0], {}).get(at[2])
        if of is None:
            raise FaultError("CANNOT_BE_UPDATED", "the relation cannot be updated")
        if self._account.find(of, other) is None:
            text = "the related id given seems to be invalid"
            raise FaultError("INVALID_DATA", text, id=other, json_path=f"$.data[{nth}].id")

    def _known_role(self, row: Mapping[str, Json], nth: int) -> str | None:
        role = row.get("Contact_Role")
        role = role.get("id") if isinstance(role, dict) else role
        if role is not None and self._role(role) is None:
            path = f"$.data[{nth}].Contact_Role"
            raise FaultError("INVALID_DATA", "invalid data", api_name="Contact_Role", json_path=path)
        return role

    @staticmethod
    def _membership(at: Sequence[str], record: Record, other: str) -> tuple[str, str, str]:
        return (record["id"], at[2], other) if at[0] == "Campaigns" else (other, at[0], record["id"])

    def _note(self, call: Call, at: Sequence[str], fields: Mapping[str, Json]) -> None:
        self._account.journal.note(
            at=call.now, method=call.method, path=call.path, stream=f"{at[0]}/{at[2]}", record=at[1], fields=fields
        )
