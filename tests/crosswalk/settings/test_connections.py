"""What a connector's own models refuse is told at its place, in our words; secrets stay hidden."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crosswalk.problems import Problem
from crosswalk.settings.load import load
from crosswalk.settings.model import HubSettings
from tests.crosswalk.settings.fakes import Pipedrive, registry

Check = Callable[[str], list[Problem]]
ENVIRONMENT = {"A": "the-a", "B": "the-b", "N": "12", "EMPTY": ""}

SALESFORCE = """\
version: 1
connections:
  salesforce:
    account: nordlicht
    auth:
      flow: client_credentials
      client_id: env:A
      client_secret: env:B
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "crosswalk.yaml"


@pytest.fixture
def check(file: Path) -> Check:
    def read(text: str) -> list[Problem]:
        file.write_text(text, encoding="utf-8")
        return load(file, environment=ENVIRONMENT, registry=registry()).problems

    return read


def hub_of(file: Path, text: str) -> HubSettings:
    file.write_text(text, encoding="utf-8")
    loaded = load(file, environment=ENVIRONMENT, registry=registry())
    assert loaded.hub is not None, loaded.problems
    return loaded.hub


def only(problems: list[Problem]) -> tuple[str, str, str, int | None, int | None]:
    assert len(problems) == 1, problems
    one = problems[0]
    return one.code, one.text, one.hint, one.line, one.column


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        pytest.param(
            "flow: client_credentials", "flow: client_credential",
            ("CW102", "flow is 'client_credential'",
             "did you mean 'client_credentials'?  one of: client_credentials, refresh_token", 6, 13),
            id="flow-lists-the-flows",
        ),
        pytest.param(
            "      flow: client_credentials\n", "",
            ("CW102", "flow is missing in auth", "one of: client_credentials, refresh_token", 5, 5),
            id="flow-missing",
        ),
        pytest.param(
            "      client_secret: env:B\n", "",
            ("CW102", "client_secret is missing in auth",
             "the keys of client_credentials: flow, client_id, client_secret", 5, 5),
            id="a-flow-lists-its-keys",
        ),
        pytest.param(
            "client_secret:", "client_sekret:", None, id="two-for-one",
        ),
        pytest.param(
            "    account: nordlicht\n", "",
            ("CW102", "account is missing in salesforce", "the part before .my.salesforce.com", 3, 3),
            id="a-missing-key-says-what-it-is",
        ),
        pytest.param(
            "account: nordlicht", "account: nordlicht\n    page_size: many",
            ("CW102", "page_size is 'many'", "a whole number, such as 100", 5, 16),
            id="numbers",
        ),
        pytest.param(
            "account: nordlicht", "account: nordlicht\n    insecure: often",
            ("CW102", "insecure is 'often'", "true or false", 5, 15),
            id="switches",
        ),
        pytest.param(
            "account: nordlicht", "account: [nordlicht]",
            ("CW102", "account is a list", "text", 4, 5),
            id="a-list-for-a-text",
        ),
        pytest.param(
            "account: nordlicht", "acount: nordlicht", None, id="a-misspelt-key-is-one-fault",
        ),
    ],
)  # fmt: skip
def test_a_connectors_own_keys_are_judged_like_ours(
    check: Check, right: str, wrong: str, expected: tuple[str, str, str, int, int] | None
) -> None:
    problems = check(SALESFORCE.replace(right, wrong))

    if expected is None:
        assert [one.code for one in problems] == ["CW101"]
        assert "did you mean" in problems[0].hint
    else:
        assert only(problems) == expected


def test_text_in_the_place_of_credentials_is_not_repeated(check: Check) -> None:
    problems = check(SALESFORCE.partition("    auth")[0] + "    auth: hunter2\n")

    assert only(problems)[:3] == ("CW102", "auth is •••", "keys with values, such as name: value")


@pytest.mark.parametrize("written", ["hunter2", "'hunter2'", '"hunter2"', "12345678"])
def test_a_secret_in_the_file_is_told_and_hidden(check: Check, written: str) -> None:
    problems = check(SALESFORCE.replace("env:B", written))

    assert only(problems)[:2] == ("CW103", "a secret stands in the file")
    assert written.strip("'\"") not in repr(problems)


