"""Compiles a fake shared library, so that the ctypes code runs for real."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def compiled(name: str, folder: Path, *flags: str) -> Path:
    """The shared library built from tests/fakes/<name>.c; skips the test where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler here to build the fake library with")
    library = folder / f"lib{name}.so"
    source = HERE / f"{name}.c"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-Wall", "-Werror", *flags, "-o", library, source], check=True
    )
    return library


class StateFile:
    """The text file that a fake library answers from; keys are set and removed between calls."""

    def __init__(self, path: Path, variable: str, values: Mapping[str, object]) -> None:
        self.path = path
        self.values = dict(values)
        os.environ[variable] = str(path)
        self.write()

    def set(self, **values: object) -> None:
        """Change some keys; ``gpu0_energy=5`` sets ``0.energy``; None removes a key."""
        for name, value in values.items():
            key = name.removeprefix("gpu").replace("_", ".", 1) if name.startswith("gpu") else name
            self.values[key] = value
        self.write()

    def write(self) -> None:
        text = "".join(f"{key} {value}\n" for key, value in self.values.items() if value is not None)
        temporary = self.path.with_suffix(".new")
        temporary.write_text(text)
        temporary.replace(self.path)
