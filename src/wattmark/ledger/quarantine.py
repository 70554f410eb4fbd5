"""What runs in quarantine saw: their energy is in no total, and must be told beside every one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wattmark.core.figure import Figure
from wattmark.core.given import Given
from wattmark.core.totals import facts_of
from wattmark.ledger.documents import documents, run_of
from wattmark.ledger.store import Store

Seen = Callable[[Mapping[str, str]], Mapping[str, int]]
"""Record id -> content, to record id -> microjoules that the run saw."""


def seen_by(store: Store, version: int) -> Seen:
    """Asks the evidence of one version.

    Each run is taken for itself: several of one device and time would share their energy once counted, so
    that the sum is the most that is kept out.
    """

    def seen(contents: Mapping[str, str]) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for record_id, document in documents(store, version, contents):
            energy = facts_of([run_of(record_id, document)], Given()).energy
            found[record_id] = round(energy.value * 1e6) if isinstance(energy, Figure) else 0
        return found

    return seen
