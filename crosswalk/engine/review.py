"""Review: what waits for a person. Fields on which sides disagree, and pairs of records that may be one.

A decision is written down and taken by the next run; nothing is merged or written to a vendor here.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from math import log2
from typing import Any, Final, NamedTuple

from anyascii import anyascii
from msgspec.structs import replace

from crosswalk.engine.entities import WERE_TWO
from crosswalk.engine.evidence import Comparer
from crosswalk.engine.given import read_value
from crosswalk.engine.model import House
from crosswalk.engine.overview import OPEN_PAIRS, count_conflicts, count_pairs
from crosswalk.engine.removed import RECORD
from crosswalk.engine.said import say, words_against
from crosswalk.engine.settle import EntityMerger, by_policy, load_groups
from crosswalk.engine.words import (
    AskError,
    Titles,
    entity_names,
    field_of,
    load_golden_fields,
    load_record_fields,
    number_of,
    record_addresses,
    shown,
    spoken,
    title_of,
)
from crosswalk.store import conflicts
from crosswalk.store.codec import iso, load, mark, unmark
from crosswalk.store.goldens import Golden, load_goldens
from crosswalk.store.records import ARCHIVED, MERGE, add_work
from mapping.match.keys import fold
from mapping.merge.policy import FieldPolicy
from mapping.values import ABSENT, Value


def listing(house: House, *, limit: int | None = None) -> dict[str, Any]:
    """Open conflicts and pairs, oldest first; of each kind at most `limit`, with what that leaves out."""
    with house.database.read() as connection:
        told = _conflicts(house, connection, limit)
        pairs = _pairs(house, connection, limit)
        return {
            "conflicts": told,
            "pairs": pairs,
            "left_out": {
                "conflicts": count_conflicts(house.database, connection) - len(told),
                "pairs": count_pairs(house.database, connection) - len(pairs),
            },
        }


# -- conflicts -----------------------------------------------------------------------------------------------


class _Open:
    """One open conflict as it stands in the store. `alike`: of conflicts with one `likeness` one answer fits all."""

    __slots__ = ("at", "detail", "entity", "field", "id", "kind", "likeness", "sides")

    def __init__(self, house: House, row: Any) -> None:
        self.id: int = row[0]
        self.entity: int = row[1]
        self.kind: str = row[2]
        self.field: str = row[3]
        self.detail: dict[str, Any] = load(bytes(row[4]))
        # In the order of the file, whichever was read first: a number on the screen means the same tomorrow.
        order = {name: at for at, name in enumerate(house.links)}
        self.sides: list[dict[str, Any]] = sorted(
            self.detail.get("sides") or [],
            key=lambda side: (order.get(side["connection"], len(order)), side["record"]),
        )
        self.at: int = row[5]
        self.likeness = (self.kind, self.field, tuple(sorted({side["connection"] for side in self.sides})))


def _open(house: House, connection: Any) -> Iterator[_Open]:
    rows = house.database.run(
        connection,
        "SELECT c.id, c.entity, e.kind, c.field, c.detail, c.at FROM conflict c JOIN entity e ON e.id = c.entity "
        "WHERE c.state = 'open' ORDER BY c.id",
    )
    return (_Open(house, row) for row in rows.fetchall())


def _conflicts(house: House, connection: Any, limit: int | None) -> list[dict[str, Any]]:
    waiting = list(_open(house, connection))
    alike: dict[tuple[Any, ...], int] = {}
    for one in waiting:
        alike[one.likeness] = alike.get(one.likeness, 0) + 1
    some = waiting[:limit]
    entities = [one.entity for one in some]
    names = entity_names(house, connection, entities)
    titles = Titles(house, connection)
    told_titles = titles.of(entities)
    addresses = record_addresses(house, connection, [side["record"] for one in some for side in one.sides])
    suggester = _Suggester(house, connection)
    told = []
    for one in some:
        kind_field = field_of(one.kind, one.field)
        told.append(
            {
                "id": spoken("conflict", one.id),
                "entity": names.get(one.entity),
                "title": told_titles.get(one.entity, ""),
                "field": one.field,
                "base": titles.shown(unmark(one.detail.get("base")), kind_field),
                "sides": [
                    {
                        "connection": side["connection"],
                        "record": addresses.get(side["record"]),
                        "value": titles.shown(unmark(side["value"]), kind_field),
                        "changed_at": side.get("changed_at"),
                        "by": side.get("by"),
                        "precision_s": _precision(house, addresses.get(side["record"], "")),
                    }
                    for side in one.sides
                ],
                "why": one.detail.get("why", ""),
                "alike": alike[one.likeness],
                "due": _due(house, one),
                "default": None if _due(house, one) is None else house.settings.review.take,
                "suggestion": suggester.suggest(one),
                "under": f"merge.{one.kind}",
            }
        )
    return told


def _due(house: House, one: _Open) -> str | None:
    """When it is decided without a person; None: never."""
    review = None if house.settings is None else house.settings.review
    if review is None or review.after is None or _by_people_alone(house, one):
        return None
    return iso(one.at + _millis(review.after))


def _by_people_alone(house: House, one: _Open) -> bool:
    """Consent, and whether a record is put away: no deadline decides it."""
    return one.field == RECORD or house.policies.policy(one.kind, one.field).code == "strict"


def _precision(house: House, address: str) -> float | None:
    """How exactly this system knows when something was changed, in seconds; None: to the second or better."""
    stream = house.streams.get("/".join(address.split("/", 2)[:2]))
    seconds = 0.0 if stream is None else stream.spec.resolution.total_seconds()
    return seconds if seconds > 1 else None


class _Suggester:
    """Finds a line for the file that would have settled a conflict, by trying it on the first of each kind."""

    def __init__(self, house: House, connection: Any) -> None:
        self._house = house
        self._connection = connection
        self._known: dict[tuple[Any, ...], str] = {}

    def suggest(self, one: _Open) -> str:
        """`job_title: {on_conflict: [newest, masters]}`; "" where no rule could decide it."""
        if one.likeness not in self._known:
            self._known[one.likeness] = self._try(one)
        return self._known[one.likeness]

    def _try(self, one: _Open) -> str:
        layout = self._house.layouts.get(one.kind)
        position = None if layout is None else layout.position.get(one.field)
        if layout is None or position is None:
            return ""
        policy = self._house.policies.policy(one.kind, one.field)
        if policy.code == "strict":
            return ""  # consent only ever tightens: there is nothing to choose
        width = len(layout.fields)
        goldens = load_goldens(self._house.database, self._connection, [one.entity], width)
        golden = (goldens.get(one.entity) or Golden.blank(width)).values[position]
        merger = EntityMerger(self._house, self._connection, layout, {})
        groups = load_groups(self._house, self._connection, [one.entity], reading=True)
        sides = [
            merger.side(member, at, position, one.field, golden)
            for group in groups
            for member in group.members
            if member.state <= ARCHIVED and (at := member.stream.at.get(one.field)) is not None
        ]
        if not sides:
            return ""
        for told in _attempts(policy, [side.system for side in sides]):
            if by_policy(sides, golden, replace(policy, **told)).verdict != "conflict":
                return self._line(one, told)
        return ""

    def _line(self, one: _Open, told: Mapping[str, Any]) -> str:
        settings = self._house.settings
        own: dict[str, Any] = {}
        if settings is not None and one.field in settings.merge.kinds.get(one.kind, {}):
            own = dict(settings.merge.kinds[one.kind][one.field].told())
        keys = {**own, **told}
        order = ("masters", "on_conflict", "on_foreign_edit", "allow_clear", "tolerance")
        parts = [f"{key}: {_yaml(keys[key])}" for key in order if key in keys]
        return f"{one.field}: {{{', '.join(parts)}}}"


def _attempts(policy: FieldPolicy, systems: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Policies that might decide it, the gentlest first: by time, by union, by rank, by writing ours again."""
    if policy.shape == "set" and "union" not in policy.on_conflict:
        yield {"on_conflict": ("union", "masters")}
    if "masters" not in policy.on_conflict:
        yield {"on_conflict": ("newest", "masters")}
        yield {"on_conflict": ("masters",)}
    if policy.on_foreign_edit == "review":
        yield {"on_foreign_edit": "revert"}
        yield {"on_foreign_edit": "revert", "on_conflict": ("masters",)}
    missing = [system for system in dict.fromkeys(systems) if system not in policy.masters]
    if missing:
        yield {"masters": (*policy.masters, *missing), "on_conflict": ("masters",)}


