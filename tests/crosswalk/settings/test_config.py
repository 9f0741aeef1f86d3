"""The samples of config/ work: they load with the connectors that are installed, and their schema is up to date."""

from pathlib import Path

import pytest
import yaml

from crosswalk.settings.init import schema_text
from crosswalk.settings.load import load
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
