"""The daemon's log: one line per thing that an operator might act on. JSON on stdout, or plain text for a terminal.

Nothing personal and no secret gets in: events and fields are listed here, what is not listed is masked, texts are
searched for addresses, numbers and tokens, and of a foreign exception only its type and place are told, since its
text may quote what it was working on.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Literal, TextIO, TypeAlias

import structlog
from structlog.contextvars import bound_contextvars, get_contextvars

from crosswalk.clock import now

Level: TypeAlias = Literal["debug", "info", "warning", "error"]

EVENTS: Final[Mapping[str, str]] = {
    "daemon.start": "the daemon has begun its work",
    "daemon.stopping": "a signal came; what is in flight is finished",
    "daemon.stopped": "the daemon has ended",
    "settings.loaded": "the configuration was read",
    "settings.rejected": "the configuration has errors; the one before stays in force",
    "run.start": "a run has begun",
    "run.done": "a run has ended",
    "run.failed": "a run ended before its time",
    "stream.done": "a stream was read to its end",
    "stream.failed": "a stream stopped; the others go on",
    "connection.paused": "a connection waits for a person",
    "connection.resumed": "a connection works again",
    "field.paused": "a field is gone at the vendor; its stream goes on",
    "field.frozen": "a field flips between hub and vendor",
    "plan.ready": "a plan waits to be applied",
    "plan.stale": "a plan no longer fits",
    "guard.tripped": "a class of writes waits, since there are too many",
    "letter.opened": "a record or field was set aside",
    "letter.closed": "what was set aside is settled",
    "writes.stopped": "so many writes were refused that the stream stopped writing",
    "token.refreshed": "a new access token was fetched",
    "token.refused": "the vendor refuses a token",
    "vendor.throttled": "the vendor asks to slow down",
    "vendor.silent": "the vendor does not answer",
    "budget.spent": "the day's share of calls is used up",
    "lease.lost": "another process took over",
    "alert.sent": "somebody was told that a trouble began or ended",
    "alert.failed": "an alert could not be sent; it is tried again",
    "store.migrated": "the store's tables were brought to this version",
    "store.failed": "the store cannot be read or written",
    "store.answers": "the store can be read and written again",
    "audit.done": "a sample was compared with the vendor",
    "program.error": "a fault of the program; the run it happened in has ended",
    "library.message": "something that a library reports",
}

# What a line may say. Whatever else is handed in shows as masked, so that nothing gets in by accident.
FIELDS: Final = frozenset(
    {
        *("run", "plan", "connection", "stream", "code", "class", "entity", "record", "field", "letter", "conflict"),
        *("host", "version", "connections", "streams", "signal", "finishing", "unfinished", "slot", "trigger", "job"),
        *("outcome", "read", "changed", "planned", "written", "aside", "waiting", "moved", "compared", "differences"),
        *("ceiling", "calls", "left", "limit", "unit", "tries", "until", "since", "seconds", "status", "schema"),
        *("text", "hint", "problems", "error", "at", "logger", "pages", "part", "state"),
    }
)

MASK: Final = "•••"

_PERSONAL: Final = (
    re.compile(r"[^\s@/:,;<>()\"']+@[^\s@/:,;<>()\"']+\.[^\s@/:,;<>()\"']+"),  # addresses
    re.compile(r"(?<![\w-])\+?\d[\d \-/().]{6,}\d(?![\w-])"),  # telephone numbers
)
_SECRET: Final = (
    re.compile(r"\b(?:Bearer|Basic|token|Zoho-oauthtoken)\s+[\w.~+/=-]{8,}", re.IGNORECASE),
    re.compile(r"(?<=://)[^/@\s]*(?=@)"),  # user and password of an address
    re.compile(r"(?<=\?)[^\s\"']+"),  # what an address asks for
    re.compile(r"\b(?=[A-Za-z_\-.]*\d)(?=[\d_\-.]*[A-Za-z])[A-Za-z0-9_\-.]{32,}\b"),  # tokens and keys
)
# Times and numbers of ours look like telephone numbers.
_OURS: Final = re.compile(r"^(?:\d{4}-\d\d-\d\d(?:[T ][\d:.]+(?:Z|[+-]\d\d:\d\d)?)?|-?[\d,]+(?:\.\d+)?)$")
_PLAIN_FIRST: Final = ("run", "connection", "stream")

Record: TypeAlias = MutableMapping[str, Any]  # structlog's: one line before it is written


def configure(
    *,
    out: TextIO | None = None,
    plain: bool = False,
    level: Level = "info",
    clock: Callable[[], datetime] = now,
) -> None:
    """Write the log to `out` (stdout). `plain`: for people; `clock`: whose time the lines carry."""
    target = sys.stdout if out is None else out
    structlog.configure(
        processors=[
            _about_first,
            structlog.processors.add_log_level,
            _known,
            _without_exception_text,
            _clean,
            _timed(clock),
            _plain if plain else structlog.processors.JSONRenderer(ensure_ascii=False, separators=(",", ":")),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Library)]:
        root.removeHandler(handler)
    root.addHandler(_Library(logging.WARNING))


def event(name: str, /, *, level: Level = "info", error: BaseException | None = None, **fields: Any) -> None:
    """Write one line. `name` is one of EVENTS, `fields` are of FIELDS (`class_` for class); `error`: what ended it."""
    getattr(structlog.get_logger(), level)(name, exc=error, **fields)


def about(**fields: Any) -> AbstractContextManager[None]:
    """Fields that every line of this thread carries until the block ends: `with about(run="R147"):`."""
    return bound_contextvars(**fields)


def _about_first(_logger: object, _method: str, record: Record) -> Record:
    return {**get_contextvars(), **record}


def _known(_logger: object, _method: str, record: Record) -> Record:
    """An event that nobody listed is a mistake; it is told as one and stops nothing."""
    if record["event"] not in EVENTS:
        told = {"event": "program.error", "level": "error", "text": "an event that is not listed"}
        return {**told, "exc": record.get("exc")}
    return record


def _without_exception_text(_logger: object, _method: str, record: Record) -> Record:
    error = record.pop("exc", None)
    if error is None:
        return record
    record["error"] = type(error).__name__
    # Texts of our own errors hold neither secrets nor values of customers; those of others might.
    text, code = getattr(error, "text", None), getattr(error, "code", None)
    if isinstance(text, str):
        record.setdefault("text", text)
    if isinstance(code, str) and code.startswith("CW"):  # libraries have codes of their own
        record.setdefault("code", code)
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        record["at"] = [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames[-6:]]
    return record


def _short(filename: str) -> str:
    return "/".join(Path(filename).parts[-2:])


def _clean(_logger: object, _method: str, record: Record) -> Record:
    told = {"event": record["event"], "level": record.get("level", "info")}
    for name, value in record.items():
        if name not in told and value is not None:
            plain = name.removesuffix("_")
            told[plain] = _safe(value) if plain in FIELDS else MASK
    return told


def _safe(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {redacted(str(name)): _safe(one) for name, one in value.items()}
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        return [_safe(one) for one in value]
    return redacted(str(value))


def redacted(text: str) -> str:
    """The text without e-mail addresses, telephone numbers, tokens and passwords."""
    if _OURS.match(text):
        return text
    for pattern in (*_SECRET, *_PERSONAL):
        text = pattern.sub(MASK, text)
    return text


def _timed(clock: Callable[[], datetime]) -> Callable[[object, str, Record], Record]:
    def add(_logger: object, _method: str, record: Record) -> Record:
        ts = clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {"ts": ts, "level": record.pop("level"), "event": record.pop("event"), **record}

    return add


def _plain(_logger: object, _method: str, record: Record) -> str:
    """`2026-11-23 08:15:09  warning  guard.tripped  run=R147 stream=pipedrive/persons class=create`."""
    first = [name for name in _PLAIN_FIRST if name in record]
    rest = [name for name in record if name not in (*first, "ts", "level", "event")]
    said = " ".join(f"{name}={_word(record[name])}" for name in (*first, *rest))
    when = str(record["ts"])[:19].replace("T", " ")
    return f"{when}  {record['level']:<7}  {record['event']:<18}  {said}".rstrip()


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(str(one) for one in value) or "-"
    text = str(value)
    return f'"{text}"' if re.search(r"[\s=]", text) else text


class _Library(logging.Handler):
    """Libraries log through the standard library: told by logger and place. Their words may quote data."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith("structlog"):
            return
        level: Level = "error" if record.levelno >= logging.ERROR else "warning"
        # A template without its arguments quotes nothing.
        text = str(record.msg) if record.args else None
        at = f"{_short(record.pathname)}:{record.lineno}"
        error = record.exc_info[1] if record.exc_info else None
        event("library.message", level=level, error=error, logger=record.name, at=at, text=text)
