"""Text: NFC, no control characters, line ends LF, at most 64 kB. And HTML, which is text with a look.

Emoji, joiners and all scripts stay. A lone surrogate becomes U+FFFD, since no store and no vendor can hold it.
"""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from mapping.normalise.graphemes import boundary
from mapping.normalise.misfit import Misfit
from mapping.normalise.number import plain
from mapping.normalise.trim import BLANKS, UNSEEN

LIMIT: Final = 65_536  # bytes of UTF-8
_SHORT: Final = LIMIT // 4  # characters, whatever they are
LONGEST_HTML: Final = 4 * LIMIT  # characters that are looked at

# What is dropped: control characters but for tab and line feed. Carriage returns and the rest of Unicode's line ends
# are line ends.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_LINE_ENDS: Final = re.compile(r"\r\n|[\r\x85\u2028\u2029]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
# Marks of direction stay: a text needs them.
_ENDS: Final = BLANKS + UNSEEN


def clean(raw: object) -> str | None:
    """A text without blanks around it; None where nothing is left. Numbers and bools read as they are written."""
    if (
        type(raw) is str
        and raw.isprintable()
        and len(raw) <= _SHORT
        and (raw.isascii() or unicodedata.is_normalized("NFC", raw))
    ):
        return raw.strip(" ") or None  # what nearly every field holds: `is_tidy`, and nothing to cut
    told = as_text(raw)
    return None if told is None else _cut(told)[0] or None


def as_text(raw: object) -> str | None:
    """Like `clean`, of any length."""
    if raw is None:
        return None
    if not isinstance(raw, str):
        raw = _scalar(raw)
    elif is_tidy(raw):
        return raw.strip(" ") or None
    return _tidy(raw).strip(_ENDS) or None


def is_tidy(text: str) -> bool:
    """The common case: nothing in it but letters, signs and plain blanks, in NFC."""
    return text.isprintable() and (text.isascii() or unicodedata.is_normalized("NFC", text))


def _tidy(text: str) -> str:
    text = _CONTROL.sub("", _LINE_ENDS.sub("\n", text))
    if not text.isascii():
        text = unicodedata.normalize("NFC", _SURROGATE.sub("\ufffd", text))
    return text


def _scalar(raw: object) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, int | float | Decimal):
        return plain(raw)
    if raw == [] or raw == {}:
        return ""
    raise Misfit("text")


def _cut(text: str) -> tuple[str, bool]:
    """At most LIMIT bytes, and whether something was cut. Never within a letter as a reader sees it."""
    if len(text) * 4 <= LIMIT:
        return text, False
    encoded = text.encode()
    if len(encoded) <= LIMIT:
        return text, False
    end = len(encoded[:LIMIT].decode(errors="ignore"))
    return text[: boundary(text, end)].rstrip(_ENDS), True


def body(raw: object) -> dict[str, Any] | None:
    """{text, truncated?} of plain text; the common form passes through."""
    if isinstance(raw, Mapping):
        return _again(raw)
    told = as_text(raw)
    return None if told is None else _body(told)


def html(raw: object) -> dict[str, Any] | None:
    """{text, html?, truncated?} of HTML: `text` with its paragraphs, `html` fit for display where there is markup.

    Markup that does not change the text leaves `html` in place; equality is on `text`.
    """
    if isinstance(raw, Mapping):
        return _again(raw)
    if raw is None:
        return None
    source = raw if isinstance(raw, str) else _scalar(raw)
    if "<" not in source and "&" not in source:
        told = as_text(_folded(source))
        return None if told is None else _body(told)
    from mapping.normalise.markup import sanitised, text_of

    shown = sanitised(_LINE_ENDS.sub("\n", source[:LONGEST_HTML]))
    told = as_text(text_of(shown))
    value = None if told is None else _body(told, shown)
    if value is not None and len(source) > LONGEST_HTML:
        value["truncated"] = True
    return value


def as_html(text: str) -> str:
    """Plain text for a field that holds HTML: escaped, lines kept; `html` reads the same text back."""
    from mapping.normalise.markup import escaped

    return escaped(text)


def _folded(source: str) -> str:
    """In HTML a line end is a blank, and a no-break space is how it keeps one."""
    return re.sub(r"[ \t\n\r\f]+", " ", source).replace("\u00a0", " ")


def _body(told: str, shown: str | None = None) -> dict[str, Any]:
    text, truncated = _cut(told)
    value: dict[str, Any] = {"text": text}
    if shown is not None and "<" in shown and len(shown.encode()) <= LIMIT:
        value["html"] = shown
    if truncated:
        value["truncated"] = True
    return value


def _again(raw: Mapping[Any, Any]) -> dict[str, Any] | None:
    if not raw:
        return None
    if not set(raw) <= {"text", "html", "truncated"} or not set(raw) & {"text", "html"}:
        raise Misfit("text")
    value = html(raw["html"]) if isinstance(raw.get("html"), str) else None
    if value is None:
        inner = raw.get("text")
        if isinstance(inner, Mapping):
            raise Misfit("text")
        value = body(inner)
    if value is not None and raw.get("truncated") is True:
        value["truncated"] = True
    return value
