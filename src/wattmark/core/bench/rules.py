"""Every rule of validity: from what was derived to the reasons against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wattmark.core.bench import rules_conduct, rules_energy, rules_hardware, rules_work
from wattmark.core.bench.derived import Derived
from wattmark.core.bench.profile import promised
from wattmark.core.bench.reasons import because
from wattmark.core.bench.validity import Reason

Rule = Callable[[Derived], Iterator[Reason]]


def quick(d: Derived) -> Iterator[Reason]:
    """A profile that is not rated."""
    if not (d.evidence.profile.rated and promised(d.evidence.profile).rated):
        name = d.evidence.profile.id
        yield because("quick", f"profile {name} is for tries and continuous integration: never rated")


def simulated(d: Derived) -> Iterator[Reason]:
    """Simulated evidence."""
    if d.evidence.simulated:
        yield because("simulated", "clock and meters were simulated: nothing was measured")


RULES: tuple[Rule, ...] = (
    quick,
    simulated,
    *rules_energy.RULES,
    *rules_work.RULES,
    *rules_conduct.RULES,
    *rules_hardware.RULES,
)
"""In the order in which people read them."""


def reasons_for(derived: Derived) -> tuple[Reason, ...]:
    """Everything that can be said against a result, each thing once."""
    return tuple(dict.fromkeys(reason for rule in RULES for reason in rule(derived)))
