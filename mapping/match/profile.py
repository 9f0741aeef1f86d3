"""What scored matching compares of a record: per field the values in comparing form.

A profile comes from a row in the common form (`of_row`) or from cells of a table (`mapping.match.columns`). A field
that is missing is not in it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from mapping.match.east import KOREAN_FAMILIES, PINYIN, cut, is_korean, ordered
from mapping.match.keys import fold
from mapping.match.latin import latin, skeleton
from mapping.match.nicknames import root
from mapping.match.rules import OF_MANY, ROLES
from mapping.normalise.company import core
from mapping.normalise.domain import is_free_mail, is_relay, registrable
from mapping.normalise.name import split
from mapping.normalise.registration import plain
from mapping.values import Value

Values: TypeAlias = tuple[str, ...]
Profile: TypeAlias = Mapping[str, Values]

# What a profile may have, by kind. To be counted up: FORM, whenever `of_row` makes something else of some row than it
# did, since profiles are kept; a field is only ever added behind the last.
FIELDS: Final[Mapping[str, Values]] = {
    "person": (
        "given", "family", "birth", "email", "handle", "domain", "phone", "id", "company", "title", "street",
        "postcode", "locality", "generation",
    ),
    "company": (
        "name", "form", "domain", "email", "phone", "id", "country", "street", "postcode", "locality",
    ),
}  # fmt: skip
FORM: Final = 3

# In front of or behind a name, no part of it; "md" is how Mohammad is written in front of a man's name in Bangladesh.
_TITLES_TOLD: Final = """
    mr mrs ms miss mx dr prof herr frau dipl ing sir dame rev fr sra srta mme mlle md mst most mohd jr sr ii iii phd
    mba bsc msc esq মোঃ মো মোছাঃ ডা ড
