"""URLs: absolute, http or https, host as A-labels, everything else percent-encoded once."""

import re
from typing import Final
from urllib.parse import quote, urlsplit

from mapping.normalise.domain import host
from mapping.normalise.misfit import Misfit
from mapping.normalise.trim import trimmed

_WANT: Final = "web address"

_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.I)
_ESCAPE: Final = re.compile(r"%[0-9a-fA-F]{2}")
_PORTS: Final = {"http": 80, "https": 443}
_IP: Final = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|localhost", re.ASCII)


def normalise(raw: object) -> str | None:
    """`https://acme.test/a`; None where there is none. Without a scheme it is https. A lone slash behind the host goes.

    Decided: user and password in a URL, and schemes other than http and https, are misfits.
    """
    if isinstance(raw, str):
        text = trimmed(re.sub(r"[\t\r\n]", "", raw))
        return _absolute(text) if text else None
    if raw is None or raw == [] or raw == {}:
        return None
    raise Misfit(_WANT)


def _absolute(text: str) -> str:
    scheme = _SCHEME.match(text)
    if text.startswith("//"):
        text = f"https:{text}"
    elif scheme is None or ("." in scheme[1] and "://" not in text) or text[scheme.end() : scheme.end() + 1].isdigit():
        text = f"https://{text}"  # "acme.test:8080" is a host with a port, not a scheme
    try:
        parts = urlsplit(text)
        name, port = parts.hostname, parts.port
    except ValueError:
        raise Misfit(_WANT) from None
    if parts.scheme not in _PORTS or not name or "@" in parts.netloc or "\\" in text:
        raise Misfit(_WANT)
    shown = name if _IP.fullmatch(name) else host(name, want=_WANT)
    if port is not None and port != _PORTS[parts.scheme]:
        shown = f"{shown}:{port}"
    path = _encoded(parts.path, "/:@!$&'()*+,;=~")
    told = f"{parts.scheme}://{shown}{'' if path == '/' and not parts.query and not parts.fragment else path}"
    if parts.query:
        told += f"?{_encoded(parts.query, '/?:@!$&()*+,;=~' + chr(39))}"
    if parts.fragment:
        told += f"#{_encoded(parts.fragment, '/?:@!$&()*+,;=~' + chr(39))}"
    if len(told) > 2048:
        raise Misfit(_WANT)
    return told


def _encoded(text: str, safe: str) -> str:
    """Escapes that stand there stay, with capital digits; everything that needs one gets one."""
    done, at = [], 0
    for escape in _ESCAPE.finditer(text):
        done += [_quoted(text[at : escape.start()], safe), escape[0].upper()]
        at = escape.end()
    return "".join([*done, _quoted(text[at:], safe)])


def _quoted(text: str, safe: str) -> str:
    try:
        return quote(text, safe=safe)
    except UnicodeEncodeError:  # a lone surrogate
        raise Misfit(_WANT) from None
