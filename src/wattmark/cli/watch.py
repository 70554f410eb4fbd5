"""``wattmark watch``: what an agent shows, live in the terminal."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from wattmark.cli.options import json_option
from wattmark.cli.output import only_ascii

if TYPE_CHECKING:
    from rich.console import Group

    from wattmark.agent.client import AgentClient
    from wattmark.reports.live_read import LiveDocument
    from wattmark.reports.live_view import Courses


@click.command()
@click.argument("url", required=False, metavar="[URL]")
@click.option(
    "--seconds", type=click.FloatRange(min=1), help="Over so many of the last seconds [the agent's window]."
)
@click.option(
    "--every",
    default=5.0,
    show_default=True,
    type=click.FloatRange(min=0.5),
    help="Seconds between two looks.",
)
@click.option("--once", is_flag=True, help="Look once, print and end; so it is where no terminal reads.")
@json_option
def command(url: str | None, seconds: float | None, every: float, once: bool, as_json: bool) -> None:
    """Joules per request and per token of each model on a node, as its agent sees them now.

    URL is the agent's address [WATTMARK_AGENT, else http://127.0.0.1:9465]. Ctrl-C ends it.
    """
    from wattmark.agent.client import AgentClient, agent_url

    client = AgentClient(agent_url(url))
    try:
        if as_json:
            click.echo(client.live_json(seconds).decode().rstrip("\n"))
        elif once or not sys.stdout.isatty():
            _print_once(client, seconds)
        else:
            _watch(client, seconds, every)
    finally:
        client.close()


def _print_once(client: AgentClient, seconds: float | None) -> None:
    from wattmark.reports.live_view import Courses, live_text

    live = client.live(seconds)
    click.echo(live_text(live, Courses(), age_seconds=_age(live), ascii_only=only_ascii()))


def _watch(client: AgentClient, seconds: float | None, every: float) -> None:
    """Redraw until it is interrupted; an agent that goes away is waited for, with the reason on top."""
    from wattmark.core.errors import EvidenceError, MissingExtra
    from wattmark.reports.live_view import Courses

    try:
        from rich.live import Live as Screen
        from rich.text import Text
    except ImportError:
        raise MissingExtra("a display that refreshes (wattmark watch --once does without)", "watch") from None
    courses = Courses()
    live = client.live(seconds)
    with Screen(screen=True, auto_refresh=False) as screen:
        trouble = ""
        while True:
            courses.add(live)
            shown = drawn(live, courses)
            if trouble:
                shown.renderables.insert(0, Text(trouble, style="bold red"))
            screen.update(shown, refresh=True)
            time.sleep(every)
            try:
                live, trouble = client.live(seconds), ""
            except EvidenceError as error:
                trouble = str(error)


def drawn(live: LiveDocument, courses: Courses) -> Group:
    """The tables as rich shows them."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from wattmark.reports.live_view import footer, headline, sections

    parts: list[Table | Text] = [Text(headline(live, _age(live)), style="bold"), Text()]
    for section in sections(live, courses, ascii_only=only_ascii()):
        made = Table(title=section.title, title_justify="left", header_style="bold", box=None, pad_edge=False)
        for header in section.headers:
            made.add_column(header)
        for row in section.rows:
            made.add_row(*(Text(cell, style="red" if cell.startswith("down") else "") for cell in row))
        parts += [made, Text()]
    parts += [Text(line, style="dim") for line in footer(live)]
    return Group(*parts)


def _age(live: LiveDocument) -> float:
    """Seconds since the last window ended."""
    return time.time() - datetime.fromisoformat(live.end).astimezone(UTC).timestamp()
