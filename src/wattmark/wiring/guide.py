"""The metric guide put together: the shipped documents, this machine's survey, measured overhead, targets."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wattmark import tables
from wattmark.config import Config
from wattmark.core.governance.rated import RATINGS
from wattmark.core.guide import Capabilities, Guide, guide_from
from wattmark.core.known import Grade
from wattmark.core.policy import Policy
from wattmark.core.readings import Device

RESULTS = Path(__file__).parents[3] / "benchmarks" / "results"
"""Results of the benchmarks, in a source checkout."""
OVERHEAD_ROW = "overhead-1hz"
"""CPU milliseconds of measuring per second at one reading a second."""


@dataclass(frozen=True, slots=True)
class MeasuredOverhead:
    """What measuring cost when it was measured."""

    share: float
    """CPU time of measuring over time measured."""
    source: str


def load_guide() -> Guide:
    """The shipped guide. Raises ConfigError when a document is incomplete."""
    return guide_from(
        *(tables.toml(f"guide/{name}") for name in ("kpis", "tools", "frameworks", "vanity", "sources"))
    )


def capabilities(config: Config) -> Capabilities:
    """What can be measured on this machine, by the survey that ``wattmark doctor`` shows."""
    from wattmark.wiring.meters import survey

    seen = survey(config)
    try:
        return capabilities_of(
            seen.meters.devices, gpu_expected=bool(config.measure.gpu_expected), stat=Path("/proc/stat")
        )
    finally:
        seen.meters.close()


def capabilities_of(devices: Iterable[Device], *, gpu_expected: bool, stat: Path) -> Capabilities:
    """The best grade of each component among the devices of a survey.

    ``stat`` is the kernel's file of busy times, where utilisation of the CPU comes from.
    """
    grades: dict[str, Grade] = {}
    for device in devices:
        for name in {device.component, *(("node",) if device.boundary.value == "node" else ())}:
            grades[name] = min(device.grade, grades.get(name, Grade.E), key=lambda g: g.value)
    if "module" in grades:
        grades.setdefault("gpu", grades["module"])
    signals = (("cpu_busy_time", stat.exists()), ("nvml_busy_time", "gpu" in grades))
    return Capabilities(
        grades=grades,
        gpu_present="gpu" in grades or gpu_expected,
        utilisation=tuple(name for name, there in signals if there),
    )


def measured_overhead(results: Path = RESULTS) -> MeasuredOverhead | None:
    """What measuring with wattmark cost: the newest results file, else the packaged value, else None."""
    for path in sorted(results.glob("*.json"), reverse=True):
        samples = [
            sample
            for m in json.loads(path.read_text(encoding="utf-8")).get("measurements", ())
            if m["row"] == OVERHEAD_ROW and m["tool"] == "wattmark"
            for sample in m["samples"]
        ]
        if samples:
            return MeasuredOverhead(statistics.median(samples) / 1000, f"benchmarks/results/{path.name}")
    packaged = tables.toml("guide/measured")
    if "share" not in packaged:
        return None
    return MeasuredOverhead(float(packaged["share"]), str(packaged["source"]))


def targets(policy: Policy) -> dict[str, str]:
    """The absolute limits of a policy as words, per KPI, in the KPI's unit."""
    found: dict[str, list[str]] = {}
    for limit in policy.limits:
        if limit.relative or limit.kpi in RATINGS:
            continue
        words = f"at least {limit.min:g}" if limit.min is not None else f"at most {limit.max:g}"
        words += f" for {', '.join(limit.workload_class)}" if limit.workload_class else ""
        words += f" in {limit.stage}" if limit.stage else ""
        found.setdefault(limit.kpi, []).append(words)
    return {kpi: "; ".join(lines) for kpi, lines in found.items()}


def default_targets() -> dict[str, str]:
    """The targets of the default policy as words, per KPI, those that are switched off included."""
    from wattmark.ledger.policyfile import parse_policy, switched_on

    text = (tables.bundled() / "policy_default.toml").read_text(encoding="utf-8")
    return targets(parse_policy(switched_on(text), "data/policy_default.toml"))
