"""Insert, update, upsert, delete: up to a hundred records a call, each with an outcome of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sandbox.state import Record
from sandbox.vendors.zoho.account import Account, fold, followed, made
from sandbox.vendors.zoho.answers import FaultError, outcomes, refused, success
from sandbox.vendors.zoho.fields import SE_MODULE, Field, written
from sandbox.vendors.zoho.listing import since
from sandbox.vendors.zoho.modules import MODULES, STAGES
from sandbox.vendors.zoho.stamps import kept, record_id, shown
from sandbox.web import Answer, Call, Json

MOST: Final = 100
PROBABILITIES: Final = {stage: probability for stage, probability, _ in STAGES}
# What runs when the caller does not say.
TRIGGERS: Final = ("workflow", "approval", "blueprint", "pathfinder", "orchestration")


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Who writes, and how it is told."""

    call: Call
    module: str
    by: str
    trigger: Sequence[str]
    unmodified_since: str | None = None


class Writes:
    def __init__(self, account: Account) -> None:
        self._account = account

    # the operations

    def insert(self, call: Call, module: str, by: str) -> Answer:
        rows, writer = self._read(call, module, by)
        return outcomes(partial(self._insert, writer), rows, status=201)

    def update(self, call: Call, module: str, by: str, *, key: str | None = None) -> Answer:
        """`key`: of the one record that the path names."""
        rows, writer = self._read(call, module, by)
        if key is not None:
            rows = [{**rows[0], "id": key}]
        return outcomes(partial(self._update, writer), rows)

    def upsert(self, call: Call, module: str, by: str) -> Answer:
        rows, writer = self._read(call, module, by)
        given = call.json().get("duplicate_check_fields")
        names = self._check_fields(module, given)

        return outcomes(partial(self._upsert, writer, names), rows)

    def delete(self, call: Call, module: str, by: str, keys: Sequence[str]) -> Answer:
        if len(keys) > MOST:
            raise refused(400, "LIMIT_EXCEEDED", "the ids limit is exceeded", param="ids", limit=MOST)
        trigger = () if call.query.get("wf_trigger") == "false" else TRIGGERS
        writer = Writer(call=call, module=module, by=by, trigger=trigger)
        return outcomes(partial(self._delete, writer), keys)

    # bodies

    def _read(self, call: Call, module: str, by: str) -> tuple[list[Json], Writer]:
        rows = body_rows(call)
        trigger = call.json().get("trigger", list(TRIGGERS))
        unmodified = since(call, "if-unmodified-since")
        return rows, Writer(call=call, module=module, by=by, trigger=trigger, unmodified_since=unmodified)

    def _check_fields(self, module: str, given: Json) -> list[str]:
        """The keys by which upsert looks, in order: those given, else the module's own and then the unique ones."""
        known = self._account.identifying(module)
        if given is None:
            return known
        catalogue = self._account.catalogues[module].by_name()
        keys = [catalogue[name].key if name in catalogue else name for name in given]
        wrong = [name for name, key in zip(given, keys, strict=True) if key not in known]
        if wrong:
            raise refused(
                400, "INVALID_DATA", "invalid data", api_name="duplicate_check_fields",
                json_path=f"$.duplicate_check_fields[{given.index(wrong[0])}]", expected_data_type="unique field",
            )  # fmt: skip
        return keys

    # one record

    def _insert(self, writer: Writer, row: Json, nth: int) -> Json:
        values = self.checked(writer.module, row, f"$.data[{nth}]", create=True)
        return self._done(writer, self.create(writer, values), row, "record added")

    def create(self, writer: Writer, values: Record) -> Record:
        """A record of checked values."""
        account, module = self._account, writer.module
        if module == "Cases":
            values = {**values, "Case_Number": account.next_case_number()}
        record = made(account, module, values, key=account.next_id(), by=writer.by, now=writer.call.now)
        account.commit(module, record, writer.call.now)
        return record

    def _update(self, writer: Writer, row: Json, nth: int) -> Json:
        path = f"$.data[{nth}]"
        if not isinstance(row, dict):
            raise FaultError("INVALID_DATA", "invalid data", expected_data_type="jsonobject", json_path=path)
        if not row.get("id"):
            details = {"api_name": "id", "json_path": f"{path}.id"}
            raise FaultError("MANDATORY_NOT_FOUND", "required field not found", **details)
        record = self._account.find(writer.module, str(row["id"]))
        if record is None:
            raise _no_such(str(row["id"]), json_path=f"{path}.id")
        values = self.checked(writer.module, row, path, create=False, key=record["id"])
        return self._done(writer, self.change(writer, record, values), row, "record updated")

    def change(self, writer: Writer, record: Record, values: Record) -> Record:
        """The record with checked values put into it; raises `FaultError` where it may not be changed now."""
        if record.get("_locked"):
            raise FaultError("RECORD_LOCKED", "record is locked", id=record["id"])
        if writer.unmodified_since is not None and record["Modified_Time"] > writer.unmodified_since:
            details = {"id": record["id"], "Modified_Time": shown(record["Modified_Time"])}
            raise FaultError("ALREADY_MODIFIED", "record is already modified", **details)
        now = writer.call.now
        new = {**record, **values, "Modified_By": writer.by, "Modified_Time": kept(now)}
        new = followed(writer.module, new)
        self._account.commit(writer.module, new, now)
        return new

    def _upsert(self, writer: Writer, keys: Sequence[str], row: Json, nth: int) -> Json:
        path = f"$.data[{nth}]"
        if not isinstance(row, dict):
            raise FaultError("INVALID_DATA", "invalid data", expected_data_type="jsonobject", json_path=path)
        found, by_field = self._twin(writer.module, row, keys)
        if row.get("id"):
            found, by_field = self._account.find(writer.module, str(row["id"])), None
            if found is None:
                raise _no_such(str(row["id"]), json_path=f"{path}.id")
        if found is None:
            values = self.checked(writer.module, row, path, create=True)
            record = self.create(writer, values)
            return self._done(writer, record, row, "record added", action="insert", duplicate_field=None)
        values = self.checked(writer.module, row, path, create=False, key=found["id"])
        record = self.change(writer, found, values)
        return self._done(writer, record, row, "record updated", action="update", duplicate_field=by_field)

    def _twin(self, module: str, row: Mapping[str, Json], keys: Sequence[str]) -> tuple[Record | None, str | None]:
        """The oldest record that shares a value, looked for by one field after the other; and by which it was found."""
        for key in keys:
            name = self._account.catalogues[module].fields[key].name
            value = row.get(name)
            for twin in self._account.twins(module, key, value) if value else ():
                record = self._account.find(module, twin)
                if record is not None and not record.get("Converted__s"):
                    return record, name
        return None, None

    def _delete(self, writer: Writer, key: Json, nth: int) -> Json:
        account, call = self._account, writer.call
        record = account.find(writer.module, key)
        if record is None:
            raise _no_such(key)
        if record.get("_locked"):
            raise FaultError("RECORD_LOCKED", "record is locked", id=key)
        account.drop(writer.module, record, by=writer.by, at=call.now)
        account.journal.note(
            at=call.now, method=call.method, path=call.path, stream=writer.module, record=key,
            fields={"$trigger": list(writer.trigger)},
        )  # fmt: skip
        return success("record deleted", {"id": key})

    def _done(self, writer: Writer, record: Record, row: Json, message: str, **more: Json) -> Json:
        account, call = self._account, writer.call
        account.journal.note(
            at=call.now, method=call.method, path=call.path, stream=writer.module, record=record["id"],
            fields={**{name: value for name, value in row.items() if name != "id"}, "$trigger": list(writer.trigger)},
        )  # fmt: skip
        return success(message, details(account, record), **more)

    # values

    def checked(self, module: str, row: Json, path: str, *, create: bool, key: str | None = None) -> Record:
        """The values of a row by the keys of fields; unknown names and the system's own are passed over.

        Raises `FaultError`; several faults are told in one.
        """
        if not isinstance(row, dict):
            raise FaultError("INVALID_DATA", "invalid data", expected_data_type="jsonobject", json_path=path)
        values: Record = {}
        faults: list[FaultError] = []
        for found in self._account.catalogues[module].fields.values():
            if found.read_only:
                continue
            try:
                if found.name in row:
                    values[found.key] = self._value(module, found, row, f"{path}.{found.name}", key)
                if found.mandatory and (values.get(found.key) is None if found.name in row else create):
                    details = {"api_name": found.name, "json_path": f"{path}.{found.name}"}
                    raise FaultError("MANDATORY_NOT_FOUND", "required field not found", **details)
            except FaultError as exc:
                faults.append(exc)
        if len(faults) == 1:
            raise faults[0]
        if faults:
            rows = [one.row for one in faults]
            raise FaultError("MULTIPLE_OR_MULTI_ERRORS", "multiple errors", errors=rows)
        if module == "Deals" and values.get("Stage") is not None:
            values.setdefault("Probability", PROBABILITIES[values["Stage"]])
        return values

    def _value(self, module: str, found: Field, row: Mapping[str, Json], path: str, key: str | None) -> Json:
        value = row[found.name]
        if found.type == "boolean" and value is None:
            return False
        if found.type == "ownerlookup":
            return self._owner(found, value, path)
        if found.target is not None:
            return self._related(found, row, path)
        kept_value = written(found, value, path)
        if found.type == "multiselectpicklist" and (row.get("$append_values") or {}).get(found.name) and key:
            record = self._account.find(module, key) or {}
            kept_value = list(dict.fromkeys([*(record.get(found.key) or ()), *(kept_value or ())])) or None
        if found.unique and kept_value is not None:
            self._unique(module, found, kept_value, path, key)
        return kept_value

    def _owner(self, found: Field, value: Json, path: str) -> Json:
        for user in self._account.users:
            if isinstance(value, dict) and (value.get("id") == user["id"] or value.get("email") == user["email"]):
                if user["status"] == "active":
                    return user["id"]
                break
        raise FaultError("INVALID_DATA", "invalid data", api_name=found.name, json_path=path)

    def _related(self, found: Field, row: Mapping[str, Json], path: str) -> Json:
        """A lookup: `{"id": ...}`; one of any module has `$se_module` beside it, or says the module itself."""
        value = row[found.name]
        if value is None:
            return None
        if not isinstance(value, dict) or not isinstance(value.get("id"), str):
            expected = {"api_name": found.name, "json_path": path, "expected_data_type": "jsonobject"}
            raise FaultError("INVALID_DATA", "invalid data", **expected)
        target = found.target
        if target == SE_MODULE:
            told = value.get("module") or row.get("$se_module")
            target = told.get("api_name") if isinstance(told, dict) else told
            if target is None:
                wanted = [{"api_name": "$se_module", "json_path": path}]
                raise FaultError("EXPECTED_FIELD_MISSING", "expected fields are missing", expected_fields=wanted)
        if target is None or target not in MODULES or self._account.find(target, value["id"]) is None:
            details = {"api_name": found.name, "json_path": f"{path}.id"}
            raise FaultError("INVALID_DATA", "the related id given seems to be invalid", **details)
        return (target, value["id"]) if found.target == SE_MODULE else value["id"]

    def _unique(self, module: str, found: Field, value: Json, path: str, key: str | None) -> None:
        twin = next((twin for twin in self._account.twins(module, found.key, fold(value)) if twin != key), None)
        if twin is None:
            return
        other = self._account.find(module, twin)
        owner = other and self._account.by(other["Owner"])
        module_told = {"api_name": module, "id": record_id(MODULES[module].number)}
        raise FaultError(
            "DUPLICATE_DATA", "duplicate data", api_name=found.name, json_path=path, id=twin,
            duplicate_record={"module": module_told, "id": twin, "Owner": owner},
        )  # fmt: skip


