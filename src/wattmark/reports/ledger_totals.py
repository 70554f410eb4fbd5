"""Totals of a ledger as text: every row says how it is known, and what is not in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wattmark.core.facts import Answer
from wattmark.core.figure import Figure, Missing, NotReached
from wattmark.core.listed import some
from wattmark.core.parts import DEVICES, GAPS
from wattmark.core.rollup import CarbonTerms, Total
from wattmark.reports import ledger_rates as rates
from wattmark.reports.as_text import answer_text, bar, bulleted, figure_text, interval_text, table
from wattmark.reports.ledger_lists import version_text
from wattmark.reports.ledger_totals_view import UJ_PER_J, UNITS, TotalsView, by_grade
from wattmark.reports.quantities import number, percent, quantity

NOT_STATED = "(not stated)"
HEADS = ("energy", "95 %", "grade", "observed", "boundary", "carbon", "95 %", "runs", "share")
DEVICES_ALONE = "device energy only"
"""How a note of carbon begins that says of a part what the line `devices only` says with its amount."""
AT_LEAST = "\u2265 "
"""Before the coverage of a total: it is that of what was observed least in it."""
SPARED = (("the interval of carbon", "carbon"), ("the boundary", "observed"), ("runs", "carbon"))
"""What goes first where there is no room, and the column before it."""
BAR_WIDTH = 24
LEAST_BAR = 6
MOST_LISTED = 4
MOST_REMARKS = 2
HOURS_FROM = 1e6
"""From a total of so many joules on, energy is shown in watt-hours."""


def totals_text(
    view: TotalsView, *, plot: bool = False, ascii_only: bool = False, width: int | None = None
) -> str:
    """A table, the most energy of a period first, the whole below it, and what is not in it or unclear.

    ``width`` is that of the terminal: bars are drawn in what the figures leave of it, and columns that find
    no room are named.
    """
    order = sorted(range(len(view.totals)), key=lambda i: (view.totals[i].period, -_joules(view.totals[i])))
    whole = _joules(view.whole)
    rows = [
        [
            *_labels(view, total),
            *_figures(view, total),
            _share(total, whole),
            *rates.cells(total, view.rates),
            *_kpi_cells(view, view.answers, i),
        ]
        for i, total in ((i, view.totals[i]) for i in order)
    ]
    if view.by or view.period or not rows:
        labels = ["total", *[""] * (len(_label_heads(view)) - 1)]
        cells = [*labels, *_figures(view, view.whole), _share(view.whole, whole)]
        cells += rates.cells(view.whole, view.rates)
        rows.append([*cells, *_kpi_cells(view, [view.whole_answers], 0)])
    heads = [*_label_heads(view), *HEADS, *rates.heads(view.rates), *view.kpis]
    heads, rows, gone = _fitted(heads, rows, None if width is None else width - plot * (LEAST_BAR + 2))
    if plot:
        drawn = _bars([_joules(view.totals[i]) for i in order], _room(heads, rows, width), ascii_only)
        rows = [[*row, drawn[at] if at < len(drawn) else ""] for at, row in enumerate(rows)]
        heads.append("")
    no_room = [f"no room for {', '.join(gone)}: a wider terminal, --csv or --json"] if gone else []
    return "\n".join([_headline(view), "", table(heads, rows), *no_room, "", *_below(view)])


def _fitted(
    heads: list[str], rows: list[list[str]], width: int | None
) -> tuple[list[str], list[list[str]], list[str]]:
    """The table without the columns that a terminal of this width has no room for, and their names."""
    gone: list[str] = []
    for name, before in SPARED:
        if width is None or _used(heads, rows) - 2 <= width:
            break
        at = heads.index(before) + 1
        heads = heads[:at] + heads[at + 1 :]
        rows = [row[:at] + row[at + 1 :] for row in rows]
        gone.append(name)
    return heads, rows, gone


def _kpi_cells(view: TotalsView, answers: Sequence[Mapping[str, Answer]], at: int) -> list[str]:
    return [_brief(answers[at][kpi]) for kpi in view.kpis]


def _bars(joules: Sequence[float], width: int, ascii_only: bool) -> list[str]:
    most = max(joules, default=0.0)
    return [bar(one / most if most > 0 else 0.0, width, ascii_only=ascii_only) for one in joules]


def _room(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> int:
    """How wide a bar may be beside these cells."""
    return BAR_WIDTH if width is None else max(LEAST_BAR, min(BAR_WIDTH, width - _used(heads, rows)))


def _used(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """The width of a table and of two spaces behind it."""
    return sum(max(map(len, column)) + 2 for column in zip(heads, *rows, strict=True))


def _headline(view: TotalsView) -> str:
    said = [f"{view.ledger}, {version_text(view.version)}"]
    said.append(view.span or "all time")
    said.append(f"{view.time_zone}, boundary {view.boundary} or below")
    said += [f"{key} = {' or '.join(v or NOT_STATED for v in values)}" for key, values in view.where.items()]
    return "; ".join(said)


def _label_heads(view: TotalsView) -> list[str]:
    return [*(["period"] if view.period else []), *view.by] or [""]


def _labels(view: TotalsView, total: Total) -> list[str]:
    labels = [total.group.get(key) or NOT_STATED for key in view.by]
    return [*([total.period] if view.period else []), *labels] or ["total"]


def _figures(view: TotalsView, total: Total) -> list[str]:
    energy, carbon = total.energy, [*_carbon(total), _runs(view, total)]
    if isinstance(energy, Missing):
        return ["unknown", "", "", "", "", *carbon]
    return [
        *_energy(energy, view),
        str(energy.grade or ""),
        f"{'' if energy.coverage == 1 else AT_LEAST}{percent(energy.coverage)}",
        energy.terms.get("boundary", ""),
        *carbon,
    ]


def _carbon(total: Total) -> list[str]:
    """Amount and interval; where a part of the energy met no factor, what the rest made: it is more."""
    if isinstance(total.carbon, Figure):
        return [quantity(total.carbon.value, total.carbon.unit), interval_text(total.carbon)]
    if total.carbon_known is not None:
        return [f"> {quantity(total.carbon_known.value, total.carbon_known.unit)}", ""]
    return ["not added" if len(total.carbon_by_terms) > 1 else "unknown", ""]


def _runs(view: TotalsView, total: Total) -> str:
    return str(total.runs.runs) if view.runs_told else ""


def _energy(energy: Figure, view: TotalsView) -> list[str]:
    """Amount and interval: in the unit that was asked for, else one family of units in the whole table."""
    if view.unit is None:
        hours = _joules(view.whole) >= HOURS_FROM
        shown = energy.scaled(1 / UNITS["kWh"], "kWh") if hours else energy
        return [quantity(shown.value, shown.unit), interval_text(shown)]
    low, high = (end / UNITS[view.unit] for end in energy.interval)
    interval = "" if energy.half_width == 0 else f"[{number(low)} .. {number(high)}]"
    return [f"{number(energy.value / UNITS[view.unit])} {view.unit}", interval]


def _below(view: TotalsView) -> list[str]:
    """What is not in the totals, what nobody claimed, and what is unclear: said each time, and once."""
    whole = view.whole
    lines = _apart(view)
    grades = by_grade(whole)
    if len(grades) > 1:
        shares = (f"{grade} {percent(joules / _joules(whole))}" for grade, joules in grades.items())
        lines.append(_line("by grade", ", ".join(shares)))
    if whole.gap_uj:
        worst = whole.energy.coverage if isinstance(whole.energy, Figure) else 1.0
        least = f"; what was seen least lacks {percent(1 - worst)} of its time" if worst < 1 else ""
        lines.append(_line("gaps", f"{_part(whole.gap_uj, view)}, estimated{least}"))
    if whole.device_only_uj:
        rest = "the rest of those machines is not in it"
        lines.append(_line("devices only", f"{_part(whole.device_only_uj, view)}: {rest}"))
    if whole.without_factor_uj:
        lines.append(
            _line("without a factor", f"{_part(whole.without_factor_uj, view)}: in no carbon figure")
        )
        lines += _unplaced(view)
    if isinstance(whole.facility, Figure):
        lines.append(_line("at the facility", figure_text(_kwh(whole.facility))))
    lines += _carbon_terms(whole)
    lines += [_line(name, text) for name, text in rates.lines(whole, view.rates)]
    lines += [_line(name, text) for name, text in rates.billed_lines(view.billed)]
    told = dict.fromkeys(
        [
            *view.findings,
            *_figure_notes(whole),
            *rates.notes(whole, view.rates),
            *_kpi_notes(view),
            *_reasons(view),
            *_remarks(view),
        ]
    )
    return lines + ([""] if told and lines else []) + bulleted(told)


def _line(what: str, text: str) -> str:
    return f"{what:<16} {text}"


def _apart(view: TotalsView) -> list[str]:
    lines = []
    hints: set[str] = set()
    for part in view.apart:
        if part.energy_uj == 0:
            lines.append(_line(part.what, "nothing"))
            continue
        share = (
            _part(part.energy_uj, view)
            if part.within
            else f"{_amount(part.energy_uj, view)}, not in the totals"
        )
        hint = f"  ({part.hint})" if part.hint and part.hint not in hints else ""
        hints.add(part.hint)
        lines.append(_line(part.what, share + hint))
    return lines


def _unplaced(view: TotalsView) -> list[str]:
    """Which energy met no factor, and how to give it one."""
    largest = sorted(view.without_factor.items(), key=lambda item: (-item[1], item[0]))
    lines = []
    for zone, uj in largest[:MOST_LISTED]:
        how = (
            "[[grid]] in ledger.toml gives it a factor"
            if zone
            else "say `country`, in wattmark.toml or at the import"
        )
        where = f"in zone {zone}" if zone else "nobody said where"
        lines.append(f"  {where}: {_amount(uj, view)}; {how}")
    more = len(largest) - MOST_LISTED
    return [*lines, f"  and {some(more, 'more zone')}: --json has all"] if more > 0 else lines


def _carbon_terms(whole: Total) -> list[str]:
    """The carbon of the whole, what kind it is, and by whose factors."""
    carbon = whole.carbon if isinstance(whole.carbon, Figure) else whole.carbon_known
    if carbon is None:
        return _carbon_apart(whole)
    shown = (
        figure_text(carbon) if carbon is whole.carbon else f"more than {quantity(carbon.value, carbon.unit)}"
    )
    terms = ", ".join(filter(None, (carbon.terms.get(t) for t in ("accounting", "basis", "inventory"))))
    lines = [_line("carbon", f"{shown}; operational: {terms}")]
    readers = whole.energy.sources if isinstance(whole.energy, Figure) else ()
    factors = [source for source in carbon.sources if source not in readers]
    return [*lines, f"  by {_listed(factors, '; ')}"] if factors else lines


def _carbon_apart(whole: Total) -> list[str]:
    """Carbon that may not be added: a line for each accounting, basis and inventory."""
    return [
        _line("carbon" if at == 0 else "", f"{figure_text(figure)}; {_words(terms)}")
        for at, (terms, figure) in enumerate(whole.carbon_by_terms.items())
    ]


def _words(terms: CarbonTerms) -> str:
    return f"{terms.accounting}, {terms.basis}, {terms.inventory}"


def _remarks(view: TotalsView) -> list[str]:
    """The first few remarks on single runs. Those that are kept out stand above, and in `ledger tags`."""
    kept_out = any(part.what == "quarantined" for part in view.apart)
    remarks = [r for r in view.remarks if not (kept_out and ": not counted: " in r)]
    more = len(remarks) - MOST_REMARKS
    told = f"and {some(more, 'more remark')} on single runs: --json has all"
    return [*remarks[:MOST_REMARKS], *([told] if more > 0 else [])]


def _figure_notes(total: Total) -> list[str]:
    """What is said of the figures, without what has a line of its own."""
    return [
        note
        for figure in (total.energy, total.facility, total.carbon)
        if isinstance(figure, Figure)
        for note in figure.notes
        if not note.startswith((GAPS, DEVICES_ALONE)) and not note.endswith(DEVICES)
    ]


def _brief(answer: Answer) -> str:
    """A figure, or one word; the reason stands below the table."""
    match answer:
        case Figure():
            grade = f", {answer.grade}" if answer.grade else ""
            return (
                " ".join(filter(None, (quantity(answer.value, answer.unit), interval_text(answer)))) + grade
            )
        case Missing():
            return "missing"
        case NotReached():
            return "not reached"
        case _:
            return "undefined"


def _kpi_notes(view: TotalsView) -> list[str]:
    """What stands beside the KPIs of the whole and is not said of its energy or carbon already."""
    found = [(kpi, view.whole_answers[kpi]) for kpi in view.kpis]
    whole = view.whole
    figures = (whole.energy, whole.facility, whole.carbon, whole.carbon_known)
    said = {note for figure in figures if isinstance(figure, Figure) for note in figure.notes}
    return [
        f"{kpi}: {note}"
        for kpi, answer in found
        if isinstance(answer, Figure)
        for note in answer.notes
        if note not in said
    ]


def _reasons(view: TotalsView) -> list[str]:
    """Why a KPI has no figure: each reason once, with the groups that it holds for."""
    groups: dict[tuple[str, str], list[str]] = {}
    for total, answers in zip(view.totals, view.answers, strict=False):
        for kpi in view.kpis:
            if not isinstance(answers[kpi], Figure):
                label = " ".join(_labels(view, total))
                groups.setdefault((kpi, answer_text(answers[kpi])), []).append(label)
    for kpi in view.kpis:
        if not isinstance(view.whole_answers[kpi], Figure):
            groups.setdefault((kpi, answer_text(view.whole_answers[kpi])), []).append("total")
    return [f"{kpi}: {reason} - {_listed(labels)}" for (kpi, reason), labels in groups.items()]


def _listed(labels: Sequence[str], comma: str = ", ") -> str:
    labels = list(dict.fromkeys(labels))
    more = f" and {len(labels) - MOST_LISTED} more" if len(labels) > MOST_LISTED else ""
    return comma.join(labels[:MOST_LISTED]) + more


def _share(total: Total, whole: float) -> str:
    return percent(_joules(total) / whole) if whole > 0 else ""


def _part(uj: int, view: TotalsView) -> str:
    """An amount, and what share of the whole it is."""
    return f"{_amount(uj, view)}, {_of(uj, view.whole)}"


def _of(uj: int, whole: Total) -> str:
    joules = _joules(whole)
    return f"{percent(min(1.0, uj / UJ_PER_J / joules))} of the total" if joules > 0 else "of no total"


def _amount(uj: int, view: TotalsView) -> str:
    return _energy(Figure(value=uj / UJ_PER_J, unit="J"), view)[0]


def _kwh(energy: Figure) -> Figure:
    return energy.scaled(1 / UNITS["kWh"], "kWh")


def _joules(total: Total) -> float:
    return total.energy.value if isinstance(total.energy, Figure) else 0.0
