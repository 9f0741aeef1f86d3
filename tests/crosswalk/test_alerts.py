"""Where alerts go, what stands in them, and that they are told once: on loopback servers that only listen."""

import io
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from crosswalk import log
from crosswalk.alerting import Alerting, Trouble
from crosswalk.alerts import Mail, Message, TargetError, UnsentError, Webhook, target_of
from crosswalk.settings.model import Alert
from crosswalk.store.dialect import Database
from tests.clocks import SetClock

BOTH = ("run_failed", "connection_down")
REFUSED = Trouble(code="CW202", text="the token has been refused since 09:20", run="R147")
MESSAGE = Message(
    condition="connection_down",
    state="began",
    connection="pipedrive",
    host="hub-1",
    since="2026-11-24T08:00:00.000Z",
    at="2026-11-24T08:00:01.000Z",
    code="CW202",
    text="the token has been refused since 09:20",
    run="R147",
)


# where they go


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://ops.test/T0/secret", Webhook("https://ops.test/T0/secret")),
        ("http://127.0.0.1:9000/hook", Webhook("http://127.0.0.1:9000/hook")),
        ("mailto:ops@a.test", Mail(host="localhost", port=25, to="ops@a.test", sender="ops@a.test")),
        (
            "smtps://hub%40a.test:p%3Aw@mail.a.test?to=ops@a.test&from=hub@a.test",
            Mail(
                host="mail.a.test", port=465, to="ops@a.test", sender="hub@a.test", user="hub@a.test", password="p:w",
                encrypted=True,
            ),
        ),
        ("smtp://a.test:2525?to=ops@a.test", Mail(host="a.test", port=2525, to="ops@a.test", sender="ops@a.test")),
    ],
)  # fmt: skip
def test_an_address_says_how_it_is_told(address: str, expected: Webhook | Mail) -> None:
    assert target_of(address) == expected


@pytest.mark.parametrize(
    "address",
    ["", "ops", "http://ops.test/secret", "ftp://ops.test/secret", "mailto:ops", "smtps://u:secret@mail.test", "https://",
     "https://[::secret", "mailto:a@b.test,c@d.test", "https://ops.test:secret/x"],
)  # fmt: skip
def test_an_address_that_leads_nowhere_is_refused_and_not_quoted(address: str) -> None:
    with pytest.raises(TargetError) as refused:
        target_of(address)

    assert "secret" not in refused.value.text + refused.value.hint


class Hooks(ThreadingHTTPServer):
    """Keeps what was posted; answers `status`."""

    status = 200

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Hook)
        self.posted: list[tuple[str, str, Any]] = []


class Hook(BaseHTTPRequestHandler):
    server: Hooks

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, self.headers["Content-Type"], json.loads(body)))
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815 - the name that the server looks for

    def log_message(self, format: str, *args: object) -> None:
        """Tests read what was posted."""


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    server = Hooks()
    with serving(server):
        yield server


def test_a_webhook_gets_one_json_object_with_a_sentence(hooks: Hooks) -> None:
    Webhook(f"http://127.0.0.1:{hooks.server_port}/T0/x").send(MESSAGE)

    ((path, kind, body),) = hooks.posted
    assert (path, kind) == ("/T0/x", "application/json")
    assert body == {
        "text": "Crosswalk on hub-1: pipedrive is down: CW202, the token has been refused since 09:20",
        "source": "crosswalk",
        "condition": "connection_down",
        "state": "began",
        "connection": "pipedrive",
        "code": "CW202",
        "detail": "the token has been refused since 09:20",
        "run": "R147",
        "host": "hub-1",
        "since": "2026-11-24T08:00:00.000Z",
        "at": "2026-11-24T08:00:01.000Z",
    }


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_does_not_take_it_is_told_by_its_status_alone(hooks: Hooks, status: int) -> None:
    hooks.status = status

    with pytest.raises(UnsentError, match=f"^the webhook answered {status}$"):
        Webhook(f"http://127.0.0.1:{hooks.server_port}/secret").send(MESSAGE)

    assert len(hooks.posted) == 1  # nobody is led elsewhere


def test_a_webhook_that_is_not_there_is_told_without_its_address() -> None:
    server = Hooks()
    port = server.server_port
    server.server_close()

    with pytest.raises(UnsentError) as failed:
        Webhook(f"http://127.0.0.1:{port}/secret").send(MESSAGE)

    assert failed.value.text == "the webhook does not answer (Connection refused)"


