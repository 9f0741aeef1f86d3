import pytest

from mapping.match.days import _BEGINNINGS, Order, digits_of_day, order_of

MONTHS_FIRST = Order(months_first=True)


@pytest.mark.parametrize(
    ("cell", "digits"),
    [
        ("1985-03-04", "19850304"),
        ("1985-03-04T00:00:00Z", "19850304"),
        ("1985-03-04+00:00", "19850304"),
        ("19850304", "19850304"),
        ("24031985", "19850324"),
        ("03241985", "19850324"),
        ("04.03.1985", "19850304"),
        ("4. 3. 1985", "19850304"),
        ("3/24/1985", "19850324"),
        ("4.3.85", "19850304"),
        ("850304", "19850304"),
        ("31110", "19850304"),
        ("1985", "1985"),
        ("1985-03", "198503"),
        ("198503", "198503"),
        ("19850304.0", "19850304"),
        ("4 March 1985", "19850304"),
        ("4th of March, 1985", "19850304"),
        ("Mar 4, 1985", "19850304"),
        ("04-MAR-1985", "19850304"),
        ("04-Mar-85", "19850304"),
        ("4. März 1985", "19850304"),
        ("4 août 1985", "19850804"),
        ("4 juillet 1985", "19850704"),
        ("4 juin 1985", "19850604"),
        ("4 de marzo de 1985", "19850304"),
        ("4 de março de 1985", "19850304"),
        ("4 settembre 1985", "19850904"),
        ("4 maja 1985", "19850504"),
        ("4 września 1985 r.", "19850904"),
        ("4 Ağustos 1985", "19850804"),
        ("4 января 1985 г.", "19850104"),
        ("4.III.1985", "19850304"),
        ("1985年3月4日", "19850304"),
        ("1985년 3월 4일", "19850304"),
        ("4 Smarch 1985", ""),
        ("about 1985", ""),
        ("none", ""),
    ],
)
def test_days_come_in_many_forms(cell: str, digits: str) -> None:
    assert digits_of_day(cell) == digits


def test_what_months_begin_with_tells_them_apart() -> None:
    told = " ".join(_BEGINNINGS).split()

    assert len(told) == len(set(told))
    assert not [one for one in told if any(one != other and one.startswith(other) for other in told)]


def test_a_column_tells_whether_months_stand_first() -> None:
    assert order_of([("1/2/1985", 9), ("3/24/1985", 1)]).months_first
    assert not order_of([("1/2/1985", 1), ("24/3/1985", 1)]).months_first
    assert digits_of_day("1/2/1985", MONTHS_FIRST) == "19850102"
    assert order_of([("01021985", 1), ("03241985", 1)]).months_first
    assert not order_of([("3/24/1985", 1), ("24/3/1985", 2)]).months_first
    assert digits_of_day("01022004", MONTHS_FIRST) == "20040102"


def test_a_column_of_six_digits_tells_whether_years_stand_first() -> None:
    assert order_of([("010203", 9), ("850304", 1)]).years_first
    assert not order_of([("010203", 9), ("040385", 1)]).years_first
    assert digits_of_day("040385", Order(years_first=False)) == "19850304"
