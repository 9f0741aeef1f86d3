import base64
import hashlib
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from sandbox.vendors.salesforce.app import Salesforce
from sandbox.world import World
from tests.sandbox.calls import Caller, Reply
from tests.sandbox.vendors.salesforce.calls import DATA, refusal, session

TOKEN = "/services/oauth2/token"
REDIRECT = "http://127.0.0.1:5555/callback"


@pytest.fixture
def stranger(org: Salesforce) -> Caller:
    return Caller(org, {})


def app_of(org: Salesforce) -> dict[str, str]:
    return {name: org.credentials[name] for name in ("client_id", "client_secret")}


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def assertion(org: Salesforce, now: float, *, key: Any = None, **claims: Any) -> str:
    known = org.credentials
    signer = key or load_pem_private_key(known["private_key"].encode(), None)
    assert isinstance(signer, rsa.RSAPrivateKey)
    head = {"alg": "RS256", "typ": "JWT"}
    said = {
        "iss": known["client_id"], "sub": known["username"], "aud": "https://login.salesforce.com",
        "exp": int(now) + 180, **claims,
    }  # fmt: skip
    text = ".".join(encoded(json.dumps(part).encode()) for part in (head, said))
    return f"{text}.{encoded(signer.sign(text.encode(), PKCS1v15(), SHA256()))}"


def with_assertion(stranger: Caller, text: str) -> Reply:
    return stranger.form(TOKEN, grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer", assertion=text)


def test_client_credentials_open_a_session_and_bring_no_refresh_token(org: Salesforce, stranger: Caller) -> None:
    granted = stranger.form(TOKEN, grant_type="client_credentials", **app_of(org)).json

    assert granted["instance_url"] == "http://vendor.test"
    assert granted["token_type"] == "Bearer"
    assert not granted.keys() & {"refresh_token", "expires_in"}
    held = Caller(org, {"authorization": f"Bearer {granted['access_token']}"})
    assert held("GET", f"{DATA}/sobjects").status == 200
    user = held("GET", "/services/oauth2/userinfo").json
    assert granted["id"].endswith(f"/id/{user['organization_id']}/{user['user_id']}")
    assert held("GET", urlsplit(granted["id"]).path).json["username"] == org.credentials["username"]


def test_the_client_may_show_itself_in_a_basic_header(org: Salesforce, stranger: Caller) -> None:
    pair = ":".join(app_of(org).values()).encode()

    reply = stranger.form(
        TOKEN, {"authorization": f"Basic {base64.b64encode(pair).decode()}"}, grant_type="client_credentials"
    )

    assert reply.status == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", "client_secret": "y"}, "invalid_client"),
        ({"grant_type": "refresh_token", "refresh_token": "nope"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_wrong_request_for_a_token_is_refused(
    org: Salesforce, stranger: Caller, form: dict[str, str], error: str
) -> None:
    reply = stranger.form(TOKEN, **{**app_of(org), **form})

    assert reply.status == 400
    assert reply.json["error"] == error
    assert reply.json["error_description"]


def test_a_signed_assertion_opens_a_session(org: Salesforce, stranger: Caller) -> None:
    reply = with_assertion(stranger, assertion(org, stranger.now.timestamp()))

    assert reply.status == 200, reply.body
    assert "refresh_token" not in reply.json


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"aud": "https://else.test"}, "invalid_grant"),
        ({"sub": "nobody@nordlicht.test"}, "invalid_grant"),
        ({"iss": "x"}, "invalid_client_id"),
        ({"exp": 1}, "invalid_grant"),
        ({"exp": 99999999999}, "invalid_grant"),
    ],
)
def test_an_assertion_that_claims_wrongly_is_refused(
    org: Salesforce, stranger: Caller, claims: dict[str, Any], error: str
) -> None:
    reply = with_assertion(stranger, assertion(org, stranger.now.timestamp(), **claims))

    assert (reply.status, reply.json["error"]) == (400, error)


