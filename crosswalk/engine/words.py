"""The words of every answer: ids, addresses, titles, values and times as people see them.

One address everywhere: `connection/stream/id` of a record, `person/8f2kq` of an entity (the beginning of its public
id, at least five characters and as many more as tell it from all others). Ids that can be said on the telephone:
run R143, plan P87, conflict C31, pair M12, dead letter D9.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final

from crosswalk.engine.model import House
from crosswalk.engine.spoken import AskError as AskError
from crosswalk.engine.spoken import held_classes as held_classes
from crosswalk.engine.spoken import held_words as held_words
from crosswalk.engine.spoken import maybe_spoken as maybe_spoken
from crosswalk.engine.spoken import number_of as number_of
from crosswalk.engine.spoken import spoken as spoken
from crosswalk.store.codec import load, load_row
from crosswalk.store.goldens import Golden, load_goldens
from mapping.match.ids import ALPHABET, LENGTH
from mapping.schema import Field, UnknownField, target
from mapping.values import ABSENT, Value

_SHORTEST: Final = 5
_LAST: Final = ALPHABET[-1] * (LENGTH + 1)  # sorts behind every public id that has the same beginning


# -- ids and addresses ---------------------------------------------------------------------------------------


def record_addresses(house: House, connection: Any, records: Iterable[int]) -> dict[int, str]:
    """`connection/stream/id` of records by number; also of streams that are no longer listed."""
    return {
        row[0]: f"{row[1]}/{row[2]}/{row[3]}"
        for row in house.database.select(
            connection,
            "SELECT r.id, s.connection, s.name, r.rkey FROM record r JOIN stream s ON s.id = r.stream WHERE",
            "r.id",
            list(set(records)),
        )
    }


_BESIDE: Final = ", ".join(
    f"(SELECT {ends}(o.public) FROM {table} o WHERE o.public {side} e.public)"
    for table in ("entity", "alias")
    for ends, side in (("max", "<"), ("min", ">"))
)


def entity_names(house: House, connection: Any, entities: Iterable[int]) -> dict[int, str]:
    """`person/8f2kq` of entities by number: as much of its id as no other begins with.

    Ids of these letters sort alike everywhere, so its neighbours share the longest beginnings with it.
    """
    return {
        number: f"{kind}/{_shortest(public, [one for one in beside if one is not None])}"
        for number, kind, public, *beside in house.database.select(
            connection,
            f"SELECT e.id, e.kind, e.public, {_BESIDE} FROM entity e WHERE",
            "e.id",
            list(set(entities)),
        )
    }


def _shortest(public: str, beside: Sequence[str]) -> str:
    return public[: max([_SHORTEST, *(_alike(public, other) + 1 for other in beside)])]


def _alike(one: str, other: str) -> int:
    """How many characters they begin with alike."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def find_entity(house: House, connection: Any, text: str) -> int:
    """The entity that `person/8f2kq` (or only its id) means; any beginning that one alone has, and ids of before."""
    kind, slash, prefix = text.strip().rpartition("/")
    prefix = prefix.lower()
    if not prefix or not set(prefix) <= set(ALPHABET):
        raise AskError(f"nothing is called '{text}'", hint="an entity is called like person/8f2kq")
    last = (prefix + _LAST)[: LENGTH + 1]
    found: set[int] = set()
    for head in (
        "SELECT e.id, e.kind FROM entity e WHERE e.public",
        "SELECT e.id, e.kind FROM alias a JOIN entity e ON e.id = a.entity WHERE a.public",
    ):
        rows = house.database.run(connection, f"{head} BETWEEN ? AND ? LIMIT 50", (prefix, last)).fetchall()
        found |= {row[0] for row in rows if not slash or row[1] == kind}
    if not found:
        raise AskError(f"nothing is called '{text}'", hint="an e-mail address or the address of a record finds it too")
    if len(found) > 1:
        names = sorted(entity_names(house, connection, sorted(found)[:5]).values())
        raise AskError(f"'{text}' is the beginning of {len(found)} ids", hint="one of: " + ", ".join(names))
    return next(iter(found))


