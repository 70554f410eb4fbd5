"""Who asks a live provider of grid intensity for a verb that works out carbon; light, until it is asked."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from wattmark.core.errors import GridError

if TYPE_CHECKING:
    from wattmark.grid.catalog import Asked
    from wattmark.grid.hourly import Found
    from wattmark.grid.http import Web
    from wattmark.grid.provider import GridProvider


def _web() -> Web:
    from wattmark.grid.http import HttpWeb

    return HttpWeb()


def wall_us() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000


@dataclass(slots=True, kw_only=True)
class Live:
    """Asks the provider that a project names, and remembers what failed."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    clock: Callable[[], int] = wall_us
    web: Callable[[], Web] = _web
    offline: bool = False
    """Ask nobody: what is cached, then yearly figures."""
    yearly: bool = False
    """Leave hours aside."""
    made: dict[Asked, GridProvider] = field(default_factory=dict)
    failed: dict[str, GridError] = field(default_factory=dict)
    """Provider -> what it failed with: the next question would too, so it is not asked again."""

    def past(self, asked: Asked, zone: str, start_us: int, end_us: int) -> Found:
        """The intensity of a stretch; cache first. Raises GridError where nothing is known of it."""
        from wattmark.grid.cache import GridCache, cache_file
        from wattmark.grid.catalog import provider_for, signal_of
        from wattmark.grid.failures import NoData, ProviderDown, QuotaSpent, SandboxData, WrongKey
        from wattmark.grid.hourly import find
        from wattmark.grid.keys import find_key

        name, signal = signal_of(asked)
        cache, lasting = (
            GridCache(cache_file(self.environ)),
            (ProviderDown, QuotaSpent, SandboxData, WrongKey),
        )
        if not self.offline and name not in self.failed:
            try:
                if asked not in self.made:  # one log-in for all runs, and a 401 after a success is told apart
                    self.made[asked] = provider_for(
                        asked, self.web(), lambda who, key: find_key(who, key, self.environ), self.clock
                    )
                found = find(self.made[asked], signal, cache, zone, start_us, end_us, self.clock())
            except lasting as error:
                self.failed[name] = error
            else:
                if isinstance(found.failure, lasting):
                    self.failed[name] = found.failure
                return found
        try:
            found = find(name, signal, cache, zone, start_us, end_us, self.clock())
        except NoData as nothing:
            raise self.failed.get(name, nothing) from None
        return replace(found, failure=self.failed.get(name))
