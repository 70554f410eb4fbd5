"""Measures every run of MLflow: ``wattmark.integrations.mlflow.autolog()``, once, before the first one.

What MLflow offers in public tells of a run's beginning (run context providers) and of no run's end. Its
``safe_patch`` is made for functions that train, may leave out what it patches and is not documented for
others. So ``start_run`` and ``end_run`` are wrapped where MLflow keeps them: everything goes through these
two, also ``with mlflow.start_run():``, MLflow's own autologging, and the end of a program. What they take,
give and raise stays what it is, and ``autolog(disable=True)`` puts them back.
"""

from __future__ import annotations

import atexit
import functools
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wattmark.core.errors import MissingExtra, UsageError
from wattmark.core.power_series import power_between
from wattmark.core.readings import Gap
from wattmark.core.run import Run
from wattmark.exporters.mlflow_server import COUNTED_IN, RECORD_ID
from wattmark.live import Track, here, track
from wattmark.live.asked import exports_asked
from wattmark.live.tracks import running
from wattmark.measure.environment import RUN

log = logging.getLogger("wattmark")
TELL_SECONDS = 10.0
"""How long the end of a nested run waits for its tags to be taken."""
FAILED = ("FAILED", "KILLED")
WINDOW_ENERGY = "wattmark.window_energy_joules"
OVERLAPS = "wattmark.overlaps"


@dataclass(slots=True)
class _Measured:
    """A run of MLflow that is being measured."""

    track: Track
    run_id: str
    """Empty for a run whose beginning was seen from inside: its end tells."""
    uri: str
    outer: Track | None = None
    """The track that it is a window of."""
    outer_id: str = ""
    """The run of MLflow that this one belongs to."""
    t0: float = 0.0
    """Seconds of the outer track at its beginning."""
    thread: int = field(default_factory=threading.get_ident)
    pid: int = field(default_factory=os.getpid)
    overlaps: set[str] = field(default_factory=set)
    """Runs of MLflow that were measured at the same time, and are no part of it."""
    live: bool = True


