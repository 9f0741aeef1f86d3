"""Derive: golden fields that the hub computes from answers, recomputed for the people and companies that are touched.

Answers are copied narrow into `response` as their records settle; who answered is the entity that the record
belongs to, and its company the primary one of that person's golden record. A person is computed before the company.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from crosswalk.engine.matching import JOINS
from crosswalk.engine.model import House, Stream
from crosswalk.engine.moves import note_moves
from crosswalk.engine.reach import put_up
from crosswalk.store import meta
from crosswalk.store.codec import dump, load, load_row
from crosswalk.store.goldens import Golden, GoldenWrites, Layout, load_goldens
from crosswalk.store.leases import fence
from crosswalk.store.records import ARCHIVED, DERIVE, add_work, done_work, take_work
from mapping.derive import COMPANY_FIELDS, PERSON_FIELDS, Answered, company_cx, instant, person_cx
from mapping.values import ABSENT, Value
from scheduler.leases import Lease

_BATCH: Final = 500
_WORKS_AT: Final = "works_at"
_LOOKED: Final = "derived_at"  # until when answers that grow too old for a figure have been looked for
_LOOK_EVERY: Final = 3600 * 1000
_CLOCKS_APART: Final = timedelta(days=1)
_COLUMNS: Final = (
    "record", "metric", "question", "person", "company", "survey", "kind", "answered_at", "score", "counted",
)  # fmt: skip


# -- answers ---------------------------------------------------------------------------------------------------


def note_scores(house: House, lease: Lease, *, connection: Any = None, records: Sequence[int] | None = None) -> None:
    """Copy the scores of these response records (None: of all), inside the caller's transaction where it has one."""
    streams = [stream for stream in house.streams.values() if stream.kind in JOINS]
    if not streams:
        return
    if connection is not None:
        _note(house, connection, streams, list(records or ()))
        return
    for stream in streams:
        after = 0
        while True:
            with house.database.read() as reading:
                rows = house.database.run(
                    reading,
                    "SELECT id FROM record WHERE stream = ? AND id > ? ORDER BY id LIMIT ?",
                    (stream.id, after, 4 * _BATCH),
                ).fetchall()
            if not rows:
                break
            after = rows[-1][0]
            with house.database.write() as writing:
                fence(house.database, writing, lease)
                _note(house, writing, streams, [row[0] for row in rows])


def _note(house: House, connection: Any, streams: Sequence[Stream], records: Sequence[int]) -> None:
    database = house.database
    by_id = {stream.id: stream for stream in streams}
    known = [
        row
        for row in database.select(
            connection,
            "SELECT r.id, r.stream, r.state, b.observed, m.entity FROM record r JOIN body b ON b.record = r.id "
            "LEFT JOIN member m ON m.record = r.id WHERE",
            "r.id",
            records,
        )
        if row[1] in by_id
    ]
    if not known:
        return
    ids = [row[0] for row in known]
    touched = {
        row[0] for row in database.select(connection, "SELECT person FROM response WHERE", "record", ids) if row[0]
    }
    rows: list[tuple[Any, ...]] = []
    for record, stream, state, observed, person in known:
        if state <= ARCHIVED:
            rows += scores_of(record, person, by_id[stream], load_row(bytes(observed)))
        if person:
            touched.add(person)
    database.delete(connection, "response", "record", ids)
    database.insert(connection, "response", _COLUMNS, rows)
    add_work(database, connection, DERIVE, touched)


