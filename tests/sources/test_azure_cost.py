"""Azure's cost and usage details of both kinds of agreement."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sources.bill_world import (
    BillWorld,
    cost_runs,
    costs,
    energy_runs,
    joules,
    portions,
    reasons,
    written,
)
from wattmark.core.errors import EvidenceError
from wattmark.sources.azure_cost import day_us
from wattmark.sources.identity import host_of
from wattmark.testing.source_suite import SourceSuite, SourceWorld

VM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-7"
WATTS = 4 * (0.7668 + 3.7582) / 2 + 8 * 0.392
"""D4s v5, half busy: four threads of Ice Lake, and 8 GB more than their servers hold."""


def line(day: int = 1, **cells: str) -> dict[str, str]:
    """A day of a D4s v5 under an Enterprise Agreement."""
    return {
        "SubscriptionId": "sub-1",
        "ResourceLocation": "westeurope",
        "Date": f"05/{day:02}/2026",
        "MeterCategory": "Virtual Machines",
        "MeterSubCategory": "Dsv5 Series",
        "MeterName": "D4s v5",
        "UnitOfMeasure": "1 Hour",
        "Quantity": "24",
        "CostInBillingCurrency": "4.6",
        "BillingCurrencyCode": "EUR",
        "BillingPeriodStartDate": "05/01/2026",
        "ResourceId": VM,
        "AdditionalInfo": '{"ServiceType":"Standard_D4s_v5","VCPUs":4,"UsageType":"ComputeHR"}',
        "ChargeType": "Usage",
        "PricingModel": "OnDemand",
    } | cells


def disk() -> dict[str, str]:
    """A day of a disk."""
    return line(MeterCategory="Storage", UnitOfMeasure="1/Month", Quantity="0.03", AdditionalInfo="")


class TestAzureCost(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        spoiled = {"CostInBillingCurrency": "much"}
        return BillWorld(tmp_path, "azure-cost", [line(), disk(), line(2)], line(3), spoiled)


def test_a_day_of_a_machine(tmp_path: Path) -> None:
    """24 hours at half load, by the name of the VM, with its cost in euros."""
    brought = portions("azure-cost", written(tmp_path, line()))
    (run,) = energy_runs(brought)
    assert run.energies[0].energy_joules == pytest.approx(WATTS * 86400)
    assert run.host.id == host_of("vm-7")
    assert (run.subject.region, run.place.site) == ("westeurope", "westeurope")
    assert costs(brought) == {("Virtual Machines", "billed", "EUR"): 4.6}


@pytest.mark.parametrize(
    "cells",
    [
        {"AdditionalInfo": ""},
        {"AdditionalInfo": "", "MeterName": "D4s v5 Spot"},
        {"AdditionalInfo": "", "MeterName": "D4s v5/D4ds v5"},
        {"PricingModel": "Spot"},
        {"PricingModel": "Reservation", "CostInBillingCurrency": "0"},
        {"UnitOfMeasure": "10 Hours"},
        {"Date": "2026-05-01"},
    ],
    ids=["no details", "spot meter", "two names", "spot", "reserved", "block", "ISO"],
)
def test_a_machine_that_ran_ran_however_it_is_written(tmp_path: Path, cells: dict[str, str]) -> None:
    """The meter's name tells the type where no details do; the priced block is no factor."""
    assert joules(portions("azure-cost", written(tmp_path, line(**cells)))) == pytest.approx(WATTS * 86400)


@pytest.mark.parametrize(
    "cells",
    [
        {"MeterCategory": "Virtual Machines Licenses"},
        {"ChargeType": "Purchase"},
        {"ChargeType": "UnusedReservation"},
        {"ChargeType": "Refund", "CostInBillingCurrency": "-4"},
    ],
    ids=lambda cells: next(iter(cells.values())),
)
def test_what_is_about_money_has_no_hours(tmp_path: Path, cells: dict[str, str]) -> None:
    """Licences state the hours of their machine again; reservations that nobody used ran nothing."""
    brought = portions("azure-cost", written(tmp_path, line(**cells)))
    assert energy_runs(brought) == []
    assert len(cost_runs(brought)) == 1


def test_a_customer_agreement_writes_other_capitals(tmp_path: Path) -> None:
    """costInBillingCurrency, billingCurrency and date, in another order."""
    theirs = {name[0].lower() + name[1:]: value for name, value in reversed(line().items())}
    theirs["billingCurrency"] = theirs.pop("billingCurrencyCode")
    brought = portions("azure-cost", written(tmp_path, theirs))
    assert energy_runs(brought) == energy_runs(
        portions("azure-cost", written(tmp_path, line(), name="e.csv"))
    )
    assert costs(brought) == {("Virtual Machines", "billed", "EUR"): 4.6}


def test_a_scale_set_is_a_pool(tmp_path: Path) -> None:
    """72 hours of a set on one day are three machines that have no names here."""
    path = written(tmp_path, line(ResourceId="/s/virtualMachineScaleSets/aks", Quantity="72"))
    (run,) = energy_runs(portions("azure-cost", path))
    assert run.energies[0].device_id == f"pool:{run.host.id}"
    assert run.energies[0].energy_joules == pytest.approx(3 * WATTS * 86400)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"Quantity": "-1"}, "quantity -1 is negative"),
        ({"UnitOfMeasure": "1 GB"}, "unit '1 GB' of a machine is not known"),
        ({"Date": "31/05/2026"}, "date '31/05/2026' is no day"),
        ({"BillingCurrencyCode": ""}, "currency '' is no ISO 4217 code"),
        ({"AdditionalInfo": '{"ServiceType":"Standard_Q9"}'}, "24 h are not converted"),
        ({"AdditionalInfo": "", "MeterName": ""}, "'(no type stated)'"),
    ],
)
def test_impossible_rows_are_told_by_their_reason(tmp_path: Path, cells: dict[str, str], reason: str) -> None:
    """A type that is not known keeps its cost; anything else counts for nothing."""
    brought = portions("azure-cost", written(tmp_path, line(**cells)))
    assert reason in reasons(brought)[0]
    assert energy_runs(brought) == []


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        ("MeterCategory", "metercategory"),
        ("CostInBillingCurrency", "costinbillingcurrency, pretaxcost, cost"),
    ],
)
def test_a_column_that_is_gone_is_named(tmp_path: Path, gone: str, told: str) -> None:
    """With the other names that would do."""
    row = {k: v for k, v in line().items() if k != gone}
    with pytest.raises(EvidenceError, match=told):
        portions("azure-cost", written(tmp_path, row))


def test_days_are_written_month_first() -> None:
    """As Azure writes them: 05/12 is in May."""
    assert day_us("05/12/2026") == day_us("2026-05-12T00:00:00Z")
