"""What electricity costs in carbon where the agent runs, as the settings say it; nobody is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.config import Config
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.figure import Figure, Missing
from wattmark.core.serving.cumulative import CarbonRate
from wattmark.core.serving.window import ServingWindow
from wattmark.exporters.agent_state import GridNow, PueNow

NO_PUE = Missing("PUE", "state pue, a region or a site under [place] of wattmark.toml")
NO_INTENSITY = Missing(
    "grid intensity", "state a country or intensity_g_per_kwh under [place] of wattmark.toml"
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """PUE and grid intensity, where they are known."""

    given_pue: Pue | None = None
    given_intensity: Intensity | None = None

    @property
    def pue(self) -> Figure | Missing:
        """The PUE as a figure."""
        return NO_PUE if self.given_pue is None else self.given_pue.figure()

    @property
    def intensity(self) -> Figure | Missing:
        """The intensity as a figure."""
        return NO_INTENSITY if self.given_intensity is None else self.given_intensity.figure()

    @property
    def pues(self) -> Sequence[PueNow]:
        """The PUE as it is shown."""
        pue = self.given_pue
        return [] if pue is None else [PueNow(value=pue.value, kind=pue.kind)]

    @property
    def grids(self) -> Sequence[GridNow]:
        """The intensity as it is shown."""
        known = self.given_intensity
        if known is None:
            return []
        return [
            GridNow(
                grams_per_kwh=known.grams_per_kwh,
                accounting=known.accounting,
                basis=known.basis,
                source=known.source,
                zone=known.zone,
            )
        ]

    def rates(self, window: ServingWindow) -> Sequence[CarbonRate]:
        """What the energy of a window met."""
        known = self.given_intensity
        if known is None:
            return []
        return [
            CarbonRate(
                accounting=known.accounting,
                basis=known.basis,
                grams_per_kwh=known.grams_per_kwh,
                pue=None if self.given_pue is None else self.given_pue.value,
            )
        ]


def surroundings_of(config: Config) -> Surroundings:
    """What the settings say. Raises UsageError, RefusedError for what cannot be."""
    from wattmark.wiring.given import Stated, given_from

    given = given_from(config, Stated())
    found = Surroundings(given.pue, given.intensity)
    _ = found.pue, found.intensity  # what is impossible is refused at the start
    return found
