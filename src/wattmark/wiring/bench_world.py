"""This machine as the world of a benchmark: meters, states of devices, clocks, versions."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from wattmark.bench.others import Others
from wattmark.bench.ticking import every
from wattmark.bench.world import World
from wattmark.config import Config
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.readings import Device
from wattmark.measure.home import calibrations_folder
from wattmark.measure.meterset import MeterSet
from wattmark.meters.clock import boot_clock
from wattmark.meters.cpu_state import CpuStates
from wattmark.meters.model import cpu_name
from wattmark.ports import StateMeter
from wattmark.wiring.meters import Survey, environment, survey

LIBRARIES = ("torch", "transformers", "diffusers", "tokenizers", "datasets", "numpy", "pillow")
DRIVER = Path("/proc/driver/nvidia/version")
GPUS = ("gpu", "module")


def world_here(config: Config, *, local: bool, served: bool) -> World:
    """This machine. ``local``: a model of ours runs on it; ``served``: somebody's server does."""
    found = survey(config, thorough=False)
    gpus = [m for m in found.meters.meters if isinstance(m, StateMeter)]
    cpus = [d.id for d in found.meters.devices if d.component == "cpu"]
    others = _not_told if served else Others().share
    meters, about, notes = calibrated_here(config, found)
    names = [d.name for d in found.meters.devices if d.component in GPUS and d.name]
    return World(
        meters=meters,
        host=found.host,
        clock=boot_clock,
        utc=lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        sleep=time.sleep,
        every=every,
        cpu_seconds=time.thread_time,
        states=(*gpus, CpuStates(cpus, others_share=others)) if cpus else tuple(gpus),
        hardware=tuple(names) or (cpu_name(),),
        environment=lambda: {**versions(), **about},
        notes=notes,
        new_id=lambda pinned: uuid.uuid4().hex,
        used=used_devices if local else _all,
    )


def calibrated_here(config: Config, found: Survey) -> tuple[MeterSet, Mapping[str, str], tuple[str, ...]]:
    """The meters with this machine's calibration, where one is kept and may be used; what it is, and why not.

    As everywhere, ``calibration = false`` under [measure] leaves it out.
    """
    directory = calibrations_folder(os.environ)
    if not config.measure.calibration or not directory.is_dir():
        return found.meters, {}, ()
    from wattmark.measure.calibrated_set import calibrated_set, kept_for, unfit_as_a_whole

    said: list[str] = []
    now = datetime.now(UTC)
    kept = kept_for(directory, found.host, found.meters.devices, now, unfit_as_a_whole, said.append)
    if kept is None:
        return found.meters, {}, tuple(said)
    return calibrated_set(found.meters, kept), {"calibration": kept.id}, tuple(said)


def versions() -> Mapping[str, str]:
    """wattmark, Python, kernel, libraries of models that are loaded, NVIDIA's driver, PyTorch's threads."""
    found = dict(environment())
    for name in LIBRARIES:
        module = {"pillow": "PIL"}.get(name, name)
        if module in sys.modules:
            with suppress(metadata.PackageNotFoundError):
                found[name] = metadata.version(name)
    with suppress(OSError, UnicodeDecodeError):
        found["nvidia_driver"] = DRIVER.read_text(encoding="ascii").partition("\n")[0].strip()
    torch = sys.modules.get("torch")
    if torch is not None:
        found["torch_threads"] = str(torch.get_num_threads())
        if torch.version.cuda:
            found["cuda"] = str(torch.version.cuda)
    return found


def used_devices(facts: ModelFacts, devices: Sequence[Device]) -> Sequence[Device]:
    """Without the GPUs on which the model does not run, where that can be told."""
    if facts.device == "cpu":
        return [d for d in devices if d.component != "gpu"]
    kind, _, number = facts.device.partition(":")
    if kind != "cuda" or not number.isdigit():
        return devices
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return devices
    own = f"GPU-{getattr(torch.cuda.get_device_properties(int(number)), 'uuid', '')}"
    if own not in {d.id for d in devices}:
        return devices
    return [d for d in devices if d.component not in GPUS or d.id == own]


def _all(facts: ModelFacts, devices: Sequence[Device]) -> Sequence[Device]:
    return devices


def _not_told() -> float | None:
    """A server's own processes are others' to us, and the benchmark all the same."""
    return None
