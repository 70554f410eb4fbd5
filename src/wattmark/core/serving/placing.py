"""Where services run, and who is charged what a device uses while nothing runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from wattmark.core.errors import UsageError
from wattmark.core.serving.request import Placement, Service, placed

DAY_US = 24 * 3600 * 1_000_000
"""A model that had no request for so long no longer shares a device on which another one is alone."""

Seen = dict[str, dict[tuple[str, str], int]]
"""By device: models and targets that ran on it, and when last."""


def no_overbooking(placements: Sequence[Placement]) -> None:
    """Raises UsageError when a device is reserved for more than the whole of it."""
    reserved: dict[str, float] = defaultdict(float)
    for placement in placements:
        for device_id in dict.fromkeys(placement.devices):
            reserved[device_id] += placement.reserved
    for device_id, share in reserved.items():
        if share > 1 + 1e-9:
            raise UsageError(
                f"{device_id}: the models on it reserve {share:.0%} of it; state shares that add up to 100 %"
            )


class Places:
    """Placements over known devices; without any placement every service runs on every device."""

    def __init__(
        self, placements: Sequence[Placement], devices: tuple[str, ...], seen: Seen | None = None
    ) -> None:
        self.placements = tuple(placements)
        self.seen: Seen = seen if seen is not None else defaultdict(dict)
        self._holding = self.placements or (Placement(devices=devices),)
        self._known = frozenset(devices)
        self._of: dict[Service, frozenset[str]] = {}

    def devices_of(self, service: Service) -> frozenset[str]:
        """The known devices that a service runs on; none when no placement fits it."""
        found = self._of.get(service)
        if found is None:
            placement = placed(service, self._holding)
            found = frozenset(placement.devices) & self._known if placement else frozenset()
            self._of[service] = found
        return found

    def ran(self, service: Service, at_us: int) -> None:
        """A request of the service was active then, on all its devices."""
        for device_id in self.devices_of(service):
            self.seen[device_id][service.model, service.target] = at_us

    def idle_of(self, device_id: str, at_us: int) -> tuple[tuple[Service, float], ...]:
        """Who is charged which share of the idle energy of a device; the rest is charged to nobody.

        A placement that names no model is of the one model that runs by it; of several, of none.
        """
        charged = []
        for placement in self._holding:
            if device_id in placement.devices and placement.reserved:
                service = self._reserving(placement, device_id, at_us)
                if service is not None:
                    charged.append((service, placement.reserved))
        return tuple(charged)

    def _reserving(self, placement: Placement, device_id: str, at_us: int) -> Service | None:
        here = [
            (model, target)
            for (model, target), last_us in self.seen[device_id].items()
            if last_us >= at_us - DAY_US
            and placed(Service(model=model, target=target), self._holding) is placement
        ]
        models = {placement.model} if placement.model else {model for model, _ in here}
        if len(models) != 1:
            return None
        targets = {placement.target} if placement.target else {target for _, target in here}
        return Service(model=models.pop(), target=targets.pop() if len(targets) == 1 else "")
