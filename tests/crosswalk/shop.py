"""A folder of exports and the four simulated vendors that can be written to, and a hub between them, in one process."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from connectors.sdk.registry import installed
from crosswalk.app import Hub, open_hub
from sandbox.world import ANCHOR
from tests.chaos.inside import Inside, answered_by
from tests.clocks import SetClock

TEXT: Final = """
version: 1
store: {{url: 'sqlite:///{folder}/hub.db'}}
connections:
  salesforce:
    base_url: {salesforce.base_url}
    token_url: {salesforce.token_url}
    auth: {{flow: client_credentials, client_id: env:SF_ID, client_secret: env:SF_SECRET}}
    streams:
      contacts: {{write: [create, update], create_from: [shop], hub_id: Crosswalk_Id__c}}
  zoho:
    base_url: {zoho.base_url}
    token_url: {zoho.token_url}
    data_center: eu
    auth: {{flow: refresh_token, client_id: env:ZO_ID, client_secret: env:ZO_SECRET, refresh_token: env:ZO_TOKEN}}
    streams:
      contacts: {{write: [create, update], create_from: [shop]}}
  pipedrive:
    base_url: {pipedrive.base_url}
    token_url: {pipedrive.token_url}
    auth: {{flow: refresh_token, client_id: env:PD_ID, client_secret: env:PD_SECRET, refresh_token: env:PD_TOKEN}}
    streams:
      persons: {{write: [create, update], create_from: [shop], mapping: {{job_title: NPS comment | text}}}}
  qualtrics:
    base_url: {qualtrics.base_url}
    token_url: {qualtrics.token_url}
    data_center: fra1
    directory: {directory}
    auth: {{flow: api_token, api_token: env:QT_TOKEN}}
    streams:
      directory_contacts:
        write: [create, update]
        create_from: [shop]
        mapping: {{job_title: embeddedData.crm_title}}
  shop:
    connector: files
    path: ./exports
    streams:
      members:
        files: '*.csv'
        entity: person
        key: id
        mapping: {{name.given: given, name.family: family, "emails[work]": email, job_title: title}}
merge:
  defaults: {{masters: [shop, salesforce, zoho, pipedrive, qualtrics], on_conflict: [masters]}}
guards:
  create: {guard}
  update: {guard}
"""
SECRETS: Final = {
    "SF_ID": ("salesforce", "client_id"), "SF_SECRET": ("salesforce", "client_secret"),
    "ZO_ID": ("zoho", "client_id"), "ZO_SECRET": ("zoho", "client_secret"), "ZO_TOKEN": ("zoho", "refresh_token"),
    "PD_ID": ("pipedrive", "client_id"), "PD_SECRET": ("pipedrive", "client_secret"),
    "PD_TOKEN": ("pipedrive", "refresh_token"), "QT_TOKEN": ("qualtrics", "api_token"),
}  # fmt: skip
VENDORS: Final = ("salesforce", "zoho", "pipedrive", "qualtrics")


class Shop:
    """A hub between a folder of exports of so many people and four vendors, whose every call takes a while."""

    def __init__(self, folder: Path, people: int, *, guard: str = "{at_most: 1, share: 1%}") -> None:
        self.folder, self.people, self.clock = folder, people, SetClock(ANCHOR)
        self.vendors = Inside(VENDORS, clock=self.clock, sleep=self.sleep)
        running = {name: self.vendors.vendor(name) for name in VENDORS}
        directory = running["qualtrics"].credentials["directory"]
        (folder / "crosswalk.yaml").write_text(TEXT.format(folder=folder, directory=directory, guard=guard, **running))
        told = {name: running[vendor].credentials[key] for name, (vendor, key) in SECRETS.items()}
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in told.items()))
        (folder / "exports").mkdir()

    def sleep(self, seconds: float) -> None:
        self.clock.forward(seconds=seconds)

    def answer(self, request: Any) -> Any:
        self.sleep(0.1)
        return self.vendors.answer(request)

    def export(self, title: str) -> None:
        """Everybody has a name of their own: Salesforce's duplicate rule takes people of one name for one."""
        rows = [f"m{n},m{n}@shop.test,Ann{_word(n)},Lind{_word(7 * n)},{title} {n}" for n in range(self.people)]
        (self.folder / "exports" / "m.csv").write_text("\n".join(["id,email,given,family,title", *rows, ""]))

    def calls(self) -> dict[str, Counter[str]]:
        """What each vendor was asked since its log was forgotten, how often."""
        found: dict[str, Counter[str]] = {name: Counter() for name in VENDORS}
        for one in self.vendors.hub.log()["calls"]:
            found[one["vendor"]][one["call"]] = one["count"]
        return found

    @contextmanager
    def opened(self) -> Iterator[Hub]:
        """The hub, as a new process has it: whatever it waits for takes no time."""
        with open_hub(self.folder / "crosswalk.yaml", who="tester", clock=self.clock, registry=installed()) as hub:
            hub._builder.sleep = self.sleep
            hub.look_anew()
            yield hub

    @contextmanager
    def open_for_business(self) -> Iterator[None]:
        """The vendors answer, and the plans of new mappings have been let through."""
        with answered_by(self.answer):
            with self.opened() as hub:
                hub.sync(first_too=True)
            self.sleep(4000)
            yield


def _word(number: int) -> str:
    return re.sub(r"\d", lambda digit: "abcdefghij"[int(digit[0])], str(number))
