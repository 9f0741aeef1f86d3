"""Numbers, times, characters and values as people read them."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crosswalk.cli import text

NOW = datetime(2026, 11, 23, 8, 29, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (0.41, "0.4 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (44.2, "44 s"),
        (119.6, "2 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
    ],
)
def test_durations(held: float, said: str) -> None:
    assert text.seconds(held) == said


@pytest.mark.parametrize(
    ("instant", "said"),
    [
        ("2026-11-23T08:28:56.000Z", "4 s ago"),
        ("2026-11-23T08:29:03.000Z", "0 s ago"),  # another machine's clock is a little ahead
        ("2026-11-23T08:15:00.000Z", "14 min ago"),
        ("2026-11-22T09:00:00.000Z", "23 h ago"),
        ("2026-11-22T08:29:00.000Z", "22 Nov"),
        ("2025-11-21T23:30:00.000Z", "22 Nov 2025"),  # the day in Berlin
    ],
)
def test_ages_under_a_day_then_dates(instant: str, said: str) -> None:
    assert text.ago(instant, now=NOW, zone=BERLIN) == said


def test_times_are_told_in_the_zone_and_without_the_date_of_today() -> None:
    assert text.clock("2026-11-23T08:32:00.000Z", now=NOW, zone=BERLIN) == "09:32"
    assert text.clock("2026-11-22T23:10:00.000Z", now=NOW, zone=BERLIN) == "00:10"
    assert text.clock("2026-11-22T22:10:00.000Z", now=NOW, zone=BERLIN) == "22 Nov 23:10"
    assert text.stamp("2026-11-23T08:32:00.000Z", now=NOW, zone=UTC) == "23 Nov 08:32"


def test_amounts_take_their_unit_in_the_singular() -> None:
    assert text.amount(1, "calls") == "1 call"
    assert text.amount(2215, "tokens") == "2,215 tokens"
    assert text.count(1, "try", "tries") == "1 try"
    assert text.count(0, "try", "tries") == "0 tries"


@pytest.mark.parametrize(
    ("written", "clusters"),
    [
        pytest.param("e\u0301a", ["e\u0301", "a"], id="accent"),
        pytest.param("শর্মিলা", ["শ", "র্মি", "লা"], id="bengali-conjunct-and-vowel-signs"),
        pytest.param("👩🏽‍🔬!", ["👩🏽‍🔬", "!"], id="joined-emoji"),
        pytest.param("🇸🇪🇧🇩", ["🇸🇪", "🇧🇩"], id="flags"),
        pytest.param("ab", ["a", "b"], id="latin"),
    ],
)
def test_graphemes(written: str, clusters: list[str]) -> None:
    assert list(text.graphemes(written)) == clusters


@given(st.text(), st.integers(1, 40))
def test_a_shortened_text_fits_and_begins_like_the_text(written: str, width: int) -> None:
    short = text.shorten(written, width)

    assert text.cells(short) <= width
    if short != written:
        assert short.endswith("…")
        assert written.startswith(short[:-1])


def test_a_text_is_cut_between_graphemes() -> None:
    assert text.shorten("নাসরিন সুলতানা", 6) in ("নাসরি…", "নাস…", "নাসরিন…")
    assert text.shorten("👩🏽‍🔬👩🏽‍🔬👩🏽‍🔬", 13).count("👩") == 2


@given(st.text())
def test_what_is_shown_commands_no_terminal(written: str) -> None:
    shown = text.visible(written)

    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    shown.encode("utf-8")  # no lone surrogates


@pytest.mark.parametrize(
    ("held", "shown"),
    [
        (None, "empty"),
        ("COO", '"COO"'),
        ('say "hi"', '"say \\"hi\\""'),
        (8, "8"),
        (True, "yes"),
        ([], "empty"),
        (["a", "b"], '"a", "b"'),
        ({"address": "a@b.test", "type": "work"}, '"a@b.test" (work)'),
        ({"amount": "12000", "currency": "EUR"}, '"12000" (EUR)'),
        ({"code": "customer", "raw": "Kunde"}, '"customer"'),
        ({"full": "Ada Lovelace", "given": "Ada"}, '"Ada Lovelace"'),
        ({"x": 1, "y": None}, "x 1"),
    ],
)
def test_values(held: Any, shown: str) -> None:
    assert text.value(held) == shown


@pytest.mark.parametrize(
    ("held", "hidden"),
    [
        ("mara@nordlicht.test", "m…@n….test"),
        ("Mara Lindqvist, Nordlicht Solar AB", "M… L…, N… S… A…"),
        ("+49 89 5550177", "+4…"),
        ("2026-04-12", "20…"),
        ("https://crm.test/people/mara", "https://…"),
        ("Mara <mara@nordlicht.test>", "M… <…m…@n….test>…"),
        (3, 3),
        (None, None),
        (True, True),
        ([{"address": "a@b.test", "type": "work"}], [{"address": "a…@b….test", "type": "work"}]),
    ],
)
def test_masks(held: Any, hidden: Any) -> None:
    assert text.masked(held) == hidden


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=4), st.sampled_from(["", "@x.test", " "]))
def test_a_mask_leaves_no_word_of_four_letters(word: str, behind: str) -> None:
    assert word not in str(text.masked(word + behind))
