"""What a program took: CPU, wall, memory; and what its database server took beside it (Linux: from /proc)."""

import os
import selectors
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Of one process from its start to its end, its own children among it."""

    code: int
    output: str
    errors: str
    cpu: float  # user + system, seconds
    wall: float
    peak: int  # resident, bytes


def measured(words: Sequence[str], *, environment: Mapping[str, str] | None = None, cwd: Path | None = None) -> Usage:
    begun = time.perf_counter()
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
        cwd=cwd,
    ) as process:
        output, errors = _read_both(process)
        # Not `wait`: the kernel tells what a process took to whoever reaps it.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return Usage(
        code=process.returncode,
        output=output,
        errors=errors,
        cpu=usage.ru_utime + usage.ru_stime,
        wall=time.perf_counter() - begun,
        peak=usage.ru_maxrss * 1024,
    )


def _read_both(process: subprocess.Popen[bytes]) -> tuple[str, str]:
    """Both streams to their ends; a program that fills one while the other is read would stand still."""
    held = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for stream, buffer in zip((process.stdout, process.stderr), held, strict=True):
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ, buffer)
        while selector.get_map():
            for key, _ in selector.select():
                more = os.read(key.fd, 65536)
                if more:
                    key.data.extend(more)
                else:
                    selector.unregister(key.fileobj)
    output, errors = (bytes(text).decode(errors="replace") for text in held)
    return output, errors


def server_cpu(postmaster: int) -> float:
    """CPU seconds of a PostgreSQL server so far: the postmaster, its children, and those that have ended.

    What an ended child took goes over to the postmaster when it is reaped. Where that happens while the others are
    being added up it would be missing, or there twice, so it is looked at again.
    """
    while True:
        ended = _times(postmaster)[2:]
        total = sum(_times(postmaster))
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _parent(int(entry.name)) == postmaster:
                total += sum(_times(int(entry.name))[:2])
        if _times(postmaster)[2:] == ended:
            return total / _TICKS


def _stat(process: int) -> list[str]:
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()  # the name before it may hold spaces


def _parent(process: int) -> int:
    fields = _stat(process)
    return int(fields[1]) if fields else -1


def _times(process: int) -> list[int]:
    """Of the process utime and stime, then those of its children that were reaped."""
    return [int(field) for field in _stat(process)[11:15]]
