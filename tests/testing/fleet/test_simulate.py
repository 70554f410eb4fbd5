"""The simulated fleet: the same every time, sound, and with a truth that can be checked by hand."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from wattmark.core.errors import UsageError
from wattmark.core.known import Boundary, Scope
from wattmark.core.run import Status
from wattmark.core.sound import first_fault
from wattmark.testing.fleet import Plan, deliveries, simulate
from wattmark.testing.fleet.plan import SECOND
from wattmark.testing.fleet.truth import NOBODY

SMALL = {
    "training_hosts": 1,
    "serving_hosts": 1,
    "pod_hosts": 1,
    "preparation_hosts": 1,
    "gpus": 2,
    "hours": 12,
}


def test_the_same_plan_gives_the_same_fleet() -> None:
    """Runs, samples and truth."""
    one, two = simulate(Plan(**SMALL)), simulate(Plan(**SMALL))
    assert one.runs == two.runs
    assert one.samples == two.samples
    assert one.truth == two.truth


def test_another_seed_gives_another_fleet() -> None:
    """Not only other names."""
    one, two = simulate(Plan(**SMALL)), simulate(Plan(**SMALL, seed=2))
    assert one.truth.total_uj != two.truth.total_uj


def test_every_run_is_sound() -> None:
    """None has a fault that a run file may not have, and each has an id of its own."""
    fleet = simulate(Plan(**SMALL))
    assert [first_fault(r) for r in fleet.runs] == [None] * len(fleet.runs)
    assert len({r.record_id for r in fleet.runs}) == len(fleet.runs) == fleet.truth.runs


def test_without_faults_a_training_host_is_the_sum_of_its_node_readings() -> None:
    """Node readings hold everything, and nothing is read between jobs."""
    plan = Plan(training_hosts=1, serving_hosts=0, pod_hosts=0, preparation_hosts=0, hours=12, faults=False)
    fleet = simulate(plan)
    rows = [row for run in fleet.runs for row in run.energies]
    node = sum(round(r.energy_joules * 1e6) for r in rows if r.boundary is Boundary.NODE)
    parts = sum(round(r.energy_joules * 1e6) for r in rows if r.boundary is Boundary.DEVICE)
    assert fleet.truth.total_uj == node > parts == sum(fleet.truth.device_uj.values()) > 0
    assert not any(fleet.truth.gap_us.values())
    assert fleet.stale == []


def test_pods_and_the_rest_make_the_whole() -> None:
    """Shares and what nobody claimed add up to what the exporter says of the machine."""
    plan = Plan(training_hosts=0, serving_hosts=0, pod_hosts=1, preparation_hosts=0, hours=2)
    fleet = simulate(plan)
    whole = sum(sum(s.energy_uj) for s in fleet.samples if s.stream.scope is Scope.WHOLE)
    assert fleet.truth.total_uj == whole
    assert fleet.truth.node_uj[NOBODY] > 0


def test_an_exporter_alone_is_nobodys_but_while_jobs_run() -> None:
    """On a serving host every moment of every GPU is read by somebody, apart from the samples that failed."""
    plan = Plan(
        training_hosts=0, serving_hosts=1, pod_hosts=0, preparation_hosts=0, gpus=1, hours=12, faults=False
    )
    fleet = simulate(plan)
    (exporter,) = fleet.samples
    busy = sum(round(run.duration_seconds * SECOND) for run in fleet.runs)
    assert len(exporter) * plan.sample_seconds * SECOND == plan.end_us - plan.start_us > busy > 0
    assert 60 <= fleet.truth.node_uj[NOBODY] / (plan.end_us - plan.start_us - busy) <= 95


def test_chaos_brings_everything_at_least_once() -> None:
    """Every run and every sample is there, some of them twice, with earlier states among them."""
    fleet = simulate(Plan(**SMALL))
    things = deliveries(fleet)
    documents = [json.loads(d.document) for d in things if d.document is not None]
    assert {d["record_id"] for d in documents} == {r.record_id for r in fleet.runs}
    assert {d["status"] for d in documents} >= {Status.OPEN.value, Status.CLOSED.value}
    brought: Counter[tuple[str, str, int]] = Counter()
    for samples in (s for d in things for s in d.samples):
        brought.update(
            (samples.stream.device_id, samples.stream.subject.team or "", at) for at in samples.start_us
        )
    assert set(brought) == {
        (s.stream.device_id, s.stream.subject.team or "", at) for s in fleet.samples for at in s.start_us
    }
    assert max(brought.values()) > 1
    assert len(documents) > len(fleet.runs) + len(fleet.stale)


def test_without_chaos_everything_comes_once() -> None:
    """In the order in which it was seen."""
    fleet = simulate(Plan(**SMALL))
    things = deliveries(fleet, chaos=False)
    assert sum(d.document is not None for d in things) == len(fleet.runs)
    assert sum(len(s) for d in things for s in d.samples) == sum(map(len, fleet.samples))


@pytest.mark.parametrize(
    "wrong", [{"training_hosts": -1}, {"gpus": 0}, {"hours": 0}, {"zones": ()}, {"sample_seconds": 7}]
)
def test_a_fleet_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    """Before anything is simulated."""
    with pytest.raises(UsageError):
        Plan(**wrong)  # type: ignore[arg-type]
