"""The file of every key, as a hub; the smallest one; what is left out."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from crosswalk.problems import errors
from crosswalk.settings.load import load
from tests.crosswalk.settings.fakes import registry

HERE = Path(__file__).parent
NAMES = (
    *("SF_CLIENT_ID", "SF_CLIENT_SECRET", "ZOHO_CLIENT_ID", "ZOHO_CLIENT_SECRET", "ZOHO_REFRESH_TOKEN"),
    *("PIPEDRIVE_API_TOKEN", "QUALTRICS_API_TOKEN", "TYPEFORM_TOKEN", "CROSSWALK_KEY"),
)
SECRETS = {name: f"the-{name.lower()}" for name in NAMES} | {"CROSSWALK_STORE_URL": "postgresql://hub:pw@db/crosswalk"}


def test_a_file_of_every_key_becomes_a_hub() -> None:
    loaded = load(HERE / "whole.yaml", environment=SECRETS, registry=registry())

    assert errors(loaded.problems) == []
    hub = loaded.hub
    assert hub is not None
    assert list(hub.connections) == ["salesforce", "zoho", "pipedrive", "qualtrics", "typeform", "shop"]
    assert hub.connections["salesforce"].budget.per_day == 40000
    assert hub.connections["salesforce"].budget.reserve == Decimal("0.2")
    contacts = hub.connections["salesforce"].streams["contacts"]
    assert contacts.kind == "person"
    assert contacts.write == {"create", "update"}
    assert contacts.create_from == ("pipedrive", "zoho")
    assert contacts.hub_id == "Crosswalk_Id__c"
    lines = {line.target: line for line in contacts.lines}
    assert lines["emails[work]"].text == "Email | email"  # the default
    assert lines["phones[mobile]"].text == "MobilePhone | phone(AT)"
    assert lines["lifecycle_stage"].values == {"Interessent": "lead", "Kunde": "customer"}
    assert hub.connections["pipedrive"].schedule is not None
    assert hub.connections["pipedrive"].schedule.every == timedelta(hours=1)
    surveys = hub.connections["qualtrics"].streams["responses"].surveys
    assert surveys["SV_9dRf7TgY2hUj3kL"].roles == {"csat": "QID1 | scale(1, 5)"}
    assert hub.connections["qualtrics"].settings.streams["responses"].parts == tuple(surveys)
    assert hub.merge.defaults.masters == ("salesforce", "zoho", "pipedrive", "shop")
    assert hub.merge.kinds["person"]["job_title"].told() == {
        "on_conflict": ("newest", "review"),
        "tolerance": timedelta(minutes=10),
    }
    assert hub.cx["nps"].minimum_responses == 3
    assert hub.guards["clear"].share == Decimal("0.01")
    assert hub.schedule.audit == "0 3 * * sun"
    assert hub.store.url == "postgresql://hub:pw@db/crosswalk"
