"""Many records come by a job: remembered, waited for, its files read line by line."""

import csv
import gc
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qs

import httpx
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from connectors.salesforce.bulk import lines, rows_of
from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.streams import RESOURCES
from connectors.sdk import LaterError, Page, RecordError, ShapeError, Window
from connectors.sdk.fakes import Bench
from tests.connectors.salesforce.api import (
    DATE,
    EVERYTHING,
    HUB_ID,
    JOBS,
    SEGMENTS,
    Queries,
    connect,
    contact,
    counted,
    describes,
    key,
    listed,
    refused,
)

JOB = "750XX000000001AAA"
COLUMNS = (
    "Id", "IsDeleted", "CreatedDate", "SystemModstamp", "MasterRecordId", "AccountId", "LastName", "FirstName", "Name",
    "MailingCity", "Email", "HasOptedOutOfEmail", "OwnerId", "Crosswalk_Id__c", "CX_NPS_Score__c", "Segments__c",
    "Heat__c", "Account.Name",
)  # fmt: skip


def line(number: int, **more: str) -> dict[str, str]:
    """A contact as a Bulk file has it: all texts, other times than a query, empty where there is nothing."""
    return {
        "Id": key(number), "IsDeleted": "false", "CreatedDate": "2025-03-04T08:00:11.000Z",
        "SystemModstamp": "2026-11-01T07:15:02.000Z", "MasterRecordId": "", "AccountId": key(7, "001"),
        "LastName": f"Lind {number}", "FirstName": "Mara", "Name": f"Mara Lind {number}", "MailingCity": "",
        "Email": f"p{number}@nordwerk.example", "HasOptedOutOfEmail": "false", "OwnerId": key(11, "005"),
        "Crosswalk_Id__c": "", "CX_NPS_Score__c": "9.0", "Segments__c": "SMB;EMEA", "Heat__c": "0.5",
        "Account.Name": "Nordwerk GmbH", **more,
    }  # fmt: skip


