"""A client that others wrote for the real API (typeform 1.1.0) drives the sandbox; only its address is changed.

Not served, since nothing here needs it: `forms.messages` (the wording of a form's buttons).
"""

from collections.abc import Iterator
from typing import Any

import pytest
import typeform.client
from typeform import Typeform

from sandbox.server import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(("typeform",), seed=7, size=120, limits="lifted") as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    vendor = sandbox.vendor("typeform")
    monkeypatch.setattr(typeform.client, "API_BASE_URL", vendor.base_url)
    return Typeform(vendor.credentials["token"])


@pytest.fixture
def form(client: Any) -> str:
    return str(client.forms.list(search="relation")["items"][0]["id"])


def test_it_lists_forms_and_reads_one(client: Any, form: str) -> None:
    assert client.forms.list(page=1, pageSize=2)["total_items"] == 3
    assert client.forms.get(form)["title"] == "Relationship 2026"
    with pytest.raises(Exception, match="Non existing form with uid nope"):
        client.forms.get("nope")


def test_it_walks_the_responses_backwards_to_the_end(client: Any, form: str) -> None:
    whole = client.responses.list(form, pageSize=1000)["items"]

    page = client.responses.list(form, pageSize=9)
    walked = page["items"]
    while page["page_count"] > 1:
        page = client.responses.list(form, pageSize=9, before=walked[-1]["token"])
        walked += page["items"]

    assert [response["token"] for response in walked] == [response["token"] for response in whole]
    assert len(walked) > 9


def test_it_narrows_by_time_kind_and_field(client: Any, form: str) -> None:
    since = "2026-06-01T00:00:00"

    recent = client.responses.list(form, pageSize=1000, since=since, completed=True, fields=["nps"])["items"]

    assert recent
    assert min(response["submitted_at"] for response in recent) >= since
    assert {answer["field"]["ref"] for response in recent for answer in response["answers"]} == {"nps"}


def test_it_makes_changes_and_deletes_a_form(client: Any) -> None:
    made = client.forms.create({"title": "By client"})["id"]

    assert client.forms.update(made, {"title": "Again"})["title"] == "Again"
    assert client.forms.update(made, [{"op": "replace", "path": "/title", "value": "Patched"}], patch=True) == "OK"
    assert client.forms.get(made)["title"] == "Patched"
    assert client.forms.delete(made) == "OK"


def test_it_deletes_responses_by_their_older_name(client: Any, form: str) -> None:
    token = client.responses.list(form, pageSize=1)["items"][0]["token"]

    assert client.responses.delete(form, [token]) == "OK"
    assert client.responses.list(form, includedResponseIds=token)["items"] == []


def test_it_recognises_a_refusal(sandbox: Sandbox, client: Any) -> None:
    with pytest.raises(Exception, match="Invalid access token"):
        Typeform("tfp_wrong").forms.list()
