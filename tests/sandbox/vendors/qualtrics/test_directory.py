from datetime import timedelta
from typing import Any

import pytest

from sandbox.vendors.qualtrics import app as module
from sandbox.vendors.qualtrics.app import Qualtrics
from sandbox.vendors.qualtrics.directory import MOST_HITS
from sandbox.world import MARA, World
from tests.sandbox.calls import Caller


@pytest.fixture
def path(brand: Qualtrics) -> str:
    return f"/API/v3/directories/{brand.directory.id}/contacts"


def walked(caller: Caller, method: str, path: str, body: Any = None, **query: Any) -> list[list[Any]]:
    """Every page of a list."""
    pages: list[list[Any]] = []
    following: str | None = path
    while following is not None:
        result = caller(method, following, body, **(query if not pages else {})).json["result"]
        pages.append(result["elements"])
        following = result["nextPage"] and result["nextPage"].removeprefix("http://vendor.test")
    return pages


def search(caller: Caller, path: str, kind: str, value: Any, *, comparison: str = "eq", **more: Any) -> list[Any]:
    asked = {"filter": {"filterType": kind, "comparison": comparison, "value": value, **more}}
    return [row for page in walked(caller, "POST", f"{path}/search", asked) for row in page]


def test_a_directory_says_by_what_it_finds_duplicates(qualtrics: Caller, brand: Qualtrics) -> None:
    (shown,) = qualtrics("GET", "/API/v3/directories").json["result"]["elements"]

    assert (shown["directoryId"], shown["contactCount"]) == (brand.directory.id, len(brand.directory.contacts))
    assert shown["deduplicationCriteria"]["email"] is True


def test_contacts_are_listed_to_the_end_without_times(qualtrics: Caller, brand: Qualtrics, path: str) -> None:
    pages = walked(qualtrics, "GET", path, pageSize=20, useNewPaginationScheme="true")

    listed = [row for page in pages for row in page]
    assert len(pages) > 2
    assert [row["contactId"] for row in listed] == sorted(row["contactId"] for row in brand.directory.contacts)
    assert tuple(listed[0]) == (
        "contactId", "firstName", "lastName", "email", "phone", "extRef", "language", "unsubscribed",
    )  # fmt: skip
    assert "embeddedData" in qualtrics("GET", path, includeEmbedded="true").json["result"]["elements"][0]


def test_a_contact_has_three_shapes(qualtrics: Caller, brand: Qualtrics, path: str, world: World) -> None:
    mara = world.people[MARA]
    (hit,) = search(qualtrics, path, "email", str(mara.work_email).upper())

    whole = qualtrics("GET", f"{path}/{hit['id']}").json["result"]

    assert whole["contactId"] == hit["id"]
    assert (whole["phone"], whole["extRef"]) == (hit["phoneNumber"], hit["externalDataReference"])
    assert hit["externalDataReference"] == f"CRM-{world.crm_id(mara)}"
    assert isinstance(whole["lastModified"], int)
    assert hit["lastModified"].endswith("Z")
    assert {"name", "contactLookupId", "unsubscribed"} <= next(iter(whole["mailingListMembership"].values())).keys()


def test_a_search_goes_by_time_reference_embedded_data_and_their_combination(
    qualtrics: Caller, path: str, world: World
) -> None:
    crm_id = str(world.crm_id(world.people[MARA]))
    by_data = search(qualtrics, path, "embeddedData", crm_id, embeddedDataKey="contact_id")
    by_reference = search(qualtrics, path, "extRef", f"CRM-{crm_id}")
    recent = search(qualtrics, path, "lastModified", "2026-11-01 00:00:00", comparison="gte")
    both = {
        "filter": {
            "conjunction": "and",
            "contactFilterExpressions": [
                {"filterType": "lastModified", "comparison": "gte", "value": "2026-10-01 00:00:00"},
                {"filterType": "lastModified", "comparison": "lt", "value": "2026-11-01 00:00:00"},
            ],
        }
    }
    october = [row for page in walked(qualtrics, "POST", f"{path}/search", both) for row in page]

    assert [row["id"] for row in by_data] == [row["id"] for row in by_reference]
    assert recent
    assert {row["lastModified"] >= "2026-11-01" for row in recent} == {True}
    assert {row["lastModified"][:7] for row in october} == {"2026-10"}


