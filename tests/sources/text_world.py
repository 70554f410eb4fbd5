"""A text file as an input of a source, for the suite: it grows, moves and breaks as a test asks."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from wattmark.core.imported import Imported
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, open_source

FILES = Path(__file__).parent / "files"


class TextWorld:
    """Lines of a file; ``spoil`` is the number of a good line (from 1) and what stands there afterwards."""

    def __init__(
        self,
        path: Path,
        source: str,
        lines: Sequence[str],
        *,
        more: Sequence[str],
        spoil: tuple[int, str],
        headers: int = 0,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.path = path
        self._source = source
        self._more = more
        self._spoil = spoil
        self._headers = headers
        self._settings = settings or {}
        self._write(lines)

    def _write(self, lines: Sequence[str]) -> None:
        self.path.write_text("".join(f"{line}\n" for line in lines))
        self.rows = len(lines) - self._headers

    @property
    def named(self) -> str:
        return self.path.name

    def open(self) -> Source:
        return open_source(self._source, [str(self.path)], Asked(settings=self._settings))

    def grow(self) -> None:
        self._write([*self.path.read_text().splitlines(), *self._more])

    def move(self) -> None:
        folder = self.path.parent / "elsewhere"
        folder.mkdir()
        self.path = Path(shutil.move(self.path, folder / f"other{self.path.suffix}"))

    def damage(self) -> str:
        lines = self.path.read_text().splitlines()
        number, text = self._spoil
        lines[number - 1] = text
        self._write(lines)
        return f"{self.path.name}:{number}"

    def garble(self) -> None:
        self.path.write_text("<html><body>Not found</body></html>\n")

    def remove(self) -> None:
        self.path.unlink()


def read(source: str, path: Path, asked: Asked | None = None, **settings: str) -> list[Imported]:
    """Everything that a source brings from one input."""
    return list(open_source(source, [str(path)], asked or Asked(settings=settings)).read())


def notes_of(portions: Sequence[Imported]) -> str:
    """What the reader is told, as one text."""
    return "\n".join(note for portion in portions for note in portion.notes)
