"""A small ledger of every kind of energy, for what lists and totals it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.ledger.derived import DAY, HOUR, NOON, SECOND, Derived
from wattmark.core.run import Subject
from wattmark.core.tags import TagRules
from wattmark.ledger.quarantine import KeptOut
from wattmark.ledger.settings import LedgerSettings

RULES = TagRules(
    required=("team", "model"),
    allowed={"team": ("search", "ads")},
    owners={"team": "the platform group"},
)
SETTINGS = LedgerSettings(name="ours", tags=RULES, manual_steps=1)


def portfolio(folder: Path) -> Derived:
    """9 MJ of search, 5 MJ of ads with a gap and an unknown grid, 1 MJ of nobody, 0.5 MJ of a slip."""
    d = Derived(folder)
    d.subject("s1", team="search", model="ranker", stage="inference", labels={"branch": "main"})
    d.subject("s2", team="ads", model="bidder", stage="training")
    d.subject("s3")
    d.subject("s4", team="serch", model="ranker")
    d.place("p1")
    d.place("p2", zone="XX-1", country="", site="lab")
    d.known()
    d.known("k2", grade="D", errors={"model:h2:gain": 0.5}, source="model 1", method="modelled")
    d.energy(9e6)
    d.energy(
        4e6,
        subject_id="s2",
        record_id="r2",
        place_id="p2",
        known_id="k2",
        device_id="node:h2",
        host_id="h2",
        start_us=NOON + DAY,
        observed_us=8 * SECOND,
        gap_us=2 * SECOND,
        gap_uj=10**12,
        gap_most_uj=2 * 10**12,
    )
    d.energy(
        1e6,
        subject_id="s3",
        record_id="r5",
        allocation="unallocated",
        device_id="gpu-1",
        start_us=NOON + HOUR,
    )
    d.energy(5e5, subject_id="s4", record_id="r4", device_id="gpu-2", boundary=0, reach=0)
    d.run()
    d.run("r2", start_us=NOON + DAY, subject_id="s2", host_id="h2", place_id="p2", failed=True)
    d.run("r4", subject_id="s4", status="interrupted")
    d.run("r5", subject_id="s3", source="codecarbon", quarantined="team is missing: state it")
    d.work()
    lost = {"day": "2026-11-01", "start_us": NOON, "end_us": NOON + 10 * SECOND, "host_id": "h1"}
    d.add(
        "lost",
        **lost,
        device_id="cpu:h1/package-0",
        record_id="r4",
        energy_uj=123_000_000,
        counted_from="r1",
        reason="grade D gives way to grade B",
    )
    return d.write()


class Known:
    """A quarantine of which everything is known."""

    def runs(self, contents: Mapping[str, str]) -> Mapping[str, int]:
        """7 J each."""
        return dict.fromkeys(contents, 7_000_000)

    def streams(self, start_us: int | None = None, end_us: int | None = None) -> list[KeptOut]:
        """One of a slip of the pen that is not in the tables: 3 J."""
        return [KeptOut("x1", Subject(team="serch"), 3_000_000)]
