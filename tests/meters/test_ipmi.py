"""Node power through ipmitool: what it prints is the world."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest

from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.readings import Gap, PowerReading
from wattmark.core.units import Power
from wattmark.meters.ipmi import IpmiMeter, run_command
from wattmark.testing.fakes import ManualClock

PRINTED = """
    Instantaneous power reading:                   {watts} Watts
    Minimum during sampling period:                 70 Watts
    Maximum during sampling period:                600 Watts
    Average power reading over sample period:      218 Watts
    IPMI timestamp:                           Sun Nov  1 12:00:00 2026
    Sampling period:                          00000001 Seconds.
    Power reading state is:                   {state}
"""


class Bmc:
    """Stands in for ipmitool: prints a power, or fails."""

    def __init__(self, watts: int = 220, state: str = "activated") -> None:
        self.watts, self.state = watts, state
        self.failure: Exception | None = None
        self.asked: list[tuple[str, ...]] = []

    def __call__(self, command: Sequence[str]) -> str:
        self.asked.append(tuple(command))
        if self.failure is not None:
            raise self.failure
        return PRINTED.format(watts=self.watts, state=self.state)


def test_reads_the_node() -> None:
    """220 W now, at the boundary of the node."""
    bmc = Bmc()
    meter = IpmiMeter(host_id="h", clock=ManualClock(), command=bmc)
    assert meter.read() == {"node:h": PowerReading(Power(220.0), 1000.0)}
    assert (meter.devices[0].boundary, meter.devices[0].method) == (Boundary.NODE, Method.BMC)
    assert set(bmc.asked) == {("ipmitool", "dcmi", "power", "reading")}


@pytest.mark.parametrize(
    ("stated", "grade", "error"), [(None, Grade.C, 0.10), (0.03, Grade.A, 0.05), (0.08, Grade.C, 0.08)]
)
def test_grade_a_needs_a_stated_accuracy(stated: float | None, grade: Grade, error: float) -> None:
    """5 % or better, as the methodology asks; otherwise it is a sampled sensor like others."""
    device = IpmiMeter(command=Bmc(), accuracy=stated).devices[0]
    assert (device.grade, device.relative_error) == (grade, error)


def test_zero_watts_is_a_gap() -> None:
    """A controller without a sensor prints 0 W; a node that answers is on."""
    bmc = Bmc()
    meter = IpmiMeter(host_id="h", command=bmc)
    bmc.watts = 0
    assert isinstance(meter.read()["node:h"], Gap)


def test_a_reading_that_is_switched_off() -> None:
    """The message says how to switch it on."""
    with pytest.raises(MeterUnavailable, match="sudo ipmitool dcmi power activate"):
        IpmiMeter(command=Bmc(state="deactivated"))


def test_no_ipmitool() -> None:
    """The message says how to install it."""
    bmc = Bmc()
    bmc.failure = FileNotFoundError(2, "No such file or directory")
    with pytest.raises(MeterUnavailable, match="sudo apt install ipmitool"):
        IpmiMeter(command=bmc)


@pytest.mark.parametrize(
    "failure",
    [
        subprocess.CalledProcessError(1, "ipmitool", stderr="Could not open device at /dev/ipmi0"),
        subprocess.TimeoutExpired("ipmitool", 5),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_a_failure_while_measuring_is_a_gap(failure: Exception) -> None:
    """A busy controller, a lost device: a gap with the reason, never an exception."""
    bmc = Bmc()
    meter = IpmiMeter(host_id="h", command=bmc)
    bmc.failure = failure
    gap = meter.read()["node:h"]
    assert isinstance(gap, Gap)
    assert gap.reason.startswith("ipmitool failed")


def test_output_without_power_is_a_gap() -> None:
    """A BMC that does not speak DCMI."""
    with pytest.raises(MeterUnavailable, match="may not speak DCMI"):
        IpmiMeter(command=lambda _: "Invalid command\n")


def test_the_real_runner_gives_what_was_printed() -> None:
    """A real process, its output as text."""
    assert run_command(["echo", "220 Watts"]) == "220 Watts\n"
