"""`simple-salesforce`, a client that others wrote, used as its users do. Only the address is changed.

It speaks https to `*.salesforce.com` and to the instance; an adapter of its session brings both here.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceRefusedRequest,
    SalesforceResourceNotFound,
)

from sandbox.server import RunningVendor, Sandbox
from sandbox.world import MARA

MAIL = "mara.lindqvist@nordlicht-solar.test"


class Redirected(HTTPAdapter):
    """Sends to the sandbox what was meant for Salesforce."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base = urlsplit(base_url)

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        url = urlsplit(request.url or "")
        request.url = url._replace(scheme=str(self._base.scheme), netloc=str(self._base.netloc)).geturl()
        return super().send(request, *args, **more)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(("salesforce",), seed=7, size=150, limits="lifted") as sandbox:
        # A client signs assertions by the clock of this machine.
        sandbox.set_clock(max(sandbox.now(), datetime.now(UTC)))
        yield sandbox


@pytest.fixture(scope="module")
def vendor(sandbox: Sandbox) -> RunningVendor:
    return sandbox.vendor("salesforce")


@pytest.fixture
def here(vendor: RunningVendor) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount("https://", Redirected(vendor.base_url))
        yield session


@pytest.fixture
def sf(vendor: RunningVendor, here: requests.Session) -> Any:  # it makes an attribute of every object's name
    known = vendor.credentials
    return Salesforce(
        username=known["username"], password=known["password"], security_token=known["security_token"], session=here
    )


def test_it_logs_in_by_client_credentials_and_by_a_signed_assertion(
    vendor: RunningVendor, here: requests.Session, sandbox: Sandbox
) -> None:
    known = vendor.credentials
    app: Any = {"consumer_key": known["client_id"], "session": here}

    by_secret = Salesforce(consumer_secret=known["client_secret"], domain="nordlicht.my", **app)
    by_key = Salesforce(username=known["username"], privatekey=known["private_key"], **app)

    for client in (by_secret, by_key):
        assert client.query("SELECT COUNT() FROM Contact")["totalSize"] > 0
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid client credentials"):
        Salesforce(consumer_secret="wrong", domain="nordlicht.my", **app)


def test_it_takes_a_session_and_an_instance(sf: Any, vendor: RunningVendor, here: requests.Session) -> None:
    direct = Salesforce(session_id=sf.session_id, instance_url=vendor.base_url, session=here)

    assert direct.query("SELECT COUNT() FROM Contact")["totalSize"] > 0


