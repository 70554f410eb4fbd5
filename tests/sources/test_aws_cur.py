"""AWS Cost and Usage Reports, legacy and 2.0: hours become energy at grade E, money stays money."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.sources.bill_world import (
    BillWorld,
    cost_runs,
    costs,
    csv_text,
    energy_runs,
    joules,
    notes,
    portions,
    reasons,
    written,
)
from wattmark.core.errors import EvidenceError
from wattmark.core.known import Boundary, Grade, Method
from wattmark.sources.aws_cur import column
from wattmark.sources.identity import host_of
from wattmark.testing.source_suite import SourceSuite, SourceWorld

HOUR = 3600.0
I1 = "i-0123456789abcdef0"


def line(day: int = 1, hour: int = 0, **cells: str) -> dict[str, str]:
    """One hour of an m5.2xlarge in May 2026, in the columns of CUR 2.0."""
    at = f"2026-05-{day:02}T{hour:02}:00:00.000Z"
    until = (
        f"2026-05-{day:02}T{hour + 1:02}:00:00.000Z" if hour < 23 else f"2026-05-{day + 1:02}T00:00:00.000Z"
    )
    return {
        "identity_line_item_id": "",
        "identity_time_interval": "",
        "bill_billing_period_start_date": "2026-05-01T00:00:00.000Z",
        "bill_invoice_id": "",
        "line_item_line_item_type": "Usage",
        "line_item_usage_start_date": at,
        "line_item_usage_end_date": until,
        "line_item_usage_account_id": "111122223333",
        "line_item_product_code": "AmazonEC2",
        "line_item_usage_type": "USE2-BoxUsage:m5.2xlarge",
        "line_item_usage_amount": "1",
        "line_item_resource_id": I1,
        "line_item_unblended_cost": "0.384",
        "line_item_currency_code": "USD",
        "reservation_effective_cost": "",
        "savings_plan_savings_plan_effective_cost": "",
        "product_instance_type": "m5.2xlarge",
        "product_region_code": "us-east-2",
        "pricing_unit": "Hrs",
    } | cells


def other(**cells: str) -> dict[str, str]:
    """A line that is about no machine."""
    return line(
        line_item_product_code="AmazonS3",
        line_item_usage_type="USE2-Requests-Tier1",
        product_instance_type="",
        line_item_resource_id="bucket",
        pricing_unit="Requests",
        line_item_usage_amount="1000",
        line_item_unblended_cost="0.5",
        **cells,
    )


class TestAwsCur(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        rows = [line(1, 0), other(), line(1, 1), line(2, 0, line_item_resource_id="")]
        return BillWorld(tmp_path, "aws-cur", list(rows), line(3, 0), {"line_item_unblended_cost": "much"})


def test_an_hour_of_a_machine_is_its_watts_for_an_hour(tmp_path: Path) -> None:
    """m5.2xlarge: 8 threads of Skylake (0.613 to 4.1042 W), 16 GB more than their servers hold, half busy."""
    brought = portions("aws-cur", written(tmp_path, line()))
    (run,) = energy_runs(brought)
    (row,) = run.energies
    watts = 8 * (0.613 + 4.1042) / 2 + 16 * 0.392
    assert row.energy_joules == pytest.approx(watts * HOUR)
    assert (row.grade, row.method, row.boundary) == (Grade.E, Method.DECLARED, Boundary.NODE)
    assert row.device_id == f"node:{host_of(I1)}"
    assert run.host.id == host_of(I1)
    assert (run.subject.region, run.place.site) == ("us-east-2", "us-east-2")
    assert dict(run.subject.labels) == {
        "cloud.provider": "aws",
        "cloud.account.id": "111122223333",
        "cloud.service": "AmazonEC2",
        "host.type": "m5.2xlarge",
    }
    assert I1 not in repr(run)


def test_hourly_lines_of_a_day_are_the_day(tmp_path: Path) -> None:
    """24 lines of an hour are one row of 24 hours, equal to one daily line."""
    hourly = portions("aws-cur", written(tmp_path, *(line(1, h) for h in range(24))))
    day = line(1, line_item_usage_end_date="2026-05-02T00:00:00Z", line_item_usage_amount="24")
    daily = portions("aws-cur", written(tmp_path, day, name="daily.csv"))
    assert energy_runs(hourly)[0].energies == energy_runs(daily)[0].energies
    assert energy_runs(hourly)[0].record_id == energy_runs(daily)[0].record_id
    assert energy_runs(hourly)[0].duration_seconds == 24 * HOUR


def test_the_load_that_nobody_measured_is_in_the_error(tmp_path: Path) -> None:
    """Half busy is a guess, and the error holds idle and full; whoever states a load is believed so far."""
    path = written(tmp_path, line())
    silent = portions("aws-cur", path)
    assert "nobody stated how busy" in notes(silent)
    (row,) = energy_runs(silent)[0].energies
    idle, full = 8 * 0.613 + 6.272, 8 * 4.1042 + 6.272
    assert row.errors["bill:utilisation"] == pytest.approx((full - idle) / (full + idle))
    assert row.errors["instances:Skylake"] == 0.5
    stated = portions("aws-cur", path, utilisation="1", utilisation_error="0")
    assert joules(stated) == pytest.approx(full * HOUR)
    assert energy_runs(stated)[0].energies[0].errors["bill:utilisation"] == 0
    assert "nobody stated" not in notes(stated)


def test_a_file_of_loads_goes_by_machine_and_type(tmp_path: Path) -> None:
    """The machine's own load before its type's, and an error of its own."""
    loads = tmp_path / "loads.csv"
    loads.write_text(f"resource,instance_type,cpu\n{I1},,0\n,m5.2xlarge,1\n")
    path = written(tmp_path, line(), line(line_item_resource_id="i-2"), name="r/bill.csv")
    one, two = sorted(
        row.energy_joules
        for r in energy_runs(portions("aws-cur", path, utilisation=str(loads)))
        for row in r.energies
    )
    assert one == pytest.approx((8 * 0.613 + 6.272) * HOUR)
    assert two == pytest.approx((8 * 4.1042 + 6.272) * HOUR)


def test_gpus_and_the_machine_around_them_are_kept_apart(tmp_path: Path) -> None:
    """p4d.24xlarge half busy: eight A100 of 400 W between 12 % and all of it, 1792 W; part of nothing."""
    gpu_line = line(line_item_usage_type="BoxUsage:p4d.24xlarge", product_instance_type="p4d.24xlarge")
    node, gpu = energy_runs(portions("aws-cur", written(tmp_path, gpu_line)))[0].energies
    assert (node.component, gpu.component) == ("node", "gpu")
    assert gpu.device_id == f"gpu:{host_of(I1)}/unnamed"
    assert gpu.energy_joules == pytest.approx(8 * 400 * (0.12 + 0.5 * 0.88) * HOUR)
    assert "without its 8 accelerators" in node.note
    assert gpu.part_of is None
    assert (gpu.boundary, gpu.grade) == (Boundary.DEVICE, Grade.E)


def test_lines_without_a_machine_are_a_pool(tmp_path: Path) -> None:
    """Two types in one region are two pools; hours add up, more than a machine can have."""
    path = written(
        tmp_path,
        line(line_item_resource_id="", line_item_usage_amount="10"),
        line(line_item_resource_id="", line_item_usage_amount="2"),
        line(
            line_item_resource_id="",
            line_item_usage_type="BoxUsage:c5.large",
            product_instance_type="c5.large",
        ),
    )
    small, large = energy_runs(portions("aws-cur", path))
    assert small.host.id != large.host.id
    assert all(r.energies[0].device_id == f"pool:{r.host.id}" for r in (small, large))
    assert "12 instance-hours of m5.2xlarge" in large.energies[0].note


def test_a_resource_that_is_several_machines_is_a_pool(tmp_path: Path) -> None:
    """An endpoint with three instances has three hours in one: no machine's name stands for them."""
    brought = portions("aws-cur", written(tmp_path, line(line_item_usage_amount="3")))
    assert energy_runs(brought)[0].energies[0].device_id.startswith("pool:")
    assert "several machines" in notes(brought)


