"""An issue on GitLab per matter: opened, changed, closed and opened again (REST API, version 4:
https://docs.gitlab.com/api/issues/).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from wattmark.core.governance.message import Message
from wattmark.exporters.sinks.issue import LABEL, Draft, became, draft_of, issue_in, sketch_of, unlabelled
from wattmark.exporters.sinks.sink import Delivered, Sketch, World, secret_of
from wattmark.fields import Fields
from wattmark.webapi.api import Api

KEYS = ("project", "token_env", "api", "labels")
USUAL = "GITLAB_TOKEN"
SITE = "https://gitlab.com/api/v4"
MOST_BODY = 1_000_000
"""GitLab takes 1 048 576 characters (https://docs.gitlab.com/administration/instance_limits/)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitlabIssue:
    """The issues of one project."""

    api: Api
    project: str
    labels: tuple[str, ...] = ()
    keeps: bool = True

    @property
    def path(self) -> str:
        """Where its issues are: a project goes by its number, or by its path as one word."""
        return f"/projects/{quote(self.project, safe='')}/issues"

    def sketch(self, message: Message) -> Sketch:
        """The issue as it would be; whether it is there already is not asked."""
        return sketch_of(draft_of(message, MOST_BODY), f"{self.api.base}{self.path}")

    def deliver(self, message: Message) -> Delivered:
        """Change the issue of the matter, or open one. A matter that is over needs none."""
        draft = draft_of(message, MOST_BODY)
        found = self._found(draft.mark)
        if found is None:
            return Delivered("nothing to close") if draft.closed else self._opened(draft)
        was_closed = found.get("state") == "closed"
        body: dict[str, Any] = {"title": draft.title, "description": draft.body}
        if was_closed is not draft.closed:
            body["state_event"] = "close" if draft.closed else "reopen"
        place = f"{self.path}/{int(found['iid'])}"
        answer = self.api.put(place, body).json()
        if was_closed is not draft.closed:
            self.api.post(f"{place}/notes", {"body": draft.comment})
        return Delivered(f"{became(draft, was_closed=was_closed)} {_address(answer)}")

    def _found(self, mark: str) -> dict[str, Any] | None:
        """The matter's issue: an open one, else the youngest."""
        query = {"state": "all", "scope": "all", "labels": LABEL, "per_page": "100"}
        return issue_in(self.api.pages(self.path, query), mark, body="description", opened="opened")

    def _opened(self, draft: Draft) -> Delivered:
        body = {
            "title": draft.title,
            "description": draft.body,
            "labels": ",".join((LABEL, *self.labels)),
        }
        answer = self.api.post(self.path, body).json()
        problem = ""
        if LABEL not in answer.get("labels", ()):
            problem = unlabelled()
        return Delivered(f"opened {_address(answer)}", problem)


def _address(issue: dict[str, Any]) -> str:
    return str(issue.get("web_url") or f"#{issue.get('iid', '?')}")


def table_of(target: str) -> dict[str, object]:
    """``gitlab-issue:GROUP/PROJECT`` (or its number), with the token in GITLAB_TOKEN."""
    return {"project": target}


def open_sink(table: Fields, world: World) -> GitlabIssue:
    """With ``project``; ``token_env`` [GITLAB_TOKEN], ``api`` of a server of your own, ``labels``."""
    project = table.named("project").strip("/")
    if not project.isprintable() or any(c in project for c in "?#% "):
        raise table.wrong("project", f"{project!r:.80} is none: write GROUP/PROJECT, or its number")
    for label in table.texts("labels"):
        if "," in label:
            raise table.wrong("labels", f"{label!r:.40} holds a comma, which would make two of it")
    api = world.api(
        table.text("api", SITE).rstrip("/"),
        headers={"PRIVATE-TOKEN": secret_of(table, "token_env", world, USUAL)},
    )
    return GitlabIssue(api=api, project=project, labels=table.texts("labels"))
