"""What is imported costs what it needs, and no more: a command that asks for help does not load telephone numbers."""

import subprocess
import sys

import pytest

HEAVY = ("babel", "phonenumbers", "tldextract", "idna", "html.parser", "zoneinfo")


@pytest.mark.parametrize(
    ("module", "may"),
    [
        ("mapping.normalise", ()),
        ("mapping.normalise.email", ()),
        ("mapping.normalise.name", ()),
        ("mapping.normalise.text", ()),
        ("mapping.normalise.number", ()),
        ("mapping.normalise.phone", ()),
        ("mapping.normalise.country", ()),
        ("mapping.normalise.language", ()),
        ("mapping.normalise.zone", ()),
        ("mapping.normalise.domain", ()),
        ("mapping.normalise.url", ()),
        ("mapping.normalise.when", ("zoneinfo",)),
        ("mapping.schema", ()),
    ],
)
def test_importing_loads_no_heavy_package(module: str, may: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert set(loaded) <= set(may)
