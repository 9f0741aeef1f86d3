"""A hub over vendors in memory: written as a file, opened like any other, with a clock that is told the time."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from connectors.files.connector import FilesConnector
from connectors.sdk.contract import Page
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

AHEAD: Final = 4  # pages that wait at the most, see `crosswalk.engine.pull`
Join: TypeAlias = Callable[[Page, Page], Page | None]


class World:
    """One hub's folder and its vendors. `run` opens the hub as a new process would."""

    def __init__(self, folder: Path, url: str, text: str) -> None:
        self.folder = folder
        self.url = url
        self.clock = SetClock(START)
        self.key = ""  # what ids of its store are hashed with: on a stage, until the hub is opened
        self.swift = False  # pages come faster than they are landed: on a stage, where no thread fetches them
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


def several_at_once(pages: Iterator[Page], join: Join) -> Iterator[Page]:
    """As `prefetched` hands them out where a vendor is faster than the store: as many wait as may.

    What a vendor refuses comes out behind what it had sent before; a process that dies takes that along.
    """
    waiting: deque[Page] = deque()
    error: Exception | None = None
    more = True
    while True:
        while more and len(waiting) < AHEAD:
            try:
                waiting.append(next(pages))
            except StopIteration:
                more = False
            except Exception as exc:
                more, error = False, exc
        if not waiting:
            break
        page = waiting.popleft()
        while waiting and (both := join(page, waiting[0])) is not None:
            page = both
            waiting.popleft()
        yield page
    if error is not None:
        raise error
