"""Writes a new source: its file, its test, its page and its row in the catalog.

    python scripts/new_source.py acme

What it writes reads a CSV of runs (start, seconds, joules) and passes the conformance suite. Change what a
row means, then the world that the test builds, then the page.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scaffold import checked, regenerate_docs, rewrite, with_line, write_new

ROOT = Path(__file__).resolve().parent.parent
CATALOG = "src/wattmark/sources/catalog.py"
INDEX = "docs/importers/index.md"

CODE = '''"""{title}: say which tool and file, and in which version its format was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from wattmark.core.errors import EvidenceError
from wattmark.core.imported import Imported
from wattmark.core.known import GRADE_OF_METHOD, Boundary, Method
from wattmark.core.run import EnergyRow, Host, Run, SourceId, Status
from wattmark.core.sound import first_fault
from wattmark.ports import Source
from wattmark.sources.catalog import Asked, Inputs
from wattmark.sources.identity import host_of, import_id
from wattmark.sources.lines import files_of, number_of, table_of
from wattmark.sources.moments import moment_us, written, zone_of
from wattmark.sources.portions import ROWS, Portion
from wattmark.sources.stated import errors_of, place_of, subject_of

NAME = "{name}"
OPTIONS: Mapping[str, str] = {{
    "time_zone": "Zone of times that name none, e.g. Europe/Paris [UTC].",
}}
COLUMNS = ["start", "seconds", "joules"]
METHOD = Method.DECLARED
"""How the tool knows its energies: a model is no counter."""


def open_source(inputs: Inputs, asked: Asked) -> Source:
    """A source on these files, or on folders of them."""
    return {kind}(tuple(files_of(inputs, "*.csv")), asked)


class {kind}:
    """Reads a run per row."""

    def __init__(self, files: tuple[Path, ...], asked: Asked) -> None:
        self._files = files
        self._asked = asked
        self._zone = zone_of(asked.settings.get("time_zone"))

    def read(self) -> Iterator[Imported]:
        """The rows of all files, portion by portion."""
        portion = Portion()
        for path in self._files:
            header: list[str] | None = None
            for line, cells in table_of(path):
                if header is None:
                    header = _header(path, cells)
                    continue
                try:
                    portion.runs.append(self._run(cells))
                except ValueError as error:
                    portion.refuse(f"{{path}}:{{line}}", str(error))
                else:
                    portion.taken += 1
                if portion.rows >= ROWS:
                    yield portion.brought()
                    portion = Portion()
        yield portion.brought()

    def _run(self, cells: list[str]) -> Run:
        """The run of a row. Raises ValueError for one that cannot be."""
        if len(cells) != len(COLUMNS):
            raise ValueError(f"has {{len(cells)}} cells where the header names {{len(COLUMNS)}}")
        start_us, seconds, joules = moment_us(cells[0], self._zone), number_of(cells[1]), number_of(cells[2])
        if start_us is None or seconds is None or joules is None:
            raise ValueError("needs a time, seconds and joules")
        record_id = import_id(NAME, "", written(start_us))
        host = host_of(self._asked.host or f"{{NAME}} {{record_id}}")
        run = Run(
            record_id=record_id,
            status=Status.CLOSED,
            started_at=written(start_us),
            duration_seconds=seconds,
            host=Host(id=host, fingerprint=host),
            subject=subject_of(self._asked),
            energies=(_energy(host, seconds, joules),),
            place=place_of(self._asked),
        )
        if (fault := first_fault(run)) is not None:
            raise ValueError(f"{{fault[1]}} (at {{fault[0]}})")
        return run


def _header(path: Path, cells: list[str]) -> list[str]:
    if cells != COLUMNS:
        raise EvidenceError(str(path), f"is no file of {name}: its first line is not {{', '.join(COLUMNS)}}")
    return cells


def _energy(host: str, seconds: float, joules: float) -> EnergyRow:
    return EnergyRow(
        device_id=f"cpu:{{host}}/{{NAME}}",
        component="cpu",
        t0_seconds=0.0,
        duration_seconds=seconds,
        energy_joules=joules,
        observed_seconds=seconds,
        method=METHOD,
        boundary=Boundary.DEVICE,
        grade=GRADE_OF_METHOD[METHOD],
        errors=errors_of(METHOD, f"{{NAME}}:{{host}}"),
        source=SourceId(name=NAME),
    )
