"""Names as they are written, in all scripts."""

import pytest

from mapping.normalise import Misfit, name


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("Mara Lind", "Mara Lind"),
        ("  Mara \t Lind\r\n", "Mara Lind"),
        ("Sukarno", "Sukarno"),
        ("Na", "Na"),
        ("Null", "Null"),
        ("O", "O"),
        ("X Æ A-12", "X Æ A-12"),
        ("নাসরিন  সুলতানা", "নাসরিন সুলতানা"),
        ("سعاد العلي", "سعاد العلي"),
        ("山田　太郎", "山田 太郎"),
        ("Jose\u0301", "Jos\u00e9"),
        ("\u202bسعاد\u202c", "سعاد"),
        ("Mara\u200b Lind", "Mara Lind"),
        ("👩🏽‍🚀", "👩🏽‍🚀"),
        (12, "12"),
    ],
    ids=ascii,
)
def test_a_name_keeps_its_letters(raw: object, told: str) -> None:
    assert name.clean(raw) == told
    assert not name.is_filler(raw)


@pytest.mark.parametrize("raw", ["-", ".", "--", " - ", "...", "?", "_", "n/a", "Unknown", "[not provided]", "LNU"])
def test_a_filler_is_no_name_and_no_clear(raw: str) -> None:
    assert name.clean(raw) is None
    assert name.is_filler(raw)


@pytest.mark.parametrize("raw", [None, "", " ", "\ufeff"])
def test_nothing_is_a_clear_and_no_filler(raw: object) -> None:
    assert name.clean(raw) is None
    assert not name.is_filler(raw)


def test_fillers_are_a_setting() -> None:
    assert name.clean("unbekannt") == "unbekannt"
    assert name.clean("Unbekannt", fillers={"unbekannt"}) is None
    assert name.clean("unknown", fillers=()) == "unknown"


@pytest.mark.parametrize("raw", [True, [1], {"first": "Mara"}])
def test_no_name(raw: object) -> None:
    with pytest.raises(Misfit, match="name"):
        name.clean(raw)


@pytest.mark.parametrize(
    ("full", "order", "parts"),
    [
        ("Mara Lind", None, {"given": "Mara", "family": "Lind"}),
        ("Ludwig van Beethoven", None, {"given": "Ludwig", "family": "van Beethoven"}),
        ("Charles de la Fosse", None, {"given": "Charles", "family": "de la Fosse"}),
        ("van Dijk", None, {"given": "van", "family": "Dijk"}),
        ("Anna Maria Lind", None, {"given": "Anna Maria", "family": "Lind"}),
        ("Lind, Mara", None, {"given": "Mara", "family": "Lind"}),
        ("Sukarno", None, {"family": "Sukarno"}),
        ("Sukarno", "family_first", {"family": "Sukarno"}),
        ("Nguyễn Thị Anh", "family_first", {"given": "Thị Anh", "family": "Nguyễn"}),
        ("山田 太郎", "family_first", {"given": "太郎", "family": "山田"}),
        ("নাসরিন সুলতানা", "given_first", {"given": "নাসরিন", "family": "সুলতানা"}),
    ],
)
def test_parts_for_a_side_that_demands_them(full: str, order: str | None, parts: dict[str, str]) -> None:
    assert name.split(full, order) == parts


@pytest.mark.parametrize(
    ("text", "script", "order"),
    [
        ("Mara Lind", "Latn", "given_first"),
        ("Nguyễn Thị Anh", "Latn", "given_first"),
        ("নাসরিন সুলতানা", "Beng", "given_first"),
        ("سعاد العلي", "Arab", "given_first"),
        ("Мара Линд", "Cyrl", "given_first"),
        ("山田太郎", "Hani", "family_first"),
        ("山田 はなこ", "Jpan", "family_first"),
        ("김민수", "Hang", "family_first"),
        ("12", None, "given_first"),
    ],
)
def test_the_script_tells_the_order(text: str, script: str | None, order: str) -> None:
    assert name.script(text) == script
    assert name.order(text) == order


def test_a_language_tells_the_order_where_the_script_does_not() -> None:
    assert name.order("Nguyễn Thị Anh", "vi") == "family_first"
    assert name.order("Nagy Anna", "hu-HU") == "family_first"
    assert name.order("Mara Lind", "de") == "given_first"
