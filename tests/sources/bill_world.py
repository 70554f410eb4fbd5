"""Bills as a test commands them: CSV files with a header, small enough to be added up in the head."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from wattmark.core.imported import Imported
from wattmark.core.run import Run
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, open_source

Cells = Mapping[str, str]


def csv_text(rows: Sequence[Cells]) -> str:
    """A table of these rows; its columns are those of the first."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


class BillWorld:
    """A folder with one file of a bill."""

    def __init__(
        self, folder: Path, source: str, rows: list[Cells], more: Cells, spoiled: Mapping[str, str]
    ) -> None:
        self.path = folder / "bill.csv"
        self._folder, self._source = folder, source
        self._rows, self._more, self._spoiled = rows, more, spoiled
        self._write()

    def _write(self) -> None:
        self.path.write_text(csv_text(self._rows))

    @property
    def rows(self) -> int:
        return len(self._rows)

    @property
    def named(self) -> str:
        return self.path.name

    def open(self) -> Source:
        return open_source(self._source, [str(self.path)], Asked())

    def grow(self) -> None:
        self._rows.append(self._more)
        self._write()

    def move(self) -> None:
        (self._folder / "elsewhere").mkdir()
        self.path = Path(shutil.move(self.path, self._folder / "elsewhere" / "old.csv"))

    def damage(self) -> str:
        self._rows[1] = {**self._rows[1], **self._spoiled}
        self._write()
        return f"{self.path.name}:3"

    def garble(self) -> None:
        self.path.write_text("<html><body>Not found</body></html>\n")

    def remove(self) -> None:
        self.path.unlink()


def portions(source: str, *paths: Path, asked: Asked | None = None, **settings: str) -> list[Imported]:
    """All portions of an import."""
    return list(open_source(source, [str(p) for p in paths], asked or Asked(settings=settings)).read())


def written(folder: Path, *rows: Cells, name: str = "bill.csv") -> Path:
    """A file of these rows."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(csv_text(rows))
    return path


def energy_runs(brought: Sequence[Imported]) -> list[Run]:
    """Records that hold energy."""
    return [r for p in brought for r in p.runs if r.energies]


def cost_runs(brought: Sequence[Imported]) -> list[Run]:
    """Records that hold statements alone."""
    return [r for p in brought for r in p.runs if r.statements]


def costs(brought: Sequence[Imported]) -> dict[tuple[str, str, str], float]:
    """Service, kind and currency -> amount."""
    return {
        (r.subject.labels.get("cloud.service", ""), s.basis or "", s.unit): s.value
        for r in cost_runs(brought)
        for s in r.statements
    }


def joules(brought: Sequence[Imported]) -> float:
    """All energy together."""
    return sum(row.energy_joules for r in energy_runs(brought) for row in r.energies)


def reasons(brought: Sequence[Imported]) -> list[str]:
    """Why rows were bad."""
    return [b.reason for p in brought for b in p.bad]


def notes(brought: Sequence[Imported]) -> str:
    """All notes as one text."""
    return "\n".join(n for p in brought for n in p.notes)
