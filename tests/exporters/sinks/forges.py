"""Servers that answer like the documented APIs of GitHub, GitLab and Jira, as far as issues go."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.webapi.api_server import Asked, Reply

PAGE = 2
"""Issues on a page, so that paging is seen."""


@dataclass(slots=True)
class Github:
    """https://docs.github.com/en/rest/issues: list, create, update, comment."""

    token: str = "t0ken"
    repository: str = "example/models"
    may_label: bool = True
    issues: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, list[str]] = field(default_factory=dict)
    refusal: Reply | None = None

    def __call__(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            return Reply(401, {"message": "Bad credentials"})
        if self.refusal is not None:
            return self.refusal
        root = f"/repos/{self.repository}/issues"
        rest = asked.path.removeprefix(root)
        if not asked.path.startswith(root):
            return Reply(404, {"message": "Not Found"})
        match asked.method, rest.strip("/").split("/"):
            case "GET", [""]:
                return self._list(asked)
            case "POST", [""]:
                return self._create(asked.json())
            case "PATCH", [number]:
                issue = self.issues[int(number) - 1]
                issue |= asked.json()
                return Reply(200, issue)
            case "POST", [number, "comments"]:
                self.comments.setdefault(int(number), []).append(asked.json()["body"])
                return Reply(201, {"id": 1})
        return Reply(405, {"message": "Method Not Allowed"})

    def _list(self, asked: Asked) -> Reply:
        state, labels = asked.query["state"][0], set(asked.query["labels"][0].split(","))
        fits = [
            issue for issue in reversed(self.issues)
            if state in ("all", issue["state"]) and labels <= {label["name"] for label in issue["labels"]}
        ]  # fmt: skip
        page = int(asked.query.get("page", ["1"])[0])
        links = {}
        if len(fits) > page * PAGE:
            query = f"state={state}&labels={','.join(labels)}&per_page=100&page={page + 1}"
            links = {"Link": f'<http://{asked.headers["host"]}{asked.path}?{query}>; rel="next"'}
        return Reply(200, fits[(page - 1) * PAGE : page * PAGE], links)

    def _create(self, body: dict[str, Any]) -> Reply:
        if not body.get("title") or len(body["body"]) > 65_536:
            return Reply(
                422, {"message": "Validation Failed", "errors": [{"field": "body", "code": "invalid"}]}
            )
        number = len(self.issues) + 1
        labels = [{"name": name} for name in body.pop("labels")] if self.may_label else []
        issue = {
            **body,
            "number": number,
            "state": "open",
            "labels": labels,
            "html_url": f"https://github.com/{self.repository}/issues/{number}",
        }
        self.issues.append(issue)
        return Reply(201, issue)


@dataclass(slots=True)
class Gitlab:
    """https://docs.gitlab.com/api/issues/: list, create, update; https://docs.gitlab.com/api/notes/."""

    token: str = "t0ken"
    project: str = "group/sub/models"
    issues: list[dict[str, Any]] = field(default_factory=list)
    notes: dict[int, list[str]] = field(default_factory=dict)

    def __call__(self, asked: Asked) -> Reply:
        if asked.headers.get("private-token") != self.token:
            return Reply(401, {"message": "401 Unauthorized"})
        found = re.fullmatch(r"/projects/([^/]+)/issues(?:/(\d+))?(/notes)?", asked.path)
        if found is None or unquote(found[1]) != self.project:
            return Reply(404, {"message": "404 Project Not Found"})
        match asked.method, found[2], found[3]:
            case "GET", None, None:
                return self._list(asked)
            case "POST", None, None:
                return self._create(asked.json())
            case "PUT", str(iid), None:
                issue, body = self.issues[int(iid) - 1], asked.json()
                event = body.pop("state_event", None)
                issue |= body | ({"state": {"close": "closed", "reopen": "opened"}[event]} if event else {})
                return Reply(200, issue)
            case "POST", str(iid), "/notes":
                self.notes.setdefault(int(iid), []).append(asked.json()["body"])
                return Reply(201, {"id": 1})
        return Reply(405, {"error": "405 Not Allowed"})

    def _list(self, asked: Asked) -> Reply:
        assert asked.query["state"] == ["all"]
        label = asked.query["labels"][0]
        fits = [issue for issue in reversed(self.issues) if label in issue["labels"]]
        page = int(asked.query.get("page", ["1"])[0])
        links = {}
        if len(fits) > page * PAGE:
            where = f"{asked.path}?state=all&labels={label}&page={page + 1}"
            links = {"Link": f'<http://{asked.headers["host"]}{where}>; rel="next"'}
        return Reply(200, fits[(page - 1) * PAGE : page * PAGE], links)

    def _create(self, body: dict[str, Any]) -> Reply:
        if not body.get("title"):
            return Reply(400, {"message": {"title": ["can't be blank"]}})
        iid = len(self.issues) + 1
        issue = {
            **body,
            "iid": iid,
            "state": "opened",
            "labels": body["labels"].split(","),
            "web_url": f"https://gitlab.com/{self.project}/-/issues/{iid}",
        }
        self.issues.append(issue)
        return Reply(201, issue)


TO_DO = {"name": "To Do", "statusCategory": {"key": "new"}}
DOING = {"name": "In Progress", "statusCategory": {"key": "indeterminate"}}
DONE = {"name": "Done", "statusCategory": {"key": "done"}}


@dataclass(slots=True)
class JiraSite:
    """Cloud (https://developer.atlassian.com/cloud/jira/platform/rest/v3/), or a server by REST API 2."""

    credentials: str
    cloud: bool = True
    issues: dict[str, dict[str, Any]] = field(default_factory=dict)
    comments: dict[str, list[Any]] = field(default_factory=dict)
    may_finish: bool = True

    def __call__(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != self.credentials:
            return Reply(401, b"Client must be authenticated to access this resource.")
        root = "/rest/api/3" if self.cloud else "/rest/api/2"
        rest = asked.path.removeprefix(root)
        match asked.method, rest.strip("/").split("/"):
            case "POST", ["search", "jql"] if self.cloud:
                return self._search(asked.json())
            case "POST", ["search"] if self.cloud:
                return Reply(410, {"errorMessages": ["The requested API has been removed."]})
            case "POST", ["search"]:
                return self._search(asked.json())
            case "POST", ["issue"]:
                return self._create(asked.json()["fields"])
            case "PUT", ["issue", key]:
                self.issues[key] |= asked.json()["fields"]
                return Reply(204, b"")
            case "GET", ["issue", key, "transitions"]:
                return Reply(200, {"transitions": self._steps(key)})
            case "POST", ["issue", key, "transitions"]:
                step = asked.json()["transition"]["id"]
                self.issues[key]["status"] = {s["id"]: s["to"] for s in self._steps(key)}[step]
                return Reply(204, b"")
            case "POST", ["issue", key, "comment"]:
                self.comments.setdefault(key, []).append(asked.json()["body"])
                return Reply(201, {"id": "1"})
        return Reply(404, {"errorMessages": ["Issue does not exist"]})

    def _steps(self, key: str) -> list[dict[str, Any]]:
        steps = [("11", "Back", TO_DO), ("21", "Start", DOING)]
        if self.may_finish:
            steps.append(("31", "Finish", DONE))
        now = self.issues[key]["status"]
        return [{"id": n, "name": name, "to": to} for n, name, to in steps if to is not now]

    def _search(self, body: dict[str, Any]) -> Reply:
        found = re.fullmatch(r'project = "(\w+)" AND labels = "([\w-]+)" ORDER BY created DESC', body["jql"])
        assert found is not None, body["jql"]
        fits = [
            {"id": "1", "key": key, "fields": {name: fields[name] for name in body["fields"]}}
            for key, fields in reversed(self.issues.items())
            if fields["project"]["key"] == found[1] and found[2] in fields["labels"]
        ]
        return Reply(
            200, {"issues": fits, "isLast": True} if self.cloud else {"issues": fits, "total": len(fits)}
        )

    def _create(self, fields: dict[str, Any]) -> Reply:
        is_document = isinstance(fields["description"], dict)
        if is_document is not self.cloud:
            said = "Operation value must be an Atlassian Document" if self.cloud else "data was not a string"
            return Reply(400, {"errorMessages": [], "errors": {"description": said}})
        if len(fields["summary"]) > 255 or "\n" in fields["summary"]:
            return Reply(400, {"errors": {"summary": "The summary is invalid"}})
        key = f"{fields['project']['key']}-{len(self.issues) + 1}"
        self.issues[key] = {**fields, "status": TO_DO}
        return Reply(201, {"id": "10000", "key": key})
