"""How soon regressions are found, and how often in vain, on simulated traffic with known change points.

    python benchmarks/regression.py # half an hour on two cores; writes page and results
    python benchmarks/regression.py --seeds 2 --no-page

Needs ``wattmark[detect]``. Parameters were chosen on seeds below 2000; what is reported begins at seed 2000.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import Pool
from pathlib import Path

from wattmark.monitoring.detection.finding import Kind as Told
from wattmark.monitoring.detection.watcher import Watcher
from wattmark.testing.serving.plan import MONTH, Change, Kind, Model, Plan, Traffic
from wattmark.testing.serving.windows import windows

DAY = 1440
FIRST_SEED = 2000
BEFORE = 12 * DAY
"""Minutes of good time before a change, and some more by seed, so that it falls on any hour and weekday."""
AFTER = 2 * DAY
WEEK_AFTER = 9 * DAY
ROOT = Path(__file__).parent
RESULTS = ROOT / "results" / "regression-detection.json"
PAGE = ROOT.parent / "docs" / "monitoring" / "detection-benchmark.md"

PAGE_TEXT = """# How soon regressions are found, and how often in vain

Written by `python benchmarks/regression.py`; change it there.

Traffic is simulated by `wattmark.testing.serving`: days and weeks, slow wandering, bursts, heavy-tailed
tokens, requests that are counted after they cost, continuous batching, a meter with gain, noise and
steps. Its changes are known to the minute. Noise x1 is 0.4 % from minute to minute and 0.8 % that lasts
for three quarters of an hour, for each device; x3 is three times as much. {seeds} seeds each, none of
which was used to choose anything. Every change comes 12 to 19 days after the start, at any hour; a night
has a quarter of the afternoon's traffic. `months` is time in which nothing was wrong. The search was set
to 5 % at the least; [what it does](regressions.md).

Of {clean} clean months, {quiet} had no alert at all.

{table}

A look takes {look:.0f} microseconds for a model in the median of all months, fits included. {cpu},
{system}, Python {python}, numpy {numpy}, scipy {scipy}, ruptures {ruptures}.

The engine of the simulator is not the model that is fitted, but it is as tidy as such things are. Real
meters and real engines wander in more ways; the threshold follows what they did in their own past, and
nothing else can.
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of month."""

    name: str
    requests_per_minute: float
    noise: float
    kind: str = ""
    """Kind of the change; empty: nothing changes."""
    factor: float = 1.0
    minutes: int = 0
    tells: bool = True
    """Whether a regression is to be told; False: it is not the model's doing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one month."""

    case: str
    seed: int
    minutes: int
    """Watched without any regression in them."""
    false_alarms: int
    delay: float | None
    """Minutes from the change to the alert."""
    named: bool
    """Whether the alert named the release."""
    look_us: float


def plan_of(case: Case, seed: int) -> tuple[Plan, int]:
    """The month to simulate, and the minute of its change."""
    at = BEFORE + seed * 1877 % (7 * DAY)
    changes: tuple[Change, ...] = ()
    if case.kind:
        kind = Kind(case.kind)
        release = "1.1" if kind in (Kind.ENERGY, Kind.RELEASE) else ""
        device = "gpu-0" if kind in (Kind.GAP, Kind.STUCK, Kind.METHOD) else ""
        changes = (
            Change(
                at=at, kind=kind, factor=case.factor, minutes=case.minutes, version=release, device=device
            ),
        )
    ends = MONTH if not case.kind else at + (WEEK_AFTER if case.kind == "drift" else AFTER)
    models = (Model(traffic=(Traffic(requests_per_minute=case.requests_per_minute),)),)
    return Plan(models=models, minutes=ends, seed=seed, noise=case.noise, changes=changes), at


def month(job: tuple[Case, int]) -> Outcome:
    """Simulate one month and search it."""
    case, seed = job
    plan, at = plan_of(case, seed)
    watcher, spent, false_alarms, minutes = Watcher(), 0.0, 0, 0
    for window in windows(plan):
        begun = time.process_time()
        found = watcher.look(window)
        spent += time.process_time() - begun
        minutes += 1
        for one in found:
            if one.kind is not Told.REGRESSION:
                continue
            now = (one.at - plan.start_us / 1e6) / 60
            if case.kind and case.tells and now > at:
                named = any(cause.what == "release" for cause in one.causes)
                return Outcome(case.name, seed, at, false_alarms, now - at, named, spent / minutes * 1e6)
            false_alarms += 1
    return Outcome(case.name, seed, plan.minutes, false_alarms, None, False, spent / minutes * 1e6)


