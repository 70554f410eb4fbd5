"""The scaffold of a KPI, run on a copy of the tree: what it writes works as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripts.tree import copied, linted, pytest_in, run

NAME = "energy_per_epoch"
KPIS = "src/wattmark/core/kpis"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The parts of the source tree that a KPI touches."""
    return copied(tmp_path, ["tests/core/kpis", "tests/docs/test_kpi_pages.py"])


def test_a_new_kpi_passes_its_own_test_the_catalogs_and_the_docs(tree: Path) -> None:
    """File, test, page, row and tables are all there and agree, and the linter is quiet."""
    made = run(tree, "scripts/new_kpi.py", NAME, "--title", "Energy per Epoch")
    assert made.returncode == 0, made.stderr
    assert "next: the formula" in made.stdout
    own, catalog = f"tests/core/kpis/test_{NAME}.py", "tests/core/kpis/test_catalog.py"
    tests = pytest_in(tree, own, catalog, "tests/docs")
    assert tests.returncode == 0, tests.stdout[-2000:]
    page = (tree / f"docs/kpis/{NAME}.md").read_text()
    assert page.startswith("# Energy per Epoch\n")
    assert f"| id | `{NAME}` |" in page
    assert f"[Energy per Epoch]({NAME}.md)" in (tree / "docs/kpis/index.md").read_text()
    assert linted(tree, KPIS, own) == ""


def test_a_kpi_that_is_there_already_is_left_alone(tree: Path) -> None:
    """Nothing is overwritten, and the message names what is in the way."""
    before = [(tree / KPIS / name).read_text() for name in ("pue.py", "__init__.py")]
    answer = run(tree, "scripts/new_kpi.py", "pue")
    assert answer.returncode == 1
    assert f"already there: {KPIS}/pue.py" in answer.stderr
    assert [(tree / KPIS / name).read_text() for name in ("pue.py", "__init__.py")] == before


@pytest.mark.parametrize("name", ["Energy", "energy-per-epoch", "1st", "energy__per", "../evil"])
def test_a_name_that_no_module_can_have_is_refused(tree: Path, name: str) -> None:
    """With an example of one that can."""
    answer = run(tree, "scripts/new_kpi.py", name)
    assert answer.returncode == 1
    assert "write it like energy_per_epoch" in answer.stderr


def test_a_catalog_without_a_place_for_the_row_is_said(tree: Path) -> None:
    """The scaffold never guesses where a row belongs, and leaves no half of its work."""
    (tree / KPIS / "__init__.py").write_text('"""Empty."""\n')
    answer = run(tree, "scripts/new_kpi.py", NAME)
    assert answer.returncode == 1
    assert "nothing was written" in answer.stderr
    assert not (tree / KPIS / f"{NAME}.py").exists()
