"""Domains: IDNA A-labels in lower case, without `www.`."""

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mapping.normalise.misfit import Misfit
from mapping.normalise.trim import trimmed

if TYPE_CHECKING:
    from tldextract import TLDExtract

_WANT: Final = "domain"

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"(?:{_LABEL}\.)+(?:[a-z]{{2,63}}|xn--[a-z0-9-]{{0,58}}[a-z0-9])")
# Mail boxes for everybody: their domain says nothing of a company.
FREE_MAIL: Final = frozenset(
    {
        "126.com",
        "163.com",
        "aim.com",
        "aol.com",
        "bluewin.ch",
        "btinternet.com",
        "comcast.net",
        "fastmail.com",
        "free.fr",
        "freenet.de",
        "gmail.com",
        "gmx.at",
        "gmx.ch",
        "gmx.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hotmail.co.uk",
        "hotmail.com",
        "hotmail.de",
        "hotmail.fr",
        "hotmail.it",
        "icloud.com",
        "laposte.net",
        "libero.it",
        "live.com",
        "mac.com",
        "mail.com",
        "mail.ru",
        "mailbox.org",
        "me.com",
        "msn.com",
        "naver.com",
        "o2.pl",
        "online.de",
        "orange.fr",
        "outlook.com",
        "outlook.de",
        "pm.me",
        "posteo.de",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "rediffmail.com",
        "sfr.fr",
        "sina.com",
        "t-online.de",
        "tutanota.com",
        "verizon.net",
        "virgilio.it",
        "wanadoo.fr",
        "web.de",
        "wp.pl",
        "yahoo.co.in",
        "yahoo.co.jp",
        "yahoo.co.uk",
        "yahoo.com",
        "yahoo.de",
        "yahoo.fr",
        "yahoo.it",
        "yandex.ru",
        "ymail.com",
    }
)
# Providers with a domain in every country.
_FREE_EVERYWHERE: Final = re.compile(
    r"(?:yahoo|hotmail|live|outlook|gmx|aol|yandex|ymail|rocketmail|msn)\.(?:com?\.)?[a-z]{2,3}"
)


def normalise(raw: object) -> str | None:
    """The host of a domain, a URL or an e-mail address; None where there is none."""
    if isinstance(raw, str):
        text = trimmed(raw).lower()
        if not text:
            return None
        if "/" in text or ":" in text:
            text = _host_of(text)
        text = text.rpartition("@")[2]
        return host(text, want=_WANT).removeprefix("www.") if text.count(".") > 1 else host(text, want=_WANT)
    if raw is None or raw == [] or raw == {}:
        return None
    raise Misfit(_WANT)


def host(text: str, *, want: str) -> str:
    """A host name with a dot in it, as A-labels. IP addresses and local names are none. Raises Misfit(want)."""
    text = text.lower().rstrip(".") if text.isascii() else _a_labels(text, want)
    if len(text) > 253 or not _HOST.fullmatch(text):
        raise Misfit(want)
    return text


def registrable(name: str) -> str:
    """The part that somebody registered: `acme.co.uk` of `shop.acme.co.uk`. By the list that ships, without network."""
    return _registrable(name)


def is_free_mail(name: str) -> bool:
    """Does anybody get an address there? Then it says nothing of a company."""
    return name in FREE_MAIL or _FREE_EVERYWHERE.fullmatch(name) is not None


_RELAYS: Final = frozenset({
    "guest.booking.com", "m.expediapartnercentral.com", "guest.airbnb.com", "privaterelay.appleid.com", "mozmail.com",
    "users.noreply.github.com",
})  # fmt: skip
_RELAYS_ANYWHERE: Final = ("marketplace.amazon.", "members.ebay.")


def is_relay(name: str) -> bool:
    """Does it pass mail on from addresses that are made anew for each order? Then another one is nobody else's."""
    return name in _RELAYS or name.startswith(_RELAYS_ANYWHERE)


@cache
def _extract() -> "TLDExtract":
    from tldextract import TLDExtract

    return TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=False)


@lru_cache(maxsize=16_384)
def _registrable(name: str) -> str:
    if name.count(".") == 1:
        return name  # a suffix of two labels has no owner, and nobody asks for it
    found = _extract()(name)
    if not found.suffix:  # a top level that the list does not know stands for itself
        return ".".join(name.split(".")[-2:])
    return found.top_domain_under_public_suffix or name


def _host_of(text: str) -> str:
    try:
        return urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        raise Misfit(_WANT) from None


def _a_labels(text: str, want: str) -> str:
    import idna

    try:
        return idna.encode(text, uts46=True, std3_rules=True).decode().lower().rstrip(".")
    except (idna.IDNAError, UnicodeError, IndexError):
        raise Misfit(want) from None
