"""Signatures with SSH keys: ``ssh-keygen -Y sign``, ``find-principals`` and ``verify`` of OpenSSH.

A namespace keeps a signature from being taken for one of something else (ssh-keygen(1), OpenBSD manual pages;
the format is PROTOCOL.sshsig of OpenSSH). Signing needs OpenSSH 8.2 or later, verifying at a moment 8.9.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from wattmark.core.errors import UsageError

PROGRAM = "ssh-keygen"
ARMOUR = b"-----BEGIN SSH SIGNATURE-----"
SECONDS = 600.0
"""A person may have to touch a security key, or to type a passphrase."""
FOLDERS = re.compile(r"(?<![^\s'\"])(?:\.{0,2}|[A-Za-z]:)[\\/](?:[^/\\:'\"]*[/\\])*")
"""The folders of a path. What is told goes into decisions and logs, which go far."""
KEY = re.compile(r"with (\S+) key (\S+)\s*\Z")
"""At the end of what is said alone: the name before it is whatever somebody calls themselves."""


class NoOpenSsh(UsageError):
    """OpenSSH is not installed."""

    def __init__(self, program: str) -> None:
        super().__init__(f"{program} is not installed: install OpenSSH 8.2 or later (openssh-client)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What OpenSSH says of a signature."""

    good: bool
    key: str = ""
    """Kind and fingerprint: ``ED25519 SHA256:...``."""
    why: str = ""
    """What is wrong with it, in the program's words."""

    @property
    def fingerprint(self) -> str:
        """Of the key alone: ``SHA256:...``."""
        return self.key.rpartition(" ")[2]


def sign(text: bytes, key: Path, namespace: str, *, program: str = PROGRAM) -> bytes:
    """An armoured signature. Raises UsageError for a key that cannot sign, or where OpenSSH is absent."""
    if not key.is_file():
        raise UsageError(f"--key {key}: there is no such file: make one with `ssh-keygen -t ed25519`")
    done = _run([program, "-Y", "sign", "-q", "-f", str(key), "-n", namespace], text)
    if done.returncode == 0 and done.stdout.startswith(ARMOUR):
        return done.stdout
    said = done.stderr.decode(errors="replace").strip()
    if "passphrase" in said:
        raise UsageError(
            f"--key {key}: is locked and no passphrase was given: `ssh-add {key}` unlocks it for a while"
        )
    raise UsageError(f"--key {key}: cannot sign: {_reason(said)}")


def fits(text: bytes, signature: bytes, namespace: str, *, program: str = PROGRAM) -> Found:
    """Whether a signature is one of this text, whoever's it is. Raises NoOpenSsh."""
    with _kept(signature) as file:
        done = _run([program, "-Y", "check-novalidate", "-n", namespace, "-s", str(file)], text)
    return _found(done)


def principals(
    text: bytes,
    signature: bytes,
    namespace: str,
    signers: Path,
    *,
    at: datetime | None = None,
    program: str = PROGRAM,
) -> tuple[tuple[str, ...], str]:
    """Whom the list names for the key of a signature, and what was said where it names nobody.

    Raises NoOpenSsh.
    """
    with _kept(signature) as file:
        about = ["-n", namespace, "-f", str(signers), "-s", str(file), *_moment(at)]
        done = _run([program, "-Y", "find-principals", *about], text)
    lines = done.stdout.decode(errors="replace").splitlines()
    names = tuple(name.strip() for line in lines for name in line.split(",") if name.strip())
    return (names, "") if done.returncode == 0 and names else ((), _said(done))


def verify(
    text: bytes,
    signature: bytes,
    namespace: str,
    signers: Path,
    principal: str,
    *,
    at: datetime | None = None,
    program: str = PROGRAM,
) -> Found:
    """Whether a signature is one of this text by this principal, by the list of allowed signers.

    Keys must be valid at that moment (now, when none is given). Raises NoOpenSsh.
    """
    with _kept(signature) as file:
        about = ["-n", namespace, "-f", str(signers), "-s", str(file), *_moment(at)]
        done = _run([program, "-Y", "verify", "-I", principal, *about], text)
    return _found(done)


def _found(done: subprocess.CompletedProcess[bytes]) -> Found:
    if done.returncode != 0:
        return Found(good=False, why=_said(done))
    said = KEY.search(done.stdout.decode(errors="replace"))
    key = f"{said[1]} {said[2]}" if said else "of an unknown kind"
    return Found(good=True, key=key)


@contextmanager
def _kept(signature: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "signature"
        file.write_bytes(signature)
        yield file


def _moment(at: datetime | None) -> list[str]:
    return [] if at is None else [f"-Overify-time={at.astimezone(UTC):%Y%m%d%H%M%S}"]


def _run(command: list[str], text: bytes) -> subprocess.CompletedProcess[bytes]:
    # ssh-keygen reads moments in the zone of the system.
    zone = {**os.environ, "TZ": "UTC0"}
    try:
        return subprocess.run(
            command, input=text, capture_output=True, timeout=SECONDS, check=False, env=zone
        )
    except FileNotFoundError:
        raise NoOpenSsh(command[0]) from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"{command[0]} did not answer within {SECONDS:g} s") from None


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    return _reason((done.stderr + b"\n" + done.stdout).decode(errors="replace"))


def _reason(said: str) -> str:
    """The first line that the program said, which names the reason; of files their names alone."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return FOLDERS.sub("", lines[0])[:200] if lines else ""
