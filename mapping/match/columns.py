"""Columns of a table of records that nobody has mapped: which field each one is, and its cells in comparing form."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Final

from msgspec import Struct, field

from mapping.match.days import Order, digits_of_day
from mapping.match.keys import fold
from mapping.match.profile import (
    Values,
    company_domain,
    company_name,
    day,
    employer,
    generation,
    generation_behind,
    given_and_family,
    given_word,
    handle,
    is_title,
    kept,
    last_digits,
    legal_form,
    mailbox,
    person_word,
    postal_code,
    single,
    street_line,
)
from mapping.normalise import country as countries
from mapping.normalise.misfit import Misfit
from mapping.normalise.registration import plain

_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[a-zA-Z])(?=\d)")
_SEVERAL: Final = re.compile(r"\s*[;|\n]\s*|,\s+(?=[+\w.-]+@)|\s+/\s+(?=[+\d(])")
_SEPARATES: Final = re.compile(r"[;|\n,/]")
_AROUND: Final = re.compile(r"[\s,;|<>()\[\]\"':]")
_EXTENSION: Final = re.compile(r"\s*(?:ext\.?|extension|durchwahl|x)\s*(\d{1,6})\s*$", re.IGNORECASE)
_LOOKED_AT: Final = 500  # letters of a cell that tell whether it is of addresses
_KINDS: Final = 20  # of customers ("gold", "silver") that there are at most
_SHORT: Final = 20  # letters, blanks around it among them
_BARE: Final = (["number"], ["nr"], ["num"], ["no"])
_EMPTY: Final = frozenset(
    {
        "", "null", "none", "nan", "n/a", "na", "n.a.", "-", "--", "---", "unknown", "unk", "?", "??", "nil", "\\n",
        ".", "..", "...", "#n/a", "tbd", "tba", "test", "xxx", "not available", "not provided", "not applicable",
        "undefined", "not specified", "not known", "anonymous", "no name", "no email", "no phone", "(none)", "(null)",
        "<null>", "[not provided]", "(blank)", "missing", "unbekannt", "inconnu", "desconocido",
        "sconosciuto", "无", "不明",
    }
)  # fmt: skip
_ADDRESS: Final = re.compile(r"[^\s,;|<>()\[\]\"':]+@[^\s,;|<>()\[\]\"'/]+\.[^\s,;|<>()\[\]\"'/.]+")
_SITE: Final = re.compile(r"\s*(?:(?:https?://|www\.)\S|(?:[a-z0-9-]+\.)+[a-z]{2,}(?:/\S*)?\s*$)", re.IGNORECASE)
_SIGNS: Final = re.compile(r"[0-9&+®™]|'s\b")
PERSONAL: Final = frozenset(
    {"name.given", "name.family", "name.additional", "birth_date", "birth_date.year", "job_title"}
)
NAMES: Final = frozenset({"name", "name.given", "name.family", "company_name", "legal_name", "aliases"})
OF_COMPANIES: Final = frozenset({"website", "domains", "registrations", "legal_name", "aliases"})


class _Words(Struct, frozen=True):
    """What headings are read by. The file beside the models says what each part means."""

    names: Mapping[str, str]  # by heading its field
    passed: frozenset[str]
    others: frozenset[str]
    called: frozenset[str]
    last: frozenset[str]
    alone: frozenset[str]
    of_companies: frozenset[str]
    business: frozenset[str]


@cache
def _words() -> _Words:
    from yaml import safe_load

    told = safe_load(files("mapping.match.models").joinpath("columns.yaml").read_text(encoding="utf-8"))
    names = {fold(str(name)): field for field, names in told["names"].items() for name in names}
    lists = {
        part: frozenset(told[part].split()) for part in ("passed", "others", "called", "last", "alone", "business")
    }
    return _Words(names, of_companies=frozenset(told["of_companies"]), **lists)


def fields() -> list[str]:
    """What a column may be told to be."""
    return sorted(set(_words().names.values()) - {"rid", "source"})


def field_of(heading: str) -> str | None:
    """The field that a heading tells, `name.given` of "First Name" and "contact_first_name"; None: none of ours."""
    known, words = _words(), words_of(heading)
    singular = [word.removesuffix("s") for word in words]
    return _named(words, known) or _named(singular, known) or _by_last(words, known) or _by_last(singular, known)


def words_of(heading: str) -> list[str]:
    """Of a heading the words, without case and signs."""
    return fold(_CAMEL.sub(" ", heading).replace("_", " ").replace("'s", "")).split()


def _named(words: list[str], known: _Words) -> str | None:
    """By the whole heading, short of words in front and behind that say nothing."""
    found = known.names.get(" ".join(words))
    while found is None and words and words[-1] in known.passed:
        numbered = words[-1:] in _BARE
        words = words[:-1]
        found = known.names.get(" ".join(words))
        if found in NAMES and numbered:
            return None  # an account no. is no name
    while found is None and words and words[0] in known.passed:
        words = words[1:]
        # An account number is none of a house.
        found = known.names.get(" ".join(words)) if words not in _BARE else None
    return found


def _by_last(words: list[str], known: _Words) -> str | None:
    """By what stands last: "res zip code"."""
    if known.others.intersection(words):
        return None
    for size in (3, 2, 1):
        found = known.names.get(" ".join(words[-size:])) if len(words) > size else None
        if found in known.last:
            return found
    return None


def _alone(headings: Sequence[str], told: Mapping[str, str]) -> Iterable[tuple[int, str]]:
    """Columns that only their last word tells, `practice_street`: one alone, where no other is of that field."""
    known = _words()
    may_be: dict[str, list[int]] = {}
    for at, heading in enumerate(headings):
        words = words_of(heading)
        if heading not in told and words and not known.others.intersection(words):
            may_be.setdefault(known.names.get(words[-1], ""), []).append(at)
    taken = set(told.values())
    return [(places[0], field) for field, places in may_be.items() if field in known.alone - taken and len(places) == 1]


def recognised(headings: Sequence[str], told: Mapping[str, str] | None = None) -> dict[int, str]:
    """By place of a column its field: as `told` by heading, else by its heading alone."""
    found = {}
    for at, heading in enumerate(headings):
        field = (told or {}).get(heading) or field_of(heading)
        if field is not None and field not in ("rid", "source"):
            found[at] = field
    for at, field in _alone(headings, {**(told or {}), **{headings[at]: field for at, field in found.items()}}):
        found[at] = field
    if not (NAMES | {"emails"}).intersection(found.values()):
        # Of what has no other name and no mailbox, the title is no job.
        for at in [
            at for at, heading in enumerate(headings) if found.get(at) == "job_title" and heading not in (told or {})
        ]:
            found[at] = "name"
    return found


# What cells of a field hold, where it can be told. A column named `email` may say whether one is there.
_HOLDS: Final[Mapping[str, Callable[[str], object]]] = {
    "emails": lambda cell: "@" in cell,
    "phones": lambda cell: _digits(cell) >= 6,
    "birth_date": lambda cell: _digits(cell) >= 4,
    "birth_date.year": lambda cell: _digits(cell) in (2, 4, 5),
    "name": lambda cell: not cell.isdecimal(),
    "name.given": lambda cell: not cell.isdecimal(),
    "name.family": lambda cell: not cell.isdecimal(),
    "company_name": lambda cell: not cell.isdecimal() and not _SITE.match(cell),
    "addresses.number": lambda cell: len(cell) <= 12,
    "job_title": lambda cell: not is_title(cell),
}


def holds(field: str, cells: Iterable[str]) -> bool:
    """Whether cells are of a field; half of those that say something have to be."""
    fits = _HOLDS.get(field)
    told = [cell for cell in cells if not blank(cell)]
    return fits is None or not told or 2 * sum(1 for cell in told if fits(cell)) >= len(told)


def of_addresses(heading: str, cells: Iterable[str]) -> bool:
    """Whether a column that no name tells is one of e-mail addresses, of the records themselves."""
    return _mostly(heading, cells, lambda cell: "@" in cell and _ADDRESS.search(cell[:_LOOKED_AT]))


def of_sites(heading: str, cells: Iterable[str]) -> bool:
    """Whether a column that no name tells is one of web sites, of the records themselves."""
    return _mostly(heading, cells, _SITE.match)


def _mostly(heading: str, cells: Iterable[str], fits: Callable[[str], object]) -> bool:
    """Nine in ten of the cells that say something, under a heading that tells of nobody else."""
    told = [cell for cell in cells if not blank(cell)]
    if not told or _words().others.intersection(words_of(heading)):
        return False
    return 10 * sum(1 for cell in told if fits(cell)) >= 9 * len(told)


def of_names(heading: str, cells: Iterable[str]) -> bool:
    """Whether a column that tells who a table is about, but not how, is one of names: words, and more than a few."""
    told = [cell.strip() for cell in cells if not blank(cell)]
    about = " ".join(words_of(heading)).removesuffix("s")
    if not told or about not in _words().called or len(set(told)) < min(_KINDS, len(told) / 3):
        return False
    named = sum(any(len(word) > 1 and not _digits(word) for word in fold(cell).split()) for cell in told)
    return 10 * named >= 9 * len(told)


def _digits(cell: str) -> int:
    return sum(character.isdecimal() for character in cell)


def kind_of(fields: Iterable[str], names: Iterable[str] = (), headings: Iterable[str] = ()) -> str:
    """Persons or companies: by the columns, else by what the names are like."""
    found = set(fields)
    if found & PERSONAL:
        return "person"
    if found & OF_COMPANIES or ("company_name" in found and "name" not in found):
        return "company"
    if any(" ".join(words_of(heading)) in _words().of_companies for heading in headings):
        return "company"
    told = [name for name in names if not blank(name)]
    return "company" if told and sum(map(_of_a_company, told)) * 8 >= len(told) else "person"


def _of_a_company(name: str) -> bool:
    """Legal forms, figures and signs, and words that firms are called by."""
    return bool(_SIGNS.search(name)) or bool(legal_form(name)) or not _words().business.isdisjoint(fold(name).split())


Cells = Sequence[str]


class Reader(Struct, frozen=True):
    """Of fields of the profile: the columns that they are made of, and how. Answers the values of each field.

    `unless`: columns that must say nothing. Of several readers of a field the first that says something is right.
    """

    fields: tuple[str, ...]
    places: tuple[int, ...]
    read: Callable[[Cells], tuple[Values, ...]]
    unless: tuple[int, ...] = ()


class Columns(Struct):
    """How the profile of one row is read."""

    kind: str
    readers: list[Reader] = field(default_factory=list)


def columns(kind: str, fields: Mapping[int, str], *, headings: Sequence[str], order: Order = Order()) -> Columns:
    """`fields` by place. `order`: of the parts of dates."""
    places: dict[str, list[int]] = {}
    for at, name in fields.items():
        places.setdefault(name, []).append(at)
    made = Columns(kind)

    def add(field: str, wanted: Sequence[str], read: Callable[[Cells], Values]) -> None:
        found = tuple(at for name in wanted for at in places.get(name, ()))
        if found:
            made.readers.append(Reader((field,), found, lambda cells: (read(cells),)))

    if kind == "company":
        named = [name for name in ("company_name", "name", "legal_name", "aliases") if name in places]
        if named_at := tuple(at for name in named for at in places[name]):
            made.readers.append(Reader(("name", "form"), named_at, _named_firm))
        add("domain", ["domains", "website", "emails"], _each(company_domain))  # an address, too, ends with its host
        add("email", ["emails"], lambda cells: kept(map(mailbox, _addresses(cells))))
    else:
        _names(made, places)
        add("birth", ["birth_date"], _each(lambda cell: day(digits_of_day(cell, order))))
        if "birth_date" not in places:
            add("birth", ["birth_date.year", "birth_date.month", "birth_date.day"], _day_of_parts)
        add("company", ["company_name"], _each(employer, several=False))
        if mail := tuple(places.get("emails", ())):
            made.readers.append(Reader(("email", "handle", "domain"), mail, _mail))
        add("title", ["job_title"], _each(fold, several=False))
    add("phone", ["phones"], _each(_number))
    ids = [at for name in ("external_ids", "registrations") for at in places.get(name, ())]
    pages = places.get("website", []) if kind == "person" else []
    if ids or pages:
        registered = places.get("registrations", ())
        spaces = [(fold(headings[at]), plain if at in registered else _joined) for at in ids]
        spaces += [("page", page) for _ in pages]
        ids += pages
        made.readers.append(Reader(("id",), tuple(ids), lambda cells: (_ids(spaces, cells),)))
    add("street", ["addresses.number", "addresses.lines"], _street)
    add("postcode", ["addresses.postal_code"], _each(postal_code, several=False))
    # A county is better than no town.
    town = "addresses.locality" if "addresses.locality" in places else "addresses.region"
    add("locality", [town], _each(fold, several=False))
    if kind == "company":
        add("country", ["addresses.country"], _each(_country, several=False))
    return made


def _names(made: Columns, places: Mapping[str, list[int]]) -> None:
    """Given and family name, and what tells father and son apart, of the same cells."""
    given = (*places.get("name.given", ()), *places.get("name.additional", ()))
    family, full = tuple(places.get("name.family", ())), tuple(places.get("name", ()))
    if given:
        made.readers.append(Reader(("given",), given, _word_of_given))
    if family:
        made.readers.append(Reader(("family",), family, _word_of_name))
    if full:
        # Where the parts are empty, the whole name tells them.
        made.readers.append(Reader(("given", "family"), full, _of_full, unless=(*given, *family)))
    if named := (*given, *family, *full):
        suffixes = places.get("name.suffix", [])
        made.readers += [Reader(("generation",), (at,), _of_one(generation)) for at in suffixes]
        made.readers += [Reader(("generation",), (at,), _of_one(generation_behind)) for at in named]


def _word_of_name(cells: Cells) -> tuple[Values]:
    return (single(person_word(_one_text(cells))),)


def _word_of_given(cells: Cells) -> tuple[Values]:
    told = _one_text(cells)
    return (single(given_word(told, told)),)


def _of_one(read: Callable[[str], str]) -> Callable[[Cells], tuple[Values]]:
    return lambda cells: (single(read(cells[0])),)


def _one_text(cells: Cells) -> str:
    return cells[0] if len(cells) == 1 else " ".join(filter(None, cells))


def _of_full(cells: Cells) -> tuple[Values, Values]:
    told = [given_and_family(cell) for cell in cells if cell]
    if len(told) == 1:
        return single(told[0][0]), single(told[0][1])
    return kept(given for given, _ in told), kept(family for _, family in told)


def _named_firm(cells: Cells) -> tuple[Values, Values]:
    told = [cell for cell in cells if cell]
    return kept(map(company_name, told)), kept(map(legal_form, told))


def _each(read: Callable[[str], str], *, several: bool = True) -> Callable[[Cells], Values]:
    def told(cells: Cells) -> Values:
        if len(cells) == 1 and not (several and _SEPARATES.search(cells[0])):
            return single(read(cells[0])) if cells[0] else ()
        parts = [one for cell in cells if cell for one in (_SEVERAL.split(cell) if several else (cell,))]
        return kept(map(read, parts))

    return told


def _addresses(cells: Cells) -> Sequence[str]:
    """Each e-mail address in the cells, whatever stands around it: `Mara <mara@lind.test>; lind@gmx.de`."""
    if len(cells) == 1 and (plain := cells[0]).count("@") < 2 and not _AROUND.search(plain):
        return (plain,) if plain else ()
    return [address for cell in cells for address in _ADDRESS.findall(cell)]


def _mail(cells: Cells) -> tuple[Values, Values, Values]:
    """Mailboxes, what is chosen of them, and the companies that they are of."""
    addresses = _addresses(cells)
    if len(addresses) == 1:
        box = mailbox(addresses[0])
        return single(box), single(handle(box)), single(company_domain(addresses[0]))
    boxes = kept(map(mailbox, addresses))
    return boxes, kept(map(handle, boxes)), kept(map(company_domain, addresses))


def blank(cell: str) -> bool:
    """A cell that says nothing."""
    return not cell or (len(cell) < _SHORT and cell.strip().lower() in _EMPTY)


def _number(cell: str) -> str:
    if cell.removeprefix("+").isdecimal():
        return last_digits(cell)  # as most are
    if (found := _EXTENSION.search(cell)) is not None:
        return last_digits(cell[: found.start()], found[1])
    # A spreadsheet makes 491701234567.0 of a number.
    return last_digits(cell.removesuffix(".0"))


def _ids(spaces: Sequence[tuple[str, Callable[[str], str]]], cells: Cells) -> Values:
    told = ((space, read(cell.removesuffix(".0"))) for (space, read), cell in zip(spaces, cells, strict=True) if cell)
    return kept(f"{space}:{value}" for space, value in told if value)


def _joined(cell: str) -> str:
    return fold(cell).replace(" ", "")


_PAGE: Final = re.compile(
    r"(?:https?://)?(?:[a-z0-9-]+\.)*(linkedin\.com/(?:in|pub)|xing\.com/profile)/([^/?#\s]+)", re.IGNORECASE
)


def page(cell: str) -> str:
    """The page of a person among those of all people, which is theirs alone; "" of any other."""
    found = _PAGE.match(cell.strip())
    return f"{found[1]}/{found[2]}".lower() if found else ""


def _street(cells: Cells) -> Values:
    return single(street_line(" ".join([cell.removesuffix(".0") for cell in cells if cell])))


def _country(cell: str) -> str:
    try:
        return countries.normalise(cell) or ""
    except Misfit:
        return fold(cell)


def _day_of_parts(cells: Cells) -> Values:
    told = [cell.removesuffix(".0") for cell in cells]
    if len(told) == 3 and all(told):
        try:
            return (date(int(told[0]), int(told[1]), int(told[2])).strftime("%Y%m%d"),)
        except ValueError:
            return ()
    return kept(told[:1])
