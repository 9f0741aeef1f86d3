"""Numbers of registers with and without what stands around them."""

import pytest

from mapping.normalise import registration


@pytest.mark.parametrize(
    ("told", "number"),
    [
        ("DE953611307", "953611307"),
        ("DE 953.611.307", "953611307"),
        ("USt-IdNr. DE953611307", "953611307"),
        ("VAT no 953611307", "953611307"),
        ("953611307", "953611307"),
        ("IT38338151107", "38338151107"),
        ("CHE-123.456.788 MWST", "123456788"),
        ("CHE123456788MWST", "123456788"),
        ("ATU12345675", "12345675"),
        ("ESB12345674", "b12345674"),
        ("B-12345674", "b12345674"),
        ("NL829925519B01", "829925519b01"),
        ("EL 094259216", "94259216"),
        ("BE 0403.170.701", "403170701"),
        ("403170701", "403170701"),
        ("NO 923 609 016 MVA", "923609016"),
    ],
)
def test_a_number_is_one_with_its_country_and_without(told: str, number: str) -> None:
    assert registration.plain(told) == number
    assert registration.plain(number) == number


@pytest.mark.parametrize(
    "told", ["sc123456", "ni012345", "hrb12345", "qq12345678", "aaapl1234c", "27aapfu0939f1zv", "id", "0", "de1234"]
)
def test_letters_that_are_no_country_s_stay(told: str) -> None:
    assert registration.plain(told) == told