TRAFFIC = (30.0, 100.0, 300.0, 1500.0)
CASES = (
    *(
        Case(f"nothing changes, {rate:g} requests/min, noise x{noise:g}", rate, noise)
        for rate in TRAFFIC
        for noise in (1.0, 3.0)
    ),
    *(
        Case(f"+{factor - 1:.0%}, {rate:g} requests/min, noise x{noise:g}", rate, noise, "energy", factor)
        for factor in (1.05, 1.1, 1.2)
        for rate in TRAFFIC
        for noise in (1.0, 3.0)
    ),
    Case("+10 % over a week, 300 requests/min", 300.0, 1.0, "drift", 1.1, 7 * DAY),
    Case("batch limit 256 -> 8, 300 requests/min", 300.0, 1.0, "batch_limit", 8),
    Case("a release that costs the same", 300.0, 1.0, "release", 1.0, 0, False),
    Case("traffic doubles", 300.0, 1.0, "traffic", 2.0, 0, False),
    Case("traffic halves", 300.0, 1.0, "traffic", 0.5, 0, False),
    Case("prompts twice as long", 300.0, 1.0, "input_tokens", 2.0, 0, False),
    Case("answers half as long", 300.0, 1.0, "output_tokens", 0.5, 0, False),
    Case("a meter that is not read for an hour", 300.0, 1.0, "gap", 1.0, 60, False),
    Case("a meter that stands still for an hour", 300.0, 1.0, "stuck", 1.0, 60, False),
    Case("another way of measuring, 20 % higher", 300.0, 1.0, "method", 1.2, 0, False),
    Case("an agent that was away for an hour", 300.0, 1.0, "restart", 1.0, 60, False),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all months, keep the results, write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=12, help="Months of each kind.")
    parser.add_argument("--only", default="", help="Only cases whose names hold one of these, | between.")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--no-page", action="store_true")
    asked = parser.parse_args(arguments)
    cases = [case for case in CASES if any(part in case.name for part in asked.only.split("|"))]
    jobs = [(case, FIRST_SEED + seed) for case in cases for seed in range(asked.seeds)]
    begun = time.time()
    with Pool(asked.processes) as pool:
        outcomes = list(pool.imap_unordered(month, jobs, chunksize=1))
    document = {
        "machine": machine(),
        "seeds": asked.seeds,
        "minutes_taken": round((time.time() - begun) / 60, 1),
        "outcomes": [asdict(outcome) for outcome in sorted(outcomes, key=lambda o: (o.case, o.seed))],
    }
    print("\n".join(table_of(cases, outcomes)))
    if not asked.no_page:
        asked.results.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        PAGE.write_text(page(cases, outcomes, document["machine"], asked.seeds), "utf-8")


def machine() -> dict[str, str]:
    """What it ran on."""
    packages = {}
    for name in ("numpy", "scipy", "ruptures"):
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            packages[name] = "absent"
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "cpu": cpu,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **packages,
    }


def table_of(cases: Iterable[Case], outcomes: Sequence[Outcome]) -> list[str]:
    """One line for each case."""
    rows = [
        "| what | months | false alarms | found | median delay | slowest | release named |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for case in cases:
        mine = [o for o in outcomes if o.case == case.name]
        false_alarms = sum(o.false_alarms for o in mine)
        delays = sorted(o.delay for o in mine if o.delay is not None)
        cells = ["", "", "", ""]
        if case.kind and case.tells:
            cells[0] = f"{len(delays)} of {len(mine)}"
            cells[1:3] = [span(statistics.median(delays)), span(delays[-1])] if delays else ["", ""]
            if case.kind == "energy":
                cells[3] = f"{sum(o.named for o in mine)} of {len(delays)}"
        months = sum(o.minutes for o in mine) / MONTH
        rows.append(f"| {case.name} | {months:.1f} | {false_alarms} | {' | '.join(cells)} |")
    return rows


def span(minutes: float) -> str:
    """A time as people read it."""
    if minutes < 120:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.1f} h" if minutes < 2 * DAY else f"{minutes / DAY:.1f} days"


def page(cases: Sequence[Case], outcomes: Sequence[Outcome], on: dict[str, str], seeds: int) -> str:
    """The page of the documentation."""
    looks = sorted(o.look_us for o in outcomes)
    clean = [o for o in outcomes if not next(c for c in cases if c.name == o.case).kind]
    quiet = sum(o.false_alarms == 0 for o in clean)
    return PAGE_TEXT.format(
        seeds=seeds,
        clean=len(clean),
        quiet=quiet,
        table="\n".join(table_of(cases, outcomes)),
        look=statistics.median(looks),
        **on,
    )


if __name__ == "__main__":
    main()
