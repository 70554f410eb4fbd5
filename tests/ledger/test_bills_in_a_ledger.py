"""Bills beside measurements: every hour of a machine counts once, by the best that is known of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.builders import a_row, a_run
from tests.ledger.landing import NOW
from tests.sources.bill_world import portions, written
from tests.sources.test_aws_cur import I1, line
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.plain import plain
from wattmark.core.run import EnergyRow, Host, Place, Run, Subject
from wattmark.core.tags import TagRules
from wattmark.hashing import id_of_name
from wattmark.ledger.derive import refresh
from wattmark.ledger.engines.duckdb import DuckDbEngine
from wattmark.ledger.factors import Factors
from wattmark.ledger.fold import fold
from wattmark.ledger.inbox import land_run
from wattmark.ledger.rollup import Question, Rollup, roll_up
from wattmark.ledger.statements import Choice, StatementList
from wattmark.ledger.store import LocalStore

HOUR = 3600.0
MINE = "0f" * 8
"""The machine's own id: its runs say that it is called by its instance's name."""
NODE_WATTS = 96 * (0.6903 + 4.0632) / 2 + (1152 - 192) * 0.392
"""p4d.24xlarge without its GPUs, half busy."""
GPU_WATTS = 8 * 400 * 0.56


def bill(folder: Path, **cells: str) -> list[Run]:
    """The bill of a day of a p4d.24xlarge, hour by hour."""
    cells = {
        "line_item_usage_type": "BoxUsage:p4d.24xlarge",
        "product_instance_type": "p4d.24xlarge",
        **cells,
    }
    path = written(folder, *(line(1, h, **cells) for h in range(24)), name=f"{len(cells)}/bill.csv")
    return [run for p in portions("aws-cur", path) for run in p.runs]


def measured(*rows: EnergyRow) -> Run:
    """From 10:00 to 12:00 on the same machine, measured on it."""
    return a_run(
        record_id="measured",
        started_at="2026-05-01T10:00:00Z",
        started_monotonic_seconds=None,
        duration_seconds=2 * HOUR,
        host=Host(id=MINE, fingerprint="f", boot_id="b", names=(id_of_name(I1),)),
        energies=rows,
        subject=Subject(team="search"),
        place=Place(),
    )


def a_reading(device: str, component: str, watts: float, **changes: object) -> EnergyRow:
    """Two hours of a device."""
    fields: dict[str, object] = {
        "device_id": device,
        "component": component,
        "t0_seconds": 0.0,
        "duration_seconds": 2 * HOUR,
        "observed_seconds": 2 * HOUR,
        "energy_joules": watts * 2 * HOUR,
        "part_of": None,
    }
    return a_row(**{**fields, **changes})


def total(folder: Path, *runs: Run, by: tuple[str, ...] = ()) -> Rollup:
    """Totals at node boundary of a ledger with these records."""
    store = LocalStore(folder / "ledger")
    for run in runs:
        land_run(store, json.dumps(plain(run)).encode())
    fold(store, NOW)
    with DuckDbEngine() as engine:
        question = Question(by=by, boundary=Boundary.NODE)
        return roll_up(refresh(store, TagRules()), question, Factors(), engine)


def joules(found: Rollup, key: str) -> dict[str, float]:
    """Value of a key -> energy."""
    return {t.group[key]: t.energy.value for t in found.totals}


def test_a_bill_alone_is_a_day_at_grade_e(tmp_path: Path) -> None:
    """24 hours of the machine and of its GPUs."""
    found = total(tmp_path, *bill(tmp_path), by=("component",))
    assert joules(found, "component") == {
        "node": pytest.approx(24 * HOUR * NODE_WATTS),
        "gpu": pytest.approx(24 * HOUR * GPU_WATTS),
    }
    assert found.whole.energy.grade is Grade.E


def test_two_measured_hours_stand_and_the_bill_fills_the_other_22(tmp_path: Path) -> None:
    """CPU and GPUs were read by counters: of these hours nothing is left of the bill."""
    run = measured(a_reading(f"cpu:{MINE}/package-0", "cpu", 150), a_reading("GPU-" + "0" * 8, "gpu", 2000))
    found = total(tmp_path, *bill(tmp_path), run, by=("grade", "component"))
    got = {(t.group["grade"], t.group["component"]): t.energy.value for t in found.totals}
    assert got == {
        ("B", "cpu"): pytest.approx(2 * HOUR * 150),
        ("B", "gpu"): pytest.approx(2 * HOUR * 2000),
        ("E", "node"): pytest.approx(22 * HOUR * NODE_WATTS),
        ("E", "gpu"): pytest.approx(22 * HOUR * GPU_WATTS),
    }


def test_a_meter_of_the_machine_stands_and_the_bill_fills_the_rest(tmp_path: Path) -> None:
    """A reading of the whole machine holds its GPUs too."""
    node = a_reading(f"node:{MINE}", "node", 3000, boundary=Boundary.NODE, method=Method.BMC, grade=Grade.A)
    found = total(tmp_path, *bill(tmp_path), measured(node), by=("grade",))
    assert joules(found, "grade") == {
        "A": pytest.approx(2 * HOUR * 3000),
        "E": pytest.approx(22 * HOUR * (NODE_WATTS + GPU_WATTS)),
    }


def test_measured_gpus_leave_the_machine_around_them_to_the_bill(tmp_path: Path) -> None:
    """On most clouds GPUs are all that can be read."""
    found = total(
        tmp_path,
        *bill(tmp_path),
        measured(a_reading("GPU-" + "0" * 8, "gpu", 2000)),
        by=("grade", "component"),
    )
    got = {(t.group["grade"], t.group["component"]): t.energy.value for t in found.totals}
    assert got == {
        ("B", "gpu"): pytest.approx(2 * HOUR * 2000),
        ("E", "node"): pytest.approx(24 * HOUR * NODE_WATTS),
        ("E", "gpu"): pytest.approx(22 * HOUR * GPU_WATTS),
    }


def test_a_later_delivery_of_the_bill_replaces_the_earlier_one(tmp_path: Path) -> None:
    """The same day delivered twice, invoiced the second time: once."""
    once = total(tmp_path / "once", *bill(tmp_path))
    twice = total(tmp_path / "twice", *bill(tmp_path), *bill(tmp_path, bill_invoice_id="7"))
    assert twice.whole.energy.value == once.whole.energy.value


def test_a_pool_beside_machines_of_its_type_is_said(tmp_path: Path) -> None:
    """Nobody knows whether they are the same: both count, and the total says so."""
    labels = {"cloud.account.id": "111122223333", "host.type": "p4d.24xlarge"}
    run = measured(a_reading("GPU-" + "0" * 8, "gpu", 2000))
    run = replace(run, subject=Subject(region="us-east-2", labels=labels))
    pool = bill(tmp_path, line_item_resource_id="")
    found = total(tmp_path, *pool, run)
    (said,) = [f for f in found.findings if "count twice" in f]
    assert said.startswith("p4d.24xlarge of account 111122223333 in us-east-2: on 2026-05-01 a bill's pool")
    alone = total(tmp_path / "alone", *pool, replace(run, subject=Subject(region="us-east-2")))
    assert not any("count twice" in f for f in alone.findings)


def test_kinds_of_cost_are_never_one_sum(tmp_path: Path) -> None:
    """Unblended and effective cost state the same money in two ways, and a tax is a third thing."""
    store = LocalStore(tmp_path / "ledger")
    for run in [*bill(tmp_path), *bill(tmp_path, line_item_line_item_type="Tax", product_instance_type="")]:
        land_run(store, json.dumps(plain(run)).encode())
    fold(store, NOW)
    with StatementList(refresh(store, TagRules())) as asked:
        lines = asked.lines(Choice())
    assert {(x.terms.scopes, x.sum is None) for x in lines} <= {
        (("unblended",), False),
        (("effective",), False),
        (("unblended:Tax",), False),
    }
    assert {x.group["source"] for x in lines} == {"aws-cur"}