@pytest.mark.parametrize(
    "asked",
    [
        {}, {"filter": {"filterType": "shoe size", "comparison": "eq", "value": 42}},
        {"filter": {"filterType": "email", "comparison": "like", "value": "x"}},
        {"filter": {"filterType": "lastModified", "comparison": "gte", "value": "2026-11-01T00:00:00Z"}},
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_understood_is_refused(qualtrics: Caller, path: str, asked: dict[str, Any]) -> None:
    assert qualtrics("POST", f"{path}/search", asked).status == 400


def test_a_full_page_of_a_search_names_another_one_even_if_that_is_empty(qualtrics: Caller, path: str) -> None:
    everything = {"filter": {"filterType": "creationDate", "comparison": "gte", "value": "2000-01-01 00:00:00"}}
    count = len(search(qualtrics, path, "creationDate", "2000-01-01 00:00:00", comparison="gte"))

    pages = walked(qualtrics, "POST", f"{path}/search", everything, pageSize=count)

    assert [len(page) for page in pages] == [count, 0]


def test_a_search_cannot_be_paged_beyond_its_cap(qualtrics: Caller, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_HITS == 10_000
    monkeypatch.setattr(module, "MOST_HITS", 20)
    everything = {"filter": {"filterType": "creationDate", "comparison": "gte", "value": "2000-01-01 00:00:00"}}

    first = qualtrics("POST", f"{path}/search?pageSize=20", everything).json["result"]
    second = qualtrics("POST", first["nextPage"].removeprefix("http://vendor.test"), everything)

    assert len(first["elements"]) == 20
    assert second.status == 400


def test_a_contact_is_made_changed_key_by_key_and_deleted(qualtrics: Caller, path: str) -> None:
    body = {"firstName": "Jane", "email": "jane@acme.test", "extRef": "X-1", "embeddedData": {"tier": "Gold", "n": 5}}

    made = qualtrics("POST", path, body).json["result"]["id"]
    one = f"{path}/{made}"
    changed = qualtrics("PUT", one, {"lastName": "Roe", "embeddedData": {"n": None, "ok": True}})

    after = qualtrics("GET", one).json["result"]
    assert (changed.status, "result" in changed.json) == (200, False)
    assert (after["firstName"], after["lastName"], after["extRef"]) == ("Jane", "Roe", "X-1")
    assert after["embeddedData"] == {"tier": "Gold", "ok": "true"}  # everything is a text, and null takes away
    assert qualtrics("DELETE", one).status == 200
    assert qualtrics("GET", one).status == 404
    assert qualtrics("PUT", one, {"lastName": "x"}).status == 404


def test_two_contacts_may_be_alike_and_a_reference_is_no_key(qualtrics: Caller, path: str) -> None:
    made = [qualtrics("POST", path, {"email": "a@b.test", "extRef": "X-1"}).json["result"]["id"] for _ in range(2)]

    assert sorted(row["id"] for row in search(qualtrics, path, "extRef", "X-1")) == sorted(made)


def test_an_opt_out_has_a_date_and_is_in_the_feed(qualtrics: Caller, brand: Qualtrics, path: str) -> None:
    made = qualtrics("POST", path, {"email": "a@b.test"}).json["result"]["id"]
    qualtrics.later(minutes=1)

    qualtrics("PUT", f"{path}/{made}", {"unsubscribed": True})

    shown = qualtrics("GET", f"{path}/{made}").json["result"]
    feed = qualtrics("GET", f"{path}/optedOutContacts", since="2026-11-23T12:00:30Z").json["result"]["elements"]
    assert (shown["directoryUnsubscribed"], shown["directoryUnsubscribeDate"]) == (True, "2026-11-23T12:01:00.000Z")
    assert [row["contactId"] for row in feed] == [made]
    assert any(row["directoryUnsubscribed"] for row in brand.directory.contacts if row["contactId"] != made)


@pytest.mark.parametrize(
    "body",
    [
        {"nickname": "J"}, {"firstName": 5}, {"email": "nobody"}, {"embeddedData": ["x"]}, {"unsubscribed": "yes"},
        {"embeddedData": {"k": "x" * 1025}}, {"embeddedData": {"k" * 201: "x"}}, {"embeddedData": {"k": {"a": 1}}},
    ],
)  # fmt: skip
def test_what_a_contact_cannot_hold_is_refused(qualtrics: Caller, path: str, body: dict[str, Any]) -> None:
    assert qualtrics("POST", path, body).status == 400


def test_the_index_may_lag_behind(qualtrics: Caller, brand: Qualtrics, path: str) -> None:
    qualtrics("GET", path)
    brand.lag_search(timedelta(seconds=30))
    made = qualtrics("POST", path, {"email": "late@acme.test"}).json["result"]["id"]

    assert search(qualtrics, path, "email", "late@acme.test") == []
    assert qualtrics("GET", f"{path}/{made}").status == 200
    qualtrics.later(seconds=31)
    assert [row["id"] for row in search(qualtrics, path, "email", "late@acme.test")] == [made]


def test_a_contact_may_be_committed_late_under_the_stamp_of_when_it_was_made(
    qualtrics: Caller, brand: Qualtrics, path: str
) -> None:
    brand.commit_late(timedelta(minutes=1))
    made = qualtrics("POST", path, {"email": "late@acme.test"}).json["result"]["id"]
    brand.commit_late(timedelta(0))

    assert qualtrics("GET", f"{path}/{made}").status == 404
    qualtrics.later(minutes=2)
    shown = qualtrics("GET", f"{path}/{made}").json["result"]
    assert shown["lastModified"] == int((qualtrics.now - timedelta(minutes=2)).timestamp() * 1000)


def test_lists_are_made_renamed_and_deleted_and_their_contacts_stay(
    qualtrics: Caller, brand: Qualtrics, path: str
) -> None:
    lists = path.replace("/contacts", "/mailinglists")
    key = qualtrics("POST", lists, {"name": "New"}).json["result"]["id"]
    made = qualtrics("POST", f"{lists}/{key}/contacts", {"email": "jane@acme.test"}).json["result"]

    assert qualtrics("PUT", f"{lists}/{key}", {"name": "Newer"}).status == 200
    shown = qualtrics("GET", f"{lists}/{key}").json["result"]
    (member,) = qualtrics("GET", f"{lists}/{key}/contacts").json["result"]["elements"]
    assert (shown["name"], shown["contactCount"]) == ("Newer", 1)
    assert (member["contactId"], member["contactLookupId"]) == (made["id"], made["contactLookupId"])
    assert qualtrics("DELETE", f"{lists}/{key}/contacts/{made['id']}").status == 200
    assert qualtrics("DELETE", f"{lists}/{key}").status == 200
    assert qualtrics("GET", f"{path}/{made['id']}").json["result"]["mailingListMembership"] == {}


def test_a_page_of_a_list_has_fifty_contacts_at_the_most(qualtrics: Caller, brand: Qualtrics, path: str) -> None:
    lists = path.replace("/contacts", "/mailinglists")

    pages = walked(qualtrics, "GET", f"{lists}/{next(iter(brand.directory.lists))}/contacts", pageSize=100)

    assert len(pages) > 1
    assert [len(page) for page in pages[:-1]] == [50] * (len(pages) - 1)


def test_a_contact_added_to_a_list_is_one_that_is_there_by_its_address(qualtrics: Caller, path: str) -> None:
    lists = path.replace("/contacts", "/mailinglists")
    key = qualtrics("POST", lists, {"name": "New"}).json["result"]["id"]
    there = qualtrics("POST", path, {"email": "jane@acme.test", "firstName": "J"}).json["result"]["id"]

    made = qualtrics("POST", f"{lists}/{key}/contacts", {"email": "jane@acme.test", "firstName": "Jane"}).json["result"]

    assert made["id"] == there
    assert qualtrics("GET", f"{path}/{there}").json["result"]["firstName"] == "Jane"


def test_a_key_of_the_embedded_data_is_renamed_or_goes_away(qualtrics: Caller, brand: Qualtrics, path: str) -> None:
    def keys() -> set[str]:
        rows = qualtrics("GET", path, includeEmbedded="true", pageSize=1000).json["result"]["elements"]
        return {key for row in rows for key in row["embeddedData"]}

    brand.change_schema("directory_contacts", "segment", to="tier")
    renamed = keys()
    brand.change_schema("directory_contacts", "segment", to=None)
    gone = keys()
    brand.restore_schema()

    assert ("tier" in renamed, "segment" in renamed) == (True, False)
    assert not {"tier", "segment"} & gone
    assert "segment" in keys()
