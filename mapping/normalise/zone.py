"""Time zones: IANA names, of those and of the names of Windows and Rails."""

from functools import cache, lru_cache
from typing import Final

from mapping.normalise.misfit import Misfit
from mapping.normalise.trim import trimmed

_WANT: Final = "time zone"

# Names that were replaced and live on in accounts.
_FORMER: Final = {
    "Africa/Asmera": "Africa/Asmara",
    "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
    "America/Godthab": "America/Nuuk",
    "America/Indianapolis": "America/Indiana/Indianapolis",
    "America/Louisville": "America/Kentucky/Louisville",
    "Asia/Calcutta": "Asia/Kolkata",
    "Asia/Dacca": "Asia/Dhaka",
    "Asia/Katmandu": "Asia/Kathmandu",
    "Asia/Macao": "Asia/Macau",
    "Asia/Rangoon": "Asia/Yangon",
    "Asia/Saigon": "Asia/Ho_Chi_Minh",
    "Asia/Thimbu": "Asia/Thimphu",
    "Asia/Ujung_Pandang": "Asia/Makassar",
    "Asia/Ulan_Bator": "Asia/Ulaanbaatar",
    "Atlantic/Faeroe": "Atlantic/Faroe",
    "Europe/Kiev": "Europe/Kyiv",
    "Pacific/Ponape": "Pacific/Pohnpei",
    "Pacific/Truk": "Pacific/Chuuk",
    "US/Alaska": "America/Anchorage",
    "US/Arizona": "America/Phoenix",
    "US/Central": "America/Chicago",
    "US/Eastern": "America/New_York",
    "US/Hawaii": "Pacific/Honolulu",
    "US/Mountain": "America/Denver",
    "US/Pacific": "America/Los_Angeles",
    "Etc/UTC": "UTC",
    "Etc/GMT": "UTC",
    "Etc/UCT": "UTC",
    "Etc/Zulu": "UTC",
    "GMT": "UTC",
    "UCT": "UTC",
    "Zulu": "UTC",
    "Z": "UTC",
}

# The names of Rails that are not the end of an IANA name.
_RAILS: Final = {
    "International Date Line West": "Etc/GMT+12",
    "Midway Island": "Pacific/Midway",
    "American Samoa": "Pacific/Pago_Pago",
    "Hawaii": "Pacific/Honolulu",
    "Alaska": "America/Juneau",
    "Pacific Time (US & Canada)": "America/Los_Angeles",
    "Mountain Time (US & Canada)": "America/Denver",
    "Central Time (US & Canada)": "America/Chicago",
    "Eastern Time (US & Canada)": "America/New_York",
    "Atlantic Time (Canada)": "America/Halifax",
    "Arizona": "America/Phoenix",
    "Saskatchewan": "America/Regina",
    "Guadalajara": "America/Mexico_City",
    "Central America": "America/Guatemala",
    "Indiana (East)": "America/Indiana/Indianapolis",
    "Newfoundland": "America/St_Johns",
    "Brasilia": "America/Sao_Paulo",
    "Greenland": "America/Nuuk",
    "Mid-Atlantic": "Atlantic/South_Georgia",
    "Cape Verde Is.": "Atlantic/Cape_Verde",
    "Edinburgh": "Europe/London",
    "Bern": "Europe/Zurich",
    "Kyiv": "Europe/Kyiv",
    "West Central Africa": "Africa/Algiers",
    "Harare": "Africa/Harare",
    "Pretoria": "Africa/Johannesburg",
    "St. Petersburg": "Europe/Moscow",
    "Abu Dhabi": "Asia/Muscat",
    "Ekaterinburg": "Asia/Yekaterinburg",
    "Islamabad": "Asia/Karachi",
    "Chennai": "Asia/Kolkata",
    "Mumbai": "Asia/Kolkata",
    "New Delhi": "Asia/Kolkata",
    "Sri Jayawardenepura": "Asia/Colombo",
    "Astana": "Asia/Almaty",
    "Hanoi": "Asia/Bangkok",
    "Beijing": "Asia/Shanghai",
    "Osaka": "Asia/Tokyo",
    "Sapporo": "Asia/Tokyo",
    "Canberra": "Australia/Canberra",
    "Solomon Is.": "Pacific/Guadalcanal",
    "New Caledonia": "Pacific/Noumea",
    "Marshall Is.": "Pacific/Majuro",
    "Wellington": "Pacific/Auckland",
    "Nuku'alofa": "Pacific/Tongatapu",
    "Tokelau Is.": "Pacific/Fakaofo",
    "Chatham Is.": "Pacific/Chatham",
    "Samoa": "Pacific/Apia",
}


def normalise(raw: object) -> str | None:
    """The IANA name; None where nothing is said. An offset is no time zone: it knows no summer."""
    if isinstance(raw, str):
        text = trimmed(raw)
        if not text:
            return None
        if len(text) <= 64 and (found := _of(text)) is not None:
            return found
    elif raw is None or raw == [] or raw == {}:
        return None
    raise Misfit(_WANT)


@lru_cache(maxsize=2048)
def _of(text: str) -> str | None:
    return _known().get(text) or _known().get(text.casefold().replace(" ", "_"))


@cache
def _known() -> dict[str, str]:
    """IANA names as they are spelled, and every name in lower case with low lines for blanks."""
    from zoneinfo import available_timezones

    from babel.core import get_global

    told: dict[str, str] = {}
    areas = {"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
    available = available_timezones()
    names = sorted(available)
    for name in names:
        if name.partition("/")[0] in areas:  # the city alone, as Rails has it
            city = _key(name.rpartition("/")[2])
            told.setdefault(city, _FORMER.get(name, name))
    for windows, name in get_global("windows_zone_mapping").items():
        told[_key(windows)] = _FORMER.get(name, name)
    for name in names:
        if not name.startswith(("posix", "right", "SystemV")) and name not in ("Factory", "localtime"):
            told[name] = told[_key(name)] = _FORMER.get(name, name)
    told.update({_key(former): name for former, name in _FORMER.items()})
    told.update({_key(rails): name for rails, name in _RAILS.items()})
    return told


def _key(name: str) -> str:
    return name.casefold().replace(" ", "_")
