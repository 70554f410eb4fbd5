"""Power of another machine, as wattmark's agent there tells it over HTTP, as a meter of the benchmark.

An agent shows the mean power between its last two readings. So what it shows now was drawn one of its periods
ago: readings are stamped with that moment, and are off by no more than how often it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from wattmark.core.errors import EvidenceError, MeterUnavailable
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Grade, Method
from wattmark.core.readings import Device, Gap, PowerReading, Reading
from wattmark.core.units import Power
from wattmark.meters.uncertainty import of_power
from wattmark.reports.live_read import LiveDevice, read_live

PATH = "/v1/live"
PERIOD_SECONDS = 1.0
"""How often an agent reads its meters, where ``--period`` does not say otherwise."""
MOST_WATTS = 1e6
"""Of one device: more than any machine draws."""


class Asks(Protocol):
    """Gets the body of one path of an agent. Raises EvidenceError where there is none."""

    url: str

    def get(self, path: str) -> bytes:
        """The body."""
        ...

    def close(self) -> None:
        """Let the connection go."""
        ...


class AgentMeter:
    """The devices of one agent. Raises MeterUnavailable where it tells of none."""

    name = "agent"

    def __init__(
        self, agent: Asks, clock: Callable[[], float], period_seconds: float = PERIOD_SECONDS
    ) -> None:
        self._agent = agent
        self._clock = clock
        self._period = period_seconds
        try:
            told = self._told()
        except EvidenceError as error:
            raise MeterUnavailable(str(error)) from None
        self._devices = tuple(_device(d, period_seconds) for d in told)
        if not self._devices:
            raise MeterUnavailable(f"the agent at {agent.url} tells of no device")

    @property
    def devices(self) -> Sequence[Device]:
        """As the agent names them; none of them is inside another one."""
        return self._devices

    def read(self) -> Mapping[str, Reading]:
        """What each device drew one period ago."""
        try:
            told = {d.device_id: d for d in self._told()}
        except EvidenceError as error:
            return {d.id: Gap(error.problem) for d in self._devices}
        at = self._clock() - self._period
        found: dict[str, Reading] = {}
        for device in self._devices:
            said = told.get(device.id)
            watts = None if said is None else said.power_watts
            found[device.id] = (
                Gap("the agent shows no power of it") if watts is None else PowerReading(Power(watts), at)
            )
        return found

    def close(self) -> None:
        """Let the agent go."""
        self._agent.close()

    def _told(self) -> Sequence[LiveDevice]:
        return read_live(self._agent.get(PATH), f"{self._agent.url}{PATH}").devices


def _device(told: LiveDevice, period_seconds: float) -> Device:
    """A device of an agent: its power is integrated here, whatever it was read with there."""
    own = Grade(told.grade)
    return Device(
        id=told.device_id,
        component=told.component,
        source=f"agent ({told.source})",
        method=Method.INTEGRATED_POWER if own.at_least(Grade.C) else Method(told.method),
        grade=max(own, GRADE_OF_METHOD[Method.INTEGRATED_POWER]),
        boundary=Boundary(told.boundary),
        max_power=Power(MOST_WATTS),
        update_seconds=period_seconds,
        relative_error=of_power(1.0),
        reads="power",
        note="read by an agent on the machine that serves",
    )
