"""Telephone numbers: E.164 and an extension apart, by Google's metadata (phonenumbers).

Most numbers come clean and international, "+49 30 12345678". The library takes some 25 µs for one; for these a
regular expression per calling code, made of the same metadata, gives the same answer in a tenth of it. Everything
else goes to the library, through a cache.
"""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from mapping.normalise.misfit import Misfit
from mapping.normalise.trim import seen

if TYPE_CHECKING:
    from phonenumbers import PhoneMetadata

_WANT: Final = "phone number"
_WANT_CODE: Final = "phone number with a country code"

# Signs between the digits that the library passes over as well. A slash may begin a second number, a letter is a
# vanity number or an extension: those go to the library.
_CLEAN: Final = re.compile(r"\+[1-9][0-9 ().\u00a0-]{5,24}[0-9]")
_SIGNS: Final = ("(", ")", ".", "-", "\u00a0")
_LONGEST: Final = 120  # characters; no number needs them

_Pattern: TypeAlias = re.Pattern[str]
# First three digits -> how many of them are the calling code, its valid national numbers, and what the library may take
# for a trunk prefix; None: no such code.
_begins: dict[str, tuple[int, _Pattern, _Pattern | None] | None] = {}


def normalise(raw: object, *, region: str | None = None) -> tuple[str, str | None] | None:
    """(E.164, extension or None); None where there is no number.

    `region` (ISO 3166-1 alpha-2) is where a number without country code belongs; without it such a number is a misfit.
    """
    if isinstance(raw, str):
        if _CLEAN.fullmatch(raw) and (number := _fast(raw)) is not None:
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


def _fast(raw: str) -> str | None:
    """E.164 of a clean number that is valid and that the library reads as it stands; None: ask the library."""
    digits = raw[1:].replace(" ", "")
    if not digits.isdigit():
        for sign in _SIGNS:
            digits = digits.replace(sign, "")
    try:
        known = _begins[digits[:3]]
    except KeyError:
        known = _begins[digits[:3]] = _begun(digits[:3])
    if known is None:
        return None
    length, national, trunk = known
    if national.fullmatch(digits, length) is None:
        return None
    if trunk is not None and (begun := trunk.match(digits, length)) is not None and begun.end() > length:
        return None
    return f"+{digits}"


def _begun(digits: str) -> tuple[int, _Pattern, _Pattern | None] | None:
    """No calling code is the beginning of another."""
    for length in (1, 2, 3):
        if (found := _compiled(digits[:length])) is not None:
            return length, *found
    return None


@cache
def _compiled(code: str) -> tuple[_Pattern, _Pattern | None] | None:
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(code))
    if not regions:
        return None
    if regions == ("001",):
        found = [PhoneMetadata.metadata_for_nongeo_region(int(code))]
    else:
        found = [PhoneMetadata.metadata_for_region(region) for region in regions]
    every = [one for one in found if one is not None]
    # A number that begins like one with its trunk prefix may be read without it: that is the library's decision.
    prefix = every[0].national_prefix_for_parsing
    trunk = re.compile(prefix) if prefix else None
    if trunk is None or trunk.match("") is not None:
        return re.compile(_of_regions(every)), trunk
    return re.compile(f"(?!{prefix})(?:{_of_regions(every)})"), None  # one pattern is faster than two


def _of_regions(every: "list[PhoneMetadata]") -> str:
    """The first region that claims a number decides, as in the library; leading digits alone make a claim."""
    told, claimed = [], ""
    for one in every:
        types = _of_types(one)
        if one.leading_digits is not None:
            told.append(f"{claimed}(?={one.leading_digits}){types}")
            claimed += f"(?!{one.leading_digits})"
        else:
            told.append(f"{claimed}{types}")
    return "|".join(told)


def _of_types(one: "PhoneMetadata") -> str:
    types = (
        one.fixed_line,
        one.mobile,
        one.premium_rate,
        one.toll_free,
        one.shared_cost,
        one.voip,
        one.personal_number,
        one.pager,
        one.uan,
        one.voicemail,
    )
    told = [matching for desc in types if (matching := _matching(desc))]
    general = _matching(one.general_desc)
    return f"(?={general}$)(?:{'|'.join(told)})" if general and told else "(?!)"


def _matching(desc: Any) -> str:  # PhoneNumberDesc, which the package does not export
    if desc is None or not desc.national_number_pattern:
        return ""
    lengths = [length for length in desc.possible_length or () if length > 0]
    ahead = f"(?={'|'.join(f'[0-9]{{{length}}}$' for length in lengths)})" if lengths else ""
    return f"{ahead}(?:{desc.national_number_pattern})"


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
