"""MLflow through its own client: for stores without an address of HTTP, and for artifacts beyond servers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import mlflow
from mlflow.entities import Metric, RunTag
from mlflow.exceptions import MlflowException

from wattmark.core.errors import DeliveryError, MissingExtra, without_secrets
from wattmark.exporters.mlflow_server import (
    MOST_METRICS,
    MOST_TAGS,
    ModelVersion,
    Point,
    TrackedRun,
    name_is,
    tidy,
)

T = TypeVar("T")
MISSING = ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND")
NO_ALIAS = (*MISSING, "INVALID_PARAMETER_VALUE")
"""What stores say of an alias that nobody has (mlflow/store/model_registry, MLflow 3)."""
SAID_CHARACTERS = 300


class Package:
    """One store, as MLflow opens it. Raises DeliveryError with what MLflow said, MissingExtra."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self.place = without_secrets(uri)
        self._client: Any = self._asked(mlflow.MlflowClient, tracking_uri=uri)

    def run(self, run_id: str) -> TrackedRun:
        found = self._asked(self._client.get_run, run_id)
        return TrackedRun(
            id=found.info.run_id,
            experiment_id=found.info.experiment_id,
            status=found.info.status,
            name=found.info.run_name or "",
            metrics=dict(found.data.metrics),
            params=dict(found.data.params),
            tags=dict(found.data.tags),
            artifacts=found.info.artifact_uri,
        )

    def experiment(self, name: str) -> str:
        found = self._asked(self._client.get_experiment_by_name, name)
        if found is not None:
            return str(found.experiment_id)
        return str(self._asked(self._client.create_experiment, name))

    def create_run(self, experiment_id: str, name: str, start_ms: int, tags: Mapping[str, str]) -> str:
        made = self._asked(
            self._client.create_run, experiment_id, start_time=start_ms, tags=tidy(tags), run_name=name
        )
        return str(made.info.run_id)

    def end_run(self, run_id: str, status: str, end_ms: int) -> None:
        self._asked(self._client.set_terminated, run_id, status, end_ms)

    def log(self, run_id: str, points: Sequence[Point], tags: Mapping[str, str]) -> None:
        metrics = [Metric(p.name, p.value, p.timestamp_ms, p.step) for p in points]
        said = [RunTag(key, value) for key, value in tidy(tags).items()]
        for begin in range(0, len(metrics), MOST_METRICS):
            part = metrics[begin : begin + MOST_METRICS]
            self._asked(self._client.log_batch, run_id, metrics=part)
        for begin in range(0, len(said), MOST_TAGS):
            few = said[begin : begin + MOST_TAGS]
            self._asked(self._client.log_batch, run_id, tags=few)

    def untag(self, run_id: str, keys: Sequence[str]) -> None:
        for key in keys:
            self._asked(self._client.delete_tag, run_id, key)

    def keep(self, run_id: str, name: str, data: bytes) -> None:
        path = PurePosixPath(name)
        folder = None if str(path.parent) == "." else str(path.parent)
        with tempfile.TemporaryDirectory() as place:
            local = Path(place) / path.name
            local.write_bytes(data)
            self._asked(self._client.log_artifact, run_id, str(local), folder)

    def files(self, run_id: str, folder: str) -> list[str]:
        found: list[str] = []
        for entry in self._asked(self._client.list_artifacts, run_id, folder):
            if not entry.is_dir:
                found.append(str(entry.path))
            elif entry.path != folder:
                found += self.files(run_id, entry.path)
        return found

    def fetch(self, run_id: str, name: str) -> bytes:
        with tempfile.TemporaryDirectory() as place:
            local = self._asked(self._client.download_artifacts, run_id, name, place)
            return Path(local).read_bytes()

    def version(self, name: str, version: str) -> ModelVersion:
        return self._version(self._asked(self._client.get_model_version, name, version))

    def versions(self, name: str) -> list[ModelVersion]:
        self._asked(self._client.get_registered_model, name)
        found: list[ModelVersion] = []
        token: str | None = None
        while True:
            page = self._asked(
                self._client.search_model_versions,
                name_is(name),
                max_results=MOST_METRICS,
                page_token=token,
            )
            found += [self._version(each) for each in page]
            token = page.token
            if not token:
                return sorted(found, key=lambda v: int(v.version) if v.version.isdigit() else 0, reverse=True)

    def aliased(self, name: str, alias: str) -> ModelVersion | None:
        self._asked(self._client.get_registered_model, name)
        found = self._asked(self._held, name, alias)
        return None if found is None else self._version(found)

    def _held(self, name: str, alias: str) -> Any:
        try:
            return self._client.get_model_version_by_alias(name, alias)
        except MlflowException as error:
            if error.error_code not in NO_ALIAS:
                raise
            return None

    def tag_version(self, name: str, version: str, tags: Mapping[str, str | None]) -> None:
        said = tidy({key: value for key, value in tags.items() if value is not None})
        for key, value in said.items():
            self._asked(self._client.set_model_version_tag, name, version, key, value)
        there = self.version(name, version).tags if None in tags.values() else {}
        for key in (key for key, value in tags.items() if value is None and key in there):
            self._asked(self._client.delete_model_version_tag, name, version, key)

    def set_alias(self, name: str, alias: str, version: str) -> None:
        self._asked(self._client.set_registered_model_alias, name, alias, version)

    def drop_alias(self, name: str, alias: str) -> None:
        self._asked(self._client.delete_registered_model_alias, name, alias)

    def _version(self, found: Any) -> ModelVersion:
        run_id = found.run_id or ""
        model_id = getattr(found, "model_id", None)
        if not run_id and model_id:
            run_id = self._asked(self._client.get_logged_model, model_id).source_run_id or ""
        return ModelVersion(
            name=found.name, version=str(found.version), run_id=run_id, tags=dict(found.tags or {})
        )

    def _asked(self, ask: Callable[..., T], *args: object, **more: object) -> T:
        try:
            return ask(*args, **more)
        except MlflowException as error:
            status = 404 if error.error_code in MISSING else None
            raise DeliveryError(self.place, _said(error), status) from None
        except ImportError as error:  # a store needs a package that the small client does not bring
            raise MissingExtra(f"MLflow at {self.place} ({error.name})", "mlflow") from None
        except Exception as error:  # stores of other people are behind it: each raises its own
            raise DeliveryError(self.place, f"{type(error).__name__}: {_said(error)}") from error


def _said(error: Exception) -> str:
    return without_secrets(" ".join(str(error).split()))[:SAID_CHARACTERS]
