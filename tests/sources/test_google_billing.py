"""Google Cloud's detailed billing export: cores, memory and GPUs of one machine are lines of their own."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.sources.bill_world import cost_runs, costs, energy_runs, joules, portions, reasons
from wattmark.core.errors import EvidenceError
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, open_source
from wattmark.sources.identity import host_of
from wattmark.testing.source_suite import SourceSuite, SourceWorld

WATTS = 4 * (0.7668 + 3.7582) / 2 + 8 * 0.392
"""n2-standard-4, half busy: four threads of Ice Lake, and 8 GB more than their servers hold."""


def row(hour: int = 0, **changes: Any) -> dict[str, Any]:
    """An hour of the cores of an n2-standard-4."""
    found: dict[str, Any] = {
        "billing_account_id": "01AB",
        "service": {"id": "6F81-5844-456A", "description": "Compute Engine"},
        "sku": {"id": "1", "description": "N2 Instance Core running in Belgium"},
        "usage_start_time": f"2026-05-01 {hour:02}:00:00 UTC",
        "usage_end_time": f"2026-05-01 {hour + 1:02}:00:00 UTC",
        "project": {"id": "vision"},
        "system_labels": [
            {"key": "compute.googleapis.com/machine_spec", "value": "n2-standard-4"},
            {"key": "compute.googleapis.com/cores", "value": "4"},
            {"key": "compute.googleapis.com/memory", "value": "16384"},
        ],
        "location": {"location": "europe-west1", "country": "BE", "region": "europe-west1"},
        "resource": {"name": "projects/vision/instances/vm-1", "global_name": "//compute/1"},
        "cost": 0.14,
        "currency": "EUR",
        "usage": {
            "amount": 14400,
            "unit": "seconds",
            "amount_in_pricing_units": 4,
            "pricing_unit": "hour",
        },
        "credits": [{"name": "Sustained use", "amount": -0.04}],
        "invoice": {"month": "202605"},
        "cost_type": "regular",
        "export_time": "2026-05-02 05:00:00 UTC",
    }
    return {**copy.deepcopy(found), **changes}


def memory(hour: int = 0, **changes: Any) -> dict[str, Any]:
    """The memory of the same hour."""
    usage = {"amount": 6e13, "unit": "byte-seconds"}
    sku = {"id": "2", "description": "N2 Instance Ram running in Belgium"}
    return row(hour, sku=sku, usage=usage, **changes)


def bucket(**changes: Any) -> dict[str, Any]:
    """Storage."""
    service = {"id": "3", "description": "Cloud Storage"}
    return row(service=service, sku={"id": "3", "description": "Standard Storage"}, **changes)


def written(folder: Path, *rows: dict[str, Any], name: str = "rows.json") -> Path:
    """Newline-delimited JSON."""
    path = folder / name
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return path


class GoogleWorld:
    """A file of exported rows."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.path = folder, folder / "rows.json"
        self._rows = [row(0), bucket(), row(1)]
        self._write()

    def _write(self) -> None:
        written(self.path.parent, *self._rows, name=self.path.name)

    @property
    def rows(self) -> int:
        return len(self._rows)

    @property
    def named(self) -> str:
        return self.path.name

    def open(self) -> Source:
        return open_source("google-billing", [str(self.path)], Asked())

    def grow(self) -> None:
        self._rows.append(row(2, export_time="2026-05-02 09:00:00 UTC"))
        self._write()

    def move(self) -> None:
        (self._folder / "elsewhere").mkdir()
        self.path = Path(shutil.move(self.path, self._folder / "elsewhere" / "old.json"))

    def damage(self) -> str:
        self._rows[1]["cost"] = "much"
        self._write()
        return f"{self.path.name}:2"

    def garble(self) -> None:
        self.path.write_text("<html><body>Not found</body></html>\n")

    def remove(self) -> None:
        self.path.unlink()


