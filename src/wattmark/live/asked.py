"""What was asked for, by a call, the environment and the configuration, as one frozen object."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.config import Config, Tags
from wattmark.core.errors import UsageError
from wattmark.core.run import Place, Subject, Work
from wattmark.measure.environment import DVC_STAGE, EXPORT, OUT, joins_from
from wattmark.measure.journal import amount
from wattmark.measure.settings import Settings
from wattmark.wiring.configuration import ledger_named

if TYPE_CHECKING:
    from wattmark.core.outcome import Goal
    from wattmark.measure.budget import Budget


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
    ledger: str | None = None,
    exports: Sequence[str] = (),
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
    configured = {f: getattr(config.tags, f) for f in Tags._fields}
    return Settings(
        name=name,
        subject=Subject(
            **{**configured, **{k: str(v) for k, v in tags.items() if v is not None}},
            labels={**config.labels, **_stage_of_dvc(environ), **{str(k): str(v) for k, v in labels.items()}},
        ),
        place=replace(
            place,
            country=place.country or config.place.country,
            site=config.place.site,
            pue=place.pue if place.pue is not None else config.place.pue,
            pue_kind=place.pue_kind or ("declared" if config.place.pue is not None else None),
        ),
        out=folder,
        ledger=ledger_named(ledger, config, environ, here()),
        exports=exports_asked(config, environ, exports),
        export_period_seconds=config.export.period_seconds,
        solution_id=str(solution) if solution else joins.solution_id,
        parent=joins.parent,
        rank=joins.rank,
        world_size=joins.world_size,
        goal=_goal(outcome) if outcome else None,
        work=tuple(Work(unit=u, count=amount(u, n), declared=True) for u, n in work.items()),
        budget=_budget(budget, on_breach) if budget else None,
        period_seconds=config.measure.period_seconds,
    )


def here() -> Path:
    """The working directory; the root when it was removed under the program, which is no reason to stop."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path(os.sep)


def _goal(text: str) -> Goal:
    from wattmark.core.outcome import parse_goal

    return parse_goal(text)


def _budget(text: str, on_breach: str) -> Budget:
    from wattmark.measure.budget import parse_budget

    return parse_budget(text, on_breach)


def _stage_of_dvc(environ: Mapping[str, str]) -> dict[str, str]:
    """The stage of a DVC pipeline that this is run in, as DVC calls it (``DVC_STAGE``, DVC 3)."""
    stage = environ.get(DVC_STAGE)
    if not stage:
        return {}
    from wattmark.core.dvc import STAGE_LABEL

    return {STAGE_LABEL: stage}


def exports_asked(config: Config, environ: Mapping[str, str], asked: Sequence[str]) -> tuple[str, ...]:
    """Where the run is shown: as asked, else as the environment says, else as configured."""
    named = tuple(spec.strip() for spec in environ.get(EXPORT, "").split(",") if spec.strip())
    return tuple(asked) or named or config.export.to
