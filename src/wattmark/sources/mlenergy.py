"""The ML.ENERGY Leaderboard's published figures: v3 tables of tasks, v2 files of models, v2 as one CSV.

Published without the readings behind them, so every figure is declared, grade E. A row stands for what its
figure is of: one request of a language model at its steady power, one batch of pictures or videos. Rows that
contradict themselves are bad: E/request = E/token x tokens, E/token = power / throughput, E/image = power x
latency / batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import Imported
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.json_input import documents_of, list_at, text_at
from wattmark.sources.lines import files_of, table_of
from wattmark.sources.mlenergy_row import NAME, Published, run_of, v2_of, v3_of
from wattmark.sources.moments import moment_us, zone_of
from wattmark.sources.portions import Notes, Portion

__all__ = ["NAME", "OPTIONS", "open_source"]

OPTIONS: Mapping[str, str] = {
    "date": "When the figures were published, e.g. 2024-09-01, where no index.json beside tasks/ tells it.",
    "task": "Task of v2 files that do not lie in their tree, e.g. llm_text_generation/chat.",
}
FAMILIES = ("llm_text_generation", "mllm_text_generation", "diffusion")
INDEX = "index.json"
MODELS = "models"
"""Folder of the same rows once more, by model."""


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on tables, files and folders of them."""
    date = asked.settings.get("date")
    date_us = moment_us(date, zone_of(None)) if date is not None else None
    if date is not None and date_us is None:
        raise UsageError(f"date is a day like 2024-09-01, not {date!r}")
    return MlEnergy(_files(inputs), asked, date_us)


def _files(inputs: Inputs) -> tuple[Path, ...]:
    """Every JSON file of folders but the index and the copies by model."""
    found = files_of(inputs, "**/*.json")
    named = {Path(text) for text in inputs}
    return tuple(p for p in found if p in named or (p.name != INDEX and p.parent.name != MODELS))


class MlEnergy:
    """Reads each published row as a run of one request or one batch."""

    def __init__(self, files: tuple[Path, ...], asked: Asked, date_us: int | None) -> None:
        self._files = files
        self._asked = asked
        self._date_us = date_us

    def read(self) -> Iterator[Imported]:
        """The rows, one portion per file."""
        notes = Notes()
        notes.add("published figures without the readings behind them: declared, grade E")
        seen: set[tuple[str, int]] = set()
        for path in self._files:
            portion = Portion()
            for place, row in self._rows(path):
                try:
                    run = run_of(row(), self._asked, self._date(path))
                except ValueError as error:
                    portion.refuse(place, str(error))
                    continue
                portion.take(run, seen)
            yield portion.brought()
        yield Portion().brought(notes)

    def _rows(self, path: Path) -> Iterator[tuple[str, Callable[[], Published]]]:
        """Place of each row, and what reads it."""
        if path.suffix.lower() == ".csv":
            yield from _csv(path)
            return
        for place, document, reason in documents_of(path):
            if document is None:
                raise EvidenceError(place, reason)
            if "configurations" in document:
                task = text_at(document, "task") or path.stem
                for index, entry in enumerate(list_at(document, "configurations")):
                    at = f"{place}:$.configurations[{index}]"
                    yield at, partial(_v3, entry, task)
            elif "Model" in document:
                yield place, partial(v2_of, document, self._asked.settings.get("task") or _task_of(path))
            else:
                raise EvidenceError(
                    place, "is none of ML.ENERGY's files: expected `configurations` (v3) or `Model` (v2)"
                )

    def _date(self, path: Path) -> int:
        """When it was published: as asked, or as the index of the tables says."""
        if self._date_us is not None:
            return self._date_us
        index = path.parent.parent / INDEX
        if index.is_file():
            for _, document, _ in documents_of(index):
                found = moment_us(text_at(document, "last_updated"), zone_of(None))
                if found is not None:
                    return found
        raise ValueError(f"states no date, and no {INDEX} does: say -o date=2024-09-01")


def _csv(path: Path) -> Iterator[tuple[str, Callable[[], Published]]]:
    header: list[str] = []
    for line, cells in table_of(path):
        if not header:
            header = cells
            if "Model" not in header or "task" not in header:
                raise EvidenceError(str(path), "is no table of ML.ENERGY v2: expected columns task and Model")
        else:
            row = {k: v for k, v in zip(header, cells, strict=False) if v}
            yield f"{path}:{line}", partial(v2_of, row, row.get("task", ""))
    if not header:
        raise EvidenceError(str(path), "is empty: expected a header of columns")


def _v3(entry: Any, task: str) -> Published:
    if not isinstance(entry, dict):
        raise ValueError("is not a JSON object")
    return v3_of(entry, task)


def _task_of(path: Path) -> str:
    """Family and task, by the folders: data/FAMILY/TASK/GPU/ORGANISATION/MODEL/bs8.json."""
    parts = path.resolve().parts
    for family in FAMILIES:
        if family in parts[:-1]:
            at = len(parts) - 1 - parts[::-1].index(family)
            return "/".join(parts[at : at + 2])
    return ""
