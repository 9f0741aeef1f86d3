"""A stored plan as people read it: per record and field before, after, reason, source; counts, guards, forecast."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from crosswalk.engine import review
from crosswalk.engine.forecast import forecast
from crosswalk.engine.model import House, Stream
from crosswalk.engine.plan import CLASS_OF
from crosswalk.engine.spoken import FIRST, GUARD, STORM, held_reasons
from crosswalk.engine.words import (
    AskError,
    Titles,
    differing_first,
    entity_names,
    field_of,
    number_of,
    record_addresses,
    spoken,
    told_apart,
)
from crosswalk.store import erasures, outbox
from crosswalk.store.codec import iso, unmark
from crosswalk.store.outbox import Action, Plan

CLASSES = ("create", "update", "clear", "delete")
_TOLD = 200  # actions that the answer to a run names; the journal has them all
_OPEN = ("planned", "held", "leased", "sent", "unknown", "later", "proposed")


def load_plan(house: House, number: int | str) -> Plan:
    """The plan of this number; AskError where there is none."""
    wanted = number_of("plan", number)
    with house.database.read() as connection:
        plan = outbox.load_plan(house.database, connection, wanted)
    if plan is None:
        raise AskError(f"there is no plan {spoken('plan', wanted)}", hint="crosswalk plan makes one")
    return plan


def open_plan(house: House) -> str | None:
    """The name of the plan that `apply` would take now."""
    with house.database.read() as connection:
        plan = outbox.open_plan(house.database, connection)
    return None if plan is None or plan.expires_at <= house.now() else spoken("plan", plan.id)


def report(house: House, plan: Plan | None, *, actions: bool = True) -> dict[str, Any]:
    """The dict of `plan --json`. `plan` None: nothing is to be written."""
    told: list[dict[str, Any]] = []
    mine: list[Action] = []
    with house.database.read() as connection:
        if plan is not None:
            mine = outbox.of_plan(house.database, connection, plan.id, states=_OPEN)
        if actions:
            told = _actions(house, connection, mine)
    waiting = review.listing(house)["conflicts"]
    detail = {} if plan is None else plan.detail
    return {
        "plan": None
        if plan is None
        else {
            "id": spoken("plan", plan.id),
            "hash": plan.hash,
            "state": _state(house, plan),
            "created_at": iso(plan.created_at),
            "expires_at": iso(plan.expires_at),
            "changed_records": detail.get("changed_records"),
        },
        "counts": _counts(house, mine),
        "forecast": forecast(house, mine),
        "guards": detail.get("guards", []),
        "actions": told,
        "conflicts": [
            {key: one[key] for key in ("id", "entity", "title", "field", "why", "suggestion")} for one in waiting
        ],
        "suggestions": _suggestions(waiting),
        "first_plans": _first_plans(house, mine),
        "stopped": _stopped(house, mine),
        "automation": _automation(house, mine),
        "ready": sum(is_ready(action) for action in mine),
        "shown": len(told),
        "total": len(mine),
        "writable": [stream.address for stream in house.streams.values() if stream.writes],
    }


def _state(house: House, plan: Plan) -> str:
    """A proposal is as open to whoever reads it as any other plan."""
    if plan.state not in ("open", "proposed"):
        return plan.state
    return "open" if plan.expires_at > house.now() else "expired"


def report_undo(house: House, plan: Plan, *, actions: bool = True) -> dict[str, Any]:
    """The dict of `undo --json`: the plan that takes a run back, how much of it that is, and what is left and why."""
    told = report(house, plan if plan.id else None, actions=actions)
    detail = plan.detail
    erased: dict[int, str] = {}  # records that have neither a name nor an address any more
    with house.database.read() as connection:
        started = house.database.run(
            connection, "SELECT started_at FROM run WHERE id = ?", (detail["undoes"],)
        ).scalar()
        addresses = record_addresses(house, connection, [one[0] for one in detail["left"]])
        entities = dict(
            house.database.select(
                connection, "SELECT record, entity FROM member WHERE", "record", [one[0] for one in detail["left"]]
            )
        )
        titles = Titles(house, connection).of(list(set(entities.values())))
        for one in erasures.listed(house.database, connection, sorted(set(entities.values()))):
            erased.update(
                (record, spoken("erasure", one.id)) for record, home in entities.items() if home == one.entity
            )
    return {
        **told,
        "conflicts": [],
        "suggestions": [],
        "first_plans": [],
        "undoes": {"run": spoken("run", detail["undoes"]), "at": iso(started), "written": detail["written"]},
        "coverage": {
            **{kind: detail[kind] for kind in ("restore", "leave", "cannot")},
            "share": round(detail["restore"] / detail["written"], 4),
        },
        "left": [
            {
                "record": None if record in erased else addresses.get(record),
                "title": None if record in erased else titles.get(entities.get(record, 0)),
                **({"erasure": erased[record]} if record in erased else {}),
                "field": field,
                "kind": kind,
                "reason": reason,
            }
            for record, field, kind, reason in detail["left"]
        ],
    }


def sent_actions(house: House, plan: int, *, run: int) -> list[dict[str, Any]]:
    """What this run wrote of a plan, as `report` tells actions."""
    with house.database.read() as connection:
        done = outbox.of_plan(house.database, connection, plan, states=["acked"])
        rows = house.database.run(connection, "SELECT action FROM journal WHERE run = ?", (run,)).fetchall()
        mine = {row[0] for row in rows}
        return _actions(house, connection, [action for action in done if action.id in mine][:_TOLD])


def is_ready(action: Action) -> bool:
    """Would `apply` write it as it stands? A guard asks for more than that."""
    if action.state in ("planned", "proposed"):
        return True
    return action.state == "held" and {*held_reasons(action.held_by)} <= {FIRST, STORM}


def guards_of(action: Action) -> list[str]:
    """The guards that hold it, such as "guard:create"."""
    held = held_reasons(action.held_by) if action.state == "held" else ()
    return [one for one in held if one.startswith(GUARD)]


def _actions(house: House, connection: Any, actions: Sequence[Action]) -> list[dict[str, Any]]:
    addresses = record_addresses(house, connection, [action.record for action in actions if action.record])
    names = entity_names(house, connection, [action.entity for action in actions])
    titles = Titles(house, connection)
    called = titles.of([action.entity for action in actions])
    told = []
    for action in actions:
        stream = house.by_id(action.stream)
        if stream is None:
            continue
        told.append(
            {
                "id": action.id,
                "stream": stream.address,
                "record": addresses.get(action.record or 0),
                "entity": names.get(action.entity),
                "title": called.get(action.entity),
                "class": CLASS_OF[action.op],
                "op": action.op,
                "reason": action.reason,
                "state": action.state,
                "held_by": ",".join(guards_of(action)) or None,
                "first": FIRST in held_reasons(action.held_by),
                "fields": [_field(stream, titles, one) for one in action.fields],
            }
        )
    return told


def _field(stream: Stream, titles: Titles, one: Mapping[str, Any]) -> dict[str, Any]:
    field = field_of(stream.kind, one["field"])
    held, wanted = differing_first(unmark(one["before"]), unmark(one["after"]))
    before, after = titles.shown(held, field), titles.shown(wanted, field)
    if before == after and (apart := told_apart(held, wanted, before)) is not None:
        before, after = apart
    return {
        "name": one["field"],
        "label": one["label"],
        "before": before,
        "after": after,
        "reason": one["reason"],
        "rule": one["reason"],
        "source": one["source"],
    }


def _counts(house: House, actions: Sequence[Action]) -> list[dict[str, Any]]:
    rows = []
    for stream in house.streams.values():
        mine = [action for action in actions if action.stream == stream.id]
        if not mine:
            continue
        counts: Counter[str] = Counter()
        waits: Counter[str] = Counter()
        held: Counter[str] = Counter()
        for action in mine:
            klass = CLASS_OF[action.op]
            counts[klass] += 1
            clears = any(one["after"] is None for one in action.fields)
            counts["clear"] += clears
            guards = [one.removeprefix(GUARD) for one in guards_of(action)]
            waits.update(guards)
            held.update([",".join(guards)] if guards else ())
        rows.append(
            {
                "stream": stream.address,
                **{klass: counts[klass] for klass in CLASSES},
                "waits": dict(waits),
                "held": dict(held),
            }
        )
    return rows


def _suggestions(conflicts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The lines of YAML that would settle the most."""
    counts = Counter(one["suggestion"] for one in conflicts if one.get("suggestion"))
    return [
        {"text": f"{count} of {len(conflicts)} this would settle", "yaml": yaml, "settles": count}
        for yaml, count in counts.most_common(3)
    ]


def _automation(house: House, actions: Sequence[Action]) -> list[dict[str, Any]]:
    """Streams in which a create starts what the vendor's people have set up for new records, and how many would."""
    creates = Counter(action.stream for action in actions if action.op == "create")
    return [
        {"stream": stream.address, "creates": creates[stream.id]}
        for stream in house.streams.values()
        if stream.spec.fires_automation_on_create and creates[stream.id]
    ]


def _stopped(house: House, actions: Sequence[Action]) -> list[str]:
    """Streams that were stopped since most of their writes were refused."""
    held = {action.stream for action in actions if STORM in held_reasons(action.held_by)}
    return [stream.address for stream in house.streams.values() if stream.id in held]


def _first_plans(house: House, actions: Sequence[Action]) -> list[str]:
    """Streams whose mapping nobody has let write, or be written from, yet."""
    if not any(FIRST in held_reasons(action.held_by) for action in actions):
        return []
    return [stream.address for stream in house.streams.values() if not stream.approved]
