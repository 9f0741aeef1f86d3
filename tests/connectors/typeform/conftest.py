"""A simulated Typeform, and a connector on it."""

from collections.abc import Iterator

import pytest

from connectors.typeform.connector import TypeformConnector
from sandbox.server import Sandbox
from tests.connectors.typeform.live import connect


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(("typeform",), seed=7, size=1200, limits="lifted") as sandbox:
        yield sandbox


@pytest.fixture
def live(sandbox: Sandbox) -> Iterator[TypeformConnector]:
    connector = connect(sandbox.vendor("typeform"))
    yield connector
    connector.close()
