"""A paper of sections: the same words, tables and drawings as text, as Markdown, and as one HTML page."""

from __future__ import annotations

from dataclasses import dataclass, field

from markupsafe import Markup

from wattmark.reports.as_markdown import folded, inert, markdown_table
from wattmark.reports.as_text import bulleted, table
from wattmark.reports.ci.words import one_line
from wattmark.reports.selfcontained import styles, template


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A word in a table that stands out: ``yes``, ``warn``, ``bad`` or ``no``."""

    text: str
    css: str = "no"

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A drawing, and the same as a table."""

    title: str
    svg: Markup
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    line: str = ""
    """The same for a terminal, in one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One heading and what stands under it."""

    title: str
    lead: str = ""
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str | Marked, ...], ...] = ()
    items: tuple[str, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    absent: str = ""
    """What is not there, and how it would be: a part that is lacking is said."""
    fold: dict[int, int] = field(default_factory=dict)
    """For text: number of a column -> letters from which its cells go on in the next line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """What is shown."""

    kind: str
    """What the page is, such as ``wattmark budget``."""
    title: str
    lead: str = ""
    standing: Marked | None = None
    sections: tuple[Section, ...] = ()
    foot: str = ""
    version: str = ""


def paper_text(paper: Paper) -> str:
    """For the terminal."""
    parts = ["\n".join(filter(None, (one_line(paper.title), paper.lead, str(paper.standing or ""))))]
    for section in paper.sections:
        lines = [section.title, *([section.lead] if section.lead else [])]
        if section.rows:
            rows = [[str(cell) for cell in row] for row in section.rows]
            lines.append(table(section.head, rows, fold=section.fold))
        lines += [f"{d.title}  {d.line}" for d in section.drawings if d.line]
        lines += bulleted(section.items)
        lines += bulleted([section.absent] if section.absent else [])
        parts.append("\n".join(lines))
    return "\n\n".join(part for part in parts if part.strip())


def paper_markdown(paper: Paper) -> str:
    """GitHub-flavoured Markdown: nothing in it formats, links or notifies on its own."""
    parts = [f"### {inert(paper.title)}", inert(paper.lead)]
    if paper.standing:
        parts.append(f"**{inert(paper.standing)}**")
    for section in paper.sections:
        parts += [f"#### {inert(section.title)}", inert(section.lead)]
        if section.rows:
            parts.append(markdown_table([inert(name) for name in section.head], section.rows))
        parts.append("\n".join(f"- {inert(item)}" for item in section.items))
        parts += [
            folded(inert(d.title), markdown_table([inert(name) for name in d.head], d.rows))
            for d in section.drawings
            if d.rows
        ]
        parts.append(f"_{inert(section.absent)}_" if section.absent else "")
    parts.append(f"<sub>{inert(paper.foot)}</sub>" if paper.foot else "")
    return "\n\n".join(part for part in parts if part) + "\n"


def paper_html(paper: Paper) -> str:
    """One page that loads nothing and runs nothing."""
    return template("paper.html.j2").render(
        paper=paper,
        styles=styles("templates/report.css", "templates/portfolio.css", "templates/paper.css"),
        marked=lambda cell: isinstance(cell, Marked),
    )
