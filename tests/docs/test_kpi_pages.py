"""Every KPI has its page, and the page says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripts.generate_docs import ROOT, outdated

from wattmark.core.kpis import CATALOG

KPIS = ROOT / "docs" / "kpis"
SECTIONS = ("What it needs", "When there is no figure", "Interval", "Limitation", "Source")
LINK = re.compile(r"\]\(([^)#:]+\.md)\)")


def page_of(kpi_id: str) -> str:
    """The page of a KPI."""
    return (KPIS / f"{kpi_id}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kpi_id", CATALOG)
def test_a_kpi_has_a_page_with_its_title_and_unit(kpi_id: str) -> None:
    """The heading is the catalog's title, and the unit stands in the table of facts."""
    page, kpi = page_of(kpi_id), CATALOG[kpi_id]
    assert page.startswith(f"# {kpi.title}\n")
    assert f"| unit | {kpi.unit} |" in page


@pytest.mark.parametrize("kpi_id", CATALOG)
@pytest.mark.parametrize("section", SECTIONS)
def test_a_page_says_what_a_reader_must_know(kpi_id: str, section: str) -> None:
    """Each section is there and holds at least a sentence."""
    _, found, rest = page_of(kpi_id).partition(f"\n## {section}\n")
    assert found
    assert len(rest.split("\n## ")[0].strip()) > 4


def test_no_page_is_left_of_a_kpi_that_is_gone() -> None:
    """Pages and catalog are the same list."""
    assert {p.stem for p in KPIS.glob("*.md")} - {"index"} == set(CATALOG)


def test_every_generated_block_is_up_to_date() -> None:
    """`python scripts/generate_docs.py` mends it."""
    assert [str(path.relative_to(ROOT)) for path in outdated(ROOT)] == []


@pytest.mark.parametrize("page", sorted(KPIS.glob("*.md")), ids=lambda p: p.stem)
def test_links_to_other_pages_lead_somewhere(page: Path) -> None:
    """A renamed page breaks this and not a reader's evening."""
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).is_file()] == []
