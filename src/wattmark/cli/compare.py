"""``wattmark compare A B ...``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.options import (
    config_here,
    factors_option,
    json_option,
    place_options,
    say_first,
    stated_from,
)
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.core.causes import CarbonChange
    from wattmark.core.expenses import Expenses
    from wattmark.core.figure import Missing
    from wattmark.core.groups import Comparison
    from wattmark.core.kpis import Kpi
    from wattmark.core.rubric import Factors
    from wattmark.wiring.decisions import Group

BETWEEN = "\0"
"""Stands for a ``--`` between groups, which click would otherwise take for itself."""


class GroupedCommand(click.Command):
    """A command whose words may be parted into groups by ``--``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep every ``--`` as a mark between groups."""
        return super().parse_args(ctx, [BETWEEN if a == "--" else a for a in args])


@click.command(cls=GroupedCommand)
@click.argument("groups", nargs=-1, required=True, metavar="A B [C ...] | A... -- B...")
@click.option("--kpi", "kpis", multiple=True, help="Only this KPI; may be given several times.")
@click.option(
    "--limit", type=float, default=0.0, help="Worsening that is allowed, as a share: 0.05 is 5 % [0]."
)
@click.option("--bootstrap", is_flag=True, help="Percentile bootstrap, for 20 runs a side or more.")
@click.option("--seed", type=int, default=1, help="Seed of the bootstrap [1].")
@factors_option
@place_options
@json_option
def command(
    groups: tuple[str, ...],
    kpis: tuple[str, ...],
    limit: float,
    bootstrap: bool,
    seed: int,
    factors: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Compare groups of runs, with statistics. The first group is what the others are compared with.

    Each word is a group: a run file, a folder, a quoted pattern, or several with commas. With -- between
    the groups each group may be many words. Runs of one solution add up, other runs of a group are repeats.
    """
    from wattmark.core.groups import causes_of
    from wattmark.core.kpis import CATALOG
    from wattmark.core.rubric import Factors
    from wattmark.reports.as_json import document
    from wattmark.wiring.decisions import expand, group_of
    from wattmark.wiring.expenses import expenses_of_group

    if not 0.0 <= limit < 1.0:
        raise UsageError(f"--limit {limit:g}: give a share from 0 up to 1, 0.05 for 5 %")
    asked = _Asked(
        kpis=_chosen(kpis),
        only_these=bool(kpis),
        limit=limit,
        factors=Factors(factors) if factors else Factors.BASELINE,
        seed=seed if bootstrap else None,
    )
    config, stated = config_here(), stated_from(options)
    parts = [[path for word in group for path in expand(word)] for group in split(groups)]
    if len(parts) < 2:
        raise UsageError(
            "give two groups or more: `wattmark compare old new`, or `compare a*.json -- b*.json`"
        )
    first, *others = (group_of(paths, config, stated) for paths in parts)
    say_first(remark for group in (first, *others) for remark in group.remarks)
    theirs = expenses_of_group(first, config, stated)
    pairs = (
        _Pair(
            first=first,
            other=other,
            found=_compared(first, other, asked),
            why=causes_of(first.repeats, other.repeats, CATALOG["embodied_carbon_amortisation"]),
            theirs=theirs,
            mine=expenses_of_group(other, config, stated),
        )
        for other in others
    )
    if as_json:
        body = {"limit": limit, "factors": asked.factors, "comparisons": [_json(pair) for pair in pairs]}
        click.echo(document("compare", 1, body))
        return
    for pair in pairs:
        click.echo(_text(pair, limit))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """How groups are held against each other."""

    kpis: list[Kpi]
    only_these: bool
    """They were named: each is shown, also without an effect."""
    limit: float
    factors: Factors
    seed: int | None
    """Of the bootstrap; None: without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Two groups, and what was found between them."""

    first: Group
    other: Group
    found: list[Comparison]
    why: CarbonChange | Missing
    theirs: Expenses
    mine: Expenses


