"""`crosswalk` with a hub of fixtures behind it, for tests that need a process and a terminal of their own."""

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from crosswalk.cli.main import main
from tests.crosswalk.cli.fixtures import SYNC, FakeHub, module_of, run


def slow_sync(hub: FakeHub, *, stubborn: str) -> Any:
    """Works until it is asked to stop, for some seconds at most; then ends the batch in flight, or does not.

    `stubborn`: it waits for nothing, or for a worker, whom no signal reaches.
    """

    def sync(**_: Any) -> dict[str, Any]:
        hub.progress.stage("read")
        hub.progress.advance("zoho/contacts", read=7)
        hub.halted.wait(10)
        if stubborn == "worker":
            with ThreadPoolExecutor() as pool:
                call = pool.submit(threading.Event().wait, 30)
                hub.progress.advance("zoho/contacts", read=1)
                call.result()
        elif stubborn:
            threading.Event().wait(10)
        return {**SYNC, "run": run(150, 1.2, state="stopped")}

    return sync


if __name__ == "__main__":
    made = FakeHub()
    made.answers["sync"] = slow_sync(made, stubborn=os.environ.get("STUBBORN", ""))
    sys.modules["crosswalk.app"] = module_of(made)
    main()
