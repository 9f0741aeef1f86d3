"""Answers held against a published OpenAPI document of the Create API."""

from typing import Any

import pytest

from sandbox.vendors.typeform.app import Typeform
from tests.sandbox.calls import Caller
from tests.sandbox.openapi import Spec
from tests.sandbox.vendors.reference import document


@pytest.fixture(scope="module")
def spec() -> Spec:
    return Spec(document("typeform", "typeform-openapi.yml"))


def described(problems: list[str]) -> list[str]:
    """The document names only a few properties of a form, so others are no problem."""
    return [problem for problem in problems if not problem.endswith("is not described")]


def test_forms_have_the_described_form(typeform: Caller, workspace: Typeform, spec: Spec) -> None:
    form_id = next(iter(workspace.forms))
    listed, read = typeform("GET", "/forms"), typeform("GET", f"/forms/{form_id}")

    assert described(spec.problems("GET", "/forms", listed.status, listed.json)) == []
    assert described(spec.problems("GET", "/forms/{form_id}", read.status, read.json)) == []


@pytest.mark.parametrize(
    ("method", "template", "body", "empty"),
    [
        ("POST", "/forms", {"title": "X"}, False),
        ("PUT", "/forms/{form_id}", {"title": "X"}, False),
        ("DELETE", "/forms/{form_id}", None, True),
    ],
)
def test_writes_of_forms_answer_as_described(
    typeform: Caller, workspace: Typeform, spec: Spec, method: str, template: str, body: Any, empty: bool
) -> None:
    reply = typeform(method, template.replace("{form_id}", next(iter(workspace.forms))), body)

    assert described(spec.problems(method, template, reply.status, None if empty else reply.json)) == []
