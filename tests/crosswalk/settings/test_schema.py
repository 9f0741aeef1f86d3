"""The schema for editors: the keys that the loader knows, one mark a fault, words for every key."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from crosswalk.settings import grammar
from crosswalk.settings.schema import json_schema
from tests.crosswalk.settings.checker import complaints
from tests.crosswalk.settings.fakes import registry
from tests.crosswalk.settings.test_load import HERE

# What an operator may write, by place; the keys of FACE's table of rules.
ALLOWED = {
    "": "version time_zone phone_region store connections match merge cx guards review schedule alerts",
    "store": "url encryption_key keep_history keep_journal keep_removed",
    "connections.pipedrive": "connector auth base_url token_url insecure budget streams schedule",
    "connections.pipedrive.budget": "per_day reserve",
    "connections.pipedrive.streams": "organizations persons users",
    "connections.pipedrive.streams.persons": (
        "write create_from where on_delete hub_id mapping mapping_file surveys guards"
    ),
    "connections.qualtrics.streams.responses.surveys.*": "kind touchpoint mapping",
    "match.person": "rules limits block model spark",
    "merge.defaults": "masters on_conflict on_foreign_edit allow_clear tolerance",
    "cx": "nps csat ces",
    "cx.nps": "window minimum_responses",
    "guards": "create update clear delete",
    "guards.create": "at_most share",
    "review": "after take",
    "schedule": "every cron audit",
    "alerts.[]": "to when",
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json_schema(registry())


def at(schema: dict[str, Any], path: str) -> dict[str, Any]:
    found: dict[str, Any] = schema
    for name in path.split(".") if path else ():
        found = resolved(schema, found)
        by_name = found.get("properties", {})
        found = found["additionalProperties"] if name == "*" else found["items"] if name == "[]" else by_name[name]
    return resolved(schema, found)


def resolved(schema: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    while "properties" not in found and "items" not in found and ("$ref" in found or "allOf" in found):
        found = found if "$ref" in found else found["allOf"][0]
        found = schema["$defs"][found["$ref"].removeprefix("#/$defs/")] if "$ref" in found else found
    return found


@pytest.mark.parametrize("path", ALLOWED)
def test_the_keys_are_those_of_the_rules(schema: dict[str, Any], path: str) -> None:
    assert set(at(schema, path)["properties"]) == set(ALLOWED[path].split())
    assert at(schema, path)["additionalProperties"] is False


def test_every_key_of_the_grammar_has_its_words(schema: dict[str, Any]) -> None:
    sections = [one for one in vars(grammar).values() if isinstance(one, grammar.Section)]
    described = set(every(schema, "description"))

    assert len(sections) > 10
    for key in (key for section in sections for key in section.keys):
        assert any(text.startswith(key.about) for text in described), key.name


def every(node: Any, keyword: str) -> Iterator[Any]:
    if isinstance(node, dict):
        if isinstance(node.get(keyword), str):
            yield node[keyword]
        for one in node.values():
            yield from every(one, keyword)
    elif isinstance(node, list):
        for one in node:
            yield from every(one, keyword)


def test_no_branch_is_null_but_where_nothing_is_a_value(schema: dict[str, Any]) -> None:
    def nulls(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
        if isinstance(node, dict):
            if node.get("type") == "null" or "oneOf" in node or "discriminator" in node:
                yield path
            for name, one in node.items():
                yield from nulls(one, (*path, name))
        elif isinstance(node, list):
            for one in node:
                yield from nulls(one, path)

    assert list(nulls(schema)) == []


def whole() -> Any:
    return yaml.safe_load((HERE / "whole.yaml").read_text(encoding="utf-8"))


def test_a_file_of_every_key_has_no_complaints(schema: dict[str, Any]) -> None:
    assert complaints(schema, whole()) == []


@pytest.mark.parametrize(
    ("path", "value", "marked"),
    [
        ("versoin", 1, "versoin"),
        ("phone_region", "Germany", "phone_region"),
        ("connections.salesforce.auth.flow", "password", "connections.salesforce.auth.flow"),
        ("connections.salesforce.auth.client_secret", "hunter2", "connections.salesforce.auth.client_secret"),
        ("connections.salesforce.auth.token", "env:X", "connections.salesforce.auth.token"),
        ("connections.salesforce.budget.per_day", "40k", "connections.salesforce.budget.per_day"),
        ("connections.salesforce.streams.contact", None, "connections.salesforce.streams.contact"),
        ("connections.salesforce.streams.accounts.wirte", [], "connections.salesforce.streams.accounts.wirte"),
        ("connections.salesforce.streams.accounts.write", ["updat"], "connections.salesforce.streams.accounts.write.0"),
        ("connections.zoho.data_center", "us", "connections.zoho.data_center"),
        ("connections.shop.pth", ".", "connections.shop.pth"),
        ("connections.shop.streams.members.mapping.birth_date", {"feld": "x"},
         "connections.shop.streams.members.mapping.birth_date.feld"),
        ("connections.shop.streams.members.entity", "persn", "connections.shop.streams.members.entity"),
        ("merge.persons", {}, "merge.persons"),
        ("merge.person.phones.on_konflict", [], "merge.person.phones.on_konflict"),
        ("guards.create.share", 5, "guards.create.share"),
        ("schedule.every", "15", "schedule.every"),
    ],
)  # fmt: skip
def test_a_fault_gets_one_mark_at_its_place(schema: dict[str, Any], path: str, value: Any, marked: str) -> None:
    document = whole()
    *above, last = path.split(".")
    place = document
    for name in above:
        place = place[name]
    place[last] = value

    assert [".".join(str(step) for step in one.path) for one in complaints(schema, document)] == [marked]


def test_a_connection_of_a_name_of_ones_own_says_which_it_is(schema: dict[str, Any]) -> None:
    document = whole()
    del document["connections"]["shop"]["connector"]

    assert [(one.path, one.text) for one in complaints(schema, document)] == [
        (("connections", "shop"), "connector is missing")
    ]


def test_keys_of_a_flow_are_judged_before_the_flow_is_chosen(schema: dict[str, Any]) -> None:
    document = whole()
    document["connections"]["salesforce"]["auth"] = {"client_id": "env:X", "clientsecret": "env:Y"}

    assert [one.path[-1] for one in complaints(schema, document)] == ["clientsecret"]


def test_hub_fields_are_offered_with_their_meaning(schema: dict[str, Any]) -> None:
    fields = at(schema, "connections.pipedrive.streams.persons.mapping")["properties"]

    assert {"emails[work]", "job_title", "cx.nps.score", "name.given"} <= set(fields)
    assert fields["emails[work]"]["description"]
