"""``wattmark gate RUN...``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wattmark.cli.options import (
    as_one_option,
    baseline_options,
    config_here,
    json_option,
    place_options,
    run_arguments,
    say_first,
    stated_from,
)


@click.command(epilog="Exit code: 0 pass, 1 violation, 2 usage or configuration, 3 not enough evidence.")
@run_arguments
@click.option("--policy", type=click.Path(path_type=Path), help="Policy file [nearest wattmark-policy.toml].")
@baseline_options
@as_one_option
@place_options
@json_option
def command(
    runs: tuple[Path, ...],
    policy: Path | None,
    baseline: tuple[Path, ...],
    name: str | None,
    as_one: bool,
    as_json: bool,
    **options: Any,
) -> int:
    """Pass or fail runs by the limits of a policy file. What is not known does not pass.

    Runs of one solution add up; other runs are repeats. Without --baseline, limits that need one use
    the nearest wattmark-baseline.json.
    """
    from wattmark.core.kpis import CATALOG
    from wattmark.core.verdict import gate
    from wattmark.reports.as_json import document
    from wattmark.reports.decisions import verdict_text
    from wattmark.reports.report_json import verdict_json
    from wattmark.wiring.decisions import baseline_group, group_of, policy_for

    config, stated, rules = config_here(), stated_from(options), policy_for(policy, Path.cwd())
    relative = [CATALOG[limit.kpi] for limit in rules.limits if limit.relative]
    against = (
        baseline_group(
            baseline, config, stated, relative, start=Path.cwd(), name=name, as_one=as_one and bool(baseline)
        )
        if relative
        else None
    )
    candidate = group_of(runs, config, stated, as_one=as_one)
    say_first((*candidate.remarks, *(against.remarks if against else ())))
    verdict = gate(rules, candidate.repeats, CATALOG, against.repeats if against else ())
    if as_json:
        body = {
            "candidate": {"name": candidate.name, "repeats": len(candidate.repeats)},
            "baseline": {"name": against.name, "repeats": len(against.repeats)} if against else None,
            "exit_code": verdict.exit_code,
            **verdict_json(verdict),
        }
        click.echo(document("gate", 1, body))
        return verdict.exit_code
    versus = f", against {against.name} ({against.count})" if against else ""
    click.echo(f"{candidate.name} ({candidate.count}){versus}, by {rules.name}\n")
    click.echo(verdict_text(verdict))
    return verdict.exit_code
