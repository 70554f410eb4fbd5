"""Files to fill in are written whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs limits on the size of files")


def begun(here: Path, *words: str, most: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run wattmark, in a process that may write files of so many bytes."""
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\n" if most else ""
    argv = f"import sys\nsys.argv = ['wattmark', *{list(words)!r}]\n"
    code = f"{limit}{argv}from wattmark.cli.main import main\nmain()\n"
    return subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=here, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("words", "name"), [(("init",), "wattmark.toml"), (("charter", "init"), "wattmark-charter.toml")]
)
def test_what_found_no_room_is_not_there_by_half(tmp_path: Path, words: tuple[str, ...], name: str) -> None:
    """So that the same command does it once there is room; --force takes no file away that it cannot make."""
    failed = begun(tmp_path, *words, most=100)
    assert (failed.returncode, "cannot be written" in failed.stderr) == (2, True), failed.stderr
    assert not (tmp_path / name).exists()
    assert begun(tmp_path, *words).returncode == 0
    whole = (tmp_path / name).read_text(encoding="utf-8")
    assert begun(tmp_path, *words, "--force", most=100).returncode == 2
    assert (tmp_path / name).read_text(encoding="utf-8") == whole
