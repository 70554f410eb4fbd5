"""``wattmark.benchmark``: a benchmark from Python."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wattmark.bench.callable import Function
from wattmark.core.bench.result import Result
from wattmark.core.errors import UsageError
from wattmark.wiring.bench import bundle_name, free_folder, run_asked
from wattmark.wiring.bench_asked import BenchAsked
from wattmark.wiring.configuration import load_config

OUT = "wattmark-bench"


def benchmark(
    task: str,
    model: str | Function | None = None,
    *,
    profile: str = "standard",
    out: str | Path | None = None,
    **asked: Any,
) -> Result:
    """Run a benchmark of a local model or of a function, and leave a bundle in ``out`` [./wattmark-bench].

    A function takes a list of inputs and gives a list of outputs (docs/bench/callable.md). ``asked``: any
    other field of :class:`wattmark.wiring.bench.BenchAsked`, e.g. ``datasets=("synthetic",)``. Raises
    UsageError and MissingExtra for what is asked wrongly, EvidenceError where nothing can be answered.
    """
    known = {f.name for f in fields(BenchAsked)}
    if unknown := sorted(asked.keys() - known):
        raise UsageError(f"benchmark() has no argument {unknown[0]!r}; it has {', '.join(sorted(known))}")
    found = BenchAsked(task=task, profile=profile, **asked)
    if callable(model):
        found = replace(found, callable=model)
    elif model is not None:
        found = replace(found, model=model)
    folder = free_folder(Path(out or OUT) / bundle_name(found, datetime.now(UTC)))
    done = run_asked(found, folder, load_config(Path.cwd(), os.environ))
    if done.bundle is None:  # nobody can stop it but by an exception
        raise UsageError(f"the benchmark in {folder} was stopped")
    return done.bundle.result
