"""What people say of who is who: two records are the same, or never are. Their words never contradict one another.

Who is the same as a second who is the same as a third is the same as the third, however many stand between. A word
against that is refused with the words that it contradicts, and whoever wants it takes one of those back first: were
both kept, it would depend on which record is looked at next whom of them the hub joins.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from crosswalk.engine.entities import at_either_end
from crosswalk.engine.model import House
from crosswalk.engine.spoken import AskError, spoken
from crosswalk.engine.words import record_addresses, shortened
from crosswalk.store.records import SETTLE, add_work

_LOCK: Final = 12  # whoever says something of two looks at what others say of them
Connection = Any
Pair = tuple[int, int]  # records, the smaller first


class Word(NamedTuple):
    """What somebody said of two records: `same`, or `never`."""

    left: int
    right: int
    verdict: str
    who: str


def say(house: House, connection: Connection, pairs: Iterable[Pair], verdict: str, *, who: str, why: str = "") -> None:
    """Write down that each two records are `same`, or `never`. The last word on two counts, also against a rule; one
    that says what a rule says leaves that as it is, with when the two became one.

    Raises AskError where words on others contradict it; the caller's transaction is then to be given up.
    """
    database, at = house.database, house.now()
    ends = sorted({(min(pair), max(pair)) for pair in pairs})
    with database.lock(connection, _LOCK):
        database.run_many(
            connection,
            'DELETE FROM edge WHERE "left" = ? AND "right" = ? AND (verdict <> ? OR source = \'person\')',
            [(*pair, verdict) for pair in ends],
        )
        for pair in ends:
            against = words_against(house, connection, pair, verdict)
            if against:
                raise _contradicted(house, connection, pair, verdict, against)
            database.insert(
                connection,
                "edge",
                ("left", "right", "source", "verdict", "rule", "who", "at"),
                [(*pair, "person", verdict, f"decided by {who}" + (f": {why}" if why else ""), who, at)],
            )
        database.run_many(
            connection,
            'UPDATE pair SET state = ?, who = ?, at = ? WHERE "left" = ? AND "right" = ?',
            [(verdict, who, at, *pair) for pair in ends],
        )
    add_work(database, connection, SETTLE, sorted({end for pair in ends for end in pair}))


def words_against(house: House, connection: Connection, pair: Pair, verdict: str) -> list[Word]:
    """What people said of others that this word on two contradicts; nothing where it can be said."""
    left, right = min(pair), max(pair)
    ours = _said_the_same(house, connection, left, but=(left, right))
    if verdict == "never":
        return _way(ours, right)
    if right in ours:
        return []
    theirs = _said_the_same(house, connection, right, but=(left, right))
    for word in _words(house, connection, list(ours)):
        near, far = (word.left, word.right) if word.left in ours else (word.right, word.left)
        if word.verdict == "never" and far in theirs and {near, far} != {left, right}:
            return [*_way(ours, near), word, *_way(theirs, far)]
    return []


def _said_the_same(house: House, connection: Connection, record: int, *, but: Pair) -> dict[int, Word | None]:
    """Every record that is the same by what people said, through however many, with the word that led to it."""
    found: dict[int, Word | None] = {record: None}
    edge = [record]
    while edge:
        reached: dict[int, Word] = {}
        for word in _words(house, connection, edge):
            if word.verdict == "same" and (word.left, word.right) != but:
                reached |= {end: word for end in (word.left, word.right) if end not in found}
        found |= reached
        edge = sorted(reached)
    return found


def _way(found: Mapping[int, Word | None], record: int) -> list[Word]:
    """The words that led to a record, from it back to where they began; none to where nothing led."""
    words: list[Word] = []
    word = found.get(record)
    while word is not None:
        words.append(word)
        record = word.left if word.right == record else word.right
        word = found[record]
    return words


def _words(house: House, connection: Connection, records: Sequence[int]) -> list[Word]:
    # Whose a word is is looked at afterwards: asked for by its source, a database may read all that people said.
    what = 'SELECT "left", "right", verdict, who, source FROM edge WHERE'
    rows = at_either_end(house.database, connection, what, records)
    return sorted(
        {Word(left, right, verdict, who or "somebody") for left, right, verdict, who, by in rows if by == "person"}
    )


def _contradicted(house: House, connection: Connection, pair: Pair, verdict: str, against: Sequence[Word]) -> AskError:
    names = record_addresses(house, connection, {*pair, *(end for word in against for end in word[:2])})
    pairs = 'SELECT "left", "right", id FROM pair WHERE'
    asked = {tuple(row[:2]): row[2] for row in at_either_end(house.database, connection, pairs, sorted(names))}
    told = [
        f"{word.who} said that {names[word.left]} and {names[word.right]} "
        f"{'are the same' if word.verdict == 'same' else 'never are'}"
        for word in against
    ]
    ways = [_taking_back(word, names, asked.get((word.left, word.right))) for word in against]
    what = "cannot be the same" if verdict == "same" else "cannot be two"
    return AskError(
        f"{names[pair[0]]} and {names[pair[1]]} {what}: {shortened(told)}",
        hint=f"take back what is not so, then say it again: {' or '.join(ways[:3])}",
    )


def _taking_back(word: Word, names: Mapping[int, str], pair: int | None) -> str:
    if pair is not None:
        return f"crosswalk review {spoken('pair', pair)} --{'never' if word.verdict == 'same' else 'same'}"
    if word.verdict == "never":
        return f"crosswalk match merge {names[word.left]} {names[word.right]}"
    return f"crosswalk match split {names[word.right]}"
