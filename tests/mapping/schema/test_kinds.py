"""The tables of the schema are whole and fit what merges, matches and derives."""

from itertools import chain

import pytest

from mapping.derive import COMPANY_FIELDS, PERSON_FIELDS
from mapping.match.rules import DEFAULT_RULES
from mapping.merge.policy import FieldPolicy
from mapping.schema import ASSOCIATIONS, KINDS, Field, Kind
from mapping.schema.field import TYPES

EVERY = [(kind.name, field) for kind in chain(KINDS.values(), ASSOCIATIONS.values()) for field in kind.fields.values()]
every_field = pytest.mark.parametrize(("kind", "field"), EVERY, ids=[f"{kind}.{field.name}" for kind, field in EVERY])


def test_the_kinds_are_those_that_rules_of_matching_know() -> None:
    assert set(KINDS) == set(DEFAULT_RULES)


def test_computed_fields_are_exactly_those_that_are_computed() -> None:
    def computed(kind: str) -> tuple[str, ...]:
        return tuple(name for name in KINDS[kind].fields if name.startswith("cx."))

    assert computed("person") == PERSON_FIELDS
    assert computed("company") == COMPANY_FIELDS
    assert not any(computed(kind) for kind in KINDS if kind not in ("person", "company"))


@every_field
def test_a_field_is_well_formed(kind: str, field: Field) -> None:
    assert field.type in TYPES
    assert set(field.parts.values()) <= TYPES
    assert set(field.part_codes) <= set(field.parts)
    assert field.value is None or field.value in field.parts
    assert set((field.selector or "").split(".")) <= {*field.parts, ""}
    assert field.meaning
    if field.refers:
        assert field.type == "ref"
    else:
        assert field.type != "ref"
        assert set(field.key) <= {*field.parts}
    if field.shape == "unit":
        assert not field.key
    if field.type == "choice":
        assert field.codes
        assert "other" in field.codes
    else:
        assert not field.codes or field.name.startswith("cx.")


@every_field
def test_a_field_has_a_policy(kind: str, field: Field) -> None:
    policy = FieldPolicy.for_field(field, masters=("crm", "shop"))

    assert policy.shape == field.shape
    assert policy.key == field.key
    if field.clears_spread and not field.required:
        assert policy.allow_clear == ("crm", "shop")
    if field.name.startswith("cx."):
        assert policy.masters == ()
        assert policy.on_foreign_edit == "revert"


def test_what_a_choice_may_be_is_spelled_as_code() -> None:
    for _, field in EVERY:
        for code in chain(field.codes, *field.part_codes.values()):
            assert code == code.lower()
            assert " " not in code


def test_a_kind_names_a_field_once() -> None:
    twice = Field(name="x", type="text", meaning="x")

    with pytest.raises(ValueError, match="twice"):
        Kind.of("thing", twice, twice)


def test_personal_links_are_secret() -> None:
    assert KINDS["invitation"].fields["link"].pii == "secret"


def test_references_to_several_are_keyed_by_what_they_lead_to() -> None:
    """Two systems name one company by different ids; both are one entry once they are resolved."""
    works_at = KINDS["person"].fields["works_at"]

    assert (works_at.shape, works_at.key) == ("set", ("entity", "role"))
    assert KINDS["person"].fields["reports_to"].shape == "unit"
