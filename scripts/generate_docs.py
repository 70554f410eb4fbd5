"""Writes the generated parts of the documentation, so that pages cannot drift from the code.

    python scripts/generate_docs.py            rewrite every generated block
    python scripts/generate_docs.py --check    only say which pages are out of date (exit code 1)

A page holds a block between ``<!-- generated:NAME -->`` and ``<!-- end -->``. To add one, write a
function that gives its text and a row in ``blocks``; tests/docs checks them all.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from wattmark.core.bench.reasons import CATALOG as CODES
from wattmark.core.checks import CHECKS, Check
from wattmark.core.guide import Guide
from wattmark.core.kpis import CATALOG, Kpi
from wattmark.engines.table import EngineKind, Term, bundled_engines
from wattmark.exporters.agent_catalog import ROWS as AGENT_ROWS
from wattmark.exporters.agent_catalog import Kind as AgentKind
from wattmark.exporters.agent_otlp import attribute_of, name_of
from wattmark.ledger.charterfile import charter_schema
from wattmark.ledger.keys import Table as PolicyTable
from wattmark.ledger.policykeys import TABLES as POLICY_TABLES
from wattmark.ledger.policykeys import TOP as POLICY_TOP
from wattmark.ledger.policyschema import policy_schema
from wattmark.ledger.runfile import json_schema
from wattmark.ledger.views import VIEWS
from wattmark.meters.catalog import METERS
from wattmark.monitoring.configs import prometheus_file
from wattmark.monitoring.dashboards.catalog import boards
from wattmark.monitoring.rule import duration
from wattmark.monitoring.rules import recordings_of
from wattmark.monitoring.settings import RuleSettings
from wattmark.monitoring.settings import stated as stated_thresholds
from wattmark.reports.ci.catalog import FORMATS
from wattmark.reports.guide import guide_markdown, tools_markdown
from wattmark.sources.generic_layout import KEYS
from wattmark.sources.metrics import Condition, Metric, bundled_metrics
from wattmark.tables import bundled, meta
from wattmark.wiring.guide import load_guide

ROOT = Path(__file__).resolve().parent.parent
END = "<!-- end -->"
OURS = "see the page on benchmarks; `wattmark kpis show` gives the figure"
SCHEMAS: Mapping[str, Callable[[], Any]] = {
    "run.schema.json": json_schema,
    "policy.schema.json": policy_schema,
    "charter.schema.json": charter_schema,
}
"""Files that others write by hand or by program, in docs/."""
TARGET = "the policy file's, shown by `wattmark kpis show`: no page repeats a limit"


@dataclass(frozen=True, slots=True)
class Block:
    """One generated part of one page."""

    page: str
    """Path of the page inside ``docs``."""
    name: str
    """What stands in its first marker."""
    text: Callable[[], str]
    """Gives what belongs between the markers."""


def blocks() -> list[Block]:
    """Every generated block of the documentation."""
    return [
        Block("kpis/index.md", "kpis", kpi_table),
        *(Block(f"kpis/{kpi.id}.md", "kpi", partial(kpi_facts, kpi)) for kpi in CATALOG.values()),
        *guide_blocks(),
        *check_blocks(),
        Block("integrations/index.md", "meters", meter_table),
        Block("importers/metrics.md", "metrics-taken", metrics_taken),
        Block("importers/metrics.md", "metrics-work", metrics_work),
        Block("importers/metrics.md", "metrics-left", metrics_left),
        Block("importers/generic.md", "generic-keys", generic_keys),
        Block("ledger/views.md", "views", view_tables),
        Block("monitoring/prometheus.md", "monitor-scrape", monitor_scrape),
        Block("monitoring/prometheus.md", "monitor-recordings", monitor_recordings),
        Block("monitoring/prometheus.md", "monitor-settings", monitor_settings),
        Block("monitoring/dashboards.md", "dashboards", dashboard_table),
        Block("exporters/agent.md", "agent-metrics", agent_metrics),
        Block("exporters/agent.md", "agent-otlp", agent_otlp),
        Block("exporters/agent.md", "agent-attributes", agent_attributes),
        Block("engines/index.md", "engines", engine_table),
        Block("engines/metrics.md", "engine-metrics", engine_metrics),
        Block("bench/validity.md", "bench-validity", validity_table),
        Block("ci/index.md", "ci-formats", ci_formats),
        Block("licences.md", "data-licences", data_licences),
        Block("ci/github.md", "action-inputs", partial(action_table, "inputs")),
        Block("ci/github.md", "action-outputs", partial(action_table, "outputs")),
        Block("policy.md", "policy-top", partial(policy_keys, PolicyTable(says="", keys=POLICY_TOP))),
        *(
            Block("policy.md", f"policy-{name}", partial(policy_keys, one))
            for name, one in POLICY_TABLES.items()
        ),
    ]


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def policy_keys(described: PolicyTable) -> str:
    """The keys of one table of a policy, from what it is read by."""
    rows = []
    for name, key in described.keys.items():
        named = "(any name)" if name == "*" else f"`{name}`"
        example = f", such as `{key.example}`" if key.example else ""
        choices = (
            "" if key.checked_later else ", ".join(f"`{c}`" for c in key.choices if c not in key.refused)
        )
        rows.append((named, f"{key.says}{example}", choices or str(key.holds), key.left_out))
    return table(("key", "meaning", "holds", "when left out"), rows)


def meter_table() -> str:
    """All meters in the order in which they are tried."""
    rows = (
        (f"[{name}]({name}.md)", row.what, "yes" if row.automatic else "no", row.unless or "-")
        for name, row in METERS.items()
    )
    return table(("meter", "reads", "unasked", "not beside"), rows)


def ci_formats() -> str:
    """Every form of a decision."""
    rows = ((f"`{name}`", f"`{row.file}`", row.what) for name, row in FORMATS.items())
    return table(("form", "usual file", "what it is for"), rows)


def action_table(part: str) -> str:
    """The inputs or outputs of the composite action."""
    rows = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))[part].items()
    if part == "outputs":
        return table(("output", "meaning"), ((f"`{name}`", row["description"]) for name, row in rows))
    told = (
        (f"`{name}`", row["description"], "required" if row.get("required") else f"`{row['default']}`")
        for name, row in rows
    )
    return table(
        ("input", "meaning", "when left out"),
        ((name, what, "" if default == "``" else default) for name, what, default in told),
    )


def validity_table() -> str:
    """Every reason against a result of a benchmark."""
    rows = ((f"`{c.code}`", c.status.value, c.meaning, c.source) for c in CODES.values())
    return table(("code", "makes it", "meaning", "from"), rows)


def agent_metrics() -> str:
    """Every family of an agent as a query finds it."""
    rows = (
        (f"`{row.shown}`", row.kind.value, " ".join(f"`{name}`" for name in row.labels) or "-", row.what)
        for row in AGENT_ROWS
    )
    return table(("series", "type", "labels", "what it claims"), rows)


def agent_otlp() -> str:
    """What OpenTelemetry calls each family."""
    rows = (
        (f"`{row.shown}`", f"`{name_of(row)}`", f"`{row.unit}`")
        for row in AGENT_ROWS
        if row.kind is not AgentKind.INFO
    )
    return table(("series", "metric", "unit"), rows)


def agent_attributes() -> str:
    """What OpenTelemetry calls each label."""
    labels = dict.fromkeys(label for row in AGENT_ROWS for label in row.labels if label != "version")
    rows = ((f"`{label}`", f"`{attribute_of(label)}`") for label in labels)
    return table(("label", "attribute"), rows)


def metrics_taken() -> str:
    """Metrics of energy and power."""
    rows = (
        (
            m.exporter,
            " ".join(f"`{name}`" for name in m.names),
            _where(m),
            f"{m.kind}, {'' if m.factor == 1 else f'{m.factor:g} '}{m.unit}",
            f"`{m.device}`",
            " ".join(f"`{device}`" for device in m.part_of.split()) or "-",
            f"{m.grade}{', ' + m.rule if m.rule else ''}",
            f"{m.most_watts:g} W" if m.most_watts else "-",
            f"{m.note} ([source]({m.source}))" if m.source.startswith("http") else m.note,
        )
        for m in bundled_metrics().rows
        if m.taken and m.energy
    )
    return table(("exporter", "metric", "where", "unit", "device", "inside", "grade", "most", "note"), rows)


def metrics_work() -> str:
    """Metrics of work."""
    rows = (
        (m.exporter, " ".join(f"`{n}`" for n in m.names), _where(m), m.unit, m.level, m.note or "-")
        for m in bundled_metrics().rows
        if m.taken and not m.energy
    )
    return table(("exporter", "metric", "where", "unit", "level", "note"), rows)


def metrics_left() -> str:
    """Metrics that are known and not taken."""
    rows = (
        (m.exporter, " ".join(f"`{n}`" for n in m.names), _where(m), m.note)
        for m in bundled_metrics().rows
        if not m.taken
    )
    return table(("exporter", "metric", "where", "why"), rows)


def _where(metric: Metric) -> str:
    """The conditions of a row as the table writes them."""
    return ", ".join(f"`{_condition(c)}`" for c in metric.where) or "-"


def _condition(c: Condition) -> str:
    return f"{c.label}=*" if c.kind == "*" else f"{c.label}{c.kind}{'|'.join(c.values)}"


def monitor_scrape() -> str:
    """The scrape job, from the configuration that is written."""
    made = prometheus_file(RuleSettings(), ("127.0.0.1:9465",), "127.0.0.1:9093").splitlines()
    first = made.index("rule_files:")
    return "\n".join(("```yaml", *made[first:], "```"))


def monitor_recordings() -> str:
    """Every recorded series with its labels left to the eye; one row for each name."""
    found: dict[str, list[str]] = {}
    for rule in recordings_of(RuleSettings(budgets={"*": 1.0})):
        found.setdefault(rule.record, []).append(rule.what)
    return table(("series", ""), ((f"`{name}`", " ".join(dict.fromkeys(w))) for name, w in found.items()))


def monitor_settings() -> str:
    """Every setting of [monitor] with its default, why, and where that is from."""
    rows = (
        (f"`{f.name}`", _default(f.default, f.metadata["kind"]), " ".join(_why(f.metadata)))
        for f in stated_thresholds()
    )
    return table(("setting", "default", "why"), rows)


def _default(value: Any, kind: str) -> str:
    if kind == "time":
        return duration(float(value))
    return f"{value:g}" if isinstance(value, float | int) else f"`{value}`"


def _why(metadata: Mapping[str, str]) -> Iterator[str]:
    yield metadata["why"]
    if metadata["source"]:
        yield f"({metadata['source']})"


def dashboard_table() -> str:
    """Every dashboard with its rows."""
    return table(
        ("file", "title", "rows"),
        ((f"`{n}`", b.title, ", ".join(row.title for row in b.rows)) for n, b in boards().items()),
    )


def data_licences() -> str:
    """Every table that is shipped, and what its makers allow."""
    folder, ending = Path(str(bundled())), ".meta.toml"
    names = sorted(p.relative_to(folder).as_posix().removesuffix(ending) for p in folder.rglob(f"*{ending}"))
    return table(("table", "licence"), ((f"`{name}`", meta(name).licence) for name in names))


def view_tables() -> str:
    """Every view of a ledger with its columns."""
    return "\n\n".join(
        f"## {name}\n\n{view.what[0].upper()}{view.what[1:]}.\n\n"
        + table(("column", "kind", "holds"), ((f"`{c}`", s.kind, s.what) for c, s in view.columns.items()))
        for name, view in VIEWS.items()
    )


def engine_table() -> str:
    """All engines that are known."""
    rows = (
        (
            f"[{kind.title}](metrics.md#{anchor(kind)})",
            f"`{kind.id}`",
            f"{kind.how}, {kind.verified}",
            f"`:{kind.port}{kind.path}`" if kind.path else "-",
            ", ".join(kind.metrics) or "nothing",
            kind.on,
        )
        for kind in sorted(bundled_engines(), key=lambda k: k.title.lower())
    )
    return table(("engine", "id", "checked", "metrics at", "tells", "how to switch on"), rows)


def anchor(kind: EngineKind) -> str:
    """The heading of an engine on the page of metrics, as links name it."""
    return "".join(c for c in kind.title.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def engine_metrics() -> str:
    """A section for each engine, with the names of its metrics."""
    return "\n\n".join(engine_section(k) for k in sorted(bundled_engines(), key=lambda k: k.title.lower()))


def engine_section(kind: EngineKind) -> str:
    """What is read of one engine, and what it does not tell."""
    when = {
        "made": "Tokens are counted when they are made. ",
        "end": "Tokens are counted when a request ends. ",
    }
    facts = [
        f"## {kind.title}",
        f"Checked against {kind.verified} ({kind.how}); [source]({kind.source}). Metrics: {kind.on}. "
        f"{when.get(kind.tokens_at, '')}{kind.note}".strip(),
    ]
    if kind.metrics:
        rows = ((f"`{q}`", " + ".join(_term(t) for t in terms)) for q, terms in kind.metrics.items())
        facts.append(table(("quantity", "metric"), rows))
    if kind.missing:
        facts.append(table(("may lack", "why"), ((f"`{q}`", why) for q, why in kind.missing.items())))
    return "\n\n".join(facts)


def _term(term: Term) -> str:
    names = " or ".join(f"`{name}`" for name in term.names)
    where = ", ".join(f"`{c.label}{c.sign}{'|'.join(c.values)}`" for c in term.where)
    return (
        names + (f" where {where}" if where else "") + (", mean of its series" if term.over == "mean" else "")
    )


def generic_keys() -> str:
    """The keys by which a table of one's own is declared."""
    return table(("key", "what it says"), ((f"`{key}`", text) for key, text in KEYS.items()))


