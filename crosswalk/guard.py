"""Do our packages come from us? Looked at when a command starts, before it reads or writes anything.

Five top-level packages with everyday names may be shadowed by those of another distribution: in an editable install
its files win, beside a wheel it overwrites ours file by file, in silence.
"""

import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from crosswalk.problems import Problem

PACKAGES: Final = ("connectors", "mapping", "scheduler", "crosswalk", "sandbox")
DISTRIBUTION: Final = "crosswalk-hub"

_HINT: Final = "install Crosswalk into an environment of its own, or uninstall the other one"


def check(*, homes: Iterable[Path] | None = None) -> Problem | None:
    """CW804 where one of our packages is another distribution's; None where all is well.

    `homes`: the folders in which installed distributions are looked for, those of `sys.path` unless told.
    """
    parents: dict[str, Path] = {}
    for name in PACKAGES:
        found = _parent(name)
        if found is None:
            return _problem(f"the package '{name}' is missing", "install Crosswalk again")
        parents[name] = found
    ours = parents["crosswalk"]
    strangers = sorted(name for name, parent in parents.items() if parent != ours)
    if strangers:
        return _problem(f"the package '{strangers[0]}' is taken from {parents[strangers[0]]}, not from {ours}", _HINT)
    for home in [Path(entry) for entry in sys.path if entry] if homes is None else homes:
        for name, distribution in _claims(home):
            return _problem(f"the package '{name}' is also one of {distribution}, installed in {home}", _HINT)
    return None


def _parent(name: str) -> Path | None:
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))).resolve().parent


def _claims(home: Path) -> Iterable[tuple[str, str]]:
    """Distributions in a folder that say they brought files of a package of ours.

    Read as bytes and by hand: the standard library's own table of packages takes 80 ms, this 5.
    """
    wanted = [(name, f"{name}/".encode()) for name in PACKAGES]
    for record in sorted(home.glob("*.dist-info/RECORD")):
        distribution = record.parent.name.removesuffix(".dist-info")
        if distribution.partition("-")[0].replace("_", "-").lower() == DISTRIBUTION:
            continue
        try:
            content = record.read_bytes()
        except OSError:
            continue
        for name, beginning in wanted:
            if content.startswith(beginning) or b"\n" + beginning in content:
                yield name, distribution.replace("-", " ", 1)


def _problem(text: str, hint: str) -> Problem:
    return Problem(code="CW804", text=text, hint=hint)
