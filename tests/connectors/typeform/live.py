"""The connector on the simulated vendor."""

from datetime import datetime

from connectors.sdk import Page, Window
from connectors.sdk.fakes import Bench
from connectors.typeform.connector import TypeformConnector
from connectors.typeform.settings import TypeformSettings
from sandbox.server import RunningVendor


def connect(vendor: RunningVendor, *, by: str = "token", bench: Bench | None = None) -> TypeformConnector:
    names = {"token": ["token"], "refresh_token": ["client_id", "client_secret", "refresh_token"]}[by]
    settings = TypeformSettings.model_validate(
        {
            "base_url": vendor.base_url,
            "token_url": vendor.token_url,
            "auth": {name: vendor.credentials[name] for name in names},
        }
    )
    return TypeformConnector.connect(settings, (bench or Bench()).tools())


def pulled(connector: TypeformConnector, stream: str, since: datetime | None = None) -> list[Page]:
    return [page for part in connector.parts(stream) for page in connector.pull(stream, Window(part=part, since=since))]


def keys(pages: list[Page]) -> list[str]:
    return [record.key for page in pages for record in page.records]
