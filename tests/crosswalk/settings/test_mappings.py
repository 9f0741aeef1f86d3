"""A connector's mapping.yaml, and what loading costs."""

import subprocess
import sys
from pathlib import Path

import pytest

from connectors.sdk import registry as plugins
from crosswalk.settings.load import load
from crosswalk.settings.mappings import MappingFileError, default_mappings
from tests.crosswalk.settings.fakes import Pipedrive, registry

ROOT = Path(__file__).parents[3]


def test_lines_stand_by_stream_with_prefixes_and_places() -> None:
    text = "\"persons -> person\":\n  key: id\n  '*name.full': name | name\n  emails: emails | emails(value, label)\n"

    mapping = default_mappings(text, file="acme/mapping.yaml")["persons"]

    assert mapping.kind == "person"
    assert [(line.target, line.bare, line.text) for line in mapping.lines] == [
        ("key", "key", "id"),
        ("*name.full", "name.full", "name | name"),
        ("emails", "emails", "emails | emails(value, label)"),
    ]
    assert mapping.lines[1].place == ("acme/mapping.yaml", 3, 17)
    assert not any(line.operator for line in mapping.lines)


def test_a_connector_without_defaults_has_none() -> None:
    assert default_mappings("", file="acme/mapping.yaml") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("persons: {key: id}", "'persons' is no heading of the form 'stream -> kind'"),
        ("a -> person: {key: id, key: x}", "CW114: 'key' stands twice, in line 1 and in line 1"),
        ("- x", "is no mapping"),
        ("a -> person: [", "CW100: the file is not YAML here"),
    ],
)
def test_a_broken_one_is_the_plugins_fault(text: str, said: str) -> None:
    with pytest.raises(MappingFileError) as caught:
        default_mappings(text, file="acme/mapping.yaml")

    assert said in str(caught.value)


def test_a_plugin_with_broken_defaults_is_told_at_its_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "crosswalk.yaml"
    file.write_text("version: 1\nconnections:\n  pipedrive: {auth: {api_token: env:T}}\n")
    monkeypatch.setattr(plugins, "default_mapping", lambda connector: "persons: {}")

    problems = load(file, environment={"T": "x"}, registry=registry([Pipedrive])).problems

    assert [(one.code, one.line, one.column) for one in problems] == [("CW105", 3, 3)]
    assert problems[0].hint == "upgrade or uninstall it"


def test_reading_a_file_imports_neither_the_store_nor_other_connectors(tmp_path: Path) -> None:
    code = """
import sys
from crosswalk.settings.load import load
loaded = load(sys.argv[1], environment={"PIPEDRIVE_API_TOKEN": "x", "TYPEFORM_TOKEN": "x"})
assert loaded.hub is not None, loaded.problems
print(*sorted(name for name in sys.modules if name in ("sqlalchemy", "apscheduler", "openpyxl", "structlog", "typer")
              or name.startswith("connectors.files")))
"""

    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT / "config" / "smallest.yaml")],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip

    assert done.stdout.split() == []
