"""Objects and their fields: what there is, what may be written, and how `describe` tells it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from sandbox.state import Record
from sandbox.web import Json

MASTER_RECORD_TYPE: Final = "012000000000000AAA"

# Finds a record by id; for fields whose value comes from another record.
Lookup: TypeAlias = Callable[[Json], Record | None]

# type -> SOAP type; of all others it is a string
_SOAP: Final[Mapping[str, str]] = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double",
    "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime",
    "address": "urn:address",
}  # fmt: skip
NUMBERS: Final = frozenset({"int", "double", "currency", "percent"})
TEXTS: Final = frozenset({"string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "combobox"})
LONG_TEXT: Final = 255  # a longer textarea can be neither filtered nor sorted by


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `key`: what its value is kept under, which stays when the field is renamed.

    `made`: the value is made when it is read, of this record and others, and moves no stamp.
    """

    name: str
    label: str
    type: str
    key: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    unique: bool = False
    external_id: bool = False
    id_lookup: bool = False
    refers_to: Sequence[str] = ()
    relationship: str | None = None
    children: str | None = None  # the relationship as the parent names it
    options: Sequence[str] = ()
    restricted: bool = False
    default: Json = None
    name_field: bool = False
    compound: str | None = None
    formula: str | None = None
    made: Callable[[Record, Lookup], Json] | None = None

    @property
    def custom(self) -> bool:
        return self.name.endswith(("__c", "__pc"))

    @property
    def long(self) -> bool:
        return self.type == "textarea" and self.length > LONG_TEXT

    @property
    def filterable(self) -> bool:
        return not self.long and self.type != "address"

    @property
    def required(self) -> bool:
        """A create without it is refused."""
        return self.createable and not self.nillable and self.default is None

    def describe(self) -> Json:
        return {
            "aggregatable": self.filterable,
            "aiPredictionField": False,
            "autoNumber": self.name == "CaseNumber",
            "byteLength": self.length * 3 if self.type in TEXTS else self.length,
            "calculated": self.formula is not None,
            "calculatedFormula": self.formula,
            "cascadeDelete": False,
            "caseSensitive": False,
            "compoundFieldName": self.compound,
            "controllerName": None,
            "createable": self.createable,
            "custom": self.custom,
            "defaultValue": self.default if self.type in ("boolean", "picklist") else None,
            "defaultValueFormula": None,
            "defaultedOnCreate": not self.nillable and (self.default is not None or not self.createable),
            "dependentPicklist": False,
            "deprecatedAndHidden": False,
            "digits": self.precision if self.type == "int" else 0,
            "displayLocationInDecimal": False,
            "encrypted": False,
            "externalId": self.external_id,
            "extraTypeInfo": "plaintextarea" if self.type == "textarea" else None,
            "filterable": self.filterable,
            "filteredLookupInfo": None,
            "formulaTreatNullNumberAsZero": False,
            "groupable": self.filterable and self.type not in ("datetime", *NUMBERS),
            "highScaleNumber": False,
            "htmlFormatted": False,
            "idLookup": self.id_lookup,
            "inlineHelpText": None,
            "label": self.label,
            "length": self.length,
            "mask": None,
            "maskType": None,
            "name": self.name,
            "nameField": self.name_field,
            "namePointing": len(self.refers_to) > 1,
            "nillable": self.nillable,
            "permissionable": self.nillable and not self.name_field,
            "picklistValues": [
                {
                    "active": True,
                    "defaultValue": option == self.default,
                    "label": option,
                    "validFor": None,
                    "value": option,
                }
                for option in self.options
            ],
            "polymorphicForeignKey": len(self.refers_to) > 1,
            "precision": self.precision,
            "queryByDistance": False,
            "referenceTargetField": None,
            "referenceTo": list(self.refers_to),
            "relationshipName": self.relationship,
            "relationshipOrder": None,
            "restrictedDelete": False,
            "restrictedPicklist": self.restricted,
            "scale": self.scale,
            "searchPrefilterable": False,
            "soapType": _SOAP.get(self.type, "xsd:string"),
            "sortable": self.filterable,
            "type": self.type,
            "unique": self.unique,
            "updateable": self.updateable,
            "writeRequiresMasterRead": False,
        }