def _compared(first: Group, other: Group, asked: _Asked) -> list[Comparison]:
    import random

    from wattmark.core.groups import compare_groups

    found = compare_groups(
        first.repeats,
        other.repeats,
        asked.kpis,
        limit=asked.limit,
        factors=asked.factors,
        pick=None if asked.seed is None else lambda: random.Random(asked.seed),
    )
    return [c for c in found if c.effect is not None or asked.only_these or c.outcome.value == "regressed"]


def split(words: tuple[str, ...]) -> list[list[str]]:
    """Groups of words: one word each, or parted by ``--`` where there is one."""
    if BETWEEN not in words:
        return [[word] for word in words]
    parted: list[list[str]] = [[]]
    for word in words:
        if word == BETWEEN:
            parted.append([])
        else:
            parted[-1].append(word)
    if not all(parted):
        raise UsageError("a group of runs is empty: put runs on both sides of --")
    return parted


def _chosen(names: tuple[str, ...]) -> list[Kpi]:
    from wattmark.core.kpis import CATALOG

    unknown = [name for name in names if name not in CATALOG]
    if unknown:
        raise UsageError(f"unknown KPI {unknown[0]!r}; `wattmark kpis list` names them all")
    return [CATALOG[name] for name in dict.fromkeys(names)] or list(CATALOG.values())


def _text(pair: _Pair, limit: float) -> str:
    from wattmark.core.bench.labels import also_differs
    from wattmark.core.causes import CarbonChange
    from wattmark.reports.decisions import causes_text, comparison_text, effect_lines
    from wattmark.reports.expenses import difference_lines

    first, other, found, why = pair.first, pair.other, pair.found, pair.why
    lines = [f"{other.name} ({other.count}) against {first.name} ({first.count})"]
    lines += [*also_differs(first.runs, other.runs), ""]
    if found:
        lines += [comparison_text(found, limit), *effect_lines(found), ""]
    else:
        lines += ["no KPI has a figure on both sides: `wattmark show` names what is missing", ""]
    lines.append(causes_text(why) if isinstance(why, CarbonChange) else f"no split of carbon: {why}")
    lines.append("")
    beside = [*difference_lines(pair.mine, pair.theirs)]
    return "\n".join([*lines, *beside, ""] if beside else lines)


def _json(pair: _Pair) -> dict[str, Any]:
    from wattmark.core.bench.labels import also_differs
    from wattmark.core.causes import CarbonChange
    from wattmark.reports.as_json import answer_json
    from wattmark.reports.expenses import differences_body

    first, other, why = pair.first, pair.other, pair.why
    split_up = (
        {
            "before_grams": why.before,
            "after_grams": why.after,
            "causes_grams": dict(why.causes),
            "notes": list(why.notes),
        }
        if isinstance(why, CarbonChange)
        else None
    )
    return {
        "baseline": {"name": first.name, "repeats": len(first.repeats)},
        "candidate": {"name": other.name, "repeats": len(other.repeats)},
        "kpis": [
            {
                "kpi": c.kpi,
                "better": c.better,
                "baseline": answer_json(c.baseline),
                "candidate": answer_json(c.candidate),
                "outcome": c.outcome,
                "reason": c.reason,
                "runs_needed": c.runs_needed,
                "effect": None
                if c.effect is None
                else {
                    "ratio": c.effect.ratio,
                    "interval_95": list(c.effect.interval),
                    "method": c.effect.method,
                    "degrees_of_freedom": c.effect.noise.df if c.effect.noise else None,
                    "smallest_detectable": c.effect.smallest_detectable,
                    "not_shared_95": c.effect.shared_out + c.effect.bounds,
                },
            }
            for c in pair.found
        ],
        "carbon_change": split_up,
        "expenses_difference": differences_body(pair.mine, pair.theirs),
        "also_differs": also_differs(first.runs, other.runs),
    }