class _Hooks:
    """What is wrapped, and what is measured now."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.originals: list[tuple[Any, str, Callable[..., Any]]] = []
        self.measured: dict[str, _Measured] = {}
        self.pending: dict[int, _Measured] = {}
        """Runs whose id is not known yet, by thread."""
        self.options: dict[str, Any] = {}


_hooks = _Hooks()


def autolog(*, disable: bool = False, live: bool = True, **tags: Any) -> None:
    """Measure every run of MLflow that starts from here on, from its start to its end.

    ``live``: energy and power appear while it goes on. ``tags`` and settings are those of ``wattmark.track``
    (``model=``, ``stage=``, ``country=``, ``out=``, ...). A nested run is a window of the run around it: its
    energy is counted there, once. Raises UsageError for settings that cannot be meant, MissingExtra without
    MLflow; after that nothing is ever raised into your program.
    """
    try:
        import mlflow
        from mlflow.tracking import fluent
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "mlflow":
            raise
        raise MissingExtra("measuring the runs of MLflow", "mlflow") from None

    with _hooks.lock:
        for owner, name, original in _hooks.originals:
            setattr(owner, name, original)
        _hooks.originals.clear()
        if disable:
            return
        track(**tags)  # refuses now what it would refuse at the first run
        _hooks.options = {"live": live, "tags": dict(tags)}
        start, end = _started(fluent.start_run), _ended(fluent.end_run)
        for owner in (fluent, mlflow):
            for name, wrapped in (("start_run", start), ("end_run", end)):
                _hooks.originals.append((owner, name, getattr(owner, name)))
                setattr(owner, name, wrapped)
        atexit.unregister(_at_exit)
        atexit.register(_at_exit)


def is_on() -> bool:
    """Whether runs of MLflow are measured."""
    return bool(_hooks.originals)


def _started(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def start_run(*args: Any, **kwargs: Any) -> Any:
        run = original(*args, **kwargs)
        _safely(lambda: _begin(str(run.info.run_id), str(run.info.run_name or "MLflow run")))
        return run

    return start_run


def _ended(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def end_run(*args: Any, **kwargs: Any) -> Any:
        status = args[0] if args else kwargs.get("status", "FINISHED")
        _safely(lambda: _end(status))
        return original(*args, **kwargs)

    return end_run


def begin_from_inside() -> None:
    """Begin to measure a run that MLflow is just about to make: its id is told by its end."""
    _safely(lambda: _begin("", "MLflow run"))


def _begin(run_id: str, name: str) -> None:
    import mlflow

    with _hooks.lock:
        _forget_other_processes()
        if run_id and run_id in _hooks.measured:  # resumed while it is measured: it goes on
            return
        stale = _hooks.pending.pop(threading.get_ident(), None)
        if stale is not None:  # MLflow could not make that one
            stale.track.stop(failed=True)
        uri = str(mlflow.get_tracking_uri())
        outer, outer_id = _around()
        options = _hooks.options
        found = _Measured(
            track=_track(name, f"mlflow:{uri}#{run_id}" if run_id and options["live"] else ""),
            run_id=run_id,
            uri=uri,
            outer=outer,
            outer_id=outer_id,
            live=bool(run_id and options["live"]),
        )
        found.t0 = _elapsed(outer)
        if outer is None:
            for other in (m for m in _hooks.measured.values() if m.outer is None):
                other.overlaps.add(run_id or name)
                found.overlaps.add(other.run_id)
        found.track.start()
        if run_id:
            _hooks.measured[run_id] = found
        else:
            _hooks.pending[threading.get_ident()] = found


def _around() -> tuple[Track | None, str]:
    """The track that a run is counted in, and its run of MLflow: the outermost, however deep it is nested."""
    outer = running()
    while outer is not None and outer.outer is not None:
        outer = outer.outer
    return outer, next((m.run_id for m in _hooks.measured.values() if m.track is outer), "")


def _track(name: str, export: str) -> Track:
    from wattmark.wiring.configuration import load_config

    tags = dict(_hooks.options["tags"])
    others = tags.pop("export", ()) or exports_asked(load_config(here(), os.environ), os.environ, ())
    return track(**{"name": name, **tags, "export": [*others, *([export] if export else [])]})


def _end(status: object) -> None:
    import mlflow

    active = mlflow.active_run()
    if active is None:
        return
    with _hooks.lock:
        _forget_other_processes()
        run_id = str(active.info.run_id)
        found = _hooks.measured.pop(run_id, None) or _hooks.pending.pop(threading.get_ident(), None)
    if found is not None:
        found.run_id = run_id
        _finish(found, failed=str(status) in FAILED)


def _finish(found: _Measured, *, failed: bool) -> None:
    """Stop to measure, and tell MLflow what its run came to."""
    run = found.track.stop(failed=failed)
    if run is not None and found.track.problem is not None:
        _warn(found.track, found.track.problem)
    tags: dict[str, str] = {}
    if found.overlaps - {""}:
        tags[OVERLAPS] = ", ".join(sorted(found.overlaps - {""}))
    if run is not None and not found.live:
        _conclude(found, run)
    numbers = _window(found, tags) if run is None else {}
    if tags or numbers:
        _tell(found, numbers, tags)


def _window(found: _Measured, tags: dict[str, str]) -> dict[str, float]:
    """What can be said of a nested run: where it is counted, and its part of the energy there."""
    outer = _evidence(found.outer)
    if outer is None:  # inside a command that is measured, or deeper down
        if os.environ.get(RUN):
            tags[RECORD_ID] = os.environ[RUN]
        return {}
    tags[RECORD_ID] = outer.record_id
    tags[COUNTED_IN] = found.outer_id or f"record {outer.record_id}"
    t1 = max((s.t_seconds[-1] for s in outer.series if s.t_seconds), default=0.0)
    power = power_between(outer, found.t0, min(t1, outer.duration_seconds))
    if isinstance(power, Gap):
        tags[f"{WINDOW_ENERGY}.missing"] = power.reason
        return {}
    return {WINDOW_ENERGY: power * (min(t1, outer.duration_seconds) - found.t0)}


def _evidence(outer: Track | None) -> Run | None:
    try:
        return None if outer is None else outer.run
    except UsageError:  # a window itself
        return None


def _elapsed(outer: Track | None) -> float:
    run = _evidence(outer)
    return 0.0 if run is None else run.duration_seconds


def _conclude(found: _Measured, run: Run) -> None:
    """As the live exporter does at the end, for a run that was not shown while it went on."""
    from wattmark.exporters.mlflow import Mlflow
    from wattmark.measure.spool import document_of
    from wattmark.wiring.configuration import load_config
    from wattmark.wiring.trackers import teach

    exporter = Mlflow(f"{found.uri}#{found.run_id}", 15.0)
    teach(exporter, load_config(here(), os.environ))
    problem = exporter.conclude(run, document_of(run))
    if problem is not None:
        _warn(found.track, problem)


def _warn(measured: Track, problem: str) -> None:
    keep = "" if measured.path is not None else "; autolog(out=FOLDER) keeps run files whatever MLflow takes"
    log.warning("%s%s", problem, keep)


def _tell(found: _Measured, numbers: Mapping[str, float], tags: Mapping[str, str]) -> None:
    from wattmark.exporters.mlflow_server import Point, open_server

    def send() -> None:
        at = round(time.time() * 1000)
        server = open_server(found.uri, dict(os.environ), quick=True)
        server.log(found.run_id, [Point(name, value, at) for name, value in numbers.items()], tags)

    thread = threading.Thread(target=lambda: _safely(send), name="wattmark-mlflow-tags", daemon=True)
    thread.start()
    thread.join(TELL_SECONDS)


def _at_exit() -> None:
    """A run that nobody ended is ended by MLflow as the program ends; we are first, and have then told it."""

    def end() -> None:
        import mlflow

        with _hooks.lock:
            _forget_other_processes()
            left = [*_hooks.measured.values(), *_hooks.pending.values()]
            _hooks.measured.clear()
            _hooks.pending.clear()
        active = mlflow.active_run()
        for found in reversed(left):
            found.run_id = found.run_id or ("" if active is None else str(active.info.run_id))
            _finish(found, failed=hasattr(sys, "last_type"))  # set by the interpreter

    _safely(end)


def _forget_other_processes() -> None:
    """A forked child has a copy of what its parent measures, and no part in it."""
    mine = os.getpid()
    _hooks.measured = {key: found for key, found in _hooks.measured.items() if found.pid == mine}
    _hooks.pending = {key: found for key, found in _hooks.pending.items() if found.pid == mine}


def _safely(act: Callable[[], None]) -> None:
    try:
        act()
    except Exception as error:  # noqa: BLE001 - a training must not end because it is measured
        log.warning("a run of MLflow is not measured as it should be: %s: %s", type(error).__name__, error)
