"""What a ledger must say of a simulated fleet, kept while it is simulated."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple


class Key(NamedTuple):
    """Whose energy it is; empty strings: nobody's, as the devices idle or nobody has claimed it."""

    team: str
    model: str
    stage: str


NOBODY = Key("", "", "")


@dataclass(slots=True)
class Truth:
    """Whole microjoules and units of work by team, model and stage."""

    node_uj: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    """Observed energy at node boundary: the node where it was read, else its devices."""
    device_uj: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    """Observed energy at device boundary: CPUs and GPUs."""
    gap_us: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    """Device time at node boundary in which nobody read what a job used."""
    work: dict[tuple[Key, str], float] = field(default_factory=lambda: defaultdict(float))
    runs: int = 0
    """Records of runs that count."""

    def device(self, key: Key, joules_uj: int, *, inside_node: bool = False) -> None:
        """Energy of a device; it counts at node boundary too where no node was read around it."""
        self.device_uj[key] += joules_uj
        if not inside_node:
            self.node_uj[key] += joules_uj

    @property
    def total_uj(self) -> int:
        """All energy at node boundary."""
        return sum(self.node_uj.values())
