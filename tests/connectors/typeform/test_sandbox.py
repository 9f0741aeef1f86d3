"""The connector against the simulated vendor, over real HTTP."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from connectors.sdk import Page, Window
from connectors.sdk.fakes import Bench
from connectors.typeform.connector import TypeformConnector
from connectors.typeform.settings import TypeformSettings
from sandbox.server import RunningVendor, Sandbox


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(("typeform",), seed=7, size=1200, limits="lifted") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Iterator[Sandbox]:
    yield running
    running.clear_faults()


@pytest.fixture
def typeform(sandbox: Sandbox) -> Iterator[TypeformConnector]:
    connector = connect(sandbox.vendor("typeform"))
    yield connector
    connector.close()


def connect(vendor: RunningVendor, *, by: str = "token", bench: Bench | None = None) -> TypeformConnector:
    names = {"token": ["token"], "oauth": ["client_id", "client_secret", "refresh_token"]}[by]
    settings = TypeformSettings.model_validate(
        {
            "base_url": vendor.base_url,
            "token_url": vendor.token_url,
            "auth": {name: vendor.credentials[name] for name in names},
        }
    )
    return TypeformConnector.connect(settings, (bench or Bench()).tools())


def pulled(connector: TypeformConnector, stream: str, since: datetime | None = None) -> list[Page]:
    return [page for part in connector.parts(stream) for page in connector.pull(stream, Window(part=part, since=since))]


def keys(pages: list[Page]) -> list[str]:
    return [record.key for page in pages for record in page.records]


@pytest.mark.parametrize("stream", ["forms", "responses"])
def test_every_key_is_read_once_swept_once_and_found_by_key(stream: str, typeform: TypeformConnector) -> None:
    pages = pulled(typeform, stream)
    listed = {record.key: record for page in pages for record in page.records}
    some = [*list(listed)[:2], *list(listed)[-2:]]

    assert listed
    assert sorted(keys(pages)) == sorted(listed)
    assert sorted(key for swept in typeform.keys(stream) for key in swept) == sorted(listed)
    assert {r.key: r for page in typeform.fetch(stream, [*some, "nobody"]) for r in page.records} == {
        key: listed[key] for key in some
    }


def test_every_scale_is_told_by_its_question(typeform: TypeformConnector) -> None:
    scales = {
        (field["type"], field["steps"], field["start_at_one"])
        for page in pulled(typeform, "responses")
        for record in page.records
        for answer in record.values["answers"]
        if answer["type"] == "number" and (field := answer["field"])["type"] in ("nps", "rating", "opinion_scale")
    }

    assert ("nps", 11, False) in scales
    assert all(steps in range(3, 12) for _, steps, _ in scales)


def test_an_answer_given_now_is_found_though_it_shows_up_late(sandbox: Sandbox, typeform: TypeformConnector) -> None:
    hold_back = typeform.streams["responses"].hold_back
    form = typeform.parts("responses")[0]
    key = sandbox.edit("typeform", "responses", None, {"form": form, "hidden": {"contact_id": "501"}})
    first = pulled(typeform, "responses")
    assert first[0].server_time is not None
    sandbox.set_clock(sandbox.now() + timedelta(minutes=31))

    second = pulled(typeform, "responses", first[0].server_time - hold_back)

    assert key in keys(second)


def test_a_refresh_token_that_changes_with_every_use_outlives_a_dying_access_token(sandbox: Sandbox) -> None:
    bench = Bench()
    sandbox.fault("expired_token", path="/responses", skip=1, count=1)

    with closing(connect(sandbox.vendor("typeform"), by="oauth", bench=bench)) as connector:
        assert keys(pulled(connector, "responses"))

    first, second = (grant.refresh_token for grant in bench.tokens.history)
    assert first != second


@pytest.mark.parametrize("wait", [pytest.param(3, id="it-says-how-long"), pytest.param(None, id="it-says-nothing")])
def test_a_storm_of_refusals_passes(wait: int | None, sandbox: Sandbox, typeform: TypeformConnector) -> None:
    sandbox.fault("storm", path="/responses", retry_after=wait, count=2)

    assert keys(pulled(typeform, "responses"))


def test_a_form_whose_title_was_edited_comes_alone(sandbox: Sandbox, typeform: TypeformConnector) -> None:
    first = pulled(typeform, "forms")
    form = keys(first)[0]
    assert first[0].server_time is not None
    sandbox.set_clock(sandbox.now() + timedelta(minutes=5))
    sandbox.edit("typeform", "forms", form, {"title": "How are we doing?"})

    second = pulled(typeform, "forms", first[0].server_time)

    assert keys(second) == [form]
    assert second[0].records[0].values["title"] == "How are we doing?"