@dataclass(slots=True, kw_only=True)
class SObject:
    """One object."""

    name: str
    label: str
    plural: str
    prefix: str
    fields: dict[str, Field]
    writeable: bool = True
    mergeable: bool = False
    replicateable: bool = True
    searchable: bool = True
    _by_name: dict[str, Field] = field(default_factory=dict)
    _by_relationship: dict[str, Field] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._index()

    def _index(self) -> None:
        self._by_name = {name.lower(): entry for name, entry in self.fields.items()}
        self._by_relationship = {
            entry.relationship.lower(): entry for entry in self.fields.values() if entry.relationship
        }

    def field(self, name: str) -> Field | None:
        """Case does not matter in names."""
        return self._by_name.get(name.lower())

    def reference(self, relationship: str) -> Field | None:
        return self._by_relationship.get(relationship.lower())

    def rename(self, name: str, to: str | None) -> None:
        """Call a field by another name, or with none take it away. Raises `KeyError` where there is no such field."""
        found = self.field(name) or next((f for f in self.fields.values() if f.label == name), None)
        if found is None:
            raise KeyError(name)
        self.fields = {
            (to or key if entry is found else key): (replace(entry, name=to or key) if entry is found else entry)
            for key, entry in self.fields.items()
            if to is not None or entry is not found
        }
        self._index()

    def restore(self, fields: dict[str, Field]) -> None:
        self.fields = fields
        self._index()

    def summary(self, root: str) -> Json:
        """As the list of all objects tells it. `root`: `/services/data/v66.0`."""
        here = f"{root}/sobjects/{self.name}"
        return {
            "activateable": False,
            "associateEntityType": None,
            "associateParentEntity": None,
            "createable": self.writeable,
            "custom": False,
            "customSetting": False,
            "deepCloneable": False,
            "deletable": self.writeable,
            "deprecatedAndHidden": False,
            "feedEnabled": False,
            "hasSubtypes": False,
            "isInterface": False,
            "isSubtype": False,
            "keyPrefix": self.prefix,
            "label": self.label,
            "labelPlural": self.plural,
            "layoutable": self.writeable,
            "mergeable": self.mergeable,
            "mruEnabled": self.writeable,
            "name": self.name,
            "queryable": True,
            "replicateable": self.replicateable,
            "retrieveable": True,
            "searchable": self.searchable,
            "triggerable": self.writeable,
            "undeletable": self.writeable,
            "updateable": self.writeable,
            "urls": {"rowTemplate": here + "/{ID}", "describe": here + "/describe", "sobject": here},
        }

    def describe(self, root: str, record_types: Sequence[Record], children: Json) -> Json:
        here = f"{root}/sobjects/{self.name}"
        summary = self.summary(root)
        return {
            **summary,
            "actionOverrides": [],
            "childRelationships": children,
            "compactLayoutable": True,
            "defaultImplementation": None,
            "extendedBy": None,
            "extendsInterfaces": None,
            "fields": [entry.describe() for entry in self.fields.values()],
            "implementedBy": None,
            "implementsInterfaces": None,
            "listviewable": None,
            "lookupLayoutable": None,
            "namedLayoutInfos": [],
            "networkScopeFieldName": None,
            "recordTypeInfos": [_record_type(kind) for kind in record_types] + [_MASTER],
            "searchLayoutable": self.searchable,
            "sobjectDescribeOption": "FULL",
            "supportedScopes": [{"label": f"All {self.plural.lower()}", "name": "everything"}],
            "urls": {**summary["urls"], "layouts": here + "/describe/layouts"},
        }


def _record_type(kind: Record) -> Json:
    return {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": False,
        "developerName": kind["DeveloperName"],
        "master": False,
        "name": kind["Name"],
        "recordTypeId": kind["Id"],
        "urls": {},
    }


_MASTER: Final[Json] = {
    "active": True,
    "available": True,
    "defaultRecordTypeMapping": True,
    "developerName": "Master",
    "master": True,
    "name": "Master",
    "recordTypeId": MASTER_RECORD_TYPE,
    "urls": {},
}


