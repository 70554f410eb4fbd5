"""One provider heard through two doors: its export and its API state the same carbon; it counts once.

Records of two importers have ids of their own, so that neither restates the other. Of the same account,
region and month the newer word stands, as among versions of one record: by the provider's model, then by when
it was stated (``core.statements.seq_of``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Whose:
    """What is stated once."""

    provider: str
    account: str
    region: str
    period: str

    def __str__(self) -> str:
        parts = (self.provider, f"account {self.account}" if self.account else "", self.region, self.period)
        return ", ".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class Twice:
    """Something that several importers state."""

    whose: Whose
    kept: str
    left_out: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(self.left_out)
        return f"{self.whose}: stated by {names} as well; {self.kept} is the newer word and counts alone"


def heard_twice(told: Iterable[tuple[Whose, str, int]]) -> tuple[Twice, ...]:
    """What several sources state, each told as (whose, source, seq of one of its records), in order."""
    newest: dict[Whose, dict[str, int]] = {}
    for whose, source, seq in told:
        sources = newest.setdefault(whose, {})
        sources[source] = max(seq, sources.get(source, seq))
    found = []
    for whose in sorted(newest):
        by_age = sorted(newest[whose].items(), key=lambda item: (-item[1], item[0]))
        if len(by_age) > 1:
            found.append(Twice(whose, by_age[0][0], tuple(name for name, _ in by_age[1:])))
    return tuple(found)
