"""The page of a portfolio in a real browser, wide and on a phone."""

from __future__ import annotations

import re
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.core.test_frozen import frozen, grams
from tests.reports.test_browser import CHROMIUM, loaded
from wattmark.core.figure import Figure, Missing
from wattmark.core.portfolio import TITLES, Asked, Inventory, Line, UsedFactor
from wattmark.core.targets import Calendar, Day, Target, progress
from wattmark.reports.portfolio_html import portfolio_html
from wattmark.reports.portfolio_markdown import portfolio_markdown
from wattmark.reports.portfolio_view import SPLIT_LINES, PortfolioView

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium to load the page")


def a_line(name: str, value: float | None) -> Line:
    """A line with an interval, or without a figure."""
    unit = "J" if name.startswith("energy") else "gCO2e"
    if value is None:
        return Line(id=name, figure=Missing("a factor", "state it with `[[grid]]`"))
    return Line(id=name, figure=Figure(value, unit, errors={"x": value / 10}, terms={"boundary": "node"}))


def a_view(hostile: str = "<b>team</b>") -> PortfolioView:
    """Two months, a target, a baseline, a missing line, and a team with a hostile name."""
    first = date(2026, 1, 1)
    lines = [a_line(n, None if n == "scope32" else 4e9) for n in TITLES if n != "scope2_location"]
    asked = Target(name="less", what="energy", period="2026", limit=1e12)
    days = {first + timedelta(days=i): Day(figure=Figure(1e8, "J")) for i in range(59)}
    at = Calendar(name="2026", first=first, after=date(2027, 1, 1), today=date(2026, 3, 1))
    columns = tuple(a_line(name, 1e9) for name in SPLIT_LINES)
    lacking = tuple(a_line(name, None if name == "scope31" else 1e9) for name in SPLIT_LINES)
    return PortfolioView(
        ledger="Ours & theirs",
        version=7,
        period="2026",
        first=first,
        after=date(2027, 1, 1),
        until=date(2026, 3, 1),
        inventory=Inventory(
            asked=Asked(),
            lines=(*lines, grams(90.0, 5.0)),
            factors=(UsedFactor(kind="intensity", value=30.0, source="table", zone="FRA", year=2025),),
            findings=("something `was` found",),
        ),
        baseline=frozen(grams(100.0)),
        splits={"team": ((hostile, columns), ("", lacking))},
        months=(("2026-01", columns), ("2026-02", lacking)),
        targets=(progress(asked, at, days, 1e12),),
        tables={"ember": "a" * 64},
        coverage=(("training without inference", "measure serving"),),
        reconciliation=(("month", "ours", "theirs"), ("2026-01", "1 kg", "2 kg")),
        problems=("a part that could not be made",),
        generated_at="2026-03-01T00:00:00Z",
        wattmark_version="0",
    )


def test_every_drawing_has_words() -> None:
    """Each is named, or hidden beside a table with the same numbers; names of teams stay text."""
    page = portfolio_html(a_view())
    for tag in re.findall(r"<svg[^>]*>", page):
        assert "aria-label=" in tag or 'aria-hidden="true"' in tag, tag
    assert "<b>team</b>" not in page
    assert "&lt;b&gt;team" in page
    assert "no figure" in page
    assert "<code>was</code>" in page
    assert "2 kg" in page
    assert "training without inference" in page


def test_the_page_stands_without_the_parts_that_may_lack() -> None:
    """No target, no month, no baseline, nothing found."""
    view = a_view()
    bare = PortfolioView(
        ledger="L",
        version=0,
        period="2026",
        first=view.first,
        after=view.after,
        until=view.after,
        inventory=Inventory(asked=Asked(where={"team": ("a",)}), lines=tuple(a_line(n, 1.0) for n in TITLES)),
    )
    assert "Every line has a figure" in portfolio_html(bare)
    assert "team = a" in portfolio_html(bare)
    assert portfolio_markdown(bare).startswith("### L, 2026")


def test_markdown_formats_nothing_that_was_not_ours() -> None:
    """Neither tags nor pipes."""
    text = portfolio_markdown(a_view("a|b<i>"))
    assert "a\\|b&lt;i&gt;" in text
    assert "a part that could not be made" in text


@needs_chromium
@pytest.mark.slow
def test_the_page_loads_without_a_word_from_the_browser(tmp_path: Path) -> None:
    """Nothing is blocked, nothing is fetched."""
    document, said = loaded(portfolio_html(a_view()), tmp_path)
    assert [line for line in said.splitlines() if "CONSOLE" in line] == []
    assert not re.search(r"<[a-z][^>]*\s(src|href|srcset|action)\s*=", document)
    assert 'class="targetbar"' in document


@needs_chromium
@pytest.mark.slow
def test_the_page_fits_a_phone(tmp_path: Path) -> None:
    """At 390 pixels nothing makes the page wider than the screen; wide tables scroll by themselves."""
    assert CHROMIUM is not None
    page = tmp_path / "p.html"
    probe = "<script>document.title = document.documentElement.scrollWidth + ' of ' + innerWidth</script>"
    html = portfolio_html(a_view()).replace("default-src 'none'", "script-src 'unsafe-inline'")
    page.write_text(html.replace("</body>", f"{probe}</body>"), encoding="utf-8")
    done = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=500,900"),
            *(f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    found = re.search(r"<title>(\d+) of (\d+)</title>", done.stdout)
    assert found is not None
    assert int(found[1]) <= int(found[2])


@needs_chromium
@pytest.mark.slow
def test_the_page_prints(tmp_path: Path) -> None:
    """To a PDF of a few pages."""
    assert CHROMIUM is not None
    page, pdf = tmp_path / "p.html", tmp_path / "p.pdf"
    page.write_text(portfolio_html(a_view()), encoding="utf-8")
    subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--print-to-pdf={pdf}"),
            *(f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()),
        ],
        capture_output=True,
        timeout=120,
        check=True,
    )
    assert pdf.read_bytes().startswith(b"%PDF")
