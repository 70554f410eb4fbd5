"""One answer to one question, by one engine, in a process of its own: prints its time and its memory.

Everyone answers: energy, time and carbon by team, model, stage and day, from the table ``counted`` as it lies
there, with intensity by zone and hour and PUE by site. wattmark answers more: what belongs to a figure.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.ledger_tables import Tables, factors

NODE = 1
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
SUMS = ("energy_uj", "observed_us", "gap_us", "gap_uj")
Told = dict[str, Any]


def _factor_rows() -> tuple[list[tuple[str, int, float]], list[tuple[str, float]]]:
    """Zone, hour and intensity; site and PUE."""
    told = factors()
    grid = [(f.zone, f.start_us or 0, f.grams_per_kwh) for f in told.grid]
    return grid, [(f.site, f.pue) for f in told.pue]


LEAN = """
    WITH cells AS (
        SELECT subject_id, place_id, bucket_us, {sums}
        FROM counted WHERE boundary <= 1 AND hidden_from > 1
        GROUP BY subject_id, place_id, bucket_us
    )
    SELECT s.team, s.model, s.stage, (c.bucket_us - c.bucket_us % 86400000000) AS day_us,
        SUM(c.energy_uj) AS energy_uj, SUM(c.observed_us) AS observed_us, SUM(c.gap_us) AS gap_us,
        SUM(c.gap_uj) AS gap_uj,
        SUM((c.energy_uj + c.gap_uj) * COALESCE(p.pue, u.pue) * g.grams) / 3.6e12 AS carbon
    FROM cells c
    JOIN subjects s ON c.subject_id = s.subject_id
    JOIN places p ON c.place_id = p.place_id
    JOIN pues u ON p.site = u.site
    JOIN grid g ON p.zone = g.zone AND (c.bucket_us - c.bucket_us % 3600000000) = g.hour_us
    GROUP BY s.team, s.model, s.stage, (c.bucket_us - c.bucket_us % 86400000000)
