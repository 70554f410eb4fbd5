"""Runs a verb as ``main`` does, and keeps run files for it."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from click.testing import CliRunner, Result

from wattmark.core.run import Run


def verb(command: click.Command, *arguments: object) -> Result:
    """Run a verb; errors come through as they are raised, the exit code is ``return_value``."""
    return CliRunner().invoke(
        command, [str(a) for a in arguments], catch_exceptions=False, standalone_mode=False
    )


def kept(folder: Path, run: Run, name: str) -> Path:
    """The run as a file."""
    path = folder / f"{name}.run.json"
    path.write_bytes(msgspec.json.encode(run))
    return path
