"""The connector on the simulated vendor."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.qualtrics.connector import QualtricsConnector
from connectors.qualtrics.settings import QualtricsSettings, QualtricsStream
from connectors.sdk import Page, Window
from connectors.sdk.fakes import Bench
from sandbox.server import RunningVendor


def connect(
    vendor: RunningVendor,
    *,
    by: str = "api_token",
    bench: Bench | None = None,
    own: Mapping[str, Mapping[str, Any]] | None = None,
    auth: Mapping[str, Any] | None = None,
) -> QualtricsConnector:
    """`own`: what the operator writes under the streams; `auth`: further keys of the flow."""
    names = {"api_token": ["api_token"], "client_credentials": ["client_id", "client_secret"]}[by]
    settings = QualtricsSettings.model_validate(
        {
            "base_url": vendor.base_url,
            "token_url": vendor.token_url,
            "data_center": "fra1",
            "auth": {"flow": by, **{name: vendor.credentials[name] for name in names}, **(auth or {})},
            "streams": {name: QualtricsStream.model_validate(told) for name, told in (own or {}).items()},
        }
    )
    return QualtricsConnector.connect(settings, (bench or Bench()).tools())


def pulled(connector: QualtricsConnector, stream: str, since: datetime | None = None) -> list[Page]:
    return [page for part in connector.parts(stream) for page in connector.pull(stream, Window(part=part, since=since))]


def keys(pages: list[Page]) -> list[str]:
    return [record.key for page in pages for record in page.records]
