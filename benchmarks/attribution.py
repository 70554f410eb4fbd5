"""Energy divided among logged requests: `python benchmarks/attribution.py`.

    python benchmarks/attribution.py --requests 1e5,1e6,1e7     measure, write the results and the page
    python benchmarks/attribution.py --report                   only write the page again

A day of one device, sampled a million times at irregular moments, and so many requests of four models in it,
each with a first token. Every sample is a fresh process; contestants take turns. Needs `wattmark[attribute]`,
and pandas for the contestant of that name.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import machine
from wattmark.attribution.chunks import BLOCK, Chunks
from wattmark.attribution.columns import RequestColumns
from wattmark.attribution.power.series import Kind, PowerSeries
from wattmark.core.known import Grade, Method
from wattmark.core.serving.request import Service

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "methodology" / "attribution-benchmark.md"
RESULTS = HERE / "results" / "attribution.json"
SAMPLES = 3
POWER_SAMPLES = 1_000_000
DAY_US = 86_400 * 1_000_000
MODELS = 4
AGREES = 1e-4
"""Contestants that divide by the same weights agree on each model to this share."""
NAMES = {
    "wattmark": "wattmark, joules of each request",
    "wattmark-errors": "wattmark, with the errors of rule and sampling",
    "pandas": "pandas: events sorted, cumulated, merged; floats",
    "naive": "a Python loop over power samples and active requests",
}
MOST_REQUESTS = {"naive": 1e5}
"""Beyond this a contestant is left out: it would take hours."""
Answer = tuple[Sequence[float], float]
"""Joules by model, and idle joules."""


def requests_of(n: int) -> RequestColumns:
    """Always the same: about 2.6 s each, the first token after 5 to 30 % of it."""
    rng = np.random.default_rng(5)
    start = np.sort(rng.integers(0, DAY_US - 60_000_000, n))
    length = (rng.exponential(2.6, n) * 1e6).astype(np.int64).clip(1_000, 60_000_000)
    return RequestColumns(
        start_us=start,
        first_token_us=start + (length * rng.uniform(0.05, 0.3, n)).astype(np.int64),
        end_us=start + length,
        input_tokens=rng.integers(10, 2000, n),
        cached_input_tokens=np.zeros(n, np.int64),
        output_tokens=rng.integers(1, 500, n),
        weight=np.full(n, -1),
        failed=rng.random(n) < 0.01,
        service=rng.integers(0, MODELS, n).astype(np.int32),
        services=tuple(Service(model=f"model-{i}") for i in range(MODELS)),
    )


def power() -> PowerSeries:
    """A million samples of a day, 300 to 400 W."""
    rng = np.random.default_rng(6)
    times = np.unique(np.concatenate(([0, DAY_US], rng.integers(1, DAY_US, POWER_SAMPLES - 2))))
    watts = 300 + 100 * rng.random(len(times))
    steps = (watts[1:] + watts[:-1]) / 2 * np.diff(times) * 1e-6
    return PowerSeries(
        device_id="gpu:0",
        component="gpu",
        kind=Kind.SAMPLED,
        method=Method.INTEGRATED_POWER,
        grade=Grade.C,
        times_us=times,
        joules=np.concatenate(([0.0], np.cumsum(steps))),
        observed=np.ones(len(times) - 1, np.bool_),
        watts=watts,
    )


def by_wattmark(columns: RequestColumns, series: PowerSeries, uncertain: bool = False) -> Answer:
    """In chunks, as from a log."""
    chunks = Chunks([series], slack_us=0, uncertain=uncertain, since_us=0, until_us=DAY_US)
    for i in range(0, len(columns), BLOCK):
        chunks.add(columns[i : i + BLOCK])
    _, made = chunks.finish()
    joules = [0.0] * MODELS
    for share in made.window.shares:
        joules[int(share.service.model[-1])] += share.requests_joules
    return joules, made.window.devices[0].idle_joules


def by_pandas(columns: RequestColumns, series: PowerSeries) -> Answer:
    """As one would write it: a frame of events, its cumulated weight, joined with the cumulated energy."""
    import pandas as pd

    start, first, end = columns.start_us, columns.first_token_us, columns.end_us
    reading = columns.input_tokens / ((first - start) * 1e-6)
    writing = columns.output_tokens / ((end - first) * 1e-6)
    n = len(columns)
    events = pd.DataFrame(
        {
            "at": np.concatenate((start, first, end)),
            "change": np.concatenate((reading, writing - reading, -writing)),
            "event": np.arange(3 * n),
        }
    ).sort_values("at", kind="stable")
    events["weight"] = events["change"].cumsum()
    events["until"] = np.interp(events["at"], series.times_us, series.joules)
    step = events["until"].diff().shift(-1).fillna(0.0)
    busy = events["weight"] > 1e-6
    idle = float(step[~busy].sum() + events["until"].iloc[0] + series.joules[-1] - events["until"].iloc[-1])
    per_weight = (step / events["weight"]).where(busy, 0.0).cumsum().shift(fill_value=0.0)
    shown = np.empty(3 * n)
    shown[events["event"]] = per_weight
    joules = reading * (shown[n : 2 * n] - shown[:n]) + writing * (shown[2 * n :] - shown[n : 2 * n])
    return pd.Series(joules).groupby(columns.service).sum().tolist(), idle


def by_loop(columns: RequestColumns, series: PowerSeries) -> Answer:
    """Each sample's energy goes to those who are active in its middle."""
    start, first, end = (c.tolist() for c in (columns.start_us, columns.first_token_us, columns.end_us))
    given, written = columns.input_tokens.tolist(), columns.output_tokens.tolist()
    service, times = columns.service.tolist(), series.times_us.tolist()
    steps = np.diff(series.joules).tolist()
    joules, idle, active, upcoming = [0.0] * MODELS, 0.0, [], 0
    for k, step in enumerate(steps):
        middle = (times[k] + times[k + 1]) // 2
        while upcoming < len(start) and start[upcoming] <= middle:
            active.append(upcoming)
            upcoming += 1
        active = [i for i in active if end[i] > middle]
        weights = [
            given[i] / (first[i] - start[i]) if middle < first[i] else written[i] / (end[i] - first[i])
            for i in active
        ]
        total = sum(weights)
        if not active:
            idle += step
        for i, weight in zip(active, weights, strict=True):
            joules[service[i]] += step * weight / total
    return joules, idle


