"""``wattmark.toml``: tags, place, outputs and declared facts. Limits live in the policy file only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, NamedTuple, get_args, get_type_hints

from wattmark.core.errors import ConfigError
from wattmark.core.whole_numbers import huge_number

FILE_NAME = "wattmark.toml"


class Tags(NamedTuple):
    """Who and what: written into every run as its subject."""

    organisation: str | None = None
    team: str | None = None
    project: str | None = None
    model: str | None = None
    model_version: str | None = None
    stage: str | None = None
    task: str | None = None
    workload_class: str | None = None
    environment: str | None = None
    region: str | None = None
    zone: str | None = None
    cost_centre: str | None = None


class PlaceConfig(NamedTuple):
    """Where it runs."""

    country: str | None = None
    """ISO 3166 alpha-3 code of the grid, e.g. ``FRA``."""
    region: str | None = None
    """Cloud region, e.g. ``eu-west-1``: country, grid and the provider's PUE where those are not said."""
    site: str | None = None
    """``office`` declares a PUE of 1.0: no cooling plant behind the socket."""
    pue: float | None = None
    pue_relative_error: float = 0.0
    intensity_g_per_kwh: float | None = None
    intensity_source: str = "declared"
    intensity_basis: str = "lifecycle"
    """Of the figure above, and without one of the tables' figures: ``lifecycle`` or ``direct``."""
    intensity_relative_error: float = 0.0
    world_average: bool = False
    live: str | None = None
    """Provider of hourly intensity (``electricity-maps``, ..., or a declaration NAME.toml), asked when carbon
    is worked out and never while measuring; None: nobody is ever asked."""
    live_zone: str | None = None
    """What it calls this place; None: found by the cloud region or country where it takes those."""
    live_signal: str | None = None
    live_api: str | None = None
    """Version of the API of Electricity Maps."""
    live_url: str | None = None
    """Another address, such as that of a proxy."""
    live_factors: str | None = None
    """CSV of factors by kind of plant, relative to this file, for ENTSO-E and EIA."""


class MeasureConfig(NamedTuple):
    """How to measure."""

    meters: tuple[str, ...] | None = None
    """Only these meters, in this order; None: the usual fallback."""
    period_seconds: float = 1.0
    rest_of_node_watts: float | None = None
    """Power of what no meter sees (fans, board, disks, power supply), added at grade D."""
    gpu_expected: bool | None = None
    redfish_url: str | None = None
    """The BMC's address; its account comes from ~/.netrc, never from this file."""
    redfish_chassis: str | None = None
    redfish_cafile: str | None = None
    """The BMC's own certificate, where no authority has signed it."""
    bmc_accuracy: float | None = None
    """What the server's maker states for IPMI or Redfish power, e.g. 0.03: grade A needs 0.05 or better."""
    calibration: bool = True
    """Apply this machine's calibration where one is kept; the readings stay in the run file beside it."""


class OutputConfig(NamedTuple):
    """Where run files go."""

    folder: str | None = None


class ProjectConfig(NamedTuple):
    """Facts that no meter can tell."""

    functional_unit: str | None = None
    quality: str | None = None
    quality_worst: float | None = None
    quality_best: float | None = None
    lifetime_inferences: float | None = None
    manual_steps: int | None = None
    reference_device_factor: float | None = None
    hardware: str | None = None
    """Id of the device in `wattmark hardware list`, for peak FLOPs per watt."""
    precision: str | None = None
    training_flop: float | None = None
    """FLOP of a training that was not measured; with ``hardware`` and ``mfu`` its energy is modelled."""
    mfu: float | None = None
    """Model FLOP utilisation of that training: achieved over peak FLOP/s, 0 to 1."""


class EmbodiedConfig(NamedTuple):
    """The carbon of making the hardware."""

    total_kg: float | None = None
    lifespan_years: float | None = None
    mode: str = "reserved"
    reserved_share: float = 1.0
    utilisation: float | None = None
    relative_error: float = 0.3
    source: str = "declared"
    inventory: str | None = None
    """CSV of devices, relative to this file, in place of one total (docs/methodology/embodied.md)."""


class SciConfig(NamedTuple):
    """What a report of the SCI, or of SCI for AI, asks to be stated."""

    application_description: str | None = None
    application_url: str | None = None
    organisation_url: str | None = None
    accountable_organisation: str | None = None
    accountable_person: str | None = None
    accountable_contact: str | None = None
    manifest: str | None = None
    """Where the evidence can be seen."""
    functional_unit_rationale: str | None = None
    summary: str | None = None
    normalisation: str | None = None
    """``gross`` or ``effective``."""
    assumptions: tuple[str, ...] = ()
    parameters_billion: float | None = None


class RenewablesConfig(NamedTuple):
    """Load and renewable generation or certificates, for renewable energy matching."""

    file: str | None = None
    """CSV with the columns zone, load_kwh and generation_kwh, a row per zone and interval."""
    interval: str = "hour"
    """How long a row is: ``hour``, ``month``, ``year``, ..."""


