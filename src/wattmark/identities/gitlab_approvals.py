"""Who approved the merge request that brought a commit in, as GitLab says.

GitLab tells who approved and when, and not which commit. So an approval counts only when it is younger than
the version of the merge request whose head is the present one; whether the project resets approvals on a
push plays no part, for whoever may switch that off and on again could keep an old one.

GitLab Docs: Merge request approvals API, https://docs.gitlab.com/api/merge_request_approvals/; Merge requests
API, merge request diff versions, https://docs.gitlab.com/api/merge_requests/#get-merge-request-diff-versions;
Commits API, https://docs.gitlab.com/api/commits/#list-merge-requests-associated-with-a-commit; Repository
files API, https://docs.gitlab.com/api/repository_files/#get-raw-file-from-repository.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

from wattmark.identities.https import NoAnswer, ask, fetch
from wattmark.identities.reviews import Reviewed, listed, within


@dataclass(frozen=True, slots=True)
class GitLab:
    """A project at ``https://gitlab.com/api/v4/projects/ID``, by its number or its path."""

    address: str
    token: str = field(repr=False)
    gitlab: bool = True

    def reviewed(self, commit: str) -> Iterator[Reviewed]:
        """See reviews.Forge."""
        project: dict[str, Any] = {}
        for one in listed(f"{self._project}/repository/commits/{commit}/merge_requests", self._headers):
            number = one.get("iid")
            if not isinstance(number, int):
                raise NoAnswer("the forge tells of a merge request without a number")
            project = project or self._asked("")
            request = self._asked(f"/merge_requests/{number}")
            if (
                request.get("target_project_id") != project.get("id")
                or not (branch := within(project, "default_branch"))
                or within(request, "target_branch") != branch
            ):
                continue  # anybody may make a branch or a fork, and be its owner there
            yield self._reviewed(number, request)

    def content(self, path: str, commit: str) -> bytes | None:
        """See reviews.Forge."""
        name = quote(path, safe="")
        url = f"{self._project}/repository/files/{name}/raw?ref={quote(commit, safe='')}"
        return fetch(url, "the forge", self._headers)

    def _reviewed(self, number: int, request: dict[str, Any]) -> Reviewed:
        head, author = within(request, "sha"), within(request, "author", "username")
        versions = listed(f"{self._project}/merge_requests/{number}/versions", self._headers)
        dated = [(pushed, one) for one in versions if (pushed := _moment(within(one, "created_at")))]
        if not head or not author or not dated or len(dated) != len(versions):
            raise NoAnswer("the forge tells of a merge request without a head, an author or dated versions")
        pushed, last = max(dated, key=lambda one: one[0])
        base = within(last, "start_commit_sha")
        if within(last, "head_commit_sha") != head or not base:
            raise NoAnswer("the forge does not say yet what the merge request's last version is")
        approvals = self._asked(f"/merge_requests/{number}/approvals").get("approved_by")
        if not isinstance(approvals, list):
            raise NoAnswer("the forge does not say who approved the merge request")
        if any(not within(one, "approved_at") for one in approvals):
            raise NoAnswer("the forge does not say when it was approved (approved_at): a newer GitLab does")
        by = {
            within(one, "user", "username").lower()
            for one in approvals
            if (at := _moment(within(one, "approved_at"))) and at > pushed
            if within(one, "user", "state") == "active"
        }
        return Reviewed(
            place=f"merge request {number}", head=head, base=base, by=frozenset(by - {author.lower(), ""})
        )

    def _asked(self, path: str) -> dict[str, Any]:
        told = ask(f"{self._project}{path}", "the forge", self._headers)
        if not isinstance(told, dict):
            raise NoAnswer("the forge answers with something else than was asked for")
        return told

    @property
    def _project(self) -> str:
        before, _, project = self.address.partition("/projects/")
        return f"{before}/projects/{quote(unquote(project), safe='')}"

    @property
    def _headers(self) -> dict[str, str]:
        return {"PRIVATE-TOKEN": self.token}


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
