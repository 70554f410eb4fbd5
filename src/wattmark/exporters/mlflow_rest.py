"""MLflow over its REST API, version 2.0 of the paths (https://mlflow.org/docs/latest/rest-api.html).

Who asks is said by the variables of MLflow: a token, or a name and a password, also from its file of
credentials. They are in no error and follow no redirect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from wattmark.core.errors import DeliveryError, MissingExtra
from wattmark.exporters.mlflow_server import (
    MOST_METRICS,
    MOST_TAGS,
    ModelVersion,
    Point,
    TrackedRun,
    name_is,
    tidy,
)
from wattmark.mlflow_access import authorization, without_account
from wattmark.webapi.api import Api, Patience

BASE = "/api/2.0/mlflow/"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts/"
QUICK = Patience(timeout=4.0, attempts=1)
MOST_BYTES = 256 << 20
"""Of one artifact."""
PAGE = 200
MOST_PAGES = 1000
MISSING = 404
INVALID = 400
"""What MLflow answers to an alias that nobody has."""


def rest(uri: str, environ: Mapping[str, str], *, quick: bool = False) -> Rest:
    """The API at an address. Raises UsageError for one that cannot be meant."""
    base, account = without_account(uri)
    headers = authorization(account, environ)
    patience = QUICK if quick else Patience(timeout=30.0)
    return Rest(Api(base, headers=headers, patience=patience, most_bytes=MOST_BYTES), uri, base)


class Rest:
    """One tracking server. Raises DeliveryError, which names what was asked and what the server said."""

    def __init__(self, api: Api, uri: str, base: str) -> None:
        self._api = api
        self._uri = uri
        self.place = base

    def run(self, run_id: str) -> TrackedRun:
        found = self._get("runs/get", run_id=run_id).get("run")
        return run_from(found, self.place)

    def experiment(self, name: str) -> str:
        try:
            found = self._get("experiments/get-by-name", experiment_name=name)
        except DeliveryError as error:
            if error.status != MISSING:
                raise
            return _text(self._post("experiments/create", {"name": name}), "experiment_id", self.place)
        return _text(found.get("experiment"), "experiment_id", self.place)

    def create_run(self, experiment_id: str, name: str, start_ms: int, tags: Mapping[str, str]) -> str:
        body = {
            "experiment_id": experiment_id,
            "run_name": name,
            "start_time": start_ms,
            "tags": _pairs(tidy(tags)),
        }
        return run_from(self._post("runs/create", body, repeatable=False).get("run"), self.place).id

    def end_run(self, run_id: str, status: str, end_ms: int) -> None:
        self._post("runs/update", {"run_id": run_id, "status": status, "end_time": end_ms})

    def log(self, run_id: str, points: Sequence[Point], tags: Mapping[str, str]) -> None:
        rows = [
            {"key": p.name, "value": p.value, "timestamp": p.timestamp_ms, "step": p.step} for p in points
        ]
        said = _pairs(tidy(tags))
        for begin in range(0, len(rows), MOST_METRICS):
            self._post("runs/log-batch", {"run_id": run_id, "metrics": rows[begin : begin + MOST_METRICS]})
        for begin in range(0, len(said), MOST_TAGS):
            self._post("runs/log-batch", {"run_id": run_id, "tags": said[begin : begin + MOST_TAGS]})

    def untag(self, run_id: str, keys: Sequence[str]) -> None:
        for key in keys:
            self._post("runs/delete-tag", {"run_id": run_id, "key": key})

    def keep(self, run_id: str, name: str, data: bytes) -> None:
        where = urlsplit(self.run(run_id).artifacts)
        if where.scheme != "mlflow-artifacts":
            self._package().keep(run_id, name, data)
            return
        path = quote(f"{where.path.strip('/')}/{name}")
        kind = {"Content-Type": "application/octet-stream"}
        self._api.call("PUT", f"{ARTIFACTS}{path}", data=data, headers=kind)

    def files(self, run_id: str, folder: str) -> list[str]:
        return list(self._files(run_id, folder, 8))

    def fetch(self, run_id: str, name: str) -> bytes:
        return self._api.get("/get-artifact", {"run_id": run_id, "path": name}).body

    def version(self, name: str, version: str) -> ModelVersion:
        return self._version(self._get("model-versions/get", name=name, version=version).get("model_version"))

    def versions(self, name: str) -> list[ModelVersion]:
        self._get("registered-models/get", name=name)  # an unknown model would be one without versions
        found: list[ModelVersion] = []
        token = ""
        for _ in range(MOST_PAGES):
            answer = self._get(
                "model-versions/search", filter=name_is(name), max_results=str(PAGE), page_token=token
            )
            found += [self._version(each) for each in answer.get("model_versions") or ()]
            token = answer.get("next_page_token") or ""
            if not token:
                return sorted(found, key=lambda v: int(v.version) if v.version.isdigit() else 0, reverse=True)
        raise DeliveryError(self.place, f"lists more than {MOST_PAGES} pages of versions of {name}")

    def aliased(self, name: str, alias: str) -> ModelVersion | None:
        try:
            found = self._get("registered-models/alias", name=name, alias=alias)
        except DeliveryError as error:
            if error.status == MISSING or (error.status == INVALID and "alias" in error.problem.lower()):
                self._get("registered-models/get", name=name)
                return None
            raise
        return self._version(found.get("model_version"))

    def tag_version(self, name: str, version: str, tags: Mapping[str, str | None]) -> None:
        said = tidy({key: value for key, value in tags.items() if value is not None})
        for key, value in said.items():
            body = {"name": name, "version": version, "key": key, "value": value}
            self._post("model-versions/set-tag", body)
        for key in (key for key, value in tags.items() if value is None):
            self._delete("model-versions/delete-tag", {"name": name, "version": version, "key": key})

    def set_alias(self, name: str, alias: str, version: str) -> None:
        self._post("registered-models/alias", {"name": name, "alias": alias, "version": version})

    def drop_alias(self, name: str, alias: str) -> None:
        self._delete("registered-models/alias", {"name": name, "alias": alias})

    def _files(self, run_id: str, folder: str, deep: int) -> Iterator[str]:
        token = ""
        for _ in range(MOST_PAGES):
            answer = self._get("artifacts/list", run_id=run_id, path=folder, page_token=token)
            for entry in answer.get("files") or ():
                name = _text(entry, "path", self.place)
                if not entry.get("is_dir"):
                    yield name
                elif deep and name != folder:
                    yield from self._files(run_id, name, deep - 1)
            token = answer.get("next_page_token") or ""
            if not token:
                return

    def _version(self, found: Any) -> ModelVersion:
        name, version = (_text(found, key, self.place) for key in ("name", "version"))
        run_id = str(found.get("run_id") or "")
        if not run_id and (model := str(found.get("model_id") or "")):
            run_id = self._run_of_model(model)
        return ModelVersion(name=name, version=version, run_id=run_id, tags=_named(found.get("tags")))

    def _run_of_model(self, model_id: str) -> str:
        """The run that logged a model of MLflow 3; empty where the server does not say."""
        try:
            found = self._get(f"logged-models/{quote(model_id, safe='')}").get("model")
        except DeliveryError as error:
            if error.status != MISSING:
                raise
            return ""
        info = found.get("info") if isinstance(found, dict) else None
        return str(info.get("source_run_id") or "") if isinstance(info, dict) else ""

    def _package(self) -> Any:
        """MLflow's own client: it knows stores to which the server hands out no way of its own."""
        try:
            from wattmark.exporters.mlflow_package import Package
        except ImportError:
            raise MissingExtra("artifacts that do not go through the tracking server", "mlflow") from None
        return Package(self._uri)

    def _get(self, what: str, /, **query: str) -> dict[str, Any]:
        asked = {key: value for key, value in query.items() if value}
        return self._document(self._api.get(BASE + what, asked).json(), what)

    def _post(self, path: str, body: Mapping[str, object], *, repeatable: bool = True) -> dict[str, Any]:
        return self._document(self._api.post(BASE + path, body, repeatable=repeatable).json(), path)

    def _delete(self, path: str, body: Mapping[str, object]) -> None:
        self._api.call("DELETE", BASE + path, body=body, expect=(MISSING,))

    def _document(self, found: Any, path: str) -> dict[str, Any]:
        if not isinstance(found, dict):
            raise DeliveryError(self.place, f"answered {path} in another form than MLflow's API has")
        return found