def test_a_name_that_other_sources_know_can_be_told(tmp_path: Path) -> None:
    """A file of hosts says under which name the machine measures itself."""
    hosts = tmp_path / "hosts.csv"
    hosts.write_text(f"resource,host\n{I1},ip-10-0-0-5\n")
    path = written(tmp_path, line(), name="r/bill.csv")
    assert energy_runs(portions("aws-cur", path, hosts=str(hosts)))[0].host.id == host_of("ip-10-0-0-5")


@pytest.mark.parametrize(
    "cells",
    [
        {"line_item_line_item_type": "RIFee", "line_item_usage_amount": "744"},
        {"line_item_line_item_type": "SavingsPlanRecurringFee"},
        {"line_item_line_item_type": "Tax"},
        {"line_item_line_item_type": "Credit", "line_item_unblended_cost": "-5"},
        {"line_item_line_item_type": "Refund", "line_item_unblended_cost": "-5"},
        {"line_item_usage_type": "EBSOptimized:m4.large"},
        {"line_item_usage_type": "CPUCredits:t3", "pricing_unit": "vCPU-Hours"},
        {"line_item_product_code": "ElasticMapReduce"},
    ],
    ids=lambda cells: "-".join(cells.values()),
)
def test_what_is_about_money_has_no_hours(tmp_path: Path, cells: dict[str, str]) -> None:
    """Fees, taxes, credits and surcharges cost, and no machine ran for them a second time."""
    brought = portions("aws-cur", written(tmp_path, line(**cells)))
    assert energy_runs(brought) == []
    assert reasons(brought) == []
    assert len(cost_runs(brought)) == 1


