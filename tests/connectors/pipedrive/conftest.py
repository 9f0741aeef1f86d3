"""A simulated Pipedrive, and a connector on it."""

from collections.abc import Iterator

import pytest

from connectors.pipedrive.connector import PipedriveConnector
from sandbox.server import Sandbox
from tests.connectors.pipedrive.live import connect


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(("pipedrive",), seed=7, size=1200, limits="lifted") as sandbox:
        yield sandbox


@pytest.fixture
def live(sandbox: Sandbox) -> Iterator[PipedriveConnector]:
    connector = connect(sandbox.vendor("pipedrive"))
    yield connector
    connector.close()
