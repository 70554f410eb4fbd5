"""Which commit brought lines in, in real repositories."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.identities.keys import allowed, key, needs_git, needs_openssh
from wattmark.identities import sshsig
from wattmark.identities.commits import NAMESPACE, NotShown, Repository

pytestmark = [needs_git, needs_openssh]


def git(folder: Path, *arguments: str) -> str:
    """A command of git, with nothing of this machine's settings."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    about = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "gpg.format=ssh"]
    done = subprocess.run(
        ["git", "-C", str(folder), *about, *arguments], check=True, capture_output=True, text=True, env=env
    )
    return done.stdout.strip()


def says(word: bytes) -> Callable[[bytes | None], bool]:
    """Whether a file holds a word."""
    return lambda data: data is not None and word in data


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file in a new repository, in a folder whose name is odd."""
    folder = tmp_path / "re po" / "ünder"
    folder.mkdir(parents=True)
    git(folder.parent, "init", "-q", "-b", "main")
    return folder / "f*.toml"


def committed(file: Path, text: str, *options: str) -> str:
    """The id of a commit with this text."""
    file.write_text(text)
    git(file.parent, "add", "-A")
    git(file.parent, "commit", "-q", "-m", "x", *options)
    return git(file.parent, "rev-parse", "HEAD")


def test_the_commit_of_some_lines(file: Path) -> None:
    """Not the one after it that changed others."""
    first = committed(file, "a\nb\n")
    second = committed(file, "a\nb\nc\n")
    found = Repository.holding(file).brought(file, (1, 2), says(b"b"))
    assert (found.id, found.parents, found.signature) == (first, (), b"")
    found = Repository.holding(file).brought(file, (3, 3), says(b"c"))
    assert (found.id, found.parents) == (second, (first,))


def test_what_is_signed_is_what_git_signs(file: Path, tmp_path: Path) -> None:
    """The commit without its signature: OpenSSH says so, and any other byte is not."""
    signer = key(tmp_path / "keys", "a")
    (tmp_path / "allowed").write_text(allowed(signer, "a@example.org"))
    committed(file, "a\n", "-S", f"--gpg-sign={signer}.pub")
    commit = Repository.holding(file).brought(file, (1, 1), says(b"a"))
    checked = sshsig.verify(
        commit.payload, commit.signature, NAMESPACE, tmp_path / "allowed", "a@example.org"
    )
    assert checked.good
    other = commit.payload.replace(b"\n\nx", b"\n\ny")
    assert not sshsig.verify(other, commit.signature, NAMESPACE, tmp_path / "allowed", "a@example.org").good


def test_why_history_shows_nothing(file: Path, tmp_path: Path) -> None:
    """Each in words."""
    committed(file, "a\n")
    committed(file, "a\nb\n")
    file.write_text("a\nb\nc\n")
    repository = Repository.holding(file)
    for lines, there, why in [
        ((3, 3), says(b"c"), "is not committed"),
        ((1, 2), says(b"a"), "from several commits"),
        ((2, 2), says(b"z"), "does not say it like this"),
        ((2, 2), says(b"a"), "is not the one that brought it in"),
        ((9, 9), says(b"a"), "git says: "),
    ]:
        with pytest.raises(NotShown, match=why):
            repository.brought(file, lines, there)
    with pytest.raises(NotShown, match="it is in no git repository"):
        Repository.holding(tmp_path / "elsewhere.toml")
    with pytest.raises(NotShown, match="git says"):
        repository.commit("0" * 40)


def test_the_environment_leads_to_no_other_repository(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIT_DIR is of whoever runs it."""
    first = committed(file, "a\n")
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert Repository.holding(file).brought(file, (1, 1), says(b"a")).id == first


def test_a_commit_with_two_signatures_shows_nothing(file: Path) -> None:
    """Nobody would know which of them was looked at."""
    tree = committed(file, "a\n")
    raw = git(file.parent, "cat-file", "commit", tree)
    head, _, message = raw.partition("\n\n")
    twice = f"{head}\ngpgsig a\n b\ngpgsig c\n\n{message}\n"
    made = subprocess.run(
        ["git", "-C", str(file.parent), "hash-object", "-t", "commit", "-w", "--stdin", "--literally"],
        input=twice, check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    with pytest.raises(NotShown, match="several signatures"):
        Repository.holding(file).commit(made)