class Mailroom(socketserver.ThreadingTCPServer):
    """As much SMTP as a client needs; `refuses` answers the sender with 550."""

    allow_reuse_address = True
    refuses = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Clerk)
        self.mails: list[bytes] = []
        self.said: list[str] = []


class Clerk(socketserver.StreamRequestHandler):
    server: Mailroom

    def handle(self) -> None:
        self.answer("220 ready")
        while line := self.rfile.readline().decode().strip():
            self.server.said.append(line)
            match line.split()[0].upper():
                case "EHLO":
                    self.answer("250-mail.test\r\n250 AUTH PLAIN")
                case "AUTH":
                    self.answer("235 come in")
                case "MAIL" if self.server.refuses:
                    self.answer("550 mara@a.test is not welcome")
                case "DATA":
                    self.answer("354 go on")
                    text = b""
                    while (part := self.rfile.readline()) != b".\r\n":
                        text += part
                    self.server.mails.append(text)
                    self.answer("250 taken")
                case "QUIT":
                    self.answer("221 bye")
                    return
                case _:
                    self.answer("250 ok")

    def answer(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mailroom() -> Iterator[Mailroom]:
    server = Mailroom()
    with serving(server):
        yield server


def mail(room: Mailroom) -> Webhook | Mail:
    return target_of(f"smtp://hub:pw@127.0.0.1:{room.server_address[1]}?to=ops@a.test&from=hub@a.test")


def test_an_email_says_the_same_in_words(mailroom: Mailroom) -> None:
    mail(mailroom).send(MESSAGE)

    (text,) = mailroom.mails
    parsed = message_from_bytes(text)
    assert (parsed["From"], parsed["To"]) == ("hub@a.test", "ops@a.test")
    assert "pipedrive is down: CW202" in str(parsed["Subject"]).replace("\n", "")
    assert "condition: connection_down" in str(parsed.get_payload())
    assert any(line.startswith("AUTH PLAIN") for line in mailroom.said)


def test_a_mail_server_that_refuses_is_told_without_its_words(mailroom: Mailroom) -> None:
    mailroom.refuses = True

    with pytest.raises(UnsentError) as failed:
        mail(mailroom).send(MESSAGE)

    assert failed.value.text == "the mail server does not take it (SMTPSenderRefused)"


# when they are told


class Inbox:
    """Takes messages, or refuses them while it is closed."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Message]] = []
        self.closed = False

    def __call__(self, address: str, message: Message) -> None:
        if self.closed:
            raise UnsentError("the webhook answered 500")
        self.got.append((address, message))

    def taken(self) -> list[str]:
        found = [message.sentence for _, message in self.got]
        self.got.clear()
        return found


@pytest.fixture
def clock() -> SetClock:
    return SetClock(datetime(2026, 11, 24, 8, tzinfo=UTC))


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


def alerting(database: Database, clock: SetClock, inbox: Inbox, *when: str) -> Alerting:
    made = Alerting(database, host="hub-1", clock=clock, send=inbox)
    made.follow([Alert(to="https://ops.test/secret", when=when or BOTH)])
    return made


def test_a_trouble_is_told_once_when_it_begins_and_once_when_it_ends(
    database: Database, clock: SetClock, inbox: Inbox
) -> None:
    daemons = [alerting(database, clock, inbox) for _ in range(2)]

    for _ in range(3):
        for one in daemons:
            one.note("pipedrive", failed=REFUSED, down=REFUSED)
            one.deliver()
            clock.forward(seconds=900)
    assert inbox.taken() == ["pipedrive is down: CW202, the token has been refused since 09:20"]

    for _ in range(3):
        for one in daemons:
            one.note("pipedrive", failed=None, down=None)
            one.deliver()
    assert inbox.taken() == ["pipedrive works again"]
    daemons[0].note("pipedrive", failed=None, down=REFUSED)
    daemons[0].deliver()
    assert len(inbox.taken()) == 1


def test_who_asks_for_failed_runs_alone_hears_of_them_whatever_the_cause(
    database: Database, clock: SetClock, inbox: Inbox
) -> None:
    one = alerting(database, clock, inbox, "run_failed")

    one.note("pipedrive", failed=REFUSED, down=REFUSED)
    one.deliver()
    one.note("pipedrive", failed=None, down=None)
    one.deliver()

    assert inbox.taken() == [
        "pipedrive could not be synced: CW202, the token has been refused since 09:20", "pipedrive is synced again",
    ]  # fmt: skip


def test_a_fault_of_the_program_is_a_failed_run(database: Database, clock: SetClock, inbox: Inbox) -> None:
    one = alerting(database, clock, inbox)

    one.note("pipedrive", failed=Trouble(text="a fault of the program: KeyError"), down=None)
    one.deliver()

    assert inbox.taken() == ["pipedrive could not be synced: a fault of the program: KeyError"]


def test_what_does_not_arrive_is_tried_again_later_each_time(database: Database, clock: SetClock, inbox: Inbox) -> None:
    one = alerting(database, clock, inbox)
    inbox.closed = True
    one.note("pipedrive", failed=None, down=REFUSED)
    one.deliver()
    inbox.closed = False

    clock.forward(seconds=29)
    one.deliver()
    assert inbox.taken() == []
    clock.forward(seconds=1)
    one.deliver()
    one.deliver()

    assert len(inbox.taken()) == 1


def test_a_trouble_that_ends_before_anybody_was_told_is_told_to_nobody(
    database: Database, clock: SetClock, inbox: Inbox
) -> None:
    one = alerting(database, clock, inbox)
    inbox.closed = True
    one.note("pipedrive", failed=None, down=REFUSED)
    one.deliver()
    one.note("pipedrive", failed=None, down=None)
    inbox.closed = False
    clock.forward(seconds=7200)

    one.deliver()

    assert inbox.taken() == []


@pytest.mark.parametrize("arrives", [True, False])
def test_a_trouble_that_ends_while_it_is_told_is_told_to_its_end_or_not_at_all(
    database: Database, clock: SetClock, inbox: Inbox, arrives: bool
) -> None:
    def send(address: str, message: Message) -> None:
        if message.state == "began":
            one.note("pipedrive", failed=None, down=None)
        if not arrives:
            raise UnsentError("x")
        inbox(address, message)

    one = Alerting(database, host="hub-1", clock=clock, send=send)
    one.follow([Alert(to="https://ops.test/secret", when=BOTH)])
    one.note("pipedrive", failed=None, down=REFUSED)

    for _ in range(3):
        one.deliver()
        clock.forward(seconds=3600)

    assert [sentence.split(":")[0] for sentence in inbox.taken()] == (
        ["pipedrive is down", "pipedrive works again"] if arrives else []
    )


def test_a_restart_goes_on_where_the_last_one_stood(database: Database, clock: SetClock, inbox: Inbox) -> None:
    first = alerting(database, clock, inbox)
    first.note("pipedrive", failed=None, down=REFUSED)

    second = alerting(database, clock, inbox)
    second.deliver()
    first.deliver()

    assert len(inbox.taken()) == 1


def test_a_target_that_the_file_no_longer_names_hears_nothing_more(
    database: Database, clock: SetClock, inbox: Inbox
) -> None:
    one = alerting(database, clock, inbox)
    one.note("pipedrive", failed=None, down=REFUSED)

    one.follow([Alert(to="https://other.test/x", when=("run_failed",))])
    one.note("pipedrive", failed=None, down=REFUSED)
    one.deliver()

    assert inbox.taken() == []


def test_neither_the_store_nor_the_log_knows_the_address_or_a_customer(
    database: Database, clock: SetClock, inbox: Inbox
) -> None:
    out = io.StringIO()
    log.configure(out=out, clock=clock)
    one = alerting(database, clock, inbox)
    inbox.closed = True
    one.note("crm", failed=Trouble(text="no mara.lindqvist@nordlicht.test there"), down=None)
    one.deliver()
    inbox.closed = False
    clock.forward(seconds=60)
    with database.read() as connection:
        stored = str(database.run(connection, "SELECT target, trouble, detail FROM alert").fetchall())
    one.deliver()

    said = out.getvalue()
    ((_, message),) = inbox.got
    for text in (stored, said, str(message)):
        assert "secret" not in text
        assert "mara" not in text
    assert [json.loads(line)["event"] for line in said.splitlines()] == ["alert.failed", "alert.sent"]