class LedgerConfig(NamedTuple):
    """The ledger that runs go to and totals come from."""

    url: str | None = None
    """A folder, relative to this file, or an address: ``s3://``, ``gs://``, ``az://``."""


class ExportConfig(NamedTuple):
    """Where runs are shown while they go on."""

    to: tuple[str, ...] = ()
    """Each as NAME:TARGET: ``prometheus:9464``, ``textfile:FOLDER``, ``pushgateway:URL``, ``otlp:URL``."""
    period_seconds: float = 15.0
    """How often what is sent is sent; a scrape endpoint answers whenever it is asked."""


class AgentConfig(NamedTuple):
    """How the agent of a node works; its engines are [[engine]] tables (wattmark.stated.engines)."""

    listen: str = "127.0.0.1:9465"
    """HOST:PORT of /metrics and the rest."""
    socket: str | None = None
    """Unix datagram socket for request lines; None: the usual place; ``none``: no socket."""
    state: str | None = None
    """Folder of the journal and the spool; None: the usual place."""
    requests: tuple[str, ...] = ()
    """Request logs that are followed, relative to this file."""
    rule: str = "request_tokens"
    """How a moment's energy is divided among requests."""
    input_cost: float = 1.0
    """What an input token weighs against an output token."""
    look_seconds: float = 5.0
    """How often engines are looked at."""
    lateness_seconds: float = 10.0
    """How much later than it ends a request may be told."""
    horizon_seconds: float = 900.0
    """How long a request whose start was told is waited for."""
    land_seconds: float = 300.0
    """How often windows go to the ledger; until then they lie in the spool."""
    workloads: bool = True
    """Divide CPU-side energy among containers, pods, jobs and processes as well."""
    workload_seconds: float = 10.0
    """How often their CPU time is read."""
    regressions: bool | None = None
    """Search for models that got worse; None: where the extra ``detect`` is there."""
    alerts: str | None = None
    """Address that is told of them: an Alertmanager, or any that takes JSON."""
    alerts_form: str = "alertmanager"
    """``alertmanager`` or ``json``."""
    otlp: str | None = None
    """Address of a collector that is sent the same figures."""
    otlp_seconds: float = 60.0
    settled: str | None = None
    """``FILE.jsonl`` or a folder, relative to this file: a line for each request with its settled joules."""
    settled_kept: int = 10_000
    """So many of the last settled requests can be asked for by their id; 0: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The whole of ``wattmark.toml``."""

    tags: Tags = field(default_factory=Tags)
    labels: Mapping[str, str] = field(default_factory=dict)
    place: PlaceConfig = field(default_factory=PlaceConfig)
    measure: MeasureConfig = field(default_factory=MeasureConfig)
    output: OutputConfig = field(default_factory=OutputConfig)
    project: ProjectConfig = field(default_factory=ProjectConfig)
    embodied: EmbodiedConfig = field(default_factory=EmbodiedConfig)
    sci: SciConfig = field(default_factory=SciConfig)
    renewables: RenewablesConfig = field(default_factory=RenewablesConfig)
    ledger: LedgerConfig = field(default_factory=LedgerConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    agent: AgentConfig = field(default_factory=AgentConfig)
    tables: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    """What stands under ``[[site]]`` and the other names of TABLES, and under ``[[notify]]``, as written:
    it is read where it is needed, never while measuring."""
    monitor: Mapping[str, Any] = field(default_factory=dict)
    """What stands under ``[monitor]``, as written: `wattmark.monitoring.settings` reads it."""
    path: str | None = None
    """The file it was read from; None when there is none."""


SECTIONS: Mapping[str, type] = {
    "tags": Tags,
    "place": PlaceConfig,
    "measure": MeasureConfig,
    "output": OutputConfig,
    "project": ProjectConfig,
    "embodied": EmbodiedConfig,
    "sci": SciConfig,
    "renewables": RenewablesConfig,
    "ledger": LedgerConfig,
    "export": ExportConfig,
    "agent": AgentConfig,
}

TABLES = ("site", "instrument", "residual_mix", "market", "tariff", "water", "engine")
"""Arrays of tables, which a ledger's settings know too; `wattmark.stated` says what is in them."""
NOTIFY = "notify"
"""``[[notify]]``: who is told of what, where; `wattmark.exporters.sinks.routing` reads it."""

MOST = 1e30
WORDS = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}
"""What a value must be, as people say it."""
"""No number here is larger; whole numbers in TOML know no limit."""
LIMITS: Mapping[str, tuple[float, float]] = {
    "[place] pue": (1.0, 1000.0),
    "[place] pue_relative_error": (0.0, 1.0),
    "[place] intensity_g_per_kwh": (0.0, 1e6),
    "[place] intensity_relative_error": (0.0, 10.0),
    "[measure] period_seconds": (0.001, 86400.0),
    "[measure] rest_of_node_watts": (0.0, 1e6),
    "[measure] bmc_accuracy": (0.0, 1.0),
    "[export] period_seconds": (0.2, 86400.0),
    "[agent] input_cost": (0.0, 64.0),
    "[agent] look_seconds": (0.2, 3600.0),
    "[agent] lateness_seconds": (0.0, 3600.0),
    "[agent] horizon_seconds": (1.0, 86400.0),
    "[agent] land_seconds": (1.0, 86400.0),
    "[agent] workload_seconds": (1.0, 3600.0),
    "[agent] otlp_seconds": (1.0, 86400.0),
    "[agent] settled_kept": (0, 1_000_000),
    "[project] lifetime_inferences": (0.0, MOST),
    "[project] manual_steps": (0, 1e6),
    "[project] reference_device_factor": (0.0, 1e6),
    "[project] training_flop": (0.0, MOST),
    "[project] mfu": (0.0, 1.0),
    "[embodied] total_kg": (0.0, 1e9),
    "[embodied] lifespan_years": (0.01, 100.0),
    "[embodied] reserved_share": (0.0, 1.0),
    "[embodied] utilisation": (0.0, 1.0),
    "[embodied] relative_error": (0.0, 10.0),
    "[sci] parameters_billion": (0.0, 1e9),
}
"""What a number can be: least and most."""
CHOICES: Mapping[str, tuple[str, ...]] = {
    "[embodied] mode": ("reserved", "utilised"),
    "[sci] normalisation": ("gross", "effective"),
    "[place] intensity_basis": ("lifecycle", "direct"),
    "[agent] rule": ("request_tokens", "request_equal", "request_weight"),
    "[agent] alerts_form": ("alertmanager", "json"),
}


