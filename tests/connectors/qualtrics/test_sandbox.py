"""The connector against the simulated vendor, over real HTTP."""

from collections import Counter
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from connectors.qualtrics.connector import QualtricsConnector
from connectors.sdk import Page, Position, Window, Write
from connectors.sdk.errors import LaterError, SetupError
from sandbox.server import Sandbox
from tests.connectors.qualtrics.live import connect, keys, pulled

STREAMS = ["surveys", "responses", "directory_contacts", "distributions"]


def calls(sandbox: Sandbox) -> Counter[str]:
    return Counter({row["call"]: row["count"] for row in sandbox.log()["calls"]})


def window(
    live: QualtricsConnector, survey: str, position: Position | None = None, stream: str = "responses"
) -> list[Page]:
    return list(live.pull(stream, Window(survey, None, position)))


@pytest.mark.parametrize("stream", STREAMS)
def test_every_key_is_read_once_and_found_by_key(stream: str, live: QualtricsConnector) -> None:
    pages = pulled(live, stream)
    listed = {record.key: record for page in pages for record in page.records}
    some = [*list(listed)[:2], *list(listed)[-3:]]

    found = {r.key: r for page in live.fetch(stream, [*some, "nobody"]) for r in page.records}

    assert listed
    assert sorted(keys(pages)) == sorted(listed)
    assert found == {key: listed[key] for key in some}  # whichever of its shapes it was read from


@pytest.mark.parametrize("stream", ["surveys", "responses", "directory_contacts"])
def test_every_key_is_swept(stream: str, live: QualtricsConnector) -> None:
    assert sorted(key for some in live.keys(stream) for key in some) == sorted(keys(pulled(live, stream)))


def test_the_account_is_the_brand_and_the_identity_the_user(live: QualtricsConnector) -> None:
    account = live.account()

    assert (account.id, account.name) == ("nordlicht", "nordlicht at fra1")
    assert account.identity.startswith("UR_")
    assert account.missing == {}


def test_a_client_without_a_scope_misses_a_stream(sandbox: Sandbox) -> None:
    vendor = sandbox.vendor("qualtrics")
    with closing(connect(vendor, by="client_credentials")) as whole:
        assert whole.account().missing == {}
    scopes = ["read:surveys", "read:survey_responses"]
    with closing(connect(vendor, by="client_credentials", auth={"scopes": scopes})) as narrow:
        assert narrow.account().missing == {
            "directory_contacts": ("manage:directory_contacts",),
            "distributions": ("read:distributions",),
        }


def test_the_default_directory_is_taken_where_none_is_named(sandbox: Sandbox, live: QualtricsConnector) -> None:
    assert live._settings.directory is None
    assert sandbox.vendor("qualtrics").credentials["directory"] in live._pool()


def test_a_survey_that_nobody_touched_costs_one_call(sandbox: Sandbox, live: QualtricsConnector) -> None:
    survey = live.parts("responses")[0]
    *_, last = window(live, survey)
    sandbox.forget_log()

    (page,) = window(live, survey, last.position)

    assert (page.records, page.last, page.position) == ([], True, last.position)
    assert calls(sandbox) == {"GET /API/v3/surveys/{id}": 1}


def test_a_new_answer_alone_is_exported_behind_the_token(sandbox: Sandbox, live: QualtricsConnector) -> None:
    survey = live.parts("responses")[0]
    *_, last = window(live, survey)
    new = sandbox.edit("qualtrics", "responses", None, {"survey": survey, "values": {"QID1": 9, "contact_id": "501"}})

    pages = window(live, survey, last.position)

    assert keys(pages) == [new]
    assert pages[-1].records[0].values["embeddedData"] == {"contact_id": "501"}


def test_an_edit_that_keeps_the_numbers_is_seen_when_the_quiet_is_over(
    sandbox: Sandbox, live: QualtricsConnector
) -> None:
    survey = live.parts("responses")[0]
    pages = window(live, survey)
    edited = keys(pages)[3]
    sandbox.edit("qualtrics", "responses", edited, {"values": {"segment": "Platinum"}, "reset": True})

    at_once = window(live, survey, pages[-1].position)
    sandbox.set_clock(sandbox.now() + timedelta(days=1, minutes=1))
    later = window(live, survey, at_once[-1].position)

    assert (keys(at_once), keys(later)) == ([], [edited])


def test_a_token_that_is_refused_gives_way_to_a_date(sandbox: Sandbox, live: QualtricsConnector) -> None:
    survey = live.parts("responses")[0]
    *_, last = window(live, survey)
    assert last.position is not None
    new = sandbox.edit("qualtrics", "responses", None, {"survey": survey, "values": {"QID1": 2}})
    sandbox.set_clock(sandbox.now() + timedelta(minutes=1))

    pages = window(live, survey, {**last.position, "token": "forgotten"})

    assert new in keys(pages)
    assert len(keys(pages)) < 10


def test_a_job_is_taken_up_again_and_not_started_anew(sandbox: Sandbox, live: QualtricsConnector) -> None:
    survey = live.parts("responses")[0]
    first = next(iter(live.pull("responses", Window(survey, None))))
    assert first.position is not None
    assert "job" in first.position
    sandbox.forget_log()

    with closing(connect(sandbox.vendor("qualtrics"))) as another:
        rest = window(another, survey, first.position)

    assert first.records == []
    assert keys(rest)
    assert calls(sandbox)["POST /API/v3/surveys/{id}/export-responses"] == 0
    assert {page.server_time for page in rest} == {first.server_time}  # the window was opened then


