import csv
import io
from typing import Any

import pytest

from sandbox.vendors.salesforce.app import Salesforce
from tests.sandbox.calls import Caller, Reply
from tests.sandbox.vendors.salesforce.calls import DATA, one, refusal, rows

QUERY, INGEST = f"{DATA}/jobs/query", f"{DATA}/jobs/ingest"
MAIL = "mara.lindqvist@nordlicht-solar.test"


def lines(body: bytes, **dialect: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode(), newline=""), **dialect))  # type: ignore[arg-type]


def asked(salesforce: Caller, soql: str, *, operation: str = "query", **more: str) -> str:
    reply = salesforce("POST", QUERY, {"operation": operation, "query": soql, **more})
    assert reply.status == 200, reply.body
    assert reply.json["state"] == "UploadComplete"
    return str(reply.json["id"])


def finished(salesforce: Caller, path: str) -> Any:
    states = [salesforce("GET", path).json for _ in range(2)]
    assert [told["state"] for told in states] == ["InProgress", "JobComplete"]
    return states[-1]


def results(salesforce: Caller, job: str, **query: Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    locator: str | None = None
    while locator != "null":
        more = {"locator": locator} if locator else {}
        reply = salesforce("GET", f"{QUERY}/{job}/results", **{**query, **more})
        header, *table = lines(reply.body)
        assert int(reply.headers["sforce-numberofrecords"]) == len(table)
        found += [dict(zip(header, line, strict=True)) for line in table]
        locator = reply.headers["sforce-locator"]
    return found


def test_a_query_job_brings_what_the_query_would(salesforce: Caller) -> None:
    soql = (
        "SELECT Id, Name, Account.Owner.Name, HasOptedOutOfEmail, CX_NPS_Score__c, SystemModstamp, Description, "
        "Birthdate FROM Contact ORDER BY Id"
    )
    job = asked(salesforce, soql)

    told = finished(salesforce, f"{QUERY}/{job}")
    found = results(salesforce, job, maxRecords=30)

    wanted = rows(salesforce, soql)
    assert told["numberRecordsProcessed"] == len(found) == len(wanted) > 60
    for line, row in zip(found, wanted, strict=True):
        score = row["CX_NPS_Score__c"]
        assert line == {
            "Id": row["Id"], "Name": row["Name"],
            "Account.Owner.Name": row["Account"]["Owner"]["Name"] if row["Account"] else "",
            "HasOptedOutOfEmail": str(row["HasOptedOutOfEmail"]).lower(),
            "CX_NPS_Score__c": "" if score is None else str(score),
            "SystemModstamp": row["SystemModstamp"].replace("+0000", "Z"), "Description": row["Description"] or "",
            "Birthdate": row["Birthdate"] or "",
        }  # fmt: skip


def test_texts_with_quotes_line_breaks_and_delimiters_arrive_whole(salesforce: Caller) -> None:
    text = 'She said: "no",\r\nthen; nothing\n— 🌞'
    made = salesforce("POST", f"{DATA}/sobjects/Contact", {"LastName": "Q", "Description": text}).json["id"]
    job = asked(salesforce, f"SELECT Description FROM Contact WHERE Id = '{made}'", columnDelimiter="SEMICOLON",
                lineEnding="CRLF")  # fmt: skip
    finished(salesforce, f"{QUERY}/{job}")

    body = salesforce("GET", f"{QUERY}/{job}/results").body

    assert lines(body, delimiter=";") == [["Description"], [text]]
    assert body.startswith(b'"Description"\r\n')


def test_a_query_without_rows_brings_the_header(salesforce: Caller) -> None:
    job = asked(salesforce, "SELECT Id, Name FROM Contact WHERE Name = 'nobody'")
    finished(salesforce, f"{QUERY}/{job}")

    reply = salesforce("GET", f"{QUERY}/{job}/results")

    assert (reply.body, reply.headers["sforce-locator"]) == (b'"Id","Name"\n', "null")


def test_query_all_brings_what_lies_in_the_bin(salesforce: Caller) -> None:
    soql = "SELECT Id, IsDeleted, MasterRecordId FROM Contact"
    jobs = [asked(salesforce, soql, operation=operation) for operation in ("query", "queryAll")]
    for job in jobs:
        finished(salesforce, f"{QUERY}/{job}")

    living, everything = (results(salesforce, job) for job in jobs)

    assert {line["IsDeleted"] for line in living} == {"false"}
    assert sum(line["IsDeleted"] == "true" for line in everything) == len(everything) - len(living) >= 2


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT COUNT(Id) FROM Contact", "API_ERROR"),
        ("SELECT Id, (SELECT Id FROM Cases) FROM Contact", "API_ERROR"),
        ("SELECT MailingAddress FROM Contact", "API_ERROR"),
        ("SELECT Id FROM Contact LIMIT 3 OFFSET 2", "API_ERROR"),
        ("SELECT Nope FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Nope", "INVALID_TYPE"),
        ("SELECT", "MALFORMED_QUERY"),
    ],
)
def test_what_a_job_cannot_ask_is_refused_at_once(salesforce: Caller, soql: str, code: str) -> None:
    assert refusal(salesforce("POST", QUERY, {"operation": "query", "query": soql})) == (400, code)


