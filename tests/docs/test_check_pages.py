"""Every common mistake has its page, and the page says what the code says."""

from __future__ import annotations

import pytest
from scripts.generate_docs import ROOT

from wattmark.core.checks import CHECKS

PAGES = ROOT / "docs" / "checks"


@pytest.mark.parametrize("code", CHECKS)
def test_a_check_has_a_page_with_its_title(code: str) -> None:
    """Why it matters, how it is found, how to mend it, and a source."""
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {code}: {CHECKS[code].title}\n")
    for section in ("Why it matters", "How it is found", "How to mend it", "Source"):
        _, found, rest = page.partition(f"\n## {section}\n")
        assert found, section
        assert len(rest.split("\n## ")[0].strip()) > 20, section


def test_no_page_is_left_of_a_check_that_is_gone() -> None:
    """Pages and checks are the same list."""
    assert {p.stem for p in PAGES.glob("*.md")} - {"index"} == set(CHECKS)
