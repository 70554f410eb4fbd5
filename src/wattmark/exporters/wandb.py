"""Weights & Biases: live metrics, summary, a table of KPIs, the report, and artifacts with their digest.

A run that the program tracks already (``wandb.run``) is joined, and its steps stay its own; else a run of our
own is made, which is not the program's. Without an API key it is kept on disk for ``wandb sync``: nobody is
ever asked for one.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wattmark.core.errors import MissingExtra, UsageError
from wattmark.core.tracked import ELAPSED, PREFIX, Conclusion, FileKind
from wattmark.exporters.tracker import Tracker

ARTIFACT_TYPE = "wattmark-run"
TABLE = f"{PREFIX}kpis"
REPORT = f"{PREFIX}report"
COLUMNS: list[str | int] = ["kpi", "title", "value", "unit", "low", "high", "grade", "remark"]
_QUIET: Mapping[str, Any] = {
    "console": "off",
    "silent": True,
    "disable_git": True,
    "disable_code": True,
    "disable_job_creation": True,
    "x_disable_meta": True,
    "x_disable_stats": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
    "init_timeout": 6.0,
}
"""A run of ours tells nothing of the program, its arguments or the machine, and a server that is down holds
up no program's end for a minute and a half; settings that a version has not are left out."""


class Wandb(Tracker):
    """One W&B run. Raises UsageError for a target that cannot be meant, MissingExtra without ``wandb``."""

    name = "wandb"

    def __init__(self, target: str, period_seconds: float, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__(period_seconds)
        entity, _, project = target.strip().rpartition("/")
        if not project or "/" in entity or any(sign in project for sign in ":%?#\\"):
            raise UsageError(f"wandb:{target} is no project: write wandb:PROJECT or wandb:ENTITY/PROJECT")
        if importlib.util.find_spec("wandb") is None:
            raise MissingExtra("export wandb", "wandb")
        self._entity, self._project, self._environ = entity or None, project, environ
        loaded = sys.modules.get("wandb")
        self._joined: Any = getattr(loaded, "run", None)
        """The run that the program tracks as this one begins; ours are never ``wandb.run``."""
        self._run: Any = None

    @property
    def joined(self) -> bool:
        """Whether it is somebody else's run."""
        return self._joined is not None

    def open(self, title: str, tags: dict[str, str]) -> None:
        """Join the run that is there, or begin one."""
        self._run = self._joined if self._joined is not None else self._begun(title, tags)
        self._run.define_metric(ELAPSED, hidden=True)
        self._run.define_metric(f"{PREFIX}*", step_metric=ELAPSED)
        if self.joined:
            self._run.config.update({"wattmark": tags}, allow_val_change=True)

    def log(self, numbers: dict[str, float], elapsed_seconds: float) -> None:
        """One point. In somebody else's run it goes with their next one: their steps are never moved."""
        self._run.log(dict(numbers), commit=not self.joined)

    def tell(self, conclusion: Conclusion) -> None:
        """KPIs into the summary, beside them a table, the report, and artifacts."""
        import wandb

        rows = [[x.id, x.title, x.value, x.unit, x.low, x.high, x.grade, x.remark] for x in conclusion.lines]
        shown: dict[str, Any] = {TABLE: wandb.Table(columns=COLUMNS, data=rows, allow_mixed_types=True)}
        if conclusion.report:
            shown[REPORT] = wandb.Html(conclusion.report, inject=False)
        self._run.log(shown, commit=not self.joined)
        self._run.summary.update({**conclusion.numbers, **conclusion.words})
        for kind in dict.fromkeys(file.kind for file in conclusion.files):
            self._keep(kind, conclusion)

    def close(self) -> None:
        """Finish a run of ours; somebody else's goes on."""
        run, self._run = self._run, None
        if not self.joined:
            run.finish()

    def _keep(self, kind: FileKind, conclusion: Conclusion) -> None:
        import wandb

        files = [file for file in conclusion.files if file.kind is kind]
        first = conclusion.record_ids[0]
        name = f"wattmark-{kind}-{first[:8]}" + (f"-{len(files)}" if len(files) > 1 else "")
        metadata = {"record_ids": list(conclusion.record_ids), "sha256": {f.name: f.sha256 for f in files}}
        type_ = ARTIFACT_TYPE if kind is FileKind.RUN else f"wattmark-{kind}"
        artifact = wandb.Artifact(name, type_, metadata=metadata)
        with tempfile.TemporaryDirectory(prefix="wattmark-") as folder:
            for file in files:
                path = Path(folder, file.name)
                path.write_bytes(file.data)
                artifact.add_file(str(path), policy="mutable")
            self._run.log_artifact(artifact)

    def _begun(self, title: str, tags: dict[str, str]) -> Any:
        import wandb

        known = getattr(wandb.Settings, "model_fields", {})
        quiet = {key: value for key, value in _QUIET.items() if key in known}
        return wandb.init(
            project=self._project,
            entity=self._entity,
            name=title,
            job_type="wattmark",
            mode=self._mode(),
            config={"wattmark": tags},
            reinit="create_new",  # wandb.run of the program stays what it is
            settings=wandb.Settings(**quiet, host=tags.get("host", "not told")),
        )

    def _mode(self) -> Any:
        """As WANDB_MODE says; else online with an API key, offline without one."""
        if self._environ.get("WANDB_MODE"):
            return None
        if self._environ.get("WANDB_API_KEY"):
            return "online"
        import wandb

        key = None
        with contextlib.suppress(Exception):  # no netrc, no settings file: there is none
            key = wandb.api.api_key
        return "online" if key else "offline"


def open_export(target: str, period_seconds: float) -> Wandb:
    """``wandb:PROJECT`` or ``wandb:ENTITY/PROJECT``."""
    return Wandb(target, period_seconds)
