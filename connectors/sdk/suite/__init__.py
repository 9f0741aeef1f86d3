# ruff: noqa: E402  - assertions are rewritten only in modules that are imported afterwards
"""The contract suite: what every connector must do, as tests that its author inherits.

    class TestAcme(ConnectorContract):
        streams = ("contacts", "companies")

        @pytest.fixture
        def rig(self) -> Iterator[Rig]:
            with AcmeVendor() as vendor:
                bench = Bench()
                settings = AcmeSettings(base_url=vendor.url, token=vendor.token)
                yield Rig(AcmeConnector.connect(settings, bench.tools()), vendor, bench)

`AcmeVendor` is the author's simulation of the vendor, a `Vendor`: it is seeded, and fails on demand. What a stream's
declaration does not call for is skipped, and so is what the simulation names in `lacks`, with the reason it gives.

Needs pytest, which the hub itself does not; nothing else imports this package.
"""

import pytest

# Before they are imported: a failure then shows both sides of the comparison.
pytest.register_assert_rewrite(
    "connectors.sdk.suite.declarations",
    "connectors.sdk.suite.reading",
    "connectors.sdk.suite.removing",
    "connectors.sdk.suite.stumbling",
    "connectors.sdk.suite.windows",
    "connectors.sdk.suite.writing",
)

from connectors.sdk.suite.contract import ConnectorContract
from connectors.sdk.suite.vendor import Effect, Rig, Vendor
from connectors.sdk.suite.windows import Read, read

__all__ = ["ConnectorContract", "Effect", "Read", "Rig", "Vendor", "read"]
