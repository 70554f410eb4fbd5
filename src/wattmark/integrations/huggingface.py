"""Energy of a Hugging Face ``Trainer``: ``Trainer(..., callbacks=[WattmarkCallback()])``.

Training is measured from ``on_train_begin`` to ``on_train_end``, each evaluation in it is a window of its
own. Where something measures the program already (``wattmark measure``, ``wattmark.track``) training is a
window of that, so that nothing is measured twice. Nothing of it ever raises into the training.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from wattmark.core.errors import UsageError
from wattmark.core.run import Run
from wattmark.core.tracked import ELAPSED, live_numbers
from wattmark.live import Track, track

FOLDER = "wattmark-runs"
"""Below the output folder of the training."""
PROJECT = "huggingface"
"""Project that Hugging Face's own callbacks use where the environment names none."""
QUALITY = "eval_accuracy"
HUB_ID = re.compile(r"[\w.-]+(?:/[\w.-]+)?")


class WattmarkCallback(TrainerCallback):  # type: ignore[misc, unused-ignore]  # typed or not
    """Measures a ``Trainer``; its energy stands beside the loss in ``log_history`` and where it reports to.

    ``quality`` names the evaluation metric that is kept as the run's quality, ``higher_is_better`` its
    direction. Everything else is handed to :func:`wattmark.track`: ``model=``, ``outcome=``, ``export=``, ...
    Without ``out`` run files go to ``wattmark-runs`` below the training's output folder.
    """

    def __init__(
        self,
        *,
        quality: str = QUALITY,
        higher_is_better: bool = True,
        stage: str = "training",
        export: Sequence[str] = (),
        **options: Any,
    ) -> None:
        self._quality, self._higher = quality, higher_is_better
        self._stage, self._export, self._options = stage, tuple(export), options
        self._evaluating = False
        self.track: Track | None = None
        """What measures, from the beginning of the training on."""
        self.run: Run | None = None
        """The evidence, once training has ended; None inside another run."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Begin to measure; on the first process of each machine."""
        if not state.is_local_process_zero:
            return
        if self.track is not None:
            self._safely(lambda: self._ended(failed=True))  # an earlier training that was cut off
        self._safely(lambda: self._begun(args, kwargs.get("model")))

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """An evaluation comes next, where the Trainer has decided so."""
        if control.should_evaluate:
            self._evaluation(True)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """As after a step."""
        if control.should_evaluate:
            self._evaluation(True)

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """The evaluation is over; its quality is kept."""
        value = (kwargs.get("metrics") or {}).get(self._quality)
        running = self.track
        if running is not None and isinstance(value, (int, float)):
            name = self._quality.removeprefix("eval_")
            self._safely(lambda: running.log(quality={name: float(value)}, higher_is_better=self._higher))
        self._evaluation(False)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Put energy beside the loss: for callbacks after this one, and into the training's state."""
        running = self.track
        if running is None or not isinstance(logs, dict):
            return

        def add() -> None:
            numbers = {k: v for k, v in live_numbers(running.run).items() if k != ELAPSED}
            logs.update(numbers)
            if state.log_history:
                state.log_history[-1].update(numbers)

        try:
            add()
        except UsageError:  # a window of another run: that one knows its energy
            pass
        except Exception as error:  # noqa: BLE001 - training goes on, whatever a meter's library does
            warnings.warn(f"wattmark: no energy beside the loss: {error}", stacklevel=2)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Stop measuring."""
        if self.track is not None:
            self._safely(lambda: self._ended(failed=False, steps=state.global_step))

    def _begun(self, args: Any, model: Any) -> None:
        options = dict(self._options)
        options.setdefault("model", _hub_id(model))
        if options.get("out") is None and not options.get("ledger"):
            options["out"] = Path(args.output_dir) / FOLDER
        exports = [*self._export, *_reported_to(args)]
        self._evaluating = False
        self.run = None
        self.track = track("train", stage=self._stage, export=exports, **options)
        try:
            self.track.start()
        except Exception:
            self.track = None
            raise

    def _ended(self, *, failed: bool, steps: int = 0) -> None:
        running, self.track = self.track, None
        if running is None:
            return
        if self._evaluating:
            self._evaluating = False
            running.end("evaluation")
        if steps:
            running.log(work={"steps": steps})
        self.run = running.stop(failed=failed)
        if running.problem is not None:
            warnings.warn(f"wattmark: {running.problem}", stacklevel=2)

    def _evaluation(self, begins: bool) -> None:
        running = self.track
        if running is None or begins == self._evaluating:
            return
        self._evaluating = begins
        self._safely(
            (lambda: running.begin("evaluation", stage="evaluation"))
            if begins
            else (lambda: running.end("evaluation"))
        )

    def _safely(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - training goes on, whatever cannot be measured
            warnings.warn(f"wattmark: the training is not measured as asked: {error}", stacklevel=3)


def _hub_id(model: Any) -> str | None:
    """The model's name where it is one of the Hub; a path of the machine is nobody's business."""
    name = getattr(getattr(model, "config", None), "name_or_path", None)
    if not isinstance(name, str) or not HUB_ID.fullmatch(name) or Path(name).exists():
        return None
    return name


def _reported_to(args: Any) -> list[str]:
    """Exports that join what the Trainer reports to; its own callbacks have opened those by now."""
    asked = args.report_to if isinstance(args.report_to, (list, tuple)) else [args.report_to]
    logs = os.environ.get("TENSORBOARD_LOGGING_DIR") or str(Path(args.output_dir) / "runs")
    known = {
        "wandb": f"wandb:{os.environ.get('WANDB_PROJECT') or PROJECT}",
        "comet_ml": f"comet:{os.environ.get('COMET_PROJECT_NAME') or PROJECT}",
        "tensorboard": f"tensorboard:{logs}",
    }
    if _mlflow_runs():
        known["mlflow"] = "mlflow:env"
    return [known[name] for name in asked if name in known]


def _mlflow_runs() -> bool:
    """Whether a run of MLflow is active here to be joined: on machines without one none is made."""
    active = getattr(sys.modules.get("mlflow"), "active_run", None)
    return active is not None and active() is not None
