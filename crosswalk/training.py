"""`match train`: a model whose weights come from the company's own records, without labels.

Records come from a CSV as `match evaluate` takes it, or from the hub's store, as they were landed.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from crosswalk.engine.model import House
from crosswalk.engine.words import load_record_fields
from crosswalk.labelled import model_of, read_records, tabled
from crosswalk.problems import Problem, ProblemsError
from crosswalk.store.records import ARCHIVED
from mapping.match.batch import Table, table
from mapping.match.model import Model, shipped, told
from mapping.match.profile import Profile, of_row
from mapping.match.train import Outcome, TooLittleError, Trained, train

Progress = Callable[[str], None]
_BATCH: Final = 500
_TOLD_EVERY: Final = 100_000  # records


def of_file(
    records: Path, *, mapping: Path | None, kind: str | None, base: Path | None, progress: Progress
) -> tuple[Table, Model]:
    """The records of a CSV as they are compared, and the model to begin with. Raises ProblemsError."""
    chosen = model_of(base) if base is not None else None
    progress(f"reading {records.name}")
    found, used = tabled(
        read_records(records), mapping=mapping, kind=kind or (chosen.kind if chosen else None), file=records
    )
    return found, _of_kind(chosen, used.kind, base)


def of_store(house: House, kind: str, *, base: Path | None, progress: Progress) -> tuple[Table, Model]:
    """The records of a kind that have been landed in the store, and the model to begin with. Raises ProblemsError."""
    chosen = _of_kind(model_of(base) if base is not None else None, kind, base)
    return table(_landed(house, kind, progress)), chosen


def _of_kind(chosen: Model | None, kind: str, base: Path | None) -> Model:
    if chosen is not None and chosen.kind != kind:
        text, hint = f"the model is of kind {chosen.kind}, the records of {kind}", f"begin with a model of {kind}"
        raise ProblemsError([Problem(code="CW130", text=text, hint=hint, file=str(base))])
    return chosen or shipped(kind)


def _landed(house: House, kind: str, progress: Progress) -> Iterator[tuple[str, str, Profile]]:
    """Key, connection and profile of each live record, in memory never more than a batch of rows."""
    database, read = house.database, 0
    for stream in house.streams.values():
        after = 0
        while stream.kind == kind:
            with database.read() as connection:
                numbers = [
                    row[0]
                    for row in database.run(
                        connection,
                        "SELECT id FROM record WHERE stream = ? AND id > ? AND state <= ? ORDER BY id LIMIT ?",
                        (stream.id, after, ARCHIVED, _BATCH),
                    )
                ]
                rows = load_record_fields(house, connection, numbers)
            if not numbers:
                break
            after = numbers[-1]
            for number in numbers:
                if number in rows:
                    yield f"{number:020}", stream.connection, of_row(kind, rows[number])
            if (read + len(numbers)) // _TOLD_EVERY > read // _TOLD_EVERY:
                progress(f"{read + len(numbers):,} records of the store read")
            read += len(numbers)


def trained(records: Table, base: Model, *, source: str, seed: int, at: datetime, progress: Progress) -> dict[str, Any]:
    """The answer of the command; `text` is the file. Raises ProblemsError where there is too little to learn from."""
    try:
        found = train(records, base, seed=seed, progress=progress)
    except TooLittleError as error:
        hint = "keep the weights that ship, or train on more records, of several systems if there are any"
        text = f"too little to learn from in {source}: {error}"
        raise ProblemsError([Problem(code="CW131", text=text, hint=hint)]) from error
    trained_on = {
        "from": source,
        "at": at.isoformat(timespec="seconds"),
        "records": found.records,
        "pairs": found.compared,
        "matches": found.matches,
        "seed": seed,
    }
    return {
        "kind": base.kind,
        "trained": trained_on,
        "rounds": found.rounds,
        "thresholds": {"before": base.same, "after": found.model.same},
        "same_system": {"before": base.same_system, "after": found.model.same_system},
        "lent": sorted(found.model.lent),
        "weights": [
            {
                "field": one.field,
                "level": one.level,
                "before": one.before,
                "after": one.after,
                "pairs": one.pairs,
            }
            for one in found.changes
        ],
        "outcome": {"before": _outcome(found.before), "after": _outcome(found.after)},
        "text": _text(found, trained_on),
    }


def _outcome(one: Outcome) -> dict[str, int]:
    return {"joined": one.joined, "review": one.review, "largest": one.largest}


def _text(found: Trained, trained_on: Mapping[str, Any]) -> str:
    """The model file."""
    from yaml import safe_dump

    model = found.model
    whole = told(model)
    head = {"version": whole.pop("version"), "kind": whole.pop("kind"), "trained": dict(trained_on)}
    lines = (
        f"# What speaks for and against two records being one {model.kind}, in bits, as `crosswalk match train` found",
        "# it in records without labels. What the words mean stands in the model that ships.",
        safe_dump({**head, **whole}, sort_keys=False, default_flow_style=None, allow_unicode=True, width=120),
    )
    return "\n".join(lines)
