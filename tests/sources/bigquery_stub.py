"""The part of BigQuery's REST API that reads a table, on this machine.

Shapes: Google Cloud, BigQuery REST reference v2 (tables.get, jobs.query, jobs.get, jobs.getQueryResults).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.sources.cloud_server import Reply, Request, as_json

PAGE = 2
JOB = {"projectId": "p", "jobId": "job_1", "location": "EU"}
ANSWERS = {"projectId": "p", "datasetId": "_answers", "tableId": "a"}
Field = tuple[str, str]
FIELDS: Mapping[str, Any] = {
    "usage_month": "DATE",
    "billing_account_id": "STRING",
    "project": {"id": "STRING", "number": "STRING"},
    "service": {"id": "STRING", "description": "STRING"},
    "location": {"location": "STRING", "region": "STRING"},
    "carbon_model_version": "INTEGER",
    "carbon_footprint_total_kgCO2e": {
        "after_offsets": "FLOAT",
        "market_based": "FLOAT",
        "location_based": "FLOAT",
    },
    "carbon_footprint_kgCO2e": {
        "scope1": "FLOAT",
        "scope2": {"location_based": "FLOAT", "market_based": "FLOAT"},
        "scope3": "FLOAT",
    },
}
"""The table that the export makes."""


class BigQuery:
    """One table ``p.carbon.footprint``; answers for the months that a query asks for, two rows a page."""

    def __init__(self, rows: Sequence[Mapping[str, Any]] = ()) -> None:
        self.rows = list(rows)
        self.fields = dict(FIELDS)
        self.modified_ms = 1_785_542_400_000  # 2026-08-01

    def answer(self, request: Request) -> Reply:
        """Whatever is at this path."""
        if request.path.endswith("/tables/footprint"):
            return as_json(
                {
                    "kind": "bigquery#table",
                    "tableReference": {"projectId": "p", "datasetId": "carbon", "tableId": "footprint"},
                    "schema": {"fields": schema(self.fields)},
                    "lastModifiedTime": str(self.modified_ms),
                }
            )
        if request.path.endswith("/queries") and request.method == "POST":
            first, last = (
                p["parameterValue"]["value"] for p in sorted(request.json["queryParameters"], key=_name)
            )
            self._asked = [r for r in self.rows if first <= r["usage_month"] <= last]
            return as_json(self._page(0))
        if "/jobs/" in request.path:
            return as_json(
                {
                    "kind": "bigquery#job",
                    "jobReference": JOB,
                    "configuration": {"query": {"query": "", "destinationTable": ANSWERS}},
                    "status": {"state": "DONE"},
                    "statistics": {"query": {"statementType": "SELECT"}},
                }
            )
        if "/queries/" in request.path:
            return as_json(self._page(int(request.query.get("pageToken", "0"))))
        return as_json({"error": {"code": 404, "message": f"no {request.path}"}}, 404)

    def _page(self, first: int) -> dict[str, Any]:
        found: dict[str, Any] = {
            "kind": "bigquery#queryResponse",
            "jobReference": JOB,
            "jobComplete": True,
            "schema": {"fields": schema(self.fields)},
            "totalRows": str(len(self._asked)),
            "rows": [cells(row, self.fields) for row in self._asked[first : first + PAGE]],
        }
        if first + PAGE < len(self._asked):
            found["pageToken"] = str(first + PAGE)
        return found


def _name(parameter: Mapping[str, Any]) -> str:
    return str(parameter["name"])


def schema(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Fields as BigQuery describes them."""
    return [
        {"name": name, "type": "RECORD", "mode": "NULLABLE", "fields": schema(kind)}
        if isinstance(kind, Mapping)
        else {"name": name, "type": kind, "mode": "NULLABLE"}
        for name, kind in fields.items()
    ]


def cells(row: Mapping[str, Any] | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    """A row as BigQuery writes it: every value as text, without names."""
    told = row or {}
    return {
        "f": [
            {"v": cells(told.get(name), kind)}
            if isinstance(kind, Mapping)
            else {"v": None if told.get(name) is None else str(told[name])}
            for name, kind in fields.items()
        ]
    }
