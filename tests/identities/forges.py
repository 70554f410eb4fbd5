"""A local server that answers like GitHub's and GitLab's APIs, with files out of a real repository."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

HEAD, BASE = "f" * 40, "b" * 40


class Forge(ThreadingHTTPServer):
    """One repository, with requests to merge and who approved them."""

    answers: dict[str, Any]
    """Path below the repository, without a query -> what is answered; None: refused; a text: moved there."""
    folder: Path | None
    """A repository whose files are told at any commit."""
    seen: list[dict[str, str]]
    """Headers of each call, their names in small letters."""

    @property
    def github(self) -> str:
        """As a policy names it."""
        return f"http://127.0.0.1:{self.server_address[1]}/repos/example/models"

    @property
    def gitlab(self) -> str:
        """As a policy names it."""
        return f"http://127.0.0.1:{self.server_address[1]}/api/v4/projects/example%2Fmodels"

    def file(self, path: str, commit: str) -> bytes | None:
        """A file of the repository at a commit."""
        command = ["git", "-C", str(self.folder), "cat-file", "blob", f"{commit}:{path}"]
        done = subprocess.run(command, capture_output=True, check=False)
        return done.stdout if done.returncode == 0 else None


class Handler(BaseHTTPRequestHandler):
    """See Forge."""

    def do_GET(self) -> None:
        assert isinstance(self.server, Forge)
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query)
        self.server.seen.append({name.lower(): value for name, value in self.headers.items()})
        below = parts.path.partition("/models")[2] or parts.path.partition("%2Fmodels")[2]
        name = below.removeprefix("/contents/").removeprefix("/repository/files/").removesuffix("/raw")
        if name != below and self.server.folder is not None:
            found = self.server.file(unquote(name), asked["ref"][0])
            self._answer(200 if found is not None else 404, found or b"{}")
            return
        body = self.server.answers.get(below, [])
        if isinstance(body, str):
            self.send_response(302)
            self.send_header("Location", body)
            self.end_headers()
            return
        if isinstance(body, list) and "page" in asked:
            size, page = int(asked["per_page"][0]), int(asked["page"][0])
            body = body[size * (page - 1) : size * page]
        self._answer(200 if body is not None else 403, json.dumps(body).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def serving() -> Iterator[Forge]:
    """A forge on this machine."""
    found = Forge(("127.0.0.1", 0), Handler)
    found.answers, found.seen, found.folder = {}, [], None
    thread = Thread(target=found.serve_forever)
    thread.start()
    try:
        yield found
    finally:
        found.shutdown()
        thread.join()
        found.server_close()


def pull(
    forge: Forge, head: str = HEAD, base: str = BASE, branch: str = "main", **more: Any
) -> dict[str, Any]:
    """Anna's pull request 7, as the API tells it."""
    repo = {"url": forge.github, "default_branch": "main"}
    return {
        "number": 7, "head": {"sha": head}, "base": {"sha": base, "ref": branch, "repo": repo},
        "user": {"login": "anna"}, **more,
    }  # fmt: skip


def review(login: str, state: str = "APPROVED", commit: str = HEAD, of: str = "MEMBER") -> dict[str, Any]:
    """A review as the API tells it."""
    return {"user": {"login": login}, "state": state, "commit_id": commit, "author_association": of}


def merge_request(
    forge: Forge, commit: str, head: str = HEAD, base: str = BASE, approved: str = "2026-11-21T10:00:00.000Z"
) -> None:
    """Anna's merge request 7 with a commit, pushed at nine and approved by the board at some time."""
    user = {"id": 2, "username": "Board", "state": "active"}
    forge.answers |= {
        "": {"id": 42, "default_branch": "main"},
        f"/repository/commits/{commit}/merge_requests": [{"iid": 7}],
        "/merge_requests/7": {
            "iid": 7, "sha": head, "author": {"username": "anna"}, "target_branch": "main",
            "target_project_id": 42,
        },
        "/merge_requests/7/versions": [
            {"head_commit_sha": head, "start_commit_sha": base, "created_at": "2026-11-21T09:00:00.000Z"},
            {"head_commit_sha": "0" * 40, "start_commit_sha": base, "created_at": "2026-11-20T09:00:00.000Z"},
        ],
        "/merge_requests/7/approvals": {"approved_by": [{"user": user, "approved_at": approved}]},
    }  # fmt: skip
