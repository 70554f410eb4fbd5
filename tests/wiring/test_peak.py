"""The hardware that a project names is found as the hardware verb finds it."""

from __future__ import annotations

import pytest

from wattmark.config import Config, ProjectConfig
from wattmark.core.errors import UsageError
from wattmark.wiring import Stated, given_from


def peak(hardware: str, precision: str | None = None) -> object:
    return given_from(Config(project=ProjectConfig(hardware=hardware, precision=precision)), Stated()).peak


def test_parts_of_the_id_are_enough() -> None:
    """As in the file that `wattmark init` writes."""
    assert getattr(peak("h100-sxm"), "precision", None) == "bf16"
    assert getattr(peak("h100-sxm", "int8"), "flops_per_second", None) == pytest.approx(1978.9e12)


def test_a_precision_that_is_not_published_is_refused() -> None:
    """The message names those that are."""
    with pytest.raises(UsageError, match="int8"):
        peak("nvidia-p4", "bf16")
