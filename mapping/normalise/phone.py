"""Telephone numbers: E.164 and an extension apart, by Google's metadata (phonenumbers).

Most numbers come clean, "+49 30 12345678" or "030/12345678". The library takes some 25 µs for one; for these regular
expressions, made of the same metadata, give the same answer in a tenth of it. Everything else goes to the library,
through a cache.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from mapping.normalise.misfit import Misfit
from mapping.normalise.trim import seen

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata

_WANT: Final = "phone number"
_WANT_CODE: Final = "phone number with a country code"

# Signs between the digits that the library passes over as well. A letter is a vanity number or an extension: those go
# to the library.
_CLEAN: Final = re.compile(r"(?:\+[1-9]|\(?[0-9])[0-9 ()./\u00a0-]{3,24}[0-9]")
_SIGNS: Final = ("(", ")", "-", "/", ".", "\u00a0")
_LONGEST: Final = 120  # characters; no number needs them

_Pattern: TypeAlias = re.Pattern[str]


class _Home(NamedTuple):
    """How the numbers of a region are read. `trunk`: what stands before them at home; `abroad`: before other ones."""

    code: str
    usual: _Pattern  # most numbers of the calling code, without a trunk prefix: those that need no second look
    valid: str  # all national numbers of the calling code, which regions may share
    possible: _Pattern  # what the region takes for one
    trunk: _Pattern | None
    rewrites: bool  # some numbers with a trunk prefix become others
    abroad: _Pattern | None


# First three digits -> whose number it is; None: nobody's.
_begins: dict[str, _Home | None] = {}
# Of numbers with nothing but blanks between their digits, by their first four characters ("+49 "): the pattern of the
# usual ones, and where it begins.
_spaced: dict[str, tuple[_Pattern, int]] = {}


def normalise(raw: object, *, region: str | None = None) -> tuple[str, str | None] | None:
    """(E.164, extension or None); None where there is no number.

    `region` (ISO 3166-1 alpha-2) is where a number without country code belongs; without it such a number is a misfit.
    """
    if isinstance(raw, str):
        known = _spaced.get(raw[:4])
        if known is not None and len(raw) <= _LONGEST:
            usual, at = known
            joined = raw.replace(" ", "")
            if usual.fullmatch(joined, at) is not None:  # it takes nothing but digits
                return joined, None
        if _CLEAN.fullmatch(raw) and (number := _fast(raw, region)) is not None:
            return number, None
        text = seen(raw)
        if not text:
            return None
    elif raw is None or raw == [] or raw == {}:
        return None
    else:
        text = _digits(raw)
    found = _by_library(text, region) if len(text) <= _LONGEST else None
    if found is None:
        raise Misfit(_WANT if region or "+" in text else _WANT_CODE)
    return found


def _digits(raw: object) -> str:
    from mapping.normalise.number import integer

    try:
        told = integer(raw)
    except Misfit:
        raise Misfit(_WANT) from None
    if told is None or told < 0:
        raise Misfit(_WANT)
    return str(told)


def _fast(raw: str, region: str | None) -> str | None:
    """E.164 of a clean number that is valid and that the library reads just so; None: ask the library."""
    digits = raw.removeprefix("+").replace(" ", "")
    spaced = digits.isdigit()
    if not spaced:
        for sign in _SIGNS:
            digits = digits.replace(sign, "")
    if raw[0] == "+":
        whose = _begins.get(digits[:3])
        if whose is not None and whose.usual.fullmatch(digits, len(whose.code)) is not None:
            if spaced and raw.startswith(whose.code, 1):
                _spaced[raw[:4]] = whose.usual, len(whose.code) + 1
            return "+" + digits  # most are told here
        return _from_abroad(digits)
    home = None if region is None else _home(region)
    if home is None:
        return None
    if home.abroad is not None and (begun := home.abroad.match(digits)) is not None:
        return _from_abroad(digits[begun.end() :])
    # One that begins with the calling code may have it for its area: that is the library's decision.
    return None if digits.startswith(home.code) else _at_home(digits, home)


def _from_abroad(digits: str) -> str | None:
    """Of a number with its calling code."""
    try:
        home = _begins[digits[:3]]
    except KeyError:
        home = _begins[digits[:3]] = _begun(digits[:3])
    return None if home is None else _at_home(digits, home, len(home.code))


def _at_home(digits: str, home: _Home, at: int = 0) -> str | None:
    """Of a national number that stands from `at` on, with its trunk prefix or without."""
    if home.usual.fullmatch(digits, at) is not None:
        return f"+{home.code}{digits[at:]}"
    if home.trunk is not None and (begun := home.trunk.match(digits, at)) is not None and begun.end() > at:
        if home.rewrites and begun[begun.re.groups] is not None:
            return None
        at = begun.end()
        if home.possible.fullmatch(digits, at) is None:
            return None  # it may be no prefix at all
    if home.usual.fullmatch(digits, at) or _compiled(home.valid).fullmatch(digits, at):
        return f"+{home.code}{digits[at:]}"
    return None


def _begun(digits: str) -> _Home | None:
    """No calling code is the beginning of another."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    if digits[:1] in ("", "0"):
        return None  # "0" begins none
    for length in (1, 2, 3):
        if regions := COUNTRY_CODE_TO_REGION_CODE.get(int(digits[:length])):
            return _made(digits[:length], regions[0])
    return None


