"""Windows of serving as telemetry for a ledger: whole devices, what each service is charged, what it did.

A device is a stream of its own that is nobody's. A service is charged by streams of scope ``share``: one
for its requests that succeeded, one for those that failed, one for idleness, told apart by the label
``wattmark.party``. Joules become whole microjoules so that the shares of a device never exceed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from wattmark.core.known import Boundary, Scope
from wattmark.core.run import Place, SourceId, Subject
from wattmark.core.serving.request import Rule, Service
from wattmark.core.serving.window import DeviceUse, ServingWindow, Share, Work
from wattmark.core.telemetry import JOULES, Samples, Stream

PARTY = "wattmark.party"
"""Label of a share: ``requests``, ``failed`` or ``idle``."""
STAGE = "inference"
NOTHING_US = 20_000
"""The devices of a node are not read in one instant: so short a stretch at an edge is no gap."""
WORK = {
    "inferences": "requests",
    "failed": "failed",
    "input_tokens": "input_tokens",
    "cached_input_tokens": "cached_input_tokens",
    "output_tokens": "output_tokens",
}
"""Unit of work in the ledger -> field of :class:`Work`. An inference is a request that succeeded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What all streams of an agent have in common."""

    source: SourceId
    instance: str = ""
    subject: Subject = field(default_factory=Subject)
    """Tags of the machine's owner; the model's are added."""
    place: Place = field(default_factory=Place)


class _Columns:
    """The rows of one stream while they are gathered."""

    def __init__(self) -> None:
        self.start: list[int] = []
        self.end: list[int] = []
        self.amount: list[float] = []
        self.observed: list[bool] = []

    def add(self, start_us: int, end_us: int, amount: float, observed: bool = True) -> None:
        self.start.append(start_us)
        self.end.append(end_us)
        self.amount.append(amount)
        self.observed.append(observed)

    def samples(self, stream: Stream) -> Samples:
        if stream.unit == JOULES:
            joules = [int(amount) for amount in self.amount]
            return Samples(
                stream=stream, start_us=self.start, end_us=self.end, energy_uj=joules, observed=self.observed
            )
        return Samples(stream=stream, start_us=self.start, end_us=self.end, count=self.amount)


def samples_of(windows: Iterable[ServingWindow], origin: Origin) -> tuple[Samples, ...]:
    """The samples of some windows of one node, by stream, in the order in which they are met.

    The same windows always give the same samples: what is delivered twice counts once.
    """
    rows: dict[str, tuple[Stream, _Columns]] = {}

    def columns(key: str, stream: Stream) -> _Columns:
        return rows.setdefault(key, (stream, _Columns()))[1]

    for window in windows:
        of_device: dict[str, list[Share]] = {}
        for share in window.shares:
            of_device.setdefault(share.device_id, []).append(share)
        for use in window.devices:
            whole = _whole(window.host_id, use, origin)
            seen_until = _observed_until(window, use)
            column = columns(repr(whole), whole)
            amounts = _amounts(use, of_device.get(use.device_id, []), window.rule)
            if seen_until > window.start_us:
                column.add(window.start_us, seen_until, round(use.energy_joules * 1e6))
                for service, party, rule, microjoules in amounts:
                    share_of = _share(whole, service, party, rule, origin)
                    columns(repr(share_of), share_of).add(window.start_us, seen_until, microjoules)
            if seen_until < window.end_us:
                column.add(seen_until, window.end_us, 0, observed=False)
        for work in window.works:
            for unit, count in _counts(work):
                stream = _work(window.host_id, work.service, unit, origin)
                columns(repr(stream), stream).add(window.start_us, window.end_us, count)
    return tuple(column.samples(stream) for stream, column in rows.values())


def _observed_until(window: ServingWindow, use: DeviceUse) -> int:
    """Where the observed part of a window ends when the gap is put behind it."""
    length = window.end_us - window.start_us
    seen = min(length, max(0, round(use.observed_seconds * 1e6)))
    return window.end_us if length - seen < NOTHING_US and seen else window.start_us + seen


def _amounts(use: DeviceUse, shares: Sequence[Share], rule: Rule) -> list[tuple[Service, str, Rule, int]]:
    """The shares of a device in whole microjoules, by differences of a rounded sum: they fit the whole."""
    found: list[tuple[Service, str, Rule, int]] = []
    whole = round(use.energy_joules * 1e6)
    total, told = 0.0, 0
    for share in shares:
        parts = (share.succeeded_joules, share.failed_joules, share.idle_joules)
        for party, joules in zip(("requests", "failed", "idle"), parts, strict=True):
            total += joules
            until = min(whole, max(told, round(total * 1e6)))
            if until > told:
                found.append((share.service, party, rule, until - told))
            told = until
    return found


def _counts(work: Work) -> list[tuple[str, float]]:
    """What is known of the work, by unit; nothing done is no row."""
    found = [(unit, getattr(work, name)) for unit, name in WORK.items()]
    return [(unit, count) for unit, count in found if count]


def _whole(host_id: str, use: DeviceUse, origin: Origin) -> Stream:
    theirs = origin.subject
    machine = Subject(organisation=theirs.organisation, environment=theirs.environment, zone=theirs.zone)
    rest = use.component == "rest_of_node"
    return Stream(
        source=replace(origin.source, name=f"{origin.source.name}:{use.source}"),
        instance=origin.instance,
        host_id=host_id,
        device_id=use.device_id,
        component=use.component,
        method=use.method,
        # A reading of the node would hide the devices beside it: the rest is one of them.
        boundary=Boundary.DEVICE if rest else use.boundary,
        grade=use.grade,
        errors=dict(use.errors),
        sensor_duty=use.sensor_duty,
        subject=machine,
        place=origin.place,
    )


def _share(whole: Stream, service: Service, party: str, rule: Rule, origin: Origin) -> Stream:
    return replace(
        whole,
        scope=Scope.SHARE,
        attribution_rule=rule.value,
        subject=_subject(service, origin, party),
    )


def _work(host_id: str, service: Service, unit: str, origin: Origin) -> Stream:
    return Stream(
        source=origin.source,
        instance=origin.instance,
        host_id=host_id,
        unit=unit,
        subject=_subject(service, origin),
        place=origin.place,
    )


def _subject(service: Service, origin: Origin, party: str = "") -> Subject:
    told = {"tenant": service.tenant, "target": service.target, PARTY: party}
    return replace(
        origin.subject,
        model=service.model or origin.subject.model,
        model_version=service.model_version or origin.subject.model_version,
        stage=STAGE,
        labels={**origin.subject.labels, **{name: value for name, value in told.items() if value}},
    )
