"""What of the energy of workloads lands in the ledger, and under which names."""

from __future__ import annotations

from dataclasses import replace

from tests.core.serving.test_workload import A, a_use, share
from wattmark.core.known import Boundary, Scope
from wattmark.core.run import Place, SourceId, Subject
from wattmark.core.serving.workload import RULE, Workload, WorkloadKind
from wattmark.core.serving.workload_telemetry import labels_of, workload_samples

US = SourceId(name="agent")


def test_each_workload_and_party_is_a_stream_of_shares() -> None:
    """Two minutes of one container: 5 and 6 J of its own, 1 J of idle energy in the first."""
    uses = [a_use(share(A, 5.0, 5.0)), a_use(share(A, 10.0), start_us=60_000_000)]
    own, idle = workload_samples(
        uses, charged=(), source=US, subject=Subject(team="search"), place=Place(country="DE")
    )
    assert (own.stream.scope, own.stream.attribution_rule) == (Scope.SHARE, RULE)
    assert own.stream.subject.labels == {
        "wattmark.workload": "container",
        "container.name": "a",
        "wattmark.party": "own",
    }
    assert (own.stream.place.country, own.stream.source.name) == ("DE", "agent:rapl")
    assert own.stream.subject.team == "search"
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
    assert labels_of(inside) == {
        "wattmark.workload": "container",
        "k8s.namespace.name": "serving",
        "k8s.pod.name": "llama-0",
        "k8s.container.name": "engine",
    }
    job = Workload(kind=WorkloadKind.SLURM_JOB, name="4711")
    assert labels_of(job) == {"wattmark.workload": "slurm_job", "slurm.job.id": "4711"}
    pod = Workload(kind=WorkloadKind.POD, name="p", pod="p")
    assert labels_of(pod) == {"wattmark.workload": "pod", "k8s.pod.name": "p"}
    assert labels_of(Workload(kind=WorkloadKind.HOST)) == {"wattmark.workload": "host"}


def test_shares_lie_in_the_time_that_was_observed() -> None:
    """A gap of the second half: shares, like their whole, are in the first; in no time there are none."""
    use = a_use(share(A, 10.0))
    half = replace(use, devices=(replace(use.devices[0], observed_seconds=30.0),))
    (own,) = workload_samples([half], charged=(), source=US)
    assert list(own.end_us) == [30_000_000]
    none = replace(use, devices=(replace(use.devices[0], observed_seconds=0.0),))
    assert workload_samples([none], charged=(), source=US) == []


def test_the_rest_of_a_node_is_a_device_beside_the_others() -> None:
    """At the boundary of a node it would hide them."""
    use = a_use(share(A, 10.0))
    rest = replace(use.devices[0], component="rest_of_node", boundary=Boundary.NODE)
    (own,) = workload_samples([replace(use, devices=(rest,))], charged=(), source=US)
    assert own.stream.boundary is Boundary.DEVICE
