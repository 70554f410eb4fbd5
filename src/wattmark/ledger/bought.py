"""Electricity that somebody else buys: in a cloud region it comes with the service."""

from __future__ import annotations

from dataclasses import replace

from wattmark.core.carbon import CLOUD, SCOPE_2
from wattmark.ledger.factors import Course, GridFactor


class Bought:
    """Courses of grid intensity as the provider of a service meets them; each is made once."""

    def __init__(self) -> None:
        self._made: dict[int, Course[GridFactor]] = {}

    def of(self, own: Course[GridFactor] | None) -> Course[GridFactor] | None:
        """The same grams, of Scope 3.1 where they say Scope 2: a customer's electricity is the provider's."""
        if own is None:
            return None
        if id(own) not in self._made:
            always = None if own.always is None else _bought(own.always)
            self._made[id(own)] = Course(own.name, tuple(_bought(f) for f in own.bounded), always)
        return self._made[id(own)]


def _bought(factor: GridFactor) -> GridFactor:
    return replace(factor, inventory=CLOUD) if factor.inventory == SCOPE_2 else factor
