"""Who does something, as far as the surroundings tell: a claim, unless a token of the CI system proves it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from wattmark.core.errors import UsageError, without_paths
from wattmark.core.governance.identity import Identity, Proof
from wattmark.core.governance.rules import IdentityRules

CI: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # variable that says which CI it is -> (who, the first that is set), (which run)
    "GITHUB_ACTIONS": (("GITHUB_ACTOR",), ("GITHUB_REPOSITORY", "GITHUB_RUN_ID")),
    "GITLAB_CI": (("GITLAB_USER_EMAIL", "GITLAB_USER_LOGIN"), ("CI_PROJECT_PATH", "CI_JOB_ID")),
    "TF_BUILD": (("BUILD_REQUESTEDFOREMAIL",), ("BUILD_REPOSITORY_NAME", "BUILD_BUILDID")),
    "BUILDKITE": (("BUILDKITE_BUILD_CREATOR_EMAIL",), ("BUILDKITE_PIPELINE_SLUG", "BUILDKITE_BUILD_NUMBER")),
    "CIRCLECI": (("CIRCLE_USERNAME",), ("CIRCLE_PROJECT_REPONAME", "CIRCLE_BUILD_NUM")),
}
"""Variables as GitHub, GitLab, Azure Pipelines, Buildkite and CircleCI document them."""
TOKEN = "WATTMARK_TOKEN"
"""An identity token of the CI system, which the job put there (GitLab: ``id_tokens``)."""
SECONDS = 10.0
NOBODY = Identity(name="unknown", detail="no --actor, no CI that tells one, no user.email in git")


def actor_of(
    rules: IdentityRules, folder: Path, environ: Mapping[str, str], asked: str | None, now: datetime
) -> Identity:
    """Who acts: as an identity token in WATTMARK_TOKEN proves, else as ``actor_here`` says.

    Only where the policy names issuers is a token looked at; ``folder`` is the policy's, whose issuers' keys
    may lie in a file there. One that is refused leaves a claim that says why.
    """
    claimed = actor_here(asked, environ, folder)
    token = environ.get(TOKEN, "")
    if not token or not rules.issuers:
        return claimed
    from wattmark.identities.tokens import verify

    try:
        found = verify(token, rules, now=now, folder=folder)
    except UsageError as error:
        return replace(claimed, detail=f"{claimed.detail}; {without_paths(error)}")
    run = f", run {found.run}" if found.run else ""
    return Identity(name=found.name, proof=Proof.CI_TOKEN, detail=f"{found.issuer}, {found.subject}{run}")


def actor_here(asked: str | None, environ: Mapping[str, str], folder: Path) -> Identity:
    """Who acts: as asked, else as the CI says, else as git is configured; always unverified."""
    if asked:
        return Identity(name=asked, detail="as said with --actor")
    for system, (names, runs) in CI.items():
        who = next((environ[name] for name in names if environ.get(name)), "")
        if environ.get(system) and who:
            run = " ".join(environ[name] for name in runs if environ.get(name))
            return Identity(name=who, detail=f"as the environment of {system} says: {run}".rstrip(": "))
    email = _git_email(folder)
    return Identity(name=email, detail="as user.email of git says") if email else NOBODY


def _git_email(folder: Path) -> str:
    try:
        command = ["git", "-C", str(folder), "config", "user.email"]
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):  # git is not installed here: then it says nothing
        return ""
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else ""
