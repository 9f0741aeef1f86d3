"""match: what scored matching makes of records."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from crosswalk.cli import text
from crosswalk.cli.options import app, callback, command
from crosswalk.cli.screen import Line, Screen
from crosswalk.cli.session import DONE, Answer, Session, UsageError
from crosswalk.cli.table import Column, table

commands = app()
match = app()
commands.add_typer(match, name="match")


@callback(
    match,
    json_name="match",
    examples="""
        crosswalk match evaluate --records people.csv --truth truth.csv
    """,
)
def group(session: Session) -> int:
    """Judge how well records are matched."""
    raise UsageError("what is to be done?", "crosswalk match evaluate --records FILE.csv --truth FILE.csv")


@command(
    match,
    json_name="match evaluate",
    examples="""
        crosswalk match evaluate --records people.csv --truth truth.csv
        crosswalk match evaluate --records firms.csv --truth truth.csv --kind company --json
        crosswalk match evaluate --records people.csv --truth truth.csv --mapping columns.yaml
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
) -> int:
    """Match labelled records by the shipped model and say how good that is. Needs no configuration, writes nothing."""
    from crosswalk.labelled import evaluated
    from mapping.match.model import KINDS

    if kind and kind not in KINDS:
        raise UsageError(f"--kind is '{kind}'", f"one of {', '.join(KINDS)}")

    def progress(words: str) -> None:
        if not session.manners.quiet:
            session.err.write([words])

    answer = evaluated(records, truth, mapping=mapping, kind=kind or None, model=model, progress=progress)
    return session.show({**answer, "exit_code": DONE}, told)


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
    for alarm in answer["alarms"]:
        yield f"! {alarm}"
    if more := answer["alarms_in_all"] - len(answer["alarms"]):
        yield f"! {number(more)} more alarms"
    yield ""
    heads = [
        Column(title="found by"),
        *(Column(title=one, right=True) for one in ("joined", "right", "alone", "review")),
    ]
    yield from table(
        heads, [_rule(one) for one in answer["rules"] if one["joined"] or one["review"]], width=screen.width
    )


def _quality(name: str, one: dict[str, Any]) -> list[Line]:
    shares = [f"{one[part]:.4f}" for part in ("precision", "recall", "f1")]
    return [name, *shares, text.number(one["found"]), text.number(one["true"])]


def _rule(one: dict[str, Any]) -> list[Line]:
    return [one["rule"], *(text.number(one[part]) for part in ("joined", "right", "alone", "review"))]
