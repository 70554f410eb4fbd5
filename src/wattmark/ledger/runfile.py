"""Run files: one JSON document per run, written whole or not at all, validated on read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from wattmark.core.errors import EvidenceError
from wattmark.core.run import SCHEMA, SCHEMA_VERSION, Run

SUFFIX = ".run.json"


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A run and the file it came from."""

    path: Path
    run: Run


class _Head(msgspec.Struct):
    schema: str = ""
    schema_version: int = 0


def read_run(path: Path) -> Run:
    """Read and validate one run file. Raises EvidenceError that names the file and the place in it."""
    try:
        text = path.read_bytes()
    except IsADirectoryError:
        raise EvidenceError(str(path), "is a folder; give a run file") from None
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror}") from None
    try:
        head = msgspec.json.decode(text, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EvidenceError(str(path), f"is not a run file: {error}") from None
    if head.schema != SCHEMA:
        raise EvidenceError(str(path), f"is not a run file: `schema` is {head.schema!r}, expected {SCHEMA!r}")
    if head.schema_version > SCHEMA_VERSION:
        raise EvidenceError(
            str(path),
            f"was written by a newer wattmark (schema version {head.schema_version}, this one reads "
            f"{SCHEMA_VERSION}): upgrade with `pip install --upgrade wattmark`",
        )
    try:
        run = msgspec.json.decode(text, type=Run)
    except msgspec.ValidationError as error:
        raise EvidenceError(str(path), f"does not hold a valid run: {error}") from None
    _check(path, run)
    return run


def read_runs(paths: Iterable[Path]) -> list[LoadedRun]:
    """Read run files; a folder stands for the run files in it. Raises EvidenceError, also for none."""
    found: list[LoadedRun] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(path.glob(f"*{SUFFIX}"))
            if not inside:
                raise EvidenceError(str(path), f"holds no run files (*{SUFFIX})")
            found.extend(LoadedRun(p, read_run(p)) for p in inside)
        else:
            found.append(LoadedRun(path, read_run(path)))
    return found


def json_schema() -> dict[str, Any]:
    """The published JSON schema of a run file."""
    schema: dict[str, Any] = msgspec.json.schema(Run)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "wattmark run", **schema}


def _check(path: Path, run: Run) -> None:
    """What types alone cannot say: durations and energies are never negative, ids point somewhere."""
    ids = {w.id for w in run.windows}
    for index, row in enumerate(run.energies):
        place = f"$.energies[{index}]"
        if row.energy_joules < 0 or row.duration_seconds < 0 or row.observed_seconds < 0:
            raise EvidenceError(
                str(path), f"does not hold a valid run: negative energy or time - at `{place}`"
            )
        if row.observed_seconds > row.duration_seconds + 1e-6:
            raise EvidenceError(
                str(path), f"does not hold a valid run: observed longer than it lasted - at `{place}`"
            )
    for index, window in enumerate(run.windows):
        if window.parent is not None and window.parent not in ids:
            raise EvidenceError(
                str(path),
                f"does not hold a valid run: unknown parent {window.parent} - at `$.windows[{index}]`",
            )
    if run.duration_seconds < 0:
        raise EvidenceError(
            str(path), "does not hold a valid run: negative duration - at `$.duration_seconds`"
        )
