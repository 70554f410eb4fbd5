"""One line puts energy into the W&B run that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.exporters.wandb_file import artifacts, history, summary
from wattmark.integrations.wandb import tracked

wandb = pytest.importorskip("wandb")
pytestmark = pytest.mark.slow


def test_energy_stands_beside_the_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its steps are the program's, the KPIs are in its summary, the run file is its artifact."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    with wandb.init(project="green", mode="offline", dir=str(tmp_path)) as run:
        with tracked(model="sorter", stage="training", meters=("model",)) as track:
            sum(range(10**6))
            run.log({"loss": 0.5}, step=1)
        assert track.problem is None
        run.log({"loss": 0.4}, step=2)
    wandb.teardown()
    assert [(r["_step"], r["loss"]) for r in history(tmp_path) if "loss" in r] == [(1, 0.5), (2, 0.4)]
    told = summary(tmp_path)
    assert told["wattmark/energy_joules"] > 0
    assert told["wattmark/energy_joules.grade"] == "D"
    assert "wattmark-run" in {a.type for a in artifacts(tmp_path)}
