"""One run for the tests of all trackers."""

from __future__ import annotations

from tests.builders import a_run
from wattmark.core.run import OutcomeGoal, Run, Series, Subject


def a_tracked_run() -> Run:
    """90 J in 10 s of a model called sorter, which reached its outcome; the last second took 12 J."""
    return a_run(
        subject=Subject(model="sorter", model_version="2", team="language"),
        outcome=OutcomeGoal(condition="accuracy>=0.95", reached=True),
        series=(
            Series(
                device_id=a_run().energies[0].device_id,
                component="cpu",
                t_seconds=(0.0, 9.0, 10.0),
                energy_joules=(0.0, 78.0, 90.0),
            ),
        ),
    )
