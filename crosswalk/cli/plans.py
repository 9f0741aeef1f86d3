"""How a plan is read: counts, then records with field, before, after and reason, then what waits and why."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from crosswalk.cli import text
from crosswalk.cli.screen import Line, Piece, Screen, cut, dim, padded, plain, sign, wide
from crosswalk.cli.session import Answer
from crosswalk.cli.table import Column, table

CLASSES = ("create", "update", "clear", "delete")
_SIGNS = {"create": "+", "update": "~", "clear": "~", "delete": "-"}
_MOVES = {"archive": "put away: made by that run, and untouched since", "restore": "brought back"}
_SOURCE_AT = 77  # the column in which a reason's place in the file stands


class Choice(Struct, frozen=True, kw_only=True):
    """Which records of a plan are shown. `only`: connections or streams; `limit` 0: all."""

    only: Sequence[str] = ()
    field: str = ""
    record: str = ""
    limit: int = 20

    def of(self, actions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The actions that are meant, of each the fields that are meant."""
        chosen = []
        for action in actions:
            if self.only and not any(_within(action["stream"], one) for one in self.only):
                continue
            if self.record and self.record not in (action.get("record"), action.get("entity")):
                continue
            fields = [one for one in action["fields"] if not self.field or self._meant(one)]
            if fields or not self.field:
                chosen.append({**action, "fields": fields})
        return chosen

    def _meant(self, one: Mapping[str, Any]) -> bool:
        names = (str(one.get("name") or ""), str(one.get("label") or ""))
        return any(self.field.lower() == name.lower() or name.lower().startswith(self.field.lower()) for name in names)

    @property
    def open(self) -> bool:
        """Whether nothing narrows it."""
        return not (self.only or self.field or self.record)


def _within(stream: str, address: str) -> bool:
    return stream == address or stream.startswith(f"{address}/")


def planned(answer: Answer, screen: Screen, *, choice: Choice, verbose: bool) -> Iterator[Line]:
    """A whole plan."""
    plan = answer["plan"]
    if plan is not None:
        yield from screen.prose(_head(plan, screen), indent=len(plan["id"]) + 2, first=plan["id"])
        if not _is_open(plan):
            return
    if any(row[kind] for row in answer["counts"] for kind in CLASSES):
        yield from _counts(answer, screen)
    yield from records(answer, screen, choice=choice, verbose=verbose)
    yield from waits(answer, screen)


def records(answer: Answer, screen: Screen, *, choice: Choice, verbose: bool) -> Iterator[Line]:
    """The records of a plan, as many as are wanted, and how many that leaves out."""
    chosen = choice.of(answer["actions"])
    total = len(chosen)
    if choice.open:
        total = max(total, int(answer.get("total") or 0))
    shown = chosen[: choice.limit] if choice.limit else chosen
    for action in shown:
        yield from _action(action, screen, whole=verbose or bool(choice.record or choice.field))
    if len(shown) < total:
        more = f"--all, --only {_connection(answer)}, --field {_field(answer)}, --record ADDRESS"
        words = f"{text.number(len(shown))} of {text.number(total)} records shown;  {more}"
        yield from screen.prose(words, indent=5, first="...")


def _is_open(plan: Mapping[str, Any]) -> bool:
    return plan.get("state") in (None, "open")


def _head(plan: Mapping[str, Any], screen: Screen) -> str:
    words = screen.stamp(plan["created_at"])
    if not _is_open(plan):
        return f"{words}, {plan['state']}.  Another:  crosswalk plan"
    if plan.get("expires_at"):
        holds = (text.moment(plan["expires_at"]) - text.moment(plan["created_at"])).total_seconds()
        words += f", holds for {_span(holds)}"
    if plan.get("changed_records") is not None:
        words += f". {text.count(plan['changed_records'], 'changed record')} read"
    return f"{words}; nothing written."


def _span(held: float) -> str:
    hours = round(held / 3600)
    return f"{hours} h" if hours else text.seconds(held)


def _counts(answer: Answer, screen: Screen) -> Iterator[Line]:
    forecasts = {row.get("stream") or row["connection"]: row for row in answer.get("forecast") or ()}
    told: set[str] = set()
    rows: list[list[Line]] = []
    for row in answer["counts"]:
        forecast = forecasts.get(row["stream"])
        row_waits = row.get("waits") or {}
        cells: list[Line] = [row["stream"], *(_counted(row[kind], bool(row_waits.get(kind))) for kind in CLASSES)]
        rows.append([*cells, text.amount(forecast["cost"], forecast["unit"]) if forecast else "", ""])
    _left(answer, rows, forecasts, told)
    columns = [
        Column(least=28),
        Column(title="create", right=True, least=6),
        Column(title="update", right=True, least=6),
        Column(title="clear", right=True, least=5, leaves=4),
        Column(title="delete", right=True, least=6, leaves=3),
        Column(title="costs", gap=3, least=12, leaves=2),
        Column(leaves=1),
    ]
    yield from table(columns, rows, width=screen.width)


