"""Asks an MLflow tracking server for runs and the histories of their metrics, page by page.

REST API 2.0: https://mlflow.org/docs/latest/rest-api.html. Redirects are not followed, because the account
would go along; certificates are checked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from wattmark.core.errors import DeliveryError, EvidenceError, UsageError, without_secrets
from wattmark.mlflow_access import TOKEN, USER, authorization, without_account
from wattmark.webapi import api as webapi
from wattmark.webapi.addresses import is_loopback

BASE = "/api/2.0/mlflow/"
PATIENCE = webapi.Patience(timeout=60.0)
MOST_BYTES = 1 << 28
RUNS_A_PAGE = 100
VALUES_A_PAGE = 25_000
"""Of one metric; servers of today give no more at once."""
SHOWN = 200


@dataclass(kw_only=True)
class Api:
    """One server. Raises EvidenceError, which names the address and what to try."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    pause: Callable[[float], None] = time.sleep

    def experiments(self) -> Iterator[dict[str, Any]]:
        """All experiments that are not deleted."""
        yield from self._paged("experiments/search", {"max_results": 1000}, "experiments")

    def runs(self, experiment_ids: list[str], chosen: str) -> Iterator[Any]:
        """Runs of experiments, in the order in which they began; ``chosen`` is a filter of MLflow's."""
        body = {
            "experiment_ids": experiment_ids,
            "filter": chosen,
            "max_results": RUNS_A_PAGE,
            "order_by": ["attributes.start_time ASC", "attributes.run_id ASC"],
        }
        yield from self._paged("runs/search", body, "runs")

    def history(self, run_id: str, metric: str) -> list[Any]:
        """Every value of a metric: dictionaries with value and timestamp."""
        found: list[Any] = []
        token = ""
        while True:
            asked = {"run_id": run_id, "metric_key": metric, "max_results": str(VALUES_A_PAGE)}
            answer = self._asked("metrics/get-history", query={**asked, **_token(token)})
            found += _list(answer, "metrics")
            token = str(answer.get("next_page_token") or "")
            if not token:
                return found

    def _paged(self, path: str, body: dict[str, Any], key: str) -> Iterator[Any]:
        token = ""
        while True:
            answer = self._asked(path, body={**body, **_token(token)})
            yield from _list(answer, key)
            token = str(answer.get("next_page_token") or "")
            if not token:
                return

    def _asked(
        self, path: str, *, query: Mapping[str, str] | None = None, body: object = None
    ) -> dict[str, Any]:
        api = webapi.Api(
            self.url, headers=self.headers, patience=PATIENCE, wait=self.pause, most_bytes=MOST_BYTES
        )
        method = "GET" if body is None else "POST"
        try:
            answer = api.call(method, BASE + path, query=query, body=body, repeatable=True)
        except DeliveryError as error:
            raise self._unanswered(path, error) from None
        try:
            found = answer.json()
        except DeliveryError:
            found = None
        if not isinstance(found, dict):
            said = answer.body[:SHOWN].decode("utf-8", "replace").split("\n")[0].strip()
            raise EvidenceError(
                self.url, f"answered {path} with something that is no JSON: {said!r}; is it MLflow?"
            )
        return found

    def _unanswered(self, path: str, error: DeliveryError) -> EvidenceError:
        if error.status in (401, 403):
            return EvidenceError(
                self.url, f"answered {error.status} to {path}: set {TOKEN}, or {USER} and its kin"
            )
        if error.status is None:
            return EvidenceError(
                self.url,
                f"did not answer {path}: {error.problem}; check the address, and that the server runs",
            )
        return EvidenceError(self.url, f"refused {path}: {error.problem}")


def open_api(uri: str, environ: Mapping[str, str]) -> Api:
    """A server by its address. Raises UsageError for an address that is none, or an account in the clear."""
    url, account = without_account(uri)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"{without_secrets(uri)!r:.200} is no address of a tracking server: write http://HOST:5000; a "
            "store without one needs one: mlflow server --backend-store-uri sqlite:///mlflow.db"
        )
    headers = authorization(account, environ)
    if headers and parts.scheme == "http" and not is_loopback(parts.hostname):
        raise UsageError(f"an account must not travel in the clear: ask {parts.hostname} over https")
    return Api(url=url, headers=headers)


def _token(token: str) -> dict[str, str]:
    return {"page_token": token} if token else {}


def _list(answer: Mapping[str, Any], key: str) -> list[Any]:
    found = answer.get(key)
    return found if isinstance(found, list) else []