'''

TEST = '''"""{title}: a file stands in for what the tool writes; take a real one as soon as you can."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from wattmark.ports import Source
from wattmark.sources.catalog import Asked, open_source
from wattmark.testing.source_suite import SourceSuite, SourceWorld

ROWS = [f"2026-11-0{{n}}T08:00:00Z,{{n}}0,{{n}}00" for n in (1, 2, 3, 4)]


class {kind}World:
    """Three runs, and a fourth when it grows."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "{name}.csv"
        self._folder = folder
        self._write(ROWS[:3])

    def _write(self, rows: list[str]) -> None:
        self.path.write_text("\\n".join(["start,seconds,joules", *rows]) + "\\n")
        self.rows = len(rows)

    @property
    def named(self) -> str:
        return self.path.name

    def open(self) -> Source:
        return open_source("{name}", [str(self.path)], Asked())

    def grow(self) -> None:
        self._write(ROWS)

    def move(self) -> None:
        (self._folder / "elsewhere").mkdir()
        self.path = Path(shutil.move(self.path, self._folder / "elsewhere" / "moved.csv"))

    def damage(self) -> str:
        self._write([ROWS[0], ROWS[1].replace("200", "much"), ROWS[2]])
        return f"{{self.path.name}}:3"

    def garble(self) -> None:
        self.path.write_text("<html></html>\\n")

    def remove(self) -> None:
        self.path.unlink()


class Test{kind}(SourceSuite):
    """The rules that every source keeps."""

    @pytest.fixture
    def world(self, tmp_path: Path) -> SourceWorld:
        return {kind}World(tmp_path)


def test_a_row_is_a_run(tmp_path: Path) -> None:
    """100 J in 10 s."""
    (portion,) = {kind}World(tmp_path).open().read()
    assert portion.runs[0].duration_seconds == 10.0
    assert portion.runs[0].energies[0].energy_joules == 100.0
'''

PAGE = """# {title}

`wattmark import {name} {name}.csv`: what it reads, in one sentence.

| | |
| --- | --- |
| records | a run per row |
| energy | which parts, from what |
| grade | E |
| boundary | device |

## Settings

- `-o time_zone=Europe/Paris`: times that name no zone are UTC unless it is named.

## Limits

What the file does not say, what overlaps with other sources, and what was never tried.

## Source

The tool and its documentation, with the version that was read.
"""


def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Write the four parts."""
    parser = argparse.ArgumentParser(description="Write a new source with its test, its page and its row.")
    parser.add_argument("name", help="name of the source, e.g. acme")
    parser.add_argument("--root", type=Path, default=root, help="root of the source tree")
    given = parser.parse_args(argv)
    name = checked(given.name)
    words = {
        "name": name,
        "kind": name.title().replace("_", ""),
        "title": name.replace("_", " ").capitalize(),
    }
    files = {
        f"src/wattmark/sources/{name}.py": CODE,
        f"tests/sources/test_{name}.py": TEST,
        f"docs/importers/{name}.md": PAGE,
    }
    row = f'    "{name}": SourceRow("wattmark.sources.{name}", "", "{words["title"]}"),\n'
    line = f"| [{name}]({name}.md) | {words['title']} |\n"
    catalog = with_line((given.root / CATALOG).read_text("utf-8"), CATALOG, row, "}\n", "SOURCES: Mapping")
    index = with_line((given.root / INDEX).read_text("utf-8"), INDEX, line, "\n", "| --- | --- |\n")
    write_new(given.root, {path: text.format(**words) for path, text in files.items()})
    rewrite(given.root, CATALOG, catalog)
    rewrite(given.root, INDEX, index)
    regenerate_docs(given.root)
    sys.stdout.write(
        "next: what a row means, the world of the test, the page\n"
        f"then: ruff check, mypy, lint-imports, pytest tests/sources/test_{name}.py\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
