"""Makes one look at an engine of the samples on its page of metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from statistics import fmean

from wattmark.core.serving.engine import COUNTERS, GAUGES, Counted, EngineReading, Load, Quantity
from wattmark.engines.exposition import Page, Wanted, begins_one_of, read_page, wanted
from wattmark.engines.table import MEAN, NONE, NONE_BEFORE_REQUESTS, EngineKind, Term, bundled_engines

STARTED = "process_start_time_seconds"
"""When the process began; client libraries of Prometheus show it."""


def kind_of(page: bytes, kinds: Iterable[EngineKind] | None = None) -> EngineKind | None:
    """Which engine's metrics these are; None when it is none that is known."""
    for kind in bundled_engines() if kinds is None else kinds:
        if begins_one_of(page, kind.signs):
            return kind
    return None


def reading_of(page: bytes, kind: EngineKind, *, target: str, at_us: int) -> EngineReading:
    """What a page says. Raises ValueError when it breaks off inside a sample that is wanted."""
    read = read_page(page, _wanted(kind.names))
    by_model = _ByModel(kind, read)
    counted: dict[str, Counted] = {}
    load: dict[str, Load] = {}
    for model in by_model.models:
        told = by_model.quantities(model)
        counted[model] = Counted(**{q.value: told.get(q) for q in COUNTERS})
        load[model] = Load(**{q.value: told.get(q) for q in GAUGES})
    started = read.samples.get(STARTED)
    return EngineReading(
        target=target,
        engine=kind.id,
        at_us=at_us,
        started_us=round(started[0][1] * 1e6) if started else None,
        counted=counted,
        load=load,
        missing=_missing(kind, counted, load),
    )


def _missing(
    kind: EngineKind, counted: Mapping[str, Counted], load: Mapping[str, Load]
) -> dict[Quantity, str]:
    """What no model of it tells. Before the first request nothing is missing that it will tell."""
    found: dict[Quantity, str] = {}
    for quantity in Quantity:
        rows: Iterable[Counted | Load] = (load if quantity in GAUGES else counted).values()
        never = quantity not in kind.metrics
        if never or (counted and all(row.of(quantity) is None for row in rows)):
            found[quantity] = kind.why_missing(quantity)
    return found


@cache
def _wanted(names: frozenset[str]) -> Wanted:
    return wanted({*names, STARTED})


@dataclass(frozen=True, slots=True)
class _ByModel:
    """The samples of a page, asked model by model."""

    kind: EngineKind
    page: Page

    @property
    def models(self) -> list[str]:
        """Models that the page names; an engine that names none has one without a name."""
        if not self.kind.model:
            return [""]
        names = {
            self._model(labels)
            for name, series in self.page.samples.items()
            if name != STARTED
            for labels, _ in series
        }
        return sorted(names - {""})

    def quantities(self, model: str) -> dict[Quantity, float | None]:
        """What it tells of one model."""
        told = {q: self._sum(model, terms) for q, terms in self.kind.metrics.items()}
        idle = not (told.get(Quantity.REQUESTS) or told.get(Quantity.FAILED))
        for quantity, terms in self.kind.metrics.items():
            if told[quantity] is None and idle and all(t.absent == NONE_BEFORE_REQUESTS for t in terms):
                told[quantity] = 0.0
        return told

    def _sum(self, model: str, terms: tuple[Term, ...]) -> float | None:
        """All terms together; None when one of them is not known."""
        values = [self._term(model, term) for term in terms]
        known = [v for v in values if v is not None]
        return sum(known) if known and len(known) == len(values) else None

    def _term(self, model: str, term: Term) -> float | None:
        for name in term.names:
            values = [
                value
                for labels, value in self.page.samples.get(name, ())
                if self._model(labels) == model and all(c.holds(labels) for c in term.where)
            ]
            if values:
                return (fmean(values) if term.over == MEAN else sum(values)) * term.scale
        declared = any(name in self.page.declared for name in term.names)
        known = term.absent == NONE or (term.absent == NONE_BEFORE_REQUESTS and declared)
        return 0.0 if known else None

    def _model(self, labels: Mapping[str, str]) -> str:
        return next((labels[name] for name in self.kind.model if labels.get(name)), "")