def sobject(
    name: str, prefix: str, fields: Iterable[Field], *, label: str = "", plural: str = "", **more: Any
) -> SObject:
    """An object with the fields that all of them have before its own. `more`: flags of `SObject`."""
    label = label or name
    known = {entry.name: replace(entry, key=entry.name) for entry in (*_common(), *fields)}
    return SObject(name=name, label=label, plural=plural or f"{label}s", prefix=prefix, fields=known, **more)


def _common() -> Iterable[Field]:
    yield Field(
        name="Id", label="Record ID", type="id", length=18, nillable=False, createable=False, updateable=False,
        id_lookup=True,
    )  # fmt: skip
    yield Field(
        name="IsDeleted", label="Deleted", type="boolean", nillable=False, createable=False, updateable=False,
        default=False,
    )  # fmt: skip
    for name, label in (("Created", "Created"), ("LastModified", "Last Modified")):
        yield kept(moment(f"{name}Date", f"{label} Date"))
        yield kept(reference(f"{name}ById", f"{label} By ID", "User", relationship=f"{name}By"))
    yield kept(moment("SystemModstamp", "System Modstamp"))


def kept(entry: Field) -> Field:
    """Salesforce alone writes it, and always."""
    return replace(entry, nillable=False, createable=False, updateable=False)


def read_only(entry: Field) -> Field:
    return replace(entry, createable=False, updateable=False)


def needed(entry: Field) -> Field:
    return replace(entry, nillable=False)


def text(name: str, label: str, length: int, *, type: str = "string", **more: Json) -> Field:
    return Field(name=name, label=label, type=type, length=length, **more)


def long_text(name: str, label: str, length: int = 32000) -> Field:
    return text(name, label, length, type="textarea")


def email(name: str, label: str) -> Field:
    return text(name, label, 80, type="email", id_lookup=name == "Email")


def phone(name: str, label: str) -> Field:
    return text(name, label, 40, type="phone")


def url(name: str, label: str) -> Field:
    return text(name, label, 255, type="url")


def flag(name: str, label: str, *, default: bool = False) -> Field:
    return Field(name=name, label=label, type="boolean", nillable=False, default=default)


def number(name: str, label: str, digits: int, scale: int = 0, *, type: str = "double") -> Field:
    return Field(name=name, label=label, type=type, precision=digits, scale=scale)


def whole(name: str, label: str, digits: int = 8) -> Field:
    return number(name, label, digits, type="int")


def currency(name: str, label: str) -> Field:
    return number(name, label, 18, 2, type="currency")


def percent(name: str, label: str) -> Field:
    return number(name, label, 3, type="percent")


def date(name: str, label: str) -> Field:
    return Field(name=name, label=label, type="date")


def moment(name: str, label: str) -> Field:
    return Field(name=name, label=label, type="datetime")


def picklist(name: str, label: str, *options: str, restricted: bool = False, default: str | None = None) -> Field:
    return Field(
        name=name, label=label, type="picklist", length=255, options=options, restricted=restricted, default=default
    )


def reference(
    name: str, label: str, *refers_to: str, relationship: str | None = None, children: str | None = None
) -> Field:
    return Field(
        name=name, label=label, type="reference", length=18, refers_to=refers_to,
        relationship=relationship or name.removesuffix("Id"), children=children,
    )  # fmt: skip


def external_id(name: str, label: str, length: int) -> Field:
    return text(name, label, length, unique=True, external_id=True, id_lookup=True)


def address(prefix: str, label: str, *, name: str | None = None) -> Iterable[Field]:
    """Street to country, and the compound of them, which can only be read."""
    whole_name = name or f"{prefix}Address"
    parts = (("Street", 255), ("City", 40), ("State", 80), ("PostalCode", 20), ("Country", 80))
    for part, length in parts:
        kind = "textarea" if part == "Street" else "string"
        yield text(f"{prefix}{part}", f"{label} {part}".strip(), length, type=kind, compound=whole_name)

    def made(record: Record, _lookup: Lookup) -> Json:
        found = {part: record.get(f"{prefix}{part}") for part, _ in parts}
        if not any(found.values()):
            return None
        return {
            "city": found["City"],
            "country": found["Country"],
            "geocodeAccuracy": None,
            "latitude": None,
            "longitude": None,
            "postalCode": found["PostalCode"],
            "state": found["State"],
            "street": found["Street"],
        }

    yield read_only(Field(name=whole_name, label=f"{label} Address".strip(), type="address", made=made))
