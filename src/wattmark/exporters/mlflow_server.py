"""What is asked of MLflow: a tracking server with its model registry, over REST or through MLflow's package.

REST is spoken wherever the address is one of HTTP: then nothing need be installed, and how long a call may
take is ours to say. Everything else (``sqlite:``, folders, ``databricks``, stores of other packages) goes
through MLflow's own client, extra ``mlflow``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wattmark.core.errors import MissingExtra, UsageError

URI = "MLFLOW_TRACKING_URI"
RUN_ID = "MLFLOW_RUN_ID"
EXPERIMENT_ID = "MLFLOW_EXPERIMENT_ID"
EXPERIMENT = "MLFLOW_EXPERIMENT_NAME"
FOLDER = "wattmark"
"""Folder of a run's artifacts in which ours lie."""
COUNTED_IN = "wattmark.counted_in"
"""Tag of a nested run: the run that its energy is counted in."""
RECORD_ID = "wattmark.record_id"
EVIDENCE = "wattmark.evidence_sha256"
AS_ONE = "wattmark.as_one"
"""Tags of a run: whose evidence it shows, which, and whether its run files are parts of one whole."""
MOST_METRICS = 1000
MOST_TAGS = 100
"""Of one batch (MLflow, REST API, Log Batch: https://mlflow.org/docs/latest/rest-api.html#request-limits)."""
MOST_CHARACTERS = 5000
"""Of a tag's value."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a metric."""

    name: str
    value: float
    timestamp_ms: int
    """Since 1970, UTC."""
    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedRun:
    """A run of MLflow."""

    id: str
    experiment_id: str
    status: str = ""
    """RUNNING, SCHEDULED, FINISHED, FAILED or KILLED."""
    name: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """The last value of each."""
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    artifacts: str = ""
    """Where its artifacts are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """A version of a registered model."""

    name: str
    version: str
    run_id: str = ""
    """The run it comes from; empty where the registry does not say."""
    tags: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"


class Server(Protocol):
    """MLflow, as far as we need it. Every method raises DeliveryError, which names place and reason."""

    place: str
    """The address as it may be shown."""

    def run(self, run_id: str) -> TrackedRun:
        """One run."""
        ...

    def experiment(self, name: str) -> str:
        """Id of an experiment by its name; made where there is none."""
        ...

    def create_run(self, experiment_id: str, name: str, start_ms: int, tags: Mapping[str, str]) -> str:
        """Begin a run; gives its id."""
        ...

    def end_run(self, run_id: str, status: str, end_ms: int) -> None:
        """Say that a run is over."""
        ...

    def log(self, run_id: str, points: Sequence[Point], tags: Mapping[str, str]) -> None:
        """Add to a run, in as many batches as it takes."""
        ...

    def untag(self, run_id: str, keys: Sequence[str]) -> None:
        """Take tags away from a run that has them."""
        ...

    def keep(self, run_id: str, name: str, data: bytes) -> None:
        """Keep a file as an artifact of a run; ``name`` may hold folders."""
        ...

    def files(self, run_id: str, folder: str) -> list[str]:
        """Names of the artifacts in a folder, with it; those in folders below as well."""
        ...

    def fetch(self, run_id: str, name: str) -> bytes:
        """An artifact."""
        ...

    def version(self, name: str, version: str) -> ModelVersion:
        """A version of a model."""
        ...

    def versions(self, name: str) -> list[ModelVersion]:
        """All versions of a model, the newest first."""
        ...

    def aliased(self, name: str, alias: str) -> ModelVersion | None:
        """The version that has an alias; None where none has it."""
        ...

    def tag_version(self, name: str, version: str, tags: Mapping[str, str | None]) -> None:
        """Set tags of a version; None takes one away."""
        ...

    def set_alias(self, name: str, alias: str, version: str) -> None:
        """Give an alias to a version: whichever had it loses it."""
        ...

    def drop_alias(self, name: str, alias: str) -> None:
        """Take an alias away."""
        ...


def open_server(uri: str, environ: Mapping[str, str], *, quick: bool = False) -> Server:
    """The server at an address. Raises UsageError for none, MissingExtra where MLflow's package is needed.

    ``quick``: gives up early, for what runs beside a program that is measured.
    """
    if not uri:
        raise UsageError(f"no MLflow is named: give --mlflow http://HOST:5000, or set {URI}")
    if uri.partition(":")[0].lower() in ("http", "https"):
        from wattmark.exporters.mlflow_rest import rest

        return rest(uri, environ, quick=quick)
    try:
        from wattmark.exporters.mlflow_package import Package
    except ImportError:
        raise MissingExtra(f"MLflow's store {uri.partition(':')[0]}", "mlflow") from None
    return Package(uri)


def outer_of(server: Server, run_id: str) -> str:
    """The run of MLflow in which a nested run is counted; empty for one that is counted itself."""
    outer = server.run(run_id).tags.get(COUNTED_IN, "")
    return "" if " " in outer else outer


def name_is(name: str) -> str:
    """A filter of MLflow's that finds a model by its whole name. Raises UsageError for one it cannot write.

    Strings stand in either kind of quotes, and nothing in them is escaped (mlflow/utils/search_utils.py,
    MLflow 3).
    """
    sign = next((sign for sign in "'\"" if sign not in name), None)
    if sign is None:
        raise UsageError(f"MLflow cannot search for {name!r:.100}: it holds both kinds of quotes")
    return f"name={sign}{name}{sign}"


def tidy(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as MLflow takes them: values that are too long are cut, and say so."""
    return {
        key: value if len(value) <= MOST_CHARACTERS else f"{value[: MOST_CHARACTERS - 6]} [cut]"
        for key, value in tags.items()
    }