"""
_TITLES: Final = frozenset(_TITLES_TOLD.split())
_DOTTED: Final = frozenset({"gmail.com", "googlemail.com"})  # dots in the local part make no other mailbox
_STREETS: Final[Mapping[str, str]] = {
    "street": "st", "str": "st", "strasse": "st", "straße": "st", "avenue": "ave", "av": "ave", "road": "rd",
    "drive": "dr", "lane": "ln", "court": "ct", "crescent": "cr", "cres": "cr", "crs": "cr", "place": "pl",
    "boulevard": "blvd", "circuit": "cct", "square": "sq", "terrace": "tce", "close": "cl", "highway": "hwy",
    "parade": "pde", "suite": "ste", "apartment": "apt", "floor": "fl", "north": "n", "south": "s", "east": "e",
    "west": "w",
}  # fmt: skip
_COUNTED: Final = "12345678901234567890 9876543210"  # what is typed where a number is demanded
# What is entered, or made of nothing by a program, where a birthday is demanded.
DEFAULT_DAYS: Final = frozenset({
    "00000000", "00010101", "11111111", "18991230", "18991231", "19000101", "19000000", "19010101", "19700101",
    "99991231", "99999999",
})  # fmt: skip
_DISTINCT: Final = 3  # digits from which a local part is somebody's choice
_NO_DIGITS: Final = str.maketrans("", "", "0123456789")
_HOST: Final = re.compile(r"(?:https?://)?([a-z0-9.-]+)/?")  # most of them, without the cost of a whole URL
_CODE_OF: Final = str.maketrans("", "", " -.")


def given_and_family(name: Value) -> tuple[str, str]:
    """Of a name in the common form, or a text: (given, family), folded and without titles; "" where one is missing."""
    if isinstance(name, str):
        name = {"full": name}
    told_given, told_family = name.get("given") or "", name.get("family") or ""
    if not (told_given or told_family):
        full = name.get("full") or ""
        parts = _of_ticket(full) or split(_untitled_text(full), name.get("order") or _order_of(full))
        told_given, told_family = parts.get("given", ""), parts["family"]
        if not told_given and not told_family.isascii():
            told_family, told_given = cut(told_family)
    given, family = given_word(told_given, told_family), person_word(told_family)
    if " " in given and family in KOREAN_FAMILIES and is_korean(given):
        given = given.replace(" ", "")
    return given, family


def _of_ticket(full: str) -> dict[str, str] | None:
    """ "SMITH/JOHN MR", as reservations are made out. "Anna/Jan Smith" is a couple."""
    family, slash, given = full.partition("/")
    if not slash or "/" in given or not family.strip().replace(" ", "").replace("-", "").isalpha():
        return None
    words = given.split()
    bare = [word for word in words if fold(word) not in _TITLES]
    if not bare or not (len(bare) < len(words) or all(len(word) < 2 for word in bare[1:])):
        return None
    return {"given": " ".join(bare), "family": family.strip()} if bare[0].isalpha() else None


# Whose child somebody is: Сергеевич, Ивановна, and in Latin letters, where family names may end so, too.
_FATHERS: Final = re.compile(r"[а-яёіїґ'-]+(?:[оеё]вич|[оеє]вна|івна|ївна|ич|ична)", re.IGNORECASE)
_FATHERS_IN_LATIN: Final = re.compile(r"[a-z'-]+(?:[oe]v[iy]ch|[oe]vna|ivna)", re.IGNORECASE)
_FAMILIES_IN_LATIN: Final = re.compile(r"[a-z'-]+(?:[oe]va?|ina?|[sc]k(?:y|iy|ii|aya|aia)|enko|[cy]huk)", re.IGNORECASE)
_TWO_INITIALS: Final = re.compile(r"\w[^\W_'-]+ (?:\w\. ?\w\.|\w \w)")


def _order_of(full: str) -> str:
    """In which order a name stands, also of one with a patronymic or two initials behind it."""
    if _TWO_INITIALS.fullmatch(full):
        return "family_first"  # "Smith J. A."
    words = full.split()
    if len(words) == 3:
        first, second, third = words
        if _FATHERS.fullmatch(third) and not _FATHERS.fullmatch(second):
            return "family_first"
        if _FATHERS_IN_LATIN.fullmatch(third) and _FAMILIES_IN_LATIN.fullmatch(first):
            return "family_first"
    return ordered(full)


def given_word(given: str, family: str = "") -> str:
    """A given name for comparing; `family` shows whether the name is in capitals as a whole."""
    return person_word(initials_apart(_spelt_out(given), family))


_SHORTENED: Final = re.compile(
    r"(?<!\w)(?:(?P<María>m\.?\s?[ªᵃ]|ma(?=\.))|(?P<Francisco>fco)|(?P<Fernando>fdo)|(?P<Antonio>ant\.?\s?º))\.?(?!\w)",
    re.IGNORECASE,
)


def _spelt_out(given: str) -> str:
    """What Spanish and Portuguese shorten in writing: Mª, Fco., Fdo., Ant.º"""
    if "." not in given and given.isascii():
        return given
    return _SHORTENED.sub(lambda found: f"{found.lastgroup} ", given)


_TOGETHER: Final = re.compile(r"(?<![^\s.-])[A-Z]{2,3}(?![^\s.-])")
_NO_INITIALS: Final = frozenset({"NG", "MC", "TH", "KH", "ST"})  # they have no vowel, and are said all the same
_VOWELS: Final = frozenset("AEIOUY")
# Family names of two letters that stand in capitals in front of a given name: "LI Fengming".
_SHORT_FAMILIES: Final = frozenset({
    "AN", "BI", "DO", "DU", "FU", "GU", "HA", "HE", "HO", "HU", "LE", "LI", "LU", "LY", "MA",
    "MU", "NI", "OH", "SU", "TU", "VU", "WU", "XU", "YE", "YI", "YU",
})  # fmt: skip


def initials_apart(given: str, family: str = "") -> str:
    """Initials that stand together as those of two names, "K J" of "KJ"; what may be a name stays one.

    Two or three consonants in capitals are initials. A vowel among them, two letters are so in a name that is not in
    capitals as a whole.
    """
    if _TOGETHER.search(given) is None:
        return given
    mixed = not (given + family).isupper()

    def apart(found: re.Match[str]) -> str:
        word = found[0]
        if word in _NO_INITIALS or fold(word) in _TITLES:
            return word
        if not _VOWELS.isdisjoint(word) and (
            not mixed
            or len(word) > 2
            or (word in _SHORT_FAMILIES and PINYIN.fullmatch(fold(family or given).replace(" ", "")))
        ):
            return word
        return " ".join(word)

    return _TOGETHER.sub(apart, given)


_GENERATIONS: Final[Mapping[str, str]] = {
    "sr": "1", "senior": "1", "jr": "2", "jnr": "2", "junior": "2", "ii": "2", "2nd": "2", "iii": "3", "3rd": "3",
    "iv": "4", "4th": "4",
}  # fmt: skip

_LAST: Final = len("junior.")


@lru_cache(maxsize=100_000)
def generation(text: str) -> str:
    """By what father and son of one name are told apart, "Jr." or "III": of a suffix; "" where nothing."""
    return next((_GENERATIONS[word] for word in fold(text).split() if word in _GENERATIONS), "")


def generation_behind(name: str) -> str:
    """The same of a name that it stands behind."""
    _, blank, last = name.rstrip().rpartition(" ")
    return _GENERATIONS.get(fold(last), "") if blank and len(last) <= _LAST else ""


def _generations(name: Value) -> Values:
    parts = name if isinstance(name, Mapping) else {"full": name}
    behind = [str(parts.get(part) or "") for part in ("family", "given", "full")]
    return kept([generation(str(parts.get("suffix") or "")), *map(generation_behind, behind)])[:1]


def is_title(text: str) -> bool:
    """Whether it is how people are addressed, and nothing else: "Mrs", "Dr."."""
    words = fold(text).split()
    return bool(words) and _TITLES.issuperset(words)


def _untitled_text(full: str) -> str:
    words = [word for word in full.split() if fold(word) not in _TITLES]
    return " ".join(words) if len(words) > 1 else full


@lru_cache(maxsize=100_000)
def person_word(text: str) -> str:
    """A given or family name for comparing."""
    words = fold(text).replace("-", " ").split()
    kept = [word for word in words if word not in _TITLES]
    return " ".join(kept or words)


# What is typed where an address is demanded: "none@none.com".
_NOBODY: Final = frozenset({
    "none", "no", "nomail", "noemail", "no.email", "no-email", "no_email", "nobody", "na", "n.a", "n-a", "null",
    "notprovided", "not.provided", "notavailable", "unknown", "unbekannt", "keine", "sinemail", "sincorreo", "test",
    "xxx", "abc", "asdf", "aaa",
})  # fmt: skip


def mailbox(address: str) -> str:
    """An address without its tag; "" where it is a desk's and not a person's, or nobody's."""
    local, at, host = address.strip().lower().rpartition("@")
    local = local.partition("+")[0]
    if not at or not local or local in ROLES or local in _NOBODY:
        return ""
    if host in _DOTTED:
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}@{host}"


