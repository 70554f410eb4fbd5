"""``wattmark regressions``: does a token cost more than it did under the same load?"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.ledger_options import note, read, told_wait
from wattmark.cli.notify import to_option
from wattmark.cli.options import config_here, json_option
from wattmark.cli.output import only_ascii, write_to
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.exporters.sinks.routing import Route
    from wattmark.monitoring.detection.replay import Course, Minutes

NONE_WORSE, WORSE, NOT_ENOUGH = 0, 1, 3
"""Exit codes, as those of a gate."""
UNITS = {"h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}


def _sources(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--live", metavar="URL", help="An agent: what its own search says now."),
        click.option(
            "--prometheus", metavar="URL", help="A Prometheus that scrapes the agents; minute by minute."
        ),
        click.option(
            "--ledger",
            help="The ledger, in quarters of an hour: a folder, or s3://, gs://, az:// "
            "[WATTMARK_LEDGER, or wattmark.toml].",
        ),
    ):
        function = option(function)
    return function


@click.command()
@_sources
@click.option("--model", help="Only this model.")
@click.option("--since", default="28d", show_default=True, help="How far back to look: 36h, 28d, 8w.")
@click.option("--by-tenant", is_flag=True, help="Look at each tenant of a model as well as the model.")
@click.option(
    "--least",
    type=click.FloatRange(min=0.001, max=0.99),
    default=0.05,
    show_default=True,
    help="The smallest rise that counts, relative.",
)
@click.option("--html", type=click.Path(path_type=Path), help="Draw the figures and their expected bands.")
@click.option("--accept", is_flag=True, help="Take what models cost now for normal from here on.")
@click.option(
    "--accepted",
    type=click.Path(path_type=Path),
    default=Path("wattmark-regressions.json"),
    show_default=True,
    help="Where accepted regressions are kept.",
)
@click.option("--notify", is_flag=True, help='Tell the [[notify]] that have on = ["alert"].')
@to_option
@json_option
def command(
    ledger: str | None,
    prometheus: str | None,
    live: str | None,
    model: str | None,
    since: str,
    by_tenant: bool,
    least: float,
    html: Path | None,
    accept: bool,
    accepted: Path,
    notify: bool,
    to: tuple[str, ...],
    as_json: bool,
) -> int:
    """Find models that cost more than they did under the same load, and say what changed.

    Exit code 0: none is worse; 1: at least one is; 3: not enough is known. That somebody could not be told
    (--notify, --to) is said on stderr and changes nothing of it.
    """
    if live and (prometheus or ledger):
        raise UsageError("--live asks an agent; leave --prometheus and --ledger out")
    if prometheus and ledger:
        raise UsageError("give --prometheus or --ledger, not both")
    telling = notify or bool(to)
    if live and telling:
        raise UsageError("--live only looks: tell of what --prometheus or --ledger finds")
    if telling:
        _routes(to)  # who is not known is said before anything is looked for
    if live:
        from wattmark.cli.regressions_live import print_live

        return print_live(live, model, as_json)
    from wattmark.monitoring.detection.replay import read_accepted, replayed
    from wattmark.monitoring.detection.settings import Settings

    end = time.time()
    with _minutes(ledger, prometheus, end - _seconds(since), end, model, by_tenant) as minutes:
        known = read_accepted(accepted)
        with told_wait("looking for regressions"):
            courses = replayed(minutes, Settings(least=least, by_tenant=by_tenant), known)
    if accept:
        _accept(courses, accepted, end)
    if html is not None:
        from wattmark.monitoring.detection.chart import page

        write_to(str(html), page(courses))
    _print(courses, as_json)
    if telling and not accept:
        _tell(courses, to, end)
    return _code(courses) if not accept else NONE_WORSE


@contextmanager
def _minutes(
    ledger: str | None, prometheus: str | None, start: float, end: float, model: str | None, by_tenant: bool
) -> Iterator[Iterator[Minutes]]:
    from wattmark.wiring.serving_past import from_ledger, from_prometheus

    if prometheus:
        from wattmark.sources.prometheus_api import open_api

        yield from_prometheus(open_api(prometheus, os.environ), start, end, model, by_tenant)
        return
    from wattmark.ledger.query import LedgerQuery

    with LedgerQuery(read(ledger, False, None).snapshot) as views:
        yield from_ledger(views, start, model, by_tenant)


def _seconds(text: str) -> float:
    try:
        return float(text[:-1]) * UNITS[text[-1:]]
    except (KeyError, ValueError):
        raise click.BadParameter(
            f"{text!r} is no time such as 36h, 28d or 8w", param_hint="--since"
        ) from None


def _accept(courses: list[Course], path: Path, now: float) -> None:
    from wattmark.monitoring.detection.replay import Accepted, read_accepted, write_accepted

    active = [c for c in courses if c.active is not None and c.active.news]
    keys = [c.state.key for c in active]
    new = [Accepted(model=k.model, target=k.target, tenant=k.tenant, at=now) for k in keys]
    write_accepted(path, [*read_accepted(path), *new])
    for key in keys:
        note(f"{key}: accepted in {path}")
    if not keys:
        note("there is no regression to accept")


def _routes(to: tuple[str, ...]) -> tuple[Route, ...]:
    """Those that are meant. Raises UsageError for none, ConfigError for wrong ones."""
    from wattmark.wiring.notifying import chosen, routes_of

    routes = chosen(routes_of(config_here()), to)
    if not routes:
        raise UsageError("nobody is named: write [[notify]] in wattmark.toml, or give --to SINK:TARGET")
    return routes


def _tell(courses: list[Course], to: tuple[str, ...], now: float) -> None:
    from wattmark.reports.notified import told_text
    from wattmark.wiring.alerting import alerts_of, over_since
    from wattmark.wiring.notifying import spool_of, tell, world_of

    spool = spool_of(config_here())
    messages = (*alerts_of(courses, now), *over_since(spool.alerts(), courses, now))
    told = tell(messages, _routes(to), world_of(), spool)
    if told:
        note(told_text(told))


def _print(courses: list[Course], as_json: bool) -> None:
    from wattmark.monitoring.detection.shown import NAMES, body, changes, sentence
    from wattmark.reports.as_json import document
    from wattmark.reports.as_text import sparkline, table

    if as_json:
        click.echo(document("regressions", 1, body(courses)))
        return
    if not courses:
        click.echo("No inference is known there: no model did anything in this time.")
        return
    rows = [
        (
            str(c.state.key),
            c.state.version,
            NAMES[c.state.metric],
            f"{c.points[-1].value:.3g}" if c.points else "",
            f"{c.state.ratio - 1.0:+.1%}" if c.state.ratio is not None else "",
            c.state.status,
            sparkline([p.value for p in c.points], 24, ascii_only=only_ascii()),
        )
        for c in courses
    ]
    click.echo(table(("model", "release", "figure", "now", "to expected", "status", "course"), rows))
    for course in courses:
        click.echo()
        click.echo(f"{course.state.key}: {course.state.status}" + _reason(course))
        for found in course.findings[-5:]:
            click.echo(f"  {sentence(found)}")
            for line in changes(found):
                click.echo(f"    {line}")


def _reason(course: Course) -> str:
    lost = [f"{count} x {reason}" for reason, count in course.state.lost.items()]
    return "".join(f"; {text}" for text in (course.state.reason, *lost) if text)


def _code(courses: list[Course]) -> int:
    if any(c.active is not None and c.active.news for c in courses):
        return WORSE
    return NONE_WORSE if any(c.state.status in ("good", "improvement") for c in courses) else NOT_ENOUGH
