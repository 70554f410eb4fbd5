"""GitLab: the note on a merge request, and the status of a commit.

Sources: GitLab Docs, Notes API, https://docs.gitlab.com/api/notes/#merge-requests; Commits API, Set commit
pipeline status, https://docs.gitlab.com/api/commits/#set-commit-pipeline-status; Predefined variables,
https://docs.gitlab.com/ci/variables/predefined_variables/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from wattmark.core.errors import DeliveryError, UsageError
from wattmark.exporters.sticky import OUTDATED, Comment, explained, objects, one_object, outdated
from wattmark.webapi.api import Api, Patience

API = "https://gitlab.com/api/v4"
TOKENS = ("WATTMARK_GITLAB_TOKEN", "GITLAB_TOKEN")
MOST_DESCRIPTION = 255
STATES = {0: "success"}
"""Exit code of a gate -> state of a commit; every other one is ``failed``."""
NO_TOKEN = (
    f"no token: set {' or '.join(TOKENS)} to a project access token with scope `api`, as a masked variable; "
    "CI_JOB_TOKEN may not write notes"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRequest:
    """Where a note goes."""

    project: str
    """Number, or path with its slashes."""
    iid: int | None
    """None: the pipeline belongs to no merge request."""
    sha: str = ""
    pipeline: str = ""
    """Number of the pipeline that a status belongs to; empty: the newest of the commit, as GitLab does."""
    api: str = API
    token: str = field(default="", repr=False)


def merge_request_from(env: Mapping[str, str], iid: int | None = None) -> MergeRequest:
    """What GitLab CI says of itself. Raises UsageError for what is lacking or cannot be meant."""
    project = env.get("CI_PROJECT_ID") or env.get("CI_PROJECT_PATH") or ""
    if not project:
        raise UsageError("CI_PROJECT_ID is not set: give the project's number or path")
    token = next((env[name] for name in TOKENS if env.get(name)), "")
    if not token:
        raise UsageError(NO_TOKEN)
    told = env.get("CI_MERGE_REQUEST_IID", "")
    if iid is None and told and not (told.isascii() and told.isdigit()):
        raise UsageError(f"CI_MERGE_REQUEST_IID is {told!r:.40}: it must be a number")
    return MergeRequest(
        project=project,
        iid=iid if iid is not None else int(told) if told else None,
        sha=env.get("CI_COMMIT_SHA", ""),
        pipeline=env.get("CI_PIPELINE_ID", ""),
        api=env.get("CI_API_V4_URL") or API,
        token=token.strip(),
    )


class GitLab:
    """Notes of one merge request, and statuses of its commit."""

    def __init__(self, where: MergeRequest, patience: Patience | None = None, **world: Any) -> None:
        """``world``: clock, waiting and proxies of :class:`Api`. Raises UsageError for a bad address."""
        self._where = where
        headers = {"PRIVATE-TOKEN": where.token}
        self._api = Api(where.api, headers, patience=patience or Patience(), **world)
        self._own: object = None

    def comments(self, marker: str) -> Iterator[Comment]:
        """Ours that begin with the marker, the oldest first."""
        query = {"per_page": "100", "sort": "asc", "order_by": "created_at"}
        with explained(_advice):
            for page in self._api.pages(f"{self._request()}/notes", query):
                for found in objects(page):
                    said = str(found.get("body") or "")
                    if said.startswith(marker) and not found.get("system") and self._is_ours(found):
                        yield self._note(found)

    def create(self, body: str) -> Comment:
        """A new note at the end."""
        with explained(_advice):
            return self._note(one_object(self._api.post(f"{self._request()}/notes", {"body": body})))

    def update(self, comment: Comment, body: str) -> Comment:
        """The note with other words."""
        with explained(_advice):
            path = f"{self._request()}/notes/{comment.id}"
            return self._note(one_object(self._api.put(path, {"body": body})))

    def delete(self, comment: Comment) -> None:
        """Remove it."""
        with explained(_advice):
            self._api.delete(f"{self._request()}/notes/{comment.id}", expect=(404,))

    def hide(self, comment: Comment) -> None:
        """GitLab cannot minimise notes: its words are folded, and its marker goes."""
        words = outdated(comment.body).removeprefix(f"{OUTDATED}\n")
        folded = f"<details><summary>outdated: wattmark gate</summary>\n\n{words}\n\n</details>"
        self.update(comment, f"{OUTDATED}\n{folded}")

    def status(self, exit_code: int, description: str, context: str) -> None:
        """The state of the commit: success or failed, as a job of the pipeline that runs us.

        Without the pipeline's number GitLab takes the newest of the commit, or makes one: a push and its
        merge request have one each, and the verdict would stand in the one that nobody waits for
        (GitLab Docs, External commit statuses, Pipeline selection,
        https://docs.gitlab.com/ci/ci_cd_for_external_repos/external_commit_statuses/).
        """
        if not self._where.sha:
            raise UsageError("no commit: CI_COMMIT_SHA is not set")
        told = {
            "state": STATES.get(exit_code, "failed"),
            "name": context,
            "description": description[:MOST_DESCRIPTION],
            **({"pipeline_id": int(self._where.pipeline)} if self._where.pipeline.isdecimal() else {}),
        }
        with explained(_advice_on_statuses):
            project, sha = (quote(part, safe="") for part in (self._where.project, self._where.sha))
            path = f"projects/{project}/statuses/{sha}"
            self._api.post(path, told, repeatable=True)

    def _request(self) -> str:
        if self._where.iid is None:
            raise UsageError(
                "this pipeline belongs to no merge request: give its number with --pull-request, or let the "
                "job run in merge request pipelines"
            )
        return f"projects/{quote(self._where.project, safe='')}/merge_requests/{self._where.iid}"

    def _is_ours(self, found: Mapping[str, Any]) -> bool:
        """Anybody can write our marker: only what the owner of this token wrote is written over."""
        if self._own is None:
            self._own = one_object(self._api.get("user")).get("id")
        return self._own is not None and (found.get("author") or {}).get("id") == self._own

    def _note(self, found: Mapping[str, Any]) -> Comment:
        return Comment(id=str(found.get("id", "")), body=str(found.get("body") or ""))


def _advice_on_statuses(error: DeliveryError) -> str:
    return _advice(error, "Developer")


def _advice(error: DeliveryError, role: str = "Reporter") -> str:
    return {
        401: "the token is wrong or has expired",
        403: f"the token may not do that: it needs scope `api` and role {role} or more",
        404: "no such project or merge request, or the token may not see it",
    }.get(error.status or 0, "")
