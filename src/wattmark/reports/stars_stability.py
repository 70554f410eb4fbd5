"""How steady stars are, as tables and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattmark.core.bench.result import Result
from wattmark.core.bench.task import TASKS
from wattmark.core.stars.stability import AtNoise, GroupStability, RowStability
from wattmark.reports.as_text import bulleted, percent, table


def stability_body(
    results: Sequence[Result],
    groups: Sequence[GroupStability],
    noises: Sequence[float],
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """The document of schema ``wattmark.stars_stability``."""
    return {
        "noises": list(noises),
        "draws": draws,
        "seed": seed,
        "groups": [_group(results, group, noises) for group in groups],
    }


def _group(results: Sequence[Result], group: GroupStability, noises: Sequence[float]) -> dict[str, Any]:
    return {
        "task": group.group.task,
        "model_class": group.group.model_class,
        "cohort": results[group.rows[0].place].cohort,
        "size": len(group.rows),
        "reference": "median of the group, on trial" if group.trial else "frozen",
        "at": [_at(group, index, noise) for index, noise in enumerate(noises)],
        "without_worst": {
            "removed": [results[place].model.id for place in group.worst],
            "restarred": group.restarred,
            "of": len(group.rows) - len(group.worst),
        },
        "rows": [
            {
                "model": results[row.place].model.id,
                "aies_stars": row.aies_stars,
                "aies_stars_without_worst": row.without_worst,
                "noises": [_row(at) for at in row.noises],
            }
            for row in group.rows
        ],
    }


def _at(group: GroupStability, index: int, noise: float) -> dict[str, Any]:
    single = group.single(index)
    return {
        "noise": noise,
        "aies_flip_rate": group.aies_rate(index),
        "anchored_one_star": len(single),
        "anchored_worst_flip_rate": max(single, default=None),
    }


def _row(at: AtNoise) -> dict[str, Any]:
    return {
        "noise": at.noise,
        "aies_flip_rate": at.aies,
        "anchored_interval": list(at.shown),
        "anchored_outside_rate": at.anchored,
    }


def stability_text(
    results: Sequence[Result], groups: Sequence[GroupStability], noises: Sequence[float], draws: int
) -> str:
    """A line for each group, then every row at each noise."""
    parts = [
        table(
            ("group", "rows", *(f"{percent(n)}: aies flips" for n in noises), "worst model gone"),
            [
                (
                    _title(results, group),
                    len(group.rows),
                    *(_rate(group.aies_rate(i)) for i in range(len(noises))),
                    f"{group.restarred} of {len(group.rows) - len(group.worst)} change",
                )
                for group in groups
            ],
        ),
        table(
            ("group", *(f"{percent(n)}: one star, worst flips" for n in noises)),
            [(_title(results, group), *(_single(group, i) for i in range(len(noises)))) for group in groups],
        ),
    ]
    for group in groups:
        parts.append(
            _title(results, group)
            + "\n"
            + table(
                (
                    "model",
                    "aies",
                    *(f"flips {percent(n)}" for n in noises),
                    *(f"anchored {percent(n)}" for n in noises),
                ),
                [_cells(results, row) for row in group.rows],
            )
        )
    return "\n\n".join([*parts, "\n".join(bulleted(_said(groups, draws)))])


def _cells(results: Sequence[Result], row: RowStability) -> list[str]:
    return [
        results[row.place].model.id,
        "" if row.aies_stars is None else str(row.aies_stars),
        *(_rate(at.aies) for at in row.noises),
        *(f"{_shown(at)} ({_rate(at.anchored)})" for at in row.noises),
    ]


def _shown(at: AtNoise) -> str:
    worst, best = at.shown
    return str(worst) if worst == best else f"{worst}-{best}"


def _single(group: GroupStability, index: int) -> str:
    single = group.single(index)
    return f"{len(single)} of {len(group.rows)}, {_rate(max(single, default=None))}"


def _rate(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _title(results: Sequence[Result], group: GroupStability) -> str:
    task = group.group.task
    named = TASKS[task].title if task in TASKS else task
    cls = f"class {group.group.model_class}" if group.group.model_class else ""
    return ", ".join(filter(None, (named, cls, results[group.rows[0].place].cohort)))


def _said(groups: Sequence[GroupStability], draws: int) -> list[str]:
    said = [
        f"{draws} draws; the noise is a relative standard deviation, so the interval is 1.96 times as wide",
        "aies flips: share of draws with other stars than now, mean over the rows",
        "anchored: what its interval shows, and the share of draws that lie outside of it",
    ]
    if any(group.trial for group in groups):
        said.append("no frozen reference fits: the median of the group stands in for one, on trial")
    return said