def test_an_assertion_signed_by_another_key_is_refused(org: Salesforce, stranger: Caller) -> None:
    other = rsa.generate_private_key(65537, 2048)

    reply = with_assertion(stranger, assertion(org, stranger.now.timestamp(), key=other))

    assert (reply.status, reply.json["error_description"]) == (400, "invalid assertion")
    assert with_assertion(stranger, "no.jwt.atall").status == 400


def test_a_refresh_brings_another_refresh_token_and_the_old_one_is_dead(org: Salesforce, stranger: Caller) -> None:
    def refreshed(token: str) -> Reply:
        return stranger.form(TOKEN, grant_type="refresh_token", refresh_token=token, **app_of(org))

    first = org.credentials["refresh_token"]
    second = refreshed(first).json["refresh_token"]

    assert second != first
    assert refreshed(first).json == {"error": "invalid_grant", "error_description": "expired access/refresh token"}
    assert refreshed(second).status == 200


def test_without_rotation_the_refresh_token_stays(world: World) -> None:
    org = Salesforce(world, rotates=False)
    stranger = Caller(org, {})
    token = org.credentials["refresh_token"]

    for _ in range(2):
        granted = stranger.form(TOKEN, grant_type="refresh_token", refresh_token=token, **app_of(org))
        assert granted.status == 200
        assert "refresh_token" not in granted.json


def consented(stranger: Caller, org: Salesforce, **more: str) -> dict[str, str]:
    asked: dict[str, Any] = {
        "response_type": "code", "client_id": org.credentials["client_id"], "redirect_uri": REDIRECT, "state": "s t",
        **more,
    }  # fmt: skip
    reply = stranger("GET", "/services/oauth2/authorize", **asked)
    assert reply.status == 302, reply.body
    assert reply.headers["location"].startswith(REDIRECT)
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["location"]).query).items()}


def test_a_browser_is_sent_back_with_a_code_that_is_good_once(org: Salesforce, stranger: Caller) -> None:
    verifier = "v" * 43
    challenge = encoded(hashlib.sha256(verifier.encode()).digest())
    back = consented(stranger, org, code_challenge=challenge, code_challenge_method="S256")

    def exchanged(**more: str) -> Reply:
        return stranger.form(
            TOKEN, grant_type="authorization_code", code=back["code"], redirect_uri=REDIRECT,
            client_id=org.credentials["client_id"], **more,
        )  # fmt: skip

    granted = exchanged(code_verifier=verifier)

    assert back["state"] == "s t"
    assert granted.status == 200, granted.body
    assert granted.json["refresh_token"] == org.credentials["refresh_token"]
    assert exchanged(code_verifier=verifier).json["error"] == "invalid_grant"


def test_a_code_is_worth_nothing_with_another_verifier_redirect_or_too_late(org: Salesforce, stranger: Caller) -> None:
    def exchanged(*, redirect: str = REDIRECT, late: float = 0, **more: str) -> str:
        back = consented(stranger, org, code_challenge="c" * 43)
        stranger.later(minutes=late)
        form = {"code": back["code"], "redirect_uri": redirect, **app_of(org), **more}
        return str(stranger.form(TOKEN, grant_type="authorization_code", **form).json["error"])

    assert exchanged(code_verifier="w" * 43) == "invalid_grant"
    assert exchanged() == "invalid_grant"
    assert exchanged(redirect="http://localhost:1/") == "invalid_grant"
    assert exchanged(late=6) == "invalid_grant"


def test_a_code_without_a_verifier_wants_the_secret(org: Salesforce, stranger: Caller) -> None:
    def exchanged(**client: str) -> Reply:
        code = consented(stranger, org)["code"]
        return stranger.form(TOKEN, grant_type="authorization_code", code=code, redirect_uri=REDIRECT, **client)

    assert exchanged(client_id=org.credentials["client_id"]).json["error"] == "invalid_client"
    assert exchanged(client_id="x").json["error"] == "invalid_client_id"
    assert exchanged(**app_of(org)).status == 200


