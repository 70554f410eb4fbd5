"""How a rating is told."""

from __future__ import annotations

import pytest

from wattmark.core.bench.validity import Reason, Status, validity_of
from wattmark.core.stars.rating import Rating, against


@pytest.mark.parametrize(
    ("stars", "interval", "shown"),
    [(None, None, "unrated"), (4, None, "4"), (4, (4, 4), "4"), (3, (3, 4), "3-4"), (1, (1, 5), "1-5")],
)
def test_what_people_read(stars: int | None, interval: tuple[int, int] | None, shown: str) -> None:
    """One number, several, or a word."""
    assert Rating(task="t", model="m", mode="anchored", stars=stars, interval=interval).shown == shown


def test_reasons_are_told_in_short_the_worst_first() -> None:
    """Each code once; a result has them all."""
    reasons = [
        Reason(code=code, status=status, text="")
        for code, status in (
            ("idle_differs", Status.PROVISIONAL),
            ("quick", Status.INVALID),
            ("too_few_ticks", Status.INVALID),
            ("too_few_ticks", Status.INVALID),
        )
    ]
    assert against(validity_of(reasons)) == "invalid: quick, too_few_ticks, idle_differs"
    assert against(validity_of(reasons[:1])) == "provisional: idle_differs"
    more = [Reason(code=f"r{i}", status=Status.INVALID, text="") for i in range(6)]
    assert against(validity_of(more)) == "invalid: r0, r1, r2, r3 and 2 more"
