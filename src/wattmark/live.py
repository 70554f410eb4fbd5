"""``wattmark.track`` and ``wattmark.log``: measuring from inside a Python program."""

from __future__ import annotations

import functools
import json
import math
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from wattmark.config import Config, Tags
from wattmark.core.errors import UsageError
from wattmark.core.outcome import parse_goal
from wattmark.core.run import Dataset, Place, Run, Subject, Work
from wattmark.measure.budget import BudgetState, parse_budget
from wattmark.measure.environment import LOG, OUT, RUN, joins_from
from wattmark.measure.journal import amount
from wattmark.measure.processes import CpuClock, ProcessTree
from wattmark.measure.recording import Recording, World
from wattmark.measure.settings import Settings
from wattmark.meters.clock import boot_clock

if TYPE_CHECKING:
    from wattmark.core.facts import Facts
    from wattmark.core.figure import Figure, Missing

F = TypeVar("F", bound=Callable[..., Any])
_active: ContextVar[Track | None] = ContextVar("wattmark_active", default=None)
_window: ContextVar[Any] = ContextVar("wattmark_window", default=None)


class _Backend(Protocol):
    """Where a track's events go."""

    def begin(self, name: str, stage: str | None, parent: Any) -> Any: ...
    def end(self, window: Any) -> None: ...
    def log(self, window: Any, entry: Mapping[str, Any]) -> None: ...
    def stop(self, failed: bool) -> Run | None: ...


class Track:
    """A stretch of work that is measured: context manager, decorator, or start and stop.

    Started inside another track it is a window of that one; inside a command that `wattmark measure`
    runs, a window of the command's run. So nothing is ever counted twice.
    """

    def __init__(self, settings: Settings, config: Config) -> None:
        self._settings = settings
        self._config = config
        self._backend: _Backend | None = None
        self._above: Track | None = None
        self._windows: dict[str, list[tuple[Any, Any]]] = {}
        self._stopped = False
        self._result: Run | None = None
        self.path: Path | None = None
        """The run file, when one was written."""

    def start(self) -> Track:
        """Begin to measure."""
        if self._backend is not None:
            raise UsageError("this track was started already; make a new one for each stretch")
        self._above, outer = _active.get(), _running()
        if outer is not None:
            self._backend = _Inner(outer, self._settings)
        elif (log := _log_to_join()) is not None:  # also in threads of a program that measures itself
            self._backend = _Joined(log, self._settings)
        else:
            self._backend = _Own(self._settings, self._config)
            _window.set(None)  # one that was never ended belongs to an earlier run
        _active.set(self)
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
        if isinstance(backend, _Own):
            self.path = backend.recording.path
        if _active.get() is self:
            # Not by the token: it may have been started in another context.
            _active.set(self._above)
        return self._result

    @contextmanager
    def window(self, name: str, *, stage: str | None = None) -> Iterator[None]:
        """Measure a part: ``with run.window("epoch 1", stage="training"):``. Windows may be nested."""
        backend = self._started()
        before = _window.get()
        opened = backend.begin(name, stage, before)
        _window.set(opened)
        try:
            yield
        finally:
            _leave(opened, before)
            backend.end(opened)

    def begin(self, name: str, *, stage: str | None = None) -> None:
        """Open a window by name; close it with :meth:`end`."""
        before = _window.get()
        opened = self._started().begin(name, stage, before)
        self._windows.setdefault(name, []).append((opened, before))
        _window.set(opened)

    def end(self, name: str) -> None:
        """Close the window of that name that was begun last; a warning when there is none."""
        backend = self._started()
        if not self._windows.get(name):
            warnings.warn(f"wattmark: no window {name!r} is open, so none was ended", stacklevel=2)
            return
        opened, before = self._windows[name].pop()
        _leave(opened, before)
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
        self._started().log(_window.get(), {k: v for k, v in entry.items() if v is not None})

    @property
    def run(self) -> Run:
        """The evidence: final after :meth:`stop`, as it stands before. Raises UsageError for a window."""
        if self._result is not None:
            return self._result
        backend = self._started()
        if isinstance(backend, _Own):
            return backend.recording.snapshot()
        raise UsageError("this track is a window of another run: look at that one")

    @property
    def budget(self) -> BudgetState | None:
        """Where the budget stands; check ``budget.breached`` in a loop to stop in time."""
        backend = self._started()
        return backend.recording.budget_state() if isinstance(backend, _Own) else None

    @property
    def problem(self) -> str | None:
        """Why the run file could not be written, if it could not."""
        backend = self._started()
        if isinstance(backend, _Own):
            return backend.recording.problem
        return backend.problem if isinstance(backend, _Joined) else None

    def joining(self) -> tuple[Path | None, str]:
        """Log and record id through which other processes join this run; no log when nothing is written."""
        backend = self._started()
        if not isinstance(backend, _Own):
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
        return Track(replace(self._settings, name=name), self._config)

    @property
    def _forked(self) -> bool:
        """Whether this is a forked child's copy of a run that goes on in its parent."""
        return isinstance(self._backend, _Own) and self._backend.recording.foreign

    def _started(self) -> _Backend:
        if self._backend is None:
            raise UsageError("this track was not started: use `with wattmark.track():` or call start()")
        return self._backend


