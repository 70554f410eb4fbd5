"""A portfolio for the terminal: its inventory, its baselines, its targets."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wattmark.core.figure import Missing
from wattmark.core.frozen import Difference, Drift, Frozen
from wattmark.core.targets import Progress
from wattmark.reports.as_text import bar, bulleted, table
from wattmark.reports.portfolio_view import (
    NEVER_ADDED,
    SPLIT_LINES,
    SPLITS,
    PortfolioView,
    amount_words,
    held_words,
    limit_words,
    line_cells,
    missing_lines,
    notes_of,
    projected_words,
    so_far_words,
    title_of,
    value_words,
)
from wattmark.reports.quantities import percent, quantity

HEAD = ("", "figure", "95 %", "grade", "coverage", "estimated")
BAR = 12
LINES_FOLD = {0: 34, 6: 18}
TARGETS_FOLD = {3: 10, 7: 23, 8: 10}
"""Where cells go on in the next line, so that tables fit a terminal of 120 letters."""


def portfolio_text(view: PortfolioView, *, ascii_only: bool = False) -> str:
    """The inventory with everything that says how it is known."""
    asked = view.inventory.asked
    where = "; ".join(f"{k} = {', '.join(v)}" for k, v in asked.where.items())
    told = [f"ledger version {view.version}", f"{asked.boundary} boundary"]
    lines = [view.title, f"{view.span}; {', '.join((*told, *([where] if where else [])))}", "", _lines(view)]
    lines += ["", *bulleted([NEVER_ADDED])]
    for key, rows in view.splits.items():
        lines += ["", _split(key, rows)]
    if view.targets:
        lines += ["", targets_text(view.targets, ascii_only=ascii_only)]
    lines += _remarks(view)
    return "\n".join(lines)


def _lines(view: PortfolioView) -> str:
    against = (f"against {view.baseline.name}",) if view.baseline else ()
    rows = []
    for line in view.inventory.lines:
        held = (held_words(view, line),) if against else ()
        cells = ("missing", "", "", "", "") if isinstance(line.figure, Missing) else line_cells(line)
        rows.append((line.title, *cells, *held))
    return table((*HEAD, *against), rows, fold=LINES_FOLD)


def _split(key: str, rows: Sequence[tuple[str, Sequence[object]]]) -> str:
    from wattmark.core.portfolio import Line

    cells = [
        (name or "(nobody said)", *(_short(line) for line in lines if isinstance(line, Line)))
        for name, lines in rows
    ]
    return table((SPLITS[key], *(title_of(name) for name in SPLIT_LINES)), cells)


def _short(line: object) -> str:
    from wattmark.core.portfolio import Line

    return "" if not isinstance(line, Line) or isinstance(line.figure, Missing) else value_words(line)


def _remarks(view: PortfolioView) -> list[str]:
    found = [f"{title}: missing {what}: {hint}" for title, what, hint in missing_lines(view)]
    found += [f"{title}: {note}" for title, note in notes_of(view)]
    found += view.inventory.findings
    found += [f"not measured: {what}: {fix}" for what, fix in view.coverage]
    found += view.problems
    found += [f"baseline: {drift_words(d)}" for d in view.drifts if d.significant]
    return ["", *bulleted(found)] if found else []


def targets_text(rows: Sequence[Progress], *, ascii_only: bool = False) -> str:
    """Every target with its quarters: limit, so far, projection, and where that stands."""
    cells = []
    for row in rows:
        used = row.used
        drawn = "" if used is None else bar(min(used, 1.0), BAR, ascii_only=ascii_only).ljust(BAR)
        cells.append(
            (
                row.target.name if row.decides else "",
                row.calendar.name,
                limit_words(row),
                so_far_words(row) if row.calendar.passed else "",
                f"{drawn} {percent(used)}" if used is not None else "",
                percent(row.elapsed),
                percent(row.coverage) if row.calendar.passed else "",
                projected_words(row),
                row.standing.value,
            )
        )
    head = ("target", "period", "limit", "so far", "used", "elapsed", "coverage", "projected", "standing")
    said = [
        f"{row.target.name} {row.calendar.name}: {row.why}"
        + (f" ({row.projected.words})" if row.projected else "")
        for row in rows
        if row.decides
    ]
    return "\n".join((table(head, cells, fold=TARGETS_FOLD), "", *bulleted(said)))


def baselines_text(kept: Sequence[Sequence[Frozen]]) -> str:
    """Every baseline with its revisions."""
    rows = [
        (
            one.name if one.revision == len(chain) else "",
            one.revision,
            one.period,
            one.frozen_at,
            one.ledger_version,
            one.digest[:16],
            one.reason,
        )
        for chain in kept
        for one in reversed(chain)
    ]
    return table(("baseline", "revision", "period", "frozen", "ledger version", "digest", "reason"), rows)


def baseline_text(frozen: Frozen) -> str:
    """One baseline: what it is of, its figures, its factors."""
    asked = frozen.asked
    where = "; ".join(f"{k} = {', '.join(v)}" for k, v in asked.where.items()) or "everything"
    lines = [
        f"{frozen.name}, revision {frozen.revision}, frozen {frozen.frozen_at}"
        + (f" by {frozen.by}" if frozen.by else ""),
        f"period       {frozen.period}: {frozen.first} to {frozen.after} (not in it any more)",
        f"of           {where}; {asked.boundary} boundary",
        f"ledger       version {frozen.ledger_version}, wattmark {frozen.wattmark}",
        f"digest       {frozen.digest}",
        f"fingerprint  {frozen.fingerprint}",
    ]
    if frozen.replaces:
        lines.append(f"replaces     {frozen.replaces}: {frozen.reason}")
    rows: list[tuple[str, ...]] = []
    lacks = []
    for line in frozen.lines:
        if line.value is None:
            rows.append((line.title, "missing", "", "", ""))
            lacks.append(f"{line.title}: missing {line.missing}")
            continue
        interval = "" if line.low is None or line.high is None else _between(line.low, line.high, line.unit)
        rows.append(
            (
                line.title,
                amount_words(line.value, line.unit),
                interval,
                line.grade or "",
                percent(line.coverage * line.share),
            )
        )
    lines += ["", table(("", "figure", "95 %", "grade", "coverage"), rows, fold={0: 36}), ""]
    lines += [*bulleted(lacks), ""] if lacks else []
    factors = [
        (f.kind, f.zone, f"{f.value:.6g}", " ".join(filter(None, (f.accounting, f.basis, f.inventory))),
         f.source, f.year or "", quantity(f.kwh, "kWh"))
        for f in frozen.factors
    ]  # fmt: skip
    head = ("factor", "zone", "value", "of", "source", "year", "energy")
    lines.append(table(head, factors, fold={4: 36}))
    return "\n".join(lines)


def _between(low: float, high: float, unit: str) -> str:
    return f"{amount_words(low, unit)} to {amount_words(high, unit)}"


def verify_text(frozen: Frozen, found: Sequence[Difference]) -> str:
    """What a recalculation says of a baseline."""
    if not found:
        return (
            f"{frozen.name}, revision {frozen.revision}: the digest holds, and version "
            f"{frozen.ledger_version} of the ledger gives the same figures"
        )
    rows = [(d.what, d.then, d.now) for d in found]
    return f"{frozen.name}, revision {frozen.revision}: the digest holds, and the figures differ\n\n" + table(
        ("what", "frozen", "now"), rows
    )


def drifts_text(frozen: Frozen, found: Sequence[Drift]) -> str:
    """How far a baseline's period has moved, and whether it must be made anew."""
    rows = [
        (
            d.title,
            "" if d.then is None else amount_words(d.then, d.unit),
            "" if d.now is None else amount_words(d.now, d.unit),
            _share(d.change),
            _share(d.by_factors),
            _share(d.by_evidence),
            "above the threshold" if d.significant else "",
        )
        for d in found
    ]
    shown = table(("", "frozen", "now", "change", "by factors", "by evidence", ""), rows, fold={0: 36})
    threshold = found[0].threshold if found else 0.0
    if any(d.significant for d in found):
        verdict = (
            f"its period has moved by more than the threshold of {percent(threshold)}: freeze it anew with "
            f"`wattmark baseline freeze --name {frozen.name} --period {frozen.period} --reason ...`"
        )
    else:
        verdict = f"its period has moved by no more than the threshold of {percent(threshold)}"
    return f"{shown}\n\n{frozen.name}, revision {frozen.revision}: {verdict}"


def drift_words(drift: Drift) -> str:
    """One line's change in words."""
    return (
        f"{drift.title} of its period has changed by {_share(drift.change)} since it was frozen "
        f"({_share(drift.by_factors)} by factors, {_share(drift.by_evidence)} by evidence)"
    )


def _share(value: float) -> str:
    return f"{value:+.2%}" if math.isfinite(value) else "came or went"
