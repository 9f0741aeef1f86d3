"""Names of people as they are written; never re-ordered, split only where a side demands parts."""

import re
import unicodedata
from collections.abc import Collection
from typing import Final, Literal

from mapping.normalise.misfit import Misfit
from mapping.normalise.text import clean as clean_text
from mapping.normalise.text import is_tidy
from mapping.normalise.trim import seen

Order = Literal["given_first", "family_first"]

# What stands in a name field where there is no name. "Na" and "Null" are names.
FILLERS: Final = frozenset({"n/a", "unknown", "[not provided]", "lnu", "fnu"})
_ONLY_SIGNS: Final = re.compile(r"[\W_]+")
_BLANKS: Final = re.compile(r"\s+")
# Words that begin a family name of several words.
_PARTICLES: Final = (
    "al ap as auf ben bin bint da dal de degli del della den der di dos du e el ibn la las le los mac san st te ten "
    "ter van vom von y zu zum zur"
)
_BEGINS_FAMILY: Final = frozenset(_PARTICLES.split())
_EAST: Final = frozenset({"Hani", "Hira", "Kana", "Jpan", "Hang", "Kore"})
_FAMILY_FIRST: Final = frozenset({"ja", "zh", "ko", "hu", "vi"})


def clean(raw: object, *, fillers: Collection[str] = FILLERS) -> str | None:
    """One line, single blanks. None where it is empty, or a filler: `is_filler` tells the two apart."""
    told = _line(raw)
    return None if told is None or _fills(told, fillers) else told


def is_filler(raw: object, *, fillers: Collection[str] = FILLERS) -> bool:
    """Does it say that there is no name? Then the field counts as never filled, not as cleared."""
    told = _line(raw)
    return told is not None and _fills(told, fillers)


def _line(raw: object) -> str | None:
    if type(raw) is str and "  " not in raw and is_tidy(raw):
        return raw.strip(" ") or None
    if isinstance(raw, bool):
        raise Misfit("name")
    try:
        told = clean_text(raw)
    except Misfit:
        raise Misfit("name") from None
    if told is None:
        return None
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", seen(told))).strip() or None


def _fills(told: str, fillers: Collection[str]) -> bool:
    if len(told) < 20 and told.casefold() in fillers:
        return True
    return not told[0].isalpha() and _ONLY_SIGNS.fullmatch(told) is not None and not _speaks(told)


def _speaks(signs: str) -> bool:
    """Emoji and marks are somebody's idea of a name; dashes, points and brackets are none."""
    return any(unicodedata.category(character)[0] in "MS" and ord(character) > 0x2FFF for character in signs)


def script(text: str) -> str | None:
    """The script that most of it is written in, ISO 15924; None: no letters, or one that we do not tell."""
    if text.isascii():
        return "Latn" if any(map(str.isalpha, text)) else None
    counts: dict[str, int] = {}
    for character in text:
        if found := _script_of(character):
            counts[found] = counts.get(found, 0) + 1
    if not counts:
        return None
    if counts.keys() & {"Hira", "Kana"} and "Hani" in counts:
        return "Jpan"
    return max(counts, key=lambda one: counts[one])


_BY_NAME: Final = {
    "LATIN": "Latn",
    "CYRILLIC": "Cyrl",
    "GREEK": "Grek",
    "ARABIC": "Arab",
    "HEBREW": "Hebr",
    "BENGALI": "Beng",
    "DEVANAGARI": "Deva",
    "TAMIL": "Taml",
    "TELUGU": "Telu",
    "GUJARATI": "Gujr",
    "GURMUKHI": "Guru",
    "KANNADA": "Knda",
    "MALAYALAM": "Mlym",
    "SINHALA": "Sinh",
    "THAI": "Thai",
    "LAO": "Laoo",
    "KHMER": "Khmr",
    "MYANMAR": "Mymr",
    "GEORGIAN": "Geor",
    "ARMENIAN": "Armn",
    "ETHIOPIC": "Ethi",
    "HIRAGANA": "Hira",
    "KATAKANA": "Kana",
    "HALFWIDTH KATAKANA": "Kana",
    "HANGUL": "Hang",
    "CJK": "Hani",
    "FULLWIDTH LATIN": "Latn",
}


def _script_of(character: str) -> str | None:
    if not character.isalpha():
        return None
    if character.isascii():
        return "Latn"
    words = unicodedata.name(character, "").split()
    return _BY_NAME.get(" ".join(words[:2])) or _BY_NAME.get(words[0] if words else "")


def order(full: str, language: str | None = None) -> Order:
    """In which order a full name stands: by its script, else by a language that the side tells."""
    if script(full) in _EAST:
        return "family_first"
    return "family_first" if language and language.partition("-")[0] in _FAMILY_FIRST else "given_first"


def split(full: str, order: str | None = None) -> dict[str, str]:
    """{given, family} of a full name, for a write that demands parts. A name of one word is all family.

    A guess, so it is never read back as a name: the base of that side holds it. "Lind, Mara" is understood.
    """
    ahead, comma, behind = full.partition(",")
    if comma and ahead.strip() and behind.strip() and "," not in behind:
        return {"given": behind.strip(), "family": ahead.strip()}
    words = full.split()
    if len(words) < 2:
        return {"family": full.strip()}
    if order == "family_first":
        return {"given": " ".join(words[1:]), "family": words[0]}
    at = len(words) - 1
    while at > 1 and words[at - 1].casefold() in _BEGINS_FAMILY:
        at -= 1
    return {"given": " ".join(words[:at]), "family": " ".join(words[at:])}
