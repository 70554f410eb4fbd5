"""What was done in a run: work, quality, windows, and remarks, as they are logged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from wattmark.core.errors import UsageError
from wattmark.core.run import Dataset, Quality, Window, Work

LOWER_IS_BETTER = ("loss", "wer", "cer", "perplexity", "error", "mse", "rmse", "mae", "fid")
"""Usual names of qualities for which less is better; anything else is taken as higher-is-better."""


@dataclass(slots=True)
class _Open:
    id: int
    parent: int | None
    name: str
    stage: str | None
    start: float


class Journal:
    """Collects what is logged. Not thread-safe: the recording holds the lock."""

    def __init__(self, start: float, most_windows: int, declared: tuple[Work, ...] = ()) -> None:
        self._start = start
        self._most = most_windows
        self._open: dict[int, _Open] = {}
        self._next = 1
        self._not_kept = 0
        self.windows: list[Window] = []
        self.quality: list[Quality] = []
        self.dataset: Dataset | None = None
        self.progress: float | None = None
        self._work: dict[tuple[str, int | None, bool, str | None], Work] = {}
        self.notes: list[str] = []
        for work in declared:
            self._add(work)

    @property
    def work(self) -> tuple[Work, ...]:
        """Work so far: one entry per unit, window and kind."""
        return tuple(self._work.values())

    def begin(self, name: str, stage: str | None, parent: int | None, now: float) -> int:
        """Open a window and say its id."""
        opened = _Open(self._next, parent if parent in self._open else None, name, stage, now)
        self._next += 1
        self._open[opened.id] = opened
        return opened.id

    def end(self, window: int, now: float) -> None:
        """Close a window; one that is not open is ignored (it was closed before)."""
        opened = self._open.pop(window, None)
        if opened is None:
            return
        if len(self.windows) >= self._most:
            self._not_kept += 1
            return
        self.windows.append(self._closed(opened, now))

    def kept_windows(self, now: float) -> tuple[Window, ...]:
        """All windows, those that are still open as they stand, parents before children."""
        everything = [*self.windows, *(self._closed(o, now) for o in self._open.values())]
        ids = {w.id for w in everything}
        return tuple(
            w if w.parent in ids else replace(w, parent=None) for w in sorted(everything, key=lambda w: w.id)
        )

    def is_full(self) -> bool:
        """True when further windows are only counted."""
        return len(self.windows) + len(self._open) >= self._most

    def remarks(self) -> tuple[str, ...]:
        """Notes, and how many windows were not kept."""
        if self._not_kept:
            return (
                *self.notes,
                f"{self._not_kept} windows after the first {self._most} were not kept one by one",
            )
        return tuple(self.notes)

    def log(
        self,
        *,
        work: Mapping[str, float] | None = None,
        failed: Mapping[str, float] | None = None,
        quality: Mapping[str, float] | None = None,
        dataset: Dataset | None = None,
        progress: float | None = None,
        precision: str | None = None,
        higher_is_better: bool | None = None,
        window: int | None = None,
        now: float = 0.0,
    ) -> None:
        """Take one entry. Raises UsageError for a value that cannot be one."""
        for unit in dict.fromkeys((*(work or {}), *(failed or {}))):
            count = _amount(unit, (work or {}).get(unit, 0.0))
            lost = _amount(unit, (failed or {}).get(unit, 0.0))
            exactly = precision if unit == "flop" else None
            self._add(Work(unit=unit, count=count, failed=lost, window=window, precision=exactly), now)
        for name, value in (quality or {}).items():
            number = _finite(name, value)
            better = higher_is_better
            if better is None:
                better = not any(word in name.lower() for word in LOWER_IS_BETTER)
            self.quality = [q for q in self.quality if q.name != name]
            self.quality.append(Quality(name=name, value=number, higher_is_better=better))
        if dataset is not None:
            self.dataset = dataset
        if progress is not None:
            self.progress = min(1.0, max(0.0, _finite("progress", progress)))

    def _add(self, work: Work, now: float | None = None) -> None:
        key = (work.unit, work.window, work.declared, work.precision)
        before = self._work.get(key)
        if before is not None:
            work = replace(before, count=before.count + work.count, failed=before.failed + work.failed)
        elif now is not None:
            work = replace(work, t0_seconds=max(0.0, now - self._start))
        self._work[key] = work

    def _closed(self, opened: _Open, now: float) -> Window:
        return Window(
            id=opened.id,
            parent=opened.parent,
            name=opened.name,
            stage=opened.stage,
            t0_seconds=max(0.0, opened.start - self._start),
            duration_seconds=max(0.0, now - opened.start),
        )


def _finite(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{name} is {value!r}, which is not a number") from None
    if not math.isfinite(number):
        raise UsageError(f"{name} is {number}, which is not a finite number")
    return number


def _amount(name: str, value: Any) -> float:
    number = _finite(name, value)
    if number < 0:
        raise UsageError(f"work {name} is {number:g}: an amount of work is not negative")
    return number
