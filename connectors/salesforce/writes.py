"""From writes to calls of sObject Collections, and from their answers to outcomes. No I/O.

A call takes 200 records and answers with one result each, in order: what became of one says nothing of the others.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from connectors.salesforce.fields import sent
from connectors.salesforce.statuses import LATER, MOVED
from connectors.salesforce.streams import BATCH
from connectors.sdk import FieldInfo, Json, Operation, Outcome, Write

# Refusals of which the code alone does not say what to do.
_ADVICE: Final[Mapping[str, str]] = {
    "DUPLICATES_DETECTED": "a duplicate rule of the org takes it for one that is there; "
    "`duplicates: save` passes rules that only warn",
    "DUPLICATE_VALUE": "another record has this value in a unique field",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "a validation rule of the org refuses the record as it would stand",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": "a trigger or flow of the org failed",
    "INSUFFICIENT_ACCESS_OR_READONLY": "the user may not change this record",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "the user may not use a record that it names",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "the picklist does not offer this value",
    "FIELD_INTEGRITY_EXCEPTION": "the value does not fit the others of the record, such as a state without its country",
    "STORAGE_LIMIT_EXCEEDED": "the org's storage is full",
}


class Batch(Struct, frozen=True, kw_only=True):
    """Writes that go out in one call. `upsert_by`: the hub id's field, where creates carry one."""

    op: Operation
    upsert_by: str | None
    writes: Sequence[Write]

    @property
    def method(self) -> str:
        if self.op == "archive":
            return "DELETE"
        return "POST" if self.op == "create" and self.upsert_by is None else "PATCH"

    def path(self, root: str, sobject: str) -> str:
        return f"{root}/composite/sobjects" + (f"/{sobject}/{self.upsert_by}" if self.upsert_by else "")

    def asked(self, sobject: str) -> dict[str, Any]:
        """The records as the body of a call; of what is put into the bin, their ids as its query."""
        if self.op == "archive":
            return {"params": {"ids": ",".join(str(write.key) for write in self.writes), "allOrNone": "false"}}
        return {"json": self._body(sobject)}

    def _body(self, sobject: str) -> dict[str, Json]:
        records = []
        for write in self.writes:
            record: dict[str, Json] = {"attributes": {"type": sobject}}
            if self.op != "create":
                record["id"] = write.key
            records.append(record | sent(write.values))
        return {"allOrNone": False, "records": records}


def batches(writes: Sequence[Write], infos: Sequence[FieldInfo]) -> Iterator[Batch]:
    """Calls in the order of the writes: neighbours of one kind together, since rows of one parent lock one another."""
    unique = {info.path for info in infos if info.unique and info.write}
    group: list[Write] = []
    kind: tuple[Operation, str | None] | None = None
    for write in writes:
        mine = write.op, _hub_id_field(write, unique)
        if group and kind is not None and (mine != kind or len(group) == BATCH):
            yield Batch(op=kind[0], upsert_by=kind[1], writes=group)
            group = []
        kind = mine
        group.append(write)
    if group and kind is not None:
        yield Batch(op=kind[0], upsert_by=kind[1], writes=group)


def _hub_id_field(write: Write, unique: Collection[str]) -> str | None:
    """The unique external id that a create carries its hub id in."""
    if write.op != "create" or write.hub_id is None:
        return None
    return next((name for name in sorted(unique) if write.values.get(name) == write.hub_id), None)


def outcomes(batch: Batch, results: Json, fields: Mapping[str, FieldInfo]) -> list[Outcome] | None:
    """What became of each; None where the answer does not tell. `fields`: by API name."""
    if not isinstance(results, list) or len(results) != len(batch.writes):
        return None
    if not all(isinstance(one, dict) and isinstance(one.get("success"), bool) for one in results):
        return None
    return [_outcome(write, one, fields) for write, one in zip(batch.writes, _sorted(batch, results), strict=True)]


def _sorted(batch: Batch, results: Sequence[Mapping[str, Json]]) -> list[Mapping[str, Json]]:
    """Results in the order of the writes. Salesforce answers in order; where an id says otherwise, the id is right."""
    keys = [write.key for write in batch.writes]
    named = {str(one.get("id")): one for one in results if one.get("id") is not None}
    if batch.op == "create" or len(set(keys)) < len(keys) or not set(named) <= set(keys):
        return list(results)
    unnamed = iter([one for one in results if one.get("id") is None])
    return [named[key] if key in named else next(unnamed) for key in keys if key is not None]


def _outcome(write: Write, result: Mapping[str, Json], fields: Mapping[str, FieldInfo]) -> Outcome:
    if result["success"]:
        key = result.get("id") or write.key
        if not key:
            return Outcome(write.action, "unknown", reason="the answer to a create names no record")
        return Outcome(write.action, "done", str(key))
    errors = [one for one in result.get("errors") or () if isinstance(one, dict)]
    codes = [str(one.get("statusCode") or one.get("errorCode") or "") for one in errors]
    text = reason(errors, fields)
    if codes and all(code in LATER for code in codes):
        return Outcome(write.action, "later", write.key, reason=text)
    if write.op != "create" and any(code in MOVED for code in codes):
        return Outcome(write.action, "moved", write.key, reason=text)
    return Outcome(write.action, "rejected", write.key, reason=text)


def reason(errors: Sequence[Mapping[str, Json]], fields: Mapping[str, FieldInfo]) -> str:
    """Why a record was refused: codes, and fields that are named. The vendor's own words may quote the record."""
    return "; ".join(dict.fromkeys(_told(one, fields) for one in errors)) or "refused, and no reason given"


def _told(error: Mapping[str, Json], fields: Mapping[str, FieldInfo]) -> str:
    code = str(error.get("statusCode") or error.get("errorCode") or "")
    code = code if code.isidentifier() else "refused"
    said = {word.strip(".,:;'\"()[]") for word in str(error.get("message") or "").split()}
    named = [str(name) for name in error.get("fields") or ()] + sorted(said & set(fields))
    labels = [fields[name].label for name in dict.fromkeys(named) if name in fields]
    text = code + (f" ({', '.join(labels)})" if labels else "")
    rule = (error.get("duplicateResult") or {}).get("duplicateRule")
    advice = _ADVICE.get(code, "")
    if isinstance(rule, str) and rule.isidentifier():
        advice += f" (rule {rule})"
    return f"{text}: {advice}" if advice else text
