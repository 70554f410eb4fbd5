"""Fake vendor libraries, compiled once for all conformance tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.library import compiled


@pytest.fixture(scope="session")
def nvml_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shared library with NVML's functions that answers from a text file."""
    return compiled("nvml", tmp_path_factory.mktemp("nvml"))


@pytest.fixture(scope="session")
def amdsmi_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shared library with AMD SMI's functions that answers from a text file."""
    return compiled("amdsmi", tmp_path_factory.mktemp("amdsmi"))