def written(*rows: dict[str, str]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


class Job:
    """A query job of the vendor's: how often it is polled, which of its files are asked for."""

    def __init__(self, *files: bytes, states: tuple[str, ...] = ("JobComplete",), job: str = JOB) -> None:
        self.job, self.files, self.states = job, list(files), list(states)
        self.started: list[dict[str, Any]] = []
        self.asked: list[dict[str, list[str]]] = []
        respx.post(JOBS).mock(side_effect=self._start)
        respx.get(f"{JOBS}/{job}").mock(side_effect=self._poll)
        respx.get(url__regex=rf"{JOBS}/{job}/results.*").mock(side_effect=self._file)

    def _told(self, state: str) -> httpx.Response:
        body = {"id": self.job, "object": "Contact", "operation": "query", "state": state, "numberRecordsProcessed": 9}
        return httpx.Response(200, json=body, headers={"Date": DATE})

    def _start(self, request: httpx.Request) -> httpx.Response:
        self.started.append(json.loads(request.content))
        return self._told("UploadComplete")

    def _poll(self, _: httpx.Request) -> httpx.Response:
        return self._told(self.states.pop(0) if len(self.states) > 1 else self.states[0])

    def _file(self, request: httpx.Request) -> httpx.Response:
        asked = parse_qs(request.url.query.decode())
        self.asked.append(asked)
        number = int(asked.get("locator", ["0"])[0])
        more = str(number + 1) if number + 1 < len(self.files) else "null"
        content = self.files[number]
        headers = {"Date": DATE, "Content-Type": "text/csv", "Sforce-Locator": more}
        count = max(0, sum(1 for _ in csv.reader(lines([content]))) - 1)
        return httpx.Response(200, content=content, headers={**headers, "Sforce-NumberOfRecords": str(count)})


@pytest.fixture
def salesforce() -> SalesforceConnector:
    return connect(bulk_from=2)


@pytest.fixture(autouse=True)
def org() -> Iterator[None]:
    with respx.mock:
        describes()
        Queries(lambda text: counted(9) if "COUNT()" in text else listed(contact(1), more="0r8", total=9))
        yield


def read(connector: SalesforceConnector, window: Window = EVERYTHING) -> list[Page]:
    return list(connector.pull("contacts", window))


def keys(pages: list[Page]) -> list[str]:
    return [record.key for page in pages for record in page.records]


def test_a_first_reading_of_many_goes_by_a_job(salesforce: SalesforceConnector) -> None:
    job = Job(written(line(1), line(2)), written(line(3)), states=("InProgress", "InProgress", "JobComplete"))

    pages = read(salesforce)

    assert keys(pages) == [key(1), key(2), key(3)]
    assert [page.position is None for page in pages] == [False] * (len(pages) - 1) + [True]
    assert {page.total for page in pages} == {9}
    [started] = job.started
    assert started == {
        "operation": "query", "query": f"SELECT {','.join(COLUMNS)} FROM Contact", "contentType": "CSV",
        "columnDelimiter": "COMMA", "lineEnding": "LF",
    }  # fmt: skip
    assert [one.get("locator") for one in job.asked] == [None, ["1"]]


def test_who_wants_only_the_count_starts_no_job(salesforce: SalesforceConnector) -> None:
    job = Job()

    first = next(iter(salesforce.pull("contacts", EVERYTHING)))

    assert (first.total, first.records) == (9, [])
    assert job.started == []


def test_many_changes_go_by_a_job_too(salesforce: SalesforceConnector) -> None:
    job = Job(written(line(3)))
    since = contact(1)["SystemModstamp"]
    pages = read(salesforce, Window("", datetime.fromisoformat(since)))

    assert keys(pages) == [key(3)]
    assert job.started[0]["query"].endswith("FROM Contact WHERE SystemModstamp >= 2026-11-01T07:15:02.000Z")


def test_a_line_says_what_a_query_would_have_said(salesforce: SalesforceConnector) -> None:
    """Else reading by the other way would look like an edit of everything."""
    Job(written(line(1), line(2, AccountId="", **{"Account.Name": "", "Segments__c": "", HUB_ID: "H-2"})))
    by_job = [record for page in read(salesforce) for record in page.records]
    nothing = {"AccountId": None, "Account": None, SEGMENTS: None, HUB_ID: "H-2"}
    Queries(lambda text: counted(2) if "COUNT()" in text else listed(contact(1), contact(2, **nothing)))

    by_query = [record for page in read(connect()) for record in page.records]

    assert by_job == by_query
    # 9.0 is no 9: what is held is compared as text.
    assert [repr(list(one.values.items())) for one in by_job] == [repr(list(one.values.items())) for one in by_query]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("two\nlines\r\nand a third\u2028not a fourth", id="line-ends"),
        pytest.param('"quoted", with; delimiters', id="marks"),
        pytest.param("Zoë 🎈 শর্মিলা", id="scripts"),
        pytest.param("x" * 131_072, id="as-long-as-there-is"),
        pytest.param("null", id="a-word"),
    ],
)
def test_a_text_arrives_as_it_is(salesforce: SalesforceConnector, text: str) -> None:
    Job(written(line(1, LastName=text), line(2)))

    assert [record.values["LastName"] for page in read(salesforce) for record in page.records] == [text, "Lind 2"]


def test_a_crash_takes_up_the_same_job_behind_the_last_line_that_was_landed(salesforce: SalesforceConnector) -> None:
    job = Job(written(*map(line, range(1, 4))), written(line(4)))
    # Another process each time, that dies behind its first page.
    found: list[str] = []
    position = None
    for _ in range(20):
        page = next(iter(connect(bulk_from=2).pull("contacts", Window("", None, position))))
        found += [record.key for record in page.records]
        position = page.position
        if position is None:
            break

    assert found == [key(1), key(2), key(3), key(4)]
    assert len(job.started) == 1


