"""The AWS Sustainability API on this machine: requests and answers have the shapes of botocore's model."""

from __future__ import annotations

from typing import Any

from tests.sources.cloud_server import Reply, Request, as_json

PAGE = 2


class Sustainability:
    """Holds results, and answers for the months and accounts that are asked for, two a page."""

    def __init__(self) -> None:
        import botocore.session
        from botocore.validate import ParamValidator

        self._model = botocore.session.get_session().get_service_model("sustainability")
        self._validator = ParamValidator()
        self.carbon: list[dict[str, Any]] = []
        self.water: list[dict[str, Any]] = []

    def answer(self, request: Request) -> Reply:
        """Whatever the model says of the operation at this path."""
        names = {
            op.http["requestUri"]: name
            for name in self._model.operation_names
            if (op := self._model.operation_model(name))
        }
        name = names[request.path]
        operation = self._model.operation_model(name)
        asked = request.json
        report = self._validator.validate(asked, operation.input_shape)
        if report.has_errors():
            return refusal("ValidationException", 400, report.generate_report())
        held = self.carbon if "Carbon" in name else self.water
        period = asked["TimePeriod"]
        wanted = asked.get("FilterBy", {}).get("Dimensions", {}).get("USAGE_ACCOUNT_ID")
        rows = [
            row
            for row in held
            if period["Start"] <= row["TimePeriod"]["Start"] < period["End"]
            and (wanted is None or row["DimensionsValues"]["USAGE_ACCOUNT_ID"] in wanted)
        ]
        first = int(asked.get("NextToken", "0"))
        body: dict[str, Any] = {"Results": rows[first : first + PAGE]}
        if first + PAGE < len(rows):
            body["NextToken"] = str(first + PAGE)
        return as_json(body)


def refusal(code: str, status: int, said: str = "no") -> Reply:
    """An error as rest-json has it."""
    return as_json({"message": said}, status, **{"x-amzn-ErrorType": code})


def carbon(month: str = "2026-05", **changes: Any) -> dict[str, Any]:
    """One result: 0.6 t location-based, 0.3 t market-based."""
    tonnes = {
        "TOTAL_LBM_CARBON_EMISSIONS": 0.6,
        "TOTAL_MBM_CARBON_EMISSIONS": 0.3,
        "TOTAL_SCOPE_1_CARBON_EMISSIONS": 0.1,
        "TOTAL_SCOPE_2_LBM_CARBON_EMISSIONS": 0.3,
        "TOTAL_SCOPE_2_MBM_CARBON_EMISSIONS": 0.0,
        "TOTAL_SCOPE_3_LBM_CARBON_EMISSIONS": 0.2,
        "TOTAL_SCOPE_3_MBM_CARBON_EMISSIONS": 0.2,
    }
    values = {name: {"Value": value, "Unit": "MTCO2e"} for name, value in tonnes.items()}
    return {**_result(month), "EmissionsValues": values, **changes}


def water(month: str = "2026-05", **changes: Any) -> dict[str, Any]:
    """One result: 1.5 cubic metres."""
    return {
        **_result(month),
        "AllocationValues": {"TOTAL_WATER_WITHDRAWALS": {"Value": 1.5, "Unit": "m3"}},
        **changes,
    }


def dimensions(account: str = "222222222222", region: str = "eu-west-1", service: str = "AmazonEC2") -> Any:
    """Whose it is."""
    return {"USAGE_ACCOUNT_ID": account, "REGION": region, "SERVICE": service}


def _result(month: str) -> dict[str, Any]:
    year, number = map(int, month.split("-"))
    after = f"{year + number // 12:04d}-{number % 12 + 1:02d}"
    return {
        "TimePeriod": {"Start": f"{month}-01T00:00:00Z", "End": f"{after}-01T00:00:00Z"},
        "DimensionsValues": dimensions(),
        "ModelVersion": "v3.0.0",
    }
