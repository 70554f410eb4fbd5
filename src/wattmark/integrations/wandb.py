"""Energy in the W&B run that a program tracks already: ``with tracked(model="sorter"): train()``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattmark.live import Track, track

PROJECT = "wattmark"
"""Project of a run of our own, where the program tracks none and names none."""


def tracked(
    name: str = "run", *, project: str = PROJECT, export: Sequence[str] = (), **options: Any
) -> Track:
    """A :func:`wattmark.track` that shows itself in W&B: live, and its KPIs in the summary at the end.

    Joins ``wandb.run`` as it is when this is called; without one a run is made in ``project``. Takes what
    ``wattmark.track`` takes. Raises MissingExtra without ``wandb``.
    """
    return track(name, export=[f"wandb:{project}", *export], **options)
