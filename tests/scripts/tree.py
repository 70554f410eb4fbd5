"""A copy of the source tree in which a scaffold may write, and commands that run in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def copied(to: Path, parts: Iterable[str]) -> Path:
    """The package, the scripts, the docs, the settings and these parts of the tests."""
    for part in ("src/wattmark", "docs", "scripts", "pyproject.toml", "action.yml", *parts):
        (to / part).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, to / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / part, to / part)
    for folder in {p for part in parts for p in Path(part).parents if p != Path()}:
        (to / folder / "__init__.py").touch()
    return to


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the copy, with the copy's package in front of the installed one."""
    environment = {**os.environ, "PYTHONPATH": f"{tree / 'src'}{os.pathsep}{tree}"}
    return subprocess.run(
        [sys.executable, *command], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )


def pytest_in(tree: Path, *paths: str) -> subprocess.CompletedProcess[str]:
    """Run tests in the copy."""
    return run(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *paths)


def linted(tree: Path, *paths: str) -> str:
    """What the linter and the formatter say about files of the copy; empty when they are quiet."""
    checked = run(tree, "-m", "ruff", "check", "--no-cache", "--quiet", *paths)
    formatted = run(tree, "-m", "ruff", "format", "--check", "--no-cache", "--quiet", *paths)
    return checked.stdout + checked.stderr + formatted.stdout + formatted.stderr
