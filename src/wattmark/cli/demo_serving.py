"""``wattmark demo --serving``: a real engine, the agent, a load, and a live table."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.output import only_ascii

if TYPE_CHECKING:
    from wattmark.attribution.attribute import Attributed
    from wattmark.demo.serving import Started
    from wattmark.reports.live_read import LiveDocument
    from wattmark.reports.live_view import Courses

LOOK_SECONDS = 2.0
MINUTE = 60.0
LANDING_SECONDS = 60.0


def show_serving(
    folder: Path, seconds: float, country: str | None, intensity: float | None, as_json: bool
) -> None:
    """Run it for so long, and say at the end what came of it."""
    from wattmark.demo.serving import LATENESS, started

    place = f'country = "{country}"' if country else "world_average = true"
    if intensity is not None:
        place = f"intensity_g_per_kwh = {intensity!r}"

    def say(text: str) -> None:
        click.echo(text, err=True)

    with started(folder.resolve(), place, say) as running:
        # The first minute that is told of is the first whole one; it is told when nobody can be late for it.
        until = time.monotonic() + max(seconds, MINUTE - time.time() % MINUTE + MINUTE + 2 * LATENESS)
        say(f"measuring for {until - time.monotonic():.0f} s; Ctrl-C ends it in order")
        live, courses = _look_on(running, until, as_json)
        _await_landing(running)
    told = _divided(running)
    if as_json:
        click.echo(_json(told, running))
    else:
        click.echo(_text(live, courses, told, running))


def _look_on(running: Started, until: float, quiet: bool) -> tuple[LiveDocument | None, Courses]:
    """Watch until the time is over or somebody ends it; the last document."""
    from wattmark.agent.client import AgentClient
    from wattmark.reports.live_view import Courses

    client, courses = AgentClient(running.agent_url), Courses()
    live: LiveDocument | None = None
    screen: Any = None
    if not quiet and sys.stdout.isatty():
        from rich.live import Live as Screen

        screen = Screen(screen=True, auto_refresh=False)
        screen.start()
    try:
        while time.monotonic() < until:
            running.check()
            live = client.live()
            courses.add(live)
            if screen is not None:
                from wattmark.cli.watch import drawn

                screen.update(drawn(live, courses), refresh=True)
            time.sleep(min(LOOK_SECONDS, max(0.0, until - time.monotonic())))
    except KeyboardInterrupt:
        click.echo("ending", err=True)
    finally:
        if screen is not None:
            screen.stop()
        client.close()
    return live, courses


def _await_landing(running: Started) -> None:
    """Wait until what was shown is in the ledger too. Raises UsageError when that takes too long."""
    from wattmark.agent.client import AgentClient
    from wattmark.core.errors import UsageError

    client = AgentClient(running.agent_url)
    until = time.monotonic() + LANDING_SECONDS
    while time.monotonic() < until:
        live = client.live()
        landed = live.agent.last_landed if live.agent is not None else None
        if landed is not None and landed >= live.end:
            client.close()
            return
        time.sleep(0.5)
    raise UsageError(
        f"the agent's windows were not in {running.ledger} after {LANDING_SECONDS:.0f} s: "
        f"{running.folder / 'agent.log'} says why"
    )


def _divided(running: Started) -> Attributed:
    from wattmark.demo.serving import divided

    return divided(running)


def _text(live: LiveDocument | None, courses: Courses, told: Attributed, running: Started) -> str:
    from wattmark.reports.as_text import table
    from wattmark.reports.live_view import live_text
    from wattmark.reports.quantities import count, quantity

    window = told.total.window
    rows = []
    for device, check in zip(window.devices, told.total.conservation, strict=True):
        charged = [share for share in window.shares if share.device_id == device.device_id]
        rows.append(
            (
                device.device_id,
                quantity(sum(share.requests_joules for share in charged), "J"),
                quantity(device.idle_joules, "J"),
                quantity(device.energy_joules, "J"),
                f"{check.error:.1e}",
            )
        )
    sent = running.load.sent
    asked = ", ".join(f"{name} {s.answered} answered, {s.hung_up} hung up" for name, s in sent.items())
    lines = [
        live_text(live, courses, ascii_only=only_ascii()) if live is not None else "",
        "",
        f"{count(len(told.requests))} requests of {running.requests.name}, each with its joules, by "
        "`wattmark attribute` over the ledger's power:",
        table(("device", "sum over requests", "idle", "device", "relative difference"), rows),
        "",
        f"asked            {asked}",
        f"kept             {running.folder}",
        # In that folder: its wattmark.toml says where, without which there is no carbon.
        f"next             cd {quote(str(running.folder))}",
        "                 wattmark attribute --requests requests.jsonl --power ledger:ledger",
        "                 wattmark ledger totals --ledger ledger --by model,label.tenant",
    ]
    return "\n".join(lines)


def _json(told: Attributed, running: Started) -> str:
    from wattmark.reports.as_json import document

    window = told.total.window
    devices = [
        {
            "device_id": check.device_id,
            "energy_joules": check.energy_joules,
            "requests_joules": sum(
                share.requests_joules for share in window.shares if share.device_id == check.device_id
            ),
            "parts_joules": check.parts_joules,
            "relative_difference": check.error,
        }
        for check in told.total.conservation
    ]
    models = [
        {
            "model": figures.service.model,
            "tenant": figures.service.tenant,
            "requests": figures.requests,
            "failed": figures.failed,
            "output_tokens": figures.output_tokens,
        }
        for figures in told.figures(("model", "tenant"))
    ]
    body = {
        "requests": len(told.requests),
        "devices": devices,
        "services": models,
        "folder": str(running.folder),
    }
    return document("demo-serving", 1, body)
