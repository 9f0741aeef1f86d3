"""What `crosswalk init` asks and writes."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from crosswalk.cli import text
from crosswalk.cli.screen import Line, Screen, padded
from crosswalk.cli.session import DONE, Answer, Session, UsageError

if TYPE_CHECKING:
    from crosswalk.settings.exports import Draft

_PORT, _CONTROL = 8700, 9  # the first port of `crosswalk sandbox`, and how far above it its control port is
_NEVER = "crosswalk.key"  # a key that is there opens a store; no answer replaces it
_PRIVATE = ("crosswalk.key", ".env")
_IGNORED = ".gitignore"
_FILES = "files"  # the connector of exports


def begin(session: Session, *, connect: Sequence[str], simulated: bool, exports: Path | None = None) -> int:
    """Ask where a terminal is, write, and say what for. Raises UsageError before anything is written."""
    from crosswalk.settings.init import FILE, starter

    known = _connectors()
    config = session.manners.config
    folder = config.absolute().parent
    drafts = [] if exports is None else _drafts(exports)
    if exports is not None:
        connect = list(dict.fromkeys([*connect, _FILES]))
    chosen, masters, zone = _chosen(session, connect, simulated, known)
    given, env = _simulators() if simulated else ({}, {})
    if exports is not None:
        given[_FILES] = {"path": _seen_from(folder, exports)}
    at_home = any(draft.has_home_numbers for draft in drafts)
    region = _region(zone) if at_home else None
    streams = {_FILES: [line for draft in drafts for line in draft.lines()]}
    files = starter(chosen, masters, zone, phone_region=region, given=given, streams=streams)
    if env:
        files[".env"] = _filled(files[".env.example"], env)
    files[config.name] = files.pop(FILE)
    files = {name: files[name] for name in (config.name, *(name for name in files if name != config.name))}
    _allow(session, folder, [name for name in files if name not in (_NEVER, _IGNORED)])
    folder.mkdir(parents=True, exist_ok=True)
    kept = [name for name, content in files.items() if not _write(folder / name, content)]
    answer = {
        "written": [name for name in files if name not in kept],
        "kept": kept,
        "connections": chosen,
        "secrets": sum(1 for line in files[".env.example"].splitlines() if line.endswith("=")),
        "streams": [draft.told() for draft in drafts],
        "numbers_of_home": at_home,
        "phone_region": region,
        "exit_code": DONE,
    }
    return session.show(answer, lambda a, s: wrote(a, s, config=config.name, simulated=simulated))


def _drafts(exports: Path) -> "list[Draft]":
    from connectors.files.glimpse import ENDINGS
    from connectors.sdk.errors import ConnectorError
    from crosswalk.settings.exports import drafts

    try:
        found = drafts(exports)
    except ConnectorError as error:
        raise UsageError(str(error), "name a folder that this user may look into") from None
    if not found:
        raise UsageError(f"no export lies in {exports}", f"a file that ends in {', '.join(ENDINGS)}")
    return found


def _seen_from(folder: Path, exports: Path) -> str:
    """As the file beside which it is to be found writes it."""
    from crosswalk.settings.exports import scalar

    path = exports.absolute()
    return scalar(f"./{path.relative_to(folder).as_posix()}" if path.is_relative_to(folder) else str(path))


def _region(zone: str) -> str | None:
    """The country that a time zone is of, which numbers without a country's code are taken for."""
    from importlib.resources import files

    rows = (line.split("\t") for line in files("tzdata").joinpath("zoneinfo", "zone.tab").read_text().splitlines())
    return next((row[0] for row in rows if len(row) > 2 and row[2] == zone), None)


def _connectors() -> list[str]:
    from connectors.sdk.registry import installed

    return sorted(installed().connectors)


def _chosen(
    session: Session, connect: Sequence[str], simulated: bool, known: Sequence[str]
) -> tuple[list[str], list[str], str]:
    if simulated:
        names = list(connect) or ["pipedrive", "typeform"]
    elif connect:
        names = list(dict.fromkeys(connect))
    else:
        return _ask(session, known)
    for name in names:
        if name not in known:
            raise UsageError(f"there is no connector '{name}'", f"there are: {', '.join(known)}")
    return names, names, local_zone()


def _ask(session: Session, known: Sequence[str]) -> tuple[list[str], list[str], str]:
    asker = session.asker
    names = asker.mark("Systems      space marks, enter goes on    ", known, flag="--connect A,B or --sandbox")
    if not names:
        raise UsageError("no system is marked", "mark one with space, or give --connect A,B")
    masters = names
    if len(names) > 1:
        ranked = "   ".join(f"{at} {name}" for at, name in enumerate(names, start=1))
        while True:
            answer = asker.ask(
                f"Whose value wins when two disagree?   {ranked}   [as listed, or 2 1]", what="", flag=""
            )
            order = answer.replace(",", " ").split()
            if not order:
                break
            if all(one.isdigit() and 0 < int(one) <= len(names) for one in order) and len(set(order)) == len(order):
                first = [names[int(one) - 1] for one in order]
                masters = first + [name for name in names if name not in first]
                break
            session.err.write([f"numbers from 1 to {len(names)}, the first wins"])
    zone = local_zone()
    while True:
        answer = asker.ask(f"Time zone    [{zone}]", what="", flag="") or zone
        if _is_zone(answer):
            return names, masters, answer
        session.err.write([f"there is no time zone '{answer}': write it as Europe/Berlin"])


