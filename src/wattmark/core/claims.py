"""Claims: what a record says that one device used in one stretch of time, in whole microjoules.

A claim is cut anywhere by differences of one cumulative, rounded-down integer, so that its parts always sum
exactly to it. Times are microseconds since 1970 (UTC).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

from wattmark.core.standins import Standing, stands_in

MOST_UJ = 1 << 62
"""No single figure is larger (1.28 TWh); it leaves room for sums in 64 bits."""

Rate = tuple[int, int]
"""Microjoules per so many microseconds: a power as a fraction of whole numbers."""
Rank = tuple[str, float, int, str, str]
"""Which of two readings is better, smallest first: grade, -coverage, place of the source, source, record."""


def at_rate(rate: Rate, start_us: int, end_us: int) -> int:
    """Microjoules from one moment to another at this power; neighbours always add up."""
    uj, us = rate
    return uj * end_us // us - uj * start_us // us


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """What all claims of one figure of a run, or of one stream, have in common."""

    record_id: str
    device_id: str
    component: str
    part_of: str | None = None
    boundary: int = 0
    """0 device, 1 node, 2 facility."""
    modelled: bool = False
    """A model of a machine holds only what names it, not everything on the machine."""
    declared: bool = False
    """Somebody stated it. Of a whole machine, it gives way to what was read of its parts (core.declared)."""
    share: bool = False
    """The share of one party; else the whole device."""
    party: str = ""
    """Who competes as one: the attempt of a run, the subject of a stream; empty: a meter that is nobody's."""
    of_run: bool = False
    """The party is a run that was on the machine itself, not telemetry about one."""
    seat: str = ""
    """The rank of a distributed run: shares of its ranks add up."""
    rank: Rank
    silent: bool = False
    """Its record never read this device."""
    mean: Rate | None = None
    """Mean power of what its record observed of the device."""
    idle_uw: int | None = None
    """Least power of the device when on, in microwatts."""
    max_uw: int | None = None
    """Most power of the device."""
    subject_id: str = ""
    commons: tuple[str, str, str] = ("", "", "")
    """Organisation, environment and zone: what several subjects may have in common."""
    place_id: str = ""
    known_id: str = ""

    @property
    def place(self) -> int:
        """How wide a reading it is when it asks what lies inside it: a model holds nothing by itself, and so
        does what is stated of a machine."""
        return 0 if self.modelled or (self.declared and self.component == "node") else self.boundary

    @property
    def standing(self) -> Standing:
        """How good it is beside other readings of its component."""
        grade, _, _, source, _ = self.rank
        return Standing(grade, stands_in(self.device_id, modelled=self.modelled), source, self.device_id)


class Course(NamedTuple):
    """Cumulative energy of a claim at successive moments, its first 0 and its last all of it."""

    at_us: tuple[int, ...]
    energy_uj: tuple[int, ...]


class Claim(NamedTuple):
    """One stretch of one line: observed all through, a gap, or both in unknown order."""

    line: Line
    start_us: int
    end_us: int
    energy_uj: int
    observed_us: int
    course: Course | None = None
    """Where the energy went in between; None: evenly."""
    period: tuple[int, int] | None = None
    """Start and end of a record of more than a day that states no course."""

    def energy(self, start_us: int, end_us: int) -> int:
        """Its microjoules between two moments inside it."""
        if self.course is not None:
            return self._until(end_us) - self._until(start_us)
        t0, lasted = self.start_us, self.end_us - self.start_us
        if end_us - start_us == lasted:
            return self.energy_uj
        return self.energy_uj * (end_us - t0) // lasted - self.energy_uj * (start_us - t0) // lasted

    def observed(self, start_us: int, end_us: int) -> int:
        """How many microseconds between two moments inside it were observed."""
        t0, lasted, seen = self.start_us, self.end_us - self.start_us, self.observed_us
        if seen == lasted:
            return end_us - start_us
        return seen * (end_us - t0) // lasted - seen * (start_us - t0) // lasted

    def _until(self, moment: int) -> int:
        times, energies = self.course or ((), ())
        left = min(bisect_right(times, moment), len(times) - 1) - 1
        rise = energies[left + 1] - energies[left]
        return energies[left] + rise * (moment - times[left]) // (times[left + 1] - times[left])


class Estimates(NamedTuple):
    """Power in a gap: likely, least and most."""

    likely: Rate
    least: Rate
    most: Rate


def estimates_of(claim: Claim, device_mean: Rate | None) -> Estimates | None:
    """What the gap in a claim is filled with; None where nothing can be said (core.gaps has the rule).

    The mean power of the row's own observed part, else of the device, else the middle between idle and most.
    At least the idle power, at most the most it can draw, or twice the mean where that is not known. In
    a claim that is observed in part, the gap's share of each moment is in the rate.
    """
    line = claim.line
    likely = line.mean or device_mean
    if likely is None:
        if line.max_uw is None:
            return None
        likely = line.max_uw + (line.idle_uw or 0), 2_000_000
    uj, us = likely
    idle = line.idle_uw or 0
    least = (idle, 1_000_000) if idle * us < uj * 1_000_000 else likely
    if line.max_uw is None:
        most = 2 * uj, us
    else:
        most = (line.max_uw, 1_000_000) if line.max_uw * us > uj * 1_000_000 else likely
    lasted = claim.end_us - claim.start_us
    missing = lasted - claim.observed_us
    if missing == lasted:
        return Estimates(likely, least, most)
    return Estimates(*((uj * missing, us * lasted) for uj, us in (likely, least, most)))
