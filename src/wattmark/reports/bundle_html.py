"""A bundle as one self-contained HTML page: the power trace over its phases, repeats, validity."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from wattmark.core.bench.evidence import Evidence
from wattmark.core.bench.findings import Checked, Verdict
from wattmark.core.bench.result import Result
from wattmark.core.bench.validity import Status
from wattmark.reports import charts
from wattmark.reports.bench_power import PowerView, phase_name, power_of
from wattmark.reports.bundle_text import SAID, result_facts, simulated
from wattmark.reports.quantities import duration, quantity
from wattmark.reports.selfcontained import scripts, styles, template
from wattmark.version import __version__

STATUS_CSS = {Status.VALID: "yes", Status.PROVISIONAL: "warn", Status.INVALID: "bad"}
VERDICT_CSS = {Verdict.GENUINE: "yes", Verdict.UNDECIDED: "warn", Verdict.DIFFERS: "bad"}


def bundle_page(checked: Checked, evidence: Evidence, result: Result) -> str:
    """The page; it loads nothing, sends nothing and works from a file."""
    view = power_of(evidence)
    return template("bundle.html.j2").render(
        title=f"{result.model.id}: {result.task.replace('_', ' ')}",
        version=__version__,
        styles=styles("vendor/uplot.min.css", "templates/report.css"),
        **scripts("vendor/uplot.min.js", "templates/report.js"),
        checked=checked,
        verdict=(SAID[checked.verdict], VERDICT_CSS[checked.verdict]),
        result=result,
        said=simulated(result),
        status=(result.validity.status.value, STATUS_CSS[result.validity.status]),
        facts=result_facts(result),
        power=_power(view) if view is not None else None,
        phases=_phases(evidence, view),
        repeats=[
            (r.repeat + 1, quantity(r.joules_per_query, "J"), r.queries, duration(r.seconds))
            for r in result.repeats
        ],
        evidence=evidence,
        environment=sorted(evidence.environment.items()),
    )


def _power(view: PowerView) -> dict[str, object]:
    names = list(view.line.power)
    lasted = view.line.edges[-1] - view.line.edges[0]
    label = f"Power over {duration(lasted)}, stacked by {', '.join(names)}; a table of the phases follows"
    return {
        "label": label,
        "svg": charts.power_chart(view.line, view.gaps, view.bands, label),
        "json": Markup(htmlsafe_json_dumps(charts.chart_data(view.line, view.gaps, view.bands))),
        "keys": [(name.replace("_", " "), charts.colour_of(name, names)) for name in names],
        "gaps": "; ".join(
            f"{g.component} for {duration(g.duration_seconds)} ({g.reason})" for g in view.gaps[:8]
        ),
    }


def _phases(evidence: Evidence, view: PowerView | None) -> Sequence[tuple[str, str, str, str, str]]:
    """Name, length, mean power while seen, whether it is rated, and why it failed."""
    rows = []
    for phase in evidence.phases:
        start, end = phase.start_us / 1e6, phase.end_us / 1e6
        watts = view.line.mean_of(view.line.total, start, end) if view is not None else None
        rows.append(
            (
                phase_name(phase),
                duration(end - start),
                "not seen" if watts is None else quantity(watts, "W"),
                "yes" if phase.rated else "",
                phase.failed,
            )
        )
    return rows
