"""Totals of a ledger with market-based carbon, and how much of each total renewable generation matched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from wattmark.core.facts import MatchedShares
from wattmark.core.figure import Figure, Missing
from wattmark.core.instruments import ANNUAL, HOURLY, MATCHINGS, SUPPLIER, ResidualMix, usable
from wattmark.core.market_factors import BEGINNING, END
from wattmark.ledger.factors import Factors
from wattmark.ledger.question import Question
from wattmark.ledger.rollup import Rollup, roll_up
from wattmark.wiring.market import (
    Surveyed,
    findings,
    market_factors,
    matched,
    renewable,
    survey,
)

if TYPE_CHECKING:
    from wattmark.core.rollup import Total
    from wattmark.ledger.engine import Engine
    from wattmark.ledger.settings import LedgerSettings
    from wattmark.ledger.snapshot import Snapshot

KPI = "renewable_energy_matching"


def ask_market(
    settings: LedgerSettings,
    snapshot: Snapshot,
    question: Question,
    engine: Engine,
    basis: str,
    matching: str,
) -> Rollup:
    """Answer a question with market-based carbon: the whole load is matched, whatever part is asked for."""
    surveyed = survey(settings, snapshot, engine, basis, question.boundary)
    found = matched(surveyed, settings.instruments, matching, settings.zone, basis)
    whole = roll_up(snapshot, Question(boundary=question.boundary), Factors(), engine).whole.energy
    known = whole.relative if isinstance(whole, Figure) and math.isfinite(whole.relative) else 0.0
    told, mixes = settings.instruments, settings.residual_mixes
    factors = market_factors(surveyed, found, told, mixes, basis, known)
    answer = roll_up(snapshot, question, factors, engine)
    return replace(answer, findings=(*answer.findings, *findings(surveyed, found, settings.instruments)))


Shares = tuple[tuple[MatchedShares, ...], MatchedShares | None]
"""Of each total of an answer, and of the whole; nothing where nobody asked."""


def shares_for(
    kpis: Sequence[str], settings: LedgerSettings, snapshot: Snapshot, question: Question, engine: Engine
) -> Shares:
    """What the matching KPIs need, where one of them is asked for and the ledger has instruments."""
    if not settings.instruments or not any(kpi.startswith(KPI) for kpi in kpis):
        return (), None
    return matched_shares(settings, snapshot, question, engine)


def matched_shares(
    settings: LedgerSettings, snapshot: Snapshot, question: Question, engine: Engine
) -> Shares:
    """How much of each total of a question renewable instruments matched, and of the whole.

    Every load of a market and hour (or year) is met alike, so a team has the share of the hours that it used.
    """
    surveyed = survey(settings, snapshot, engine, "lifecycle", question.boundary)
    chosen = renewable(settings.instruments)
    answers = {}
    for matching in MATCHINGS:
        kept, _ = usable(chosen, matching)
        # Their share takes the place of grams: energy x it is the energy that was matched.
        plain = [replace(one, grams_per_kwh=1.0, basis="direct") for one in kept if one.kind != SUPPLIER]
        nothing = [
            ResidualMix(market=market, start_us=BEGINNING, end_us=END, grams_per_kwh=0.0, source="unmatched")
            for market in surveyed.loads
        ]
        found = matched(surveyed, plain, matching, settings.zone)
        factors = market_factors(replace(surveyed, stated=()), found, plain, nothing, "direct")
        answers[matching] = roll_up(snapshot, question, factors, engine)
    note = _note(surveyed)
    pairs = zip(answers[ANNUAL].totals, answers[HOURLY].totals, strict=True)
    return (
        tuple(_shares(annual, hourly, note) for annual, hourly in pairs),
        _shares(answers[ANNUAL].whole, answers[HOURLY].whole, note),
    )


def _shares(annual: Total, hourly: Total, notes: Sequence[str]) -> MatchedShares:
    return MatchedShares(annual=_share(annual), hourly=_share(hourly), notes=tuple(notes))


def _share(total: Total) -> float | Missing:
    load, met = [], []
    for part in total.found.parts:
        if part.intensity is None:
            continue
        multiplied = part.reach == 1 and part.pue is not None
        load.append(part.by_pue if multiplied else float(part.used_uj))
        met.append(part.by_both if multiplied else part.by_grid)
    whole = math.fsum(load)
    if whole <= 0:
        return Missing(
            "load of the reporter's own", "what a cloud provider buys meets no instrument of yours"
        )
    return math.fsum(met) / whole


def _note(surveyed: Surveyed) -> list[str]:
    notes = []
    if surveyed.bought_kwh:
        notes.append(f"{surveyed.bought_kwh:.6g} kWh that a cloud provider buys are not in the load")
    if surveyed.unplaced_kwh:
        notes.append(f"{surveyed.unplaced_kwh:.6g} kWh that nobody said the place of are not in the load")
    return notes
