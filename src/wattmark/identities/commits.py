"""Which commit brought some lines into a file, and what its author signed.

Signatures are checked over the commit object itself (namespace ``git``, gitformat-signature(5)) and not with
``git verify-commit``: what the repository's own settings say of programs and lists then plays no part.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NAMESPACE = "git"
SECONDS = 120.0
_BLAMED = re.compile(rb"([0-9a-f]{40,64}) \d+ \d+")
_SIGNATURES = (b"gpgsig", b"gpgsig-sha256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit, as far as it matters who made it."""

    id: str
    parents: tuple[str, ...]
    payload: bytes
    """What is signed: the commit without its signature."""
    signature: bytes = b""
    """Armoured, of SSH or another kind; empty: it is not signed."""


class NotShown(Exception):
    """History does not show who brought the lines in. Says why."""


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository on disk."""

    root: Path

    @classmethod
    def holding(cls, file: Path) -> Repository:
        """The one in whose working tree a file lies. Raises NotShown when there is none, or no git."""
        root = _git(file.resolve().parent, "rev-parse", "--show-toplevel").decode().rstrip("\n")
        return cls(Path(root))

    def name_of(self, file: Path) -> str:
        """A file's path from the root. Raises NotShown for one that lies elsewhere."""
        try:
            return file.resolve().relative_to(self.root.resolve()).as_posix()
        except ValueError:
            raise NotShown(f"{file.name} lies in another repository") from None

    def brought(self, file: Path, lines: tuple[int, int], there: Callable[[bytes | None], bool]) -> Commit:
        """The one commit that brought these lines of a file in.

        ``there`` says of the file's content at a commit (None: there was no file) whether it holds what the
        lines say; it must where they came in, and must not in any commit just before. Raises NotShown.
        """
        name = self.name_of(file)
        commit = self.commit(self._blamed(name, lines))
        if not there(self._content(commit.id, name)):
            raise NotShown(f"commit {commit.id[:12]} does not say it like this")
        for parent in commit.parents:
            if there(self._content(parent, name)):
                raise NotShown(f"commit {commit.id[:12]} is not the one that brought it in")
        return commit

    def commit(self, name: str) -> Commit:
        """A commit by its id. Raises NotShown where it is not here."""
        raw = _git(self.root, "cat-file", "commit", name)
        head, blank, message = raw.partition(b"\n\n")
        kept: list[bytes] = []
        signatures: list[bytes] = []
        for field in re.split(rb"\n(?! )", head):
            key, _, value = field.partition(b" ")
            if key in _SIGNATURES:
                signatures.append(value.replace(b"\n ", b"\n") + b"\n")
            else:
                kept.append(field)
        if len(signatures) > 1:
            raise NotShown(f"commit {name[:12]} has several signatures")
        return Commit(
            id=name,
            parents=tuple(f.split(b" ")[1].decode() for f in kept if f.startswith(b"parent ")),
            payload=b"\n".join(kept) + blank + message,
            signature=b"".join(signatures),
        )

    def _blamed(self, name: str, lines: tuple[int, int]) -> str:
        said = _git(
            self.root, "-c", "blame.ignoreRevsFile=", *_no_filters(self.root), "blame", "--porcelain",
            "--no-textconv", f"-L{lines[0]},{lines[1]}", "--", name,
        )  # fmt: skip
        found: set[str] = set()
        now = ""
        for line in said.split(b"\n"):
            if (blamed := _BLAMED.match(line)) is not None:
                now = blamed[1].decode()
            elif line.startswith(b"\t") and line.strip()[:1] not in (b"", b"#"):  # comments say nothing
                found.add(now)
        if any(set(commit) == {"0"} for commit in found):
            raise NotShown("it is not committed")
        if len(found) != 1:
            raise NotShown("its lines come from several commits")
        return found.pop()

    def _content(self, commit: str, name: str) -> bytes | None:
        try:
            _git(self.root, "cat-file", "-e", f"{commit}^{{tree}}")
        except NotShown:
            raise NotShown("this clone is shallow: fetch the whole history (fetch-depth: 0)") from None
        if not _git(self.root, "ls-tree", "--full-tree", "--name-only", "-z", commit, "--", name):
            return None
        return _git(self.root, "cat-file", "blob", f"{commit}:{name}")


def _no_filters(root: Path) -> list[str]:
    """Arguments that switch off the programs through which a repository passes its files."""
    try:
        said = _git(root, "config", "--null", "--name-only", "--get-regexp", r"^filter\..*")
    except NotShown:  # it has none
        return []
    drivers = {name.rpartition(".")[0] for name in said.decode(errors="replace").split("\0") if name}
    off = ("clean=", "smudge=", "process=", "required=false")
    return [word for driver in sorted(drivers) for end in off for word in ("-c", f"{driver}.{end}")]


def _git(folder: Path, *arguments: str) -> bytes:
    """What git says. Replaced objects are left aside, and so is what the environment says of repositories.

    No program that the repository's settings name is run.
    """
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "--no-replace-objects", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments],
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env={**clean, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_LITERAL_PATHSPECS": "1"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotShown(f"git does not answer: {error.__class__.__name__}") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        if "not a git repository" in said:
            raise NotShown("it is in no git repository")
        raise NotShown(f"git says: {''.join(c for c in said if c.isprintable())[:160]}")
    return done.stdout