"""
LEAN_SUMS = ", ".join(f"SUM(COALESCE({name}, 0)) AS {name}" for name in SUMS)


def wattmark(tables: Tables, source: str) -> Told:
    """Our rollup: figures with errors, grades, coverage and carbon for every group."""
    import duckdb  # noqa: F401  imported beforehand, as for the others
    import pyarrow  # noqa: F401

    from wattmark.core.figure import Figure
    from wattmark.ledger.engines.duckdb import DuckDbEngine
    from wattmark.ledger.factors import Factors
    from wattmark.ledger.rollup import Question, roll_up

    told = factors()
    watch = _Watch()
    with DuckDbEngine() as engine:
        question = Question(by=("team", "model", "stage"), period="day", source=source)
        answer = roll_up(tables, question, Factors(grid=told.grid, pue=told.pue), engine)
    times = watch.stop()
    carbon = answer.whole.carbon
    assert isinstance(carbon, Figure)
    return _told(times, answer.whole.observed_uj, carbon.value, len(answer.totals))


def duckdb_same(tables: Tables) -> Told:
    """DuckDB alone with the sums and keys that ours keeps, in its own words: what the engine costs."""
    from wattmark.ledger.engine import query
    from wattmark.ledger.engines.duckdb import in_own_words

    connection = _duckdb()
    watch = _Watch()
    _attach(connection, tables)
    cells = in_own_words(
        query("cells", source="counted", bucket="bucket_us", keys="", boundary=str(NODE), filters="")
    )
    rows = connection.execute(
        f"""
        WITH cells AS ({cells})
        SELECT s.team, s.model, s.stage, c.bucket_us - c.bucket_us % {DAY_US} AS day_us,
            c.place_id, c.known_id, c.component, c.reached, c.allocation,
            SUM(c.energy_uj), SUM(c.observed_us), SUM(c.gap_us), SUM(c.unfilled_us),
            SUM(c.gap_uj), SUM(c.gap_least_uj), SUM(c.gap_most_uj),
            SUM(CAST(c.energy_uj + c.gap_uj AS DOUBLE) * COALESCE(p.pue, u.pue)),
            SUM(CAST(c.energy_uj + c.gap_uj AS DOUBLE) * g.grams),
            SUM(CAST(c.energy_uj + c.gap_uj AS DOUBLE) * COALESCE(p.pue, u.pue) * g.grams) / 3.6e12
        FROM cells c
        JOIN subjects s ON c.subject_id = s.subject_id
        JOIN places p ON c.place_id = p.place_id
        JOIN pues u ON p.site = u.site
        JOIN grid g ON p.zone = g.zone AND c.bucket_us - c.bucket_us % {HOUR_US} = g.hour_us
        GROUP BY
            s.team, s.model, s.stage, day_us, c.place_id, c.known_id, c.component, c.reached, c.allocation
        """
    ).fetchall()
    times = watch.stop()
    groups = len({row[:4] for row in rows})
    return _told(times, sum(int(row[9]) for row in rows), sum(row[-1] for row in rows), groups)


def duckdb_lean(tables: Tables) -> Told:
    """DuckDB alone, energy and carbon and nothing else."""
    connection = _duckdb()
    watch = _Watch()
    _attach(connection, tables)
    rows = connection.execute(LEAN.format(sums=LEAN_SUMS)).fetchall()
    return _of_rows(watch, rows)


def polars_streaming(tables: Tables) -> Told:
    """Polars, its streaming engine."""
    import polars as pl

    grid_rows, pue_rows = _factor_rows()
    watch = _Watch()
    grid = pl.DataFrame(grid_rows, schema=["zone", "hour_us", "grams"], orient="row").lazy()
    pues = pl.DataFrame(pue_rows, schema=["site", "site_pue"], orient="row").lazy()
    used = (
        (pl.col("energy_uj") + pl.col("gap_uj")) * pl.coalesce("pue", "site_pue") * pl.col("grams") / 3.6e12
    )
    found = (
        pl.scan_parquet(tables.files("counted"), hive_partitioning=False)
        .filter((pl.col("boundary") <= NODE) & (pl.col("hidden_from") > NODE))
        .group_by("subject_id", "place_id", "bucket_us")
        .agg(pl.col(*SUMS).sum())
        .join(pl.scan_parquet(tables.files("subjects")), on="subject_id")
        .join(
            pl.scan_parquet(tables.files("places")).select("place_id", "zone", "site", "pue"), on="place_id"
        )
        .join(pues, on="site")
        .with_columns(
            hour_us=pl.col("bucket_us") - pl.col("bucket_us") % HOUR_US,
            day_us=pl.col("bucket_us") - pl.col("bucket_us") % DAY_US,
        )
        .join(grid, left_on=["zone_right", "hour_us"], right_on=["zone", "hour_us"])
        .with_columns(carbon=used)
        .group_by("team", "model", "stage", "day_us")
        .agg(pl.col(*SUMS, "carbon").sum())
        .collect(engine="streaming")
    )
    times = watch.stop()
    return _told(times, int(found["energy_uj"].sum()), float(found["carbon"].sum()), found.height)


def pandas_by_day(tables: Tables) -> Told:
    """pandas, one day after the other, for it holds all of what it reads."""
    import pandas as pd

    grid_rows, pue_rows = _factor_rows()
    watch = _Watch()
    columns = ["subject_id", "place_id", "bucket_us", "boundary", "hidden_from", *SUMS]
    cells = []
    for file in tables.files("counted"):
        rows = pd.read_parquet(file, columns=columns, partitioning=None)
        rows = rows[(rows["boundary"] <= NODE) & (rows["hidden_from"] > NODE)]
        cells.append(rows.groupby(["subject_id", "place_id", "bucket_us"], as_index=False)[list(SUMS)].sum())
    small = {
        name: pd.concat([pd.read_parquet(file) for file in tables.files(name)])
        for name in ("subjects", "places")
    }
    every = (
        pd.concat(cells)
        .merge(small["subjects"][["subject_id", "team", "model", "stage"]], on="subject_id")
        .merge(small["places"][["place_id", "zone", "site", "pue"]], on="place_id")
        .merge(pd.DataFrame(pue_rows, columns=["site", "site_pue"]), on="site")
    )
    every["hour_us"] = every["bucket_us"] - every["bucket_us"] % HOUR_US
    every["day_us"] = every["bucket_us"] - every["bucket_us"] % DAY_US
    every = every.merge(pd.DataFrame(grid_rows, columns=["zone", "hour_us", "grams"]), on=["zone", "hour_us"])
    times = every["pue"].fillna(every["site_pue"]) * every["grams"] / 3.6e12
    every["carbon"] = (every["energy_uj"] + every["gap_uj"]) * times
    found = every.groupby(["team", "model", "stage", "day_us"])[[*SUMS, "carbon"]].sum()
    times = watch.stop()
    return _told(times, int(found["energy_uj"].sum()), float(found["carbon"].sum()), len(found))


def sqlite(tables: Tables) -> Told:
    """SQLite, from a file of its own: it reads no Parquet. Loading it is told beside."""
    import sqlite3

    import pyarrow.dataset as ds

    path = tables.folder / "sqlite.db"
    watch = _Watch()
    loaded = not path.exists()
    connection = sqlite3.connect(path)
    if loaded:
        columns = ["subject_id", "place_id", "bucket_us", "boundary", "hidden_from", *SUMS]
        wanted = {
            "counted": columns,
            "subjects": ["subject_id", "team", "model", "stage"],
            "places": ["place_id", "zone", "site", "pue"],
        }
        connection.execute("PRAGMA journal_mode = OFF")
        for table, names in wanted.items():
            connection.execute(f"CREATE TABLE {table} ({', '.join(names)})")
            marks = ", ".join("?" * len(names))
            for batch in ds.dataset(tables.files(table)).to_batches(columns=names, batch_size=100_000):
                rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
                connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
        grid_rows, pue_rows = _factor_rows()
        connection.execute("CREATE TABLE grid (zone, hour_us, grams, PRIMARY KEY (zone, hour_us))")
        connection.executemany("INSERT INTO grid VALUES (?, ?, ?)", grid_rows)
        connection.execute("CREATE TABLE pues (site PRIMARY KEY, pue)")
        connection.executemany("INSERT INTO pues VALUES (?, ?)", pue_rows)
        connection.execute("CREATE INDEX by_subject ON subjects (subject_id)")
        connection.execute("CREATE INDEX by_place ON places (place_id)")
        connection.commit()
    load_seconds = watch.stop()["seconds"]
    watch = _Watch()
    told = _of_rows(watch, connection.execute(LEAN.format(sums=LEAN_SUMS)).fetchall())
    return {**told, **({"load_seconds": load_seconds} if loaded else {})}


def pyspark_local(tables: Tables) -> Told:
    """PySpark on both cores of one machine; starting it is told beside."""
    import pyspark
    from pyspark.sql import SparkSession

    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    watch = _Watch()
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .getOrCreate()
    )
    start_seconds = watch.stop()["seconds"]
    grid_rows, pue_rows = _factor_rows()
    watch = _Watch()
    for name in ("counted", "subjects", "places"):
        session.read.parquet(*tables.files(name)).createOrReplaceTempView(name)
    session.createDataFrame(grid_rows, "zone string, hour_us bigint, grams double").createOrReplaceTempView(
        "grid"
    )
    session.createDataFrame(pue_rows, "site string, pue double").createOrReplaceTempView("pues")
    told = _of_rows(watch, [tuple(row) for row in session.sql(LEAN.format(sums=LEAN_SUMS)).collect()])
    told["peak_mb"] = _peak_mb()  # while the Java process is there
    session.stop()
    return {**told, "load_seconds": start_seconds}


def _duckdb() -> Any:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    grid_rows, pue_rows = _factor_rows()
    connection.execute("CREATE TABLE grid (zone VARCHAR, hour_us BIGINT, grams DOUBLE)")
    connection.executemany("INSERT INTO grid VALUES (?, ?, ?)", grid_rows)
    connection.execute("CREATE TABLE pues (site VARCHAR, pue DOUBLE)")
    connection.executemany("INSERT INTO pues VALUES (?, ?)", pue_rows)
    return connection


def _attach(connection: Any, tables: Tables) -> None:
    for name in ("counted", "subjects", "places"):
        listed = ", ".join("'" + file.replace("'", "''") + "'" for file in tables.files(name))
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{listed}])")


def _of_rows(watch: _Watch, rows: list[tuple[Any, ...]]) -> Told:
    times = watch.stop()
    return _told(times, sum(int(row[4]) for row in rows), float(sum(row[8] for row in rows)), len(rows))


class _Watch:
    """Seconds and CPU seconds from here on; the CPU tells on a machine that others use too."""

    def __init__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def stop(self) -> Told:
        wall, cpu = self._began
        return {"seconds": time.perf_counter() - wall, "cpu_seconds": time.process_time() - cpu}


def _told(times: Told, energy_uj: int, carbon: float, groups: int) -> Told:
    return {**times, "energy_uj": energy_uj, "carbon_grams": carbon, "groups": groups}


def _peak_mb() -> float:
    """Peak resident memory of this process and of those that it has started."""
    return sum(_peak_of(pid) for pid in (os.getpid(), *_children(os.getpid())))


def _peak_of(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = [line for line in text.splitlines() if line.startswith("VmHWM:")]
    return int(found[0].split()[1]) / 1024 if found else 0.0


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    direct = [int(word) for word in text.split()]
    return [*direct, *(below for child in direct for below in _children(child))]


CONTESTANTS: dict[str, Callable[[Tables], Told]] = {
    "wattmark": lambda tables: wattmark(tables, "counted"),
    "wattmark-cube": lambda tables: wattmark(tables, "cube"),
    "duckdb-same": duckdb_same,
    "duckdb-lean": duckdb_lean,
    "polars": polars_streaming,
    "pandas": pandas_by_day,
    "sqlite": sqlite,
    "pyspark": pyspark_local,
}


def main() -> int:
    """One contestant, one folder of tables."""
    name, folder = sys.argv[1:3]
    told = CONTESTANTS[name](Tables(Path(folder)))
    print(json.dumps({"peak_mb": _peak_mb(), **told}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
