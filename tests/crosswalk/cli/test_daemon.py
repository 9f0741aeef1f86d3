"""How `crosswalk daemon` is told to end before it has begun; the rest stands in test_daemon_processes."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crosswalk.cli.main import application


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_told_to_end_while_it_opens_its_store_a_daemon_ends_with_0(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    closed = []

    @contextmanager
    def opening(_config: Path) -> Iterator[None]:
        try:
            signal.raise_signal(number)
            yield
        finally:
            closed.append("store")

    monkeypatch.setattr("crosswalk.daemon.open_daemon", opening)
    for setting_of_the_process in ("crosswalk.log.configure", "crosswalk.cli.daemon.collect_seldom"):
        monkeypatch.setattr(setting_of_the_process, lambda **_: None)

    with pytest.raises(SystemExit) as ended:
        application(["daemon"])

    assert (ended.value.code, closed) == (0, ["store"])
