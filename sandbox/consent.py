"""The page at which a user of a simulated vendor lets an app in, and the codes that come of it.

A browser is shown the question; whoever else asks (a test, curl) has a user who allows it at once.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from random import Random
from typing import Final
from urllib.parse import urlencode, urlsplit

from sandbox.web import Answer, Call

CODE_LIVES: Final = timedelta(minutes=5)
_HERE: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class _Code:
    asked: Mapping[str, str]
    until: datetime


class Consent:
    """Of one app at one vendor. `denied`: the vendor's word for a user who cancels."""

    def __init__(self, rng: Random, *, vendor: str, client_id: str, denied: str = "access_denied") -> None:
        self._rng, self._vendor, self._client_id, self._denied = rng, vendor, client_id, denied
        self._codes: dict[str, _Code] = {}

    def ask(self, call: Call, *, told: Mapping[str, str] | None = None) -> Answer:
        """`GET .../authorize`: the question, or with the user's decision the way back to the app.

        `told`: what the vendor says beside the code.
        """
        query = call.query
        redirect = query.get("redirect_uri", "")
        if query.get("client_id") != self._client_id:
            return page(400, f"<p>{self._vendor} knows no app with this client_id.</p>")
        if not _is_registered(redirect):
            return page(400, "<p>The redirect_uri is none of this app's: here any on this machine, or by https.</p>")
        decision = query.get("decision")
        if decision is None and "text/html" in call.headers.get("accept", ""):
            return self._question(call)
        state = {"state": query["state"]} if "state" in query else {}
        if decision == "cancel":
            return _redirect(redirect, {"error": self._denied, **state})
        code = f"{self._rng.getrandbits(160):040x}"
        self._codes[code] = _Code(query, call.now + CODE_LIVES)
        return _redirect(redirect, {"code": code, **(told or {}), **state})

    def redeem(self, call: Call, form: Mapping[str, str] | None = None) -> Mapping[str, str] | None:
        """What the app had asked for whose code is in the form; None: the code is not good.

        It is good once, for who asked for it, for five minutes. `form`: where it is not the body alone.
        """
        form = call.form() if form is None else form
        known = self._codes.pop(form.get("code", ""), None)
        if known is None or call.now >= known.until or form.get("redirect_uri") != known.asked["redirect_uri"]:
            return None
        challenge = known.asked.get("code_challenge")
        return known.asked if challenge in (None, _challenge(form.get("code_verifier", ""))) else None

    def redirect_of(self, code: str) -> str | None:
        """Where a code was sent that nobody has redeemed yet."""
        known = self._codes.get(code)
        return None if known is None else known.asked["redirect_uri"]

    def _question(self, call: Call) -> Answer:
        links = ""
        for decision, words in (("allow", "Allow"), ("cancel", "Cancel")):
            address = f"{call.path}?{urlencode({**call.query, 'decision': decision})}"
            links += f'<p><a href="{escape(address)}">{words}</a></p>'
        scope = escape(call.query.get("scope", "what the app was registered for"))
        return page(200, f"<p>Let an app into the simulated {self._vendor}? It asks for: {scope}.</p>{links}")


def _is_registered(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _redirect(address: str, query: Mapping[str, str]) -> Answer:
    joint = "&" if urlsplit(address).query else "?"
    return Answer(302, b"", [("Location", f"{address}{joint}{urlencode(query)}")])


def page(status: int, body: str) -> Answer:
    """A page of the vendor's for a browser."""
    html = f"<!doctype html><meta charset=utf-8><title>Sandbox</title>{body}"
    return Answer(status, html.encode(), media_type="text/html; charset=utf-8")
