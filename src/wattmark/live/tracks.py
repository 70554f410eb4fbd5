"""A stretch of work that is measured."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from wattmark.config import Config
from wattmark.core.errors import UsageError
from wattmark.core.run import Run
from wattmark.live.backends import Backend, Inner, Joined, Own, current_window, leave
from wattmark.measure.environment import LOG, RUN
from wattmark.measure.settings import Settings

if TYPE_CHECKING:
    from wattmark.core.facts import Facts
    from wattmark.core.figure import Figure, Missing
    from wattmark.measure.budget import BudgetState

F = TypeVar("F", bound=Callable[..., Any])
active: ContextVar[Track | None] = ContextVar("wattmark_active", default=None)
"""The track that was started last in the caller's context, stopped or not."""


class Track:
    """A stretch of work that is measured: context manager, decorator, or start and stop.

    Started inside another track it is a window of that one; inside a command that `wattmark measure`
    runs, a window of the command's run. So nothing is ever counted twice.
    """

    def __init__(self, settings: Settings, config: Config) -> None:
        self._settings = settings
        self._config = config
        self._backend: Backend | None = None
        self._above: Track | None = None
        self.outer: Track | None = None
        """The track of this program that this one is a window of, once it was started."""
        self._windows: dict[str, list[tuple[Any, Any]]] = {}
        self._stopped = False
        self._result: Run | None = None
        self.path: Path | None = None
        """The run file, when one was written."""

    def start(self) -> Track:
        """Begin to measure."""
        if self._backend is not None:
            raise UsageError("this track was started already; make a new one for each stretch")
        self._above, outer = active.get(), running()
        if outer is not None:
            self._backend = Inner(outer._started(), self._settings)
            self.outer = outer
        elif (log := log_to_join()) is not None:  # also in threads of a program that measures itself
            self._backend = Joined(log, self._settings)
        else:
            self._backend = Own(self._settings, self._config)
            current_window.set(None)  # one that was never ended belongs to an earlier run
        active.set(self)
        return self

    def stop(self, *, failed: bool = False) -> Run | None:
        """Stop measuring. Gives the evidence; None when this is a window of another run."""
        if self._backend is None:
            raise UsageError("this track was not started")
        if self._stopped:
            return self._result
        self._stopped = True
        backend = self._backend
        self._result = backend.stop(failed)
        if isinstance(backend, Own):
            self.path = backend.recording.path
        if active.get() is self:
            # Not by the token: it may have been started in another context.
            active.set(self._above)
        return self._result

    @contextmanager
    def window(self, name: str, *, stage: str | None = None) -> Iterator[None]:
        """Measure a part: ``with run.window("epoch 1", stage="training"):``. Windows may be nested."""
        backend = self._started()
        before = current_window.get()
        opened = backend.begin(name, stage, before)
        current_window.set(opened)
        try:
            yield
        finally:
            leave(opened, before)
            backend.end(opened)

    def begin(self, name: str, *, stage: str | None = None) -> None:
        """Open a window by name; close it with :meth:`end`."""
        before = current_window.get()
        opened = self._started().begin(name, stage, before)
        self._windows.setdefault(name, []).append((opened, before))
        current_window.set(opened)

    def end(self, name: str) -> None:
        """Close the window of that name that was begun last; a warning when there is none."""
        backend = self._started()
        if not self._windows.get(name):
            warnings.warn(f"wattmark: no window {name!r} is open, so none was ended", stacklevel=2)
            return
        opened, before = self._windows[name].pop()
        leave(opened, before)
        backend.end(opened)

    def log(
        self,
        *,
        work: Mapping[str, float] | None = None,
        failed: Mapping[str, float] | None = None,
        quality: Mapping[str, float] | None = None,
        dataset: Any = None,
        progress: float | None = None,
        precision: str | None = None,
        higher_is_better: bool | None = None,
    ) -> None:
        """Say what was done.

        ``work`` counts functional units ({"inferences": 1000}), ``failed`` those that failed;
        ``quality`` names how good the result is; ``dataset`` is a path or a dataset, which is read
        after the window's end, or a ready :class:`wattmark.Dataset`; ``progress`` (0 to 1) lets a
        budget be projected; ``precision`` says in what FLOP were done.
        """
        entry: dict[str, Any] = {
            "work": work,
            "failed": failed,
            "quality": quality,
            "progress": progress,
            "precision": precision,
            "higher_is_better": higher_is_better,
        }
        entry["dataset"] = dataset
        self._started().log(current_window.get(), {k: v for k, v in entry.items() if v is not None})

    @property
    def run(self) -> Run:
        """The evidence: final after :meth:`stop`, as it stands before. Raises UsageError for a window."""
        if self._result is not None:
            return self._result
        backend = self._started()
        if isinstance(backend, Own):
            return backend.recording.snapshot()
        raise UsageError("this track is a window of another run: look at that one")

    @property
    def budget(self) -> BudgetState | None:
        """Where the budget stands; check ``budget.breached`` in a loop to stop in time."""
        backend = self._started()
        return backend.recording.budget_state() if isinstance(backend, Own) else None

    @property
    def problem(self) -> str | None:
        """Why the run file could not be written, or what trackers did not take of it; None: all is well."""
        backend = self._started()
        if isinstance(backend, Own):
            return backend.recording.problem or "; ".join(backend.recording.untold) or None
        return backend.problem if isinstance(backend, Joined) else None

    def joining(self) -> tuple[Path | None, str]:
        """Log and record id through which other processes join this run; no log when nothing is written."""
        backend = self._started()
        if not isinstance(backend, Own):
            raise UsageError("this track is a window of another run: join that one")
        log = backend.recording.log_path
        return (log.absolute() if log is not None else None), backend.recording.record_id

    def facts(self) -> Facts:
        """Totals of this run, ready for the KPIs."""
        from wattmark.wiring.given import Stated, facts_for

        return facts_for([self.run], self._config, Stated())

    @property
    def energy(self) -> Figure | Missing:
        """Energy of this run in joules, with grade, coverage and interval."""
        return self.facts().energy

    def __enter__(self) -> Track:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(failed=kind is not None)

    async def __aenter__(self) -> Track:
        return self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(failed=kind is not None)

    def __call__(self, function: F) -> F:
        """Measure every call of a function, plain or async, as a run of its own."""
        import inspect

        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise UsageError(
                f"{function.__qualname__} is a generator: it runs in turns with the code that consumes it. "
                "Use `with wattmark.track():` around the loop that consumes it"
            )
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def measured_async(*args: Any, **kwargs: Any) -> Any:
                with self._again(function):
                    return await function(*args, **kwargs)

            return cast(F, measured_async)

        @functools.wraps(function)
        def measured(*args: Any, **kwargs: Any) -> Any:
            with self._again(function):
                return function(*args, **kwargs)

        return cast(F, measured)

    def _again(self, function: Callable[..., Any]) -> Track:
        name = self._settings.name if self._settings.name != "run" else function.__qualname__
        return Track(self._settings._replace(name=name), self._config)

    @property
    def _forked(self) -> bool:
        """Whether this is a forked child's copy of a run that goes on in its parent."""
        return isinstance(self._backend, Own) and self._backend.recording.foreign

    def _started(self) -> Backend:
        if self._backend is None:
            raise UsageError("this track was not started: use `with wattmark.track():` or call start()")
        return self._backend


def running() -> Track | None:
    """The innermost track around the caller that has not been stopped (a task may outlive its track)."""
    found = active.get()
    while found is not None and (found._stopped or found._backend is None or found._forked):
        found = found._above
    return found


def log_to_join() -> Path | None:
    """Where the run that measures us takes lines: the one we were forked from, or the environment's."""
    found = active.get()
    while found is not None:
        if found._forked and not found._stopped:
            return found._backend.recording.log_path if isinstance(found._backend, Own) else None
        found = found._above
    return Path(os.environ[LOG]) if os.environ.get(LOG) and os.environ.get(RUN) else None