def _yaml(value: Any) -> str:
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        for size, unit in ((604800, "w"), (86400, "d"), (3600, "h"), (60, "m")):
            if seconds and seconds % size == 0:
                return f"{seconds // size}{unit}"
        return f"{seconds}s"
    if isinstance(value, str):
        return value
    return f"[{', '.join(str(one) for one in value)}]"


def decide(
    house: House,
    conflict: int | str,
    *,
    take: str | None = None,
    value: Any = None,
    keep: bool = False,
    who: str,
    all_alike: bool = False,
) -> dict[str, Any]:
    """A person's word on a conflict; the next run uses it.

    One of: `take`, the side whose value holds (its connection, its record, or its number in the list from 1, or
    `hub` for what the hub holds); `value`, another one (text as people write it, "" to clear, or the common form);
    `keep`, each side keeps its own. `all_alike`: the same for all open conflicts of this field among the same
    connections; those in which it is not clear what was meant are left (`left`).
    """
    if (take is not None) + (value is not None) + keep != 1:
        raise AskError("say one of: take a side, give a value, keep both")
    if all_alike and value is not None:
        raise AskError("a value is for one conflict alone", hint="take a side, or keep both, for all that are alike")
    number = number_of("conflict", conflict)
    decided: list[tuple[_Open, dict[str, Any]]] = []
    left: list[str] = []
    with house.database.write(durable=True) as connection:
        waiting = list(_open(house, connection))
        first = next((one for one in waiting if one.id == number), None)
        if first is None:
            raise _not_open(house, connection, number)
        if value is not None and first.field == RECORD:
            raise AskError(
                "there is no value for a whole record", hint="take the side that is to be followed, or keep both"
            )
        chosen = [one for one in waiting if one is first or (all_alike and one.likeness == first.likeness)]
        _name_sides(house, connection, chosen)
        system = None if take is None else _system_of(first, take)
        for one in chosen:
            decision = _decision(house, connection, one, take if one is first else system, value, keep, who)
            if decision is None:
                left.append(spoken("conflict", one.id))
                continue
            if not conflicts.decide(house.database, connection, one.id, decision, at=house.now()):
                if one is first:
                    raise _not_open(house, connection, number)
                continue  # somebody else has just decided it
            add_work(house.database, connection, MERGE, [one.entity])
            decided.append((one, decision))
        names = entity_names(house, connection, [one.entity for one, _ in decided])
        titles = Titles(house, connection)
        told = [
            {
                "id": spoken("conflict", one.id),
                "entity": names.get(one.entity),
                "field": one.field,
                "take": decision["take"],
                "value": titles.shown(unmark(decision["value"]), field_of(one.kind, one.field)),
            }
            for one, decision in decided
        ]
        suggestion = _Suggester(house, connection).suggest(first)
    return {
        "decided": len(told),
        "ids": [one["id"] for one in told],
        "decisions": told,
        "left": left,
        "suggestion": suggestion,
        "under": f"merge.{first.kind}",
    }


