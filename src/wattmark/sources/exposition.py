"""Reads what exporters print: files in Prometheus's text format or OpenMetrics, with times.

    wattmark import exposition metrics/*.prom

One file may hold one scrape or many; several files are read as one. A scrape without times is taken at the
moment that ``-o time`` gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from itertools import pairwise
from pathlib import Path

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import BadRow, Imported
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.exposition_lines import sample_of, series_of, time_us
from wattmark.sources.label_mapping import LabelMapping, read_mapping
from wattmark.sources.lines import files_of, lines_of
from wattmark.sources.metrics import Metrics, bundled_metrics, levels_taken, looks_like_energy
from wattmark.sources.moments import moment_us
from wattmark.sources.scraped import Gatherer
from wattmark.sources.scraped_series import Scraped
from wattmark.sources.scraped_streams import Binder

OPTIONS: Mapping[str, str] = {
    "time": "When a scrape without times was made: mtime (when its file was written), or a time.",
    "mapping": "TOML file that says which label is which tag; see the page on the Prometheus importer.",
    "shares": "Which shares of devices: auto, pod, container, vm, process or none [auto].",
    "work": "Whose counts of work: auto, server, client or none [auto].",
    "longest_gap": "Seconds between two samples that still count [twice each series' usual distance].",
}
PATTERN = "*.prom"


def open_source(inputs: Inputs, asked: Asked) -> ExpositionSource:
    """The files, and those that end with .prom in folders. Raises EvidenceError, UsageError, ConfigError."""
    gap = asked.settings.get("longest_gap")
    try:
        gap_us = round(float(gap) * 1e6) if gap else None
    except ValueError:
        raise UsageError(f"-o longest_gap={gap} is no number of seconds") from None
    return ExpositionSource(
        paths=files_of(inputs, PATTERN),
        asked=asked,
        mapping=read_mapping(asked.settings.get("mapping")),
        longest_gap_us=gap_us,
        metrics=bundled_metrics(),
    )


@dataclass(slots=True)
class _Read:
    """What the files hold."""

    series: dict[str, Scraped] = field(default_factory=dict)
    """As it is written -> the series; times not yet in order."""
    foreign: dict[str, bool] = field(default_factory=dict)
    """As it is written -> whether it is none of ours."""
    unknown: set[str] = field(default_factory=set)
    bad: list[BadRow] = field(default_factory=list)
    ignored: int = 0
    good: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpositionSource:
    """Some files, read as one."""

    paths: list[Path]
    asked: Asked
    mapping: LabelMapping
    longest_gap_us: int | None
    metrics: Metrics

    def read(self) -> Iterator[Imported]:
        """All of them in one portion: their lines may be in any order of time."""
        read = _Read()
        for path in self.paths:
            self._file(path, read)
        names = {s.name for s in read.series.values()}
        binder = Binder(
            place=", ".join(str(p) for p in self.paths),
            metrics=self.metrics,
            levels=levels_taken(self.metrics, names, lambda what: self.asked.settings.get(what, "auto")),
            mapping=self.mapping,
            asked=self.asked,
            reader="exposition",
        )
        gatherer = Gatherer(binder, longest_gap_us=self.longest_gap_us)
        repeated = sum(_in_order(s) for s in read.series.values())
        portion = gatherer.portion(read.series.values(), read.bad)
        said = []
        if read.unknown:
            unknown = ", ".join(sorted(read.unknown))
            said.append(f"not known, and left out although the names read like energy or power: {unknown}")
        if not read.series:
            said.append("none of the metrics that are known is in it")
        elif portion.taken and not portion.samples:
            said.append("one sample of each series alone: energy is what lies between two")
        yield Imported(
            samples=portion.samples,
            taken=portion.taken,
            bad=portion.bad,
            ignored=portion.ignored + read.ignored + repeated,
            notes=gatherer.notes(said),
        )

    def _file(self, path: Path, read: _Read) -> None:
        lines = list(lines_of(path))
        openmetrics = any(line.rstrip() == "# EOF" for _, line in lines[-3:])
        good = len(read.bad)
        before = read.good
        for number, line in lines:
            text = line.strip()
            if not text or text.startswith("#"):
                read.ignored += 1
                continue
            try:
                self._line(path, text, openmetrics, read)
                read.good += 1
            except ValueError as error:
                read.bad.append(BadRow(f"{path}:{number}", str(error)))
        if read.good == before and len(read.bad) > good:
            first = read.bad[good]
            raise EvidenceError(first.place, f"is no text exposition of metrics: {first.reason}")

    def _line(self, path: Path, text: str, openmetrics: bool, read: _Read) -> None:
        written, value, at = sample_of(text)
        series = read.series.get(written)
        if series is None:
            if written not in read.foreign:
                name, labels = series_of(written)
                read.foreign[written] = not self.metrics.takes(name)
                if read.foreign[written] and not self.metrics.knows(name) and looks_like_energy(name):
                    read.unknown.add(name)
                if not read.foreign[written]:
                    read.series[written] = Scraped(name, labels, [], [])
            if read.foreign[written]:
                read.ignored += 1
                return
            series = read.series[written]
        us = time_us(at, openmetrics) if at is not None else self._scraped_us(path)
        series.times_us.append(us)
        series.values.append(value)

    def _scraped_us(self, path: Path) -> int:
        """When a scrape without times was made. Raises EvidenceError when nothing says it."""
        said = self.asked.settings.get("time")
        if said == "mtime":
            return path.stat().st_mtime_ns // 1000
        us = moment_us(said, UTC) if said else None
        if said and us is None:
            raise UsageError(f"-o time={said} is no time: write mtime, or 2026-11-01T00:00:00Z")
        if us is None:
            raise EvidenceError(
                str(path),
                "its samples say no time: give -o time=mtime (when the file was written) or the time itself",
            )
        return us


def _in_order(series: Scraped) -> int:
    """Put the samples in order of time, each moment once; gives how many were repeated."""
    times = series.times_us
    if all(a < b for a, b in pairwise(times)):
        return 0
    read = len(times)
    at = dict(sorted(zip(times, series.values, strict=True), key=lambda p: p[0]))
    series.times_us, series.values = list(at), list(at.values())
    return read - len(at)
