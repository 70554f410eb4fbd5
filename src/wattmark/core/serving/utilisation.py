"""How busy devices were, minute by minute: telemetry on the way in, five-minute windows on the way out.

A minute of a device is one sample of work in the unit ``busy_seconds``: its interval is the time in which the
device was watched, its count the part of it in which the device worked. The signal stands in a label, because
busy time and activity are different quantities, never added (kpis.md, Hardware Utilisation Efficiency).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wattmark.core.kpis.hardware_utilisation_efficiency import WINDOW_SECONDS
from wattmark.core.run import Place, SourceId, Subject, Utilisation
from wattmark.core.serving.window import DeviceUse, ServingWindow
from wattmark.core.telemetry import Samples, Stream

BUSY = "busy_seconds"
"""The unit of these streams."""
SIGNAL = "wattmark.signal"
WINDOW_US = WINDOW_SECONDS * 1_000_000
ENOUGH = 0.5
"""A window that was watched for less than this share of it says nothing; it lowers the coverage."""


def watched_until(start_us: int, end_us: int, observed_seconds: float) -> int:
    """Where the observed part of a window ends when its gaps are put behind it; whole from 1 ms short on."""
    seen = min(end_us - start_us, max(0, round(observed_seconds * 1e6)))
    return end_us if seen and end_us - start_us - seen < 1000 else start_us + seen


@dataclass(slots=True)
class _Column:
    """The samples of one stream while they are gathered."""

    stream: Stream
    start_us: list[int] = field(default_factory=list)
    end_us: list[int] = field(default_factory=list)
    count: list[float] = field(default_factory=list)


def utilisation_samples(
    windows: Iterable[ServingWindow],
    *,
    source: SourceId,
    instance: str = "",
    subject: Subject | None = None,
    place: Place | None = None,
) -> list[Samples]:
    """Busy seconds of each device that tells them, by signal. The same windows give the same samples."""
    found: dict[tuple[str, str], _Column] = {}
    for window in windows:
        for use in window.devices:
            until = watched_until(window.start_us, window.end_us, use.observed_seconds)
            if use.busy_seconds is None or not use.busy_signal or until <= window.start_us:
                continue
            key = use.device_id, use.busy_signal
            if key not in found:
                stream = _stream(
                    window.host_id, use, source, instance, subject or Subject(), place or Place()
                )
                found[key] = _Column(stream)
            column = found[key]
            column.start_us.append(window.start_us)
            column.end_us.append(until)
            column.count.append(min(use.busy_seconds, (until - window.start_us) / 1e6))
    return [
        Samples(stream=c.stream, start_us=c.start_us, end_us=c.end_us, count=c.count) for c in found.values()
    ]


def _stream(
    host_id: str, use: DeviceUse, source: SourceId, instance: str, subject: Subject, place: Place
) -> Stream:
    machine = Subject(
        organisation=subject.organisation,
        environment=subject.environment,
        zone=subject.zone,
        labels={SIGNAL: use.busy_signal},
    )
    return Stream(
        source=source,
        instance=instance,
        host_id=host_id,
        device_id=use.device_id,
        component=use.component,
        unit=BUSY,
        subject=machine,
        place=place,
    )


@dataclass(frozen=True, slots=True)
class BusySample:
    """One sample of such a stream, as a ledger gives it back."""

    host_id: str
    device_id: str
    component: str
    signal: str
    start_us: int
    end_us: int
    busy_seconds: float


@dataclass(frozen=True, slots=True)
class FoundUtilisation:
    """What the KPI needs: one row for each host, component and signal."""

    rows: tuple[Utilisation, ...]
    coverage: Mapping[tuple[str, str], float]
    """Component and signal -> share of the windows that were watched, of the host watched least."""
    hosts: int
    devices: int
    first_us: int | None
    last_us: int | None


@dataclass(slots=True)
class _Kept:
    """Devices of one host, component and signal, in windows of five minutes."""

    devices: set[str] = field(default_factory=set)
    busy: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    watched: dict[int, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, sample: BusySample) -> None:
        """Divide a sample at the edges of windows, evenly over its time."""
        self.devices.add(sample.device_id)
        length = sample.end_us - sample.start_us
        at = sample.start_us
        while at < sample.end_us:
            window = at - at % WINDOW_US
            until = min(sample.end_us, window + WINDOW_US)
            self.busy[window] += sample.busy_seconds * (until - at) / length
            self.watched[window] += (until - at) / 1e6
            at = until

    def good(self) -> list[int]:
        """Windows in which the devices were watched long enough, in their order."""
        least = ENOUGH * WINDOW_SECONDS * len(self.devices)
        return [window for window in sorted(self.watched) if self.watched[window] >= least]

    def coverage(self) -> float:
        """Share of the windows from the first to the last; the ones at both ends are seldom whole."""
        spans = (max(self.watched) - min(self.watched)) // WINDOW_US + 1
        ends = sum(1 for edge in {min(self.watched), max(self.watched)} if edge not in self.good())
        return len(self.good()) / (spans - ends) if spans > ends else 1.0

    def row(self, component: str, signal: str) -> Utilisation:
        """All of it as the KPI takes it."""
        watched = math.fsum(self.watched.values())
        return Utilisation(
            component=component,
            signal=signal,
            mean=min(1.0, math.fsum(self.busy.values()) / watched),
            windows_300s=tuple(min(1.0, self.busy[w] / self.watched[w]) for w in self.good()),
            provisioned_devices=float(len(self.devices)),
        )


def utilisation_of(samples: Iterable[BusySample]) -> FoundUtilisation:
    """Five-minute windows, aligned in UTC, of each host's devices of one component by one signal.

    A window's utilisation is the devices' busy time over their watched time. A sample that comes twice counts
    once.
    """
    kept: dict[tuple[str, str, str], _Kept] = defaultdict(_Kept)
    seen: set[tuple[str, str, str, int]] = set()
    first: int | None = None
    last: int | None = None
    for sample in samples:
        once = sample.host_id, sample.device_id, sample.signal, sample.start_us
        if sample.end_us <= sample.start_us or once in seen:
            continue
        seen.add(once)
        kept[sample.host_id, sample.component, sample.signal].add(sample)
        first = sample.start_us if first is None else min(first, sample.start_us)
        last = sample.end_us if last is None else max(last, sample.end_us)
    coverage: dict[tuple[str, str], float] = {}
    for (_, component, signal), held in kept.items():
        before = coverage.get((component, signal), 1.0)
        coverage[component, signal] = min(before, held.coverage())
    return FoundUtilisation(
        rows=tuple(
            held.row(component, signal)
            for (_, component, signal), held in sorted(kept.items(), key=lambda kv: kv[0])
        ),
        coverage=coverage,
        hosts=len({host for host, _, _ in kept}),
        devices=len({(host, device) for (host, _, _), held in kept.items() for device in held.devices}),
        first_us=first,
        last_us=last,
    )
