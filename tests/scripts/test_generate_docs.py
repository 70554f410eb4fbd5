"""The generated parts of pages: written, checked, and refused where their markers are gone."""

from __future__ import annotations

from pathlib import Path

import pytest
from scripts.generate_docs import Block, blocks, main, outdated, table, with_block

PAGE = "before\n<!-- generated:x -->\nold\n<!-- end -->\nafter\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Every page of the real blocks, with the markers and nothing between them."""
    for block in blocks():
        page = tmp_path / "docs" / block.page
        page.parent.mkdir(parents=True, exist_ok=True)
        kept = page.read_text() if page.exists() else ""
        page.write_text(f"{kept}<!-- generated:{block.name} -->\n<!-- end -->\n")
    return tmp_path


def test_only_what_lies_between_the_markers_changes() -> None:
    """Hand-written words on both sides stay."""
    assert with_block(PAGE, "x", "new") == PAGE.replace("old", "new")


@pytest.mark.parametrize("page", ["no markers", "<!-- generated:x --> and no end", "<!-- end --> first"])
def test_a_page_without_its_markers_is_refused(page: str) -> None:
    """Nothing is written to a place that nobody marked."""
    with pytest.raises(ValueError, match="generated:x"):
        with_block(page, "x", "new")


def test_the_refusal_names_the_page(tmp_path: Path) -> None:
    """So that it can be mended."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("nothing")
    with pytest.raises(SystemExit, match=r"a\.md"):
        outdated(tmp_path, [Block("a.md", "x", lambda: "new")])


def test_a_bar_inside_a_cell_does_not_end_the_cell() -> None:
    """A formula may hold one."""
    assert table(["a"], [["x|y"]]).splitlines()[-1] == "| x\\|y |"


def test_checking_names_what_is_out_of_date_and_changes_nothing(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, and the page as it was."""
    before = (tree / "docs/kpis/index.md").read_text()
    assert main(["--check"], tree) == 1
    assert "out of date: docs/kpis/index.md" in capsys.readouterr().out
    assert (tree / "docs/kpis/index.md").read_text() == before


def test_writing_makes_the_next_check_pass(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once written, nothing is out of date."""
    assert main([], tree) == 0
    assert "written: docs/kpis/index.md" in capsys.readouterr().out
    assert main(["--check"], tree) == 0
    assert capsys.readouterr().out == ""