def scores_of(record: int, person: int | None, stream: Stream, row: Sequence[Value]) -> list[tuple[Any, ...]]:
    """Rows of `response` for one record: one per score."""

    def of(name: str) -> Value:
        at = stream.at.get(name)
        value = ABSENT if at is None else row[at]
        return None if value is ABSENT else value

    answered = of("completed_at") or of("recorded_at") or of("started_at")
    status, exclusion = _code(of("status")) or "completed", _code(of("exclusion")) or "none"
    comments = {str(one.get("question")): _plain(one.get("body")) for one in of("comments") or ()}
    rows = []
    for n, score in enumerate(of("scores") or ()):
        detail = {
            "value": score["value"],
            "scale_min": score.get("scale_min", "0"),
            "scale_max": score.get("scale_max", "10"),
            "direction": _code(score.get("direction")) or "high",
            "comment": comments.get(str(score.get("question"))) or (_plain(of("comment")) if n == 0 else None),
            "status": status,
            "exclusion": exclusion,
            "response": of("response_id"),
            "tool": of("tool"),
            "answered_at": answered,
        }
        counted = exclusion == "none" and status in ("completed", "partial") and answered is not None
        rows.append((
            record, _code(score["metric"]), str(score.get("question") or ""), person, None,
            str(of("survey_id") or ""), _code(of("kind")) or "relationship", _millis(answered), dump(detail), counted,
        ))  # fmt: skip
    return rows


def _code(value: Value) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("code")
    return None if value is None or value is ABSENT else str(value)


def _plain(body: Value) -> str | None:
    if isinstance(body, Mapping):
        body = body.get("text")
    return None if body is None or body is ABSENT else str(body)


def _millis(text: str | None) -> int | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


# -- who is touched --------------------------------------------------------------------------------------------


def follow(
    house: House,
    connection: Any,
    layout: Layout,
    afters: Mapping[int, Sequence[Value]],
    moved: Mapping[int, Sequence[int]],
    *,
    first: bool,
) -> None:
    """After a merge: keep who works where, and put up again whose figures depend on what was merged."""
    if not house.derives:
        return
    database = house.database
    at = works_at(house, layout)
    if at is not None:
        changed = [entity for entity in afters if first or at in moved.get(entity, (at,))]
        associate(house, connection, {entity: afters[entity][at] for entity in changed}, first=first)
    if first:
        return
    entities = list(afters)
    stray = [
        (row[1], row[0])
        for row in database.select(
            connection,
            "SELECT m.record, m.entity, r.person FROM member m JOIN response r ON r.record = m.record WHERE",
            "m.entity",
            entities,
        )
        if row[1] != row[2]
    ]
    database.run_many(connection, "UPDATE response SET person = ? WHERE record = ?", stray)
    for column in ("person", "company"):
        add_work(database, connection, DERIVE, _with_answers(house, connection, column, entities))


def works_at(house: House, layout: Layout) -> int | None:
    """Where golden of this kind names the companies that `associate` keeps; None: figures do not ask for it."""
    return layout.position.get(_WORKS_AT) if house.derives and layout.kind == "person" else None


def associate(house: House, connection: Any, companies: Mapping[int, Value], *, first: bool = True) -> None:
    """Keep who works where: by person the companies that golden names. `first`: nothing is kept of them yet."""
    database = house.database
    publics = {
        str(element["entity"]).partition("/")[2]
        for value in companies.values()
        if isinstance(value, list)
        for element in value
    }
    ids = dict(database.select(connection, "SELECT public, id FROM entity WHERE", "public", list(publics)))
    rows = [
        (entity, _WORKS_AT, ids[public])
        for entity, value in companies.items()
        if isinstance(value, list)
        for public in dict.fromkeys(str(element["entity"]).partition("/")[2] for element in value)
        if public in ids
    ]
    if not first:
        old = {
            row[0]
            for row in database.select(
                connection, "SELECT target FROM association WHERE field = 'works_at' AND", "entity", list(companies)
            )
        }
        database.run_many(
            connection,
            "DELETE FROM association WHERE entity = ? AND field = ?",
            [(entity, _WORKS_AT) for entity in companies],
        )
        add_work(
            database, connection, DERIVE, _with_answers(house, connection, "company", old | {row[2] for row in rows})
        )
    columns = ("entity", "field", "target")
    database.upsert(connection, "association", columns, columns, rows)


