"""Opening a store: whose file it is, and what is said where it cannot be reached."""

import stat
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from crosswalk.store.connections import DatabaseError
from crosswalk.store.dialect import Database
from crosswalk.store.errors import StoreError
from crosswalk.store.opening import in_words, open_store
from crosswalk.store.tokens import new_key


def test_a_new_file_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "crosswalk.db"

    database, _ = open_store(f"sqlite:///{file}", key=new_key(), key_file=None)
    database.close()

    modes = {stat.S_IMODE(one.stat().st_mode) for one in tmp_path.iterdir()}
    assert modes == {0o600}


def test_a_server_that_does_not_answer_is_told_in_our_words(tmp_path: Path) -> None:
    nowhere = f"postgresql://somebody:s3cret@/db?host={tmp_path}"

    with pytest.raises(StoreError) as caught:
        open_store(nowhere, key=new_key(), key_file=None)

    assert (caught.value.code, "s3cret" in caught.value.text + caught.value.hint) == ("CW501", False)


def test_a_folder_that_is_not_there_is_told_in_our_words(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(f"sqlite:///{tmp_path}/nowhere/crosswalk.db", key=new_key(), key_file=None)

    assert caught.value.code == "CW501"


@pytest.mark.parametrize(
    ("driver", "text", "hint"),
    [
        ('FATAL:  password authentication failed for user "hub"', "password authentication failed", "correct user"),
        ("fe_sendauth: no password supplied", "no password given", "store.url"),
        ('FATAL:  database "hub" does not exist', "there is no such database", "make it"),
        ('FATAL:  role "hub" does not exist', "there is no such user", "make it"),
        ("FATAL:  the database system is starting up", "PostgreSQL is starting or stopping", "in a moment"),
        ("FATAL:  sorry, too many clients already", "PostgreSQL takes no more connections", "max_connections"),
        ("connection failed: Connection refused", "connection refused", "start PostgreSQL"),
        ("failed to resolve host 'db.internal'", "no such host", "start PostgreSQL"),
        ("something new about s3cret", "no connection", "start PostgreSQL"),
    ],
)
def test_what_a_driver_says_is_told_with_what_to_do(tmp_path: Path, driver: str, text: str, hint: str) -> None:
    database = Database(f"postgresql://hub@/db?host={tmp_path}")

    with pytest.raises(StoreError) as caught, in_words(database):
        raise DatabaseError(psycopg.OperationalError(f'connection to "db" failed: {driver}'), unreached=True)

    assert caught.value.code == "CW501"
    assert caught.value.text == f"the store cannot be opened: {text}"
    assert hint in caught.value.hint
    assert "nothing was pulled" in caught.value.hint


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_a_user_without_rights_in_postgresql_is_told_so(empty_url: str) -> None:
    postgresql = Database(empty_url)
    with postgresql.write() as connection:
        postgresql.run(connection, "CREATE ROLE onlooker LOGIN")
    try:
        url = make_url(empty_url).set(username="onlooker")

        with pytest.raises(StoreError) as caught:
            open_store(url.render_as_string(hide_password=False), key=new_key(), key_file=None)
    finally:
        with postgresql.write() as connection:
            postgresql.run(connection, "DROP ROLE onlooker")
        postgresql.close()

    assert (caught.value.code, caught.value.text) == ("CW501", "the store cannot be used: permission denied")
