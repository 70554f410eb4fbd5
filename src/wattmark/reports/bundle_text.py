"""A bundle, and what a check of it came to, as plain text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from wattmark.core.bench.evidence import Evidence
from wattmark.core.bench.findings import Checked, Finding, Verdict
from wattmark.core.bench.result import Result, wh_per_1000
from wattmark.reports.as_text import bulleted, figure_text, sparkline, table
from wattmark.reports.bench_power import PowerView, phase_name, power_of
from wattmark.reports.quantities import duration, number, percent, quantity

PLOT = 72
MOST_SHOWN = 20
LIMITS = (
    "This shows that the figures follow from the readings. Whoever makes up readings can make a bundle\n"
    "of them: a signature says whose word they are, and the manifest's SHA-256, published beside a result,\n"
    "that they are still the same."
)
SAID = {
    Verdict.GENUINE: "genuine: every file is as listed, and the result follows from the evidence",
    Verdict.DIFFERS: "DIFFERS: this is not what the benchmark left",
    Verdict.UNDECIDED: "cannot be told: made by another version, which works it out otherwise",
}


def verify_text(checked: Checked) -> str:
    """What was found, and what not even a genuine bundle can show."""
    lines = [SAID[checked.verdict], *_about(checked)]
    for finding in checked.found[:MOST_SHOWN]:
        lines += _finding(finding)
    if len(checked.found) > MOST_SHOWN:
        lines.append(f"and {len(checked.found) - MOST_SHOWN} more (--json has them)")
    if checked.verdict is Verdict.GENUINE:
        lines.append(LIMITS)
    return "\n".join(lines)


def show_text(checked: Checked, evidence: Evidence, result: Result, *, ascii_only: bool = False) -> str:
    """The result of a bundle, how power went over its phases, its repeats, and how far to trust it."""
    lines = [heading(result), *_about(checked), *result_lines(result)]
    view = power_of(evidence)
    if view is not None:
        lines += ["", f"power over the phases{simulated(result)}", *_plot(view, ascii_only=ascii_only)]
    lines += ["", *_phases(evidence, result)]
    if result.repeats:
        rows = [
            (r.repeat + 1, quantity(r.joules_per_query, "J"), r.queries, duration(r.seconds))
            for r in result.repeats
        ]
        lines += ["", table(("repeat", f"per query{simulated(result)}", "queries", "lasted"), rows)]
    if result.notes:
        lines += ["", *bulleted(result.notes)]
    return "\n".join(lines)


def heading(result: Result) -> str:
    """Task, model and profile; of a simulated result that it is one."""
    said = (result.task, result.model.id, result.profile, "SIMULATED" if result.simulated else "")
    return " · ".join(filter(None, said))


def simulated(result: Result) -> str:
    """What stands behind every number that nobody measured: ``, simulated``; empty for all others."""
    return ", simulated" if result.simulated else ""


def result_lines(result: Result) -> list[str]:
    """A result in a few lines: energy, quality, speed, conditions, validity with every reason."""
    lines = [f"{name:<17}{text}" for name, text in result_facts(result)]
    lines.append(f"{'validity':<17}{result.validity.status.value}")
    return [
        *lines,
        *(f"  {reason.status.value:<13}{reason.code}: {reason.text}" for reason in result.validity.reasons),
    ]


def result_facts(result: Result) -> list[tuple[str, str]]:
    """Name and words of everything a result says, but its validity."""
    facts = [("energy", "not known (the reasons are below)")]
    if result.spent is not None:
        facts = [("energy", f"not reached: {result.target} (spent {figure_text(result.spent)})")]
    if result.energy is not None:
        facts = [
            ("energy", f"{figure_text(result.energy)}; {result.key.boundary}"),
            ("", figure_text(wh_per_1000(result.energy))),
        ]
    if result.per_output is not None:
        facts.append(("per output", figure_text(result.per_output)))
    if result.gpu_energy is not None:
        facts.append(("GPUs alone", figure_text(result.gpu_energy)))
    if (quality := result.quality) is not None:
        over = f" over {quality.queries} queries" if quality.queries is not None else ""
        better = "" if quality.higher_is_better else " (lower is better)"
        facts.append(("quality", f"{quality.name} {number(quality.value)}{over}{better}"))
    if result.latency is not None:
        latency = result.latency
        facts.append(
            ("latency", f"{duration(latency.mean)} mean, {duration(latency.p95)} at p95{simulated(result)}")
        )
    if result.repeat_cv is not None:
        facts.append(("repeats", f"{len(result.repeats)}, varying by {percent(result.repeat_cv)}"))
    for name, watts in (
        ("idle before", result.idle.before_watts),
        ("idle after", result.idle.after_watts),
    ):
        if watts is not None:
            facts.append((name, quantity(watts, "W") + simulated(result)))
    key = result.key
    facts.append(("conditions", f"{key.device_class}; {key.batch_policy}; {key.precision}; {key.tokens}"))
    return facts


def _about(checked: Checked) -> list[str]:
    lines = [
        f"evidence         {checked.evidence_id}",
        f"protocol         {checked.protocol}, by wattmark {checked.wattmark}",
        f"manifest         sha256 {checked.manifest_sha256}",
    ]
    if checked.signature is not None:
        lines.append(f"signature        {checked.signature.text}")
    return lines


def _finding(finding: Finding) -> list[str]:
    place = f"{finding.file}: {finding.field}" if finding.field else finding.file
    lines = [f"- {place}: {finding.text}"]
    if finding.stored or finding.recomputed:
        lines += [f"    stored      {finding.stored}", f"    recomputed  {finding.recomputed}"]
    return lines


def _plot(view: PowerView, *, ascii_only: bool) -> list[str]:
    """A line of power for each component, and one of the phases' numbers below."""
    names = list(view.line.power)
    width = max(map(len, names))
    shown = []
    for name in names:
        values = view.line.power[name]
        top = max((v for v in values if v is not None), default=0.0)
        drawn = sparkline(values, PLOT, ascii_only=ascii_only)
        shown.append(f"  {name.replace('_', ' '):<{width}}  {drawn}  up to {quantity(top, 'W')}")
    columns = min(PLOT, len(view.line.edges) - 1)
    return [*shown, f"  {'':<{width}}  {_marks(view, columns)}"]


def _marks(view: PowerView, columns: int) -> str:
    """The letter of the phase in each column, as the table of phases has them."""
    start, end = view.line.edges[0], view.line.edges[-1]
    marks = [" "] * columns
    for index, (_, t0, t1) in enumerate(view.bands):
        a = round((t0 - start) / (end - start) * columns)
        b = round((t1 - start) / (end - start) * columns)
        for column in range(max(0, a), min(columns, max(b, a + 1))):
            marks[column] = _letter(index)
    return "".join(marks)


def _letter(index: int) -> str:
    return chr(ord("a") + index) if index < 26 else "+"


def _phases(evidence: Evidence, result: Result) -> Sequence[str]:
    timed = [p for p in evidence.phases if p.end_us > p.start_us]
    rows = [
        (
            _letter(index),
            phase_name(phase),
            duration((phase.end_us - phase.start_us) / 1e6),
            "rated" if phase.rated else "",
            phase.failed,
        )
        for index, phase in enumerate(timed)
    ]
    if not rows:
        return ["no phases"]
    whole = ", ".join(
        f"{name.replace('_', ' ')} {quantity(joules, 'J')}" for name, joules in result.phases_joules.items()
    )
    return [
        table(("", "phase", "lasted", "", ""), rows),
        *([f"energy{simulated(result)}: {whole}"] if whole else []),
    ]
