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
    """`account` may be left out where `base_url` says where the org is. `api_version` is that of the REST API."""

    account: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$",
            examples=["nordlicht"],
            description="Of nordlicht.my.salesforce.com, the My Domain name; of a sandbox nordlicht--uat.",
        ),
    ] = None
    auth: Auth
    api_version: Annotated[
        int, Field(ge=31, le=999, description="Version of the REST API. Three a year; each lives for years.")
    ] = 66
    bulk_from: Annotated[
        int, Field(ge=0, description="More changed records than this are read by a job of Bulk API 2.0.")
    ] = 10_000
    duplicates: Annotated[
        Literal["refuse", "save"],
        Field(description="What becomes of a record that a duplicate rule warns of: refuse or save."),
    ] = "refuse"
    assignment_rules: Annotated[bool, Field(description="Whether writes may start assignment rules.")] = False
    calculated_every_hours: Annotated[
        int,
        Field(ge=1, description="How often streams with formulas are read whole: a formula's change leaves no trace."),
    ] = 24
    currency: Annotated[
        str | None,
        Field(pattern=r"^[A-Z]{3}$", description="Of amounts, where the org has only one currency and so names none."),
    ] = None

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
