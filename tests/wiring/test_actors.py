"""Who acts, as far as the surroundings tell: a claim, unless a token proves it."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wattmark.core.governance.identity import Proof
from wattmark.core.governance.rules import IdentityRules
from wattmark.wiring.actors import CI, NOBODY, TOKEN, actor_here, actor_of


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """With a user.email of its own."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "config", "user.email", "dev@example.org"], check=True)
    return tmp_path


def test_what_was_said_goes_first(repository: Path) -> None:
    """And stays a claim."""
    found = actor_here("board@example.org", {"GITHUB_ACTIONS": "true", "GITHUB_ACTOR": "dev"}, repository)
    assert (found.name, found.verified) == ("board@example.org", False)


def test_ci_goes_before_git(repository: Path) -> None:
    """With the run that it says it is."""
    environ = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTOR": "dev",
        "GITHUB_REPOSITORY": "lab/sorter",
        "GITHUB_RUN_ID": "7",
    }
    found = actor_here(None, environ, repository)
    assert str(found) == "dev (unverified)"
    assert found.detail == "as the environment of GITHUB_ACTIONS says: lab/sorter 7"


@pytest.mark.parametrize("system", CI)
def test_every_ci_is_known(system: str, tmp_path: Path) -> None:
    """By the first variable that names somebody; never verified."""
    (first, *_), _ = CI[system]
    found = actor_here(None, {system: "true", first: "somebody"}, tmp_path)
    assert (found.name, found.verified) == ("somebody", False)
    assert found.detail.endswith("says")


def test_a_ci_that_names_nobody_leaves_it_to_git(repository: Path) -> None:
    """A job that a timer started, for instance."""
    assert actor_here(None, {"GITHUB_ACTIONS": "true"}, repository).name == "dev@example.org"


def test_nobody_is_nobody(tmp_path: Path) -> None:
    """The name of the machine's user is never taken."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run(["git", "-C", str(tmp_path), "config", "user.email", ""], check=True)
    assert actor_here(None, {"USER": "root", "LOGNAME": "root"}, tmp_path) == NOBODY


def test_a_token_of_the_ci_system_proves_a_name(tmp_path: Path) -> None:
    """Signed by an issuer that the policy names; what was typed does not matter then."""
    pytest.importorskip("jwt")
    from tests.identities.test_tokens import KEYS, NOW, SUBJECT, rules, token

    (tmp_path / "keys.json").write_text(json.dumps(KEYS))
    found = actor_of(rules("keys.json"), tmp_path, {TOKEN: token()}, "somebody else", NOW)
    assert (found.name, found.proof) == (SUBJECT, Proof.CI_TOKEN)
    assert found.detail.endswith("run 4711")


def test_a_token_that_is_refused_leaves_a_claim_that_says_why(tmp_path: Path) -> None:
    """Expired, for instance."""
    pytest.importorskip("jwt")
    from tests.identities.test_tokens import KEYS, NOW, rules, token

    (tmp_path / "keys.json").write_text(json.dumps(KEYS))
    late = NOW + timedelta(hours=1)
    found = actor_of(rules("keys.json"), tmp_path, {TOKEN: token()}, "dev@example.org", late)
    assert (found.name, found.verified) == ("dev@example.org", False)
    assert "it expired at" in found.detail


def test_a_token_is_nothing_where_the_policy_names_no_issuer(tmp_path: Path) -> None:
    """Whoever signed it."""
    now = datetime(2026, 11, 22, tzinfo=UTC)
    found = actor_of(IdentityRules(), tmp_path, {TOKEN: "a.b.c"}, "dev@example.org", now)
    assert str(found) == "dev@example.org (unverified)"
