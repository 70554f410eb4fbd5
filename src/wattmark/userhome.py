"""The home of whoever runs us, who may have none. Apart, because every layer may ask."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

NOWHERE = Path(os.devnull)
"""Below it nothing can be found or made: what a user without a home has in the place of one."""


def home_of_user(find: Callable[[], Path] = Path.home) -> Path:
    """This user's home; ``NOWHERE`` for a container's made-up user, who has neither HOME nor an entry."""
    try:
        return find()
    except RuntimeError:
        return NOWHERE
