"""An energy budget, watched while the work runs."""

from __future__ import annotations

import re
from typing import NamedTuple

from wattmark.core.errors import UsageError

_JOULES = {"j": 1.0, "kj": 1e3, "mj": 1e6, "wh": 3.6e3, "kwh": 3.6e6, "mwh": 3.6e9}
_FORM = re.compile(r"^\s*(\d*\.?\d+(?:[eE][-+]?\d+)?)\s*([A-Za-z]+)\s*$")


class Budget(NamedTuple):
    """How much energy may be used, and what to do when it is gone."""

    joules: float
    on_breach: str = "warn"


class BudgetState(NamedTuple):
    """Where a budget stands."""

    spent_joules: float
    budget: Budget
    projected_joules: float | None
    """Energy at the end, when the progress is known."""

    @property
    def breached(self) -> bool:
        """More was used than allowed."""
        return self.spent_joules > self.budget.joules

    @property
    def will_breach(self) -> bool:
        """At this rate more will be used than allowed."""
        return self.projected_joules is not None and self.projected_joules > self.budget.joules


def parse_budget(text: str, on_breach: str = "warn") -> Budget:
    """Read ``5kWh``, ``800 Wh`` or ``2MJ``. Raises UsageError that shows the form."""
    found = _FORM.match(text)
    if found is None or found[2].lower() not in _JOULES:
        raise UsageError(f"the budget {text!r} is not an energy: write for example 5kWh, 800Wh or 2MJ")
    if on_breach not in ("warn", "stop"):
        raise UsageError(f"on breach is {on_breach!r}: it is either warn or stop")
    joules = float(found[1]) * _JOULES[found[2].lower()]
    if not 0 < joules < 1e21:
        raise UsageError(f"the budget {text!r} must be more than nothing, and less than the world uses")
    return Budget(joules, on_breach)


def state_of(budget: Budget, spent_joules: float, progress: float | None) -> BudgetState:
    """Compare what was spent, and what it will come to, with the budget; progress is 0 to 1."""
    projected = spent_joules / progress if progress else None
    return BudgetState(spent_joules, budget, projected)
