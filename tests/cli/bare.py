"""Runs Python in a process in which some packages cannot be imported, as where wattmark alone is there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def without(absent: Sequence[str], code: str, here: Path) -> subprocess.CompletedProcess[str]:
    """Run this code without these packages."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys\nfor name in {tuple(absent)!r}: sys.modules[name] = None\n{code}",
        ],
        cwd=here,
        env={**os.environ, "WATTMARK_LEDGER": "", "WATTMARK_HOME": str(here / "home")},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def wattmark_without(
    absent: Sequence[str], arguments: Sequence[str], here: Path
) -> subprocess.CompletedProcess[str]:
    """Run wattmark without these packages."""
    code = f"sys.argv = ['wattmark', *{list(arguments)!r}]\nfrom wattmark.cli.main import main\nmain()\n"
    return without(absent, code, here)
