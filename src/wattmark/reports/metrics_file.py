"""A run as a flat file of metrics, and its power over time as a table: what DVC keeps and compares.

The keys are those of all trackers, without their prefix. What is missing is named under ``missing``; no key
ever stands for an unknown figure. ``record_id`` and ``measured_at`` say which measurement it is: a stage that
DVC takes from its cache brings the file of the run that really happened.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from itertools import pairwise

from wattmark.core.run import Run
from wattmark.core.tracked import PREFIX
from wattmark.reports.timeline import timeline

HOW = (".grade", ".boundary")
"""Of the words about a figure, those that are kept."""


def metrics_json(run: Run, numbers: Mapping[str, float], words: Mapping[str, str], attempts: int) -> str:
    """One flat JSON object: the run, every figure with both ends and its grade, and what is missing."""
    figures: dict[str, float | str] = {
        key.removeprefix(PREFIX): value for key, value in sorted(numbers.items())
    }
    how = {key.removeprefix(PREFIX): text for key, text in sorted(words.items()) if key.endswith(HOW)}
    missing = [key.removeprefix(PREFIX).removesuffix(".missing") for key in words if key.endswith(".missing")]
    about: dict[str, object] = {
        "record_id": run.record_id,
        "measured_at": run.started_at,
        "failed": run.failed,
        "attempts": attempts,
        "duration_seconds": run.duration_seconds,
    }
    whole: Mapping[str, object] = {**about, **figures, **how, "missing": ", ".join(sorted(missing))}
    return json.dumps(whole, indent=2) + "\n"


def power_csv(run: Run) -> str:
    """Seconds, watts of everything, watts of each component; a stretch that was not seen is an empty cell."""
    line = timeline(run)
    held = io.StringIO()
    writer = csv.writer(held, lineterminator="\n")
    names = [f"{name.replace(' ', '_')}_watts" for name in line.power] if line is not None else []
    writer.writerow(["seconds", "watts", *names])
    if line is not None:
        columns = (line.total, *line.power.values())
        for (_, right), *watts in zip(pairwise(line.edges), *columns, strict=True):
            writer.writerow([f"{right:.6g}", *("" if w is None else f"{w:.6g}" for w in watts)])
    return held.getvalue()
