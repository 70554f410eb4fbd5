"""Totals of a ledger beside the bare engine and its peers: `python benchmarks/ledger_rollup.py`.

    python benchmarks/ledger_rollup.py --rows 1e6,1e7          make the tables, measure, write the page
    python benchmarks/ledger_rollup.py --rows 1e8 --add        measure more sizes into the same results
    python benchmarks/ledger_rollup.py --report                only write the page again

Needs an environment with `wattmark[ledger,spark]`, polars and pandas; 1e8 rows need 2 GB of disk. Each sample
is a fresh process; contestants take turns; files are in the page cache for all of them.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import machine
from benchmarks.ledger_contestants import CONTESTANTS
from benchmarks.ledger_tables import Tables, make

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "ledger" / "benchmark.md"
RESULTS = HERE / "results" / "ledger-rollup.json"
BUDGET = 1.3
BUDGET_MB = 1000
SAMPLES = 3
QUIET = 3.0
"""Load average at the end, of which the contestants themselves make two."""
MOST_ROWS = {"pandas": 1e7, "sqlite": 1e7, "pyspark": 1e7}
"""Beyond this a contestant is left out: it would need more memory or patience than it is worth."""
NAMES = {
    "wattmark": "wattmark, from every row",
    "wattmark-cube": "wattmark, from the stored cube",
    "duckdb-same": "DuckDB alone, the same sums and keys",
    "duckdb-lean": "DuckDB alone, energy and carbon only",
    "polars": "Polars, streaming",
    "pandas": "pandas, day by day",
    "sqlite": "SQLite, already loaded",
    "pyspark": "PySpark local[2], already started",
}
PACKAGES = ("duckdb", "polars", "pandas", "pyspark", "pyarrow")


def main(words: Sequence[str] | None = None) -> int:
    """Measure and write. Exit code 1 when the contestants do not agree."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default="1e6,1e7")
    parser.add_argument("--only", default="", help=f"some of {','.join(CONTESTANTS)}")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--folder", type=Path, help="where the tables are made and kept (default: temporary)")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--add", action="store_true", help="keep the sizes that were measured before")
    parser.add_argument("--report", action="store_true", help="only write the page again")
    options = parser.parse_args(words)
    if not options.report:
        with tempfile.TemporaryDirectory(prefix="wattmark-benchmark-") as scratch:
            measured = list(_sizes(options, options.folder or Path(scratch)))
        _keep(options, measured)
    document = json.loads(options.results.read_text(encoding="utf-8"))
    options.page.write_text(page(document), encoding="utf-8")
    return 0 if all(_agree(size) for size in document["sizes"]) else 1


def _sizes(options: argparse.Namespace, folder: Path) -> Iterator[dict[str, Any]]:
    names = [name for name in options.only.split(",") if name] or list(CONTESTANTS)
    for rows in (int(float(word)) for word in options.rows.split(",")):
        place = folder / f"{rows}"
        began = time.perf_counter()
        tables = Tables(place) if (place / "cube").exists() else make(place, rows)
        print(f"{rows} rows: made in {time.perf_counter() - began:.0f} s", flush=True)
        _warm(tables)
        taking_part = [name for name in names if rows <= MOST_ROWS.get(name, rows)]
        samples: dict[str, list[dict[str, Any]]] = {name: [] for name in taking_part}
        for _ in range(options.samples):
            for name in taking_part:
                samples[name].append(_sample(name, place))
                told = samples[name][-1]
                print(f"  {name}: {told['seconds']:.2f} s, {told['peak_mb']:.0f} MB", flush=True)
        cells = sum(_rows_of(file) for file in tables.files("cube"))
        yield {"rows": rows, "cube_rows": cells, "load": os.getloadavg()[0], "samples": samples}


def _sample(name: str, folder: Path) -> dict[str, Any]:
    command = [sys.executable, str(HERE / "ledger_contestants.py"), name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def _warm(tables: Tables) -> None:
    for file in tables.files("counted"):
        with open(file, "rb") as opened:
            while opened.read(1 << 22):
                pass


def _rows_of(file: str) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(file).num_rows)


