"""``wattmark.attribute``: which request used how much energy, from arrays of requests and of power.

>>> from wattmark import attribute
>>> made = attribute(
...     {"start": [0.0, 2.0], "end": [4.0, 8.0], "output_tokens": [40, 180], "input_tokens": [0, 0]},
...     {"gpu:0": {"time": [0.0, 10.0], "watts": [100.0, 100.0]}},
... )
>>> [round(float(joules), 1) for joules in made.requests.joules]
[250.0, 550.0]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

from wattmark.core.errors import MissingExtra, UsageError
from wattmark.core.figure import Figure, Missing
from wattmark.core.serving.figures import DeviceFigures, ServiceFigures, device_figures, figures_by
from wattmark.core.serving.request import Placement, Rule
from wattmark.core.serving.weights import Means, Weighing

if TYPE_CHECKING:
    from wattmark.attribution.columns import RequestColumns
    from wattmark.attribution.power.series import PowerSeries
    from wattmark.attribution.result import Attribution, RequestEnergies

RULES: Mapping[str, Rule] = {"tokens": Rule.TOKENS, "equal": Rule.EQUAL, "weight": Rule.WEIGHT}
NAMES = ("model", "model_version", "tenant", "target")
NO_PUE = Missing("PUE", "state one")
NO_INTENSITY = Missing("grid intensity", "state one, or where it ran")


@dataclass(frozen=True, slots=True)
class Attributed:
    """What every request used, and what it adds up to."""

    requests: RequestEnergies
    """In the order in which they were given."""
    total: Attribution

    def figures(
        self,
        by: Sequence[str] = ("model",),
        *,
        pue: Figure | Missing = NO_PUE,
        intensity: Figure | Missing = NO_INTENSITY,
    ) -> tuple[ServiceFigures, ...]:
        """Joules per request and per token and more, of each group of requests that agree in ``by``:
        model, model_version, tenant, target.
        """
        if stray := [name for name in by if name not in NAMES]:
            raise UsageError(f"requests are not grouped by {stray[0]!r}, but by {', '.join(NAMES)}")
        return figures_by((self.total.window,), tuple(by), pue=pue, intensity=intensity)

    @property
    def devices(self) -> tuple[DeviceFigures, ...]:
        """What each device used, and how much of it idly."""
        return device_figures((self.total.window,))


def attribute(
    requests: RequestColumns | Mapping[str, Any],
    power: Iterable[PowerSeries] | Mapping[str, Mapping[str, Any]],
    *,
    place: Mapping[str, Sequence[str]] | Sequence[Placement] = (),
    rule: str = "tokens",
    input_cost: float = 1.0,
    since_us: int | None = None,
    until_us: int | None = None,
    uncertain: bool = True,
) -> Attributed:
    """Divide the energy of devices among requests; requests and idle energy make up each device to 1e-9.

    ``requests``: columns of one length: ``start`` and ``end``, and as far as known ``first_token``,
    ``input_tokens``, ``cached_input_tokens``, ``output_tokens``, ``weight``, ``failed``, ``model``,
    ``model_version``, ``tenant``, ``target``; or a RequestColumns. Times are Unix seconds or numpy's
    datetime64; names end in ``_us`` when they are whole microseconds. Whole numbers not known are -1.

    ``power``: by device, ``time`` with ``watts``, or with ``joules`` (a counter that only rises) and, where
    it has gaps, ``observed`` (one flag for each stretch between two times); or PowerSeries.

    ``place``: which devices each model runs on; without it all run on all. ``rule``: tokens, equal or weight.
    The formulas are in docs/methodology/attribution.md.

    Raises UsageError for what does not fit together, MissingExtra without numpy.
    """
    try:
        import numpy as np
    except ImportError:
        raise MissingExtra("attribution", "attribute") from None
    from wattmark.attribution.arrays import all_series, columns_of, placements_of
    from wattmark.attribution.chunks import BLOCK, Chunks
    from wattmark.attribution.columns import RequestColumns
    from wattmark.attribution.result import in_order
    from wattmark.attribution.weighing import learn, stretches

    if isinstance(requests, (str, PathLike)):
        raise UsageError(
            f"{requests}: give columns; `wattmark.attribution.logs.catalog.open_requests` reads logs"
        )
    if rule not in RULES:
        raise UsageError(f"there is no rule {rule!r}; known: {', '.join(RULES)}")
    weighing = Weighing(RULES[rule], input_cost)
    columns = requests if isinstance(requests, RequestColumns) else columns_of(requests)
    series = all_series(power)
    placements = placements_of(place) if isinstance(place, Mapping) else tuple(place)
    means = Means()
    learn(columns, stretches(columns, weighing), means)
    chunks = Chunks(
        series,
        placements,
        weighing=weighing,
        since_us=since_us,
        until_us=until_us,
        slack_us=0,
        uncertain=uncertain,
        means=means,
    )
    order = np.argsort(columns.start_us, kind="stable")
    parts = [chunks.add(columns[order[i : i + BLOCK]]) for i in range(0, len(order), BLOCK)]
    last, total = chunks.finish()
    made = in_order([part for part in (*parts, last) if part is not None])
    return Attributed(made.chosen(np.argsort(order, kind="stable")), total)
