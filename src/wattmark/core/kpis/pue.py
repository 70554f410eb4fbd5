"""Power Usage Effectiveness: what the building adds to what its machines use."""

from __future__ import annotations

from wattmark.core.carbon import check_pue, pue_notes
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Missing
from wattmark.core.kpis.kpi import Better, Kpi


def pue(facts: Facts) -> Answer:
    """Facility energy over IT energy, as given, with how it is known among its terms.

    Raises RefusedError below 1.0; above 2.0 a note asks for a second look. Source: ISO/IEC 30134-2.
    """
    if isinstance(facts.pue, Missing):
        return facts.pue
    check_pue(facts.pue.value)
    return facts.pue.with_notes(*pue_notes(facts.pue.value))


KPI = Kpi(
    id="pue",
    title="Power Usage Effectiveness",
    unit="1",
    better=Better.LOWER,
    formula="facility energy / IT energy",
    of=pue,
)
