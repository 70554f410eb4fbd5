"""Where the events of a track go: a run of its own, a window of the one around it, or a parent's log."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from wattmark.config import Config
from wattmark.core.run import Dataset, Run
from wattmark.measure import ending  # noqa: F401 - before what the program does at its end is registered
from wattmark.measure.settings import Settings

if TYPE_CHECKING:  # a window of another run needs none
    from wattmark.measure.recording import Recording

current_window: ContextVar[Any] = ContextVar("wattmark_window", default=None)
"""The innermost open window of the caller's context, as its backend names it."""


class Backend(Protocol):
    """Where a track's events go."""

    def begin(self, name: str, stage: str | None, parent: Any) -> Any: ...
    def end(self, window: Any) -> None: ...
    def log(self, window: Any, entry: Mapping[str, Any]) -> None: ...
    def stop(self, failed: bool) -> Run | None: ...


class Own:
    """A run of its own."""

    def __init__(self, settings: Settings, config: Config) -> None:
        from wattmark.wiring.recordings import new_recording

        self.datasets: list[Any] = []
        self.recording: Recording = new_recording(settings, config)
        self.recording.start()

    def begin(self, name: str, stage: str | None, parent: int | None) -> int:
        return self.recording.begin(name, stage, parent)

    def end(self, window: int) -> None:
        self.recording.end(window)

    def log(self, window: Any, entry: Mapping[str, Any]) -> None:
        dataset = entry.get("dataset")
        if dataset is not None and not isinstance(dataset, Dataset):
            self.datasets.append(dataset)  # read after the last reading
            entry = {k: v for k, v in entry.items() if k != "dataset"}
        if self.recording.foreign and self.recording.log_path is not None:
            write_line(self.recording.log_path, entry)
            return
        self.recording.log(window=window, **entry)

    def stop(self, failed: bool) -> Run:
        return self.recording.stop(failed=failed, describe=functools.partial(describe, self.datasets))


class Inner:
    """A window of the track around it."""

    def __init__(self, outer: Backend, settings: Settings) -> None:
        self._outer = outer
        self._before = current_window.get()
        self._opened = self._outer.begin(settings.name, settings.subject.stage, self._before)
        current_window.set(self._opened)

    def begin(self, name: str, stage: str | None, parent: Any) -> Any:
        return self._outer.begin(name, stage, parent)

    def end(self, window: Any) -> None:
        self._outer.end(window)

    def log(self, window: Any, entry: Mapping[str, Any]) -> None:
        self._outer.log(window, entry)

    def stop(self, failed: bool) -> None:
        leave(self._opened, self._before)
        self._outer.end(self._opened)


class Joined:
    """A window of the run that measures this process, told by lines in its log."""

    def __init__(self, log: Path, settings: Settings) -> None:
        self._log = log
        self._opened: str | None = None
        self._datasets: list[Any] = []
        self.problem: str | None = None
        self._before = current_window.get()
        self._opened = self.begin(settings.name, settings.subject.stage, self._before)
        current_window.set(self._opened)

    def begin(self, name: str, stage: str | None, parent: Any) -> str:
        identity = os.urandom(8).hex()
        above = parent if isinstance(parent, str) else self._opened
        self._write({"event": "begin", "window": name, "stage": stage, "id": identity, "parent": above})
        return identity

    def end(self, window: Any) -> None:
        self._write({"event": "end", "id": window})

    def log(self, window: Any, entry: Mapping[str, Any]) -> None:
        dataset = entry.get("dataset")
        if dataset is not None and not isinstance(dataset, Dataset):
            self._datasets.append(dataset)
            entry = {k: v for k, v in entry.items() if k != "dataset"}
        if any(v is not None for v in entry.values()):
            self._write({**entry, "id": window if isinstance(window, str) else self._opened})

    def stop(self, failed: bool) -> None:
        leave(self._opened, self._before)
        self.end(self._opened)
        try:
            described = describe(self._datasets)
        except Exception as error:  # noqa: BLE001 - any dataset class may be behind it, and the host must go on
            self.problem = f"the dataset could not be described: {type(error).__name__}: {error}"
        else:
            self._write({"dataset": described})

    def _write(self, entry: Mapping[str, Any]) -> None:
        self.problem = write_line(self._log, entry) or self.problem


def write_line(log: Path, entry: Mapping[str, Any]) -> str | None:
    """Append one JSON line in a single write, so that lines of many processes do not mix.

    Nothing is raised into the program that is measured; what went wrong is the answer.
    """
    import json

    from wattmark.core.plain import plain

    told = {k: plain(v) for k, v in entry.items() if v is not None}
    if not told:
        return None
    try:
        # Numbers of other libraries (NumPy's) become plain ones.
        line = json.dumps(told, default=float) + "\n"
        fd = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(fd, line.encode())
        finally:
            os.close(fd)
    except (OSError, TypeError, ValueError) as error:
        return f"wattmark could not write to {log}: {error}"
    return None


def leave(opened: Any, before: Any) -> None:
    """Go back to the window around, unless we are in another context by now."""
    if current_window.get() == opened:
        current_window.set(before)


def describe(sources: list[Any]) -> Dataset | None:
    """Describe the datasets that were logged, after the window's end. The last one counts."""
    if not sources:
        return None
    from wattmark.datasets.describe import dataset

    return dataset(sources[-1])
