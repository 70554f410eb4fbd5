"""Mistakes of accounting: money taken for energy, a site that is left out."""

from __future__ import annotations

from collections.abc import Iterator

from wattmark.core.checks.finding import Case, Check, Seen, Severity, names
from wattmark.core.known import Method

CURRENCIES = {"usd", "eur", "gbp", "chf", "jpy", "cny", "inr", "$", "€", "£", "cost", "credits"}


def cost_as_energy(case: Case) -> Iterator[Seen]:
    """Energy that is declared beside a bill, or a statement of energy in money."""
    for n in case.runs:
        bills = [s for s in n.run.statements if s.quantity == "cost"]
        measured = [r for r in n.run.energies if r.method is not Method.DECLARED]
        declared = [r for r in n.run.energies if r.method is Method.DECLARED]
        if bills and declared and not measured:
            joules = sum(r.energy_joules for r in declared)
            told = ", ".join(f"{s.value:g} {s.unit}" for s in bills)
            yield Seen(text=f"{joules / 3.6e6:.3g} kWh declared beside a bill of {told}", runs=(n.name,))
        elif bills and not n.run.energies:
            told = ", ".join(f"{s.value:g} {s.unit}" for s in bills)
            yield Seen(text=f"a bill of {told} and no energy", runs=(n.name,), severity=Severity.WARNING)
        for s in n.run.statements:
            if s.quantity == "energy" and s.unit.lower() in CURRENCIES:
                yield Seen(text=f"energy stated in money: {s.value:g} {s.unit}", runs=(n.name,))


def no_pue(case: Case) -> Iterator[Seen]:
    """The site's own use is unknown."""
    with_energy = [n for n in case.runs if n.run.energies]
    if with_energy and case.given.pue is None:
        yield Seen(text="no PUE: cooling and power supply of the site are left out", runs=names(with_energy))


CHECKS = (
    Check(
        code="WM107",
        title="Cost taken for energy",
        severity=Severity.ERROR,
        fix="measure the energy; prices depend on hours, discounts and kinds of instance, not on joules",
        of=cost_as_energy,
    ),
    Check(
        code="WM211",
        title="PUE is missing",
        severity=Severity.NOTE,
        fix='give it: pue in wattmark.toml, --pue 1.2, or site = "office" where nothing cools the room',
        of=no_pue,
    ),
)
