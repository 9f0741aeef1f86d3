"""Opening a store: who may read it, and what is said where it cannot be reached."""

from pathlib import Path

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from crosswalk.store.dialect import Database
from crosswalk.store.opening import StoreClosedError, in_words, open_store


def test_a_new_file_is_for_its_owner_alone_and_what_sqlite_puts_beside_it_too(tmp_path: Path) -> None:
    database, _ = open_store(f"sqlite:///{tmp_path}/hub.db", key=None, key_file=tmp_path / "key")
    with database.write() as connection:
        database.run(connection, "INSERT INTO meta (name, value) VALUES ('mine', ?)", (b"x",))

    modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("hub.db*")}
    database.close()

    assert set(modes.values()) == {0o600}, modes
    assert "hub.db" in modes


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("failed to resolve host 'db.test': [Errno -2] Name or service not known", "no such host"),
        ('connection failed: FATAL:  password authentication failed for user "mara"', "password authentication failed"),
        ("connection failed: Connection refused\n\tIs the server running on that host", "connection refused"),
        ("something nobody has thought of, with hunter2 in it", "no connection"),
    ],
)
def test_a_server_that_cannot_be_reached_is_told_without_what_the_driver_shows(
    tmp_path: Path, said: str, told: str
) -> None:
    database = Database(f"sqlite:///{tmp_path}/hub.db")

    with pytest.raises(StoreClosedError) as refused, in_words(database):
        raise OperationalError("", None, psycopg.OperationalError(said))

    database.close()
    assert str(refused.value) == f"the store cannot be opened: {told}"