CONTESTANTS: Mapping[str, Callable[[RequestColumns, PowerSeries], Answer]] = {
    "wattmark": by_wattmark,
    "wattmark-errors": lambda columns, series: by_wattmark(columns, series, uncertain=True),
    "pandas": by_pandas,
    "naive": by_loop,
}


def sample(name: str, n: int) -> dict[str, Any]:
    """One sample, in this process: seconds of CPU, peak memory above the data, conservation, the answer."""
    columns, series = requests_of(n), power()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    joules, idle = CONTESTANTS[name](columns, series)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    total = series.energy_joules
    return {
        "seconds": seconds,
        "megabytes": (peak - before) / 1024,
        "conservation": abs(sum(joules) + idle - total) / total,
        "joules": list(joules),
    }


def measure(sizes: Sequence[int], samples: int) -> dict[str, Any]:
    """All contestants in turns, each sample in a process of its own."""
    found: dict[str, Any] = {"machine": machine.describe(), "versions": _versions(), "sizes": {}}
    for n in sizes:
        taking = [name for name in CONTESTANTS if n <= MOST_REQUESTS.get(name, float("inf"))]
        taken: dict[str, list[dict[str, Any]]] = {name: [] for name in taking}
        for turn in range(samples):
            for name in taking:
                if name == "naive" and turn:
                    continue
                command = [sys.executable, __file__, "--sample", name, "--requests", str(n)]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                taken[name].append(json.loads(done.stdout))
                print(f"{n:>12,} {name:<16} {taken[name][-1]['seconds']:.3f} s", file=sys.stderr)
        found["sizes"][str(n)] = taken
    return found


