"""The public address for authors of connectors. What stands in `__all__` is kept; the modules behind it may move.

The contract suite is at `connectors.sdk.suite`, the hub's side in memory at `connectors.sdk.fakes`: both are for tests.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from connectors.sdk.auth import (
    ApiToken,
    AuthorizationCode,
    AuthorizationRequest,
    AuthorizedInBrowser,
    Authorizer,
    Bearer,
    ClientCredentials,
    JwtBearer,
    RefreshToken,
    Signature,
)
from connectors.sdk.budget import Burst, Lane, Limits
from connectors.sdk.contract import (
    Account,
    BudgetStore,
    Connector,
    Costs,
    FieldInfo,
    FieldType,
    Grant,
    Json,
    Operation,
    Outcome,
    Page,
    Position,
    RawRecord,
    Record,
    RemoteRecord,
    Removal,
    RowFault,
    Settings,
    StreamSettings,
    StreamSpec,
    TokenStore,
    Tools,
    Values,
    Window,
    Write,
    is_key,
)
from connectors.sdk.csvio import export_csv
from connectors.sdk.errors import (
    ConnectorError,
    GoneError,
    GrantError,
    LaterError,
    RecordError,
    SetupError,
    ShapeError,
    UnknownOutcomeError,
)
from connectors.sdk.flows import AuthFlow, AuthorizationCodeAuth, RefreshTokenAuth, flow_by_keys
from connectors.sdk.jobs import Patience, Progress, await_job
from connectors.sdk.paging import by_cursor, by_keyset, by_offset, halved, prefetched
from connectors.sdk.status import Rule, StatusTable
from connectors.sdk.tokens import TokenKeeper

if TYPE_CHECKING:
    from connectors.sdk.retry import RetryPolicy
    from connectors.sdk.transport import Answer, Transport

__all__ = [
    "Account",
    "Answer",
    "ApiToken",
    "AuthFlow",
    "AuthorizationCode",
    "AuthorizationCodeAuth",
    "AuthorizationRequest",
    "AuthorizedInBrowser",
    "Authorizer",
    "Bearer",
    "BudgetStore",
    "Burst",
    "ClientCredentials",
    "Connector",
    "ConnectorError",
    "Costs",
    "FieldInfo",
    "FieldType",
    "GoneError",
    "Grant",
    "GrantError",
    "Json",
    "JwtBearer",
    "Lane",
    "LaterError",
    "Limits",
    "Operation",
    "Outcome",
    "Page",
    "Patience",
    "Position",
    "Progress",
    "RawRecord",
    "Record",
    "RecordError",
    "RefreshToken",
    "RefreshTokenAuth",
    "RemoteRecord",
    "Removal",
    "RetryPolicy",
    "RowFault",
    "Rule",
    "Settings",
    "SetupError",
    "ShapeError",
    "Signature",
    "StatusTable",
    "StreamSettings",
    "StreamSpec",
    "TokenKeeper",
    "TokenStore",
    "Tools",
    "Transport",
    "UnknownOutcomeError",
    "Values",
    "Window",
    "Write",
    "await_job",
    "by_cursor",
    "by_keyset",
    "by_offset",
    "export_csv",
    "flow_by_keys",
    "halved",
    "is_key",
    "prefetched",
]

# Imported when first asked for: a hub that only looks at its store, or reads folders, does without httpx and tenacity.
_LATER: Final = {"RetryPolicy": "retry", "Answer": "transport", "Transport": "transport"}

if not TYPE_CHECKING:  # a type checker would believe that any name is here

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        found = globals()[name] = getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
        return found
