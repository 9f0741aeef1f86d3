"""Packages of another distribution in our place."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from crosswalk import guard

ROOT = Path(__file__).parents[2]


def installed(home: Path, name: str, *files: str) -> Path:
    folder = home / f"{name}.dist-info"
    folder.mkdir(parents=True)
    (folder / "RECORD").write_text("".join(f"{file},sha256=x,1\n" for file in files))
    return home


def test_this_environment_is_ours() -> None:
    assert guard.check() is None


@pytest.mark.parametrize("first", [True, False])
def test_a_distribution_that_overwrites_a_package_is_named(tmp_path: Path, first: bool) -> None:
    files = ["scheduler/__init__.py", "other/__init__.py"]

    problem = guard.check(homes=[installed(tmp_path, "some_scheduler-2.1", *(files if first else files[::-1]))])

    assert problem is not None
    assert problem.code == "CW804"
    assert problem.text == f"the package 'scheduler' is also one of some_scheduler 2.1, installed in {tmp_path}"


def test_our_own_wheel_and_names_that_only_look_alike_are_fine(tmp_path: Path) -> None:
    installed(tmp_path, "crosswalk_hub-0.1.0", *(f"{name}/__init__.py" for name in guard.PACKAGES))
    installed(tmp_path, "mappings-1.0", "mappings/__init__.py", "x/mapping/__init__.py")

    assert guard.check(homes=[tmp_path]) is None


def test_a_package_from_another_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "mapping").mkdir()
    (tmp_path / "mapping" / "__init__.py").touch()
    path = [str(tmp_path), str(ROOT)]
    code = f"import sys; sys.path[:0] = {path!r}; from crosswalk import guard; print(guard.check())"

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert f"CW804: the package 'mapping' is taken from {tmp_path}, not from {ROOT}" in said


def test_the_program_ends_before_it_reads_anything(tmp_path: Path) -> None:
    home = installed(tmp_path / "site", "some_scheduler-2.1", "scheduler/__init__.py")
    code = "from crosswalk.cli.main import main; main()"

    done = subprocess.run(
        [sys.executable, "-c", code, "check"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(home)])},
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error CW804: the package 'scheduler' is also one of some_scheduler 2.1")
    assert "crosswalk.yaml" not in done.stderr
