"""The tutorial works: its commands are run as they stand, in order, in a fresh folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"(?:^    .*\n|^\n(?=    ))+", re.MULTILINE)


def commands() -> list[str]:
    """The indented blocks of the tutorial, the set-up left out: these tests run in a ready environment."""
    text = TUTORIAL.read_text()
    text = text[text.index("## 2.") :]
    return [
        "\n".join(line[4:] for line in block.splitlines() if line.strip())
        for block in BLOCK.findall(text)
        if block.strip()
    ]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_command_of_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    """Each block runs without a crash; the lean model scores better and the report is one file."""
    pytest.importorskip("sklearn", reason="the tutorial's example needs scikit-learn (the extra `demo`)")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WATTMARK")}
    found = commands()
    assert len(found) >= 6
    outputs = []
    for block in found:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            cwd=tmp_path,
            env={**environment, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode in (0, 1, 3), f"{block}\n{done.stdout}\n{done.stderr}"
        assert "defect in wattmark" not in done.stderr, done.stderr
        assert "Usage:" not in done.stderr, f"{block}\n{done.stderr}"
        outputs.append(done.stdout)
    assert any("exit code 0" in text for text in outputs), outputs
    assert (tmp_path / "report.html").stat().st_size > 50_000
