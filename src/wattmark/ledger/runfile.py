"""Run files: one JSON document per run, written whole or not at all, validated on read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from wattmark.core.errors import EvidenceError
from wattmark.core.run import SCHEMA, SCHEMA_VERSION, Run
from wattmark.core.sound import first_fault
from wattmark.hashing import sha256

SUFFIX = ".run.json"
MOST_BYTES = 1 << 28
"""More is not read: a run file of a thousand windows on eight GPUs has some 10 MB."""


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A run and the file it came from."""

    path: Path
    run: Run
    bundle_sha256: str | None = None
    """Of the manifest, where it came from the bundle of a benchmark."""
    part: str = ""
    """Which part of the bundle: ``repeat 1`` is the first."""
    remark: str = ""
    """What whoever uses it must be told first: its benchmark is invalid, or was simulated."""

    @property
    def name(self) -> str:
        """Name of the file, with the part of it where it holds several."""
        return f"{self.path.name} {self.part}".rstrip()

    @property
    def text(self) -> str:
        """All that is kept, as it is kept; of a bundle this run alone."""
        if self.bundle_sha256 is not None:
            return msgspec.json.format(msgspec.json.encode(self.run), indent=1).decode() + "\n"
        return self.path.read_text(encoding="utf-8")

    @property
    def sha256(self) -> str:
        """Of the file, or of the bundle's manifest."""
        return self.bundle_sha256 or sha256(self.path.read_bytes()).hexdigest()


class _Head(msgspec.Struct):
    schema: str = ""
    schema_version: int = 0


# Made here, by one thread: two that decode a type for the first time at once crash within msgspec 0.22.
_HEAD = msgspec.json.Decoder(_Head)
_RUN = msgspec.json.Decoder(Run)


def read_run(path: Path) -> Run:
    """Read and validate one run file. Raises EvidenceError that names the file and the place in it."""
    try:
        with open(path, "rb") as file:
            text = file.read(MOST_BYTES + 1)
    except IsADirectoryError:
        raise EvidenceError(str(path), "is a folder; give a run file") from None
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror}") from None
    return run_from(text, str(path))


def run_from(text: bytes, name: str) -> Run:
    """Validate the bytes of a run file. Raises EvidenceError with this name and the place in the document."""
    if len(text) > MOST_BYTES:
        raise EvidenceError(name, f"is larger than {MOST_BYTES >> 20} MiB: this is no run file")
    try:
        head = _HEAD.decode(text)
    except RecursionError:
        raise EvidenceError(name, "is not a run file: it is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EvidenceError(name, f"is not a run file: {error}") from None
    if head.schema != SCHEMA:
        raise EvidenceError(name, f"is not a run file: `schema` is {head.schema!r}, expected {SCHEMA!r}")
    if head.schema_version > SCHEMA_VERSION:
        raise EvidenceError(
            name,
            f"was written by a newer wattmark (schema version {head.schema_version}, this one reads "
            f"{SCHEMA_VERSION}): upgrade with `pip install --upgrade wattmark`",
        )
    try:
        run = _RUN.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError(name, f"does not hold a valid run: {error}") from None
    if (fault := first_fault(run)) is not None:
        place, problem = fault
        raise EvidenceError(name, f"does not hold a valid run: {problem} - at `{place}`")
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
