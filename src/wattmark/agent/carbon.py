"""What electricity costs in carbon where the agent runs: by the hour, or as the settings and tables say.

Nobody is asked unless ``[place] live`` names somebody (:mod:`wattmark.agent.hours`). While an hour is not
known the figure of the year stands in, and every figure says which of the two it is.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from wattmark.agent.hours import Hours
from wattmark.config import Config
from wattmark.core.carbon import CLOUD, Intensity, Pue, entering
from wattmark.core.errors import RefusedError, UsageError
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
    """As stated, or of the tables; beside hours it is of their accounting and basis, or None."""
    hours: Hours | None = None
    terms: tuple[str, str] = ("location", "lifecycle")
    """Accounting and basis of the hours."""
    cloud: bool = False

    @property
    def pue(self) -> Figure | Missing:
        """The PUE as a figure."""
        return NO_PUE if self.given_pue is None else self.given_pue.figure()

    def during(self, start_us: int, end_us: int) -> Intensity | None:
        """What energy of this time meets; None where nobody knows."""
        if self.hours is None:
            return self.given_intensity
        met = self.hours.during(start_us, end_us)
        if met is not None:
            return entering(replace(met, inventory=CLOUD) if self.cloud else met)
        if self.given_intensity is None:
            return None
        known = self.given_intensity
        quality = "E" if "world average" in known.note else "D"
        note = f"no hourly figure ({self.hours.why}): the yearly one stands in"
        return replace(
            known, data_quality=quality, note="; ".join(text for text in (known.note, note) if text)
        )

    def intensity(self, windows: Sequence[ServingWindow], now_us: int) -> Figure | Missing:
        """What the energy of these windows met on average, as a figure; of this moment without any."""
        met = [
            (self.during(w.start_us, w.end_us), math.fsum(u.energy_joules for u in w.devices))
            for w in windows
        ] or [(self.during(now_us, now_us + 1), 1.0)]
        known = [(intensity, joules) for intensity, joules in met if intensity is not None]
        if len(known) < len(met):
            if self.hours is None:
                return NO_INTENSITY
            return Missing("grid intensity of each hour", f"{self.hours.why}; state a country under [place]")
        return _mean(known).figure()

    @property
    def pues(self) -> Sequence[PueNow]:
        """The PUE as it is shown."""
        pue = self.given_pue
        return [] if pue is None else [PueNow(value=pue.value, kind=pue.kind)]

    def grids(self, now_us: int) -> Sequence[GridNow]:
        """The intensity as it is shown."""
        known = self.during(now_us, now_us + 1)
        if known is None:
            return []
        return [
            GridNow(
                grams_per_kwh=known.grams_per_kwh,
                accounting=known.accounting,
                basis=known.basis,
                source=known.source,
                zone=known.zone,
                granularity=known.granularity,
                data_quality=known.data_quality,
            )
        ]

    def rates(self, window: ServingWindow) -> Sequence[CarbonRate]:
        """What the energy of a window met."""
        known = self.during(window.start_us, window.end_us)
        if known is None and self.hours is None:
            return []
        accounting, basis = self.terms if known is None else (known.accounting, known.basis)
        return [
            CarbonRate(
                accounting=accounting,
                basis=basis,
                grams_per_kwh=None if known is None else known.grams_per_kwh,
                pue=None if self.given_pue is None else self.given_pue.value,
                granularity="" if known is None else known.granularity,
            )
        ]


def _mean(met: Sequence[tuple[Intensity, float]]) -> Intensity:
    """One intensity for energy that met several, each weighing as much as met it."""
    first = met[0][0]
    if all(intensity == first for intensity, _ in met):
        return first
    total = math.fsum(joules for _, joules in met)
    weights = [joules / total if total else 1 / len(met) for _, joules in met]
    pairs = [(intensity, weight) for (intensity, _), weight in zip(met, weights, strict=True)]

    def named(values: Sequence[str], between: str) -> str:
        return between.join(dict.fromkeys(value for value in values if value))

    return replace(
        first,
        grams_per_kwh=math.fsum(intensity.grams_per_kwh * weight for intensity, weight in pairs),
        granularity=named([i.granularity for i, _ in pairs], " and "),
        source=named([i.source for i, _ in pairs], " and "),
        zone=named([i.zone for i, _ in pairs], ", "),
        relative_error=max(i.relative_error for i, _ in pairs),
        estimated_share=min(1.0, math.fsum(i.estimated_share * weight for i, weight in pairs)),
        data_quality=max(i.data_quality for i, _ in pairs),
        note=named([i.note for i, _ in pairs], "; "),
    )


def surroundings_of(
    config: Config,
    environ: Mapping[str, str] = os.environ,
    say: Callable[[str], None] = lambda text: None,
    now_us: Callable[[], int] | None = None,
) -> Surroundings:
    """What the settings say. Raises UsageError, RefusedError for what cannot be."""
    from wattmark.wiring.given import Stated, given_from

    given = given_from(config, Stated())
    plain = Surroundings(given.pue, given.intensity)
    _ = plain.pue, plain.intensity((), 0)  # what is impossible is refused at the start
    if config.place.live is None:
        return plain
    if config.place.intensity_g_per_kwh is not None:
        say(f"{config.place.live} is not asked: intensity_g_per_kwh is stated under [place]")
        return plain
    from wattmark.wiring.hourly import hours_here
    from wattmark.wiring.live import Live, wall_us

    here = hours_here(config, Live(environ=environ))
    yearly = None
    if here.accounting == "location":
        try:
            yearly = given_from(config, Stated(basis=here.basis)).intensity
        except (RefusedError, UsageError) as error:
            say(f"while {here.provider} does not answer no intensity is known: {error}")
    return Surroundings(
        given.pue,
        yearly,
        Hours(here.provider, here.ask, now_us or wall_us),
        (here.accounting, here.basis),
        here.cloud,
    )
