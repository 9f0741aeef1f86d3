"""Splink on the fields that are compared here too, set up as its documentation recommends and trained without labels.

Needs the package `splink` (5, with DuckDB). Of a field with several values it gets the first.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Any, Final

import numpy as np

from mapping.match.batch import Table
from mapping.match.cluster import Forest
from mapping.match.evaluate import Labels, of_pairs

USUAL: Final = 0.95  # the probability at which its tutorial puts records together
_FROM: Final = -4.0  # bits; a pair below is of no use at any threshold worth trying
_STEP: Final = 1.0

# Pairs that share all columns of a line are compared. Those of `_CERTAIN` are taken for matches when it counts how
# many there are, and `_TRAINED_ON` are the pairs from which it estimates the columns that are not in the line.
_BLOCKS: Final[Mapping[str, Sequence[Sequence[str]]]] = {
    "person": (
        ("email",), ("phone",), ("id",), ("given", "family"), ("family", "birth"), ("given", "birth"),
        ("birth", "postcode"), ("family", "postcode"), ("given", "postcode"), ("family", "company"),
        ("given", "company"),
    ),
    "company": (
        ("domain",), ("email",), ("phone",), ("id",), ("name",), ("substr(name, 1, 5)", "locality"),
        ("substr(name, 1, 5)", "postcode"), ("street", "postcode"),
    ),
}  # fmt: skip
_CERTAIN: Final[Mapping[str, Sequence[Sequence[str]]]] = {
    "person": (("given", "family", "email"), ("given", "family", "phone"), ("given", "family", "birth"),
               ("given", "family", "postcode")),
    "company": (("name", "domain"), ("name", "phone"), ("name", "postcode"), ("id",)),
}  # fmt: skip
_TRAINED_ON: Final[Mapping[str, Sequence[Sequence[str]]]] = {
    "person": (("given", "family"), ("email",), ("birth",), ("phone",)),
    "company": (("name",), ("domain",), ("phone",)),
}
_RECALL: Final = 0.7
_FOLLOWS: Final = ("street", "locality")  # from the postcode, mostly


@dataclass(frozen=True, slots=True)
class Resolved:
    """`threshold` in bits; `cpu` in seconds, of loading, training, predicting and clustering."""

    name: str
    groups: Labels
    threshold: float
    cpu: float


def splink(table: Table, kind: str, true: Labels, *, fewer: bool = False) -> Iterator[Resolved]:
    """Groups at the usual threshold, and at the best one, chosen by looking at the truth.

    `fewer`: without columns that mostly follow from another one, which its documentation advises against.
    """
    begun = process_time()
    linker = _trained(table, kind, fewer=fewer)
    predictions = linker.inference.predict(threshold_match_weight=_FROM)
    predicted = process_time() - begun
    edges = predictions.as_duckdbpyrelation().project("unique_id_l, unique_id_r, match_weight").to_arrow_table()
    left, right, bits = (edges.column(at).to_numpy() for at in range(3))
    best = best_threshold(left, right, bits, true)
    usual = float(np.log2(USUAL / (1 - USUAL)))
    for name, threshold in (("usual threshold", usual), ("best threshold", best)):
        begun = process_time()
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold
        found = clusters(predictions, threshold_match_weight=threshold)
        told = found.as_duckdbpyrelation().project("cluster_id, unique_id").to_arrow_table()
        groups = np.empty(len(table), dtype=np.int64)
        groups[told.column(1).to_numpy()] = told.column(0).to_numpy()
        yield Resolved(name, groups, threshold, predicted + process_time() - begun)


def best_threshold(left: Labels, right: Labels, bits: Any, true: Labels) -> float:
    """The threshold, in whole bits, at which joined pairs have the best F1 against the truth."""
    forest = Forest(len(true))
    best, at, done = 0.0, float(_STEP), 0
    order = np.argsort(-bits, kind="stable")
    left, right, bits = left[order], right[order], bits[order]
    for threshold in np.arange(np.ceil(bits[0]) if len(bits) else 0.0, _FROM - _STEP, -_STEP):
        more = int(np.searchsorted(-bits, -threshold, side="right"))
        if more == done:
            continue
        for one, other in zip(left[done:more].tolist(), right[done:more].tolist(), strict=True):
            forest.join(one, other)
        done = more
        groups = np.array([forest.find(record) for record in range(len(true))], dtype=np.int64)
        f1 = of_pairs(groups, true).f1
        if f1 > best:
            best, at = f1, float(threshold)
    return at


def _trained(table: Table, kind: str, *, fewer: bool) -> Any:
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    def blocks(told: Sequence[Sequence[str]]) -> list[Any]:
        return [block_on(*line) for line in told if all(_column(part) in table.columns for part in line)]

    left_out = _FOLLOWS if fewer else ()
    comparisons = [made for name, made in _comparisons(kind).items() if name in table.columns and name not in left_out]
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=blocks(_BLOCKS[kind]),
    )
    linker = Linker(DuckDBAPI().register(_arrow(table)), settings)
    training = linker.training
    logging.getLogger("splink").setLevel(logging.ERROR)
    training.estimate_probability_two_random_records_match(blocks(_CERTAIN[kind]), recall=_RECALL)
    training.estimate_u_using_random_sampling(max_pairs=1e7, seed=1)
    for block in blocks(_TRAINED_ON[kind]):
        training.estimate_parameters_using_expectation_maximisation(block)
    return linker


def _column(part: str) -> str:
    return part.partition("(")[2].partition(",")[0] or part


def _arrow(table: Table) -> Any:
    import pyarrow

    columns = {"unique_id": pyarrow.array(np.arange(len(table)))}
    for name, column in table.columns.items():
        values = pyarrow.array([_day(values[0]) if name == "birth" else values[0] for values in column.values])
        columns[name] = values.take(pyarrow.array(column.codes, mask=column.codes < 0))
    return pyarrow.table(columns)


def _day(digits: str) -> str | None:
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if len(digits) == 8 else None


def _comparisons(kind: str) -> dict[str, Any]:
    import splink.comparison_library as library

    def common(comparison: Any) -> Any:
        return comparison.configure(term_frequency_adjustments=True)

    shared = {
        "email": library.EmailComparison("email"),
        "phone": common(library.LevenshteinAtThresholds("phone", [1])),
        "id": library.LevenshteinAtThresholds("id", [1]),
        "street": common(library.JaroWinklerAtThresholds("street", [0.9])),
        "postcode": common(library.LevenshteinAtThresholds("postcode", [1])),
        "locality": common(library.JaroWinklerAtThresholds("locality", [0.9])),
    }
    if kind == "company":
        return {
            "name": common(library.JaroWinklerAtThresholds("name", [0.95, 0.88, 0.7])),
            "domain": common(library.ExactMatch("domain")),
            "country": common(library.ExactMatch("country")),
            **shared,
        }
    return {
        "given": library.ForenameSurnameComparison("given", "family"),
        "birth": library.DateOfBirthComparison("birth", input_is_string=True),
        "company": common(library.JaroWinklerAtThresholds("company", [0.9])),
        **shared,
    }