def _with_answers(house: House, connection: Any, column: str, entities: Iterable[int]) -> set[int]:
    """Those of these that answers name as their `column`, person or company."""
    return {
        row[0]
        for row in house.database.select(
            connection, f"SELECT DISTINCT {column} FROM response WHERE", column, list(entities)
        )
    }


def _grown_old(house: House, lease: Lease) -> None:
    """Companies of which an answer has left the window since the last look."""
    database, now = house.database, house.now()
    told = meta.get(database, _LOOKED)
    last = None if told is None else int(told)
    if last is not None and now - last < _LOOK_EVERY:
        return
    with database.write() as connection:
        fence(database, connection, lease)
        if last is not None:
            for metric in ("nps", "csat", "ces"):
                window = int(house.cx.of(metric).window.total_seconds() * 1000)
                rows = database.run(
                    connection,
                    "SELECT DISTINCT company FROM response WHERE company IS NOT NULL AND metric = ? "
                    "AND answered_at BETWEEN ? AND ?",
                    (metric, last - window, now - window),
                ).fetchall()
                add_work(database, connection, DERIVE, [row[0] for row in rows])
        meta.put(database, connection, _LOOKED, str(now).encode())


# -- figures ---------------------------------------------------------------------------------------------------


def derive_entities(house: House, lease: Lease, *, run: int) -> None:
    """Compute what is up: people first, since they put their companies up."""
    if not house.derives:
        return
    _grown_old(house, lease)
    database = house.database
    while True:
        with database.read() as connection:
            some = take_work(database, connection, DERIVE, _BATCH)
            kinds = dict(database.select(connection, "SELECT id, kind FROM entity WHERE", "id", some))
            people = [entity for entity in some if kinds.get(entity) == "person"]
            if not people and some:
                waiting = database.run(
                    connection,
                    "SELECT t.id FROM todo t JOIN entity e ON e.id = t.id WHERE t.stage = ? AND e.kind = 'person' "
                    "ORDER BY t.id LIMIT ?",
                    (DERIVE, _BATCH),
                ).fetchall()
                people = [row[0] for row in waiting]
        if not some:
            return
        batch = people or some
        with database.write() as connection:
            fence(database, connection, lease)
            done_work(database, connection, DERIVE, batch)
            if people:
                _derive_people(house, connection, people, run=run)
            else:
                companies = [entity for entity in some if kinds.get(entity) == "company"]
                _derive_companies(house, connection, companies, run=run)


def _derive_people(house: House, connection: Any, people: Sequence[int], *, run: int) -> None:
    database = house.database
    companies = _companies_of(house, connection, people)
    touched: set[int] = set()
    for person, held in list(
        database.select(connection, "SELECT DISTINCT person, company FROM response WHERE", "person", people)
    ):
        home = companies.get(person)
        touched.update(one for one in (held, home) if one is not None)
        if held != home:
            database.run(connection, "UPDATE response SET company = ? WHERE person = ?", (home, person))
    answers = _answers(house, connection, "person", people)
    computed = {
        person: (person_cx(mine, settings=house.cx, as_of=_as_of(house, mine)), mine)
        for person in people
        for mine in (answers.get(person, []),)
    }
    _store(house, connection, "person", PERSON_FIELDS, computed, run=run)
    add_work(database, connection, DERIVE, touched)


def _derive_companies(house: House, connection: Any, companies: Sequence[int], *, run: int) -> None:
    database = house.database
    answers = _answers(house, connection, "company", companies)
    contacts: dict[int, int] = dict(
        database.select(
            connection,
            "SELECT target, count(*) FROM association WHERE field = 'works_at' AND",
            "target",
            companies,
            "GROUP BY target",
        )
    )
    computed = {
        company: (
            company_cx(mine, contacts=contacts.get(company), settings=house.cx, as_of=_as_of(house, mine)),
            mine,
        )
        for company in companies
        for mine in (answers.get(company, []),)
    }
    _store(house, connection, "company", COMPANY_FIELDS, computed, run=run)


