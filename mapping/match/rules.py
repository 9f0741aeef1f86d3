"""What makes two records the same: the operator's rules, the limits of frequency, and what identifies nobody."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from typing import Final, Literal

from msgspec import Struct

# scored: it is evidence, which scored matching weighs. By itself it only tells whose an answer is.
Then = Literal["same", "review", "scored"]
SCORED: Final = ("person", "company")  # kinds that have a model

# A hub field in a rule -> the word that stands for it in the kind of an identifier.
WORDS: Final[Mapping[str, str]] = {
    "external_ids": "external",
    "emails": "email",
    "primary_email": "email",
    "phones": "phone",
    "primary_phone": "phone",
    "domains": "domain",
    "website": "domain",
    "name.family": "family",
    "company_name": "company",
    "registrations": "registration",
    "urls": "linkedin",
}


def word(hub_field: str) -> str:
    return WORDS.get(hub_field, hub_field)


class MatchRule(Struct, frozen=True):
    """`same: [phones, name.family]`. All fields have to agree at once."""

    same: tuple[str, ...]
    then: Then = "same"

    @property
    def kind(self) -> str:
        """The kind of the identifiers that this rule compares, "phone+family"."""
        return "+".join(word(one) for one in self.same)


def _rules(
    *told: tuple[str, ...], review: Sequence[tuple[str, ...]] = (), scored: Sequence[tuple[str, ...]] = ()
) -> tuple[MatchRule, ...]:
    return (
        *(MatchRule(same) for same in told),
        *(MatchRule(same, "review") for same in review),
        *(MatchRule(same, "scored") for same in scored),
    )


# Where records are scored: what is certain, and what an answer is placed by.
SCORED_RULES: Final[Mapping[str, tuple[MatchRule, ...]]] = {
    "person": _rules(("external_ids",), ("urls",), scored=(("emails",), ("phones", "name.family"))),
    "company": _rules(("external_ids",), ("registrations",), scored=(("domains",),)),
}

# Where they are not.
DEFAULT_RULES: Final[Mapping[str, tuple[MatchRule, ...]]] = {
    "person": _rules(
        ("external_ids",),
        ("emails",),
        ("urls",),
        ("phones", "name.family"),
        review=(("name", "company"), ("birth_date", "name")),
    ),
    "company": _rules(
        ("external_ids",),
        ("registrations",),
        ("domains",),
        review=(("name", "country"), ("phones", "name")),
    ),
    "deal": _rules(("external_ids",)),
    "ticket": _rules(("external_ids",)),
    "purchase": _rules(("external_ids",)),
    "campaign": _rules(("external_ids",)),
    "activity": _rules(("message_id",), ("ical_uid", "start")),
    "owner": _rules(("external_ids",), ("email",)),
    "membership": (),
    "survey": (),
    "invitation": (),
    "response": (),
}

# Held by more than this, it identifies nobody. Of an id: one system has somebody twice at times; whatever it has three
# times is no number of theirs (a 0 for none, a number of their group).
DEFAULT_LIMITS: Final[Mapping[str, int]] = {
    "email": 3, "phone": 4, "domain": 20, "name": 4, "external": 2, "registration": 2,
}  # fmt: skip

# Schemes of `registrations` that many companies share: industries, and what a whole group is listed under.
OF_MANY: Final = frozenset({"sic", "naics", "nace", "isic", "ticker"})
# Namespaces of `external_ids` in which each system may count for itself: another number is nothing against two.
OF_ONE_SYSTEM: Final = frozenset({"account_number"})

ROLES: Final = frozenset(
    {
        "abuse",
        "accounting",
        "accounts",
        "admin",
        "administration",
        "bewerbung",
        "billing",
        "booking",
        "buchhaltung",
        "compras",
        "contact",
        "contacto",
        "customercare",
        "einkauf",
        "enquiries",
        "facturation",
        "finance",
        "hello",
        "help",
        "helpdesk",
        "hola",
        "hostmaster",
        "hr",
        "info",
        "inquiries",
        "invoice",
        "invoices",
        "it",
        "jobs",
        "kontakt",
        "mail",
        "mailer-daemon",
        "marketing",
        "media",
        "newsletter",
        "no-reply",
        "noreply",
        "office",
        "orders",
        "postmaster",
        "presse",
        "press",
        "privacy",
        "procurement",
        "purchasing",
        "reception",
        "rechnung",
        "rechnungen",
        "reservations",
        "root",
        "sales",
        "security",
        "service",
        "support",
        "team",
        "vendas",
        "ventas",
        "verkauf",
        "vertrieb",
        "webmaster",
        "zentrale",
    }
)

CERTAIN: Final = ("ref", "hub_id", "tool_contact", "external:", "registration:", "message_id", "ical_uid+start")
STRONG: Final = ("email", "domain", "linkedin")


def strength(kind: str) -> int:
    """3 certain, 2 strong, 1 medium."""
    if kind.startswith(CERTAIN) and not is_of_many(kind):
        return 3
    return 2 if kind in STRONG else 1


def is_of_many(kind: str) -> bool:
    """`registration:sic`: it says what a company does, and not which one it is."""
    what, _, scheme = kind.partition(":")
    return what == "registration" and scheme.lower() in OF_MANY


def is_role(address: str) -> bool:
    """info@ and its kind: a desk, not a person."""
    local = address.partition("@")[0]
    return (local if "+" not in local else local.partition("+")[0]) in ROLES


@dataclass(frozen=True, slots=True)
class MatchRules:
    """The rules of one kind of entity, ready for use."""

    kind: str
    rules: tuple[MatchRule, ...]
    limits: Mapping[str, int]
    blocked: re.Pattern[str] | None = None
    scored: bool = False
    told_limits: Mapping[str, int] = field(default_factory=dict)  # those of the file, which scored matching heeds too
    _by_kind: Mapping[str, tuple[int, Then]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def compile(
        cls,
        kind: str,
        *,
        rules: Sequence[Mapping[str, object]] | Sequence[MatchRule] | None = None,
        limits: Mapping[str, int] | None = None,
        block: Iterable[str] = (),
        scored: bool = False,
    ) -> "MatchRules":
        """From the words of the file: `rules` as `{same: [...], then: review}`, `limits` by hub field, `block`.

        What is left out keeps its default; a limit named keeps the others. Blanks in a blocked number do not count.
        `scored`: records are scored besides, and the rules that ship are those that go with it.
        """
        shipped = SCORED_RULES if scored and kind in SCORED else DEFAULT_RULES
        told = shipped.get(kind, ()) if rules is None else tuple(_rule(one) for one in rules)
        told_limits = {word(name): count for name, count in (limits or {}).items()}
        named = {**DEFAULT_LIMITS, **told_limits}
        patterns = [translate(_plain(pattern)) for pattern in block]
        order: dict[str, tuple[int, Then]] = {}
        for at, rule in enumerate(told):
            order.setdefault(rule.kind, (at, rule.then))
        return cls(
            kind,
            told,
            named,
            re.compile("|".join(patterns)) if patterns else None,
            scored and kind in SCORED,
            told_limits,
            order,
        )

    def blocks(self, text: str) -> bool:
        """Is this address or number on the block list?"""
        return self.blocked is not None and self.blocked.match(text) is not None

    def then(self, identifier_kind: str) -> Then | None:
        """What two records with one identifier of this kind are; None: it only counts, or is evidence elsewhere."""
        if identifier_kind in ("ref", "hub_id", "tool_contact"):
            return "same"
        found = None if is_of_many(identifier_kind) else self._by_kind.get(identifier_kind.partition(":")[0])
        return None if found is None else found[1]

    def order(self, identifier_kind: str) -> int:
        """Which rule speaks, the first before the others; what names a record speaks before all rules."""
        found = self._by_kind.get(identifier_kind.partition(":")[0])
        return -1 if found is None else found[0]

    def limit(self, identifier_kind: str) -> int | None:
        """How many may hold it; of "phone+family" the limit of the phone, which is judged by the phone's own count."""
        found = [self.limits[part] for part in identifier_kind.partition(":")[0].split("+") if part in self.limits]
        return min(found, default=None)

    def identifies(self, identifier_kind: str, holders: Iterable[object]) -> bool:
        """By the final count. `holders`: the stream of each record that holds it, claims of responses left out."""
        limit = self.limit(identifier_kind)
        return limit is None or persons(holders) <= limit


def persons(holders: Iterable[object]) -> int:
    """How many different ones hold it at least: a person has a record in many systems, seldom several in one.

    So five systems that know one customer do not make her address shared, five contacts of one system do. The
    count does not depend on the order of arrival, nor on what has been joined so far.
    """
    return max(Counter(holders).values(), default=0)


def _rule(told: Mapping[str, object] | MatchRule) -> MatchRule:
    if isinstance(told, MatchRule):
        return told
    same = told["same"]
    names = (same,) if isinstance(same, str) else tuple(str(one) for one in same)  # type: ignore[attr-defined] # a list
    return MatchRule(names, "review" if told.get("then") == "review" else "same")


def _plain(pattern: str) -> str:
    text = pattern.strip().lower()
    return "".join(text.split()) if text.startswith("+") else text
