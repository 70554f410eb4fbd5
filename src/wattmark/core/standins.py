"""Readings that stand in for devices which they do not name: beside a reading of those, they count twice.

A model says what a component may have used, and some tools give one figure for all devices of a component,
or number them in an order of their own. Where the same component of the same machine was read otherwise at
that moment, the same energy would be there under two names. So they give way (docs/ledger/counted-once.md).
"""

from __future__ import annotations

from typing import NamedTuple

UNNAMED = "unnamed"
"""``gpu:<machine>/unnamed`` is all GPUs in one figure, ``gpu:<machine>/unnamed-1`` one of which nobody says
which it is."""
_ANONYMOUS = (f"{UNNAMED}-", "nvml-")
"""An index of NVML is a place, and no name."""
INSIDE_A_NODE_MODEL = ("cpu", "dram", "rest_of_node")
"""What a model of a whole machine has in it. Of GPUs and drives it may know nothing."""


class Standing(NamedTuple):
    """How good a reading is beside another of the same component: the smaller one counts."""

    grade: str
    stands_in: bool
    source: str
    device_id: str


def stands_in(device_id: str, *, modelled: bool) -> bool:
    """Whether a reading is not of a device that it names."""
    part = device_id.partition("/")[2]
    return modelled or part == UNNAMED or part.startswith(_ANONYMOUS)


def holds(outer: Standing, component: str, node_model: bool, mine: Standing, my_component: str) -> bool:
    """Whether one reading stands where another would count the same energy again.

    Never two of one source: what a tool gives is meant to be added up. ``node_model`` says that the first one
    is a model of the whole machine.
    """
    if outer.source == mine.source or outer.device_id == mine.device_id:
        return False
    if node_model and my_component in INSIDE_A_NODE_MODEL:
        return True
    return component == my_component and mine.stands_in and outer < mine


def outer_by_name(device_id: str) -> str | None:
    """``cpu:<machine>/package``, all packages in one figure, lies around ``cpu:<machine>/package-0``."""
    head, found, rest = device_id.rpartition("/package-")
    return f"{head}/package" if found and rest[:1].isdigit() else None
