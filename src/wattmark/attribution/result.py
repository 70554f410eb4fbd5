"""What an attribution gives back: joules of each request, and what services and devices add up to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wattmark.attribution.columns import Flags, Longs, RequestColumns, joined
from wattmark.core.serving.request import Service
from wattmark.core.serving.window import ServingWindow

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RequestEnergies:
    """Requests and what each used of all its devices, in columns of one length."""

    columns: RequestColumns
    ordinal: Longs
    """The how-manyeth of all requests that were given each is, from 0."""
    joules: Floats
    prefill_joules: Floats
    decode_joules: Floats
    """What is in neither phase is of requests whose first token is not known."""
    observed_share: Floats
    """How much of its time on its devices was observed; NaN when it had none."""
    estimated: Flags
    """It does not tell what it is weighed by: the mean of its service stands in."""
    late_us: Longs
    """How much of its time was divided before it was told: the energy of that time is elsewhere."""

    def __len__(self) -> int:
        return len(self.joules)

    def chosen(self, index: Longs) -> RequestEnergies:
        """Some of them, or all in another order."""
        arrays = {name: getattr(self, name)[index] for name in ARRAYS}
        return RequestEnergies(columns=self.columns[index], **arrays)


ARRAYS = (
    "ordinal",
    "joules",
    "prefill_joules",
    "decode_joules",
    "observed_share",
    "estimated",
    "late_us",
)


def in_order(parts: Sequence[RequestEnergies]) -> RequestEnergies:
    """Several of them as one, in the order in which the requests were given."""
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}
    whole = RequestEnergies(columns=joined([part.columns for part in parts]), **arrays)
    return whole.chosen(np.argsort(whole.ordinal, kind="stable"))


@dataclass(frozen=True, slots=True)
class Conservation:
    """How well the parts of one device make it up."""

    device_id: str
    energy_joules: float
    """As the series tells it, over the whole stretch of time."""
    parts_joules: float
    """Of all services, requests and idle, and of nobody, added up."""

    @property
    def error(self) -> float:
        """What is missing or too much, relative to the energy of the device."""
        return abs(self.parts_joules - self.energy_joules) / self.energy_joules if self.energy_joules else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """All of an attribution added up, as one window of serving that spans it."""

    window: ServingWindow
    """What services are charged and did, and what devices used; core.serving.figures makes figures of it."""
    conservation: tuple[Conservation, ...]
    estimated: Mapping[Service, int]
    """Requests by service that do not tell what they are weighed by."""
    reading_errors: Mapping[tuple[Service, str], float]
    """Half width in joules, by service and device: how far another reading of the samples moves it."""
    late: int
    """Requests that came too late for a part of their time."""

    @property
    def conservation_error(self) -> float:
        """The largest of all devices."""
        return max((c.error for c in self.conservation), default=0.0)
