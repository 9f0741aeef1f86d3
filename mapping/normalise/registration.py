"""Numbers that companies are registered under, for comparing."""

import re
from functools import lru_cache
from typing import Final

from mapping.match.keys import fold
from mapping.normalise.country import CODES

# In front of a number, and behind it: what it is called.
_CALLED: Final = re.compile(
    r"(?:(?:vat|tax|ust|mwst|tva|iva|btw|uid|no|nr|id|idnr|reg|number) )+(?=\S*\d)| (?:mwst|tva|iva|mva|vat)$"
)
# A country, and a number that is too long to be some register's own: Scotland's companies begin with SC000001.
_OF_COUNTRY: Final = re.compile(r"(?P<country>che|[a-z]{2})u?(?P<number>[a-z]{0,2}\d{7,12}[a-z]{0,2}\d{0,3})")
_PREFIXES: Final = {code.lower() for code in CODES} | {"che", "el", "eu", "uk", "xi"}


@lru_cache(maxsize=100_000)
def plain(number: str) -> str:
    """Without blanks, signs, zeros in front and the letters of a country: `953611307` of "DE 953.611.307"."""
    told = _CALLED.sub("", fold(number)).replace(" ", "").removesuffix("mwst")
    found = _OF_COUNTRY.fullmatch(told)
    if found is not None and found["country"] in _PREFIXES:
        told = found["number"]
    return (told.lstrip("0") or told) if told.isdecimal() else told
