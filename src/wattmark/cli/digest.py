"""``wattmark digest``: what teams used and what was decided, once a week."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.budget import (
    MOMENT,
    html_option,
    md_option,
    now_option,
    place_here,
    policy_option,
    runs_option,
)
from wattmark.cli.ledger_options import ledger_option, note, read, told_wait
from wattmark.cli.notify import dry_run_option, link_of, link_option, to_option
from wattmark.cli.options import config_here, json_option
from wattmark.cli.output import write_to
from wattmark.core.errors import UsageError, WattmarkError
from wattmark.core.governance.digest import KINDS

if TYPE_CHECKING:
    from wattmark.core.governance.agenda import Agenda
    from wattmark.core.governance.digest import Digest
    from wattmark.core.governance.periods import Period
    from wattmark.wiring.lookback import Lookback
    from wattmark.wiring.notifying import Told


@click.command()
@click.option("--team", help="One team, with its models [everybody, with all teams].")
@click.option("--all", "every", is_flag=True, help="One digest for each team that used something.")
@click.option("--period", type=click.Choice(KINDS), default="week", help="Whole periods of this kind [week].")
@click.option("--since", metavar="DAY", help="Every whole period from this day on [the last one].")
@click.option("--send", is_flag=True, help='Tell the [[notify]] that have on = ["digest"] what is due there.')
@to_option
@dry_run_option
@link_option
@policy_option
@now_option
@html_option
@md_option
@runs_option
@place_here
@ledger_option
@json_option
def command(
    team: str | None,
    every: bool,
    period: str,
    since: str | None,
    send: bool,
    to: tuple[str, ...],
    dry_run: bool,
    link: str | None,
    policy: Path | None,
    now: str | None,
    html: str | None,
    md: str | None,
    folder: Path | None,
    ledger: str | None,
    as_json: bool,
    **place: Any,
) -> int:
    """Tell what a team used in a week: energy, carbon, models, change, budgets, decisions, waivers, gaps.

    Alone it prints. With --send or --to it tells what is due there: what was sent last is remembered, so that
    none is skipped and none is sent twice. Exit code 4: somebody was not told.
    """
    from wattmark.wiring.governing import moment

    if team and every:
        raise UsageError("--team and --all: give one of them")
    at, shown = moment(now), link_of(link)
    if folder is not None and ledger is not None:
        raise UsageError("--runs and --ledger: give one of them")
    with _weeks(ledger, folder, place) as weeks:
        asked = _Asked(weeks, at, period, _periods(at, period, since, weeks), since is not None, team, every)
        agenda = _agenda(policy, asked, ledger, folder, place)
        if send or to:
            return _say(_send(asked, agenda, to, shown, dry_run), as_json)
        _print(_made(asked, agenda), shown, html, md, as_json)
    return 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose digests, of when."""

    weeks: Lookback
    at: datetime
    kind: str
    periods: tuple[Period, ...]
    again: bool
    """Those periods are meant whether or not they were sent before."""
    team: str | None
    every: bool

    def digest(self, team: str, period: Period, agenda: Agenda | str) -> Digest:
        """One of them."""
        return self.weeks.digest(team, period, f"{self.at:{MOMENT}}", agenda)

    def teams(self, period: Period) -> Sequence[str]:
        """Whose digests of a period are meant."""
        from wattmark.wiring.lookback import teams_wanted

        return teams_wanted(self.weeks, period, self.team, self.every)


@contextmanager
def _weeks(ledger: str | None, folder: Path | None, place: dict[str, Any]) -> Iterator[Lookback]:
    if folder is not None:
        from wattmark.wiring import Stated
        from wattmark.wiring.digest_runs import run_weeks

        yield run_weeks(folder, config_here(), Stated(**place))
        return
    from wattmark.wiring.configuration import ledger_named
    from wattmark.wiring.ledger import NO_LEDGER, require_tables

    if ledger_named(ledger, config_here(), os.environ, Path.cwd()) is None:
        raise UsageError(f"{NO_LEDGER}; or count the run files of a folder: --runs FOLDER")
    require_tables()
    from wattmark.wiring.digest import weeks_of

    reading = read(ledger, False, None)
    with weeks_of(reading.ledger, reading.snapshot) as weeks:
        yield weeks


