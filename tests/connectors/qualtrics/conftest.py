"""A simulated Qualtrics, and a connector on it."""

from collections.abc import Iterator

import pytest

from connectors.qualtrics.connector import QualtricsConnector
from sandbox.server import Sandbox
from tests.connectors.qualtrics.live import connect


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox.start(("qualtrics",), seed=7, size=1200, limits="lifted") as sandbox:
        yield sandbox


@pytest.fixture
def live(sandbox: Sandbox) -> Iterator[QualtricsConnector]:
    connector = connect(sandbox.vendor("qualtrics"))
    yield connector
    connector.close()
