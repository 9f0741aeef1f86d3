"""The public address of the SDK: every name that is promised is there, and looking costs little."""

import subprocess
import sys

import pytest

import connectors.sdk as sdk


@pytest.mark.parametrize("name", sdk.__all__)
def test_every_promised_name_is_there(name: str) -> None:
    assert getattr(sdk, name) is not None


def test_another_name_is_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Transporter'"):
        _ = sdk.Transporter  # type: ignore[attr-defined]


def test_the_seam_alone_brings_no_network() -> None:
    code = "import sys, connectors.files.connector; print(sorted({'httpx', 'tenacity', 'openpyxl'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)

    assert done.stdout == "[]\n"


def test_httpx_is_imported_without_its_command_line() -> None:
    code = "import sys, connectors.sdk.transport; print(sorted({'rich', 'pygments', 'click'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20)

    assert done.stdout == "[]\n"
