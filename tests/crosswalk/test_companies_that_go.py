"""A company that somebody deletes in one system: who worked there shows nobody there, and nobody has said so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from crosswalk.app import Hub
from tests.chaos.inside import answered_by
from tests.crosswalk.changing import Changing

# By system what the file says of it, and what companies and people are called there.
SYSTEMS: Final = {
    "pipedrive": ("organizations", "persons", "streams: {organizations: , persons: {write: [update]}}"),
    "zoho": ("Accounts", "Contacts", "streams: {accounts: , contacts: {write: [update]}}"),
}
SALESFORCE: Final = """
    streams:
      accounts: {write: [create, update], create_from: [SYSTEM], hub_id: Crosswalk_Id__c}
      contacts: {write: [create, update], create_from: [SYSTEM], hub_id: Crosswalk_Id__c}"""
MERGE: Final = """
merge:
  defaults:
    masters: [salesforce, SYSTEM]
    on_conflict: [newest, masters]
    allow_clear: [salesforce, SYSTEM]"""


class Company:
    """A firm of one, in a system and in Salesforce, which has it from there."""

    def __init__(self, world: Changing, system: str) -> None:
        self.world, self.system = world, system
        self.companies, self.people, _ = SYSTEMS[system]
        if system == "pipedrive":
            self.firm = self.found("Quokka GmbH")
            mail = [{"value": "ann@quokka.test", "label": "work", "primary": True}]
            told: dict[str, Any] = {"name": "Ann Byron", "emails": mail, "org_id": int(self.firm)}
        else:
            self.firm = self.found("Quokka GmbH")
            told = {
                "Last_Name": "Byron",
                "First_Name": "Ann",
                "Email": "ann@quokka.test",
                "Account_Name": {"id": self.firm},
            }
        self.ann = world.edit(system, self.people, None, **told)

    def delete(self) -> None:
        """By somebody there, who says nothing of Ann."""
        if self.system == "zoho":
            self.world.edit(self.system, self.companies, self.firm, **{"$deleted": True})
            self.touch()
        else:
            self.world.edit(self.system, self.companies, self.firm, is_deleted=True)
            self.leave()

    def pause(self) -> None:
        """Companies are read no more."""
        with self.world.open() as hub:
            hub.pause(f"{self.system}/{self.companies.lower()}")

    def resume(self) -> None:
        with self.world.open() as hub:
            hub.resume(f"{self.system}/{self.companies.lower()}")

    def leave(self) -> None:
        """Somebody says that Ann works nowhere."""
        self.join(None)

    def join(self, firm: str | None) -> None:
        if self.system == "pipedrive":
            told: dict[str, Any] = {"org_id": None if firm is None else int(firm)}
        else:
            told = {"Account_Name": None if firm is None else {"id": firm}}
        self.world.edit(self.system, self.people, self.ann, **told)

    def touch(self) -> None:
        self.world.edit(self.system, self.people, self.ann, Department="Sales")

    def call(self) -> None:
        """Somebody corrects the number of Ann's telephone."""
        phones = [{"value": "+4989555100", "label": "work", "primary": True}]
        told = {"phones": phones} if self.system == "pipedrive" else {"Phone": "+4989555100"}
        self.world.edit(self.system, self.people, self.ann, **told)

    def restore(self) -> None:
        told = {"is_deleted": False} if self.system == "pipedrive" else {"$restored": True}
        self.world.edit(self.system, self.companies, self.firm, **told)

    def found(self, name: str) -> str:
        """Another company there."""
        field = "name" if self.system == "pipedrive" else "Account_Name"
        return self.world.edit(self.system, self.companies, None, **{field: name})

    @property
    def there(self) -> Any:
        """Of Ann in their system the company."""
        account = self.world.there[self.system].account
        shown = account.persons.get(int(self.ann)) if self.system == "pipedrive" else account.find("Contacts", self.ann)
        return str(shown["org_id" if self.system == "pipedrive" else "Account_Name"])

    @property
    def in_salesforce(self) -> Any:
        """Of Ann in Salesforce the name of the company."""
        org = self.world.there["salesforce"].org
        ann = next(one for one in org.tables["Contact"] if one.get("LastName") == "Byron")
        return None if (key := ann.get("AccountId")) is None else org.record(key)["Name"]


