"""What KPIs and tools need, and whether it is here, can be given, or is out of reach."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattmark.core.known import Grade

COUNTED = (Grade.A, Grade.B)
"""Grades of meters and hardware counters."""

TO_GIVE: Mapping[str, str] = {
    "outcome": "declare the outcome: --outcome 'accuracy>=0.95'",
    "work": "say what was done: run.log(work={'inferences': n}) or --work inferences=n",
    "intensity": "say where it runs: country in wattmark.toml or --country FRA",
    "pue": "give the site's PUE: pue in wattmark.toml or --pue 1.2",
    "embodied": "give the hardware's embodied carbon and lifespan: [embodied] in wattmark.toml",
    "quality": "log the quality: run.log(quality={'accuracy': 0.95})",
    "dataset": "describe the training set: wattmark.dataset(path)",
    "flop": "count FLOP in a separate pass and log them: run.log(work={'flop': n})",
    "lifetime": "declare how many inferences the model will serve: lifetime_inferences in wattmark.toml",
    "train_and_inference": "measure both training and inference, with stages",
    "renewables": "give load and renewable generation or certificates per zone: [renewables]",
    "operations": "declare the manual steps of a report: manual_steps in wattmark.toml",
    "hardware": "nothing: the provisioned devices are in every run file",
    "peak": "name the hardware: `wattmark hardware list`",
    "meter": "put a meter at the plug or PDU, or allow BMC readings",
    "kubernetes": "a Kubernetes cluster whose nodes you administer",
    "account:aws": "an AWS account with the export switched on",
    "account:google": "a Google Cloud billing account with the export switched on",
    "account:azure": "an Azure subscription and the Carbon Optimization Reader role",
}
"""Needs that a person can meet, and how."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What can be measured on this machine, as ``wattmark doctor`` finds it."""

    grades: Mapping[str, Grade] = field(default_factory=dict)
    """Component (cpu, gpu, dram, node, rest_of_node ...) -> the best grade it can be read at."""
    gpu_present: bool = False
    """True when a GPU is there, measurable or not."""
    utilisation: tuple[str, ...] = ()
    """Signals of utilisation that can be read, e.g. ``cpu_busy_time``."""
    hourly_grid: bool = False
    """True when hourly grid data are configured."""
    facility: bool = False
    """True when the site's own electricity meter is read."""

    @property
    def node(self) -> bool:
        """True when the whole machine is covered, by a reading or by an explicit rest of node."""
        return "node" in self.grades or {"cpu", "rest_of_node"} <= set(self.grades)

    @property
    def best(self) -> Grade | None:
        """The best grade of any component; None when nothing can be read."""
        return min(self.grades.values(), key=lambda g: g.value, default=None)


@dataclass(frozen=True, slots=True)
class Met:
    """Whether a need is met: what is in the way, and what a person still has to give."""

    blocker: str = ""
    to_give: str = ""
    remark: str = ""


def met(need: str, here: Capabilities, data: str | None) -> Met:
    """How one need stands on this machine, for this kind of place (cloud, on-prem, self-hosted, api)."""
    measured = {"energy": _energy, "node": _node, "facility": _facility, "gpu": _gpu}
    if need in measured:
        return measured[need](here, data)
    if need == "utilisation":
        return Met() if here.utilisation else Met(blocker="no signal of utilisation can be read here")
    if need == "cpu_counter":
        counted = here.grades.get("cpu") in COUNTED
        return Met() if counted else Met(blocker="no CPU energy counter can be read here")
    if need == "hourly_data":
        return Met() if here.hourly_grid else Met(blocker="no hourly grid data are configured here")
    if need == "hardware":
        return Met()
    return Met(to_give=TO_GIVE[need])


def _energy(here: Capabilities, data: str | None) -> Met:
    if data == "api":
        return Met(blocker="a hosted API shows no meter: only the provider's statement or an estimate")
    best = here.best
    if best is None:
        return Met(blocker="nothing can be measured here: `wattmark doctor` says why")
    if best in (Grade.D, Grade.E):
        return Met(
            remark="only modelled here (grade D): fit for comparisons on this host, not for absolute limits"
        )
    return Met(remark=f"measured here at grade {best}")


def _node(here: Capabilities, data: str | None) -> Met:
    energy = _energy(here, data)
    if energy.blocker or here.node:
        return energy
    return Met(
        to_give="cover the whole machine: BMC or wall readings, or rest_of_node_watts under [measure]",
        remark=energy.remark,
    )


def _facility(here: Capabilities, data: str | None) -> Met:
    if data in ("cloud", "api"):
        return Met(blocker="the provider's site is metered by the provider: declare its PUE instead")
    return (
        Met()
        if here.facility
        else Met(blocker="the site's own meter is not read here: declare its PUE instead")
    )


def _gpu(here: Capabilities, data: str | None) -> Met:
    if "gpu" in here.grades:
        return Met()
    if here.gpu_present:
        return Met(blocker="a GPU is here and cannot be read: `wattmark doctor` says why")
    return Met(blocker="there is no GPU here")
