"""Which stated machines are one: a measured run knows its machine by its identity, an exporter by its name.

A name stands for the one machine whose measured runs say that they are called so; a GPU whose id is unique
in all the world is in the one machine whose measured runs have read it. What two machines say of themselves
decides nothing: each then stays as it is stated.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from wattmark.core.run import EnergyRow, Run
from wattmark.core.telemetry import Stream

UNIQUE = re.compile(r"(GPU|MIG)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""An id that NVML gives: a UUID, the same in every tool (NVML API reference, nvmlDeviceGetUUID)."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a run says of its machine."""

    host_id: str
    measured: bool
    """It was measured on the machine itself, which stated its boot."""
    names: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    """Its devices whose ids are unique."""


@dataclass(frozen=True, slots=True)
class Machines:
    """The machine behind what is stated."""

    by_name: Mapping[str, str] = field(default_factory=dict)
    """The id of a name -> machine."""
    by_device: Mapping[str, str] = field(default_factory=dict)
    """Unique device -> machine."""

    def behind(self, told: Told) -> str:
        """The machine of a run. One that was measured states it; an import may name it, or a device of it."""
        if told.measured:
            return told.host_id
        named = self.by_name.get(told.host_id)
        if named is not None:
            return named
        found = {self.by_device[d] for d in told.devices if d in self.by_device}
        return found.pop() if len(found) == 1 else told.host_id

    def of_stream(self, stream: Stream) -> Stream:
        """The stream with its machine, and devices that are named after it."""
        machine = self.by_name.get(stream.host_id) or self.by_device.get(stream.device_id) or stream.host_id
        if machine == stream.host_id:
            return stream
        device = _renamed(stream.device_id, stream.host_id, machine)
        part_of = None if stream.part_of is None else _renamed(stream.part_of, stream.host_id, machine)
        return replace(stream, host_id=machine, device_id=device, part_of=part_of)

    def of_run(self, run: Run) -> Run:
        """The run with its machine, and devices that are named after it."""
        stated, machine = run.host.id, self.behind(told_of(run))
        if machine == stated:
            return run
        return replace(
            run,
            host=replace(run.host, id=machine),
            energies=tuple(_row(row, stated, machine) for row in run.energies),
            series=tuple(replace(s, device_id=_renamed(s.device_id, stated, machine)) for s in run.series),
        )


def told_of(run: Run) -> Told:
    """What a run says of its machine."""
    devices = {row.device_id for row in run.energies if UNIQUE.fullmatch(row.device_id)}
    return Told(run.host.id, run.host.boot_id is not None, run.host.names, tuple(sorted(devices)))


def machines_of(told: Iterable[Told]) -> Machines:
    """What measured runs say together. A pure function of them, in any order."""
    names: dict[str, set[str]] = {}
    devices: dict[str, set[str]] = {}
    hosts: set[str] = set()
    for each in told:
        if each.measured:
            hosts.add(each.host_id)
            for name in each.names:
                names.setdefault(name, set()).add(each.host_id)
            for device in each.devices:
                devices.setdefault(device, set()).add(each.host_id)
    return Machines(_certain({n: h for n, h in names.items() if n not in hosts}), _certain(devices))


def _certain(found: Mapping[str, Collection[str]]) -> dict[str, str]:
    return {key: next(iter(hosts)) for key, hosts in sorted(found.items()) if len(hosts) == 1}


def _row(row: EnergyRow, stated: str, machine: str) -> EnergyRow:
    part_of = None if row.part_of is None else _renamed(row.part_of, stated, machine)
    return replace(row, device_id=_renamed(row.device_id, stated, machine), part_of=part_of)


def _renamed(device_id: str, stated: str, machine: str) -> str:
    """``cpu:<stated>/package-0`` -> ``cpu:<machine>/package-0``; ids without the machine stay."""
    kind, sign, rest = device_id.partition(":")
    host, slash, part = rest.partition("/")
    return f"{kind}:{machine}{slash}{part}" if sign and host == stated else device_id
