"""Numbers, money, yes and no."""

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mapping.cx import canonical
from mapping.normalise import Misfit, boolean, money, number


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (12000, "12000"),
        ("12000.00", "12000"),
        (Decimal("8.50"), "8.5"),
        (0.1, "0.1"),
        (1e22, "10000000000000000000000"),
        (8.0, "8"),
        (-0.0, "0"),
        ("-0.00", "0"),
        ("+5", "5"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("1.5E-3", "0.0015"),
        (" 12 ", "12"),
        ("1,234.50", "1234.5"),
        ("1.234,50", "1234.5"),
        ("1 234 567,5", "1234567.5"),
        ("1\u202f234,5", "1234.5"),
        ("1'234'567", "1234567"),
        ("1,234,567", "1234567"),
        ("1.234.567", "1234567"),
        ("12,5", "12.5"),
        ("0,125", "0.125"),
        ("1.234", "1.234"),
        ("−5", "-5"),
        ("১২৩.৫", "123.5"),
        ("١٢٣٫٥", "123.5"),
        ("１２３", "123"),
        (None, None),
        ("", None),
    ],
    ids=ascii,
)
def test_decimals(raw: object, told: str | None) -> None:
    assert number.decimal(raw) == told


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30, places=3))
@example(Decimal("100.0"))
@example(Decimal("1E+3"))
@example(Decimal("-0.0"))
@example(Decimal("0.10"))
def test_a_number_of_json_is_its_canonical_text(raw: Decimal) -> None:
    assert number.decimal(raw) == canonical(raw)


@pytest.mark.parametrize(
    "raw",
    ["1,234", "1,23,456", "1.23.456", "12,34,5", "1,234.5.6", "1 23", "12 EUR", "NaN", "inf", "1e999999999", "1e400",
     "0x10", "1_000", "--1", "²", "½", "e5", ".", True, float("inf"), float("nan"), 10**400, [1]],
    ids=lambda raw: ascii(raw)[:20],
)  # fmt: skip
def test_no_decimals(raw: object) -> None:
    with pytest.raises(Misfit):
        number.decimal(raw)


def test_the_mark_may_be_told() -> None:
    assert number.decimal("1,234", mark=".") == "1234"
    assert number.decimal("1.234", mark=",") == "1234"
    assert number.decimal("1,5", mark=",") == "1.5"
    assert number.integer("1.234", mark=",") == 1234
    with pytest.raises(Misfit):
        number.decimal("1,5", mark=".")


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18, places=6))
def test_no_digit_is_lost(value: Decimal) -> None:
    assert Decimal(number.decimal(str(value)) or "") == value
    assert number.decimal(value) == canonical(value)


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30).filter(lambda x: abs(x) > 1e-30)
)
def test_a_float_is_its_shortest_spelling(value: float) -> None:
    told = number.decimal(value)

    assert told is not None
    assert float(told) == value
    assert Decimal(told) == Decimal(repr(value))


@pytest.mark.parametrize(("raw", "told"), [(12, 12), ("12", 12), (12.0, 12), ("12.00", 12), ("1,234,567", 1234567)])
def test_whole_numbers(raw: object, told: int) -> None:
    found = number.integer(raw)

    assert found == told
    assert type(found) is int


@pytest.mark.parametrize("raw", [12.5, "12,5", "twelve", True, 1e99])
def test_no_whole_numbers(raw: object) -> None:
    with pytest.raises(Misfit, match="whole number"):
        number.integer(raw)


@pytest.mark.parametrize(
    ("raw", "fraction", "told"),
    [
        (45, False, "45"),
        ("45 %", False, "45"),
        ("12,5%", False, "12.5"),
        (0.25, True, "25"),
        ("0.333", True, "33.3"),
        ("45%", True, "45"),
        (1, True, "100"),
        (None, True, None),
    ],
)
def test_percentages(raw: object, fraction: bool, told: str | None) -> None:
    assert number.percent(raw, fraction=fraction) == told


@pytest.mark.parametrize(("raw", "fraction"), [(101, False), (-1, False), (45, True), ("x", False)])
def test_no_percentages(raw: object, fraction: bool) -> None:
    with pytest.raises(Misfit, match="percentage"):
        number.percent(raw, fraction=fraction)


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        ("12000.00", "EUR", {"amount": "12000", "currency": "EUR"}),
        (0, "jpy", {"amount": "0", "currency": "JPY"}),
        ("1.200,50", "€", {"amount": "1200.5", "currency": "EUR"}),
        (-5, "BDT", {"amount": "-5", "currency": "BDT"}),
        ({"amount": 5, "currency": "USD"}, None, {"amount": "5", "currency": "USD"}),
        ({"amount": 5, "currency": None}, "USD", {"amount": "5", "currency": "USD"}),
        (None, "EUR", None),
        ("", None, None),
    ],
)
def test_money(amount: object, currency: object, told: dict[str, str] | None) -> None:
    assert money.normalise(amount, currency) == told


@pytest.mark.parametrize("currency", [None, "", "EURO", "$", "XXX", "DM", 978])
def test_an_amount_without_a_currency_means_nothing(currency: object) -> None:
    with pytest.raises(Misfit, match="currency"):
        money.normalise("12", currency)


def test_a_fault_of_the_amount_says_so() -> None:
    with pytest.raises(Misfit, match="amount"):
        money.normalise("much", "EUR")


@pytest.mark.parametrize("currency", [None, ""])
def test_where_no_currency_is_told_it_says_where_to_name_it(currency: object) -> None:
    with pytest.raises(Misfit, match="`currency` of the connection"):
        money.normalise("12", currency)


@pytest.mark.parametrize(
    ("minor", "currency", "amount"),
    [(1250, "EUR", "12.5"), (1250, "JPY", "1250"), (1250, "KWD", "1.25"), (12500, "CLF", "1.25"), (0, "EUR", "0")],
)
def test_the_smaller_unit_is_as_large_as_its_currency_says(minor: int, currency: str, amount: str) -> None:
    found = money.from_minor(minor, currency)

    assert found == {"amount": amount, "currency": currency}
    assert money.to_minor({"amount": amount, "currency": currency}) == str(minor)


def test_exponents() -> None:
    assert [money.exponent(code) for code in ("JPY", "EUR", "KWD")] == [0, 2, 3]
    with pytest.raises(Misfit):
        money.exponent("ABC")


@pytest.mark.parametrize(
    "raw", [True, 1, 1.0, "1", "true", "YES", "Ja", "oui", "sí", "да", "はい", "হ্যাঁ", "نعم", " on "]
)
def test_yes(raw: object) -> None:
    assert boolean.normalise(raw) is True


@pytest.mark.parametrize(
    "raw", [False, 0, 0.0, "0", "FALSE", "no", "Nein", "non", "não", "нет", "いいえ", "না", "لا", "off"]
)
def test_no(raw: object) -> None:
    assert boolean.normalise(raw) is False


@pytest.mark.parametrize("raw", [2, -1, "maybe", "2", 0.5, float("nan"), ["true"]])
def test_neither_yes_nor_no(raw: object) -> None:
    with pytest.raises(Misfit, match="yes or no"):
        boolean.normalise(raw)