def kpi_table() -> str:
    """All KPIs with unit, direction and formula."""
    rows = (
        (f"[{kpi.title}]({kpi.id}.md)", f"`{kpi.id}`", kpi.unit, kpi.better.value, kpi.formula)
        for kpi in CATALOG.values()
    )
    return table(("KPI", "id", "unit", "better", "formula"), rows)


def kpi_facts(kpi: Kpi) -> str:
    """What the catalog says about one KPI."""
    rows = (
        ("id", f"`{kpi.id}`"),
        ("unit", kpi.unit),
        ("better", kpi.better.value),
        ("formula", kpi.formula),
        ("version", str(kpi.version)),
    )
    return table(("", ""), rows)


def guide_blocks() -> Iterator[Block]:
    """The pages of the metric guide."""
    guide = load_guide()
    targets = dict.fromkeys(guide.kpis, TARGET)
    yield Block("guide/kpis.md", "guide", lambda: guide_markdown(guide, OURS, targets).strip())
    yield Block("guide/tools.md", "tools", lambda: tools_markdown(guide).strip())
    yield Block("guide/frameworks.md", "frameworks", partial(framework_list, guide))
    yield Block("guide/vanity.md", "vanity", partial(vanity_table, guide))
    yield Block("guide/sources.md", "sources", partial(source_table, guide))


