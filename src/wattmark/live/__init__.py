"""``wattmark.track`` and ``wattmark.log``: measuring from inside a Python program."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from wattmark.core.run import Place
from wattmark.live.asked import here, settings_from
from wattmark.live.backends import write_line
from wattmark.live.tracks import Track, log_to_join, running
from wattmark.measure.environment import LOG

__all__ = ["Track", "here", "log", "measured", "settings_from", "track", "write_line"]


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
    ledger: str | Path | None = None,
    export: Sequence[str] = (),
) -> Track:
    """Measure a stretch of work in this process and its children.

    ``with wattmark.track(stage="training") as run:``, ``async with``, ``@wattmark.track()`` or
    ``start()`` and ``stop()``. Nothing is written unless ``out`` names a folder here, in
    ``WATTMARK_OUT`` or in ``wattmark.toml``, or ``ledger`` (``WATTMARK_LEDGER``, ``[ledger]``) names a
    ledger; nothing is ever printed.

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
        measure = measure._replace(period_seconds=period_seconds)
    if meters is not None:
        measure = measure._replace(meters=tuple(meters))
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
        ledger=str(ledger) if ledger is not None else None,
        exports=export,
    )
    return Track(settings, config)


def measured() -> bool:
    """True when something measures this program: a track around the caller, or `wattmark measure`."""
    return running() is not None or log_to_join() is not None or bool(os.environ.get(LOG))


def log(**entry: Any) -> None:
    """Say what was done in the run that is being measured, from anywhere in the program.

    Takes what :meth:`Track.log` takes. Inside a command that `wattmark measure` runs it joins the
    command's run. Where nothing measures, a warning says so and nothing else happens.
    """
    active = running()
    if active is not None:
        active.log(**entry)
    elif (log := log_to_join() or os.environ.get(LOG)) is not None:
        problem = write_line(Path(log), entry)
        if problem is not None:
            warnings.warn(problem, stacklevel=2)
    else:
        warnings.warn(
            "wattmark.log: nothing is being measured here; use wattmark.track or `wattmark measure`",
            stacklevel=2,
        )
