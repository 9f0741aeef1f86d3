"""All chapters of the contract, for every stream that the author names."""

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from connectors.sdk.suite.declarations import Declarations
from connectors.sdk.suite.reading import Reading
from connectors.sdk.suite.removing import Removing
from connectors.sdk.suite.stumbling import Stumbling
from connectors.sdk.suite.vendor import Rig
from connectors.sdk.suite.writing import Writing


class ConnectorContract(Declarations, Reading, Removing, Stumbling, Writing):
    """Inherit as `class TestAcme(ConnectorContract)`, name the streams and give the fixture `rig`."""

    streams: ClassVar[Sequence[str]] = ()

    @pytest.fixture
    def rig(self) -> Rig:
        """A connector, wired to a vendor of its own: made anew for each test."""
        raise NotImplementedError("give the fixture `rig`: it makes a Rig of a connector, a vendor and a bench")

    @classmethod
    def pytest_generate_tests(cls, metafunc: Any) -> None:
        if "stream" in metafunc.fixturenames:
            metafunc.parametrize("stream", list(cls.streams))
