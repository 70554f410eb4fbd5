"""Turns the guide's documents into entries, refusing what is incomplete or points nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any, TypeVar

from wattmark.core.errors import ConfigError
from wattmark.core.guide.entries import (
    CloudSupport,
    Framework,
    Guide,
    KpiGuide,
    OverheadBand,
    Source,
    Tool,
    Vanity,
)
from wattmark.core.known import Grade

Entry = TypeVar("Entry", KpiGuide, Tool, Framework, Vanity, OverheadBand, CloudSupport, Source)
CLAIMS = ("formula", "overhead", "attribution", "hardware", "benchmarking", "action", "esg", "limitation")
"""Groups of statements of a KPI that each name a source; what clouds show names its own."""


def guide_from(
    kpis: Mapping[str, Any],
    tools: Mapping[str, Any],
    frameworks: Mapping[str, Any],
    vanity: Mapping[str, Any],
    sources: Mapping[str, Any],
) -> Guide:
    """The guide, from its five documents.

    Raises ConfigError when an entry lacks a field, names an unknown source, KPI, band or cloud profile,
    or makes a statement without a source.
    """
    guide = Guide(
        version=str(kpis["version"]),
        kpis={e.id: e for e in _entries(KpiGuide, "kpis", kpis.get("kpi", ()))},
        tools={e.id: e for e in _entries(Tool, "tools", tools.get("tool", ()))},
        frameworks={e.id: e for e in _entries(Framework, "frameworks", frameworks.get("framework", ()))},
        vanities={e.id: e for e in _entries(Vanity, "vanity", vanity.get("vanity", ()))},
        overheads={
            name: _entry(OverheadBand, "kpis", {"name": name, **row})
            for name, row in kpis.get("overhead", {}).items()
        },
        clouds={name: _entry(CloudSupport, "kpis", row) for name, row in kpis.get("cloud", {}).items()},
        sources={name: _entry(Source, "sources", row) for name, row in sources.get("source", {}).items()},
    )
    _check(guide)
    return guide


def _entries(kind: type[Entry], file: str, rows: Iterable[Mapping[str, Any]]) -> list[Entry]:
    return [_entry(kind, file, row) for row in rows]


def _entry(kind: type[Entry], file: str, row: Mapping[str, Any]) -> Entry:
    names = {f.name for f in fields(kind)}
    where = str(row.get("id") or row.get("name") or row.get("title") or "an entry")
    if names != set(row):
        lacking = ", ".join(sorted(names - set(row)))
        unknown = ", ".join(sorted(set(row) - names))
        problem = "; ".join(
            t for t in (lacking and f"lacks {lacking}", unknown and f"unknown: {unknown}") if t
        )
        raise ConfigError(f"guide/{file}.toml", where, problem)
    return kind(**{key: _value(key, value) for key, value in row.items()})


def _value(key: str, value: Any) -> Any:
    if key == "grade":
        return Grade(value)
    return tuple(value) if isinstance(value, list) else value


def _check(guide: Guide) -> None:
    """Every name that an entry uses must exist."""
    for kpi in guide.kpis.values():
        _known(kpi.id, "kpis", [kpi.overhead], guide.overheads, "overhead band")
        _known(kpi.id, "kpis", [kpi.cloud], guide.clouds, "cloud profile")
        _known(kpi.id, "kpis", kpi.sources.values(), guide.sources, "source")
        lacking = [claim for claim in CLAIMS if claim not in kpi.sources]
        if lacking:
            raise ConfigError("guide/kpis.toml", kpi.id, f"no source for {', '.join(lacking)}")
    for tool in guide.tools.values():
        _known(tool.id, "tools", [tool.overhead], guide.overheads, "overhead band")
        _known(tool.id, "tools", [tool.source], guide.sources, "source")
    for framework in guide.frameworks.values():
        _known(framework.id, "frameworks", framework.kpis, guide.kpis, "KPI")
        _known(framework.id, "frameworks", framework.tools, guide.tools, "tool")
        _known(framework.id, "frameworks", framework.sources, guide.sources, "source")
    for vanity in guide.vanities.values():
        _known(vanity.id, "vanity", (*vanity.kpis, *vanity.instead), guide.kpis, "KPI")
        _known(vanity.id, "vanity", [vanity.source], guide.sources, "source")
    for name, cloud in guide.clouds.items():
        _known(name, "kpis", cloud.sources, guide.sources, "source")


def _known(where: str, file: str, names: Iterable[str], table: Mapping[str, object], what: str) -> None:
    for name in names:
        if name not in table:
            raise ConfigError(f"guide/{file}.toml", where, f"there is no {what} {name!r}")
