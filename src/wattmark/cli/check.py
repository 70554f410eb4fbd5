"""``wattmark check``: common mistakes in real runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from wattmark import wiring
from wattmark.cli.options import config_here, json_option, load, place_options, run_arguments, stated_from
from wattmark.core.checks import Case, Finding, Named, Severity, find
from wattmark.core.errors import UsageError
from wattmark.core.given import Given
from wattmark.core.known import Grade
from wattmark.core.run import Run
from wattmark.ledger.policyfile import POLICY_NAME, find_policy, read_policy
from wattmark.reports.as_json import document

VIOLATION = 1


@click.command()
@run_arguments
@place_options
@click.option(
    "--policy", type=click.Path(path_type=Path, dir_okay=False), help=f"Policy file [{POLICY_NAME}]."
)
@click.option("--strict", is_flag=True, help="Exit 1 on warnings too, not on errors alone.")
@json_option
def command(runs: tuple[Path, ...], policy: Path | None, strict: bool, as_json: bool, **options: Any) -> int:
    """Find common mistakes in the runs you mean to use together.

    Exit code 0 when there is nothing to mend, 1 when an error was found (with --strict: a warning too).
    """
    loaded, evidence = load(runs)
    named = tuple(Named(item.name, item.run) for item in loaded)
    found = find(Case(runs=named, given=_given(evidence, options), absolute_limits=_absolute(policy)))
    click.echo(_body(found, len(named)) if as_json else _text(found, len(named)))
    bad = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return VIOLATION if any(f.severity in bad for f in found) else 0


def _given(evidence: list[Run], options: dict[str, Any]) -> Given:
    """What was stated; runs that contradict each other about their place are no reason to stop."""
    stated = replace(stated_from(options), live=None)  # mistakes show without asking anybody
    config = config_here()
    try:
        return wiring.given_from(config, stated, evidence)
    except UsageError:
        return wiring.given_from(config, stated, evidence[:1])


def _absolute(path: Path | None) -> tuple[str, ...]:
    """KPIs that the policy limits by an absolute number at grade C or better."""
    named = path or find_policy(Path.cwd())
    if named is None:
        return ()
    limits = read_policy(named).limits
    measured = [x for x in limits if not x.relative and x.grade_needed(False).at_least(Grade.C)]
    return tuple(dict.fromkeys(x.kpi for x in measured))


def _text(found: list[Finding], runs: int) -> str:
    if not found:
        return f"{runs} {_runs(runs)} checked: no common mistake found"
    lines = []
    for f in found:
        where = f"  [{', '.join(f.runs[:3])}{' ...' if len(f.runs) > 3 else ''}]" if f.runs else ""
        lines += [f"{f.code} {f.severity}: {f.title}", f"  seen: {f.seen}{where}", f"  fix:  {f.fix}"]
        lines += [f"  more: {f.page}", ""]
    counts = ", ".join(f"{sum(f.severity is s for f in found)} {s}(s)" for s in Severity)
    return "\n".join([*lines, f"{runs} {_runs(runs)} checked: {counts}"])


def _runs(count: int) -> str:
    return "run" if count == 1 else "runs"


def _body(found: list[Finding], runs: int) -> str:
    rows = [
        {
            "code": f.code,
            "severity": f.severity,
            "title": f.title,
            "seen": f.seen,
            "runs": list(f.runs),
            "fix": f.fix,
            "page": f.page,
        }
        for f in found
    ]
    return document("check", 1, {"runs_checked": runs, "findings": rows})
