"""Who we are at Zoho, what the edition allows, and which scopes were not granted. Vendor facts: README.md, Limits."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from connectors.sdk import Account, Json
from connectors.zoho.streams import RESOURCES


class _Edition(NamedTuple):
    """Credits in any 24 hours: so many, more for each user, and no more than that (None: as many as there are)."""

    credits: int
    a_user: int
    at_most: int | None


_EDITIONS: Final[Mapping[str, _Edition]] = {
    "free": _Edition(5_000, 0, 5_000),
    "starter": _Edition(50_000, 250, 100_000),
    "standard": _Edition(50_000, 250, 100_000),
    "professional": _Edition(50_000, 500, 3_000_000),
    "enterprise": _Edition(50_000, 1_000, 5_000_000),
    "ultimate": _Edition(50_000, 2_000, None),
}
_FIELDS: Final = ("zohocrm.settings.all", "zohocrm.settings.read", "zohocrm.settings.fields.all",
                  "zohocrm.settings.fields.read")  # fmt: skip


def told(org: Mapping[str, Json], *, identity: str, left: str | None, missing: Mapping[str, Sequence[str]]) -> Account:
    """The organization's row as an account. `left`: what the answer said of the credits, from half of them on."""
    country = org.get("country_code")
    currency = org.get("iso_code")
    return Account(
        id=str(org["zgid"]),
        name=str(org.get("company_name") or org["zgid"]),
        identity=identity,
        time_zone=org.get("time_zone"),
        currency=currency if isinstance(currency, str) and len(currency) == 3 else None,
        country=country if isinstance(country, str) and len(country) == 2 else None,
        allowance=_allowance(org.get("license_details") or {}),
        left=int(left) if left is not None and left.isdecimal() else None,
        missing=missing,
    )


def _allowance(licence: Mapping[str, Json]) -> int | None:
    edition = _EDITIONS.get(str(licence.get("paid_type")).casefold())
    users = licence.get("users_license_purchased")
    if edition is None or not isinstance(users, int):
        return None
    found = edition.credits + users * edition.a_user
    return found if edition.at_most is None else min(found, edition.at_most)


def missing(granted: str | None) -> Mapping[str, Sequence[str]]:
    """Streams that a grant does not let us read, with the scopes that would. A grant that names none tells nothing."""
    if not granted:
        return {}
    scopes = {scope.casefold() for scope in granted.replace(",", " ").split()}
    lacking = {name: _lacking(name, scopes) for name in RESOURCES}
    return {name: names for name, names in lacking.items() if names}


def _lacking(stream: str, scopes: set[str]) -> tuple[str, ...]:
    if stream == "users":
        return () if scopes & {"zohocrm.users.all", "zohocrm.users.read"} else ("ZohoCRM.users.READ",)
    module = f"zohocrm.modules.{stream}"
    enough = {"zohocrm.modules.all", "zohocrm.modules.read", f"{module}.all", f"{module}.read"}
    lacking = [] if scopes & enough else [f"ZohoCRM.modules.{stream}.READ"]
    if scopes.isdisjoint(_FIELDS):
        lacking.append("ZohoCRM.settings.fields.READ")
    return tuple(lacking)
