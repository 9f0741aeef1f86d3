"""What every connector of the tests does: nothing."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Literal

from connectors.sdk.contract import (
    Account,
    Connector,
    FieldInfo,
    Outcome,
    Page,
    RemoteRecord,
    Removal,
    StreamSettings,
    Tools,
    Window,
    Write,
)


class Fake:
    unit: ClassVar[str] = "calls"
    role: ClassVar[Literal["crm", "files", "cem"]] = "crm"
    stream_settings: ClassVar[type[StreamSettings]] = StreamSettings

    @classmethod
    def connect(cls, settings: Any, tools: Tools) -> "Connector":
        raise NotImplementedError

    def account(self) -> Account:
        raise NotImplementedError

    def fields(self, stream: str) -> Sequence[FieldInfo]:
        raise NotImplementedError

    def parts(self, stream: str) -> Sequence[str]:
        raise NotImplementedError

    def pull(self, stream: str, window: Window) -> Iterator[Page]:
        raise NotImplementedError

    def fetch(self, stream: str, keys: Sequence[str]) -> Iterator[Page]:
        raise NotImplementedError

    def keys(self, stream: str) -> Iterator[Sequence[str]]:
        raise NotImplementedError

    def removals(self, stream: str, window: Window) -> Iterator[Sequence[Removal]]:
        raise NotImplementedError

    def find(self, stream: str, write: Write) -> Sequence[RemoteRecord]:
        raise NotImplementedError

    def send(self, stream: str, writes: Sequence[Write]) -> Iterator[Outcome]:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError
