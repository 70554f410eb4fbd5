"""Tasks by their names."""

from __future__ import annotations

import pytest

from wattmark.core.bench.task import TASKS, task_named


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("text_generation", "text_generation"),
        ("Text Generation", "text_generation"),
        ("text-generation", "text_generation"),
        (" Summarisation ", "summarization"),
        ("ASR", "speech_recognition"),
        ("Automatic Speech Recognition", "speech_recognition"),
        ("extractive question answering", "question_answering"),
    ],
)
def test_a_task_is_found_however_it_is_written(name: str, task: str) -> None:
    found = task_named(name)
    assert found is not None
    assert found.id == task


def test_no_task_of_that_name() -> None:
    assert task_named("juggling") is None


def test_eleven_tasks_are_those_of_ai_energy_score() -> None:
    """The other two are ours; only two have classes."""
    assert sum(task.inference for task in TASKS.values()) == 11
    assert {t.id for t in TASKS.values() if t.classes} == {"text_generation", "reasoning"}
