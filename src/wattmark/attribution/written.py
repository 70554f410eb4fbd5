"""Requests with their joules, read back from their file, with the terms that they hold on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wattmark.attribution.columns import UNKNOWN, Longs, RequestColumns
from wattmark.attribution.logs.parsed import Services
from wattmark.attribution.result import RequestEnergies
from wattmark.core.errors import EvidenceError, MissingExtra
from wattmark.core.known import Grade, grade_of_sum
from wattmark.core.methodology import Methodology
from wattmark.core.serving.window import ServingWindow

SCHEMA, SCHEMA_VERSION = "wattmark.attributed_requests", "1"
PREFIX = "wattmark."
"""Of the keys in the file's own metadata."""
ROWS = 1 << 18
NAMES = ("model", "model_version", "tenant", "target")


@dataclass(frozen=True, slots=True)
class Written:
    """A file of requests with their joules."""

    path: Path
    terms: Mapping[str, str]
    """attribution_rule, boundary, grade, devices, methodology (the fingerprint of rule and boundary), ..."""

    def chunks(self) -> Iterator[RequestEnergies]:
        """The requests, some of them at a time. Raises EvidenceError."""
        from pyarrow import ArrowException, parquet

        services = Services()
        try:
            with parquet.ParquetFile(self.path) as file:
                for batch in file.iter_batches(ROWS):
                    yield _energies(batch, services)
        except (ArrowException, OSError, KeyError) as error:
            raise EvidenceError(str(self.path), f"cannot be read: {error}") from None


def terms_of(window: ServingWindow, input_cost: float) -> dict[str, str]:
    """What the joules of requests hold on, as texts for the metadata of their file."""
    by_grade: dict[Grade, float] = {}
    for device in window.devices:
        by_grade[device.grade] = by_grade.get(device.grade, 0.0) + device.energy_joules
    same = {
        "attribution_rule": str(window.rule),
        "boundary": ",".join(sorted({str(device.boundary) for device in window.devices})),
        "input_cost": f"{input_cost:g}",
    }
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        **same,
        "grade": str(grade_of_sum(by_grade) or ""),
        "devices": ",".join(sorted(device.device_id for device in window.devices)),
        "start_us": str(window.start_us),
        "end_us": str(window.end_us),
        "methodology": Methodology(same).fingerprint,
    }


def read_written(path: Path) -> Written:
    """A file that ``wattmark attribute --out FILE.parquet`` wrote. Raises EvidenceError for any other one."""
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingExtra("reading Parquet files", "attribute") from None
    try:
        told = parquet.read_metadata(path).metadata or {}
    except (ArrowException, OSError) as error:
        raise EvidenceError(str(path), f"cannot be read: {str(error).splitlines()[0][:200]}") from None
    terms = {
        key.decode().removeprefix(PREFIX): value.decode()
        for key, value in told.items()
        if key.startswith(PREFIX.encode())
    }
    if terms.get("schema") != SCHEMA:
        raise EvidenceError(str(path), "holds no requests that `wattmark attribute` wrote")
    return Written(path, terms)


def _energies(batch: Any, services: Services) -> RequestEnergies:
    def column(name: str, missing: float = UNKNOWN) -> Any:
        told = batch.column(name)
        return told.fill_null(missing).to_numpy(zero_copy_only=False)

    def moments(name: str) -> Longs:
        import pyarrow as pa

        found: Longs = batch.column(name).cast(pa.int64()).fill_null(UNKNOWN).to_numpy(zero_copy_only=False)
        return found

    names = zip(*(batch.column(name).to_pylist() for name in NAMES), strict=True)
    owners = np.fromiter((services.number(each) for each in names), np.int32, batch.num_rows)
    row = column("row")
    columns = RequestColumns(
        start_us=moments("start"),
        first_token_us=moments("first_token"),
        end_us=moments("end"),
        input_tokens=column("input_tokens"),
        cached_input_tokens=column("cached_input_tokens"),
        output_tokens=column("output_tokens"),
        weight=np.full(batch.num_rows, UNKNOWN, np.int64),
        failed=batch.column("failed").to_numpy(zero_copy_only=False),
        service=owners,
        services=services.all,
        row=row if (row != UNKNOWN).all() else row[:0],
        request_id=np.array([text.encode() for text in batch.column("request_id").to_pylist()], np.bytes_),
    )
    return RequestEnergies(
        columns=columns,
        ordinal=column("request") - 1,
        joules=column("energy_joules"),
        prefill_joules=column("prefill_joules"),
        decode_joules=column("decode_joules"),
        observed_share=column("observed_share", float("nan")),
        estimated=batch.column("weighed_by_a_mean").to_numpy(zero_copy_only=False),
        late_us=np.rint(column("late_seconds") * 1e6).astype(np.int64),
    )
