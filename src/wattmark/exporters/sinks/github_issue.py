"""An issue on GitHub per matter: opened, changed, closed and opened again (REST API, version 2022-11-28:
https://docs.github.com/en/rest/issues/issues).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from wattmark.core.governance.message import Message
from wattmark.exporters.sinks.issue import LABEL, Draft, became, draft_of, issue_in, sketch_of, unlabelled
from wattmark.exporters.sinks.sink import Delivered, Sketch, World, secret_of
from wattmark.fields import Fields
from wattmark.webapi.api import Api

KEYS = ("repository", "token_env", "api", "labels", "assignees")
USUAL = "GITHUB_TOKEN"
SITE = "https://api.github.com"
MOST_BODY = 65_536
"""Characters of a body (https://github.com/orgs/community/discussions/27190)."""
_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GithubIssue:
    """The issues of one repository."""

    api: Api
    repository: str
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    keeps: bool = True

    @property
    def path(self) -> str:
        """Where its issues are."""
        return f"/repos/{self.repository}/issues"

    def sketch(self, message: Message) -> Sketch:
        """The issue as it would be; whether it is there already is not asked."""
        return sketch_of(draft_of(message, MOST_BODY), f"{self.api.base}{self.path}")

    def deliver(self, message: Message) -> Delivered:
        """Change the issue of the matter, or open one. A matter that is over needs none."""
        draft = draft_of(message, MOST_BODY)
        found = self._found(draft.mark)
        if found is None:
            return Delivered("nothing to close") if draft.closed else self._opened(draft)
        state = "closed" if draft.closed else "open"
        body: dict[str, Any] = {"title": draft.title, "body": draft.body, "state": state}
        was_closed = found.get("state") == "closed"
        if draft.closed and not was_closed:
            body["state_reason"] = "completed"
        number = int(found["number"])
        answer = self.api.patch(f"{self.path}/{number}", body, repeatable=True).json()
        if was_closed is not draft.closed:
            self.api.post(f"{self.path}/{number}/comments", {"body": draft.comment})
        return Delivered(f"{became(draft, was_closed=was_closed)} {_address(answer)}")

    def _found(self, mark: str) -> dict[str, Any] | None:
        """The matter's issue: an open one, else the youngest."""
        query = {"state": "all", "labels": LABEL, "per_page": "100"}
        return issue_in(self.api.pages(self.path, query), mark, body="body", opened="open")

    def _opened(self, draft: Draft) -> Delivered:
        body: dict[str, Any] = {"title": draft.title, "body": draft.body, "labels": [LABEL, *self.labels]}
        if self.assignees:
            body["assignees"] = list(self.assignees)
        answer = self.api.post(self.path, body).json()
        labels = {label.get("name") for label in answer.get("labels", []) if isinstance(label, dict)}
        problem = ""
        if LABEL not in labels:  # GitHub drops labels in silence where the token may not set them
            problem = unlabelled()
        return Delivered(f"opened {_address(answer)}", problem)


def _address(issue: dict[str, Any]) -> str:
    return str(issue.get("html_url") or f"#{issue.get('number', '?')}")


def table_of(target: str) -> dict[str, object]:
    """``github-issue:OWNER/REPOSITORY``, with the token in GITHUB_TOKEN."""
    return {"repository": target}


def open_sink(table: Fields, world: World) -> GithubIssue:
    """With ``repository``; ``token_env`` [GITHUB_TOKEN], ``api`` of a server of your own, ``labels``."""
    repository = table.named("repository")
    if not _NAME.fullmatch(repository) or {".", ".."} & set(repository.split("/")):
        raise table.wrong("repository", f"{repository!r:.80} is none: write OWNER/REPOSITORY")
    api = world.api(
        table.text("api", SITE).rstrip("/"),
        headers={
            "Authorization": f"Bearer {secret_of(table, 'token_env', world, USUAL)}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    return GithubIssue(
        api=api, repository=repository, labels=table.texts("labels"), assignees=table.texts("assignees")
    )
