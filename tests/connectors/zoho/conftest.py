"""A simulated Zoho, and a connector on it."""

from collections.abc import Iterator

import pytest

from connectors.zoho.connector import ZohoConnector
from sandbox.server import Sandbox
from tests.connectors.zoho.live import connect


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(("zoho",), seed=7, size=1200, limits="lifted") as sandbox:
        yield sandbox


@pytest.fixture
def live(sandbox: Sandbox) -> Iterator[ZohoConnector]:
    connector = connect(sandbox.vendor("zoho"))
    yield connector
    connector.close()
