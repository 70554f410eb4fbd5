"""Options of benchmarks of a model behind a server, for ``run`` and ``sweep``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.completing import one_of
from wattmark.cli.tags import pairs
from wattmark.core.errors import UsageError

if TYPE_CHECKING:
    from wattmark.wiring.bench_endpoint import Server

APIS = ("auto", "completions", "chat")
ONLY_OF_SERVERS = (
    "served_model", "api", "api_key_env", "timeout", "power", "power_options", "clock_error", "hardware",
    "no_stream",
)  # fmt: skip


def endpoint_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What can be said of a server; ``--endpoint`` itself is with the other models."""
    for option in reversed(
        (
            click.option("--served-model", metavar="NAME", help="Which of the models that the server has."),
            click.option(
                "--api", type=click.Choice(APIS), default="auto", help="How texts are asked for [auto]."
            ),
            click.option(
                "--api-key-env", metavar="NAME", help="Variable that holds the server's key [OPENAI_API_KEY]."
            ),
            click.option(
                "--timeout", type=click.FloatRange(0.1), default=120.0, help="Seconds for an answer [120]."
            ),
            click.option("--no-stream", is_flag=True, help="Take answers whole: no time of the first token."),
            click.option(
                "--power",
                multiple=True,
                metavar="SERIES",
                help="Power of a server elsewhere: an agent's or a Prometheus's address, samples, run files.",
            ),
            click.option(
                "--power-option",
                "power_options",
                multiple=True,
                metavar="KEY=VALUE",
                help="A setting of --power, as in `attribute`.",
            ),
            click.option(
                "--clock-error",
                type=click.FloatRange(0),
                metavar="SECONDS",
                help="How far the clock of --power may be off.",
            ),
            click.option(
                "--hardware",
                default="",
                metavar="TEXT",
                shell_complete=one_of(lambda: ["1 x NVIDIA H100 80GB HBM3"]),
                help="Hardware of a server elsewhere, e.g. '8 x NVIDIA H100 80GB HBM3'.",
            ),
        )
    ):
        function = option(function)
    return function


def server_from(endpoint: str | None, options: dict[str, Any]) -> Server | None:
    """The server that these options name; None without ``--endpoint``. Raises UsageError, RefusedError."""
    if endpoint is None:
        for name in ONLY_OF_SERVERS:
            if options[name] not in (None, "", (), False, "auto", 120.0):
                shown = {"power_options": "power-option"}.get(name, name.replace("_", "-"))
                raise UsageError(f"--{shown} is for a model behind a server: give --endpoint")
        return None
    from wattmark.agent.client import AgentClient
    from wattmark.bench.endpoint.opening import EndpointAsked
    from wattmark.wiring.bench_endpoint import Server, ServerAsked

    return Server(
        ServerAsked(
            endpoint=EndpointAsked(
                url=endpoint,
                model=options["served_model"],
                api=options["api"],
                key_variable=options["api_key_env"],
                timeout_seconds=options["timeout"],
                streamed=not options["no_stream"],
            ),
            power=options["power"],
            power_options=pairs(options["power_options"], "--power-option"),
            clock_error=options["clock_error"],
            hardware=options["hardware"],
        ),
        AgentClient,
    )
