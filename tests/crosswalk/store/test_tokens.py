"""Tokens on both databases: encrypted, refreshed by one process, never overwritten by a late one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from connectors.sdk.contract import Grant
from crosswalk.store.dialect import Database
from crosswalk.store.errors import StoreKeyError
from crosswalk.store.tokens import Tokens, Vault, check_key, new_key, rotate
from tests.clocks import SetClock

KEY = new_key()
GRANT = Grant(
    access_token="access-secret",
    refresh_token="refresh-secret",
    expires_at=datetime(2026, 11, 24, 9, 0, 0, 500000, tzinfo=UTC),
    generation=1,
    extra={"api_domain": "https://nordwerk.test"},
)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(datetime(2026, 11, 24, 8, tzinfo=UTC))


@pytest.fixture
def tokens(database: Database, clock: SetClock) -> Tokens:
    return Tokens(database, Vault([KEY]), clock)


def test_what_is_stored_comes_back(tokens: Tokens) -> None:
    before = tokens.read("pipedrive")

    assert tokens.replace("pipedrive", GRANT, generation=0)

    assert before is None
    assert tokens.read("pipedrive") == GRANT


def test_a_bare_token_comes_back(tokens: Tokens) -> None:
    bare = Grant(access_token="a", refresh_token=None, expires_at=None, generation=1)
    tokens.replace("pipedrive", bare, generation=0)

    assert tokens.read("pipedrive") == bare


def test_nothing_of_a_token_can_be_read_in_the_database(database: Database, tokens: Tokens) -> None:
    tokens.replace("pipedrive", GRANT, generation=0)

    with database.read() as connection:
        sealed = bytes(database.run(connection, "SELECT sealed FROM token").scalar())

    assert b"secret" not in sealed
    assert b"nordwerk" not in sealed


def test_the_generation_grows_with_every_refresh(tokens: Tokens) -> None:
    for generation in range(3):
        assert tokens.replace("pipedrive", GRANT, generation=generation)

    found = tokens.read("pipedrive")
    assert found is not None
    assert found.generation == 3


def test_a_late_refresh_does_not_win(tokens: Tokens) -> None:
    tokens.replace("pipedrive", GRANT, generation=0)
    newer = GRANT._replace(access_token="newer")
    tokens.replace("pipedrive", newer, generation=1)

    assert not tokens.replace("pipedrive", GRANT._replace(access_token="late"), generation=1)

    found = tokens.read("pipedrive")
    assert found is not None
    assert found.access_token == "newer"


def test_one_claims_the_refresh_until_its_time_is_over(tokens: Tokens, clock: SetClock) -> None:
    tokens.replace("pipedrive", GRANT, generation=0)

    assert tokens.claim("pipedrive", generation=1, seconds=30)
    assert not tokens.claim("pipedrive", generation=1, seconds=30)
    clock.forward(seconds=30)
    assert tokens.claim("pipedrive", generation=1, seconds=30)


def test_a_claim_ends_with_the_refresh(tokens: Tokens) -> None:
    tokens.replace("pipedrive", GRANT, generation=0)
    tokens.claim("pipedrive", generation=1, seconds=30)

    tokens.replace("pipedrive", GRANT, generation=1)

    assert not tokens.claim("pipedrive", generation=1, seconds=30)
    assert tokens.claim("pipedrive", generation=2, seconds=30)


def test_a_claim_that_came_to_nothing_is_given_back_by_who_has_it(tokens: Tokens) -> None:
    tokens.replace("pipedrive", GRANT, generation=0)
    tokens.claim("pipedrive", generation=1, seconds=30)

    tokens.release("pipedrive", generation=0)
    early = tokens.claim("pipedrive", generation=1, seconds=30)
    tokens.release("pipedrive", generation=1)

    assert not early
    assert tokens.claim("pipedrive", generation=1, seconds=30)
    assert tokens.read("pipedrive") == GRANT


def test_the_first_grant_is_claimed_too(tokens: Tokens) -> None:
    assert tokens.claim("pipedrive", generation=0, seconds=30)
    assert not tokens.claim("pipedrive", generation=0, seconds=30)
    assert tokens.read("pipedrive") is None
    assert tokens.replace("pipedrive", GRANT, generation=0)
    assert not tokens.claim("pipedrive", generation=0, seconds=30)


def test_of_many_one_refreshes(database: Database, clock: SetClock) -> None:
    stores = [Tokens(database, Vault([KEY]), clock) for _ in range(8)]
    stores[0].replace("pipedrive", GRANT, generation=0)

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda store: store.claim("pipedrive", generation=1, seconds=30), stores))

    assert sum(won) == 1


def test_a_forgotten_token_is_gone(tokens: Tokens) -> None:
    tokens.replace("pipedrive", GRANT, generation=0)

    tokens.forget("pipedrive")

    assert tokens.read("pipedrive") is None
    assert tokens.claim("pipedrive", generation=0, seconds=30)


def test_another_key_is_told_so(database: Database, tokens: Tokens, clock: SetClock) -> None:
    tokens.replace("pipedrive", GRANT, generation=0)
    other = Tokens(database, Vault([new_key()]), clock)

    with pytest.raises(StoreKeyError, match="the key does not open this store") as caught:
        other.read("pipedrive")

    assert caught.value.code == "CW502"
    assert "full resync" in caught.value.hint


def test_another_key_is_noticed_before_any_token_is_there(database: Database) -> None:
    check_key(database, Vault([KEY]))
    check_key(database, Vault([KEY]))

    with pytest.raises(StoreKeyError):
        check_key(database, Vault([new_key()]))


def test_a_new_key_takes_over(database: Database, tokens: Tokens, clock: SetClock) -> None:
    new = new_key()
    check_key(database, Vault([KEY]))
    tokens.replace("pipedrive", GRANT, generation=0)
    tokens.claim("typeform", generation=0, seconds=30)

    rotate(database, Vault([new, KEY]))

    check_key(database, Vault([new]))
    assert Tokens(database, Vault([new]), clock).read("pipedrive") == GRANT
    with pytest.raises(StoreKeyError):
        tokens.read("pipedrive")


@pytest.mark.parametrize("key", ["", "short", "ü" * 44, "not base64 " * 4])
def test_what_is_no_key_is_refused_without_being_quoted(key: str) -> None:
    with pytest.raises(StoreKeyError) as caught:
        Vault([key])

    assert not key or key not in str(caught.value)
    assert caught.value.__cause__ is None
