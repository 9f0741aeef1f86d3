"""Finding plugins: built in and foreign, sound and broken."""

from collections.abc import Sequence
from importlib.metadata import EntryPoint, PathDistribution
from pathlib import Path

import pytest

from connectors import sdk
from connectors.sdk.registry import GROUP, default_mapping, installed, names

SOUND = """
from connectors.files.connector import FilesConnector


class {kind}(FilesConnector):
    name = "{name}"
"""


class Plugins:
    """Distributions with modules, as a folder on the path has them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, distribution: str, name: str, source: str, *, kind: str = "Plugin", module: str = "") -> EntryPoint:
        module = module or f"plugin_{distribution.replace('-', '_')}"
        (self.folder / f"{module}.py").write_text(source)
        info = self.folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {module}:{kind}\n")
        (point,) = PathDistribution(info).entry_points
        return point


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plugins:
    monkeypatch.syspath_prepend(tmp_path)
    return Plugins(tmp_path)


def found(points: Sequence[EntryPoint]) -> tuple[set[str], dict[str, str]]:
    registry = installed(points=points)
    return set(registry.connectors), {fault.name: f"{fault.distribution}: {fault.reason}" for fault in registry.faults}


def test_a_sound_plugin_is_found_among_broken_ones(plugins: Plugins) -> None:
    points = [
        plugins.add("acme-sound", "acme", SOUND.format(name="acme", kind="Plugin")),
        plugins.add("acme-broken", "broken", "raise RuntimeError('no such library')"),
        plugins.add("acme-syntax", "syntax", "def"),
        plugins.add("acme-missing", "missing", "", kind="Nothing"),
        plugins.add("acme-liar", "liar", SOUND.format(name="other", kind="Plugin")),
        plugins.add("acme-empty", "empty", "class Plugin: name = 'empty'"),
        plugins.add("acme-function", "function", "def Plugin(): ..."),
        plugins.add(
            "acme-settings", "settings", SOUND.format(name="settings", kind="Plugin") + "    settings = dict\n"
        ),
    ]

    sound, faults = found(points)

    assert sound == {"acme"}
    assert set(faults) == {"broken", "syntax", "missing", "liar", "empty", "function", "settings"}
    assert "RuntimeError: no such library" in faults["broken"]
    assert "calls itself 'other'" in faults["liar"]
    assert "it lacks label, unit" in faults["empty"]
    assert "do not extend Settings" in faults["settings"]
    assert all(text.startswith(f"acme-{name}: ") for name, text in faults.items())


def test_a_name_that_two_distributions_offer_is_neithers(plugins: Plugins) -> None:
    points = [
        plugins.add("one", "acme", SOUND.format(name="acme", kind="Plugin")),
        plugins.add("two", "acme", SOUND.format(name="acme", kind="Plugin")),
        plugins.add("three", "other", SOUND.format(name="other", kind="Plugin")),
    ]

    assert found(points) == ({"other"}, {"acme": "one, two: 2 distributions offer it"})


def test_the_same_plugin_seen_twice_is_one(plugins: Plugins) -> None:
    point = plugins.add("one", "acme", SOUND.format(name="acme", kind="Plugin"))

    assert found([point, point]) == ({"acme"}, {})


def test_only_what_is_asked_for_is_imported(plugins: Plugins) -> None:
    points = [
        plugins.add("one", "acme", SOUND.format(name="acme", kind="Plugin")),
        plugins.add("bomb", "bomb", "raise RuntimeError"),
    ]

    registry = installed(only=["acme"], points=points)

    assert (set(registry.connectors), registry.faults) == ({"acme"}, ())


def test_what_this_distribution_brings_is_installed() -> None:
    assert {"files", "pipedrive", "typeform"} <= set(names())
    assert set(installed(only=["files"]).connectors) == {"files"}


def test_a_default_mapping_lies_beside_the_connector() -> None:
    files = installed(only=["files"]).connectors["files"]

    assert default_mapping(files) == ""


def test_the_public_address_names_what_it_exports() -> None:
    assert sorted(sdk.__all__) == list(sdk.__all__)
    assert all(hasattr(sdk, name) for name in sdk.__all__)
