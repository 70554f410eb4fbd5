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
    from wattmark.core.groups import Comparison
    from wattmark.core.repeats import Repeat
    from wattmark.core.score import Score
    from wattmark.core.verdict import Verdict

Runs = Run | str | os.PathLike[str] | Sequence["Run | str | os.PathLike[str]"]
"""A run, a run file, a folder of run files, or several of these."""


def score(runs: Runs, baseline: Runs, *, rubric: str = "default", **stated: Any) -> Score:
    """Score runs against a baseline, which scores 100.

    ``rubric`` is a bundled name or a file; ``stated`` says what no meter can tell: ``pue=1.2``,
    ``country="FRA"``, ``intensity=56.0``, ``lifetime_inferences=1e9``, ... Raises NotComparable, naming
    the differing terms, for a baseline of another methodology.
    """
    from wattmark.core.score import score_repeats
    from wattmark.ledger.rubricfile import rubric_named

    candidate, against = _repeats(runs, stated), _repeats(baseline, stated)
    return score_repeats(
        [r.facts for r in candidate], [r.facts for r in against], rubric_named(rubric), CATALOG
    )


def compare(a: Runs, b: Runs, *, kpis: Sequence[str] | None = None, **stated: Any) -> list[Comparison]:
    """Compare runs ``b`` with runs ``a``, with statistics: the effect on each KPI and its interval."""
    from wattmark.core.groups import compare_groups

    chosen = [CATALOG[k] for k in kpis] if kpis is not None else list(CATALOG.values())
    return compare_groups(_repeats(a, stated), _repeats(b, stated), chosen)


def gate(
    runs: Runs, *, policy: str | os.PathLike[str], baseline: Runs | None = None, **stated: Any
) -> Verdict:
    """Judge runs by the limits of a policy file; ``verdict.exit_code`` is what the verb would exit with."""
    from wattmark.core.verdict import gate as judge
    from wattmark.ledger.policyfile import read_policy

    against = _repeats(baseline, stated) if baseline is not None else ()
    return judge(read_policy(Path(policy)), _repeats(runs, stated), CATALOG, against)


def _repeats(runs: Runs, stated: dict[str, Any]) -> tuple[Repeat, ...]:
    from wattmark.core.repeats import repeats_of
    from wattmark.wiring import Stated, given_from, load_config
    from wattmark.wiring.live import Live
    from wattmark.wiring.runs import read_runs

    every = [runs] if isinstance(runs, (Run, str, os.PathLike)) else list(runs)
    paths = [Path(item) for item in every if not isinstance(item, Run)]
    found = [item for item in every if isinstance(item, Run)]
    found += [item.run for item in read_runs(paths)] if paths else []
    config, said = load_config(Path.cwd(), os.environ), Stated(**{"live": Live(), **stated})
    return repeats_of(found, lambda group: given_from(config, said, group))
