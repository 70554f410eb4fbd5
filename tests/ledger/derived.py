"""Derived tables for tests, in the columns of ledger/columns.py, laid out as a ledger does it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from wattmark.ledger.columns import BUCKET_US, DERIVED, NEVER_HIDDEN, REAL, TAGS, TEXT, TRUTH, WHOLE
from wattmark.ledger.engine import query
from wattmark.ledger.engines.duckdb import DuckDbEngine

TYPES = {TEXT: pa.string(), WHOLE: pa.int64(), REAL: pa.float64(), TRUTH: pa.bool_()}
NOON = 1_793_534_400_000_000
"""2026-11-01T12:00:00Z."""
SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR


def day_of(at_us: int) -> str:
    """The UTC day of a moment."""
    return datetime.fromtimestamp(at_us // SECOND, UTC).date().isoformat()


class Derived:
    """Tables in a folder: rows are added, then written by ``write``; what is not added is empty."""

    def __init__(self, folder: Path, version: int = 7) -> None:
        self.folder = folder
        self.version = version
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in DERIVED}

    def add(self, table: str, **values: Any) -> None:
        """A row; a missing day follows from its bucket, start or nothing."""
        columns = DERIVED[table]
        unknown = set(values) - set(columns)
        assert not unknown, f"{table} has no columns {unknown}"
        self.rows[table].append(values)

    def energy(self, joules: float = 90.0, **changes: Any) -> None:
        """A row of ``counted``: 90 J of one CPU over ten seconds, fully observed, on a node read whole."""
        start = changes.pop("start_us", NOON)
        end = changes.pop("end_us", start + 10 * SECOND)
        row = {
            "day": day_of(start),
            "bucket_us": start - start % BUCKET_US,
            "start_us": start,
            "end_us": end,
            "record_id": "r1",
            "subject_id": "s1",
            "place_id": "p1",
            "known_id": "k1",
            "host_id": "h1",
            "device_id": "cpu:h1/package-0",
            "component": "cpu",
            "boundary": 1,
            "hidden_from": NEVER_HIDDEN,
            "reach": changes.get("boundary", 1),
            "allocation": "whole",
            "energy_uj": round(joules * 1e6),
            "observed_us": end - start,
            "gap_us": 0,
            "gap_uj": 0,
            "gap_least_uj": 0,
            "gap_most_uj": 0,
        }
        self.add("counted", **{**row, **changes})

    def subject(self, subject_id: str = "s1", labels: Mapping[str, str] | None = None, **tags: str) -> None:
        """A row of ``subjects``; tags that are not said are empty."""
        told = {tag: tags.pop(tag, "") for tag in TAGS}
        assert not tags
        self.add("subjects", subject_id=subject_id, **told, labels=json.dumps(dict(labels or {})))

    def place(self, place_id: str = "p1", **changes: Any) -> None:
        """A row of ``places``: France, no PUE."""
        row = {"place_id": place_id, "zone": "FRA", "country": "FRA", "site": "", "pue": None, "pue_kind": ""}
        self.add("places", **{**row, **changes})

    def known(self, known_id: str = "k1", errors: Mapping[str, float] | None = None, **changes: Any) -> None:
        """A row of ``knowns``: a hardware counter of grade B with 5 % of gain error."""
        row = {
            "known_id": known_id,
            "method": "hardware_counter",
            "grade": "B",
            "scope": "whole",
            "attribution_rule": "",
            "sensor_duty": 1.0,
            "errors": json.dumps(dict(errors if errors is not None else {"rapl:h1:gain": 0.05})),
            "source": "rapl 1",
            "calibration_id": "",
        }
        self.add("knowns", **{**row, **changes})

    def run(self, record_id: str = "r1", start_us: int = NOON, seconds: float = 10.0, **changes: Any) -> None:
        """A row of ``runs``: closed, ten seconds, alone."""
        end = start_us + round(seconds * SECOND)
        row = {
            "day": day_of(start_us),
            "record_id": record_id,
            "seq": 0,
            "content": "c" * 64,
            "subject_id": "s1",
            "place_id": "p1",
            "host_id": "h1",
            "source": "wattmark",
            "status": "closed",
            "failed": False,
            "attempt": record_id,
            "solution_id": "",
            "parent": "",
            "rank": None,
            "world_size": None,
            "start_us": start_us,
            "end_us": end,
            "folded_us": end + 5 * SECOND,
            "own_cpu_seconds": 0.1,
            "workload_cpu_seconds": 10.0,
            "declared_rows": 0,
            "rows": 1,
            "quarantined": "",
        }
        self.add("runs", **{**row, **changes})

    def work(
        self, unit: str = "inferences", count: float = 1000.0, at_us: int = NOON, **changes: Any
    ) -> None:
        """A row of ``work``: a thousand inferences that were counted."""
        row = {
            "day": day_of(at_us),
            "bucket_us": at_us - at_us % BUCKET_US,
            "record_id": "r1",
            "subject_id": "s1",
            "place_id": "p1",
            "unit": unit,
            "count": count,
            "failed": 0.0,
            "declared": False,
            "precision": "",
        }
        self.add("work", **{**row, **changes})

    def write(self) -> Derived:
        """Write every table, the cube from ``counted`` by the ledger's own query."""
        for table, rows in self.rows.items():
            if table != "cube":
                self.put(table, rows)
        self.make_cube()
        return self

    def make_cube(self) -> None:
        """The cube, from what is stored of ``counted``."""
        with DuckDbEngine() as engine:
            engine.attach("counted", self)
            names = list(DERIVED["cube"])
            engine.keep("made", query("cube"))
            found = engine.rows(f"SELECT {', '.join(names)} FROM made ORDER BY ALL")
            self.put("cube", [dict(zip(names, row, strict=True)) for row in found])

    def put(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write the rows of one table, one file per day where it has days."""
        days: dict[str | None, list[Mapping[str, Any]]] = {}
        for row in rows:
            days.setdefault(row["day"] if "day" in DERIVED[table] else None, []).append(row)
        for day, some in days.items():
            self.put_arrow(table, day, _arrow(table, some))

    def put_arrow(self, table: str, day: str | None, data: pa.Table, name: str = "0") -> None:
        """One file; as Delta writes it, the day stands in its path alone."""
        folder = self.folder / table / f"day={day}" if day is not None else self.folder / table
        folder.mkdir(parents=True, exist_ok=True)
        if day is not None and "day" in data.column_names:
            data = data.drop_columns(["day"])
        pq.write_table(data, folder / f"{name}.parquet", compression="zstd")

    def files(self, table: str) -> Sequence[str]:
        """Parquet files of a table."""
        return sorted(str(path) for path in (self.folder / table).rglob("*.parquet"))

    def arrow(self, table: str) -> Any:
        """The table as a dataset."""
        partitioning = ds.partitioning(pa.schema([("day", pa.string())]), flavor="hive")
        return ds.dataset(self.files(table), partitioning=partitioning)


def _arrow(table: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    return pa.table(
        {
            name: pa.array([row.get(name) for row in rows], TYPES[column.kind])
            for name, column in DERIVED[table].items()
        }
    )
