"""``wattmark waiver approve ID`` and ``revoke ID``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.completing import one_of
from wattmark.cli.waiver_options import (
    ids,
    now_option,
    office_for,
    policy_option,
    say_who,
    voice_of,
    voice_options,
)

if TYPE_CHECKING:
    from wattmark.wiring.waiver_deeds import Office


@click.command()
@click.argument("waiver", shell_complete=one_of(ids))
@voice_options
@policy_option
@now_option
def approve(waiver: str, policy: Path | None, now: str | None, **options: Any) -> None:
    """Approve WAIVER as it is now: an edit afterwards voids it. Nobody approves what they asked for.

    What is approved is shown on stderr first, letter by letter as it is signed.
    """
    from wattmark.core.governance.waivers import content, digest
    from wattmark.wiring.waiver_deeds import approve as approve_

    office = office_for(policy, now)
    asked = office.waiver(waiver)
    click.echo(f"what is approved:\n{content(asked)}", err=True)
    voice = voice_of(office.policy.identity, options, digest(asked))
    _, who = approve_(office, waiver, voice)
    click.echo(f"approved waiver {waiver} in {office.file}")
    say_who(who)
    _say_state(office, waiver)


@click.command()
@click.argument("waiver", shell_complete=one_of(ids))
@click.option("--reason", required=True, help="Why.")
@voice_options
@policy_option
@now_option
def revoke(waiver: str, reason: str, policy: Path | None, now: str | None, **options: Any) -> None:
    """End WAIVER before its time. A name alone is enough for that: it only takes an exception away."""
    from wattmark.core.governance.waivers import digest
    from wattmark.wiring.waiver_deeds import revoke as revoke_

    office = office_for(policy, now)
    voice = voice_of(office.policy.identity, options, digest(office.waiver(waiver)))
    _, who = revoke_(office, waiver, reason, voice)
    click.echo(f"revoked waiver {waiver} in {office.file}")
    say_who(who)
    _say_state(office, waiver)


def _say_state(office: Office, name: str) -> None:
    from wattmark.ledger.waiverfile import read_waivers
    from wattmark.reports.waivers import waivers_text

    after = replace(office, found=read_waivers(office.file))
    click.echo()
    click.echo(waivers_text([one for one in after.judged() if one.waiver.id == name]))