class TestGoogleBilling(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        return GoogleWorld(tmp_path)


def test_the_cores_of_an_hour_are_the_machine(tmp_path: Path) -> None:
    """14400 core-seconds of four cores are an hour; the memory of the same hour does not count it again."""
    brought = portions("google-billing", written(tmp_path, row(), memory()))
    (run,) = energy_runs(brought)
    assert run.energies[0].energy_joules == pytest.approx(WATTS * 3600)
    assert run.host.id == host_of("vm-1")
    assert (run.place.site, run.subject.labels["host.type"]) == ("europe-west1", "n2-standard-4")
    assert costs(brought) == {
        ("Compute Engine", "before credits", "EUR"): pytest.approx(0.28),
        ("Compute Engine", "after credits", "EUR"): pytest.approx(0.20),
    }


def test_credits_that_are_written_as_text_are_taken_off(tmp_path: Path) -> None:
    """BigQuery writes NUMERIC so: the cost after them is as much less as with a number."""
    costs_of = [
        costs(portions("google-billing", written(tmp_path, row(credits=[{"name": "c", "amount": amount}]))))
        for amount in (-0.04, "-0.04")
    ]
    assert costs_of[0] == costs_of[1]
    told = {kind: cost for (_, kind, _), cost in costs_of[0].items()}
    assert told["before credits"] - told["after credits"] == pytest.approx(0.04)


def test_attached_gpus_are_lines_of_their_own(tmp_path: Path) -> None:
    """Two T4 of 70 W for an hour, half busy: 2 x 39.2 W; on the host that they are attached to."""
    sku = {"id": "4", "description": "Nvidia Tesla T4 GPU running in Belgium"}
    gpus = row(sku=sku, usage={"amount": 7200, "unit": "seconds"})
    both = energy_runs(portions("google-billing", written(tmp_path, row(), gpus)))
    by_component = {r.component: r for run in both for r in run.energies}
    assert by_component["gpu"].energy_joules == pytest.approx(2 * 70 * 0.56 * 3600)
    assert by_component["gpu"].device_id == f"gpu:{host_of('vm-1')}/unnamed"
    assert by_component["node"].energy_joules == pytest.approx(WATTS * 3600)


def test_gpus_of_a_type_that_has_them_count_once(tmp_path: Path) -> None:
    """a2-highgpu-1g is billed by its cores and by its GPU: one A100, not two."""
    labels = [
        {"key": "compute.googleapis.com/machine_spec", "value": "a2-highgpu-1g"},
        {"key": "compute.googleapis.com/cores", "value": "12"},
    ]
    cores = row(system_labels=labels, usage={"amount": 43200, "unit": "seconds"})
    sku = {"id": "4", "description": "Nvidia Tesla A100 GPU running in Belgium"}
    gpu = row(system_labels=labels, sku=sku, usage={"amount": 3600, "unit": "seconds"})
    rows = [
        r
        for run in energy_runs(portions("google-billing", written(tmp_path, cores, gpu)))
        for r in run.energies
    ]
    (a100,) = [r for r in rows if r.component == "gpu"]
    assert a100.energy_joules == pytest.approx(400 * 0.56 * 3600)


def test_a_gpu_that_nobody_knows_is_told(tmp_path: Path) -> None:
    """Its hours are not converted, and not zero."""
    sku = {"id": "4", "description": "Zeta GPU running in Belgium"}
    brought = portions("google-billing", written(tmp_path, row(sku=sku)))
    assert "4 h are not converted: no rated power of 'Zeta GPU running in Belgium'" in reasons(brought)[0]


@pytest.mark.parametrize("kind", ["tax", "adjustment", "rounding_error"])
def test_what_is_about_money_has_no_hours(tmp_path: Path, kind: str) -> None:
    """It is kept under its own name."""
    brought = portions("google-billing", written(tmp_path, row(cost_type=kind)))
    assert energy_runs(brought) == []
    assert {s.basis for r in cost_runs(brought) for s in r.statements} == {
        f"before credits:{kind}",
        f"after credits:{kind}",
    }


def test_a_shared_core_machine_is_billed_whole(tmp_path: Path) -> None:
    """An hour of e2-micro is an hour, whatever its label says of cores."""
    labels = [
        {"key": "compute.googleapis.com/machine_spec", "value": "f1-micro"},
        {"key": "compute.googleapis.com/cores", "value": "1"},
    ]
    sku = {"id": "5", "description": "Micro Instance with burstable CPU running in Belgium"}
    path = written(tmp_path, row(sku=sku, system_labels=labels, usage={"amount": 3600, "unit": "seconds"}))
    assert joules(portions("google-billing", path)) == pytest.approx((0.613 + 4.1042) / 2 * 3600)


def test_numbers_may_be_texts(tmp_path: Path) -> None:
    """BigQuery writes NUMERIC as a text."""
    path = written(tmp_path, row(cost="0.14", usage={"amount": "14400", "unit": "seconds"}))
    assert joules(portions("google-billing", path)) == pytest.approx(WATTS * 3600)


def test_when_rows_were_exported_tells_which_is_newer(tmp_path: Path) -> None:
    """The export states it itself, so a later export of the same hours replaces the earlier one."""
    early = portions("google-billing", written(tmp_path, row()))
    later = row(export_time="2026-06-02 05:00:00 UTC", usage={"amount": 7200, "unit": "seconds"})
    late = portions("google-billing", written(tmp_path, later))
    (one,), (two,) = energy_runs(early), energy_runs(late)
    assert (one.record_id, one.seq < two.seq) == (two.record_id, True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"usage": {"amount": -1, "unit": "seconds"}}, "usage.amount -1 is negative"),
        ({"usage": {"amount": "x", "unit": "seconds"}}, "usage.amount 'x' is not a number"),
        ({"cost": "nan"}, "cost 'nan' is not a number"),
        ({"cost": None}, "cost is missing"),
        ({"usage": {"unit": "seconds"}}, "usage.amount is missing"),
        ({"credits": [{"name": "Sustained use"}]}, "amount is missing"),
        ({"credits": [{"amount": "much"}]}, "amount 'much' is not a number"),
        ({"cost": 10**400}, "cost 1000000000"),
        ({"cost": True}, "cost True is not a number"),
        ({"cost": "1e308"}, "before credits cost 1e+308 cannot be"),
        ({"usage": {"amount": "1e308", "unit": "seconds"}}, "instance-hours cannot be"),
        ({"currency": "Euro"}, "currency 'Euro' is no ISO 4217 code"),
        ({"usage_start_time": "today"}, "usage_start_time 'today' is no time"),
        (
            {"system_labels": [{"key": "compute.googleapis.com/machine_spec", "value": "n2-standard-4"}]},
            "is no number of cores",
        ),
        (
            {
                "system_labels": [
                    {"key": "compute.googleapis.com/machine_spec", "value": "q9-standard-4"},
                    {"key": "compute.googleapis.com/cores", "value": "4"},
                ]
            },
            "1 h are not converted",
        ),
    ],
)
def test_impossible_rows_are_told_by_their_reason(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    """No energy comes of them."""
    brought = portions("google-billing", written(tmp_path, row(**changes)))
    assert reason in reasons(brought)[0]
    assert energy_runs(brought) == []


def test_a_field_that_is_gone_is_named(tmp_path: Path) -> None:
    """As the export's schema calls it."""
    lacking = {k: v for k, v in row().items() if k != "usage_start_time"}
    with pytest.raises(EvidenceError, match="have no usage_start_time"):
        portions("google-billing", written(tmp_path, lacking))


def test_a_row_that_is_cut_off_is_bad(tmp_path: Path) -> None:
    """The rows before it stand."""
    path = written(tmp_path, row(), row(1))
    path.write_text(path.read_text()[:-30])
    brought = portions("google-billing", path)
    assert "is not a JSON object" in reasons(brought)[0]
    assert len(energy_runs(brought)) == 1
