"""Power of the whole node by its management controller, through ``ipmitool dcmi power reading``.

DCMI is the Data Center Manageability Interface specification 1.5, section 6.6. Every look starts a
program, so this meter is used only when a setting names it.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence

from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Boundary, Grade, Method
from wattmark.core.readings import Device, Gap, PowerReading, Reading
from wattmark.core.units import Power
from wattmark.meters import uncertainty
from wattmark.meters.clock import boot_clock
from wattmark.meters.liveness import lit
from wattmark.ports import Clock

COMMAND = ("ipmitool", "dcmi", "power", "reading")
TIMEOUT_SECONDS = 5.0
UPDATE_SECONDS = 1.0
"""Controllers average over a second or more."""
MOST_WATTS = 20_000.0
"""More than one node draws (nodes with eight GPUs: 10 to 14 kW)."""

Command = Callable[[Sequence[str]], str]
"""Runs a command and gives what it printed; raises OSError or subprocess.SubprocessError."""


def run_command(command: Sequence[str]) -> str:
    """The command's output; stands still for at most five seconds."""
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, stdin=subprocess.DEVNULL
    )
    return done.stdout


class IpmiMeter:
    """Reads the node's power from its BMC.

    ``accuracy`` is what the maker of the server states, as a share (0.03 for 3 %). Only a stated accuracy of
    5 % or better makes the reading grade A; otherwise it is a sampled sensor, grade C.
    """

    name = "ipmi"

    def __init__(
        self,
        *,
        host_id: str = "localhost",
        clock: Clock = boot_clock,
        command: Command = run_command,
        accuracy: float | None = None,
    ) -> None:
        self._clock = clock
        self._command = command
        self._closed = False
        self._device = node_device(host_id, accuracy)
        first = self._look()
        if isinstance(first, Gap):
            raise MeterUnavailable(first.reason)

    @property
    def devices(self) -> Sequence[Device]:
        """The node."""
        return (self._device,)

    def read(self) -> Mapping[str, Reading]:
        """One look at the node; what cannot be read is a Gap."""
        return {self._device.id: Gap("the meter is closed") if self._closed else self._look()}

    def close(self) -> None:
        """Nothing is held open between two looks."""
        self._closed = True

    def _look(self) -> Reading:
        try:
            said = self._command(COMMAND)
        except FileNotFoundError:
            return Gap("ipmitool is not installed; try: sudo apt install ipmitool")
        except subprocess.CalledProcessError as error:
            return Gap(
                f"ipmitool failed: {(error.stderr or '').strip() or error}; it needs the kernel's modules"
                " (sudo modprobe -a ipmi_si ipmi_devintf) and rights (sudo setfacl -m u:$USER:rw /dev/ipmi0)"
            )
        except (OSError, subprocess.SubprocessError) as error:
            return Gap(f"ipmitool failed: {error}")
        at = self._clock()
        watts = watts_in(said)
        return watts if isinstance(watts, Gap) else lit(PowerReading(watts, at))


def watts_in(said: str) -> Power | Gap:
    """The instantaneous power in what ipmitool prints."""
    state = re.search(r"Power reading state is:\s*(\S+)", said)
    if state and state[1] != "activated":
        return Gap(f"the BMC's power reading is {state[1]}; try: sudo ipmitool dcmi power activate")
    watts = re.search(r"Instantaneous power reading:\s*(\d+) Watts", said)
    if watts is None:
        return Gap("ipmitool printed no power; this BMC may not speak DCMI")
    return Power(float(watts[1]))


def node_device(host_id: str, accuracy: float | None) -> Device:
    """The node as this meter's device."""
    good = accuracy is not None and accuracy <= uncertainty.BMC
    return Device(
        id=f"node:{host_id}",
        component="node",
        source="ipmi",
        method=Method.BMC,
        grade=Grade.A if good else Grade.C,
        boundary=Boundary.NODE,
        max_power=Power(MOST_WATTS),
        update_seconds=UPDATE_SECONDS,
        relative_error=uncertainty.SAMPLED_POWER if accuracy is None else max(accuracy, uncertainty.BMC),
        reads="power",
        note="" if good else "no accuracy of 5 % or better is stated for this controller",
    )
