"""A word to systemd that the daemon is ready, alive, or about to end (man sd_notify). Elsewhere it says nothing."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from os import environ
from typing import Final, Literal

_ADDRESS: Final = "NOTIFY_SOCKET"


def tell(word: Literal["READY=1", "WATCHDOG=1", "STOPPING=1"], known: Mapping[str, str] = environ) -> None:
    """Whoever does not listen any more ends no daemon."""
    address = known.get(_ADDRESS)
    if not address:
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaking:
        # "@" stands for the zero byte of an address that is no file.
        speaking.connect(address.replace("@", "\0", 1) if address.startswith("@") else address)
        speaking.sendall(word.encode())
