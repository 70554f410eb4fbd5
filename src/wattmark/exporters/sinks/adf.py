"""A message as Jira writes it: the Atlassian Document Format of Cloud, and wiki text of servers.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from wattmark.core.governance.message import Listing, Message
from wattmark.exporters.sinks.sink import cut, one_line

Node = dict[str, Any]
MOST_ROWS = 64
"""Of one table."""
MOST_LETTERS = 30_000
"""Of one document; Jira takes 32 767 characters of text in a field."""
MOST_WIKI = 32_000
MOST_FACTS = 14
MOST_NOTES = 8
MOST_NOTE = 1000
MOST_CELL = 400
_SPECIAL = re.compile(r"([\\{}\[\]|*_^~+!?#@-])")


def document(message: Message) -> Node:
    """The whole message, as many rows of it as Jira takes."""
    for most in (MOST_ROWS, *(MOST_ROWS >> n for n in range(1, 6)), 0):
        made = _document(message, most)
        if _letters(made) <= MOST_LETTERS:
            break
    return made


def _document(message: Message, most: int) -> Node:
    content: list[Node] = []
    if message.facts:
        content.append(_table([_row(pair, first="tableHeader") for pair in message.facts[:MOST_FACTS]]))
    for table in message.tables:
        content += [_heading(table.title), *_rows(table, most), *map(_paragraph, table.notes[:MOST_NOTES])]
    content += [_paragraph(note) for note in message.notes[:MOST_NOTES]]
    if message.link.startswith(("https://", "http://")):
        content.append(_node("paragraph", [_text("Show everything", message.link)]))
    return {"version": 1, **_node("doc", content or [_paragraph(message.title)])}


def comment(text: str) -> Node:
    """One sentence."""
    return {"version": 1, **_node("doc", [_paragraph(text)])}


def wiki(message: Message) -> str:
    """The whole message as wiki text (https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all)."""
    parts = ["\n".join(f"||{wiki_text(name)}|{wiki_text(value)}|" for name, value in message.facts)]
    for table in message.tables:
        head = "||" + "||".join(wiki_text(name) or " " for name in table.columns) + "||"
        rows = [
            "|" + "|".join(wiki_text(cell) or " " for cell in row) + "|" for row in table.rows[:MOST_ROWS]
        ]
        parts.append("\n".join([f"h3. {wiki_text(table.title)}", head, *rows]))
        parts += [wiki_text(note) for note in (*_left_out(table, MOST_ROWS), *table.notes)]
    parts += [wiki_text(note) for note in message.notes]
    if message.link.startswith(("https://", "http://")):
        parts.append(f"[Show everything|{one_line(message.link).replace('|', '%7C').replace(']', '%5D')}]")
    return cut("\n\n".join(part for part in parts if part), MOST_WIKI)


def wiki_text(text: str) -> str:
    """Text in which nothing formats, links or mentions."""
    return _SPECIAL.sub(r"\\\1", one_line(text))


def _rows(table: Listing, most: int) -> list[Node]:
    if not table.rows:
        return []
    shown = [_row(table.columns, every="tableHeader"), *(_row(row) for row in table.rows[:most])]
    return [_table(shown), *map(_paragraph, _left_out(table, most))]


def _left_out(table: Listing, most: int) -> tuple[str, ...]:
    more = len(table.rows) - most
    return (f"{more} more rows do not fit here",) if more > 0 else ()


def _table(rows: list[Node]) -> Node:
    return _node("table", rows)


def _row(cells: Iterable[str], *, first: str = "tableCell", every: str = "") -> Node:
    made = [
        _node(every or (first if n == 0 else "tableCell"), [_paragraph(cut(cell, MOST_CELL))])
        for n, cell in enumerate(cells)
    ]
    return _node("tableRow", made)


def _heading(text: str) -> Node:
    return {**_node("heading", [_text(text)] if one_line(text) else []), "attrs": {"level": 3}}


def _paragraph(text: str) -> Node:
    """A paragraph; an empty one has no text, for a text of no letters is refused."""
    said = cut(one_line(text), MOST_NOTE)
    return _node("paragraph", [_text(said)] if said else [])


def _letters(node: Node) -> int:
    return len(node.get("text", "")) + sum(_letters(inner) for inner in node.get("content", []))


def _text(text: str, link: str = "") -> Node:
    node: Node = {"type": "text", "text": one_line(text)}
    return node | ({"marks": [{"type": "link", "attrs": {"href": link}}]} if link else {})


def _node(kind: str, content: list[Node]) -> Node:
    return {"type": kind, "content": content}
