"""What a benchmark found: named rows of samples, and what was seen besides. One JSON document."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

SCHEMA = "wattmark.benchmarks/1"


@dataclass(frozen=True, slots=True)
class Measurement:
    """The samples of one row for one tool. No samples: `error` says why there are none."""

    row: str
    tool: str
    unit: str
    samples: tuple[float, ...]
    variant: str = "default"
    note: str = ""
    error: str = ""

    @property
    def median(self) -> float | None:
        """The middle sample; None when nothing could be measured, never 0."""
        return statistics.median(self.samples) if self.samples else None


@dataclass(frozen=True, slots=True)
class Observation:
    """What a tool did besides costing time: an open list of named facts."""

    tool: str
    variant: str
    situation: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Results:
    """One run of the benchmarks."""

    date: str
    machine: Mapping[str, Any]
    settings: Mapping[str, Any]
    tools: Mapping[str, Mapping[str, Any]]
    measurements: tuple[Measurement, ...] = ()
    observations: tuple[Observation, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)

    def of_row(self, row: str) -> tuple[Measurement, ...]:
        """All measurements of one row, in the order they were made."""
        return tuple(m for m in self.measurements if m.row == row)

    def under_load(self, module: str, load: float) -> Results:
        """These results, with the machine's load average as it was after one module of rows."""
        loads = {**self.machine.get("load", {}), module: round(load, 2)}
        return replace(self, machine={**self.machine, "load": loads})

    def with_tools(self, tools: Mapping[str, Mapping[str, Any]], what: str) -> Results:
        """These results, with the tools of newer rows; ``what`` those are is told beside another revision."""
        found = {}
        for name, told in tools.items():
            before = self.tools.get(name, told)["revision"]
            now = told["revision"]
            found[name] = {**told, "revision": before if now == before else f"{before}; {what}: {now}"}
        return replace(self, tools={**self.tools, **found})

    def with_more(
        self,
        measurements: Iterable[Measurement],
        observations: Iterable[Observation],
        skipped: Mapping[str, str],
    ) -> Results:
        """These results, with newer rows in the place of older ones of the same row and tool."""
        new = tuple(measurements)
        seen = tuple(observations)
        again = {(m.row, m.tool, m.variant) for m in new}
        looked = {(o.tool, o.variant, o.situation) for o in seen}
        kept = tuple(m for m in self.measurements if (m.row, m.tool, m.variant) not in again)
        old = tuple(o for o in self.observations if (o.tool, o.variant, o.situation) not in looked)
        return replace(
            self,
            measurements=kept + new,
            observations=old + seen,
            skipped={**self.skipped, **skipped},
        )


def write(results: Results, path: Path) -> None:
    """Write the document; a reader never sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"schema": SCHEMA, **asdict(results)}, indent=1, ensure_ascii=False)
    part = path.with_suffix(".part")
    part.write_text(text + "\n", encoding="utf-8")
    os.replace(part, path)


def read(path: Path) -> Results:
    """Read a document back. Raises ValueError when it is of another schema."""
    told = json.loads(path.read_text(encoding="utf-8"))
    schema = told.pop("schema", None)
    if schema != SCHEMA:
        raise ValueError(f"{path.name} has schema {schema!r}, not {SCHEMA!r}: run the benchmarks again")
    measurements = tuple(
        Measurement(**{**m, "samples": tuple(m["samples"])}) for m in told.pop("measurements")
    )
    observations = tuple(Observation(**o) for o in told.pop("observations"))
    return Results(**told, measurements=measurements, observations=observations)


def rounded(samples: Sequence[float], digits: int = 4) -> tuple[float, ...]:
    """Samples as they are stored: what lies beyond these digits is noise."""
    return tuple(round(sample, digits) for sample in samples)
