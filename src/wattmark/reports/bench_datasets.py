"""The datasets of the benchmark's tasks, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from wattmark.core.bench.listed_dataset import ListedDataset
from wattmark.reports.as_json import document
from wattmark.reports.as_text import table


def datasets_json(datasets: Iterable[ListedDataset]) -> str:
    """Schema ``wattmark.bench-datasets``: every dataset with its revision or hashes."""
    rows = [
        {**asdict(each), "offline": each.offline, "sha256": {str(n): h for n, h in each.sha256}}
        for each in datasets
    ]
    return document("bench-datasets", 1, {"datasets": rows})


def datasets_text(datasets: Iterable[ListedDataset]) -> str:
    """One line for each dataset of each task."""
    rows = [
        (
            each.task,
            each.id,
            each.preset or ("stand-in" if each.synthetic else ""),
            _revision(each),
            each.licence,
            each.at_hand,
        )
        for each in datasets
    ]
    return table(("task", "dataset", "preset", "revision", "licence", "at hand"), rows)


def _revision(each: ListedDataset) -> str:
    if each.synthetic:
        return each.revision
    return each.revision[:12] if each.revision else "not pinned"