def test_a_job_goes_step_by_step_and_can_be_aborted_and_deleted(salesforce: Caller) -> None:
    job = asked(salesforce, "SELECT Id FROM Contact")
    path = f"{QUERY}/{job}"

    assert refusal(salesforce("GET", f"{path}/results")) == (400, "INVALIDJOBSTATE")
    assert refusal(salesforce("DELETE", path)) == (400, "INVALIDJOBSTATE")
    assert salesforce("PATCH", path, {"state": "Aborted"}).json["state"] == "Aborted"
    assert refusal(salesforce("PATCH", path, {"state": "Aborted"})) == (400, "INVALIDJOBSTATE")
    assert refusal(salesforce("GET", f"{path}/results")) == (400, "INVALIDJOBSTATE")
    assert [told["id"] for told in salesforce("GET", QUERY).json["records"]] == [job]
    assert salesforce("DELETE", path).status == 204
    assert refusal(salesforce("GET", path)) == (404, "NOT_FOUND")


def test_a_locator_that_is_none_is_refused(salesforce: Caller) -> None:
    job = asked(salesforce, "SELECT Id FROM Contact")
    finished(salesforce, f"{QUERY}/{job}")

    assert refusal(salesforce("GET", f"{QUERY}/{job}/results", locator="?!")) == (400, "INVALID_QUERY_LOCATOR")


def ingested(salesforce: Caller, operation: str, data: str, *, name: str = "Contact", **more: str) -> str:
    """The id of the job that has taken the data."""
    job = salesforce("POST", INGEST, {"object": name, "operation": operation, "lineEnding": "LF", **more}).json
    assert job["state"] == "Open"
    sent = salesforce(
        "PUT", "/" + job["contentUrl"], data.encode(), headers={**salesforce.headers, "content-type": "text/csv"}
    )
    assert (sent.status, sent.body) == (201, b"")
    closed = salesforce("PATCH", f"{INGEST}/{job['id']}", {"state": "UploadComplete"}).json
    assert closed["state"] in ("UploadComplete", "Failed")
    return str(job["id"])


def table(salesforce: Caller, job: str, which: str) -> list[dict[str, str]]:
    reply = salesforce("GET", f"{INGEST}/{job}/{which}")
    assert reply.status == 200, reply.body
    header, *found = lines(reply.body)
    return [dict(zip(header, line, strict=True)) for line in found]


