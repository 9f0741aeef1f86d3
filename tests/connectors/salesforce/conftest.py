"""A simulated Salesforce, and a connector on it."""

from collections.abc import Iterator

import pytest

from connectors.salesforce.connector import SalesforceConnector
from sandbox.server import Sandbox
from tests.connectors.salesforce.live import connect


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(("salesforce",), seed=7, size=1200, limits="lifted") as sandbox:
        yield sandbox


@pytest.fixture
def live(sandbox: Sandbox) -> Iterator[SalesforceConnector]:
    connector = connect(sandbox.vendor("salesforce"))
    yield connector
    connector.close()
