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


CARBON = ROOT / "docs" / "carbon.md"
INFERENCE = ROOT / "docs" / "inference.md"
RATING = ROOT / "docs" / "rating.md"
GOVERNANCE = ROOT / "docs" / "governance.md"


def commands(page: Path, first: str) -> list[str]:
    """The indented blocks of a tutorial from a heading on: these tests run in a ready environment."""
    text = page.read_text()
    text = text[text.index(first) :]
    return [
        "\n".join(line[4:] for line in block.splitlines() if line.strip())
        for block in BLOCK.findall(text)
        if block.strip()
    ]


def run(block: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A block of commands, in a folder and an environment in which nothing is configured."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WATTMARK")}
    home = {"WATTMARK_HOME": str(folder / "home"), "XDG_CACHE_HOME": str(folder / "cache")}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=folder,
        env={**environment, **home, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_command_of_the_tutorial_does_what_it_says(tmp_path: Path) -> None:
    """Each block runs without a crash; the lean model scores better and the report is one file."""
    pytest.importorskip("sklearn", reason="the tutorial's example needs scikit-learn (the extra `demo`)")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    found = commands(TUTORIAL, "## 2.")
    assert len(found) >= 6
    outputs = []
    for block in found:
        done = run(block, tmp_path)
        assert done.returncode in (0, 1, 3), f"{block}\n{done.stdout}\n{done.stderr}"
        assert "defect in wattmark" not in done.stderr, done.stderr
        assert "Usage:" not in done.stderr, f"{block}\n{done.stderr}"
        outputs.append(done.stdout)
    assert any("exit code 0" in text for text in outputs), outputs
    assert (tmp_path / "report.html").stat().st_size > 50_000


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_command_of_the_tutorial_on_carbon_does_what_it_says(tmp_path: Path) -> None:
    """Each block succeeds, with shorter years; hours matter where they are known, the report is one file."""
    for extra in ("urllib3", "deltalake", "duckdb"):
        pytest.importorskip(extra, reason="it needs the extras `grid` and `ledger`")
    outputs = []
    for block in commands(CARBON, "## 1."):
        done = run(block.replace("--scenario portfolio", "--scenario portfolio --days 60"), tmp_path)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        assert "defect in wattmark" not in done.stderr, done.stderr
        outputs.append(done.stdout)
    text = "\n".join(outputs)
    assert "the hour cannot matter there" in text
    assert "2026-05-01T18:00Z" in text
    assert "invented for the tutorial (IE, hour)" in text
    assert "differs" not in text.partition("## 4")[0].partition("against the truth")[2].partition("next:")[0]
    assert "+ Scope 3 of the provider" in text
    assert (tmp_path / "portfolio.html").stat().st_size > 20_000


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_command_of_the_tutorial_on_inference_does_what_it_says(tmp_path: Path) -> None:
    """A real engine serves, and is measured, divided by request and kept; regressions need a day."""
    for extra in ("xllamacpp", "gguf", "uvicorn", "deltalake", "duckdb", "scipy"):
        pytest.importorskip(extra, reason="it needs the extras `serving-demo`, `attribute` and `detect`")
    first, *others = commands(INFERENCE, "## 2.")
    began = run(first.replace("--seconds 120", "--seconds 10"), tmp_path)
    assert began.returncode == 0, f"{began.stdout}\n{began.stderr}"
    assert "Releases and tenants" in began.stdout
    (folder,) = (tmp_path / "served").iterdir()
    outputs = []
    for block in others:
        done = run(block, folder)
        codes = (3,) if "regressions" in block else (0,)
        assert done.returncode in codes, f"{block}\n{done.stdout}\n{done.stderr}"
        assert "defect in wattmark" not in done.stderr, done.stderr
        outputs.append(done.stdout)
    text = "\n".join(outputs)
    for said in ("J/output token", "mgCO2e", "gCO2e/inference", "W/kQPS", "search", "writer", "learning"):
        assert said in text, said
    assert (folder / "joules.csv").stat().st_size > 1000
    assert (folder / "monitoring" / "dashboards" / "wattmark-models.json").is_file()
    assert (folder / "k8s" / "agent.yaml").is_file()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_command_of_the_tutorial_on_ratings_does_what_it_says(tmp_path: Path) -> None:
    """Tasks run offline, an edit is found, a signature is good, and nothing is rated that may not be."""
    for extra in ("torch", "transformers", "diffusers", "jiwer", "rouge_score"):
        pytest.importorskip(extra, reason="it needs the extra `bench`")
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    outputs = []
    for block in commands(RATING, "## 2."):
        done = run(block.replace("demo --bench", "demo --bench --quick"), tmp_path)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        assert "defect in wattmark" not in done.stderr, done.stderr
        outputs.append(done.stdout)
    text = "\n".join(outputs)
    assert "simulated: clock and meters were simulated" in text
    assert "genuine" in text
    assert "exit code 1: it was edited" in text
    assert "lab@example.org" in text
    assert "\u2605\u2605\u2605\u2605\u2605" in text
    assert "unrated" in (tmp_path / "label.svg").read_text()
    assert (tmp_path / "site" / "index.html").stat().st_size > 20_000
    assert (tmp_path / "sweep.html").stat().st_size > 5_000


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_every_command_of_the_tutorial_on_governance_does_what_it_says(tmp_path: Path) -> None:
    """A worse version fails, is let through by name, fails again after the last day, and all replays."""
    for extra in ("sklearn", "deltalake", "duckdb"):
        pytest.importorskip(extra, reason="it needs the extras `demo` and `ledger`")
    for program in ("git", "ssh-keygen"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    folder = tmp_path / "digits"
    shutil.copytree(ROOT / "examples" / "governed", folder)
    outputs = []
    for block in commands(GOVERNANCE, "## 2."):
        done = run(block, folder)
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        assert "defect in wattmark" not in done.stderr, done.stderr
        assert "Usage:" not in done.stderr, f"{block}\n{done.stderr}"
        outputs.append(done.stdout)
    text = "\n".join(outputs)
    for said in (
        "exit code 3",
        "exit code 0",
        "exit code 1\n",
        "still exit code 1: nobody approved it",
        "refused",
        "waived",
        "exit code 1: the content was edited",
        "exit code 1: it has expired",
        "exit code 3: the tail is not provable",
        "proven",
        "exit code 1: an entry is gone",
    ):
        assert said in text, said
    assert "differs" not in text
    assert (folder / "agenda.html").stat().st_size > 5_000
