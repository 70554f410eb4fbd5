"""Documents of the providers' APIs in their documented shapes, with numbers for the head."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from wattmark.grid.provider import HOUR_US

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
NOON_US = int(NOON.timestamp()) * 1_000_000
"""The moment at which tests ask."""


def noon() -> int:
    """The clock of tests."""
    return NOON_US


def at(hours: float) -> datetime:
    """So many hours after noon."""
    return NOON + timedelta(hours=hours)


def us(hours: float) -> int:
    """So many hours after noon, in microseconds since 1970."""
    return NOON_US + round(hours * HOUR_US)


def em_point(hours: int, grams: float = 100.0, **changes: Any) -> dict[str, Any]:
    """One hour of Electricity Maps."""
    return {
        "zone": "FR",
        "carbonIntensity": grams,
        "datetime": at(hours).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "updatedAt": at(hours + 1).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "createdAt": at(hours - 72).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "emissionFactorType": "lifecycle",
        "isEstimated": False,
        "estimationMethod": None,
        **changes,
    }


def em_document(field: str, *points: dict[str, Any], zone: str = "FR", **changes: Any) -> dict[str, Any]:
    """Their document: ``history``, ``data`` (past-range) or ``forecast``."""
    return {"zone": zone, field: list(points), "temporalGranularity": "hourly", **changes}


EM_ZONES = {"FR": {"zoneName": "France", "access": ["*"]}, "DE": {"zoneName": "Germany"}, "US-CAL-CISO": {}}


def wt_document(*values: float, hours: float = -1, **meta: Any) -> dict[str, Any]:
    """WattTime: values of five minutes each, from one hour before noon."""
    return {
        "data": [
            {
                "point_time": at(hours + i / 12).isoformat(),
                "value": value,
                "last_updated": at(0).isoformat(),
                "imputed_data_used": i == 0,
            }
            for i, value in enumerate(values)
        ],
        "meta": {
            "data_point_period_seconds": 300,
            "region": "CAISO_NORTH",
            "signal_type": "co2_moer",
            "units": "lbs_co2_per_mwh",
            "model": {"date": "2026-03-01", "type": "binned_regression"},
            "warnings": [],
            **meta,
        },
    }


def neso_half(hours: float, actual: float | None, forecast: float | None = 200.0) -> dict[str, Any]:
    """Half an hour of Great Britain."""
    return {
        "from": at(hours).strftime("%Y-%m-%dT%H:%MZ"),
        "to": at(hours + 0.5).strftime("%Y-%m-%dT%H:%MZ"),
        "intensity": {"forecast": forecast, "actual": actual, "index": "moderate"},
    }


FRANCE = "10YFR-RTE------C"


def entsoe_series(
    psr: str, quantities: dict[int, float], *, hours: int = 1, step: str = "PT60M", direction: str = "in"
) -> str:
    """Generation of one kind of plant from one hour before noon; positions that are left out repeat."""
    points = "".join(
        f"<Point><position>{p}</position><quantity>{q}</quantity></Point>" for p, q in quantities.items()
    )
    return (
        f'<TimeSeries><mRID>1</mRID><{direction}BiddingZone_Domain.mRID codingScheme="A01">{FRANCE}'
        f"</{direction}BiddingZone_Domain.mRID><quantity_Measure_Unit.name>MAW</quantity_Measure_Unit.name>"
        f"<curveType>A03</curveType><MktPSRType><psrType>{psr}</psrType></MktPSRType><Period><timeInterval>"
        f"<start>{at(-1):%Y-%m-%dT%H:%MZ}</start><end>{at(-1 + hours):%Y-%m-%dT%H:%MZ}</end></timeInterval>"
        f"<resolution>{step}</resolution>{points}</Period></TimeSeries>"
    )


def entsoe_document(*series: str) -> bytes:
    """The whole document."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><GL_MarketDocument '
        'xmlns="urn:iec62325.351:tc57wg16:451-6:generationloaddocument:3:0"><mRID>x</mRID>'
        f"{''.join(series)}</GL_MarketDocument>"
    ).encode()


ENTSOE_NOTHING = (
    b'<?xml version="1.0"?><Acknowledgement_MarketDocument '
    b'xmlns="urn:iec62325.351:tc57wg16:451-1:acknowledgementdocument:7:0"><Reason><code>999</code>'
    b"<text>No matching data found for Data item Aggregated Generation per Type</text></Reason>"
    b"</Acknowledgement_MarketDocument>"
)


def eia_row(ended: int, fuel: str, value: str | None, **changes: Any) -> dict[str, Any]:
    """One fuel of one hour of California, named by the hour that it ends."""
    return {
        "period": at(ended).strftime("%Y-%m-%dT%H"),
        "respondent": "CISO",
        "respondent-name": "California Independent System Operator",
        "fueltype": fuel,
        "type-name": fuel,
        "value": value,
        "value-units": "megawatthours",
        **changes,
    }


def eia_document(*rows: dict[str, Any], total: int | str | None = None) -> dict[str, Any]:
    """Their document; the total comes as text."""
    response = {
        "total": str(len(rows)) if total is None else total,
        "dateFormat": 'YYYY-MM-DD"T"HH24',
        "frequency": "hourly",
        "data": list(rows),
    }
    return {"response": response, "request": {"command": "/v2/electricity/rto/fuel-type-data/data/"}}
