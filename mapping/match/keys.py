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
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from mapping.match.rules import MatchRules, is_role
from mapping.normalise.domain import is_free_mail
from mapping.values import Value

Given = list[tuple[str, str]]
Extractor = Callable[[Sequence[Value]], Given]
_Reader = Callable[[Value, MatchRules], list[str]]

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
    return [Identifier(*one) for one in extract([get[name] for name in fields])]


def extractor(
    kind: str,
    fields: Sequence[str],
    *,
    rules: MatchRules | None = None,
    connections: Collection[str] = (),
) -> Extractor:
    """Compiled for rows of these fields, by position. Answers each (kind, value) once.

    A reference whose namespace is an address (`connection/stream`) or one of `connections` names a record: kind
    `ref`, value `namespace/id`. Any other namespace is an external id of the operator's world.
    """
    if kind == "response":
        return _claims_extractor(fields, rules or MatchRules.compile("person"), frozenset(connections))
    ready = rules or MatchRules.compile(kind)
    place = {name: at for at, name in enumerate(fields)}
    parts = [part for rule in ready.rules if (part := _rule_part(kind, rule.same, rule.kind, place, ready))]
    if "hub_id" in place:
        parts.append(_plain_part("hub_id", place["hub_id"]))
    if not parts:
        return lambda row: []
    if len(parts) == 1:
        only = parts[0]

        def extract_one(row: Sequence[Value]) -> Given:
            given: Given = []
            only(row, given)
            return given

        return extract_one

    def extract(row: Sequence[Value]) -> Given:
        given: Given = []
        for part in parts:
            part(row, given)
        return given

    return extract


_Part = Callable[[Sequence[Value], Given], None]


def _plain_part(kind: str, at: int) -> _Part:
    def part(row: Sequence[Value], given: Given) -> None:
        if value := row[at]:
            given.append((kind, str(value)))

    return part


def _rule_part(
    entity: str, same: tuple[str, ...], kind: str, place: Mapping[str, int], rules: MatchRules
) -> _Part | None:
    """One rule over a row, or None where the row lacks a field of it."""
    if len(same) == 1:
        return _single_part(entity, same[0], kind, place, rules)
    readers: list[tuple[tuple[int, ...], _Reader]] = []
    for name in same:
        found = _reader(entity, name, place)
        if found is None:
            return None
        readers.append(found)
    counted = [word if word in ("phone", "email", "domain") else None for word in kind.split("+")]
    if len(readers) == 2 and all(len(places) == 1 for places, _ in readers):
        return _pair_part(kind, (readers[0][0][0], readers[0][1]), (readers[1][0][0], readers[1][1]), counted, rules)

    def part(row: Sequence[Value], given: Given) -> None:
        columns = []
        for (places, read), word in zip(readers, counted, strict=True):
            values: list[str] = []
            for at in places:
                if value := row[at]:
                    values += read(value, rules)
                    if word is None and values:
                        break
            if not values:
                return
            columns.append(values)
        for values, word in zip(columns, counted, strict=True):
            if word is not None:
                _count(word, values, given)
        for combination in product(*columns):
            one = (kind, "|".join(combination))
            if one not in given:
                given.append(one)

    return part


def _pair_part(
    kind: str, one: tuple[int, _Reader], other: tuple[int, _Reader], counted: Sequence[str | None], rules: MatchRules
) -> _Part:
    """A rule over two fields that stand in one place each: what most rules are, without the loops of the rest."""
    (first_at, first), (second_at, second) = one, other
    first_word, second_word = counted

    def part(row: Sequence[Value], given: Given) -> None:
        left, right = row[first_at], row[second_at]
        if not left or not right:
            return
        lefts = first(left, rules)
        if not lefts:
            return
        rights = second(right, rules)
        if not rights:
            return
        if first_word is not None:
            _count(first_word, lefts, given)
        if second_word is not None:
            _count(second_word, rights, given)
        if len(lefts) == 1 and len(rights) == 1:
            given.append((kind, f"{lefts[0]}|{rights[0]}"))
            return
        for pair in product(lefts, rights):
            combined = (kind, "|".join(pair))
            if combined not in given:
                given.append(combined)

    return part


def _count(word: str, values: Sequence[str], given: Given) -> None:
    for value in values:
        one = (word, value)
        if one not in given:
            given.append(one)


def _single_part(entity: str, name: str, kind: str, place: Mapping[str, int], rules: MatchRules) -> _Part | None:
    if name in ("external_ids", "registrations"):
        if name not in place:
            return None
        at, prefix = place[name], kind + ":"
        label = "namespace" if name == "external_ids" else "scheme"

        def namespaced(row: Sequence[Value], given: Given) -> None:
            for one in row[at] or ():
                if value := one.get("value"):
                    given.append((prefix + str(one.get(label) or ""), str(value)))

        return namespaced
    found = _reader(entity, name, place)
    if found is None:
        return None
    places, read = found
    if len(places) == 1:
        (only,) = places

        def lone(row: Sequence[Value], given: Given) -> None:
            if value := row[only]:
                for text in read(value, rules):
                    if (one := (kind, text)) not in given:
                        given.append(one)

        return lone

    def single(row: Sequence[Value], given: Given) -> None:
        for at in places:
            if value := row[at]:
                _count(kind, read(value, rules), given)

    return single


def _reader(entity: str, name: str, place: Mapping[str, int]) -> tuple[tuple[int, ...], _Reader] | None:
    """Where a field of a rule stands in the row, and how its values become text."""
    where, read = _FIELDS.get((entity, name)) or _FIELDS.get(("", name)) or ((name,), _text)
    places = tuple(place[one] for one in where if one in place)
    return (places, read) if places else None


def _emails(value: Value, rules: MatchRules) -> list[str]:
    found = []
    blocked = rules.blocked
    for one in value if isinstance(value, list) else (value,):
        if isinstance(one, str):
            address, shared = one, False
        else:
            address, shared = one.get("address"), one.get("role") or one.get("shared")
        if address and not shared and not is_role(address) and (blocked is None or not rules.blocks(address)):
            found.append(address)
    return found


def _phones(value: Value, rules: MatchRules) -> list[str]:
    found = []
    blocked = rules.blocked
    for one in value if isinstance(value, list) else (value,):
        if isinstance(one, str):
            number, extension, barred = one, None, False
        else:
            number, extension = one.get("number"), one.get("extension")
            barred = one.get("type") == "fax" or bool(one.get("shared"))
        if not number or barred:
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


def _claims_extractor(fields: Sequence[str], rules: MatchRules, connections: frozenset[str]) -> Extractor:
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
                given.append(("ref", f"{namespace}/{value}"))
            elif "external" in kinds:
                given.append((f"external:{namespace}", str(value)))
        if contact := claims.get("tool_contact"):
            tool = row[tool_at] if tool_at is not None else None
            given.append(("tool_contact", f"{tool or ''}/{contact}"))
        emails = _emails(claims["email"], rules) if claims.get("email") and "email" in kinds else []
        given += [("email", address) for address in emails]
        if claims.get("phone") and "phone+family" in kinds:
            family = family_name(claims)
            for number in _phones(claims["phone"], rules) if family else ():
                given += [("phone", number), ("phone+family", f"{number}|{family}")]
        return given

    return extract
