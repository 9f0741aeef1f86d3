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

# What a row gives: what stands for the kind, the value, and the part of it that is judged in its place, if any.
Given = list[tuple[Any, str, str | None]]
Extractor = Callable[[Sequence[Value]], Given]
_Reader = Callable[[Value, MatchRules], list[str]]
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


class Identifier(NamedTuple):
    kind: str
    value: str


JUDGED: Final = ("phone", "email", "domain")  # parts that a value is judged by, where it has one


# Of ASCII: letters in lower case, apostrophes gone, everything else a blank.
_PLAIN: Final = str.maketrans(
    {chr(n): "" if chr(n) == "'" else chr(n).lower() if chr(n).isalnum() else " " for n in range(128)}
)


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """A name for comparing: no case, no accents, no punctuation, single blanks."""
    if text.isascii():
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
    return [Identifier(kind, value) for kind, value, _ in extract([get[name] for name in fields])]


def extractor(
    kind: str,
    fields: Sequence[str],
    *,
    rules: MatchRules | None = None,
    connections: Collection[str] = (),
    label: Callable[[str], Any] = str,
) -> Extractor:
    """Compiled for rows of these fields, by position. Answers each (kind, value) once. `label`: what stands for a kind.

    A reference whose namespace is an address (`connection/stream`) or one of `connections` names a record: kind
    `ref`, value `namespace/id`. Any other namespace is an external id of the operator's world.
    """
    if kind == "response":
        return _claims_extractor(fields, rules or MatchRules.compile("person"), frozenset(connections), label)
    ready = rules or MatchRules.compile(kind)
    place = {name: at for at, name in enumerate(fields)}
    parts = [part for rule in ready.rules for part in _rule_parts(kind, rule, place, ready, label)]
    if "hub_id" in place:
        parts.append((place["hub_id"], _plain_part(label("hub_id"))))

    def extract(row: Sequence[Value]) -> Given:
        given: Given = []
        for at, part in parts:
            if value := row[at]:  # of most rows most of them are empty, and a call is what costs
                part(value, row, given)
        return given

    return extract


def _rule_parts(
    entity: str, rule: MatchRule, place: Mapping[str, int], rules: MatchRules, label: Callable[[str], Any]
) -> list[tuple[int, _Part]]:
    """One rule: places in a row, and what is made of a value there. Nothing where the row lacks a field of it."""
    if rule.same in (("external_ids",), ("registrations",)):
        (name,) = rule.same
        return [(place[name], _namespaced_part(name, rule.kind, label))] if name in place else []
    readers = [_reader(entity, name, place) for name in rule.same]
    if not all(places for places, _ in readers):
        return []
    own = label(rule.kind)
    if len(readers) == 1:
        ((places, read),) = readers
        return [(at, _single_part(own, read, rules)) for at in places]
    counted = [label(word) if word in JUDGED else None for word in rule.kind.split("+")]
    (first, read), (second, beside) = readers[:2]
    if len(readers) == 2 and len(first) == len(second) == 1 and counted[1] is None:
        return [(first[0], _pair_part(own, read, (second[0], beside), counted[0], rules))]
    together = _together(own, readers, counted, rules)
    return [(at, together) for at in first]  # it reads all places, and from a second one gives nothing that is new


def _plain_part(label: Any) -> _Part:
    def part(value: Any, row: Sequence[Value], given: Given) -> None:
        given.append((label, str(value), None))

    return part


def _namespaced_part(name: str, kind: str, label: Callable[[str], Any]) -> _Part:
    prefix = kind + ":"
    space = "namespace" if name == "external_ids" else "scheme"

    def part(several: Any, row: Sequence[Value], given: Given) -> None:
        for one in several:
            if value := one.get("value"):
                given.append((label(prefix + str(one.get(space) or "")), str(value), None))

    return part


def _single_part(label: Any, read: _Reader, rules: MatchRules) -> _Part:
    def part(value: Any, row: Sequence[Value], given: Given) -> None:
        for text in read(value, rules):
            if (one := (label, text, None)) not in given:
                given.append(one)

    return part


def _pair_part(label: Any, read: _Reader, other: tuple[int, _Reader], counted: Any, rules: MatchRules) -> _Part:
    """A rule over two fields that stand in one place each: what most rules are, without the loops of the rest.

    `counted`: the kind that the first of them has by itself, where it is judged by that.
    """
    second_at, second = other

    def part(value: Any, row: Sequence[Value], given: Given) -> None:
        if not (right := row[second_at]) or not (lefts := read(value, rules)) or not (rights := second(right, rules)):
            return
        for text in lefts:
            if counted is None:
                judged = None
            else:
                judged = text
                if (one := (counted, text, None)) not in given:
                    given.append(one)
            for beside in rights:
                if (combined := (label, f"{text}|{beside}", judged)) not in given:
                    given.append(combined)

    return part


def _together(
    label: Any, readers: Sequence[tuple[tuple[int, ...], _Reader]], counted: Sequence[Any], rules: MatchRules
) -> _Part:
    """A rule over several fields, each of which may stand in several places."""
    judged = next((at for at, word in enumerate(counted) if word is not None), None)

    def part(value: Any, row: Sequence[Value], given: Given) -> None:
        columns = []
        for (places, read), word in zip(readers, counted, strict=True):
            values: list[str] = []
            for at in places:
                if there := row[at]:
                    values += read(there, rules)
                    if word is None and values:
                        break
            if not values:
                return
            columns.append(values)
        alone = [
            (word, one, None) for some, word in zip(columns, counted, strict=True) if word is not None for one in some
        ]
        whole = [(label, "|".join(one), None if judged is None else one[judged]) for one in product(*columns)]
        given += [one for one in dict.fromkeys([*alone, *whole]) if one not in given]

    return part


