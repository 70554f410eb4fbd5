"""Turns autologging on without a line of code: MLflow loads this by its entry point, WATTMARK_MLFLOW=1 asks.

MLflow asks its run context providers for tags whenever a run begins. Ours gives none. The first time it is
asked it begins to measure, and from then on the hooks of :mod:`wattmark.integrations.mlflow` are in place.
"""

from __future__ import annotations

import os
import sys

VARIABLE = "WATTMARK_MLFLOW"
OFF = ("", "0", "false", "no", "off")


class WattmarkContext:
    """A run context provider of MLflow (https://mlflow.org/docs/latest/ml/plugins)."""

    def __init__(self) -> None:
        self._done = False

    def in_context(self) -> bool:
        """Never: it has no tags to give. Raises nothing."""
        if not self._done and os.environ.get(VARIABLE, "").strip().lower() not in OFF:
            self._done = True
            try:
                self._begin()
            except Exception as error:  # noqa: BLE001 - a training must not end because it is measured
                import logging

                logging.getLogger("wattmark").warning("%s: nothing is measured: %s", VARIABLE, error)
        return False

    def tags(self) -> dict[str, str]:
        """None."""
        return {}

    def _begin(self) -> None:
        from wattmark.integrations import mlflow

        if mlflow.is_on():
            return
        mlflow.autolog()
        frame = sys._getframe(2)
        while frame is not None:
            if frame.f_code.co_name == "start_run" and "mlflow" in frame.f_code.co_filename:
                mlflow.begin_from_inside()  # the run that is being made right now
                return
            frame = frame.f_back  # type: ignore[assignment]
