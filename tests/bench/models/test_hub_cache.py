"""Models from the cache of the Hugging Face hub, without a network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub", reason="needs huggingface_hub (extra bench)")
pytestmark = pytest.mark.slow

COMMIT = "a" * 40
SAY = """
import sys
from wattmark.bench.models.shipped import fetched
from wattmark.core.errors import UsageError
try:
    found = fetched(sys.argv[1], sys.argv[2])
    print(found.revision, found.folder.name)
except UsageError as error:
    print(error)
"""


def said(home: Path, model: str, revision: str = "") -> str:
    """What a program of its own says: the library reads its environment only once."""
    environment = {**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1"}
    environment.pop("HF_HUB_CACHE", None)
    command = [sys.executable, "-c", SAY, model, revision]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A cache with one snapshot, as the library lays it out."""
    model = tmp_path / "hub" / "models--own--little"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text(COMMIT)
    snapshot = model / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(b"")
    return tmp_path


def test_a_snapshot_in_the_cache_is_found_with_its_commit(home: Path) -> None:
    """By its name alone and by its commit; the commit is the revision that results name."""
    assert said(home, "own/little").split() == [COMMIT, COMMIT]
    assert said(home, "own/little", COMMIT).split() == [COMMIT, COMMIT]


def test_what_is_not_in_the_cache_is_told(home: Path) -> None:
    """Another revision and another model: what to do stands in the error."""
    for model, revision in (("own/little", "b" * 40), ("own/other", "")):
        told = said(home, model, revision)
        assert told.startswith(f"--model {model}: is not in the cache of the hub")
        assert "give a folder" in told


def test_a_snapshot_without_weights_is_told(home: Path) -> None:
    """Settings alone are no model."""
    (home / "hub" / "models--own--little" / "snapshots" / COMMIT / "model.safetensors").unlink()
    assert "has no weights that transformers loads" in said(home, "own/little")
