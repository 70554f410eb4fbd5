"""``wattmark.score``, ``wattmark.compare`` and ``wattmark.gate``: deciding from Python.

They take runs as the evidence itself or as files and folders, alone or several, and answer what the verbs of
the same names print.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattmark.core.kpis import CATALOG
from wattmark.core.run import Run

if TYPE_CHECKING:
    from wattmark.core.given import Given
    from wattmark.core.groups import Comparison
    from wattmark.core.repeats import Repeat
    from wattmark.core.score import Score
    from wattmark.wiring.decisions import Group
    from wattmark.wiring.governing import Gated

Runs = Run | str | os.PathLike[str] | Sequence["Run | str | os.PathLike[str]"]
"""A run, a run file, a folder of run files, or several of these."""


def score(runs: Runs, baseline: Runs, *, rubric: str = "default", **stated: Any) -> Score:
    """Score runs against a baseline, which scores 100.

    ``rubric`` is a bundled name or a file; ``stated`` says what no meter can tell: ``pue=1.2``,
    ``country="FRA"``, ``intensity=56.0``, ``lifetime_inferences=1e9``, ... Raises NotComparable, naming
    the differing terms, for a baseline of another methodology.
    """
    from wattmark.core.score import score_through_gaps
    from wattmark.ledger.rubricfile import rubric_named

    candidate, against = _repeats(runs, stated), _repeats(baseline, stated)
    return score_through_gaps(candidate, against, rubric_named(rubric), CATALOG)


def compare(a: Runs, b: Runs, *, kpis: Sequence[str] | None = None, **stated: Any) -> list[Comparison]:
    """Compare runs ``b`` with runs ``a``, with statistics: the effect on each KPI and its interval."""
    from wattmark.core.groups import compare_groups

    chosen = [CATALOG[k] for k in kpis] if kpis is not None else list(CATALOG.values())
    return compare_groups(_repeats(a, stated), _repeats(b, stated), chosen)


def gate(
    runs: Runs,
    *,
    policy: str | os.PathLike[str],
    baseline: Runs | None = None,
    now: str | None = None,
    log: bool = True,
    rubric: str | None = None,
    thresholds: str | os.PathLike[str] | None = None,
    **stated: Any,
) -> Gated:
    """Judge runs by a policy file: its limits, waivers and budgets; logged where the policy names a log.

    ``exit_code`` is what the verb would exit with, ``decision`` all that it would write. ``now`` (ISO 8601)
    decides as of another time, ``log=False`` leaves no trace in the audit log. ``rubric`` and ``thresholds``
    are what the score and the stars are made by, where the policy leaves that open.
    """
    from wattmark.wiring import Stated, load_config
    from wattmark.wiring.governing import Surroundings, govern, moment, policy_here
    from wattmark.wiring.live import Live

    here = Path.cwd()
    around = Surroundings(
        config=load_config(here, os.environ),
        stated=Stated(**{"live": Live(), **stated}),
        here=here,
        now=moment(now),
        stated_now=now is not None,
        unlogged=not log,
        rubric=rubric,
        thresholds=None if thresholds is None else Path(thresholds),
    )
    against = _group(baseline, stated) if baseline is not None else None
    return govern(policy_here(Path(policy), here), _group(runs, stated), against, around)


def _repeats(runs: Runs, stated: dict[str, Any]) -> tuple[Repeat, ...]:
    return _group(runs, stated).repeats


def _group(runs: Runs, stated: dict[str, Any]) -> Group:
    from wattmark.core.repeats import repeats_of
    from wattmark.wiring import Stated, given_from, load_config
    from wattmark.wiring.decisions import Group
    from wattmark.wiring.live import Live
    from wattmark.wiring.runs import read_runs

    every = [runs] if isinstance(runs, (Run, str, os.PathLike)) else list(runs)
    paths = [Path(item) for item in every if not isinstance(item, Run)]
    found = [item for item in every if isinstance(item, Run)]
    loaded = read_runs(paths) if paths else []
    found += [item.run for item in loaded]
    config, said = load_config(Path.cwd(), os.environ), Stated(**{"live": Live(), **stated})
    givens: list[Given] = []

    def told(group: Sequence[Run]) -> Given:
        givens.append(given_from(config, said, group))
        return givens[-1]

    return Group(
        name=_name(found),
        repeats=repeats_of(found, told),
        runs=tuple(found),
        remarks=tuple(dict.fromkeys(item.remark for item in loaded if item.remark)),
        givens=tuple(givens),
        paths=tuple(paths) if not found[: len(found) - len(loaded)] else (),
    )


def _name(runs: Sequence[Run]) -> str:
    """The model and version when all runs agree on it."""
    models = {(run.subject.model, run.subject.model_version) for run in runs}
    said = " ".join(filter(None, models.pop())) if len(models) == 1 else ""
    return said or (f"{len(runs)} runs" if len(runs) > 1 else "1 run")
