"""Dividing an amount by the work that was done for it."""

from __future__ import annotations

from wattmark.core.facts import WorkDone
from wattmark.core.figure import Figure, Undefined, exact
from wattmark.core.units import singular


def per_unit(amount: Figure, work: WorkDone) -> Figure | Undefined:
    """The amount per successful unit; what failed stays in the amount and leaves the divisor."""
    if work.count <= 0:
        return no_work(work)
    unit = f"{amount.unit}/{singular(work.unit)}"
    figure = amount.over(exact(work.count, work.unit), unit)
    return figure.with_terms(functional_unit=work.unit).with_notes(*work_notes(work))


def no_work(work: WorkDone) -> Undefined:
    """The refusal of a division by no work at all."""
    failed = f" ({work.failed:g} failed)" if work.failed else ""
    return Undefined(f"no successful {work.unit.replace('_', ' ')}{failed}: nothing to divide by")


def work_notes(work: WorkDone) -> tuple[str, ...]:
    """What a reader must know about the count."""
    notes = []
    if work.failed:
        notes.append(f"energy of {work.failed:g} failed {work.unit.replace('_', ' ')} is included")
    if work.declared:
        notes.append(f"the number of {work.unit.replace('_', ' ')} was declared, not counted")
    return tuple(notes)
