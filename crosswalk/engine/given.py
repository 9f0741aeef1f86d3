"""Values that a person gives in a review: from text to the common form."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from crosswalk.engine.words import AskError
from mapping.normalise import boolean, country, domain, email, language, money, number, phone, url, when, zone
from mapping.normalise import text as clean_text
from mapping.schema import Field
from mapping.values import Value


def read_value(field: Field | None, given: Any) -> Value:
    """A value of the common form from what a person wrote; no text clears. Other than text is taken as it is.

    AskError where the text is no such value, or where a field needs more than a text can say.
    """
    if not isinstance(given, str) or field is None:
        return given
    text = given.strip()
    if not text:
        return None
    if field.refers or field.type not in _READERS:
        raise AskError(f"{field.name} cannot be written as a text", hint="take one of the sides, or keep both")
    parts = [part.strip() for part in text.split(",") if part.strip()] if field.shape == "set" else [text]
    try:
        values = [_READERS[field.type](part) for part in parts]
    except ValueError as wrong:
        raise AskError(f"{field.name} is {_A.get(field.type, field.type)}, and '{text}' is none") from wrong
    if field.type == "choice" and field.codes and text not in field.codes:
        raise AskError(f"{field.name} has no '{text}'", hint="one of: " + ", ".join(field.codes))
    if field.shape != "set":
        return values[0]
    elements = [_element(field, value) for value in values if value is not None]
    return sorted(elements, key=lambda one: _key(one, field.key)) or None


def _element(field: Field, value: Value) -> Value:
    if not field.key:
        return value
    if isinstance(value, tuple):
        number, extension = value
        return {"number": number, **({"extension": extension} if extension else {})}
    return value if isinstance(value, Mapping) else {field.value or field.key[0]: value}


def _key(element: Value, key: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(element.get(part) or "") for part in key) if key else (str(element),)


def _phone(text: str) -> Value:
    return phone.normalise(text, region=None)


def _money(text: str) -> Value:
    amount, _, currency = text.rpartition(" ")
    if not amount:
        raise ValueError(text)
    return money.normalise(amount, currency.upper())


def _integer(text: str) -> Value:
    return number.integer(text)


_READERS: Final[Mapping[str, Callable[[str], Value]]] = {
    "text": clean_text.clean,
    "id": clean_text.clean,
    "body": clean_text.body,
    "choice": str,
    "tags": clean_text.clean,
    "name": lambda text: {"full": clean_text.clean(text)},
    "email": email.normalise,
    "phone": _phone,
    "domain": domain.normalise,
    "url": url.normalise,
    "int": _integer,
    "decimal": number.decimal,
    "percent": number.percent,
    "bool": boolean.normalise,
    "money": _money,
    "country": country.normalise,
    "lang": language.normalise,
    "tz": zone.normalise,
    "date": lambda text: when.day(text, None),
    "at": lambda text: when.instant(text, None),
    "when": lambda text: when.when(text, None),
    "partial_date": when.partial,
}
_A: Final[Mapping[str, str]] = {
    "email": "an e-mail address", "phone": "a phone number with its country code", "int": "a whole number",
    "decimal": "a number", "percent": "a number", "bool": "true or false", "money": "an amount with its currency",
    "date": "a date", "at": "a time with its zone", "when": "a date or a time with its zone", "url": "a web address",
    "domain": "a domain", "country": "a country", "lang": "a language", "tz": "a time zone",
}  # fmt: skip