def run_from(found: Any, place: str) -> TrackedRun:
    """A run out of an answer. Raises DeliveryError where it is in another form."""
    info: dict[str, Any] = (found.get("info") or {}) if isinstance(found, dict) else {}
    run_id = _text(info, "run_id", place)
    data = found.get("data") or {}
    try:
        metrics = {str(m["key"]): float(m["value"]) for m in data.get("metrics") or ()}
    except (KeyError, TypeError, ValueError):
        raise DeliveryError(place, "answered with metrics in another form than MLflow's API has") from None
    return TrackedRun(
        id=run_id,
        experiment_id=str(info.get("experiment_id") or ""),
        status=str(info.get("status") or ""),
        name=str(info.get("run_name") or ""),
        metrics=metrics,
        params=_named(data.get("params")),
        tags=_named(data.get("tags")),
        artifacts=str(info.get("artifact_uri") or ""),
    )


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def _named(rows: Any) -> dict[str, str]:
    if not isinstance(rows, list):
        return {}
    return {str(r["key"]): str(r.get("value", "")) for r in rows if isinstance(r, dict) and "key" in r}


def _text(found: Any, key: str, place: str) -> str:
    value = found.get(key) if isinstance(found, dict) else None
    if not isinstance(value, str) or not value:
        raise DeliveryError(place, f"answered without {key!r}: is it MLflow?")
    return value
