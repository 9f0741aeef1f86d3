"""`crosswalk match`: of files it needs no hub, says progress on stderr and the answer on stdout."""

import json
from pathlib import Path

import pytest
from yaml import safe_load

from bench import worlds
from tests.crosswalk.cli.fixtures import FakeHub, Run

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


def test_wrong_pairs_go_to_a_file_that_is_not_replaced_unasked(
    crosswalk: Run, files: list[str], tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.csv"

    result = crosswalk("match", "evaluate", *files, "--wrong", str(wrong))
    again = crosswalk("match", "evaluate", *files, "--wrong", str(wrong))
    nowhere = crosswalk("match", "evaluate", *files, "--wrong", str(tmp_path / "none" / "wrong.csv"))

    assert f"wrong            0 pairs  {wrong}" in result.out
    assert wrong.read_text() == "pair,wrong,bits,rid,source,given_name,surname,email\n"
    assert again.code == 2
    assert f"{wrong} exists" in again.err
    assert nowhere.code == 2
    assert f"{tmp_path / 'none'} is no folder" in nowhere.err


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


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return worlds.write(tmp_path_factory.mktemp("people"), "person", 1500)[0]


def test_a_trained_model_is_printed_and_kept_only_where_it_is_told(
    crosswalk: Run, people: Path, tmp_path: Path
) -> None:
    out = tmp_path / "person.yaml"

    printed = crosswalk("match", "train", "--records", str(people))
    kept = crosswalk("match", "train", "--records", str(people), "--out", str(out))

    assert (printed.code, kept.code) == (0, 0)
    assert printed.err.splitlines()[0] == "reading records.csv"
    told = safe_load(printed.out)
    assert told["kind"] == "person"
    assert safe_load(out.read_text(encoding="utf-8"))["comparisons"] == told["comparisons"]
    assert f"wrote  {out}" in kept.out
    assert "given different" in kept.out


def test_a_file_is_not_overwritten_unasked(crosswalk: Run, people: Path, tmp_path: Path) -> None:
    out = tmp_path / "person.yaml"
    out.write_text("mine")
    words = ["match", "train", "--records", str(people), "--out", str(out)]

    assert crosswalk(*words).code == 2
    assert out.read_text() == "mine"
    assert crosswalk(*words, "--yes").code == 0
    assert out.read_text() != "mine"


def test_training_in_json_has_every_weight_and_the_file(crosswalk: Run, people: Path) -> None:
    result = crosswalk("match", "train", "--records", str(people), "--seed", "3", "--json", "--quiet")

    told = json.loads(result.out)
    assert result.err == ""
    assert told["trained"]["seed"] == 3
    assert {"field", "level", "before", "after", "pairs"} == told["weights"][0].keys()
    assert told["outcome"]["before"].keys() == {"joined", "review", "largest"}
    assert safe_load(told["text"])["trained"]["records"] == 1500


def test_too_little_to_learn_from_ends_with_2(crosswalk: Run, files: list[str]) -> None:
    result = crosswalk("match", "train", *files[:2])

    assert result.code == 2
    assert "CW131: too little to learn from in records.csv: there are 2 records; it takes 1,000" in result.err


@pytest.mark.parametrize("args", [[], ["--mapping", "columns.yaml"], ["--kind", "ship"]])
def test_training_wants_to_know_of_what(crosswalk: Run, args: list[str]) -> None:
    assert crosswalk("match", "train", *args).code == 2


WOULD = {
    "kinds": [{"kind": "person", "records": 2498, "entities": 1402, "join": 12, "part": 3, "ask": 1}],
    "problems": [],
    "exit_code": 0,
}
RESOLVED = {
    "run": "R9", "kinds": ["person"], "joined": 12, "parted": 3, "asked": 1, "problems": [], "exit_code": 0,
}  # fmt: skip


def test_what_would_be_matched_otherwise_is_told_before_it_is_asked_for(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers |= {"would_match_anew": WOULD, "match_anew": RESOLVED}

    result = crosswalk("match", "resolve", "person", terminal=True, typed="y\n")

    assert "2,498 records of 1,402: 12 would be joined, 3 parted, 1 more pair to review" in result.err
    assert "12 joined, 3 parted, 1 more pair to review.  crosswalk plan" in result.out
    assert [name for name, _, _ in hub.calls] == ["would_match_anew", "match_anew"]


def test_a_no_leaves_everything_as_it_is(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers |= {"would_match_anew": WOULD, "match_anew": RESOLVED}

    result = crosswalk("match", "resolve", terminal=True, typed="n\n")

    assert result.code == 2
    assert [name for name, _, _ in hub.calls] == ["would_match_anew"]


def test_yes_looks_at_nothing_beforehand_and_json_is_the_answer(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["match_anew"] = RESOLVED

    result = crosswalk("match", "resolve", "--yes", "--json")

    told = json.loads(result.out)
    assert (told["command"], told["joined"], told["parted"], told["asked"]) == ("match resolve", 12, 3, 1)
    assert hub.calls == [("match_anew", ("",), {})]


def test_where_nothing_would_change_nothing_is_asked(crosswalk: Run, hub: FakeHub) -> None:
    hub.answers["would_match_anew"] = {
        **WOULD, "kinds": [{"kind": "person", "records": 9, "entities": 5, "join": 0, "part": 0, "ask": 0}],
    }  # fmt: skip

    result = crosswalk("match", "resolve", "person")

    assert result.code == 0
    assert "Nothing changed" in result.out
