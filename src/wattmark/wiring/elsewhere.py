"""What a run would have emitted in other places and at other hours, with the energy that it used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from wattmark.config import Config
from wattmark.core.carbon import Intensity, Pue, energy_for_carbon, entering, operational_carbon
from wattmark.core.errors import RefusedError, UsageError
from wattmark.core.figure import Figure, Missing
from wattmark.core.given import Given
from wattmark.core.known import Scope
from wattmark.core.run import Run
from wattmark.core.totals import facts_of
from wattmark.grid.bundled import yearly, zone_names
from wattmark.grid.places import CloudPlace, find_place, intensity_at, the_place
from wattmark.grid.zones import meant
from wattmark.reports.elsewhere import Elsewhere
from wattmark.wiring.hourly import Where, intensity_by_hour
from wattmark.wiring.live import Live
from wattmark.wiring.stated_tables import stated_tables

PUE_HINT = "give --pue; without it the carbon is that of the machine alone"


@dataclass(frozen=True, slots=True)
class Spot:
    """A place that was asked for: a cloud region, or a zone of the yearly tables."""

    name: str
    region: CloudPlace | None
    zone: str
    """Of the tables; "" for a region."""

    @property
    def label(self) -> str:
        """In words."""
        return self.region.label if self.region is not None else self.zone

    @property
    def country(self) -> str:
        """ISO 3166 alpha-3, or the zone itself."""
        return self.region.country if self.region is not None else self.zone

    def yearly(self, basis: str, year: int, mine: Path | None) -> Intensity:
        """The figure of the tables. Raises RefusedError where none is known on the basis."""
        if self.region is not None:
            return intensity_at(self.region, basis, year=year, mine=mine)
        return yearly(self.zone, basis, year=year, mine=mine)


def spot_of(text: str, mine: Path | None = None) -> Spot:
    """The place of a name. Raises UsageError, with the closest names, for one that nobody knows."""
    region = find_place(text, mine)
    if region is not None:
        return Spot(text, region, "")
    zone = meant(text, zone_names(mine))
    if zone is None:
        the_place(text, mine)  # which says what is close
        raise UsageError(f"{text!r} is no place that is known")
    return Spot(text, None, zone)


def moved(run: Run, start_us: int) -> Run:
    """The run as if it had begun at another moment, without its place."""
    at = datetime.fromtimestamp(start_us / 1e6, UTC).isoformat()
    return replace(run, started_at=at, place=replace(run.place, country=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How figures of places are made."""

    config: Config
    live: Live
    basis: str | None = None
    """lifecycle or direct; None: as configured, or as the live provider has it."""
    pue: float | None = None
    """The same everywhere; None: that of each cloud region."""
    mine: Path | None = None
    """Folder of the user's own tables."""


def elsewhere(
    run: Run, energy: Figure, spots: Sequence[Spot], starts_us: Sequence[int], terms: Terms
) -> tuple[tuple[Elsewhere, ...], Mapping[str, str]]:
    """One row for each place and moment, places in the order asked for, and why others have none.

    Raises RefusedError where no place has a figure.
    """
    rows: list[Elsewhere] = []
    refused: dict[str, str] = {}
    for spot in spots:
        try:
            rows += [_row(moved(run, start), energy, spot, start, terms) for start in starts_us]
        except RefusedError as refusal:
            if len(spots) == 1:
                raise
            refused[spot.name] = str(refusal)
    if not rows:
        raise RefusedError("; ".join(f"{name}: {reason}" for name, reason in refused.items()))
    return tuple(rows), refused


def _row(run: Run, energy: Figure, spot: Spot, start_us: int, terms: Terms) -> Elsewhere:
    config, live = terms.config, terms.live
    told, year = _pue(spot, terms.pue), int(run.started_at[:4])

    def of_tables(wanted: str | None) -> Intensity:
        return spot.yearly(wanted or config.place.intensity_basis, year, terms.mine)

    if config.place.live is not None and not live.yearly:
        where = Where(said=True, region=spot.region, country=spot.country)
        intensity = intensity_by_hour(config, live, where, [run], terms.basis, of_tables)
        assert intensity is not None  # it refuses rather than know nothing
        reason = "" if intensity.granularity == "hour" else intensity.note
    else:
        intensity, reason = (
            of_tables(terms.basis),
            "no live provider is named: --provider, or live under [place]",
        )
    intensity = entering(intensity)
    by_hour = intensity.granularity == "hour"
    end_us = start_us + max(1, round(run.duration_seconds * 1e6))
    facility = energy_for_carbon(energy, told)
    return Elsewhere(
        name=spot.name,
        label=spot.label,
        start_us=start_us,
        end_us=end_us,
        pue=told,
        intensity=intensity,
        carbon=_carbon(facility, intensity),
        by_hour=by_hour,
        yearly=_or_none(lambda: of_tables(intensity.basis)) if by_hour else intensity,
        reason="" if by_hour else reason,
        market=_market(config, spot, facility, (start_us, end_us), intensity.basis),
    )


def _pue(spot: Spot, said: float | None) -> Figure | Missing:
    if said is not None:
        return Pue(value=said).figure()
    if spot.region is not None and spot.region.pue is not None:
        return spot.region.pue.figure()
    return Missing("pue", PUE_HINT)


def _carbon(energy: Figure | Missing, intensity: Intensity) -> Figure | Missing:
    return energy if isinstance(energy, Missing) else operational_carbon(energy, intensity.figure())


def _or_none(made: Callable[[], Intensity]) -> Intensity | None:
    try:
        return made()
    except RefusedError:  # none on this basis: there is nothing to hold the hours against
        return None


def _market(
    config: Config, spot: Spot, energy: Figure | Missing, span: tuple[int, int], basis: str
) -> Figure | Missing:
    """With the residual mix of the place's market: instruments meet what was used, and this was not."""
    from wattmark.stated.residual_mixes import markets, residual_mixes

    known = markets(stated_tables(config, "market"))
    mixes = residual_mixes(stated_tables(config, "residual_mix"), UTC, known)
    region = spot.region
    market = known.of(region.subregion if region else spot.zone, spot.country, spot.name)
    holding = [m for m in mixes if m.market == market and m.start_us <= span[0] and m.end_us >= span[1]]
    holding.sort(key=lambda m: m.basis != basis)
    if not holding:
        return Missing(f"residual mix of {market}", "state it as [[residual_mix]] with its source")
    mix = holding[0]
    told = Intensity(
        grams_per_kwh=mix.grams_per_kwh,
        zone=market,
        accounting="market",
        basis=mix.basis,
        inventory="scope 3.1" if spot.region is not None else "scope 2",
        source=f"residual mix of {market}: {mix.source}",
        year=mix.year,
        relative_error=mix.relative_error,
        note="residual mix alone: instruments meet what was used, not what might have been",
    )
    return _carbon(energy, entering(told))


def energy_of(run: Run, *, share: bool) -> Figure:
    """What the run used: whole devices, or the measured share. Raises RefusedError where unknown."""
    facts = facts_of([run], Given(scope=Scope.SHARE if share else Scope.WHOLE))
    if isinstance(facts.energy, Missing):
        raise RefusedError(f"the energy of the run is not known ({facts.energy}): there is nothing to place")
    return facts.energy
