"""What an operator writes under a Qualtrics connection."""

from datetime import timedelta
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import Field, SecretStr

from connectors.sdk import AuthFlow, Settings, StreamSettings, flow_by_keys


class ApiTokenAuth(AuthFlow):
    """The token of one user, with all of that user's permissions. It does not run out."""

    flow: Literal["api_token"] = "api_token"
    api_token: SecretStr


class ClientCredentialsAuth(AuthFlow):
    """A client of the brand. `scopes`: what it asks for; left out, all that this connector uses."""

    flow: Literal["client_credentials"] = "client_credentials"
    client_id: str
    client_secret: SecretStr
    scopes: Annotated[tuple[str, ...], Field(min_length=1)] = (
        "read:users",
        "read:surveys",
        "read:survey_responses",
        "read:directories",
        "manage:directory_contacts",
        "read:distributions",
    )


class AccessTokenAuth(AuthFlow):
    """A ready access token, good for an hour: for trials."""

    flow: Literal["access_token"] = "access_token"
    access_token: SecretStr


Auth: TypeAlias = Annotated[
    Annotated[ApiTokenAuth | ClientCredentialsAuth | AccessTokenAuth, Field(discriminator="flow")],
    flow_by_keys(ApiTokenAuth, ClientCredentialsAuth, AccessTokenAuth),
]


class QualtricsSettings(Settings):
    """`data_center` and `directory` stand at Qualtrics under Account Settings, Qualtrics IDs. Without `directory` it is
    the brand's default one."""

    auth: Auth
    data_center: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", examples=["fra1"])]
    directory: Annotated[str | None, Field(pattern=r"^POOL_\w+$")] = None


# As everywhere in the file: a whole number and a unit.
Duration: TypeAlias = Annotated[str, Field(pattern=r"^[1-9][0-9]*[smhdw]$")]
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class QualtricsStream(StreamSettings):
    """`quiet`: so long a survey whose numbers of responses stand still is not exported; edits that keep the numbers are
    seen behind that. `index_lag`: until the index of the directory shows a change.
    """

    quiet: Duration = "1d"
    index_lag: Duration = "5m"


def length(told: Duration) -> timedelta:
    return timedelta(**{_UNITS[told[-1]]: int(told[:-1])})
