"""The scaffold of a source, run on a copy of the tree: what it writes passes the conformance suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripts.tree import copied, linted, pytest_in, run

NAME = "acme_log"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The parts of the source tree that a source touches."""
    return copied(tmp_path, ["tests/docs/test_importer_pages.py", "tests/sources/__init__.py"])


def test_a_new_source_passes_the_suite_and_has_its_page(tree: Path) -> None:
    """File, test, page and rows are all there, and the linter is quiet."""
    made = run(tree, "scripts/new_source.py", NAME)
    assert made.returncode == 0, made.stderr
    assert "next: what a row means" in made.stdout
    tests = pytest_in(tree, "tests/sources", "tests/docs")
    assert tests.returncode == 0, tests.stdout[-2000:]
    assert (tree / f"docs/importers/{NAME}.md").read_text().startswith("# Acme log\n")
    assert f"[{NAME}]({NAME}.md)" in (tree / "docs/importers/index.md").read_text()
    files = [
        f"src/wattmark/sources/{NAME}.py",
        "src/wattmark/sources/catalog.py",
        f"tests/sources/test_{NAME}.py",
    ]
    assert linted(tree, *files) == ""


def test_a_new_source_is_found_by_its_name(tree: Path) -> None:
    """By the command, as every other."""
    assert run(tree, "scripts/new_source.py", NAME).returncode == 0
    assert NAME in run(tree, "-m", "wattmark", "import", "--list").stdout


def test_a_source_that_is_there_already_is_left_alone(tree: Path) -> None:
    """Neither the source nor the catalog changes."""
    before = (tree / "src/wattmark/sources/catalog.py").read_text()
    answer = run(tree, "scripts/new_source.py", "codecarbon")
    assert answer.returncode == 1
    assert "already there: src/wattmark/sources/codecarbon.py" in answer.stderr
    assert (tree / "src/wattmark/sources/catalog.py").read_text() == before
