"""Which identifiers a row gives. An identifier is a kind and a text; equal texts of one kind are a reason to join.

Kinds: `external:NS` `registration:SCHEME` `hub_id` `ref` `tool_contact` `message_id` (certain) · `email` `domain`
`linkedin` (strong, within limits) · fields of a rule joined by +, such as `phone+family` or `name+company` (their
values joined by |). A bare `phone` beside a `phone+...` joins nobody: it is there to be counted, since the limit of
a number is judged by the number.
"""

import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from mapping.match.rules import MatchRule, MatchRules, is_role
from mapping.normalise.domain import is_free_mail
from mapping.values import Value

# What a row gives: what stands for a kind, and what stands for a value of it.
Given = list[tuple[Any, Any]]
Extractor = Callable[[Sequence[Value]], Given]
_Read = Callable[[Any], str | None]
# Adds what a value gives, together with others of its row.
_Part = Callable[[Any, Sequence[Value], Given], None]

_NO_OWN_SITE: Final = frozenset(
    {
        "facebook.com",
        "github.io",
        "instagram.com",
        "linkedin.com",
        "linktr.ee",
        "medium.com",
        "twitter.com",
        "wixsite.com",
        "wordpress.com",
        "x.com",
    }
)
# Accents of Latin, Greek, Cyrillic; the vowel signs of other scripts are letters, not decoration.
_ACCENTS: Final = dict.fromkeys(range(0x300, 0x370))


class _Column(NamedTuple):
    """A field of a rule: its places in a row, and what reads a value, or `each` element of it: a text or nothing."""

    places: tuple[int, ...]
    each: bool
    read: _Read

    def texts(self, value: Any) -> list[str]:
        return [
            text
            for one in (value if self.each and type(value) is list else (value,))
            if (text := self.read(one)) is not None
        ]


class Identifier(NamedTuple):
    kind: str
    value: str


JUDGED: Final = ("phone", "email", "domain")  # parts that a value is judged by, where it has one


class Signs(NamedTuple):
    """What stands for kinds and values. `judged`: for a value that is judged by a part of it, of which it is given what
    stands for that part."""

    kind: Callable[[str], Any] = str
    value: Callable[[str], Any] = str
    judged: Callable[[Any, str], Any] = lambda _part, value: value


_AS_TOLD: Final = Signs()

# Of ASCII: letters in lower case, apostrophes gone, everything else a blank.
_PLAIN: Final = str.maketrans(
    {chr(n): "" if chr(n) == "'" else chr(n).lower() if chr(n).isalnum() else " " for n in range(128)}
)


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """A name for comparing: no case, no accents, no punctuation, single blanks."""
    if text.isascii():
        if text.replace(" ", "").isalnum():
            return " ".join(text.lower().split())
        return " ".join(text.translate(_PLAIN).split())
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKD", text).translate(_ACCENTS)).casefold()
    if text.replace(" ", "").isalnum():
        return " ".join(text.split())
    return " ".join("".join(c if _letter(c) else " " for c in text.replace("'", "").replace("’", "")).split())


