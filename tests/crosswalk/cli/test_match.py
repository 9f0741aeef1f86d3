"""`crosswalk match evaluate`: it needs no hub, says progress on stderr and the figures on stdout."""

import json
from pathlib import Path

import pytest

from tests.crosswalk.cli.fixtures import Run

RECORDS = "rid,source,given_name,surname,email\n1,crm,Mara,Lind,mara@lind.test\n2,shop,M,Lind,mara@lind.test\n"


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    records, truth = tmp_path / "records.csv", tmp_path / "truth.csv"
    records.write_text(RECORDS)
    truth.write_text("rid,cluster\n1,a\n2,a\n")
    return ["--records", str(records), "--truth", str(truth)]


def test_figures_stand_on_stdout_and_progress_on_stderr(crosswalk: Run, files: list[str]) -> None:
    result = crosswalk("match", "evaluate", *files)

    assert result.code == 0
    assert "pairs        1.0000  1.0000  1.0000      1     1" in result.out
    assert "largest cluster  2, the true one 2" in result.out
    assert result.err.splitlines()[0] == "reading records.csv"


def test_json_has_every_figure(crosswalk: Run, files: list[str]) -> None:
    result = crosswalk("match", "evaluate", *files, "--json", "--quiet")

    told = json.loads(result.out)
    assert result.err == ""
    assert told["command"] == "match evaluate"
    assert told["pairs"]["f1"] == 1.0
    assert {"clusters", "largest", "largest_true", "review", "rules", "seconds", "peak_mib", "alarms"} <= told.keys()


def test_a_broken_file_ends_with_2_and_its_place(crosswalk: Run, files: list[str]) -> None:
    Path(files[1]).write_text(f"{RECORDS}3,crm\n")

    result = crosswalk("match", "evaluate", *files)

    assert result.code == 2
    assert f"{files[1]}:4:2: error CW130: 2 cells; the first line has 5" in result.err
    assert result.out == ""


@pytest.mark.parametrize("args", [["match"], ["match", "evaluate"], ["match", "evaluate", "--kind", "ship"]])
def test_what_is_missing_or_no_kind_is_a_matter_of_usage(crosswalk: Run, files: list[str], args: list[str]) -> None:
    assert crosswalk(*args, *(files if "--kind" in args else [])).code == 2
