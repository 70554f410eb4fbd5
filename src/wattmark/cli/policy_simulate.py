"""``wattmark policy simulate RUN...``."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.completing import one_of, rules
from wattmark.cli.options import (
    as_one_option,
    config_here,
    json_option,
    place_options,
    run_arguments,
    say_first,
    stated_from,
)
from wattmark.cli.output import STDOUT, write_to
from wattmark.cli.policy import policy_named, policy_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wattmark.core.gate_errors import Trial
    from wattmark.core.policy import Limit, Policy

STEPS = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0)
"""True changes that are tried, in multiples of a relative limit."""
AROUND = (-0.2, -0.1, -0.05, 0.0, 0.05, 0.1, 0.2)
"""Around the bound of an absolute limit."""
RUNS = (3, 5, 10)


@click.command()
@run_arguments
@policy_option
@click.option(
    "--rule",
    metavar="ID",
    shell_complete=one_of(rules),
    help="Which limit [the first relative one, else the first].",
)
@click.option("--runs-per-side", multiple=True, type=click.IntRange(1, 1000), help="Runs [3, 5, 10].")
@click.option("--change", multiple=True, type=float, help="True change for the worse, a share, e.g. 0.05.")
@click.option(
    "--noise",
    type=click.FloatRange(0.0, 2.0),
    help="Standard deviation between runs, a share [that of these runs].",
)
@click.option("--trials", type=click.IntRange(10, 1_000_000), default=400, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed draws the same runs.")
@click.option("--html", metavar="FILE", help="Write it as a page with plots; - is stdout.")
@as_one_option
@place_options
@json_option
def command(
    runs: tuple[Path, ...],
    policy: Path | None,
    rule: str | None,
    runs_per_side: tuple[int, ...],
    change: tuple[float, ...],
    noise: float | None,
    trials: int,
    seed: int,
    html: str | None,
    as_one: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Say how often a limit would fail, pass or be undecided, with the noise of these runs.

    The gate itself judges made-up runs around true changes. Deciding changes nothing: nothing is logged.
    """
    from wattmark.core.gate_errors import gate_errors, noise_of
    from wattmark.core.governance.wording import limit_words
    from wattmark.core.kpis import CATALOG
    from wattmark.reports.gate_errors import Simulated, errors_json, errors_paper
    from wattmark.reports.paper import paper_html, paper_text
    from wattmark.version import __version__
    from wattmark.wiring.decisions import group_of

    limit = _limit(policy_named(policy), rule)
    group = group_of(runs, config_here(), stated_from(options), as_one=as_one)
    say_first(group.remarks)
    sd = (
        noise
        if noise is not None
        else noise_of(limit, CATALOG[limit.kpi].told_as(limit.statistic), group.repeats)
    )
    dice = random.Random(seed)
    rates = tuple(
        gate_errors(limit, CATALOG, group.repeats[0], trial, dice, trials)
        for trial in _told(list(_trials(limit, sd, runs_per_side or RUNS, change)))
    )
    found = Simulated(
        limit=limit,
        title=limit_words(limit, CATALOG),
        noise=sd,
        rates=rates,
        seed=seed,
        version=__version__,
        noise_runs=None if noise is not None else len(group.repeats),
    )
    if html != STDOUT:
        click.echo(errors_json(found) if as_json else paper_text(errors_paper(found)))
    if html is not None:
        write_to(html, paper_html(errors_paper(found)))


def _limit(policy: Policy, rule: str | None) -> Limit:
    from wattmark.core.errors import UsageError
    from wattmark.core.governance.rated import RATINGS

    limits = {limit.id: limit for limit in policy.limits if limit.kpi not in RATINGS}
    if any(limit.id == rule and limit.kpi in RATINGS for limit in policy.limits):
        raise UsageError(f"{rule} is about a rating, which is not simulated: name a limit on a KPI")
    if rule is not None and rule not in limits:
        raise UsageError(f"the policy has no limit {rule!r}; it has: {', '.join(limits) or 'none'}")
    if not limits:
        raise UsageError("the policy has no limit on a KPI")
    relative = [limit for limit in limits.values() if limit.relative]
    return limits[rule] if rule is not None else (relative or list(limits.values()))[0]


def _trials(limit: Limit, sd: float, runs: tuple[int, ...], changes: tuple[float, ...]) -> Iterator[Trial]:
    from wattmark.core.gate_errors import Trial

    step = limit.bound or 0.05
    tried = changes or (tuple(step * s for s in STEPS) if limit.relative else AROUND)
    for n in runs:
        for change in tried:
            yield Trial(runs=n, baseline_runs=n, noise=sd, change=change)


def _told(trials: list[Trial]) -> Iterator[Trial]:
    """The trials one after the other, with progress on a terminal."""
    if not sys.stderr.isatty():
        yield from trials
        return
    with click.progressbar(trials, label="judging", file=sys.stderr) as bar:
        yield from bar