def test_an_upsert_job_tells_of_each_line_how_it_went(salesforce: Caller, org: Salesforce) -> None:
    mara = one(salesforce, f"SELECT Id, Title FROM Contact WHERE Email = '{MAIL}'")
    salesforce("PATCH", f"{DATA}/sobjects/Contact/{mara['Id']}", {"Crosswalk_Id__c": "H-1"})
    data = (
        "Crosswalk_Id__c,LastName,CX_NPS_Score__c,Title,Account.Crosswalk_Id__c\n"
        'H-1,,3,#N/A,\nH-2,"New, one",9,,\nH-3,,1,,\nH-4,X,abc,,\nH-5,Y,1,,nobody\n'
    )

    job = ingested(salesforce, "upsert", data, externalIdFieldName="Crosswalk_Id__c")
    told = finished(salesforce, f"{INGEST}/{job}")

    assert (told["numberRecordsProcessed"], told["numberRecordsFailed"]) == (5, 3)
    good = {row["Crosswalk_Id__c"]: row for row in table(salesforce, job, "successfulResults")}
    assert {key: row["sf__Created"] for key, row in good.items()} == {"H-1": "false", "H-2": "true"}
    assert good["H-1"]["sf__Id"] == mara["Id"]
    bad = {row["Crosswalk_Id__c"]: row["sf__Error"] for row in table(salesforce, job, "failedResults")}
    assert bad["H-3"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
    assert bad["H-4"].startswith("JSON_PARSER_ERROR:")
    assert bad["H-5"].startswith("INVALID_FIELD:Foreign key external ID")
    assert table(salesforce, job, "unprocessedrecords") == []
    after = one(salesforce, f"SELECT Title, LastName, CX_NPS_Score__c FROM Contact WHERE Id = '{mara['Id']}'")
    assert (after["Title"], after["LastName"], after["CX_NPS_Score__c"]) == (None, "Lindqvist", 3.0)
    assert [effect.record for effect in org.effects()][-2:] == [mara["Id"], good["H-2"]["sf__Id"]]


def test_records_are_inserted_updated_and_deleted(salesforce: Caller) -> None:
    made = ingested(salesforce, "insert", "LastName;Company\nA;C\nB;C\n", name="Lead", columnDelimiter="SEMICOLON")
    finished(salesforce, f"{INGEST}/{made}")
    body = salesforce("GET", f"{INGEST}/{made}/successfulResults").body
    keys = [line[0] for line in lines(body, delimiter=";")[1:]]

    changed = ingested(salesforce, "update", f"Id,Title\n{keys[0]},CEO\n{keys[0][:-1]},x\nnope,x\n", name="Lead")
    gone = ingested(salesforce, "delete", f"Id\n{keys[1]}\n{keys[1]}\n", name="Lead")
    for job in (changed, gone):
        finished(salesforce, f"{INGEST}/{job}")

    assert body.startswith(b'"sf__Id";"sf__Created";LastName;Company\n')
    assert one(salesforce, f"SELECT Title FROM Lead WHERE Id = '{keys[0]}'")["Title"] == "CEO"
    assert len(table(salesforce, changed, "failedResults")) == 2
    assert [row["sf__Error"].partition(":")[0] for row in table(salesforce, gone, "failedResults")] == [
        "DUPLICATE_VALUE", "DUPLICATE_VALUE",
    ]  # fmt: skip
    again = ingested(salesforce, "delete", f"Id\n{keys[1]}\n", name="Lead")
    finished(salesforce, f"{INGEST}/{again}")
    assert rows(salesforce, f"SELECT Id FROM Lead WHERE Id = '{keys[1]}'") == []


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("LastName,Nope\nX,1\n", "InvalidBatch : Field name not found : Nope"),
        ("LastName\r\nX\r\n", "ClientInputError : LineEnding is invalid on user data"),
        ("", "InvalidBatch : Unable to find any data"),
    ],
)
def test_an_upload_that_is_spoiled_fails_whole(salesforce: Caller, org: Salesforce, data: str, error: str) -> None:
    job = ingested(salesforce, "insert", data)

    told = salesforce("GET", f"{INGEST}/{job}").json

    assert told["state"] == "Failed"
    assert told["errorMessage"].startswith(error)
    assert len(table(salesforce, job, "unprocessedrecords") if data else []) == data.count("X")
    assert org.effects() == ()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"object": "Contact", "operation": "explode"}, "INVALIDJOB"),
        ({"object": "Nope", "operation": "insert"}, "INVALIDENTITY"),
        ({"object": "Contact", "operation": "upsert"}, "INVALIDJOB"),
        ({"object": "Contact", "operation": "insert", "columnDelimiter": "SPACE"}, "INVALIDJOB"),
        ({"object": "Contact", "operation": "hardDelete"}, "FEATURENOTENABLED"),
    ],
)
def test_a_job_that_cannot_be_is_refused(salesforce: Caller, body: Any, code: str) -> None:
    assert refusal(salesforce("POST", INGEST, body)) == (400, code)


def test_an_open_job_takes_one_upload_and_can_be_aborted(salesforce: Caller, org: Salesforce) -> None:
    job = salesforce("POST", INGEST, {"object": "Contact", "operation": "insert"}).json["id"]
    path = f"{INGEST}/{job}"

    def put() -> Reply:
        headers = {**salesforce.headers, "content-type": "text/csv; charset=UTF-8"}
        return salesforce("PUT", f"{path}/batches", b"LastName\nX\n", headers=headers)

    assert put().status == 201
    assert refusal(put()) == (400, "INVALIDJOBSTATE")
    assert refusal(salesforce("GET", f"{path}/successfulResults")) == (400, "INVALIDJOBSTATE")
    assert salesforce("PATCH", path, {"state": "Aborted"}).json["state"] == "Aborted"
    assert [row["LastName"] for row in table(salesforce, job, "unprocessedRecords")] == ["X"]
    assert refusal(salesforce("PATCH", path, {"state": "UploadComplete"})) == (400, "INVALIDJOBSTATE")
    assert salesforce("DELETE", path).status == 204
    assert org.effects() == ()


def test_jobs_are_forgotten_after_a_week(salesforce: Caller, org: Salesforce) -> None:
    job = asked(salesforce, "SELECT Id FROM Contact")
    for _ in range(7 * 24):
        salesforce.later(hours=1)
        salesforce("GET", f"{DATA}/limits")

    assert refusal(salesforce("GET", f"{QUERY}/{job}")) == (404, "NOT_FOUND")