def _letter(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"


def own_reference(connection: str, stream: str, key: str) -> Identifier:
    """What a record answers to when another one names it."""
    return Identifier("ref", f"{connection}/{stream}/{key}")


def identifiers(
    kind: str,
    get: Mapping[str, Value],
    *,
    rules: MatchRules | None = None,
    connections: Collection[str] = (),
) -> list[Identifier]:
    """The identifiers of one row by field name; the plain form of `extractor`."""
    fields = tuple(get)
    extract = extractor(kind, fields, rules=rules, connections=connections)
    return [Identifier(kind, value) for kind, value in extract([get[name] for name in fields])]


def extractor(
    kind: str,
    fields: Sequence[str],
    *,
    rules: MatchRules | None = None,
    connections: Collection[str] = (),
    signs: Signs = _AS_TOLD,
) -> Extractor:
    """Compiled for rows of these fields, by position. Answers each (kind, value) once.

    A reference whose namespace is an address (`connection/stream`) or one of `connections` names a record: kind
    `ref`, value `namespace/id`. Any other namespace is an external id of the operator's world.
    """
    if kind == "response":
        return _claims_extractor(fields, rules or MatchRules.compile("person"), frozenset(connections), signs)
    ready = rules or MatchRules.compile(kind)
    place = {name: at for at, name in enumerate(fields)}
    parts = [part for rule in ready.rules for part in _rule_parts(rule, place, ready, signs)]
    if "hub_id" in place:
        parts.append((place["hub_id"], _plain_part(signs)))

    def extract(row: Sequence[Value]) -> Given:
        given: Given = []
        for at, part in parts:
            if value := row[at]:  # of most rows most of them are empty, and a call is what costs
                part(value, row, given)
        return given

    return extract


def _rule_parts(rule: MatchRule, place: Mapping[str, int], rules: MatchRules, signs: Signs) -> list[tuple[int, _Part]]:
    """One rule: places in a row, and what is made of a value there. Nothing where the row lacks a field of it."""
    if rule.same in (("external_ids",), ("registrations",)):
        (name,) = rule.same
        return [(place[name], _namespaced_part(name, rule.kind, signs))] if name in place else []
    columns = [_column(name, place, rules) for name in rule.same]
    if not all(column.places for column in columns):
        return []
    own = signs.kind(rule.kind)
    first = columns[0]
    once = len(first.places) == 1 and _of_one_rule(rule, rules)
    if len(columns) == 1:
        return [(at, _single_part(own, first, signs)) for at in first.places]
    counted = [signs.kind(word) if word in JUDGED else None for word in rule.kind.split("+")]
    if len(columns) == 2 and len(first.places) == 1 and not columns[1].each:
        if once and not first.each:
            return [(first.places[0], _pair_part(own, first, columns[1], signs))]
        if counted[0] is not None:
            return [(first.places[0], _judged_pair_part(own, first, columns[1], counted[0], signs, once=once))]
    together = _together(own, columns, counted, signs)
    return [(at, together) for at in first.places]  # it reads all, and from a second one gives nothing that is new


def _of_one_rule(rule: MatchRule, rules: MatchRules) -> bool:
    """Is what it gives given by no other rule, nor counted for one?"""
    kinds = [kind for one in rules.rules for kind in {one.kind, *one.kind.split("+")}]
    return all(kinds.count(kind) == 1 for kind in {rule.kind, *rule.kind.split("+")} & {rule.kind, *JUDGED})


def _plain_part(signs: Signs) -> _Part:
    kind, sign = signs.kind("hub_id"), signs.value

    def part(value: Any, row: Sequence[Value], given: Given) -> None:
        given.append((kind, sign(str(value))))

    return part


def _namespaced_part(name: str, kind: str, signs: Signs) -> _Part:
    prefix = kind + ":"
    space = "namespace" if name == "external_ids" else "scheme"

    def part(several: Any, row: Sequence[Value], given: Given) -> None:
        for one in several:
            if value := one.get("value"):
                given.append((signs.kind(prefix + str(one.get(space) or "")), signs.value(str(value))))

    return part


def _single_part(kind: Any, column: _Column, signs: Signs) -> _Part:
    sign, each, read = signs.value, column.each, column.read

    def part(value: Any, row: Sequence[Value], given: Given) -> None:
        for one in value if each and type(value) is list else (value,):
            if (text := read(one)) is not None and (told := (kind, sign(text))) not in given:
                given.append(told)

    return part


def _pair_part(kind: Any, column: _Column, other: _Column, signs: Signs) -> _Part:
    """A rule over two fields of one text each. It gives one identifier, which no other rule gives."""
    sign, read = signs.value, column.read
    (second_at,), second = other.places, other.read

    def part(value: Any, row: Sequence[Value], given: Given) -> None:
        if (right := row[second_at]) and (beside := second(right)) is not None and (text := read(value)) is not None:
            given.append((kind, sign(f"{text}|{beside}")))

    return part


def _judged_pair_part(kind: Any, column: _Column, other: _Column, counted: Any, signs: Signs, *, once: bool) -> _Part:
    """One over a field by which it is judged, of which a row may have several, and another of one text.

    `counted`: the kind that the first has by itself; `once`: no other rule gives what this one does.
    """
    sign, judged, read = signs.value, signs.judged, column.read
    (second_at,), second = other.places, other.read

    def part(value: Any, row: Sequence[Value], given: Given) -> None:
        if not (right := row[second_at]) or (beside := second(right)) is None:
            return
        several = value if type(value) is list else (value,)
        new = once and len(several) == 1
        for one in several:
            if (text := read(one)) is not None:
                alone = sign(text)
                found = [(counted, alone), (kind, judged(alone, f"{text}|{beside}"))]
                given += found if new else [told for told in found if told not in given]

    return part


def _together(kind: Any, columns: Sequence[_Column], counted: Sequence[Any], signs: Signs) -> _Part:
    """A rule over several fields, each of which may stand in several places or have several texts."""
    by = next((at for at, word in enumerate(counted) if word is not None), None)

    def part(value: Any, row: Sequence[Value], given: Given) -> None:
        several = []
        for column, word in zip(columns, counted, strict=True):
            texts: list[str] = []
            for at in column.places:
                if there := row[at]:
                    texts += column.texts(there)
                    if word is None and texts:
                        break
            if not texts:
                return
            several.append(texts)
        found = [
            (word, signs.value(one))
            for texts, word in zip(several, counted, strict=True)
            if word is not None
            for one in texts
        ]
        for one in product(*several):
            whole = "|".join(one)
            found.append((kind, signs.value(whole) if by is None else signs.judged(signs.value(one[by]), whole)))
        given += [one for one in dict.fromkeys(found) if one not in given]

    return part


def _column(name: str, place: Mapping[str, int], rules: MatchRules) -> _Column:
    if name in _OF_ONE:
        field, read = _OF_ONE[name]
        return _Column(tuple(place[one] for one in (field,) if one in place), False, read)
    where, made = _OF_EACH.get(name, ((name,), _text))
    return _Column(tuple(place[one] for one in where if one in place), True, made(rules))


def _email(rules: MatchRules) -> _Read:
    blocked = rules.blocked

    def read(one: Any) -> str | None:
        if type(one) is str:
            address: str | None = one
        elif one.get("role") or one.get("shared"):
            return None
        else:
            address = one.get("address")
        if address and not is_role(address) and (blocked is None or not rules.blocks(address)):
            return address
        return None

    return read


def _phone(rules: MatchRules) -> _Read:
    blocked = rules.blocked

    def read(one: Any) -> str | None:
        if type(one) is str:
            number, extension = one, None
        elif one.get("type") == "fax" or one.get("shared"):
            return None
        else:
            number, extension = one.get("number"), one.get("extension")
        if number and extension:
            return f"{number};{extension}"  # that makes the number of a switchboard personal
        return number if number and (blocked is None or not rules.blocks(number)) else None

    return read


def _domain(rules: MatchRules) -> _Read:
    def read(one: Any) -> str | None:
        text = str(one.get("domain") or one.get("value") or "") if isinstance(one, Mapping) else str(one)
        host = (urlsplit(text).hostname or "") if "//" in text else text.partition("/")[0]
        host = host.lower().removeprefix("www.").rstrip(".")
        known = "." in host and not is_free_mail(host) and host not in _NO_OWN_SITE and not rules.blocks(host)
        return host if known else None

    return read


def _linkedin(rules: MatchRules) -> _Read:
    def read(one: Any) -> str | None:
        if not isinstance(one, Mapping) or one.get("kind") != "linkedin" or not one.get("url"):
            return None
        path = urlsplit(str(one["url"])).path.strip("/").lower()
        return path if path.startswith(("in/", "company/", "pub/")) else None

    return read


def family_name(name: Value) -> str:
    """The folded family name; of a name that has only its full form the part where a family name stands."""
    if isinstance(name, str):
        name = {"full": name}
    if told := name.get("family"):
        return fold(told)
    words = fold(name.get("full") or "").split()
    if not words:
        return ""
    return words[0] if name.get("order") == "family_first" else words[-1]


def _family(name: Any) -> str | None:
    return family_name(name) or None


def _name(name: Any) -> str | None:
    if isinstance(name, str):
        return fold(name)
    full = name.get("full") or " ".join(name[part] for part in ("given", "family") if name.get(part))
    return fold(full) or None


def _country(one: Any) -> str | None:
    country = one if isinstance(one, str) else one.get("country")
    return str(country) if country else None


def _text(rules: MatchRules) -> _Read:
    def read(one: Any) -> str | None:
        if isinstance(one, Mapping):
            one = one.get("code") or one.get("full") or one.get("value") or one.get("address")
        text = fold(str(one)) if one not in (None, "") else ""
        return text if text and not rules.blocks(text) else None

    return read


# Hub field of a rule -> the fields of a row that tell it; how their value is read, or that of each of its elements.
_OF_ONE: Final[Mapping[str, tuple[str, _Read]]] = {
    "name.family": ("name", _family),
    "name": ("name", _name),
    "company": ("company_name", _name),
    "company_name": ("company_name", _name),
    "message_id": ("message_id", str),
    "ical_uid": ("ical_uid", str),
    "start": ("start", str),
    "birth_date": ("birth_date", str),
}
_OF_EACH: Final[Mapping[str, tuple[tuple[str, ...], Callable[[MatchRules], _Read]]]] = {
    "emails": (("emails", "primary_email"), _email),
    "primary_email": (("primary_email",), _email),
    "email": (("email",), _email),
    "phones": (("phones", "primary_phone"), _phone),
    "primary_phone": (("primary_phone",), _phone),
    "domains": (("domains", "website"), _domain),
    "website": (("website",), _domain),
    "urls": (("urls",), _linkedin),
    "country": (("addresses",), lambda rules: _country),
}


def _claims_extractor(fields: Sequence[str], rules: MatchRules, connections: frozenset[str], signs: Signs) -> Extractor:
    """A response has no identifiers of its own that others share; it is joined by what its respondent claims."""
    if "respondent" not in fields:
        return lambda row: []
    at = list(fields).index("respondent")
    email, phone = _email(rules), _phone(rules)
    tool_at = list(fields).index("tool") if "tool" in fields else None
    kinds = {rule.kind for rule in rules.rules}
    kind, sign = signs.kind, signs.value

    def extract(row: Sequence[Value]) -> Given:
        claims = row[at]
        if not claims:
            return []
        given: Given = []
        for ref in claims.get("refs") or ():
            namespace, value = str(ref.get("namespace") or ""), ref.get("value")
            if not value:
                continue
            if "/" in namespace or namespace in connections:
                given.append((kind("ref"), sign(f"{namespace}/{value}")))
            elif "external" in kinds:
                given.append((kind(f"external:{namespace}"), sign(str(value))))
        if contact := claims.get("tool_contact"):
            tool = row[tool_at] if tool_at is not None else None
            given.append((kind("tool_contact"), sign(f"{tool or ''}/{contact}")))
        if claims.get("email") and "email" in kinds and (address := email(claims["email"])):
            given.append((kind("email"), sign(address)))
        if claims.get("phone") and "phone+family" in kinds:
            family = family_name(claims)
            if family and (number := phone(claims["phone"])):
                alone = sign(number)
                given += [(kind("phone"), alone), (kind("phone+family"), signs.judged(alone, f"{number}|{family}"))]
        return given

    return extract
