"""Chooses the meters of this machine by an ordered fallback, and keeps every reason."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from wattmark.config import Config, MeasureConfig
from wattmark.core.errors import MeterUnavailable, UsageError, WattmarkError
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.readings import CounterReading, Device, Reading
from wattmark.core.run import Host, MeterChoice, NotSeen, Run
from wattmark.core.units import Energy, Power
from wattmark.measure.home import calibrations_folder
from wattmark.measure.host import host_id, this_host
from wattmark.measure.meterset import MeterSet, linked
from wattmark.meters.clock import boot_clock
from wattmark.ports import Meter
from wattmark.version import __version__

LAST_RESORT = "model"
GPU_METERS = ("nvml", "amdsmi")
SEES_CPU = ("cpu", "node", "module", "package", "psys")


class Survey(NamedTuple):
    """What can be measured on this machine."""

    host: Host
    meters: MeterSet
    environment: Mapping[str, str] = MappingProxyType({})
    finish: Callable[[Run], Run] = lambda run: run
    """Applies this machine's calibration to a run that has ended."""


class FixedRest:
    """Power of what no meter sees, as stated in the configuration."""

    name = "stated"

    def __init__(self, identity: str, watts: float) -> None:
        self._watts = watts
        self._device = Device(
            id=f"rest_of_node:{identity}",
            component="rest_of_node",
            source=self.name,
            method=Method.MODELLED,
            grade=Grade.D,
            boundary=Boundary.DEVICE,
            max_power=Power(max(watts, 1e-3) * 1.3),
            idle_power=Power(watts),
            relative_error=0.5,
            note=f"{watts:g} W stated as rest_of_node_watts",
        )

    @property
    def devices(self) -> Sequence[Device]:
        """The rest of the node."""
        return (self._device,)

    def read(self) -> Mapping[str, Reading]:
        """Watts times time since boot."""
        now = boot_clock()
        return {self._device.id: CounterReading(Energy(self._watts * now), now)}

    def close(self) -> None:
        """Nothing is held open."""


def survey(config: Config | None = None, *, thorough: bool = True) -> Survey:
    """Look at this machine afresh: which meters work, and why others do not.

    ``thorough`` asks every meter for its own reason; else one without a sign of its hardware is passed over.
    """
    measure = (config or Config()).measure
    identity = host_id()
    meters = _chosen(measure, identity, thorough)
    finish = calibrated_here if measure.calibration else _as_it_is
    return Survey(this_host(meters.devices, identity), meters, environment(), finish)


def calibrated_here(run: Run) -> Run:
    """The run with this machine's calibration, where one is kept. Costs one look when there is none."""
    directory = calibrations_folder(os.environ)
    if not directory.is_dir():
        return run
    from wattmark.measure.calibrations import calibrated

    return calibrated(run, directory, datetime.now(UTC))


def _as_it_is(run: Run) -> Run:
    return run


def open_meters(config: Config) -> Survey:
    """The survey of this process: made once, and again after a fork."""
    return _once(config.measure, os.getpid())


@cache
def _once(measure: MeasureConfig, _pid: int) -> Survey:
    return survey(Config(measure=measure), thorough=False)


@cache
def environment() -> Mapping[str, str]:
    """Versions only; nothing of the process's variables."""
    return {
        "wattmark": __version__,
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "kernel": platform.release(),
        "machine": platform.machine(),
    }


def make_meter(name: str, identity: str, measure: MeasureConfig) -> Meter:
    """One meter by name. Raises MeterUnavailable with its reason, UsageError for an unknown name."""
    from wattmark.meters import catalog

    arguments: dict[str, Any] = {"host_id": identity, "clock": boot_clock}
    if name in ("ipmi", "redfish"):
        arguments["accuracy"] = measure.bmc_accuracy
    if name == "redfish":
        if measure.redfish_url is None:
            raise MeterUnavailable("no address: set redfish_url under [measure] in wattmark.toml")
        user, password = bmc_account(measure.redfish_url)
        arguments |= {"url": measure.redfish_url, "user": user, "password": password}
        arguments |= {"chassis": measure.redfish_chassis, "cafile": measure.redfish_cafile}
    return catalog.meter_class(name)(**arguments)


def bmc_account(url: str, netrc_file: str | None = None) -> tuple[str, str]:
    """User and password for a BMC from ~/.netrc, empty where there are none.

    An entry there belongs to one host, so that no project's settings can send it elsewhere.
    Raises MeterUnavailable for a file that cannot be understood.
    """
    import netrc
    from urllib.parse import urlsplit

    try:
        entries = netrc.netrc(netrc_file).hosts
    except OSError:
        return "", ""
    except netrc.NetrcParseError as error:
        raise MeterUnavailable(f"~/.netrc cannot be understood: {error}") from error
    user, _, password = entries.get(urlsplit(url).hostname or "", ("", "", ""))
    return user or "", password or ""


