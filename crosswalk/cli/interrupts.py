"""Ctrl-C while the hub works: the first asks for the end of the batch, the second ends it, a third asks nobody."""

import signal
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import FrameType, TracebackType
from typing import Any, Final, Self

_UNWINDING: Final = 2.0  # seconds after the second, which calls that are under way may take to end


class Interrupts:
    """A handler runs in the middle of whatever its thread does, which may hold any lock: it notes that a signal came,
    and a thread does what is to be done.

    `stop` is called after the first. After the second KeyboardInterrupt is raised in the main thread; where that still
    waits for others after two seconds, such as a call that a vendor does not answer, `leave` is called, which does not
    come back. A third calls it at once. For the main thread alone.
    """

    def __init__(self, *, stop: Callable[[], object], leave: Callable[[], object]) -> None:
        self.came = 0
        self._stop, self._leave = stop, leave
        self._signals: SimpleQueue[int | None] = SimpleQueue()  # may be put to by a handler that interrupts a put
        self._before: Any = None

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, name="interrupts", daemon=True).start()
        self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)
        self._signals.put(None)

    def _handle(self, number: int, _frame: FrameType | None) -> None:
        self.came += 1
        self._signals.put(number)
        if self.came == 2:
            raise KeyboardInterrupt

    def _listen(self) -> None:
        if self._signals.get() is None:
            return
        self._stop()
        if self._signals.get() is None:
            return
        try:
            if self._signals.get(timeout=_UNWINDING) is None:
                return
        except Empty:
            pass
        self._leave()
