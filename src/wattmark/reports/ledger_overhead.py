"""The Operational Overhead Score of a ledger, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wattmark.core.facts import Answer, Operations
from wattmark.core.kpis.operational_overhead_score import (
    MAX_CPU_SHARE,
    MAX_DECLARED_SHARE,
    MAX_LATENCY_SECONDS,
    MAX_MANUAL_STEPS,
    WEIGHT,
)
from wattmark.core.listed import some
from wattmark.reports.as_json import answer_json
from wattmark.reports.as_text import answer_text, bar, duration, explained, percent, table
from wattmark.reports.ledger_lists import Head
from wattmark.reports.quantities import number


@dataclass(frozen=True, slots=True)
class OverheadPart:
    """One of the four parts: its value and the one at which all its points are lost."""

    name: str
    value: float | None
    """None: not known."""
    most: float
    shown: str
    shown_most: str
    unknown: str
    """How to make it known."""
    better: str
    """How to lose fewer points."""

    @property
    def lost(self) -> float | None:
        """Points lost, 0 to 25."""
        return None if self.value is None else 100 * WEIGHT * min(1.0, self.value / self.most)


def parts_of(told: Operations) -> tuple[OverheadPart, ...]:
    """The four parts in the order of the formula (kpis.md)."""
    share = None
    if told.own_cpu_seconds is not None and told.workload_cpu_seconds:
        share = told.own_cpu_seconds / told.workload_cpu_seconds
    return (
        OverheadPart(
            "latency to the ledger, 95th percentile",
            told.latency_p95_seconds,
            MAX_LATENCY_SECONDS,
            "" if told.latency_p95_seconds is None else duration(told.latency_p95_seconds),
            duration(MAX_LATENCY_SECONDS),
            "no run states when it ended and when it was folded",
            "fold more often: `wattmark ledger fold` from cron",
        ),
        OverheadPart(
            "own CPU over the workload's",
            share,
            MAX_CPU_SHARE,
            "" if share is None else percent(share),
            percent(MAX_CPU_SHARE),
            "known when every run states both; imported runs do not: --where source=wattmark",
            "read less often: period_seconds under [measure]",
        ),
        OverheadPart(
            "manual steps per report",
            None if told.manual_steps is None else float(told.manual_steps),
            MAX_MANUAL_STEPS,
            "" if told.manual_steps is None else str(told.manual_steps),
            number(MAX_MANUAL_STEPS),
            "declare it: manual_steps in ledger.toml, or --manual-steps",
            "let CI make the report",
        ),
        OverheadPart(
            "figures declared or imported by hand",
            told.declared_share,
            MAX_DECLARED_SHARE,
            "" if told.declared_share is None else percent(told.declared_share),
            percent(MAX_DECLARED_SHARE),
            "no run holds a figure",
            "measure what is declared now: `wattmark ledger totals --by grade,source`",
        ),
    )


def overhead_text(head: Head, runs: int, score: Answer, told: Operations, *, ascii_only: bool = False) -> str:
    """The score, and where its points were lost."""
    rows, hints = [], []
    for part in parts_of(told):
        lost = part.lost
        drawn = "" if lost is None else bar(lost / (100 * WEIGHT), 12, ascii_only=ascii_only)
        hints.append(part.unknown if lost is None else (part.better if lost >= 1 else ""))
        rows.append(
            (
                part.name,
                part.shown or "not known",
                part.shown_most,
                "" if lost is None else number(lost),
                drawn,
            )
        )
    heads = ("part", "now", "all lost at", "points lost", "")
    return "\n".join(
        [
            f"Operational Overhead Score  {answer_text(score)}",
            "",
            explained(table(heads, rows), hints),
            "",
            f"{some(runs, 'run')}; {head}",
        ]
    )


def overhead_body(runs: int, score: Answer, told: Operations) -> Mapping[str, Any]:
    """The score and its parts for JSON."""
    return {
        "runs": runs,
        "score": answer_json(score),
        "latency_p95_seconds": told.latency_p95_seconds,
        "own_cpu_seconds": told.own_cpu_seconds,
        "workload_cpu_seconds": told.workload_cpu_seconds,
        "manual_steps": told.manual_steps,
        "declared_share": told.declared_share,
        "points_lost": {part.name: part.lost for part in parts_of(told)},
    }