@cache
def _home(region: str) -> _Home | None:
    from phonenumbers import PhoneMetadata

    found = PhoneMetadata.metadata_for_region(region.upper(), None)
    return None if found is None else _made(str(found.country_code), region.upper())


@cache
def _made(code: str, region: str) -> _Home | None:
    from phonenumbers import PhoneMetadata

    found = PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
    possible = None if found is None else _matching(found.general_desc)
    if found is None or not possible:
        return None
    prefix, abroad = found.national_prefix_for_parsing, found.international_prefix
    regions = _regions(code)
    fixed_or_mobile = _claims(regions[:1], _FIXED_OR_MOBILE)
    return _Home(
        code,
        re.compile(f"(?!{prefix})(?:{fixed_or_mobile})" if prefix else fixed_or_mobile),
        _claims(regions, _TYPES),
        re.compile(possible),
        re.compile(prefix) if prefix else None,
        bool(found.national_prefix_transform_rule),
        re.compile(abroad) if abroad else None,
    )


# Not all of them are needed, and some take 25 ms.
_compiled: Final = cache(re.compile)

_FIXED_OR_MOBILE: Final = ("fixed_line", "mobile")
_TYPES: Final = (
    *_FIXED_OR_MOBILE, "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan",
    "voicemail",
)  # fmt: skip


@cache
def _regions(code: str) -> "list[PhoneMetadata]":
    """Those that share a calling code."""
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    regions = COUNTRY_CODE_TO_REGION_CODE[int(code)]
    found = [PhoneMetadata.metadata_for_region_or_calling_code(int(code), region) for region in regions]
    return [one for one in found if one is not None]


def _claims(regions: "list[PhoneMetadata]", types: tuple[str, ...]) -> str:
    """Their national numbers of these types. The first region that claims a number decides, as in the library; leading
    digits alone make a claim."""
    told, claimed = [], ""
    for one in regions:
        numbers = _of_types(one, types)
        if one.leading_digits is not None:
            told.append(f"{claimed}(?={one.leading_digits}){numbers}")
            claimed += f"(?!{one.leading_digits})"
        else:
            told.append(f"{claimed}{numbers}")
    return "|".join(told)


def _of_types(one: "PhoneMetadata", types: tuple[str, ...]) -> str:
    # Where fixed and mobile numbers are told apart by nobody, both are described alike.
    told = dict.fromkeys(matching for name in types if (matching := _matching(getattr(one, name))))
    general = _matching(one.general_desc)
    return f"(?={general}$)(?:{'|'.join(told)})" if general and told else "(?!)"


def _matching(desc: Any) -> str:  # PhoneNumberDesc, which the package does not export
    if desc is None or not desc.national_number_pattern:
        return ""
    lengths = sorted(length for length in desc.possible_length or () if length > 0)
    ahead = f"(?=(?:{'|'.join(_spans(lengths))})$)" if lengths else ""
    return f"{ahead}(?:{desc.national_number_pattern})"


def _spans(lengths: Sequence[int]) -> Iterator[str]:
    """So many digits; lengths that follow each other together, so that a number is looked at once and not for each."""
    begun = 0
    for at, length in enumerate(lengths):
        if at + 1 == len(lengths) or lengths[at + 1] > length + 1:
            yield f"[0-9]{{{lengths[begun]},{length}}}"
            begun = at + 1


@lru_cache(maxsize=65_536)
def _by_library(text: str, region: str | None) -> tuple[str, str | None] | None:
    import phonenumbers

    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164), parsed.extension or None


def text(number: str, extension: str | None = None) -> str:
    """Both in one text, RFC 3966's way without the scheme, which `normalise` reads again."""
    return f"{number};ext={extension}" if extension else number