def _periods(at: datetime, kind: str, since: str | None, weeks: Lookback) -> tuple[Period, ...]:
    """The last whole period, or all from a day on."""
    from wattmark.core.governance.digest import before, last_whole

    found = [last_whole(kind, at, weeks.zone)]
    if since is None:
        return tuple(found)
    first = datetime.combine(_day(since), datetime.min.time(), weeks.zone)
    while (earlier := before(found[0], weeks.zone)).start is not None and earlier.start >= first:
        found.insert(0, earlier)
    return tuple(one for one in found if one.start is not None and one.start >= first)


def _made(asked: _Asked, agenda: Agenda | str) -> list[Digest]:
    with told_wait("adding up"):
        return [asked.digest(whose, one, agenda) for one in asked.periods for whose in asked.teams(one)]


def _print(digests: Sequence[Digest], link: str, html: str | None, md: str | None, as_json: bool) -> None:
    from wattmark.exporters.sinks.email import as_html
    from wattmark.reports.as_json import document
    from wattmark.reports.messages import message_text
    from wattmark.reports.messages_digest import SCHEMA, VERSION, digest_body, digest_message

    messages = [digest_message(one, link) for one in digests]
    if as_json:
        click.echo(document(SCHEMA, VERSION, {"digests": [digest_body(one) for one in digests]}))
    if html:
        write_to(html, "".join(map(as_html, messages)))
    if md:
        write_to(md, "\n".join(message.markdown for message in messages))
    if not (as_json or html or md):
        said = "\n\n\n".join(map(message_text, messages))
        click.echo(said or "there is no digest: nobody used anything, or no period is over since then")


def _send(asked: _Asked, agenda: Agenda | str, to: tuple[str, ...], link: str, dry_run: bool) -> list[Told]:
    from wattmark.core.governance.digest import last_whole
    from wattmark.reports.messages_digest import digest_message
    from wattmark.wiring.digest_due import Due, all_due, routes_for, send
    from wattmark.wiring.notifying import chosen, routes_of, spool_of, tell, world_of

    config, zone = config_here(), asked.weeks.zone
    spool, world = spool_of(config), world_of()
    routes = routes_for(chosen(routes_of(config), to))
    teams = tuple(asked.teams(last_whole(asked.kind, asked.at, zone)))
    if asked.again:
        items = [Due(route=route, team=one, periods=asked.periods) for route in routes for one in teams]
    else:
        items = list(all_due(routes, teams, asked.kind, asked.at, zone, spool))
    found: list[Told] = []
    for item in items:
        if item.older:
            note(f"{item.route.name}: digests before {item.periods[0].name} were not sent and are left out")
        for one in item.periods:
            message = digest_message(asked.digest(item.team, one, agenda), link)
            if dry_run:
                found += tell([message], [item.route], world, spool, dry_run=True)
            else:
                found += send(item, message, one, world, spool)
    return found


def _say(told: Sequence[Told], as_json: bool) -> int:
    from wattmark.reports.as_json import document
    from wattmark.reports.notified import SCHEMA, VERSION, told_json, told_text
    from wattmark.wiring.notifying import NOT_TOLD, failed

    if as_json:
        click.echo(document(SCHEMA, VERSION, told_json(told)))
    else:
        click.echo(told_text(told) if told else "nothing is due: every digest was sent")
    return NOT_TOLD if failed(told) else 0


def _agenda(
    policy: Path | None, asked: _Asked, ledger: str | None, folder: Path | None, place: dict[str, Any]
) -> Agenda | str:
    """What the board's agenda holds; without a policy the reason why there is none."""
    from wattmark.wiring import Stated
    from wattmark.wiring.agenda import Sitting, agenda_of
    from wattmark.wiring.governing import policy_here

    start = asked.periods[0].start if asked.periods and asked.periods[0].start else asked.at
    try:
        rules = policy_here(policy, Path.cwd())
    except WattmarkError as error:
        if policy is not None:
            raise
        return str(error)
    sitting = Sitting(
        rules=rules,
        config=config_here(),
        now=asked.at,
        since=start.astimezone(UTC).date() - timedelta(days=1),
        here=Path.cwd(),
        environ=os.environ,
        ledger=ledger,
        folder=folder,
        stated=Stated(**place),
        say=note,
    )
    with told_wait("putting it together"):
        return agenda_of(sitting)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"--since {text!r} is no day: write 2026-10-01") from None
