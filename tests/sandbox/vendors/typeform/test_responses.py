from datetime import datetime
from typing import Any

import pytest

from sandbox import world as worlds
from sandbox.vendors.typeform.app import Typeform
from sandbox.world import MARA, RAHIM, World
from tests.sandbox.calls import Caller

EVERY_TYPE = {
    "text", "email", "url", "file_url", "number", "boolean", "date", "choice", "choices", "phone_number", "payment",
    "multi_format",
}  # fmt: skip


@pytest.fixture
def paths(workspace: Typeform) -> dict[str, str]:
    """Where the responses of each survey are listed."""
    return {form.survey: f"/forms/{form.id}/responses" for form in workspace.forms.values()}


@pytest.fixture
def path(paths: dict[str, str]) -> str:
    return paths["relationship"]


def items(caller: Caller, path: str, **query: Any) -> list[Any]:
    reply = caller("GET", path, **query)
    assert reply.status == 200, reply.body
    found: list[Any] = reply.json["items"]
    return found


def values(response: Any) -> dict[str, Any]:
    return {answer["field"]["ref"]: answer[answer["type"]] for answer in response["answers"]}


def test_before_walks_from_the_newest_to_the_oldest(typeform: Caller, path: str) -> None:
    whole = items(typeform, path, page_size=1000)

    walked = items(typeform, path, page_size=7)
    while more := items(typeform, path, page_size=7, before=walked[-1]["token"]):
        walked += more

    stamps = [response["submitted_at"] for response in walked]
    assert stamps == sorted(stamps, reverse=True)
    assert [response["token"] for response in walked] == [response["token"] for response in whole]


def test_after_walks_from_the_oldest_to_the_newest(typeform: Caller, path: str) -> None:
    whole = items(typeform, path, page_size=1000, sort="submitted_at,asc")

    walked = whole[:1]
    while more := items(typeform, path, page_size=7, after=walked[-1]["token"]):
        walked += more

    assert [response["token"] for response in walked] == [response["token"] for response in whole]


