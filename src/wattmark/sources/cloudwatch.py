"""GPU power that AWS agents publish to CloudWatch: the CloudWatch agent's, and Container Insights' of EKS.

Namespace ``CWAgent``, metric ``nvidia_smi_power_draw`` (watts of the board, without a CloudWatch unit;
dimensions name, index, host, and what ``append_dimensions`` adds); namespace ``ContainerInsights``, metric
``node_gpu_power_draw`` (from DCGM_FI_DEV_POWER_USAGE; ClusterName, NodeName, InstanceId, InstanceType,
GpuDevice). Names read in the source of amazon-cloudwatch-agent; requests as in the Amazon CloudWatch API
Reference, ListMetrics and GetMetricData.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wattmark.core.errors import UsageError
from wattmark.core.imported import Imported
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method
from wattmark.core.mean_power import from_means
from wattmark.core.run import SourceId
from wattmark.core.sensor_duty import PART_TIME_DUTY, power_duty
from wattmark.core.telemetry import Samples, Stream
from wattmark.ports import Source
from wattmark.sources import aws_client
from wattmark.sources.aws_client import AwsSettings, client, told
from wattmark.sources.bill_settings import OPTIONS as BILL_OPTIONS
from wattmark.sources.bill_settings import hosts_of
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.identity import host_of
from wattmark.sources.moments import moment_us
from wattmark.sources.portions import Notes, Portion
from wattmark.sources.stated import errors_of, place_of, subject_of

NAME = "cloudwatch"
OPTIONS: Mapping[str, str] = {
    "start": "From when: 2026-05-01T00:00:00Z, or -24h [-24h].",
    "end": "Until when, in the same way [now].",
    "period": "Seconds of one mean: 1, 5, 10, 20, 30 or a multiple of 60 [60], at least the agent's own.",
    "hosts": BILL_OPTIONS["hosts"],
    **{key: text for key, text in aws_client.OPTIONS.items() if key != "aws_region"},
}
METRICS = (("CWAgent", "nvidia_smi_power_draw"), ("ContainerInsights", "node_gpu_power_draw"))
"""Those of whole GPUs; pod_ and container_gpu_power_draw are the same energy once more."""
QUERIES = 500
"""Metrics of one request: no more are allowed (GetMetricData, MetricDataQueries)."""
CHUNK_SECONDS = 86_400
MOST_WATTS = 2000.0
"""No GPU of 2026 draws more."""
PERMISSIONS = "cloudwatch:ListMetrics and cloudwatch:GetMetricData"
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_RELATIVE = re.compile(r"-(\d+)([hd])")
_SECONDS = {"h": 3600, "d": 86_400}
US = 1_000_000


def open_source(
    inputs: Inputs, asked: Asked, *, now: Callable[[], float] = time.time, open_client: Any = client
) -> Source:
    """A source on the regions that are named. Raises UsageError for what was asked wrongly."""
    for region in inputs:
        if not _REGION.fullmatch(region):
            raise UsageError(f"{region!r} is no AWS region: name those to ask, e.g. us-east-1")
    given = asked.settings
    end = _moment(given.get("end", "now"), now(), "end")
    start = _moment(given.get("start", "-24h"), end, "start")
    period = _period(given.get("period", "60"))
    start, end = -(-start // period) * period, end // period * period  # whole periods alone
    if start >= end:
        raise UsageError("-o start must lie a period or more before -o end")
    hosts = hosts_of(given["hosts"]) if "hosts" in given else {}
    return CloudWatch(tuple(inputs), asked, start, end, period, hosts, open_client)


@dataclass(slots=True)
class _Gpu:
    """One metric, and the last of its points that was handed on."""

    query: Mapping[str, Any]
    stream: Stream
    last: tuple[int, float] | None = None
    times_us: list[int] = field(default_factory=list)
    watts: list[float] = field(default_factory=list)

    def taken(self, period_us: int) -> Samples | None:
        """The intervals of the points since the last portion."""
        times, watts = self.times_us, self.watts
        if not times:
            return None
        before = [self.last] if self.last is not None else []
        points = [*before, *sorted(zip(times, watts, strict=True))]
        self.last = points[-1]
        found = from_means(
            [t for t, _ in points], [w for _, w in points], period_us, MOST_WATTS, skip=len(before)
        )
        self.times_us, self.watts = [], []
        return Samples(
            stream=self.stream,
            start_us=found.start_us,
            end_us=found.end_us,
            energy_uj=found.energy_uj,
            observed=found.observed,
        )


@dataclass(frozen=True, slots=True)
class CloudWatch:
    """Reads the means of every GPU's power, a day at a time."""

    regions: tuple[str, ...]
    asked: Asked
    start: int
    end: int
    """Seconds since 1970, both on the edge of a period: else the first and the last mean would be of less."""
    period: int
    hosts: Mapping[str, str]
    open_client: Any

    def read(self) -> Iterator[Imported]:
        """The samples of all regions."""
        notes = Notes()
        for region in self.regions:
            settings = AwsSettings(
                profile=self.asked.settings.get("profile"),
                region=region,
                endpoint=self.asked.settings.get("endpoint"),
            )
            yield from self._region(region, self.open_client("cloudwatch", settings), notes)
        yield Portion().brought(notes)

    def _region(self, region: str, watch: Any, notes: Notes) -> Iterator[Imported]:
        place = f"AWS CloudWatch {region}"
        gpus = list(self._gpus(place, region, watch, notes))
        if not gpus:
            notes.add(f"{place} has no power of GPUs: {' or '.join(f'{n} {m}' for n, m in METRICS)}")
        for left in range(self.start, self.end, CHUNK_SECONDS):
            right = min(left + CHUNK_SECONDS, self.end)
            portion = Portion()
            for at in range(0, len(gpus), QUERIES):
                self._ask(place, watch, gpus[at : at + QUERIES], (left, right), portion)
            taken = (gpu.taken(self.period * US) for gpu in gpus)
            portion.samples = [samples for samples in taken if samples is not None]
            yield portion.brought()

    def _gpus(self, place: str, region: str, watch: Any, notes: Notes) -> Iterator[_Gpu]:
        seen: set[str] = set()
        for namespace, name in METRICS:
            for metric in self._metrics(place, watch, namespace, name):
                dims = {d["Name"]: d["Value"] for d in metric["Dimensions"]}
                machine = dims.get("InstanceId") or dims.get("host")
                index = dims.get("index") or re.sub(r"\D", "", dims.get("GpuDevice", ""))
                if not machine or not index:
                    notes.add(f"{name}: means over several GPUs are left out: {', '.join(sorted(dims))}")
                    continue
                stream = self._stream(dims, machine, index, region)
                if stream.device_id in seen:
                    notes.add(f"{name} {stream.device_id}: published twice, taken once")
                    continue
                seen.add(stream.device_id)
                query = {"Metric": metric, "Period": self.period, "Stat": "Average"}
                yield _Gpu(query, stream)

    def _metrics(self, place: str, watch: Any, namespace: str, name: str) -> list[dict[str, Any]]:
        with told(place, PERMISSIONS):
            pages = watch.get_paginator("list_metrics").paginate(Namespace=namespace, MetricName=name)
            found = [m for page in pages for m in page["Metrics"]]
        return sorted(found, key=lambda m: sorted((d["Name"], d["Value"]) for d in m["Dimensions"]))

    def _stream(self, dims: Mapping[str, str], machine: str, index: str, region: str) -> Stream:
        host = host_of(self.hosts.get(machine, machine))
        name = dims.get("name", "")
        duty = power_duty(name) if name else PART_TIME_DUTY  # an unknown card may look a quarter of the time
        device = f"gpu:{host}/nvml-{index}"
        labels = {
            "cloud.provider": "aws",
            "host.type": dims.get("InstanceType", ""),
            "k8s.cluster.name": dims.get("ClusterName", ""),
        }
        return Stream(
            source=SourceId(name=NAME),
            instance=region,
            host_id=host,
            device_id=device,
            component="gpu",
            method=Method.INTEGRATED_POWER,
            boundary=Boundary.DEVICE,
            grade=GRADE_OF_METHOD[Method.INTEGRATED_POWER],
            errors=errors_of(Method.INTEGRATED_POWER, f"{NAME}:{device}", duty=duty),
            sensor_duty=duty,
            subject=subject_of(self.asked, region=region, labels={k: v for k, v in labels.items() if v}),
            place=place_of(self.asked, site=region),
        )

    def _ask(
        self, place: str, watch: Any, gpus: Sequence[_Gpu], span: tuple[int, int], portion: Portion
    ) -> None:
        """The means of some GPUs in a stretch, page by page."""
        by_id = {f"m{n}": gpu for n, gpu in enumerate(gpus)}
        queries = [{"Id": id, "MetricStat": gpu.query, "ReturnData": True} for id, gpu in by_id.items()]
        start, end = (datetime.fromtimestamp(at, UTC) for at in span)
        with told(place, PERMISSIONS):
            pages = watch.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries, StartTime=start, EndTime=end, ScanBy="TimestampAscending"
            )
            results = [r for page in pages for r in page["MetricDataResults"]]
        last = {result["Id"]: result for result in results}
        for result in results:
            gpu = by_id[result["Id"]]
            for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                gpu.times_us.append(round(at.timestamp()) * US)
                gpu.watts.append(float(value))
                portion.taken += 1
        for id, result in sorted(last.items()):
            if result.get("StatusCode", "Complete") != "Complete":
                said = "; ".join([result["StatusCode"], *(m["Value"] for m in result.get("Messages", ()))])
                portion.refuse(
                    f"{place} {by_id[id].stream.device_id}",
                    f"CloudWatch gave only a part of the data ({said}): import the same time again later",
                )


def _moment(text: str, now: float, key: str) -> int:
    """A moment in seconds since 1970; times without a zone are UTC."""
    relative = _RELATIVE.fullmatch(text)
    if text == "now":
        return int(now)
    if relative:
        return int(now) - int(relative[1]) * _SECONDS[relative[2]]
    found = moment_us(text, UTC)
    if found is None:
        raise UsageError(f"-o {key}={text} is no time: write 2026-05-01T00:00:00Z or -24h")
    return found // US


def _period(text: str) -> int:
    value = int(text) if text.isdigit() else 0
    if value in (1, 5, 10, 20, 30) or (value > 0 and value % 60 == 0 and value <= CHUNK_SECONDS):
        return value
    raise UsageError(f"-o period={text}: CloudWatch knows 1, 5, 10, 20, 30 and multiples of 60 seconds")
