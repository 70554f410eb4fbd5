"""A real ``transformers.Trainer`` on a tiny random model: its energy, beside its loss."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import wattmark

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("accelerate")

from wattmark.integrations.huggingface import WattmarkCallback  # noqa: E402 - it needs transformers

pytestmark = pytest.mark.slow


class Sentences(torch.utils.data.Dataset):  # type: ignore[misc,name-defined,unused-ignore]
    """Sixteen short rows of random tokens."""

    def __len__(self) -> int:
        return 16

    def __getitem__(self, i: int) -> dict[str, Any]:
        ids = torch.arange(i, i + 8) % 64
        return {"input_ids": ids, "labels": ids}


def a_trainer(folder: Path, callback: object, **changes: Any) -> Any:
    """Four steps, with an evaluation after every second one."""
    config = transformers.GPT2Config(
        vocab_size=64, n_positions=16, n_embd=16, n_layer=1, n_head=2, bos_token_id=0, eos_token_id=0
    )
    settings = {
        "output_dir": str(folder),
        "max_steps": 4,
        "logging_steps": 2,
        "eval_strategy": "steps",
        "eval_steps": 2,
        "save_strategy": "no",
        "report_to": "none",
        "use_cpu": True,
        "per_device_train_batch_size": 4,
        "disable_tqdm": True,
    }
    return transformers.Trainer(
        model=transformers.GPT2LMHeadModel(config),
        args=transformers.TrainingArguments(**{**settings, **changes}),
        train_dataset=Sentences(),
        eval_dataset=Sentences(),
        callbacks=[callback],
    )


def a_callback(**options: Any) -> WattmarkCallback:
    return WattmarkCallback(meters=("model",), period_seconds=0.2, **options)


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    for name in ("WATTMARK_CONFIG", "WATTMARK_OUT", "WATTMARK_LOG", "WATTMARK_RUN"):
        monkeypatch.delenv(name, raising=False)


def test_training_and_its_evaluations_are_measured(tmp_path: Path) -> None:
    """One run file below the output folder: two evaluations of their own inside a training of four steps."""
    callback = a_callback(quality="eval_loss", higher_is_better=False, model="tiny")
    a_trainer(tmp_path / "out", callback).train()
    run = callback.run
    assert run is not None
    assert (run.subject.stage, run.subject.model, run.failed) == ("training", "tiny", False)
    assert [w.stage for w in run.windows if w.name == "evaluation"] == ["evaluation", "evaluation"]
    assert [(w.unit, w.count) for w in run.work] == [("steps", 4.0)]
    assert (run.quality[-1].name, run.quality[-1].higher_is_better) == ("loss", False)
    assert sum(row.energy_joules for row in run.energies) > 0
    (file,) = (tmp_path / "out" / "wattmark-runs").glob("*.run.json")
    assert wattmark.read_run(file).record_id == run.record_id


def test_energy_stands_beside_the_loss(tmp_path: Path) -> None:
    """In the state that the Trainer keeps with its checkpoints."""
    callback = a_callback()
    trainer = a_trainer(tmp_path / "out", callback)
    trainer.train()
    told = [entry for entry in trainer.state.log_history if "loss" in entry]
    joules = [entry["wattmark/energy_joules"] for entry in told]
    assert len(joules) == 2
    assert 0 <= joules[0] <= joules[1]
    assert json.dumps(trainer.state.log_history)


def test_inside_another_run_training_is_a_window_of_it(tmp_path: Path) -> None:
    """Nothing is measured twice, and no second run file is written."""
    callback = a_callback()
    with wattmark.track(stage="fine_tuning", meters=("model",)) as outer:
        a_trainer(tmp_path / "out", callback).train()
    assert callback.run is None
    assert "train" in [w.name for w in outer.run.windows]
    assert not (tmp_path / "out" / "wattmark-runs").exists()


def test_settings_that_cannot_be_meant_never_stop_a_training(tmp_path: Path) -> None:
    """They are a warning; the training runs to its end."""
    callback = a_callback(pue=0.5)
    trainer = a_trainer(tmp_path / "out", callback)
    with pytest.warns(UserWarning, match="not measured as asked"):
        trainer.train()
    assert trainer.state.global_step == 4
    assert callback.run is None


def test_a_training_that_is_cut_off_is_an_attempt(tmp_path: Path) -> None:
    """The next one closes it as failed, and both leave evidence."""

    class Stumbles(transformers.TrainerCallback):  # type: ignore[misc,name-defined,unused-ignore]
        def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            if state.global_step == 3:
                raise RuntimeError("out of memory")

    callback = a_callback(solution="tiny")
    broken = a_trainer(tmp_path / "out", callback)
    broken.add_callback(Stumbles())
    with pytest.raises(RuntimeError, match="out of memory"):
        broken.train()
    a_trainer(tmp_path / "out", callback).train()
    runs = [wattmark.read_run(path) for path in sorted((tmp_path / "out" / "wattmark-runs").glob("*.json"))]
    assert sorted(run.failed for run in runs) == [False, True]
    assert {run.solution_id for run in runs} == {"tiny"}


def test_it_joins_what_the_trainer_reports_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One W&B run and one TensorBoard folder hold loss and energy."""
    wandb = pytest.importorskip("wandb")
    pytest.importorskip("tensorboard")
    from tests.exporters.wandb_file import history, summary

    for name, value in (
        ("WANDB_MODE", "offline"),
        ("WANDB_DIR", str(tmp_path)),
        ("WANDB_DATA_DIR", str(tmp_path / "data")),
        ("WANDB_CACHE_DIR", str(tmp_path / "cache")),
        ("TENSORBOARD_LOGGING_DIR", str(tmp_path / "logs")),
    ):
        monkeypatch.setenv(name, value)
    a_trainer(tmp_path / "out", a_callback(), report_to=["wandb", "tensorboard"]).train()
    wandb.finish()
    wandb.teardown()
    rows = history(tmp_path)
    assert [r["train/global_step"] for r in rows if "train/loss" in r] == [2, 4]
    assert any("wattmark/energy_joules" in r for r in rows)
    assert summary(tmp_path)["wattmark/energy_joules.grade"] == "D"
    assert list((tmp_path / "logs").glob("wattmark-*/events.out.*"))