def test_references_are_fetched_and_never_shown(file: Path) -> None:
    hub = hub_of(file, SALESFORCE)

    auth = hub.connections["salesforce"].settings.auth  # type: ignore[attr-defined] # of the fake's own settings
    assert auth.client_secret.get_secret_value() == "the-b"
    assert "the-b" not in repr(hub)


def test_every_setting_of_a_connection_may_be_a_reference(file: Path) -> None:
    text = SALESFORCE.replace(
        "account: nordlicht", "account: env:A\n    page_size: env:N\n    budget: {per_day: env:N}"
    )

    hub = hub_of(file, text)

    assert hub.connections["salesforce"].settings.page_size == 12  # type: ignore[attr-defined] # of the fake's own
    assert hub.connections["salesforce"].budget.per_day == 12


def test_a_wrong_value_behind_a_reference_is_told_by_its_name(check: Check) -> None:
    problems = check(SALESFORCE.replace("account: nordlicht", "account: x\n    page_size: env:A"))

    assert only(problems) == ("CW102", "page_size is 'env:A'", "a whole number, such as 100", 5, 16)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("env:MISSING", "MISSING is not set"),
        ("env:EMPTY", "EMPTY is empty"),
        ("file:missing", "missing cannot be read: no such file or directory"),
        ("file:void", "void is empty"),
        ("'env:'", "env: names no variable"),
        ("'file:'", "'file:' names no file"),
    ],
)
def test_a_reference_to_nothing_is_one_fault(check: Check, file: Path, written: str, text: str) -> None:
    (file.parent / "void").write_text("\n")

    assert only(check(SALESFORCE.replace("env:B", written)))[:2] == ("CW103", text)


def test_files_lose_their_last_line_break_and_nothing_else(file: Path) -> None:
    (file.parent / "secret").write_bytes(b" a\nb \r\n")

    hub = hub_of(file, SALESFORCE.replace("env:B", "file:secret"))

    auth = hub.connections["salesforce"].settings.auth  # type: ignore[attr-defined] # of the fake's own settings
    assert auth.client_secret.get_secret_value() == " a\nb "


def test_an_env_file_fills_what_the_environment_lacks(file: Path) -> None:
    (file.parent / ".env").write_text(
        "# tokens\nexport C='with # inside' # and a comment\nA=other\nD = plain # comment\nnonsense\n"
    )

    hub = hub_of(file, SALESFORCE.replace("env:B", "env:C").replace("nordlicht", "env:D"))

    settings = hub.connections["salesforce"].settings
    assert settings.auth.client_secret.get_secret_value() == "with # inside"  # type: ignore[attr-defined] # as above
    assert settings.auth.client_id.get_secret_value() == "the-a"  # type: ignore[attr-defined] # as above
    assert settings.account == "plain"  # type: ignore[attr-defined] # as above


@pytest.mark.parametrize(
    ("held", "why"), [(None, "is a directory"), (b"X=\xff", "it is not UTF-8")], ids=["no-file", "no-text"]
)
def test_an_env_file_that_cannot_be_read_is_named(check: Check, file: Path, held: bytes | None, why: str) -> None:
    beside = file.parent / ".env"
    if held is None:
        beside.mkdir()
    else:
        beside.write_bytes(held)

    told = only(check(SALESFORCE.replace("env:B", "env:X")))

    text = f"X is not set, and .env beside the file cannot be read: {why}"
    assert told[:3] == ("CW103", text, "correct .env, or who may read it")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://crm.example.com", "base_url is 'http://crm.example.com': tokens would travel unencrypted"),
        ("crm.example.com", "base_url is 'crm.example.com'"),
        ("ftp://crm.example.com", "base_url is 'ftp://crm.example.com'"),
    ],
)
def test_an_address_is_https_or_at_home(check: Check, url: str, text: str) -> None:
    code, said, _, line, column = only(check(SALESFORCE.replace("account:", f"base_url: {url}\n    account:")))

    assert (code, said, line, column) == ("CW102", text, 4, 15)


