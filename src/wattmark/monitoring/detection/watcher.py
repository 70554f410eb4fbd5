"""All figures of a node, window by window."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from wattmark.core.serving.window import ServingWindow
from wattmark.monitoring.detection.baseline import Baseline
from wattmark.monitoring.detection.features import PER_REQUEST, PER_TOKEN
from wattmark.monitoring.detection.finding import Finding, Kind, State
from wattmark.monitoring.detection.fit import fitted
from wattmark.monitoring.detection.row import Key, Lost, Row, rows_of
from wattmark.monitoring.detection.series import Fit, Series
from wattmark.monitoring.detection.settings import Settings
from wattmark.monitoring.detection.still import Standstill

STATE_VERSION = 1


class Watcher:
    """Hold every minute against the last good state of its model.

    A look costs some tens of microseconds for each model; a baseline is fitted about ten times in the first
    fortnight of a model, which takes a tenth of a second each and needs the extra ``detect``. A ``fit`` of
    another kind may be passed in, for instance one that fits in a process of its own.
    """

    def __init__(self, settings: Settings | None = None, fit: Fit = fitted) -> None:
        self._settings = settings or Settings()
        self._fit = fit
        self._series: dict[Key, Series] = {}
        self._standstill = Standstill()
        self._stuck: dict[Key, tuple[Finding, frozenset[str]]] = {}

    def look(self, window: ServingWindow) -> list[Finding]:
        """Take one window in; the news in it."""
        keys = [False, True] if self._settings.by_tenant else [False]
        minutes = {key: row for by in keys for key, row in rows_of(window, by).items()}
        stuck = self._standstill.look(window)
        found: list[Finding] = []
        self._stuck = {key: was for key, was in self._stuck.items() if was[1] & stuck}
        for key, minute in minutes.items():
            names = [name for name in stuck if isinstance(minute, Row) and name in minute.devices]
            if not names:
                continue
            text = f"the reading of {', '.join(names)} stands still while its load does not"
            minutes[key] = Lost(minute.end, text)
            if key in self._series:
                self._series[key].doubt()
                if any(name in self._standstill.new for name in names):
                    metric = self._series[key].metric
                    end = window.end_us / 1e6
                    news = Finding(
                        kind=Kind.STUCK, key=key, metric=metric, at=end, since=end - 180.0, text=text
                    )
                    self._stuck[key] = news, frozenset(names)
                    found.append(news)
        return [*found, *self.take(minutes)]

    def take(self, minutes: Mapping[Key, Row | Lost]) -> list[Finding]:
        """The same for minutes that come from elsewhere: counters, a ledger."""
        found: list[Finding] = []
        for key, minute in minutes.items():
            if key not in self._series:
                if isinstance(minute, Lost):
                    continue
                metric = PER_REQUEST if minute.output_tokens is None else PER_TOKEN
                self._series[key] = Series(key, metric, self._settings, self._fit)
            found.extend(self._series[key].take(minute))
        return found

    @property
    def active(self) -> list[Finding]:
        """Regressions that last."""
        return [s.active for s in self._series.values() if s.active is not None and s.active.news]

    @property
    def stuck(self) -> list[Finding]:
        """Readings that stand still, as they were found."""
        return [found for found, _ in self._stuck.values()]

    def states(self) -> list[State]:
        """How every figure stands."""
        return [series.state() for _, series in sorted(self._series.items())]

    def of(self, key: Key) -> tuple[Baseline | None, Finding | None]:
        """The baseline of one figure and the change that lasts, if there are any."""
        series = self._series[key]
        return series.baseline, series.active

    def as_dict(self) -> dict[str, Any]:
        """What must outlive a restart, ready for JSON. A change that lasts is found anew afterwards."""
        figures = [{**asdict(key), **series.as_dict()} for key, series in sorted(self._series.items())]
        return {"version": STATE_VERSION, "figures": figures}

    def restore(self, found: Mapping[str, Any]) -> None:
        """Go on from what ``as_dict`` gave. Raises KeyError, TypeError or ValueError for anything else."""
        if found["version"] != STATE_VERSION:
            raise ValueError(f"version {found['version']} is not {STATE_VERSION}")
        for figure in found["figures"]:
            key = Key(str(figure["model"]), str(figure["target"]), str(figure["tenant"]))
            series = Series(key, str(figure["metric"]), self._settings, self._fit)
            series.restore(figure)
            self._series[key] = series

    def accept(self, keys: Iterable[Key]) -> None:
        """Take what these cost now for normal."""
        for key in keys:
            if key in self._series:
                self._series[key].accept()
