"""Calling the simulated Salesforce: a session, and what tests ask again and again."""

from datetime import datetime
from typing import Any

from sandbox.vendors.salesforce.app import Salesforce
from tests.sandbox.calls import NOW, Caller

DATA = "/services/data/v66.0"


def session(org: Salesforce, now: datetime = NOW) -> Caller:
    """A caller that has shown itself by client credentials."""
    stranger = Caller(org, {}, now=now)
    known = org.credentials
    granted = stranger.form(
        "/services/oauth2/token", grant_type="client_credentials", client_id=known["client_id"],
        client_secret=known["client_secret"],
    )  # fmt: skip
    return Caller(org, {"authorization": f"Bearer {granted.json['access_token']}"}, now=now)


def rows(caller: Caller, soql: str, *, deleted: bool = False) -> list[Any]:
    """Every record of a query, page by page."""
    reply = caller("GET", f"{DATA}/{'queryAll' if deleted else 'query'}", q=soql)
    assert reply.status == 200, reply.body
    found: list[Any] = reply.json["records"]
    while not reply.json["done"]:
        reply = caller("GET", reply.json["nextRecordsUrl"])
        found += reply.json["records"]
    return found


def one(caller: Caller, soql: str, *, deleted: bool = False) -> Any:
    found = rows(caller, soql, deleted=deleted)
    assert len(found) == 1, found
    return found[0]


def refusal(reply: Any) -> tuple[int, str]:
    """(status, code) of the first error."""
    return reply.status, reply.json[0]["errorCode"]
