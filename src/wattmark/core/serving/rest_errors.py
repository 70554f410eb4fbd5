"""How sure what is left of a device is: the error of its meter is of the whole, and counts more in a part.

A node read to 5 % of 1,000 W is known to 50 W; what is left of it beside 900 W of accelerators is known to
50 W of 100 W, and not to 5 W.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from wattmark.core.serving.disjoint import Part
from wattmark.core.serving.window import DeviceUse, ServingWindow

STEPS = 4
"""Errors are rounded up to so many steps for each doubling: windows of a steady load stay one stream."""


def with_rests(window: ServingWindow, parts: Sequence[Part]) -> ServingWindow:
    """The window with the errors of what is left of devices in it, as shares of what is left (95 %).

    The errors of the meter around it are scaled to the whole; those of the meters inside, which are taken out
    with it, come beside them in quadrature as ``taken_out``. Where nothing is left there is nothing to say.
    """
    uses = {use.device_id: use for use in window.devices}
    rests = {part.device.id: part for part in parts if part.less and part.device.id in uses}
    if not rests:
        return window
    by_id = {part.of: part for part in parts if part.device.id in uses}
    made = tuple(_use(use, rests.get(use.device_id), by_id, uses) for use in window.devices)
    return replace(window, devices=made)


def _use(
    use: DeviceUse, part: Part | None, parts: Mapping[str, Part], uses: Mapping[str, DeviceUse]
) -> DeviceUse:
    if part is None or use.energy_joules <= 0:
        return use
    inside = [_error(parts[name], parts, uses) for name in part.less if name in parts]
    scale = _whole(part, parts, uses) / use.energy_joules
    errors = {name: _up(relative * scale) for name, relative in use.errors.items()}
    taken = math.hypot(*inside) / use.energy_joules
    return replace(use, errors={**errors, f"{use.source}:{use.device_id}:taken_out": _up(taken)})


def _whole(part: Part, parts: Mapping[str, Part], uses: Mapping[str, DeviceUse]) -> float:
    """What a device used with all that is inside it."""
    inside = [_whole(parts[name], parts, uses) for name in part.less if name in parts]
    return math.fsum((uses[part.device.id].energy_joules, *inside))


def _error(part: Part, parts: Mapping[str, Part], uses: Mapping[str, DeviceUse]) -> float:
    """Half width in joules of a device that is read as a whole."""
    return math.hypot(*uses[part.device.id].errors.values()) * _whole(part, parts, uses)


def _up(relative: float) -> float:
    return 0.0 if relative <= 0 else 2.0 ** (math.ceil(STEPS * math.log2(relative) - 1e-9) / STEPS)