def _chosen(measure: MeasureConfig, identity: str, thorough: bool) -> MeterSet:
    if measure.meters is not None:
        return _asked_for(measure, identity)
    from wattmark.meters.catalog import METERS, hopeless

    meters: list[Meter] = []
    choices: list[MeterChoice] = []
    for name, row in METERS.items():
        wanted = row.automatic or (name == "redfish" and measure.redfish_url is not None)
        reason = _why_not(name, row.unless, meters) if wanted else "only when it is asked for by name"
        if reason is None and not thorough:
            reason = hopeless(name)
        if reason is not None:
            choices.append(MeterChoice(meter=name, chosen=False, reason=reason))
            continue
        meter = _try(name, identity, measure, choices)
        if meter is not None:
            meters.append(meter)
    return _set(measure, identity, meters, choices)


def _why_not(name: str, unless: str, chosen: Sequence[Meter]) -> str | None:
    """Why a meter need not be tried after those that were chosen."""
    if unless and any(m.name == unless for m in chosen):
        return f"{unless} reads the same"
    sees_cpu = next((m.name for m in chosen for d in m.devices if d.component in SEES_CPU), None)
    return f"{sees_cpu} measures the CPU" if name == LAST_RESORT and sees_cpu else None


def _asked_for(measure: MeasureConfig, identity: str) -> MeterSet:
    """Exactly the meters that were named; one that cannot work is an error, not a fallback."""
    meters: list[Meter] = []
    choices: list[MeterChoice] = []
    for name in measure.meters or ():
        try:
            meters.append(make_meter(name, identity, measure))
        except MeterUnavailable as error:
            raise UsageError(f"meter {name!r} was asked for and cannot work here: {error}") from error
        choices.append(MeterChoice(meter=name, chosen=True, reason="asked for"))
    return _set(measure, identity, meters, choices)


def _set(
    measure: MeasureConfig,
    identity: str,
    meters: list[Meter],
    choices: list[MeterChoice],
) -> MeterSet:
    found = [d for meter in meters for d in meter.devices]
    if measure.rest_of_node_watts is not None:
        if any(d.boundary is Boundary.NODE for d in found):
            reason = "rest_of_node_watts is left aside: the whole node is read already"
            choices.append(MeterChoice(meter="stated", chosen=False, reason=reason))
        else:
            rest = FixedRest(identity, measure.rest_of_node_watts)
            meters.append(rest)
            # What was stated replaces what a model would add.
            found = [d for d in found if d.component != "rest_of_node"] + list(rest.devices)
    devices = linked(found)
    seen = {d.component for d in devices}
    not_seen = []
    if not seen & set(SEES_CPU):
        not_seen.append(NotSeen(what="cpu", reason="; ".join(c.reason for c in choices if not c.chosen)))
    if not seen & {"gpu", "module"}:
        reasons = "; ".join(f"{c.meter}: {c.reason}" for c in choices if c.meter in GPU_METERS)
        not_seen.append(NotSeen(what="gpu", reason=reasons or "no GPU meter was asked for"))
    if "node" not in seen and "rest_of_node" not in seen:
        not_seen.append(
            NotSeen(
                what="rest of node",
                reason="fans, power supply, disks and board have no sensor here: `wattmark calibrate`, "
                "or rest_of_node_watts under [measure]",
            )
        )
    not_seen.append(NotSeen(what="network and cooling", reason="outside the node; PUE stands for the site"))
    return MeterSet(meters=tuple(meters), devices=devices, choices=tuple(choices), not_seen=tuple(not_seen))


def _try(name: str, identity: str, measure: MeasureConfig, choices: list[MeterChoice]) -> Meter | None:
    try:
        meter = make_meter(name, identity, measure)
    except WattmarkError as error:
        choices.append(MeterChoice(meter=name, chosen=False, reason=str(error)))
        return None
    except Exception as error:  # noqa: BLE001 - a driver's surprise must not stop the program that is measured
        reason = f"could not be set up: {type(error).__name__}: {error}"
        choices.append(MeterChoice(meter=name, chosen=False, reason=reason))
        return None
    if not meter.devices:
        choices.append(MeterChoice(meter=name, chosen=False, reason="found nothing to read"))
        meter.close()
        return None
    found = ", ".join(dict.fromkeys(d.component for d in meter.devices))
    notes = "; ".join(dict.fromkeys(d.note for d in meter.devices if d.note))
    choices.append(
        MeterChoice(meter=name, chosen=True, reason=f"reads {found}" + (f" ({notes})" if notes else ""))
    )
    return meter
