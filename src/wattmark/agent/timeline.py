"""The agent's own time: UTC in microseconds that never runs back, on a clock that never steps.

Readings are stamped by the suspend-aware monotonic clock, and so are durations. Where that clock stands in
UTC is settled when the agent begins. When the wall clock is set afterwards, a step ahead of more than a few
seconds is followed at once; a smaller one, and any step back, is worked off slowly, so that no moment is told
twice and lengths stay true to one per cent.
"""

from __future__ import annotations

SLEW = 0.01
"""Share of the passing time by which a difference is worked off."""
NOTHING_US = 20_000
"""The two clocks are not read in one instant: so much is no difference."""
JUMP_US = 5_000_000
"""A step ahead by more is followed at once."""


class Timeline:
    """Turns moments of the monotonic clock into UTC. Not thread-safe."""

    def __init__(self, offset_us: int) -> None:
        self.offset_us = offset_us
        """UTC less monotonic time."""
        self._behind_us = 0
        self._last: float | None = None

    def at(self, boot_seconds: float) -> int:
        """UTC of a moment of the monotonic clock, as the agent tells it."""
        return round(boot_seconds * 1e6) + self.offset_us

    def heard(self, utc_us: int) -> int:
        """The agent's own time of a moment that others told by the wall clock, near now."""
        return utc_us - self._behind_us

    def observe(self, boot_seconds: float, utc_us: int) -> bool:
        """Look at both clocks; says whether the wall clock jumped ahead and time must begin anew."""
        passed = 0.0 if self._last is None else max(0.0, boot_seconds - self._last)
        self._last = boot_seconds
        behind = utc_us - self.at(boot_seconds)
        if behind > JUMP_US:
            self.offset_us += behind
            self._behind_us = 0
            return True
        if abs(behind) > NOTHING_US:
            most = round(passed * 1e6 * SLEW)
            step = max(-most, min(most, behind))
            self.offset_us += step
            behind -= step
        else:
            behind = 0
        self._behind_us = behind
        return False
