"""The target of training or of a pipeline: ``accuracy>=0.95``, ``loss<=2.5``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from wattmark.core.errors import UsageError

_SHAPE = re.compile(r"\s*([A-Za-z][\w.-]*)\s*(>=|<=)\s*([-+.\deE]+)\s*")


@dataclass(frozen=True, slots=True)
class Goal:
    """What has to be reached, by which the energy until then is defined."""

    quality: str
    at_least: bool
    """True where more is better."""
    limit: float

    @classmethod
    def of(cls, text: str) -> Goal:
        """Read ``NAME>=NUMBER`` or ``NAME<=NUMBER``. Raises UsageError for anything else."""
        found = _SHAPE.fullmatch(text)
        try:
            limit = float(found[3]) if found else float("nan")
        except ValueError:
            limit = float("nan")
        if found is None or not isfinite(limit):
            raise UsageError(f"--target {text!r}: write NAME>=NUMBER or NAME<=NUMBER, e.g. accuracy>=0.95")
        return cls(quality=found[1], at_least=found[2] == ">=", limit=limit)

    @classmethod
    def pinned(cls, options: Mapping[str, str]) -> Goal:
        """What is pinned as ``target``; a number alone is of the pinned ``quality``, where more is better."""
        target = options.get("target", "")
        if re.fullmatch(r"[-+.\deE]+", target):
            target = f"{options.get('quality', 'quality')}>={target}"
        return cls.of(target)

    def met(self, quality: float | None) -> bool:
        """Whether it is reached; nothing and not-a-number never are."""
        if quality is None or not isfinite(quality):
            return False
        return quality >= self.limit if self.at_least else quality <= self.limit

    def __str__(self) -> str:
        return f"{self.quality}{'>=' if self.at_least else '<='}{self.limit:g}"
