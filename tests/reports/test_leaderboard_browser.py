"""The leaderboard in a real browser: sorting, filtering, keyboard, phone, print, contrast."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.reports.board_results import INVALID, a_key, a_published, a_rating, a_result, unrated
from tests.reports.browser import Page, browser, needs_chromium
from wattmark.core.bench.board import board_of
from wattmark.core.bench.result import Latency, QualityScore
from wattmark.reports.leaderboard_html import Site, leaderboard_html

pytestmark = [pytest.mark.slow, needs_chromium]

TEXT = "section[data-task=text_generation]"
HOSTILE = "<script>document.title='owned'</script>\"'"


def the_page() -> str:
    """Two tasks, four groups, a published row, an invalid one, and hostile names."""
    concurrent = a_key(batch_policy="concurrency 32")
    other_task = a_key(task="summarization")

    def scored(value: float) -> QualityScore:
        return QualityScore(name="rouge_l", value=value, low=value - 0.02, high=value + 0.02)

    rated = [
        a_result("lab/small", 18, 0.5, quality=scored(0.3), latency=Latency(mean=0.1, p50=0.05, p95=0.1)),
        a_result("lab/middle", 36, 1.0, quality=scored(0.5)),
        a_result("lab/large", 360, 9.0, quality=scored(0.7), latency=Latency(mean=1, p50=1.0, p95=2.0)),
        a_result("lab/close", 37, 1.0, quality=None),
        a_result("lab/batched", 4, 0.1, key=concurrent),
        a_result("lab/sums", 50, 1.0, key=other_task),
        a_result(HOSTILE, 90, 1.0, key=other_task),
        a_result("ש" * 400, 95, 1.0, key=other_task, hardware="y" * 300),
    ]
    none = [a_result("lab/tried", 20, 1.0, validity=INVALID), a_published("lab/told", 1.0)]
    pairs = [(r, a_rating(r)) for r in rated]
    pairs += [(r, unrated(r, "unrated: invalid: quick, and some words more about it")) for r in none]
    return leaderboard_html(board_of(pairs), Site(generated_at="2026-11-22T10:00:00Z", version="0.1.0"))


@pytest.fixture
def shown(tmp_path: Path) -> Iterator[Page]:
    """The page, open, 1400 pixels wide; at the end the console must be empty."""
    file = tmp_path / "index.html"
    file.write_text(the_page(), encoding="utf-8")
    with browser(tmp_path) as page:
        page.width(1400)
        page.open(file)
        yield page
        assert page.said == []
        assert page.js("document.title") != "owned"


def models(page: Page, group: int = 0) -> list[str]:
    """Visible models of a group, in their order."""
    found: list[str] = page.js(
        f"[...document.querySelectorAll('{TEXT} tbody')[{group}].rows].slice(1).filter(r => !r.hidden)"
        ".map(r => r.querySelector('bdi').textContent)"
    )
    return found


def press_head(page: Page, name: str) -> None:
    """Click the head of a column of the first table."""
    page.js(f"document.querySelector('{TEXT} th[data-name={name}] button').click()")


def choose(page: Page, name: str, value: str) -> None:
    """Set a filter as a person does."""
    page.js(
        f"(e => {{ e.value = {value!r}; e.dispatchEvent(new Event('input', {{bubbles: true}})); }})"
        f"(document.querySelector('form.filters').elements[{name!r}])"
    )


def status(page: Page) -> str:
    """What the page says of its filters."""
    return str(page.js("document.querySelector('.status').textContent"))


def test_heads_sort_within_groups_and_say_so(shown: Page) -> None:
    """By quality: least first, then most first; what is not known stands last both times; ranks stay."""
    assert models(shown) == ["lab/small", "lab/middle", "lab/close", "lab/large", "lab/tried"]
    press_head(shown, "quality")
    assert models(shown) == ["lab/small", "lab/tried", "lab/middle", "lab/large", "lab/close"]
    assert (
        shown.js("document.querySelector('th[data-name=quality]').getAttribute('aria-sort')") == "ascending"
    )
    press_head(shown, "quality")
    assert models(shown) == ["lab/large", "lab/middle", "lab/tried", "lab/small", "lab/close"]
    assert (
        shown.js("document.querySelector('th[data-name=quality]').getAttribute('aria-sort')") == "descending"
    )
    assert shown.js("document.querySelectorAll('section.task:first-child th[aria-sort]').length") == 1
    assert shown.js(f"document.querySelector('{TEXT} tbody').rows[1].cells[0].textContent") == "4"
    assert models(shown, 1) == ["lab/batched"]


def test_equal_ranks_are_written_as_ranges(shown: Page) -> None:
    """36±1 and 37±1 meet: 2-3 both."""
    ranks = shown.js(
        f"[...document.querySelector('{TEXT} tbody').rows].slice(1).map(r => r.cells[0].textContent)"
    )
    assert ranks == ["1", "2-3", "2-3", "4", "invalid"]


def test_the_keyboard_alone_sorts(shown: Page) -> None:
    """Tab reaches a head, Enter sorts by it, and focus stays there."""
    shown.js(f"document.querySelector('{TEXT} .board').focus()")
    for _ in range(2):
        shown.press("Tab")
    assert shown.js("document.activeElement.closest('th').dataset.name") == "model"
    shown.press("Enter")
    assert models(shown) == ["lab/close", "lab/large", "lab/middle", "lab/small", "lab/tried"]
    assert shown.js("document.activeElement.closest('th').getAttribute('aria-sort')") == "ascending"


def test_filters_hide_count_and_write_the_address(shown: Page) -> None:
    """By task, validity, grade, origin, text; what is hidden is counted by its reason."""
    choose(shown, "task", "text_generation")
    assert status(shown).startswith("7 of 10 results shown; 3 hidden: 3 by task.")
    choose(shown, "validity", "invalid")
    assert models(shown) == ["lab/tried"]
    assert "1 of 10 results shown" in status(shown)
    assert shown.js("location.hash") == "#task=text_generation&validity=invalid"
    choose(shown, "validity", "")
    choose(shown, "q", "LAB/l")
    assert models(shown) == ["lab/large"]
    assert "6 by search" in status(shown)
    choose(shown, "q", "concurrency 32 small")
    assert "0 of 10" in status(shown)
    choose(shown, "q", "concurrency 32 in<=512")  # words of the group's key count too
    assert models(shown, 1) == ["lab/batched"]
    choose(shown, "q", "")
    choose(shown, "grade", "E")
    assert "1 of 10" in status(shown)
    assert shown.js("[...document.querySelectorAll('section.task')].filter(s => !s.hidden).length") == 1
    choose(shown, "grade", "")
    choose(shown, "origin", "ml.energy (published)")
    assert "1 of 10" in status(shown)
    shown.js("document.querySelector('form.filters').reset()")
    shown.js("new Promise(done => setTimeout(done, 50))")
    assert status(shown) == "All 10 results shown."
    assert shown.js("location.hash") == ""


def test_an_address_opens_the_view_that_was_sent(shown: Page, tmp_path: Path) -> None:
    """Filters and sorting come out of it; what it names that is not there is passed over."""
    address = "#task=text_generation&hardware=1+x+NVIDIA+H100+80GB+HBM3&sort=energy&dir=desc&nonsense=1"
    shown.open(tmp_path / "index.html", address)
    assert "7 of 10" in status(shown)
    assert models(shown)[0] == "lab/large"
    shown.js("location.hash = '#sort=nothing&task=nothing'")
    shown.js("new Promise(done => setTimeout(done, 50))")
    assert status(shown) == "All 10 results shown."


def pick(page: Page, *names: str) -> str:
    """Tick rows by their model, and read what the page says of them."""
    for name in names:
        page.js(
            "[...document.querySelectorAll('tbody th[scope=row]')]"
            f".find(th => th.querySelector('bdi').textContent === {name!r}).querySelector('.pick').click()"
        )
    return str(page.js("document.querySelector('.picked').textContent"))


def test_two_rows_of_different_keys_are_refused_with_the_fields(shown: Page) -> None:
    """Batch policy differs; of two tasks the task too."""
    assert "Pick another row" in pick(shown, "lab/small")
    said = pick(shown, "lab/batched")
    assert "may not be compared. What differs:batch policybatch 1 against concurrency 32" in said
    said = pick(shown, "lab/sums")
    assert "tasktext_generation against summarization" in said
    assert shown.js("document.querySelectorAll('.pick:checked').length") == 2


def test_two_rows_of_one_key_are_compared(shown: Page) -> None:
    """18 against 360 J: 20 times; 36 and 37 J meet, so nobody is better; an invalid one is not ranked."""
    assert "20.0 times the energy" in pick(shown, "lab/large", "lab/small")
    shown.js("document.querySelector('.picked button').click()")
    assert "intervals meet, so which is better is not known" in pick(shown, "lab/middle", "lab/close")
    shown.js("document.querySelector('.picked button').click()")
    assert "lab/tried: invalid." in pick(shown, "lab/tried", "lab/small")
    shown.js("document.querySelector('.picked button').click()")
    assert shown.js("document.querySelector('.picked').hidden") is True


@pytest.mark.parametrize("pixels", [390, 820, 1400])
def test_nothing_is_wider_than_the_screen(shown: Page, pixels: int) -> None:
    """Wide tables scroll in themselves; on a phone rows become cards that name their columns."""
    shown.width(pixels)
    assert shown.js("document.documentElement.scrollWidth") <= pixels
    if pixels < 760:
        label = (
            "getComputedStyle(document.querySelectorAll('tbody tr:nth-child(2) td')[2], '::before').content"
        )
        assert shown.js(label) == '"Stars"'
        inside = "[...document.querySelectorAll('.board')].every(b => b.scrollWidth <= b.clientWidth + 1)"
        assert shown.js(inside)


CONTRAST = """
(() => {
  const part = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const parse = (text) => {
    const m = text.match(/[\\d.]+/g).map(Number);
    return [m[0], m[1], m[2], m[3] ?? 1];
  };
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const behind = (node) => {
    for (let n = node; n; n = n.parentElement) {
      const colour = parse(getComputedStyle(n).backgroundColor);
      if (colour[3] === 1) return colour;
    }
    return [255, 255, 255, 1];
  };
  const worst = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || node.closest('script, style, svg, [hidden], .skip')) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) worst.push([walk.currentNode.data.trim().slice(0, 40), Math.round(ratio * 100) / 100]);
  }
  return worst;
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_word_has_contrast_enough(shown: Page, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1, computed for every text of the page, in both schemes."""
    shown.colours(scheme)
    pick(shown, "lab/small", "lab/batched")
    assert shown.js(CONTRAST) == []


def test_everything_has_a_role_and_a_name(shown: Page) -> None:
    """As a screen reader is told: no control, picture, table or region without a name."""
    seen = shown.accessible(
        {
            "table",
            "columnheader",
            "rowheader",
            "search",
            "button",
            "checkbox",
            "navigation",
            "status",
            "image",
        }
    )
    named = {
        "button",
        "checkbox",
        "combobox",
        "searchbox",
        "textbox",
        "link",
        "table",
        "img",
        "image",
        "region",
    }
    nameless = [
        n["role"]["value"] for n in seen if n["role"]["value"] in named and not n.get("name", {}).get("value")
    ]
    assert nameless == []
    assert shown.js("new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size") == shown.js(
        "document.querySelectorAll('[id]').length"
    )
    assert shown.js("document.documentElement.lang") == "en"
    levels = shown.js("[...document.querySelectorAll('h1,h2,h3')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_it_prints(shown: Page) -> None:
    """A PDF; controls are not on paper."""
    assert shown.pdf().startswith(b"%PDF")
    shown.call("Emulation.setEmulatedMedia", media="print")
    assert shown.js("getComputedStyle(document.querySelector('form.filters')).display") == "none"
    assert shown.js("getComputedStyle(document.querySelector('.pick')).display") == "none"


def test_without_javascript_the_tables_stand_whole(tmp_path: Path) -> None:
    """Every row is there, no control that would do nothing."""
    file = tmp_path / "index.html"
    file.write_text(the_page(), encoding="utf-8")
    with browser(tmp_path) as page:
        page.call("Emulation.setScriptExecutionDisabled", value=True)
        page.width(1400)
        page.open(file)
        root = page.call("DOM.getDocument")["root"]["nodeId"]

        def count(selector: str) -> int:
            return len(page.call("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"])

        assert count("tbody tr:not(.head):not([hidden])") == 10
        assert count("thead button, .pick") == 0
        assert count("form.filters[hidden]") == 1
