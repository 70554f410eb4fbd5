"""Runs the shell steps of CI files as their runners do, in a scratch repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.cli.deciding import three, write

ROOT = Path(__file__).resolve().parents[2]
POLICY = '[[limit]]\nid = "queries"\nkpi = "inference_watts_per_query"\nmax = {}\ngrade = "D"\n'


@dataclass(frozen=True)
class Step:
    """What became of a step."""

    code: int
    stdout: str
    stderr: str


def repository(folder: Path, limit: float) -> Path:
    """Three runs of 120 W per 1,000 queries per second each, and a policy that allows ``limit``."""
    write(folder / "runs with blanks", *three(1.0, "wide"))
    (folder / "wattmark-policy.toml").write_text(POLICY.format(limit))
    return folder


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Nothing of this machine but where its programs are; our own command first."""
    own = str(Path(sys.executable).parent)
    return {
        "PATH": os.pathsep.join((own, os.environ["PATH"])),
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        **more,
    }


def run_bash(script: str, folder: Path, env: Mapping[str, str], *flags: str) -> Step:
    """Run a script with bash."""
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", *flags, "-c", script],
        cwd=folder, env=dict(env), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    return Step(done.returncode, done.stdout, done.stderr)


def outputs(file: Path) -> dict[str, str]:
    """The file of $GITHUB_OUTPUT as the runner reads it."""
    found: dict[str, str] = {}
    lines = iter(file.read_text("utf-8").splitlines())
    for line in lines:
        block = re.fullmatch(r"([\w-]+)<<(.+)", line)
        if block is None:
            name, sign, value = line.partition("=")
            assert sign, line
            found[name] = value
            continue
        held = []
        for inner in lines:
            if inner == block[2]:
                break
            held.append(inner)
        found[block[1]] = "\n".join(held)
    return found