def _left(
    answer: Answer, rows: Sequence[list[Line]], forecasts: Mapping[str, Mapping[str, Any]], told: set[str]
) -> None:
    """What each connection has left, behind its last stream."""
    last = {str(row["stream"]).partition("/")[0]: at for at, row in enumerate(answer["counts"])}
    first = True
    for at, row in enumerate(answer["counts"]):
        connection = str(row["stream"]).partition("/")[0]
        forecast = forecasts.get(row["stream"])
        if last[connection] != at or not forecast or forecast.get("left") is None:
            continue
        rows[at][-1] = f"of {text.number(forecast['left'])}{' left today' if first else ''}"
        first = False


def _counted(number: int, held: bool) -> Line:
    if not number:
        return "-"
    return [sign("!"), f" {text.number(number)}"] if held else text.number(number)


def actions_shown(actions: Sequence[Mapping[str, Any]], screen: Screen) -> Iterator[Line]:
    """Records of a plan, each with all its fields."""
    for action in actions:
        yield from _action(action, screen, whole=True)


def _action(action: Mapping[str, Any], screen: Screen, *, whole: bool) -> Iterator[Line]:
    kind = action["class"]
    new = kind == "create"
    address = f"{action['stream']}  new" if new else action["record"]
    left: list[Piece] = [sign(_SIGNS[kind]), f" {address}"]
    yield from screen.titled(left, [screen.title(action.get("title"))])
    if action.get("held_by") and whole:
        guards = [f"{one.removeprefix('guard:')}s" for one in str(action["held_by"]).split(",")]
        yield ["    ", dim(f"waits: the guard of {' and of '.join(guards)} holds it")]
    if (move := _MOVES.get(str(action.get("op")))) is not None:
        yield ["    ", dim(f"put away: {action['reason']}" if action.get("reason") else move)]
    elif not new or whole:
        yield from _fields(action["fields"], screen)


