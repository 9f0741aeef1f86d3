import pytest

from sandbox.vendors.typeform.app import Typeform
from sandbox.world import World
from tests.sandbox.calls import Caller


def test_forms_come_in_numbered_pages_latest_first(typeform: Caller) -> None:
    whole = typeform("GET", "/forms").json
    pages = [typeform("GET", f"/forms?page={nth}&page_size=2").json for nth in (1, 2, 3)]

    changed = [form["last_updated_at"] for form in whole["items"]]
    assert (whole["total_items"], whole["page_count"]) == (3, 1)
    assert changed == sorted(changed, reverse=True)
    assert [len(page["items"]) for page in pages] == [2, 1, 0]
    assert [form["id"] for page in pages for form in page["items"]] == [form["id"] for form in whole["items"]]


def test_forms_are_searched_and_sorted(typeform: Caller) -> None:
    assert [form["title"] for form in typeform("GET", "/forms?search=relation").json["items"]] == ["Relationship 2026"]
    ascending = typeform("GET", "/forms?sort_by=created_at&order_by=asc").json["items"]
    assert [form["created_at"] for form in ascending] == sorted(form["created_at"] for form in ascending)
    assert typeform("GET", "/forms?sort_by=title").status == 400
    assert typeform("GET", "/forms?page_size=201").status == 400


def test_a_form_tells_its_questions_hidden_fields_and_scales(typeform: Caller) -> None:
    listed = next(form for form in typeform("GET", "/forms").json["items"] if form["title"] == "Relationship 2026")

    form = typeform("GET", f"/forms/{listed['id']}").json

    nps = form["fields"][0]
    assert form["hidden"] == ["contact_id", "account_id", "email"]
    assert (nps["type"], nps["ref"], nps["properties"]["steps"], nps["properties"]["start_at_one"]) == (
        "nps",
        "nps",
        11,
        False,
    )
    contact = form["fields"][-1]
    assert [field["type"] for field in contact["properties"]["fields"]] == [
        "short_text", "short_text", "phone_number", "email", "short_text",
    ]  # fmt: skip


def test_an_unknown_form_is_named_in_the_answer(typeform: Caller) -> None:
    reply = typeform("GET", "/forms/xxx")

    assert (reply.status, reply.json) == (
        404,
        {"code": "FORM_NOT_FOUND", "description": "Non existing form with uid xxx"},
    )
    assert typeform("GET", "/forms/xxx/responses").status == 404


def test_a_form_is_made_replaced_patched_and_deleted(typeform: Caller) -> None:
    made = typeform("POST", "/forms", {"title": "New", "fields": [{"title": "Why?", "type": "long_text"}]})
    path = f"/forms/{made.json['id']}"
    assert made.status == 201
    assert made.json["fields"][0]["ref"]

    assert typeform("PUT", path, {"title": "Newer"}).json["fields"] == []
    assert typeform("PATCH", path, [{"op": "replace", "path": "/title", "value": "Newest"}]).status == 204
    assert typeform("GET", path).json["title"] == "Newest"
    assert typeform("GET", f"{path}/responses").json == {"total_items": 0, "page_count": 0, "items": []}
    assert typeform("DELETE", path).status == 204
    assert typeform("GET", path).status == 404
    assert typeform("POST", "/forms", {"title": ""}).json["details"][0]["field"] == "title"


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "Authentication credentials not found on the Request Headers"),
        ({"authorization": "Bearer tfp_wrong"}, "Invalid access token"),
    ],
)
def test_who_brings_no_good_token_is_refused(typeform: Caller, headers: dict[str, str], words: str) -> None:
    reply = typeform("GET", "/me", headers=headers)

    assert (reply.status, reply.json) == (401, {"code": "AUTHENTICATION_FAILED", "description": words})


def test_me_tells_whose_token_it_is(typeform: Caller) -> None:
    assert {"alias", "email", "language"} <= typeform("GET", "/me").json.keys()


def test_a_refresh_token_dies_with_its_use(typeform: Caller, workspace: Typeform) -> None:
    known = workspace.credentials
    asked = {name: known[name] for name in ("client_id", "client_secret", "refresh_token")}

    first = typeform.form("/oauth/token", grant_type="refresh_token", **asked).json
    again = typeform.form("/oauth/token", grant_type="refresh_token", **asked)
    second = typeform.form(
        "/oauth/token", grant_type="refresh_token", **(asked | {"refresh_token": first["refresh_token"]})
    )

    assert typeform("GET", "/me", headers={"authorization": f"Bearer {first['access_token']}"}).status == 200
    assert (again.status, again.json) == (400, {"error": "invalid_grant"})
    assert second.status == 200


def test_more_than_two_calls_a_second_are_refused(world: World) -> None:
    workspace = Typeform(world)
    caller = Caller(workspace, {"authorization": f"Bearer {workspace.credentials['token']}"})

    replies = [caller("GET", "/forms") for _ in range(3)]

    assert [reply.status for reply in replies] == [200, 200, 429]
    assert replies[2].headers["retry-after"] == "1"
    caller.later(seconds=1)
    assert caller("GET", "/forms").status == 200
