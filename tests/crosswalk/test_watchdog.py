"""What systemd hears of a daemon."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from crosswalk import watchdog
from tests.hub import REGISTRY, World


@pytest.fixture
def ear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def test_a_daemon_says_that_it_is_ready_that_it_lives_and_that_it_ends(
    tmp_path: Path, ear: socket.socket, world: World
) -> None:
    from crosswalk.daemon import open_daemon

    with open_daemon(world.folder / "crosswalk.yaml", clock=world.clock, registry=REGISTRY) as daemon:
        daemon.start()
        heard = {ear.recv(64) for _ in range(2)}
        daemon.finish(within=5)

    assert heard == {b"READY=1", b"WATCHDOG=1"}
    last = b""
    while last != b"STOPPING=1":
        last = ear.recv(64)


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path, f"sqlite:///{tmp_path}/crosswalk.db", "")
    account = made.account("alpha")
    made.write(f"connections: {{alpha: {{connector: memory, account: {account}, streams: {{people: }}}}}}")
    return made


def test_an_abstract_address_is_no_file() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind("\0crosswalk-test-watchdog")
        listening.settimeout(5)

        watchdog.tell("WATCHDOG=1", {"NOTIFY_SOCKET": "@crosswalk-test-watchdog"})

        assert listening.recv(64) == b"WATCHDOG=1"


@pytest.mark.parametrize("known", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nobody/listens"}], ids=str)
def test_without_a_listener_nothing_is_said(known: dict[str, str]) -> None:
    watchdog.tell("WATCHDOG=1", known)
