"""Seeded choices that are the same in every version of Python and on every machine."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Whole numbers and choices drawn from a name. Only ``getrandbits`` is used: its stream never changed."""

    __slots__ = ("_source",)

    def __init__(self, name: str) -> None:
        self._source = random.Random(name)

    def below(self, limit: int) -> int:
        """A whole number from 0 to ``limit`` - 1, each as likely as the other."""
        bits = limit.bit_length()
        drawn = self._source.getrandbits(bits)
        while drawn >= limit:
            drawn = self._source.getrandbits(bits)
        return drawn

    def between(self, least: int, most: int) -> int:
        """A whole number from ``least`` to ``most``, both included."""
        return least + self.below(most - least + 1)

    def one_of(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[self.below(len(choices))]

    def some_of(self, choices: Sequence[T], count: int) -> list[T]:
        """So many different choices, in the order drawn."""
        left = list(choices)
        return [left.pop(self.below(len(left))) for _ in range(count)]
