"""The words of vendors lead to codes that the schema has."""

import pytest

from mapping.functions.picklists import known_lists, picklist
from mapping.schema import ASSOCIATIONS, KINDS

# Lists whose codes are those of more than one field, or of none: `true` and `false`.
ELSEWHERE: dict[str, tuple[str, str, str | None]] = {
    "priority": ("ticket", "priority", None),
    "channel": ("response", "channel", None),
    "exclusion": ("response", "exclusion", None),
    "lead_status": ("person", "lead_status", None),
    "lifecycle_stage": ("person", "lifecycle_stage", None),
    "relationship": ("company", "relationship", None),
    "consent": ("person", "consent", "status"),
    "email.status": ("person", "emails", "status"),
    "stage.status": ("deal", "stage", "status"),
    "stage.category": ("deal", "stage", "category"),
}
TRUTHS = {"owner.active", "archived"}


@pytest.mark.parametrize("name", sorted(set(known_lists()) - TRUTHS))
@pytest.mark.parametrize("vendor", ["", "activecampaign", "dynamics 365", "zendesk sell"])
def test_every_code_of_a_list_is_one_of_its_field(name: str, vendor: str) -> None:
    told = picklist(name, vendor)
    assert told is not None
    first, _, rest = name.partition(".")
    kind, field_name, part = ELSEWHERE.get(name) or (first, rest, None)
    field = (KINDS.get(kind) or ASSOCIATIONS[kind]).fields[field_name]

    codes = field.part_codes[part] if part else field.codes

    assert set(told.reads.values()) <= set(codes)
