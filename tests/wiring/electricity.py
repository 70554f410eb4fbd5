"""A ledger of whole nodes in several places, with contracts for their electricity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.builders import a_row
from tests.cli.ledgers import HOSTS, a_ledger, ask, the_run
from tests.cli.running import kept
from wattmark.core.known import Boundary
from wattmark.core.run import Place, Run, Subject

JOULES_PER_KWH = 3.6e6
WIND = """
[[instrument]]
id = "wind-1"
kind = "ppa"
market = "EU"
from = 2026-01-01
to = 2027-01-01
file = "wind.csv"
renewable = true
grams_per_kwh = 0
source = "contract 17"
"""
MIX = """
[[residual_mix]]
market = "EU"
year = 2026
grams_per_kwh = 500
source = "issuing bodies"
"""
WIND_CSV = "start,kwh\n2026-11-01T12:00Z,1\n2026-11-01T13:00Z,5\n"


def a_node(n: int, hour: int, kwh: float = 2.0, team: str = "a", **place: Any) -> Run:
    """A node read whole for half an hour from this hour of 2026-11-01 on (UTC)."""
    row = a_row(
        device_id=f"node:{HOSTS['a'].id}",
        component="node",
        boundary=Boundary.NODE,
        duration_seconds=1800.0,
        observed_seconds=1800.0,
        energy_joules=kwh * JOULES_PER_KWH,
        max_watts=1e6,
        errors={},
    )
    return the_run(
        n,
        energies=(row,),
        duration_seconds=1800.0,
        started_at=f"2026-11-01T{hour:02d}:00:00.000000Z",
        started_monotonic_seconds=1000.0 + hour * 3600,
        place=Place(**{"country": "FRA", **place}),
        subject=Subject(team=team),
    )


TWO_HOURS = (a_node(1, 12), a_node(2, 13, team="b", country="DEU"))
"""2 kWh in France from 12:00 on, 2 kWh in Germany from 13:00 on."""


def a_ledger_of(folder: Path, settings: str, *runs: Run, csv: str = WIND_CSV) -> Path:
    """A ledger with these settings and runs, and the hours of the wind beside them."""
    folder.mkdir(exist_ok=True)
    ledger = a_ledger(folder, settings)
    (ledger / "wind.csv").write_text(csv, encoding="utf-8")
    files = folder / "runs"
    files.mkdir()
    for run in runs or TWO_HOURS:
        kept(files, run, run.record_id)
    assert ask("add", files, "--ledger", ledger).return_value == 0
    return ledger
