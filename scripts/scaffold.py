"""What the scaffolds share: names, new files, and a row in the right place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def checked(name: str) -> str:
    """The name, if it can be that of a module; SystemExit otherwise."""
    if not NAME.fullmatch(name):
        raise SystemExit(f"{name!r} is no name: write it like energy_per_epoch")
    return name


def write_new(root: Path, files: Mapping[str, str]) -> None:
    """Write files that must not be there yet. Nothing is written when one of them is."""
    there = [path for path in files if (root / path).exists()]
    if there:
        raise SystemExit(f"already there: {', '.join(there)}")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
        sys.stdout.write(f"written: {path}\n")


def with_line(text: str, path: str, line: str, before: str, after: str = "", *, sort: bool = False) -> str:
    """The text with a line put before the first ``before`` that follows ``after``.

    With ``sort`` the lines between the two are sorted, as in a list of imports. SystemExit when there
    is no such place.
    """
    start = text.find(after)
    at = text.find(before, start + len(after)) if start >= 0 else -1
    if at < 0:
        raise SystemExit(f"{path} has no {after!r} with {before!r} after it: nothing was written")
    first = text.find("\n", start) + 1 if sort else at
    lines = [*text[first:at].splitlines(keepends=True), line]
    return text[:first] + "".join(sorted(lines) if sort else lines) + text[at:]


def rewrite(root: Path, path: str, text: str) -> None:
    """Write the file that got a new row."""
    (root / path).write_text(text, encoding="utf-8")
    sys.stdout.write(f"row added: {path}\n")


def regenerate_docs(root: Path) -> None:
    """Fill in the generated blocks, in a process of its own that sees the new row."""
    environment = {**os.environ, "PYTHONPATH": str(root / "src")}
    script = root / "scripts" / "generate_docs.py"
    subprocess.run([sys.executable, str(script)], check=True, env=environment, cwd=root)
