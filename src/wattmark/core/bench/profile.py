"""How strictly a benchmark is run: the profiles quick, standard, certified and aies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PROTOCOL = "wattmark-1"
"""Version of the protocol; raised when something changes that a figure depends on. Part of the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The numbers of a protocol. Seconds, counts, shares."""

    id: str
    protocol: str = PROTOCOL
    rated: bool = True
    """False: results are invalid by definition, for tries and for continuous integration."""
    window_seconds: float = 60.0
    """Least length of a repeat; the set is asked again until it is reached."""
    queries: int = 100
    """Different queries in the set, where the user does not say."""
    warmup_queries: int = 10
    min_repeats: int = 3
    max_repeats: int = 10
    precision: float = 0.02
    """Repeats go on until the half width of the 95 % interval of repeat noise is this share of the mean."""
    idle_seconds: float = 30.0
    cooldown_seconds: float = 5.0
    budget_seconds: float = 3600.0
    """No new repeat begins after so long."""


PROFILES: Mapping[str, Profile] = {
    profile.id: profile
    for profile in (
        Profile(
            id="quick",
            rated=False,
            window_seconds=0.0,
            queries=8,
            warmup_queries=2,
            max_repeats=3,
            idle_seconds=1.0,
            cooldown_seconds=0.0,
            budget_seconds=120.0,
        ),
        Profile(id="standard"),
        Profile(
            id="certified", window_seconds=600.0, min_repeats=10, max_repeats=30, budget_seconds=6 * 3600.0
        ),
        Profile(
            id="aies",
            protocol="aies-2025-12",
            window_seconds=0.0,
            queries=1000,
            min_repeats=10,
            max_repeats=10,
            budget_seconds=24 * 3600.0,
        ),
    )
}


def promised(profile: Profile) -> Profile:
    """The profile as its name promises it, whatever numbers a benchmark was run with.

    One that nobody knows (of another version) promises its own numbers.
    """
    return PROFILES.get(profile.id, profile)
