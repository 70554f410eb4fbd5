"""The hooks for pre-commit: it accepts their manifest, and runs them in a repository of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.ci.steps import ROOT, environment
from wattmark.cli.main import VERBS

HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))


def test_every_hook_calls_a_verb_that_exists() -> None:
    """And looks at files of ours only."""
    for hook in HOOKS:
        program, verb, *_ = hook["entry"].split()
        assert program == "wattmark"
        assert verb in VERBS
        assert hook["pass_filenames"] is False
        assert hook["language"] == "python"


def test_pre_commit_accepts_the_manifest() -> None:
    """By its own validator."""
    clientlib = pytest.importorskip("pre_commit.clientlib", reason="pre-commit is not installed")
    assert len(clientlib.load_manifest(str(ROOT / ".pre-commit-hooks.yaml"))) == len(HOOKS)


@pytest.mark.slow
def test_a_typo_in_the_policy_stops_a_commit(tmp_path: Path) -> None:
    """pre-commit runs the hook of this manifest, with the wattmark that is here."""
    pytest.importorskip("pre_commit", reason="pre-commit is not installed")
    repository = tmp_path / "repository"
    repository.mkdir()
    hook = next(h for h in HOOKS if h["id"] == "wattmark-policy")
    # As it is, but for where wattmark comes from: `python` would build an environment from a package index.
    local = {**hook, "language": "system"}
    config = {"repos": [{"repo": "local", "hooks": [local]}]}
    (repository / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    policy = repository / "wattmark-policy.toml"
    env = {
        **environment(tmp_path),
        "PRE_COMMIT_HOME": str(tmp_path / "cache"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
    }

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            arguments, cwd=repository, env=env, capture_output=True, text=True, timeout=120, check=False
        )

    def checked(text: str) -> subprocess.CompletedProcess[str]:
        policy.write_text(text)
        assert call("git", "add", "-A").returncode == 0
        return call(sys.executable, "-m", "pre_commit", "run", "--all-files")

    assert call("git", "init", "-q").returncode == 0
    wrong = checked('[[limit]]\nkpi = "pue"\nmaks = 1.2\n')
    assert wrong.returncode == 1, wrong.stdout + wrong.stderr
    assert "maks" in wrong.stdout
    right = checked('[[limit]]\nkpi = "pue"\nmax = 1.2\n')
    assert right.returncode == 0, right.stdout + right.stderr
