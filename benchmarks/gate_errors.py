"""How often the gate is wrong or cannot tell: `python benchmarks/gate_errors.py`.

    python benchmarks/gate_errors.py                 simulate, write the results and the page (minutes)
    python benchmarks/gate_errors.py --trials 200    the same, coarser
    python benchmarks/gate_errors.py --report        only write the page again

The gate itself judges made-up runs; no formula stands in for it. The same seed draws the same runs, and
each cell of the tables others: what luck there is in one is not in all.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from wattmark.core.facts import Answer, Facts
from wattmark.core.gate_errors import Rates, Trial, gate_errors
from wattmark.core.given import Given
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.kpis import Better, Kpi
from wattmark.core.policy import Aggregation, Limit
from wattmark.core.repeats import Repeat, repeats_of
from wattmark.core.run import EnergyRow, Host, Run, SourceId, Status

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "methodology" / "gate-errors.md"
RESULTS = HERE / "results" / "gate-errors.json"
BEGIN, END = "<!-- table:{} -->", "<!-- end -->"
ALLOWED = 0.05
NOISES = (0.01, 0.02, 0.05, 0.10)
RUNS = (3, 5, 10)
CHANGES = (0.0, 0.025, 0.05, 0.075, 0.10, 0.15)
SEED = 1


def _energy(facts: Facts) -> Answer:
    return facts.energy


ENERGY = Kpi(id="energy", title="Energy", unit="J", better=Better.LOWER, formula="E", of=_energy)
CATALOG = {"energy": ENERGY}


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a table before it is simulated."""

    table: str
    limit: Limit
    trial: Trial
    observed: float = 1.0


def example(observed: float = 1.0) -> Repeat:
    """A run of 100 s at 100 W by a counter of 5 %; idle is 30 W, at most 150 W. The rest was not read."""
    row = EnergyRow(
        device_id="node:a/0",
        component="node",
        t0_seconds=0.0,
        duration_seconds=100.0,
        energy_joules=10_000.0 * observed,
        observed_seconds=100.0 * observed,
        method=Method.HARDWARE_COUNTER,
        boundary=Boundary.NODE,
        grade=Grade.B,
        errors={"meter:a:gain": 0.05},
        source=SourceId(name="made up", version="1"),
        idle_watts=30.0,
        max_watts=150.0,
    )
    run = Run(
        record_id="example",
        status=Status.CLOSED,
        started_at="2026-11-01T12:00:00.000000Z",
        started_monotonic_seconds=0.0,
        duration_seconds=100.0,
        host=Host(id="a" * 16, fingerprint="a" * 16, boot_id="a" * 16),
        energies=(row,),
    )
    return repeats_of([run], Given())[0]


def cases() -> Iterator[Case]:
    """Everything that the page shows."""
    limit = Limit(id="growth", kpi="energy", max_increase=ALLOWED)
    for noise in NOISES:
        for runs in RUNS:
            for change in CHANGES:
                yield Case("noise", limit, _trial(runs, noise, change))
    for observed in (0.99, 0.97):
        for change in CHANGES:
            yield Case("gaps", limit, _trial(5, 0.02, change), observed)
    for aggregation in Aggregation:
        for change in CHANGES:
            yield Case("aggregation", replace(limit, aggregation=aggregation), _trial(10, 0.02, change))
    level = Limit(id="level", kpi="energy", max=10_000.0)
    for change in (-0.15, -0.10, -0.05, 0.0, 0.05, 0.10, 0.15):
        yield Case("absolute", level, _trial(5, 0.02, change))


def _trial(runs: int, noise: float, change: float) -> Trial:
    return Trial(runs=runs, baseline_runs=runs, noise=noise, change=change)


def simulated(case: Case, trials: int, seed: int = SEED) -> Rates:
    """One cell of a table."""
    words = (case.table, case.limit.aggregation.value, case.observed, case.trial.noise, case.trial.runs)
    dice = random.Random(f"{seed} {words} {case.trial.change}")
    return gate_errors(case.limit, CATALOG, example(case.observed), case.trial, dice, trials)


def row_of(case: Case, rates: Rates) -> dict[str, Any]:
    """As kept."""
    return {
        "table": case.table,
        "aggregation": case.limit.aggregation.value,
        "noise": case.trial.noise,
        "runs": case.trial.runs,
        "observed": case.observed,
        "change": case.trial.change,
        "trials": rates.trials,
        "failed": rates.failed,
        "passed": rates.passed,
        "undecided": rates.undecided,
    }


HEADS: Mapping[str, tuple[str, ...]] = {
    "noise": ("noise", "runs"),
    "gaps": ("observed",),
    "aggregation": ("aggregation",),
    "absolute": (),
}


def table(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table: what was tried, by the true change; each cell is fails / passes in per cent."""
    mine = [row for row in rows if row["table"] == name]
    keys = HEADS[name]
    changes = list(dict.fromkeys(row["change"] for row in mine))
    groups = list(dict.fromkeys(tuple(row[key] for key in keys) for row in mine))
    lines = [[*keys, *(f"{100 * change:+g} %" if change else "0 %" for change in changes)]]
    for group in groups:
        cells = {row["change"]: row for row in mine if tuple(row[key] for key in keys) == group}
        lines.append([*map(_shown, keys, group), *(_cell(cells[change]) for change in changes)])
    head, *body = ("| " + " | ".join(line) + " |" for line in lines)
    return "\n".join([head, "| " + " | ".join("---" for _ in lines[0]) + " |", *body])


def _shown(key: str, value: Any) -> str:
    return f"{100 * value:g} %" if key in ("noise", "observed") else str(value)


def _cell(row: Mapping[str, Any]) -> str:
    shares = (100 * row["failed"] / row["trials"], 100 * row["passed"] / row["trials"])
    return " / ".join(f"{share:.0f}" if share == 0 or share >= 10 else f"{share:.1f}" for share in shares)


def page_of(text: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The page with its tables written anew."""
    for name in HEADS:
        begin = BEGIN.format(name)
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(END)
        text = f"{before}{begin}\n{table(name, rows)}\n{END}{after}"
    return text


def main(words: Sequence[str] | None = None) -> int:
    """Simulate and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--report", action="store_true", help="only write the page again")
    asked = parser.parse_args(words)
    if not asked.report:
        rows = []
        for case in cases():
            rows.append(row_of(case, simulated(case, asked.trials)))
            sys.stderr.write(f"{len(rows)} {rows[-1]}\n")
        RESULTS.write_text(json.dumps({"seed": SEED, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    rows = json.loads(RESULTS.read_text(encoding="utf-8"))["rows"]
    PAGE.write_text(page_of(PAGE.read_text(encoding="utf-8"), rows), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
