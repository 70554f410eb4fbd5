"""What a test that fails once leaves behind where it is run again, as continuous integration does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ONCE = """
from pathlib import Path

def test_which_fails_once(tmp_path_factory):
    seen = Path(__file__).with_name("seen")
    if not seen.exists():
        seen.touch()
        raise AssertionError("the answer was 41")

def test_which_fails_always():
    raise AssertionError("the answer is never 42")
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest prints of both tests, with the summary that all tests here have."""
    folder = tmp_path_factory.mktemp("tries")
    (folder / "test_tries.py").write_text(ONCE)
    (folder / "conftest.py").write_text("from tests.conftest import pytest_terminal_summary\n")
    command = [sys.executable, "-m", "pytest", "-q", "-rfER", "--reruns", "1", "-p", "no:cacheprovider", "."]
    root = Path(__file__).parent.parent
    environment = {"PYTHONPATH": str(root), "PATH": ""}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stdout
    return run.stdout


def test_a_second_try_is_named_with_why_the_first_one_failed(printed: str) -> None:
    """Nobody looks for what went wrong in a test that passed, unless it is shown."""
    first = printed.index("FIRST TRY OF test_tries.py::test_which_fails_once")
    assert "the answer was 41" in printed[first:]
    assert "RERUN test_tries.py::test_which_fails_once" in printed


def test_what_fails_twice_has_failed(printed: str) -> None:
    """A second try forgives nothing that stays."""
    assert "FAILED test_tries.py::test_which_fails_always" in printed
    assert "1 failed, 1 passed, 2 rerun" in printed
