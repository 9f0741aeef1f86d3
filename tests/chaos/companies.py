"""Companies that are deleted, merged away and brought back at a vendor, and the people who are said to work there.

Some vendors keep the reference to a company that is gone, some empty it, some lead it to the company that it was merged
into, each under a stamp of then or under the old one. None of that is anybody's word: what people say of where somebody
works is told apart from it, whatever was deleted before, between or after, in whatever order both are read.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from crosswalk.engine.model import House
from crosswalk.store.codec import load
from crosswalk.store.dialect import Database
from crosswalk.store.goldens import load_goldens
from crosswalk.store.records import ARCHIVED, DELETED, LIVE, MERGED, STATES
from tests.chaos.invariants import BrokenError, Effect, Queues, queues
from tests.memory.connector import Followed

if TYPE_CHECKING:
    from tests.chaos.histories import Play, Step

SYSTEMS: Final = ("alpha", "beta")
ON_DELETE: Final = ("ignore", "ignore", "archive", "unlink", "review", "archive")
_EMPTIES: Final[tuple[Followed, ...]] = ("stamped", "kept", "unseen", "stamped")
_MERGED: Final = 3  # of four ways in which a company goes
_LEADS_ON: Final[tuple[Followed, ...]] = ("stamped", "kept", "unseen")
# What histories of companies are made of, beside what all are made of.
MOVES: Final = (
    *("employ",) * 2, *("firm",) * 4, *("firm_both",) * 2, *("firm_new",) * 2, *("firm_gone",) * 4, "firm_back",
    *("firm_slip",) * 2, *("firm_sure",) * 3, *("firm_left",) * 2,
)  # fmt: skip


def follow_suit(play: "Play", step: "Step") -> None:
    """What each vendor makes of references to a company that is gone, and the hub of the company elsewhere."""
    for name, n in zip(SYSTEMS, (step.a, step.b), strict=True):
        remote = play.remote(name)
        remote.empties = _EMPTIES[n % len(_EMPTIES)]
        remote.leads_on = _LEADS_ON[n // 4 % len(_LEADS_ON)]
        remote.gives_back = n // 12 % 2 == 0
        play.log.append(f"{name}: empties {remote.empties}, leads on {remote.leads_on}, back {remote.gives_back}")
    play.on_delete = ON_DELETE[step.c % len(ON_DELETE)]
    play.write_config()


# -- moves ---------------------------------------------------------------------------------------------------------


def living(play: "Play", name: str, stream: str = "firms") -> list[str]:
    return [key for key in play.keys(name, stream) if not play.remote(name).of(stream, key).get("gone")]


def pick(play: "Play", n: int, stream: str = "firms") -> tuple[str, str] | None:
    there = [(name, key) for name in SYSTEMS for key in living(play, name, stream)]
    return there[n % len(there)] if there else None


def go(play: "Play", name: str, key: str, how: int) -> None:
    """A company goes, into the bin, for good or into another one."""
    remote = play.remote(name)
    others = [one for one in living(play, name) if one != key]
    if how % 4 == _MERGED and others and name == "beta" and play.beta in ("merging", "coarse"):
        into = others[how // 4 % len(others)]
        play.witness.gone.add((name, "firms", key))
        note_gone(play, name, key)
        remote.merge("firms", key, into)
        play.log.append(f"{name}/firms/{key} was merged into {into}")
    elif how % 4 == 2:
        play.witness.gone.add((name, "firms", key))
        note_gone(play, name, key)
        remote.drop("firms", key)
        play.log.append(f"{name}/firms/{key} dropped")
    else:
        play.put(name, "firms", key, gone=True)


def note_gone(play: "Play", name: str, firm: str) -> None:
    """Who was given this company, and nobody has read so: what will be read is that they left the one before."""
    play.fresh_ends.add((name, firm))
    play.witness.untold |= {
        (system, key)
        for (system, stream, key, column), value in play.edits.items()
        if (system, stream, column, value) == (name, "people", "firm", firm) and (system, key) in play.fresh_words
    }


def come_back(play: "Play", step: "Step") -> None:
    name = SYSTEMS[step.a % 2]
    for key in play.keys(name, "firms"):
        if play.remote(name).of("firms", key).get("gone"):
            if (name, key) in play.fresh_ends:  # nobody has read that it was gone, and it is there when asked for
                play.witness.untold |= {(name, one) for one in play.remote(name).left_without(key)}
            play.put(name, "firms", key, gone=False)


def name_in_both(play: "Play", step: "Step") -> None:
    """The same person is said to work for a company in both systems, perhaps for another one in each."""
    target = pick(play, step.a, "people")
    if target is None:
        return
    mail = play.remote(target[0]).of("people", target[1]).get("email")
    for name, n in zip(SYSTEMS, (step.b, step.c), strict=True):
        firms = living(play, name)
        for key in living(play, name, "people"):
            if firms and mail and play.remote(name).of("people", key).get("email") == mail:
                play.put(name, "people", key, firm=firms[n % len(firms)])


_FAULTS: Final = ("", "lost", "vanish", "stale", "busy", "die_before", "die_after")


def _trouble(play: "Play", step: "Step", other: str) -> None:
    """The next write to the other system may go wrong, and the next run may end early."""
    fault = _FAULTS[step.c % len(_FAULTS)]
    if fault:
        play.faults[other] = (fault, 0)
    if step.a % 3 == 0:
        play.crash_at = (1 + step.c % 50, bool(step.b % 2))


def be_sure(play: "Play", step: "Step", sync: "Step") -> None:
    """What somebody says of where a person works, with nothing else under way but companies that go, is not lost."""
    play.calm()
    target = pick(play, step.a, "people")
    if target is None or play.told["listed"]:
        return
    name, key = target
    other = SYSTEMS[name == "alpha"]
    stood = play.remote(name).of("people", key).get("firm")
    firms = [one for one in living(play, name) if one != stood]
    wanted = firms[step.b % len(firms)] if firms and step.b % 4 else None
    if wanted is None and stood not in living(play, name):
        return  # who is left without a company that is gone is left without it already
    homes, contested = homes_of(play), play.contested() or play.refused(name, key)
    several = _held_of(play, name, key) > 1  # each system has one of them, and keeps it
    if wanted is None and (several or _has_duplicates(play, name, key)):
        return  # and is shown another one of them, or what a duplicate of it was said to
    there = _shown_to(play, target, other)
    same = not there - {None} if stood is None else counterpart(play, (name, stood), other) in there
    contested |= "firm" not in play.remote(name).of("people", key)  # a first contact: a master's word goes first
    goes = step.c % 4 if stood in living(play, name) else 0
    if goes in (1, 2) and wanted is None:
        goes = 3  # a clear beside a delete of the same company is none that could be told
    if goes == 1:
        go(play, name, stood or "", step.b % 3)
        if step.a % 2:
            play.step(sync)
    _trouble(play, step, other)
    play.put(name, "people", key, firm=wanted)
    if goes == 2:
        go(play, name, stood or "", step.b % 3)
    if goes == 3 and (gone := counterpart(play, (name, stood), other)) is not None:
        go(play, other, gone, step.b % 3)
    play.step(sync)
    play.calm()
    if contested or homes_of(play) != homes or play.contested() or (wanted and wanted not in living(play, name)):
        return
    play.held["I3"] += 1
    shows = play.remote(name).of("people", key).get("firm")
    if shows != wanted:
        raise BrokenError("I3", f"{target} was said to work for {wanted!r}, and is shown {shows!r}")
    if stood is None:
        several |= _held_of(play, name, key) > 1  # one of them came by the other system
    if same and not several:
        _spreads(play, target, other, wanted)


def _has_duplicates(play: "Play", system: str, key: str) -> bool:
    """Has the system other records of this person?"""
    with play.world.store() as database:
        return sum(at == system for at, _ in _peers(database, system, "people", key)) > 1


def _spreads(play: "Play", target: tuple[str, str], other: str, wanted: str | None) -> None:
    """Where the person is one record in the other system, which has that company, that one shows it too."""
    name, key = target
    with play.world.store() as database:
        peers = _peers(database, name, "people", key)
        mine, theirs = ([one for system, one in peers if system == at] for at in (name, other))
        if len(mine) != 1 or len(theirs) != 1 or theirs[0] not in living(play, other, "people"):
            return
        if not play.may_write(other) or play.refused(other, theirs[0]) or _is_held(database):
            return
        if any(play.remote(one).allowance is not None for one in SYSTEMS):
            return  # it waits for another day's calls
        shows = play.remote(other).of("people", theirs[0]).get("firm")
        there = shows in play.keys(other, "firms")
        if wanted is None:
            if name in play.may_clear_now() and "firm" in play.remote(other).of("people", theirs[0]):
                play.held["I3"] += 1
                if there:
                    raise BrokenError("I3", f"{target} was said to work nowhere, and {other} shows {shows!r}")
            return
        meant = {one for system, one in _peers(database, name, "firms", wanted) if system == other}
        if not meant & set(living(play, other)) or (shows is not None and not there):
            return
        play.held["I3"] += 1
        if shows not in meant:
            raise BrokenError("I3", f"{target} was said to work for {wanted!r}, and {other} shows {shows!r}")


def leave_behind(play: "Play", step: "Step", sync: "Step") -> None:
    """A company goes in one system: who worked there works there still in the other, where nobody has said a word."""
    play.calm()
    target = pick(play, step.a)
    if target is None:
        return
    name, firm = target
    other = SYSTEMS[name == "alpha"]
    shown = {
        (system, key): play.remote(system).of("people", key).get("firm")
        for system in SYSTEMS
        for key in living(play, system, "people")
    }
    homes, contested = homes_of(play), play.contested()
    staff = [key for (system, key), shows in shown.items() if (system, shows) == target]
    _trouble(play, step, other)
    go(play, name, firm, step.b)
    if step.c % 3 == 0 and staff:  # whose records are read again, whatever the vendor makes of them
        play.put(name, "people", staff[0], phone=f"+4989557{step.c:04}")
    play.step(sync)
    play.calm()
    if contested or play.contested() or homes_of(play) != homes:
        return
    merged = firm not in play.keys(name, "firms") and step.b % 4 == _MERGED
    for (system, key), before in shown.items():
        if key not in living(play, system, "people"):
            continue
        now = play.remote(system).of("people", key).get("firm")
        play.held["I7"] += 1
        if system == name and before == firm:
            continue
        if merged and now is not None:
            continue  # which of two a third one is that both were for a while is a question of who is who
        if now != before and before in living(play, system) and not _same(play, system, before, now):
            raise BrokenError("I7", f"{target} is gone, and {system}/people/{key} shows {now!r}, not {before!r}")


def _same(play: "Play", system: str, one: str, other: str | None) -> bool:
    """Are both records of one company?"""
    with play.world.store() as database:
        return (system, other) in _peers(database, system, "firms", one)


# -- who is who ----------------------------------------------------------------------------------------------------


def homes_of(play: "Play") -> list[tuple[int, int]]:
    """Whose the record of each person is."""
    with play.world.store() as database, database.read() as connection:
        rows = database.run(
            connection,
            "SELECT m.record, m.entity FROM member m JOIN record r ON r.id = m.record JOIN stream s ON s.id = r.stream "
            "WHERE s.name = 'people' ORDER BY m.record",
        ).fetchall()
    return [(row[0], row[1]) for row in rows]


def _peers(database: Database, system: str, stream: str, key: str, *, gone_too: bool = False) -> list[tuple[str, str]]:
    """System and key of all records of the entity of this one."""
    most = max(range(len(STATES))) if gone_too else ARCHIVED
    with database.read() as connection:
        rows = database.run(
            connection,
            "SELECT o.connection, t.rkey FROM record r JOIN stream s ON s.id = r.stream "
            "JOIN member m ON m.record = r.id JOIN member n ON n.entity = m.entity JOIN record t ON t.id = n.record "
            f"JOIN stream o ON o.id = t.stream AND o.name = s.name "
            f"WHERE s.connection = ? AND s.name = ? AND r.rkey = ? AND t.state <= {most}",
            (system, stream, key),
        ).fetchall()
    return [(row[0], row[1]) for row in rows]


def counterpart(play: "Play", record: tuple[str, str | None], other: str) -> str | None:
    """The same company in the other system, where it is there."""
    with play.world.store() as database:
        found = [key for system, key in _peers(database, record[0], "firms", record[1] or "") if system == other]
    return next((key for key in found if key in living(play, other)), None)


def _shown_to(play: "Play", target: tuple[str, str], other: str) -> set[Any]:
    """The companies that the other system shows of this person."""
    with play.world.store() as database:
        peers = _peers(database, target[0], "people", target[1])
    return {play.remote(other).of("people", key).get("firm") for system, key in peers
            if system == other and key in play.keys(other)}  # fmt: skip


def _held_of(play: "Play", name: str, key: str) -> int:
    """Of how many companies the hub holds that this person works there."""
    with play.world.open() as hub, hub.house.database.read() as connection:
        home = hub.house.database.run(
            connection,
            "SELECT m.entity FROM member m JOIN record r ON r.id = m.record JOIN stream s ON s.id = r.stream "
            "WHERE s.connection = ? AND s.name = 'people' AND r.rkey = ?",
            (name, key),
        ).scalar()
        return len(_companies(hub.house, connection).get(home or 0, ()))


def _companies(house: House, connection: Any) -> dict[int, list[str]]:
    """By person the public ids of the companies that the hub holds."""
    layout = house.layouts["person"]
    at = layout.position["works_at"]
    people = [
        row[0] for row in house.database.run(connection, "SELECT id FROM entity WHERE kind = 'person'").fetchall()
    ]
    goldens = load_goldens(house.database, connection, people, len(layout.fields))
    return {home: [str(one["entity"]).partition("/")[2] for one in golden.values[at] or ()]
            for home, golden in goldens.items()}  # fmt: skip


def _is_held(database: Database) -> bool:
    with database.read() as connection:
        return bool(database.run(connection, "SELECT count(*) FROM action WHERE state = 'held'").scalar())


# -- what must hold ------------------------------------------------------------------------------------------------


def at_any_time(play: "Play", database: Database) -> None:
    for effect in play.effects[play.witness.judged :]:
        check_left(play, database, effect)


def at_the_end(play: "Play", house: House) -> None:
    for check in (check_firms, check_same_company, check_said, check_deletes):
        check(play, house)


def check_left(play: "Play", database: Database, effect: Effect) -> None:
    """I7: who works somewhere is written as working nowhere only after somebody said so of that very person."""
    if effect.stream != "people" or "firm" not in effect.values or effect.values["firm"] is not None:
        return
    if effect.before.get("firm") is None:
        return
    play.held["I7"] += 1
    theirs = {(effect.system, effect.key), *_peers(database, effect.system, "people", effect.key, gone_too=True)}
    words = play.witness.left | play.witness.untold
    said = {(system, key) for system, key in words if system in play.witness.may_clear}
    if not said & theirs:
        raise BrokenError("I7", f"somebody was taken out of a company by nobody: {effect}")


def check_firms(play: "Play", house: House) -> None:
    """I6 and I7: a company is held as living where it lives, and as gone where it is gone."""
    with house.database.read() as connection:
        for system in SYSTEMS:
            stream = house.streams[f"{system}/firms"]
            held = dict(
                house.database.run(
                    connection, "SELECT rkey, state FROM record WHERE stream = ?", (stream.id,)
                ).fetchall()
            )
            for key in play.keys(system, "firms"):
                play.held["I6"] += 1
                gone = play.remote(system).of("firms", key).get("gone")
                if held.get(key) != (DELETED if gone else LIVE):
                    state = None if key not in held else STATES[held[key]]
                    raise BrokenError("I6", f"{system}/firms/{key} is held as {state}, gone there: {bool(gone)}")
            for key in held.keys() - set(play.keys(system, "firms")):
                play.held["I7"] += 1
                if held[key] not in (DELETED, MERGED):
                    raise BrokenError("I6", f"{system}/firms/{key} is held as {STATES[held[key]]} and is no more")


def check_same_company(play: "Play", house: House) -> None:
    """I2: two systems that have both companies show one and the same, where the hub holds no more than one: of several
    each shows the one it has, or none if one of them is gone there."""
    with house.database.read() as connection:
        waits = queues(house, connection)
        held = _companies(house, connection)
        rows = house.database.run(
            connection,
            "SELECT s.connection, s.name, r.rkey, r.state, m.entity FROM record r JOIN stream s ON s.id = r.stream "
            "JOIN member m ON m.record = r.id WHERE s.name IN ('people', 'firms')",
        ).fetchall()
        publics = dict(house.database.run(connection, "SELECT id, public FROM entity").fetchall())
    there = {publics[row[4]] for row in rows if row[1] == "firms" and row[2] in living(play, row[0])}
    firms = {
        (system, key): home for system, stream, key, state, home in rows if stream == "firms" and state <= ARCHIVED
    }
    people: dict[int, list[tuple[str, str]]] = {}
    for system, stream, key, _, home in rows:
        if stream == "people":
            people.setdefault(home, []).append((system, key))
    for home, records in people.items():
        one_in_each = sorted(system for system, _ in records) == list(SYSTEMS)
        if not one_in_each or len(held.get(home, ())) > 1 or not _is_told(play, house, waits, home, records):
            continue
        shown = {system: play.remote(system).of("people", key).get("firm") for system, key in records}
        named = {system: None if firm is None else firms.get((system, firm), 0) for system, firm in shown.items()}
        if 0 in named.values() or not there.issuperset(held.get(home, ())):
            continue  # what is named nobody has seen, or it is gone
        play.held["I2"] += 1
        alpha, beta = (named[system] for system in SYSTEMS)
        to_beta = play.may_write("beta") and _is_in(play, firms, alpha, "beta")
        to_alpha = play.may_write("alpha") and _is_in(play, firms, beta, "alpha")
        # Whichever of two the hub holds, it could be shown where it is not.
        if alpha != beta and (to_beta if beta is None else to_alpha if alpha is None else to_beta and to_alpha):
            raise BrokenError("I2", f"person {home} works for {named}: {records} show {shown}")


def _is_told(play: "Play", house: House, waits: Queues, home: int, records: Sequence[tuple[str, str]]) -> bool:
    """Has the hub been told all that these records show, and does nothing of it wait for anybody?"""
    for system, key in records:
        stream = house.streams[f"{system}/people"].id
        if (stream, key) in waits.letters or (stream, home) in waits.held or key not in living(play, system, "people"):
            return False
        if key in play.remote(system).unseen or play.was_cleared(system, key, "works_at"):
            return False
        if play.out_of_scope(system, play.remote(system).of("people", key)):
            return False
    return (home, "works_at") not in waits.conflicts


def _is_in(play: "Play", firms: Mapping[tuple[str, str], int], company: int | None, system: str) -> bool:
    return any(home == company and at == system and key in living(play, at) for (at, key), home in firms.items())


def check_said(play: "Play", house: House) -> None:
    """I3: the last company that somebody named for a person is visible somewhere, as long as it is there."""
    database = house.database
    with database.read() as connection:
        rows = database.run(
            connection,
            "SELECT s.connection, s.name, r.rkey, m.entity FROM record r JOIN stream s ON s.id = r.stream "
            "JOIN member m ON m.record = r.id WHERE s.name IN ('people', 'firms')",
        ).fetchall()
        homes = {(row[0], row[1], row[2]): row[3] for row in rows}
        publics: dict[int, set[str]] = {}
        for statement in ("SELECT id, public FROM entity", "SELECT entity, public FROM alias"):
            for number, public in database.run(connection, statement).fetchall():
                publics.setdefault(number, set()).add(public)
        told = ""
        for statement in (
            "SELECT vals FROM golden",
            "SELECT before FROM golden_history",
            "SELECT detail FROM conflict",
            "SELECT fields FROM journal",
        ):
            told += "".join(repr(load(bytes(row[0]))) for row in database.run(connection, statement).fetchall())
    for (system, stream, key, column), value in play.edits.items():
        if (stream, column) != ("people", "firm") or value is None or play.erased.has(system, stream, key):
            continue
        if key not in living(play, system, "people") or value not in living(play, system):
            continue
        if (system, key) in play.witness.untold:
            continue
        if play.on_delete == "unlink" and (system, "firms", value) in play.witness.gone:
            continue  # it was another one for a while
        row = play.remote(system).of("people", key)
        if row.get("firm") == value or play.out_of_scope(system, row):
            continue
        play.held["I3"] += 1
        company = homes.get((system, "firms", value))
        if company is None or not any(public in told for public in publics[company]):
            raise BrokenError("I3", f"{system}/people/{key} was said to work for {value!r}, which has vanished")


def check_deletes(play: "Play", house: House) -> None:
    """I7: a company is put away only after it was deleted elsewhere, where the file says so; and then it is."""
    archived = [one for one in play.effects if one.op == "archive"]
    for one in archived:
        play.held["I7"] += 1
        other = SYSTEMS[one.system == "alpha"]
        with house.database.read() as connection:
            gone = _members(house.database, connection, one.system, one.key, other)
        if play.on_delete not in ("archive", "review") or not gone & _gone_ever(play, other):
            raise BrokenError("I7", f"a company was put away for nothing: {one}")
    if play.on_delete != "archive":
        return
    put_away = {(one.system, one.key) for one in archived}
    with house.database.read() as connection:
        waits = queues(house, connection)
        asked = {row[0] for row in house.database.run(
            connection, "SELECT entity FROM conflict WHERE field = 'record'").fetchall()}  # fmt: skip
        rows = house.database.run(
            connection,
            "SELECT m.entity, s.connection, r.rkey, r.state FROM record r JOIN stream s ON s.id = r.stream "
            "JOIN member m ON m.record = r.id WHERE s.name = 'firms'",
        ).fetchall()
    by_entity: dict[int, list[Any]] = {}
    for entity, system, key, state in rows:
        by_entity.setdefault(entity, []).append((system, key, state))
    for entity, members in by_entity.items():
        for system in SYSTEMS:
            other = SYSTEMS[system == "alpha"]
            stream = house.streams[f"{other}/firms"]
            ends = [key for at, key, state in members if at == system and state == DELETED]
            lives = [key for at, key, state in members if at == system and state <= ARCHIVED]
            left = [key for at, key, state in members if at == other and state == LIVE]
            ours = [key for key in ends if (system, key) in put_away]
            ours += [key for key in left if (other, "firms", key) in play.witness.gone]  # somebody has brought it back
            if not ends or lives or ours or not left or "delete" not in stream.writes or entity in asked:
                continue
            if (stream.id, entity) in waits.held or any((stream.id, key) in waits.letters for key in left):
                continue
            play.held["I7"] += 1
            raise BrokenError("I7", f"{system}/firms/{ends} is gone, {other}/firms/{left} should have followed")


def _members(database: Database, connection: Any, system: str, key: str, other: str) -> set[str]:
    rows = database.run(
        connection,
        "SELECT t.rkey FROM record r JOIN stream s ON s.id = r.stream JOIN member m ON m.record = r.id "
        "JOIN member n ON n.entity = m.entity JOIN record t ON t.id = n.record JOIN stream o ON o.id = t.stream "
        "WHERE s.connection = ? AND s.name = 'firms' AND r.rkey = ? AND o.connection = ?",
        (system, key, other),
    ).fetchall()
    return {row[0] for row in rows}


def _gone_ever(play: "Play", system: str) -> set[str]:
    return {key for at, stream, key in play.witness.gone if (at, stream) == (system, "firms")}