def test_a_wrong_password_is_refused(vendor: RunningVendor, here: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        Salesforce(username=vendor.credentials["username"], password="x", security_token="y", session=here)


def test_it_queries_page_by_page_and_all_at_once(sf: Any) -> None:
    soql = "SELECT Id, Name, Account.Name FROM Contact ORDER BY Id"
    small = {"Sforce-Query-Options": "batchSize=200"}
    for nth in range(210):
        sf.Contact.create({"LastName": f"Filler {nth}"})

    page = sf.query(soql, headers=small)
    rest = sf.query_more(page["nextRecordsUrl"], identifier_is_url=True)
    whole = sf.query_all(soql, headers=small)["records"]

    assert (len(page["records"]), page["done"], rest["done"]) == (200, False, True)
    assert [row["Id"] for row in whole] == [row["Id"] for row in [*page["records"], *rest["records"]]]
    assert [row["Id"] for row in sf.query_all_iter(soql)] == [row["Id"] for row in whole]
    everything = sf.query_all("SELECT Id, IsDeleted FROM Contact", include_deleted=True)["records"]
    assert sum(row["IsDeleted"] for row in everything) >= 2


def test_it_works_with_a_record(sf: Any) -> None:
    made = sf.Contact.create({"LastName": "Byron", "Email": "ada@x.test"})
    key = made["id"]

    assert made == {"id": key, "success": True, "errors": []}
    assert sf.Contact.update(key, {"FirstName": "Ada"}) == 204
    assert sf.Contact.get(key)["Name"] == "Ada Byron"
    assert sf.Contact.upsert("Crosswalk_Id__c/H-77", {"LastName": "King"}) == 201
    assert sf.Contact.upsert("Crosswalk_Id__c/H-77", {"FirstName": "A"}) == 200
    assert sf.Contact.get_by_custom_id("Crosswalk_Id__c", "H-77")["Name"] == "A King"
    assert sf.Contact.delete(key) == 204
    with pytest.raises(SalesforceResourceNotFound):
        sf.Contact.get(key)


def test_it_learns_what_was_deleted_and_updated(sf: Any, sandbox: Sandbox) -> None:
    gone, kept = (sf.Contact.create({"LastName": name})["id"] for name in ("Gone", "Kept"))
    sf.Contact.delete(gone)
    start, end = sandbox.now() - timedelta(minutes=5), sandbox.now() + timedelta(minutes=5)

    deleted = sf.Contact.deleted(start, end)
    updated = sf.Contact.updated(start, end)

    assert gone in [row["id"] for row in deleted["deletedRecords"]]
    assert deleted["latestDateCovered"] >= deleted["earliestDateAvailable"]
    assert kept in updated["ids"]
    assert gone not in updated["ids"]


def test_it_describes(sf: Any) -> None:
    described = sf.describe()
    assert described is not None
    assert {"Contact", "Account", "Lead"} <= {entry["name"] for entry in described["sobjects"]}
    assert "Crosswalk_Id__c" in {field["name"] for field in sf.Contact.describe()["fields"]}
    assert sf.Contact.metadata()["objectDescribe"]["keyPrefix"] == "003"
    assert sf.limits()["DailyApiRequests"]["Max"] > 0


def test_it_reads_how_many_calls_were_made(sf: Any) -> None:
    sf.limits()

    assert sf.api_usage["api-usage"].used > 0


def test_it_queries_in_bulk(sf: Any) -> None:
    soql = "SELECT Id, Name, Account.Name FROM Contact ORDER BY Id"
    whole = sf.query_all(soql)["records"]

    pages = list(sf.bulk2.Contact.query(soql, max_records=40, wait=0))

    lines = [line for page in pages for line in str(page).splitlines()[1:]]
    assert len(pages) > 2
    assert len(lines) == len(whole)
    assert [line.partition(",")[0] for line in lines] == [f'"{row["Id"]}"' for row in whole]


def test_it_writes_in_bulk(sf: Any) -> None:
    rows = [{"LastName": f"Bulk {nth}", "Crosswalk_Id__c": f"B-{nth}"} for nth in range(5)]
    [made] = sf.bulk2.Contact.insert(records=rows, wait=0)
    found = sf.query_all("SELECT Id FROM Contact WHERE LastName LIKE 'Bulk %' ORDER BY Id")["records"]
    keys = [row["Id"] for row in found]

    [changed] = sf.bulk2.Contact.update(records=[{"Id": key, "Title": "CEO"} for key in keys], wait=0)
    [upserted] = sf.bulk2.Contact.upsert(
        records=[{"Crosswalk_Id__c": "B-0", "FirstName": "A"}, {"Crosswalk_Id__c": "B-9", "FirstName": "no name"}],
        external_id_field="Crosswalk_Id__c", wait=0,
    )  # fmt: skip
    [deleted] = sf.bulk2.Contact.delete(records=[{"Id": key} for key in keys[:2]], wait=0)

    def told(job: dict[str, int]) -> tuple[int, int]:
        return job["numberRecordsProcessed"], job["numberRecordsFailed"]

    assert [told(job) for job in (made, changed, upserted, deleted)] == [(5, 0), (5, 0), (2, 1), (2, 0)]
    failed = sf.bulk2.Contact.get_failed_records(upserted["job_id"])
    assert "REQUIRED_FIELD_MISSING" in failed
    assert keys[0] in sf.bulk2.Contact.get_successful_records(upserted["job_id"])
    assert sf.query("SELECT COUNT() FROM Contact WHERE LastName LIKE 'Bulk %'")["totalSize"] == 3


def test_it_recognises_refusals(sf: Any, sandbox: Sandbox) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="REQUIRED_FIELD_MISSING"):
        sf.Contact.create({})
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_FIELD"):
        sf.query("SELECT Nope FROM Contact")
    insisting = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    for _ in range(2):
        sf.Contact.create({"LastName": "Twin", "Email": "twin@x.test"}, headers=insisting)
    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Contact.get_by_custom_id("Email", "twin@x.test")
    sandbox.fault("storm", count=1)
    with pytest.raises(SalesforceRefusedRequest, match="REQUEST_LIMIT_EXCEEDED"):
        sf.limits()


def test_it_sees_that_a_session_has_died(sf: Any, vendor: RunningVendor, here: requests.Session) -> None:
    stale = Salesforce(session_id="00D!dead", instance_url=vendor.base_url, session=here)

    with pytest.raises(SalesforceExpiredSession, match="INVALID_SESSION_ID"):
        stale.limits()


def test_it_logs_in_again_when_its_session_dies(sf: Any, sandbox: Sandbox) -> None:
    sandbox.fault("expired_token", count=1)

    mara = sf.query(f"SELECT Name FROM Contact WHERE Email = '{MAIL}'")

    assert mara["records"][0]["Name"] == sandbox.world.people[MARA].full()
