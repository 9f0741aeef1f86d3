"""The catalogue: every code has its page, and no code is used that has none."""

import re
from pathlib import Path

import pytest

from crosswalk.messages import FAMILIES, MESSAGES, Message, exit_code, explain
from crosswalk.problems import Problem

ROOT = Path(__file__).parents[2]
PACKAGES = ("connectors", "mapping", "scheduler", "crosswalk", "sandbox")


def test_every_code_that_the_source_uses_is_explained() -> None:
    used: dict[str, set[str]] = {}
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for code in re.findall(r"\bCW\d{3}\b", file.read_text(encoding="utf-8")):
                used.setdefault(code, set()).add(file.name)

    assert {code: files for code, files in used.items() if code not in MESSAGES} == {}
    assert used.keys() & {"CW100", "CW302", "CW502"}  # it does look


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_messages_keep_the_voice(message: Message) -> None:
    page = message.page()

    assert page.startswith(f"{message.code}  {message.text}\n")
    for heading in ("What happened\n  ", "What the hub does by itself\n  ", "What to do\n  "):
        assert heading in page
    assert not re.search(r"\bplease\b|!", page.replace("* ! |", "").replace("* ! & |", ""), re.IGNORECASE)
    assert max(map(len, page.splitlines())) <= 80
    for text in (message.happened, message.itself, message.todo):
        assert text.rstrip().endswith(".")
        assert "  " not in text


def test_codes_stand_in_order_and_in_a_family() -> None:
    assert list(MESSAGES) == sorted(MESSAGES)
    assert {code[2] for code in MESSAGES} == set(FAMILIES)


def test_a_page_is_found_however_the_code_is_written() -> None:
    page = explain(" cw202 ")

    assert page is not None
    assert page.splitlines()[:2] == [
        "CW202  the token has been refused since 09:20",
        "error, exit code 1: grant access",
    ]
    assert explain("CW999") is None


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], 0),
        (["CW401"], 0),
        (["CW405"], 1),
        (["CW701"], 3),
        (["CW701", "CW302"], 1),
        (["CW302", "CW103", "CW701"], 2),
        (["CW803"], 2),
        (["CW501"], 1),
    ],
)
def test_the_exit_code_is_the_first_that_applies(codes: list[str], expected: int) -> None:
    assert exit_code([Problem(code=code, text="x") for code in codes]) == expected


def test_warnings_change_no_exit_code() -> None:
    assert exit_code([Problem(code="CW118", text="x", severity="warning")]) == 0
    assert all(message.exit_code == 0 for message in MESSAGES.values() if message.severity == "warning")
