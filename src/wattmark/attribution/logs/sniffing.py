"""Which format a log has, from what it begins with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wattmark.attribution.logs.files import head_of
from wattmark.attribution.logs.json_lines import first_rows
from wattmark.core.errors import EvidenceError

PARQUET = b"PAR1"
HEADER = re.compile(r"[\w\s.\"/()-]+([,;\t][\w\s.\"/()-]+)+")
"""The first line of a table: names, and what separates them."""
SIGNS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "otlp": (("resourceSpans",),),
    "ollama": (("created_at", "total_duration", "eval_count"),),
    "nginx": (("request_time",), ("upstream_response_time",)),
    "envoy": (("start_time", "duration", "response_code"), ("start_time", "duration", "response_flags")),
    "sglang": (("event", "rid", "timestamp"),),
    "tgi": (("timestamp", "level", "message", "target"),),
    "jsonl": (("start",), ("end",), ("start_us",), ("end_us",), ("start_ms",), ("end_ms",), ("start_time",)),
}
"""Fields that together say which format a row has; the first that fits is taken."""


def format_of(path: Path) -> str:
    """The format of a log. Raises EvidenceError when it is none that we know."""
    with path.open("rb") as file:
        if file.read(4) == PARQUET:
            return "parquet"
    head = head_of(path)
    if rows := first_rows(head[: 1 << 16]) or first_rows(head):
        return _of_rows(rows[:50]) or _unknown(
            path, "its rows are JSON objects with other fields than we know"
        )
    if _is_otlp_protobuf(head):
        return "otlp"
    text = head.decode("utf-8", "replace")
    if "slot " in text and ("print_timing" in text or "launch_slot_" in text):
        return "llama.cpp"
    header = text.partition("\n")[0]
    if HEADER.fullmatch(header.strip()):
        return "csv"
    return _unknown(path, "it is neither JSON Lines, CSV, Parquet, OTLP nor llama-server's log")


def _of_rows(rows: Sequence[Mapping[str, Any]]) -> str | None:
    for name, signs in SIGNS.items():
        for row in rows:
            if any(all(field in row for field in sign) for sign in signs):
                return name
    return None


def _is_otlp_protobuf(head: bytes) -> bool:
    """A message that begins with its first field, with or without its length before it."""
    framed = len(head) > 5 and head[0] == 0 and head[4] == 0x0A
    return framed or (head[:1] == b"\n" and len(head) > 2 and head[2:3] != b"{")


def _unknown(path: Path, why: str) -> str:
    raise EvidenceError(
        str(path), f"{why}: say which --format it has, and name its columns with -o column.start=NAME"
    )