def check_blocks() -> Iterator[Block]:
    """The pages of the common mistakes."""
    yield Block("checks/index.md", "checks", check_table)
    for check in CHECKS.values():
        yield Block(f"checks/{check.code}.md", "check", partial(check_facts, check))


def framework_list(guide: Guide) -> str:
    """What each framework asks for and which KPIs feed it."""
    lines = []
    for f in guide.frameworks.values():
        lines += [f"## {f.title} (`{f.id}`)", "", f"KPIs: {', '.join(f'`{k}`' for k in f.kpis)}", ""]
        lines += [f"- asks for {ask}" for ask in f.asks]
        lines += [f"- {note}" for note in f.notes]
        named = "; ".join(f"[{guide.sources[s].title}]({guide.sources[s].url})" for s in f.sources)
        lines += [f"- sources: {named}", ""]
    return "\n".join(lines).strip()


def vanity_table(guide: Guide) -> str:
    """Figures that mislead, and what to use instead."""
    rows = (
        (v.title, v.why, ", ".join(f"`{k}`" for k in v.instead), guide.sources[v.source].title)
        for v in guide.vanities.values()
    )
    return table(("figure", "why it misleads", "rather", "source"), rows)


def source_table(guide: Guide) -> str:
    """Everything the guide refers to."""
    rows = (
        (f"`{name}`", f"[{s.title}]({s.url})" if s.url.startswith("https:") else s.title)
        for name, s in sorted(guide.sources.items())
    )
    return table(("name", "source"), rows)


