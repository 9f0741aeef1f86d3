"""What runs the daemon elsewhere fits the daemon."""

import configparser
import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from crosswalk.cli.commands import COMMANDS
from crosswalk.cli.main import application
from crosswalk.cli.session import USAGE
from crosswalk.daemon import BOUND
from scheduler.daemon import BEAT_SECONDS

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"


def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # keys of units have capitals
    parser.read_string((DEPLOY / "crosswalk.service").read_text())
    return parser


def test_the_unit_runs_the_daemon_and_waits_for_its_end() -> None:
    service = unit()["Service"]

    program, *words = shlex.split(service["ExecStart"])
    assert program.endswith("/bin/crosswalk")
    assert words[-1] in COMMANDS
    assert float(service["TimeoutStopSec"]) > BOUND
    assert service["KillSignal"] == "SIGTERM"
    assert service["RestartPreventExitStatus"] == str(USAGE)


def test_a_daemon_that_hangs_misses_several_beats_before_it_is_started_anew() -> None:
    service = unit()["Service"]

    assert service["Type"] == "notify"
    assert float(service["WatchdogSec"]) >= 4 * BEAT_SECONDS
    assert "AF_UNIX" in service["RestrictAddressFamilies"]


def test_the_image_is_asked_in_words_that_the_command_knows() -> None:
    (command,) = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)

    program, *words = json.loads(command)

    assert program == "crosswalk"
    with pytest.raises(SystemExit) as ended:
        application([*words, "--help"])
    assert ended.value.code == 0


def test_the_image_takes_in_what_is_built_and_runs_the_daemon() -> None:
    text = (DEPLOY / "Containerfile").read_text()

    copied = {
        word.rstrip("/") for line in re.findall(r"^COPY ((?!--).*)$", text, re.MULTILINE) for word in line.split()[:-1]
    }
    assert {name for name in copied if not (ROOT / name).exists()} == set()
    assert {"connectors", "mapping", "scheduler", "crosswalk", "sandbox", "config", "pyproject.toml"} <= copied
    assert re.search(r'^ENTRYPOINT \["crosswalk"\]\nCMD \["(\w+)"\]$', text, re.MULTILINE)
    assert 'CMD ["daemon"]' in text


def test_the_versions_of_the_image_are_those_of_the_lock() -> None:
    """As its one line of sed reads them: names, versions and conditions, no hashes."""
    (script,) = re.findall(r"sed -E '([^']+)'", (DEPLOY / "Containerfile").read_text())
    lock = ROOT / "requirements.lock"

    read = subprocess.run(["sed", "-E", script, str(lock)], check=True, capture_output=True, text=True).stdout.split(
        "\n"
    )

    locked = re.findall(r"^([a-z0-9][^\s;\\]*)==", lock.read_text(), re.MULTILINE)
    assert [line.partition("==")[0] for line in read if line] == locked
    assert not any("--hash" in line or "\\" in line for line in read)
    assert len(locked) > 20


def test_the_page_names_every_file() -> None:
    page = (DEPLOY / "README.md").read_text()

    assert all(f"`{file.name}`" in page for file in DEPLOY.iterdir() if file.name != "README.md")
