"""What is gone is known to be gone, who survived a merge too, and what came back is not gone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import respx

from connectors.salesforce.connector import SalesforceConnector
from connectors.sdk import Removal, ShapeError, Window
from connectors.sdk.fakes import START
from tests.connectors.salesforce.api import (
    HEADERS,
    OPPORTUNITY,
    ROOT,
    Queries,
    connect,
    described,
    describes,
    key,
    listed,
    refused,
)

SINCE = datetime(2026, 11, 23, 8, tzinfo=UTC)
AT = datetime(2026, 11, 23, 9, 31, 10, tzinfo=UTC)


@pytest.fixture
def salesforce() -> SalesforceConnector:
    return connect()


def deleted(*keys: str, back_to: str = "2026-11-08T15:57:00.000+0000") -> httpx.Response:
    body = {
        "deletedRecords": [{"id": one, "deletedDate": "2026-11-23T09:31:10.000+0000"} for one in keys],
        "earliestDateAvailable": back_to,
        "latestDateCovered": "2026-11-24T08:00:00.000+0000",
    }
    return httpx.Response(200, json=body, headers=HEADERS)


def feed(sobject: str = "Contact", *answers: httpx.Response) -> respx.Route:
    return respx.get(url__startswith=f"{ROOT}/sobjects/{sobject}/deleted/").mock(side_effect=list(answers))


def binned(number: int, into: int | None = None) -> dict[str, Any]:
    survivor = None if into is None else key(into)
    return {"Id": key(number), "SystemModstamp": "2026-11-23T09:31:10.000+0000", "MasterRecordId": survivor}


def removed(connector: SalesforceConnector, stream: str = "contacts", since: datetime | None = SINCE) -> list[Removal]:
    return [one for some in connector.removals(stream, Window("", since)) for one in some]


@respx.mock
def test_deleted_and_merged_records_come_once_each(salesforce: SalesforceConnector) -> None:
    describes()
    bin_ = Queries(lambda _: listed(binned(2, into=9)), resource="queryAll")
    queries = Queries(lambda _: listed())
    route = feed("Contact", deleted(key(1), key(2)))

    assert removed(salesforce) == [Removal(key(2), AT, key(9)), Removal(key(1), AT, None)]
    assert bin_.asked == [
        "SELECT Id,SystemModstamp,MasterRecordId FROM Contact "
        "WHERE IsDeleted = true AND MasterRecordId != null AND SystemModstamp >= 2026-11-23T08:00:00.000Z"
    ]
    assert dict(route.calls.last.request.url.params) == {
        "start": "2026-11-23T08:00:00+00:00",
        "end": "2026-11-24T08:00:00+00:00",  # what the vendor's clock said a moment before
    }
    assert queries.asked == ["SELECT Id FROM Contact WHERE Id IN ('003XX0000000001AAA')"]


@respx.mock
def test_what_was_taken_out_of_the_bin_again_is_not_gone(salesforce: SalesforceConnector) -> None:
    describes()
    Queries(lambda _: listed(), resource="queryAll")
    Queries(lambda _: listed({"Id": key(1)}))
    feed("Contact", deleted(key(1), key(2)))

    assert [one.key for one in removed(salesforce)] == [key(2)]


@respx.mock
def test_where_nothing_is_merged_the_feed_alone_is_asked(salesforce: SalesforceConnector) -> None:
    describes()
    feed("Opportunity", deleted())

    assert removed(salesforce, "opportunities") == []


@respx.mock
def test_a_feed_that_was_purged_is_filled_from_the_bin(salesforce: SalesforceConnector) -> None:
    describes()
    bin_ = Queries(lambda text: listed() if "MasterRecordId !=" in text else listed(binned(3)), resource="queryAll")
    Queries(lambda _: listed())
    feed("Contact", deleted(key(1), back_to="2026-11-23T20:00:00.000+0000"))

    assert {one.key for one in removed(salesforce)} == {key(1), key(3)}
    assert len(bin_.asked) == 2


@respx.mock
def test_an_object_without_a_feed_has_the_bin(salesforce: SalesforceConnector) -> None:
    respx.get(f"{ROOT}/sobjects/Opportunity/describe").mock(
        return_value=described("Opportunity", *OPPORTUNITY, replicateable=False)
    )
    respx.get(f"{ROOT}/sobjects/Account/describe").mock(return_value=described("Account"))
    Queries(
        lambda _: listed({"Id": key(4, "006"), "SystemModstamp": "2026-11-23T09:31:10.000+0000"}), resource="queryAll"
    )

    assert removed(salesforce, "opportunities") == [Removal(key(4, "006"), AT, None)]


@respx.mock
def test_without_a_bound_it_goes_back_as_far_as_it_may(salesforce: SalesforceConnector) -> None:
    describes()
    route = feed("Opportunity", deleted())

    removed(salesforce, "opportunities", since=None)

    assert route.calls.last.request.url.params["start"] == "2026-11-10T08:00:00+00:00"


@respx.mock
def test_more_than_the_feed_takes_at_once_come_in_halves(salesforce: SalesforceConnector) -> None:
    describes()
    Queries(lambda _: listed())
    route = feed(
        "Opportunity",
        refused(400, "EXCEEDED_ID_LIMIT"),
        deleted(key(1, "006")),
        deleted(key(2, "006")),
    )

    assert [one.key for one in removed(salesforce, "opportunities")] == [key(1, "006"), key(2, "006")]
    bounds = [(call.request.url.params["start"][11:16], call.request.url.params["end"][11:16]) for call in route.calls]
    assert bounds[1:] == [("08:00", "20:00"), ("20:00", "08:00")]


@respx.mock
def test_more_than_it_takes_in_a_minute_are_an_error(salesforce: SalesforceConnector) -> None:
    describes()
    respx.get(url__startswith=f"{ROOT}/sobjects/Opportunity/deleted/").mock(
        return_value=refused(400, "EXCEEDED_ID_LIMIT")
    )

    with pytest.raises(ShapeError):
        removed(salesforce, "opportunities", since=START - timedelta(minutes=1))


@pytest.mark.parametrize("body", [{}, [], {"deletedRecords": None}], ids=repr)
@respx.mock
def test_an_answer_in_another_form_removes_nothing(salesforce: SalesforceConnector, body: Any) -> None:
    describes()
    feed("Opportunity", httpx.Response(200, json=body))

    with pytest.raises(ShapeError, match="does not know"):
        removed(salesforce, "opportunities")


@respx.mock
def test_users_are_never_gone(salesforce: SalesforceConnector) -> None:
    describes()

    assert removed(salesforce, "users") == []