def decide_overdue(house: House) -> int:
    """Decide what has waited longer than the file lets it, as the file says; how many. The next merge uses it.

    Where that does not tell (no master among the sides, two edits of the same moment), and of consent and deletes, it
    waits on.
    """
    settings = None if house.settings is None else house.settings.review
    if settings is None or settings.after is None:
        return 0
    done = 0
    with house.database.write() as connection:
        for one in list(_open(house, connection)):
            if one.at > house.now() - _millis(settings.after):
                continue
            decision = _default(house, connection, one, settings.take)
            if decision is not None:
                decision["who"] = f"the file: review after {_yaml(settings.after)}"
                if conflicts.decide(house.database, connection, one.id, decision, at=house.now()):
                    add_work(house.database, connection, MERGE, [one.entity])
                    done += 1
    return done


def _default(house: House, connection: Any, one: _Open, take: str) -> dict[str, Any] | None:
    if _by_people_alone(house, one):
        return None
    policy = house.policies.policy(one.kind, one.field)
    if take in ("keep", "hub"):
        return _decision(house, connection, one, take, None, take == "keep", "")
    chosen = _first_master(one, policy) if take == "masters" else _last_edit(one)
    if chosen is None:
        return None
    return {"take": "side", "value": chosen["value"], "record": chosen["record"], "who": ""}


def _first_master(one: _Open, policy: FieldPolicy) -> Mapping[str, Any] | None:
    ranked = [(rank, side) for side in one.sides if (rank := policy.rank(str(side["connection"]))) is not None]
    best = min((rank for rank, _ in ranked), default=None)
    first = [side for rank, side in ranked if rank == best]
    return first[0] if len(first) == 1 else None


