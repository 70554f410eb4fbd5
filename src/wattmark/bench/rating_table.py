"""Tables of ratings as CSV: AI Energy Score's own columns, and the plainer ones of people who pass them on.

The leaderboard keeps one file for each task (``data/energy/text_generation.csv``) with ``model``,
``total_gpu_energy`` (kWh per 1,000 queries), ``energy_score`` (stars), ``class`` and ``test date``; it shows
Wh (AI Energy Score, Leaderboard, app.py, November 2025,
https://huggingface.co/spaces/AIEnergyScore/Leaderboard).
Every digit is kept as it is written: stars of a row on an edge depend on it.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from wattmark.core.bench.task import TASKS, task_named
from wattmark.core.errors import EvidenceError

ENERGY_UNITS: Mapping[str, tuple[str, Decimal]] = {
    "gpu_wh_per_1000": ("Wh", Decimal(1)),
    "gpu_wh_per_1000_queries": ("Wh", Decimal(1)),
    "gpu_energy_wh_per_1k_queries": ("Wh", Decimal(1)),
    "gpu_energy_wh_per_1000_queries": ("Wh", Decimal(1)),
    "gpu_kwh_per_1000": ("kWh", Decimal(1000)),
    "gpu_kwh_per_1000_queries": ("kWh", Decimal(1000)),
    "total_gpu_energy": ("kWh", Decimal(1000)),
}
"""Columns of energy, with their unit and what makes them Wh per 1,000 queries; the first one there counts."""
NAMES: Mapping[str, tuple[str, ...]] = {
    "task": ("task",),
    "model": ("model", "model_id", "model_name"),
    "energy": tuple(ENERGY_UNITS),
    "model_class": ("model_class", "class"),
    "cohort": ("cohort", "test_date"),
    "published_stars": ("published_stars", "energy_score", "stars"),
}
"""What a row tells -> the columns that tell it, by preference."""
MOST_BYTES = 1 << 26
MOST_WH = Decimal("1e15")
"""More in 1,000 queries than the world generates in a fortnight: no such figure is real."""
LEAST_WH = Decimal("1e-15")
MOST_DIGITS = 24
MOST_CLASS = 40
_NUMBER = re.compile(r"\+?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_NOTHING = frozenset({"", "-", "n/a", "na", "nan", "none", "null"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRow:
    """One rating as a table states it."""

    line: int
    task: str
    """As written there."""
    model: str
    wh_per_1000: Decimal
    """Wh of the GPUs per 1,000 queries, every digit."""
    model_class: str | None
    """A, B or C, or what else a table calls its classes; None where none is given."""
    cohort: str
    published_stars: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingTable:
    """A table, read whole."""

    name: str
    rows: tuple[TableRow, ...]
    energy_column: str
    """Its heading, as written."""
    unit: str
    """Wh or kWh, as the heading tells."""


def table_from(content: bytes, name: str) -> RatingTable:
    """Read a table of ratings. Raises EvidenceError that names file, line and column."""
    lines = _lines(content, name)
    number, header = next(lines, (1, []))
    columns = _columns(header, name, number)
    title = next((name for name in ENERGY_UNITS if _plain(header[columns["energy"]]) == name), "")
    unit, factor = ENERGY_UNITS[title]
    task = None if "task" in columns else _task_of_file(name)
    found: list[TableRow] = []
    seen: dict[tuple[str, ...], int] = {}
    for line, cells in lines:
        if len(cells) != len(header):
            raise EvidenceError(name, f"line {line}: has {len(cells)} cells, the heading has {len(header)}")
        row = _row(_Cells(name, line, header, columns, cells), task, factor)
        known = task_named(row.task)
        alike = (
            known.id if known else _folded(row.task),
            _folded(row.model),
            row.model_class or "",
            _folded(row.cohort),
        )
        if (first := seen.setdefault(alike, line)) != line:
            raise EvidenceError(
                name,
                f"line {line}: the same task, model, class and cohort stand in line {first} already "
                f"({row.model}): keep one of them",
            )
        found.append(row)
    if not found:
        raise EvidenceError(name, "holds no row below its heading")
    return RatingTable(
        name=name, rows=tuple(found), energy_column=header[columns["energy"]].strip(), unit=unit
    )


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of one line by what they tell."""

    name: str
    line: int
    header: Sequence[str]
    columns: Mapping[str, int]
    cells: Sequence[str]

    def text(self, what: str) -> str:
        return " ".join(self.cells[self.columns[what]].split()) if what in self.columns else ""

    def wrong(self, what: str, problem: str) -> EvidenceError:
        column = self.header[self.columns[what]].strip()
        return EvidenceError(self.name, f"line {self.line}, column `{column}`: {problem}")


