"""CodeCarbon's ``emissions.csv`` of every version, and its files of tasks, which are windows of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.imported import BadRow, Imported
from wattmark.core.known import Method
from wattmark.core.run import Run
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.codecarbon_row import Reading, joined, run_of
from wattmark.sources.lines import files_of, number_of, table_of
from wattmark.sources.moments import zone_of

OPTIONS: Mapping[str, str] = {
    "time_zone": "Zone of the timestamps, e.g. Europe/Paris [UTC]: CodeCarbon writes local time without it.",
    "cpu_method": "How CodeCarbon got the CPU's energy: rapl (grade B) or model (grade D) [model].",
    "pue": "PUE that was set in CodeCarbon, for files that do not state it [1]: it is divided out.",
}
NEEDED = ("timestamp", "duration", "emissions", "energy_consumed")
"""Columns that every version wrote."""
PORTION = 1000
NO_PUE = (
    "a file of tasks does not state the PUE that it was multiplied by: import it with its emissions.csv, or "
    "name the PUE with -o pue=1.2"
)
NO_ZONE = "timestamps name no zone and are read as UTC: -o time_zone=Europe/Paris names another"


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on CodeCarbon's files, or on folders of ``emissions*.csv``."""
    return CodeCarbon(tuple(files_of(inputs, "emissions*.csv")), reading_of(asked))


def reading_of(asked: Asked) -> Reading:
    """The settings of an import. Raises UsageError for one that cannot be."""
    methods = {"rapl": Method.HARDWARE_COUNTER, "model": Method.MODELLED}
    method = asked.settings.get("cpu_method", "model")
    if method not in methods:
        raise UsageError(f"cpu_method is {' or '.join(methods)}, not {method!r}")
    pue = number_of(asked.settings["pue"]) if "pue" in asked.settings else None
    if "pue" in asked.settings and (pue is None or pue < 1):
        raise UsageError(f"pue is a number from 1 up, not {asked.settings['pue']!r}")
    zone = zone_of(asked.settings.get("time_zone"))
    return Reading(zone=zone, cpu_method=methods[method], pue=pue, asked=asked)


class CodeCarbon:
    """Reads rows of CodeCarbon as runs: the later row of a run supersedes the earlier one."""

    def __init__(self, files: tuple[Path, ...], reading: Reading) -> None:
        self._files = files
        self._reading = reading

    def read(self) -> Iterator[Imported]:
        """The rows of all files, portion by portion."""
        portion = _Portion(self._reading)
        if "time_zone" not in self._reading.asked.settings:
            portion.notes[NO_ZONE] = None
        for path in self._files:
            header: list[str] = []
            for line, cells in table_of(path):
                if not header or "energy_consumed" in cells:
                    portion.ignored += bool(header)
                    header = _header(path, cells)
                    continue
                portion.add(f"{path}:{line}", header, cells)
                if portion.full:
                    yield portion.brought()
            if not header:
                raise EvidenceError(str(path), "is empty: CodeCarbon writes a header of columns first")
        yield portion.brought(last=True)


class _Portion:
    """Rows that were read and not yet handed on, and what is known from the rows before."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._seen: set[tuple[str, int]] = set()
        self._tasks: dict[str, list[dict[str, str]]] = {}
        self._pues: dict[str, float] = {}
        """Run -> the PUE that its row states: its tasks' rows leave it out."""
        self.notes: dict[str, None] = {}
        self._clear()

    def _clear(self) -> None:
        self._runs: list[Run] = []
        self._bad: list[BadRow] = []
        self._taken = 0
        self.ignored = 0

    @property
    def full(self) -> bool:
        return self._taken + len(self._bad) >= PORTION

    def add(self, place: str, header: list[str], cells: list[str]) -> None:
        """One row, good or bad."""
        try:
            if len(cells) != len(header):
                raise ValueError(
                    f"has {len(cells)} cells where the header names {len(header)}: CodeCarbon appended other "
                    "columns, so that no value is sure to stand under its name"
                )
            row = dict(zip(header, cells, strict=True))
            run, notes = run_of(row, self._reading)
        except ValueError as error:
            self._bad.append(BadRow(place, str(error)))
            return
        self.notes |= dict.fromkeys(notes)
        new = self._task(row, run) if "task_name" in row else self._run(row, run)
        self._taken += new
        self.ignored += not new

    def _task(self, row: dict[str, str], run: Run) -> bool:
        others = self._tasks.setdefault(run.record_id, [])
        if row in others:
            return False
        others.append(row)
        return True

    def _run(self, row: dict[str, str], run: Run) -> bool:
        if row.get("pue"):
            self._pues[run.record_id] = float(row["pue"])
        if (run.record_id, run.seq) in self._seen:
            return False
        self._seen.add((run.record_id, run.seq))
        self._runs.append(run)
        return True

    def _joined(self, record_id: str, rows: list[dict[str, str]]) -> Run:
        pue = self._reading.pue or self._pues.get(record_id)
        if pue is None:
            self.notes[NO_PUE] = None
        reading = replace(self._reading, pue=pue)
        return joined(
            [(row["task_name"], run_of(row, reading)[0]) for row in rows], pue_known=pue is not None
        )

    def brought(self, *, last: bool = False) -> Imported:
        """The portion, and an empty one from now on; tasks come last, because they belong together."""
        if last:
            self._runs.extend(self._joined(*item) for item in self._tasks.items())
        found = Imported(
            runs=tuple(self._runs),
            taken=self._taken,
            bad=tuple(self._bad),
            ignored=self.ignored,
            notes=tuple(self.notes) if last else (),
        )
        self._clear()
        return found


def _header(path: Path, cells: list[str]) -> list[str]:
    lacking = [name for name in NEEDED if name not in cells]
    if lacking:
        raise EvidenceError(
            str(path), f"is not a file of CodeCarbon: its first line names no {', '.join(lacking)}"
        )
    return cells