def _last_edit(one: _Open) -> Mapping[str, Any] | None:
    stamps = [str(side.get("changed_at") or "") for side in one.sides]
    last = [side for side, stamp in zip(one.sides, stamps, strict=True) if stamp == max(stamps)]
    return last[0] if len(last) == 1 and all(stamps) else None


def _millis(span: timedelta) -> int:
    return int(span.total_seconds() * 1000)


def _not_open(house: House, connection: Any, number: int) -> AskError:
    row = house.database.run(connection, "SELECT state, who FROM conflict WHERE id = ?", (number,)).fetchone()
    name = spoken("conflict", number)
    if row is None:
        return AskError(f"there is no {name}", hint="crosswalk review lists what there is")
    if row[0] in ("decided", "used"):
        return AskError(f"{name} has been decided by {row[1] or 'somebody'}", hint="the next run writes it")
    return AskError(
        f"{name} is asked no more: what it was about has changed", hint="crosswalk review lists what is open by now"
    )


def _name_sides(house: House, connection: Any, waiting: Sequence[_Open]) -> None:
    addresses = record_addresses(house, connection, [side["record"] for one in waiting for side in one.sides])
    for one in waiting:
        for side in one.sides:
            side["address"] = addresses.get(side["record"])


def _system_of(one: _Open, take: str) -> str:
    """What `take` means in conflicts that are alike: the connection of the side that was chosen."""
    side = _chosen(one, take)
    return take if side is None else str(side["connection"])


def _chosen(one: _Open, take: str) -> Mapping[str, Any] | None:
    """The side that was meant; None: the hub. AskError where no side, or more than one, was."""
    sides = one.sides
    if take.isascii() and take.isdigit() and 0 < int(take) <= len(sides):
        return sides[int(take) - 1]
    named = [side for side in sides if take in (side["connection"], side.get("address"))]
    if len(named) == 1:
        return named[0]
    if not named and take == "hub":
        return None
    connections = ", ".join(dict.fromkeys(str(side["connection"]) for side in sides))
    if named:
        raise AskError(
            f"{take} has {len(named)} records in {spoken('conflict', one.id)}", hint="take one by its number"
        )
    raise AskError(f"{spoken('conflict', one.id)} has no side '{take}'", hint=f"take one of: {connections}")


def _decision(
    house: House, connection: Any, one: _Open, take: str | None, value: Any, keep: bool, who: str
) -> dict[str, Any] | None:
    if value is not None:
        given = read_value(field_of(one.kind, one.field), value)
        return {"take": "value", "value": mark(given), "record": None, "who": who}
    try:
        chosen = None if keep or take is None else _chosen(one, take)
    except AskError:
        if take in {side["connection"] for side in one.sides}:
            return None
        raise
    if chosen is not None:
        return {"take": "side", "value": chosen["value"], "record": chosen["record"], "who": who}
    golden = load_golden_fields(house, connection, one.kind, [one.entity]).get(one.entity, {})
    return {
        "take": "keep" if keep else "hub", "value": mark(golden.get(one.field, ABSENT)), "record": None, "who": who,
    }  # fmt: skip


# -- pairs ---------------------------------------------------------------------------------------------------


def _pairs(house: House, connection: Any, limit: int | None) -> list[dict[str, Any]]:
    rows = house.database.run(
        connection,
        f'SELECT p.id, p."left", p."right", p.rule, a.entity, b.entity {OPEN_PAIRS} ORDER BY p.id LIMIT ?',
        (1_000_000 if limit is None else limit,),
    ).fetchall()
    records = [number for row in rows for number in (row[1], row[2])]
    addresses = record_addresses(house, connection, records)
    values = load_record_fields(house, connection, records)
    kinds = dict(house.database.select(
        connection, "SELECT m.record, e.kind FROM member m JOIN entity e ON e.id = m.entity WHERE", "m.record", records
    ))  # fmt: skip
    names = entity_names(house, connection, [entity for row in rows for entity in (row[4], row[5])])
    comparer = Comparer(house, connection)
    for kind in set(kinds.values()):
        comparer.learn(kind, [number for number in records if kinds.get(number) == kind])
    told = []
    for number, left, right, rule, entity_a, entity_b in rows:
        scored = comparer.scored(kinds.get(left, ""), left, right)
        evidence = (
            _Evidence(house, connection, left, right, values.get(left, {}), values.get(right, {}))
            if scored is None
            else _Weighed(list(scored.reasons), _against(scored.against, rule), round(scored.bits, 1))
        )
        told.append(
            {
                "id": spoken("pair", number),
                "kind": kinds.get(left, "record"),
                "rule": rule,
                "records": [
                    {
                        "address": addresses[record],
                        "entity": names.get(entity),
                        "title": title_of(kinds.get(record, ""), values.get(record, {})) or addresses[record],
                        "values": _telling(values.get(record, {})),
                    }
                    for record, entity in ((left, entity_a), (right, entity_b))
                ],
                "for": evidence.agreeing,
                "against": evidence.against,
                "bits": evidence.bits,
            }
        )
    alike = Counter(map(_likeness, told))
    for one in told:
        one["alike"] = alike[_likeness(one)]
    return told


