"""Finds engines on this machine: servers by their command lines, and the ports where engines usually are.

Nothing is asked here and nothing is sent: what is found is where a look may be worth its while. Command lines
may hold secrets, so only host and port are taken out of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wattmark.engines.table import EngineKind, bundled_engines

PROC = Path("/proc")
HOST_OPTIONS = ("--host", "--http-address", "--metrics-address")
ANYWHERE = ("0.0.0.0", "::", "[::]", "")
"""Addresses that mean every one of the machine."""
LISTENING = "0A"
"""State of a listening socket in /proc/net/tcp (proc(5))."""
_PORT = re.compile(r"[0-9]{1,5}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Where an engine may be."""

    url: str
    engine: str
    """What its command line says it is; empty: only somebody who listens on a usual port."""
    pid: int | None = None
    shows_metrics: bool = True
    """False for engines that have none."""


def discover(proc: Path = PROC, kinds: Sequence[EngineKind] | None = None) -> list[Candidate]:
    """Every place where an engine may be: by process first, then usual ports that somebody listens on."""
    known = bundled_engines() if kinds is None else kinds
    listening = listening_ports(proc)
    found: dict[int, Candidate] = {}
    for pid, command in commands(proc):
        kind = kind_of_command(command, known)
        if kind is not None:
            candidate = _of_process(pid, command, kind)
            found.setdefault(int(candidate.url.rpartition(":")[2]), candidate)
    usual = {kind.port for kind in known if kind.signs}
    for port in sorted((usual & listening) - found.keys()):
        found[port] = Candidate(url=f"http://127.0.0.1:{port}", engine="")
    return list(found.values())


def commands(proc: Path = PROC) -> Iterator[tuple[int, list[str]]]:
    """Process ids and command lines, lowest first; those that may not be read or are gone are left out."""
    try:
        pids = sorted(int(entry.name) for entry in proc.iterdir() if entry.name.isdigit())
    except OSError:
        return
    for pid in pids:
        try:
            said = (proc / str(pid) / "cmdline").read_bytes()
        except OSError:
            continue
        if said:
            yield pid, [part.decode("utf-8", "replace") for part in said.rstrip(b"\0").split(b"\0")]


def kind_of_command(command: Sequence[str], kinds: Iterable[EngineKind]) -> EngineKind | None:
    """Which engine a command line starts; None when it is none that is known."""
    words = [part.rpartition("/")[2] for part in command]
    line = " ".join(words)
    for kind in kinds:
        for start in kind.processes:
            if re.search(rf"(^| ){re.escape(start)}", line):
                return kind
    return None


def listening_ports(proc: Path = PROC) -> frozenset[int]:
    """TCP ports that somebody listens on."""
    found: set[int] = set()
    for name in ("tcp", "tcp6"):
        try:
            lines = (proc / "net" / name).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if len(fields) > 3 and fields[3] == LISTENING:
                found.add(int(fields[1].rpartition(":")[2], 16))
    return frozenset(found)


def _of_process(pid: int, command: Sequence[str], kind: EngineKind) -> Candidate:
    port = next((p for p in (_option(command, o) for o in kind.port_options) if _PORT.fullmatch(p)), "")
    host = next((h for h in (_option(command, o) for o in HOST_OPTIONS) if h), "")
    where = "127.0.0.1" if host in ANYWHERE else host
    if ":" in where and not where.startswith("["):
        where = f"[{where}]"
    return Candidate(
        url=f"http://{where}:{port or kind.port}",
        engine=kind.id,
        pid=pid,
        shows_metrics=bool(kind.signs),
    )


def _option(command: Sequence[str], option: str) -> str:
    """The value of an option, ``--port 80`` or ``--port=80``; empty when it is not there."""
    for at, word in enumerate(command):
        if word == option and at + 1 < len(command):
            return command[at + 1]
        if word.startswith(f"{option}="):
            return word.removeprefix(f"{option}=")
    return ""
