"""The fields of each stream: what every record has, laid over what the account's catalogue says.

The catalogue knows labels, options and custom fields; it does not say what may be written, and calls some
fields otherwise than the records do ("email" for `emails`). Vendor facts: README.md, Fields.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from connectors.pipedrive.streams import RESOURCES
from connectors.sdk import FieldInfo, FieldType, Json

CUSTOM: Final = "custom_fields."

_VARCHAR: Final = 255

# Field types of the catalogue. What is missing here is a number or a name of Pipedrive's own: read as it comes.
_TYPES: Final[Mapping[str, FieldType]] = {
    "int": "int",
    "double": "number",
    "boolean": "bool",
    "varchar": "text",
    "varchar_auto": "text",
    "varchar_options": "text",
    "phone": "text",
    "text": "long_text",
    "date": "date",
    "daterange": "json",
    "time": "json",
    "timerange": "json",
    "enum": "choice",
    "set": "multi",
    "status": "choice",
    "visible_to": "choice",
    "address": "address",
    "monetary": "money",
    "user": "ref",
    "org": "ref",
    "people": "ref",
    "deal": "ref",
    "lead": "ref",
    "activity": "ref",
    "picture": "int",
}
_REFERS: Final[Mapping[str, str]] = {
    "user": "users",
    "org": "organizations",
    "people": "persons",
    "deal": "deals",
    "lead": "leads",
    "activity": "activities",
}
# What the catalogue calls a field -> what the records call it.
_ALIASES: Final[Mapping[str, str]] = {"email": "emails", "phone": "phones", "label": "label_ids", "ims": "im"}
# Fields that only some accounts have and that may be written there.
_WRITABLE: Final = frozenset({"marketing_status"})

_VISIBLE: Final = (("1", "Owner"), ("3", "Owner and group"), ("5", "Owner, group and subgroups"), ("7", "Everybody"))
_STATUS: Final = (("open", "Open"), ("won", "Won"), ("lost", "Lost"))
_MARKETING: Final = (
    ("no_consent", "No consent"),
    ("unsubscribed", "Unsubscribed"),
    ("subscribed", "Subscribed"),
    ("archived", "Archived"),
)
_NAMED: Final[Mapping[str, Sequence[tuple[str, str]]]] = {"marketing_status": _MARKETING}


def _field(
    path: str,
    kind: FieldType,
    *,
    write: bool = False,
    required: bool = False,
    refers_to: str | None = None,
    options: Sequence[tuple[str, str]] = (),
    max_length: int | None = None,
) -> FieldInfo:
    label = path.removesuffix("_id").replace("_", " ").capitalize()
    return FieldInfo(
        name=path, label=label, type=kind, path=path, write=write, required=required, refers_to=refers_to,
        options=options, max_length=max_length,
    )  # fmt: skip


_OWNER: Final = _field("owner_id", "ref", write=True, refers_to="users")
_TIMES: Final = (_field("add_time", "datetime"), _field("update_time", "datetime"))
_SEEN: Final = _field("visible_to", "choice", write=True, options=_VISIBLE)
_LABELS: Final = _field("label_ids", "multi", write=True)
_DELETED: Final = _field("is_deleted", "bool")

# What every record of a stream has, whatever the account.
BASE: Final[Mapping[str, tuple[FieldInfo, ...]]] = {
    "persons": (
        _field("id", "int"),
        _field("name", "text", write=True, required=True, max_length=_VARCHAR),
        _field("first_name", "text"),
        _field("last_name", "text"),
        _OWNER,
        _field("org_id", "ref", write=True, refers_to="organizations"),
        _field("emails", "emails", write=True),
        _field("phones", "phones", write=True),
        _SEEN,
        _LABELS,
        _field("picture_id", "int"),
        _DELETED,
        *_TIMES,
    ),
    "organizations": (
        _field("id", "int"),
        _field("name", "text", write=True, required=True, max_length=_VARCHAR),
        _OWNER,
        _field("address", "address", write=True),
        _SEEN,
        _LABELS,
        _DELETED,
        *_TIMES,
    ),
    "deals": (
        _field("id", "int"),
        _field("title", "text", write=True, required=True, max_length=_VARCHAR),
        _OWNER,
        _field("creator_user_id", "ref", refers_to="users"),
        _field("person_id", "ref", write=True, refers_to="persons"),
        _field("org_id", "ref", write=True, refers_to="organizations"),
        _field("value", "number", write=True),
        _field("currency", "text", write=True),
        _field("pipeline_id", "int", write=True),
        _field("stage_id", "int", write=True),
        _field("status", "choice", write=True, options=_STATUS),
        _field("probability", "number", write=True),
        _field("lost_reason", "text", write=True),
        _field("expected_close_date", "date", write=True),
        _field("stage_change_time", "datetime"),
        _field("close_time", "datetime", write=True),
        _field("won_time", "datetime", write=True),
        _field("lost_time", "datetime", write=True),
        _field("local_won_date", "date"),
        _field("local_lost_date", "date"),
        _field("local_close_date", "date"),
        _field("is_archived", "bool"),
        _field("archive_time", "datetime"),
        _field("origin", "text"),
        _field("origin_id", "text"),
        _field("channel", "int"),
        _field("channel_id", "text"),
        _field("source_lead_id", "ref", refers_to="leads"),
        _field("acv", "number"),
        _field("arr", "number"),
        _field("mrr", "number"),
        _SEEN,
        _LABELS,
        _DELETED,
        *_TIMES,
    ),
    "leads": (
        _field("id", "text"),
        _field("title", "text", write=True, required=True, max_length=_VARCHAR),
        _OWNER,
        _field("creator_id", "ref", refers_to="users"),
        _field("person_id", "ref", write=True, refers_to="persons"),
        _field("organization_id", "ref", write=True, refers_to="organizations"),
        _field("value", "money", write=True),
        _field("value.amount", "number", write=True),
        _field("value.currency", "text", write=True),
        _field("expected_close_date", "date", write=True),
        _field("source_name", "text"),
        _field("origin", "text"),
        _field("origin_id", "text"),
        _field("channel", "int", write=True),
        _field("channel_id", "text", write=True),
        _field("is_archived", "bool"),
        _field("was_seen", "bool", write=True),
        _field("next_activity_id", "ref", refers_to="activities"),
        _field("cc_email", "text"),
        _SEEN,
        _LABELS,
        *_TIMES,
    ),
    "activities": (
        _field("id", "int"),
        _field("subject", "text", write=True, max_length=_VARCHAR),
        _field("type", "text", write=True),
        _OWNER,
        _field("creator_user_id", "ref", refers_to="users"),
        _field("done", "bool", write=True),
        _field("marked_as_done_time", "datetime"),
        _field("due_date", "date", write=True),
        _field("due_time", "text", write=True),
        _field("duration", "text", write=True),
        _field("busy", "bool", write=True),
        _field("deal_id", "ref", write=True, refers_to="deals"),
        _field("lead_id", "ref", write=True, refers_to="leads"),
        # The primary one of `participants`, which is where it is written.
        _field("person_id", "ref", refers_to="persons"),
        _field("org_id", "ref", write=True, refers_to="organizations"),
        _field("participants", "json", write=True),
        _field("location", "address", write=True),
        _field("note", "long_text", write=True),
        _field("public_description", "long_text", write=True),
        _field("priority", "int", write=True),
        _DELETED,
        *_TIMES,
    ),
    "notes": (
        _field("id", "int"),
        _field("content", "long_text", write=True, required=True),
        _field("user_id", "ref", write=True, refers_to="users"),
        _field("person_id", "ref", write=True, refers_to="persons"),
        _field("org_id", "ref", write=True, refers_to="organizations"),
        _field("deal_id", "ref", write=True, refers_to="deals"),
        _field("lead_id", "ref", write=True, refers_to="leads"),
        _field("active_flag", "bool"),
        *_TIMES,
    ),
    "users": (
        _field("id", "int"),
        _field("name", "text"),
        _field("email", "text"),
        _field("phone", "text"),
        _field("active_flag", "bool"),
        _field("is_deleted", "bool"),
        _field("role_id", "int"),
        _field("timezone_name", "text"),
        _field("locale", "text"),
        _field("default_currency", "text"),
        _field("created", "datetime"),
    ),
}


def described(stream: str, rows: Iterable[Json], *, included: Iterable[str] = ()) -> list[FieldInfo]:
    """The fields of a stream from the rows of its catalogue. `included`: optional ones that its lists are asked for."""
    asked = {*included, *RESOURCES[stream].include, *RESOURCES[stream].addon}
    found = {info.path: info for info in BASE[stream]}
    for row in rows:
        custom = row.get("is_custom_field") is True
        if stream == "leads" and not custom:
            continue  # the catalogue is that of deals: only its custom fields are the leads' too
        told = _told(row, custom=custom, stream=stream)
        known = found.get(told.path)
        if known is not None:
            found[told.path] = replace(known, label=told.label, options=told.options or known.options)
        elif not row.get("is_optional_response_field") or told.path in asked:
            found[told.path] = told
        else:
            found[told.path] = replace(told, read=False, write=False)
    return list(found.values())


def _told(row: Mapping[str, Json], *, custom: bool, stream: str) -> FieldInfo:
    code, kind = str(row["field_code"]), str(row["field_type"])
    # The first version's rows carry custom fields at their root.
    path = (code if stream == "leads" else CUSTOM + code) if custom else _ALIASES.get(code, code)
    type_ = _TYPES.get(kind, "json" if custom else "int")
    if not custom and code in _NAMED:
        type_ = "choice"  # a word of a closed list, which the catalogue calls a text
    elif not custom and type_ == "date" and code.endswith("_time"):
        type_ = "datetime"
    options = [(str(option["id"]), str(option["label"])) for option in row.get("options") or ()]
    return FieldInfo(
        name=code if custom else path,
        label=str(row.get("field_name") or code),
        type=type_,
        path=path,
        options=options or (() if custom else _NAMED.get(code, ())),
        write=custom or code in _WRITABLE,
        custom=custom,
        max_length=_VARCHAR if kind.startswith("varchar") else None,
        refers_to=_REFERS.get(kind),
    )
