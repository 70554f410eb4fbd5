"""The comparability key of our own results, read from their evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from wattmark.core.bench.evidence import Evidence
from wattmark.core.bench.key import ESTIMATED, MEASURED, UNKNOWN, Key
from wattmark.core.bench.pinned import Pinned
from wattmark.core.bench.repeats import Spent
from wattmark.core.bench.workers import looks_at, workers
from wattmark.core.figure import Figure
from wattmark.core.known import SIMULATED, Grade
from wattmark.core.machines import ACCELERATORS

DEFAULT = "default"
NOT_TOLD = "not told"
"""No device says what its limit is. Equal only to results that do not know either."""


def key_of(evidence: Evidence, spent: Spent) -> Key:
    """What must be equal before this result is ranked with another."""
    pinned = evidence.pinned
    return Key(
        task=pinned.task,
        dataset=pinned.dataset.sha256 or UNKNOWN,
        tokens=tokens(pinned),
        boundary=spent.boundary or UNKNOWN,
        device_class=device_class(evidence),
        batch_policy=batch_policy(pinned),
        precision=precision(evidence),
        evidence=SIMULATED if evidence.simulated else evidence_class(spent),
        protocol=evidence.profile.protocol,
        power_limit=power_limit(evidence, spent.devices),
    )


def tokens(pinned: Pinned) -> str:
    """Limits of input and output: ``in<=512 out=10``, ``out<=8192``; ``any`` where nothing is fixed."""
    found = []
    if pinned.max_input_tokens is not None:
        found.append(f"in<={pinned.max_input_tokens}")
    if pinned.output_tokens is not None:
        found.append(f"out={pinned.output_tokens}")
    elif pinned.max_output_tokens is not None:
        found.append(f"out<={pinned.max_output_tokens}")
    return " ".join(found) or "any"


def batch_policy(pinned: Pinned) -> str:
    """``rate 2.5/s`` for an open loop, ``concurrency 32``, else ``batch 1``."""
    if pinned.rate_per_second is not None:
        return f"rate {pinned.rate_per_second:g}/s"
    if pinned.concurrency > 1:
        return f"concurrency {pinned.concurrency}"
    return f"batch {pinned.batch_size}"


def dtype_of(evidence: Evidence) -> str:
    """As the model ran, where it tells; else as it was to run."""
    return evidence.model.dtype or evidence.pinned.dtype


def precision(evidence: Evidence) -> str:
    """``float16``, or with how it is quantised: ``float16, int8``."""
    quantised = evidence.model.quantisation or evidence.pinned.quantisation
    return dtype_of(evidence) if quantised == "none" else f"{dtype_of(evidence)}, {quantised}"


def evidence_class(spent: Spent) -> str:
    """Measured (grades A to C) or estimated; unknown where there is no energy."""
    if not isinstance(spent.energy, Figure) or spent.energy.grade is None:
        return UNKNOWN
    return MEASURED if spent.energy.grade.at_least(Grade.C) else ESTIMATED


def device_class(evidence: Evidence) -> str:
    """How many of which accelerators; of a machine without, what its hardware calls itself."""
    named = [d.name for d in evidence.devices if d.component in ACCELERATORS and d.name]
    return _counted(named) or _counted(evidence.hardware) or UNKNOWN


def _counted(names: Sequence[str]) -> str:
    return " + ".join(f"{count} x {name}" for name, count in sorted(Counter(names).items()))


def power_limit(evidence: Evidence, devices: Sequence[str]) -> str:
    """The caps that software set on these devices, as states tell them: ``default``, ``300 W``."""
    caps = {
        _cap(look.power_limit_watts, look.default_power_limit_watts)
        for device in workers(evidence, devices)
        for look in looks_at(device, evidence.states)
        if look.power_limit_watts is not None
    }
    return " + ".join(sorted(caps)) or NOT_TOLD


def _cap(watts: float, default: float | None) -> str:
    return DEFAULT if watts == default else f"{watts:g} W"
