"""The log says what an operator needs and nothing about a customer."""

import ast
import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from connectors.sdk.errors import GrantError
from crosswalk import log

ROOT = Path(__file__).parents[2]


def at_nine() -> datetime:
    return datetime(2026, 11, 23, 8, 15, 9, 871_000, tzinfo=UTC)


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    written = io.StringIO()
    log.configure(out=written, clock=at_nine)
    yield written
    structlog.reset_defaults()
    logging.getLogger().handlers = [one for one in logging.getLogger().handlers if type(one).__name__ != "_Library"]


def lines(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_is_json_in_a_fixed_order(out: io.StringIO) -> None:
    with log.about(run="R147"):
        where = "pipedrive/persons"
        log.event("guard.tripped", level="warning", code="CW701", stream=where, class_="create", planned=74, ceiling=60)

    assert out.getvalue() == (
        '{"ts":"2026-11-23T08:15:09.871Z","level":"warning","event":"guard.tripped","run":"R147","code":"CW701",'
        '"stream":"pipedrive/persons","class":"create","planned":74,"ceiling":60}\n'
    )


def test_plain_text_says_the_same() -> None:
    written = io.StringIO()
    log.configure(out=written, plain=True, clock=at_nine)

    log.event("daemon.stopping", signal="SIGTERM", finishing=["salesforce/contacts"])
    log.event("vendor.silent", level="warning", connection="zoho", text="Zoho does not answer")

    assert written.getvalue().splitlines() == [
        "2026-11-23 08:15:09  info     daemon.stopping     signal=SIGTERM finishing=salesforce/contacts",
        '2026-11-23 08:15:09  warning  vendor.silent       connection=zoho text="Zoho does not answer"',
    ]
    structlog.reset_defaults()


def test_what_belongs_to_a_run_ends_with_it(out: io.StringIO) -> None:
    with log.about(run="R1", connection="zoho"):
        log.event("run.start")
    log.event("daemon.stopped", seconds=1.4)

    assert [line.get("run") for line in lines(out)] == ["R1", None]


@pytest.mark.parametrize(
    "text",
    [
        "mara.lindqvist@nordlicht-solar.test is unknown",
        "no match for +49 89 5550177",
        "089/5550177 is no number",
        "GET https://api.example.com/persons?api_token=abc",
        "postgresql://hub:hunter2@db/crosswalk refused",
        "Authorization: Bearer eyJhbGciOi.abc",
        "refused 1000.8cb99dxxxxxxxxxxxxx9be93.9b8xxxxxxxxxxxxxxxf",
        "shop/members/mara.lindqvist@nordlicht-solar.test",
    ],
)
def test_personal_data_and_secrets_are_masked_in_texts(out: io.StringIO, text: str) -> None:
    log.event("stream.failed", level="error", text=text, record=text, at=[text])

    for given in ("mara", "5550177", "abc", "hunter2", "eyJhbGci", "8cb99d"):
        assert given not in out.getvalue()
    assert log.MASK in out.getvalue()


@pytest.mark.parametrize(
    "text",
    ["salesforce/contacts/003Ab00000Qx7Lm", "person/8f2kq", "2026-11-23T08:15:00Z", "pipedrive/persons/4711", "R147",
     "CW403", "62,118", "members-11.csv line 214"],
)  # fmt: skip
def test_addresses_ids_and_times_stay(out: io.StringIO, text: str) -> None:
    log.event("letter.opened", record=text)

    assert lines(out)[0]["record"] == text


def test_a_field_that_is_not_listed_is_masked(out: io.StringIO) -> None:
    log.event("run.done", name="Mara Lindqvist", read=12)

    assert lines(out)[0] | {"ts": ""} == {"ts": "", "level": "info", "event": "run.done", "name": "•••", "read": 12}


def test_an_event_that_is_not_listed_is_told_without_its_words(out: io.StringIO) -> None:
    log.event("something.else", record="x")

    assert lines(out)[0]["event"] == "program.error"
    assert "something" not in out.getvalue()


def test_of_a_foreign_exception_only_type_and_place_are_told(out: io.StringIO) -> None:
    try:
        int("Mara Lindqvist")
    except ValueError as error:
        log.event("program.error", level="error", error=error)

    line = lines(out)[0]
    assert line["error"] == "ValueError"
    assert line["at"][0].startswith("crosswalk/test_log.py:")
    assert "Mara" not in out.getvalue()


def test_our_own_errors_say_what_happened(out: io.StringIO) -> None:
    log.event("connection.paused", level="warning", error=GrantError("the token is refused", code="CW202"))

    line = lines(out)[0]
    assert (line["error"], line["text"], line["code"]) == ("GrantError", "the token is refused", "CW202")


def test_libraries_are_heard_but_not_quoted(out: io.StringIO) -> None:
    logger = logging.getLogger("somelib.pool")
    logger.warning("retrying %s for %s", "GET /persons", "Mara")
    logger.error(f"lost {'Mara'}")
    logger.info("chatter")

    first, second = lines(out)
    assert (first["event"], first["logger"], first["text"]) == ("library.message", "somelib.pool", "retrying %s for %s")
    assert (second["level"], second.get("text")) == ("error", None)
    assert "Mara" not in out.getvalue()


def test_every_event_in_the_source_is_listed() -> None:
    used: dict[str, str] = {}
    for file in (ROOT / "crosswalk").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
                continue
            called = node.func
            is_event = (isinstance(called, ast.Attribute) and called.attr == "event" and
                        isinstance(called.value, ast.Name) and called.value.id == "log")  # fmt: skip
            if is_event or (file.name == "log.py" and isinstance(called, ast.Name) and called.id == "event"):
                used[str(node.args[0].value)] = file.name

    assert {name: file for name, file in used.items() if name not in log.EVENTS} == {}
    assert "library.message" in used  # it does look
    assert all(meaning and not meaning.endswith(".") for meaning in log.EVENTS.values())
