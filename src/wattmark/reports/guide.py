"""The metric guide and its recommendations as text, Markdown, JSON and a rubric file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wattmark.core.guide import Choice, Guide, KpiGuide, Pick
from wattmark.core.kpis import CATALOG
from wattmark.reports.as_text import table

NO_TARGET = "none published: set your own in the policy file"
NOT_MEASURED = "not measured yet"


def row(guide: Guide, entry: KpiGuide, ours: str, targets: Mapping[str, str]) -> dict[str, str]:
    """Every column of the guide for one KPI, as a person reads it."""
    cloud, band = guide.clouds[entry.cloud], guide.overheads[entry.overhead]
    kpi = CATALOG[entry.id]
    return {
        "primary focus": entry.focus,
        "measurement scope": ", ".join(entry.scope),
        "granularity": ", ".join(entry.granularity),
        "unit": kpi.unit,
        "better": kpi.better.value,
        "formula": kpi.formula,
        "best for": entry.best_for,
        "data source": entry.data_source,
        "measuring overhead, as the field states it": f"{band.name}: {band.means}",
        "measuring overhead, ours as measured": "nothing is measured" if entry.overhead == "none" else ours,
        "accuracy for cost attribution": f"{entry.attribution}: {entry.attribution_note}",
        "hardware dependency": entry.hardware,
        "AWS": cloud.aws,
        "Google Cloud": cloud.google,
        "Azure": cloud.azure,
        "ease of benchmarking": entry.benchmarking,
        "actionability": entry.actionability,
        "what to do about it": entry.action,
        "integration difficulty": entry.integration,
        "integration point": entry.integration_point,
        "ESG link": entry.esg,
        "disclosure readiness": entry.readiness,
        "limitation": entry.limitation,
        "target": targets.get(entry.id, NO_TARGET),
    }


def sources_of(guide: Guide, entry: KpiGuide) -> dict[str, str]:
    """Which statement of a row comes from where."""
    named: dict[str, tuple[str, ...]] = {claim: (name,) for claim, name in entry.sources.items()}
    named["cloud support"] = guide.clouds[entry.cloud].sources
    return {
        claim: "; ".join(f"{guide.sources[n].title} ({guide.sources[n].url})" for n in names)
        for claim, names in named.items()
    }


def list_text(guide: Guide) -> str:
    """All KPIs in one table that fits a wide terminal."""
    headers = ("KPI", "unit", "better", "scope", "overhead", "cost", "do", "effort", "primary focus")
    rows = [
        (
            e.id,
            CATALOG[e.id].unit,
            CATALOG[e.id].better.value,
            ", ".join(e.scope),
            e.overhead,
            e.attribution,
            e.actionability,
            e.integration,
            e.focus,
        )
        for e in guide.kpis.values()
    ]
    legend = (
        "overhead: of measuring, as the field states it; cost: accuracy for cost attribution;\n"
        "do: actionability; effort: of integration.\n"
        "All columns of one KPI: wattmark kpis show ID; of all: wattmark kpis list --full"
    )
    return f"{table(headers, rows)}\n\n{legend}"


def show_text(guide: Guide, entry: KpiGuide, ours: str, targets: Mapping[str, str]) -> str:
    """Everything about one KPI."""
    lines = [f"{entry.id}: {CATALOG[entry.id].title}", ""]
    lines += [f"  {name + ':':<44}{value}" for name, value in row(guide, entry, ours, targets).items()]
    lines += ["", "  sources"]
    lines += [f"    {claim}: {source}" for claim, source in sources_of(guide, entry).items()]
    return "\n".join(lines)


def choice_text(guide: Guide, choice: Choice) -> str:
    """The recommendation: what to use and why, what is infeasible and why, what misleads."""
    lines = ["Recommended KPIs"]
    chosen = [p for p in choice.kpis if p.chosen]
    for pick in chosen:
        lines += _pick_lines(f"{pick.id} (weight {choice.weights[pick.id]:.2f})", pick)
    if not chosen:
        lines.append("  none fits: loosen the wish, see the reasons below")
    lines += ["", "Recommended tools"]
    for pick in choice.tools:
        if pick.chosen:
            lines += _pick_lines(f"{guide.tools[pick.id].name} ({guide.tools[pick.id].kind})", pick)
    lines += _block("Infeasible here", _reasons(p for p in choice.kpis if not p.feasible))
    lines += _block("Not chosen", _reasons(p for p in choice.kpis if p.feasible and not p.chosen))
    lines += _block("Tools not chosen", _reasons(p for p in choice.tools if not p.chosen))
    lines += _block(
        "Beware of", [f"{w.title}: {w.why}; rather {', '.join(w.instead)}" for w in choice.warnings]
    )
    lines += _block("Frameworks", choice.frameworks)
    return "\n".join(lines)


def choice_body(guide: Guide, choice: Choice) -> dict[str, Any]:
    """The recommendation, ready for JSON."""
    wish = choice.wish
    return {
        "wish": {
            "goal": wish.goal,
            "frequency": wish.frequency,
            "scope": wish.scope,
            "granularity": list(wish.granularity),
            "data": wish.data,
            "max_overhead": wish.max_overhead,
            "frameworks": list(wish.frameworks),
        },
        "kpis": [_pick_body(p) for p in choice.kpis],
        "tools": [{**_pick_body(p), "kind": guide.tools[p.id].kind} for p in choice.tools],
        "warnings": [
            {
                "id": w.id,
                "title": w.title,
                "why": w.why,
                "instead": list(w.instead),
                "source": guide.sources[w.source].url,
            }
            for w in choice.warnings
        ],
        "frameworks": list(choice.frameworks),
        "weights": dict(choice.weights),
    }


def guide_body(guide: Guide, entries: Iterable[KpiGuide], ours: str, targets: Mapping[str, str]) -> list[Any]:
    """Rows of the guide, ready for JSON."""
    return [
        {
            "id": e.id,
            "title": CATALOG[e.id].title,
            **{
                name.replace(" ", "_").replace(",", ""): text
                for name, text in row(guide, e, ours, targets).items()
            },
            "needs": list(e.needs),
            "sources": sources_of(guide, e),
        }
        for e in entries
    ]


def rubric_toml(choice: Choice, identity: str) -> str:
    """The chosen KPIs as a rubric file that ``wattmark score --rubric`` reads."""
    wish = choice.wish
    words = [wish.goal, *filter(None, (wish.frequency, wish.scope, wish.data)), *wish.granularity]
    lines = [
        f"# Written by `wattmark kpis choose` for: {', '.join((*words, *wish.frameworks))}.",
        "# Weights follow how well each KPI serves the goal; change them, and raise the version when you do.",
        f'id = "{identity}"',
        'version = "1"',
        f'title = "For {wish.goal}"',
        'aggregation = "arithmetic"',
        'factors = "baseline"',
    ]
    for name, weight in choice.weights.items():
        lines += ["", "[[kpi]]", f'id = "{name}"', f"weight = {weight:.2f}"]
    return "\n".join(lines) + "\n"


def guide_markdown(guide: Guide, ours: str, targets: Mapping[str, str]) -> str:
    """The whole guide as Markdown: one table of all KPIs, then one section each."""
    lines = ["| KPI | unit | primary focus | best for | limitation |", "|---|---|---|---|---|"]
    lines += [
        f"| [{e.id}](#{e.id}) | {CATALOG[e.id].unit} | {e.focus} | {e.best_for} | {e.limitation} |"
        for e in guide.kpis.values()
    ]
    for entry in guide.kpis.values():
        lines += ["", f"## {entry.id}", ""]
        lines += [f"- **{name}**: {text}" for name, text in row(guide, entry, ours, targets).items()]
        lines += [f"- *source of {claim}*: {text}" for claim, text in sources_of(guide, entry).items()]
    return "\n".join(lines) + "\n"


def tools_markdown(guide: Guide) -> str:
    """All tools as one Markdown table."""
    lines = [
        "| tool | kind | grade at best | granularity | overhead | good at | limitation | source |",
        "|" + "---|" * 8,
    ]
    lines += [
        f"| {t.name} | {t.kind} | {t.grade} | {', '.join(t.granularity)} | {t.overhead} | {t.strength} "
        f"| {t.limitation} | {guide.sources[t.source].title} |"
        for t in guide.tools.values()
    ]
    return "\n".join(lines) + "\n"


def _pick_lines(title: str, pick: Pick) -> list[str]:
    return [
        f"  {title}",
        *(f"    why: {line}" for line in pick.why),
        *(f"    to do: {line}" for line in pick.to_give),
    ]


def _pick_body(pick: Pick) -> dict[str, Any]:
    return {
        "id": pick.id,
        "chosen": pick.chosen,
        "feasible": pick.feasible,
        "points": pick.points,
        "why": list(pick.why),
        "against": list(pick.against),
        "to_do": list(pick.to_give),
    }


def _reasons(picks: Iterable[Pick]) -> list[str]:
    return [f"{p.id}: {'; '.join(p.against)}" for p in picks]


def _block(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []
