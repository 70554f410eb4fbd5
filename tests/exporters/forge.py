"""A local server that answers like the documented APIs of GitHub and GitLab, with the failures they have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

BOT: dict[str, Any] = {"login": "github-actions[bot]", "id": 41898282, "type": "Bot"}
SOMEBODY: dict[str, Any] = {"login": "somebody", "id": 7, "type": "User"}
GITHUB_MOST = 65_536


@dataclass
class Refusal:
    """An answer in place of the next one."""

    status: int
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    takes: bool = False
    """What was sent is taken all the same; only the answer is lost."""
    method: str = ""
    """Of the call that is refused; empty: of any."""


@dataclass
class State:
    """What the forge holds, and what it was asked."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    minimised: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    me: dict[str, Any] | None = None
    """Whose token it is; None: of GitHub Actions, which has no user."""
    author: dict[str, Any] = field(default_factory=lambda: dict(BOT))
    pages_of: int = 100
    url: str = ""
    next_id: int = 1

    def write(self, body: str, author: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """A comment that is there."""
        number, self.next_id = self.next_id, self.next_id + 1
        made = {
            "id": number,
            "node_id": f"IC_{number}",
            "body": body,
            "user": author or self.author,
            "author": author or self.author,
            "html_url": f"https://github.example/o/r/pull/5#issuecomment-{number}",
            **more,
        }
        self.comments.append(made)
        return made

    def find(self, number: str) -> dict[str, Any] | None:
        """A comment by its number."""
        return next((c for c in self.comments if c["id"] == int(number)), None)

    @property
    def bodies(self) -> list[str]:
        """What is written, in order."""
        return [str(c["body"]) for c in self.comments]


@contextmanager
def serving(handler: type[ForgeHandler]) -> Iterator[State]:
    """A forge on this machine, and what it holds."""
    state = State()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (handler,), {"state": state}))
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class ForgeHandler(BaseHTTPRequestHandler):
    """What both have in common: tokens, refusals, pages."""

    state: State
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""

    def token(self) -> str:
        """What the caller showed."""
        raise NotImplementedError

    def route(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> None:
        """Answer one call."""
        raise NotImplementedError

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.state.calls.append((self.command, parts.path))
        self.state.tokens.add(self.token())
        pending = self.state.refusals
        if pending and pending[0].method in ("", self.command):
            refusal = pending.pop(0)
            if refusal.takes:
                self.muted = True
                self.route(self.command, parts.path, parse_qs(parts.query), body)
                self.muted = False
            self.answer(refusal.status, refusal.body, refusal.headers)
            return
        self.route(self.command, parts.path, parse_qs(parts.query), body)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle
    muted = False

    def answer(self, status: int, body: object = None, headers: dict[str, str] | None = None) -> None:
        """Send an answer, unless it is the one that gets lost."""
        if self.muted:
            return
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def page(self, path: str, query: dict[str, list[str]]) -> None:
        """One page of the comments, with the Link header of the next."""
        size = min(int(query.get("per_page", ["30"])[0]), self.state.pages_of)
        number = int(query.get("page", ["1"])[0])
        begin = (number - 1) * size
        headers = {}
        if begin + size < len(self.state.comments):
            following = f"{self.state.url}{path}?per_page={size}&page={number + 1}"
            headers["Link"] = f'<{following}>; rel="next", <{self.state.url}{path}?page=1>; rel="first"'
        self.answer(200, self.state.comments[begin : begin + size], headers)


class GitHubHandler(ForgeHandler):
    """api.github.com, or /api/v3 and /api/graphql of an Enterprise Server."""

    def token(self) -> str:
        assert self.headers["Accept"] == "application/vnd.github+json"
        assert self.headers["X-GitHub-Api-Version"] == "2022-11-28"
        return str(self.headers["Authorization"]).removeprefix("Bearer ")

    def route(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> None:
        if path == "/api/graphql":
            self._minimise(body)
            return
        path = path.removeprefix("/api/v3")
        if path == "/user":
            me = self.state.me
            refused = {"message": "Resource not accessible by integration"}
            self.answer(200 if me else 403, me or refused)
        elif path == "/repos/o/r/issues/5/comments":
            if method == "GET":
                self.page(self.path.partition("?")[0], query)
            elif len(body["body"]) > GITHUB_MOST:
                self.answer(422, _too_long())
            else:
                self.answer(201, self.state.write(body["body"]))
        elif found := re.fullmatch(r"/repos/o/r/issues/comments/(\d+)", path):
            self._one(method, found[1], body)
        elif method == "POST" and re.fullmatch(r"/repos/o/r/statuses/[0-9a-f]+", path):
            self.state.statuses.append({"sha": path.rpartition("/")[2], **body})
            self.answer(201, body)
        else:
            self.answer(404, {"message": "Not Found", "status": "404"})

    def _one(self, method: str, number: str, body: Any) -> None:
        comment = self.state.find(number)
        if comment is None:
            self.answer(404, {"message": "Not Found", "status": "404"})
        elif method == "DELETE":
            self.state.comments.remove(comment)
            self.answer(204)
        else:
            comment["body"] = body["body"]
            self.answer(200, comment)

    def _minimise(self, body: Any) -> None:
        node = body["variables"]["id"]
        assert "minimizeComment" in body["query"]
        assert "OUTDATED" in body["query"]
        if not any(c["node_id"] == node for c in self.state.comments):
            said = f"Could not resolve to a node with the global id of '{node}'"
            self.answer(200, {"data": {"minimizeComment": None}, "errors": [{"message": said}]})
            return
        self.state.minimised.append(node)
        self.answer(200, {"data": {"minimizeComment": {"minimizedComment": {"isMinimized": True}}}})


class GitLabHandler(ForgeHandler):
    """/api/v4 of a GitLab."""

    def token(self) -> str:
        return str(self.headers["PRIVATE-TOKEN"])

    def route(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> None:
        notes = "/api/v4/projects/group%2Fproject/merge_requests/5/notes"
        if path == "/api/v4/user":
            self.answer(200 if self.state.me else 401, self.state.me or {"message": "401 Unauthorized"})
        elif path == notes:
            if method == "GET":
                self.page(path, query)
            else:
                self.answer(201, self.state.write(body["body"], system=False))
        elif found := re.fullmatch(re.escape(notes) + r"/(\d+)", path):
            comment = self.state.find(found[1])
            if comment is None:
                self.answer(404, {"message": "404 Note Not Found"})
            elif method == "DELETE":
                self.state.comments.remove(comment)
                self.answer(204)
            else:
                comment["body"] = body["body"]
                self.answer(200, comment)
        elif method == "POST" and path.startswith("/api/v4/projects/group%2Fproject/statuses/"):
            self.state.statuses.append({"sha": path.rpartition("/")[2], **body})
            self.answer(201, body)
        else:
            self.answer(404, {"message": "404 Project Not Found"})


def _too_long() -> dict[str, Any]:
    said = "body is too long (maximum is 65536 characters)"
    fault = {"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": said}
    return {"message": "Validation Failed", "errors": [fault], "status": "422"}
