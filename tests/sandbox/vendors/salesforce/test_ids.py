import pytest

from sandbox.vendors.salesforce import ids


def test_an_id_has_eighteen_characters_and_begins_with_what_it_is_of() -> None:
    made = ids.mint("003", 12345)

    assert len(made) == 18
    assert made.startswith("003")
    assert ids.mint("003", 12346) > made


@pytest.mark.parametrize(
    ("short", "whole"),
    [
        # published examples of the conversion
        ("00570000001ZwTi", "00570000001ZwTiAAK"),
        ("0017000000Lg8Wg", "0017000000Lg8WgAAJ"),
    ],
)
def test_fifteen_characters_become_eighteen(short: str, whole: str) -> None:
    assert ids.full(short) == whole
    assert ids.full(whole) == whole


def test_eighteen_characters_may_have_lost_their_case() -> None:
    made = ids.mint("00Q", 987654321)

    assert ids.full(made.lower()) == made
    assert ids.full(made.upper()) == made


@pytest.mark.parametrize("text", ["", "003", "003Hs0000010001!!!", None, 7, "003Hs000001000¹"])
def test_what_is_no_id_is_none(text: object) -> None:
    assert ids.full(text) is None
