"""``wattmark agent``: one process per node that measures, attributes, keeps and shows."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from wattmark.cli.notify import to_option


@click.command()
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="[KIND=]URL",
    help="A serving engine that is looked at, e.g. vllm=http://127.0.0.1:8000; may be given again.",
)
@click.option(
    "--listen", metavar="HOST:PORT", help="Where /metrics and the rest are served [127.0.0.1:9465]."
)
@click.option("--socket", metavar="PATH", help="Unix datagram socket for request lines; none: no socket.")
@click.option(
    "--requests", "logs", multiple=True, type=click.Path(path_type=Path), help="A request log to follow."
)
@click.option("--ledger", help="Ledger that the windows go to: a folder, or s3://, gs://, az://.")
@click.option("--state", type=click.Path(path_type=Path), help="Folder of the journal and the spool.")
@click.option("--meter", "meters", multiple=True, help="Use only this meter; may be given again.")
@click.option("--period", type=click.FloatRange(0.1, 60), help="Seconds between readings [1].")
@click.option(
    "--rule",
    type=click.Choice(["request_tokens", "request_equal", "request_weight"]),
    help="How a moment is divided among requests [request_tokens].",
)
@to_option
@click.option("--for", "seconds", type=click.FloatRange(0, min_open=True), help="End after so many seconds.")
def command(engines: tuple[str, ...], to: tuple[str, ...], **options: Any) -> None:
    """Measure this node and say what its models cost: per model, tenant, request and token.

    Reads the meters once a second, looks at the engines, takes request lines from a socket, by POST and from
    logs, and serves /metrics, /v1/live and /healthz. Settings: [agent] and [[engine]] in wattmark.toml.
    SIGTERM or Ctrl+C ends it in order; an agent that is killed goes on where it was.
    """
    from wattmark.agent.assembling import assemble, planned
    from wattmark.stated.engines import engine_named
    from wattmark.wiring.configuration import ledger_named, load_config
    from wattmark.wiring.meters import survey

    config = load_config(Path.cwd(), os.environ)
    told = {
        "listen": options["listen"],
        "socket": options["socket"],
        "state": str(options["state"]) if options["state"] else None,
        "rule": options["rule"],
        "requests": tuple(str(log.absolute()) for log in options["logs"]) or None,
    }
    agent_config = config.agent._replace(**{key: value for key, value in told.items() if value is not None})
    measure = config.measure
    if options["meters"]:
        measure = measure._replace(meters=options["meters"])
    if options["period"] is not None:
        measure = measure._replace(period_seconds=options["period"])
    config = replace(config, agent=agent_config, measure=measure)
    ledger = ledger_named(options["ledger"], config, os.environ, Path.cwd())
    plan = planned(config, os.environ, ledger, [engine_named(text) for text in engines], to)
    agent, address = assemble(plan, survey(config, thorough=False), os.environ, note)
    goes = f" for {ledger}" if ledger else "; no ledger is named, so windows are shown and not kept"
    note(f"listening on {address}/metrics{goes}; state in {plan.state}")
    if plan.socket is not None:
        note(f"request lines are taken at {plan.socket}")
    if agent.looks is not None:
        agent.looks.say = note
    agent.run(options["seconds"])


def note(text: str) -> None:
    """Tell the operator."""
    click.echo(f"wattmark: {text}", err=True)