@pytest.fixture(params=list(SYSTEMS))
def company(request: pytest.FixtureRequest, tmp_path: Path, database_url: str) -> Iterator[Company]:
    told = {
        "salesforce": SALESFORCE.replace("SYSTEM", request.param),
        request.param: f"    {SYSTEMS[request.param][2]}",
    }
    world = Changing(tmp_path, database_url, told, MERGE.replace("SYSTEM", request.param))
    with answered_by(world.vendors.answer):
        world.sync()
        made = Company(world, request.param)
        world.sync(3)
        assert made.in_salesforce == "Quokka GmbH"
        yield made


def test_who_worked_there_goes_on_to_elsewhere(company: Company) -> None:
    company.delete()

    ran = company.world.sync(3)

    assert company.in_salesforce == "Quokka GmbH"
    assert not ran["totals"]["written"]


def test_who_leaves_a_company_that_is_there_has_left_it(company: Company) -> None:
    company.leave()

    company.world.sync()

    assert company.in_salesforce is None


def test_who_is_shown_nowhere_is_not_judged_before_companies_are_read(company: Company) -> None:
    company.pause()
    company.delete()
    company.world.sync(2)
    held = company.in_salesforce
    with company.world.open() as hub:
        (field,) = hub.explain("ann@quokka.test", field="works_at")["fields"]
    told = {one["connection"]: one["reason"] for one in field["sides"]}
    assert told[company.system] == "whether what it named is still there is to be asked first"

    company.resume()
    company.world.sync()

    assert (held, company.in_salesforce) == ("Quokka GmbH", "Quokka GmbH")
    assert not company.world.sync()["totals"]["written"]


def test_who_has_left_is_not_judged_before_companies_are_read_and_then_has_left(company: Company) -> None:
    company.pause()
    company.leave()
    company.world.sync(2)
    held = company.in_salesforce

    company.resume()
    company.world.sync()

    assert (held, company.in_salesforce) == ("Quokka GmbH", None)


def test_a_company_that_comes_back_is_shown_where_it_was(company: Company) -> None:
    company.delete()
    company.world.sync(2)

    company.restore()
    company.world.sync(2)

    assert (company.there, company.in_salesforce) == (company.firm, "Quokka GmbH")


def test_who_goes_to_another_company_has_gone_there(company: Company) -> None:
    company.delete()
    company.world.sync(2)

    company.join(company.found("Wombat AG"))
    company.world.sync(2)

    assert company.in_salesforce == "Wombat AG"


def test_who_goes_from_a_company_that_only_others_know_has_gone(company: Company) -> None:
    """That a system cannot show where somebody works does not make another company out of its own word."""
    salesforce = company.world.there["salesforce"].org
    ann = next(one for one in salesforce.tables["Contact"] if one.get("LastName") == "Byron")
    only_there = company.world.edit("salesforce", "accounts", None, Name="Numbat KG")
    company.world.edit("salesforce", "contacts", ann["Id"], AccountId=only_there)
    company.world.sync(2)
    held = company.in_salesforce

    company.join(company.found("Wombat AG"))
    company.world.sync(2)

    assert (held, company.in_salesforce) == ("Numbat KG", "Wombat AG")


def questions(hub: Hub) -> list[str]:
    return [one["id"] for one in hub.review_list()["conflicts"] if one["field"] == "works_at"]


def test_a_question_about_who_has_left_stays_the_same_one(company: Company) -> None:
    world = company.world
    file = world.folder / "crosswalk.yaml"
    file.write_text(file.read_text().replace(f"masters: [salesforce, {company.system}]", "masters: [salesforce]"))
    world.sync(2)
    company.leave()
    world.sync()
    with world.open() as hub:
        asked = questions(hub)

    company.call()
    world.sync(2)

    with world.open() as hub:
        assert questions(hub) == asked
    assert len(asked) == 1
    assert company.in_salesforce == "Quokka GmbH"
