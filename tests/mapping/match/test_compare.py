from collections.abc import Callable

import pytest

from mapping.match import compare
from mapping.match.compare import Like
from mapping.match.keys import fold
from mapping.match.latin import latin, skeleton
from mapping.match.nicknames import familiar, root
from mapping.match.profile import legal_form


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("rahim", "rahim", "same"),
        ("rahim", "রহিম", "transliterated"),
        ("yuliya", "Юлия", "transliterated"),
        ("william", "bill", "nickname"),
        ("katie", "kathy", "nickname"),
        ("mitchell", "mitchel", "typo"),
        ("r", "rahim", "initial"),
        ("r", "karim", "different"),
        ("maria jose", "maria", "part"),
        ("anna maria", "anna sofia", "part_and_other"),
        ("mc donald", "mcdonald", "typo"),
        ("anna", "peter", "different"),
        ("michael g", "john g", "different"),
        ("michael g", "mike g", "part_alike"),
        ("mark s", "mark p", "part_and_other"),
        ("tim", "tom", "close"),
        ("陈 芳", "陈芳 li", "part_alike"),
        ("g", "g a", "initial"),
        ("g a", "gary", "initial"),
        ("g a", "gary a", "initials"),
        ("k j", "kelly jane", "initials"),
        ("k j", "k j m", "initials"),
        ("g a", "g b", "different"),
        ("j d", "judy t", "different"),
        ("j d", "d", "different"),
    ],
)
def test_given_names_come_to_a_level_whichever_stands_first(one: str, other: str, level: str) -> None:
    one, other = fold(one), fold(other)

    assert compare.given(one, other).level == level
    assert compare.given(other, one).level == level


@pytest.mark.parametrize(
    ("how", "one", "other", "level"),
    [
        (compare.family, "garcia lopez", "garcia", "part"),
        (compare.family, "lindqvist", "lindkvist", "typo"),
        (compare.date, "19850304", "19850304", "same"),
        (compare.date, "19850304", "19850403", "typo"),
        (compare.date, "19850304", "1985", "part"),
        (compare.date, "19850304", "0304", "part"),
        (compare.date, "19850304", "19721231", "different"),
        (compare.date, "1985", "1985", "same"),
        (compare.date, "1985", "1986", "close"),
        (compare.date, "1985", "1958", "different"),
        (compare.email, "rahim.uddin@padma.test", "rahim.uddin@mail.test", "local"),
        (compare.email, "rahim.uddin@padma.test", "rahim.udin@padma.test", "typo"),
        (compare.email, "rahim@padma.test", "anna@padma.test", "different"),
        (compare.email, "ru@padma.test", "ru@mail.test", "different"),
        (compare.email, "a8753@guest.booking.com", "rahim@padma.test", "unrelated"),
        (compare.email, "a8753@marketplace.amazon.de", "a8754@marketplace.amazon.de", "unrelated"),
        (compare.email, "a8753@guest.booking.com", "a8753@guest.booking.com", "same"),
        (compare.phone, "711555012", "5550124", "different"),
        (compare.phone, "895550166", "5550166", "same"),
        (compare.phone, "711555012", "711555021", "neighbour"),
        (compare.phone, "711555012", "711455012", "typo"),
        (compare.given, "建国", "jing", "different"),
        (compare.given, "芳", "陈芳", "part"),
        (compare.given, "赵芳", "fang", "part"),
        (compare.family, "person1", "person2", "different"),
        (compare.email, "contact1@a.test", "contact12@a.test", "different"),
        (compare.email, "contact1@a.test", "contcat1@a.test", "typo"),
        (compare.given, "建国", "jianguo", "transliterated"),
        (compare.given, "준나", "jun na", "transliterated"),
        (compare.given, "현우", "hyunwoo", "close"),
        (compare.given, "준나", "minsu", "different"),
        (compare.given, "太郎", "taro", "unrelated"),
        (compare.family, "김", "kim", "transliterated"),
        (compare.family, "이", "lee", "transliterated"),
        (compare.family, "오", "oh", "transliterated"),
        (compare.family, "김", "park", "different"),
        (compare.family, "赵", "zhao", "transliterated"),
        (compare.family, "赵", "wang", "different"),
        (compare.family, "田", "tanaka", "unrelated"),
        (compare.family, "山田太郎", "yamada", "unrelated"),
        (compare.identifier, "shop:1", "crm:2", "unrelated"),
        (compare.identifier, "vat:DE1", "vat:DE2", "different"),
        (compare.identifier, "account_number:100", "account_number:200", "unrelated"),
        (compare.identifier, "account_number:100", "account_number:100", "same"),
        (compare.identifier, "shop:1", "shop:2", "different"),
        (compare.street, "12 rosebery cr", "12 roseberry cr", "typo"),
        (compare.street, "12 rosebery cr", "14 rosebery cr", "close"),
        (compare.street, "12 rosebery cr", "90 lamington st", "different"),
        (compare.street, "5486 5th w ave", "7246 5th s ave", "different"),
        (compare.street, "5486 5th w ave", "5486 5th ave", "typo"),
        (compare.domain, "acme.de", "acme.com", "label"),
        (compare.company, "nordlicht solar", "nordlichtsolar", "same"),
        (compare.company, "nordlicht solar", "solar nordlicht", "same"),
        (compare.company, "nordlicht solar", "nordlicht", "part"),
        (compare.company, "nordlicht solar", "nordlicht wind", "part_and_other"),
        (compare.company, "nordlicht solar", "nordlicht solar holding", "member"),
        (compare.company, "nordlicht solar", "nordlicht solar uk", "member"),
        (compare.company, "nordlicht growth fund ii", "nordlicht growth fund iii", "member"),
        (compare.company, "nordlicht growth fund", "nordlicht growth fund iv", "member"),
        (compare.company, "nordlicht store 12", "nordlicht store 7", "member"),
        (compare.company, "nordlicht solar", "nordlight solar", "typo"),
        (compare.company, "padma textiles", "পদ্মা টেক্সটাইলস", "transliterated"),
        (compare.company, "sunrise", "サンライズ", "transliterated"),
        (compare.company, "international business machines", "ibm", "initials"),
        (compare.company, "nordlicht", "padma", "different"),
    ],
)
def test_values_come_to_a_level_whichever_stands_first(
    how: Callable[[str, str], Like], one: str, other: str, level: str
) -> None:
    one, other = fold(one) if not one.isascii() else one, fold(other) if not other.isascii() else other

    assert how(one, other).level == level
    assert how(other, one).level == level


