"""What wattmark needs from outside, as a few small protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from wattmark.core.readings import Device, Reading


@runtime_checkable
class Meter(Protocol):
    """Tells how much energy each device has used so far, or its power at this moment.

    Constructing a meter raises MeterUnavailable, with a reason a user can act on, when it cannot
    work on this machine. ``read`` never raises: what cannot be read is a Gap. It answers for every
    device of ``devices``, each time.
    """

    name: str

    @property
    def devices(self) -> Sequence[Device]:
        """What this meter reads, in a fixed order."""
        ...

    def read(self) -> Mapping[str, Reading]:
        """One look at every device, by device id."""
        ...

    def close(self) -> None:
        """Give back what the meter holds open. Reading after this gives gaps."""
        ...


class Clock(Protocol):
    """Seconds that never step: they go on during suspend and ignore changes of the wall clock."""

    def __call__(self) -> float: ...
