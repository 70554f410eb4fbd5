"""``wattmark score RUN... --baseline RUN``."""

from __future__ import annotations

from dataclasses import dataclass
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
    from collections.abc import Sequence

    from wattmark.config import Config
    from wattmark.core.expenses import Expenses
    from wattmark.core.figure import Figure, Missing
    from wattmark.core.repeats import Repeat
    from wattmark.core.rubric import Factors, Rubric
    from wattmark.core.score import Score
    from wattmark.wiring import Stated
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
    from wattmark.core.kpis import CATALOG
    from wattmark.core.rubric import Factors
    from wattmark.ledger.rubricfile import rubric_named
    from wattmark.reports.decisions import score_text
    from wattmark.wiring.decisions import baseline_group, group_of

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
    held = Factors(factors) if factors else None
    if each:
        click.echo(_ranking(candidate, against, by, held, as_json=as_json))
        return
    found = _scored(candidate.repeats, against.repeats, by, held)
    beside = _beside(candidate, against, config, stated)
    if as_json:
        click.echo(_document(found, candidate, against, beside))
        return
    click.echo(f"{candidate.name} ({candidate.count})\n")
    others = _others(rubric, found, candidate, against)
    notes = _notes(candidate, against, beside)
    click.echo(score_text(found, f"{against.name} ({against.count})", others, notes))


def _scored(
    candidate: Sequence[Repeat], baseline: Sequence[Repeat], by: Rubric, held: Factors | None
) -> Score:
    from wattmark.core.kpis import CATALOG
    from wattmark.core.score import score_through_gaps

    return score_through_gaps(candidate, baseline, by, CATALOG, held)


def _ranking(candidate: Group, against: Group, by: Rubric, held: Factors | None, *, as_json: bool) -> str:
    """Every solution scored on its own."""
    from wattmark.core.score import rankings_differ
    from wattmark.reports.as_json import document
    from wattmark.reports.decisions import ranking_text
    from wattmark.reports.report_json import score_json

    scores = {
        label: _scored([repeat], against.repeats, by, held)
        for label, repeat in zip(_labels(candidate), candidate.repeats, strict=True)
    }
    differ = rankings_differ(list(scores.values()))
    if as_json:
        ranked = [{"candidate": label, **score_json(score)} for label, score in scores.items()]
        body = {"baseline": _named(against), "rankings_differ": differ, "scores": ranked}
        return document("scores", 1, body)
    return f"{ranking_text(scores, differ)}\nagainst {against.name}; rubric {by.label}"


@dataclass(frozen=True, slots=True)
class _Beside:
    """Cost, water and market-based carbon, which no score uses."""

    mine: Expenses
    theirs: Expenses
    market: Figure | Missing | None


def _beside(candidate: Group, against: Group, config: Config, stated: Stated) -> _Beside:
    from wattmark.wiring.expenses import expenses_of_group
    from wattmark.wiring.market_runs import market_carbon_of_group

    mine, theirs = (expenses_of_group(group, config, stated) for group in (candidate, against))
    return _Beside(mine, theirs, market_carbon_of_group(candidate, config, stated))


def _document(found: Score, candidate: Group, against: Group, beside: _Beside) -> str:
    from wattmark.reports.as_json import document
    from wattmark.reports.expenses import differences_body, expenses_body
    from wattmark.reports.market_runs import market_body
    from wattmark.reports.report_json import score_json

    body = {
        "candidate": _named(candidate),
        "baseline": _named(against),
        **score_json(found),
        "expenses": expenses_body(beside.mine),
        "expenses_difference": differences_body(beside.mine, beside.theirs),
        "market_carbon": market_body(beside.market),
    }
    return document("score", 1, body)


def _named(group: Group) -> dict[str, Any]:
    return {"name": group.name, "repeats": len(group.repeats)}


def _notes(candidate: Group, against: Group, beside: _Beside) -> list[str]:
    """What is said below a score."""
    from wattmark.core.compare import NOISE_UNKNOWN
    from wattmark.reports.expenses import difference_lines, expense_text
    from wattmark.reports.market_runs import market_line

    notes = [NOISE_UNKNOWN] if len(candidate.repeats) == len(against.repeats) == 1 else []
    if beside.mine.known:
        said = [*difference_lines(beside.mine, beside.theirs)] or [expense_text(beside.mine)]
        notes += ["", "beside the score:", *said]
    if beside.market is not None:
        notes.append(market_line(beside.market))
    return notes


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
    from wattmark.ledger.rubricfile import BUNDLED, rubric_named

    if isinstance(found.value, Figure):
        return []
    able: list[str] = []
    for other in BUNDLED:
        if other == rubric:
            continue
        tried = _scored(candidate.repeats, against.repeats, rubric_named(other), found.factors)
        if isinstance(tried.value, Figure):
            able.append(other)
    return able
