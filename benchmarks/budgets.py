"""The budgets of `budgets.toml`, and whether a figure meets one."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

DECLARED = Path(__file__).with_name("budgets.toml")


@dataclass(frozen=True, slots=True)
class Budget:
    """One promise. Without a limit the row is shown and not judged."""

    row: str
    what: str
    unit: str
    relation: str = "<="
    limit: float | None = None
    resolution: float = 0.0

    def met_by(self, value: float) -> bool | None:
        """Whether a value keeps the promise; None where there is none to keep."""
        if self.limit is None:
            return None
        value = self.shown(value)
        return value < self.limit if self.relation == "<" else value <= self.limit

    def shown(self, value: float) -> float:
        """The value, or 0 where it is within the resolution of the clock."""
        return 0.0 if abs(value) < self.resolution else value

    @property
    def text(self) -> str:
        """The limit as a person writes it: `< 40 ms`."""
        if self.limit is None:
            return "–"
        if self.limit == 0:
            return f"0 {self.unit}".rstrip()
        return f"{'≤' if self.relation == '<=' else '<'} {self.limit:g} {self.unit}".rstrip()


def load(path: Path = DECLARED) -> tuple[Budget, ...]:
    """Read the budgets, in the order of the file."""
    with path.open("rb") as file:
        return tuple(Budget(**table) for table in tomllib.load(file)["budget"])
