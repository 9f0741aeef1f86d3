"""E-mail addresses after RFC 5321 and 6531: lower case, the domain as A-labels, the plus-tag kept.

The local part is lowered too, a deviation from the RFC: no mail system in use tells `Mara` from `mara`. Decided:
`mailto:` and `Mara Lind <m@x.test>` give their address; a quoted local part that needs no quotes loses them, another
keeps them; blanks inside, two addresses, an IP literal, a domain without a dot are misfits.
"""

import re
import unicodedata
from typing import Final

from mapping.normalise.misfit import Misfit
from mapping.normalise.trim import seen

_WANT: Final = "e-mail address"

# In common form already, and the cheap case of it: no quotes, no other script. Possessive: what follows a run of these
# is never one of them, so there is nothing to be tried again. (Of single characters alone: before Python 3.11.5 groups
# that are possessive may miss a match.)
_LOCAL: Final = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]++(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]++)*"
_LABEL: Final = r"[a-z0-9]++(?:-++[a-z0-9]++)*"
_PLAIN: Final = re.compile(rf"{_LOCAL}@(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]*[a-z0-9])")
_DOMAIN: Final = re.compile(rf"(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]*[a-z0-9])")
# a-z, 0-9, !#$%&'*+/=?^_`{|}~- and everything beyond ASCII, said by what is left out: that compiles in no time.
_ATOM: Final = re.compile(r"""[^\x00-\x20"(),.:;<>@A-Z\[\\\]\x7f]+""")
_ANGLED: Final = re.compile(r"[^<>]*<([^<>]*)>")
_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3002: 0x2E, 0xFF61: 0x2E}


def normalise(raw: object) -> str | None:
    """The address; None where there is none."""
    if isinstance(raw, str):
        text = raw.strip().lower()
        if len(text) <= 64 and _PLAIN.fullmatch(text):
            return text
        return _slowly(raw)
    if raw is None or raw == [] or raw == {}:
        return None
    raise Misfit(_WANT)


def _slowly(raw: str) -> str | None:
    text = seen(raw).translate(_FULL_WIDTH).strip()
    if not text:
        return None
    if angled := _ANGLED.fullmatch(text):
        text = angled[1].strip()
    if text[:7].lower() == "mailto:":
        from urllib.parse import unquote

        text = unquote(text[7:].partition("?")[0]).strip()
    text = text.rstrip(",;").strip()
    local, at, domain = text.rpartition("@")
    if not at:
        raise Misfit(_WANT)
    local, domain = _local(local), _domain(domain)
    address = f"{local}@{domain}"
    if len(local.encode()) > 64 or len(address.encode()) > 254:
        raise Misfit(_WANT)
    return address


def _local(text: str) -> str:
    if text.startswith('"') and text.endswith('"') and len(text) > 2:
        inner = re.sub(r"\\(.)", r"\1", text[1:-1])
        if not inner.isprintable() or re.search(r'(?<!\\)(?:\\\\)*"', text[1:-1]):
            raise Misfit(_WANT)
        inner = _lower(inner)
        if _is_dotted(inner):
            return inner
        quoted = inner.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}"'
    text = _lower(text)
    if not _is_dotted(text):
        raise Misfit(_WANT)
    return text


def _lower(text: str) -> str:
    if text.isascii():
        return text.lower()
    for _ in range(3):  # lowering may leave a mark behind that composes
        told = unicodedata.normalize("NFC", text.lower())
        if told == text:
            break
        text = told
    return text


def _is_dotted(text: str) -> bool:
    if not text.isascii() and any(_never(character) for character in text):
        return False
    return all(_ATOM.fullmatch(atom) for atom in text.split("."))


def _never(character: str) -> bool:
    """Blanks, control characters, surrogates and what is not assigned have no place in an address."""
    return not character.isascii() and unicodedata.category(character)[0] in "CZ"


def _domain(text: str) -> str:
    domain = text.lower().rstrip(".") if text.isascii() else _a_labels(text)
    if len(domain) > 253 or not _DOMAIN.fullmatch(domain) or any(len(label) > 63 for label in domain.split(".")):
        raise Misfit(_WANT)
    return domain


def _a_labels(text: str) -> str:
    import idna

    try:
        return idna.encode(text, uts46=True, std3_rules=True).decode().lower().rstrip(".")
    except (idna.IDNAError, UnicodeError, IndexError):
        raise Misfit(_WANT) from None