@pytest.mark.parametrize(
    ("one", "other"),
    [("eco dyn", "ecod yn"), ("nordlicht solar kraft", "nordlight kraft solar"), ("padma worcs", "padma works north")],
)
def test_the_words_that_two_companies_share_are_the_same_whichever_stands_first(one: str, other: str) -> None:
    assert compare.company(one, other) == compare.company(other, one)


def test_a_part_of_a_name_is_as_rare_as_the_words_that_both_have() -> None:
    assert compare.family("garcia lopez", "garcia").shared == ("garcia",)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Lindqvist", "Линдквист"), ("Uddin", "উদ্দিন"), ("Papadopoulos", "Παπαδόπουλος"), ("Schmidt", "Schmitt")],
)
def test_a_skeleton_is_what_an_ear_hears(one: str, other: str) -> None:
    alike = skeleton(fold(one)) == skeleton(fold(other))

    assert alike is (one != "Schmidt")


def test_every_familiar_form_is_found_under_one_name() -> None:
    assert root("bill") == root("liam") == root("william") == "william"
    assert familiar("bill", "will")
    assert not familiar("bill", "bob")
    assert latin(fold("Юлия")) == "yuliya"


@pytest.mark.parametrize(
    "names",
    [
        ("Lind V.O.F.", "Lind VOF", "Lind v.o.f"),
        ("Lind GmbH", "Lind G.m.b.H.", "Lind Ges.m.b.H.", "Lind mbH"),
        ("Lind GmbH & Co. KG", "Lind GmbH und Co.KG", "LIND GMBH & CO KG"),
        ("Lind S.à r.l.", "Lind SARL", "Lind S.A.R.L."),
        ("Lind e.K.", "Lind eK", "Lind e.Kfm."),
        ("Lind Sp. z o.o.", "Lind Sp.z o.o.", "LIND SP Z OO", "Lind spółka z o.o."),
        ("Lind P.L.C.", "Lind plc"),
        ("Lind L.L.C.", "Lind LLC", "Lind Limited Liability Company"),
        ("Lind S.p.A.", "Lind SPA"),
        ("Lind A/S", "Lind AS"),
        ("Lind Oy Ab", "Lind Oy"),
        ("ООО Линд", "OOO Lind", "Линд О.О.О."),
        ("Λιντ Α.Ε.", "Λιντ ΑΕ"),
        ("林有限公司", "林有限责任公司", "林有限責任公司"),
        ("リンド株式会社", "Rindo K.K.", "(株)リンド", "Rindo KK"),
    ],
)
def test_a_legal_form_is_one_with_dots_and_blanks_and_without(names: tuple[str, ...]) -> None:
    forms = {legal_form(name) for name in names}

    assert len(forms) == 1
    assert forms != {""}


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("Линд ООО", "Lind LLC", "unrelated"),
        ("Линд ООО", "Lind Ltd.", "unrelated"),
        ("Линд ООО", "Lind JSC", "different"),
        ("Линд ООО", "Линд АО", "different"),
        ("ЗАО Линд", "Lind JSC", "unrelated"),
        ("Λιντ Α.Ε.", "Lint S.A.", "unrelated"),
        ("Λιντ Ε.Π.Ε.", "Lint S.A.", "different"),
        ("林有限公司", "Lin Co., Ltd.", "unrelated"),
        ("林有限公司", "林股份有限公司", "different"),
        ("リンド株式会社", "Rindo Co., Ltd.", "unrelated"),
        ("Rindo K.K.", "Rindo Inc.", "unrelated"),
        ("Rindo Co., Ltd.", "Rindo Ltd", "same"),
        ("شركة ليند ذ م م", "Lind LLC", "unrelated"),
        ("Lind GmbH", "Lind AG", "different"),
        ("Lind LLC", "Lind Inc.", "different"),
    ],
)
def test_a_form_in_another_alphabet_differs_only_where_that_can_be_told(one: str, other: str, level: str) -> None:
    left, right = legal_form(one), legal_form(other)

    assert compare.form(left, right).level == level
    assert compare.form(right, left).level == level
