"""Approvals of pull requests, by a local server that answers like GitHub's API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.identities.forges import HEAD, Forge, pull, review, serving
from tests.identities.keys import needs_git, needs_openssh
from tests.wiring.governed import ANNA, EVE, POLICY, TODAY, Governed, governed
from wattmark.core.governance.identity import Proof
from wattmark.core.governance.waiver import JudgedWaiver
from wattmark.identities.gitlab_approvals import GitLab
from wattmark.identities.https import NoAnswer, ask
from wattmark.identities.reviews import GitHub, forge_at
from wattmark.ledger.policyfile import parse_policy
from wattmark.wiring.waivers import waivers_of

COMMIT = "c" * 40


@pytest.fixture
def forge() -> Iterator[Forge]:
    """A forge with one pull request of anna's, which nobody reviewed."""
    with serving() as found:
        found.answers[f"/commits/{COMMIT}/pulls"] = [pull(found)]
        yield found


def approvers(forge: Forge) -> set[str]:
    """Who approved the request as it is."""
    return {who for one in GitHub(forge.github, "s3cret").reviewed(COMMIT) for who in one.by}


@pytest.mark.parametrize(
    ("reviews", "who"),
    [
        ([review("Board")], {"board"}),
        ([review("board", "COMMENTED")], set()),
        ([review("board"), review("board", "COMMENTED")], {"board"}),
        ([review("board"), review("board", "CHANGES_REQUESTED")], set()),
        ([review("board"), review("board", "DISMISSED")], set()),
        ([review("board", "CHANGES_REQUESTED"), review("board")], {"board"}),
        ([review("board", commit="0" * 40)], set()),
        ([review("board", of="NONE")], set()),
        ([review("board", of="CONTRIBUTOR")], set()),
        ([review("anna")], set()),
        ([review("x", "COMMENTED")] * 100 + [review("board")], {"board"}),
        ([{"user": None, "state": "APPROVED"}], set()),
    ],
)
def test_who_approved_the_last_state(forge: Forge, reviews: list[Any], who: set[str]) -> None:
    """By their last word, on the commit that is at the head, from within; never its author."""
    forge.answers["/pulls/7/reviews"] = reviews
    assert approvers(forge) == who
    assert {headers["authorization"] for headers in forge.seen} == {"Bearer s3cret"}


@pytest.mark.parametrize("elsewhere", ["branch", "fork"])
def test_a_request_to_another_branch_shows_nothing(forge: Forge, elsewhere: str) -> None:
    """Anybody may make a branch or a fork, with a CODEOWNERS of their own, and have it approved there."""
    forge.answers["/pulls/7/reviews"] = [review("board")]
    one = pull(forge, branch="mine") if elsewhere == "branch" else pull(forge)
    if elsewhere == "fork":
        one["base"]["repo"]["url"] = forge.github.replace("example", "eve")
    forge.answers[f"/commits/{COMMIT}/pulls"] = [one]
    assert approvers(forge) == set()


@pytest.mark.parametrize(
    ("pulls", "why"),
    [
        (None, "HTTP 403"),
        ({"message": "no"}, "something else than a list"),
        ([{"number": 7}], "without a number, a head, a base or an author"),
        ([{"number": 7, "base": {"sha": HEAD}, "head": {"sha": HEAD}, "user": {"login": "a"}}] * 1000,
         "more than 1000"),
    ],
)  # fmt: skip
def test_answers_that_cannot_be_used(forge: Forge, pulls: Any, why: str) -> None:
    """Say why, and no secret."""
    forge.answers[f"/commits/{COMMIT}/pulls"] = pulls
    with pytest.raises(NoAnswer, match=why) as caught:
        approvers(forge)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("kind", [GitHub, GitLab])
