"""What runs the daemon elsewhere fits the daemon."""

import configparser
import json
import re
import shlex
import shutil
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
    parser = configparser.ConfigParser(interpolation=None, strict=False)  # a key may come twice: it adds
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
    assert service["Environment"] == "PYTHONFAULTHANDLER=1"  # it says where it hung


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The unit, with a program that is there; skipped where there is no systemd to ask."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: on a machine with systemd it reads the unit")
    text = re.sub(
        r"^ExecStart=\S+", "ExecStart=/bin/true", (DEPLOY / "crosswalk.service").read_text(), flags=re.MULTILINE
    )
    (tmp_path / "crosswalk.service").write_text(text)
    return tmp_path / "crosswalk.service"


def test_systemd_understands_every_line_of_the_unit(copied: Path) -> None:
    told = subprocess.run(["systemd-analyze", "verify", copied], capture_output=True, text=True)

    # It reads the units of the machine that this one refers to as well; what it finds there is theirs.
    assert [line for line in told.stderr.splitlines() if copied.name in line] == []


def test_systemd_finds_the_daemon_well_shut_in(copied: Path) -> None:
    asked = ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(copied)]
    told = subprocess.run(asked, capture_output=True, text=True)

    if "unrecognized option" in told.stderr:
        pytest.skip("this systemd judges only units that are loaded; 250 and later read a file")
    assert told.returncode == 0, told.stdout[-200:]


def test_a_daemon_whose_store_is_away_is_started_for_as_long_as_it_takes() -> None:
    assert unit()["Unit"]["StartLimitIntervalSec"] == "0"
    assert unit()["Service"]["Restart"] == "on-failure"


def test_what_a_daemon_holds_in_memory_is_written_nowhere() -> None:
    assert unit()["Service"]["LimitCORE"] == "0"


def test_the_image_is_asked_in_words_that_the_command_knows() -> None:
    (command,) = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", (DEPLOY / "Containerfile").read_text(), re.MULTILINE)

    program, *words = json.loads(command)

    assert program == "crosswalk"
    with pytest.raises(SystemExit) as ended:
        application([*words, "--help"])
    assert ended.value.code == 0


def test_the_image_takes_in_what_is_built_and_runs_the_daemon() -> None:
    text = (DEPLOY / "Containerfile").read_text()

    copied = _copied(text)
    assert {name for name in copied if not (ROOT / name).exists()} == set()
    assert {"connectors", "mapping", "scheduler", "crosswalk", "sandbox", "config", "pyproject.toml"} <= copied
    assert re.search(r'^ENTRYPOINT \["crosswalk"\]\nCMD \["(\w+)"\]$', text, re.MULTILINE)
    assert 'CMD ["daemon"]' in text


def test_the_build_sees_what_it_takes_in_and_nothing_else() -> None:
    """No secret, store or .venv of who builds it, wherever in these folders it lies."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]

    everything, *rest = lines
    let_in = {line.removeprefix("!") for line in rest if line.startswith("!")}
    assert everything == "*"
    assert let_in == _copied((DEPLOY / "Containerfile").read_text())
    kept_out = rest[len(let_in) :]
    assert {"**/.env", "**/*.key", "**/*.db", "**/*.db-*"} <= set(kept_out)
    assert not any(line.startswith("!") for line in kept_out)


def _copied(text: str) -> set[str]:
    """What a container file takes from the folder that it is built in."""
    lines = re.findall(r"^COPY ((?!--).*)$", text, re.MULTILINE)
    return {word.rstrip("/") for line in lines for word in line.split()[:-1]}


@pytest.mark.parametrize("name", ["Containerfile", "README.md"])
def test_what_is_installed_is_what_the_lock_has_hashes_included(name: str) -> None:
    """uv compares a file with the hashes of its constraints, pip only with those of what it is asked for."""
    (command,) = re.findall(r"uv pip install ((?:.*\\\n)*.*)", (DEPLOY / name).read_text())

    words = shlex.split(command)
    assert words[words.index("--constraints") + 1] == "requirements.lock"
    assert words[words.index("--build-constraints") + 1] == "requirements.lock"
    lock = (ROOT / "requirements.lock").read_text()
    locked = re.split(r"^(?=[a-z0-9][^\s;\\]*==)", lock, flags=re.MULTILINE)[1:]
    assert len(locked) > 20
    assert [one for one in locked if "--hash=sha256:" not in one] == []


def test_the_page_names_every_file() -> None:
    page = (DEPLOY / "README.md").read_text()

    assert all(f"`{file.name}`" in page for file in DEPLOY.iterdir() if file.name != "README.md")
