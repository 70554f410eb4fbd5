"""A decision as a comment on a pull or merge request, with a hidden marker by which it is found again."""

from __future__ import annotations

import re
import unicodedata

from wattmark.core.governance.decision import Decision
from wattmark.reports.ci.markdown import fitting_markdown
from wattmark.reports.ci.naming import gate_name

GITHUB_MOST = 65_536
"""Characters of a comment: GitHub answers 422 "Body is too long (maximum is 65536 characters)" to more
(https://github.com/orgs/community/discussions/27190, 2020)."""
GITLAB_MOST = 1_000_000
"""Characters of a note (GitLab Docs, Application limits, Size of comments and descriptions,
https://docs.gitlab.com/administration/instance_limits/)."""
ROOM = 1_000
"""Left below the limit."""


def comment_markdown(decision: Decision, tag: str = "", most: int = GITHUB_MOST) -> str:
    """The comment, its marker first. ``tag`` tells those of gates apart; empty: by what they judge."""
    before = f"{marker(tag or gate_name(decision))}\n"
    return fitting_markdown(decision, lambda text: _length(text) <= most - ROOM, before)


def marker(tag: str) -> str:
    """``<!-- wattmark:gate:TAG -->``. Other letters than a-z, digits, dots and lines become dots."""
    plain = unicodedata.normalize("NFKD", tag).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9_.]+", ".", plain.replace("-", "_")).strip("._")
    return f"<!-- wattmark:gate:{slug[:80] or 'default'} -->"


def _length(text: str) -> int:
    """In units of UTF-16, as JavaScript counts: never fewer than characters."""
    return len(text.encode("utf-16-le")) // 2