@pytest.mark.parametrize(
    "usage", ["SpotUsage:m5.2xlarge", "DedicatedUsage:m5.2xlarge", "BoxUsage:m5.2xlarge"]
)
@pytest.mark.parametrize("kind", ["Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"])
def test_a_machine_that_ran_ran_however_it_was_paid_for(tmp_path: Path, usage: str, kind: str) -> None:
    """Spot, dedicated, reserved or under a savings plan: the hour is the same hour."""
    path = written(tmp_path, line(line_item_usage_type=usage, line_item_line_item_type=kind))
    assert joules(portions("aws-cur", path)) == joules(portions("aws-cur", written(tmp_path, line())))


def test_money_is_kept_by_what_it_is(tmp_path: Path) -> None:
    """Unblended and effective cost of usage side by side, tax and credit each by themselves."""
    path = written(
        tmp_path,
        line(),
        line(1, 1, line_item_line_item_type="DiscountedUsage", line_item_unblended_cost="0")
        | {"reservation_effective_cost": "0.2"},
        line(line_item_line_item_type="Tax", line_item_unblended_cost="7"),
        line(line_item_line_item_type="Credit", line_item_unblended_cost="-3"),
    )
    brought = portions("aws-cur", path)
    assert costs(brought) == {
        ("AmazonEC2", "unblended", "USD"): pytest.approx(0.384),
        ("AmazonEC2", "effective", "USD"): pytest.approx(0.584),
        ("AmazonEC2", "unblended:Tax", "USD"): 7,
        ("AmazonEC2", "unblended:Credit", "USD"): -3,
    }
    (run,) = cost_runs(brought)
    assert run.energies == ()
    assert (run.started_at, run.duration_seconds) == ("2026-05-01T00:00:00.000000Z", 31 * 86400)
    assert {s.period for s in run.statements} == {"2026-05"}


def test_an_unknown_type_is_bad_and_its_hours_are_told(tmp_path: Path) -> None:
    """Never zero joules: the row is named, its cost is kept, and the hours stand in a note."""
    strange = {"line_item_usage_type": "BoxUsage:z99.large", "product_instance_type": "z99.large"}
    brought = portions("aws-cur", written(tmp_path, line(**strange), line(1, 1, **strange)))
    assert energy_runs(brought) == []
    assert all("1 h are not converted" in r and "'z99.large'" in r for r in reasons(brought))
    assert "2 hours are not converted to energy: z99.large (2 h)" in notes(brought)
    assert costs(brought)["AmazonEC2", "unblended", "USD"] == pytest.approx(0.768)


