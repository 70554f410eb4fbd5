"""What an API answered, kept as it came, so that it can be shown, checked and read again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.hashing import sha256
from wattmark.sources.json_input import list_at, parsed, text_at
from wattmark.sources.lines import lines_of
from wattmark.sources.moments import moment_us, written

SCHEMA = "wattmark.snapshot"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The answers of one read. There is no key in it: requests are not kept."""

    source: str
    place: str
    """As messages name it: an address, or the file that it was kept in."""
    at_us: int
    """When it was asked."""
    answers: Mapping[str, Sequence[Any]]
    """What was asked for -> the rows that came."""


def keep(snapshot: Snapshot, folder: Path) -> tuple[Path, str]:
    """Write it into a folder, under a name that no other has; gives the file and its SHA-256."""
    told = {
        "schema": SCHEMA,
        "source": snapshot.source,
        "asked_at": written(snapshot.at_us),
        "answers": {name: list(rows) for name, rows in snapshot.answers.items()},
    }
    text = json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    content = sha256(text.encode()).hexdigest()
    stamp = written(snapshot.at_us)[:19].replace("-", "").replace(":", "")
    path = folder / f"{snapshot.source}-{stamp}-{content[:12]}.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{path}: cannot be written: {error.strerror}") from None
    return path, content


def snapshot_from(path: Path, source: str) -> Snapshot:
    """A snapshot that was kept. Raises EvidenceError for anything else."""
    if not path.is_file():
        raise EvidenceError(str(path), "is not there: give months like 2026-05, or a snapshot that was kept")
    document, reason = parsed("\n".join(line for _, line in lines_of(path)))
    if text_at(document, "schema") != SCHEMA or text_at(document, "source") != source:
        raise EvidenceError(str(path), f"is no snapshot of {source}{f': {reason}' if reason else ''}")
    at_us = moment_us(text_at(document, "asked_at"), UTC)
    answers = document.get("answers")
    if at_us is None or not isinstance(answers, dict):
        raise EvidenceError(str(path), "is half a snapshot: `asked_at` or `answers` is not there")
    return Snapshot(source, str(path), at_us, {name: list_at(answers, name) for name in answers})