@pytest.mark.parametrize(
    "keys",
    [
        "base_url: http://127.0.0.1:8700",
        "base_url: 'http://[::1]:8700'",
        "token_url: http://localhost:8700/token",
        "base_url: http://crm.example.com\n    insecure: true",
        "base_url: https://crm.example.com",
    ],
)
def test_loopback_https_and_insecure_are_taken(check: Check, keys: str) -> None:
    assert check(SALESFORCE.replace("account:", f"{keys}\n    account:")) == []


def test_who_is_no_connector_is_told_what_is_installed(check: Check) -> None:
    text = "version: 1\nconnections:\n  {}\n"

    assert only(check(text.format("salesfroce: {}"))) == (
        "CW105", "there is no connector 'salesfroce'",
        "did you mean 'salesforce'?  or say which it is, connector: "
        "files, pipedrive, qualtrics, salesforce, typeform, zoho", 3, 3,
    )  # fmt: skip
    assert only(check(text.format("shop: {connector: fils, path: x}")))[:3] == (
        "CW105", "there is no connector 'fils'",
        "did you mean 'files'?  installed: files, pipedrive, qualtrics, salesforce, typeform, zoho",
    )  # fmt: skip
    assert only(check(text.format("zoho: {connector: files, path: x}")))[:2] == (
        "CW102",
        "the connection zoho is of the connector 'files'",
    )


def test_of_an_unknown_connector_our_own_keys_are_judged_all_the_same(check: Check) -> None:
    problems = check(
        "version: 1\nconnections:\n  crm:\n    x: 1\n    budget: {per_day: y}\n    streams: {a: {write: [z]}}\n"
    )

    assert [(one.code, one.text) for one in problems] == [
        ("CW105", "there is no connector 'crm'"),
        ("CW102", "per_day is 'y'"),
        ("CW102", "write is 'z'"),
    ]


def test_streams_that_are_left_out_are_the_usual_ones_read_only(file: Path) -> None:
    hub = hub_of(file, "version: 1\nconnections:\n  pipedrive:\n    auth: {api_token: env:A}\n")

    streams = hub.connections["pipedrive"].streams
    assert list(streams) == ["organizations", "persons"]
    assert all(not stream.write and stream.lines for stream in streams.values())
    assert set(hub.connections["pipedrive"].settings.streams) == {"organizations", "persons"}


def test_a_connector_whose_streams_are_the_accounts_own_needs_them_named(check: Check) -> None:
    problems = check("version: 1\nconnections:\n  shop: {connector: files, path: x}\n")

    assert only(problems)[:3] == (
        "CW102", "streams is missing in shop", "name what to read: each stream with files, entity, key",
    )  # fmt: skip


def test_paths_lie_beside_the_file(file: Path) -> None:
    hub = hub_of(file, "version: 1\nconnections:\n  shop:\n    connector: files\n    path: ./exports\n    streams:\n"
                       "      members: {files: '*.csv', entity: person, key: no}\n")  # fmt: skip

    assert hub.connections["shop"].settings.path == file.parent / "exports"  # type: ignore[attr-defined] # the fake's own
    assert hub.connections["shop"].streams["members"].kind == "person"


def test_a_broken_plugin_is_told_and_the_others_are_read(file: Path) -> None:
    from connectors.sdk.registry import PluginFault, Registry

    file.write_text("version: 1\nconnections:\n  pipedrive: {auth: {api_token: env:A}}\n  odd: {}\n")
    fault = PluginFault("odd", "odd-1.0", "odd:Odd cannot be loaded: ImportError: no", "upgrade or uninstall odd-1.0")

    problems = load(
        file, environment=ENVIRONMENT, registry=Registry(connectors={"pipedrive": Pipedrive}, faults=(fault,))
    ).problems

    assert only(problems)[:3] == (
        "CW105",
        "the connector odd cannot be used: odd:Odd cannot be loaded: ImportError: no",
        "upgrade or uninstall odd-1.0",
    )
