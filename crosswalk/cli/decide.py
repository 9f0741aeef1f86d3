"""review and dlq: what waits for a person."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from crosswalk.cli import text
from crosswalk.cli.match import parted
from crosswalk.cli.options import app, callback, command
from crosswalk.cli.screen import Line, Piece, Screen, Span, cut, dim, padded, wide
from crosswalk.cli.session import DONE, Answer, Session, UsageError
from crosswalk.engine.spoken import AskError

commands = app()

_SAID = 2  # values of each of a pair that stand in its row, the likeliest to tell them apart first
_COARSE = 30  # seconds: a time that is known less exactly is told with how exactly


# review


@command(
    commands,
    examples="""
        crosswalk review                          one after another, on a terminal
        crosswalk review --list                   what there is to decide
        crosswalk review C31 --take salesforce    unasked
        crosswalk review C31 --take zoho --alike  and all that are like it
        crosswalk review M12 --same
        crosswalk review M13 --never --alike      and all that the same speaks for and against
    """,
)
def review(
    session: Session,
    item: Annotated[str | None, typer.Argument(metavar="ID", help="A conflict as C31, a pair as M12.")] = None,
    take: Annotated[str, typer.Option("--take", metavar="CONNECTION", help="Whose value is right.")] = "",
    value: Annotated[str | None, typer.Option("--value", metavar="TEXT", help="Another value, for all.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave every side what it has.")] = False,
    alike: Annotated[
        bool, typer.Option("--alike", help="Decide all conflicts, or pairs, that are like it the same way.")
    ] = False,
    same: Annotated[bool, typer.Option("--same", help="The two are the same.")] = False,
    never: Annotated[
        bool, typer.Option("--never", help="The two are not the same, and are not asked about again.")
    ] = False,
    listing: Annotated[bool, typer.Option("--list", help="List, decide nothing.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many are listed; 0: all.")] = 20,
) -> int:
    """Decide what the rules could not: conflicts between fields, and records that may be the same."""
    chosen = [bool(take), value is not None, keep, same, never]
    if sum(chosen) > 1:
        raise UsageError("only one decision at a time", "one of --take, --value, --keep, --same, --never")
    with session.hub() as hub:
        if item is None:
            if any(chosen):
                raise UsageError("which one?", "name a conflict as C31 or a pair as M12")
            answer = hub.review_list()
            if listing or session.manners.json or not session.asker.able:
                return _list(session, answer, limit, asked=not listing)
            return _Table(session, hub, answer).sit()
        if item.upper().startswith("M"):
            if not (same or never):
                return _one(session, hub, item, "--same or --never")
            more = {"all_like": True} if alike else {}
            answer = hub.review_pair(item.upper(), same=same, **more)
            return session.show(answer, parted if "entities" in answer else decided)
        if not any(chosen[:3]):
            return _one(session, hub, item, "--take, --value or --keep")
        decision: dict[str, Any] = {"value": value} if value is not None else {"take": "keep" if keep else take}
        return session.show(hub.review_decide(item.upper(), **decision, all_like=alike), decided)


def _list(session: Session, answer: Answer, limit: int, *, asked: bool) -> int:
    """What there is to decide. Where somebody came to decide and cannot be asked, the flag is named."""
    code = session.show(answer, lambda a, s: listed(a, s, limit=limit))
    waiting = bool(answer["conflicts"] or answer["pairs"])
    if asked and waiting and not session.manners.json:
        raise UsageError("there is no terminal to ask on", "review ID --take CONNECTION, review ID --same, or --list")
    return code


def _one(session: Session, hub: Any, item: str, flags: str) -> int:
    """A single item, shown, and asked about where that is possible."""
    answer = hub.review_list()
    found = {
        "conflicts": [one for one in answer["conflicts"] if one["id"] == item.upper()],
        "pairs": [one for one in answer["pairs"] if one["id"] == item.upper()],
    }
    if not (found["conflicts"] or found["pairs"]):
        raise UsageError(f"nothing waits under {item}", "crosswalk review --list")
    if session.manners.json:
        return session.show({**answer, **found}, lambda a, s: listed(a, s, limit=0))
    if not session.asker.able:
        session.out.write(_shown(found, session.out))
        raise UsageError(f"{item} is not decided: there is no terminal to ask on", f"give {flags}")
    return _Table(session, hub, {**answer, **found}).sit()


def _shown(answer: Mapping[str, Any], screen: Screen) -> Iterator[Line]:
    for one in answer["conflicts"]:
        yield from conflict(one, "", screen)
    for one in answer["pairs"]:
        yield from pair(one, "", screen)


def listed(answer: Answer, screen: Screen, *, limit: int) -> Iterator[Line]:
    """Conflicts and pairs, a line each."""
    conflicts, pairs = answer["conflicts"], answer["pairs"]
    if not (conflicts or pairs):
        yield "Nothing waits for a decision."
    for one in conflicts[: limit or None]:
        left = f"{one['id']:<5}{one['entity']}   {one['field']}"
        yield from screen.titled(left, [screen.title(one.get("title"))])
    for one in pairs[: limit or None]:
        yield cut(f"{one['id']:<5}{'   '.join(record['address'] for record in one['records'])}", screen.width)
    left_out = sum(max(0, len(found) - limit) for found in (conflicts, pairs)) if limit else 0
    if left_out:
        yield f"...  {text.number(left_out)} more;  --limit 0"


def conflict(one: Mapping[str, Any], place: str, screen: Screen) -> Iterator[Line]:
    """One conflict with its sides, numbered."""
    left = f"{one['id']:<5}{place:<9}{one['entity']}   {one['field']}"
    yield from screen.titled(left, [screen.title(one.get("title"))])
    since = one.get("base_at")
    agreed = f"agreed until {screen.day(since)}" if since else "agreed before"
    if one.get("base") is not None:
        yield cut(["     ", *padded(agreed, 23), screen.value(one["base"])], screen.width)
    for at, side in enumerate(one["sides"], start=1):
        when = screen.stamp(side["changed_at"]) if side.get("changed_at") else ""
        if (side.get("precision_s") or 0) >= _COARSE:
            when += f", ±{_precision(side['precision_s'])}"
        elif side.get("by"):
            when += f", {side['by']}"
        line: list[Piece] = [f"{at:>3}  ", *padded(side["connection"], 11), "  ", *padded(when, 25), "  "]
        yield cut([*line, screen.value(side["value"])], screen.width)
    if one.get("why"):
        yield from screen.prose(str(one["why"]), indent=5)
    if one.get("due"):
        yield from screen.prose(f"undecided by {screen.stamp(one['due'])}: {one['default']}", indent=5)


def _precision(seconds: float) -> str:
    return text.seconds(seconds) if seconds < 60 else f"{round(seconds / 60)} min"


def pair(one: Mapping[str, Any], place: str, screen: Screen) -> Iterator[Line]:
    """Two records that may be one: what each says, what speaks for it and what against."""
    yield f"{one['id']:<5}{place:<9}the same {one.get('kind', 'person')}?"
    records = one["records"]
    address = max(len(record["address"]) for record in records)
    columns = list(dict.fromkeys(key for record in records for key in record.get("values", {}) if key != "name"))[
        :_SAID
    ]
    cells = {
        key: [screen.value(record.get("values", {}).get(key)).text.strip('"') for record in records] for key in columns
    }
    for at, record in enumerate(records):
        line: list[Piece] = [f"  {'ABCDEFGH'[at]}  ", *padded(record["address"], max(25, address)), "   "]
        for key in columns:
            widest = max(text.cells(cell) for cell in cells[key])
            line += [*padded([Span(cells[key][at], fenced=True)], widest), "   "]
        yield cut([*line, screen.title(record.get("title") or record.get("values", {}).get("name"))], screen.width)
    pro, contra = "; ".join(one.get("for") or ()), "; ".join(one.get("against") or ())
    words = [*([f"for  {pro}"] if pro else []), *([f"against  {contra}"] if contra else [])]
    together = "   ".join(words)
    for line_ in [together] if text.cells(together) + 5 <= screen.width else words:
        yield from screen.prose(line_, indent=5)


def decided(answer: Answer, screen: Screen) -> Iterator[Line]:
    """What a decision has brought."""
    done = answer.get("decided")
    if not isinstance(done, list):
        words = (
            "Decided; the next run acts on it."
            if done in (None, 1)
            else f"{text.number(done)} decided; the next run acts on them."
        )
        if answer.get("left"):
            words += f" {', '.join(answer['left'])} left: people said otherwise of others that they are one with."
        yield from screen.prose(words)
        return
    taken = next((one["take"] for one in done if one.get("take")), "")
    yield from _decision(
        answer, len(done), f" for {taken}" if taken not in ("", "keep", "value", "side") else "", screen
    )


def _decision(answer: Mapping[str, Any], number: int, for_whom: str, screen: Screen) -> Iterator[Line]:
    """`7 decided for salesforce; the next run writes them.` and the line that would have done it."""
    words = f"{text.number(number)} decided{for_whom}; the next run writes {'it' if number == 1 else 'them'}."
    if answer.get("left"):
        words += f" {', '.join(answer['left'])} left: it is not clear there what was meant."
    if number > 1 and answer.get("suggestion"):
        yield from screen.prose(f"{words} As a rule, under {answer['under']}:")
        yield from (f"    {line}" for line in str(answer["suggestion"]).splitlines())
    else:
        yield from screen.prose(words)


class _Table:
    """Somebody at a terminal, deciding one after another. Questions and answers are the conversation: stderr."""

    def __init__(self, session: Session, hub: Any, answer: Answer) -> None:
        self._session, self._hub, self._answer = session, hub, answer
        self._screen = session.err
        self._done: set[str] = set()

    def sit(self) -> int:
        """Through all of them, or until somebody leaves."""
        conflicts, pairs = self._answer["conflicts"], self._answer["pairs"]
        if not (conflicts or pairs):
            self._session.out.write(["Nothing waits for a decision."])
            return DONE
        for at, one in enumerate(conflicts, start=1):
            if one["id"] not in self._done and not self._conflict(one, f"{at} of {len(conflicts)}"):
                return DONE
        for at, one in enumerate(pairs, start=1):
            if one["id"] not in self._done and not self._pair(one, f"{at} of {len(pairs)}"):
                return DONE
        return DONE

    def _conflict(self, one: Mapping[str, Any], place: str) -> bool:
        """False: enough for now."""
        self._screen.write(conflict(one, place, self._screen))
        like = int(one.get("alike") or 0)
        numbers = [str(at) for at in range(1, len(one["sides"]) + 1)]
        words = f"Take {', '.join(numbers)}, [e]dit, [k]eep both, [s]kip"
        while True:
            key, all_like = self._ask(words, like, what="which value", flag="--take")
            if key in numbers:
                self._take(one, int(key), all_like=all_like)
            elif key == "k":
                self._decide(one, take="keep", all_like=all_like)
            elif key == "e":
                value = self._session.asker.ask("Value for all:", what="the value", flag="--value")
                self._decide(one, value=value, all_like=False)
            elif key == "q":
                return False
            elif key != "s":
                self._screen.write(_HELP_CONFLICT)
                continue
            return True

    def _ask(self, words: str, like: int, **named: str) -> tuple[str, bool]:
        """The key that was pressed, and whether it is for all that are alike: `like` of them."""
        words += f", [a]ll {like} like this, [q]uit, [?]:" if like > 1 else ", [q]uit, [?]:"
        answer = self._session.asker.ask(words, **named).lower()
        all_like = like > 1 and answer.startswith("a")
        return answer[1:].strip() if all_like else answer, all_like

    def _take(self, one: Mapping[str, Any], number: int, *, all_like: bool) -> None:
        """A side, by its number where its connection has several."""
        connection = str(one["sides"][number - 1]["connection"])
        several = sum(side["connection"] == connection for side in one["sides"]) > 1
        self._decide(one, take=str(number) if several else connection, all_like=all_like, for_whom=f" for {connection}")

    def _decide(self, one: Mapping[str, Any], *, for_whom: str = "", **decision: Any) -> None:
        answer = self._hub.review_decide(one["id"], **decision)
        done = answer.get("decided")
        ids = [str(other["id"]) for other in done] if isinstance(done, list) else [str(one["id"])]
        self._done |= set(ids)
        self._screen.write(_decision(answer, len(ids), for_whom, self._screen))

    def _pair(self, one: Mapping[str, Any], place: str) -> bool:
        self._screen.write(pair(one, place, self._screen))
        like = int(one.get("alike") or 0)
        words = "[y] the same, [n] never, [s]kip"
        while True:
            key, all_like = self._ask(words, like, what="the same", flag="--same or --never")
            if key in ("y", "n"):
                try:
                    told = self._hub.review_pair(one["id"], same=key == "y", **({"all_like": True} if all_like else {}))
                except AskError as error:
                    self._screen.write([*self._screen.prose(error.text), *self._screen.prose(error.hint)])
                    return True
                self._done |= set(told.get("ids") or ())
            elif key == "q":
                return False
            elif key != "s":
                self._screen.write(_HELP_PAIR)
                continue
            return True


_HELP_CONFLICT: Sequence[Line] = (
    "  a number takes that side's value everywhere; a number behind a takes it for all that are alike",
    "  e  another value, written to every side     k  every side keeps what it has, and is not asked again",
    "  s  later     q  later, all of them; what was decided stays decided",
)
_HELP_PAIR: Sequence[Line] = (
    "  y  joined, and everything about the two with them; a later `never` gives both back as they were",
    "  n  not the same, and not asked about again     s  later     q  later, all of them",
    "  a y, a n  the same for all that the same speaks for and against",
)


# dlq

dlq = app()
commands.add_typer(dlq, name="dlq")

Code = Annotated[str, typer.Option("--code", metavar="CODE", help="Of this code alone, as CW403.")]
Stream = Annotated[str, typer.Option("--stream", metavar="ADDRESS", help="Of this stream alone.")]


@callback(
    dlq,
    json_name="dlq",
    examples="""
        crosswalk dlq                              what was set aside, and why
        crosswalk dlq show D9                      with what stood there
        crosswalk dlq retry D9                     plan it anew
        crosswalk dlq retry --code CW403
        crosswalk dlq drop D10 --reason 'a test'
    """,
)
def listing(
    session: Session,
    code: Code = "",
    stream: Stream = "",
    limit: Annotated[int, typer.Option("--limit", min=0, help="How many are listed; 0: all.")] = 20,
) -> int:
    """List records that were set aside. The others of their stream go on."""
    with session.hub() as hub:
        answer = hub.dlq_list(code=code or None, stream=stream or None, limit=limit or 1_000_000)
    return session.show(answer, letters)


def letters(answer: Answer, screen: Screen) -> Iterator[Line]:
    shown = answer["dead_letters"]
    if not shown:
        yield "Nothing is set aside."
        return
    record = min(max(len(_record(one)) for one in shown), max(24, screen.width - 60))
    tries = [text.count(one["tries"], "try", "tries") for one in shown]
    ages = [screen.ago(one["since"]) for one in shown]
    behind = max(map(len, tries)) + 3 + max(map(len, ages))
    reason = min(max(len(_reason(one)) for one in shown), max(20, screen.width - 10 - record - 3 - behind - 3))
    for one, tried, age in zip(shown, tries, ages, strict=True):
        line: list[Piece] = [f"  {one['id']:<5}", *padded(cut(_record(one), record), record), "   "]
        if wide(line) + reason + 3 + behind <= screen.width:
            line += [*padded(cut(_reason(one), reason), reason + 3), *padded(tried, max(map(len, tries)) + 3), age]
        else:
            line.append(_reason(one))
        yield cut(line, screen.width)
    if answer.get("left_out"):
        yield f"...  {text.number(answer['left_out'])} more;  --limit 0"
        yield from _reasons(answer.get("reasons") or ())


def _reasons(reasons: Sequence[Mapping[str, Any]]) -> Iterator[Line]:
    """`  110  CW401  salesforce/accounts`: of all of them, where not all are listed."""
    numbers = [text.number(one["count"]) for one in reasons]
    for one, count in zip(reasons, numbers, strict=True):
        yield f"  {count:>{max(map(len, numbers))}}  {one['code']}  {one['stream']}"


def _record(one: Mapping[str, Any]) -> str:
    return str(one["record"])


def _reason(one: Mapping[str, Any]) -> str:
    """`CW401 phone: not possible in DE`; the field is said once."""
    reason, field = str(one.get("reason") or ""), str(one.get("field") or "")
    if field and not reason.startswith(f"{field}:"):
        reason = f"{field}: {reason}"
    return f"{one['code']} {reason}".rstrip()


@command(dlq, json_name="dlq show", examples="crosswalk dlq show D9")
def show(session: Session, letter: Annotated[str, typer.Argument(metavar="ID", help="As D9.")]) -> int:
    """Show one: what stood there, why it was set aside, what would bring it back."""
    with session.hub() as hub:
        answer = hub.dlq_show(letter.upper())
    return session.show(answer, shown_letter)


def shown_letter(answer: Answer, screen: Screen) -> Iterator[Line]:
    for one in answer["dead_letters"]:
        yield from screen.titled(f"{one['id']}   {_record(one)}", [screen.title(one.get("title"))])
        yield from screen.prose(_reason(one), indent=2)
        yield f"  {text.count(one['tries'], 'try', 'tries')}, {screen.ago(one['since'])}"
        raw = one.get("payload")
        if isinstance(raw, dict):
            name = min(max((len(str(key)) for key in raw), default=0), 30)
            for key, held in raw.items():
                yield cut(["    ", *padded([dim(str(key))], name), "  ", screen.value(held)], screen.width)
        elif raw is not None:
            yield cut(["    ", screen.value(raw)], screen.width)
        if one.get("hint"):
            yield from screen.prose(str(one["hint"]), indent=2)


Ids = Annotated[list[str] | None, typer.Argument(metavar="ID...", help="As D9.")]


@command(
    dlq,
    json_name="dlq retry",
    examples="""
        crosswalk dlq retry D9
        crosswalk dlq retry --stream zoho/contacts
    """,
)
def retry(session: Session, letter: Ids = None, code: Code = "", stream: Stream = "") -> int:
    """Plan them anew from how things are now. The old payload is never sent again."""
    with session.hub(works=True) as hub:
        chosen = _chosen(hub, letter, code, stream)
        answer = _together([hub.dlq_retry(one) for one in chosen])
        run = _tried(hub, answer["dead_letters"])
        after = _together([hub.dlq_show(one) for one in chosen])["dead_letters"]
        answer |= {"dead_letters": after, "problems": answer["problems"] + list(run.get("problems", ()))}
        answer |= {key: run[key] for key in ("run", "totals") if key in run}
        answer["exit_code"] = run.get("exit_code", answer["exit_code"])
    return session.show(answer, retried)


def _tried(hub: Any, letters: Sequence[Mapping[str, Any]]) -> Answer:
    """The run that takes the retried ones up. A single record is read again by itself, several with their streams."""
    if not letters:
        return {}
    if len(letters) == 1 and str(letters[0]["record"]).startswith(f"{letters[0]['stream']}/"):
        return dict(hub.resync(letters[0]["record"]))
    return dict(hub.sync(only=list(dict.fromkeys(str(one["stream"]) for one in letters))))


def retried(answer: Answer, screen: Screen) -> Iterator[Line]:
    """`R148  planned anew: nothing left to write. D9 closed.`"""
    done = [one["id"] for one in answer["dead_letters"] if one["state"] == "closed"]
    left = [one for one in answer["dead_letters"] if one["state"] != "closed"]
    written = int((answer.get("totals") or {}).get("written", 0))
    words = "planned anew: " + (f"{text.number(written)} written." if written else "nothing left to write.")
    if left and not written:
        words = "planned anew."
    if done:
        words += f" {', '.join(done)} closed."
    run = answer["run"]["id"] if answer.get("run") else ""
    yield from screen.prose(words, indent=len(run) + 2 if run else 0, first=run)
    for one in left:
        yield from screen.prose(f"still set aside: {_reason(one)}", indent=8, first=f"  {one['id']}")


@command(
    dlq,
    json_name="dlq drop",
    examples="crosswalk dlq drop D10 --reason 'entered by hand'",
)
def drop(
    session: Session,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is journaled with your name.")],
    letter: Ids = None,
    code: Code = "",
    stream: Stream = "",
) -> int:
    """Give them up, with a reason. The record itself stays where it is."""
    with session.hub() as hub:
        chosen = _chosen(hub, letter, code, stream)
        words = f"Drop {text.count(len(chosen), 'dead letter')}?"
        if len(chosen) > 1 and not session.asker.confirm(words, what=words.rstrip("?")):
            session.note("Nothing was dropped.")
            return DONE
        answer = _together([hub.dlq_drop(one, reason) for one in chosen])
    return session.show(answer, lambda a, s: [f"{', '.join(chosen)} dropped."])


def _chosen(hub: Any, letter: Sequence[str] | None, code: str, stream: str) -> list[str]:
    if letter:
        return [one.upper() for one in letter]
    if not (code or stream):
        raise UsageError("which ones?", "name them (D9), or give --code or --stream")
    found = hub.dlq_list(code=code or None, stream=stream or None, limit=1_000_000)["dead_letters"]
    if not found:
        raise UsageError("none is set aside like that", "crosswalk dlq")
    return [str(one["id"]) for one in found]


def _together(answers: Sequence[Answer]) -> Answer:
    """Several answers as one: their lists joined, the gravest exit code."""
    codes = [int(one.get("exit_code", 0)) for one in answers]
    return {
        "dead_letters": [letter for one in answers for letter in one.get("dead_letters") or ()],
        "problems": [problem for one in answers for problem in one.get("problems") or ()],
        "exit_code": next((code for code in (2, 1, 3) if code in codes), 0),
    }