def _against(reasons: Iterable[str], rule: str) -> list[str]:
    """Reasons that scores give, and what they do not know: that an edit made the two alike."""
    return [*reasons, *(["were two before an edit made them alike"] if rule == WERE_TWO else [])]


def _likeness(pair: Mapping[str, Any]) -> tuple[Any, ...]:
    """Of pairs with an equal one the same speaks for and against, whatever it counts: one answer may fit all."""
    told = (sorted(_BITS.sub("", reason) for reason in pair[side]) for side in ("for", "against"))
    return (pair["kind"], *map(tuple, told))


_BITS: Final = re.compile(r", [+-][\d.]+ bits$")


class _Weighed(NamedTuple):
    """What scored matching says."""

    agreeing: list[str]
    against: list[str]
    bits: float


_TELLING: Final = (
    "name", "emails", "phones", "company_name", "job_title", "birth_date", "addresses", "domains", "website",
    "external_ids", "registrations", "respondent",
)  # fmt: skip


def _telling(values: Mapping[str, Value]) -> dict[str, Any]:
    """What a person needs to see to tell two apart."""
    return {name: text for name in _TELLING if (text := shown(values.get(name, ABSENT))) not in (None, "")}


class _Evidence:
    """What speaks for two records being one and what against it, of kinds that are not scored.

    `bits`: how surprising what they share is among so many records, log2(records / holders) for each identifier.
    """

    def __init__(
        self, house: House, connection: Any, left: int, right: int, a: Mapping[str, Value], b: Mapping[str, Value]
    ) -> None:
        self.agreeing: list[str] = []
        self.against: list[str] = []
        self.bits = 0.0
        self._shared(house, connection, left, right)
        self._names(a, b)
        self._differing(a, b)
        self.bits = round(self.bits, 1)

    def _shared(self, house: House, connection: Any, left: int, right: int) -> None:
        database = house.database
        rows = database.run(
            connection,
            "SELECT DISTINCT k.kind, a.kind, a.value FROM ident a JOIN ident b ON b.kind = a.kind "
            "AND b.value = a.value JOIN ident_kind k ON k.id = a.kind WHERE a.record = ? AND b.record = ?",
            (left, right),
        ).fetchall()
        everybody = int(database.run(connection, "SELECT max(id) FROM record").scalar() or 2)
        joined = {part for name, _, _ in rows for part in _parts(name) if "+" in name}
        for name, kind, value in sorted(rows):
            parts = _parts(name)
            if len(parts) == 1 and parts[0] in joined:
                continue  # told with what it is joined to
            count = int(
                database.run(
                    connection, "SELECT count(DISTINCT record) FROM ident WHERE kind = ? AND value = ?", (kind, value)
                ).scalar()
                or 2
            )
            held = "held by these 2 only" if count <= 2 else f"held by {count} records"
            self.agreeing.append(f"same {' and '.join(_WORDS.get(part, part) for part in parts)}, {held}")
            self.bits += max(0.0, log2(max(everybody, 2) / max(count, 2)))

    def _names(self, a: Mapping[str, Value], b: Mapping[str, Value]) -> None:
        left, right = _full(a), _full(b)
        if not left or not right:
            return
        if fold(left) == fold(right):
            if not any("name" in text for text in self.agreeing):
                self.agreeing.append("names agree")
        elif alike(left, right):
            self.agreeing.append(
                "names agree once transliterated" if not (left + right).isascii() else "names are alike"
            )
        else:
            self.against.append("name differs")

    def _differing(self, a: Mapping[str, Value], b: Mapping[str, Value]) -> None:
        for names, key, word in _COMPARED:
            mine, theirs = _held(a, names, key), _held(b, names, key)
            if mine and theirs and not mine & theirs:
                self.against.append(f"{word} differs")


