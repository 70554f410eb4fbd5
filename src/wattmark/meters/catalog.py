"""Which meters there are, in the order in which they are tried. Nothing is imported until it is asked for.

A meter is a class; built-ins and third parties' are loaded the same way, from ``module:Class``. Third
parties register theirs in the entry point group ``wattmark.meters``; the class is called with the
keywords ``host_id`` and ``clock`` and raises MeterUnavailable, with a reason, where it cannot work.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from typing import NamedTuple, cast

from wattmark.core.errors import MissingExtra, UsageError
from wattmark.ports import Meter

GROUP = "wattmark.meters"


class Row(NamedTuple):
    """One meter: where its class is, and when it is tried."""

    target: str
    """``module:Class``."""
    extra: str
    """The optional dependency it needs, empty for none."""
    what: str
    """What it reads, in a few words."""
    automatic: bool = True
    """Tried by itself; otherwise only when a setting names it."""
    unless: str = ""
    """Not tried when this meter works: the two read the same thing."""
    signs: tuple[str, ...] = ()
    """Linux: without any of these files (``folder/``: anything in it) there is nothing to read, so that a
    measurement need not even import the meter. Empty: always tried."""


METERS: Mapping[str, Row] = {
    "rapl_perf": Row(
        "wattmark.meters.rapl_perf:RaplPerfMeter",
        "",
        "CPU and memory, Linux perf events",
        signs=("/sys/bus/event_source/devices/power",),
    ),
    "rapl": Row(
        "wattmark.meters.rapl:RaplMeter",
        "",
        "CPU and memory, Linux powercap",
        unless="rapl_perf",
        signs=("/sys/class/powercap/",),
    ),
    "nvml": Row(
        "wattmark.meters.nvml:NvmlMeter",
        "",
        "NVIDIA GPUs",
        # The driver, its device files, Windows's (WSL), Jetson's, or what would load the driver on demand.
        signs=(
            "/dev/nvidiactl",
            "/proc/driver/nvidia",
            "/dev/dxg",
            "/dev/nvmap",
            "/usr/bin/nvidia-modprobe",
            "/usr/bin/nvidia-smi",
        ),
    ),
    "amdsmi": Row(
        "wattmark.meters.amdsmi:AmdSmiMeter",
        "",
        "AMD GPUs",
        signs=("/dev/kfd", "/sys/module/amdgpu"),
    ),
    "hwmon": Row(
        "wattmark.meters.hwmon:HwmonMeter",
        "",
        "Intel GPUs, NVIDIA Grace, Jetson, ACPI power meters",
        signs=("/sys/class/hwmon/",),
    ),
    "ipmi": Row("wattmark.meters.ipmi:IpmiMeter", "", "whole node, by its BMC (ipmitool)", automatic=False),
    "redfish": Row(
        "wattmark.meters.redfish:RedfishMeter", "", "whole node, by its BMC (HTTPS)", automatic=False
    ),
    "model": Row("wattmark.meters.model:ModelMeter", "", "estimate from activity and tables, grade D"),
}
"""Name -> row, in the order of the fallback: what counts energy first, the model last."""


def hopeless(name: str, root: str = "/") -> str | None:
    """Why this meter has nothing to read here, told from its signs alone; None when it is worth a try."""
    signs = METERS[name].signs if name in METERS else ()
    if not signs or not os.path.isdir(os.path.join(root, "proc/self")):
        return None
    if any(_is_there(os.path.join(root, sign[1:])) for sign in signs):
        return None
    missing = signs[0] if len(signs) == 1 else f"none of {', '.join(signs)}"
    return f"{missing} is not there (`wattmark doctor` says more)"


def _is_there(path: str) -> bool:
    try:
        return bool(os.listdir(path)) if path.endswith("/") else os.path.exists(path)
    except OSError:
        return False


def third_party() -> Mapping[str, Row]:
    """Meters that other packages have registered.

    Looks through every installed distribution (10 to 50 ms), so it is called only when a name is
    not one of ours or when a person asks what there is.
    """
    from importlib.metadata import entry_points

    found = sorted(entry_points(group=GROUP), key=lambda e: e.name)
    return {
        e.name: Row(e.value, "", f"from the package {e.dist.name if e.dist else 'of an entry point'}", False)
        for e in found
    }


def row(name: str) -> Row:
    """The row of a meter by its name; UsageError with the known names when there is none."""
    if name in METERS:
        return METERS[name]
    others = third_party()
    if name in others:
        return others[name]
    known = ", ".join([*METERS, *others])
    raise UsageError(f"there is no meter {name!r}; known meters: {known}")


def meter_class(name: str) -> Callable[..., Meter]:
    """The class of a meter, imported now. Raises UsageError or MissingExtra."""
    wanted = row(name)
    module, _, attribute = wanted.target.partition(":")
    try:
        return cast("Callable[..., Meter]", getattr(importlib.import_module(module), attribute))
    except ImportError as error:
        if wanted.extra:
            raise MissingExtra(name, wanted.extra) from error
        raise UsageError(f"meter {name!r} cannot be imported from {wanted.target}: {error}") from error
    except AttributeError as error:
        raise UsageError(f"meter {name!r}: {module} has no {attribute}") from error
