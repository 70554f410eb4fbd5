"""A run as a collector of ``prometheus_client``, which writes and serves the text format."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from wattmark.core.errors import MissingExtra
from wattmark.core.run import Run
from wattmark.exporters.figures import FAMILIES, Point, figures_of

try:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
    from prometheus_client.registry import Collector
except ImportError:
    raise MissingExtra("export to Prometheus", "prometheus") from None


class RunCollector(Collector):
    """Gives the figures of a run as it stands whenever it is collected."""

    def __init__(self, look: Callable[[], Run]) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        """One family per name, each with the labels that any of its figures has."""
        points: dict[str, list[Point]] = {}
        for point in figures_of(self._look()):
            points.setdefault(point.name, []).append(point)
        for name, group in points.items():
            family = FAMILIES[name]
            labels = list(dict.fromkeys(label for p in group for label in p.labels))
            make = CounterMetricFamily if family.counter else GaugeMetricFamily
            metric = make(name, family.what, labels=labels)
            for p in group:
                metric.add_metric([p.labels.get(label, "") for label in labels], p.value)
            yield metric

    def describe(self) -> list[Metric]:
        """Nothing beforehand: what there is to see depends on the machine."""
        return []


def registry_of(look: Callable[[], Run]) -> CollectorRegistry:
    """A registry that holds this run and nothing else of the process."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(RunCollector(look))
    return registry
