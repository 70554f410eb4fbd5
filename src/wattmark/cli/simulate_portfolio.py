"""``wattmark ledger simulate --scenario portfolio``: two years of a portfolio, held against the truth."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from wattmark.cli.ledger_options import NOT_ALL, chosen_ledger, note, now_us, told_progress, told_wait
from wattmark.core.errors import UsageError

SAME = 1e-9
"""Relative difference that floating-point sums in another order may have."""
LINES = (
    ("energy", "energy_joules"),
    ("energy_facility", "facility_joules"),
    ("scope2_location", "scope2_location"),
    ("scope2_market", "scope2_market"),
    ("scope31", "scope31"),
    ("scope31_stated", "scope31_stated"),
    ("scope32", "scope32"),
    ("scope33", "scope33"),
)
"""Line of an inventory, and what is true of it."""


STATED = "scope31_stated"
"""What providers state; it is not in the ledger yet where their exports were written instead."""


def simulate_portfolio_into(ledger: str | None, days: int, exports: Path | None, as_json: bool) -> int:
    """Fill a new ledger; exit code 1 where a line of its inventories is not the truth.

    With a folder for ``exports`` what providers state goes there as they deliver it, not into the ledger.
    """
    from wattmark.ledger.inbox import land_run
    from wattmark.testing.fleet.chaos import as_document
    from wattmark.testing.fleet.portfolio import DEVICES, PortfolioPlan, simulate_portfolio
    from wattmark.wiring.ledger import open_ledger, read_ledger, require_tables

    opened = chosen_ledger(ledger, begin=True)
    require_tables()
    if next(iter(opened.store.names("")), None) is not None:
        raise UsageError(f"{opened.url} holds something already: simulate a portfolio into a new folder")
    with told_wait("simulating"):
        fleet = simulate_portfolio(PortfolioPlan(days=days))
    opened.store.put_new(DEVICES, fleet.devices().encode())
    opened.store.put_new("ledger.toml", fleet.settings().encode())
    opened = open_ledger(opened.url)
    if exports is not None:
        from wattmark.testing.fleet.cloud_exports import write_exports

        fleet.runs = [run for run in fleet.runs if run.energies]
        write_exports(fleet, exports)
    for run in told_progress(fleet.runs, "landing", len(fleet.runs)):
        land_run(opened.store, as_document(run))
    with told_wait("counting"):
        snapshot = read_ledger(opened, now_us(), note)
        rows = [row for row in _rows(opened, snapshot, fleet) if exports is None or row[1] != STATED]
    exact = all(row[-1] for row in rows)
    if as_json:
        from wattmark.reports.as_json import document

        told = [
            {"year": year, "line": line, "value": found, "truth": truth, "same": same}
            for year, line, found, truth, same in rows
        ]
        body = {"ledger": opened.url, "deliveries": len(fleet.runs), "exact": exact, "lines": told}
        click.echo(document("ledger-simulate-portfolio", 1, body))
    else:
        _print(opened.url, len(fleet.runs), rows, tuple(fleet.truth))
        if exports is not None:
            _print_exports(opened.url, exports)
    return 0 if exact else NOT_ALL


def _rows(opened: Any, snapshot: Any, fleet: Any) -> list[tuple[int, str, float | None, float, bool]]:
    """(year, line, found, truth, whether they are the same)."""
    from wattmark.core.figure import Figure
    from wattmark.wiring.ledger import engine_named
    from wattmark.wiring.portfolio import asked_of, inventory
    from wattmark.wiring.portfolio_books import Books, span_named

    rows = []
    with engine_named("duckdb") as engine:
        books = Books(opened, snapshot, engine)
        for year, truth in fleet.truth.items():
            found = inventory(books, span_named(str(year)), asked_of(opened))
            for name, known in LINES:
                figure = found.line(name).figure
                value = figure.value if isinstance(figure, Figure) else None
                right = float(getattr(truth, known))
                same = value is not None and math.isclose(value, right, rel_tol=SAME)
                rows.append((year, name, value, right, same))
    return rows


def _print(url: str, count: int, rows: list[Any], years: tuple[int, ...]) -> None:
    from wattmark.core.portfolio import TITLES
    from wattmark.reports.as_text import table
    from wattmark.reports.portfolio_view import amount_words

    cells = []
    for year, name, value, right, same in rows:
        unit = "J" if name.startswith("energy") else "gCO2e"
        shown = "missing" if value is None else amount_words(value, unit)
        cells.append(
            (year, TITLES[name], shown, "exact" if same else f"differs: {amount_words(right, unit)}")
        )
    click.echo(f"{count} run files in {url}\n")
    click.echo(table(("year", "", "figure", "against the truth"), cells))
    first, last = years[0], years[-1]
    click.echo(f"\nnext: wattmark baseline freeze --name fy{first} --period {first} --ledger {url}")
    click.echo(f"then: wattmark portfolio --in {last} --html portfolio.html --ledger {url}")


def _print_exports(url: str, folder: Path) -> None:
    click.echo("\nwhat the clouds state lies beside it, as they deliver it:")
    click.echo(f"  wattmark import aws-carbon {folder}/aws --ledger {url}")
    click.echo(f"  wattmark import google-carbon {folder}/google/carbon_footprint.jsonl --ledger {url}")
    click.echo(f"  wattmark reconcile --ledger {url}")
