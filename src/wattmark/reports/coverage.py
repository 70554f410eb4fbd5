"""What a ledger does not hold, for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from wattmark.core.coverage import Coverage, HostSeen, Lack, StageSeen
from wattmark.core.listed import some
from wattmark.reports.as_text import bar, explained, percent, quantity, table
from wattmark.reports.grid_series import utc
from wattmark.reports.ledger_lists import Head
from wattmark.reports.quantities import number

UJ_PER_J = 1e6
UJ_PER_KWH = 3.6e12
SHADES = " ░▒▓█"
ASCII_SHADES = " .:+#"
MOST_DAYS = 62
"""Columns of the chart of machines and days; the last ones."""
MOST_HOSTS = 30
MOST_LACKS = 40
ID = 16
"""Letters of a machine's id that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageView:
    """What was asked for and what came of it."""

    head: Head
    span: str
    """In words; empty: all time."""
    found: Coverage


def coverage_text(view: CoverageView, *, ascii_only: bool = False) -> str:
    """Shares first, then what is seen and what is not, then each lack with its remedy."""
    found = view.found
    blocks = [
        "\n".join(_shares(found, ascii_only)),
        _matrix(found, ascii_only),
        _chart(found.hosts, ascii_only),
        _lacks(found.lacks),
    ]
    asked = f" ({view.span})" if view.span else ""
    return "\n\n".join([*filter(None, blocks), f"{view.head}{asked}"])


def _shares(found: Coverage, ascii_only: bool) -> Iterator[str]:
    told = (
        ("stages of models that were measured", found.stage_share),
        ("machines' time that was watched", found.host_share),
        ("energy that was measured, not estimated", found.measured_share),
    )
    for what, share in told:
        if share is None:
            yield f"{what:<40}  nothing to tell it from"
        else:
            yield f"{what:<40}  {percent(share):>5}  {bar(share, ascii_only=ascii_only)}".rstrip()


def _matrix(found: Coverage, ascii_only: bool) -> str:
    """Models by stages: seen, not seen, or said not to exist."""
    models = found.models
    if not models:
        return ""
    energy = {(s.model, s.stage): s for s in found.stages}
    stages = list(dict.fromkeys((*found.expected.stages, *(s.stage for s in found.stages if s.stage))))
    rows = []
    for model, there in models.items():
        cells = [_cell(energy.get((model, stage)), there.get(stage), ascii_only) for stage in stages]
        rows.append([model, *cells])
    return table(["model", *stages], rows)


def _cell(seen: StageSeen | None, there: bool | None, ascii_only: bool) -> str:
    if seen is not None:
        return quantity(seen.energy_uj / UJ_PER_KWH, "kWh")
    if there is None:
        return ""
    return "yes" if there else ("NOT" if ascii_only else "✗") + " measured" * ascii_only


def _chart(hosts: Sequence[HostSeen], ascii_only: bool) -> str:
    """A line per machine, a column per UTC day: the darker, the longer it was watched."""
    days = sorted({day for host in hosts for day in host.days})[-MOST_DAYS:]
    if not days:
        return ""
    shades = ASCII_SHADES if ascii_only else SHADES
    shown = sorted(hosts, key=lambda h: (h.share, h.host))[:MOST_HOSTS]
    rows = []
    for host in shown:
        drawn = "".join(_shade(host.days.get(day, 0.0), shades) for day in days)
        rows.append((host.host[:ID], percent(host.share), f"|{drawn}|"))
    more = len(hosts) - len(shown)
    first, last = (date.fromisoformat(day) for day in (days[0], days[-1]))
    all_of_them = (last - first).days + 1 == len(days)
    each = "a column a day (UTC)" if all_of_them else "a column a day with any record (UTC)"
    lines = [table(("host", "watched", f"{first} to {last}, {each}"), rows)]
    lines += [f"and {some(more, 'more host')}, watched better: --json has all"] if more else []
    return "\n".join(lines)


def _shade(share: float, shades: str) -> str:
    """Blank only where nothing at all was watched."""
    return shades[0] if share <= 0 else shades[max(1, min(4, round(share * 4)))]


def _lacks(lacks: Sequence[Lack]) -> str:
    if not lacks:
        return "nothing is lacking that could be told from the ledger itself"
    rows = [(lack.kind, lack.where, lack.what, _how_much(lack)) for lack in lacks[:MOST_LACKS]]
    listed = explained(table(("lacks", "where", "what", "how much"), rows), [*_fixes(lacks[:MOST_LACKS])])
    more = len(lacks) - MOST_LACKS
    return "\n".join([listed, *([f"and {more} more: --json has all"] if more > 0 else [])])


def _fixes(lacks: Sequence[Lack]) -> Iterator[str]:
    """What would mend each, said once where it is the same for several that follow each other."""
    for at, lack in enumerate(lacks):
        yield "" if at + 1 < len(lacks) and lacks[at + 1].fix == lack.fix else lack.fix


def _how_much(lack: Lack) -> str:
    share = "" if lack.share is None else percent(lack.share)
    amount = ""
    if lack.energy_uj is not None:
        amount = quantity(lack.energy_uj / UJ_PER_KWH, "kWh")
    elif lack.hours is not None:
        amount = f"{number(lack.hours)} h"
    return ", ".join(filter(None, (share, amount))) or "not known"


def coverage_body(view: CoverageView) -> dict[str, Any]:
    """The body of a JSON document."""
    found = view.found
    return {
        "ledger": view.head.ledger,
        "version": view.head.version,
        "span": view.span,
        "stage_share": found.stage_share,
        "host_share": found.host_share,
        "measured_share": found.measured_share,
        "models": {model: dict(stages) for model, stages in found.models.items()},
        "stages": [_stage_body(stage) for stage in found.stages],
        "hosts": [_host_body(host) for host in found.hosts],
        "lacks": [_lack_body(lack) for lack in found.lacks],
    }


def _stage_body(seen: StageSeen) -> dict[str, Any]:
    return {
        "model": seen.model,
        "stage": seen.stage,
        "energy_joules": seen.energy_uj / UJ_PER_J,
        "by_grade": {grade: uj / UJ_PER_J for grade, uj in seen.by_grade.items()},
        "by_method": {method: uj / UJ_PER_J for method, uj in seen.by_method.items()},
        "observed_seconds": seen.observed_us / 1e6,
        "gap_seconds": seen.gap_us / 1e6,
        "rank_coverage": seen.rank_coverage,
        "units": list(seen.units),
    }


def _host_body(seen: HostSeen) -> dict[str, Any]:
    return {
        "host": seen.host,
        "watched_seconds": seen.seen_us / 1e6,
        "asked_seconds": seen.asked_us / 1e6,
        "share": seen.share,
        "days": dict(seen.days),
        "holes": [{"from": utc(hole.start_us), "to": utc(hole.end_us)} for hole in seen.holes],
        "whole_periods_joules": seen.whole_periods_uj / UJ_PER_J,
    }


def _lack_body(lack: Lack) -> dict[str, Any]:
    return {
        "kind": lack.kind,
        "where": lack.where,
        "what": lack.what,
        "fix": lack.fix,
        "share": lack.share,
        "energy_joules": None if lack.energy_uj is None else lack.energy_uj / UJ_PER_J,
        "hours": lack.hours,
    }
