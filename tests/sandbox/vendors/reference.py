"""Where the vendors' published documents lie, which this repository does not carry."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
REFERENCE = Path(os.environ.get("CROSSWALK_REFERENCE", ROOT.parent / "shared"))


def document(*parts: str) -> Path:
    """The document, or a skip of the test that says what would bring it back."""
    path = REFERENCE.joinpath("specs", *parts)
    if not path.is_file():
        pytest.skip(f"set CROSSWALK_REFERENCE to a folder with specs/{'/'.join(parts)}")
    return path
