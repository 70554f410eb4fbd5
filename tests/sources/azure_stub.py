"""Azure's Carbon Optimization service on this machine: shapes of azure-mgmt-carbonoptimization 1.0.0."""

from __future__ import annotations

from typing import Any

from tests.sources.cloud_server import Reply, Request, as_json

PAGE = 2
ONE, TWO = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"
KILOGRAMS = {"Scope1": 100.0, "Scope2": 300.0, "Scope3": 200.0}
"""Of each resource and month."""


def a_resource(name: str = "vm-1", **changes: Any) -> dict[str, Any]:
    """A virtual machine in West Europe that emits 600 kg each month."""
    return {
        "itemName": name,
        "subscriptionId": ONE,
        "resourceGroup": "rg",
        "resourceId": f"/subscriptions/{ONE}/resourceGroups/rg/providers/x/{name}",
        "location": "westeurope",
        "resourceType": "microsoft.compute/virtualmachines",
        **changes,
    }


class Azure:
    """Holds resources; answers for a month, scopes and subscriptions, two resources a page."""

    def __init__(self, *resources: dict[str, Any]) -> None:
        self.resources = list(resources) or [a_resource()]
        self.available = {"startDate": "2025-06-01", "endDate": "2026-06-01"}
        self.denied: set[str] = set()
        self.factor = 1.0

    def answer(self, request: Request) -> Reply:
        """Whatever is at this path."""
        assert request.query["api-version"] == "2025-04-01"
        if request.path.endswith("/queryCarbonEmissionDataAvailableDateRange"):
            return as_json(self.available)
        asked = request.json
        assert asked["dateRange"]["start"] == asked["dateRange"]["end"]
        kilograms = sum(KILOGRAMS[s] for s in asked["carbonScopeList"]) * self.factor
        rows = [
            {
                "dataType": "ResourceItemDetailsData",
                "categoryType": "Resource",
                "latestMonthEmissions": kilograms,
                "previousMonthEmissions": 0.5 * kilograms,
                "monthOverMonthEmissionsChangeRatio": 1.0,
                "monthlyEmissionsChangeValue": 0.5 * kilograms,
                **resource,
            }
            for resource in self.resources
            if resource["subscriptionId"] in asked["subscriptionList"]
            and resource["subscriptionId"] not in self.denied
        ]
        first = int(asked.get("skipToken") or 0)
        body: dict[str, Any] = {
            "value": rows[first : first + PAGE],
            "subscriptionAccessDecisionList": [
                {
                    "subscriptionId": s,
                    "decision": "Denied" if s in self.denied else "Allowed",
                    **({"denialReason": "no role"} if s in self.denied else {}),
                }
                for s in asked["subscriptionList"]
            ],
        }
        if first + PAGE < len(rows):
            body["skipToken"] = str(first + PAGE)
        return as_json(body)
