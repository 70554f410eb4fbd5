"""One paper, three forms: nothing in it can format, link, notify or run."""

from __future__ import annotations

from markupsafe import Markup

from wattmark.reports.paper import Drawing, Marked, Paper, Section, paper_html, paper_markdown, paper_text

NASTY = "<script>alert(1)</script> | @everyone [x](http://e.org) `code`"
PAPER = Paper(
    kind="wattmark budget",
    title=NASTY,
    standing=Marked(text="spent", css="bad"),
    sections=(
        Section(
            title="One",
            lead=NASTY,
            head=("a", "b"),
            rows=((NASTY, Marked(text="bad", css="bad")), ("x", NASTY)),
            items=(NASTY,),
            drawings=(
                Drawing(title="D", svg=Markup("<svg></svg>"), head=("a",), rows=((NASTY,),), line="▁█"),
            ),
        ),
        Section(title="Two", absent="nobody looked"),
    ),
    foot=NASTY,
)


def test_text_has_every_word() -> None:
    """Table, items, drawings in one line, and what is absent."""
    text = paper_text(PAPER)
    assert text.startswith(NASTY)
    assert "D  ▁█" in text
    assert "- nobody looked" in text


def test_a_title_is_one_line() -> None:
    """A project's name must not read like the paper's own verdict below it."""
    text = paper_text(Paper(kind="k", title="Charter of x\nin order\n\x1b[2J", lead="led"))
    assert text.splitlines() == ["Charter of x in order  [2J", "led"]


def test_markdown_is_plain() -> None:
    """No tag, no link, no mention, and no cell that breaks its row."""
    text = paper_markdown(PAPER)
    assert "<script" not in text
    assert "[x](http" not in text
    assert text.count("&#64;&#8203;everyone") == text.count("everyone") > 0
    assert "http://" not in text
    (row,) = (line for line in text.splitlines() if line.endswith("| bad |"))
    assert row.replace("\\|", "").count("|") == 3
    assert "<details><summary>D</summary>" in text


def test_a_page_runs_nothing() -> None:
    """Everything is escaped but the drawing; code between backticks is code."""
    page = paper_html(PAPER)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<code>code</code>" in page
    assert "<svg></svg>" in page
    assert '<span class="mark bad">bad</span>' in page
