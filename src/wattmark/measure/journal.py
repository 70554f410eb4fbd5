"""What was done in a run: work, quality, windows, and remarks, as they are logged."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from wattmark.core.errors import UsageError
from wattmark.core.run import LEAST, MOST_COUNT, Dataset, Quality, Window, Work

LOWER_IS_BETTER = ("loss", "wer", "cer", "perplexity", "error", "mse", "rmse", "mae", "fid")
"""Usual names of qualities for which less is better; anything else is taken as higher-is-better."""
MOST_NOTES = 100
"""Remarks kept one by one."""
MOST_KINDS = 1000
"""Units of work, and names of qualities, that one run tells apart."""
LONGEST_NAME = 200
"""Characters of a name; a window's is cut, so that a run file stays small."""


class _Open(NamedTuple):
    id: int
    parent: int | None
    name: str
    stage: str | None
    start: float
    kept: bool
    extends: int | None = None
    """For one that is not kept: where in the list the window before it is, of the same stage and parent."""


class Journal:
    """Collects what is logged. Not thread-safe: the recording holds the lock."""

    def __init__(self, start: float, most_windows: int, declared: tuple[Work, ...] = ()) -> None:
        self._start = start
        self._most = most_windows
        self._open: dict[int, _Open] = {}
        self._next = 1
        self._kept = 0
        self._not_kept = 0
        self._last: dict[int | None, tuple[int, str | None]] = {}
        self._notes_left_out = 0
        self.windows: list[Window] = []
        self.quality: list[Quality] = []
        self.dataset: Dataset | None = None
        self.progress: float | None = None
        self._work: dict[tuple[str, int | None, bool, str | None], Work] = {}
        self.notes: list[str] = []
        for work in declared:
            self._add(replace(work, count=amount(work.unit, work.count)))

    @property
    def work(self) -> tuple[Work, ...]:
        """Work so far: one entry per unit, window and kind."""
        return tuple(self._work.values())

    def begin(self, name: str, stage: str | None, parent: int | None, now: float) -> int:
        """Open a window and say its id."""
        above = self._kept_around(parent)
        kept = self.keeps(stage, parent)
        outer = above.id if above else None
        place, before = self._last.get(outer, (0, None))
        extends = place if not kept and stage is not None and stage == before else None
        opened = _Open(self._next, outer, name[:LONGEST_NAME], stage, now, kept, extends)
        self._next += 1
        self._open[opened.id] = opened
        self._kept += kept
        self._not_kept += not kept
        return opened.id

    def end(self, window: int, now: float) -> None:
        """Close a window; one that is not open is ignored (it was closed before)."""
        opened = self._open.pop(window, None)
        if opened is None:
            return
        if opened.kept:
            if opened.stage is not None:
                self._last[opened.parent] = len(self.windows), opened.stage
            self.windows.append(self._closed(opened, now))
        elif opened.extends is not None:
            whole = self.windows[opened.extends]
            lasted = max(0.0, now - self._start) - whole.t0_seconds
            self.windows[opened.extends] = replace(
                whole, duration_seconds=max(whole.duration_seconds, lasted)
            )

    def kept_windows(self, now: float) -> tuple[Window, ...]:
        """All windows, those that are still open as they stand, parents before children."""
        still = (self._closed(o, now) for o in self._open.values() if o.kept)
        return tuple(sorted((*self.windows, *still), key=lambda w: w.id))

    def keeps(self, stage: str | None, parent: int | None) -> bool:
        """Whether a window would be kept, so that its edges are worth a reading.

        Beyond the limit only windows that begin another stage are, up to as many again: without them
        energy would be told of the wrong stage. Those of the same stage make the one before them longer.
        """
        if self._kept < self._most:
            return True
        if self._kept >= 2 * self._most or stage is None:
            return False
        above = self._kept_around(parent)
        if above is not None and above.stage == stage:
            return False
        return self._last.get(above.id if above else None, (0, None))[1] != stage

    def _kept_around(self, parent: int | None) -> _Open | None:
        """The innermost window around that is kept."""
        above = self._open.get(parent) if parent is not None else None
        while above is not None and not above.kept:
            above = self._open.get(above.parent) if above.parent is not None else None
        return above

    def is_kept(self, window: int) -> bool:
        """Whether this open window is kept."""
        return window in self._open and self._open[window].kept

    def note(self, text: str) -> None:
        """Take down a remark; the same one, or too many, are only counted."""
        if text in self.notes or len(self.notes) >= MOST_NOTES:
            self._notes_left_out += 1
        else:
            self.notes.append(text)

    def remarks(self) -> tuple[str, ...]:
        """Notes, and how much was not kept."""
        more: list[str] = []
        if self._notes_left_out:
            more.append(f"{self._notes_left_out} more remarks, or the same again, were left out")
        if self._not_kept:
            more.append(f"{self._not_kept} windows after the first {self._most} were not kept one by one")
        return (*self.notes, *more)

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
        """Take one entry, whole or not at all. Raises UsageError for a value that cannot be one."""
        for what, value in (("work", work), ("failed", failed), ("quality", quality)):
            if value is not None and not isinstance(value, Mapping):
                example = "{'accuracy': 0.97}" if what == "quality" else "{'inferences': 1000}"
                raise UsageError(f"{what} is {value!r}, not of the form {example}")
        done = [
            Work(
                unit=str(unit),
                count=amount(str(unit), (work or {}).get(unit, 0.0)),
                failed=amount(str(unit), (failed or {}).get(unit, 0.0)),
                window=window if window is not None and self.is_kept(window) else None,
                precision=precision if unit == "flop" else None,
            )
            for unit in dict.fromkeys((*(work or {}), *(failed or {})))
        ]
        good = [_quality(str(name), value, higher_is_better) for name, value in (quality or {}).items()]
        self._room_for(done, good)
        if progress is not None:
            self.progress = min(1.0, max(0.0, _finite("progress", progress)))
        for one in done:
            self._add(one, now)
        for one_quality in good:
            self.quality = [*(q for q in self.quality if q.name != one_quality.name), one_quality]
        if dataset is not None:
            self.dataset = dataset

    def _room_for(self, done: Sequence[Work], good: Sequence[Quality]) -> None:
        """Raise UsageError when an entry would make a run file that nobody could read."""
        for name in (*(w.unit for w in done), *(q.name for q in good)):
            if len(name) > LONGEST_NAME:
                raise UsageError(f"the name {name[:40]!r}... is longer than {LONGEST_NAME} characters")
        if any(_key(w) not in self._work for w in done):
            _few({w.unit for w in (*self._work.values(), *done)}, "units of work")
        if good:
            _few({q.name for q in (*self.quality, *good)}, "names of qualities")
        for work in done:
            before = self._work.get(_key(work))
            if before is not None:
                amount(work.unit, before.count + work.count)
                amount(work.unit, before.failed + work.failed)

    def _add(self, work: Work, now: float | None = None) -> None:
        key = _key(work)
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


