"""Measures wattmark beside its peers: `python benchmarks/run.py` does it all; see benchmarks/README.md.

setup    one virtual environment per tool
run      measure, and write benchmarks/results/<date>-<host class>.json
report   write docs/benchmarks.md from a results file
all      the three in turn (the default)
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run as a file, from anywhere, by any Python

from benchmarks import budgets, environments, machine, report, results, rows, tools
from benchmarks.context import QUICK, Context, Installed, Settings

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
PAGE = ROOT / "docs" / "benchmarks.md"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wattmark-benchmarks"

BROKEN = 1


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", nargs="?", default="all", choices=["all", "setup", "run", "report"])
    parser.add_argument(
        "--quick",
        action="store_true",
        help="few repeats, and only ours unless --tools says: does it still work?",
    )
    parser.add_argument("--tools", default="", help="names of tools.toml, with commas (default: all)")
    parser.add_argument("--rows", default="", help=f"of {','.join(rows.MODULES)} (default: all)")
    parser.add_argument(
        "--environments", type=Path, default=CACHE, help=f"where the tools live (default: {CACHE})"
    )
    parser.add_argument("--results", type=Path, help="the results file to write or to report")
    parser.add_argument(
        "--add", action="store_true", help="run: put the rows into an existing --results file"
    )
    parser.add_argument(
        "--page", type=Path, help="the page to write (default: docs/benchmarks.md; none with --quick)"
    )
    return parser.parse_args(words)


def chosen(options: argparse.Namespace) -> tuple[tools.Tool, ...]:
    """The tools that were asked for."""
    declared = tools.load()
    names = [name for name in options.tools.split(",") if name]
    if unknown := set(names) - {tool.name for tool in declared}:
        raise SystemExit(f"no such tool: {', '.join(sorted(unknown))}; tools.toml has the names")
    if names:
        return tuple(tool for tool in declared if tool.name in names)
    return tuple(tool for tool in declared if tool.ours or not options.quick)


def set_up(options: argparse.Namespace) -> None:
    """Make the environments."""
    for tool in chosen(options):
        began = time.monotonic()
        environments.create(tool, options.environments / tool.name)
        print(f"{tool.name}: installed in {time.monotonic() - began:.0f} s", flush=True)


def measure(options: argparse.Namespace) -> Path:
    """Run the rows, and keep the results after each of them."""
    installed = tuple(
        Installed(tool, environments.inspect(options.environments / tool.name)) for tool in chosen(options)
    )
    settings = QUICK if options.quick else Settings()
    fresh = _fresh(installed, settings, quick=options.quick)
    path: Path = options.results or _default_path(options, fresh)
    old = _of_this_machine(results.read(path), fresh) if options.add else None
    found = old or fresh
    names = [name for name in options.rows.split(",") if name] or list(rows.MODULES)
    for count, name in enumerate(names, start=1):
        print(f"{name}:", flush=True)
        context = Context(installed, settings)
        measured = []
        for one in rows.load(name)(context):
            measured.append(one)
            print("  " + report.line(one), flush=True)
        found = found.with_more(measured, context.observations, context.skipped)
        found = found.under_load(name, os.getloadavg()[0])
        if old is not None:
            again = old.with_tools(fresh.tools, f"{', '.join(names[:count])} on {fresh.date}")
            found = replace(found, tools=again.tools)
        results.write(found, path)
    print(f"results in {path}")
    return path


def _fresh(installed: tuple[Installed, ...], settings: Settings, *, quick: bool) -> results.Results:
    told = {
        one.tool.name: {
            "version": one.environment.versions.get(one.tool.distribution, "unknown"),
            "revision": environments.revision() if one.tool.ours else "",
            "kind": one.tool.kind,
            "ours": one.tool.ours,
            "installed_as": " ".join(one.tool.install),
            "driven": {variant.name: variant.note for variant in one.tool.variants},
            "judged": ["-", *(variant.name for variant in one.tool.variants if variant.judged)],
            "distributions": dict(one.environment.versions),
        }
        for one in installed
    }
    return results.Results(
        time.strftime("%Y-%m-%d"), machine.describe(), asdict(settings) | {"quick": quick}, told
    )


def _of_this_machine(old: results.Results, new: results.Results) -> results.Results:
    """Rows join a results file only from the same machine, as far as can be told."""
    for key in ("cpu_model", "cores", "kernel", "python"):
        if old.machine[key] != new.machine[key]:
            raise SystemExit(f"--add: that file is of another machine ({key}): run everything anew")
    return old


def _default_path(options: argparse.Namespace, found: results.Results) -> Path:
    name = f"{found.date}-{machine.host_class(dict(found.machine))}.json"
    folder: Path = options.environments if options.quick else HERE / "results"
    return folder / name


def write_page(options: argparse.Namespace, path: Path) -> None:
    """Turn a results file into the page."""
    page: Path = options.page or PAGE
    page.write_text(report.markdown(results.read(path), budgets.load(), path.name), encoding="utf-8")
    print(f"page in {page}")


def latest() -> Path:
    """The newest results in the repository: their names begin with their date."""
    found = sorted((HERE / "results").glob("[0-9][0-9][0-9][0-9]-*.json"))
    if not found:
        raise SystemExit("no results yet: run `python benchmarks/run.py` first")
    return found[-1]


def broken(path: Path) -> list[str]:
    """What a benchmark of ours failed to measure. A slow figure is never a failure."""
    found = results.read(path)
    ours = {name for name, told in found.tools.items() if told["ours"]}
    return [f"{m.tool} {m.row}: {m.error}" for m in found.measurements if m.tool in ours and not m.samples]


def main(words: list[str] | None = None) -> int:
    """Run the steps. Exit code 1: the benchmark itself is broken."""
    options = arguments(words)
    try:
        if options.step in ("all", "setup"):
            set_up(options)
        if options.step == "setup":
            return 0
        path = (options.results or latest()) if options.step == "report" else measure(options)
    except environments.BrokenEnvironment as error:
        print(error, file=sys.stderr)
        return BROKEN
    if options.step != "run" and (options.page or not options.quick):
        write_page(options, path)
    faults = broken(path)
    print(*faults, sep="\n", file=sys.stderr) if faults else None
    return BROKEN if faults else 0


if __name__ == "__main__":
    sys.exit(main())
