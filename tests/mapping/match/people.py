"""Small worlds of people and companies for tests of scored matching."""

import random
from collections.abc import Mapping
from typing import Any

from mapping.match.profile import Profile, of_row

GIVEN = ["Anna", "William", "Rahim", "Lisa", "Tom", "Olga", "Jorge", "Wei", "Fatima", "Noah"]
FAMILY = [f"{begin}{end}" for begin in ("Lind", "Berg", "Hold", "Vara", "Kest", "Mond") for end in (
    "qvist", "strom", "mann", "sen", "ov", "elli", "ez", "ari", "uk", "ton")]  # fmt: skip


def person(full: str = "", **told: Any) -> Profile:
    """`email`, `phone`, `born`, `street`, `postcode`, `town`, `company` in the common form."""
    row: dict[str, Any] = {"name": {"full": full}} if full else {}
    if "given" in told or "family" in told:
        row["name"] = {"given": told.get("given"), "family": told.get("family")}
    if "email" in told:
        row["emails"] = [{"address": told["email"]}]
    if "phone" in told:
        row["phones"] = [{"number": told["phone"]}]
    if "born" in told:
        row["birth_date"] = told["born"]
    if "company" in told:
        row["company_name"] = told["company"]
    if "ref" in told:
        row["external_ids"] = [{"namespace": "shop", "value": told["ref"]}]
    return of_row("person", {**row, **_address(told)})


def company(name: str, **told: Any) -> Profile:
    row: dict[str, Any] = {"name": name}
    if "domain" in told:
        row["domains"] = [told["domain"]]
    if "phone" in told:
        row["phones"] = [{"number": told["phone"]}]
    return of_row("company", {**row, **_address(told)})


def _address(told: Mapping[str, Any]) -> dict[str, Any]:
    parts = {"lines": "street", "postal_code": "postcode", "locality": "town", "country": "country"}
    found = {part: told[name] for part, name in parts.items() if name in told}
    return {"addresses": [{"type": "other", **found}]} if found else {}


def strangers(count: int, *, seed: int = 1) -> list[Profile]:
    """People who have nothing to do with one another, so that rarities mean something."""
    draw = random.Random(seed)
    return [
        person(
            f"{draw.choice(GIVEN)} {draw.choice(FAMILY)}",
            email=f"stranger{number}@mail{number % 40}.test",
            phone=f"+49301{draw.randrange(10**7):07}",
            born=f"{draw.randrange(1940, 2005)}-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}",
            street=f"{draw.randrange(1, 90)} {draw.choice(FAMILY)} Street",
            postcode=f"{draw.randrange(10000, 10400)}",
            company=f"{draw.choice(FAMILY)} Works",
        )
        for number in range(count)
    ]
