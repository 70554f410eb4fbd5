"""Requests with their joules, written as they are done: Parquet or CSV."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from wattmark.attribution.columns import UNKNOWN, Longs
from wattmark.attribution.result import RequestEnergies
from wattmark.core.errors import MissingExtra, UsageError

NAMES = ("model", "model_version", "tenant", "target")
SUFFIXES = (".parquet", ".csv")


@contextmanager
def writer_to(path: Path) -> Iterator[Writer]:
    """A file that is there when all was written, and as it was before when something failed.

    Raises UsageError for a name that says no format and a folder that is not there, MissingExtra.
    """
    if path.suffix not in SUFFIXES:
        raise UsageError(f"{path}: name a file that ends in {' or '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent}: there is no such folder")
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingExtra(f"writing {path.suffix} files", "attribute") from None
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    writer = Writer(beside, path.suffix)
    try:
        yield writer
        writer.close()
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


class Writer:
    """Appends chunks of requests to one file."""

    def __init__(self, path: Path, suffix: str) -> None:
        self._path = path
        self._suffix = suffix
        self._out: Any = None
        self._terms: Mapping[str, str] = {}

    def describe(self, terms: Mapping[str, str]) -> None:
        """What the joules hold on; known when all is divided, and kept in the metadata of a Parquet file."""
        self._terms = terms

    def write(self, energies: RequestEnergies) -> None:
        """Append requests that are done."""
        table = table_of(energies)
        if self._out is None:
            self._out = self._opened(table.schema)
        self._out.write_table(table)

    def close(self) -> None:
        """Finish the file; one without requests has its columns all the same."""
        if self._out is None:
            from wattmark.attribution.columns import of

            none = np.empty(0)
            no = none.astype(np.int64)
            self.write(RequestEnergies(of(()), no, none, none, none, none, none.astype(np.bool_), no))
        if self._suffix == ".parquet" and hasattr(self._out, "add_key_value_metadata"):  # pyarrow 16
            self._out.add_key_value_metadata({f"wattmark.{key}": told for key, told in self._terms.items()})
        self._out.close()

    def _opened(self, schema: Any) -> Any:
        if self._suffix == ".csv":
            from pyarrow.csv import CSVWriter

            return CSVWriter(str(self._path), schema)
        from pyarrow.parquet import ParquetWriter

        return ParquetWriter(str(self._path), schema, compression="zstd")


def table_of(energies: RequestEnergies) -> Any:
    """Requests as an Arrow table: what they are, what they used, and how that is known."""
    import pyarrow as pa

    columns = energies.columns
    n = len(energies)
    index = pa.array(columns.service)
    names = {
        name: pa.DictionaryArray.from_arrays(
            index, pa.array([getattr(service, name) for service in columns.services], pa.string())
        ).cast(pa.string())
        for name in NAMES
    }
    ids = columns.request_id if len(columns.request_id) else np.zeros(n, "S1")
    return pa.table(
        {
            "request": pa.array(energies.ordinal + 1),
            "row": _known(columns.row if len(columns.row) else np.full(n, UNKNOWN)),
            "request_id": pa.array(ids).cast(pa.string()),
            **names,
            "start": _moments(columns.start_us),
            "first_token": _moments(columns.first_token_us),
            "end": _moments(columns.end_us),
            "input_tokens": _known(columns.input_tokens),
            "cached_input_tokens": _known(columns.cached_input_tokens),
            "output_tokens": _known(columns.output_tokens),
            "failed": pa.array(columns.failed),
            "energy_joules": pa.array(energies.joules),
            "prefill_joules": pa.array(energies.prefill_joules),
            "decode_joules": pa.array(energies.decode_joules),
            "observed_share": pa.array(energies.observed_share, mask=np.isnan(energies.observed_share)),
            "weighed_by_a_mean": pa.array(energies.estimated),
            "late_seconds": pa.array(energies.late_us / 1e6),
        }
    )


def _known(values: Longs) -> Any:
    import pyarrow as pa

    return pa.array(values, pa.int64(), mask=values == UNKNOWN)


def _moments(values: Longs) -> Any:
    import pyarrow as pa

    return pa.array(values, pa.int64(), mask=values == UNKNOWN).cast(pa.timestamp("us", "UTC"))