def test_no_token_follows_a_redirect(forge: Forge, kind: type[GitHub] | type[GitLab]) -> None:
    """Who has moved is not asked where."""
    address = forge.github if kind is GitHub else forge.gitlab
    with serving() as other:
        moved = f"http://127.0.0.1:{other.server_address[1]}/elsewhere"
        forge.answers |= {
            f"/commits/{COMMIT}/pulls": moved, f"/repository/commits/{COMMIT}/merge_requests": moved,
        }  # fmt: skip
        with pytest.raises(NoAnswer, match="HTTP 302"):
            list(kind(address, "s3cret").reviewed(COMMIT))
        assert len(forge.seen) == 1
        assert other.seen == []


def test_only_safe_ways_are_asked() -> None:
    """No token goes out in the clear."""
    with pytest.raises(NoAnswer, match="only https:// is"):
        ask("http://example.org/x", "the forge", {"Authorization": "Bearer s3cret"})


@pytest.mark.parametrize(
    ("address", "environ", "token"),
    [
        ("https://api.github.com/repos/a/b", {"GITHUB_TOKEN": "hub"}, "hub"),
        ("https://ghe.example.org/api/v3/repos/a/b",
         {"GITHUB_TOKEN": "hub", "GITHUB_API_URL": "https://ghe.example.org/api/v3"}, "hub"),
        ("https://gitlab.com/api/v4/projects/1", {"GITLAB_TOKEN": "lab", "GITHUB_TOKEN": "hub"}, "lab"),
        ("https://lab.example.org/api/v4/projects/1",
         {"GITLAB_TOKEN": "lab", "CI_API_V4_URL": "https://lab.example.org/api/v4"}, "lab"),
        ("https://evil.example/repos/a/b", {"GITHUB_TOKEN": "hub", "WATTMARK_FORGE_TOKEN": "own"}, "own"),
    ],
)  # fmt: skip
def test_each_forge_gets_its_own_token(address: str, environ: dict[str, str], token: str) -> None:
    """The variable of wattmark's own goes wherever the policy says."""
    assert getattr(forge_at(address, environ), "token") == token  # noqa: B009 - of both kinds


@pytest.mark.parametrize(
    ("address", "environ"),
    [
        ("https://evil.example/repos/a/b", {"GITHUB_TOKEN": "hub"}),
        ("https://api.github.com.evil.example/repos/a/b", {"GITHUB_TOKEN": "hub"}),
        ("https://evil.example/api/v4/projects/1", {"GITLAB_TOKEN": "lab"}),
        ("https://api.github.com/repos/a/b", {"GITLAB_TOKEN": "lab"}),
        ("https://gitlab.com/api/v4/projects/1", {"GITHUB_TOKEN": "hub"}),
        ("https://example.org/else", {"WATTMARK_FORGE_TOKEN": "own"}),
    ],
)
def test_no_token_of_a_forge_goes_elsewhere(address: str, environ: dict[str, str]) -> None:
    """Whoever edits the policy in a pull request would have it sent to them."""
    with pytest.raises(NoAnswer):
        forge_at(address, environ)


def reviewed(
    forge: Forge, tmp_path: Path, owners: str, approver: str = "@board"
) -> tuple[Governed, JudgedWaiver]:
    """A waiver whose approval came in by an unsigned commit, which the board reviewed, and how it stands."""
    policy = POLICY.replace(
        "[roles]", f'codeowners = "CODEOWNERS"\nforge = "{forge.github}"\n[roles]'
    ).replace('"board@example.org"', '"@board"')
    repo = governed(tmp_path, policy, repository=True)
    (repo.folder / "CODEOWNERS").write_text(owners)
    waiver = repo.ask()
    repo.commit(ANNA)
    repo.approve(waiver, approver, signed_by="")
    repo.commit(EVE, signed=False)
    forge.folder = repo.folder
    told(forge, repo)
    return repo, repo.one()