def _keep(options: argparse.Namespace, measured: list[dict[str, Any]]) -> None:
    kept = []
    if options.add and options.results.exists():
        again = {size["rows"] for size in measured}
        before = json.loads(options.results.read_text(encoding="utf-8"))
        kept = [size for size in before["sizes"] if size["rows"] not in again]
    document = {
        "schema": "wattmark.ledger-benchmark/1",
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine.describe(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "sizes": sorted([*kept, *measured], key=lambda size: size["rows"]),
    }
    options.results.parent.mkdir(parents=True, exist_ok=True)
    options.results.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _agree(size: Mapping[str, Any]) -> bool:
    """One energy, to the last microjoule, and one carbon to 1e-9."""
    every = [told for samples in size["samples"].values() for told in samples]
    first = every[0]
    return all(
        told["energy_uj"] == first["energy_uj"]
        and abs(told["carbon_grams"] / first["carbon_grams"] - 1) < 1e-9
        for told in every
    )


def page(document: Mapping[str, Any]) -> str:
    """The page, from the results."""
    told = document["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    lines = [
        "# Benchmark of totals",
        "",
        "Generated by `python benchmarks/ledger_rollup.py`: change it there. Energy, time and carbon by "
        "team, model, stage and day, from rows of ten seconds (`counted`), with intensity by zone and hour "
        "and PUE by site. Medians; each sample is a process of its own; files are in the page cache.",
        "",
        f"{document['date']}, {told['cpu_model']}, {told['cores']} cores, {told['python']}; {versions}.",
        "",
        "wattmark answers more than the others: errors by source, grades, coverage, bounds of gaps and "
        "carbon as figures, for every group. *The same sums and keys* is what DuckDB alone needs for the "
        f"numbers behind them; the budget is {BUDGET} times that at 10^8 rows, within {BUDGET_MB} MB.",
        "",
    ]
    sizes = document["sizes"]
    headers = [f"{size['rows']:.0e} rows: s" for size in sizes], [f"{size['rows']:.0e}: MB" for size in sizes]
    cells = ["", *(cell for pair in zip(*headers, strict=True) for cell in pair)]
    lines += ["| " + " | ".join(cells) + " |", "|" + " --- |" * len(cells)]
    for name, title in NAMES.items():
        row = [title]
        for size in sizes:
            row += _cells(size["samples"].get(name))
        lines.append("| " + " | ".join(row) + " |")
    lines.append("")
    for size in sizes:
        lines.append(_verdict(size))
    lines += ["", *_beside(sizes)]
    return "\n".join(lines) + "\n"


def _cells(samples: Sequence[Mapping[str, Any]] | None) -> list[str]:
    if not samples:
        return ["-", "-"]
    seconds = statistics.median(told["seconds"] for told in samples)
    return [f"{seconds:.2f}", f"{max(told['peak_mb'] for told in samples):.0f}"]


def _verdict(size: Mapping[str, Any]) -> str:
    ours, bare = (_median(size, name, "seconds") for name in ("wattmark", "duckdb-same"))
    cpu = _median(size, "wattmark", "cpu_seconds") / _median(size, "duckdb-same", "cpu_seconds")
    agree = "all agree: energy to the microjoule, carbon to 1e-9" if _agree(size) else "THEY DO NOT AGREE"
    return (
        f"- {size['rows']:.0e} rows, {size['cube_rows']} in the cube: {ours / bare:.2f} times the bare "
        f"engine by the clock, {cpu:.2f} by CPU time{_busy(size)}; {agree}."
    )


def _busy(size: Mapping[str, Any]) -> str:
    """What to say where others used the machine too."""
    if size["load"] <= QUIET:
        return ""
    return f" (others used the machine, load {size['load']:.1f}: the CPU time is what tells)"


def _median(size: Mapping[str, Any], name: str, what: str) -> float:
    return statistics.median(told[what] for told in size["samples"][name])


def _beside(sizes: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is not in the times."""
    for size in sizes:
        for name, what in (("sqlite", "loading SQLite"), ("pyspark", "starting Spark")):
            told = [t["load_seconds"] for t in size["samples"].get(name, []) if "load_seconds" in t]
            if told:
                yield f"- {size['rows']:.0e} rows, not in the times: {what} {statistics.median(told):.0f} s."


if __name__ == "__main__":
    sys.exit(main())
