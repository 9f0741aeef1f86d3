"""Invented contacts, in the shape of Pipedrive's v2 persons: 28 fields, about 930 bytes."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Final, TypeVar

T = TypeVar("T")

# Labels of custom fields, with type and key; a key is 40 hexadecimal digits, as the vendor's are.
CUSTOM: Final = tuple(
    (label, kind, f"{number:02x}".rjust(2, "0") * 20)
    for number, (label, kind) in enumerate(
        [
            ("Customer number", "varchar"),
            ("Tier", "varchar"),
            ("Region", "varchar"),
            ("Account manager", "varchar"),
            ("Contract end", "date"),
            ("Seats", "double"),
            ("Language", "varchar"),
            ("Source of contact", "varchar"),
        ],
        start=161,
    )
)
FIELDS: Final = 28

# One in so many shares the e-mail address of the contact before it, so that matching has something to join.
DOUBLE_EVERY: Final = 20

_FIRST = ("Mara", "Ito", "Nasrin", "José", "Søren", "Anh", "Zoë", "Piotr", "Chidi", "Lea", "Emre", "Sunita")
_LAST = (
    "Lind",
    "Sho",
    "Sultana",
    "Álvarez",
    "Kjær",
    "Nguyen",
    "van Dijk",
    "Wójcik",
    "Okafor",
    "Meyer",
    "Yıldız",
    "Rao",
)
_JOBS = ("Purchasing", "Operations", "Head of IT", "Service Lead", "Office Manager")
_TIERS = ("gold", "silver", "bronze", "trial")
_REGIONS = ("DACH", "Nordics", "Benelux", "Iberia", "UK and Ireland")
_NOTE = "asks for the price list"

# Behind the notes where a row is shorter otherwise than the bench's are to be.
MORE: Final = ", was called after the fair in spring, wants an offer by autumn and a visit of the service"


def contact(number: int, random: Random) -> dict[str, object]:
    first, last = random.choice(_FIRST), random.choice(_LAST)
    mailbox = number - 1 if number % DOUBLE_EVERY == 0 else number
    minute, second = divmod(number, 60)
    hour, minute = divmod(minute, 60)
    day, hour = divmod(hour, 24)
    values: dict[str, object] = {
        "Customer number": f"C-{number:08}",
        "Tier": random.choice(_TIERS),
        "Region": random.choice(_REGIONS),
        "Account manager": f"{random.choice(_FIRST)} {random.choice(_LAST)}",
        "Contract end": f"{2027 + number % 5}-{1 + number % 12:02}-28",
        "Seats": number % 900,
        "Language": random.choice(("de", "en", "da", "pl")),
        "Source of contact": random.choice(("fair", "web", "friend")),
    }
    return {
        "id": number,
        "name": f"{first} {last}",
        "first_name": first,
        "last_name": last,
        "owner_id": 11 + number % 7,
        "org_id": None if number % 9 == 0 else 1 + number % 20_000,
        "add_time": f"2024-{1 + number % 12:02}-{1 + number % 28:02}T08:00:11Z",
        "update_time": f"2026-{1 + day % 10:02}-{1 + day // 10 % 28:02}T{hour:02}:{minute:02}:{second:02}Z",
        "emails": [{"value": f"p{mailbox}@c{mailbox % 20_000}.example", "primary": True, "label": "work"}],
        "phones": [{"value": f"+49 30 {10_000_000 + number}", "primary": True, "label": "work"}],
        "is_deleted": False,
        "visible_to": 7,
        "label_ids": [3 + number % 3],
        "picture_id": None,
        "job_title": random.choice(_JOBS),
        "birthday": f"{1960 + number % 40}-{1 + number % 12:02}-{1 + number % 28:02}",
        "notes": _NOTE[: 4 + number % 9],
        "marketing_status": random.choice(("subscribed", "no_consent", "unsubscribed")),
        "postal_address": None,
        "im": [],
        "custom_fields": {key: values[label] for label, _, key in CUSTOM},
    }


def made(records: int, row: Callable[[int, Random], T]) -> Iterator[T]:
    """The same people each time, as `row` shows one."""
    random = Random(7)
    return (row(number, random) for number in range(1, records + 1))
