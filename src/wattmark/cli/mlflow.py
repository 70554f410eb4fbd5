"""``wattmark mlflow log|tag|promote|check``."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from wattmark.cli.lazy import LazyGroup

if TYPE_CHECKING:
    from wattmark.exporters.mlflow_server import Server

VERBS: dict[str, tuple[str, str]] = {
    "log": ("wattmark.cli.mlflow_log:command", "Put the KPIs of run files beside the accuracy of a run."),
    "tag": ("wattmark.cli.mlflow_registry:tag", "Write what a gate decided as tags of a model's version."),
    "promote": (
        "wattmark.cli.mlflow_registry:promote",
        "Give a version an alias, if its gate lets it through.",
    ),
    "check": ("wattmark.cli.mlflow_registry:check", "Say whether what is served has a gate that holds."),
}


@click.group(cls=LazyGroup, verbs=VERBS)
def group() -> None:
    """Keep energy beside accuracy in MLflow, and gate its model registry."""


def server_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add --mlflow; it arrives as ``mlflow``."""
    return click.option(
        "--mlflow", metavar="URI", help="Tracking server, e.g. http://127.0.0.1:5000 [MLFLOW_TRACKING_URI]."
    )(function)


def server_at(uri: str | None) -> Server:
    """The server that is meant. Raises UsageError for none, MissingExtra."""
    from wattmark.exporters.mlflow_server import URI, open_server

    # Of this process alone, and only where nobody has said how patient MLflow's own client should be.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    return open_server(uri or os.environ.get(URI, ""), os.environ)