def check_table() -> str:
    """All checks with severity and fix."""
    rows = ((f"[{c.code}]({c.code}.md)", c.title, c.severity.value, c.fix) for c in CHECKS.values())
    return table(("code", "mistake", "severity", "fix"), rows)


def check_facts(check: Check) -> str:
    """What the code says about one check."""
    return f"**{check.severity.value}** · fix: {check.fix}"


def with_block(page: str, name: str, text: str) -> str:
    """The page with new text between the markers of a block. Raises ValueError when they are not there."""
    start = f"<!-- generated:{name} -->"
    before, found, rest = page.partition(start)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"no {start} ... {END} in the page")
    return f"{before}{start}\n{text}\n{END}{after}"


def outdated(root: Path, every: Iterable[Block] | None = None) -> dict[Path, str]:
    """Pages whose generated blocks are not what they should be, with the text they should have."""
    wanted: dict[Path, str] = {}
    for block in blocks() if every is None else every:
        path = root / "docs" / block.page
        page = wanted.get(path) or path.read_text(encoding="utf-8")
        try:
            wanted[path] = with_block(page, block.name, block.text())
        except ValueError as error:
            raise SystemExit(f"{path}: {error}") from None
    return {path: text for path, text in wanted.items() if path.read_text(encoding="utf-8") != text}


def outdated_schema(root: Path) -> dict[Path, str]:
    """The published JSON schemas that are not what the code reads by."""
    wanted = {root / "docs" / name: json.dumps(schema(), indent=1) + "\n" for name, schema in SCHEMAS.items()}
    return {
        path: text
        for path, text in wanted.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Rewrite what is out of date, or only name it."""
    parser = argparse.ArgumentParser(description="Write the generated parts of the documentation.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when out of date")
    arguments = parser.parse_args(argv)
    found = {**outdated(root), **outdated_schema(root)}
    for path, text in found.items():
        if not arguments.check:
            path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{'out of date' if arguments.check else 'written'}: {path.relative_to(root)}\n")
    return 1 if found and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
