"""Published figures of hardware as text, CSV and JSON; achieved figures stand beside them."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from wattmark.core.hardware import PRECISIONS, SPARSE, TERA, Spec, per_joule, rate
from wattmark.reports.as_text import table
from wattmark.reports.quantities import number

LEGEND = (
    "Peak figures of data sheets: dense rates in tera-operations per second, rated power in W, empty = not "
    "published.\nNo workload reaches them: measure yours (wattmark measure), then "
    "`wattmark hardware compare ID --achieved RUN`."
)


def list_text(specs: Sequence[Spec], label: str) -> str:
    """One line per device."""
    shown = ("fp32", "bf16", "fp16", "fp8", "int8", "fp4")
    headers = ("id", "name", "kind", "year", "W", "GB", "GB/s", *shown)
    rows = [
        (
            s.id,
            s.name,
            s.kind,
            s.year,
            *(_cell(v) for v in (s.tdp_watts, s.memory_gb, s.memory_bandwidth_gb_per_s)),
            *(_cell(_tera(s.rates.get(p))) for p in shown),
        )
        for s in specs
    ]
    return f"{table(headers, rows)}\n\n{LEGEND}\n{len(specs)} devices; table {label}"


def compare_text(specs: Sequence[Spec]) -> str:
    """Devices side by side: power, memory, peak rates, and peak operations per joule of rated power."""
    facts: list[tuple[str, list[str]]] = [
        ("vendor", [s.vendor for s in specs]),
        ("kind", [s.kind for s in specs]),
        ("year", [str(s.year or "") for s in specs]),
        ("rated power, W", [_cell(s.tdp_watts) for s in specs]),
        ("rated power covers", [s.tdp_basis for s in specs]),
        ("memory, GB", [_cell(s.memory_gb) for s in specs]),
        ("memory bandwidth, GB/s", [_cell(s.memory_bandwidth_gb_per_s) for s in specs]),
    ]
    for precision in PRECISIONS:
        for sparse in (False, True) if precision in SPARSE else (False,):
            kind = f"{precision} {'sparse' if sparse else 'dense'}"
            rates = [_tera(rate(s, precision, sparse=sparse)) for s in specs]
            if any(r is not None for r in rates):
                facts.append((f"peak {kind}, T/s", [_cell(r) for r in rates]))
                joules = [_tera(per_joule(s, precision, sparse=sparse)) for s in specs]
                facts.append((f"peak {kind}, T/J", [_cell(j) for j in joules]))
    facts.append(("source", [s.source_title for s in specs]))
    facts.append(("source read", [s.retrieved or "not re-read" for s in specs]))
    return table(["published", *(s.name for s in specs)], [(name, *cells) for name, cells in facts])


def as_csv(specs: Sequence[Spec]) -> str:
    """All published figures, with peak operations per joule, one line per device."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    rates = [f"{p}_dense_ops_per_second" for p in PRECISIONS]
    joules = [f"{p}_dense_peak_ops_per_joule" for p in PRECISIONS]
    head = [
        "id",
        "name",
        "vendor",
        "kind",
        "year",
        "tdp_watts",
        "tdp_basis",
        "memory_gb",
        "memory_bandwidth_gb_per_s",
    ]
    writer.writerow(
        [*head, *rates, "sparse_factor", *joules, "source_title", "source_url", "retrieved", "note"]
    )
    for s in specs:
        numbers = [s.year, s.tdp_watts, s.tdp_basis, s.memory_gb, s.memory_bandwidth_gb_per_s]
        cells = [
            s.id,
            s.name,
            s.vendor,
            s.kind,
            *numbers,
            *(s.rates.get(p) for p in PRECISIONS),
            s.sparse_factor,
        ]
        cells += [per_joule(s, p) for p in PRECISIONS]
        cells += [s.source_title, s.source_url, s.retrieved, s.note]
        writer.writerow(["" if c is None else c for c in cells])
    return out.getvalue()


def body(spec: Spec) -> dict[str, Any]:
    """One device, ready for JSON; what is not published is null."""
    return {
        "id": spec.id,
        "name": spec.name,
        "vendor": spec.vendor,
        "kind": spec.kind,
        "year": spec.year,
        "tdp_watts": spec.tdp_watts,
        "tdp_basis": spec.tdp_basis,
        "memory_gb": spec.memory_gb,
        "memory_bandwidth_gb_per_s": spec.memory_bandwidth_gb_per_s,
        "peak_dense_ops_per_second": dict(spec.rates),
        "peak_sparse_ops_per_second": {
            p: r for p in PRECISIONS if (r := rate(spec, p, sparse=True)) is not None
        },
        "peak_dense_ops_per_joule": {p: r for p in PRECISIONS if (r := per_joule(spec, p)) is not None},
        "peak_sparse_ops_per_joule": {
            p: r for p in PRECISIONS if (r := per_joule(spec, p, sparse=True)) is not None
        },
        "source_title": spec.source_title,
        "source_url": spec.source_url,
        "retrieved": spec.retrieved or None,
        "note": spec.note,
    }


def _tera(value: float | None) -> float | None:
    return None if value is None else value / TERA


def _cell(value: float | None) -> str:
    return "" if value is None else number(value)
