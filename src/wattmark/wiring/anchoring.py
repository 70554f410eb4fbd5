"""Anchors of an audit log by name: files, git tags, a registry; and making a git tag."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.chain import Anchor
from wattmark.core.governance.identity import Identity
from wattmark.ledger.anchorfile import anchors_in, head_line, read_anchors
from wattmark.ledger.auditlog import AuditLog
from wattmark.wiring.auditing import record

GIT, REGISTRY = "git:", "mlflow:"
LITERAL = re.compile(r"(?:(\d{1,10}):)?([0-9a-f]{64})")
SECONDS = 60.0
TAG = "git_tag"
"""In the detail of an entry that says where its hash was anchored."""
PROGRAMS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "gpg.openpgp.program": (("gpg.openpgp.program", "gpg.program"), "gpg"),
    "gpg.x509.program": (("gpg.x509.program",), "gpgsm"),
    "gpg.ssh.program": (("gpg.ssh.program",), "ssh-keygen"),
}
"""Setting -> settings of whoever looks that may name the program, and git's own choice (git-config(1))."""
FORM = "%(objecttype)%00%(refname:short)%00%(contents)%00%01"


def anchors_named(
    names: Iterable[str], folder: Path, environ: Mapping[str, str] = os.environ
) -> list[Anchor]:
    """All anchors that were asked for.

    A name is ``git:PATTERN`` (annotated tags of the repository that the folder is in),
    ``mlflow:MODEL/VERSION``, ``SEQ:HASH``, ``HASH``, or a file. Raises UsageError, EvidenceError for one that
    gives none.
    """
    found: list[Anchor] = []
    for name in names:
        if name.startswith(GIT):
            tags = git_anchors(name.removeprefix(GIT), folder)
            if not tags:
                raise UsageError(
                    f"{name}: no annotated tag of that name holds a head (`git fetch --tags` brings them)"
                )
            found += tags
        elif name.startswith(REGISTRY):
            found += _of_registry(name, environ)
        elif literal := LITERAL.fullmatch(name):
            seq = int(literal[1]) if literal[1] else None
            found.append(Anchor(hash=literal[2], seq=seq, source="the anchor on the command line"))
        else:
            found += read_anchors(Path(name))
    return found


def git_anchors(pattern: str, folder: Path) -> list[Anchor]:
    """Heads in annotated tags; whether a signature holds is said, it does not decide.

    A lightweight tag holds nothing: its commit's message is not its own.
    """
    told = _git(folder, "for-each-ref", f"--format={FORM}", f"refs/tags/{pattern}").decode(errors="replace")
    found: list[Anchor] = []
    for tag in told.split("\0\1"):
        kind, _, rest = tag.strip("\n").partition("\0")
        name, _, contents = rest.partition("\0")
        if kind != "tag":
            continue
        if anchors_in(contents, name):
            found += anchors_in(contents, f"git tag {name}{_signature(name, contents, folder)}")
    return found


def every_tag(folder: Path) -> list[Anchor]:
    """Heads in all annotated tags of the repository that a folder is in; none where it is in none."""
    try:
        return git_anchors("", folder)
    except UsageError:
        return []


def logged_tags(
    entries: Iterable[Entry], folder: Path, say: Callable[[str], None], now: Callable[[Anchor], Anchor]
) -> list[Anchor]:
    """Anchors in git tags that the log itself names; says which are not here, or hold something else by now.

    ``now``: an anchor as it stands since another branch was brought in.
    """
    found: list[Anchor] = []
    for entry in entries:
        name = entry.detail.get(TAG, "")
        if entry.action is not Action.ANCHORED or not name:
            continue
        try:
            tags = git_anchors(name, folder)
        except (UsageError, EvidenceError) as error:
            say(f"git tags were not looked at: {error}")
            return found
        here = [now(tag) for tag in tags]
        if not here:
            say(f"entry {entry.seq} says that git tag {name} holds it; there is no such tag here")
        elif all(tag.hash != entry.hash for tag in here):
            say(f"entry {entry.seq} says that git tag {name} holds it; the tag holds another: it was moved")
        found += here
    return found


def anchor_in_tag(log: AuditLog, name: str, folder: Path, *, actor: Identity, sign: bool = False) -> Entry:
    """Log that a tag holds the log's head, and make the tag: annotated, of the commit that is checked out.

    The entry that it holds is the one that says so. Raises UsageError where the tag cannot be made; should
    git refuse only then, the log names a tag that is not there, and ``verify`` will say so.
    """
    _git(folder, "check-ref-format", f"refs/tags/{name}", problem=f"{name!r} is no name for a tag")
    if _git(folder, "tag", "--list", name).strip():
        raise UsageError(f"git tag {name} is there already: an anchor is never moved; take another name")
    _git(folder, "rev-parse", "--verify", "HEAD", problem="the repository has no commit to tag")
    entry = record(log, Action.ANCHORED, actor=actor, subject=name, decision="anchored", detail={TAG: name})
    message = f"Head of the audit log of wattmark\n\n{head_line(entry.seq, entry.hash)}\n"
    _git(folder, "tag", "--sign" if sign else "--annotate", name, "-m", message, problem=f"git tag {name}")
    return entry


def _signature(name: str, contents: str, folder: Path) -> str:
    if "-----BEGIN " not in contents:
        return ""
    good = _run(folder, *_own_programs(folder), "verify-tag", name).returncode == 0
    return " (its signature is good)" if good else " (its signature could not be verified here)"


def _own_programs(folder: Path) -> list[str]:
    """Arguments by which git runs the programs of whoever looks, not those that a repository's settings name.

    It may come from anybody, and such a program could say that any signature is good.
    """
    mine: dict[str, str] = {}
    for level in ("--system", "--global"):  # the nearer one counts
        told = _run(folder, "config", level, "--includes", "--null", "--get-regexp", r"^gpg\..*program$")
        pairs = (one.partition("\n") for one in told.stdout.decode(errors="replace").split("\0") if one)
        mine |= {key: value for key, _, value in pairs}
    chosen = {
        setting: next((mine[name] for name in names if mine.get(name)), usual)
        for setting, (names, usual) in PROGRAMS.items()
    }
    return [word for setting, program in chosen.items() for word in ("-c", f"{setting}={program}")]


def _of_registry(name: str, environ: Mapping[str, str]) -> list[Anchor]:
    """Out of the tags of a model's version. Raises UsageError, DeliveryError."""
    from wattmark.exporters.mlflow_server import URI, open_server
    from wattmark.wiring.mlflow import named, version_of

    if not environ.get(URI):
        raise UsageError(f"{name}: set {URI} to the registry's address")
    version = version_of(open_server(environ[URI], environ), named(name.removeprefix(REGISTRY)))
    found = anchors_in(json.dumps(dict(version.tags)), name)
    if not found:
        raise UsageError(f"{name}: has no tag wattmark.audit_head: `wattmark mlflow tag` writes it")
    return found


def _git(folder: Path, *words: str, problem: str = "git") -> bytes:
    done = _run(folder, *words)
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0].removeprefix("fatal: ")
        raise UsageError(f"{problem}: {said or 'refused'}")
    return done.stdout


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *words],
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise UsageError("git is not installed here: anchors can be files as well") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"git {words[0]} did not answer within {SECONDS:g} s") from None