def test_accelerators_of_unpublished_power_are_not_guessed(tmp_path: Path) -> None:
    """Trainium publishes no watts."""
    trn = {"line_item_usage_type": "BoxUsage:trn1.32xlarge", "product_instance_type": "trn1.32xlarge"}
    brought = portions("aws-cur", written(tmp_path, line(**trn)))
    assert "the power of aws-trainium-1" in reasons(brought)[0]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"line_item_usage_amount": "-1"}, "is negative"),
        ({"line_item_usage_amount": "many"}, "line_item_usage_amount 'many' is not a number"),
        ({"pricing_unit": "GB-Mo"}, "unit 'GB-Mo' of line_item_usage_amount is not known"),
        ({"line_item_currency_code": "Dollars"}, "currency 'Dollars' is no ISO 4217 code"),
        ({"line_item_usage_start_date": "yesterday"}, "line_item_usage_start_date 'yesterday' is no time"),
        ({"line_item_usage_end_date": "2026-05-01T00:00:00Z"}, "ends before it begins"),
    ],
)
def test_impossible_rows_are_told_by_their_reason(tmp_path: Path, cells: dict[str, str], reason: str) -> None:
    """Nothing of such a row counts, neither its hours nor its cost."""
    brought = portions("aws-cur", written(tmp_path, line(**cells)))
    assert [p.runs for p in brought if p.runs] == []
    assert reason in reasons(brought)[0]


def test_half_a_file_is_told(tmp_path: Path) -> None:
    """A download that broke off in the middle of a row leaves a row that is bad, and the rest stands."""
    text = csv_text([line(), line(1, 1)])
    path = tmp_path / "bill.csv"
    path.write_text(text[: len(text) - 40])
    brought = portions("aws-cur", path)
    assert "is the file cut off?" in reasons(brought)[0]
    assert len(energy_runs(brought)) == 1
    packed = tmp_path / "bill.csv.gz"
    packed.write_bytes(gzip.compress(text.encode())[:-20])
    with pytest.raises(EvidenceError, match="cannot be unpacked"):
        portions("aws-cur", packed)


def test_a_column_that_is_gone_is_named(tmp_path: Path) -> None:
    """Before any row is read, under the name that the report should have."""
    renamed = {("usage_quantity" if k == "line_item_usage_amount" else k): v for k, v in line().items()}
    with pytest.raises(EvidenceError, match="has no column line_item_usage_amount"):
        portions("aws-cur", written(tmp_path, renamed))


LEGACY = {
    "identity/LineItemId": "identity_line_item_id",
    "bill/BillingPeriodStartDate": "bill_billing_period_start_date",
    "bill/InvoiceId": "bill_invoice_id",
    "lineItem/LineItemType": "line_item_line_item_type",
    "lineItem/UsageStartDate": "line_item_usage_start_date",
    "lineItem/UsageEndDate": "line_item_usage_end_date",
    "lineItem/UsageAccountId": "line_item_usage_account_id",
    "lineItem/ProductCode": "line_item_product_code",
    "lineItem/UsageType": "line_item_usage_type",
    "lineItem/UsageAmount": "line_item_usage_amount",
    "lineItem/ResourceId": "line_item_resource_id",
    "lineItem/UnblendedCost": "line_item_unblended_cost",
    "lineItem/CurrencyCode": "line_item_currency_code",
    "product/instanceType": "product_instance_type",
    "product/regionCode": "product_region_code",
    "pricing/unit": "pricing_unit",
    "savingsPlan/SavingsPlanEffectiveCost": "savings_plan_savings_plan_effective_cost",
    "reservation/EffectiveCost": "reservation_effective_cost",
}


