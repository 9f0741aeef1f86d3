"""Text is cut where a reader sees a letter end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mapping.normalise.graphemes import boundary, cut
from tests.mapping.normalise.anything import ODD_TEXT


@pytest.mark.parametrize(
    ("text", "length", "told"),
    [
        ("Mara Lind", 9, "Mara Lind"),
        ("Mara Lind", 6, "Mara…"),
        ("Mara", 3, "Ma…"),
        ("Mara", 1, "…"),
        ("Mara", 0, ""),
        ("ab👩🏽‍🚀cd", 6, "ab…"),
        ("ab👩🏽‍🚀cd", 7, "ab👩🏽‍🚀…"),
        ("ক্ষাক্ষা", 6, "ক্ষা…"),
        ("🇧🇩🇩🇪🇫🇷", 4, "🇧🇩…"),
        ("de\u0301ja\u0300 vu", 3, "d…"),
        ("각각각", 3, "각각각"),
        ("\u1100\u1161\u11a8\u1100\u1161\u11a8", 5, "\u1100\u1161\u11a8…"),
    ],
    ids=ascii,
)
def test_no_letter_is_torn(text: str, length: int, told: str) -> None:
    assert cut(text, length) == told


@given(text=ODD_TEXT, length=st.integers(0, 30))
def test_a_cut_is_never_too_long_and_cuts_no_further(text: str, length: int) -> None:
    told = cut(text, length)

    assert len(told) <= length or told == text
    assert cut(told, length) == told
    assert text.startswith(told.removesuffix("…"))


@given(text=ODD_TEXT, at=st.integers(0, 30))
def test_a_boundary_is_a_boundary(text: str, at: int) -> None:
    found = boundary(text, at)

    assert 0 <= found <= min(at, len(text))
    assert boundary(text, found) == found