def told(forge: Forge, repo: Governed, base: str = "HEAD~1", head: str = "HEAD") -> None:
    """The board approved the head, held against the commit before; the approval came in with it."""
    head, base, brought = (repo.git("rev-parse", name).strip() for name in (head, base, "HEAD"))
    forge.answers[f"/commits/{brought}/pulls"] = [pull(forge, head, base)]
    forge.answers["/pulls/7/reviews"] = [review("board", commit=head)]


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    """One for the forge."""
    monkeypatch.setenv("WATTMARK_FORGE_TOKEN", "s3cret")


@needs_git
@needs_openssh
@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    ("owners", "approver", "holds", "why"),
    [
        ("/wattmark-waivers.toml @Board\n", "@board", True, ""),
        ("* @anna\n", "@board", False, "@board is no owner of wattmark-waivers.toml by CODEOWNERS"),
        ("* @example/board\n", "@board", False, "is no owner"),
        ("* @chair\n", "@chair", False, "no review shows it: @chair approved no request to merge"),
    ],
)
def test_an_owner_who_approved_the_pull_request_approved_what_it_says(
    forge: Forge, tmp_path: Path, owners: str, approver: str, holds: bool, why: str
) -> None:
    """An owner by name, and a review: neither alone is enough."""
    _, found = reviewed(forge, tmp_path, owners, approver)
    assert found.holds is holds
    assert why in found.reason
    if holds:
        (by,) = found.counted
        assert (by.proof, by.detail.partition(",")[0]) == (Proof.CODEOWNERS, "pull request 7")


@needs_git
@needs_openssh
@pytest.mark.usefixtures("token")
def test_whoever_makes_themselves_an_owner_in_the_same_request_is_none(forge: Forge, tmp_path: Path) -> None:
    """CODEOWNERS counts as it was before the request, and as it is: in two commits of it just as well."""
    repo, found = reviewed(forge, tmp_path, "* @board\n")
    assert found.holds
    told(forge, repo, base="HEAD~2")
    assert "@board was no owner of wattmark-waivers.toml before pull request 7" in repo.one().reason
    told(forge, repo)
    (repo.folder / "CODEOWNERS").write_text("* @chair\n")
    assert "@board is no owner of wattmark-waivers.toml by CODEOWNERS" in repo.one().reason


@needs_git
@needs_openssh
@pytest.mark.usefixtures("token")
def test_what_was_approved_must_say_it(forge: Forge, tmp_path: Path) -> None:
    """A commit of the forge's own (a squash, a merge made by hand) may hold what nobody reviewed."""
    repo, found = reviewed(forge, tmp_path, "* @board\n")
    assert found.holds
    told(forge, repo, base="HEAD~1", head="HEAD~1")
    assert "approved no request to merge that holds it, as it is now" in repo.one().reason
    told(forge, repo, base="HEAD", head="HEAD")
    assert "approved no request to merge that holds it, as it is now" in repo.one().reason


@needs_git
@needs_openssh
def test_without_a_token_or_an_answer_it_stays_a_claim(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is asked without one; a forge that refuses, or a file that is gone, shows nothing."""
    for name in ("WATTMARK_FORGE_TOKEN", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    repo, found = reviewed(forge, tmp_path, "* @board\n")
    assert "the forge was not asked: no WATTMARK_FORGE_TOKEN or GITHUB_TOKEN" in found.reason
    assert forge.seen == []
    monkeypatch.setenv("WATTMARK_FORGE_TOKEN", "s3cret")
    assert repo.one().holds
    forge.answers = dict.fromkeys(forge.answers)
    assert "no review shows it: the forge does not answer as it should" in repo.one().reason
    (repo.folder / "CODEOWNERS").unlink()
    assert "CODEOWNERS cannot be read" in repo.one().reason
    policy = parse_policy(POLICY.replace("[roles]", f'forge = "{forge.github}"\n[roles]'), "p")
    (found,) = waivers_of(policy, repo.folder, TODAY)
    assert "is no owner of wattmark-waivers.toml by any file" in found.reason
