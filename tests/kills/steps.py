"""Where a daemon may be ended: what it calls there, and whether before or after that."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple


class Call(NamedTuple):
    """A function, as it is found by whoever calls it."""

    module: str
    name: str  # of a method with its class
    after: bool

    def owner(self) -> tuple[Any, str]:
        """What holds it, and under which name."""
        owner: Any = import_module(self.module)
        *above, name = self.name.split(".")
        for one in above:
            owner = getattr(owner, one)
        return owner, name


STEPS: Final[Mapping[str, Call]] = {
    "a page has come": Call("crosswalk.engine.pull", "_land_page", False),
    "a page was landed": Call("crosswalk.engine.pull", "_land_page", True),
    "a batch was settled, not committed": Call("crosswalk.engine.settle", "merge_entities", True),
    "everything was settled": Call("crosswalk.engine.run", "settle", True),
    "a plan was made": Call("crosswalk.engine.run", "make_plan", True),
    "a batch is marked as sent": Call("crosswalk.engine.apply", "_Sender._ask", False),
    "a batch was sent, not noted": Call("crosswalk.engine.apply", "_Sender._ask", True),
    "an answer is about to be noted": Call("crosswalk.engine.apply", "acknowledge", False),
    "an answer was noted": Call("crosswalk.engine.apply", "acknowledge", True),
    "what was unknown was looked for": Call("crosswalk.engine.run", "resolve_stream", True),
    "a stream was written": Call("crosswalk.engine.run", "apply_stream", True),
    "ids are about to be taken": Call("crosswalk.store.dialect", "Database.take_ids", False),
}
