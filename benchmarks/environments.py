"""One virtual environment per tool, holding that tool and what it requires, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tools import Tool

HOME = "home"
PROJECT = Path(__file__).resolve().parent.parent

# Runs inside the environment: every distribution, with the bytes of all its files, byte code included.
INVENTORY = """
import importlib.metadata as m, json
def size(d):
    return sum(p.stat().st_size for p in map(d.locate_file, d.files or ()) if p.is_file())
print(json.dumps({d.metadata["Name"]: [d.version, size(d)] for d in m.distributions()}))
"""


class BrokenEnvironment(RuntimeError):
    """An environment could not be made or asked; the message holds the end of what pip said."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a tool is installed, and what came with it."""

    folder: Path
    versions: Mapping[str, str]
    megabytes: float

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"


def create(tool: Tool, folder: Path) -> None:
    """Make the environment from nothing. Raises BrokenEnvironment.

    It is made without pip, and this interpreter's pip installs into it: pip is no part of a tool.
    """
    shutil.rmtree(folder, ignore_errors=True)
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    wanted = [str(PROJECT) if name == "." else name for name in tool.install]
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(folder / "bin" / "python"),
        "--disable-pip-version-check",
    ]
    (folder / HOME).mkdir()
    _run([*pip, "install", "--quiet", "--compile", *wanted])


def inspect(folder: Path) -> Environment:
    """Look at an environment that `create` made. Raises BrokenEnvironment when there is none."""
    python = folder / "bin" / "python"
    if not python.exists():
        raise BrokenEnvironment(
            f"no environment for {folder.name}: run `python benchmarks/run.py setup` first"
        )
    told = json.loads(_run([str(python), "-I", "-c", INVENTORY]))
    return Environment(
        folder=folder,
        versions={name: version for name, (version, _) in sorted(told.items())},
        megabytes=sum(size for _, size in told.values()) / 1e6,
    )


def revision() -> str:
    """Which commit of this repository was installed, and whether the tree had changes; empty outside git."""
    asked = subprocess.run(
        ["git", "-C", str(PROJECT), "describe", "--always", "--dirty", "--abbrev=12"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return asked.stdout.strip()


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BrokenEnvironment(f"{' '.join(command[:4])} ... failed:\n{done.stderr.strip()[-2000:]}")
    return done.stdout