def split_address(text: str) -> tuple[str, str, str] | None:
    """Connection, stream and id of a record's address; the id may hold slashes of its own."""
    parts = text.strip().split("/", 2)
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 and all(parts) else None


def shortened(words: Sequence[str], limit: int = 8) -> str:
    """Words in a row, the rest as "..."."""
    return ", ".join([*words[:limit], *(["..."] if len(words) > limit else [])])


# -- values --------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def field_of(kind: str, name: str) -> Field | None:
    """The field of the schema; None where the schema no longer has it."""
    try:
        return target(kind, name).field
    except UnknownField:
        return None


def shown(value: Value, field: Field | None = None, *, titles: Mapping[str, str] | None = None) -> Any:
    """A value of the common form as people read it: text, number, bool, or None (empty, or not read).

    A name is its full form, addresses and numbers stand in a row, money is "12000 EUR", a reference is the title of
    its entity (`titles`: by `kind/public id`), text with HTML is its text.
    """
    if value is ABSENT or value is None or isinstance(value, bool | int):
        return None if value is ABSENT else value
    if isinstance(value, Decimal):
        return _number(f"{value:f}")
    if isinstance(value, str):
        return _number(value) if field is not None and field.type in ("decimal", "int", "percent") else value
    if isinstance(value, list):
        return ", ".join(text for one in value if (text := str(shown(one, titles=titles) or "")))
    if isinstance(value, Mapping):
        return _composed(value, titles or {})
    return str(value)


def differing_first(before: Value, after: Value) -> tuple[Value, Value]:
    """Two sets with the elements first that only one of them has: what is cut off at the end is what they share."""
    if not (isinstance(before, list) and isinstance(after, list)):
        return before, after
    return (
        sorted(before, key=lambda element: element in after),
        sorted(after, key=lambda element: element in before),
    )


def told_apart(before: Value, after: Value, said: Any) -> tuple[str, str] | None:
    """Two values of which `shown` says the same, with what makes them differ: "mara@x.test (work)" and "(personal)".

    None where nothing that could be said makes a difference.
    """
    one, other = (", ".join(_marked(element) for element in _elements(value)) for value in (before, after))
    return (one, other) if one != other and said is not None else None


def _marked(element: Mapping[str, Any]) -> str:
    text = str(shown(element) or "")
    marks = [
        name.replace("_", " ") if held is True else str(held)
        for name, held in element.items()
        if held is True or (isinstance(held, str) and held and held not in text)
    ]
    return f"{text} ({', '.join(marks)})" if marks else text


def _number(text: str) -> Any:
    """A number where it keeps every digit, else the text."""
    try:
        exact = Decimal(text)
    except InvalidOperation:
        return text
    if exact == exact.to_integral_value():
        return int(exact)
    return float(exact) if Decimal(repr(float(exact))) == exact else text


