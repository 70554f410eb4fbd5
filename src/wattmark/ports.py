"""What wattmark needs from outside, as a few small protocols."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from wattmark.core.readings import Device, Gap, ProcessShares, ProcessUse, Reading
from wattmark.core.run import Run

if TYPE_CHECKING:  # measuring needs neither
    from wattmark.core.bench.evidence import StateLook
    from wattmark.core.imported import Imported


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


@runtime_checkable
class BusyMeter(Protocol):
    """Tells how busy each of its devices is, and with whom. What cannot be told is a Gap."""

    def utilisation(self) -> Mapping[str, float | Gap]:
        """Share of time in which each device was busy lately, 0 to 1."""
        ...

    def process_utilisation(self, pids: Collection[int], since_us: int) -> Mapping[str, ProcessUse | Gap]:
        """How busy each device was with these processes and with others since a moment (us since 1970)."""
        ...


@runtime_checkable
class ProcessMeter(Protocol):
    """Tells how busy each of its devices is with each process. What cannot be told is a Gap."""

    def process_shares(self, since_us: int) -> Mapping[str, ProcessShares | Gap]:
        """How busy each device was with every process since a moment (us since 1970)."""
        ...


@runtime_checkable
class StateMeter(Protocol):
    """Tells how devices are beside their energy: temperature, throttling, power limit, clock."""

    def states(self) -> Sequence[StateLook]:
        """One look at every device, ``at_us`` 0. Never raises: what a device does not tell is None."""
        ...


class Clock(Protocol):
    """Seconds that never step: they go on during suspend and ignore changes of the wall clock."""

    def __call__(self) -> float: ...


@runtime_checkable
class Source(Protocol):
    """Brings in records that somebody else measured, in portions that fit into memory.

    What the input cannot give as a whole (a file that is not there, an address that does not answer, a
    format that is another one) raises a WattmarkError that names it; a bad row is reported, and the good
    ones are kept. The same input gives the same records, whenever it is read.
    """

    def read(self) -> Iterator[Imported]:
        """The input, portion by portion."""
        ...


class LiveExport(Protocol):
    """Shows a run elsewhere while it goes on. It lives inside other people's programs: it never raises."""

    def start(self, look: Callable[[], Run]) -> None:
        """Begin; ``look`` gives the run as it stands, whenever it is asked."""
        ...

    def stop(self) -> str | None:
        """Show the run for the last time, take back what would go stale, and say what went wrong."""
        ...


@runtime_checkable
class ConcludingExport(Protocol):
    """A live export that also takes what a run came to, once it has landed. It never raises."""

    def conclude(self, run: Run, document: bytes) -> str | None:
        """Tell the finished run and its run file, and say what went wrong."""
        ...
