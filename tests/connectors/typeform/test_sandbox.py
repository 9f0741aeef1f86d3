"""The connector against the simulated vendor, over real HTTP."""

from contextlib import closing
from datetime import timedelta

import pytest

from connectors.sdk.fakes import Bench
from connectors.typeform.connector import TypeformConnector
from sandbox.server import Sandbox
from tests.connectors.typeform.live import connect, keys, pulled


@pytest.mark.parametrize("stream", ["forms", "responses"])
def test_every_key_is_read_once_swept_once_and_found_by_key(stream: str, live: TypeformConnector) -> None:
    pages = pulled(live, stream)
    listed = {record.key: record for page in pages for record in page.records}
    some = [*list(listed)[:2], *list(listed)[-2:]]

    assert listed
    assert sorted(keys(pages)) == sorted(listed)
    assert sorted(key for swept in live.keys(stream) for key in swept) == sorted(listed)
    assert {r.key: r for page in live.fetch(stream, [*some, "nobody"]) for r in page.records} == {
        key: listed[key] for key in some
    }


def test_every_scale_is_told_by_its_question(live: TypeformConnector) -> None:
    scales = {
        (field["type"], field["steps"], field["start_at_one"])
        for page in pulled(live, "responses")
        for record in page.records
        for answer in record.values["answers"]
        if answer["type"] == "number" and (field := answer["field"])["type"] in ("nps", "rating", "opinion_scale")
    }

    assert ("nps", 11, False) in scales
    assert all(steps in range(3, 12) for _, steps, _ in scales)


def test_an_answer_given_now_is_found_though_it_shows_up_late(sandbox: Sandbox, live: TypeformConnector) -> None:
    hold_back = live.streams["responses"].hold_back
    form = live.parts("responses")[0]
    key = sandbox.edit("typeform", "responses", None, {"form": form, "hidden": {"contact_id": "501"}})
    first = pulled(live, "responses")
    assert first[0].server_time is not None
    sandbox.set_clock(sandbox.now() + timedelta(minutes=31))

    second = pulled(live, "responses", first[0].server_time - hold_back)

    assert key in keys(second)


def test_a_refresh_token_that_changes_with_every_use_outlives_a_dying_access_token(sandbox: Sandbox) -> None:
    bench = Bench()
    sandbox.fault("expired_token", path="/responses", skip=1, count=1)

    with closing(connect(sandbox.vendor("typeform"), by="refresh_token", bench=bench)) as connector:
        assert keys(pulled(connector, "responses"))

    first, second = (grant.refresh_token for grant in bench.tokens.history)
    assert first != second


@pytest.mark.parametrize("wait", [pytest.param(3, id="it-says-how-long"), pytest.param(None, id="it-says-nothing")])
def test_a_storm_of_refusals_passes(wait: int | None, sandbox: Sandbox, live: TypeformConnector) -> None:
    sandbox.fault("storm", path="/responses", retry_after=wait, count=2)

    assert keys(pulled(live, "responses"))


def test_a_form_whose_title_was_edited_comes_alone(sandbox: Sandbox, live: TypeformConnector) -> None:
    first = pulled(live, "forms")
    form = keys(first)[0]
    assert first[0].server_time is not None
    sandbox.set_clock(sandbox.now() + timedelta(minutes=5))
    sandbox.edit("typeform", "forms", form, {"title": "How are we doing?"})

    second = pulled(live, "forms", first[0].server_time)

    assert keys(second) == [form]
    assert second[0].records[0].values["title"] == "How are we doing?"
