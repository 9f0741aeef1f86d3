"""Contacts: three shapes made one, and a search that shows no more than so many hits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.qualtrics.contacts import BEGINNING, Search, body, record
from connectors.sdk import RemoteRecord

SINCE = datetime(2026, 10, 1, 9, 0, 0, 700_000, tzinfo=UTC)
WHOLE = {
    "contactId": "CID_1", "creationDate": 1764000000000, "lastModified": 1764100000123, "firstName": "Jane",
    "lastName": "", "email": "jane@acme.test", "emailDomain": "acme.test", "phone": "+495551", "extRef": "X-1",
    "embeddedData": {"tier": "Gold", "old": ""}, "language": "en", "directoryUnsubscribed": True,
    "directoryUnsubscribeDate": "2026-11-01T08:00:00.000Z", "stats": {}, "mailingListMembership": {},
}  # fmt: skip
HIT = {
    "id": "CID_1", "creationDate": "2025-11-24T16:00:00.000Z", "lastModified": "2025-11-25T19:46:40Z",
    "firstName": "Jane", "lastName": None, "email": "jane@acme.test", "phoneNumber": "+495551",
    "externalDataReference": "X-1", "embeddedData": {"tier": "Gold"}, "language": "en", "unsubscribed": True,
    "unsubscribeDate": "2026-11-01T08:00:00Z", "segmentMembership": {},
}  # fmt: skip


def made(*stamps: str) -> list[RemoteRecord]:
    return [RemoteRecord(f"CID_{n}", stamp, datetime.fromisoformat(stamp), {}) for n, stamp in enumerate(stamps)]


def test_a_contact_is_the_same_whichever_shape_it_came_in() -> None:
    whole, hit = record(WHOLE), record(HIT)

    assert whole == hit
    assert isinstance(whole, RemoteRecord)
    assert whole.values["embeddedData"] == {"tier": "Gold"}
    assert whole.modified == datetime(2025, 11, 25, 19, 46, 40, tzinfo=UTC)


@pytest.mark.parametrize("row", [{}, {"id": ""}, {"contactId": 5}, {"id": "CID_1", "lastModified": "yesterday"}])
def test_a_row_that_is_no_contact_says_why(row: Any) -> None:
    assert isinstance(record(row), str)


def test_a_search_begins_at_the_second_and_without_an_end() -> None:
    search = Search.since(SINCE)

    assert search.filter() == {
        "filter": {"filterType": "lastModified", "comparison": "gte", "value": "2026-10-01 09:00:00"}
    }
    assert Search.since(None).windows == ((BEGINNING, None),)


def test_a_window_that_was_read_to_its_end_is_the_last() -> None:
    search = Search.since(SINCE).shown(made("2026-10-01T10:00:00Z"), None, cap=10)

    assert (search.windows, search.position()) == ((), None)


def test_a_window_with_more_hits_than_are_shown_is_cut_in_the_middle_of_what_was_seen() -> None:
    hits = made("2026-10-01T10:00:00Z", "2026-10-03T10:00:00Z")

    search = Search.since(SINCE).shown(hits, "next", cap=2)

    start = SINCE.replace(microsecond=0)
    middle = datetime(2026, 10, 2, 10, tzinfo=UTC)
    assert search.windows == ((start, middle), (middle, None))
    expressions = search.filter()["filter"]["contactFilterExpressions"]
    assert [(one["comparison"], one["value"]) for one in expressions] == [
        ("gte", "2026-10-01 09:00:00"), ("lt", "2026-10-02 10:00:00"),
    ]  # fmt: skip


def test_a_second_that_holds_too_many_cannot_be_cut() -> None:
    start = SINCE.replace(microsecond=0)
    hits = made(start.isoformat(), start.isoformat())

    first = Search.since(SINCE).shown(hits, "next", cap=2)
    second = first.shown(hits, "next", cap=2)

    assert first.windows == ((start, start + timedelta(seconds=1)), (start + timedelta(seconds=1), None))
    assert not first.one_second
    assert second.one_second


def test_a_search_goes_on_from_its_position() -> None:
    search = Search.since(SINCE).shown(made("2026-10-01T10:00:00Z"), "next", cap=10)
    position = search.position()

    assert position is not None
    assert Search.at(position) == search


def test_what_is_sent_is_text_and_null_takes_away() -> None:
    sent = body(
        {"firstName": None, "phone": "1", "unsubscribed": True, "embeddedData": {"n": 5, "ok": True, "x": None}}
    )

    assert sent == {
        "firstName": None, "phone": "1", "unsubscribed": True, "embeddedData": {"n": "5", "ok": "true", "x": None},
    }  # fmt: skip
