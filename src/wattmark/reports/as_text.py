"""Results as plain text for the terminal."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence

from wattmark.core.carbon import DEVICE_ONLY, PUE_UNKNOWN
from wattmark.core.errors import WattmarkError
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, Missing, NotReached, Undefined
from wattmark.core.known import SIMULATED, Grade
from wattmark.core.kpis import CATALOG
from wattmark.core.kpis.carbon_to_solution import carbon_of
from wattmark.core.run import Run
from wattmark.reports.quantities import duration, number, percent, quantity, scale_of
from wattmark.reports.timeline import gaps_of, total_power

__all__ = [
    "answer_text",
    "bar",
    "bulleted",
    "carbon_answer",
    "carbon_terms",
    "carbon_text",
    "duration",
    "explained",
    "interval_text",
    "kpi_table",
    "percent",
    "quantity",
    "run_summary",
    "sparkline",
    "table",
]

EIGHTHS = " ▏▎▍▌▋▊▉█"
WIDTH = 110
KPI_FOLD = {1: 74}
"""Where answers of a table of KPIs go on in the next line."""
LEVELS = "▁▂▃▄▅▆▇█"
ASCII_LEVELS = "_.-=+*#@"


def table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], *, fold: Mapping[int, int] | None = None
) -> str:
    """A plain table: columns as narrow as they can be, two spaces between them; no rule without headers.

    ``fold``: number of a column -> letters from which its cells go on in the next line.
    """
    cells = [line for row in rows for line in _folded([_cell(c) for c in row], fold or {})]
    headed = [list(headers), *cells] if headers else cells
    widths = [max(map(len, column)) for column in zip(*headed, strict=True)]
    if headers:
        headed.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in headed)


def kpi_table(answers: Mapping[str, Answer]) -> str:
    """Every KPI by its title, and what it gives."""
    rows = [(CATALOG[name].title, answer_text(answer)) for name, answer in answers.items()]
    return table(("KPI", "answer"), rows, fold=KPI_FOLD)


def explained(table: str, below: Sequence[str]) -> str:
    """A table with headers, and a line of words below each of its rows that has one."""
    head, rule, *rows = table.splitlines()
    lines = (
        line for row, words in zip(rows, below, strict=True) for line in (row, f"    {words}") if line.strip()
    )
    return "\n".join([head, rule, *lines])


def interval_text(figure: Figure) -> str:
    """The 95 % interval in the prefix of the value, e.g. ``[1.17 .. 1.29]``; empty for an exact figure."""
    if figure.half_width == 0:
        return ""
    low, high = figure.interval
    divisor, _ = scale_of(figure.value, figure.unit)
    return f"[{number(low / divisor)} .. {number(high / divisor)}]"


def figure_text(figure: Figure) -> str:
    """Value, interval, grade and coverage: ``1.23 kJ [1.17 .. 1.29], grade B, 98 % observed``.

    What nobody observed says so instead: ``1.23 kJ [1.17 .. 1.29], simulated, grade E``.
    """
    parts = [" ".join(filter(None, (quantity(figure.value, figure.unit), interval_text(figure))))]
    if figure.terms.get("evidence") == SIMULATED:
        return ", ".join((*parts, SIMULATED, f"grade {figure.grade or Grade.E}"))
    if figure.grade is not None:
        parts.append(f"grade {figure.grade}")
        parts.append(f"{percent(figure.coverage)} observed")
    return ", ".join(parts)


def answer_text(answer: Answer) -> str:
    """The answer of a KPI in one line; what is not known says so and how to give it, never 0."""
    match answer:
        case Figure():
            return figure_text(answer)
        case NotReached(target, spent):
            return f"not reached: {target} (spent {answer_text(spent)})"
        case Missing() | Undefined():
            return str(answer)


def bar(share: float, width: int = 20, *, ascii_only: bool = False) -> str:
    """A horizontal bar for a share of 0 to 1; something small but real shows at least a sliver."""
    share = min(1.0, max(0.0, share))
    if ascii_only:
        return "#" * (max(1, round(share * width)) if share > 0 else 0)
    eighths = max(1, round(share * width * 8)) if share > 0 else 0
    whole, rest = divmod(eighths, 8)
    return EIGHTHS[8] * whole + (EIGHTHS[rest] if rest else "")


def sparkline(values: Sequence[float | None], width: int = 48, *, ascii_only: bool = False) -> str:
    """A line of small columns from zero to the highest value; what was not seen is ``?``, not a low."""
    if not values:
        return ""
    thinned = _thinned(values, width)
    top = max((v for v in thinned if v is not None), default=0.0)
    levels = ASCII_LEVELS if ascii_only else LEVELS
    step = top / len(levels) if top > 0 else math.inf
    return "".join("?" if v is None else levels[min(len(levels) - 1, int(v / step))] for v in thinned)


def run_summary(run: Run, facts: Facts, *, ascii_only: bool = False, brief: bool = False) -> str:
    """What a person wants to know of one run: energy, where it went, how it is known, what was not seen.

    ``brief`` leaves the reasons out: why meters were not used, why things were not seen.
    """
    lines = [*_headline(run, facts)]
    power = sparkline(total_power(run), ascii_only=ascii_only)
    if len(power) > 3:
        lines.append(f"power over time  {power}")
    lines += _parts("by component", facts.energy_by_component, ascii_only)
    lines += _parts("by stage", facts.energy_by_stage, ascii_only)
    lines += _block("gaps, filled with an estimate", _gap_lines(run))
    if brief:
        lines.append(f"meters           {', '.join(m.meter for m in run.meters if m.chosen) or 'none'}")
        lines.append(f"not seen         {', '.join(n.what for n in run.not_seen) or 'nothing'}")
        lines += filter(None, [stated_text(facts), carbon_text(facts)])
    else:
        lines += _block("not seen", [f"{n.what}: {n.reason}" for n in run.not_seen])
        lines += _block(
            "meters", [f"{'used' if m.chosen else 'not used':<9} {m.meter}: {m.reason}" for m in run.meters]
        )
    lines += _block("notes", run.notes)
    return "\n".join(lines)


def stated_text(facts: Facts) -> str:
    """The PUE and the grid that carbon is counted with, and whose figures they are; "" without both."""
    said = []
    if isinstance(facts.pue, Figure):
        provided = facts.pue.terms.get("pue_kind") == "provider_year" and facts.pue.sources
        said.append(facts.pue.sources[0] if provided else f"PUE {facts.pue.value:.4g}")
    if isinstance(facts.intensity, Figure):
        grams = quantity(facts.intensity.value, facts.intensity.unit)
        said.append(f"grid {grams} ({', '.join(facts.intensity.sources) or 'no source stated'})")
    noted = facts.intensity.notes if isinstance(facts.intensity, Figure) else ()
    return "\n".join([f"counted with     {', '.join(said)}", *(f"{'':17}{n}" for n in noted)]) if said else ""


def carbon_answer(facts: Facts) -> Answer:
    """Operational gCO2e of all the energy, whether or not an outcome was reached; a refusal is Undefined."""
    try:
        return carbon_of(facts, facts.energy)
    except WattmarkError as refusal:
        return Undefined(str(refusal))


def carbon_terms(figure: Figure) -> str:
    """What a figure of carbon may be compared with: ``location-based, direct, scope 2``."""
    terms = figure.terms
    accounting = terms.get("accounting")
    told = f"{accounting}-based" if accounting in ("location", "market") else accounting
    return ", ".join(filter(None, (told, terms.get("basis"), terms.get("inventory"))))


def carbon_text(facts: Facts) -> str:
    """Operational carbon of all the energy, with the terms it stands on; "" where no grid is known."""
    if isinstance(facts.intensity, Missing):
        return ""
    found = carbon_answer(facts)
    if not isinstance(found, Figure):
        return f"carbon           {answer_text(found)}"
    said = f"carbon           {figure_text(found)}; operational, {carbon_terms(found)}"
    return "\n".join(
        [said, *(f"{'':17}{note}" for note in found.notes if note in (PUE_UNKNOWN, DEVICE_ONLY))]
    )


def _headline(run: Run, facts: Facts) -> list[str]:
    lines = []
    if isinstance(facts.energy, Figure):
        terms = facts.energy.terms
        told = [answer_text(facts.energy)]
        if "boundary" in terms:
            told.append(f"{terms['boundary']} boundary")
        lines.append(f"energy           {', '.join(told)}")
        if facts.duration_seconds > 0:
            watts = quantity(facts.energy.value / facts.duration_seconds, "W")
            lines.append(f"duration         {duration(facts.duration_seconds)}, mean power {watts}")
    else:
        lines.append(f"energy           {answer_text(facts.energy)}")
        lines.append(f"duration         {duration(run.duration_seconds)}")
    if facts.condition is not None:
        state = {True: "reached", False: "not reached", None: "not known whether reached"}[facts.reached]
        lines.append(f"outcome          {facts.condition}: {state}")
    if run.status != "closed":
        lines.append(f"status           {run.status}: what came after the last checkpoint is not in it")
    if run.failed:
        lines.append("status           the work ended with an error; its energy counts all the same")
    return lines


def _parts(title: str, parts: Mapping[str, Figure], ascii_only: bool) -> list[str]:
    """One line per part, the largest first. A single unnamed part says nothing and is left out."""
    if not parts or set(parts) == {"unstaged"}:
        return []
    whole = math.fsum(f.value for f in parts.values())
    ordered = sorted(parts.items(), key=lambda item: -item[1].value)
    name_width = max(15, *(len(name) for name in parts))
    lines = [title]
    for name, figure in ordered:
        share = figure.value / whole if whole > 0 else 0.0
        grade = f"grade {figure.grade}" if figure.grade else ""
        drawn = bar(share, ascii_only=ascii_only)
        amount = quantity(figure.value, figure.unit)
        lines.append(f"  {name:<{name_width}}{amount:>9}  {percent(share):>7}  {grade:<7}  {drawn}".rstrip())
    return lines


def _gap_lines(run: Run) -> list[str]:
    return [
        f"{g.component} from {duration(g.t0_seconds)} for {duration(g.duration_seconds)}: {g.reason}"
        for g in gaps_of(run)
    ]


def _block(title: str, lines: Sequence[str]) -> list[str]:
    """A title and its lines, folded with a hanging indent."""
    fold = textwrap.TextWrapper(
        WIDTH, initial_indent="  ", subsequent_indent=" " * 6, break_long_words=False, break_on_hyphens=False
    )
    return [title, *(fold.fill(line) for line in lines)] if lines else []


def bulleted(notes: Iterable[str]) -> list[str]:
    """One line per note, folded where it is long."""
    fold = textwrap.TextWrapper(
        WIDTH, initial_indent="- ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return [fold.fill(note) for note in notes]


def _thinned(values: Sequence[float | None], width: int) -> list[float | None]:
    """At most ``width`` columns, each the mean of what was seen in it."""
    if len(values) <= width:
        return list(values)
    columns: list[float | None] = []
    for i in range(width):
        part = values[i * len(values) // width : (i + 1) * len(values) // width]
        seen = [v for v in part if v is not None]
        columns.append(math.fsum(seen) / len(seen) if len(seen) * 2 >= len(part) else None)
    return columns


def _folded(row: Sequence[str], fold: Mapping[int, int]) -> Iterable[list[str]]:
    """The lines that a row takes; words longer than a column stay whole."""
    lines = [
        textwrap.wrap(cell, fold[at], break_long_words=False, break_on_hyphens=False)
        if at in fold and len(cell) > fold[at]
        else [cell]
        for at, cell in enumerate(row)
    ]
    return map(list, itertools.zip_longest(*lines, fillvalue=""))


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case float():
            return number(value)
        case _:
            return " ".join(str(value).splitlines())  # a row is a line, whatever somebody called a run
