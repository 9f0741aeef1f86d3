"""The connector on the simulated vendor."""

from datetime import datetime
from typing import Any, Final

from connectors.sdk import Page, Window
from connectors.sdk.fakes import Bench
from connectors.zoho.connector import ZohoConnector
from connectors.zoho.settings import ZohoSettings
from connectors.zoho.streams import RESOURCES
from sandbox.server import RunningVendor

STREAMS: Final = tuple(RESOURCES)
SECRETS: Final = ("client_id", "client_secret", "refresh_token")


def connect(vendor: RunningVendor, *, bench: Bench | None = None, **more: Any) -> ZohoConnector:
    settings = ZohoSettings.model_validate(
        {
            "data_center": "eu",
            "base_url": vendor.base_url,
            "token_url": vendor.token_url,
            "auth": {name: vendor.credentials[name] for name in SECRETS},
            **more,
        }
    )
    return ZohoConnector.connect(settings, (bench or Bench()).tools())


def pulled(connector: ZohoConnector, stream: str, since: datetime | None = None) -> list[Page]:
    return list(connector.pull(stream, Window(part="", since=since)))


def keys(pages: list[Page]) -> list[str]:
    return [record.key for page in pages for record in page.records]


def server_time(pages: list[Page]) -> datetime:
    assert pages[0].server_time is not None
    return pages[0].server_time
