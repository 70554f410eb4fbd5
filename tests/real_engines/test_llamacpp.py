"""What llama.cpp's own server counts is what it was asked."""

from pathlib import Path

import pytest

from tests.real_engines import running

pytestmark = pytest.mark.slow


def test_tokens_that_are_asked_are_told(tmp_path: Path) -> None:
    """8 tokens of output are 8 in the answer and 8 on the page of metrics."""
    with running("llama.cpp", tmp_path) as engine:
        assert engine.complete("hello", 8)["completion_tokens"] == 8
        assert "llamacpp:tokens_predicted_total 8\n" in engine.metrics()
