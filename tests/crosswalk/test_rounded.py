"""A number that one vendor keeps to the integer, and the others as it is: nobody loses its decimals."""

from pathlib import Path

import pytest

from sandbox.web import Json
from tests.chaos.inside import answered_by
from tests.crosswalk.shop import Shop


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path, 1, guard="{at_most: 1000, share: 100%}")
    file = tmp_path / "crosswalk.yaml"
    text = file.read_text()
    for before, after in (
        ("job_title: title}", "custom.rank: rank | decimal}"),
        ("hub_id: Crosswalk_Id__c}", "hub_id: Crosswalk_Id__c, mapping: {custom.rank: CX_NPS_Score__c | decimal}}"),
        ("job_title: NPS comment | text", "custom.rank: NPS score | decimal"),
        ("job_title: embeddedData.crm_title", "custom.rank: embeddedData.crm_rank | decimal"),
    ):
        text = text.replace(before, after)
    file.write_text(text)
    return made


def export(shop: Shop, rank: str) -> None:
    (shop.folder / "exports" / "m.csv").write_text(f"id,email,given,family,rank\nm1,m1@shop.test,Ann,Lind,{rank}\n")


def sync(shop: Shop) -> None:
    with shop.opened() as hub:
        hub.sync(first_too=True)
    shop.sleep(4000)


def ranks(shop: Shop) -> dict[str, Json]:
    """What each system's record shows."""
    with shop.opened() as hub:
        (field,) = hub.explain("m1@shop.test", field="custom.rank")["fields"]
    return {one["connection"]: one["value"] for one in field["sides"] if one["connection"] != "zoho"}


WHOLE = {"shop": "8.25", "salesforce": "8", "pipedrive": "8.25", "qualtrics": "8.25"}


def test_what_one_vendor_rounds_stays_whole_at_the_others_whoever_is_master(shop: Shop) -> None:
    export(shop, "8.25")
    with answered_by(shop.answer):
        sync(shop)
        sync(shop)
        first = ranks(shop)
        file = shop.folder / "crosswalk.yaml"
        file.write_text(file.read_text().replace("masters: [shop, salesforce,", "masters: [salesforce, shop,"))
        sync(shop)
        sync(shop)

        assert first == WHOLE
        assert ranks(shop) == WHOLE


def test_what_a_vendor_would_round_to_what_it_shows_is_not_sent(shop: Shop) -> None:
    export(shop, "8")
    with answered_by(shop.answer):
        sync(shop)
        shop.vendors.hub.forget_log()
        export(shop, "8.25")
        for _ in range(3):
            sync(shop)

        assert ranks(shop) == WHOLE
        assert not [call for call in shop.calls()["salesforce"] if call.startswith("PATCH")]


def test_an_edit_where_it_is_rounded_is_a_whole_number_and_goes_everywhere(shop: Shop) -> None:
    """Not as of a text that is cut, whose rest an edit of its beginning says nothing of."""
    file = shop.folder / "crosswalk.yaml"
    file.write_text(file.read_text().replace("masters: [shop, salesforce,", "masters: [salesforce, shop,"))
    export(shop, "8.25")
    with answered_by(shop.answer):
        sync(shop)
        sync(shop)
        with shop.opened() as hub:
            records = [one["address"] for one in hub.explain("m1@shop.test")["records"]]
        (key,) = (one.rpartition("/")[2] for one in records if one.startswith("salesforce/"))
        shop.vendors.edit("salesforce", "contacts", key, {"CX_NPS_Score__c": 9})
        sync(shop)

        assert ranks(shop) == {"shop": "8.25", "salesforce": "9", "pipedrive": "9", "qualtrics": "9"}
