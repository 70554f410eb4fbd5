"""The scaffold of a meter, run on a copy of the tree: what it writes passes the conformance suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scripts.tree import copied, linted, pytest_in, run

NAME = "ups_snmp"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The parts of the source tree that a meter touches."""
    return copied(tmp_path, ["tests/meters/test_catalog.py", "tests/docs/test_integration_pages.py"])


def test_a_new_meter_passes_the_suite_and_is_found_by_its_name(tree: Path) -> None:
    """File, test, page and rows are all there, and the linter is quiet."""
    made = run(tree, "scripts/new_meter.py", NAME)
    assert made.returncode == 0, made.stderr
    assert "next: what is read" in made.stdout
    tests = pytest_in(tree, "tests/meters", "tests/docs")
    assert tests.returncode == 0, tests.stdout[-2000:]
    assert (tree / f"docs/integrations/{NAME}.md").read_text().startswith("# Ups snmp\n")
    assert f"[{NAME}]({NAME}.md)" in (tree / "docs/integrations/index.md").read_text()
    assert f'"wattmark.meters.{NAME}"' in (tree / "pyproject.toml").read_text()
    files = [
        f"src/wattmark/meters/{NAME}.py",
        "src/wattmark/meters/catalog.py",
        f"tests/meters/test_{NAME}.py",
    ]
    assert linted(tree, *files) == ""


def test_the_model_stays_the_last_resort(tree: Path) -> None:
    """A new meter measures, so it is tried before anything is estimated."""
    assert run(tree, "scripts/new_meter.py", NAME).returncode == 0
    code = "from wattmark.meters.catalog import METERS; print(list(METERS)[-2:])"
    assert run(tree, "-c", code).stdout.strip() == f"['{NAME}', 'model']"


def test_a_meter_that_is_there_already_is_left_alone(tree: Path) -> None:
    """Neither the meter nor the catalog changes."""
    before = (tree / "src/wattmark/meters/catalog.py").read_text()
    answer = run(tree, "scripts/new_meter.py", "rapl")
    assert answer.returncode == 1
    assert "already there: src/wattmark/meters/rapl.py" in answer.stderr
    assert (tree / "src/wattmark/meters/catalog.py").read_text() == before
