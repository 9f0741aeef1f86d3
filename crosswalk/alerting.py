"""Tells whom the file names what has begun and what has ended, once each, whichever daemon sees it.

What is to be told stands in the store before it is sent, so that a restart or another daemon goes on with it.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from crosswalk import log
from crosswalk.alerts import Message, UnsentError, sign_of, target_of
from crosswalk.settings.model import Alert
from crosswalk.store import alerts
from crosswalk.store.codec import iso
from crosswalk.store.dialect import Database
from crosswalk.store.opening import STORE_ERRORS

RUN_FAILED: Final = "run_failed"
CONNECTION_DOWN: Final = "connection_down"


class Trouble(Struct, frozen=True, kw_only=True):
    """What is wrong, in our words; `run` as people call it."""

    code: str = ""
    text: str = ""
    run: str = ""


def _send(address: str, message: Message) -> None:
    target_of(address).send(message)


class Alerting:
    def __init__(
        self,
        database: Database,
        *,
        host: str,
        clock: Callable[[], datetime],
        send: Callable[[str, Message], None] = _send,
    ) -> None:
        self._database = database
        self._host = host
        self._clock = clock
        self._send = send
        self._wanted: Mapping[str, Alert] = {}  # by the sign of the target
        self._thread: threading.Thread | None = None

    def follow(self, wanted: Sequence[Alert]) -> None:
        """Tell these from now on; of others nothing is kept."""
        self._wanted = {sign_of(one.to): one for one in wanted}
        with self._database.write() as connection:
            alerts.forget(
                self._database,
                connection,
                but={(sign, name) for sign, one in self._wanted.items() for name in one.when},
            )

    def note(self, name: str, *, failed: Trouble | None, down: Trouble | None) -> None:
        """How a connection stands after a run: what of it is new is to be told.

        A run that fails since its connection is down is one trouble, told as such to who wants to hear of that.
        """
        if not self._wanted:
            return
        now = self._now()
        with self._database.write() as connection:
            for sign, one in self._wanted.items():
                told_as_down = down is not None and CONNECTION_DOWN in one.when
                found = {CONNECTION_DOWN: down, RUN_FAILED: None if told_as_down else failed}
                for condition in one.when:
                    key = f"{condition}:{name}"
                    if (trouble := found[condition]) is None:
                        alerts.end(self._database, connection, sign, key, at=now)
                        continue
                    text = log.redacted(trouble.text)
                    detail = {"condition": condition, "connection": name, "code": trouble.code, "text": text,
                              "run": trouble.run}  # fmt: skip
                    alerts.begin(self._database, connection, sign, key, detail, at=now)

    def deliver(self) -> None:
        """Send what is due. What does not arrive is tried again later."""
        with self._database.read() as connection:
            waiting = alerts.due(self._database, connection, now=self._now())
        for one in waiting:
            self._deliver(one)

    def deliver_aside(self) -> None:
        """The same in a thread: a slow server holds up nobody."""
        if self._wanted and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._delivering, name="alerts", daemon=True)
            self._thread.start()

    def rest(self, within: float) -> None:
        """Until what is being sent has been sent, or so many seconds."""
        if self._thread is not None:
            self._thread.join(within)

    def _delivering(self) -> None:
        try:
            self.deliver()
        except STORE_ERRORS:  # the heartbeat tells of that
            return
        except Exception as error:  # a boundary: alerts must not end, and what failed here is tried again
            log.event("program.error", level="error", error=error)

    def _deliver(self, one: alerts.Due) -> None:
        wanted = self._wanted.get(one.target)
        if wanted is None:
            return
        with self._database.write() as connection:
            if not alerts.take(self._database, connection, one, now=self._now()):
                return
        name = str(one.detail["connection"])
        message = Message(
            **one.detail, state=one.state, host=self._host, since=iso(one.began_at) or "", at=iso(self._now()) or ""
        )
        try:
            self._send(wanted.to, message)
        except UnsentError as error:
            with self._database.write() as connection:
                alerts.unsent(self._database, connection, one, now=self._now())
            log.event("alert.failed", level="warning", connection=name, tries=one.tries + 1, text=error.text)
            return
        with self._database.write() as connection:
            alerts.sent(self._database, connection, one, now=self._now())
        log.event("alert.sent", connection=name, state=one.state, code=message.code or None)

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1000)
