"""Which commands there are, and the module of each. `crosswalk --help` reads this table and imports none of them."""

from collections.abc import Mapping
from typing import NamedTuple


class Place(NamedTuple):
    """Where a command is, and what the list of commands says of it."""

    module: str
    help: str


# In the order of a first day.
COMMANDS: Mapping[str, Place] = {
    "init": Place("start", "Write a configuration to begin with."),
    "check": Place("look", "Ask every system who we are there and what we may do."),
    "auth": Place("auth", "Grant access to a connection in a browser."),
    "discover": Place("look", "List the fields of a stream, and what each is mapped to."),
    "plan": Place("work", "Read what changed and say what would be written."),
    "apply": Place("work", "Write what a plan says."),
    "sync": Place("work", "Read, and write what needs nobody's consent."),
    "resync": Place("work", "Read one record or stream again."),
    "undo": Place("undo", "Take back what a run wrote."),
    "daemon": Place("daemon", "Sync everything at its time, unattended."),
    "pause": Place("daemon", "Neither read nor write a connection or stream."),
    "resume": Place("daemon", "Go on with what was paused."),
    "restored": Place("restore", "Say that a backup of the store was put back."),
    "status": Place("look", "How everything is, and who is waited for."),
    "runs": Place("look", "List runs, or show one."),
    "explain": Place("explain", "Why a record, field or code is as it is."),
    "audit": Place("audit", "Compare the systems with what the hub believes."),
    "review": Place("decide", "Decide conflicts and doubtful pairs."),
    "match": Place("match", "Judge how well records are matched, or train it."),
    "erase": Place("erase", "Keep nothing of a person."),
    "dlq": Place("decide", "Show, retry or drop records that were set aside."),
    "export": Place("look", "Write the golden records of a kind to CSV."),
    "sandbox": Place("start", "Run the simulated vendors."),
    "demo": Place("start", "Show everything on simulated vendors."),
}


def offers(name: str) -> bool:
    """Whether there is such a command: a hint never names one that is not there."""
    return name in COMMANDS