def test_a_job_that_is_gone_is_started_anew_from_its_first_line(sandbox: Sandbox, live: QualtricsConnector) -> None:
    survey = live.parts("responses")[0]
    first = next(iter(live.pull("responses", Window(survey, None))))
    assert first.position is not None

    rest = window(live, survey, {**first.position, "job": "ES_gone", "line": 7})

    assert sorted(keys(rest)) == sorted(keys(window(live, survey)))


def test_a_listed_survey_that_is_not_there_is_a_mistake_and_another_one_is_passed_over(
    sandbox: Sandbox, live: QualtricsConnector
) -> None:
    with closing(connect(sandbox.vendor("qualtrics"), own={"responses": {"parts": ["SV_nope"]}})) as listed:
        assert listed.parts("responses") == ("SV_nope",)
        with pytest.raises(SetupError, match="no survey 'SV_nope'"):
            list(listed.pull("responses", Window("SV_nope", None)))

    (page,) = live.pull("responses", Window("SV_nope", None))
    assert page.last


@pytest.mark.parametrize("wait", [pytest.param(3, id="it-says-how-long"), pytest.param(None, id="it-says-nothing")])
def test_a_storm_of_refusals_passes(wait: int | None, sandbox: Sandbox, live: QualtricsConnector) -> None:
    sandbox.fault("storm", path="/export-responses", retry_after=wait, count=2)

    assert keys(pulled(live, "responses"))


def test_an_export_whose_file_breaks_off_is_no_short_export(sandbox: Sandbox, live: QualtricsConnector) -> None:
    sandbox.fault("truncated", path="/file", honest=True, count=1)

    with pytest.raises(LaterError, match="broken"):
        pulled(live, "responses")


def test_a_contact_that_changed_comes_alone(sandbox: Sandbox, live: QualtricsConnector) -> None:
    first = pulled(live, "directory_contacts")
    key = keys(first)[5]
    now = first[0].server_time
    assert now is not None
    sandbox.set_clock(sandbox.now() + timedelta(minutes=5))
    sandbox.edit("qualtrics", "directory_contacts", key, {"embeddedData": {"segment": "Platinum"}})

    second = pulled(live, "directory_contacts", now)

    assert keys(second) == [key]
    assert second[0].records[0].values["embeddedData"]["segment"] == "Platinum"


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"firstName": "শর্মিলা 🧵", "lastName": None}, id="another-script"),
        pytest.param({"embeddedData": {"crm_owner": "Jonas Weber", "crm_revenue": 1200}}, id="new-embedded-data"),
        pytest.param({"extRef": "X-77", "language": "bn"}, id="a-reference"),
        pytest.param({"unsubscribed": True}, id="an-opt-out"),
    ],
)
def test_what_is_written_is_what_is_read_back(values: dict[str, Any], live: QualtricsConnector) -> None:
    key = keys(pulled(live, "directory_contacts"))[40]

    [outcome] = live.send("directory_contacts", [Write("a1", "update", key, None, values, None)])

    assert (outcome.status, outcome.reason, outcome.values) == ("done", "", None)
    [page] = live.fetch("directory_contacts", [key])
    for name, value in values.items():
        shown = page.records[0].values[name]
        if isinstance(value, dict):
            shown = {inner: shown[inner] for inner in value}
            value = {inner: str(one) for inner, one in value.items()}
        assert shown == value


@pytest.mark.parametrize("told", [False, None])
def test_an_opt_out_is_never_taken_back(told: Any, sandbox: Sandbox, live: QualtricsConnector) -> None:
    out = next(r for page in pulled(live, "directory_contacts") for r in page.records if r.values["unsubscribed"])
    sandbox.forget_log()

    [outcome] = live.send("directory_contacts", [Write("a1", "update", out.key, None, {"unsubscribed": told}, None)])

    assert (outcome.status, outcome.reason) == ("rejected", "an opt-out is never taken back")
    assert sandbox.log()["effects"] == []


def test_a_create_is_found_by_its_reference_or_its_address(live: QualtricsConnector) -> None:
    values = {"firstName": "Jane", "email": "jane@acme.test", "extRef": "hub-1"}
    [made] = live.send("directory_contacts", [Write("a1", "create", None, "hub-1", values, None)])

    by_reference = live.find("directory_contacts", Write("a2", "create", None, None, {"extRef": "hub-1"}, None))
    by_address = live.find("directory_contacts", Write("a3", "create", None, None, {"email": "jane@acme.test"}, None))
    nobody = live.find("directory_contacts", Write("a4", "create", None, None, {"email": "x@acme.test"}, None))

    assert [record.key for record in by_reference] == [record.key for record in by_address] == [made.key]
    assert nobody == []


def test_mailings_of_which_nothing_became_since_are_not_asked_after(sandbox: Sandbox, live: QualtricsConnector) -> None:
    records = [record for page in pulled(live, "distributions") for record in page.records if record.values["sentAt"]]
    newest = max(records, key=lambda record: record.values["sentAt"])
    survey = newest.values["surveyId"]
    pages = window(live, survey, None, "distributions")
    sandbox.forget_log()

    quiet = window(live, survey, pages[-1].position, "distributions")

    assert keys(quiet) == []
    assert calls(sandbox) == {"GET /API/v3/distributions": 1}
    sandbox.edit("qualtrics", "distributions", newest.key, {"status": "HardBounce"})
    moved = {r.key: r for page in window(live, survey, quiet[-1].position, "distributions") for r in page.records}
    assert moved[newest.key].values["status"] == "HardBounce"
    assert {key.partition("/")[0] for key in moved} == {newest.key.partition("/")[0]}
