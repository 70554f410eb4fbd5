"""The scaffold of a KPI, run on a copy of the tree: what it writes works as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = "energy_per_epoch"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The parts of the source tree that a KPI touches."""
    for part in ("src/wattmark", "tests/core/kpis", "docs", "scripts"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    for package in ("tests", "tests/core", "tests/docs"):
        (tmp_path / package).mkdir(exist_ok=True)
        (tmp_path / package / "__init__.py").touch()
    shutil.copy(ROOT / "tests/docs/test_kpi_pages.py", tmp_path / "tests/docs")
    return tmp_path


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the copy, with the copy's package in front of the installed one."""
    environment = {**os.environ, "PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}"}
    return subprocess.run(
        [sys.executable, *command], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )


def scaffold(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the copy's scaffold on the copy."""
    return run(tree, "scripts/new_kpi.py", *arguments)


def test_a_new_kpi_passes_its_own_test_the_catalogs_and_the_docs(tree: Path) -> None:
    """File, test, page, row and tables are all there and agree."""
    made = scaffold(tree, NAME, "--title", "Energy per Epoch")
    assert made.returncode == 0, made.stderr
    assert "next: the formula" in made.stdout
    tests = run(
        tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/core/kpis/test_catalog.py",
        f"tests/core/kpis/test_{NAME}.py", "tests/docs",
    )  # fmt: skip
    assert tests.returncode == 0, tests.stdout[-2000:]
    page = (tree / f"docs/kpis/{NAME}.md").read_text()
    assert page.startswith("# Energy per Epoch\n")
    assert f"| id | `{NAME}` |" in page
    assert f"[Energy per Epoch]({NAME}.md)" in (tree / "docs/kpis/index.md").read_text()


def test_what_it_writes_is_clean(tree: Path) -> None:
    """The linter has nothing to say, and the row is sorted in."""
    shutil.copy(ROOT / "pyproject.toml", tree)
    assert scaffold(tree, NAME).returncode == 0
    files = ["src/wattmark/core/kpis", f"tests/core/kpis/test_{NAME}.py"]
    checked = run(tree, "-m", "ruff", "check", "--no-cache", *files)
    assert checked.returncode == 0, checked.stdout
    formatted = run(tree, "-m", "ruff", "format", "--check", "--no-cache", *files)
    assert formatted.returncode == 0, formatted.stdout


def test_a_kpi_that_is_there_already_is_left_alone(tree: Path) -> None:
    """Nothing is overwritten, and the message names what is in the way."""
    before = (tree / "src/wattmark/core/kpis/pue.py").read_text()
    answer = scaffold(tree, "pue")
    assert answer.returncode == 1
    assert "already there: src/wattmark/core/kpis/pue.py" in answer.stderr
    assert (tree / "src/wattmark/core/kpis/pue.py").read_text() == before


@pytest.mark.parametrize("name", ["Energy", "energy-per-epoch", "1st", "energy__per", "../evil"])
def test_a_name_that_no_module_can_have_is_refused(tree: Path, name: str) -> None:
    """With an example of one that can."""
    answer = scaffold(tree, name)
    assert answer.returncode == 1
    assert "write it like energy_per_epoch" in answer.stderr


def test_a_catalog_without_a_place_for_the_row_is_said(tree: Path) -> None:
    """The scaffold never guesses where a row belongs."""
    (tree / "src/wattmark/core/kpis/__init__.py").write_text('"""Empty."""\n')
    answer = scaffold(tree, NAME)
    assert answer.returncode == 1
    assert "nothing was written" in answer.stderr
    assert not (tree / f"src/wattmark/core/kpis/{NAME}.py").exists()