def _as_of(house: House, answers: Sequence[Answered]) -> str:
    """Now; but a vendor's clock may be ahead of ours, and an answer that is there has been given."""
    now = house.clock().astimezone(UTC)
    ahead = [one.answered_at for one in answers if one.answered_at <= instant(now + _CLOCKS_APART)]
    return max(instant(now), *(text for text in ahead if len(text) > len("2026-11-24")), "")


def _companies_of(house: House, connection: Any, people: Sequence[int]) -> dict[int, int]:
    """The primary company of each person: the first that golden names."""
    layout = house.layouts.get("person")
    at = None if layout is None else layout.position.get(_WORKS_AT)
    if layout is None or at is None:
        return {}
    goldens = load_goldens(house.database, connection, people, len(layout.fields))
    first: dict[int, str] = {}
    for person, golden in goldens.items():
        value = golden.values[at]
        if isinstance(value, list):
            chosen = next((one for one in value if one.get("primary") or one.get("role") == "primary"), value[0])
            first[person] = str(chosen["entity"]).partition("/")[2]
    ids = dict(
        house.database.select(connection, "SELECT public, id FROM entity WHERE", "public", list(set(first.values())))
    )
    return {person: ids[public] for person, public in first.items() if public in ids}


def _answers(house: House, connection: Any, column: str, entities: Sequence[int]) -> dict[int, list[Answered]]:
    found: dict[int, list[Answered]] = {}
    for entity, record, metric, survey, kind, score, person, company in house.database.select(
        connection,
        f"SELECT {column}, record, metric, survey, kind, score, person, company FROM response WHERE counted AND",
        column,
        entities,
    ):
        told = load(bytes(score))
        found.setdefault(entity, []).append(
            Answered(
                record=record,
                response_id=str(told["response"] or record),
                survey=survey,
                metric=metric,
                score=str(told["value"]),
                answered_at=told["answered_at"],
                person=person,
                company=company,
                kind=kind,
                comment=told["comment"],
                status=told["status"],
                exclusion=told["exclusion"],
                scale_min=str(told["scale_min"]),
                scale_max=str(told["scale_max"]),
                direction=told["direction"],
                tool=told["tool"],
            )
        )
    return found


def _store(
    house: House,
    connection: Any,
    kind: str,
    names: Sequence[str],
    computed: Mapping[int, tuple[Mapping[str, Value], Sequence[Answered]]],
    *,
    run: int,
) -> None:
    """Golden with the computed fields, and in the bases of its records what is to be shown there."""
    database = house.database
    layout = house.layouts.get(kind)
    if layout is None or not computed:
        return
    goldens = load_goldens(database, connection, list(computed), len(layout.fields))
    writes = GoldenWrites(run=run, at=house.now())
    moves: dict[int, list[tuple[str, Value]]] = {}  # per entity the fields that moved, with what stood before
    for entity, (values, answers) in computed.items():
        before = goldens.get(entity)
        if before is None:
            continue
        after = Golden(list(before.values), list(before.winners), list(before.rules))
        latest = {one.response_id: one for one in answers}
        for name in names:
            at = layout.position.get(name)
            value = values.get(name)
            if at is None or value == before.values[at] or (value is None and before.values[at] is ABSENT):
                continue
            after.values[at] = value
            after.winners[at], after.rules[at] = _why(name, values, latest)
            moves.setdefault(entity, []).append((name, before.values[at]))
        if entity in moves:
            writes.add(entity, before, after, layout.fields)
    writes.save(database, connection)
    note_moves(house, connection, moves)
    put_up(house, connection, kind, {entity: [name for name, _ in some] for entity, some in moves.items()})


def _why(name: str, values: Mapping[str, Value], answers: Mapping[str, Answered]) -> tuple[int | None, str]:
    """The response that a computed field comes from, and the reason in words."""
    metric = name.split(".")[1]
    source = answers.get(str(values.get(f"cx.{metric}.response_id")))
    if source is None:
        return None, "computed from all answers"
    return source.record, f"latest {metric} answer ({source.tool or 'survey'} {source.survey})"
