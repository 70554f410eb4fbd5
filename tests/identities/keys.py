"""Key pairs and lists of allowed signers for tests, made by OpenSSH itself."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

needs_openssh = pytest.mark.skipif(
    shutil.which("ssh-keygen") is None, reason="ssh-keygen (OpenSSH) is not installed"
)
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def key(folder: Path, name: str, passphrase: str = "") -> Path:
    """A new key pair."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-C", "", "-N", passphrase, "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def allowed(key: Path, *names: str, options: str = "") -> str:
    """A line of a list of allowed signers."""
    public = Path(f"{key}.pub").read_text()
    return f"{','.join(names)} {options} {public}".replace("  ", " ")


def fingerprint(key: Path) -> str:
    """``SHA256:...``."""
    said = subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], check=True, capture_output=True, text=True)
    return said.stdout.split()[1]
