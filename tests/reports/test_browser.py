"""The page in a real browser."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.reports.sample import a_bare_report, a_report
from wattmark.reports.as_html import html_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium to load the page"),
]


def loaded(html: str, tmp_path: Path) -> tuple[str, str]:
    """(document after its script ran, what the browser said) of a page opened from a file."""
    assert CHROMIUM is not None
    page = tmp_path / "report.html"
    page.write_text(html, encoding="utf-8")
    flags = (
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--enable-logging=stderr", "--v=0",
        f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000", "--dump-dom",
    )  # fmt: skip
    done = subprocess.run(
        [CHROMIUM, *flags, page.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    return done.stdout, done.stderr


def test_the_charts_come_alive_and_nothing_goes_wrong(tmp_path: Path) -> None:
    """The script runs under its own security policy, draws a canvas with a legend, and reports no error."""
    document, said = loaded(html_report(a_report()), tmp_path)
    assert "<canvas" in document
    assert 'class="plot live"' in document
    assert "rest of node" in document
    console = [line for line in said.splitlines() if "CONSOLE" in line]
    assert console == []


def test_the_loaded_page_points_nowhere(tmp_path: Path) -> None:
    """After the script ran, no element loads anything from another place."""
    document, _ = loaded(html_report(a_report()), tmp_path)
    assert not re.search(r"<[a-z][^>]*\s(src|href|srcset|action)\s*=", document)


def test_a_page_without_figures_loads_too(tmp_path: Path) -> None:
    """No chart and no error."""
    document, said = loaded(html_report(a_bare_report()), tmp_path)
    assert "<canvas" not in document
    assert "CONSOLE" not in said
