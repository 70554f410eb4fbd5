"""LoadGen's detail log, and what power-dev writes of the analyser in ``power/server.json``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError
from wattmark.sources.json_input import at, list_at, number_at, parsed, text_at
from wattmark.sources.lines import lines_of, number_of
from wattmark.sources.moments import moment_us

LAYOUT = "%m-%d-%Y %H:%M:%S.%f"
MOMENT = re.compile(r"\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\.\d+")
KEPT = (
    "loadgen_version",
    "effective_scenario",
    "effective_samples_per_query",
    "result_query_count",
    "result_validity",
)
US = 1_000_000
MOST_OFFSET = 86400
MOST_HEAD = 4096


@dataclass(slots=True)
class LoadGen:
    """What the detail log says of its run."""

    begin_us: int = 0
    end_us: int = 0
    result: dict[str, Any] = field(default_factory=dict)

    def number(self, key: str) -> float | None:
        """The number under a key; None when there is none."""
        return number_at(self.result, key)


def loadgen_of(path: Path) -> LoadGen:
    """The markers and results in ``mlperf_log_detail.txt``. Raises EvidenceError when a marker is missing.

    Since v1.0 a line is ``:::MLLOG {"key": "power_begin", "value": "02-09-2024 08:24:04.925", ...}``; in v0.7
    it is text with ``POWER_BEGIN``.
    """
    log = LoadGen()
    marks: dict[str, int] = {}
    for number, line in _heads(path):
        lowered = line.lower()
        for mark in ("power_begin", "power_end"):
            if mark in lowered and mark not in marks:
                found = MOMENT.search(line)
                moment = moment_us(found[0], UTC, LAYOUT) if found else None
                if moment is None:
                    raise EvidenceError(
                        f"{path}:{number}", f"{mark} states no time like 02-09-2024 08:24:04.925"
                    )
                marks[mark] = moment
        if line.startswith(":::MLLOG") and any(f'"{key}"' in line[:80] for key in KEPT):
            entry = parsed(line.removeprefix(":::MLLOG"))[0]
            if text_at(entry, "key") in KEPT:
                log.result[text_at(entry, "key")] = at(entry, "value")
    lacking = [mark for mark in ("power_begin", "power_end") if mark not in marks]
    if lacking:
        raise EvidenceError(
            str(path), f"has no {' and no '.join(lacking)}: it is not of a power run that ended"
        )
    log.begin_us, log.end_us = marks["power_begin"], marks["power_end"]
    if log.end_us <= log.begin_us:
        raise EvidenceError(str(path), "power_end does not come after power_begin")
    return log


def _heads(path: Path) -> Iterator[tuple[int, str]]:
    """Number and beginning of each line: LoadGen writes lists of all its samples into one line."""
    number, begun = 0, True
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            while head := file.readline(MOST_HEAD):
                number += begun
                if begun:
                    yield number, head.rstrip("\r\n")
                begun = head.endswith("\n")
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror or error}") from None


def offset_of(path: Path) -> int:
    """Microseconds that take a machine's local time to UTC, of its session file; 0 where none tells it."""
    seconds = number_at(_session(path), "timezone")
    return round(seconds * US) if seconds is not None and abs(seconds) <= MOST_OFFSET else 0


@dataclass(frozen=True, slots=True)
class Analyser:
    """The power analyser, as far as PTDaemon told."""

    name: str = ""
    serial: str = ""
    certified: bool = False
    """PTDaemon worked out the uncertainty of the test's samples, and none was refused."""


def analyser_of(path: Path) -> Analyser:
    """The analyser of a session; without a name where there is no session file."""
    replies = [(text_at(m, "cmd"), text_at(m, "reply")) for m in list_at(_session(path), "ptd_messages")]
    identity = next((reply for cmd, reply in replies if cmd == "Identify"), "")
    uncertain = [reply.split(",") for cmd, reply in replies if cmd == "Uncertainty"]
    known = bool(uncertain) and _share(uncertain[-1]) is not None
    return Analyser(
        name=identity.partition(",")[0],
        serial=identity.rpartition(",")[2],
        certified=known,
    )


def system_of(path: Path) -> str | None:
    """How many of which accelerators, or processors, a submission's system description states."""
    if not path.is_file():
        return None
    document = parsed("\n".join(line for _, line in lines_of(path)))[0]
    nodes = _number(document, "number_of_nodes") or 1.0
    for count, name in (
        ("accelerators_per_node", "accelerator_model_name"),
        ("host_processors_per_node", "host_processor_model_name"),
    ):
        each, called = _number(document, count), text_at(document, name)
        if each and called and called.upper() != "N/A":
            return f"{each * nodes:g} x {called}"
    return None


def _number(document: Any, key: str) -> float | None:
    """Descriptions write counts as numbers and as text."""
    found = at(document, key)
    return number_of(str(found)) if found is not None else None


def _share(cells: list[str]) -> float | None:
    """Mean uncertainty of ``Uncertainty,0.002266,...``; -1 stands for unknown."""
    try:
        value = float(cells[1])
    except (IndexError, ValueError):
        return None
    return value if 0 < value <= 0.01 else None


def _session(path: Path) -> Mapping[str, Any]:
    if not path.exists():
        return {}
    document = parsed("\n".join(line for _, line in lines_of(path)))[0]
    return document if isinstance(document, dict) else {}
