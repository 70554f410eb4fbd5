"""What the agent's journal holds: readings, requests and looks at engines, in the order in which they came.

Everything that windows are made from goes through here, so that what was taken before the agent was killed
is worked out again from the journal, by the same code. No entry holds a word of what was asked or answered.
"""

from __future__ import annotations

import msgspec

from wattmark.core.serving.engine import EngineReading
from wattmark.core.serving.line import Started
from wattmark.core.serving.request import Request

FORMAT = 1


class FileMark(msgspec.Struct, array_like=True, frozen=True):
    """How far a request log was read."""

    path: str
    file: str
    """Which file it was: device and number."""
    offset: int


class LastReading(msgspec.Struct, array_like=True, frozen=True):
    """The last good reading of a counter: what comes next is subtracted from it."""

    device_id: str
    joules: float
    at: float


class Head(msgspec.Struct, array_like=True, tag="head", frozen=True):
    """The first entry of a file: what to go on from."""

    format: int
    boot: str | None
    """Id of the machine's boot: counters and the monotonic clock go on within one."""
    run: str
    """Tells the process that wrote it from others."""
    offset_us: int
    devices: list[str]
    """Ids, in the order in which the entries of the file hold their readings."""
    last: list[LastReading]
    debts: dict[str, float]
    flying: list[Started]
    """Requests that are in flight; their times as of the agent."""
    files: list[FileMark]
    looks: list[EngineReading]
    heard: list[tuple[str, str, int]] = []
    """Of what requests were told, and when last."""
    stood_us: int = 0
    """When counters stood for requests last."""
    rule: str = ""
    """How the node was known last."""


class Ticked(msgspec.Struct, array_like=True, tag="tick", frozen=True):
    """One look at every meter."""

    at: float
    utc_us: int
    values: list[float | None]
    """Joules of counters, watts of sensors; None: a gap."""
    ats: list[float]
    reasons: dict[int, str]
    """Position -> why there is a gap."""


class Told(msgspec.Struct, array_like=True, tag="told", frozen=True):
    """Requests that were told. Times are as of the agent."""

    over: list[Request]
    begun: list[Started]
    mark: FileMark | None = None
    """Of the log that they come from: both are kept, or neither."""


class Looked(msgspec.Struct, array_like=True, tag="look", frozen=True):
    """One look at an engine; its time is as of the agent."""

    reading: EngineReading


class Done(msgspec.Struct, array_like=True, tag="done", frozen=True):
    """What came before is in the spool up to a moment, under this number."""

    number: int


Entry = Head | Ticked | Told | Looked | Done

encode = msgspec.msgpack.Encoder().encode
"""An entry as bytes."""
decode = msgspec.msgpack.Decoder(Entry).decode
"""An entry from bytes. Raises msgspec.DecodeError."""
