"""A hub that answers from fixtures, and the command line in front of it."""

import pytest

from tests.crosswalk.cli.fixtures import FakeHub, Run, make_runner


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture
def crosswalk(monkeypatch: pytest.MonkeyPatch, hub: FakeHub) -> Run:
    return make_runner(monkeypatch, hub)