def handle(mailbox: str) -> str:
    """The local part of an address, where it is somebody's choice and not made of names alone: `rudi772`."""
    local = mailbox.rpartition("@")[0]
    return local if len(local) - len(local.translate(_NO_DIGITS)) >= _DISTINCT else ""


def company_domain(address_or_host: str) -> str:
    """The registered domain of an address, URL or host; "" where anybody gets one there."""
    return _domain_of(address_or_host.rpartition("@")[2])


@lru_cache(maxsize=100_000)
def _domain_of(host: str) -> str:
    text = host.strip().lower()
    if not text:
        return ""
    if (plain := _HOST.fullmatch(text)) is not None:
        host = plain[1]
    else:
        try:
            host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
        except ValueError:
            return ""
    host = host.removeprefix("www.").rstrip(".")
    if "." not in host or not host.isascii() or is_free_mail(host) or is_relay(host):
        return ""
    owner = registrable(host)
    return "" if is_free_mail(owner) else owner


# Numbers free of charge, by ITU-T E.169.1 (800 behind the code of a country) and the plans of North America and of
# countries that write 0800.
_FREE_IN_AMERICA: Final = re.compile(r"8(?:00|33|44|55|66|77|88)[2-9]\d{6}")
_WRITTEN_AS_THERE: Final = re.compile(r"\(?\d{3}\)?[ .-]+\d{3}[ .-]\d{4}\D*")
_CODES_OF_TWO: Final = frozenset(
    str(code)
    for some in ("20", "27", "30-34", "36", "39-41", "43-49", "51-58", "60-66", "81", "82", "84", "86", "90-95", "98")
    for code in range(int(some[:2]), int(some[-2:]) + 1)
)


