"""Which models run on which devices, as the settings say it and the engines tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from fnmatch import fnmatchcase

from wattmark.core.errors import UsageError
from wattmark.core.serving.disjoint import Part
from wattmark.core.serving.request import Placement


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """An engine of the settings."""

    target: str
    model: str = ""
    """The one model that it serves; empty: whichever it tells."""
    devices: tuple[str, ...] = ()
    """Ids, components or patterns (``gpu``, ``GPU-*``); empty: every device of the node."""
    reserved: float | None = None
    """Share of these devices that is kept for it; None: in equal parts for the engines on a device."""
    by_counter: bool = True
    """Whether its counters may stand for requests that nobody tells."""


def chosen(patterns: Sequence[str], parts: Sequence[Part]) -> tuple[str, ...]:
    """The devices that ids, components or patterns mean; all when there are none."""
    devices = [part.device for part in parts]
    if not patterns:
        return tuple(d.id for d in devices)
    return tuple(
        d.id for d in devices if any(p in (d.id, d.component) or fnmatchcase(d.id, p) for p in patterns)
    )


def all_here(engines: Sequence[Expected], parts: Sequence[Part]) -> None:
    """Raise UsageError, naming engine and device, for a device that this node does not have."""
    for engine in engines:
        for pattern in engine.devices:
            if not chosen((pattern,), parts):
                here = ", ".join(part.device.id for part in parts)
                raise UsageError(
                    f"[[engine]] {engine.target}: devices: {pattern!r} is none of this node's: {here}"
                )


def placements_for(
    engines: Sequence[Expected], told: Mapping[str, Set[str]], parts: Sequence[Part]
) -> tuple[Placement, ...]:
    """What runs where. Nothing is stated by one engine without devices: then all runs on all.

    A model that an engine tells of is placed by its name too, for requests do not always say who answered.
    """
    if not engines or (len(engines) == 1 and not engines[0].devices and engines[0].reserved is None):
        return ()
    on: dict[str, tuple[str, ...]] = {e.target: chosen(e.devices, parts) for e in engines}
    crowd: dict[str, int] = {}
    for devices in on.values():
        for device in devices:
            crowd[device] = crowd.get(device, 0) + 1
    found: list[Placement] = []
    for engine in engines:
        devices = on[engine.target]
        most = max((crowd[d] for d in devices), default=1)
        reserved = 1 / most if engine.reserved is None else engine.reserved
        models = [engine.model] if engine.model else sorted(told.get(engine.target, ()))
        if not models:
            found.append(Placement(target=engine.target, devices=devices, reserved=reserved))
        for model in models:
            share = reserved / len(models)
            found.append(Placement(model=model, devices=devices, reserved=share))
    return tuple(found)
