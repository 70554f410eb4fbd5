"""Every live exporter by name. Nothing is imported until it is asked for.

Other packages add theirs by an entry point ``wattmark.exporters`` of the form ``name = "package.module"``;
the module has ``open_export(target, period_seconds)``, which gives a :class:`wattmark.ports.LiveExport`
and raises a WattmarkError for a target that cannot be meant.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import NamedTuple

from wattmark.core.errors import MissingExtra, UsageError
from wattmark.ports import LiveExport

GROUP = "wattmark.exporters"


class ExporterRow(NamedTuple):
    """One line of the catalog."""

    module: str
    extra: str
    what: str


EXPORTERS: Mapping[str, ExporterRow] = {
    "prometheus": ExporterRow(
        "wattmark.exporters.scrape", "prometheus", "a scrape endpoint: prometheus:9464, prometheus:HOST:PORT"
    ),
    "textfile": ExporterRow(
        "wattmark.exporters.textfile", "prometheus", "node_exporter's textfile collector: textfile:FOLDER"
    ),
    "pushgateway": ExporterRow(
        "wattmark.exporters.pushgateway", "prometheus", "a Pushgateway: pushgateway:http://HOST:9091"
    ),
    "otlp": ExporterRow("wattmark.exporters.otlp", "otlp", "OpenTelemetry over HTTP: otlp:http://HOST:4318"),
    "mlflow": ExporterRow(
        "wattmark.exporters.mlflow", "mlflow", "MLflow: mlflow:http://HOST:5000, or mlflow:env"
    ),
    "wandb": ExporterRow(
        "wattmark.exporters.wandb", "wandb", "Weights & Biases: wandb:PROJECT, wandb:ENTITY/PROJECT"
    ),
    "comet": ExporterRow("wattmark.exporters.comet", "comet", "Comet: comet:PROJECT, or WORKSPACE/PROJECT"),
    "tensorboard": ExporterRow(
        "wattmark.exporters.tensorboard", "tensorboard", "TensorBoard's event files: tensorboard:FOLDER"
    ),
}


def open_export(spec: str, period_seconds: float) -> LiveExport:
    """The exporter that ``name:target`` asks for. Raises UsageError and MissingExtra."""
    name, sign, target = spec.partition(":")
    if not sign or not target:
        raise UsageError(f"{spec!r} is no export: write NAME:TARGET, e.g. prometheus:9464")
    try:
        module = importlib.import_module(_module(name))
    except ModuleNotFoundError:
        raise MissingExtra(f"export {name}", EXPORTERS[name].extra if name in EXPORTERS else name) from None
    export: LiveExport = module.open_export(target, period_seconds)
    return export


def _module(name: str) -> str:
    if name in EXPORTERS:
        return EXPORTERS[name].module
    others = {e.name: e.value for e in entry_points(group=GROUP)}
    if name in others:
        return others[name]
    known = [*EXPORTERS, *sorted(others)]
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    raise UsageError(f"there is no exporter {name!r}; {meant}known: {', '.join(known)}")
