"""What identifies a record in this hub: the rules of each kind, identifiers as small numbers, ids of entities.

An identifier is stored as the number of its kind and 64 bits of a keyed hash, so the index holds no personal data.
Kinds are named by the kind of entity that they join ("person/email"): an owner's mailbox is no customer's. Of an
identifier that is judged by a part of it ("phone+family" by the phone) the upper half of the hash is that of the
part, so the holders of the bare number are found by a range.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from struct import Struct
from typing import Any, Final, NamedTuple

from crosswalk.store.dialect import Database
from mapping.match.ids import births
from mapping.match.keys import JUDGED, Signs, extractor
from mapping.match.rules import SCORED, MatchRules, strength
from mapping.values import Value

LOW: Final = 0xFFFFFFFF
_EIGHT_BYTES: Final[Callable[[bytes], tuple[int]]] = Struct(">q").unpack
UNLIMITED: Final = 1 << 62
_LOCK: Final = 6  # on PostgreSQL: who gives a kind its number
# Kinds whose records belong to an entity of another kind: a response to the person who answered.
JOINS: Final[Mapping[str, str]] = {"response": "person"}


class IdentRule(NamedTuple):
    """How an identifier of one kind counts: `strength` ranks evidence, smaller is stronger."""

    strength: int
    limit: int
    verdict: str  # same, review, scored: see `mapping.match.rules`
    name: str
    counted: int | None  # the kind whose holders are counted instead, by the upper half of the hash

    @property
    def names(self) -> bool:
        """Does it tell whose an answer is?"""
        return self.verdict in ("same", "scored")


class IdentKinds:
    """Small numbers for kinds, kept in the store; the keyed hash of a value."""

    def __init__(self, database: Database, secret: bytes) -> None:
        self._database = database
        self.hashed, self.hashed_under = _hashers(secret)
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}

    def load(self) -> None:
        with self._database.read() as connection:
            rows = self._database.run(connection, "SELECT id, kind FROM ident_kind").fetchall()
        for number, kind in rows:
            self._numbers[kind], self._names[number] = number, kind

    def number(self, kind: str) -> int:
        """Not inside a write transaction: a kind that is new is written by one of its own."""
        known = self._numbers.get(kind)
        if known is not None:
            return known
        with self._database.write() as connection, self._database.lock(connection, _LOCK):
            self._database.run(
                connection,
                "INSERT INTO ident_kind (id, kind) SELECT coalesce(max(id), 0) + 1, ? FROM ident_kind WHERE TRUE "
                "ON CONFLICT (kind) DO NOTHING",
                (kind,),
            )
        self.load()
        return self._numbers[kind]

    def name(self, number: int) -> str:
        if number not in self._names:
            self.load()
        return self._names[number]

    def names(self) -> Iterable[tuple[int, str]]:
        return sorted(self._names.items())


def _hashers(secret: bytes) -> tuple[Callable[[str], int], Callable[[int, str], int]]:
    """The keyed hash of a value, and that of one whose upper half is that of a part. Four are made of a person."""
    begun = blake2b(digest_size=8, key=secret).copy

    def hashed(value: str) -> int:
        one = begun()
        one.update(value.encode())
        number: int = _EIGHT_BYTES(one.digest())[0]
        return number

    def hashed_under(part: int, value: str) -> int:
        one = begun()
        one.update(value.encode())
        return (part & ~LOW) | (_EIGHT_BYTES(one.digest())[0] & LOW)

    return hashed, hashed_under


def part_of(value: int) -> tuple[int, int]:
    """The range of hashes that share a counted part."""
    return value & ~LOW, value | LOW


class Rules:
    """The rules of every kind of one hub."""

    def __init__(self, by_kind: Mapping[str, MatchRules], kinds: IdentKinds, secret: bytes) -> None:
        self._by_kind = dict(by_kind)
        self._kinds = kinds
        self._secret = secret
        self._births: dict[tuple[str, str], Callable[[str], str]] = {}

    def of(self, kind: str) -> MatchRules:
        known = self._by_kind.get(kind)
        if known is None:
            known = self._by_kind[kind] = MatchRules.compile(kind)
        return known

    def rule(self, name: str) -> IdentRule | None:
        """Of a kind of identifier; None: it is only counted."""
        kind, _, identifier = name.partition("/")
        rules = self.of(kind)
        then = rules.then(identifier)
        if then is None:
            return None
        counted = _judged_by(identifier)
        limit = rules.limit(identifier)
        return IdentRule(
            strength=rules.order(identifier),
            limit=UNLIMITED if limit is None else limit,
            verdict=then,
            name="same " + identifier.partition(":")[0].replace("+", " and "),
            counted=None if counted is None else self._kinds.number(f"{kind}/{counted}"),
        )

    def limit(self, kind: int) -> int:
        """How many may hold an identifier of this kind for it to tell anything."""
        of, _, identifier = self._kinds.name(kind).partition("/")
        limit = self.of(of).limit(identifier)
        return UNLIMITED if limit is None else limit

    def certain(self) -> list[int]:
        """Kinds in which two live records of one stream that differ are kept apart."""
        return [
            number
            for number, name in self._kinds.names()
            if strength(name.partition("/")[2]) == 3 and not name.endswith(("/ref", "/tool_contact"))
        ]

    def births(self, connection: str, stream: str) -> Callable[[str], str]:
        """Birth ids of a stream's records, by their key."""
        known = self._births.get((connection, stream))
        if known is None:
            known = self._births[connection, stream] = births(self._secret, connection=connection, stream=stream)
        return known

    def identifiers(
        self, kind: str, fields: Sequence[str], connections: Sequence[str]
    ) -> Callable[[Sequence[Value]], list[tuple[int, int]]]:
        """Of rows of these fields, as they stand in the store."""
        joins = JOINS.get(kind, kind)
        kinds = self._kinds

        def number(identifier: str) -> int:
            return kinds.number(f"{joins}/{identifier}")

        # Kinds that are known by name are numbered now, outside of any transaction; namespaces show themselves later.
        for word in _words(self.of(joins)):
            number(word)
        signs = Signs(number, kinds.hashed, kinds.hashed_under)
        return extractor(kind, fields, rules=self.of(joins), connections=connections, signs=signs)


def _judged_by(identifier: str) -> str | None:
    """Of "phone+family" the part that is judged by its own count."""
    words = identifier.split("+")
    if len(words) < 2 or ":" in identifier:  # a namespace may have any name
        return None
    return next((word for word in words if word in JUDGED), None)


def _words(rules: MatchRules) -> list[str]:
    words = [rule.kind for rule in rules.rules if rule.kind not in ("external", "registration")]
    return [*dict.fromkeys([*words, *(part for word in words for part in word.split("+") if part in JUDGED)])]


def of_settings(settings: Mapping[str, Any], kinds: IdentKinds, secret: bytes) -> Rules:
    """Of the `match` part of the file: per kind `rules`, `limits`, `block`, `scored`."""
    compiled = {
        kind: MatchRules.compile(
            kind,
            rules=told.rules if told else None,
            limits=told.limits if told else None,
            block=told.block if told else (),
            scored=told.scored if told else kind in SCORED,
        )
        for kind in {*settings, *SCORED}
        for told in [settings.get(kind)]
    }
    return Rules(compiled, kinds, secret)
