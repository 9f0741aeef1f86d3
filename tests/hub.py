"""A hub over vendors in memory: written as a file, opened like any other, with a clock that is told the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connectors.files.connector import FilesConnector
from connectors.sdk.registry import Registry
from crosswalk.app import Hub, open_hub
from crosswalk.store.dialect import Database
from tests.clocks import SetClock
from tests.memory.connector import (
    REMOTES,
    START,
    CoarseConnector,
    GreetingConnector,
    MemoryConnector,
    MergingConnector,
    Remote,
    SilentConnector,
    SurveyConnector,
    TerseConnector,
    UniqueConnector,
    WholeConnector,
)

REGISTRY = Registry(
    connectors={
        "memory": MemoryConnector,
        "unique": UniqueConnector,
        "silent": SilentConnector,
        "terse": TerseConnector,
        "whole": WholeConnector,
        "merging": MergingConnector,
        "coarse": CoarseConnector,
        "greeting": GreetingConnector,
        "survey": SurveyConnector,
        "files": FilesConnector,
    }
)


class World:
    """One hub's folder and its vendors. `run` opens the hub as a new process would."""

    def __init__(self, folder: Path, url: str, text: str) -> None:
        self.folder = folder
        self.url = url
        self.clock = SetClock(START)
        self.write(text)

    def write(self, text: str) -> None:
        path = self.folder / "crosswalk.yaml"
        path.write_text(f"version: 1\nstore: {{url: '{self.url}'}}\n{text}")

    def remote(self, name: str) -> Remote:
        return REMOTES.setdefault(f"{self.folder.name}-{name}", Remote())

    def account(self, name: str) -> str:
        return f"{self.folder.name}-{name}"

    @contextmanager
    def open(self, *, looked: bool = True) -> Iterator[Hub]:
        """`looked`: the vendors have been asked what they have, as at each run."""
        with open_hub(self.folder / "crosswalk.yaml", who="tester", clock=self.clock, registry=REGISTRY) as hub:
            if looked:
                hub.look_anew().sleep = self.sleep
            yield hub

    @contextmanager
    def store(self) -> Iterator[Database]:
        """Its store, for whoever looks into it between runs."""
        database = Database(self.url)
        try:
            yield database
        finally:
            database.close()

    def sleep(self, seconds: float) -> None:
        self.clock.forward(seconds=seconds)

    def sync(self, **more: Any) -> dict[str, Any]:
        with self.open() as hub:
            return hub.sync(first_too=True, **more)
