"""Approvals of merge requests, by a local server that answers like GitLab's API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.identities.forges import HEAD, Forge, merge_request, serving
from tests.identities.keys import needs_git, needs_openssh
from tests.wiring.governed import ANNA, EVE, POLICY, Governed, governed
from wattmark.core.governance.identity import Proof
from wattmark.identities.gitlab_approvals import GitLab
from wattmark.identities.https import NoAnswer

COMMIT = "c" * 40


@pytest.fixture
def forge() -> Iterator[Forge]:
    """A forge with one merge request of anna's, pushed at nine and approved by the board at ten."""
    with serving() as found:
        merge_request(found, COMMIT)
        yield found


def approvers(forge: Forge) -> set[str]:
    """Who approved the request as it is."""
    return {who for one in GitLab(forge.gitlab, "s3cret").reviewed(COMMIT) for who in one.by}


def test_who_approved_the_present_version(forge: Forge) -> None:
    """By a token that goes in the header of GitLab's own; the project may be named by its path."""
    assert approvers(forge) == {"board"}
    assert {headers["private-token"] for headers in forge.seen} == {"s3cret"}
    assert not any("authorization" in headers for headers in forge.seen)
    plain = forge.gitlab.replace("%2F", "/")
    assert [one.place for one in GitLab(plain, "s").reviewed(COMMIT)] == ["merge request 7"]


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        ("2026-11-21T09:00:00.001Z", True),
        ("2026-11-21T10:30:00.000+01:00", True),
        ("2026-11-21T09:00:00.000Z", False),
        ("2026-11-21T08:59:59.999Z", False),
        ("2026-11-21T09:30:00.000+01:00", False),
        ("2026-11-21T09:30:00", False),
        ("some day", False),
    ],
)
def test_an_approval_of_an_older_version_does_not_count(forge: Forge, at: str, counts: bool) -> None:
    """Pushed at 09:00 UTC; half past nine in a zone one hour ahead is half past eight."""
    merge_request(forge, COMMIT, approved=at)
    assert approvers(forge) == ({"board"} if counts else set())


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("/merge_requests/7", {"target_branch": "mine"}),
        ("/merge_requests/7", {"target_project_id": 43}),
        ("/merge_requests/7", {"author": {"username": "BOARD"}}),
        ("", {"default_branch": None}),
        ("/merge_requests/7/approvals", {"approved_by": []}),
        ("/merge_requests/7/approvals", {"approved_by": [
            {"user": {"username": "board", "state": "blocked"}, "approved_at": "2026-11-21T10:00:00Z"}]}),
    ],
)  # fmt: skip
def test_what_is_no_approval(forge: Forge, place: str, change: dict[str, Any]) -> None:
    """Of another branch or project, of its author, of somebody who was shut out, of nobody."""
    forge.answers[place] |= change
    assert approvers(forge) == set()


@pytest.mark.parametrize(
    ("place", "answer", "why"),
    [
        ("/merge_requests/7/approvals", {"approved_by": [{"user": {"username": "board", "state": "active"}}]},
         "does not say when it was approved"),
        ("/merge_requests/7/approvals", {}, "does not say who approved"),
        ("/merge_requests/7/approvals", None, "HTTP 403"),
        ("/merge_requests/7", [], "something else than was asked for"),
        ("/merge_requests/7/versions", [], "without a head, an author or dated versions"),
        ("/merge_requests/7/versions", [{"head_commit_sha": HEAD}], "dated versions"),
        ("/merge_requests/7/versions",
         [{"head_commit_sha": "0" * 40, "start_commit_sha": HEAD, "created_at": "2026-11-21T09:00:00Z"}],
         "does not say yet what the merge request's last version is"),
        (f"/repository/commits/{COMMIT}/merge_requests", [{"id": 1}], "without a number"),
    ],
)  # fmt: skip
def test_answers_that_cannot_be_used(forge: Forge, place: str, answer: Any, why: str) -> None:
    """Say why, and no secret; who cannot tell when, as older ones, shows nothing."""
    forge.answers[place] = answer
    with pytest.raises(NoAnswer, match=why) as caught:
        approvers(forge)
    assert "s3cret" not in str(caught.value)


def approved(forge: Forge, tmp_path: Path, owners: str) -> Governed:
    """A waiver whose approval came in by an unsigned commit of a merge request."""
    policy = POLICY.replace(
        "[roles]", f'codeowners = "CODEOWNERS"\nforge = "{forge.gitlab}"\n[roles]'
    ).replace('"board@example.org"', '"@board"')
    repo = governed(tmp_path, policy, repository=True)
    (repo.folder / "CODEOWNERS").write_text(owners)
    waiver = repo.ask()
    repo.commit(ANNA)
    repo.approve(waiver, "@board", signed_by="")
    repo.commit(EVE, signed=False)
    head, base = (repo.git("rev-parse", name).strip() for name in ("HEAD", "HEAD~1"))
    merge_request(forge, head, head, base)
    forge.folder = repo.folder
    return repo


@needs_git
@needs_openssh
@pytest.mark.parametrize(
    ("owners", "holds"),
    [
        ("[Rules][2] @board\n*.toml\n", True),
        ("* @chair\n[Rules]\nwattmark-waivers.toml @Board\n", True),
        ("^[Rules] @board\n*.toml\n", False),
        ("* @board\n!*.toml\n", False),
        ("[Rules]\n*.toml @board\n!wattmark-waivers.toml\n/wattmark-waivers.toml @board\n", False),
        ("* @@maintainer\n", False),
    ],
)
def test_an_owner_who_approved_the_merge_request_approved_what_it_says(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owners: str, holds: bool
) -> None:
    """Owners as GitLab reads its file: sections; whoever need not approve, or is excluded, does not count."""
    monkeypatch.setenv("WATTMARK_FORGE_TOKEN", "s3cret")
    found = approved(forge, tmp_path, owners).one()
    assert found.holds is holds
    if holds:
        (by,) = found.counted
        assert (by.proof, by.detail.partition(",")[0]) == (Proof.CODEOWNERS, "merge request 7")
    else:
        assert "@board is no owner of wattmark-waivers.toml by CODEOWNERS" in found.reason


@needs_git
@needs_openssh
def test_what_is_pushed_after_the_approval_is_not_approved(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the project says of resetting approvals: somebody could have switched it off for a while."""
    monkeypatch.setenv("WATTMARK_FORGE_TOKEN", "s3cret")
    repo = approved(forge, tmp_path, "* @board\n")
    assert repo.one().holds
    forge.answers["/merge_requests/7/versions"][0]["created_at"] = "2026-11-21T10:00:01.000Z"
    assert "@board approved no request to merge that holds it" in repo.one().reason