def agree(found: Mapping[str, Any]) -> list[str]:
    """Where contestants of the same weights differ; the loop's samples are coarser and may."""
    wrong = []
    for n, taken in found["sizes"].items():
        mine = taken["wattmark"][0]["joules"]
        for name in taken:
            apart = max(abs(a - b) / b for a, b in zip(taken[name][0]["joules"], mine, strict=True))
            if name != "naive" and apart > AGREES:
                wrong.append(f"{n} requests: {name} is {apart:.1e} from wattmark")
    return wrong


def page(found: Mapping[str, Any]) -> str:
    """The results as a page."""
    told = found["machine"]
    memory = f", {told['memory_gb']} GB" if told["memory_gb"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    lines = [
        "<!-- Generated by benchmarks/attribution.py: change benchmarks/, not this page. -->",
        "",
        "# What attribution costs",
        "",
        "A day of one device, sampled a million times at irregular moments, and requests of four models in",
        "it, each with a first token, are divided by tokens per second ([attribution.md](attribution.md)).",
        f"Medians of the CPU seconds of {SAMPLES} fresh processes in turns; trust ratios, not absolutes.",
        "Memory is what the division needs above requests and samples themselves. To run it again:",
        "`python benchmarks/attribution.py`.",
        "",
        f"{told['cpu_model']}, {told['cores']} cores{memory}; {told['system']} {told['kernel']};",
        f"{told['python']}; {versions}.",
        "",
    ]
    for n, taken in found["sizes"].items():
        base = _median(taken["wattmark"], "seconds")
        lines += [
            f"## {int(n):,} requests".replace(",", " "),
            "",
            "| how | CPU seconds | times wattmark | requests/s | memory, MB | parts off by |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        for name, samples in taken.items():
            seconds = _median(samples, "seconds")
            lines.append(
                f"| {NAMES[name]} | {seconds:.3g} | {seconds / base:.3g} | {int(n) / seconds:.2g} | "
                f"{_median(samples, 'megabytes'):.0f} | {_median(samples, 'conservation'):.0e} |"
            )
        lines.append("")
    lines += [
        "Parts off by: how far requests and idle energy are from the device, relative to it (budget 1e-9).",
        f"The joules of each model agree to {AGREES:.0e} between wattmark and pandas, which takes power for",
        "even between two samples; the loop gives a sample's energy to whoever is active in its middle.",
        "pandas holds all events at once; wattmark works in blocks: its need does not grow with the log.",
        "",
    ]
    return "\n".join(lines)


def main(words: Sequence[str] | None = None) -> int:
    """Measure and write. Exit code 1 when the contestants do not agree."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", default="1e5,1e6,1e7")
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--sample", choices=list(CONTESTANTS), help=argparse.SUPPRESS)
    parser.add_argument("--report", action="store_true")
    asked = parser.parse_args(words)
    sizes = [int(float(size)) for size in asked.requests.split(",")]
    if asked.sample:
        print(json.dumps(sample(asked.sample, sizes[0])))
        return 0
    if not asked.report:
        RESULTS.write_text(json.dumps(measure(sizes, asked.samples), indent=1) + "\n", encoding="utf-8")
    found = json.loads(RESULTS.read_text(encoding="utf-8"))
    PAGE.write_text(page(found), encoding="utf-8")
    wrong = agree(found)
    for problem in wrong:
        print(problem, file=sys.stderr)
    return 1 if wrong else 0


def _median(samples: Sequence[Mapping[str, Any]], name: str) -> float:
    return statistics.median(each[name] for each in samples)


def _versions() -> dict[str, str]:
    found = {}
    for name in ("numpy", "pandas"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # its contestant would fail, and say so
    return found


if __name__ == "__main__":
    sys.exit(main())
