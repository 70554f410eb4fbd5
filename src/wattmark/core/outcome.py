"""The declared outcome of a piece of work, e.g. ``accuracy>=0.95``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from operator import ge, gt, le, lt
from typing import NamedTuple

from wattmark.core.errors import UsageError
from wattmark.core.run import OutcomeGoal, Quality

_FORM = re.compile(r"^\s*([A-Za-z_][\w.\- /@]*?)\s*(>=|<=|>|<)\s*([-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)\s*$")
_OPERATORS: Mapping[str, Callable[[float, float], bool]] = {">=": ge, "<=": le, ">": gt, "<": lt}


class Goal(NamedTuple):
    """A quality, a comparison and a value."""

    name: str
    operator: str
    value: float

    def check(self, qualities: Iterable[Quality]) -> bool | None:
        """Whether the last logged value of that quality holds; None when it was not logged."""
        values = [q.value for q in qualities if q.name == self.name]
        return _OPERATORS[self.operator](values[-1], self.value) if values else None

    def outcome(self, qualities: Iterable[Quality]) -> OutcomeGoal:
        """The goal with its answer, as evidence keeps it."""
        return OutcomeGoal(
            condition=f"{self.name}{self.operator}{self.value:g}", reached=self.check(qualities)
        )


def parse_goal(text: str) -> Goal:
    """Read ``accuracy>=0.95``. Raises UsageError that shows the form."""
    found = _FORM.match(text)
    if found is None:
        raise UsageError(f"the outcome {text!r} is not of the form NAME>=VALUE, for example 'accuracy>=0.95'")
    return Goal(found[1], found[2], float(found[3]))
