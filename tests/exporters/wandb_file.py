"""Reads the ``.wandb`` file of an offline run: a header, LevelDB log blocks, protobuf records in them.

LevelDB's log format: https://github.com/google/leveldb/blob/main/doc/log_format.md. W&B's header is seven
bytes, and its checksums are plain CRC-32 over the kind and the data.
"""

from __future__ import annotations

import importlib
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEADER = b":W&B"
HEADER_BYTES = 7
BLOCK = 32768
WHOLE, LAST = 1, 4


def records(folder: Path) -> Iterator[Any]:
    """Every record of the one offline run below a folder, in order."""
    importlib.import_module("wandb").teardown()  # its service writes the last blocks as it ends
    record_type: Any = importlib.import_module("wandb.proto.wandb_internal_pb2").Record

    (path,) = folder.rglob("*.wandb")
    data = path.read_bytes()
    assert data[:4] == HEADER
    at, held = HEADER_BYTES, b""
    while at < len(data):
        left = BLOCK - at % BLOCK
        if left < 7:
            at += left
            continue
        crc, size, kind = struct.unpack("<IHB", data[at : at + 7])
        part = data[at + 7 : at + 7 + size]
        assert zlib.crc32(bytes([kind]) + part) == crc
        held += part
        at += 7 + size
        if kind in (WHOLE, LAST):
            record = record_type()
            record.ParseFromString(held)
            held = b""
            yield record


def history(folder: Path) -> list[dict[str, Any]]:
    """The rows that were logged."""
    return [
        {_key(item): json.loads(item.value_json) for item in record.history.item}
        for record in records(folder)
        if record.WhichOneof("record_type") == "history"
    ]


def summary(folder: Path) -> dict[str, Any]:
    """The summary as it stands in the end."""
    found: dict[str, Any] = {}
    for record in records(folder):
        if record.WhichOneof("record_type") == "summary":
            found |= {_key(item): json.loads(item.value_json) for item in record.summary.update}
    return found


def artifacts(folder: Path) -> list[Any]:
    """The artifacts that were logged."""
    return [r.artifact for r in records(folder) if r.WhichOneof("record_type") == "artifact"]


def _key(item: Any) -> str:
    return item.key or "|".join(item.nested_key)
