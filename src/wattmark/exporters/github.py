"""GitHub: the comment on a pull request, and the status of a commit. Its REST and GraphQL APIs over HTTP.

Sources: GitHub Docs, REST API endpoints for issue comments, https://docs.github.com/en/rest/issues/comments;
for commit statuses, https://docs.github.com/en/rest/commits/statuses; GraphQL, minimizeComment,
https://docs.github.com/en/graphql/reference/mutations#minimizecomment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wattmark.core.errors import DeliveryError, UsageError
from wattmark.exporters.sticky import Comment, explained, objects, one_object, outdated
from wattmark.webapi.api import Api, Patience

API = "https://api.github.com"
VERSION = "2022-11-28"
TOKENS = ("WATTMARK_GITHUB_TOKEN", "GITHUB_TOKEN", "GH_TOKEN")
MINIMISE = (
    "mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) "
    "{ minimizedComment { isMinimized } } }"
)
MOST_DESCRIPTION = 140
"""Characters of a commit status's description."""
STATES = {0: "success", 1: "failure"}
"""Exit code of a gate -> state of a commit; every other one is ``error``."""
READ_ONLY = (
    "the token may not write there. Give the job `permissions: {}: write`; on pull requests from "
    "forks GitHub gives a read-only token, whatever the job asks for (docs/ci/comments.md says what to do)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """Where a comment goes."""

    repository: str
    """``owner/name``."""
    number: int | None
    """None: the run belongs to no pull request."""
    sha: str = ""
    """The commit that a status is of: the head, not the merge that GitHub tests."""
    api: str = API
    """Of GitHub Enterprise Server ``https://HOST/api/v3``."""
    graphql: str = ""
    """Empty: made from ``api``."""
    token: str = field(default="", repr=False)


def pull_request_from(env: Mapping[str, str], number: int | None = None) -> PullRequest:
    """What GitHub Actions says of itself. Raises UsageError for what is lacking or cannot be meant."""
    repository = env.get("GITHUB_REPOSITORY", "")
    if not re.fullmatch(r"[\w-]+/(?!\.{1,2}$)[\w.-]+", repository, re.ASCII):
        raise UsageError(f"GITHUB_REPOSITORY is {repository!r:.80}: set it to OWNER/NAME")
    token = next((env[name] for name in TOKENS if env.get(name)), "")
    if not token:
        raise UsageError(
            f"no token: set {' or '.join(TOKENS)}; in a workflow `env: GITHUB_TOKEN: ${{{{ github.token }}}}`"
        )
    event = _event(env)
    return PullRequest(
        repository=repository,
        number=number if number is not None else _number(env, event),
        sha=_commit(env, event),
        api=env.get("GITHUB_API_URL") or API,
        graphql=env.get("GITHUB_GRAPHQL_URL", ""),
        token=token.strip(),
    )


def _commit(env: Mapping[str, str], event: Mapping[str, Any]) -> str:
    """What is judged. ``GITHUB_SHA`` is a trial merge for pull requests, and the newest commit of the default
    branch for workflows that another one or an issue starts (GitHub Docs, Events that trigger workflows,
    https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows).
    """
    pull, run = event.get("pull_request"), event.get("workflow_run")
    head = pull.get("head") if isinstance(pull, dict) else None
    if isinstance(head, dict) and head.get("sha"):
        return str(head["sha"])
    if isinstance(run, dict):
        return str(run.get("head_sha") or "")
    return "" if "issue" in event else env.get("GITHUB_SHA", "")


def _event(env: Mapping[str, str]) -> dict[str, Any]:
    path = env.get("GITHUB_EVENT_PATH", "")
    if not path:
        return {}
    try:
        found = json.loads(Path(path).read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"GITHUB_EVENT_PATH ({Path(path).name}) cannot be read: {error}") from None
    return found if isinstance(found, dict) else {}


def _number(env: Mapping[str, str], event: Mapping[str, Any]) -> int | None:
    """Of the pull request that the run is for; also for comments on one, and for merge queues' refs."""
    for name in ("pull_request", "issue"):
        inner = event.get(name)
        if isinstance(inner, dict) and isinstance(inner.get("number"), int):
            plain_issue = name == "issue" and "pull_request" not in inner
            return None if plain_issue else int(inner["number"])
    found = re.fullmatch(r"refs/pull/(\d{1,9})/(?:merge|head)", env.get("GITHUB_REF", ""), re.ASCII)
    return int(found[1]) if found else None


class GitHub:
    """Comments of one pull request, and statuses of its commit."""

    def __init__(self, where: PullRequest, patience: Patience | None = None, **world: Any) -> None:
        """``world``: clock, waiting and proxies of :class:`Api`. Raises UsageError for a bad address."""
        headers = {
            "Authorization": f"Bearer {where.token}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": VERSION,
        }
        self._where = where
        self._api = Api(where.api, headers, patience=patience or Patience(), **world)
        self._graphql = Api(_graphql(where), headers, patience=patience or Patience(), **world)
        self._login: str | None = None

    def comments(self, marker: str) -> Iterator[Comment]:
        """Ours that begin with the marker, the oldest first."""
        with explained(_advice):
            for page in self._api.pages(f"{self._issue()}/comments", {"per_page": "100"}):
                for found in objects(page):
                    if str(found.get("body") or "").startswith(marker) and self._is_ours(found):
                        yield _comment(found)

    def create(self, body: str) -> Comment:
        """A new comment at the end."""
        with explained(_advice):
            return _comment(one_object(self._api.post(f"{self._issue()}/comments", {"body": body})))

    def update(self, comment: Comment, body: str) -> Comment:
        """The comment with other words."""
        with explained(_advice):
            path = f"repos/{self._where.repository}/issues/comments/{comment.id}"
            return _comment(one_object(self._api.patch(path, {"body": body}, repeatable=True)))

    def delete(self, comment: Comment) -> None:
        """Remove it."""
        with explained(_advice):
            path = f"repos/{self._where.repository}/issues/comments/{comment.id}"
            self._api.delete(path, expect=(404, 410))

    def hide(self, comment: Comment) -> None:
        """Minimise it as outdated, which only GraphQL can; without its marker it is not found again."""
        self.update(comment, outdated(comment.body))
        with explained(_advice):
            answer = self._graphql.post(
                body={"query": MINIMISE, "variables": {"id": comment.node}}, repeatable=True
            )
        if problems := one_object(answer).get("errors"):
            first = problems[0] if isinstance(problems, list) and problems else problems
            said = first.get("message", "") if isinstance(first, dict) else first
            raise DeliveryError(answer.place, f"did not hide a comment: {said!s:.200}", answer.status)

    def status(self, exit_code: int, description: str, context: str) -> None:
        """The state of the commit: success, failure, or error where there was not enough evidence."""
        if not self._where.sha:
            raise UsageError("no commit: neither GITHUB_SHA nor the event says which one is judged")
        said = (
            description if len(description) <= MOST_DESCRIPTION else description[: MOST_DESCRIPTION - 1] + "…"
        )
        told = {"state": STATES.get(exit_code, "error"), "description": said, "context": context}
        path = f"repos/{self._where.repository}/statuses/{quote(self._where.sha, safe='')}"
        with explained(_advice_on_statuses):
            self._api.post(path, told, repeatable=True)

    def _issue(self) -> str:
        if self._where.number is None:
            raise UsageError("this run belongs to no pull request: give its number with --pull-request")
        return f"repos/{self._where.repository}/issues/{self._where.number}"

    def _is_ours(self, found: Mapping[str, Any]) -> bool:
        """Anybody can write our marker: only what a bot or this very token wrote is written over."""
        user = found.get("user") or {}
        if user.get("type") == "Bot":
            return True
        if self._login is None:
            answer = self._api.get("user", expect=(401, 403, 404))
            # A token of Actions has no user: its comments are a bot's.
            self._login = str(one_object(answer).get("login", "")) if answer.status == 200 else ""
        return bool(self._login) and user.get("login") == self._login


def _graphql(where: PullRequest) -> str:
    if where.graphql:
        return where.graphql
    return where.api.removesuffix("/v3").rstrip("/") + "/graphql"


def _comment(found: Mapping[str, Any]) -> Comment:
    return Comment(
        id=str(found.get("id", "")),
        body=str(found.get("body") or ""),
        url=str(found.get("html_url") or ""),
        node=str(found.get("node_id") or ""),
    )


def _advice_on_statuses(error: DeliveryError) -> str:
    return _advice(error, "statuses")


def _advice(error: DeliveryError, permission: str = "pull-requests") -> str:
    problem = error.problem.lower()
    if error.status in (403, 429) and "rate limit" in problem:
        return "GitHub limits how often it is asked: run again later, or use a token of an app"
    if error.status == 403 and "lock" in problem:
        return "the conversation is locked"
    if error.status == 403:
        return READ_ONLY.format(permission)
    return {
        401: "the token is wrong or has expired",
        404: "no such repository or pull request, or the token may not see it",
        422: "GitHub does not take the text: it may be too long",
    }.get(error.status or 0, "")
