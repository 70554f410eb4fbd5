"""The comparability key: results with unequal keys are never ranked together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

from wattmark.core.errors import NotComparable


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Everything that must be equal. Text only; ``unknown`` equals nothing, itself included."""

    task: str
    unit: str = "query"
    """What the rated energy is per."""
    dataset: str
    """SHA-256 of what was asked, or ``published: NAME`` where others ran it."""
    tokens: str
    """Limits of input and output, e.g. ``in<=512 out=10``."""
    boundary: str
    """device, node or facility, with the components where it is device: ``device (gpu)``."""
    device_class: str
    """e.g. ``1 x NVIDIA H100 80GB HBM3``."""
    batch_policy: str
    """e.g. ``batch 1``, ``concurrency 32``."""
    precision: str
    """e.g. ``float16``, ``float32, int8``."""
    evidence: str
    """``measured`` (grades A to C), ``estimated`` (D and E), or ``simulated``."""
    protocol: str
    power_limit: str = "default"
    """A cap set by software is configuration."""

    @property
    def id(self) -> str:
        """A short name for the key, the same everywhere."""
        text = "\n".join(f"{f.name}={getattr(self, f.name)}" for f in fields(self))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


UNKNOWN = "unknown"
MEASURED, ESTIMATED = "measured", "estimated"
"""How the energy of a result is known; ``simulated`` is neither, as nothing was observed."""


def differing(a: Key, b: Key) -> list[tuple[str, str | None, str | None]]:
    """The fields in which two keys are not equal."""
    pairs = ((f.name, str(getattr(a, f.name)), str(getattr(b, f.name))) for f in fields(Key))
    return [(name, x, y) for name, x, y in pairs if x != y or x == UNKNOWN]


def require_same_key(a: Key, b: Key) -> None:
    """Raise NotComparable, naming the differing fields, unless the two may be ranked together."""
    found = differing(a, b)
    if found:
        raise NotComparable(found, "results")