def local_zone() -> str:
    """This machine's zone by its IANA name; UTC where it does not say."""
    told = os.environ.get("TZ", "").removeprefix(":")
    if told and _is_zone(told):
        return told
    try:
        target = os.readlink("/etc/localtime")
    except OSError:
        return "UTC"
    name = target.partition("zoneinfo/")[2].removeprefix("Etc/")
    return name if _is_zone(name) else "UTC"


def _is_zone(name: str) -> bool:
    from zoneinfo import available_timezones

    return name in available_timezones()


def _simulators() -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Where `crosswalk sandbox` listens, and what lets a client in: of the one that runs, else of the usual one."""
    from sandbox.server import MAKERS, Sandbox

    given: dict[str, dict[str, str]] = {}
    env: dict[str, str] = {}
    seed, size = _world_that_runs()
    with Sandbox.start(tuple(MAKERS), seed=seed, size=size) as running:
        for at, vendor in enumerate(running.vendors):
            address = f"http://127.0.0.1:{_PORT + at}"
            given[vendor.name] = {
                "base_url": address,
                "token_url": address + vendor.token_url.removeprefix(vendor.base_url),
            }
            env |= {f"{vendor.name}_{name}".upper(): held for name, held in vendor.credentials.items()}
    return given, env


def _world_that_runs() -> tuple[int, int]:
    """Seed and size, as the control port tells them; those of a plain `crosswalk sandbox` where none listens."""
    try:
        with urlopen(f"http://127.0.0.1:{_PORT + _CONTROL}/", timeout=1) as answer:
            told = json.load(answer)
        return int(told["seed"]), int(told["size"])
    except (OSError, ValueError, KeyError, TypeError):
        return 7, 5000


def _filled(example: str, env: Mapping[str, str]) -> str:
    """The variables of the example with their values, its comments left out."""
    names = [line.removesuffix("=") for line in example.splitlines() if line.endswith("=")]
    return "".join(f"{name}={env.get(name, '')}\n" for name in names)


def _allow(session: Session, folder: Path, names: Sequence[str]) -> None:
    """Nothing that is there is replaced without a word."""
    there = [name for name in names if (folder / name).exists()]
    if there and not session.asker.confirm(
        f"Replace {', '.join(there)}?", what=f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there already"
    ):
        raise UsageError("nothing was written", "another folder, or --config FILE")


def _write(path: Path, content: str) -> bool:
    """False: it stays as it is."""
    if path.name == _IGNORED:
        return _ignore(path, content.split())
    if path.name == _NEVER and path.exists():
        return False
    mode = 0o600 if path.name in _PRIVATE else 0o666
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(content)
    return True


def _ignore(path: Path, names: Sequence[str]) -> bool:
    """Add what is not yet in the list of a version control."""
    held = path.read_text("utf-8") if path.exists() else ""
    missing = [name for name in names if name not in held.split()]
    if missing:
        gap = "" if not held or held.endswith("\n") else "\n"
        path.write_text(f"{held}{gap}" + "".join(f"{name}\n" for name in missing), "utf-8")
    return bool(missing)


def _read(answer: Answer, screen: Screen) -> Iterator[Line]:
    """What was understood of a folder of exports."""
    width = max((len(stream["files"]) for stream in answer["streams"]), default=0)
    first = "read"
    for stream in answer["streams"]:
        name = [*padded(first, 7), *padded(stream["files"], width)]
        yield from screen.prose(_understood(stream), indent=max(24, 9 + width), first=name)
        first = ""
    if answer["streams"]:
        yield from screen.prose("Columns that are not mapped stand in the file as comments.", indent=7)
    if answer["numbers_of_home"]:
        told = (
            f"are taken for those of {answer['phone_region']}: `phone_region`."
            if answer["phone_region"]
            else "cannot be read before `phone_region` says whose they are."
        )
        yield from screen.prose(f"Telephone numbers without their country's code {told}", indent=7)


def _understood(stream: Mapping[str, Any]) -> str:
    if stream["fault"]:
        return f"left out: {stream['fault']}"
    if not stream["entity"]:
        return "each row something else than a person or a company: say what, in the file"
    key = f"known by '{stream['key']}'" if stream["key"] else "no column tells them apart: say which, at `key`"
    rows = {"person": "people", "company": "companies"}[stream["entity"]]
    return f"{rows}, {key}; {stream['mapped']} of {text.count(stream['columns'], 'column')} mapped"


def wrote(answer: Answer, screen: Screen, *, config: str, simulated: bool) -> Iterator[Line]:
    """Each file and what it is for."""
    connections, secrets = len(answer["connections"]), answer["secrets"]
    refers = "the secret it refers to" if secrets == 1 else f"the {text.number(secrets)} secrets it refers to"
    about: dict[str, Any] = {
        config: f"{text.count(connections, 'connection')}, read only until you add `write`; every key explained",
        "crosswalk.schema.json": "with it your editor completes and checks the file",
        ".env.example": f"{refers}; copy to .env and fill in" if secrets else "where secrets will stand",
        ".env": "what lets a client into the simulated vendors",
        "crosswalk.key": "encrypts stored tokens; back it up, never commit it (added to .gitignore)",
    }
    first = "wrote"
    for name in answer["written"]:
        if name in about and not (simulated and name == ".env.example"):
            yield from screen.prose(about[name], indent=max(24, 10 + len(name)), first=[*padded(first, 7), name])
            first = ""
    yield from _read(answer, screen)
    for name in answer["kept"]:
        if name in about:
            yield from screen.prose("as it was", indent=24, first=[*padded("kept", 7), name])
    other = "(in another window:  crosswalk sandbox)" if simulated else "(no account at hand?  crosswalk demo)"
    yield from screen.titled("Next:  crosswalk check", other, at=53)
