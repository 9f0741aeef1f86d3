"""The connector on the simulated vendor."""

from datetime import datetime
from typing import Any, Final

from connectors.salesforce.connector import SalesforceConnector
from connectors.salesforce.settings import SalesforceSettings
from connectors.sdk import FieldInfo, Page, Window
from connectors.sdk.fakes import Bench
from sandbox.server import RunningVendor

STREAMS: Final = tuple(SalesforceConnector.streams)
KEYS: Final = {
    "client_credentials": ["client_id", "client_secret"],
    "jwt": ["client_id", "username", "private_key"],
    "refresh_token": ["client_id", "client_secret", "refresh_token"],
}


def connect(
    vendor: RunningVendor, *, by: str = "client_credentials", bench: Bench | None = None, **more: Any
) -> SalesforceConnector:
    settings = SalesforceSettings.model_validate(
        {
            "base_url": vendor.base_url,
            "token_url": vendor.token_url,
            "auth": {"flow": by, **{name: vendor.credentials[name] for name in KEYS[by]}},
            **more,
        }
    )
    return SalesforceConnector.connect(settings, (bench or Bench()).tools())


def pulled(connector: SalesforceConnector, stream: str, since: datetime | None = None) -> list[Page]:
    return [page for part in connector.parts(stream) for page in connector.pull(stream, Window(part=part, since=since))]


def keys(pages: list[Page]) -> list[str]:
    return [record.key for page in pages for record in page.records]


def server_time(pages: list[Page]) -> datetime:
    assert pages[0].server_time is not None
    return pages[0].server_time


def labelled(connector: SalesforceConnector, stream: str, label: str) -> FieldInfo:
    return next(info for info in connector.fields(stream) if info.label == label)
