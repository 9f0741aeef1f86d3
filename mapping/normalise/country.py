"""Countries: ISO 3166-1 alpha-2 of a code, or of a name in one of many languages."""

import re
import unicodedata
from functools import cache
from typing import Final

from mapping.normalise.misfit import Misfit
from mapping.normalise.trim import trimmed

_WANT: Final = "country"

# ISO 3166-1, and XK, which everybody uses for Kosovo.
_TOLD: Final = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC
    CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD
    GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH
    KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW
    MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC
    SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY
    UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW
"""
CODES: Final = frozenset(_TOLD.split())

# Codes that are in use and not in the standard: the United Kingdom's own, the tax offices' Greece.
_OTHER_CODES: Final = {"UK": "GB", "EL": "GR", "FX": "FR", "TP": "TL", "ZR": "CD", "BU": "MM"}

_LANGUAGES: Final = """
    en de fr es it pt nl da sv nb fi is et lv lt pl cs sk sl hr sr sr_Latn hu ro bg el tr uk ru ka hy az he ar fa ur hi
    bn ta te mr th vi id ms tl ja ko zh zh_Hant sw af ca eu ga cy
"""

# Names that people write and no list of countries has.
_ALSO: Final = {
    "GB": "great britain|britain|england|scotland|wales|northern ireland|united kingdom of great britain and northern "
    "ireland|großbritannien|england und wales|grande bretagne|angleterre|gran bretaña|inglaterra|gran bretagna|"
    "inghilterra|grã bretanha|engeland|英国|ইংল্যান্ড",
    "US": "usa|u s a|us of a|america|united states of america|the united states|vereinigte staaten von amerika|amerika|"
    "etats unis d amerique|estados unidos de america|stati uniti d america|estados unidos da america|ee uu|eeuu|"
    "verenigde staten van amerika|сша|আমেরিকা|アメリカ|米国|美國",
    "AE": "uae|u a e|emirates|vae|emirate|eau",
    "NL": "holland|the netherlands|olanda|holanda|hollande",
    "CZ": "czech republic|tschechische republik|republique tcheque|republica checa|repubblica ceca|czechia",
    "MK": "macedonia|mazedonien|macedoine|fyrom|north macedonia|republic of macedonia",
    "SZ": "swaziland",
    "CV": "cape verde",
    "CI": "ivory coast|elfenbeinküste|cote d ivoire",
    "TL": "east timor",
    "MM": "burma|birma",
    "TR": "turkey|turkiye",
    "KR": "south korea|korea south|republic of korea|korea republic of|südkorea|korea",
    "KP": "north korea|democratic people s republic of korea|korea democratic people s republic of",
    "RU": "russian federation|russische föderation|federation de russie",
    "BY": "weißrussland|weissrussland|white russia|belorussia",
    "MD": "republic of moldova|moldova republic of|moldawien",
    "IR": "islamic republic of iran|iran islamic republic of",
    "SY": "syrian arab republic",
    "LA": "lao people s democratic republic",
    "VN": "viet nam|vietnam",
    "TZ": "united republic of tanzania|tanzania united republic of",
    "VE": "bolivarian republic of venezuela|venezuela bolivarian republic of",
    "BO": "plurinational state of bolivia|bolivia plurinational state of",
    "BN": "brunei darussalam",
    "CD": "democratic republic of the congo|congo kinshasa|drc|dr congo|zaire",
    "CG": "republic of the congo|congo brazzaville",
    "CN": "people s republic of china|pr china|prc|mainland china|volksrepublik china|vr china",
    "TW": "taiwan province of china|republic of china|chinese taipei",
    "HK": "hong kong|hongkong|hong kong sar",
    "MO": "macao|macau",
    "PS": "palestine|state of palestine|palestinian territory|palästina",
    "VA": "vatican|holy see|vatikan|heiliger stuhl",
    "FM": "micronesia|federated states of micronesia",
    "IE": "republic of ireland|eire",
    "DE": "brd|bundesrepublik deutschland|federal republic of germany|allemagne",
    "AT": "republik österreich",
    "CH": "schweizerische eidgenossenschaft|confoederatio helvetica",
    "BA": "bosnia|bosnien",
    "BD": "bangla desh",
    "XK": "kosovo",
}
_ACCENTS: Final = dict.fromkeys(range(0x300, 0x370))
# Blanks, points and the like; the vowel signs of other scripts are letters.
_SIGNS: Final = re.compile(r"[\s.,;:()\[\]'’`´&/_-]+")


def normalise(raw: object) -> str | None:
    """DE of "DE", "de", "DEU", "Germany", "Deutschland", "Allemagne", "ドイツ"; None where nothing is said."""
    if isinstance(raw, str):
        if raw in CODES:
            return raw
        text = trimmed(raw)
        if not text:
            return None
        found = _of(text) if len(text) <= 80 else None
        if found is not None:
            return found
    elif raw is None or raw == [] or raw == {}:
        return None
    raise Misfit(_WANT)


@cache
def _alpha3() -> dict[str, str]:
    from babel.core import get_global

    told = {"XKX": "XK", "ROM": "RO"}
    for alias, codes in get_global("territory_aliases").items():
        if len(alias) == 3 and alias.isalpha() and len(codes) == 1 and codes[0] in CODES:
            told[alias] = codes[0]
    return told


@cache
def _names() -> dict[str, str]:
    """Folded name -> code. A name that two languages give to two countries names neither."""
    from babel import Locale

    locales = [Locale.parse(language).territories for language in _LANGUAGES.split()]
    told: dict[str, str] = {}
    # What stands before a bracket is a name too, where it is not the whole name of another: "Saint-Martin (partie ...".
    for short in (False, True):
        found: dict[str, set[str]] = {}
        for territories in locales:
            for code, name in territories.items():
                if code in CODES:
                    found.setdefault(_fold(name.partition("(")[0] if short else name), set()).add(code)
        for name, codes in found.items():
            if name and len(codes) == 1:
                told.setdefault(name, *codes)
    for code, names in _ALSO.items():
        told.update(dict.fromkeys(map(_fold, names.split("|")), code))
    return told


def _of(text: str) -> str | None:
    if len(text) == 2 and (code := text.upper()) in CODES:
        return code
    if len(text) == 2 and (code := text.upper()) in _OTHER_CODES:
        return _OTHER_CODES[code]
    if len(text) == 3 and text.isascii() and (code := text.upper()) in _alpha3():
        return _alpha3()[code]
    folded = _fold(text)
    return _names().get(folded) or _names().get(folded.removeprefix("the "))


def _fold(text: str) -> str:
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", text).translate(_ACCENTS)).casefold()
    return _SIGNS.sub(" ", text).strip()


def name(code: str, language: str = "en") -> str:
    """The name of a country in a language, for a side that holds names; the code where the language is not known."""
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse("en")
    return str(locale.territories.get(code, code))
