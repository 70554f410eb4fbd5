"""The table of published datasets, ``data/bench/published.toml``, and how one of them is asked for."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from wattmark import tables
from wattmark.core.errors import ConfigError, UsageError

TABLE = "bench/published"
PRESET = "aies"
"""What is asked where nobody says otherwise: equal thirds of the three datasets of AI Energy Score."""

OWN = (".jsonl", ".csv")
"""How a file of somebody's own queries ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One dataset that somebody published."""

    id: str
    tasks: tuple[str, ...]
    hub: str
    """Its id on the Hugging Face hub."""
    split: str
    licence: str
    columns: Mapping[str, str]
    """What a task calls it -> where it is in a row."""
    preset: str = ""
    config: str = ""
    revision: str = ""
    """Commit on the hub; empty where none is pinned."""
    local_only: bool = False
    """True where the hub cannot give it to the `datasets` library: a local copy is needed."""
    labels: tuple[str, ...] = ()
    """Names of classes, by their number."""
    scale: float = 1.0
    """What a score is divided by, so that 1 is the best."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One dataset that was asked for: a row of the table, or a file of one's own."""

    row: Published | None = None
    revision: str = ""
    folder: Path | None = None
    """Where a local copy is looked for; None asks the hub (or its cache)."""
    file: Path | None = None

    @property
    def name(self) -> str:
        """The id in the table; the name of a file of one's own, without its folder."""
        return self.row.id if self.row is not None else f"own/{self.file.name if self.file else ''}"


@cache
def published_table() -> tuple[Published, ...]:
    """Every dataset, in the order of the file."""
    return published_of(tables.toml(TABLE))


def published_of(document: Mapping[str, Any]) -> tuple[Published, ...]:
    """The rows of a table. Raises ConfigError naming the row that lacks something."""
    return tuple(_row(row) for row in document.get("dataset", ()))


def _row(row: Mapping[str, Any]) -> Published:
    lists = {name: tuple(row[name]) for name in ("tasks", "labels") if name in row}
    try:
        return Published(**{**row, **lists})
    except TypeError as error:
        raise ConfigError(f"data/{TABLE}.toml", str(row.get("id", "?")), str(error)) from None


def datasets_of(task: str) -> tuple[Published, ...]:
    """The published datasets of a task."""
    return tuple(row for row in published_table() if task in row.tasks)


def located(names: Sequence[str], folder: Path | None) -> tuple[str, ...]:
    """The names with a folder of local copies (``--dataset-dir``); without names, the preset."""
    if folder is None:
        return tuple(names) or (PRESET,)
    return tuple(
        name if "=" in name or name.endswith(OWN) else f"{name}={folder}" for name in names or (PRESET,)
    )


def wanted(task: str, names: Sequence[str]) -> tuple[Wanted, ...]:
    """What names mean for a task: ``NAME[@REVISION][=FOLDER]``, a preset, or a file of one's own.

    Raises UsageError for what there is not, with what is close.
    """
    found: list[Wanted] = []
    for name in names or (PRESET,):
        found += [_own(name)] if name.lower().endswith(OWN) else _rows_named(task, name)
    repeated = {w.name for w in found if sum(w.name == other.name for other in found) > 1}
    if repeated:
        raise UsageError(f"--dataset {sorted(repeated)[0]}: asked for twice")
    return tuple(found)


def _own(name: str) -> Wanted:
    file = Path(name).expanduser()
    if not file.is_file():
        raise UsageError(f"--dataset {name}: there is no such file")
    return Wanted(file=file)


def _rows_named(task: str, name: str) -> list[Wanted]:
    plain, _, folder = name.partition("=")
    plain, _, revision = plain.partition("@")
    rows = datasets_of(task)
    chosen = [row for row in rows if plain in (row.id, row.hub)] or [r for r in rows if r.preset == plain]
    if not chosen and Path(name).expanduser().is_file():
        raise UsageError(f"--dataset {name}: a file of your own ends in {' or '.join(OWN)}")
    if not chosen or not plain:
        known = [*(row.id for row in rows), *sorted({row.preset for row in rows if row.preset})]
        close = difflib.get_close_matches(plain, known, n=1)
        meant = f"did you mean {close[0]!r}?" if close else "`wattmark bench datasets` lists them"
        raise UsageError(f"--dataset {plain}: {task} has no such dataset, and it is no file: {meant}")
    if revision and len(chosen) > 1:
        raise UsageError(f"--dataset {name}: a preset has no revision of its own; name its datasets")
    where = Path(folder).expanduser() if folder else None
    return [Wanted(row=row, revision=revision or row.revision, folder=where) for row in chosen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One row that was chosen, by the names of the task."""

    values: Mapping[str, Any]
    part: str
    row: Published | None = None
    """None for a file of one's own."""
    labels: tuple[str, ...] = field(default=())
