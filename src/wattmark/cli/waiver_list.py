"""``wattmark waiver list``, ``show`` and ``check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from wattmark.cli.completing import one_of
from wattmark.cli.options import json_option
from wattmark.cli.waiver_options import ids, now_option, office_for, policy_option

if TYPE_CHECKING:
    from wattmark.wiring.waiver_deeds import Office

STATES = ("pending", "active", "expiring", "expired", "stale", "permanent", "revoked")


@click.command(name="list")
@click.option("--state", multiple=True, type=click.Choice(STATES), help="Only waivers in this state.")
@policy_option
@now_option
@json_option
def list_(state: tuple[str, ...], policy: Path | None, now: str | None, as_json: bool) -> None:
    """List waivers with their states, days left, and who is behind them, each with how that is known."""
    from wattmark.reports.as_json import document
    from wattmark.reports.waivers import waivers_body, waivers_text

    office = office_for(policy, now)
    found = [one for one in office.judged() if not state or one.state.value in state]
    if as_json:
        click.echo(document("waivers", 1, {"day": office.today.isoformat(), **waivers_body(found)}))
        return
    click.echo(waivers_text(found))


@click.command()
@click.argument("waiver", shell_complete=one_of(ids))
@policy_option
@now_option
def show(waiver: str, policy: Path | None, now: str | None) -> None:
    """Show all that WAIVER says (its content, which is what is signed), and who is behind it."""
    from wattmark.reports.waivers import waiver_text

    office = office_for(policy, now)
    office.waiver(waiver)
    click.echo(waiver_text(next(one for one in office.judged() if one.waiver.id == waiver)))


@click.command(epilog="Exit code: 0 all is in order, 1 something must be done, 2 usage or configuration.")
@click.option(
    "--within", type=click.IntRange(min=0), metavar="DAYS", help="Fail for one that lapses so soon."
)
@policy_option
@now_option
@json_option
def check(within: int | None, policy: Path | None, now: str | None, as_json: bool) -> int:
    """Fail when a waiver expired, waits, or is stale. What was revoked or followed is done with.

    Where there is an audit log, it fails too when a request, approval or revocation that was logged is gone
    from the file, or a waiver says something else than was asked for.
    """
    from wattmark.reports.as_json import document
    from wattmark.reports.waivers import waivers_body, waivers_text
    from wattmark.wiring.waiver_deeds import open_matters

    office = office_for(policy, now)
    found = open_matters(office.judged(), within)
    lost = _lost(office)
    code = 1 if found or lost else 0
    if as_json:
        body = {"day": office.today.isoformat(), "exit_code": code, **waivers_body(found), "gone": list(lost)}
        click.echo(document("waivers-check", 1, body))
        return code
    count = len(office.found.waivers)
    fine = "no waivers" if not count else f"{count} waiver{'s' if count > 1 else ''}, all in order"
    if found or not lost:
        click.echo(waivers_text(found) if found else fine)
    for why in lost:
        click.echo(why)
    return code


def _lost(office: Office) -> tuple[str, ...]:
    """What the log has and the file no longer; also that a log which must be there cannot be read."""
    from wattmark.core.errors import EvidenceError, LedgerError, MissingExtra, UsageError
    from wattmark.wiring.waiver_foresight import gone

    try:
        return gone(office)
    except (LedgerError, EvidenceError, MissingExtra, UsageError) as error:
        said = f"the audit log was not asked: {error}"
        if office.policy.audit.required:
            return (said,)
        click.echo(said, err=True)
        return ()
