"""From lines of a bill to records: energy of instance-hours at grade E, and cost as it is stated.

Energy is one run per machine (or pool of unnamed machines of one type) and day (UTC); cost is one run per
account, region, service and month that holds statements alone. A later delivery of the same bill replaces
each of them as a whole: same record_id, higher seq.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from wattmark.core.instances import (
    ACCELERATOR_ERROR,
    InstanceType,
    Unconverted,
    Watts,
    accelerator_watts,
)
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method
from wattmark.core.pools import ACCOUNT, POOL, PROVIDER, TYPE
from wattmark.core.run import (
    EnergyRow,
    Hardware,
    Host,
    NotSeen,
    Run,
    SourceId,
    Statement,
    Status,
    Subject,
)
from wattmark.core.standins import UNNAMED
from wattmark.hashing import sha256
from wattmark.sources.bill_line import USAGE, BillLine, month_span
from wattmark.sources.bill_settings import BillSettings, Load
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.moments import written
from wattmark.sources.stated import place_of, subject_of

US = 1_000_000
SECONDS_PER_HOUR = 3600.0
SEVERAL = 1.01
"""A line with more instance-hours than this many times its own length is about several machines."""
NOT_SEEN = (
    NotSeen(what="load", reason="a bill states hours, not how busy the machine was"),
    NotSeen(what="network, managed storage", reason="the table of instances holds the machine alone"),
)
Key = tuple[str, str, str, str, str, str]
"""Provider, account, region, machine (empty: a pool), type, day."""
_CostKey = tuple[str, str, str, str, str]
"""Provider, account, region, service, month."""


@dataclass(slots=True)
class _Hours:
    """Hours of one machine or pool on one day, by stretch of time."""

    of: InstanceType | None
    gpu: str
    gpu_watts: float | None
    load: Load
    service: str
    month: str
    stretches: dict[tuple[int, int], float] = field(default_factory=dict)


@dataclass(slots=True)
class _Cost:
    sums: dict[tuple[str, str], float] = field(default_factory=dict)
    """Kind of cost and currency -> amount."""
    estimated: bool = False


@dataclass(slots=True)
class Delivery:
    """What one delivery of a bill holds: lines of several deliveries are never added up."""

    source: SourceId
    settings: BillSettings
    energy: dict[Key, _Hours] = field(default_factory=dict)
    costs: dict[_CostKey, _Cost] = field(default_factory=dict)
    latest_us: dict[str, int] = field(default_factory=dict)
    """Month -> last moment that its lines cover."""
    final: dict[str, bool] = field(default_factory=dict)
    written_seconds: dict[str, int] = field(default_factory=dict)
    """Month -> when its latest line was written, where lines say so."""
    unconverted: dict[str, float] = field(default_factory=dict)
    """Type -> hours that gave no energy."""
    pooled: set[str] = field(default_factory=set)

    def add(self, line: BillLine) -> str | None:
        """One line; its cost always counts. Gives the reason where its hours could not be converted.

        Raises ValueError for a line that cannot be, of which nothing counts.
        """
        line.checked()
        hours, reason = self._converted(line)
        self._note(line)
        if line.costs:
            self._cost(line)
        if hours is not None:
            stretch = line.start_us, line.end_us
            hours.stretches[stretch] = hours.stretches.get(stretch, 0.0) + (line.hours or line.gpu_hours)
        return reason

    def _converted(self, line: BillLine) -> tuple[_Hours | None, str | None]:
        settings = self.settings
        if line.hours > 0:
            found = settings.instances.find(line.provider, line.instance_type)
            if isinstance(found, Unconverted):
                self._missed(line.instance_type, line.hours)
                return None, f"{line.hours:g} h are not converted: {found.reason}"
            return self._hours(line, found, "", None), None
        if line.gpu_hours > 0:
            rated = settings.instances.rated_watts.get(line.gpu)
            if rated is None:
                self._missed(line.gpu, line.gpu_hours)
                return (
                    None,
                    f"{line.gpu_hours:g} h are not converted: no rated power of {line.gpu!r} is known",
                )
            return self._hours(line, None, line.gpu, rated), None
        return None, None

    def _missed(self, what: str, hours: float) -> None:
        self.unconverted[what] = self.unconverted.get(what, 0.0) + hours

    def _hours(self, line: BillLine, of: InstanceType | None, gpu: str, gpu_watts: float | None) -> _Hours:
        amount = line.hours or line.gpu_hours
        one = amount * SECONDS_PER_HOUR * US <= SEVERAL * (line.end_us - line.start_us)
        machine = line.resource if one or gpu else ""
        if line.resource and not machine:
            self.pooled.add(line.instance_type)
        what = gpu or line.instance_type
        day = written(line.start_us)[:10]
        key = line.provider, line.account, line.region, machine, what, day
        if key not in self.energy:
            load = self.settings.load_of(line.resource, line.instance_type)
            self.energy[key] = _Hours(of, gpu, gpu_watts, load, line.service, line.month)
        return self.energy[key]

    def _note(self, line: BillLine) -> None:
        month = line.month
        self.latest_us[month] = max(self.latest_us.get(month, 0), line.end_us)
        self.final[month] = self.final.get(month, False) or line.final
        if line.delivered_seconds is not None:
            told = self.written_seconds.get(month, 0)
            self.written_seconds[month] = max(told, line.delivered_seconds)

    def _cost(self, line: BillLine) -> None:
        key = line.provider, line.account, line.region, line.service, line.month
        cost = self.costs.setdefault(key, _Cost())
        cost.estimated = cost.estimated or line.estimated
        for name, amount in line.costs.items():
            kind = name if line.charge == USAGE else f"{name}:{line.charge}"
            cost.sums[kind, line.currency] = cost.sums.get((kind, line.currency), 0.0) + amount

    def seq(self, month: str) -> int:
        """Which of two deliveries is the newer one: seconds since 1970.

        When it was written where that is said; else the last moment that it covers, an invoice after what
        is none.
        """
        told = self.settings.delivered_seconds or self.written_seconds.get(month)
        return told if told is not None else self.latest_us.get(month, 0) // US + self.final.get(month, False)

    def runs(self) -> Iterator[Run]:
        """Every record of the delivery, in a fixed order."""
        for key, hours in sorted(self.energy.items(), key=lambda item: item[0]):
            yield self._energy_run(key, hours)
        for cost_key, cost in sorted(self.costs.items(), key=lambda item: item[0]):
            yield self._cost_run(cost_key, cost)

    def _energy_run(self, key: Key, hours: _Hours) -> Run:
        provider, account, region, machine, what, _ = key
        named = self.settings.hosts.get(machine, machine)
        host = host_of(named or f"pool {provider} {account} {region} {what}")
        stretches = _joined(hours.stretches)
        start, end = stretches[0][0], max(s[1] for s in stretches)
        rows = [row for s in stretches for row in self._rows(hours, host, bool(machine), what, s, start)]
        asked = self.settings.asked
        labels = {} if hours.gpu else {TYPE: what}
        if not machine:
            labels[POOL] = "machines that the bill does not name"
        return Run(
            record_id=import_id(self.source.name, "", "\x1f".join(key)),
            seq=self.seq(hours.month),
            status=Status.CLOSED,
            started_at=written(start),
            duration_seconds=(end - start) / US,
            host=Host(id=host, fingerprint=f"bill-{sha256(what.encode()).hexdigest()[:16]}"),
            subject=self._subject(provider, account, region, hours.service, labels),
            energies=tuple(rows),
            place=place_of(asked, site=region, hardware=_hardware(hours.of)),
            not_seen=NOT_SEEN,
        )

    def _rows(
        self, hours: _Hours, host: str, named: bool, what: str, stretch: tuple[int, int, float], zero: int
    ) -> Iterator[EnergyRow]:
        start, end, amount = stretch
        load, of = hours.load, hours.of
        common = EnergyRow(
            device_id=f"node:{host}" if named else f"pool:{host}",
            component="node",
            t0_seconds=(start - zero) / US,
            duration_seconds=(end - start) / US,
            energy_joules=0.0,
            observed_seconds=(end - start) / US,
            method=Method.DECLARED,
            boundary=Boundary.NODE,
            grade=GRADE_OF_METHOD[Method.DECLARED],
            source=self.source,
        )
        if of is not None:
            said = f"{amount:g} instance-hours of {what} at {load.cpu:g} of its load"
            name, error = f"instances:{of.processor.architecture}", of.processor.relative_error
            without = f", without its {of.gpus} accelerators" if of.gpus else ""
            yield _filled(common, of.node, amount, load, load.cpu, name, error, said + without)
        watts = of.accelerators if of is not None else accelerator_watts(hours.gpu_watts or 0.0)
        if watts is not None:
            gpu = of.gpu if of is not None else hours.gpu
            count = of.gpus if of is not None else 1
            said = f"{amount * count:g} hours of {gpu} at {load.gpu:g} of its load"
            row = replace(
                common, device_id=f"gpu:{host}/{UNNAMED}", component="gpu", boundary=Boundary.DEVICE
            )
            yield _filled(row, watts, amount, load, load.gpu, f"instances:{gpu}", ACCELERATOR_ERROR, said)

    def _cost_run(self, key: _CostKey, cost: _Cost) -> Run:
        provider, account, region, service, month = key
        start, end = month_span(month)
        host = host_of(f"{provider} account {account}")
        return Run(
            record_id=import_id(self.source.name, "", "\x1f".join((*key, "cost"))),
            seq=self.seq(month),
            status=Status.CLOSED,
            started_at=written(start),
            duration_seconds=(end - start) / US,
            host=Host(id=host, fingerprint=self.source.name),
            subject=self._subject(provider, account, region, service, {}),
            statements=tuple(
                Statement(
                    quantity="cost", value=value, unit=currency, basis=kind, scopes=(kind,), period=month
                )
                for (kind, currency), value in sorted(cost.sums.items())
            ),
            place=place_of(self.settings.asked, site=region),
            notes=(ESTIMATED,) if cost.estimated else (),
        )

    def _subject(
        self, provider: str, account: str, region: str, service: str, more: Mapping[str, str]
    ) -> Subject:
        labels = {PROVIDER: provider, ACCOUNT: account, "cloud.service": service, **more}
        return subject_of(self.settings.asked, region=region, labels={k: v for k, v in labels.items() if v})


ESTIMATED = "estimated: the provider may still change these amounts"


def _filled(
    row: EnergyRow, watts: Watts, hours: float, load: Load, at: float, name: str, error: float, said: str
) -> EnergyRow:
    """The row with its energy: hours x watts at this load."""
    return replace(
        row,
        energy_joules=hours * SECONDS_PER_HOUR * watts.at(at),
        errors={name: error, load.name: watts.load_error(at, load.half_width)},
        note=said,
    )


def _joined(stretches: Mapping[tuple[int, int], float]) -> list[tuple[int, int, float]]:
    """Stretches in order; neighbours of one rate are one, so that 24 hourly lines are a day."""
    found: list[tuple[int, int, float]] = []
    for (start, end), hours in sorted(stretches.items()):
        if found:
            first, last, before = found[-1]
            if last == start and before * (end - start) == hours * (last - first):
                found[-1] = first, end, before + hours
                continue
        found.append((start, end, hours))
    return found


def _hardware(of: InstanceType | None) -> tuple[Hardware, ...] | None:
    if of is None or not of.gpus:
        return None
    return (Hardware(component="gpu", name=of.gpu, count=float(of.gpus)),)
