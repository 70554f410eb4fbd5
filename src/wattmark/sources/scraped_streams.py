"""Which device, machine and workload a scraped series is about, and the stream that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from wattmark.core.errors import EvidenceError
from wattmark.core.known import Boundary, Grade, Method, Scope
from wattmark.core.run import SourceId, Subject, workload_of
from wattmark.core.telemetry import Stream
from wattmark.hashing import sha256
from wattmark.sources.catalog import Asked
from wattmark.sources.identity import host_of
from wattmark.sources.label_mapping import (
    LabelMapping,
    host_name,
    without_replica,
    workload_labels,
)
from wattmark.sources.metrics import PLACEHOLDER, Metric, Metrics, device_of
from wattmark.sources.scraped_series import Scraped
from wattmark.sources.stated import errors_of, place_of

WORDS = 24
"""Characters of the hash that tells apart the targets of one job."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A series that is not taken, and why."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A series that is taken: what it is about."""

    metric: Metric
    host_id: str
    device_id: str
    around: tuple[str, ...]
    """Devices whose energy contains this one's, the nearest first."""
    subject: Subject
    instance: str
    """Which target: its job, and a hash of its address."""
    part: tuple[str, ...]
    """Values of the labels over which parts of a device add up."""
    name: str
    """The metric as this server calls it."""
    member: str
    """The series as every replica has it."""
    said: str
    """The series as a person finds it again: only the labels that tell it from others."""
    replica: str

    @property
    def grade(self) -> Grade:
        """How well it is known."""
        return Grade(self.metric.grade)

    @property
    def whole(self) -> bool:
        """True for a whole device, False for a share of one and for work."""
        return self.metric.energy and not self.metric.rule

    @cached_property
    def device(self) -> tuple[str, str]:
        """The device on its machine."""
        return (self.host_id, self.device_id)

    @cached_property
    def channel(self) -> tuple[object, ...]:
        """Series that tell of one thing in one way: they are merged, or added up."""
        whose = () if self.whole else (self.subject_key,)
        unit = "" if self.metric.energy else self.metric.unit
        return (*self.device, self.metric.exporter, self.instance, self.metric.rank, unit, *whose)

    @cached_property
    def subject_key(self) -> str:
        """The workload, as text."""
        return repr(self.subject)


@dataclass(kw_only=True)
class Names:
    """What other series say of machines and pods."""

    hosts: Mapping[str, str] = field(default_factory=dict)
    """Address of a machine -> its name (node_uname_info, kube_node_info)."""
    pods: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    """Namespace and pod -> the pod's labels (kube_pod_labels)."""


@dataclass(kw_only=True)
class Binder:
    """Finds out what each series is about; each one once."""

    place: str
    """What the series come from, for errors: an address, a file."""
    metrics: Metrics
    levels: frozenset[str]
    mapping: LabelMapping
    asked: Asked
    names: Names = field(default_factory=Names)
    reader: str = "prometheus"
    _found: dict[str, Bound | LeftOut] = field(default_factory=dict)
    _streams: dict[tuple[object, ...], Stream] = field(default_factory=dict)

    def bind(self, series: Scraped) -> Bound | LeftOut:
        """What the series is about, or why it is left out.

        Raises EvidenceError when it names no machine and none was asked for.
        """
        key = str(series)
        if key not in self._found:
            self._found[key] = self._bind(series)
        return self._found[key]

    def _bind(self, series: Scraped) -> Bound | LeftOut:
        labels = series.labels
        metric = self.metrics.find(series.name, labels)
        if metric is None:
            return LeftOut("no row of the table of metrics fits its labels")
        if not metric.taken:
            return LeftOut(metric.note)
        if metric.level and metric.level not in self.levels:
            return LeftOut(f"{metric.level} level: {', '.join(sorted(self.levels)) or 'none'} is taken")
        host_id = self._host(series)
        device_id = device_of(metric.device, labels, host_id) if metric.energy else ""
        if device_id is None:
            return LeftOut(f"lacks a label of its device: {metric.device}")
        alike = without_replica(labels)
        return Bound(
            metric=metric,
            host_id=host_id,
            device_id=device_id,
            around=tuple(
                d for d in (device_of(t, labels, host_id) for t in metric.part_of.split()) if d is not None
            ),
            subject=self._subject(metric, labels),
            instance=_target(alike),
            part=tuple(labels.get(name, "") for name in metric.adds),
            name=series.name,
            member=str(Scraped(series.name, alike, [], [])),
            said=_short(series.name, alike, metric),
            replica="\x1f".join(f"{k}={v}" for k, v in sorted(labels.items()) if k not in alike),
        )

    def _host(self, series: Scraped) -> str:
        name = host_name(series.labels) or self.asked.host
        if not name:
            raise EvidenceError(self.place, f"{series} names no machine: give it with --host NAME")
        return host_of(self.mapping.host(self.names.hosts.get(name, self.mapping.host(name))))

    def _subject(self, metric: Metric, labels: Mapping[str, str]) -> Subject:
        """Of a series that is about no workload only what was asked for, and the cluster's own tags."""
        own = workload_labels(labels, metric.workload)
        pod = self.names.pods.get((own.get("namespace", ""), own.get("pod", "")), {})
        return self.mapping.subject({**pod, **own}, self.asked)

    def stream(self, bound: Bound, subject: Subject, part_of: str | None) -> Stream:
        """The stream of a channel for one subject; the same one each time."""
        key = (*bound.channel, part_of, repr(subject))
        if key not in self._streams:
            self._streams[key] = self._stream(bound, subject, part_of)
        return self._streams[key]

    def _stream(self, bound: Bound, subject: Subject, part_of: str | None) -> Stream:
        metric = bound.metric
        source = SourceId(name=f"{self.reader}:{metric.exporter}")
        place = place_of(self.asked)
        if not metric.energy:
            return Stream(
                source=source,
                instance=bound.instance,
                host_id=bound.host_id,
                unit=metric.unit,
                method=Method.HARDWARE_COUNTER,
                grade=Grade.B,
                subject=subject,
                place=place,
            )
        method, grade = Method(metric.method), bound.grade
        # A controller that states no accuracy is as good as any sampled sensor.
        poor = method is Method.BMC and grade is not Grade.A
        errors = errors_of(
            Method.INTEGRATED_POWER if poor else method,
            f"{metric.meter}:{bound.device_id}",
            workload=workload_of(subject, bound.device_id),
            duty=metric.duty,
        )
        return Stream(
            source=source,
            instance=bound.instance,
            host_id=bound.host_id,
            device_id=bound.device_id,
            part_of=part_of,
            component=metric.component,
            method=method,
            boundary=Boundary(metric.boundary),
            grade=grade,
            errors=errors,
            sensor_duty=metric.duty,
            scope=Scope.SHARE if metric.rule else Scope.WHOLE,
            attribution_rule=metric.rule or None,
            subject=subject,
            place=place,
            max_watts=metric.most_watts,
        )


def _short(name: str, labels: Mapping[str, str], metric: Metric) -> str:
    used = {one for names in PLACEHOLDER.findall(metric.device) for one in names.split("/")}
    used |= {c.label for c in metric.where} | {"instance", "node_name", "namespace", "pod", "pod_name"}
    return str(Scraped(name, {k: v for k, v in labels.items() if k in used}, [], []))


def _target(labels: Mapping[str, str]) -> str:
    """The job in clear, the target's address as a hash: names of machines are not stored."""
    job, address = labels.get("job", ""), labels.get("instance", "")
    if not address:
        return job
    return f"{job}/{sha256(address.encode()).hexdigest()[:WORDS]}"
