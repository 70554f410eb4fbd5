"""Where MLflow is not installed."""

from __future__ import annotations

import subprocess
import sys


def test_autolog_says_which_extra_it_needs() -> None:
    """Not a bare ModuleNotFoundError: the command that installs it. None in sys.modules: it is not there."""
    code = """
import sys
sys.modules["mlflow"] = None
from wattmark.core.errors import MissingExtra
from wattmark.integrations.mlflow import autolog
try:
    autolog()
except MissingExtra as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'wattmark[mlflow]'" in done.stdout, done.stderr
