"""``wattmark baseline freeze|list|verify|check``: a ledger's inventory of a period, kept for ever."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.ledger_asked import where_of, where_option
from wattmark.cli.ledger_options import chosen_ledger, ledger_option, note, now_us, read, told_wait
from wattmark.cli.options import json_option
from wattmark.core.errors import UsageError, WattmarkError
from wattmark.core.known import Boundary
from wattmark.version import __version__

if TYPE_CHECKING:
    from wattmark.core.frozen import Frozen

DIFFERS = 1
"""Exit code: a figure is not what it was frozen as, or has moved by more than the threshold."""
boundary_option = click.option(
    "--boundary",
    type=click.Choice([b.value for b in Boundary]),
    default=Boundary.NODE.value,
    help="The widest reading at or below it counts [node].",
)


def _names(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """Baselines of the ledger that is meant, for a shell that completes; none where it cannot be read."""
    from wattmark.ledger.portfoliofile import names

    try:
        found = names(chosen_ledger(context.params.get("ledger")).store)
    except (WattmarkError, OSError):  # a shell that completes must not show errors
        return []
    return [name for name in found if name.startswith(begun)]


name_argument = click.argument("name", shell_complete=_names)


@click.command()
@click.option("--name", required=True, help="Name of the baseline, e.g. fy2025.")
@click.option("--period", required=True, metavar="YEAR|QUARTER", help="What it is of, e.g. 2025 or 2025-Q3.")
@where_option
@boundary_option
@click.option("--reason", default="", help="Why a baseline of this name is replaced; kept with it.")
@click.option("--by", default="", help="Who freezes it; kept with it. Nobody is named otherwise.")
@ledger_option
@json_option
def freeze(
    name: str,
    period: str,
    wheres: tuple[str, ...],
    boundary: str,
    reason: str,
    by: str,
    ledger: str | None,
    as_json: bool,
) -> None:
    """Freeze a period of a ledger: figures, factors, methodology and version, under one name.

    What is frozen is never overwritten: a baseline of the same name needs a reason, and follows the one
    before it in a chain of digests.
    """
    from wattmark.ledger.portfoliofile import chain, check_name, keep, names
    from wattmark.reports.as_json import document
    from wattmark.reports.portfolio_json import frozen_json
    from wattmark.reports.portfolio_text import baseline_text
    from wattmark.wiring.ledger import engine_named
    from wattmark.wiring.portfolio import asked_of, freeze
    from wattmark.wiring.portfolio_books import Books, span_named

    check_name(name)
    span = span_named(period)
    reading = read(ledger, False, None)
    store = reading.ledger.store
    before = chain(store, name)[-1] if name in names(store) else None
    if before is not None and not reason.strip():
        raise UsageError(
            f"{name!r} was frozen {before.frozen_at} (revision {before.revision}): say with --reason why it "
            "is replaced; both are kept"
        )
    asked = asked_of(reading.ledger, where_of(wheres), boundary)
    with told_wait("adding up"), engine_named("duckdb") as engine:
        made = freeze(
            Books(reading.ledger, reading.snapshot, engine),
            span,
            asked,
            name,
            at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            version=__version__,
            by=by.strip(),
            reason=reason.strip(),
            replaces=before,
        )
    if made.line("energy").value is None:
        raise UsageError(
            f"nothing was counted in {period}: `wattmark ledger totals --period month` shows when"
        )
    file = keep(store, made)
    if as_json:
        click.echo(document("portfolio-baselines", 1, {"baselines": [frozen_json(made)]}))
    else:
        click.echo(f"frozen in {reading.ledger.url}/{file}\n\n{baseline_text(made)}")


@click.command(name="list")
@ledger_option
@json_option
def list_(ledger: str | None, as_json: bool) -> None:
    """List the frozen baselines of a ledger, with the revisions that they replaced."""
    from wattmark.ledger.portfoliofile import chain, names
    from wattmark.reports.as_json import document
    from wattmark.reports.portfolio_json import frozen_json
    from wattmark.reports.portfolio_text import baselines_text

    store = chosen_ledger(ledger).store
    kept = [chain(store, name) for name in names(store)]
    if as_json:
        told = [frozen_json(one) for revisions in kept for one in revisions]
        click.echo(document("portfolio-baselines", 1, {"baselines": told}))
    elif kept:
        click.echo(baselines_text(kept))
    else:
        click.echo("none: `wattmark baseline freeze --name fy2025 --period 2025` makes one")


def show_frozen(name: str | None, ledger: str | None, as_json: bool) -> None:
    """Show one frozen baseline of a ledger, or all of them."""
    from wattmark.ledger.portfoliofile import names, newest
    from wattmark.reports.as_json import document
    from wattmark.reports.portfolio_json import frozen_json
    from wattmark.reports.portfolio_text import baseline_text

    store = chosen_ledger(ledger).store
    kept = [newest(store, one) for one in ([name] if name else names(store))]
    if as_json:
        click.echo(document("portfolio-baselines", 1, {"baselines": [frozen_json(one) for one in kept]}))
        return
    click.echo("\n\n".join(baseline_text(one) for one in kept) or "none")


@click.command()
@name_argument
@ledger_option
@json_option
def verify(name: str, ledger: str | None, as_json: bool) -> int:
    """Work a frozen baseline out again, from the ledger's version of then; exit code 1 where it differs.

    Also checks the digest of every revision, and that each names the one before it.
    """
    from wattmark.core.frozen import differences
    from wattmark.ledger.portfoliofile import chain
    from wattmark.reports.as_json import document
    from wattmark.reports.portfolio_json import difference_json
    from wattmark.reports.portfolio_text import verify_text
    from wattmark.wiring.ledger import engine_named, read_ledger
    from wattmark.wiring.portfolio import inventory, tables_of
    from wattmark.wiring.portfolio_books import Books, Span

    opened = chosen_ledger(ledger)
    frozen = chain(opened.store, name)[-1]
    with told_wait("working it out again"), engine_named("duckdb") as engine:
        snapshot = read_ledger(opened, now_us(), note, as_of=frozen.ledger_version)
        span = Span(name=frozen.period, first=frozen.first, after=frozen.after)
        again = inventory(Books(opened, snapshot, engine), span, frozen.asked)
    found = differences(frozen, again, tables_of(opened))
    if as_json:
        told = {
            "baseline": frozen.name,
            "revision": frozen.revision,
            "digest": frozen.digest,
            "same": not found,
            "differences": [difference_json(d) for d in found],
        }
        click.echo(document("portfolio-baseline-verify", 1, told))
    else:
        click.echo(verify_text(frozen, found))
    return DIFFERS if found else 0


@click.command()
@name_argument
@click.option("--threshold", type=click.FloatRange(0, 1), help="A share; else that of [portfolio], or 0.05.")
@ledger_option
@json_option
def check(name: str, threshold: float | None, ledger: str | None, as_json: bool) -> int:
    """Say how far a baseline's own period has moved since: late evidence, restatements, new factors.

    Exit code 1 where a figure has moved by more than the threshold: the baseline must be made anew.
    """
    from wattmark.ledger.portfoliofile import chain
    from wattmark.reports.as_json import document
    from wattmark.reports.portfolio_json import drift_json
    from wattmark.reports.portfolio_text import drifts_text

    reading = read(ledger, False, None)
    frozen = chain(reading.ledger.store, name)[-1]
    found = moved(reading, frozen, threshold)
    if as_json:
        told = {
            "baseline": frozen.name,
            "revision": frozen.revision,
            "significant": any(d.significant for d in found),
            "lines": [drift_json(d) for d in found],
        }
        click.echo(document("portfolio-baseline-check", 1, told))
    else:
        click.echo(drifts_text(frozen, found))
    return DIFFERS if any(d.significant for d in found) else 0


def moved(reading: Any, frozen: Frozen, threshold: float | None = None) -> list[Any]:
    """How far the period of a baseline has moved, by factors and by evidence."""
    from wattmark.core.frozen import drifts
    from wattmark.wiring.ledger import engine_named, read_ledger
    from wattmark.wiring.portfolio import inventory
    from wattmark.wiring.portfolio_books import Books, Span

    opened = reading.ledger
    span = Span(name=frozen.period, first=frozen.first, after=frozen.after)
    with told_wait("working it out again"), engine_named("duckdb") as engine:
        now = then = inventory(Books(opened, reading.snapshot, engine), span, frozen.asked)
        if reading.snapshot.version != frozen.ledger_version:
            older = read_ledger(opened, now_us(), note, as_of=frozen.ledger_version, fold=False)
            then = inventory(Books(opened, older, engine), span, frozen.asked)
    limit = opened.settings.portfolio.threshold if threshold is None else threshold
    return drifts(frozen, then, now, limit)
