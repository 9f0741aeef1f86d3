"""What an operator writes under a Salesforce connection."""

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, SecretStr, model_validator

from connectors.sdk import (
    AuthFlow,
    AuthorizationCodeAuth,
    RefreshTokenAuth,
    Settings,
    StreamSettings,
    flow_by_keys,
)


class ClientCredentialsAuth(AuthFlow):
    """An app that runs as one user: for a daemon the simplest, and nothing to renew."""

    flow: Literal["client_credentials"] = "client_credentials"
    client_id: str
    client_secret: SecretStr


class JwtAuth(AuthFlow):
    """An app with a certificate, which signs for a user. `audience` only where it is another than the login host."""

    flow: Literal["jwt"] = "jwt"
    client_id: str
    username: str
    private_key: SecretStr
    audience: str | None = None


class AccessTokenAuth(AuthFlow):
    """A ready access token, good for some hours: for trials."""

    flow: Literal["access_token"] = "access_token"
    access_token: SecretStr


# Client credentials and a grant given in a browser have the same keys: there the flow is to be named.
Auth: TypeAlias = Annotated[
    Annotated[
        ClientCredentialsAuth | JwtAuth | AuthorizationCodeAuth | RefreshTokenAuth | AccessTokenAuth,
        Field(discriminator="flow"),
    ],
    flow_by_keys(ClientCredentialsAuth, JwtAuth, AuthorizationCodeAuth, RefreshTokenAuth, AccessTokenAuth),
]


class SalesforceSettings(Settings):
    """`account` is the org's My Domain name: nordlicht of nordlicht.my.salesforce.com, nordlicht--uat of a sandbox.

    `bulk_from`: a window with more records than this is read by Bulk API 2.0. `duplicates`: what becomes of a create
    that a duplicate rule warns of. `assignment_rules`: whether writes may start them. `calculated_every_hours`: how
    often streams with formulas are read whole, since a formula's change leaves no trace. `currency`: of amounts, where
    the org has only one and so tells none.
    """

    account: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")] | None = None
    auth: Auth
    api_version: Annotated[str, Field(pattern=r"^\d{2,3}\.0$")] = "66.0"
    bulk_from: Annotated[int, Field(ge=0)] = 10_000
    duplicates: Literal["refuse", "save"] = "refuse"
    assignment_rules: bool = False
    calculated_every_hours: Annotated[int, Field(ge=1)] = 24
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if self.account is None and self.base_url is None:
            raise ValueError("expected account: NAME, as in NAME.my.salesforce.com")
        return self

    @property
    def host(self) -> str:
        """The org's own address; that of a sandbox has its name behind two hyphens."""
        if self.base_url is not None:
            return self.base_url.rstrip("/")
        return f"https://{self.account}{'.sandbox' if self.is_sandbox else ''}.my.salesforce.com"

    @property
    def is_sandbox(self) -> bool:
        return "--" in (self.account or "")


class SalesforceStream(StreamSettings):
    """`leave_out`: fields (by API name) that are never asked for: those that are large, or nobody's business."""

    leave_out: Annotated[tuple[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")], ...], Field()] = ()
