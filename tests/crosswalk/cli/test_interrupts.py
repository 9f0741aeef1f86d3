"""What Ctrl-C comes to; as a terminal sees it, it stands in test_terminal."""

import signal
import threading
from signal import SIGINT, raise_signal

import pytest

from crosswalk.cli.interrupts import Interrupts

PATIENCE = 30.0


def never() -> None:
    raise AssertionError("nobody asked for it")


def test_the_first_asks_for_the_end_in_another_thread_than_the_one_that_it_interrupts() -> None:
    lock, stopped = threading.Lock(), threading.Event()

    def stop() -> None:
        if lock.acquire(timeout=PATIENCE):
            stopped.set()

    with Interrupts(stop=stop, leave=never) as interrupts:
        with lock:
            raise_signal(SIGINT)
        assert stopped.wait(PATIENCE)

    assert interrupts.came == 1


def test_the_second_ends_what_runs_even_while_the_first_is_being_done() -> None:
    begun, over = threading.Event(), threading.Event()

    def stop() -> None:
        begun.set()
        over.wait(PATIENCE)

    with Interrupts(stop=stop, leave=never):
        raise_signal(SIGINT)
        assert begun.wait(PATIENCE)
        with pytest.raises(KeyboardInterrupt):
            raise_signal(SIGINT)
    over.set()


def test_who_does_not_end_is_left_and_after_a_third_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for signals, seconds in ((2, 0.01), (3, PATIENCE)):
        monkeypatch.setattr("crosswalk.cli.interrupts._UNWINDING", seconds)
        left = threading.Event()
        with Interrupts(stop=lambda: None, leave=left.set):
            raise_signal(SIGINT)
            with pytest.raises(KeyboardInterrupt):
                raise_signal(SIGINT)
            for _ in range(signals - 2):
                raise_signal(SIGINT)
            assert left.wait(PATIENCE / 2)


def test_afterwards_signals_are_whose_they_were() -> None:
    before = signal.getsignal(SIGINT)

    with Interrupts(stop=never, leave=never):
        assert signal.getsignal(SIGINT) != before

    assert signal.getsignal(SIGINT) == before
