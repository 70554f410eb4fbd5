"""Ports for servers that cannot choose one themselves."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

LOWEST, HIGHEST = 15_000, 32_000
"""Connections, and those who ask for any port, get one above 32767 on Linux, above 49151 on macOS."""

_held: list[int] = []
"""Open files whose locks keep the ports that we gave, as long as this process lives."""


def free_port() -> int:
    """A port that nobody listens on, and that no other test is given as long as this process lives.

    It lies where the system puts no connection of its own, so that nothing comes between here and the server.
    """
    for port in random.sample(range(LOWEST, HIGHEST), 1000):
        if _nobody_listens(port) and _reserved(port):
            return port
    raise OSError(f"of 1000 ports between {LOWEST} and {HIGHEST} none is free")


def _nobody_listens(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


def _reserved(port: int) -> bool:
    """Test processes that run side by side share the folder."""
    folder = Path(tempfile.gettempdir()) / f"wattmark-test-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    lock = os.open(folder / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    _held.append(lock)
    return True