_WORDS: Final[Mapping[str, str]] = {
    "email": "e-mail", "family": "family name", "external": "customer number", "birth_date": "birth date",
}  # fmt: skip
_COMPARED: Final = (
    (("emails", "primary_email"), "address", "e-mail"),
    (("phones", "primary_phone"), "number", "phone"),
    (("birth_date",), "", "birth date"),
    (("company_name",), "", "company"),
    (("domains",), "domain", "domain"),
    (("registrations",), "value", "registration"),
)  # fmt: skip


def _parts(kind: str) -> list[str]:
    return kind.rpartition("/")[2].partition(":")[0].split("+")


def _held(values: Mapping[str, Value], names: Sequence[str], key: str) -> set[str]:
    """Folded texts of a field; of a response, of what its respondent claims."""
    claims = values.get("respondent") or {}
    found = [values.get(name) for name in names] + [claims.get("email" if key == "address" else "phone")] * (
        key in ("address", "number")
    )
    texts: set[str] = set()
    for value in found:
        for one in value if isinstance(value, list) else [value]:
            text = one.get(key) if isinstance(one, Mapping) else one
            if text and text is not ABSENT:
                texts.add(str(text).casefold())
    return texts


def _full(values: Mapping[str, Value]) -> str:
    name = values.get("name") or values.get("respondent") or ""
    return str(shown({"full": None, **name}) if isinstance(name, Mapping) else name or "")


def alike(left: str, right: str) -> bool:
    """Do two names agree but for script, vowels and order? Every word of the shorter stands in the longer."""
    one, other = _skeleton(left), _skeleton(right)
    shorter, longer = sorted((one, other), key=len)
    return bool(shorter) and (len(shorter) > 1 or shorter == longer) and shorter <= longer


def _skeleton(name: str) -> frozenset[str]:
    """Consonants of each word in Latin letters, doubled ones once: vowels are what transliterations differ in."""
    words = []
    for word in fold(anyascii(name)).split():
        kept = ""
        for letter in word:
            if letter not in "aeiouyh" and not kept.endswith(letter):
                kept += letter
        words.append(kept)
    return frozenset(word for word in words if len(word) > 1)


def decide_pair(house: House, pair: int | str, *, same: bool, who: str, all_alike: bool = False) -> dict[str, Any]:
    """A person says that two records are, or never are, the same; the next run joins them, or keeps them apart.

    The last word counts; who are one by now are parted (`engine.parting`). `all_alike`: so for all open pairs that the
    same speaks for and against, but for those that it would contradict other words on: `left` names them.

    Raises AskError where words on others contradict it.
    """
    number = number_of("pair", pair)
    database = house.database
    with database.write(durable=True) as connection:
        row = database.run(
            connection, 'SELECT "left", "right", state, who FROM pair WHERE id = ?', (number,)
        ).fetchone()
        name = spoken("pair", number)
        if row is None:
            raise AskError(f"there is no {name}", hint="crosswalk review lists what there is")
        left, right, state, before = row
        verdict = "same" if same else "never"
        if state == verdict:
            raise AskError(f"{name} has been decided like that by {before or 'somebody'}")
        others = _alike(house, connection, name) if all_alike else []
        say(house, connection, [(left, right)], verdict, who=who)
        decided, kept = [name], []
        for other, ends in others:
            if words_against(house, connection, ends, verdict):
                kept.append(other)
                continue
            say(house, connection, [ends], verdict, who=who)
            decided.append(other)
        addresses = record_addresses(house, connection, [left, right])
        return {
            "decided": len(decided),
            "ids": decided,
            "left": kept,
            "same": same,
            "records": [addresses[left], addresses[right]],
        }


def _alike(house: House, connection: Any, name: str) -> list[tuple[str, tuple[int, int]]]:
    """The other open pairs that are like one, each with its records."""
    told = _pairs(house, connection, None)
    asked = next((_likeness(one) for one in told if one["id"] == name), None)
    names = {one["id"] for one in told if one["id"] != name and _likeness(one) == asked}
    rows = house.database.run(connection, 'SELECT id, "left", "right" FROM pair WHERE state = \'open\'').fetchall()
    return [(spoken("pair", row[0]), (row[1], row[2])) for row in rows if spoken("pair", row[0]) in names]
