"""What issues of all forges have in common: one per matter, found again by a mark that nobody sees."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from wattmark.core.errors import DeliveryError
from wattmark.core.governance.message import Message
from wattmark.exporters.sinks.sink import Sketch, cut, mark_of, one_line
from wattmark.webapi.answers import Answer

LABEL = "wattmark"
"""Every issue of ours has it: they are found by it, and then by their mark."""
MOST_TITLE = 250
_QUICK = re.compile(r"(?m)^(\s*)/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An issue as it shall be."""

    title: str
    body: str
    mark: str
    closed: bool
    comment: str
    """Said below when it is closed or opened again: a changed body tells nobody."""


def draft_of(message: Message, most: int) -> Draft:
    """The issue of a message, its body at most so many characters long."""
    mark = marker(message.key)
    end = f"\n\n{_link(message)}Kept up to date by wattmark.\n\n{mark}\n"
    said = cut(message.markdown.rstrip(), most - len(end) - 40, "\n\n… (cut)")
    word = "Over: " if message.resolved else ""
    title = one_line(message.title)
    return Draft(
        title=cut(title, MOST_TITLE),
        body=without_commands(said) + end,
        mark=mark,
        closed=message.resolved,
        comment=without_commands(_plain(f"{word}{title}")) + (f" ({message.at})" if message.at else ""),
    )


def sketch_of(draft: Draft, place: str) -> Sketch:
    """The issue as it would be; whether it is there already is not asked."""
    note = "closes the issue of this matter" if draft.closed else "opens an issue, or changes this matter's"
    return Sketch(place=place, content=f"{draft.title}\n\n{draft.body}", note=note)


def issue_in(pages: Iterable[Answer], mark: str, *, body: str, opened: str) -> dict[str, Any] | None:
    """The matter's issue: an open one, else the youngest. ``body`` and ``opened`` are the forge's words.

    Raises DeliveryError.
    """
    closed = None
    for page in pages:
        found = page.json()
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise DeliveryError(page.place, "answered with something else than a list of issues")
        for issue in found:
            if "pull_request" in issue or mark not in str(issue.get(body) or ""):
                continue
            if issue.get("state") == opened:
                return dict(issue)
            closed = closed or dict(issue)
    return closed


def became(draft: Draft, *, was_closed: bool) -> str:
    """What happened to an issue that was there."""
    return "closed" if draft.closed else "opened again" if was_closed else "changed"


def unlabelled() -> str:
    """What is wrong with an issue that the forge took without our label."""
    return f"the token may not set the label {LABEL!r}: the issue will not be found again"


def marker(key: str) -> str:
    """A comment that is in the body and not on the page."""
    return f"<!-- wattmark:{mark_of(key)} -->"


def without_commands(text: str) -> str:
    """Text in which no line begins with a slash: GitLab would do what it says."""
    return _QUICK.sub(r"\1&#47;", text)


def _plain(text: str) -> str:
    """Nothing in it formats, links or mentions: a forge looks for both in the finished page."""
    told = re.sub(r"([\\`*_\[\]<>#|~])", r"\\\1", text).replace("@", "&#64;&#8203;")
    return re.sub(r"(?i)\b(www)\.", r"\1&#46;", told).replace("://", "&#58;//")


def _link(message: Message) -> str:
    if not message.link.startswith(("https://", "http://")):
        return ""
    return f"<{one_line(message.link).replace('>', '%3E').replace(' ', '%20')}>\n\n"