def _reader(entity: str, name: str, place: Mapping[str, int]) -> tuple[tuple[int, ...], _Reader]:
    """Where a field of a rule stands in the row, and how its values become text."""
    where, read = _FIELDS.get((entity, name)) or _FIELDS.get(("", name)) or ((name,), _text)
    return tuple(place[one] for one in where if one in place), read


def _emails(value: Value, rules: MatchRules) -> list[str]:
    found = []
    blocked = rules.blocked
    for one in value if type(value) is list else (value,):
        if type(one) is str:
            address = one
        elif one.get("role") or one.get("shared"):
            continue
        else:
            address = one.get("address")
        if address and not is_role(address) and (blocked is None or not rules.blocks(address)):
            found.append(address)
    return found


def _phones(value: Value, rules: MatchRules) -> list[str]:
    found = []
    blocked = rules.blocked
    for one in value if type(value) is list else (value,):
        if type(one) is str:
            number, extension = one, None
        elif one.get("type") == "fax" or one.get("shared"):
            continue
        else:
            number, extension = one.get("number"), one.get("extension")
        if not number:
            continue
        # An extension makes the number of a switchboard personal.
        if extension:
            found.append(f"{number};{extension}")
        elif blocked is None or not rules.blocks(number):
            found.append(number)
    return found


def _domains(value: Value, rules: MatchRules) -> list[str]:
    found = []
    for one in value if isinstance(value, list) else (value,):
        text = str(one.get("domain") or one.get("value") or "") if isinstance(one, Mapping) else str(one)
        host = (urlsplit(text).hostname or "") if "//" in text else text.partition("/")[0]
        host = host.lower().removeprefix("www.").rstrip(".")
        if "." in host and not is_free_mail(host) and host not in _NO_OWN_SITE and not rules.blocks(host):
            found.append(host)
    return found


def _linkedin(value: Value, rules: MatchRules) -> list[str]:
    found = []
    for one in value if isinstance(value, list) else (value,):
        if isinstance(one, Mapping) and one.get("kind") == "linkedin" and one.get("url"):
            path = urlsplit(str(one["url"])).path.strip("/").lower()
            if path.startswith(("in/", "company/", "pub/")):
                found.append(path)
    return found


def _family(value: Value, rules: MatchRules) -> list[str]:
    family = family_name(value)
    return [family] if family else []


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


def _name(value: Value, rules: MatchRules) -> list[str]:
    if isinstance(value, str):
        return [fold(value)] if value else []
    full = value.get("full") or " ".join(value[part] for part in ("given", "family") if value.get(part))
    return [folded] if (folded := fold(full)) else []


def _countries(value: Value, rules: MatchRules) -> list[str]:
    if isinstance(value, str):
        return [value]
    return sorted({str(one["country"]) for one in value if isinstance(one, Mapping) and one.get("country")})


def _text(value: Value, rules: MatchRules) -> list[str]:
    if isinstance(value, list):
        return [text for one in value for text in _text(one, rules)]
    if isinstance(value, Mapping):
        value = value.get("code") or value.get("full") or value.get("value") or value.get("address")
    text = fold(str(value)) if value not in (None, "") else ""
    return [text] if text and not rules.blocks(text) else []


def _exact(value: Value, rules: MatchRules) -> list[str]:
    return [str(value)]


# (kind of entity or "", hub field of a rule) -> the fields of a row that tell it, and how they are read.
_FIELDS: Final[Mapping[tuple[str, str], tuple[tuple[str, ...], _Reader]]] = {
    ("", "emails"): (("emails", "primary_email"), _emails),
    ("", "primary_email"): (("primary_email",), _emails),
    ("", "email"): (("email",), _emails),
    ("", "phones"): (("phones", "primary_phone"), _phones),
    ("", "primary_phone"): (("primary_phone",), _phones),
    ("", "domains"): (("domains", "website"), _domains),
    ("", "website"): (("website",), _domains),
    ("", "urls"): (("urls",), _linkedin),
    ("", "name.family"): (("name",), _family),
    ("", "name"): (("name",), _name),
    ("", "company"): (("company_name",), _name),
    ("", "company_name"): (("company_name",), _name),
    ("", "country"): (("addresses",), _countries),
    ("", "message_id"): (("message_id",), _exact),
    ("", "ical_uid"): (("ical_uid",), _exact),
    ("", "start"): (("start",), _exact),
    ("", "birth_date"): (("birth_date",), _exact),
}


def _claims_extractor(
    fields: Sequence[str], rules: MatchRules, connections: frozenset[str], label: Callable[[str], Any]
) -> Extractor:
    """A response has no identifiers of its own that others share; it is joined by what its respondent claims."""
    if "respondent" not in fields:
        return lambda row: []
    at = list(fields).index("respondent")
    tool_at = list(fields).index("tool") if "tool" in fields else None
    kinds = {rule.kind for rule in rules.rules}

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
                given.append((label("ref"), f"{namespace}/{value}", None))
            elif "external" in kinds:
                given.append((label(f"external:{namespace}"), str(value), None))
        if contact := claims.get("tool_contact"):
            tool = row[tool_at] if tool_at is not None else None
            given.append((label("tool_contact"), f"{tool or ''}/{contact}", None))
        emails = _emails(claims["email"], rules) if claims.get("email") and "email" in kinds else []
        given += [(label("email"), address, None) for address in emails]
        if claims.get("phone") and "phone+family" in kinds:
            family = family_name(claims)
            for number in _phones(claims["phone"], rules) if family else ():
                given += [(label("phone"), number, None), (label("phone+family"), f"{number}|{family}", number)]
        return given

    return extract
