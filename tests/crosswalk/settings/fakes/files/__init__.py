"""A connector whose streams are the operator's: each account has its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from connectors.sdk.contract import Settings, StreamSettings, StreamSpec
from tests.crosswalk.settings.fakes.base import Fake


class FilesSettings(Settings):
    path: Path = Field(description="the folder, beside the configuration file")


class FilesStream(StreamSettings):
    files: str
    entity: str
    key: str
    delimiter: str | None = None
    encoding: str | None = None


class Files(Fake):
    name: ClassVar[str] = "files"
    label: ClassVar[str] = "Files"
    role: ClassVar[Literal["crm", "files", "cem"]] = "files"
    settings: ClassVar[type[Settings]] = FilesSettings
    stream_settings: ClassVar[type[StreamSettings]] = FilesStream

    @property
    def streams(self) -> Mapping[str, StreamSpec]:
        raise NotImplementedError
