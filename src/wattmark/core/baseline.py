"""A baseline: the runs that others are held against, with everything it takes to do so later."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wattmark.core.errors import NotComparable
from wattmark.core.given import Given
from wattmark.core.kpis.kpi import Kpi
from wattmark.core.methodology import Methodology, methodology_of
from wattmark.core.repeats import Repeat, repeats_of
from wattmark.core.run import Run

DEFAULT_NAME = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endorsement:
    """Somebody's word on a baseline as it is kept: who set it, or an approval. A claim until verified."""

    by: str
    role: str = ""
    at: str = ""
    """UTC, ISO 8601."""
    signature: str = ""
    """Armoured SSH signature; empty: none."""
    token: Mapping[str, str] = field(default_factory=dict)
    """What is kept of an identity token: issuer, subject, run, id. The token itself never is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Evidence, frozen factors and methodology under one name. It needs no other file to be used."""

    name: str
    set_at: str
    """UTC, ISO 8601."""
    runs: tuple[Run, ...]
    """The evidence itself; series for plots are left out."""
    given: Given
    """PUE, intensity, embodied and declared facts as they were when it was set."""
    as_one: bool = False
    """True when all runs are one solution."""
    terms: Methodology
    """The terms on which its figures stand, with the versions of all KPIs."""
    evidence_sha256: str = ""
    """Over the runs as they are kept."""
    reason: str = ""
    """Why it was set."""
    set_by: Endorsement | None = None
    """Who set it; None: nobody said."""
    approvals: tuple[Endorsement, ...] = ()
    file: str = field(default="", compare=False)
    """Where it is kept; empty: nowhere yet."""

    @property
    def record_ids(self) -> tuple[str, ...]:
        """Which runs it holds."""
        return tuple(run.record_id for run in self.runs)

    def repeats(self, told: Callable[[Given], object] | None = None) -> tuple[Repeat, ...]:
        """Its runs as repeats, under its own frozen factors; ``told`` hears those of each repeat."""

        def given_for(runs: Sequence[Run]) -> Given:
            given = self._given_for(runs)
            if told is not None:
                told(given)
            return given

        return repeats_of(self.runs, given_for, as_one=self.as_one)

    def _given_for(self, runs: Sequence[Run]) -> Given:
        """The frozen factors, with the hours of hardware that fall to these runs."""
        embodied = self.given.embodied
        whole = math.fsum(run.duration_seconds for run in self.runs)
        if embodied is None or whole <= 0.0:
            return self.given
        share = math.fsum(run.duration_seconds for run in runs) / whole
        hours = embodied.reserved_hours, embodied.utilised_hours
        reserved, utilised = (None if h is None else h * share for h in hours)
        return replace(
            self.given, embodied=replace(embodied, reserved_hours=reserved, utilised_hours=utilised)
        )


def without_plots(runs: Iterable[Run]) -> tuple[Run, ...]:
    """The runs without what only plots need."""
    return tuple(replace(run, series=(), samples=()) for run in runs)


def methodology_of_repeats(repeats: Sequence[Repeat], kpis: Iterable[Kpi]) -> Methodology:
    """The terms that all repeats share. Raises NotComparable when they do not."""
    kpis = list(kpis)
    first = methodology_of(repeats[0].facts, kpis)
    for repeat in repeats[1:]:
        found = first.differing(methodology_of(repeat.facts, kpis))
        if found:
            raise NotComparable(found, "runs of one baseline")
    return first


def require_unchanged(baseline: Baseline, kpis: Iterable[Kpi]) -> None:
    """Raise NotComparable when figures of the baseline would now be made on other terms than when it was set.

    That happens when a KPI in use has a new definition since then.
    """
    used = list(kpis)
    now = methodology_of_repeats(baseline.repeats(), used)
    others = [name for name in baseline.terms.terms if name.startswith("kpi:") and name not in now.terms]
    found = baseline.terms.without(others).differing(now)
    if found:
        raise NotComparable(found, f"figures and the baseline {baseline.name!r}; set it again")
