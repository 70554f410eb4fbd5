"""The pages of calibrate and dataset, of the notebook and of datasets say what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from wattmark.cli import calibrate, dataset

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("name", "command"), [("calibrate", calibrate.command), ("dataset", dataset.command)]
)
def test_every_option_is_on_the_page_and_no_other(name: str, command: click.Command) -> None:
    """The option table and the command are the same list."""
    page = (DOCS / "commands" / f"{name}.md").read_text(encoding="utf-8")
    options = {o for p in command.params for o in p.opts if o.startswith("--")}
    assert options <= set(re.findall(r"--[a-z-]+", page))
    table = "".join(line for line in page.splitlines() if line.startswith("| `-"))
    assert set(re.findall(r"--[a-z-]+", table)) <= options


def test_every_option_of_the_magic_is_on_its_page() -> None:
    """Also those of the notebook."""
    pytest.importorskip("IPython")
    from wattmark.integrations.notebook import _parser

    page = (DOCS / "integrations" / "notebook.md").read_text(encoding="utf-8")
    options = {o for action in _parser()._actions for o in action.option_strings}
    assert options == set(re.findall(r"--[a-z]+", page))


PAGES = (
    "commands/calibrate",
    "commands/dataset",
    "methodology/calibration",
    "datasets",
    "integrations/notebook",
    "integrations/pytorch_flops",
)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """Within the documentation."""
    path = DOCS / f"{page}.md"
    for link in re.findall(r"\]\(([^)#:]+\.md)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).resolve().is_file(), link
