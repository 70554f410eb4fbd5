"""What the user states beside the evidence: place, PUE, intensity, declared facts."""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.core.carbon import Intensity, Pue
from wattmark.core.facts import Embodied, PeakHardware, Renewables
from wattmark.core.figure import Missing
from wattmark.core.known import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Everything that totals and KPIs need and no meter can tell. None is not given."""

    pue: Pue | None = None
    intensity: Intensity | None = None
    embodied: Embodied | None = None
    embodied_unknown: Missing | None = None
    """Why an inventory does not tell what the hardware carries."""
    functional_unit: str | None = None
    """None: the first of the usual units that was logged."""
    lifetime_inferences: float | None = None
    quality_name: str | None = None
    """Which logged quality is Q; None: the only one, or ``accuracy``."""
    quality_map: tuple[float, float] | None = None
    """For a lower-is-better quality: (value that maps to 0, value that maps to 1)."""
    peak: PeakHardware | None = None
    training_flop: float | None = None
    """FLOP of a training that was not measured."""
    mfu: float | None = None
    """Model FLOP utilisation of that training, 0 to 1."""
    renewables: Renewables | None = None
    manual_steps: int | None = None
    reference_device_factor: float | None = None
    scope: Scope = Scope.WHOLE
    """Whole devices, or only the share of the measured processes."""