def _composed(value: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    has = value.get
    if has("entity"):
        return titles.get(str(has("entity"))) or str(has("entity"))
    if "stream" in value and "id" in value:
        return f"{has('stream')}/{has('id')}"
    if "amount" in value:
        return " ".join(str(part) for part in (has("amount"), has("currency")) if part)
    if "metric" in value:
        of = f" of {value['scale_max']}" if has("scale_max") is not None else ""
        named = f" ({value['class']})" if has("class") else ""
        return f"{value['metric']} {has('value')}{of}{named}"
    if "purpose" in value and "status" in value:
        return f"{has('channel')}.{has('purpose')} {has('status')}"
    if "number" in value:
        return f"{has('number')} ext. {has('extension')}" if has("extension") else str(has("number"))
    if "lines" in value or "postal_code" in value or "locality" in value or "country" in value:
        return _postal(value)
    if "namespace" in value or "scheme" in value:
        return f"{has('namespace') or has('scheme')} {has('value')}"
    if "full" in value or "given" in value or "family" in value:
        return str(has("full") or " ".join(str(part) for part in (has("given"), has("family")) if part))
    if "pipeline" in value or "stage" in value:
        steps = [str(step) for step in (has("pipeline"), has("stage")) if step]
        status = f" ({value['status']})" if has("status") and steps else str(has("status") or "")
        return " / ".join(steps) + status
    if "question" in value:
        said = next((value[part] for part in ("values", "body", "other_text") if value.get(part) is not None), None)
        return f"{value['question']}: {shown(said, titles=titles)}"
    if "code" in value:
        code, raw = has("code"), has("raw")
        return str(raw if code in (None, "other") and raw is not None else code)
    for key in ("address", "url", "text", "value", "email", "phone", "tool_contact"):
        if has(key):
            return str(has(key))
    return ", ".join(
        f"{key} {told}" for key, part in value.items() if (told := shown(part, titles=titles)) not in (None, "")
    )


def _postal(value: Mapping[str, Any]) -> str:
    if value.get("formatted"):
        return " ".join(str(value["formatted"]).split("\n"))
    town = " ".join(str(part) for part in (value.get("postal_code"), value.get("locality")) if part)
    parts = [*(value.get("lines") or []), town, value.get("region"), value.get("country")]
    return ", ".join(str(part) for part in parts if part)


# -- titles --------------------------------------------------------------------------------------------------


def title_of(kind: str, value: Mapping[str, Value], company: str | None = None, *, post: bool = True) -> str | None:
    """What people call it, "Mara Lindqvist, COO, Nordlicht Solar AB"; None where nothing tells.

    `company`: the employer, where no text names one. `post`: with the job title.
    """
    if kind == "person":
        name = shown(value.get("name", ABSENT)) or _first(value, "primary_email", "emails", "primary_phone", "phones")
        employer = shown(value.get("company_name", ABSENT)) or company
        job = shown(value.get("job_title", ABSENT)) if post else None
        return ", ".join(str(part) for part in (name, job, employer) if part) or None
    if kind == "ticket":
        number, subject = shown(value.get("number", ABSENT)), shown(value.get("subject", ABSENT))
        return " ".join(part for part in (f"#{number}" if number else "", str(subject or "")) if part) or None
    if kind == "response":
        asked = " ".join(text for name in ("tool", "survey_id") if (text := _first(value, name)))
        who = shown(value.get("respondent", ABSENT))
        return ", ".join(str(part) for part in (asked, who) if part) or None
    return _first(value, "name", "subject", "number", "kind", "status")


def _first(value: Mapping[str, Value], *names: str) -> str | None:
    for name in names:
        found = value.get(name, ABSENT)
        if isinstance(found, list) and found:
            found = found[0]
        if text := shown(found):
            return str(text)
    return None


class Titles:
    """Titles of entities, looked up together and kept while one answer is made."""

    def __init__(self, house: House, connection: Any) -> None:
        self._house = house
        self._connection = connection
        self._by_name: dict[str, str] = {}

    def of(self, entities: Iterable[int], *, post: bool = False) -> dict[int, str]:
        """By number; of what has no name, its address. `post`: with the job title."""
        wanted = list(set(entities))
        database, connection = self._house.database, self._connection
        kinds: dict[str, list[int]] = {}
        publics: dict[int, str] = {}
        for number, kind, public in database.select(
            connection, "SELECT id, kind, public FROM entity WHERE", "id", wanted
        ):
            kinds.setdefault(kind, []).append(number)
            publics[number] = public
        found: dict[int, str] = {}
        for kind, numbers in kinds.items():
            goldens = load_golden_fields(self._house, connection, kind, numbers)
            employers = self._employers(goldens) if kind == "person" else {}
            for number in numbers:
                value = goldens.get(number, {})
                company = employers.get(_employer(value) or "")
                title = title_of(kind, value, company, post=post)
                address = f"{kind}/{publics[number]}"
                if title is not None:
                    self._by_name[address] = title
                found[number] = title or f"{kind}/{publics[number][:_SHORTEST]}"
        return found

    def named(self, addresses: Iterable[str]) -> Mapping[str, str]:
        """By `kind/public id`, also of ids of before."""
        wanted = {address for address in addresses if address not in self._by_name}
        if wanted:
            publics = {address.partition("/")[2]: address for address in wanted}
            database = self._house.database
            numbers: dict[int, str] = {}
            for head in (
                "SELECT e.id, e.public FROM entity e WHERE",
                "SELECT e.id, a.public FROM alias a JOIN entity e ON e.id = a.entity WHERE",
            ):
                column = "e.public" if "alias" not in head else "a.public"
                for number, public in database.select(self._connection, head, column, list(publics)):
                    numbers.setdefault(number, publics[public])
            for number, title in self.of(numbers).items():
                self._by_name[numbers[number]] = title
        return self._by_name

    def shown(self, value: Value, field: Field | None = None) -> Any:
        """`shown`, with the titles of what the value refers to."""
        referred = [str(one["entity"]) for one in _elements(value) if one.get("entity")]
        return shown(value, field, titles=self.named(referred) if referred else None)

    def _employers(self, goldens: Mapping[int, Mapping[str, Value]]) -> dict[str, str]:
        wanted = {
            address
            for value in goldens.values()
            if not value.get("company_name") and (address := _employer(value)) is not None
        }
        titles = self.named(wanted)
        return {address: titles[address] for address in wanted if address in titles}


def _employer(value: Mapping[str, Value]) -> str | None:
    elements = [one for one in _elements(value.get("works_at", ABSENT)) if one.get("entity")]
    first = next((one for one in elements if one.get("primary")), elements[0] if elements else None)
    return None if first is None else str(first["entity"])


def _elements(value: Value) -> list[Mapping[str, Any]]:
    several = value if isinstance(value, list) else [value]
    return [one for one in several if isinstance(one, Mapping)]


def load_golden_fields(
    house: House, connection: Any, kind: str, entities: Sequence[int]
) -> dict[int, dict[str, Value]]:
    """Golden values by field, what was never read left out."""
    layout = house.layouts.get(kind)
    if layout is None:
        return {}
    goldens: dict[int, Golden] = load_goldens(house.database, connection, entities, len(layout.fields))
    return {
        number: {name: value for name, value in zip(layout.fields, golden.values, strict=False) if value is not ABSENT}
        for number, golden in goldens.items()
    }


def load_rows(house: House, connection: Any, records: Iterable[int]) -> dict[int, list[Value]]:
    """What records show, by position of their stream's mapping; of listed streams alone.

    A record that was read with an earlier mapping is laid out anew: fields that it did not have are absent.
    """
    rows = list(
        house.database.select(
            connection,
            "SELECT r.id, r.stream, r.mapping, b.observed FROM record r JOIN body b ON b.record = r.id WHERE",
            "r.id",
            list(set(records)),
        )
    )
    streams = {stream.id: stream for stream in house.streams.values()}
    former = {row[2] for row in rows if row[1] in streams and streams[row[1]].mapping_id != row[2]}
    orders = {
        number: load(bytes(fields))
        for number, fields in house.database.select(
            connection, "SELECT id, fields FROM mapping WHERE", "id", list(former)
        )
    }
    found: dict[int, list[Value]] = {}
    for number, stream_id, mapping, observed in rows:
        stream = streams.get(stream_id)
        if stream is None:
            continue
        row = load_row(bytes(observed))
        if mapping in orders:
            by_name = dict(zip(orders[mapping], row, strict=False))
            row = [by_name.get(name, ABSENT) for name in stream.mapping.fields]
        found[number] = row
    return found


def load_record_fields(house: House, connection: Any, records: Iterable[int]) -> dict[int, dict[str, Value]]:
    """What records show by hub field, what was not read left out; of listed streams alone."""
    numbers = list(set(records))
    streams = dict(house.database.select(connection, "SELECT id, stream FROM record WHERE", "id", numbers))
    found: dict[int, dict[str, Value]] = {}
    for number, row in load_rows(house, connection, numbers).items():
        stream = house.by_id(streams[number])
        if stream is not None:
            pairs = zip(stream.mapping.fields, row, strict=True)
            found[number] = {name: value for name, value in pairs if value is not ABSENT}
    return found


# -- why something is held -----------------------------------------------------------------------------------
