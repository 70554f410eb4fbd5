"""Writes metrics and power of a run that has just ended, for DVC and whoever else reads flat files."""

from __future__ import annotations

from pathlib import Path

from wattmark.config import Config
from wattmark.core.run import Run
from wattmark.core.totals import latest


def write_metrics(target: Path, run: Run, config: Config, folder: Path | None) -> None:
    """Energy and KPIs as flat JSON. KPIs are over all attempts at the run's solution in ``folder``.

    Raises OSError, and EvidenceError for a run file there that cannot be read.
    """
    from wattmark.core.tracked import told_of
    from wattmark.reports.metrics_file import metrics_json
    from wattmark.reports.sections import answers_of
    from wattmark.wiring.given import Stated, facts_for
    from wattmark.wiring.trackers import totals_of

    attempts = _attempts(run, folder)
    own, every = (facts_for(runs, config, Stated()) for runs in ([run], attempts))
    numbers: dict[str, float] = {}
    words: dict[str, str] = {}
    for name, answer in {**totals_of(own), **answers_of(every)}.items():
        more, said = told_of(name, answer)
        numbers |= more
        words |= said
    target.write_text(metrics_json(run, numbers, words, len(attempts)), "utf-8")


def write_power(target: Path, run: Run) -> None:
    """Power over time as CSV. Raises OSError."""
    from wattmark.reports.metrics_file import power_csv

    target.write_text(power_csv(run), "utf-8")


def _attempts(run: Run, folder: Path | None) -> list[Run]:
    """The runs of its solution, itself among them; alone where it names none."""
    if run.solution_id is None or folder is None:
        return [run]
    from wattmark.wiring.runs import read_runs

    there = [item.run for item in read_runs([folder]) if item.run.solution_id == run.solution_id]
    return latest([*there, run])