def body_rows(call: Call, key: str = "data") -> list[Json]:
    """The rows of a body `{"data": [...]}`, at least one and a hundred at most; raises `RefusedError`."""
    try:
        body = call.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise refused(400, "INVALID_DATA", "body", expected_data_type="jsonobject")
    rows = body.get(key)
    at = {"api_name": key, "json_path": f"$.{key}"}
    if rows is None:
        raise refused(400, "MANDATORY_NOT_FOUND", "required field not found", **at)
    if not isinstance(rows, list) or not rows:
        raise refused(400, "INVALID_DATA", "invalid data", expected_data_type="jsonarray", **at)
    if len(rows) > MOST:
        raise refused(400, "INVALID_DATA", "invalid data", maximum_length=MOST, **at)
    return rows


def details(account: Account, record: Record) -> Json:
    """What an answer tells of a record that was written."""
    return {
        "Modified_Time": shown(record["Modified_Time"]),
        "Modified_By": account.by(record["Modified_By"]),
        "Created_Time": shown(record["Created_Time"]),
        "id": record["id"],
        "Created_By": account.by(record["Created_By"]),
        "$approval_state": "approved",
    }


def _no_such(key: str, **more: Json) -> FaultError:
    told = {"api_name": "id", **more} if more else {"id": key}
    return FaultError("INVALID_DATA", "the id given seems to be invalid", **told)
