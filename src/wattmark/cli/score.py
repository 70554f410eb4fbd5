"""``wattmark score RUN... --baseline RUN``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.options import (
    as_one_option,
    baseline_options,
    config_here,
    factors_option,
    json_option,
    place_options,
    run_arguments,
    say_first,
    stated_from,
)
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.core.expenses import Expenses
    from wattmark.core.score import Score
    from wattmark.wiring.decisions import Group


@click.command()
@run_arguments
@baseline_options
@click.option("--rubric", default="default", help="default, training, inference, or the path of a file.")
@factors_option
@click.option("--each", is_flag=True, help="Score every solution on its own and rank them.")
@as_one_option
@place_options
@json_option
def command(
    runs: tuple[Path, ...],
    baseline: tuple[Path, ...],
    name: str | None,
    rubric: str,
    factors: str | None,
    each: bool,
    as_one: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Score runs against a baseline, which scores 100.

    Runs of one solution add up; other runs are repeats, and their spread is in the interval. Without
    --baseline, the nearest wattmark-baseline.json is used.
    """
    from wattmark.core.compare import NOISE_UNKNOWN
    from wattmark.core.kpis import CATALOG
    from wattmark.core.rubric import Factors
    from wattmark.core.score import rankings_differ, score_repeats
    from wattmark.ledger.rubricfile import rubric_named
    from wattmark.reports.as_json import document
    from wattmark.reports.decisions import ranking_text, score_text
    from wattmark.reports.expenses import differences_body, expenses_body
    from wattmark.reports.market_runs import market_body, market_line
    from wattmark.reports.report_json import score_json
    from wattmark.wiring.decisions import baseline_group, group_of
    from wattmark.wiring.expenses import expenses_of_group
    from wattmark.wiring.market_runs import market_carbon_of_group

    config, stated, by = config_here(), stated_from(options), rubric_named(rubric)
    used = [CATALOG[item.kpi] for item in by.kpis]
    against = baseline_group(
        baseline, config, stated, used, start=Path.cwd(), name=name, as_one=as_one and bool(baseline)
    )
    if against is None:
        raise UsageError(
            "a score is relative: give --baseline RUN, or keep one with `wattmark baseline set RUN`"
        )
    candidate = group_of(runs, config, stated, as_one=as_one)
    say_first((*candidate.remarks, *against.remarks))
    base = [r.facts for r in against.repeats]
    held = Factors(factors) if factors else None
    about = {"baseline": {"name": against.name, "repeats": len(against.repeats)}}
    if each:
        scores = {
            label: score_repeats([r.facts], base, by, CATALOG, held)
            for label, r in zip(_labels(candidate), candidate.repeats, strict=True)
        }
        differ = rankings_differ(list(scores.values()))
        if as_json:
            ranked = [{"candidate": k, **score_json(s)} for k, s in scores.items()]
            click.echo(document("scores", 1, {**about, "rankings_differ": differ, "scores": ranked}))
            return
        click.echo(ranking_text(scores, differ))
        click.echo(f"against {against.name}; rubric {by.label}")
        return
    found = score_repeats([r.facts for r in candidate.repeats], base, by, CATALOG, held)
    mine, theirs = (expenses_of_group(group, config, stated) for group in (candidate, against))
    market = market_carbon_of_group(candidate, config, stated)
    if as_json:
        body = {"candidate": {"name": candidate.name, "repeats": len(candidate.repeats)}, **about}
        beside = {"expenses": expenses_body(mine), "expenses_difference": differences_body(mine, theirs)}
        supply = {"market_carbon": market_body(market)}
        click.echo(document("score", 1, {**body, **score_json(found), **beside, **supply}))
        return
    click.echo(f"{candidate.name} ({candidate.count})\n")
    others = _others(rubric, found, candidate, against)
    notes = [NOISE_UNKNOWN] if len(candidate.repeats) == len(base) == 1 else []
    notes += _beside(mine, theirs)
    notes += [market_line(market)] if market is not None else []
    click.echo(score_text(found, f"{against.name} ({against.count})", others, notes))


def _beside(mine: Expenses, theirs: Expenses) -> list[str]:
    """Cost and water, which no score uses."""
    from wattmark.reports.expenses import difference_lines, expense_text

    said = [*difference_lines(mine, theirs)] or [expense_text(mine)]
    return ["", "beside the score:", *said] if mine.known else []


def _labels(group: Group) -> list[str]:
    """A name for each repeat: its model and version, with the start of its record id where needed."""
    by_id = {run.record_id: run for run in group.runs}
    labels: list[str] = []
    for repeat in group.repeats:
        subject = by_id[repeat.record_ids[0]].subject
        said = " ".join(filter(None, (subject.model, subject.model_version))) or "run"
        labels.append(said)
    return [
        f"{label} {repeat.record_ids[0][:8]}" if labels.count(label) > 1 or label == "run" else label
        for label, repeat in zip(labels, group.repeats, strict=True)
    ]


def _others(rubric: str, found: Score, candidate: Group, against: Group) -> list[str]:
    """Bundled rubrics for which there is enough, when there is not enough for this one."""
    from wattmark.core.figure import Figure
    from wattmark.core.kpis import CATALOG
    from wattmark.core.score import score_repeats
    from wattmark.ledger.rubricfile import BUNDLED, rubric_named

    if isinstance(found.value, Figure):
        return []
    able: list[str] = []
    for other in BUNDLED:
        if other == rubric:
            continue
        tried = score_repeats(
            [r.facts for r in candidate.repeats],
            [r.facts for r in against.repeats],
            rubric_named(other),
            CATALOG,
            found.factors,
        )
        if isinstance(tried.value, Figure):
            able.append(other)
    return able
