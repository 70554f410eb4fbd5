"""Bundled tables are opened whole or not at all."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from wattmark import tables
from wattmark.core.errors import ConfigError

TEXT = "# a remark\nid,watts\na,10\nb,\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one table of two rows."""
    write(tmp_path, TEXT)
    return tmp_path


def write(folder: Path, text: str, sha: str | None = None) -> None:
    (folder / "t.csv").write_text(text)
    digest = sha or hashlib.sha256(text.encode()).hexdigest()
    (folder / "t.meta.toml").write_text(
        f'id = "t"\nversion = "3"\nsource = "s"\nlicence = "l"\nyear = 2026\nsha256 = "{digest}"\n'
    )


def test_rows_are_text_and_an_empty_cell_stays_empty(folder: Path) -> None:
    """What is not published is an empty string, never a zero."""
    assert tables.rows("t", folder) == [{"id": "a", "watts": "10"}, {"id": "b", "watts": ""}]


def test_a_table_says_what_it_is(folder: Path) -> None:
    """Id and version are what reports name."""
    assert tables.meta("t", folder).label == "t 3"


def test_an_altered_table_is_refused(folder: Path) -> None:
    """One changed figure is enough, and the message says what to do."""
    (folder / "t.csv").write_text(TEXT.replace("10", "11"))
    with pytest.raises(ConfigError, match="was altered"):
        tables.rows("t", folder)


def test_a_short_row_is_refused(folder: Path) -> None:
    """A missing cell would shift the meaning of the others."""
    write(folder, "id,watts\na\n")
    with pytest.raises(ConfigError, match="row 1"):
        tables.rows("t", folder)


def test_a_table_that_is_absent_is_named(folder: Path) -> None:
    """The message names the file."""
    with pytest.raises(ConfigError, match=r"other\.csv"):
        tables.rows("other", folder)


def test_a_description_must_be_complete(folder: Path) -> None:
    """A figure without a licence or source is not shipped."""
    (folder / "t.meta.toml").write_text('id = "t"\n')
    with pytest.raises(ConfigError, match="licence"):
        tables.meta("t", folder)


def shipped() -> list[str]:
    root = Path(str(tables.bundled()))
    return sorted(
        p.relative_to(root).as_posix().removesuffix(".meta.toml") for p in root.rglob("*.meta.toml")
    )


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_table_opens(name: str) -> None:
    """Each table inside the package hashes to what its description says and has rows."""
    assert tables.rows(name)
    assert tables.meta(name).source
