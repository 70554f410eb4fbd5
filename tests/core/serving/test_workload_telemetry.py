"""What of the energy of workloads lands in the ledger, and under which names."""

from __future__ import annotations

from tests.core.serving.test_workload import A, a_use, share
from wattmark.core.known import Scope
from wattmark.core.run import Place, SourceId
from wattmark.core.serving.workload import RULE, Workload, WorkloadKind
from wattmark.core.serving.workload_telemetry import subject_of, workload_samples

US = SourceId(name="agent")


def test_each_workload_and_party_is_a_stream_of_shares() -> None:
    """Two minutes of one container: 5 and 6 J of its own, 1 J of idle energy in the first."""
    uses = [a_use(share(A, 5.0, 5.0)), a_use(share(A, 10.0), start_us=60_000_000)]
    own, idle = workload_samples(uses, charged=(), source=US, place=Place(country="DE"))
    assert (own.stream.scope, own.stream.attribution_rule) == (Scope.SHARE, RULE)
    assert own.stream.subject.labels == {
        "wattmark.workload": "container",
        "container.name": "a",
        "wattmark.party": "own",
    }
    assert own.stream.place.country == "DE"
    assert (list(own.start_us), list(own.end_us)) == ([0, 60_000_000], [60_000_000, 120_000_000])
    assert list(own.energy_uj) == [5_000_000, 10_000_000]
    assert list(idle.energy_uj) == [5_000_000]
    assert idle.stream.subject.labels["wattmark.party"] == "idle"


def test_a_device_that_is_charged_to_models_has_no_shares_of_workloads() -> None:
    """Two divisions of the same joules would count them twice."""
    assert workload_samples([a_use(share(A, 10.0))], charged={"cpu"}, source=US) == []


def test_microjoules_are_rounded_down() -> None:
    """Shares must not exceed their whole: 2/3 of a microjoule is none."""
    use = a_use(share(A, 2e-6 / 3), left=10.0 - 2e-6 / 3)
    (own,) = workload_samples([use], charged=(), source=US)
    assert list(own.energy_uj) == [0]


def test_names_are_those_of_opentelemetry() -> None:
    """Pods, containers and jobs, each under its own key; the rest of a machine under none."""
    inside = Workload(
        kind=WorkloadKind.CONTAINER, name="engine", namespace="serving", pod="llama-0", container="engine"
    )
    assert subject_of(inside).labels == {
        "wattmark.workload": "container",
        "k8s.namespace.name": "serving",
        "k8s.pod.name": "llama-0",
        "k8s.container.name": "engine",
    }
    job = Workload(kind=WorkloadKind.SLURM_JOB, name="4711")
    assert subject_of(job).labels == {"wattmark.workload": "slurm_job", "slurm.job.id": "4711"}
    pod = Workload(kind=WorkloadKind.POD, name="p", pod="p")
    assert subject_of(pod).labels == {"wattmark.workload": "pod", "k8s.pod.name": "p"}
    assert subject_of(Workload(kind=WorkloadKind.HOST)).labels == {"wattmark.workload": "host"}
