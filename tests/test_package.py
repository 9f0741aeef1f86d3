"""The wheel, built from this tree: what an installation gets, and nothing else."""

import configparser
import os
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("connectors", "mapping", "scheduler", "crosswalk", "sandbox")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("wheel")
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(target), versions=["standard"])
    return Path(built)


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def information(wheel: Path, name: str) -> str:
    """A file of the wheel's .dist-info."""
    with ZipFile(wheel) as archive:
        (path,) = (one for one in archive.namelist() if one.endswith(f".dist-info/{name}"))
        return archive.read(path).decode()


def test_only_the_five_packages_and_the_data_are_at_the_top(names: set[str]) -> None:
    top = {name.split("/")[0] for name in names}

    version = PROJECT["version"]
    assert top == {*PACKAGES, f"crosswalk_hub-{version}.dist-info", f"crosswalk_hub-{version}.data"}


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_says_that_it_is_typed(names: set[str], package: str) -> None:
    assert f"{package}/__init__.py" in names
    assert f"{package}/py.typed" in names


def test_everything_in_the_packages_comes_along(names: set[str]) -> None:
    """Python and data alike: default mappings, migrations, templates."""
    expected = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }

    assert expected - names == set()


def test_connectors_bring_their_default_mappings(names: set[str]) -> None:
    folders = {
        target.partition(":")[0].split(".")[1] for target in PROJECT["entry-points"]["crosswalk.connectors"].values()
    }

    with_records_of_one_shape = folders - {"files"}  # a folder of files has no mapping before one looks into it
    assert {f"connectors/{folder}/mapping.yaml" for folder in with_records_of_one_shape} - names == set()


def test_migrations_come_along(names: set[str]) -> None:
    folder = "crosswalk/store/migrations"

    assert {f"{folder}/env.py", f"{folder}/script.py.mako", f"{folder}/versions/v0001.py"} <= names


def test_configurations_are_shared_data(names: set[str]) -> None:
    expected = {path.name for path in (ROOT / "config").iterdir() if path.is_file() and not path.name.startswith(".")}
    shared = f"crosswalk_hub-{PROJECT['version']}.data/data/share/crosswalk/config/"

    assert {name.removeprefix(shared) for name in names if name.startswith(shared)} == expected


def test_entry_points_lead_to_modules_in_the_wheel(wheel: Path, names: set[str]) -> None:
    parser = configparser.ConfigParser()
    parser.read_string(information(wheel, "entry_points.txt"))

    assert dict(parser["console_scripts"]) == {"crosswalk": "crosswalk.cli.main:main"}
    assert set(parser["crosswalk.connectors"]) >= {"files", "pipedrive", "typeform"}
    for section in parser.sections():
        for target in parser[section].values():
            module, _, _ = target.partition(":")
            assert f"{module.replace('.', '/')}.py" in names, target


def test_nothing_of_this_machine_is_in_the_wheel(wheel: Path) -> None:
    """Neither paths of the builder nor what the tests and the bench need."""
    with ZipFile(wheel) as archive:
        found = [name for name in archive.namelist() if os.fsencode(ROOT) in archive.read(name)]

    assert found == []


def test_the_wheel_asks_for_what_the_project_names(wheel: Path) -> None:
    metadata = information(wheel, "METADATA")

    for requirement in PROJECT["dependencies"]:
        name = requirement.split(">")[0].split("[")[0].split("=")[0].strip()
        assert f"Requires-Dist: {name}" in metadata
    assert f"Requires-Python: {PROJECT['requires-python']}" in metadata