def test_the_legacy_report_says_the_same(tmp_path: Path) -> None:
    """lineItem/UsageAmount in a packed file is line_item_usage_amount in a plain one."""
    assert {column(old): new for old, new in LEGACY.items()} == {new: new for new in LEGACY.values()}
    old = tmp_path / "old" / "bill.csv.gz"
    old.parent.mkdir()
    text = csv_text([{name: line()[new] for name, new in LEGACY.items()}])
    old.write_bytes(gzip.compress(text.encode()))
    new = written(tmp_path, line())
    assert energy_runs(portions("aws-cur", old)) == energy_runs(portions("aws-cur", new))


def test_parquet_says_the_same(tmp_path: Path) -> None:
    """Times, numbers and the map of product columns of CUR 2.0, as they lie in the bucket."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    from datetime import UTC, datetime

    cells: dict[str, object] = dict(line())
    del cells["product_instance_type"], cells["product_region_code"]
    cells["line_item_usage_start_date"] = datetime(2026, 5, 1, tzinfo=UTC)
    cells["line_item_usage_end_date"] = datetime(2026, 5, 1, 1, tzinfo=UTC)
    cells["line_item_usage_amount"] = 1.0
    table = pa.table({name: [value] for name, value in cells.items()})
    product = pa.array(
        [[("instance_type", "m5.2xlarge"), ("region_code", "us-east-2")]], pa.map_(pa.string(), pa.string())
    )
    path = tmp_path / "p" / "bill.parquet"
    path.parent.mkdir()
    pq.write_table(table.append_column("product", product), path)
    assert energy_runs(portions("aws-cur", path)) == energy_runs(
        portions("aws-cur", written(tmp_path, line()))
    )
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(EvidenceError, match="is no Parquet file"):
        portions("aws-cur", path)


def test_the_map_of_products_may_be_a_text(tmp_path: Path) -> None:
    """In CSV, CUR 2.0 writes it as JSON."""
    product = json.dumps({"instance_type": "m5.2xlarge", "region_code": "us-east-2"})
    path = written(tmp_path, line(product_instance_type="", product_region_code="") | {"product": product})
    assert energy_runs(portions("aws-cur", path))[0].subject.region == "us-east-2"


def test_a_later_delivery_replaces_an_earlier_one(tmp_path: Path) -> None:
    """The same month again, half a day longer and with other hours: same records, higher seq, not the sum."""
    early = written(tmp_path, line(1, 0), line(1, 1), name="20260501/bill.csv")
    late = written(
        tmp_path,
        line(1, 0),
        line(1, 1, line_item_usage_amount="0.5"),
        line(1, 2),
        name="20260502/bill.csv",
    )
    brought = portions("aws-cur", early, late)
    first, second = energy_runs(brought)
    assert first.record_id == second.record_id
    assert first.seq < second.seq
    assert second.energies[-1].energy_joules == pytest.approx(first.energies[0].energy_joules / 2)
    alone = portions("aws-cur", late)
    assert energy_runs(alone) == [second]


def test_an_invoice_comes_after_what_is_none(tmp_path: Path) -> None:
    """The same hours, final now; and whoever knows when a bill was written may say so."""
    open_, closed = (
        written(tmp_path, line(bill_invoice_id=i), name=f"{i or 'open'}/bill.csv") for i in ("", "123")
    )
    seqs = [energy_runs(portions("aws-cur", path))[0].seq for path in (open_, closed)]
    assert seqs[1] == seqs[0] + 1
    told = portions("aws-cur", open_, delivered="2026-06-05T00:00:00Z")
    assert energy_runs(told)[0].seq > seqs[1]


def test_a_file_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    """Lines of one delivery have ids; the same id again is the same line."""
    ids = {"identity_line_item_id": "abc", "identity_time_interval": "2026-05-01T00:00:00Z/..."}
    one = written(tmp_path, line(**ids), name="d/1.csv")
    two = written(tmp_path, line(**ids), name="d/2.csv")
    brought = portions("aws-cur", one, two)
    assert joules(brought) == joules(portions("aws-cur", one))
    assert sum(p.ignored for p in brought) == 1
