"""What an operator writes under a Zoho CRM connection."""

from typing import Annotated, Final, Literal, NamedTuple, TypeAlias

from pydantic import Field, SecretStr

from connectors.sdk import (
    AuthFlow,
    AuthorizationCodeAuth,
    RefreshTokenAuth,
    Settings,
    StreamSettings,
    flow_by_keys,
)


class Hosts(NamedTuple):
    """Where a data center gives out tokens, and where it serves the API to whoever was not told otherwise."""

    accounts: str
    api: str


DataCenter: TypeAlias = Literal["us", "eu", "in", "au", "jp", "cn", "ca", "sa", "uk", "ae"]

HOSTS: Final[dict[DataCenter, Hosts]] = {
    "us": Hosts("https://accounts.zoho.com", "https://www.zohoapis.com"),
    "eu": Hosts("https://accounts.zoho.eu", "https://www.zohoapis.eu"),
    "in": Hosts("https://accounts.zoho.in", "https://www.zohoapis.in"),
    "au": Hosts("https://accounts.zoho.com.au", "https://www.zohoapis.com.au"),
    "jp": Hosts("https://accounts.zoho.jp", "https://www.zohoapis.jp"),
    "cn": Hosts("https://accounts.zoho.com.cn", "https://www.zohoapis.com.cn"),
    "ca": Hosts("https://accounts.zohocloud.ca", "https://www.zohoapis.ca"),
    "sa": Hosts("https://accounts.zoho.sa", "https://www.zohoapis.sa"),
    "uk": Hosts("https://accounts.zoho.uk", "https://www.zohoapis.uk"),
    "ae": Hosts("https://accounts.zoho.ae", "https://www.zohoapis.ae"),
}

Automation: TypeAlias = Literal["workflow", "approval", "blueprint", "pathfinder", "orchestration"]


class AccessTokenAuth(AuthFlow):
    """A ready access token, good for an hour: for trials."""

    flow: Literal["access_token"] = "access_token"
    access_token: SecretStr


Auth: TypeAlias = Annotated[
    Annotated[AuthorizationCodeAuth | RefreshTokenAuth | AccessTokenAuth, Field(discriminator="flow")],
    flow_by_keys(AuthorizationCodeAuth, RefreshTokenAuth, AccessTokenAuth),
]


class ZohoSettings(Settings):
    """`data_center`: where the organization lives; tokens of one are refused by every other.

    `trigger`: what of the organization's own automation runs on what the hub writes; left out, none of it.
    `concurrent_calls`: how many calls are under way at once; what the edition allows is in the README.
    `conditional_updates`: an update says since when the record must not have been edited (README, Writing).
    """

    auth: Auth
    data_center: DataCenter
    trigger: tuple[Automation, ...] = ()
    concurrent_calls: Annotated[int, Field(ge=1, le=25)] = 5
    conditional_updates: bool = True


class ZohoStream(StreamSettings):
    """`leave_out`: fields that are not asked for, by API name. Each 50 fields cost further calls (README, Fields)."""

    leave_out: tuple[Annotated[str, Field(pattern=r"^\w+$")], ...] = ()