class _Own:
    """A run of its own."""

    def __init__(self, settings: Settings, config: Config) -> None:
        from wattmark.wiring.meters import open_meters

        found = open_meters(config)
        world = World(
            meters=found.meters,
            host=found.host,
            cpu=CpuClock(ProcessTree()),
            clock=boot_clock,
            environment=found.environment,
            finish=found.finish,
        )
        self.datasets: list[Any] = []
        self.recording = Recording(settings, world)
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
        return self.recording.stop(failed=failed, describe=functools.partial(_describe, self.datasets))


class _Inner:
    """A window of the track around it."""

    def __init__(self, outer: Track, settings: Settings) -> None:
        self._outer = outer._started()
        self._before = _window.get()
        self._opened = self._outer.begin(settings.name, settings.subject.stage, self._before)
        _window.set(self._opened)

    def begin(self, name: str, stage: str | None, parent: Any) -> Any:
        return self._outer.begin(name, stage, parent)

    def end(self, window: Any) -> None:
        self._outer.end(window)

    def log(self, window: Any, entry: Mapping[str, Any]) -> None:
        self._outer.log(window, entry)

    def stop(self, failed: bool) -> None:
        _leave(self._opened, self._before)
        self._outer.end(self._opened)


class _Joined:
    """A window of the run that measures this process, told by lines in its log."""

    def __init__(self, log: Path, settings: Settings) -> None:
        self._log = log
        self._opened: str | None = None
        self._datasets: list[Any] = []
        self.problem: str | None = None
        self._before = _window.get()
        self._opened = self.begin(settings.name, settings.subject.stage, self._before)
        _window.set(self._opened)

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
        _leave(self._opened, self._before)
        self.end(self._opened)
        try:
            described = _describe(self._datasets)
        except Exception as error:  # noqa: BLE001 - any dataset class may be behind it, and the host must go on
            self.problem = f"the dataset could not be described: {type(error).__name__}: {error}"
        else:
            self._write({"dataset": described})

    def _write(self, entry: Mapping[str, Any]) -> None:
        self.problem = write_line(self._log, entry) or self.problem


def _running() -> Track | None:
    """The innermost track around the caller that has not been stopped (a task may outlive its track)."""
    found = _active.get()
    while found is not None and (found._stopped or found._backend is None or found._forked):
        found = found._above
    return found


def _log_to_join() -> Path | None:
    """Where the run that measures us takes lines: the one we were forked from, or the environment's."""
    found = _active.get()
    while found is not None:
        if found._forked and not found._stopped:
            return found._backend.recording.log_path if isinstance(found._backend, _Own) else None
        found = found._above
    return Path(os.environ[LOG]) if os.environ.get(LOG) and os.environ.get(RUN) else None


def _leave(opened: Any, before: Any) -> None:
    """Go back to the window around, unless we are in another context by now."""
    if _window.get() == opened:
        _window.set(before)


def write_line(log: Path, entry: Mapping[str, Any]) -> str | None:
    """Append one JSON line in a single write, so that lines of many processes do not mix.

    Nothing is raised into the program that is measured; what went wrong is the answer.
    """
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


