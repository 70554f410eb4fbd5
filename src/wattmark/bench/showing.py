"""How far a benchmark is, and how long it still takes, as far as can be told."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from wattmark.bench.job import Stage
from wattmark.core.bench.evidence import PhaseName
from wattmark.core.bench.profile import Profile

SHOW_EVERY_US = 500_000
"""Showing costs; twice a second is enough for an eye."""


class Shown:
    """Follows the phases, and tells of them now and then."""

    def __init__(self, profile: Profile, now_us: Callable[[], int], tell: Callable[[Stage], None]) -> None:
        self._profile = profile
        self._now_us = now_us
        self._tell = tell
        self._phase = PhaseName.LOAD_DATASET
        self._repeat: int | None = None
        self._begun_us = now_us()
        self._next_us = 0
        self._took: dict[PhaseName, float] = {}
        self.repeats = profile.min_repeats
        """How many there are to be, as far as is known."""

    def begins(self, phase: PhaseName, repeat: int | None) -> None:
        """Another phase begins, and with it the one before has ended."""
        now = self._now_us()
        self._took[self._phase] = (now - self._begun_us) / 1e6
        self._phase, self._repeat, self._begun_us = phase, repeat, now
        self._show(now)

    def goes_on(self) -> None:
        """The phase goes on."""
        now = self._now_us()
        if now >= self._next_us:
            self._show(now)

    def _show(self, now: int) -> None:
        self._next_us = now + SHOW_EVERY_US
        so_far = (now - self._begun_us) / 1e6
        whole = self._expected().get(self._phase)
        share = None if not whole else min(1.0, so_far / whole)
        stage = Stage(
            phase=self._phase,
            repeat=self._repeat,
            repeats=self.repeats,
            share=share,
            left_seconds=self._left(so_far),
        )
        self._tell(stage)

    def _expected(self) -> Mapping[PhaseName, float | None]:
        """Seconds of each phase; None where it is not known yet."""
        profile = self._profile
        measure = self._took.get(PhaseName.MEASURE, profile.window_seconds or None)
        return {
            PhaseName.IDLE_BEFORE: profile.idle_seconds,
            PhaseName.MEASURE: measure,
            PhaseName.COOL_DOWN: profile.cooldown_seconds,
            PhaseName.IDLE_AFTER: profile.idle_seconds,
        }

    def _left(self, so_far: float) -> float | None:
        """Of this phase and of those that follow; None as long as nothing tells how long a repeat takes."""
        expected = self._expected()
        each = expected[PhaseName.MEASURE]
        if self._phase is PhaseName.IDLE_AFTER:
            return max(0.0, self._profile.idle_seconds - so_far)
        if each is None:
            return None
        rest, idle = self._profile.cooldown_seconds, self._profile.idle_seconds
        if self._phase in (PhaseName.MEASURE, PhaseName.COOL_DOWN):
            done = 0 if self._repeat is None else self._repeat
            left = max(0, self.repeats - done)
            here = max(0.0, (each if self._phase is PhaseName.MEASURE else rest) - so_far)
            after = left - 1 if self._phase is PhaseName.MEASURE else left
            return here + max(0, after) * (each + rest) + idle
        length = expected.get(self._phase)
        here = 0.0 if length is None else max(0.0, length - so_far)  # not known: as if it were nearly over
        return here + self.repeats * (each + rest) + idle
