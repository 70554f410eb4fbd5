"""An issue of Jira per matter: created, changed, moved to done and back again.

Cloud (REST API 3, https://developer.atlassian.com/cloud/jira/platform/rest/v3/) searches by
``/search/jql``, the older way being removed in 2025, and writes documents; a server or data centre (REST
API 2) searches by ``/search`` and writes wiki text. An issue is found again by a label made from the key.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from wattmark.core.errors import DeliveryError
from wattmark.core.governance.message import Message
from wattmark.exporters.sinks import adf
from wattmark.exporters.sinks.issue import LABEL, MOST_TITLE
from wattmark.exporters.sinks.sink import (
    Delivered,
    Sketch,
    World,
    cut,
    is_wrong,
    mark_of,
    one_line,
    secret_of,
)
from wattmark.fields import Fields
from wattmark.webapi.api import Api

KEYS = ("url", "project", "kind", "user", "user_env", "token_env", "issue_type", "labels", "done", "reopen")
USUAL_TOKEN, USUAL_USER = "JIRA_TOKEN", "JIRA_USER"
CLOUD, SERVER = "cloud", "server"
_PROJECT = re.compile(r"[A-Z][A-Z0-9_]{1,50}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Jira:
    """One project."""

    api: Api
    project: str
    cloud: bool
    issue_type: str = "Task"
    labels: tuple[str, ...] = ()
    done: str = ""
    """Name of the transition or status that ends a matter; empty: the first that leads to done."""
    reopen: str = ""
    keeps: bool = True

    @property
    def root(self) -> str:
        """Where its API is."""
        return "/rest/api/3" if self.cloud else "/rest/api/2"

    def sketch(self, message: Message) -> Sketch:
        """The fields as they would be; whether the issue is there already is not asked."""
        return Sketch(
            place=f"{self.api.base}{self.root}/issue",
            content=json.dumps({"fields": self._fields(message)}, ensure_ascii=False, indent=2),
            note="moves the issue of this matter to done"
            if message.resolved
            else "creates it, or changes it",
        )

    def deliver(self, message: Message) -> Delivered:
        """Change the matter's issue, or create one; move it where it belongs."""
        found = self._found(_label(message))
        if found is None:
            if message.resolved:
                return Delivered("nothing to close")
            created = self.api.post(f"{self.root}/issue", {"fields": self._fields(message)}).json()
            return Delivered(f"opened {self._address(created)}")
        place = f"{self.root}/issue/{found['key']}"
        fields = self._fields(message)
        changed = {"summary": fields["summary"], "description": fields["description"]}
        self.api.put(place, {"fields": changed})
        was_done = _is_done(found)
        if was_done is message.resolved:
            return Delivered(f"changed {self._address(found)}")
        return self._moved(message, found, place)

    def _moved(self, message: Message, found: dict[str, Any], place: str) -> Delivered:
        word = "closed" if message.resolved else "opened again"
        step = self._step(place, message.resolved)
        said = one_line(f"{'Over: ' if message.resolved else ''}{message.title}")
        body = adf.comment(said) if self.cloud else adf.wiki_text(said)
        self.api.post(f"{place}/comment", {"body": body})
        if step is None:
            which = (self.done if message.resolved else self.reopen) or (
                "done" if message.resolved else "a status that is not done"
            )
            return Delivered(
                f"changed {self._address(found)}",
                f"no transition leads from {_status(found)!r} to {which!r}: the issue stays as it is",
            )
        self.api.post(f"{place}/transitions", {"transition": {"id": step}}, repeatable=False)
        return Delivered(f"{word} {self._address(found)}")

    def _step(self, place: str, resolved: bool) -> str | None:
        """The transition to take; None: there is none that leads there."""
        steps = self.api.get(f"{place}/transitions").json().get("transitions", [])
        named = (self.done if resolved else self.reopen).casefold()
        wanted = ("done",) if resolved else ("new", "indeterminate")
        if named:
            fits = [s for s in steps if named in (_low(s, "name"), _low(s.get("to", {}), "name"))]
            return str(fits[0]["id"]) if fits else None
        for category in wanted:
            for step in steps:
                if step.get("to", {}).get("statusCategory", {}).get("key") == category:
                    return str(step["id"])
        return None

    def _found(self, label: str) -> dict[str, Any] | None:
        """The matter's issue: one that is not done, else the youngest."""
        jql = f'project = "{self.project}" AND labels = "{label}" ORDER BY created DESC'
        body: dict[str, Any] = {"jql": jql, "fields": ["status", "summary"], "maxResults": 20}
        path = f"{self.root}/search/jql" if self.cloud else f"{self.root}/search"
        answer = self.api.post(path, body, repeatable=True)
        issues = answer.json().get("issues") if isinstance(answer.json(), dict) else None
        if not isinstance(issues, list):
            raise DeliveryError(answer.place, "answered without a list of issues", answer.status)
        return next((i for i in issues if not _is_done(i)), issues[0] if issues else None)

    def _fields(self, message: Message) -> dict[str, Any]:
        return {
            "project": {"key": self.project},
            "issuetype": {"name": self.issue_type},
            "summary": cut(one_line(message.title), MOST_TITLE),
            "description": adf.document(message) if self.cloud else adf.wiki(message),
            "labels": [LABEL, _label(message), *self.labels],
        }

    def _address(self, issue: dict[str, Any]) -> str:
        return f"{self.api.base}/browse/{issue.get('key', '?')}"


def _label(message: Message) -> str:
    return f"{LABEL}-{mark_of(message.key)}"


def _is_done(issue: dict[str, Any]) -> bool:
    status = issue.get("fields", {}).get("status", {})
    return bool(status.get("statusCategory", {}).get("key") == "done")


def _status(issue: dict[str, Any]) -> str:
    return str(issue.get("fields", {}).get("status", {}).get("name", "?"))


def _low(of: dict[str, Any], key: str) -> str:
    return str(of.get(key, "")).casefold()


def table_of(target: str) -> dict[str, object]:
    """``jira:https://SITE/PROJECT``; user and token are in JIRA_USER and JIRA_TOKEN."""
    url, _, project = target.rstrip("/").rpartition("/")
    if "://" not in url:
        raise is_wrong("jira", f"{target!r:.80}: write jira:https://SITE.atlassian.net/PROJECT")
    return {"url": url, "project": project}


def open_sink(table: Fields, world: World) -> Jira:
    """With ``url`` and ``project``; ``kind`` is cloud for addresses of atlassian.net, else server."""
    url, project = table.named("url").rstrip("/"), table.named("project")
    if not _PROJECT.fullmatch(project):
        raise table.wrong("project", f"{project!r:.60} is no key of a project, such as GREEN")
    usual = CLOUD if url.endswith(".atlassian.net") else SERVER
    cloud = table.choice("kind", (CLOUD, SERVER), usual) == CLOUD
    token = secret_of(table, "token_env", world, USUAL_TOKEN)
    if cloud:
        user = table.text("user", "") or secret_of(table, "user_env", world, USUAL_USER)
        given = f"Basic {b64encode(f'{user}:{token}'.encode()).decode()}"
    else:
        given = f"Bearer {token}"
    for label in table.texts("labels"):
        if any(c.isspace() for c in label):
            raise table.wrong("labels", f"{label!r:.40}: labels of Jira hold no spaces")
    api = world.api(
        url,
        headers={"Authorization": given},
        secrets=(token,),
    )
    return Jira(
        api=api,
        project=project,
        cloud=cloud,
        issue_type=table.text("issue_type", "Task"),
        labels=table.texts("labels"),
        done=table.text("done", ""),
        reopen=table.text("reopen", ""),
    )
