"""Getting into a simulated Zoho account."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sandbox.vendors.zoho.app import Zoho
from tests.sandbox.calls import NOW, Caller


def refreshing(credentials: Mapping[str, str]) -> dict[str, Any]:
    """What a client sends for an access token."""
    known = ("client_id", "client_secret", "refresh_token")
    return {"grant_type": "refresh_token", **{name: credentials[name] for name in known}}


def signed_in(crm: Zoho, *, now: datetime = NOW) -> Caller:
    """A client with an access token."""
    client = Caller(crm, {}, now=now)
    token = client.form("/oauth/v2/token", None, **refreshing(crm.credentials)).json["access_token"]
    client.headers = {"authorization": f"Zoho-oauthtoken {token}"}
    return client
