"""Countries, languages, time zones."""

from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from babel.core import get_global

from mapping.normalise import Misfit, country, language, zone


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("DE", "DE"),
        ("de", "DE"),
        ("DEU", "DE"),
        ("Germany", "DE"),
        ("Deutschland", "DE"),
        ("ALLEMAGNE", "DE"),
        ("ドイツ", "DE"),
        ("জার্মানি", "DE"),
        ("ألمانيا", "DE"),
        ("Bangladesh", "BD"),
        ("বাংলাদেশ", "BD"),
        ("Österreich", "AT"),
        ("Osterreich", "AT"),
        ("UK", "GB"),
        ("United Kingdom", "GB"),
        ("Great Britain", "GB"),
        ("England", "GB"),
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("United States of America", "US"),
        ("The Netherlands", "NL"),
        ("Holland", "NL"),
        ("Korea, Republic of", "KR"),
        ("Russian Federation", "RU"),
        ("Türkiye", "TR"),
        ("Turkey", "TR"),
        ("Côte d’Ivoire", "CI"),
        ("Ivory Coast", "CI"),
        ("Czechia", "CZ"),
        ("Viet Nam", "VN"),
        ("Hong Kong", "HK"),
        ("Kosovo", "XK"),
        ("Georgia", "GE"),
        ("EL", "GR"),
    ],
)
def test_countries(raw: str, code: str) -> None:
    assert country.normalise(raw) == code


@pytest.mark.parametrize(
    "raw", ["Europe", "Bavaria", "XX", "EU", "ZZ", "Untied States", "D", "x" * 200, 49, True, ["DE"]]
)
def test_no_countries(raw: object) -> None:
    with pytest.raises(Misfit, match="country"):
        country.normalise(raw)


@pytest.mark.parametrize("tongue", ["en", "de", "fr", "es", "ja", "bn", "ar", "ru", "zh"])
def test_every_country_is_known_by_its_name(tongue: str) -> None:
    names = Locale.parse(tongue).territories

    misread = {code: names[code] for code in country.CODES if country.normalise(names[code]) != code}

    assert misread == {}
    assert country.name("DE", "fr") == "Allemagne"
    assert country.name("DE", "xx") == "Germany"


def test_the_codes_are_those_of_the_standard() -> None:
    groups = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}

    assert {code for code in map(str, Locale.parse("en").territories) if len(code) == 2} - groups == country.CODES
    assert len(country.CODES) == 250  # 249 and Kosovo


@pytest.mark.parametrize(
    ("raw", "tag"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de_DE", "de-DE"),
        ("pt-br", "pt-BR"),
        ("en-US.UTF-8", "en-US"),
        ("ZH-S", "zh-Hans"),
        ("ZH-T", "zh-Hant"),
        ("zh_CN", "zh-Hans"),
        ("zh-TW", "zh-Hant"),
        ("zh-HK", "zh-Hant-HK"),
        ("zh-Hans-CN", "zh-Hans-CN"),
        ("ES-ES", "es"),
        ("es-419", "es-419"),
        ("sr-Latn-RS", "sr-Latn-RS"),
        ("iw", "he"),
        ("deu", "de"),
        ("ger", "de"),
        ("ben", "bn"),
        ("fil", "fil"),
        ("German", "de"),
        ("Deutsch", "de"),
        ("বাংলা", "bn"),
        ("日本語", "ja"),
        ("العربية", "ar"),
        ("default", None),
    ],
)
def test_languages(raw: str, tag: str | None) -> None:
    assert language.normalise(raw) == tag


@pytest.mark.parametrize("raw", ["xx", "Klingonish", "d", "de-", "de-DE-x", "12", 12, True, ["de"]])
def test_no_languages(raw: object) -> None:
    with pytest.raises(Misfit, match="language"):
        language.normalise(raw)


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("UTC", "UTC"),
        ("Z", "UTC"),
        ("Etc/UTC", "UTC"),
        ("GMT", "UTC"),
        ("Asia/Calcutta", "Asia/Kolkata"),
        ("US/Pacific", "America/Los_Angeles"),
        ("Eastern Time (US & Canada)", "America/New_York"),
        ("Kyiv", "Europe/Kyiv"),
        ("Berlin", "Europe/Berlin"),
        ("Dhaka", "Asia/Dhaka"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("India Standard Time", "Asia/Kolkata"),
        ("Pacific Standard Time", "America/Los_Angeles"),
    ],
)
def test_zones(raw: str, name: str) -> None:
    assert zone.normalise(raw) == name


@pytest.mark.parametrize(
    "raw", ["UTC+2", "+02:00", "CEST-ish", "Mars/Olympus", "localtime", "Factory", "../etc", 2, True]
)
def test_no_zones(raw: object) -> None:
    with pytest.raises(Misfit, match="time zone"):
        zone.normalise(raw)


def test_every_zone_that_a_name_leads_to_exists() -> None:
    known = {zone.normalise(name) for name in get_global("windows_zone_mapping")}
    known |= set(zone._known().values())

    assert len(known) > 400
    for name in known:
        assert name is not None
        assert ZoneInfo(name).key == name
