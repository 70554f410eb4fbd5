"""Derived tables of a large ledger, made up: always the same for the same number of rows.

A fleet of hosts with eight devices each, read every ten seconds for ten days: GPUs, a CPU that is shared by
two workloads, and a meter of the whole node on every second host, which holds what the others read. A job has
a host for six hours. Some readings are gaps, some of them without an estimate. Twelve sites lie in six zones.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wattmark.ledger.columns import DERIVED
from wattmark.ledger.engine import query
from wattmark.ledger.engines.duckdb import DuckDbEngine
from wattmark.ledger.factors import EmbodiedShare, Factors, GridFactor, SitePue

FIRST_DAY_US = 1_793_491_200_000_000
"""2026-11-01T00:00:00Z."""
SECOND = 1_000_000
DAY = 86_400 * SECOND
HOUR = 3600 * SECOND
DAYS = 10
SAMPLES = 8640
"""Per day and device."""
SUBJECTS = 2000
SITES = 12
ZONES = ("FRA", "DEU", "POL", "SWE", "USA", "IND")
PART_OF_DEVICES = 200
"""Devices that are sorted at once; more take more memory than the rollup itself."""


class Tables:
    """Tables in a folder, laid out as a ledger does it."""

    version = 1

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def files(self, table: str) -> list[str]:
        """Parquet files of a table."""
        return sorted(str(path) for path in (self.folder / table).rglob("*.parquet"))

    def arrow(self, table: str) -> Any:
        """The table as a dataset."""
        import pyarrow.dataset as ds

        return ds.dataset(self.files(table), partitioning="hive")


def make(folder: Path, rows: int, *, large: bool = False, device_only: bool = False) -> Tables:
    """Write all tables.

    ``large``: energies up to 2^55 microjoules, whose sums no int64 holds. ``device_only``: hosts without a
    meter of the node are read at their devices only, so that no PUE multiplies them.
    """
    devices = max(8, round(rows / DAYS / SAMPLES))
    tables = Tables(folder)
    with DuckDbEngine(memory="900MB") as engine:
        connection = engine.connection
        for number, select in enumerate(_counted(devices, rows, large, device_only)):
            day, text = select
            _write(connection, folder / "counted" / f"day={day}", text, number)
        for name, text in _small(devices).items():
            _write(connection, folder / name, text, 0)
        for day in sorted({path.parent.name for path in map(Path, tables.files("counted"))}):
            engine.attach("counted", _OneDay(tables, day))
            columns = ", ".join(name for name in DERIVED["cube"] if name != "day")
            _write(connection, folder / "cube" / day, f"SELECT {columns} FROM ({query('cube')})", 0)
    return tables


class _OneDay(Tables):
    """One day of the tables: the cube is made day by day."""

    def __init__(self, tables: Tables, day: str) -> None:
        super().__init__(tables.folder)
        self._day = day

    def files(self, table: str) -> list[str]:
        return [file for file in super().files(table) if f"/{self._day}/" in file]


def factors() -> Factors:
    """Intensity by the hour, PUE by the site, and what making a GPU emitted."""
    grid = tuple(
        GridFactor(
            zone=zone,
            start_us=FIRST_DAY_US + hour * HOUR,
            end_us=FIRST_DAY_US + (hour + 1) * HOUR,
            grams_per_kwh=30.0 + 120.0 * place + 7.0 * (hour % 24),
            granularity="hour",
            source="made up",
            relative_error=0.05,
        )
        for place, zone in enumerate(ZONES)
        for hour in range(24 * DAYS)
    )
    pue = tuple(SitePue(site=f"site-{n}", pue=1.1 + n / 50, relative_error=0.02) for n in range(SITES))
    return Factors(
        grid=grid, pue=pue, embodied=(EmbodiedShare(name="gpu", total_grams=150_000, lifespan_hours=35_064),)
    )


def _write(connection: Any, folder: Path, select: str, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = str(folder / f"{number:05d}.parquet").replace("'", "''")
    connection.execute(f"COPY ({select}) TO '{path}' (FORMAT PARQUET, COMPRESSION zstd)")


def _counted(devices: int, rows: int, large: bool, device_only: bool) -> Iterator[tuple[str, str]]:
    """One query per day and part of the devices."""
    samples = min(SAMPLES, max(1, round(rows / DAYS / devices)))
    for day in range(DAYS):
        for first in range(0, devices, PART_OF_DEVICES):
            last = min(first + PART_OF_DEVICES, devices)
            yield (
                f"2026-11-{day + 1:02d}",
                _samples(first, last, samples, FIRST_DAY_US + day * DAY, large, device_only),
            )


def _samples(first: int, last: int, samples: int, start_us: int, large: bool, device_only: bool) -> str:
    """Device 0 of each host is its CPU, shared by two; device 7 of every second one its node meter.

    hash() of DuckDB is the same in every process of one version: the numbers depend on nothing else.
    """
    watts = (
        f"(hash(dv * {samples} + t) % 36028797018963968)" if large else "(150 + hash(dv * 100003 + t) % 500)"
    )
    energy = watts if large else f"{watts} * 10000000 + hash(t) % 10000000"
    gap = "hash(dv + t * 31) % 97 = 0"
    return f"""
        SELECT
            {start_us} + (t // 90) * 900000000 AS bucket_us,
            {start_us} + t * 10000000 AS start_us, {start_us} + (t + 1) * 10000000 AS end_us,
            md5('run' || dv) AS record_id,
            md5('subject' || (
                (dv // 8 * 7 + t // 2160 + CASE WHEN kind = 0 THEN t % 2 ELSE 0 END) % {SUBJECTS}
            )) AS subject_id,
            md5('place' || (dv // 8 % {SITES})) AS place_id, md5('known' || dv) AS known_id,
            md5('host' || (dv // 8)) AS host_id, 'device-' || dv AS device_id,
            CASE kind WHEN 0 THEN 'cpu' WHEN 7 THEN 'node' ELSE 'gpu' END AS component,
            CAST(kind = 7 AS BIGINT) AS boundary,
            CAST(CASE WHEN kind <> 7 AND metered THEN 1 ELSE 3 END AS BIGINT) AS hidden_from,
            CAST({"metered" if device_only else "true"} AS BIGINT) AS reach,
            CASE WHEN kind <> 0 THEN 'whole' WHEN t % 5 = 0 THEN 'unallocated' ELSE 'share' END AS allocation,
            CAST(CASE WHEN {gap} THEN 0 ELSE {energy} END AS BIGINT) AS energy_uj,
            CAST(CASE WHEN {gap} THEN 0 ELSE 10000000 END AS BIGINT) AS observed_us,
            CAST(CASE WHEN {gap} THEN 10000000 ELSE 0 END AS BIGINT) AS gap_us,
            CASE WHEN NOT {gap} THEN CAST(0 AS BIGINT) WHEN dv % 50 <> 3 THEN CAST({energy} AS BIGINT) END
                AS gap_uj,
            CAST(0 AS BIGINT) AS gap_least_uj,
            CAST(CASE WHEN {gap} THEN 7000000000 ELSE 0 END AS BIGINT) AS gap_most_uj,
            CAST(NULL AS BIGINT) AS period_start_us, CAST(NULL AS BIGINT) AS period_end_us
        FROM (
            SELECT
                d.range AS dv, s.range AS t,
                CASE WHEN d.range % 8 = 7 AND d.range // 8 % 2 = 1 THEN 1 ELSE d.range % 8 END AS kind,
                d.range // 8 % 2 = 0 AS metered
            FROM range({first}, {last}) d, range({samples}) s
        )
        ORDER BY dv, t
    """


def _small(devices: int) -> dict[str, str]:
    zones = "[" + ", ".join(f"'{zone}'" for zone in ZONES) + "]"
    empty = ", ".join(f"'' AS {tag}" for tag in ("model_version", "task", "workload_class", "environment"))
    return {
        "subjects": f"""
            SELECT md5('subject' || range) AS subject_id, 'org-' || (range % 3) AS organisation,
                CASE WHEN range % 40 = 0 THEN '' ELSE 'team-' || (range % 20) END AS team,
                'project-' || (range % 200) AS project, 'model-' || (range % 50) AS model,
                (['training', 'inference', 'evaluation', 'data_preparation'])[range % 4 + 1] AS stage,
                {empty}, '' AS region, '' AS "zone", '' AS cost_centre,
                '{{"tier": "' || (range % 2) || '"}}' AS labels
            FROM range({SUBJECTS})""",
        "places": f"""
            SELECT md5('place' || range) AS place_id, ({zones})[range % 6 + 1] AS "zone",
                ({zones})[range % 6 + 1] AS country, 'site-' || range AS site,
                CASE WHEN range = 5 THEN 1.4::DOUBLE END AS pue,
                CASE WHEN range = 5 THEN 'measured' ELSE '' END AS pue_kind
            FROM range({SITES})""",
        "knowns": f"""
            SELECT md5('known' || range) AS known_id, 'integrated_power' AS method,
                CASE WHEN range % 8 = 7 THEN 'A' ELSE 'C' END AS grade, 'whole' AS "scope",
                CASE WHEN range % 8 = 0 THEN 'busy_time' ELSE '' END AS attribution_rule,
                1.0::DOUBLE AS sensor_duty, '{{"meter-' || range || ':gain": 0.1}}' AS errors,
                'nvml 1' AS source, '' AS calibration_id
            FROM range({devices})""",
        "runs": f"""
            SELECT md5('run' || range) AS record_id, 0::BIGINT AS seq, '' AS content,
                md5('subject' || (range // 8 * 7 % {SUBJECTS})) AS subject_id,
                md5('place' || (range // 8 % {SITES})) AS place_id, md5('host' || (range // 8)) AS host_id,
                'wattmark' AS source, 'closed' AS status, range % 17 = 0 AS failed,
                md5('job' || (range // 4)) AS attempt, '' AS solution_id, '' AS parent,
                range % 4 AS rank, 4::BIGINT AS world_size,
                {FIRST_DAY_US} + range % 97 * {HOUR} AS start_us,
                {FIRST_DAY_US} + (range % 97 + 5) * {HOUR} AS end_us,
                {FIRST_DAY_US} + (range % 97 + 5) * {HOUR} + range * 1000000 AS folded_us,
                1.5::DOUBLE AS own_cpu_seconds, 900.0::DOUBLE AS workload_cpu_seconds,
                0::BIGINT AS declared_rows, 10::BIGINT AS rows, '' AS quarantined
            FROM range({devices})""",
        "work": f"""
            SELECT {FIRST_DAY_US} + range % 900 * 900000000 AS bucket_us, md5('run' || range) AS record_id,
                md5('subject' || (range // 8 * 7 % {SUBJECTS})) AS subject_id,
                md5('place' || (range // 8 % {SITES})) AS place_id, 'inferences' AS unit,
                (range * 1000)::DOUBLE AS count, 0.0::DOUBLE AS failed, false AS declared, '' AS precision
            FROM range({devices})""",
    }
