"""Text files line by line: opened with errors that name them, packed or not, and never whole in memory."""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from wattmark.core.errors import EvidenceError

MOST_LINE = 1 << 20
"""A line of more characters is no line of a log or table."""


def files_of(inputs: Sequence[str], pattern: str) -> list[Path]:
    """The files that were named, and those in named folders that fit the pattern, in order of their names.

    Raises EvidenceError for what is not there and for a folder without such files.
    """
    found: list[Path] = []
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            inside = sorted(p for p in path.glob(pattern) if p.is_file())
            if not inside:
                raise EvidenceError(text, f"holds no {pattern}: name a file")
            found.extend(inside)
        elif path.exists():
            found.append(path)
        else:
            raise EvidenceError(text, "is not there")
    return found


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line without its end; ``.gz`` is unpacked.

    Raises EvidenceError when the file cannot be read or is no text.
    """
    number = 0
    try:
        with _opened(path) as file:
            while line := file.readline(MOST_LINE):
                number += 1
                if "\0" in line or len(line) == MOST_LINE:
                    raise EvidenceError(f"{path}:{number}", "is no text")
                yield number, line.rstrip("\r\n")
    except UnicodeDecodeError:
        raise EvidenceError(f"{path}:{number + 1}", "is not UTF-8 text") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise EvidenceError(str(path), f"cannot be unpacked: {error}") from None
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror or error}") from None


def table_of(path: Path, delimiter: str = ",") -> Iterator[tuple[int, list[str]]]:
    """Number of its first line and cells, stripped, of each row of a CSV file; empty lines are left out.

    Quoted cells may hold line ends. Raises EvidenceError as :func:`lines_of`.
    """
    at = 0

    def feed() -> Iterator[str]:
        nonlocal at
        for number, line in lines_of(path):
            at = number
            yield line + "\n"

    rows = csv.reader(feed(), delimiter=delimiter, skipinitialspace=True)
    first = 1
    try:
        for cells in rows:
            if any(c.strip() for c in cells):
                yield first, [c.strip() for c in cells]
            first = at + 1
    except csv.Error as error:
        raise EvidenceError(f"{path}:{at}", f"is not a CSV file: {error}") from None


def number_of(text: str | None) -> float | None:
    """The number in a cell; None when there is none, or one that is not finite."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return open(path, encoding="utf-8-sig", newline="")
