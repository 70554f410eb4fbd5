"""The energy of workloads as telemetry for the ledger, and what of it may land there.

A device's shares by request and its shares by CPU time are two divisions of the same joules. The ledger adds
the shares of different subjects, so only one of the two may land: a device that is charged to models, now or
at any time since the agent began, has no workload shares there. They stay in the metrics, where the two are
families of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from wattmark.core.known import Boundary, Scope
from wattmark.core.run import Place, SourceId, Subject
from wattmark.core.serving.utilisation import watched_until
from wattmark.core.serving.workload import Workload, WorkloadDevice, WorkloadKind, WorkloadUse
from wattmark.core.telemetry import Samples, Stream

PARTY = "wattmark.party"
OWN = "own"
IDLE = "idle"
LABELS = {
    WorkloadKind.CONTAINER: "container.name",
    WorkloadKind.SLURM_JOB: "slurm.job.id",
    WorkloadKind.UNIT: "wattmark.unit",
    WorkloadKind.PROCESS: "process.executable.name",
}
"""What a workload's name is called (OpenTelemetry, semantic conventions 1.44, k8s, container, process)."""


def labels_of(workload: Workload) -> dict[str, str]:
    """Whose the energy is, by the names of OpenTelemetry where they exist; what is not known is left out."""
    labels = {"wattmark.workload": workload.kind.value}
    if workload.pod:
        labels |= {"k8s.pod.name": workload.pod, "k8s.namespace.name": workload.namespace}
    if workload.container:
        labels["k8s.container.name"] = workload.container
    elif workload.kind in LABELS:
        labels[LABELS[workload.kind]] = workload.name
    return {name: value for name, value in labels.items() if value}


@dataclass(slots=True)
class _Column:
    """The samples of one stream while they are gathered."""

    stream: Stream
    start_us: list[int] = field(default_factory=list)
    end_us: list[int] = field(default_factory=list)
    energy_uj: list[int] = field(default_factory=list)


def workload_samples(
    uses: Iterable[WorkloadUse],
    *,
    charged: Collection[str],
    source: SourceId,
    instance: str = "",
    subject: Subject | None = None,
    place: Place | None = None,
) -> list[Samples]:
    """Shares of workloads, one stream for each workload, device and party (own, idle).

    ``charged`` are the devices that are charged to models: none of theirs is given. The whole devices are no
    part of it: they are in the telemetry of the windows, under the same source. Microjoules are rounded down,
    so that shares never exceed their whole; like the whole they lie in the time that was observed.
    """
    found: dict[tuple[Workload, str, str], _Column] = {}
    for use in uses:
        devices = {d.device_id: d for d in use.devices if d.device_id not in charged}
        for share in use.shares:
            device = devices.get(share.device_id)
            if device is None:
                continue
            until = watched_until(use.start_us, use.end_us, device.observed_seconds)
            for party, joules in ((OWN, share.busy_joules), (IDLE, share.idle_joules)):
                key = share.workload, share.device_id, party
                if not joules or until <= use.start_us:
                    continue
                if key not in found:
                    labels = {**(subject or Subject()).labels, **labels_of(share.workload), PARTY: party}
                    whose = replace(subject or Subject(), labels=labels)
                    found[key] = _Column(_stream(use, device, whose, source, instance, place or Place()))
                found[key].start_us.append(use.start_us)
                found[key].end_us.append(until)
                found[key].energy_uj.append(int(joules * 1e6))
    return [
        Samples(stream=c.stream, start_us=c.start_us, end_us=c.end_us, energy_uj=c.energy_uj)
        for c in found.values()
    ]


def _stream(
    use: WorkloadUse,
    device: WorkloadDevice,
    subject: Subject,
    source: SourceId,
    instance: str,
    place: Place,
) -> Stream:
    rest = device.component == "rest_of_node"
    return Stream(
        source=replace(source, name=f"{source.name}:{device.source}"),
        instance=instance,
        host_id=use.host_id,
        device_id=device.device_id,
        component=device.component,
        method=device.method,
        # A reading of the node would hide the devices beside it: the rest is one of them.
        boundary=Boundary.DEVICE if rest else device.boundary,
        grade=device.grade,
        errors=dict(device.errors),
        sensor_duty=device.sensor_duty,
        scope=Scope.SHARE,
        attribution_rule=use.rule,
        subject=subject,
        place=place,
    )
