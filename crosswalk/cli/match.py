"""match: what scored matching makes of records."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from crosswalk.cli import text
from crosswalk.cli.options import app, callback, command
from crosswalk.cli.screen import Line, Piece, Screen, cut
from crosswalk.cli.session import DONE, Answer, Session, UsageError, collect_seldom
from crosswalk.cli.table import Column, table

commands = app()
match = app()
commands.add_typer(match, name="match")


@callback(
    match,
    json_name="match",
    examples="""
        crosswalk match merge salesforce/contacts/003Ab pipedrive/persons/4711
        crosswalk match split pipedrive/persons/4711
        crosswalk match resolve person
        crosswalk match evaluate --records people.csv --truth truth.csv
        crosswalk match train --kind person --out person.yaml
    """,
)
def group(session: Session) -> int:
    """Say who is who; judge how well records are matched, and learn weights from them."""
    raise UsageError("what is to be done?", "crosswalk match merge, split, resolve, evaluate or train")


@command(
    match,
    json_name="match merge",
    examples="""
        crosswalk match merge salesforce/contacts/003Ab pipedrive/persons/4711
        crosswalk match merge person/8f2kq person/2zt9c --reason "she told us"
    """,
)
def merge(
    session: Session,
    one: Annotated[str, typer.Argument(metavar="A", help="A record, an entity, or an e-mail address.")],
    other: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Kept with the decision.")] = "",
) -> int:
    """Say that two are the same. The next run joins them; `match split` gives them back."""
    with session.hub() as hub:
        return session.show(hub.unite(one, other, why=reason), united)


@command(
    match,
    json_name="match split",
    examples="""
        crosswalk match split pipedrive/persons/4711
        crosswalk match split pipedrive/persons/4711 zoho/contacts/55610 --reason "father and son"
    """,
)
def split(
    session: Session,
    records: Annotated[list[str], typer.Argument(metavar="RECORD...", help="The records that are somebody else.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Kept with the decision.")] = "",
) -> int:
    """Part records from those that they are one with, for good, and take back what came of the mistake.

    What was written to either because of the other is put back by the next plan, where it still stands.
    """
    with session.hub() as hub:
        return session.show(hub.part(records, why=reason), parted)


@command(
    match,
    json_name="match resolve",
    examples="""
        crosswalk match resolve                says what would change, and asks
        crosswalk match resolve person --yes
    """,
)
def resolve(
    session: Session,
    kind: Annotated[
        str, typer.Argument(metavar="[KIND]", help="person or company; else every kind that is scored.")
    ] = "",
) -> int:
    """Match all records of a kind as if they came today: how common a name is and what is enough is judged anew.

    What people decided holds, and so does what was edited or written to since it was joined. Interrupted, it goes on
    with the next run.
    """
    wanted = _known(kind) or ""
    with session.hub(works=True) as hub:
        if not session.asker.agreed:
            answer = hub.would_match_anew(wanted)
            for line in foretold(answer):
                session.err.write([line])
            if not any(one[what] for one in answer["kinds"] for what in ("join", "part", "ask")):
                return session.show({"run": None, "joined": 0, "parted": 0, "asked": 0, **answer}, resolved)
            if not session.asker.confirm("Match them anew?", what="Matching them anew"):
                raise UsageError("everything stays as it is", "--yes asks nothing")
        return session.show(hub.match_anew(wanted), resolved)


def foretold(answer: Answer) -> Iterator[str]:
    """A line per kind: `person   2,498 records of 1,402: 12 would be joined, 3 parted, 40 more pairs to review`."""
    for one in answer["kinds"]:
        yield (
            f"{one['kind']:<9}{text.count(one['records'], 'record')} of {text.number(one['entities'])}: "
            f"{text.number(one['join'])} would be joined, {text.number(one['part'])} parted, "
            f"{text.count(one['ask'], 'more pair')} to review"
        )


def resolved(answer: Answer, screen: Screen) -> Iterator[Line]:
    if not (answer["joined"] or answer["parted"] or answer["asked"]):
        yield from screen.prose("Nothing changed: everybody is matched as if they came today.")
        return
    number = text.number
    told = f"{number(answer['joined'])} joined, {number(answer['parted'])} parted, "
    yield from screen.prose(f"{told}{text.count(answer['asked'], 'more pair')} to review.  crosswalk plan")


def united(answer: Answer, screen: Screen) -> Iterator[Line]:
    first, second = answer["records"]
    yield from screen.prose(f"{first} and {second} are the same; the next run joins them.")


def parted(answer: Answer, screen: Screen) -> Iterator[Line]:
    """The parts, and what is put back."""
    for one in answer.get("entities") or ():
        yield cut(f"{one['entity']:<18}{'   '.join(one['records'])}", screen.width)
    back = answer.get("given_back") or ()
    for one in back:
        line: list[Piece] = [f"  {one['record']}   {one['field']}  ", screen.value(one["held"]), "  ->  "]
        yield cut([*line, screen.value(one["value"])], screen.width)
    if answer.get("entities"):
        told = f"{text.count(len(back), 'field')} to put back" if back else "nothing to put back"
        yield from screen.prose(f"They are never joined again; {told}.  crosswalk plan")


@command(
    match,
    json_name="match evaluate",
    examples="""
        crosswalk match evaluate --records people.csv --truth truth.csv
        crosswalk match evaluate --records firms.csv --truth truth.csv --kind company --json
        crosswalk match evaluate --records people.csv --truth truth.csv --mapping columns.yaml
        crosswalk match evaluate --records people.csv --truth truth.csv --wrong wrong.csv
    """,
)
def evaluate(
    session: Session,
    records: Annotated[Path, typer.Option("--records", metavar="FILE", help="CSV: rid, source, and what is known.")],
    truth: Annotated[Path, typer.Option("--truth", metavar="FILE", help="CSV: rid, cluster.")],
    mapping: Annotated[
        Path | None, typer.Option("--mapping", metavar="FILE", help="YAML: column: field, where names do not tell.")
    ] = None,
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help="person or company; else by the columns.")] = "",
    model: Annotated[
        Path | None, typer.Option("--model", metavar="FILE", help="A model of your own instead of the shipped one.")
    ] = None,
    spark: Annotated[
        str, typer.Option("--spark", metavar="MASTER", help="Weigh on Spark, as spark://host:7077 or local[4].")
    ] = "",
    wrong: Annotated[
        Path | None, typer.Option("--wrong", metavar="FILE", help="CSV that gets the pairs joined or missed wrongly.")
    ] = None,
) -> int:
    """Match labelled records by the shipped model and say how good that is. Needs no configuration, and writes nothing
    but --wrong.
    """
    from crosswalk.labelled import evaluated

    _may_write(session, wrong)
    progress = _progress(session)
    collect_seldom()
    answer = evaluated(
        records, truth, mapping=mapping, kind=_known(kind), model=model, spark=spark or None, wrong=wrong,
        progress=progress,
    )  # fmt: skip
    return session.show({**answer, "exit_code": DONE}, told)


def _known(kind: str) -> str | None:
    """A kind that there is a model of; None where none was told."""
    from mapping.match.model import KINDS

    if kind and kind not in KINDS:
        raise UsageError(f"--kind is '{kind}'", f"one of {', '.join(KINDS)}")
    return kind or None


def _may_write(session: Session, file: Path | None) -> None:
    """Ask where a file would be replaced, before long work. Raises UsageError where it cannot be written, or stays."""
    if file is not None and not file.parent.is_dir():
        raise UsageError(f"{file.parent} is no folder", "make it, or name another")
    if file is not None and file.exists() and not session.asker.confirm(f"Replace {file}?", what=f"{file} exists"):
        raise UsageError(f"{file} stays as it is", "give another name, or --yes")


def _progress(session: Session) -> Callable[[str], None]:
    def progress(words: str) -> None:
        if not session.manners.quiet:
            session.err.write([words])

    return progress


@command(
    match,
    json_name="match train",
    examples="""
        crosswalk match train --kind person                           from the records in the store; prints the model
        crosswalk match train --kind company --out company.yaml       keeps it, and prints what it changes
        crosswalk match train --records people.csv --out person.yaml  from a CSV as `match evaluate` takes it
    """,
)
def train(
    session: Session,
    records: Annotated[
        Path | None,
        typer.Option("--records", metavar="FILE", help="CSV: rid, source, and what is known; else the store."),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", metavar="FILE", help="YAML: column: field, where names do not tell.")
    ] = None,
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help="person or company; of a CSV else by the columns.")
    ] = "",
    model: Annotated[
        Path | None, typer.Option("--model", metavar="FILE", help="The model to begin with instead of the shipped one.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Where the model is written to.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the pairs that are drawn by chance.")] = 0,
) -> int:
    """Estimate the weights of matching from the company's own records, without labels. Writes nothing without --out.

    The new weights stay near the ones that ship. Judge them with `match evaluate --model` before you use them.
    """
    wanted = _known(kind)
    if records is None and mapping is not None:
        raise UsageError("--mapping tells of the columns of a CSV", "name the CSV with --records FILE")
    if records is None and wanted is None:
        raise UsageError("of which records of the store?", "--kind person or --kind company")
    _may_write(session, out)
    if records is not None:
        from crosswalk import clock, training

        collect_seldom()
        found = training.of_file(records, mapping=mapping, kind=wanted, base=model, progress=_progress(session))
        answer = training.trained(*found, source=records.name, seed=seed, at=clock.now(), progress=_progress(session))
    else:
        with session.hub() as hub:
            answer = hub.train(wanted or "", model=model, seed=seed, progress=_progress(session))
    if out is not None:
        out.write_text(answer["text"], encoding="utf-8")
        answer = {**answer, "written": [str(out)]}
    return session.show({**answer, "exit_code": DONE}, changes if out is not None else model_text)


def model_text(answer: Answer, _screen: Screen) -> Iterator[Line]:
    yield from answer["text"].splitlines()


def changes(answer: Answer, screen: Screen) -> Iterator[Line]:
    """What was learned, and what it makes of the records that it was learned from."""
    number, trained = text.number, answer["trained"]
    yield (
        f"{number(trained['records'])} records of {trained['from']}, {number(trained['pairs'])} pairs compared, about "
        f"{number(trained['matches'])} of them one"
    )
    yield ""
    heads = [Column(title="level"), *(Column(title=one, right=True) for one in ("was", "is", "", "pairs"))]
    yield from table(heads, [_change(one) for one in answer["weights"]], width=screen.width)
    yield ""
    for words, part in (("same from", "thresholds"), ("one system has both", "same_system")):
        told = answer[part]
        if told["before"] != told["after"]:
            yield f"{words}: {told['before']:+.1f} bits, now {told['after']:+.1f}"
    if answer["lent"]:
        yield f"goes round in houses: {', '.join(answer['lent'])}"
    before, after = answer["outcome"]["before"], answer["outcome"]["after"]
    for words, part in (("joined", "joined"), ("for review", "review"), ("largest", "largest")):
        yield f"{words:<10}  {number(before[part])}, now {number(after[part])}"
    yield f"wrote  {answer['written'][0]}"


def _change(one: dict[str, Any]) -> list[Line]:
    by = one["after"] - one["before"]
    moved = f"{by:+.1f}" if abs(by) >= 0.05 else ""
    return [
        f"{one['field']} {one['level']}",
        f"{one['before']:.1f}",
        f"{one['after']:.1f}",
        moved,
        text.number(one["pairs"]),
    ]


def told(answer: Answer, screen: Screen) -> Iterator[Line]:
    """The figures, then each way of looking records up."""
    number = text.number
    columns = ", ".join(f"{name} = {field}" for name, field in answer["columns"].items())
    yield from screen.prose(f"{number(answer['records'])} records of kind {answer['kind']}: {columns}")
    if answer["ignored"]:
        yield from screen.prose(f"not used: {', '.join(answer['ignored'])}")
    yield ""
    heads = [Column(), *(Column(title=one, right=True) for one in ("precision", "recall", "F1", "found", "true"))]
    rows = [_quality(name, answer[name]) for name in ("pairs", "clusters")]
    yield from table(heads, rows, width=screen.width)
    yield ""
    review = answer["review"]
    yield f"largest cluster  {answer['largest']}, the true one {answer['largest_true']}"
    yield (
        f"for review       {text.count(review['pairs'], 'pair')}, {number(review['right'])} of them right; "
        f"{review['per_1000_records']} for 1,000 records"
    )
    seconds = answer["seconds"]
    yield (
        f"took             {seconds['cpu']} s CPU ({seconds['reading']} reading, {seconds['matching']} matching), "
        f"{number(answer['peak_mib'])} MiB, {number(answer['compared'])} pairs compared"
    )
    if (wrong := answer.get("wrong")) is not None:
        yield f"wrong            {text.count(wrong['pairs'], 'pair')}  {wrong['file']}"
    for alarm in answer["alarms"]:
        yield f"! {alarm}"
    if more := answer["alarms_in_all"] - len(answer["alarms"]):
        yield f"! {number(more)} more alarms"
    yield ""
    heads = [
        Column(title="found by"),
        *(Column(title=one, right=True) for one in ("joined", "right", "precision", "alone", "right", "review")),
    ]
    yield from table(
        heads, [_rule(one) for one in answer["rules"] if one["joined"] or one["review"]], width=screen.width
    )


def _quality(name: str, one: dict[str, Any]) -> list[Line]:
    shares = [f"{one[part]:.4f}" for part in ("precision", "recall", "f1")]
    return [name, *shares, text.number(one["found"]), text.number(one["true"])]


def _rule(one: dict[str, Any]) -> list[Line]:
    number = text.number
    share = "" if one["precision"] is None else f"{one['precision']:.4f}"
    told = [number(one["joined"]), number(one["right"]), share, number(one["alone"]), number(one["alone_right"])]
    return [one["rule"], *told, number(one["review"])]
