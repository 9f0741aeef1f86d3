"""I8: an erased identity never comes back. Who was erased in a history, and where they must not be found."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crosswalk.store.dialect import Database

if TYPE_CHECKING:
    from tests.chaos.histories import Play

Key = tuple[str, str, str]  # system, stream, key


@dataclass
class Theirs:
    """What a person is known by: the addresses of their records, mailboxes that nobody else ever had, and others."""

    keys: set[Key]
    mails: set[str]
    shared: set[str]


@dataclass
class Erased:
    """`maybe`: what was sent under one of their mailboxes, so may be held or not."""

    keys: set[Key] = field(default_factory=set)
    mails: set[str] = field(default_factory=set)  # that nobody else has come to carry since
    ever: set[str] = field(default_factory=set)
    maybe: set[Key] = field(default_factory=set)
    carried: dict[str, set[Key]] = field(default_factory=dict)  # by mailbox who ever had it
    after: int = 0  # effects that had happened when somebody was erased last

    def add(self, play: "Play", theirs: Theirs) -> None:
        self.keys |= theirs.keys
        self.mails |= theirs.mails
        self.ever |= theirs.mails | theirs.shared
        self.after = len(play.effects)
        self.look(play)

    def note(self, system: str, stream: str, key: str, values: dict[str, Any]) -> None:
        """Somebody may come to have a mailbox of theirs."""
        if values.get("email"):
            self.carried.setdefault(values["email"], set()).add((system, stream, key))
        if values.get("email") in self.ever and (system, stream, key) not in self.keys:
            self.maybe.add((system, stream, key))
            self.mails.discard(values["email"])

    def look(self, play: "Play") -> None:
        """What stands at the vendors now under a mailbox of theirs."""
        for system in ("alpha", "beta", "tool"):
            for stream, rows in play.remote(system).rows.items():
                self.maybe |= {(system, stream, key) for key, row in rows.items() if row.get("email") in self.ever}

    def has(self, system: str, stream: str, key: str) -> bool:
        return (system, stream, key) in self.keys or (system, stream, key) in self.maybe


def theirs_of(play: "Play", database: Database, system: str, key: str) -> Theirs:
    """Of the person that a record is of."""
    with database.read() as connection:
        rows = database.run(
            connection,
            "SELECT o.connection, o.name, t.rkey FROM record r JOIN stream s ON s.id = r.stream "
            "JOIN member m ON m.record = r.id JOIN member n ON n.entity = m.entity JOIN record t ON t.id = n.record "
            "JOIN stream o ON o.id = t.stream WHERE s.connection = ? AND s.name = 'people' AND r.rkey = ?",
            (system, key),
        ).fetchall()
    keys = {(row[0], row[1], row[2]) for row in rows}
    carried = {mail: set(holders) for mail, holders in play.erased.carried.items()}
    for effect in play.effects:
        if effect.values.get("email"):
            carried.setdefault(effect.values["email"], set()).add((effect.system, effect.stream, effect.key))
    theirs = {mail for mail, holders in carried.items() if holders & keys}
    alone = {mail for mail in theirs if carried[mail] <= keys}
    return Theirs(keys, alone, theirs - alone)


def count(database: Database) -> int:
    """Of erasures."""
    with database.read() as connection:
        return int(database.run(connection, "SELECT count(*) FROM erasure").scalar())
