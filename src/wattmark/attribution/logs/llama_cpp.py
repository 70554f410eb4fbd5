"""llama-server's log: from the line that gives a task to a slot to the one that releases it.

Lines as tools/server/server-context.cpp of llama.cpp writes them; their stamps count from the start of the
server (common/log.cpp: minutes.seconds.milliseconds.microseconds), unless whoever collects the log puts the
time of day before them (``docker logs --timestamps``, ``journalctl -o short-iso-precise``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from wattmark.attribution.columns import RequestColumns
from wattmark.attribution.logs.blocks import Lines
from wattmark.attribution.logs.catalog import Asked
from wattmark.attribution.logs.files import blocks_of, lines_of
from wattmark.attribution.logs.layout import NAMES, Layout, layout_for
from wattmark.attribution.logs.parsed import Services, requests_of
from wattmark.attribution.logs.rows import Row, parsed_rows
from wattmark.attribution.logs.tally import Tally
from wattmark.attribution.logs.values import Bad, stamp_parser, zone_named
from wattmark.core.errors import UsageError

SLOT = re.compile(
    rb"^(?:\x1b\[[0-9;]*m)*(?P<stamp>\S+) .*?slot +(?P<what>\S+): "
    rb"id +(?P<slot>\d+) \| task (?P<task>-?\d+) \| (?P<said>.*)$"
)
SINCE = re.compile(rb"(\d+)\.(\d\d)\.(\d\d\d)\.(\d\d\d)")
TIMING = re.compile(rb"(?P<what>prompt eval|eval|total) time = +(?P<ms>[0-9.]+) ms / +(?P<tokens>\d+) tokens")
RELEASED = re.compile(rb"stop processing: n_tokens = (\d+), truncated = (\d+)")
ALONE = re.compile(rb"(?:\S+ +)?(?:prompt )?eval time =")
STAMPLESS = re.compile(rb"slot +launch_slot_: id ")
ROWS = 100_000
LAYOUT = {name: [(name, "")] for name in NAMES} | {
    "request_id": [("request_id", "")],
    "start": [("start", "us")],
    "end": [("end", "us")],
    "to_first_token": [("to_first_token", "ms")],
    "input_tokens": [("input_tokens", "")],
    "cached_input_tokens": [("cached_input_tokens", "")],
    "output_tokens": [("output_tokens", "")],
    "failed": [("failed", "")],
}
NO_DAY = (
    "its stamps count from the start of the server: say when that was with -o began=2026-11-22T06:00:00Z, or "
    "collect the log with the time of day (docker logs --timestamps, journalctl -o short-iso-precise)"
)

NO_STAMPS = (
    "its lines have no times: start llama-server with --log-prefix --log-timestamps, or collect the log with "
    "the time of day (docker logs --timestamps)"
)


@dataclass(slots=True)
class _Task:
    """What is known of the task of a slot."""

    start_us: int
    prompt_ms: float | None = None
    read: int | None = None
    """Input tokens that were read, without those from the cache."""
    written: int | None = None


def read(asked: Asked) -> Iterator[RequestColumns]:
    """The requests of a log. Raises UsageError where its stamps cannot be placed in time."""
    options = {key: value for key, value in asked.options.items() if key != "began"}
    moment = 1_700_000_000_000_000
    row: dict[str, Any] = dict.fromkeys(LAYOUT) | {"start": moment, "end": moment}
    layout = layout_for(LAYOUT, [row], options, asked.tally.name)
    clock = _Clock(asked.options, asked.tally.name)
    return _requests(asked, layout, clock)


def _requests(asked: Asked, layout: Layout, clock: _Clock) -> Iterator[RequestColumns]:
    services = Services()
    lines = (line for block in blocks_of(asked.path, asked.tally) for line in lines_of(block))
    rows = _rows(lines, clock, asked.tally)
    while some := list(islice(rows, ROWS)):
        parsed = parsed_rows(some, layout, services, asked.tally, with_ids=asked.with_ids)
        yield requests_of(parsed, services, asked.tally, layout.tolerance_us)


class _Clock:
    """Places stamps in time."""

    def __init__(self, options: Any, name: str) -> None:
        zone = zone_named(options.get("zone"))
        self._written = stamp_parser("iso", zone)
        self._name = name
        self._began: int | None = None
        if "began" in options:
            try:
                self._began = self._written(options["began"])
            except Bad as error:
                raise UsageError(f"-o began: {error}") from None

    def us(self, stamp: bytes) -> int:
        """The moment of a stamp. Raises Bad, and UsageError where nobody said when the server was started."""
        since = SINCE.fullmatch(re.sub(rb"\x1b\[[0-9;]*m", b"", stamp))
        if since is None:
            return self._written(stamp.decode("utf-8", "replace"))
        if self._began is None:
            raise UsageError(f"{self._name}: {NO_DAY}")
        minutes, seconds, ms, us = map(int, since.groups())
        return self._began + ((minutes * 60 + seconds) * 1000 + ms) * 1000 + us


def _rows(lines: Lines, clock: _Clock, tally: Tally) -> Iterator[Row]:
    """A row for each task that a slot was released from."""
    tasks: dict[tuple[bytes, bytes], _Task] = {}
    current: tuple[bytes, bytes] | None = None
    for number, line in lines:
        found = SLOT.match(line)
        if found is None:
            if STAMPLESS.match(line):
                raise UsageError(f"{tally.name}:{number}: {NO_STAMPS}")
            if current in tasks and ALONE.match(line):
                _timed(tasks[current], line)  # older servers write the timings on lines of their own
            continue
        current = found["slot"], found["task"]
        try:
            if found["what"] == b"launch_slot_" and found["said"].startswith(b"processing task"):
                tasks[current] = _Task(clock.us(found["stamp"]))
            elif found["what"] == b"print_timing" and current in tasks:
                _timed(tasks[current], found["said"])
            elif found["what"] == b"release" and current in tasks:
                released = RELEASED.match(found["said"])
                yield number, _row(tasks.pop(current), clock.us(found["stamp"]), found["task"], released)
        except Bad as error:
            tally.refuse(number, f"its stamp {error}")
    tally.ignored += len(tasks)


def _timed(task: _Task, said: bytes) -> None:
    for timing in TIMING.finditer(said):
        tokens = int(timing["tokens"])
        if timing["what"] == b"prompt eval":
            task.prompt_ms, task.read = float(timing["ms"]), tokens
        elif timing["what"] == b"eval":
            task.written = tokens


def _row(task: _Task, end_us: int, name: bytes, released: re.Match[bytes] | None) -> dict[str, Any]:
    """A task as a request. One that was released without its timings was cut off.

    The slot then holds the input and all tokens written but the last one: what of the input was not read came
    from the cache.
    """
    row: dict[str, Any] = {
        "request_id": f"task-{name.decode()}",
        "start": task.start_us,
        "end": end_us,
        "to_first_token": task.prompt_ms,
        "input_tokens": task.read,
        "output_tokens": task.written,
        "failed": task.written is None,
    }
    if released is not None and released[2] == b"0" and task.read is not None and task.written:
        whole = int(released[1]) + 1 - task.written
        if whole >= task.read:
            row |= {"input_tokens": whole, "cached_input_tokens": whole - task.read}
    return row
