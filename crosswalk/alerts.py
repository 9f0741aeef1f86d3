"""Alerts: one JSON POST or one e-mail when a trouble begins, and one when it ends.

What is told is built from codes, names of connections and texts of ours; nothing personal and no secret is in it. An
alert goes to an address of the operator's own, not to a vendor: it takes no part in budgets, tokens and retries there.
"""

import json
import smtplib
import ssl
import urllib.error
import urllib.request
from email.message import EmailMessage
from hashlib import blake2b
from http.client import HTTPException, HTTPMessage
from ipaddress import ip_address
from typing import IO, Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from msgspec import Struct

_TIMEOUT: Final = 10.0  # seconds
_MAIL_PORTS: Final = {"smtp": 587, "smtps": 465}
_FORMS: Final = "https://HOST/PATH, smtps://USER:PASSWORD@HOST?to=ADDRESS, or mailto:ADDRESS"


class TargetError(ValueError):
    """An address that nothing can be sent to. `hint`: which forms there are."""

    def __init__(self, text: str, hint: str = _FORMS) -> None:
        super().__init__(text)
        self.text = text
        self.hint = hint


class UnsentError(Exception):
    """A message did not arrive; `text` says why without the address, which may hold a secret."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Message(Struct, frozen=True, kw_only=True):
    """`state`: began or ended. `code` and `text` are of the trouble; `since` and `at` ISO times in UTC."""

    condition: str
    state: str
    connection: str
    host: str
    since: str
    at: str
    code: str = ""
    text: str = ""
    run: str = ""

    @property
    def sentence(self) -> str:
        """`pipedrive is down: CW202, the token has been refused since 09:20`."""
        what = {"connection_down": ("is down", "works again"), "run_failed": ("could not be synced", "is synced again")}
        began, ended = what[self.condition]
        if self.state == "ended":
            return f"{self.connection} {ended}"
        why = ", ".join(part for part in (self.code, self.text) if part)
        return f"{self.connection} {began}" + (f": {why}" if why else "")

    def json(self) -> dict[str, str]:
        """`text` is what chat programs show of a POST."""
        told = {
            "text": f"Crosswalk on {self.host}: {self.sentence}",
            "source": "crosswalk",
            "condition": self.condition,
            "state": self.state,
            "connection": self.connection,
            "code": self.code,
            "detail": self.text,
            "run": self.run,
            "host": self.host,
            "since": self.since,
            "at": self.at,
        }
        return {name: value for name, value in told.items() if value}


class Webhook(Struct, frozen=True):
    url: str

    def send(self, message: Message) -> None:
        request = urllib.request.Request(
            self.url,
            data=json.dumps(message.json(), ensure_ascii=False).encode(),
            headers={"Content-Type": "application/json", "User-Agent": "crosswalk"},
            method="POST",
        )
        try:
            with _OPENER.open(request, timeout=_TIMEOUT):
                pass
        except urllib.error.HTTPError as error:
            error.close()
            raise UnsentError(f"the webhook answered {error.code}") from None
        except (OSError, HTTPException) as error:
            raise UnsentError(f"the webhook does not answer ({_kind(error)})") from None


class Mail(Struct, frozen=True, kw_only=True):
    host: str
    port: int
    to: str
    sender: str
    user: str = ""
    password: str = ""
    encrypted: bool = False  # from the first byte; else STARTTLS where the server offers it

    def send(self, message: Message) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, self.to, f"Crosswalk: {message.sentence}"[:200]
        lines = [f"{name}: {value}" for name, value in message.json().items() if name not in ("text", "source")]
        mail.set_content("\n".join([message.json()["text"], "", *lines, ""]))
        try:
            with self._connected() as server:
                if self.user:
                    server.login(self.user, self.password)
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise UnsentError(f"the mail server does not take it ({_kind(error)})") from None

    def _connected(self) -> smtplib.SMTP:
        trusted = ssl.create_default_context()
        if self.encrypted:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_TIMEOUT, context=trusted)
        server = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT)
        try:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=trusted)
            elif self.user and not _loopback(self.host):
                raise smtplib.SMTPNotSupportedError("no encryption for a password")
        except BaseException:
            server.close()
            raise
        return server


def target_of(address: str) -> Webhook | Mail:
    """Where an address leads. Raises TargetError, whose text does not hold it."""
    try:
        parts = urlsplit(address.strip())
        port = parts.port
    except ValueError:
        raise TargetError("is no address") from None
    if parts.scheme == "mailto":
        return Mail(host="localhost", port=25, to=_mailbox(unquote(parts.path)), sender=_mailbox(unquote(parts.path)))
    if parts.scheme in _MAIL_PORTS and parts.hostname:
        return _mail(parts, port or _MAIL_PORTS[parts.scheme])
    if parts.scheme == "http" and parts.hostname and not _loopback(parts.hostname):
        raise TargetError("is an address without encryption", "https://; http:// leads to this machine alone")
    if parts.scheme in ("http", "https") and parts.hostname:
        return Webhook(address.strip())
    raise TargetError("is no address that an alert can go to")


def _mail(parts: SplitResult, port: int) -> Mail:
    asked = parse_qs(parts.query)
    to = _mailbox((asked.get("to") or [""])[0])
    return Mail(
        host=parts.hostname or "",
        port=port,
        to=to,
        sender=_mailbox((asked.get("from") or [to])[0]),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        encrypted=parts.scheme == "smtps",
    )


def _mailbox(text: str) -> str:
    name, _, domain = text.partition("@")
    if not name or not domain or any(sign in text for sign in " \r\n,;<>"):
        raise TargetError(
            "names nobody to write to", "smtps://USER:PASSWORD@HOST?to=ops@example.com&from=hub@example.com"
        )
    return text


def sign_of(address: str) -> str:
    """What the store knows a target by: its address may hold a secret."""
    return blake2b(address.strip().encode(), digest_size=12).hexdigest()


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _kind(error: Exception) -> str:
    """`timed out`, `Connection refused`, `SMTPAuthenticationError`: what a server says may quote anything."""
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or type(reason).__name__


class _NoDetours(urllib.request.HTTPRedirectHandler):
    """A POST that is led elsewhere would arrive there as a GET, or where nobody wanted it."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        return None


_OPENER: Final = urllib.request.build_opener(_NoDetours)
