"""Languages: BCP 47, as `bn`, `pt-BR`, `zh-Hans`."""

import re
from functools import cache
from typing import Final

from mapping.normalise.misfit import Misfit
from mapping.normalise.trim import trimmed

_WANT: Final = "language"

_ISO_639_1: Final = frozenset(
    re.findall(
        "..",
        "aaabaeafakamanarasavayazbabebgbhbibmbnbobrbscacechcocrcscucvcydadedvdzeeeleneoeseteufafffifjfofrfygagdglgngugv"
        "hahehihohrhthuhyhziaidieigiiikioisitiujajvkakgkikjkkklkmknkokrkskukvkwkylalblglilnloltlulvmgmhmimkmlmnmrmsmtmy"
        "nanbndnengnlnnnonrnvnyocojomorospapiplpsptqurmrnrorurwsascsdsesgsiskslsmsnsosqsrssstsusvswtatetgthtitktltntotr"
        "tstttwtyugukuruzvevivowawoxhyiyozazhzu",
    )
)
_FORM: Final = re.compile(
    r"(?P<language>[a-z]{2,3})(?:[-_](?P<script>[a-z]{4}))?(?:[-_](?P<region>[a-z]{2}|[0-9]{3}))?"
    r"(?:\.[a-z0-9-]+)?(?:@\w+)?",
    re.I | re.ASCII,
)
# Tags of some systems that are no BCP 47, or say less than they seem to: Qualtrics, Java's old codes, plain Chinese.
_OWN: Final = {
    "zh-s": "zh-Hans",
    "zh-t": "zh-Hant",
    "es-es": "es",
    "iw": "he",
    "in": "id",
    "ji": "yi",
    "sh": "sr-Latn",
}
_ALSO: Final = {
    "mandarin": "zh",
    "simplified chinese": "zh-Hans",
    "chinese (simplified)": "zh-Hans",
    "traditional chinese": "zh-Hant",
    "chinese (traditional)": "zh-Hant",
    "brazilian portuguese": "pt-BR",
    "farsi": "fa",
}
_CHINESE: Final = {"CN": "Hans", "SG": "Hans", "TW": "Hant", "HK": "Hant", "MO": "Hant"}


def normalise(raw: object) -> str | None:
    """The tag; of a name ("German", "Deutsch") its tag. None where nothing is said, `default` among that."""
    if isinstance(raw, str):
        text = trimmed(raw)
        if not text or text.casefold() == "default":
            return None
        if text in _ISO_639_1 and text not in _OWN:
            return text
        # A tag that is none by itself (some tables name old codes by others) says nothing either.
        if len(text) <= 64 and (found := _of(text)) is not None and _of(found) == found:
            return found
    elif raw is None or raw == [] or raw == {}:
        return None
    raise Misfit(_WANT)


def _of(text: str) -> str | None:
    if own := _OWN.get(text.lower().replace("_", "-")):
        return own
    form = _FORM.fullmatch(text)
    if form is None:
        return _names().get(text.casefold())
    language = form["language"].lower()
    language = _OWN.get(language, language)
    if language not in _ISO_639_1 and (language := _three_letters().get(language, "")) == "":
        return _names().get(text.casefold())
    parts = [language]
    script, region = (form["script"] or "").title(), (form["region"] or "").upper()
    if language == "zh" and not script:
        script = _CHINESE.get(region, "")
        region = "" if region in ("CN", "TW") else region
    if script and not language.endswith(f"-{script}"):
        parts.append(script)
    if region:
        parts.append(region)
    told = "-".join(parts)
    return _OWN.get(told.lower(), told)


@cache
def _three_letters() -> dict[str, str]:
    """ISO 639-2 and 639-3 codes -> the shortest code."""
    from babel import Locale
    from babel.core import get_global

    english = [str(code) for code in Locale.parse("en").languages]
    told = {code: code for code in english if len(code) == 3 and code.isascii()}
    for alias, code in get_global("language_aliases").items():
        if len(alias) == 3 and len(code) in (2, 3):
            told[alias] = _OWN.get(code, code)
    return told


@cache
def _names() -> dict[str, str]:
    """Names in English and in the language itself."""
    from babel import Locale, UnknownLocaleError

    english = Locale.parse("en").languages
    told: dict[str, str] = {}
    for code in sorted(_ISO_639_1):
        tag = _OWN.get(code, code)
        if code in english:
            told.setdefault(english[code].casefold(), tag)
        try:
            own = Locale.parse(code).languages.get(code)
        except (UnknownLocaleError, ValueError):
            continue
        if own:
            told.setdefault(own.casefold(), tag)
    return told | _ALSO