def _few(kinds: Collection[str], what: str) -> None:
    if len(kinds) > MOST_KINDS:
        raise UsageError(f"more than {MOST_KINDS} {what}: use one name for what is of one kind")


def _key(work: Work) -> tuple[str, int | None, bool, str | None]:
    return work.unit, work.window, work.declared, work.precision


def _quality(name: str, value: Any, higher_is_better: bool | None) -> Quality:
    if higher_is_better is None:
        higher_is_better = not any(word in name.lower() for word in LOWER_IS_BETTER)
    return Quality(name=name, value=_finite(name, value), higher_is_better=bool(higher_is_better))


def _finite(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{name} is {str(value)[:80]!r}, which is not a number") from None
    if not math.isfinite(number):
        raise UsageError(f"{name} is {number}, which is not a finite number")
    if abs(number) > MOST_COUNT:
        raise UsageError(f"{name} is {number:g}, which is too large to be real")
    return number


def amount(name: str, value: Any) -> float:
    """An amount of work: finite and not negative. Raises UsageError that names it."""
    number = _finite(name, value)
    if number < 0:
        raise UsageError(f"work {name} is {number:g}: an amount of work is not negative")
    if 0 < number < LEAST:
        raise UsageError(f"work {name} is {number:g}, which is too small to be real")
    return number
