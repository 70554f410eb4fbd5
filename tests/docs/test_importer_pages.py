"""Every source has its page, and the page says what a user must know."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattmark.sources.catalog import SOURCES, source_module

PAGES = Path(__file__).resolve().parents[2] / "docs" / "importers"


def page_of(name: str) -> str:
    """The page under the source's name, or the page that the index links from it."""
    index = (PAGES / "index.md").read_text(encoding="utf-8")
    target = index.partition(f"[{name}](")[2].partition(")")[0]
    assert target, f"docs/importers/index.md has no row for {name}"
    return (PAGES / target).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("section", ["Limits", "Source"])
def test_a_source_has_a_page(name: str, section: str) -> None:
    """With its limits, and where its format is documented."""
    assert f"\n## {section}\n" in page_of(name)


@pytest.mark.parametrize("name", SOURCES)
def test_a_page_shows_the_command(name: str) -> None:
    """As it is typed."""
    assert f"wattmark import {name}" in page_of(name)


@pytest.mark.parametrize("name", SOURCES)
def test_a_page_explains_every_option(name: str) -> None:
    """Each setting stands on the page; a key ``tag.*`` is there as a table or with a point."""
    page = page_of(name)
    for key in source_module(name).OPTIONS:
        head, dot, _ = key.partition(".")
        assert head in page if dot else key in page, key
