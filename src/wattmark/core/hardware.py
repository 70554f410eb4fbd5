"""Published figures of hardware: peak rates per precision, rated power, memory.

Peak figures describe a data sheet, achieved figures a run. They stand side by side and are never
mixed into one number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wattmark.core.errors import UsageError
from wattmark.core.facts import PeakHardware
from wattmark.core.figure import Missing

PRECISIONS = ("fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "int8", "fp4")
TERA = 1e12
SPARSE = ("tf32", "fp16", "bf16", "fp8", "int8", "fp4")
"""Precisions of the matrix units, which structured sparsity speeds up; vector rates stay as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What is published about one device. None is not published."""

    id: str
    name: str
    vendor: str
    kind: str
    """gpu, tpu, npu or cpu."""
    year: int | None
    tdp_watts: float | None
    tdp_basis: str
    """What the rated power covers: board, module, package."""
    memory_gb: float | None
    memory_bandwidth_gb_per_s: float | None
    rates: Mapping[str, float]
    """Precision -> dense peak in operations per second."""
    sparse_factor: float | None
    """Sparse over dense rate of the matrix units; 1 without sparsity, None where no single factor holds."""
    source_title: str
    source_url: str
    retrieved: str
    """The day the source was read; empty when the row gives it without having opened it again."""
    note: str


def spec_from(row: Mapping[str, str]) -> Spec:
    """One row of the hardware table. Rates are published in tera-operations per second."""
    columns = {p: f"{p}_{'tops' if p == 'int8' else 'tflops'}" for p in PRECISIONS}
    return Spec(
        id=row["id"],
        name=row["name"],
        vendor=row["vendor"],
        kind=row["kind"],
        year=int(row["year"]) if row["year"] else None,
        tdp_watts=_number(row["tdp_watts"]),
        tdp_basis=row["tdp_basis"],
        memory_gb=_number(row["memory_gb"]),
        memory_bandwidth_gb_per_s=_number(row["memory_bandwidth_gb_per_s"]),
        rates={p: float(row[column]) * TERA for p, column in columns.items() if row[column]},
        sparse_factor=_number(row["sparse_factor"]),
        source_title=row["source_title"],
        source_url=row["source_url"],
        retrieved=row["retrieved"],
        note=row["note"],
    )


def find(specs: Iterable[Spec], wanted: str) -> Spec:
    """The device of this id, or the only one whose id has every part asked for (``h100-sxm``).

    Raises UsageError when there is none or more than one, naming the candidates.
    """
    table = {s.id: s for s in specs}
    found = [table[id_] for id_ in matching(table, wanted)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"hardware {wanted!r} is not in the table: `wattmark hardware list` names what is")
    raise UsageError(f"hardware {wanted!r} could be {', '.join(s.id for s in found)}: say which")


def matching(ids: Iterable[str], wanted: str) -> list[str]:
    """The id itself, or every id that has all the parts asked for (``h100-sxm``)."""
    known = list(ids)
    parts = wanted.lower().replace(" ", "-").split("-")
    exact = [i for i in known if i == wanted.lower()]
    return exact or [i for i in known if all(any(p.startswith(part) for p in i.split("-")) for part in parts)]


def rate(spec: Spec, precision: str, *, sparse: bool = False) -> float | None:
    """Peak operations per second at a precision; None when it is not published."""
    dense = spec.rates.get(precision)
    if dense is None or not sparse:
        return dense
    if precision not in SPARSE or spec.sparse_factor is None or spec.sparse_factor == 1:
        return None
    return dense * spec.sparse_factor


def per_joule(spec: Spec, precision: str, *, sparse: bool = False) -> float | None:
    """Peak operations per joule of rated power; None when rate or power is not published."""
    peak = rate(spec, precision, sparse=sparse)
    return peak / spec.tdp_watts if peak is not None and spec.tdp_watts else None


def peak_of(spec: Spec, precision: str, *, sparse: bool = False) -> PeakHardware | Missing:
    """The ceiling that estimates and the peak KPI use, or what is not published."""
    peak = rate(spec, precision, sparse=sparse)
    if peak is None:
        known = ", ".join(p for p in PRECISIONS if p in spec.rates) or "none"
        kind = "sparse " if sparse else ""
        return Missing(f"{kind}{precision} peak of {spec.id}", f"published precisions: {known}")
    if not spec.tdp_watts:
        return Missing(f"rated power of {spec.id}", "not published: give the watts yourself")
    return PeakHardware(
        name=spec.name,
        flops_per_second=peak,
        tdp_watts=spec.tdp_watts,
        precision=precision,
        sparse=sparse,
        source=f"{spec.source_title}, {spec.tdp_basis}",
    )


def _number(text: str) -> float | None:
    return float(text) if text else None