def _is_free(number: str, digits: str) -> bool:
    """`number` as it is written, and its digits. Ten of them alone may be somebody's own elsewhere: as in America only
    where they are written as there."""
    if number.startswith(("+", "00")) and not digits.startswith("00800"):
        told = digits.removeprefix("00")
        if told.startswith("800"):
            return True
        size = 1 if told[:1] in ("1", "7") else 2 if told[:2] in _CODES_OF_TWO else 3
        code, rest = told[:size], told[size:]
        return bool(_FREE_IN_AMERICA.fullmatch(rest)) if code == "1" else rest.removeprefix("0").startswith("800")
    if digits.startswith(("0800", "00800")):
        return True
    if digits.startswith("1"):
        return bool(_FREE_IN_AMERICA.fullmatch(digits[1:]))
    return bool(_FREE_IN_AMERICA.fullmatch(digits) and _WRITTEN_AS_THERE.fullmatch(number))


def last_digits(number: str, extension: str | None = None) -> str:
    """What a number is called by, with or without its country code: the last nine digits. "" of less than six, and of
    one that is free of charge: what all branches of a chain answer."""
    digits = number.removeprefix("+")
    if not digits.isdecimal():
        digits = "".join(filter(str.isdecimal, digits))
    if "8" in digits[:6] and _is_free(number.strip(), digits):
        return ""
    digits = digits.lstrip("0")
    if len(digits) < 6 or digits == digits[0] * len(digits) or digits in _COUNTED:
        return ""
    return digits[-9:] + (f"x{extension}" if extension else "")


def day(text: str) -> str:
    """The digits of a day that may be known in part: "1985-03-04", "--03-04" or "1985"."""
    digits = "".join(character for character in text if character.isdigit())
    return "" if digits in DEFAULT_DAYS else digits


@lru_cache(maxsize=100_000)
def street_line(text: str) -> str:
    """A street and its number in common words and any order: the number first."""
    found = [_STREETS.get(word, word) for word in latin(fold(text)).split()]
    found = [word for word in found for word in _apart(word)]
    return " ".join([word for word in found if word[0].isdigit()] + [word for word in found if not word[0].isdigit()])


