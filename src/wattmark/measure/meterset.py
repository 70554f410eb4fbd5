"""The meters of one machine, their devices linked so that nothing is added twice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from wattmark.core.known import Boundary
from wattmark.core.readings import Device, Gap, Reading
from wattmark.core.run import MeterChoice, NotSeen
from wattmark.ports import Meter

INSIDE_A_MODULE = ("cpu", "dram", "gpu", "module")
"""What a superchip's module counter (GH200, GB200) already holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSet:
    """Everything that is read together."""

    meters: tuple[Meter, ...]
    devices: tuple[Device, ...]
    choices: tuple[MeterChoice, ...] = ()
    not_seen: tuple[NotSeen, ...] = ()

    def read(self) -> Mapping[str, Reading]:
        """One look at every device of every meter. Never raises: a meter that breaks gives gaps.

        What two meters read (a node's power by IPMI and by Redfish) is the first one's.
        """
        found: dict[str, Reading] = {}
        for meter in self.meters:
            try:
                said = meter.read()
            except Exception as error:  # noqa: BLE001 - a third party's meter must not break the host program
                gap = Gap(f"{meter.name} failed: {type(error).__name__}: {error}")
                said = {d.id: gap for d in meter.devices}
            found = {**said, **found}
        return found

    def close(self) -> None:
        """Close every meter."""
        for meter in self.meters:
            meter.close()


def linked(devices: Sequence[Device]) -> tuple[Device, ...]:
    """Each device once, with what it is inside of: everything in a measured node, CPU and GPU in a module."""
    once: dict[str, Device] = {}
    for device in devices:
        once.setdefault(device.id, device)
    node = next((d for d in once.values() if d.boundary is Boundary.NODE and d.source != "model"), None)
    found = []
    for device in once.values():
        outer = device.part_of or _module_around(device, tuple(once.values()))
        if outer is None and node is not None and device is not node:
            outer = node.id
        found.append(replace(device, part_of=outer) if outer != device.part_of else device)
    return tuple(found)


def _module_around(device: Device, devices: Sequence[Device]) -> str | None:
    """The superchip module that another meter counts this device in.

    NVML's counter of a GH200 holds what Grace's own sensors show, its module sensor included. With several
    modules, ``socket-1`` lies in the second.
    """
    if device.component not in INSIDE_A_MODULE:
        return None
    modules = [d for d in devices if d.component == "module"]
    modules = [d for d in modules if d.source == "nvml"] or modules
    if any(d.source == device.source for d in modules):
        return None  # a meter links its own devices itself
    if len(modules) == 1:
        return modules[0].id
    socket = re.search(r"/socket-(\d+)$", device.id)
    return modules[int(socket[1])].id if socket and int(socket[1]) < len(modules) else None
