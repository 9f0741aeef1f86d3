"""The files that init writes: they load, explain every key, and write nothing anywhere yet."""

import re
from pathlib import Path

import pytest
import yaml
from cryptography.fernet import Fernet

from crosswalk.settings import grammar
from crosswalk.settings.init import starter
from crosswalk.settings.load import load
from crosswalk.settings.model import Alert, HubSettings
from crosswalk.settings.schema import json_schema
from crosswalk.settings.secrets import dotenv
from tests.crosswalk.settings.checker import complaints


def written(folder: Path, files: dict[str, str]) -> HubSettings:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    example = files[".env.example"]
    (folder / ".env").write_text(example.replace("=\n", "=filled-in\n"))
    loaded = load(folder / "crosswalk.yaml", environment={})
    assert loaded.problems == []
    assert loaded.hub is not None
    return loaded.hub


@pytest.mark.parametrize(
    "connections",
    [["pipedrive", "typeform", "files"], ["typeform"], ["files"], ["pipedrive"]],
    ids=lambda one: "-".join(one),
)
def test_what_is_written_can_be_read_as_it_stands(tmp_path: Path, connections: list[str]) -> None:
    files = starter(connections, [], "Europe/Berlin", phone_region="DE")

    hub = written(tmp_path, files)

    assert list(hub.connections) == connections
    assert (hub.time_zone, hub.phone_region) == ("Europe/Berlin", "DE")
    assert not any(stream.write for one in hub.connections.values() for stream in one.streams.values())
    assert complaints(json_schema(), yaml.safe_load(files["crosswalk.yaml"])) == []


def test_every_key_is_explained(tmp_path: Path) -> None:
    text = starter(["pipedrive", "typeform"])["crosswalk.yaml"]
    words = " ".join(line.strip().lstrip("#").strip() for line in text.splitlines())
    words = " ".join(words.split())

    of_parts = (grammar.STORE, grammar.CONNECTION, grammar.STREAM, grammar.POLICY, grammar.SCHEDULE, grammar.ALERT)
    sections = (grammar.FILE, *of_parts)
    keys = [key for section in sections for key in section.keys if key.name != "connector"]
    assert [key.name for key in keys if key.about not in words] == []
    assert max(map(len, text.splitlines())) <= 120


def test_masters_are_written_in_the_order_that_was_said(tmp_path: Path) -> None:
    hub = written(tmp_path, starter(["typeform", "pipedrive"], ["pipedrive"]))

    assert hub.merge.defaults.masters == ("pipedrive",)


def test_settings_that_are_known_already_are_filled_in(tmp_path: Path) -> None:
    given = {"pipedrive": {"base_url": "http://127.0.0.1:8702"}, "typeform": {"base_url": "http://127.0.0.1:8704"}}

    hub = written(tmp_path, starter(["pipedrive", "typeform"], given=given))

    assert {name: one.settings.base_url for name, one in hub.connections.items()} == {
        "pipedrive": "http://127.0.0.1:8702",
        "typeform": "http://127.0.0.1:8704",
    }


def test_the_example_names_just_the_secrets_that_the_file_refers_to() -> None:
    files = starter(["pipedrive", "typeform", "files"])

    assert list(dotenv(files[".env.example"])) == ["PIPEDRIVE_API_TOKEN", "TYPEFORM_TOKEN"]


def test_keys_are_new_each_time_and_never_committed() -> None:
    first, second = starter(["files"]), starter(["files"])

    assert first["crosswalk.key"] != second["crosswalk.key"]
    Fernet(first["crosswalk.key"].strip())
    assert first[".gitignore"].splitlines() == ["crosswalk.key", ".env", "crosswalk.db*"]


def test_what_can_be_uncommented_is_right(tmp_path: Path) -> None:
    files = starter(["pipedrive", "typeform"], ["pipedrive"])
    lines = files["crosswalk.yaml"].splitlines()
    keys = (
        "write:",
        "create_from:",
        "hub_id:",
        "guards:",
        "on_delete:",
        "budget:",
        "tolerance:",
        "allow_clear:",
        "where:",
    )

    opened = [line.replace("# ", "", 1) if line.strip().lstrip("# ").startswith(keys) else line for line in lines]
    files["crosswalk.yaml"] = "\n".join([*opened, ""])

    persons = written(tmp_path, files).connections["pipedrive"].streams["persons"]
    assert persons.write == {"update"}
    assert (persons.create_from, persons.hub_id) == (("typeform",), "Crosswalk ID")


def test_alerts_can_be_uncommented(tmp_path: Path) -> None:
    files = starter(["typeform"])
    head, _, tail = files["crosswalk.yaml"].partition("# alerts:\n")
    files["crosswalk.yaml"] = head + "alerts:\n" + re.sub(r"(?m)^#( +- to:| +when:)", r"\1", tail)
    files[".env.example"] += "OPS_WEBHOOK_URL=https://ops.example.test/hook\n"

    assert written(tmp_path, files).alerts == (
        Alert(to="https://ops.example.test/hook", when=("run_failed", "connection_down")),
    )


def test_who_is_no_connector_cannot_be_chosen() -> None:
    with pytest.raises(KeyError):
        starter(["salesfroce"])
