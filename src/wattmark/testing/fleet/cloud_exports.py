"""Carbon exports as clouds deliver them, of a simulated portfolio, with what is known to differ from it.

AWS: CSV files of CARBON_EMISSIONS, all 23 columns, in folders by model version and month; the first months
come in two versions. Google: the lines of the BigQuery table. Whoever imports them and reconciles must find
every difference that was put in here.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from wattmark.testing.fleet.portfolio import JOULES_PER_KWH, LOCATIONS, Location, PortfolioFleet

ACCOUNT, PROJECT = "111122223333", "123456789012"
OLD, NEW = "v2.5.0", "v3.0.0"
OVERLAP = 3
"""Months that come in the old version too."""
OLD_FACTOR = 0.8
"""What the old model states, of what the new one does."""
COMPUTE = 0.97
"""Scope 2 of compute as stated, of what the machines really caused."""
OTHERS = 0.08
"""Scope 2 of other services, of that of compute."""
SCOPE_1, SCOPE_3 = 0.01, 0.4
"""Of the Scope 2 of the same service."""
MARKET = 0.5
"""Market-based Scope 2, of the location-based one."""
GRAMS_PER_TONNE = 1e6
SERVICES: Mapping[str, tuple[tuple[str, float], ...]] = {
    "aws": (("AmazonEC2", COMPUTE), ("AmazonS3", COMPUTE * OTHERS)),
    "google": (("Compute Engine", COMPUTE), ("Cloud Storage", COMPUTE * OTHERS)),
}
AWS_FIGURES = (
    "total_lbm_emissions",
    "total_mbm_emissions",
    "total_scope_1_emissions",
    "total_scope_2_lbm_emissions",
    "total_scope_2_mbm_emissions",
    "total_scope_3_lbm_emissions",
    "total_scope_3_mbm_emissions",
)


@dataclass(slots=True)
class RegionTruth:
    """Grams of one cloud region in one month."""

    ours: float = 0.0
    """What its machines caused: direct factors."""
    scope_1: float = 0.0
    compute: float = 0.0
    others: float = 0.0
    scope_3: float = 0.0

    @property
    def remainder(self) -> float:
        """What a reconciliation must leave: the provider's compute less our own."""
        return self.compute - self.ours


@dataclass(slots=True)
class ExportTruth:
    """What was written, by region and month."""

    regions: dict[tuple[str, str], RegionTruth] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Line:
    """What is stated of one service, region and month, in grams."""

    at: Location
    month: date
    service: str
    scope_2: float

    @property
    def scope_1(self) -> float:
        return self.scope_2 * SCOPE_1

    @property
    def scope_3(self) -> float:
        return self.scope_2 * SCOPE_3

    def total(self, scope_2: float) -> float:
        """All scopes with this Scope 2."""
        return self.scope_1 + scope_2 + self.scope_3


def write_exports(fleet: PortfolioFleet, folder: Path) -> ExportTruth:
    """Write ``aws/`` and ``google/`` into a folder; the same fleet gives the same files."""
    truth = ExportTruth()
    lines = [*_lines(fleet, truth)]
    aws = [line for line in lines if line.at.provider == "aws"]
    months = sorted({line.month for line in aws})
    for version, some, factor in ((OLD, months[:OVERLAP], OLD_FACTOR), (NEW, months, 1.0)):
        for month in some:
            path = folder / "aws" / f"model_version={version}" / f"usage_period={month:%Y-%m}" / "carbon.csv"
            _write_aws(path, [line for line in aws if line.month == month], version, factor)
            truth.files.append(path)
    path = folder / "google" / "carbon_footprint.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    google = (line for line in lines if line.at.provider == "google")
    path.write_text("".join(json.dumps(_google(line)) + "\n" for line in google), encoding="utf-8")
    truth.files.append(path)
    return truth


def _lines(fleet: PortfolioFleet, truth: ExportTruth) -> Iterator[_Line]:
    clouds = {at.site: at for at in LOCATIONS if at.provider}
    joules: dict[tuple[str, str], float] = {}
    for run in fleet.runs:
        if run.subject.region in clouds and run.energies:
            key = run.subject.region, run.started_at[:7]
            joules[key] = joules.get(key, 0.0) + sum(row.energy_joules for row in run.energies)
    for (site, month), used in sorted(joules.items()):
        at = clouds[site]
        told = truth.regions[site, month] = RegionTruth(ours=used / JOULES_PER_KWH * at.pue * at.direct)
        for number, (service, factor) in enumerate(SERVICES[at.provider]):
            line = _Line(at, date.fromisoformat(f"{month}-01"), service, told.ours * factor)
            told.scope_1 += line.scope_1
            told.scope_3 += line.scope_3
            if number == 0:
                told.compute += line.scope_2
            else:
                told.others += line.scope_2
            yield line


def _write_aws(path: Path, lines: Sequence[_Line], version: str, factor: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [*_aws(lines[0], version, factor)])
        writer.writeheader()
        writer.writerows(_aws(line, version, factor) for line in lines)


def _aws(line: _Line, version: str, factor: float) -> dict[str, str]:
    market = line.scope_2 * MARKET
    scope_3 = line.scope_3
    values = (
        line.total(line.scope_2),
        line.total(market),
        line.scope_1,
        line.scope_2,
        market,
        scope_3,
        scope_3,
    )
    after = date(line.month.year + line.month.month // 12, line.month.month % 12 + 1, 1)
    row = {
        "last_refresh_timestamp": f"{after:%Y-%m}-{'15' if version == OLD else '20'}T00:00:00Z",
        "location": line.at.country,
        "model_version": version,
        "payer_account_id": ACCOUNT,
        "product_code": line.service,
        "region_code": line.at.site,
        "usage_account_id": ACCOUNT,
        "usage_period_start": f"{line.month}T00:00:00Z",
        "usage_period_end": f"{after}T00:00:00Z",
    }
    for name, grams in zip(AWS_FIGURES, values, strict=True):
        row[f"{name}_value"] = repr(grams * factor / GRAMS_PER_TONNE)
        row[f"{name}_unit"] = "MTCO2e"
    return dict(sorted(row.items()))


def _google(line: _Line) -> dict[str, object]:
    market = line.scope_2 * MARKET
    return {
        "usage_month": str(line.month),
        "billing_account_id": "000000-000000-000000",
        "project": {"id": None, "number": PROJECT},
        "service": {"id": line.service.lower().replace(" ", "-"), "description": line.service},
        "location": {"location": line.at.site, "region": line.at.site},
        "carbon_model_version": 10,
        "carbon_footprint_kgCO2e": {
            "scope1": line.scope_1 / 1000,
            "scope2": {"location_based": line.scope_2 / 1000, "market_based": market / 1000},
            "scope3": line.scope_3 / 1000,
        },
        "carbon_footprint_total_kgCO2e": {
            "location_based": line.total(line.scope_2) / 1000,
            "market_based": line.total(market) / 1000,
            "after_offsets": None,
        },
    }
