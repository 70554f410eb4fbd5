"""What a check is, what it looks at, and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from wattmark.core.given import Given
from wattmark.core.known import Boundary, Scope
from wattmark.core.run import EnergyRow, Run


class Severity(StrEnum):
    """How much a mistake changes what may be said."""

    ERROR = "error"
    """A figure or comparison made from these runs would be wrong."""
    WARNING = "warning"
    """It would mislead, or leave out something that matters."""
    NOTE = "note"
    """Worth knowing."""


@dataclass(frozen=True, slots=True)
class Named:
    """A run and how the user calls it."""

    name: str
    run: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Runs that somebody means to use together, and what was stated beside them."""

    runs: tuple[Named, ...]
    given: Given = field(default_factory=Given)
    absolute_limits: tuple[str, ...] = ()
    """KPIs for which the policy holds an absolute limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one check saw: the numbers, and in which runs."""

    text: str
    runs: tuple[str, ...] = ()
    severity: Severity | None = None
    """Another severity than the check's usual one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One common mistake: how to find it and how to mend it."""

    code: str
    title: str
    severity: Severity
    fix: str
    of: Callable[[Case], Iterable[Seen]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mistake that was found."""

    code: str
    title: str
    severity: Severity
    seen: str
    runs: tuple[str, ...]
    fix: str

    @property
    def page(self) -> str:
        """The documentation page that explains it."""
        return f"docs/checks/{self.code}.md"


def stages(runs: Iterable[Run]) -> set[str]:
    """All stages that runs and their windows name."""
    return {s for r in runs for s in (r.subject.stage, *(w.stage for w in r.windows)) if s}


def whole_rows(run: Run) -> Iterator[EnergyRow]:
    """Rows of whole devices that are no part of another device in the run."""
    here = {row.device_id for row in run.energies if row.scope is Scope.WHOLE}
    return (r for r in run.energies if r.scope is Scope.WHOLE and r.part_of not in here)


def boundary_of(run: Run) -> Boundary | None:
    """What the whole rows of one run cover; None when it holds no energy."""
    rows = list(whole_rows(run))
    if not rows:
        return None
    if any(r.boundary is Boundary.FACILITY for r in rows):
        return Boundary.FACILITY
    components = {r.component for r in rows}
    covered = {"cpu", "rest_of_node"} <= components or any(r.boundary is Boundary.NODE for r in rows)
    return Boundary.NODE if covered else Boundary.DEVICE


def names(runs: Sequence[Named]) -> tuple[str, ...]:
    """What the user calls these runs."""
    return tuple(n.name for n in runs)
