"""The carbon of bought electricity in two: of the plant (Scope 2), and upstream of it (Scope 3.3)."""

from __future__ import annotations

from dataclasses import replace

from wattmark.config import Config
from wattmark.core.carbon import Intensity, upstream_of
from wattmark.core.errors import RefusedError, UsageError
from wattmark.core.figure import Figure, Missing
from wattmark.core.kpis.carbon_to_solution import carbon_of
from wattmark.core.run import Run
from wattmark.core.totals import facts_of
from wattmark.wiring.given import Stated, given_from


def inventories_of(run: Run, config: Config, stated: Stated) -> tuple[Figure | Missing, Figure | Missing]:
    """Operational gCO2e of a run for Scope 2 and for Scope 3.3, out of a direct and a lifecycle figure.

    Raises RefusedError where only one of the two is known, where they do not fit together, and for a cloud
    region, whose electricity is bought with the service; UsageError for a figure that is stated.
    """
    if stated.intensity is not None:
        raise UsageError("one --intensity is on one basis: leave it out, or say which with --basis direct")
    given = given_from(config, replace(stated, basis="direct"), [run])
    direct = given.intensity
    whole = given_from(config, replace(stated, basis="lifecycle"), [run]).intensity
    if direct is None or whole is None:
        nothing = Missing("grid intensity", "--country FRA, or `country` under [place]")
        return nothing, nothing
    _require_two(direct, whole)
    facts = facts_of([run], given)
    upstream = replace(facts, intensity=upstream_of(whole, direct).figure())
    return carbon_of(facts, facts.energy), carbon_of(upstream, facts.energy)


def _require_two(direct: Intensity, whole: Intensity) -> None:
    if (direct.basis, whole.basis) != ("direct", "lifecycle"):
        raise RefusedError(
            f"a direct and a lifecycle figure are needed, and here are {direct.basis} ({direct.source}) and "
            f"{whole.basis} ({whole.source}): leave the configured figure out, or say --basis {direct.basis}"
        )
    if direct.inventory != "scope 2":
        raise RefusedError(
            f"electricity at {direct.zone} is of {direct.inventory}, which holds both parts: there is "
            "nothing to split; leave --basis split out"
        )