def _fields(fields: Sequence[Mapping[str, Any]], screen: Screen) -> Iterator[Line]:
    labels = [str(one.get("label") or one["name"]) for one in fields]
    befores = [screen.value(one["before"]) for one in fields]
    named = min(max(map(len, labels), default=0), max(12, screen.width // 3))
    # Nothing is aligned behind a text of which terminals disagree how wide it is.
    aligned = all(span.text.isascii() for span in befores)
    room = max(20, screen.width - 4 - named - 2 - 6)
    widest = min(max((wide([span]) for span in befores), default=0), room // 2)
    for label, before, one in zip(labels, befores, fields, strict=True):
        cell: Line = cut([before], room // 2)
        align = widest if aligned else wide(cell)
        after = cut([screen.value(one["after"])], room - max(align, wide(cell)))
        yield ["    ", *padded(cut(label, named), named), "  ", *padded(cell, align), "  ->  ", *after]
        yield from _reason(one, screen, indent=4 + named + 2)


def _reason(one: Mapping[str, Any], screen: Screen, *, indent: int) -> Iterator[Line]:
    reason, source = str(one.get("reason") or ""), str(one.get("source") or "")
    if not reason and not source:
        return
    at = min(_SOURCE_AT, screen.width - len(source))
    if source and at >= indent + wide(reason) + 2:
        yield [" " * indent, *padded([dim(reason)], at - indent), dim(source)]
        return
    for line in screen.prose(reason, indent=indent):
        yield [dim(plain(line))]
    if source and screen.width >= 80:
        yield [" " * indent, dim(source)]


def _connection(answer: Answer) -> str:
    busiest = max(answer["counts"], key=lambda row: sum(row[kind] for kind in CLASSES), default=None)
    waiting = next((row for row in answer["counts"] if row.get("waits")), busiest)
    return str(waiting["stream"]).partition("/")[0] if waiting else "CONNECTION"


def _field(answer: Answer) -> str:
    names = Counter(
        one["name"] for action in answer["actions"] for one in action["fields"] if action["class"] != "create"
    )
    return str(names.most_common(1)[0][0]) if names else "NAME"


# what waits, and what is ready


def waits(answer: Answer, screen: Screen) -> Iterator[Line]:
    """Guards, first plans, conflicts, and the one line with which to go on."""
    plan = "" if answer["plan"] is None else answer["plan"]["id"]
    if first := answer.get("first_plans") or ():
        yield from _attention(f"first plan of {', '.join(first)}: `sync` leaves it to `apply`", screen)
    if stopped := answer.get("stopped") or ():
        words = f"{', '.join(stopped)} stopped, since most of its writes were refused; look at  crosswalk dlq"
        yield from _attention(words, screen)
    for one in answer.get("automation") or ():
        words = f"{text.count(one['creates'], 'create')} in {one['stream']}: whatever is set up there for new records"
        yield from _attention(f"{words} starts, such as welcome mails and assignments", screen)
    for guard in answer.get("guards") or ():
        yield from _guard(guard, plan, _together(answer, guard["stream"], guard["class"]), screen)
    yield from _conflicts(answer, screen)
    ready = answer.get("ready", 0)
    if ready:
        yield f"{text.count(ready, 'write')} {'is' if ready == 1 else 'are'} ready:  crosswalk apply {plan}"
    elif not any(row[kind] for row in answer["counts"] for kind in CLASSES):
        every = "What could be read agrees" if troubled(answer) else "Everything agrees"
        every = "All else agrees" if answer.get("conflicts") else every
        yield f"{every}: there is nothing to write."
        if answer.get("writable") == []:
            yield "Nothing could be: no stream of the file has `write`, such as  write: [update]"


def troubled(answer: Mapping[str, Any]) -> bool:
    """Whether some connection could not be worked with."""
    return any(
        problem.get("connection") and (problem.get("severity") or "error") == "error"
        for problem in answer.get("problems") or ()
    )


def _attention(words: str, screen: Screen) -> Iterator[Line]:
    return screen.prose(words, indent=2, first=[sign("!")])


def _guard(guard: Mapping[str, Any], plan: str, together: Sequence[str], screen: Screen) -> Iterator[Line]:
    kind, number = guard["class"], guard["planned"]
    what = f"{text.count(number, kind)}{' of ' + guard['field'] if guard.get('field') else ''} in {guard['stream']}"
    waiting = int(guard.get("waiting") or number)
    all_of_them = (
        "It waits; if it is meant:" if waiting == 1 else f"All {text.number(waiting)} wait; if they are meant:"
    )
    yield from _attention(f"{what}: over {text.number(guard['ceiling'])}{_rule(guard)}. {all_of_them}", screen)
    flags = " ".join(f"--approve {guard['stream']}:{one}" for one in together)
    yield f"    crosswalk apply {plan} {flags}"


def _together(answer: Answer, stream: str, kind: str) -> list[str]:
    """The class of a guard, and those whose guards hold some of the same records: one without the other frees none."""
    sets = [held.split(",") for row in answer["counts"] if row["stream"] == stream for held in row.get("held") or {}]
    others = {one for held in sets if kind in held for one in held}
    return [kind, *sorted(others - {kind})]


def _rule(guard: Mapping[str, Any]) -> str:
    """` (5% of 1,208)`: how the ceiling came about, and the line of the file where it stands in one."""
    of = f"{guard['share']} of {text.number(guard['records'])}" if guard.get("share") and guard.get("records") else ""
    place = str(guard.get("rule") or "")
    said = ", ".join(part for part in (of, "" if place == "default" else place) if part)
    return f" ({said})" if said else ""


def _conflicts(answer: Answer, screen: Screen) -> Iterator[Line]:
    number = len(answer.get("conflicts") or ())
    if not number:
        return
    suggestions = answer.get("suggestions") or ()
    settled = sum(int(one["settles"]) for one in suggestions)
    said = f"{text.count(number, 'field')} in conflict {'is' if number == 1 else 'are'} left alone."
    if not suggestions:
        yield from _attention(f"{said}  crosswalk review", screen)
        return
    these = "this" if len(suggestions) == 1 else "these lines"
    if settled >= number:
        those = f"All of them {these} would settle:" if number > 1 else f"{these.capitalize()} would settle it:"
        yield from _attention(f"{said} {those}", screen)
    else:
        words = f"{said} {text.number(settled)} of them {these} would settle, the rest  crosswalk review"
        yield from _attention(words, screen)
    for one in suggestions:
        for line in str(one["yaml"]).splitlines():
            yield f"    {line}"


def due(answer: Answer, *, approved: Sequence[str] = (), only: Sequence[str] = ()) -> dict[str, int]:
    """How many records would be written now, per stream: those that wait left out unless they are `approved`.

    A clear is part of an update, so it is no record of its own.
    """
    found = {}
    for row in answer["counts"]:
        stream = str(row["stream"])
        if only and not any(_within(stream, one) for one in only):
            continue
        held = [
            n
            for kinds, n in (row.get("held") or {}).items()
            if any(f"{stream}:{kind}" not in approved for kind in kinds.split(","))
        ]
        number = sum(row[kind] for kind in ("create", "update", "delete")) - sum(held)
        if number > 0:
            found[stream] = number
    return found


def approvable(answer: Answer) -> list[str]:
    """`STREAM:CLASS` of everything that a guard holds."""
    return [f"{row['stream']}:{kind}" for row in answer["counts"] for kind in row.get("waits") or {}]
