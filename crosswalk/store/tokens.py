"""Tokens of connections, encrypted; refreshed once for all processes (connectors' TokenStore).

Compare-and-swap on the generation: a refresh is claimed for some seconds, done without any lock, and its
result stored only over the generation it was made from. The rotated token stands in the store before
anybody uses it.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from connectors.sdk.contract import Grant
from crosswalk.store.codec import dump, load
from crosswalk.store.connections import Connection
from crosswalk.store.dialect import Database
from crosswalk.store.errors import StoreKeyError

_PROBE: Final = b"crosswalk"
_PROBE_NAME: Final = "key"


class Vault:
    """Seals with the first key, opens with any of them: put a new key in front, re-seal, then drop the old one."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._first = keys[0].strip().encode()
        try:
            self._fernet = MultiFernet([Fernet(key.strip()) for key in keys])
        except ValueError:
            raise StoreKeyError(  # without its cause, which may quote the key
                "store.encryption_key is no key",
                hint="44 characters of URL-safe base64, as `crosswalk init` writes them to crosswalk.key",
            ) from None

    def seal(self, data: bytes) -> bytes:
        return self._fernet.encrypt(data)

    def open(self, sealed: bytes) -> bytes:
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise StoreKeyError(
                "the key does not open this store",
                hint="use the key that made it; without it: new tokens, and a full resync",
            ) from None

    def print(self, data: bytes) -> str:
        """By which the same data is known again, and nothing else of it can be found out without the key."""
        return hmac.new(self._first, b"print\n" + data, hashlib.sha256).hexdigest()[:32]

    def reseal(self, sealed: bytes) -> bytes:
        """The same under the first key."""
        return self.seal(self.open(sealed))


def new_key() -> str:
    return Fernet.generate_key().decode()


def check_key(database: Database, vault: Vault) -> None:
    """Raise StoreKeyError where the store was made with another key. The first key ever used is remembered (sealed)."""
    with database.read() as connection:
        known = _probe(database, connection)
    if known is None:
        with database.write(durable=True) as connection:
            database.run(
                connection,
                "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (_PROBE_NAME, vault.seal(_PROBE)),
            )
            known = _probe(database, connection)
    if known is not None:
        vault.open(known)


def rotate(database: Database, vault: Vault) -> None:
    """Seal everything anew with the vault's first key."""
    with database.write(durable=True) as connection:
        for table, key, column in (("meta", "name", "value"), ("token", "connection", "sealed")):
            only = f"WHERE name = '{_PROBE_NAME}'" if table == "meta" else "WHERE sealed IS NOT NULL"
            rows = database.run(connection, f"SELECT {key}, {column} FROM {table} {only}").fetchall()
            for name, sealed in rows:
                database.run(
                    connection, f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (vault.reseal(bytes(sealed)), name)
                )


def _probe(database: Database, connection: Connection) -> bytes | None:
    row = database.run(connection, "SELECT value FROM meta WHERE name = ?", (_PROBE_NAME,)).fetchone()
    return None if row is None else bytes(row[0])


class Tokens:
    def __init__(self, database: Database, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    def read(self, connection: str) -> Grant | None:
        with self._database.read() as open_:
            row = self._database.run(
                open_, "SELECT sealed, generation FROM token WHERE connection = ?", (connection,)
            ).fetchone()
        if row is None or row[0] is None:
            return None
        return _grant(load(self._vault.open(bytes(row[0]))), row[1])

    def claim(self, connection: str, *, generation: int, seconds: float) -> bool:
        """May the caller refresh? Generation 0 is what a connection without a token has."""
        now = int(self._clock().timestamp() * 1000)
        until = now + int(seconds * 1000)
        with self._database.write() as open_:
            if generation == 0:
                self._database.run(
                    open_,
                    "INSERT INTO token (connection, generation) VALUES (?, 0) ON CONFLICT DO NOTHING",
                    (connection,),
                )
            won = self._database.run(
                open_,
                "UPDATE token SET claimed_until = ? WHERE connection = ? AND generation = ? "
                "AND (claimed_until IS NULL OR claimed_until <= ?)",
                (until, connection, generation, now),
            ).rowcount
        return bool(won)

    def release(self, connection: str, *, generation: int) -> None:
        """Give a claim back that came to nothing: another process, or a person, may try at once."""
        with self._database.write() as open_:
            self._database.run(
                open_,
                "UPDATE token SET claimed_until = NULL WHERE connection = ? AND generation = ?",
                (connection, generation),
            )

    def replace(self, connection: str, grant: Grant, *, generation: int) -> bool:
        """Store what a refresh of `generation` brought; it becomes the next one, whatever the grant says of itself."""
        sealed = self._vault.seal(dump(_plain(grant)))
        with self._database.write(durable=True) as open_:
            if generation == 0:
                self._database.run(
                    open_,
                    "INSERT INTO token (connection, generation) VALUES (?, 0) ON CONFLICT DO NOTHING",
                    (connection,),
                )
            won = self._database.run(
                open_,
                "UPDATE token SET sealed = ?, generation = generation + 1, claimed_until = NULL "
                "WHERE connection = ? AND generation = ?",
                (sealed, connection, generation),
            ).rowcount
        return bool(won)

    def forget(self, connection: str) -> None:
        """Drop the token: a person grants access anew."""
        with self._database.write() as open_:
            self._database.run(open_, "DELETE FROM token WHERE connection = ?", (connection,))


def _plain(grant: Grant) -> dict[str, Any]:
    return {
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token,
        "expires_at": None if grant.expires_at is None else grant.expires_at.isoformat(),
        "extra": dict(grant.extra),
    }


def _grant(plain: dict[str, Any], generation: int) -> Grant:
    expires = plain["expires_at"]
    return Grant(
        access_token=plain["access_token"],
        refresh_token=plain["refresh_token"],
        expires_at=None if expires is None else datetime.fromisoformat(expires),
        generation=generation,
        extra=plain["extra"],
    )
