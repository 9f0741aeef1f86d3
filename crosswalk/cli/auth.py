"""auth: a grant that is given in a browser."""

import os
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import urlsplit

import typer

from connectors.sdk.errors import GrantError
from crosswalk.cli import text
from crosswalk.cli.ask import unseen
from crosswalk.cli.loopback import HOST, Listener, query_of
from crosswalk.cli.options import app, command
from crosswalk.cli.screen import Line, Screen, padded, state
from crosswalk.cli.session import INTERRUPTED, Answer, Session, UsageError, told

if TYPE_CHECKING:
    from crosswalk.engine.authorize import Question

commands = app()

_PORT: Final = 8910
_LOOK: Final = 0.2  # seconds between a look at the listener and one at the keyboard


@command(
    commands,
    examples="""
        crosswalk auth pipedrive               opens the vendor's page, waits for the answer, keeps the grant
        crosswalk auth pipedrive --no-browser  shows the address; paste where the browser ended, or tunnel the port
        crosswalk auth salesforce --port 1717  where the app is registered with another redirect address
    """,
)
def auth(
    session: Session,
    connection: Annotated[str, typer.Argument(metavar="CONNECTION")],
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=1, max=65535, help="Of the redirect to this machine.")
    ] = _PORT,
    redirect: Annotated[
        str,
        typer.Option("--redirect", metavar="URI", help="Another redirect address; what it leads to is your matter."),
    ] = "",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open none: show the address alone.")] = False,
    timeout: Annotated[
        int, typer.Option("--timeout", metavar="SECONDS", min=1, help="How long the answer is waited for.")
    ] = 600,
) -> int:
    """Grant access to a connection in a browser, and keep the grant encrypted in the store."""
    from crosswalk.problems import ProblemsError

    redirect_uri = redirect or f"http://localhost:{port}/callback"
    if urlsplit(redirect_uri).scheme not in ("http", "https"):
        raise UsageError(f"--redirect {redirect}", "an address that is registered with the app, as https://host/path")

    def ask(question: "Question") -> Mapping[str, str]:
        return _asked(session, question, port=port, browser=not no_browser, seconds=timeout)

    def confirm(question: str) -> bool:
        return session.asker.confirm(question, what=question)

    try:
        with session.hub(stoppable=False) as hub:
            answer = hub.authorize(connection, redirect_uri=redirect_uri, ask=ask, confirm=confirm)
    except ProblemsError as error:
        found, code = told(error)
        session.fail(found, code)
        _say_registration(session, connection, redirect_uri)
        return code
    except KeyboardInterrupt:
        session.err.write(["Stopped. Nothing was kept."])
        return INTERRUPTED
    return session.show(answer, authorized)


def _asked(session: Session, question: "Question", *, port: int, browser: bool, seconds: int) -> Mapping[str, str]:
    """The query of the redirect, heard or pasted. Raises UsageError where it cannot be heard, GrantError without it."""
    pasting = session.asker.able
    if question.first:
        _say_steps(session, question.label, question.registration)
    with _listener(question, port) as listener, unseen() if pasting else nullcontext() as typed:
        opens = browser and _can_open()
        session.err.write(_invitation(question, opens=opens, pasting=pasting, seconds=seconds))
        if opens and not webbrowser.open(question.address):
            session.err.write(["There is no browser that can be opened from here: open the address yourself."])
        answer = listener.heard(seconds) if typed is None else _waited(session, question, listener, typed, seconds)
    if answer is None:
        raise GrantError(
            f"no answer came within {text.seconds(seconds)}",
            hint=f"run `crosswalk auth {question.connection}` again; where the browser is on another machine, begin "
            f"there with  ssh -L {port}:{HOST}:{port}  or paste the address that it ends at",
            code="CW205",
        )
    return answer


def _listener(question: "Question", port: int) -> Listener:
    try:
        return Listener(port, urlsplit(question.redirect_uri).path, question.fits)
    except OSError as error:
        raise UsageError(
            f"port {port} of this machine cannot be listened to: {error.strerror}",
            "give another one with --port, and register its redirect address with the app",
        ) from None


def _invitation(question: "Question", *, opens: bool, pasting: bool, seconds: int) -> list[Line]:
    lines: list[Line] = []
    if opens:
        lines.append(f"{question.label}'s page opens in your browser. If it does not:")
    else:
        lines.append("Open this address in a browser, as a user who may:")
    lines.append(f"  {question.address}")
    if pasting:
        lines.append("A browser elsewhere ends at a page that it cannot load: paste the address of that page here")
        lines.append("(it is not shown), and press enter.")
    lines.append(f"Waiting for the answer at {question.redirect_uri} for {text.seconds(seconds)} ...")
    return lines


def _waited(
    session: Session, question: "Question", listener: Listener, typed: Callable[[float], str | None], seconds: int
) -> Mapping[str, str] | None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (heard := listener.heard(0)) is not None:
            return heard
        line = typed(_LOOK)
        if line is None or not line.strip():
            continue
        answer = query_of(line)
        if question.fits(answer):
            return answer
        session.err.write(["That is not the answer to this question: paste the whole address that it ended at."])
    return None


def _can_open() -> bool:
    """Is there a browser with a window? One in the terminal would take it from us."""
    return sys.platform in ("darwin", "win32") or any(
        os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )


def _say_registration(session: Session, connection: str, redirect_uri: str) -> None:
    """The file cannot be read, as when the app's id is not there yet: how to come by one."""
    from connectors.sdk.registry import installed
    from crosswalk.engine.authorize import steps

    connector = installed(only=[connection]).connectors.get(connection)
    if connector is not None and (registration := getattr(connector, "registration", ())):
        _say_steps(session, connector.label, steps(registration, redirect_uri))


def _say_steps(session: Session, label: str, registration: Sequence[str]) -> None:
    lines: list[Line] = [f"At {label}, where there is no app yet:"]
    for number, step in enumerate(registration, start=1):
        lines += session.err.prose(step, indent=5, first=[*padded(f"  {number}", 4), " "])
    session.note(*lines)


def authorized(answer: Answer, screen: Screen) -> Iterator[Line]:
    """Whose account was granted."""
    failed = answer["account"] is None
    who = "the grant is kept; the account could not be asked" if failed else answer["account"]
    if answer.get("identity"):
        who += f", as {answer['identity']}"
    if not failed:
        who += "; the grant is kept encrypted in the store"
    first: Line = [*padded(answer["connection"], 15), " ", *padded([state("fail" if failed else "ok")], 6)]
    yield from screen.prose(who, indent=22, first=first)
    yield f"Next:  crosswalk check {answer['connection']}"
