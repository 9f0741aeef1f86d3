"""The samples of config/ work: they load with the connectors that are installed, and their schema is up to date."""

from pathlib import Path

import pytest
import yaml

from crosswalk.settings.init import schema_text
from crosswalk.settings.load import load
from crosswalk.settings.render import lines
from crosswalk.settings.schema import json_schema
from tests.crosswalk.settings.checker import complaints

CONFIG = Path(__file__).parents[3] / "config"
SAMPLES = sorted(CONFIG.glob("*.yaml"))
SECRETS = {"PIPEDRIVE_API_TOKEN": "the-token", "TYPEFORM_TOKEN": "the-token"}


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.name)
def test_a_sample_loads_without_a_word(file: Path) -> None:
    loaded = load(file, environment=SECRETS)

    assert loaded.problems == []
    assert loaded.hub is not None
    assert all(stream.lines for one in loaded.hub.connections.values() for stream in one.streams.values())


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.name)
def test_an_editor_has_nothing_to_complain_about(file: Path) -> None:
    text = file.read_text(encoding="utf-8")

    assert text.startswith("# yaml-language-server: $schema=./crosswalk.schema.json\n")
    assert complaints(json_schema(), yaml.safe_load(text)) == []


def test_the_schema_is_up_to_date() -> None:
    written = (CONFIG / "crosswalk.schema.json").read_text(encoding="utf-8")

    assert written == schema_text(), "python -m crosswalk.settings.schema > config/crosswalk.schema.json"


def test_there_is_no_code_among_the_samples_and_the_page_names_each() -> None:
    page = (CONFIG / "README.md").read_text(encoding="utf-8")

    names = {file.name for file in CONFIG.iterdir()} - {"README.md"}
    assert {"crosswalk.yaml", "smallest.yaml", "files.yaml", "crosswalk.schema.json"} <= names
    assert all(f"`{name}`" in page for name in names)
    assert not list(CONFIG.rglob("*.py"))


OUR_FIVE_FAULTS = """\
crosswalk.yaml:8:40: error CW103: a secret stands in the file
     8 |   ... api_token: •••}
       |                  ^^^ write env:NAME or file:PATH; renew it: it may be in the history
crosswalk.yaml:9:23: error CW102: per_day is '40k'
     9 |     budget: {per_day: 40k, reserve: 20%}  # the vendor's unit, here tokens; the reserve...
       |                       ^^^ a whole number, such as 40000
crosswalk.yaml:13:9: error CW101: a Pipedrive stream has no key 'wirte'
    13 |         wirte: [update]
       |         ^^^^^ did you mean 'write'?  or: create_from, hub_id, mapping, guards, ...
crosswalk.yaml:34:80: error CW110: '(' is not closed
    34 |   ... transactional, mapping: {csat: satisfaction | scale(1, 5)}}
       |                                      ^^^^^^^^^^^^ quote it: in { } a comma ends a value
crosswalk.yaml:61:26: error CW105: there is no connection 'shopp'
    61 |     masters: [pipedrive, shopp]
       |                          ^^^^^ did you mean 'shop'?
"""


def test_faults_of_a_real_file_are_drawn_at_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (CONFIG / "crosswalk.yaml").read_text(encoding="utf-8")
    for right, wrong in (
        ("api_token: env:PIPEDRIVE_API_TOKEN", "api_token: hunter2hunter2"),
        ("per_day: 40000", "per_day: 40k"),
        ("        write: [update]\n        mapping: {segment", "        wirte: [update]\n        mapping: {segment"),
        ("mapping: {csat: 'satisfaction | scale(1, 5)'}", "mapping: {csat: satisfaction | scale(1, 5)}"),
        ("masters: [pipedrive, shop]\n", "masters: [pipedrive, shopp]\n"),
    ):
        assert source.count(right) == 1
        source = source.replace(right, wrong)
    (tmp_path / "crosswalk.yaml").write_text(source, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    problems = load("crosswalk.yaml", environment=SECRETS).problems

    drawn = [line for problem in problems for line in lines(problem, source, 100)]
    assert "\n".join(drawn) + "\n" == OUR_FIVE_FAULTS
