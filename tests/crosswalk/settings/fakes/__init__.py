"""Connectors that exist only here: their declarations are those of real vendors, what they do is nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, SecretStr

from connectors.sdk.contract import (
    Account,
    Connector,
    FieldInfo,
    Operation,
    Outcome,
    Page,
    RemoteRecord,
    Removal,
    Settings,
    StreamSettings,
    StreamSpec,
    Tools,
    Window,
    Write,
)
from connectors.sdk.registry import Registry


class Model(BaseModel):
    model_config = {"extra": "forbid", "hide_input_in_errors": True, "frozen": True}


class ClientCredentials(Model):
    flow: Literal["client_credentials"]
    client_id: SecretStr
    client_secret: SecretStr


class RefreshToken(Model):
    flow: Literal["refresh_token"]
    client_id: SecretStr
    client_secret: SecretStr
    refresh_token: SecretStr


class ApiToken(Model):
    flow: Literal["api_token"] = "api_token"
    api_token: SecretStr


class Token(Model):
    token: SecretStr


class SalesforceSettings(Settings):
    account: str = Field(description="the part before .my.salesforce.com")
    auth: Annotated[ClientCredentials | RefreshToken, Field(discriminator="flow")]
    page_size: int = 2000


class ZohoSettings(Settings):
    data_center: Literal["eu", "com", "in"]
    auth: RefreshToken


class PipedriveSettings(Settings):
    auth: ApiToken


class QualtricsSettings(Settings):
    data_center: str
    directory: str
    auth: ApiToken


class TypeformSettings(Settings):
    auth: Token


class FilesSettings(Settings):
    path: Path = Field(description="the folder, beside the configuration file")


class FilesStream(StreamSettings):
    files: str
    entity: str
    key: str
    delimiter: str | None = None
    encoding: str | None = None


WRITABLE: frozenset[Operation] = frozenset({"create", "update", "archive"})


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


class Salesforce(Fake):
    name: ClassVar[str] = "salesforce"
    label: ClassVar[str] = "Salesforce"
    settings: ClassVar[type[Settings]] = SalesforceSettings
    streams: ClassVar[Mapping[str, StreamSpec]] = {
        "users": StreamSpec(),
        "contacts": StreamSpec(writes=WRITABLE),
        "accounts": StreamSpec(writes=WRITABLE),
    }


class Zoho(Fake):
    name: ClassVar[str] = "zoho"
    label: ClassVar[str] = "Zoho"
    settings: ClassVar[type[Settings]] = ZohoSettings
    streams: ClassVar[Mapping[str, StreamSpec]] = {
        "accounts": StreamSpec(writes=WRITABLE),
        "contacts": StreamSpec(writes=WRITABLE),
    }


class Pipedrive(Fake):
    name: ClassVar[str] = "pipedrive"
    label: ClassVar[str] = "Pipedrive"
    unit: ClassVar[str] = "tokens"
    settings: ClassVar[type[Settings]] = PipedriveSettings
    streams: ClassVar[Mapping[str, StreamSpec]] = {
        "organizations": StreamSpec(writes=WRITABLE),
        "persons": StreamSpec(writes=WRITABLE),
        "users": StreamSpec(usual=False),
    }


class Qualtrics(Fake):
    name: ClassVar[str] = "qualtrics"
    label: ClassVar[str] = "Qualtrics"
    role: ClassVar[Literal["crm", "files", "cem"]] = "cem"
    settings: ClassVar[type[Settings]] = QualtricsSettings
    streams: ClassVar[Mapping[str, StreamSpec]] = {
        "responses": StreamSpec(parts=True),
        "directory_contacts": StreamSpec(usual=False, writes=WRITABLE),
    }


class Typeform(Fake):
    name: ClassVar[str] = "typeform"
    label: ClassVar[str] = "Typeform"
    role: ClassVar[Literal["crm", "files", "cem"]] = "cem"
    settings: ClassVar[type[Settings]] = TypeformSettings
    streams: ClassVar[Mapping[str, StreamSpec]] = {"responses": StreamSpec(parts=True)}


class Files(Fake):
    name: ClassVar[str] = "files"
    label: ClassVar[str] = "files"
    role: ClassVar[Literal["crm", "files", "cem"]] = "files"
    settings: ClassVar[type[Settings]] = FilesSettings
    stream_settings: ClassVar[type[StreamSettings]] = FilesStream

    @property
    def streams(self) -> Mapping[str, StreamSpec]:
        raise NotImplementedError


ALL: tuple[type[Connector], ...] = (Salesforce, Zoho, Pipedrive, Qualtrics, Typeform, Files)


def registry(only: Iterable[type[Connector]] = ALL) -> Registry:
    return Registry(connectors={one.name: one for one in only})
