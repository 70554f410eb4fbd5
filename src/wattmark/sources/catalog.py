"""Every source by name: what it reads, and which extra it needs. Nothing is imported until it is asked for.

Other packages add theirs by an entry point ``wattmark.sources`` of the form ``name = "package.module"``.
The module of a source has two names:

``OPTIONS``
    ``Mapping[str, str]``: the settings that ``wattmark import NAME -o key=value`` takes, with their help; a
    key ``tag.*`` stands for tag.team, tag.stage, ...
``open_source(inputs, asked)``
    gives a :class:`wattmark.ports.Source`; raises a WattmarkError for what it cannot read at all.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, cast

from wattmark.core.errors import MissingExtra, UsageError
from wattmark.core.run import Place, Subject
from wattmark.ports import Source

GROUP = "wattmark.sources"


class SourceRow(NamedTuple):
    """One line of the catalog."""

    module: str
    extra: str
    what: str


SOURCES: Mapping[str, SourceRow] = {
    # name -> module, extra, what it reads
    "boamps": SourceRow("wattmark.sources.boamps", "", "BoAmps reports of Boavizta"),
    "carbontracker": SourceRow("wattmark.sources.carbontracker", "", "carbontracker's logs"),
    "dcgm": SourceRow("wattmark.sources.dcgm_csv", "", "dcgmi dmon, and CSV with DCGM's fields"),
    "ecologits": SourceRow("wattmark.sources.ecologits", "", "answers of model APIs with EcoLogits' impacts"),
    "mlperf": SourceRow("wattmark.sources.mlperf", "", "spl.txt of MLPerf power runs, and LoadGen's log"),
    "optimum-benchmark": SourceRow("wattmark.sources.optimum_benchmark", "", "reports of optimum-benchmark"),
    "ai-energy-benchmarks": SourceRow(
        "wattmark.sources.ai_energy_benchmarks", "", "results of ai_energy_benchmarks (AI Energy Score 2)"
    ),
    "mlenergy": SourceRow("wattmark.sources.mlenergy", "", "figures of the ML.ENERGY Leaderboard, v2 and v3"),
    "zeus": SourceRow("wattmark.sources.zeus", "", "ZeusMonitor's log, PowerMonitor's CSV"),
    "codecarbon": SourceRow("wattmark.sources.codecarbon", "", "CodeCarbon's emissions.csv"),
    "generic": SourceRow("wattmark.sources.generic", "", "any CSV or Parquet, by a declared mapping"),
    "otlp": SourceRow(
        "wattmark.sources.otlp", "", "OpenTelemetry metrics in files: OTLP JSON lines, protobuf"
    ),
    "mlflow": SourceRow("wattmark.sources.mlflow", "", "runs of an MLflow server: power, quality, attempts"),
    "nvidia-smi": SourceRow("wattmark.sources.nvidia_smi", "", "CSV of nvidia-smi --query-gpu"),
    "exposition": SourceRow(
        "wattmark.sources.exposition", "", "what exporters print: Prometheus text format, OpenMetrics"
    ),
    "prometheus": SourceRow(
        "wattmark.sources.prometheus", "", "a running Prometheus, or what speaks its HTTP API"
    ),
    "aws-carbon": SourceRow("wattmark.sources.aws_carbon", "", "AWS Data Exports of CARBON_EMISSIONS"),
    "aws-sustainability": SourceRow(
        "wattmark.sources.aws_sustainability", "aws", "AWS's Sustainability API: carbon and water"
    ),
    "google-carbon": SourceRow(
        "wattmark.sources.google_carbon", "", "Google Cloud's Carbon Footprint: BigQuery, or files of it"
    ),
    "azure-carbon": SourceRow(
        "wattmark.sources.azure_carbon", "", "Azure's Carbon Optimization API, files of Emissions Impact"
    ),
    "aws-cost-explorer": SourceRow(
        "wattmark.sources.aws_cost_explorer", "", "AWS Cost Explorer: instance-hours by type, cost by service"
    ),
    "aws-cur": SourceRow(
        "wattmark.sources.aws_cur", "", "AWS Cost and Usage Reports: instance-hours and cost"
    ),
    "focus": SourceRow("wattmark.sources.focus", "", "FOCUS cost and usage data of any provider"),
    "google-billing": SourceRow(
        "wattmark.sources.google_billing",
        "",
        "Google Cloud's detailed billing export: instance-hours and cost",
    ),
    "azure-cost": SourceRow(
        "wattmark.sources.azure_cost", "", "Azure's cost details: instance-hours and cost"
    ),
    "cloudwatch": SourceRow("wattmark.sources.cloudwatch", "aws", "GPU power in Amazon CloudWatch"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What whoever imports says beside the input itself."""

    subject: Subject = field(default_factory=Subject)
    """Tags that the input does not state; what it states itself goes before."""
    place: Place = field(default_factory=Place)
    host: str | None = None
    """The machine, where the input does not name it."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """The source's own settings: keys of its OPTIONS."""


Inputs = Sequence[str]
"""Paths or addresses, as they were given."""


class SourceModule(Protocol):
    """What the module of a source holds."""

    OPTIONS: Mapping[str, str]

    def open_source(self, inputs: Inputs, asked: Asked) -> Source:
        """The source on these inputs."""
        ...


def third_party() -> Mapping[str, SourceRow]:
    """Sources that other packages have registered.

    Looks through every installed distribution (10 to 50 ms), so it is called only when a name is
    not one of ours or when a person asks what there is.
    """
    from importlib.metadata import entry_points

    found = sorted(entry_points(group=GROUP), key=lambda e: e.name)
    return {
        e.name: SourceRow(e.value, "", f"from the package {e.dist.name if e.dist else 'of an entry point'}")
        for e in found
    }


def rows() -> Mapping[str, SourceRow]:
    """All sources: ours, then those of other packages, which cannot take one of our names."""
    return {**third_party(), **SOURCES}


def row(name: str) -> SourceRow:
    """The row of a source by its name; UsageError with the known names when there is none."""
    if name in SOURCES:
        return SOURCES[name]
    known = rows()
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"did you mean {close[0]!r}? " if close else ""
    raise UsageError(f"there is no source {name!r}; {meant}known sources: {', '.join(sorted(known))}")


def source_module(name: str) -> SourceModule:
    """The module of a source, imported now. Raises UsageError or MissingExtra."""
    wanted = row(name)
    try:
        module = importlib.import_module(wanted.module)
    except ImportError as error:
        if wanted.extra:
            raise MissingExtra(name, wanted.extra) from error
        raise UsageError(f"source {name!r} cannot be imported from {wanted.module}: {error}") from error
    lacking = [a for a in ("OPTIONS", "open_source") if not hasattr(module, a)]
    if lacking:
        raise UsageError(f"source {name!r}: {wanted.module} has no {' and no '.join(lacking)}")
    return cast("SourceModule", module)


def open_source(name: str, inputs: Inputs, asked: Asked) -> Source:
    """A source on these inputs. Raises UsageError for an unknown name or setting, MissingExtra, and what the
    source itself raises for inputs that it cannot read at all."""
    module = source_module(name)
    for key in asked.settings:
        if key not in module.OPTIONS and f"{key.partition('.')[0]}.*" not in module.OPTIONS:
            known = ", ".join(module.OPTIONS) or "none"
            raise UsageError(f"source {name!r} has no option {key!r}; its options: {known}")
    if not inputs:
        raise UsageError(f"source {name!r} needs an input: a path or an address")
    return module.open_source(inputs, asked)
