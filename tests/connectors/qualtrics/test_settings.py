"""What an operator may write under a Qualtrics connection, and how it proves itself."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import respx
from pydantic import ValidationError

from connectors.qualtrics.connector import QualtricsConnector
from connectors.qualtrics.settings import (
    AccessTokenAuth,
    ApiTokenAuth,
    ClientCredentialsAuth,
    QualtricsSettings,
    QualtricsStream,
    length,
)
from connectors.sdk.errors import GrantError
from connectors.sdk.fakes import Bench

CLIENT = {"client_id": "c", "client_secret": "s"}
WHO = {"result": {"brandId": "acme", "userId": "UR_1"}, "meta": {"httpStatus": "200 - OK"}}


def connect(bench: Bench | None = None, **written: Any) -> QualtricsConnector:
    settings = {"data_center": "fra1", "auth": {"api_token": "t"}, **written}
    return QualtricsConnector.connect(QualtricsSettings.model_validate(settings), (bench or Bench()).tools())


@pytest.mark.parametrize(
    ("written", "flow"),
    [
        pytest.param({"api_token": "t"}, ApiTokenAuth, id="a-token"),
        pytest.param({"flow": "api_token", "api_token": "t"}, ApiTokenAuth, id="a-token-by-name"),
        pytest.param(CLIENT, ClientCredentialsAuth, id="a-client"),
        pytest.param({**CLIENT, "scopes": ["read:surveys"]}, ClientCredentialsAuth, id="a-client-with-scopes"),
        pytest.param({"access_token": "t"}, AccessTokenAuth, id="a-ready-token"),
    ],
)
def test_the_flow_may_be_left_out_where_its_keys_leave_no_doubt(written: Any, flow: type) -> None:
    settings = QualtricsSettings.model_validate({"auth": written, "data_center": "fra1"})

    assert isinstance(settings.auth, flow)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param({"auth": {"api_token": "t"}}, id="no-data-center"),
        pytest.param({"auth": {"api_token": "t"}, "data_center": "fra1.qualtrics.com"}, id="a-host-is-no-data-center"),
        pytest.param({"auth": {"api_token": "t"}, "data_center": "fra1", "directory": "CG_1"}, id="a-list"),
        pytest.param({"auth": {"api_token": "t", "client_id": "c"}, "data_center": "fra1"}, id="two-flows"),
        pytest.param({"auth": {}, "data_center": "fra1"}, id="no-flow"),
    ],
)
def test_what_cannot_be_meant_is_a_fault(written: Any) -> None:
    with pytest.raises(ValidationError):
        QualtricsSettings.model_validate(written)


def test_how_long_an_index_lags_is_the_operators_word() -> None:
    usual = connect()
    own = connect(streams={"directory_contacts": QualtricsStream.model_validate({"index_lag": "20m"})})

    assert usual.streams["directory_contacts"].hold_back == timedelta(minutes=5)
    assert own.streams["directory_contacts"].hold_back == timedelta(minutes=20)
    assert own.streams["directory_contacts"].visibility_lag == timedelta(minutes=20)
    assert own.streams["responses"] == usual.streams["responses"]


@pytest.mark.parametrize(("told", "meant"), [("90s", 90), ("5m", 300), ("2h", 7200), ("1d", 86400), ("1w", 604800)])
def test_durations_are_written_as_everywhere(told: str, meant: int) -> None:
    assert length(QualtricsStream.model_validate({"quiet": told}).quiet).total_seconds() == meant


@pytest.mark.parametrize("wrong", [{"quiet": "1 day"}, {"quiet": 5}, {"index_lag": "0m"}, {"forms": []}])
def test_a_stream_knows_nothing_else(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        QualtricsStream.model_validate(wrong)


@respx.mock
def test_the_data_center_decides_the_host_and_the_token_has_its_own_header() -> None:
    route = respx.get("https://fra1.qualtrics.com/API/v3/whoami").mock(return_value=httpx.Response(200, json=WHO))

    account = connect().account()

    assert (account.id, account.name, account.identity) == ("acme", "acme", "UR_1")
    assert route.calls.last.request.headers["x-api-token"] == "t"
    assert "authorization" not in route.calls.last.request.headers


@respx.mock
def test_a_client_proves_itself_in_the_header_and_names_its_scopes() -> None:
    answer = httpx.Response(200, json={"access_token": "one", "expires_in": 3600, "scope": "read:surveys"})
    tokens = respx.post("https://fra1.qualtrics.com/oauth2/token").mock(return_value=answer)
    route = respx.get("https://fra1.qualtrics.com/API/v3/whoami").mock(return_value=httpx.Response(200, json=WHO))
    bench = Bench()

    connect(bench, auth={**CLIENT, "scopes": ["read:surveys", "read:users"]}).account()

    asked = tokens.calls.last.request
    assert asked.headers["authorization"].startswith("Basic ")
    assert asked.content == b"grant_type=client_credentials&scope=read%3Asurveys+read%3Ausers"
    assert route.calls.last.request.headers["authorization"] == "Bearer one"
    assert [grant.access_token for grant in bench.tokens.history] == ["one"]


@respx.mock
def test_a_token_that_is_refused_is_for_a_person() -> None:
    error = {"meta": {"httpStatus": "401 - Unauthorized", "error": {"errorCode": "AUTH_6.0", "errorMessage": "x"}}}
    respx.get("https://fra1.qualtrics.com/API/v3/whoami").mock(return_value=httpx.Response(401, json=error))

    with pytest.raises(GrantError) as caught:
        connect().account()

    assert caught.value.code == "CW202"


@respx.mock
def test_a_permission_that_is_missing_is_named() -> None:
    error = {"meta": {"httpStatus": "403 - Forbidden", "error": {"errorCode": "AUTH_3.1", "errorMessage": "x"}}}
    respx.get("https://fra1.qualtrics.com/API/v3/surveys").mock(return_value=httpx.Response(403, json=error))

    with pytest.raises(GrantError) as caught:
        list(connect().keys("surveys"))

    assert caught.value.code == "CW204"
    assert "administrator" in caught.value.hint