def _row(cells: _Cells, task: str | None, factor: Decimal) -> TableRow:
    named = cells.text("task") if task is None else task
    if not named:
        raise cells.wrong("task", "is empty: name the task")
    model = cells.text("model")
    if not model:
        raise cells.wrong("model", "is empty: name the model")
    return TableRow(
        line=cells.line,
        task=named,
        model=model,
        wh_per_1000=_energy(cells, factor),
        model_class=_model_class(cells),
        cohort=cells.text("cohort"),
        published_stars=_stars(cells),
    )


def _energy(cells: _Cells, factor: Decimal) -> Decimal:
    text = cells.text("energy")
    if text.lower() in _NOTHING:
        said = "is empty" if not text else f"{text!r} is no energy"
        raise cells.wrong("energy", f"{said}: what is not known is no figure, leave the row out")
    if text.startswith("-"):
        raise cells.wrong("energy", f"{text} is below 0: no energy is")
    if len(text) > MOST_DIGITS or not _NUMBER.fullmatch(text):
        hint = "; write a decimal point, and nothing between thousands" if "," in text or "'" in text else ""
        raise cells.wrong("energy", f"{text!r} is no number{hint}")
    value = Decimal(text) * factor
    if value == 0:
        raise cells.wrong("energy", "is 0: a failed reading is a gap and no figure, leave the row out")
    if not LEAST_WH <= value <= MOST_WH:
        raise cells.wrong("energy", f"{text} cannot be the energy of 1,000 queries")
    return value


def _model_class(cells: _Cells) -> str | None:
    """A, B or C however they are written (``class b``); any other word is a class of its own."""
    text = re.sub(r"^class\s+", "", cells.text("model_class"), flags=re.IGNORECASE)
    if text.lower() in _NOTHING:
        return None
    if len(text) > MOST_CLASS:
        raise cells.wrong("model_class", f"{text[:MOST_CLASS]!r}... is no class: A, B or C, or empty")
    return text.upper()


def _stars(cells: _Cells) -> int | None:
    text = cells.text("published_stars")
    if text.lower() in _NOTHING:
        return None
    if not re.fullmatch(r"[1-5](\.0*)?", text):
        raise cells.wrong("published_stars", f"{text!r} is no number of stars from 1 to 5")
    return int(text[0])


def _columns(header: Sequence[str], name: str, line: int) -> Mapping[str, int]:
    """Where each thing stands. Raises EvidenceError when one is missing or two columns have one name."""
    plain = [_plain(cell) for cell in header]
    twice = next((p for p in plain if p and plain.count(p) > 1), None)
    if twice is not None:
        raise EvidenceError(name, f"line {line}: two columns are named `{twice}`")
    found = {}
    for what, names in NAMES.items():
        column = next((n for n in names if n in plain), None)
        if column is not None:
            found[what] = plain.index(column)
    for what in ("model", "energy"):
        if what not in found:
            raise EvidenceError(
                name,
                f"line {line}: no column tells the {what}: name it `{NAMES[what][0]}`"
                + (" or `total_gpu_energy`" if what == "energy" else "")
                + f" (columns here: {', '.join(cell.strip() for cell in header if cell.strip()) or 'none'})",
            )
    return found


def _task_of_file(name: str) -> str:
    """The leaderboard's own files tell their task by their names."""
    stem = re.sub(r"\.csv$", "", re.split(r"[/\\]", name)[-1], flags=re.IGNORECASE)
    stem = re.sub(r"[ _-]?energy[ _-]?score$", "", stem, flags=re.IGNORECASE)
    task = task_named({"image_caption": "image_captioning"}.get(stem.lower(), stem))
    if task is None:
        titles = ", ".join(f"{t.id}.csv" for t in TASKS.values() if t.inference)
        raise EvidenceError(
            name, f"has no column `task`, and its name tells none: add the column, or name it one of {titles}"
        )
    return task.title


def _lines(content: bytes, name: str) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every line that is not blank."""
    if len(content) > MOST_BYTES:
        raise EvidenceError(name, f"is larger than {MOST_BYTES >> 20} MiB: this is no table of ratings")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise EvidenceError(name, f"line {line}: is not UTF-8: save the table as UTF-8") from None
    if "\0" in text:
        raise EvidenceError(name, f"line {text[: text.index(chr(0))].count(chr(10)) + 1}: holds a zero byte")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(",;\t", key=first.count)  # the first of them where they are equally frequent
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                yield begins, cells
            begins = rows.line_num + 1
    except csv.Error as error:
        raise EvidenceError(name, f"line {begins}: is not CSV: {error}") from None


def _plain(cell: str) -> str:
    """``GPU Energy (Wh) per 1k Queries`` as ``gpu_energy_wh_per_1k_queries``."""
    return re.sub(r"[\s()_/-]+", "_", cell.strip().lower()).strip("_")


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
