"""Reading the small files of /sys and /proc."""

from __future__ import annotations

import os
import re
from pathlib import Path

FIRST_LINE = 512
"""Bytes that hold the first line of /proc/stat: ten numbers of at most twenty digits."""


def open_for_reading(path: Path) -> int:
    """A file descriptor for reading; raises OSError."""
    return os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))


def first_line(path: str) -> bytes:
    """The first line of a file that is read at every tick, without a file object: half the CPU time.

    Raises OSError.
    """
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        return os.read(fd, FIRST_LINE).partition(b"\n")[0]
    finally:
        os.close(fd)


def text(path: Path) -> str:
    """What a small file says, or an empty string where it cannot be read.

    For optional files only: names, labels, limits. Counters are read where a failure becomes a Gap.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def number(path: Path) -> float:
    """The number in a small optional file, or 0 where there is none."""
    said = text(path)
    return float(said) if said.lstrip("-").isdigit() else 0.0


def cpu_identity(cpuinfo: Path) -> tuple[str, str]:
    """(vendor id, model name) of the first processor in /proc/cpuinfo, empty where it does not say."""
    said = text(cpuinfo)

    def first(key: str) -> str:
        match = re.search(rf"^{key}\s*:\s*(.*)$", said, re.MULTILINE)
        return match[1].strip() if match else ""

    return first("vendor_id"), first("model name")
