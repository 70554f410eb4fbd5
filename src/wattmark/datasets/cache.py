"""Descriptions of datasets that were made before, kept until a file changes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wattmark.userhome import home_of_user

VERSION = 1
"""Raised when cutting, hashing or counting changes: older entries are then not found."""
SETTLED_NS = 2_000_000_000
"""A file written within the last two seconds may change again within one tick of its clock: not cached."""


def folder(environ: Mapping[str, str], home: Path | None = None) -> Path:
    """``$XDG_CACHE_HOME/wattmark/datasets``, else under ``~/.cache``."""
    cache = environ.get("XDG_CACHE_HOME")
    base = Path(cache) if cache else (home or home_of_user()) / ".cache"
    return base / "wattmark" / "datasets"


def key_of(files: Sequence[tuple[str, Path]]) -> tuple[str, int]:
    """A key over path, size, modification time and inode of all files, and the latest modification (ns).

    Only hashed: the cache holds no path. Raises OSError when a file is gone.
    """
    digest = hashlib.sha256(f"wattmark {VERSION}\n".encode())
    latest = 0
    for name, path in files:
        stat = path.stat()
        latest = max(latest, stat.st_mtime_ns)
        entry = (name, os.fspath(path.resolve()), stat.st_size, stat.st_mtime_ns, stat.st_ino)
        digest.update(json.dumps(entry).encode())
    return digest.hexdigest(), latest


def load(directory: Path, key: str) -> dict[str, Any] | None:
    """What was kept under a key; None when there is nothing whole."""
    try:
        told = json.loads((directory / f"{key}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # a cache may be cold or damaged: the answer is then made again
    return told if isinstance(told, dict) else None


def store(directory: Path, key: str, value: Mapping[str, Any]) -> None:
    """Keep a value, whole or not at all. A cache that cannot be written is no error."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=directory, prefix=".part-")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(value, file)
        os.replace(part, directory / f"{key}.json")
    except OSError:
        return  # full or read-only disk: the next call hashes again