def test_the_page_count_is_of_what_is_left(typeform: Caller, path: str) -> None:
    first = typeform("GET", path, page_size=10).json
    second = typeform("GET", path, page_size=10, before=first["items"][-1]["token"]).json

    assert first["total_items"] - second["total_items"] == 10
    assert first["page_count"] == -(-first["total_items"] // 10)
    assert second["page_count"] == first["page_count"] - 1


def test_since_and_until_are_inclusive_and_take_seconds_or_times(typeform: Caller, path: str) -> None:
    whole = items(typeform, path, page_size=1000)
    middle = whole[len(whole) // 2]["submitted_at"]
    expected = [r["token"] for r in whole if r["submitted_at"] >= middle]

    by_time = items(typeform, path, page_size=1000, since=middle.removesuffix("Z"))
    by_seconds = items(typeform, path, page_size=1000, since=int(datetime.fromisoformat(middle).timestamp()))
    until = items(typeform, path, page_size=1000, until=middle)

    assert [r["token"] for r in by_time] == [r["token"] for r in by_seconds] == expected
    assert [r["token"] for r in until] == [r["token"] for r in whole if r["submitted_at"] <= middle]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page_size=1001", "page_size"), ("page_size=0", "page_size"), ("since=yesterday", "since"),
        ("sort=name", "sort"), ("before=TOKEN&sort=landed_at,desc", "sort"), ("before=TOKEN&after=TOKEN", "after"),
        ("before=unknown", "before"),
        ("response_type=finished", "response_type"), ("completed=maybe", "completed"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused(typeform: Caller, path: str, query: str, field: str) -> None:
    token = items(typeform, path, page_size=1)[0]["token"]

    reply = typeform("GET", f"{path}?{query.replace('TOKEN', token)}")

    assert reply.status == 400
    assert (reply.json["code"], reply.json["description"]) == ("VALIDATION_ERROR", "Invalid data")
    assert [detail["field"] for detail in reply.json["details"]] == [field]


def test_only_completed_ones_come_unless_others_are_asked_for(typeform: Caller, path: str) -> None:
    usual = items(typeform, path, page_size=1000)
    every = items(typeform, path, page_size=1000, response_type="started,partial,completed")
    older = items(typeform, path, page_size=1000, completed="false")

    unfinished = [response for response in every if response["response_type"] != "completed"]
    assert {response["response_type"] for response in usual} == {"completed"}
    assert unfinished
    assert {response["submitted_at"] for response in unfinished} == {"0001-01-01T00:00:00Z"}
    assert {r["token"] for r in older} == {r["token"] for r in unfinished}


def test_ids_fields_and_words_narrow_the_list(typeform: Caller, path: str) -> None:
    first, second, *_ = items(typeform, path)
    wanted = f"{first['response_id']},{second['response_id']}"

    assert len(items(typeform, path, included_response_ids=wanted)) == 2
    without = items(typeform, path, excluded_response_ids=wanted, page_size=1000)
    assert first["token"] not in [response["token"] for response in without]
    assert all(values(r).keys() <= {"nps"} for r in items(typeform, path, fields="nps"))
    assert all("nps_reason" in values(r) for r in items(typeform, path, answered_fields="nps_reason"))
    assert [values(r)["nps"] for r in items(typeform, path, query="Third late delivery")] == [3]


def test_a_fresh_response_shows_within_half_an_hour_each_at_its_own_moment(
    workspace: Typeform, world: World, path: str
) -> None:
    caller = Caller(workspace, {"authorization": f"Bearer {workspace.credentials['token']}"}, now=world.anchor)
    counts = [len(items(caller, path, page_size=1000))]
    for _ in range(10):
        caller.later(minutes=3)
        counts.append(len(items(caller, path, page_size=1000)))

    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    assert counts[-1] == sum(a.survey == "relationship" and a.state == "completed" for a in world.answers)


def test_a_response_may_show_later_than_newer_ones(workspace: Typeform, typeform: Caller, path: str) -> None:
    form = path.split("/")[2]
    given = [workspace.edit(typeform.now, "responses", None, {"form": form, "answers": {"nps": 9}}) for _ in range(20)]

    typeform.later(minutes=15)
    seen = [key in {r["token"] for r in items(typeform, path, page_size=1000)} for key in given]

    assert {True, False} == set(seen)
    typeform.later(minutes=15)
    assert {r["token"] for r in items(typeform, path, page_size=1000)} >= set(given)


def test_maras_answer_is_a_three_with_her_words_and_her_record_in_the_crm(
    typeform: Caller, path: str, world: World
) -> None:
    person = str(world.crm_id(world.people[MARA]))
    hers = [r for r in items(typeform, path, page_size=1000) if r["hidden"]["contact_id"] == person]

    assert [values(r)["nps"] for r in hers] == [3]
    assert values(hers[0])["nps_reason"].startswith("Third late delivery")
    assert hers[0]["submitted_at"] == "2026-11-22T21:07:00Z"


def test_rahim_answers_with_another_address_and_the_same_phone(typeform: Caller, path: str, world: World) -> None:
    rahim = world.people[RAHIM]
    his = [r for r in items(typeform, path, page_size=1000) if r["hidden"]["email"] == "rahim.uddin@padma.test"]

    assert len(his) == 1
    given = values(his[0])
    assert (given["contact_phone"], given["contact_email"]) == (rahim.phone, "rahim.uddin@padma.test")
    assert f"{given['contact_first']} {given['contact_last']}" == "মোঃ রহিম উদ্দিন"
    assert his[0]["hidden"]["contact_id"] == ""


def test_answers_of_every_type_occur_and_unanswered_questions_are_absent() -> None:
    workspace = Typeform(worlds.make(7, 2000), limits_kept=False)
    caller = Caller(workspace, {"authorization": f"Bearer {workspace.credentials['token']}"})
    responses = [r for form in workspace.forms for r in items(caller, f"/forms/{form}/responses", page_size=1000)]

    kinds = {answer["type"] for response in responses for answer in response["answers"]}

    assert kinds == EVERY_TYPE
    assert all(answer[answer["type"]] not in (None, "") for r in responses for answer in r["answers"])
    lengths = {len(response["answers"]) for response in responses}
    assert len(lengths) > 5


def test_answers_name_the_questions_and_choices_of_their_form(typeform: Caller, paths: dict[str, str]) -> None:
    form = typeform("GET", paths["study"].removesuffix("/responses")).json
    known: dict[str, Any] = {}

    def collect(fields: list[Any]) -> None:
        for field in fields:
            known[field["ref"]] = field
            collect(field["properties"].get("fields", []))

    collect(form["fields"])
    for response in items(typeform, paths["study"], page_size=1000):
        for answer in response["answers"]:
            field = known[answer["field"]["ref"]]
            assert (answer["field"]["id"], answer["field"]["type"]) == (field["id"], field["type"])
            if answer["type"] == "choice" and "id" in answer["choice"]:
                assert answer["choice"] in [
                    {k: c[k] for k in ("id", "ref", "label")} for c in field["properties"]["choices"]
                ]


def test_responses_can_be_deleted_and_not_changed(workspace: Typeform, typeform: Caller, path: str) -> None:
    first, second, *_ = items(typeform, path)

    assert typeform("DELETE", f"{path}?included_response_ids={first['token']},unknown").status == 200
    assert typeform("DELETE", f"{path}?included_tokens={second['token']}").status == 200
    assert typeform("DELETE", path).status == 400
    left = {response["token"] for response in items(typeform, path, page_size=1000)}
    assert {first["token"], second["token"]}.isdisjoint(left)
    with pytest.raises(ValueError, match="never changed"):
        workspace.edit(typeform.now, "responses", first["token"], {})
    assert [effect.record for effect in workspace.effects()] == [first["token"], second["token"]]


def test_a_renamed_question_is_renamed_in_form_and_answers_and_comes_back(
    workspace: Typeform, typeform: Caller, path: str
) -> None:
    before = items(typeform, path)
    workspace.change_schema("responses", "nps", to="score")
    workspace.change_schema("responses", "nps_reason", to=None)

    changed = [values(response) for response in items(typeform, path)]
    refs = [field["ref"] for field in typeform("GET", path.removesuffix("/responses")).json["fields"]]
    workspace.restore_schema()

    assert all("score" in given and not given.keys() & {"nps", "nps_reason"} for given in changed)
    assert refs == ["score", "may_contact", "contact"]
    assert items(typeform, path) == before
