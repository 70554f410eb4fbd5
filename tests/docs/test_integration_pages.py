"""Every meter has its page, and the page says what a user must know."""

from __future__ import annotations

import pytest
from scripts.generate_docs import ROOT

from wattmark.meters.catalog import METERS

PAGES = ROOT / "docs" / "integrations"


@pytest.mark.parametrize("name", METERS)
@pytest.mark.parametrize("section", ["Limits", "Source"])
def test_a_meter_has_a_page(name: str, section: str) -> None:
    """With its limits and its sources."""
    assert f"\n## {section}\n" in (PAGES / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [n for n, row in METERS.items() if n != "redfish"])
def test_a_page_names_the_permission(name: str) -> None:
    """What to do when it is not allowed (Redfish: an address and an account, under Safety)."""
    assert "\n## Permission\n" in (PAGES / f"{name}.md").read_text(encoding="utf-8")


def test_the_command_in_the_message_is_the_one_on_the_page() -> None:
    """A user finds the same command in both places."""
    from wattmark.meters import rapl, rapl_perf

    assert rapl.ALLOW in (PAGES / "rapl.md").read_text(encoding="utf-8")
    assert rapl_perf.ALLOW.partition(" (")[0] in (PAGES / "rapl_perf.md").read_text(encoding="utf-8")
