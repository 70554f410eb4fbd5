"""The meters of one machine, their devices linked so that nothing is added twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wattmark.core.known import Boundary
from wattmark.core.readings import Device, Gap, Reading
from wattmark.core.run import MeterChoice, NotSeen
from wattmark.ports import Meter

INSIDE_A_MODULE = ("cpu", "dram", "gpu")
"""What a superchip's module counter (GH200, GB200) already holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSet:
    """Everything that is read together."""

    meters: tuple[Meter, ...]
    devices: tuple[Device, ...]
    choices: tuple[MeterChoice, ...] = ()
    not_seen: tuple[NotSeen, ...] = ()

    def read(self) -> Mapping[str, Reading]:
        """One look at every device of every meter. Never raises: a meter that breaks gives gaps."""
        found: dict[str, Reading] = {}
        for meter in self.meters:
            try:
                found.update(meter.read())
            except Exception as error:  # noqa: BLE001 - a third party's meter must not break the host program
                gap = Gap(f"{meter.name} failed: {type(error).__name__}: {error}")
                found.update({d.id: gap for d in meter.devices})
        return found

    def close(self) -> None:
        """Close every meter."""
        for meter in self.meters:
            meter.close()


def linked(devices: Sequence[Device]) -> tuple[Device, ...]:
    """Say which device is inside which: everything inside a measured node, CPU and GPU inside a module."""
    node = next((d for d in devices if d.boundary is Boundary.NODE and d.source != "model"), None)
    module = [d for d in devices if d.component == "module"]
    found = []
    for device in devices:
        outer = device.part_of
        if outer is None and len(module) == 1 and device.component in INSIDE_A_MODULE:
            outer = module[0].id
        if outer is None and node is not None and device is not node:
            outer = node.id
        found.append(replace(device, part_of=outer) if outer != device.part_of else device)
    return tuple(found)
