"""``wattmark targets``: how far the targets of a ledger are, and what they will come to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.ledger_options import ledger_option, note, read, told_wait
from wattmark.cli.options import json_option
from wattmark.cli.output import only_ascii
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.core.targets import Progress, Target

MISSED, NOT_ENOUGH = 1, 3
"""Exit codes with --check: a target is missed; a target cannot be judged."""
at_option = click.option(
    "--at", metavar="DAY", help="As on this day, e.g. 2026-07-01; days from it on are not counted [today]."
)


@click.command()
@click.argument("names", nargs=-1)
@click.option("--in", "year", metavar="YEAR", help="Which year [that of the last whole day].")
@at_option
@click.option(
    "--check",
    is_flag=True,
    help="Exit code 1 when a target is missed, 3 when one cannot be judged; at risk is 0.",
)
@ledger_option
@json_option
def command(
    names: tuple[str, ...], year: str | None, at: str | None, check: bool, ledger: str | None, as_json: bool
) -> int:
    """Show each target: limit, so far, projection with its interval, and how that stands.

    Targets are `[[target]]` in ledger.toml. Only what was seen counts: a target without enough evidence is
    never on track.
    """
    from wattmark.reports.as_json import document
    from wattmark.reports.portfolio_json import progress_json
    from wattmark.reports.portfolio_text import targets_text

    reading = read(ledger, False, None)
    today = day_of(at, reading.ledger.settings.zone)
    wanted = _wanted(reading.ledger.settings.targets, names)
    rows = standings(reading, wanted, year_of(year, today), today)
    if as_json:
        told = {
            "ledger": reading.ledger.settings.name or reading.ledger.url,
            "ledger_version": reading.snapshot.version,
            "at": today.isoformat(),
            "targets": [progress_json(row) for row in rows],
        }
        click.echo(document("targets", 1, told))
    elif rows:
        click.echo(targets_text(rows, ascii_only=only_ascii()))
    else:
        click.echo(f"no target is about {year_of(year, today)}")
    return exit_code(rows) if check else 0


def exit_code(rows: list[Progress]) -> int:
    """1 when a target is missed, else 3 when one cannot be judged. Quarters of a year are steps only."""
    from wattmark.core.targets import Standing

    found = {row.standing for row in rows if row.decides}
    if Standing.MISSED in found:
        return MISSED
    return NOT_ENOUGH if Standing.NOT_ENOUGH in found or not rows else 0


def standings(reading: Any, targets: tuple[Target, ...], year: int, today: date) -> list[Progress]:
    """How targets stand in a year, each with its own baseline."""
    from wattmark.core.targets import LINEAR, year_of
    from wattmark.ledger.portfoliofile import names, newest
    from wattmark.wiring.ledger import engine_named
    from wattmark.wiring.portfolio import standing
    from wattmark.wiring.portfolio_books import Books

    store = reading.ledger.store
    kept = set(names(store)) if any(t.baseline for t in targets) else set()
    rows: list[Progress] = []
    with told_wait("adding up"), engine_named("duckdb") as engine:
        books = Books(reading.ledger, reading.snapshot, engine)
        for target in targets:
            base = newest(store, target.baseline) if target.baseline in kept else None
            last = year_of(target.period)
            linear = target.path == LINEAR and base is not None and base.first.year < year <= last
            if year == last or linear:
                rows += standing(books, target, year, today, base)
            else:
                note(f"target {target.name!r} is about {target.period}: --in {last} shows it")
    return rows


def _wanted(stated: tuple[Target, ...], names: tuple[str, ...]) -> tuple[Target, ...]:
    known = {target.name: target for target in stated}
    if not known:
        raise UsageError("no target is stated: write [[target]] in ledger.toml (docs/commands/targets.md)")
    for name in names:
        if name not in known:
            raise UsageError(f"no target {name!r}: there are {', '.join(known)}")
    return tuple(known[name] for name in names) or stated


def day_of(at: str | None, zone: Any) -> date:
    """The first day that is not counted: today in the ledger's calendar, unless another one is meant."""
    if at is None:
        return datetime.now(UTC).astimezone(zone).date()
    try:
        return date.fromisoformat(at.strip())
    except ValueError:
        raise UsageError(f"--at {at!r} is no day: write 2026-07-01") from None


def year_of(asked: str | None, today: date) -> int:
    """The year that is meant."""
    if asked is None:
        return (today - timedelta(days=1)).year
    if not (len(asked.strip()) == 4 and asked.strip().isdigit()):
        raise UsageError(f"--in {asked!r} is no year: write 2026")
    return int(asked)
