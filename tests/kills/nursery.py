"""Starts daemons as processes of their own in no time, and kills them: all that they import has been imported before.

    python -m tests.kills.nursery

One JSON object a line. `{"config": FILE, "log": FILE, "step": NAME or null, "count": n}` starts a daemon and answers
with its number; it kills itself when it comes to the step for the n-th time. `{"kill": NUMBER, "after": SECONDS}` waits
so long for it to do that, then kills it, and answers how it ended. kill -9 either way: nothing of it runs after that.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, NoReturn

from tests.crosswalk.quick_daemon import quicken

quicken()

import crosswalk.daemon  # noqa: E402, F401 - after it has been made quick, so that its children need not
from crosswalk.cli.main import application  # noqa: E402 - as above
from tests.kills.steps import STEPS, Call  # noqa: E402 - as above

for _call in STEPS.values():
    _call.owner()


def main() -> None:
    for line in sys.stdin:
        asked = json.loads(line)
        answer = _kill(asked["kill"], asked["after"]) if "kill" in asked else _start(**asked)
        print(json.dumps(answer), flush=True)


def _start(config: str, log: str, step: str | None, count: int) -> int:
    number = os.fork()
    if number == 0:
        _be_a_daemon(config, log, step, count)
    return number


def _be_a_daemon(config: str, log: str, step: str | None, count: int) -> NoReturn:
    code = 1
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        if step is not None:
            _end_at(STEPS[step], count)
        application(["--config", config, "daemon"])
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        os._exit(code)


def _end_at(call: Call, count: int) -> None:
    owner, name = call.owner()
    called: Callable[..., Any] = getattr(owner, name)
    left = count

    def watched(*values: Any, **more: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0 and not call.after:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = called(*values, **more)
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    setattr(owner, name, watched)


def _kill(number: int, after: float) -> str:
    """`killed` by us, `there`: by itself at its step, or the code it ended with, which it should not have."""
    end = time.monotonic() + after
    while time.monotonic() < end:
        ended, status = os.waitpid(number, os.WNOHANG)
        if ended:
            return "there" if os.WIFSIGNALED(status) else f"ended with {os.waitstatus_to_exitcode(status)}"
        time.sleep(0.02)
    os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)
    return "killed"


if __name__ == "__main__":
    main()
