"""What people do at the vendors' own screens while a daemon is at work."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sandbox.server import Sandbox

_TITLES: Final = ("COO", "Head of Ops", "Buyer", "কারখানা ব্যবস্থাপক", "Engineer", "VP Sales", "Einkäufer")
_STREETS: Final = ("Lager 7", "Hafenstraße 12", "12 Mill Lane", "গুলশান ২")


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit as it was made: of `field` there is now `value`."""

    at: datetime
    vendor: str
    record: str
    field: str
    value: Any


# vendor, stream, field at the vendor, a value of it.
_FIELDS: Final[Sequence[tuple[str, str, str, Callable[[random.Random], Any]]]] = (
    ("pipedrive", "persons", "job_title", lambda rng: f"{rng.choice(_TITLES)} {rng.randrange(100)}"),
    ("zoho", "contacts", "Title", lambda rng: f"{rng.choice(_TITLES)} {rng.randrange(100)}"),
    ("zoho", "contacts", "Department", lambda rng: f"Dept {rng.randrange(100)}"),
    ("zoho", "contacts", "Mobile", lambda rng: f"+49 1555 {rng.randrange(1_000_000, 9_999_999)}"),
    ("salesforce", "contacts", "Title", lambda rng: f"{rng.choice(_TITLES)} {rng.randrange(100)}"),
    ("salesforce", "contacts", "Department", lambda rng: f"Dept {rng.randrange(100)}"),
    ("salesforce", "contacts", "MailingStreet", lambda rng: f"{rng.choice(_STREETS)} {rng.randrange(100)}"),
    ("salesforce", "accounts", "Phone", lambda rng: f"+49 30 {rng.randrange(10_000_000, 99_999_999)}"),
    ("zoho", "accounts", "Website", lambda rng: f"https://www{rng.randrange(100)}.example.test"),
)

# kind, own words; how often a call that matches goes wrong.
_FAULTS: Final[Sequence[tuple[str, Mapping[str, Any], float]]] = (
    ("lost_response", {"method": "POST,PATCH,PUT"}, 0.3),
    ("storm", {"retry_after": 2}, 0.3),
    ("storm", {}, 0.2),
    ("error", {"status": 502, "when": "before"}, 0.3),
    ("error", {"status": 503, "when": "after", "method": "POST,PATCH,PUT"}, 0.3),
    ("expired_token", {}, 0.1),
    ("slow", {"delay_ms": 300}, 0.3),
    ("truncated", {"method": "GET"}, 0.1),
)


class People:
    """Edits records that the vendors have; `made` is all that they did."""

    def __init__(self, sandbox: Sandbox, keys: Mapping[tuple[str, str], Sequence[str]], *, seed: int) -> None:
        self._sandbox = sandbox
        self._keys = keys
        self._rng = random.Random(f"people/{seed}")
        self.made: list[Edit] = []

    def edit(self) -> Edit:
        rng = self._rng
        there = [one for one in _FIELDS if self._keys.get((one[0], one[1]))]
        vendor, stream, field, value_of = rng.choice(there)
        key, value = rng.choice(self._keys[vendor, stream]), value_of(rng)
        late = rng.choice((0, 0, 0, 5))
        # Zoho's own screens speak of modules.
        told = stream.capitalize() if vendor == "zoho" else stream
        self._sandbox.edit(vendor, told, key, {field: value}, visible_after=late)
        edit = Edit(self._sandbox.now(), vendor, key, field, value)
        self.made.append(edit)
        return edit

    def disturb(self) -> str:
        """Set one fault at one vendor, which wears off by itself."""
        rng = self._rng
        kind, words, probability = rng.choice(_FAULTS)
        vendors = [one.name for one in self._sandbox.vendors]
        if kind == "expired_token":  # a fixed token that is refused waits for a person, here to the end
            vendors = [name for name in vendors if name not in ("typeform", "qualtrics")]
        vendor = rng.choice(vendors)
        told = {"count": rng.randrange(1, 4), "probability": probability, "seed": rng.randrange(1 << 30), **words}
        self._sandbox.fault(kind, vendor=vendor, **told)
        return f"{kind} at {vendor}"