def test_within_a_file_too(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = RESOURCES["contacts"]
    small = replace(resource, spec=replace(resource.spec, page_size=2))
    monkeypatch.setitem(RESOURCES, "contacts", small)
    Job(written(*map(line, range(1, 6))))
    first = connect(bulk_from=2).pull("contacts", EVERYTHING)
    position = [next(first).position for _ in range(3)][-1]

    pages = read(connect(bulk_from=2), Window("", None, position))

    assert position == {"bulk": {"since": None, "job": JOB, "locator": None, "line": 2}, "total": 9}
    assert {page.total for page in pages} == {9}
    assert keys(pages) == [key(3), key(4), key(5)]


def test_a_job_that_is_gone_is_made_again_and_read_from_its_beginning(salesforce: SalesforceConnector) -> None:
    job = Job(written(line(1), line(2)))
    respx.get(f"{JOBS}/750old").mock(return_value=refused(404, "NOT_FOUND"))
    position = {"bulk": {"since": None, "job": "750old", "locator": "7", "line": 1}}

    assert keys(read(salesforce, Window("", None, position))) == [key(1), key(2)]
    assert len(job.started) == 1


@pytest.mark.parametrize(("status", "code"), [(404, "NOT_FOUND"), (400, "INVALIDJOB")])
def test_a_result_that_is_gone_while_its_job_is_done_is_asked_for_anew(
    salesforce: SalesforceConnector, status: int, code: str
) -> None:
    """A hub that stood still for a week meets it, and met it at every run from then on."""
    old = Job(job="750old")
    respx.get(url__regex=rf"{JOBS}/750old/results.*").mock(return_value=refused(status, code))
    job = Job(written(line(1), line(2)))
    position = {"bulk": {"since": None, "job": "750old", "locator": "7", "line": 1}}

    assert keys(read(salesforce, Window("", None, position))) == [key(1), key(2)]
    assert (len(old.started), len(job.started)) == (0, 1)


def test_a_result_that_is_gone_again_is_an_error(salesforce: SalesforceConnector) -> None:
    job = Job()
    respx.get(url__regex=rf"{JOBS}/{JOB}/results.*").mock(return_value=refused(404, "NOT_FOUND"))

    with pytest.raises(RecordError, match="results"):
        read(salesforce)

    assert len(job.started) == 2


@pytest.mark.parametrize("state", ["Failed", "Aborted"])
def test_a_job_that_fails_is_made_once_more_and_then_an_error(salesforce: SalesforceConnector, state: str) -> None:
    job = Job(states=(state,))

    with pytest.raises(ShapeError, match="failed twice"):
        read(salesforce)

    assert len(job.started) == 2


def test_a_slow_job_is_left_to_the_next_run() -> None:
    bench = Bench()
    Job(states=("InProgress",))

    with pytest.raises(LaterError, match="not ready"):
        read(connect(bench, bulk_from=2))

    assert sum(bench.clock.slept) >= 3600


def test_a_state_that_nobody_knows_is_an_error(salesforce: SalesforceConnector) -> None:
    Job(states=("Meditating",))

    with pytest.raises(ShapeError, match="a state that"):
        read(salesforce)


@pytest.mark.parametrize("content", [b"", b'"Id"\n', written()], ids=["nothing", "one-column", "header"])
def test_a_result_without_lines_is_an_end(salesforce: SalesforceConnector, content: bytes) -> None:
    Job(content)

    pages = read(salesforce)

    assert keys(pages) == []
    assert pages[-1].position is None


def test_fewer_lines_than_were_told_are_no_end(salesforce: SalesforceConnector) -> None:
    Job(written(line(1)))
    headers = {"Sforce-Locator": "null", "Sforce-NumberOfRecords": "5"}
    respx.get(url__regex=rf"{JOBS}/{JOB}/results.*").mock(
        return_value=httpx.Response(200, content=written(line(1)), headers=headers)
    )

    with pytest.raises(LaterError, match="1 of 5 lines"):
        read(salesforce)


def test_files_that_turn_in_a_circle_are_an_error(salesforce: SalesforceConnector) -> None:
    Job(written(line(1)))
    headers = {"Sforce-Locator": "MTAw"}
    respx.get(url__regex=rf"{JOBS}/{JOB}/results.*").mock(
        return_value=httpx.Response(200, content=written(line(1)), headers=headers)
    )

    with pytest.raises(ShapeError, match="circle"):
        read(salesforce)


def test_a_line_with_another_number_of_cells_costs_that_line_alone(salesforce: SalesforceConnector) -> None:
    Job(written(line(1)) + f'"{key(2)}","false"\n'.encode() + written(line(3)).split(b"\n", 1)[1])

    pages = read(salesforce)

    assert keys(pages) == [key(1), key(3)]
    [fault] = [fault for page in pages for fault in page.faults]
    assert (fault.key, fault.where) == (key(2), f"contacts/{key(2)}")


def test_a_sweep_of_many_goes_by_a_job_and_is_held_to_its_count(salesforce: SalesforceConnector) -> None:
    Queries(lambda _: listed({"Id": key(1)}, more="0r8", total=9))
    job = Job("\n".join(['"Id"', *(f'"{key(number)}"' for number in range(1, 10)), ""]).encode())

    assert [one for some in salesforce.keys("contacts") for one in some] == [key(n) for n in range(1, 10)]
    assert job.started[0]["query"] == "SELECT Id FROM Contact"


def test_a_sweep_that_is_short_of_its_count_proves_nothing(salesforce: SalesforceConnector) -> None:
    Queries(lambda _: listed({"Id": key(1)}, more="0r8", total=9))
    Job(f'"Id"\n"{key(1)}"\n'.encode())

    with pytest.raises(ShapeError, match="1 of 9"):
        list(salesforce.keys("contacts"))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines_are_put_together_wherever_the_bytes_break(size: int) -> None:
    content = 'a,"Zoë\r\n🎈"\nb\n\nlast'.encode()

    assert list(lines(content[at : at + size] for at in range(0, len(content), size))) == [
        'a,"Zoë\r\n', '🎈"\n', "b\n", "\n", "last",
    ]  # fmt: skip


_CELLS = st.text(st.sampled_from('",\n\r\0 aé🎈'), max_size=4) | st.just("")


@st.composite
def tables(draw: st.DrawFn) -> str:
    """As a job writes them, or less strictly: rows of any width, some cells bare."""
    text = io.StringIO(newline="")
    quoting: Literal[0, 1] = csv.QUOTE_ALL if draw(st.integers(0, 2)) else csv.QUOTE_MINIMAL
    terminator = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    writer = csv.writer(text, quoting=quoting, lineterminator=terminator)
    width = draw(st.integers(1, 4))
    whole = st.lists(_CELLS, min_size=width, max_size=width)
    writer.writerows(draw(st.lists(whole | whole | st.lists(_CELLS, max_size=5), max_size=5)))
    return text.getvalue()


def _read(rows: Iterator[list[str]]) -> tuple[list[list[str]], str]:
    """What was read, and the error that it ended with."""
    read: list[list[str]] = []
    try:
        read += iter(rows)
    except csv.Error as exc:
        return read, str(exc)
    return read, ""


@settings(max_examples=2000, deadline=None)
@given(tables() | st.text(st.sampled_from('",,""\n\r\0 aé'), max_size=30))
def test_rows_are_those_that_csv_finds(text: str) -> None:
    content = [text.encode()]

    assert _read(rows_of(lines(content))) == _read(csv.reader(lines(content)))


@pytest.mark.parametrize("line", ['"{}"\n', '"a","{}"\n', '"{}\n"', '"{}', "{}\n"])
@pytest.mark.parametrize("length", [131_071, 131_072, 131_073])
def test_a_cell_may_be_as_long_as_csv_has_it(line: str, length: int) -> None:
    content = ['"first"\n', line.format("x" * length)]

    assert _read(rows_of(iter(content))) == _read(csv.reader(content))


def test_a_file_of_any_length_costs_no_more_memory_than_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """2,000 lines a page: what a file holds beyond them is still on its way."""
    row = written(line(1)).split(b"\n", 1)[1]
    header = written().rstrip(b"\n") + b"\n"

    def body(count: int) -> Iterator[bytes]:
        yield header
        for _ in range(count // 100):
            yield row * 100

    def peak(count: int) -> int:
        Job(written())
        respx.get(url__regex=rf"{JOBS}/{JOB}/results.*").mock(
            side_effect=lambda _: httpx.Response(200, content=body(count), headers={"Sforce-Locator": "null"})
        )
        connector = connect(bulk_from=2)
        gc.collect()
        tracemalloc.start()
        seen = sum(len(page.records) for page in connector.pull("contacts", EVERYTHING))
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert seen == count
        return reached

    peak(2_000)  # what is made once

    assert peak(20_000) < 1.5 * peak(4_000)
