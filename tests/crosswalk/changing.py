"""A hub between simulated vendors, in one process, while their own people go on with their work there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from connectors.sdk.registry import installed
from crosswalk.app import Hub, open_hub
from sandbox.world import ANCHOR
from tests.chaos.inside import Inside
from tests.clocks import SetClock

_HEADS: Final = {
    "salesforce": "auth: {flow: client_credentials, client_id: env:SF_ID, client_secret: env:SF_SECRET}",
    "zoho": "data_center: eu\n    "
    "auth: {flow: refresh_token, client_id: env:ZO_ID, client_secret: env:ZO_SECRET, refresh_token: env:ZO_TOKEN}",
    "pipedrive": "auth: {flow: refresh_token, client_id: env:PD_ID, client_secret: env:PD_SECRET, "
    "refresh_token: env:PD_TOKEN}",
    "typeform": "auth: {token: env:TF_TOKEN}",
    "qualtrics": "data_center: fra1\n    auth: {flow: api_token, api_token: env:QT_TOKEN}",
}
_SECRETS: Final[Mapping[str, Mapping[str, str]]] = {
    "salesforce": {"SF_ID": "client_id", "SF_SECRET": "client_secret"},
    "zoho": {"ZO_ID": "client_id", "ZO_SECRET": "client_secret", "ZO_TOKEN": "refresh_token"},
    "pipedrive": {"PD_ID": "client_id", "PD_SECRET": "client_secret", "PD_TOKEN": "refresh_token"},
    "typeform": {"TF_TOKEN": "token"},
    "qualtrics": {"QT_TOKEN": "api_token"},
}
_GUARD: Final = "{at_most: 50, share: 100%}"
# Of Salesforce, made of Pipedrive's deals.
OPPORTUNITIES: Final = """
    streams:
      opportunities:
        write: [create, update]
        create_from: [pipedrive]
        hub_id: Crosswalk_Id__c
        mapping:
          name: {field: Name, direction: both}
          stage.stage: {field: StageName, direction: both}
          expected_close_date: {field: CloseDate | day, direction: both}"""


class Changing:
    """A hub over some vendors. `streams`: by connection what the file says of them; `rest`: of the file."""

    def __init__(self, folder: Path, url: str, streams: Mapping[str, str], rest: str = "") -> None:
        self.folder, self.url = folder, url
        self.clock = SetClock(ANCHOR)
        self.ahead = timedelta(0)  # the vendors' clock, of the hub's
        self.vendors = Inside(list(streams), clock=lambda: self.clock() + self.ahead, sleep=self.sleep)
        secrets: dict[str, str] = {}
        for name in streams:
            told = self.vendors.vendor(name).credentials
            secrets |= {variable: told[key] for variable, key in _SECRETS[name].items()}
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in secrets.items()))
        self.write(streams, rest)

    def write(self, streams: Mapping[str, str], rest: str = "") -> None:
        lines = ["version: 1", f"store: {{url: '{self.url}'}}", "connections:"]
        for name, some in streams.items():
            running = self.vendors.vendor(name)
            lines += [f"  {name}:", f"    base_url: {running.base_url}", f"    token_url: {running.token_url}"]
            lines += [f"    {_HEADS[name]}", some.strip("\n")]
        guards = f"guards: {{create: {_GUARD}, update: {_GUARD}, clear: {_GUARD}, delete: {_GUARD}}}"
        (self.folder / "crosswalk.yaml").write_text("\n".join([*lines, rest.strip("\n"), guards, ""]))

    def sleep(self, seconds: float) -> None:
        self.clock.forward(seconds=seconds)

    @property
    def there(self) -> Mapping[str, Any]:
        """The vendors themselves, by name."""
        return self.vendors.hub.vendors

    def edit(self, vendor: str, stream: str, key: str | None, **fields: Any) -> str:
        """What somebody does at a vendor's own screen; a minute goes by."""
        made = self.vendors.edit(vendor, stream, key, fields)
        self.sleep(60)
        return made

    @contextmanager
    def open(self) -> Iterator[Hub]:
        with open_hub(self.folder / "crosswalk.yaml", who="tester", clock=self.clock, registry=installed()) as hub:
            hub._builder.sleep = self.sleep
            hub.look_anew()
            yield hub

    def sync(self, times: int = 1) -> dict[str, Any]:
        """Runs, each so much later that whatever commits late is seen."""
        ran: dict[str, Any] = {}
        for _ in range(times):
            self.sleep(1200)
            with self.open() as hub:
                ran = hub.sync(first_too=True)
        return ran
