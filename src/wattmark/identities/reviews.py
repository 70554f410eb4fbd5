"""Who approved the pull or merge request that brought a commit in, as GitHub or GitLab says.

GitHub, REST API: https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit,
https://docs.github.com/en/rest/pulls/reviews#list-reviews-for-a-pull-request and
https://docs.github.com/en/rest/repos/contents#get-repository-content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from wattmark.identities.https import NoAnswer, ask, fetch

OWN_TOKEN = "WATTMARK_FORGE_TOKEN"
"""Variable that may hold what the forge asks of who asks; it goes wherever the policy says."""
PAGE = 100
MOST_PAGES = 10
VERDICTS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
"""States of reviews that replace an earlier one of the same person; comments do not."""
INSIDERS = ("OWNER", "MEMBER", "COLLABORATOR")
"""How GitHub says that a reviewer is of the repository: in a public one anybody may approve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """A request to merge into the default branch, and who approved it as it is now."""

    place: str
    """``pull request 7``."""
    head: str
    """The commit that was approved."""
    base: str
    """The commit of the default branch that it was held against."""
    by: frozenset[str]
    """Logins in small letters, without its author's."""


class Forge(Protocol):
    """One repository on a forge."""

    @property
    def gitlab(self) -> bool:
        """Whether CODEOWNERS are read as GitLab reads them."""

    def reviewed(self, commit: str) -> Iterator[Reviewed]:
        """The requests that a commit is of. Raises NoAnswer."""

    def content(self, path: str, commit: str) -> bytes | None:
        """A file at a commit; None where there is none. Raises NoAnswer."""


@dataclass(frozen=True, slots=True)
class GitHub:
    """A repository at ``https://api.github.com/repos/OWNER/NAME``."""

    address: str
    token: str = field(repr=False)
    gitlab: bool = False

    def reviewed(self, commit: str) -> Iterator[Reviewed]:
        """See Forge."""
        for pull in listed(f"{self.address}/commits/{commit}/pulls", self._headers()):
            number, head, author = (
                pull.get("number"),
                within(pull, "head", "sha"),
                within(pull, "user", "login"),
            )
            base = within(pull, "base", "sha")
            if not isinstance(number, int) or not head or not author or not base:
                raise NoAnswer(
                    "the forge tells of a pull request without a number, a head, a base or an author"
                )
            ours = within(pull, "base", "repo", "url").lower() == self.address.lower()
            if not ours or within(pull, "base", "ref") != within(pull, "base", "repo", "default_branch"):
                continue  # anybody may make a branch or a fork, and be its owner there
            by = self._approvers(f"{self.address}/pulls/{number}/reviews", head) - {author.lower()}
            yield Reviewed(place=f"pull request {number}", head=head, base=base, by=by)

    def content(self, path: str, commit: str) -> bytes | None:
        """See Forge."""
        url = f"{self.address}/contents/{quote(path)}?ref={quote(commit, safe='')}"
        return fetch(url, "the forge", self._headers("application/vnd.github.raw+json"))

    def _approvers(self, url: str, head: str) -> frozenset[str]:
        """Whose last word is an approval of the head."""
        last: dict[str, dict[str, Any]] = {}
        for review in listed(url, self._headers()):
            if review.get("state") in VERDICTS and (who := within(review, "user", "login")):
                last[who.lower()] = review
        return frozenset(
            who
            for who, review in last.items()
            if review["state"] == "APPROVED"
            and review.get("commit_id") == head
            and review.get("author_association") in INSIDERS
        )

    def _headers(self, accept: str = "application/vnd.github+json") -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.token}", "Accept": accept, "X-GitHub-Api-Version": "2022-11-28",
        }  # fmt: skip


def forge_at(address: str, environ: Mapping[str, str]) -> Forge:
    """The repository that a policy names, with the token for it. Raises NoAnswer where there is none.

    A token that the CI system gave goes to its own forge alone: whoever may edit the policy names an address.
    """
    from wattmark.identities.gitlab_approvals import GitLab

    address = address.rstrip("/")
    if "/projects/" in urlsplit(address).path:
        home, names = (
            environ.get("CI_API_V4_URL") or "https://gitlab.com/api/v4",
            ("WATTMARK_GITLAB_TOKEN", "GITLAB_TOKEN"),
        )
        return GitLab(address, _token(address, home, names, environ))
    if "/repos/" in urlsplit(address).path:
        home = environ.get("GITHUB_API_URL") or "https://api.github.com"
        return GitHub(address, _token(address, home, ("GITHUB_TOKEN",), environ))
    raise NoAnswer(
        "[identity] forge is no repository of GitHub's API (/repos/) and no project of GitLab's (/projects/)"
    )


def _token(address: str, home: str, names: tuple[str, ...], environ: Mapping[str, str]) -> str:
    if own := environ.get(OWN_TOKEN, "").strip():
        return own
    given = next((environ[name].strip() for name in names if environ.get(name, "").strip()), "")
    if not given:
        raise NoAnswer(f"the forge was not asked: no {' or '.join((OWN_TOKEN, *names))}")
    if urlsplit(address)[:2] != urlsplit(home)[:2]:
        raise NoAnswer(f"the forge was not asked: {' and '.join(names)} are for {home}; set {OWN_TOKEN}")
    return given


def listed(url: str, headers: Mapping[str, str]) -> list[dict[str, Any]]:
    """Everything of a list that comes in pages. Raises NoAnswer."""
    found: list[dict[str, Any]] = []
    for page in range(1, MOST_PAGES + 1):
        told = ask(f"{url}?per_page={PAGE}&page={page}", "the forge", headers)
        if not isinstance(told, list) or not all(isinstance(item, dict) for item in told):
            raise NoAnswer("the forge answers with something else than a list")
        found += told
        if len(told) < PAGE:
            return found
    raise NoAnswer(f"the forge lists more than {PAGE * MOST_PAGES} of them")


def within(item: Any, *names: str) -> str:
    """A text that lies in an answer; empty: there is none."""
    for name in names:
        item = item.get(name) if isinstance(item, dict) else None
    return item if isinstance(item, str) else ""
