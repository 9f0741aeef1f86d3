"""The page beside the code says what the code does."""

import re
from pathlib import Path

import sandbox
from sandbox.faults import KINDS

PAGE = (Path(sandbox.__file__).parent / "README.md").read_text(encoding="utf-8")


def test_every_kind_of_fault_is_described_with_its_own_words() -> None:
    rows = re.findall(r"^\| `(\w+)` \|(.*?)\| .+ \|$", PAGE, flags=re.MULTILINE)
    told = {kind: set(re.findall(r"`(\w+)`", words)) for kind, words in rows}

    assert told == {kind: set(words) for kind, words in KINDS.items()}


def test_the_example_runs() -> None:
    example = re.search(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert example is not None

    exec("from sandbox.server import Sandbox\n" + example[1], {})
