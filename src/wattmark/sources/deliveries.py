"""What a cloud delivers as tables: a file, a folder with partitions, or a prefix in Amazon S3.

CSV (also ``.gz``) and Parquet. Objects of S3 are brought one at a time into a temporary file, through boto3
and its own search for credentials.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from wattmark.core.errors import EvidenceError, MissingExtra
from wattmark.sources.aws_client import AwsSettings, client, told
from wattmark.sources.lines import table_of

TABLES = (".csv", ".csv.gz", ".parquet")
PARQUET = ".parquet"
_PARTITION = re.compile(r"([\w.-]+)=([^/\\]+)")


@dataclass(frozen=True, slots=True)
class Delivered:
    """One file of a delivery."""

    name: str
    """As messages name it: a path, or s3://bucket/key."""
    path: Path

    @property
    def partitions(self) -> Mapping[str, str]:
        """``model_version=v3.0.0`` and the like, out of the folders that it lies in."""
        return dict(_PARTITION.findall(self.name))


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and rows with their place; a cell that is not there is empty."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[str, Mapping[str, str]]]


def delivered(inputs: Sequence[str], aws: AwsSettings) -> Iterator[Delivered]:
    """The tables of all inputs, in the order of their names. Raises EvidenceError where there is none."""
    for text in inputs:
        found = False
        files = _objects(text, aws) if text.startswith("s3://") else _files(text)
        for one in files:
            found = True
            yield one
        if not found:
            raise EvidenceError(text, f"holds no {', '.join(TABLES)}: name the folder of the export")


def _files(text: str) -> Iterator[Delivered]:
    path = Path(text)
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.is_file() and p.name.endswith(TABLES)):
            yield Delivered(str(file), file)
    elif path.exists():
        yield Delivered(text, path)
    else:
        raise EvidenceError(text, "is not there")


def _objects(url: str, aws: AwsSettings) -> Iterator[Delivered]:
    at = urlsplit(url)
    s3 = client("s3", aws)
    with told(url, "s3:ListBucket"):
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=at.netloc, Prefix=at.path.lstrip("/"))
        keys = sorted(found["Key"] for page in pages for found in page.get("Contents", ()))
    with TemporaryDirectory(prefix="wattmark-import-") as folder:
        for number, key in enumerate(key for key in keys if key.endswith(TABLES)):
            name = f"s3://{at.netloc}/{key}"
            path = Path(folder) / f"{number}{next(s for s in TABLES[::-1] if key.endswith(s))}"
            with told(name, "s3:GetObject"):
                s3.download_file(at.netloc, key, str(path))
            yield Delivered(name, path)
            path.unlink()


def table(file: Delivered) -> Table:
    """The table in a file. Raises EvidenceError when it is none."""
    return _parquet(file) if file.name.endswith(PARQUET) else _csv(file)


def _csv(file: Delivered) -> Table:
    cells = table_of(file.path)
    try:
        _, header = next(cells, (1, []))
    except EvidenceError as error:
        raise EvidenceError(file.name, error.problem) from None
    columns = tuple(header)

    def rows() -> Iterator[tuple[str, Mapping[str, str]]]:
        try:
            for number, row in cells:
                yield f"{file.name}:{number}", dict(zip(columns, row, strict=False)) | _odd(columns, row)
        except EvidenceError as error:
            raise EvidenceError(file.name, error.problem) from None

    return Table(columns, rows())


WRONG_WIDTH = ""
"""A row with more or fewer cells than the header has this as a key: how many it has."""


def _odd(columns: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    if len(row) == len(columns):
        return {}
    return {WRONG_WIDTH: f"has {len(row)} cells where the header has {len(columns)}"}


def _parquet(file: Delivered) -> Table:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtra(f"Parquet ({file.name})", "ledger") from None
    try:
        opened = pq.ParquetFile(file.path)
    except (pa.ArrowException, OSError) as error:
        raise EvidenceError(file.name, f"is no Parquet file: {str(error).splitlines()[0]}") from None

    def rows() -> Iterator[tuple[str, Mapping[str, str]]]:
        number = 0
        try:
            for batch in opened.iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield f"{file.name}: row {number}", {k: _text(v) for k, v in flat(row).items()}
        except (pa.ArrowException, OSError) as error:
            raise EvidenceError(file.name, f"cannot be read: {str(error).splitlines()[0]}") from None

    return Table(tuple(_flat_names(opened.schema_arrow)), rows())


def flat(row: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """A row without nesting: ``project.id`` for what stands under ``project``."""
    found: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{key}.")
        else:
            found[f"{before}{key}"] = value
    return found


def _flat_names(fields: Any, before: str = "") -> Iterator[str]:
    for field in fields:
        if str(field.type).startswith("struct"):
            yield from _flat_names(field.type, f"{before}{field.name}.")
        else:
            yield f"{before}{field.name}"


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