def find_config(start: Path) -> Path | None:
    """The nearest ``wattmark.toml`` in this folder or one above it."""
    return nearest(start, FILE_NAME)


def nearest(start: Path, name: str) -> Path | None:
    """The file of that name in this folder or the closest above; where we may not look there is none."""
    return next((p for folder in (start, *start.parents) if os.path.isfile(p := folder / name)), None)


def load_config(path: Path | None) -> Config:
    """Read a configuration file; None gives the defaults. Raises ConfigError with file and place."""
    if path is None:
        return Config()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(path), "", f"cannot be read: {error}") from None
    import tomllib  # only when there is a file: it costs more than a window

    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # numbers of thousands of digits, endless nesting
        raise ConfigError(str(path), "", f"is not valid TOML: {error}") from None
    if (huge := huge_number(document)) is not None:
        raise ConfigError(
            str(path), huge, "is a whole number of more than 64 bits, which no TOML file may hold"
        )
    sections: dict[str, Any] = {}
    arrays: dict[str, tuple[Mapping[str, Any], ...]] = {}
    for name, table in document.items():
        if name == "labels":
            sections[name] = _labels(str(path), table)
        elif name in SECTIONS:
            sections[name] = _section(str(path), name, table, SECTIONS[name])
        elif name == "monitor":
            if not isinstance(table, dict):
                raise ConfigError(str(path), "[monitor]", "must be a table")
            sections[name] = table
        elif name in (*TABLES, NOTIFY):
            arrays[name] = _array(str(path), name, table)
        else:
            known = ", ".join(("labels", *SECTIONS, "monitor", *TABLES, NOTIFY))
            raise ConfigError(str(path), f"[{name}]", f"unknown section; known: {known}")
    return Config(**sections, tables=arrays, path=str(path))


def _array(file: str, name: str, tables: Any) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(file, f"[{name}]", f"must be written as [[{name}]] tables")
    return tuple(tables)


def _labels(file: str, table: Any) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(v, str) for v in table.values()):
        raise ConfigError(file, "[labels]", "must hold strings only")
    return table


def _section(file: str, name: str, table: Any, kind: type) -> Any:
    if not isinstance(table, dict):
        raise ConfigError(file, f"[{name}]", "must be a table")
    hints = get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in table.items():
        place = f"[{name}] {key}"
        if key not in hints:
            raise ConfigError(file, place, f"unknown key; known: {', '.join(hints)}")
        values[key] = _value(file, place, value, hints[key])
    return kind(**values)


def _value(file: str, place: str, value: Any, hint: Any) -> Any:
    allowed = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if tuple[str, ...] in allowed:
        if isinstance(value, list) and all(isinstance(v, str) for v in value):
            return tuple(value)
        raise ConfigError(file, place, "must be a list of strings")
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (float in allowed or int in allowed)
    ):
        least, most = LIMITS.get(place, (-MOST, MOST))
        if not least <= value <= most:
            raise ConfigError(file, place, f"must be from {least:g} to {most:g}, not {value!r:.40}")
        return float(value) if float in allowed else _whole(file, place, value)
    if place in CHOICES and value not in CHOICES[place]:
        raise ConfigError(file, place, f"must be {' or '.join(CHOICES[place])}, not {value!r:.40}")
    plain = tuple(a for a in allowed if isinstance(a, type) and a is not type(None))
    if (isinstance(value, bool) and bool not in plain) or not isinstance(value, plain):
        raise ConfigError(
            file, place, f"must be {' or '.join(WORDS.get(p, p.__name__) for p in plain)}, not {value!r:.40}"
        )
    return value


def _whole(file: str, place: str, value: float) -> int:
    if isinstance(value, float):
        raise ConfigError(file, place, f"must be a whole number, not {value!r}")
    return value
