"""FOCUS 1.0 to 1.2 of three providers: one format, three ways to say which machine."""

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
from wattmark.sources.focus import machine_of
from wattmark.sources.identity import host_of
from wattmark.testing.source_suite import SourceSuite, SourceWorld


def line(day: int = 1, **cells: str) -> dict[str, str]:
    """A day of an m5.2xlarge of AWS, as FOCUS 1.2 has it."""
    return {
        "BillingAccountId": "999988887777",
        "SubAccountId": "111122223333",
        "BillingCurrency": "USD",
        "BillingPeriodStart": "2026-05-01T00:00:00Z",
        "ChargePeriodStart": f"2026-05-{day:02}T00:00:00Z",
        "ChargePeriodEnd": f"2026-05-{day + 1:02}T00:00:00Z",
        "ChargeCategory": "Usage",
        "CommitmentDiscountStatus": "",
        "ConsumedQuantity": "24",
        "ConsumedUnit": "Hours",
        "ProviderName": "Amazon Web Services",
        "RegionId": "us-east-2",
        "ResourceId": "arn:aws:ec2:us-east-2:111122223333:instance/i-1",
        "ServiceName": "Amazon Elastic Compute Cloud",
        "SkuPriceDetails": '{"InstanceType": "m5.2xlarge"}',
        "BilledCost": "9.2",
        "EffectiveCost": "8.0",
        "InvoiceId": "",
    } | cells


def bucket() -> dict[str, str]:
    """A day of storage."""
    return line(
        ServiceName="Amazon Simple Storage Service", SkuPriceDetails="", ConsumedUnit="GB", ResourceId="b"
    )


class TestFocus(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        return BillWorld(tmp_path, "focus", [line(), bucket(), line(2)], line(3), {"BilledCost": "much"})


def test_a_day_of_a_machine(tmp_path: Path) -> None:
    """24 hours at half load, its name out of the ARN, both costs."""
    brought = portions("focus", written(tmp_path, line()))
    (run,) = energy_runs(brought)
    watts = 8 * (0.613 + 4.1042) / 2 + 16 * 0.392
    assert run.energies[0].energy_joules == pytest.approx(watts * 86400)
    assert run.host.id == host_of("i-1")
    assert run.subject.labels["cloud.account.id"] == "111122223333"
    assert costs(brought) == {
        ("Amazon Elastic Compute Cloud", "billed", "USD"): 9.2,
        ("Amazon Elastic Compute Cloud", "effective", "USD"): 8.0,
    }


@pytest.mark.parametrize(
    "cells",
    [
        {"SkuPriceDetails": '{"F_InstanceType": "m5.2xlarge"}'},
        {"SkuPriceDetails": '"InstanceType": "m5.2xlarge"'},
        {"SkuPriceDetails": "", "x_UsageType": "USE2-BoxUsage:m5.2xlarge", "x_ServiceCode": "AmazonEC2"},
        {"SkuPriceDetails": "", "x_InstanceType": "m5.2xlarge"},
        {"ConsumedUnit": "Hrs"},
        {"ConsumedUnit": "seconds", "ConsumedQuantity": "86400"},
    ],
    ids=["1.1", "no braces", "usage type of AWS", "own column", "Hrs", "seconds"],
)
def test_the_type_may_stand_in_several_places(tmp_path: Path, cells: dict[str, str]) -> None:
    """Versions and providers differ; the energy does not."""
    plain = joules(portions("focus", written(tmp_path, line(), name="plain.csv")))
    assert joules(portions("focus", written(tmp_path, line(**cells)))) == pytest.approx(plain)


@pytest.mark.parametrize(
    "cells",
    [
        {"ChargeCategory": "Purchase"},
        {"ChargeCategory": "Tax"},
        {"ChargeCategory": "Credit", "BilledCost": "-4"},
        {"ChargeCategory": "Adjustment"},
        {"CommitmentDiscountStatus": "Unused"},
        {"x_UsageType": "USE2-EBSOptimized:m4.large", "x_ServiceCode": "AmazonEC2"},
    ],
    ids=lambda cells: next(iter(cells.values())),
)
def test_what_is_about_money_has_no_hours(tmp_path: Path, cells: dict[str, str]) -> None:
    """Purchases, taxes and reservations that nobody used cost, and no machine ran."""
    brought = portions("focus", written(tmp_path, line(**cells)))
    assert energy_runs(brought) == []
    assert len(cost_runs(brought)) == 1


AZURE = {
    "ProviderName": "Microsoft",
    "RegionId": "westeurope",
    "ServiceName": "Virtual Machines",
    "SkuPriceDetails": "",
    "x_SkuDetails": '{"ServiceType":"Standard_D4s_v5","VCPUs":4}',
    "x_SkuMeterCategory": "Virtual Machines",
    "ResourceId": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/vm-7",
}


def test_azure_states_the_type_in_the_details_of_its_meter(tmp_path: Path) -> None:
    """Four threads of Ice Lake for a day, by the name of the VM; its licence is no machine."""
    day = line(**AZURE)
    licence = {**day, "x_SkuMeterCategory": "Virtual Machines Licenses"}
    brought = portions("focus", written(tmp_path, day, licence))
    (run,) = energy_runs(brought)
    assert run.host.id == host_of("vm-7")
    watts = 4 * (0.7668 + 3.7582) / 2 + 8 * 0.392
    assert run.energies[0].energy_joules == pytest.approx(watts * 86400)
    assert run.subject.labels["cloud.provider"] == "azure"


def test_a_scale_set_is_no_machine() -> None:
    """Its id names many."""
    assert machine_of("azure", "/subscriptions/s/.../virtualMachineScaleSets/pool") == ""
    assert machine_of("google", "//compute.googleapis.com/projects/p/zones/z/instances/vm-1") == "vm-1"


def test_providers_may_stand_in_newer_columns(tmp_path: Path) -> None:
    """1.3 writes HostProviderName; an unknown provider's types are unknown, and said."""
    row = {k: v for k, v in line().items() if k != "ProviderName"} | {"HostProviderName": "Nimbus"}
    brought = portions("focus", written(tmp_path, row))
    assert "does not know the Nimbus type 'm5.2xlarge'" in reasons(brought)[0]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"ConsumedUnit": "Requests"}, "unit 'Requests' of ConsumedQuantity is not known"),
        ({"ConsumedQuantity": "-1"}, "ConsumedQuantity -1 is negative"),
        ({"BillingCurrency": "$"}, "currency '$' is no ISO 4217 code"),
        ({"ChargePeriodStart": "May"}, "ChargePeriodStart 'May' is no time"),
    ],
)
def test_impossible_rows_are_told_by_their_reason(tmp_path: Path, cells: dict[str, str], reason: str) -> None:
    """Nothing of such a row counts."""
    brought = portions("focus", written(tmp_path, line(**cells)))
    assert reason in reasons(brought)[0]
    assert not any(p.runs for p in brought)


def test_a_column_that_is_gone_is_named(tmp_path: Path) -> None:
    """Under its name in the specification."""
    row = {k: v for k, v in line().items() if k != "ChargeCategory"}
    with pytest.raises(EvidenceError, match="has no column ChargeCategory"):
        portions("focus", written(tmp_path, row))