def track(
    name: str = "run",
    *,
    out: str | os.PathLike[str] | None = None,
    stage: str | None = None,
    model: str | None = None,
    model_version: str | None = None,
    task: str | None = None,
    workload_class: str | None = None,
    project: str | None = None,
    team: str | None = None,
    region: str | None = None,
    labels: Mapping[str, str] | None = None,
    solution: str | None = None,
    outcome: str | None = None,
    work: Mapping[str, float] | None = None,
    budget: str | None = None,
    on_breach: str = "warn",
    pue: float | None = None,
    country: str | None = None,
    period_seconds: float | None = None,
    meters: tuple[str, ...] | None = None,
) -> Track:
    """Measure a stretch of work in this process and its children.

    ``with wattmark.track(stage="training") as run:``, ``async with``, ``@wattmark.track()`` or
    ``start()`` and ``stop()``. Nothing is written unless ``out`` names a folder here, in
    ``WATTMARK_OUT`` or in ``wattmark.toml``; nothing is ever printed.

    Raises ConfigError or UsageError, before anything is measured, for settings that cannot be meant.
    """
    from wattmark.wiring.configuration import load_config

    config = load_config(here(), os.environ)
    tags = {
        "stage": stage,
        "model": model,
        "model_version": model_version,
        "task": task,
        "workload_class": workload_class,
        "project": project,
        "team": team,
        "region": region,
    }
    measure = config.measure
    if period_seconds is not None:
        measure = replace(measure, period_seconds=period_seconds)
    if meters is not None:
        measure = replace(measure, meters=tuple(meters))
    config = replace(config, measure=measure)
    settings = settings_from(
        config,
        os.environ,
        name=name,
        out=Path(out) if out is not None else None,
        tags=tags,
        labels=labels or {},
        solution=solution,
        outcome=outcome,
        work=work or {},
        budget=budget,
        on_breach=on_breach,
        place=Place(pue=pue, pue_kind="declared" if pue is not None else None, country=country),
    )
    return Track(settings, config)


def settings_from(
    config: Config,
    environ: Mapping[str, str],
    *,
    name: str,
    out: Path | None,
    tags: Mapping[str, str | None],
    labels: Mapping[str, str],
    solution: str | None,
    outcome: str | None,
    work: Mapping[str, float],
    budget: str | None,
    on_breach: str,
    place: Place,
) -> Settings:
    """Merge call, environment and configuration, in this order, into one frozen object."""
    if place.pue is not None:
        from wattmark.core.carbon import check_pue

        check_pue(place.pue)
    if not 0 < config.measure.period_seconds < math.inf:
        raise UsageError(f"the period is {config.measure.period_seconds:g} s: it must be more than 0")
    joins = joins_from(environ)
    folder = out or (Path(environ[OUT]) if environ.get(OUT) else None)
    if folder is None and config.output.folder is not None:
        base = Path(config.path).parent if config.path else here()
        folder = base / config.output.folder
    configured = {f: getattr(config.tags, f) for f in Tags.__slots__}
    return Settings(
        name=name,
        subject=Subject(
            **{**configured, **{k: str(v) for k, v in tags.items() if v is not None}},
            labels={**config.labels, **{str(k): str(v) for k, v in labels.items()}},
        ),
        place=replace(
            place,
            country=place.country or config.place.country,
            site=config.place.site,
            pue=place.pue if place.pue is not None else config.place.pue,
            pue_kind=place.pue_kind or ("declared" if config.place.pue is not None else None),
        ),
        out=folder,
        solution_id=str(solution) if solution else joins.solution_id,
        parent=joins.parent,
        rank=joins.rank,
        world_size=joins.world_size,
        goal=parse_goal(outcome) if outcome else None,
        work=tuple(Work(unit=u, count=amount(u, n), declared=True) for u, n in work.items()),
        budget=parse_budget(budget, on_breach) if budget else None,
        period_seconds=config.measure.period_seconds,
    )


def here() -> Path:
    """The working directory; the root when it was removed under the program, which is no reason to stop."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path(os.sep)


def measured() -> bool:
    """True when something measures this program: a track around the caller, or `wattmark measure`."""
    return _running() is not None or _log_to_join() is not None or bool(os.environ.get(LOG))


def log(**entry: Any) -> None:
    """Say what was done in the run that is being measured, from anywhere in the program.

    Takes what :meth:`Track.log` takes. Inside a command that `wattmark measure` runs it joins the
    command's run. Where nothing measures, a warning says so and nothing else happens.
    """
    active = _running()
    if active is not None:
        active.log(**entry)
    elif (log := _log_to_join() or os.environ.get(LOG)) is not None:
        problem = write_line(Path(log), entry)
        if problem is not None:
            warnings.warn(problem, stacklevel=2)
    else:
        warnings.warn(
            "wattmark.log: nothing is being measured here; use wattmark.track or `wattmark measure`",
            stacklevel=2,
        )


def _describe(sources: list[Any]) -> Dataset | None:
    """Describe the datasets that were logged, after the window's end. The last one counts."""
    if not sources:
        return None
    from wattmark.datasets.describe import dataset

    return dataset(sources[-1])