def _apart(word: str) -> list[str]:
    """`lindenstrasse` ends with what elsewhere is a word of its own."""
    for ending in ("strasse", "straße", "str"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return [word.removesuffix(ending), "st"]
    return [word]


def postal_code(text: str) -> str:
    return fold(text).translate(_CODE_OF)


_core: Final = lru_cache(maxsize=1000)(core)  # a name is asked for its form just after


@lru_cache(maxsize=100_000)
def company_name(text: str) -> str:
    """Of a company, without its legal form and words that only join others: "lind berg" of "The Lind & Berg Ltd"."""
    told = _core(text)
    words = told.removeprefix("the ").split()
    return " ".join(_SPELT.get(word, word) for word in words if word not in _JOINS) or told


# What stands shortened in names of companies, or is spelt in two ways.
_SPELT: Final[Mapping[str, str]] = {
    "univ": "university", "dept": "department", "inst": "institute", "fdn": "foundation", "assoc": "association",
    "assn": "association", "assocs": "associates", "intl": "international", "natl": "national", "govt": "government",
    "mgmt": "management", "mfg": "manufacturing", "svc": "service", "svcs": "services", "bros": "brothers",
    "ctr": "center", "centre": "center", "hosp": "hospital", "grp": "group", "hldg": "holding", "hldgs": "holdings",
    "saint": "st", "gesellsch": "gesellschaft", "krhs": "krankenhaus", "organisation": "organization",
}  # fmt: skip


# What people write who are asked for a company and have none.
_NO_EMPLOYER: Final = frozenset({
    "freelance", "freelancer", "n a", "na", "none", "self employed", "selfemployed", "private", "privat", "student",
    "retired", "unemployed", "independent",
})  # fmt: skip


def employer(text: str) -> str:
    """The company of a person, as `company_name`; "" where they say that there is none."""
    told = company_name(text)
    return "" if told in _NO_EMPLOYER and fold(text) in _NO_EMPLOYER else told


@lru_cache(maxsize=100_000)
def legal_form(text: str) -> str:
    """What the core of a company's name leaves out, without blanks: "gmbh"; "" where nothing."""
    whole, bare = fold(text), _core(text)
    rest = whole.replace(bare, " ", 1).split() if bare and bare in whole else []
    form = "".join(word for word in rest if word not in _JOINS_OF_FORMS)
    return "" if form in _JOINS else _FORM_OF.get(form, form)


_JOINS: Final = frozenset({"and", "und", "et", "y", "och", "og"})
_JOINS_OF_FORMS: Final = frozenset({"and", "und"})
# Of one form its other names in the same language or its letters in another alphabet. How it is put into English is
# for `compare.form`.
_FORM_OF: Final[Mapping[str, str]] = {
    form.replace(" ", ""): told
    for told, forms in {
        "ltd": "limited|co limited|company limited|লিমিটেড|লি|लिमिटेड|pvt ltd|pvt limited|private ltd|"
        "private limited|pte ltd|pty ltd|pty limited|প্রাইভেট লিমিটেড|pvt|pty|co ltd|co ltd co",
        "inc": "incorporated|corp|corporation|co|company|co inc",
        "gmbh": "gesellschaft mit beschrankter haftung|mbh|gesmbh",
        "ag": "aktiengesellschaft",
        "ek": "e kfm|e kfr",
        "ug": "ug haftungsbeschrankt",
        "gbr": "gesbr",
        "株式会社": "kk|kabushiki kaisha|株",
        "有限会社": "yk|yugen kaisha|有",
        "合同会社": "gk|godo kaisha",
        "有限公司": "有限责任公司|有限責任公司",
        "주식회사": "주",
        "ооо": "ooo",
        "ао": "ao",
        "зао": "zao",
        "оао": "oao",
        "пао": "pao",
        "jsc": "joint stock company",
        "srl": "srls",
        "sas": "sasu",
        "spzoo": "spolka z o o|społka z o o",
        "sro": "spol s r o",
        "gmbhcokg": "gmbh u co kg",
        "oy": "oy ab",
        "ab": "aktiebolag",
        "llc": "limited liability company",
        "sa": "spolka akcyjna|społka akcyjna",
        "ltdsti": "limited sirketi|san tic ltd sti",
    }.items()
    for form in forms.split("|")
}


def _texts(value: Value) -> list[str]:
    """The elements of a value that is a text, a list of texts, or missing."""
    if not value:
        return []
    return [str(one) for one in (value if isinstance(value, list) else [value]) if one]


def _parts(value: Value, part: str) -> list[Mapping[str, Value]]:
    return [one if isinstance(one, Mapping) else {part: one} for one in (value or [])]


def kept(values: Iterable[str]) -> Values:
    """What says something, each once."""
    return tuple(dict.fromkeys(filter(None, values)))


def single(value: str) -> Values:
    """A value that may say nothing."""
    return (value,) if value else ()


def of_row(kind: str, row: Mapping[str, Value]) -> Profile:
    """Of a row in the common form, by field name. Absent and cleared alike are missing."""
    made = _of_company(row) if kind == "company" else _of_person(row)
    return {name: values for name, values in made.items() if values}


def _of_person(row: Mapping[str, Value]) -> dict[str, Values]:
    names = [given_and_family(one) for one in (row.get("name"), *(row.get("name.variants") or ())) if one]
    addresses = _addresses_of_mail(row)
    company = row.get("company_name")
    return {
        "given": kept(given for given, _ in names),
        "family": kept(family for _, family in names),
        "generation": _generations(row.get("name")),
        "birth": kept([day(str(row.get("birth_date") or ""))]),
        "email": kept(map(mailbox, addresses)),
        "handle": kept(handle(mailbox(one)) for one in addresses),
        "domain": kept(map(company_domain, addresses)),
        "phone": _phones(row),
        "id": _ids(row, "external_ids", "namespace"),
        "company": kept([employer(str(company))] if company else []),
        "title": kept([fold(str(row.get("job_title") or ""))]),
        **_addresses(row),
    }


def _of_company(row: Mapping[str, Value]) -> dict[str, Values]:
    told = [*_texts(row.get("name")), *_texts(row.get("legal_name")), *_texts(row.get("aliases"))]
    hosts = [*_hosts(row.get("domains")), *_texts(row.get("website"))]
    mail = _addresses_of_mail(row)
    return {
        "name": kept(map(company_name, told)),
        "form": kept(map(legal_form, told)),
        "domain": kept(map(company_domain, [*hosts, *mail])),
        "email": kept(map(mailbox, mail)),
        "phone": _phones(row),
        "id": (*_ids(row, "external_ids", "namespace"), *_registered(row)),
        "country": kept(str(one.get("country") or "") for one in _parts(row.get("addresses"), "formatted")),
        **_addresses(row),
    }


def _hosts(value: Value) -> list[str]:
    return [
        str(one.get("domain") or one.get("value") or "") if isinstance(one, Mapping) else str(one)
        for one in value or []
    ]


def _addresses_of_mail(row: Mapping[str, Value]) -> list[str]:
    told = [one for one in _parts(row.get("emails"), "address") if not one.get("shared") and not one.get("role")]
    return [*(str(one.get("address") or "") for one in told), *_texts(row.get("primary_email"))]


def _phones(row: Mapping[str, Value]) -> Values:
    told = [one for one in _parts(row.get("phones"), "number") if one.get("type") != "fax" and not one.get("shared")]
    numbers = [last_digits(str(one.get("number") or ""), one.get("extension")) for one in told]
    if not numbers:
        numbers = [last_digits(one) for one in _texts(row.get("primary_phone"))]
    return kept(numbers)


def _ids(row: Mapping[str, Value], field: str, space: str) -> Values:
    return kept(
        f"{one[space]}:{fold(str(one['value'])).replace(' ', '')}"
        for one in row.get(field) or ()
        if one.get(space) and one.get("value")
    )


def _registered(row: Mapping[str, Value]) -> Values:
    return kept(
        f"{one['scheme']}:{plain(str(one['value']))}"
        for one in row.get("registrations") or ()
        if one.get("scheme") and one.get("value") and str(one["scheme"]).lower() not in OF_MANY
    )


def _addresses(row: Mapping[str, Value]) -> dict[str, Values]:
    told = _parts(row.get("addresses"), "formatted")
    return {
        "street": kept(street_line(" ".join(_texts(one.get("lines")))) for one in told),
        "postcode": kept(postal_code(str(one.get("postal_code") or "")) for one in told),
        "locality": kept(fold(str(one.get("locality") or "")) for one in told),
    }


# Parts of values, by which records are looked up and rarities are counted.


def sound(value: str) -> str:
    """Of a name: its consonants."""
    return skeleton(value)


def called(value: str) -> str:
    """Of given names: the sound of the first, whatever familiar form it has."""
    return skeleton(root(value.partition(" ")[0]))


def initial(value: str) -> str:
    """Of given names: the letter of the first."""
    return latin(root(value.partition(" ")[0]))[:1]


def local_part(value: str) -> str:
    return value.rpartition("@")[0]


def label(value: str) -> str:
    """Of a domain: what stands before the first dot."""
    return value.partition(".")[0]


def words(value: str) -> Sequence[str]:
    return value.split()


def name_keys(profile: Profile) -> tuple[str, ...]:
    """By what those who hold an identifier are told apart, coarse enough that records of one give the same mostly.

    Of a person the initials, in the order of the alphabet; of a company the begin of its name, its town, country and
    form, since a group of companies has one name and one domain. "" of what is not known.
    """
    if "name" in profile:
        return tuple(key(profile[name][0]) if name in profile else "" for name, key in COMPANY_KEYS)
    return (person_key(profile),)


def person_key(profile: Profile) -> str:
    given, family = profile.get("given"), profile.get("family")
    return "".join(sorted((initial(given[0]) if given else "") + (first_letter(family[0]) if family else "")))


def first_letter(value: str) -> str:
    return latin(value)[:1]


def _begin(value: str) -> str:
    return f"={skeleton(value)[:3]}"


def _whole(value: str) -> str:
    return f"={value}"


def _told_apart(form: str) -> str:
    """Of forms that others write in English, each as it likes, nothing."""
    return f"={form}" if form.isascii() else ""


COMPANY_KEYS: Final = (("name", _begin), ("locality", _begin), ("country", _whole), ("form", _told_apart))