def test_an_app_that_is_thrown_out_has_nothing_left(org: Salesforce, stranger: Caller, salesforce: Caller) -> None:
    token = org.credentials["refresh_token"]

    org.revoke_grant()

    assert salesforce("GET", f"{DATA}/limits").status == 401
    granted = stranger.form(TOKEN, grant_type="refresh_token", refresh_token=token, **app_of(org))
    assert granted.json["error"] == "invalid_grant"


def test_consent_is_not_sent_to_just_any_place(org: Salesforce, stranger: Caller) -> None:
    asked: dict[str, Any] = {"response_type": "code", "client_id": org.credentials["client_id"]}

    assert stranger("GET", "/services/oauth2/authorize", **asked, redirect_uri="http://else.test/").status == 400
    assert (
        stranger("GET", "/services/oauth2/authorize", **{**asked, "client_id": "x"}, redirect_uri=REDIRECT).status
        == 400
    )


def test_a_session_dies_of_two_idle_hours_and_not_of_two_busy_ones(salesforce: Caller) -> None:
    for _ in range(4):
        salesforce.later(minutes=50)
        assert salesforce("GET", f"{DATA}/limits").status == 200
    salesforce.later(hours=2)

    assert refusal(salesforce("GET", f"{DATA}/limits")) == (401, "INVALID_SESSION_ID")


def test_a_revoked_session_is_refused_and_a_revoked_refresh_token_ends_all(org: Salesforce, stranger: Caller) -> None:
    first, second = session(org), session(org)
    token = first.headers["authorization"].removeprefix("Bearer ")

    assert stranger.form("/services/oauth2/revoke", token=token).status == 200
    assert first("GET", f"{DATA}/limits").status == 401
    assert second("GET", f"{DATA}/limits").status == 200
    stranger.form("/services/oauth2/revoke", token=org.credentials["refresh_token"])
    assert second("GET", f"{DATA}/limits").status == 401


def test_introspection_tells_whether_a_session_lives(org: Salesforce, stranger: Caller) -> None:
    token = session(org).headers["authorization"].removeprefix("Bearer ")

    told = stranger.form("/services/oauth2/introspect", token=token, **app_of(org)).json

    assert (told["active"], told["username"]) == (True, org.credentials["username"])
    stranger.later(hours=3)
    assert stranger.form("/services/oauth2/introspect", token=token, **app_of(org)).json == {"active": False}


def test_who_brings_no_session_may_only_see_the_versions(stranger: Caller) -> None:
    assert refusal(stranger("GET", f"{DATA}/sobjects")) == (401, "INVALID_SESSION_ID")
    told = stranger("GET", "/services/data").json
    assert told[-1] == {"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"}
    assert [row["label"] for row in told if row["version"] in ("66.0", "67.0")] == ["Spring '26", "Summer '26"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/services/data/v20.0/sobjects", 410), ("/services/data/v99.0/sobjects", 404), ("/services/nothing", 404)],
)
def test_versions_that_are_gone_or_not_yet_there_are_refused(salesforce: Caller, path: str, status: int) -> None:
    assert salesforce("GET", path).status == status


def test_every_call_tells_how_many_were_made_and_the_limit_refuses(world: World) -> None:
    org = Salesforce(world, daily_calls=3)
    caller = session(org)

    usage = [caller("GET", f"{DATA}/limits").headers["sforce-limit-info"] for _ in range(3)]

    assert usage == ["api-usage=1/3", "api-usage=2/3", "api-usage=3/3"]
    refused = caller("GET", f"{DATA}/limits")
    assert refusal(refused) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert "retry-after" not in refused.headers
    caller.later(hours=24, minutes=1)
    caller = session(org, caller.now)
    assert caller("GET", f"{DATA}/limits").json["DailyApiRequests"] == {"Max": 3, "Remaining": 2}


def test_equal_worlds_have_equal_secrets_and_records(world: World) -> None:
    first, second = Salesforce(world), Salesforce(world)

    soql = "SELECT FIELDS(ALL) FROM Contact ORDER BY Id LIMIT 200"
    pages = [session(org)("GET", f"{DATA}/query", q=soql).body for org in (first, second)]

    assert first.credentials == second.credentials
    assert pages[0] == pages[1]
