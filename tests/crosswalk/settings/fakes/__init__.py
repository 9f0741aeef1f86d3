"""Connectors that exist only here: their declarations are those of real vendors, what they do is nothing."""

from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, Field, SecretStr

from connectors.sdk.contract import (
    Connector,
    Operation,
    Settings,
    StreamSpec,
)
from connectors.sdk.registry import Registry
from tests.crosswalk.settings.fakes.base import Fake
from tests.crosswalk.settings.fakes.files import Files


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


WRITABLE: frozenset[Operation] = frozenset({"create", "update", "archive"})


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


ALL: tuple[type[Connector], ...] = (Salesforce, Zoho, Pipedrive, Qualtrics, Typeform, Files)


def registry(only: Iterable[type[Connector]] = ALL) -> Registry:
    return Registry(connectors={one.name: one for one in only})
