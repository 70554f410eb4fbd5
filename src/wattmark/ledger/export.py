"""A ledger's views as plain files: Parquet or CSV, always in the same order, with a manifest of hashes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from wattmark.core.errors import UsageError
from wattmark.ledger.engine import Tables
from wattmark.ledger.engines.duckdb import MEMORY, DuckDbEngine, failure
from wattmark.ledger.engines.duckdb import quoted as text_of
from wattmark.ledger.query import make_views
from wattmark.ledger.views import VIEWS, quoted

MANIFEST = "manifest.json"
SCHEMA = "wattmark.ledger-export"
SCHEMA_VERSION = 1
FORMATS = {"parquet": "FORMAT PARQUET, COMPRESSION zstd", "csv": "FORMAT CSV, HEADER true"}
BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One file of an export."""

    file: str
    view: str
    columns: tuple[str, ...]
    rows: int
    bytes: int
    sha256: str


def export(
    snapshot: Tables,
    names: Sequence[str],
    folder: Path,
    format: str = "parquet",
    memory: str = MEMORY,
) -> tuple[Exported, ...]:
    """Write views into a folder, one file each, and ``manifest.json`` last; the same rows in the same order.

    Sorting spills to disk, so that memory stays bounded. Numbers of a CSV are exact: read back, they are the
    same. Raises UsageError for what is no view or format, and where the folder cannot be written.
    """
    unknown = [name for name in names if name not in VIEWS]
    if unknown:
        raise UsageError(f"no view {', '.join(unknown)}: give some of {', '.join(VIEWS)}")
    if format not in FORMATS:
        raise UsageError(f"no format {format!r}: give one of {', '.join(FORMATS)}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with DuckDbEngine(memory) as engine:
            make_views(engine, snapshot)
            done = tuple(_write(engine, name, folder / f"{name}.{format}", format) for name in names)
        _put_manifest(folder, snapshot.version, done)
    except OSError as error:
        raise UsageError(f"cannot write {folder}: {error.strerror}") from None
    return done


def _write(engine: DuckDbEngine, name: str, path: Path, format: str) -> Exported:
    view = VIEWS[name]
    order = ", ".join(f"{quoted(column)} NULLS FIRST" for column in view.order)
    part = path.with_name(path.name + ".part")
    copy = f"COPY (SELECT * FROM {name} ORDER BY {order}) TO {text_of(str(part))} ({FORMATS[format]})"
    with failure(lambda text: UsageError(f"cannot write {path}: {text}")):
        (rows,) = engine.connection.execute(copy).fetchone() or (0,)
    os.replace(part, path)
    return Exported(
        file=path.name,
        view=name,
        columns=tuple(view.columns),
        rows=int(rows),
        bytes=path.stat().st_size,
        sha256=_hash(path),
    )


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _put_manifest(folder: Path, version: int, done: Sequence[Exported]) -> None:
    document = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "ledger_version": version,
        "files": [asdict(one) for one in done],
    }
    part = folder / f"{MANIFEST}.part"
    part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    os.replace(part, folder / MANIFEST)
