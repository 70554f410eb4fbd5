"""Somebody's function as a model."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.bench.answering import a_set
from wattmark.bench.asking import Answer, Query
from wattmark.bench.callable import CallableAnswerer, function_named, input_of
from wattmark.core.bench.pinned import ModelFacts
from wattmark.core.errors import UsageError


def answers(function: Any, count: int = 2, output_tokens: int | None = None) -> list[Answer]:
    """What the function answers to the first queries."""
    answerer = CallableAnswerer(function, ModelFacts(id="mine"))
    batch = a_set(count).queries
    return answerer.answer(batch, answerer.prepare(batch), output_tokens=output_tokens)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A working directory with modules; they are forgotten afterwards, and they alone."""
    path = list(sys.path)
    yield tmp_path
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def test_outputs_come_back_in_order() -> None:
    """The only input of a query is handed on bare."""
    assert [a.output for a in answers(lambda texts: [len(t) for t in texts])] == [1, 2]


def test_several_inputs_are_a_dictionary() -> None:
    """A question has its context beside it."""
    query = Query(index=0, inputs={"question": "who?", "context": "me"})
    assert input_of(query) == {"question": "who?", "context": "me"}


def test_a_dictionary_tells_what_was_counted() -> None:
    """Tokens and the time of the first one."""
    said = {"output": "x", "input_tokens": 3, "output_tokens": 10, "first_output_seconds": 0.5}
    assert answers(lambda texts: [said] * 2)[0] == Answer(
        output="x", input_tokens=3, output_tokens=10, first_output_seconds=0.5
    )


def test_a_dictionary_without_output_is_an_output() -> None:
    """Boxes and labels are dictionaries themselves."""
    assert answers(lambda texts: [{"label": "cat"}] * 2)[0].output == {"label": "cat"}


def test_a_function_can_tell_of_a_failure() -> None:
    """One of two failed."""
    found = answers(lambda texts: ["fine", {"failed": "too long"}])
    assert [a.failed for a in found] == ["", "too long"]


def boom(texts: list[str]) -> list[str]:
    raise ValueError("no such word")


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def mute(texts: list[str]) -> list[str]:
    raise Mute


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (boom, "ValueError: no such word"),
        (lambda texts: ["one"], "gave 1 outputs for 2 inputs"),
        (lambda texts: "two", "gave str, not a list"),
        (lambda texts: None, "gave NoneType, not a list"),
        (lambda texts: [{"output": 1, "output_tokens": -1}] * 2, "wrong output_tokens"),
        (lambda texts: [{"output": 1, "output_tokens": True}] * 2, "wrong output_tokens"),
        (lambda texts: [{"output": 1, "audio_seconds": float("nan")}] * 2, "wrong audio_seconds"),
        (lambda texts: [{"output": 1, "tokens": 4}] * 2, "told of tokens, which is not known"),
        (lambda texts: [{"output": 1, "output_tokens": 10**30}] * 2, "wrong output_tokens"),
        (lambda texts: [{"output": 1, "first_output_seconds": 1e300}] * 2, "wrong first_output_seconds"),
        (lambda texts: sys.exit(0), "SystemExit: 0"),
        (mute, "Mute"),
    ],
)
def test_what_goes_wrong_is_a_failed_query(function: Any, why: str) -> None:
    """Nothing that a function does ends the benchmark."""
    found = answers(function)
    assert len(found) == 2
    assert all(why in a.failed for a in found)


def test_what_a_function_says_of_a_failure_takes_one_harmless_line() -> None:
    """No control characters, no user's name in a path, 200 characters at most."""
    found = answers(lambda texts: ["fine", {"failed": "\x1b[2Jno\nroom\u202e"}])
    assert found[1].failed == "?[2Jno room?"

    def lost(texts: list[str]) -> list[str]:
        raise RuntimeError("/home/somebody/model\n" + "x" * 10**6)

    assert answers(lost)[0].failed.startswith("RuntimeError: /home/***/model xxx")
    assert len(answers(lost)[0].failed) == 200


def test_a_function_is_found_in_the_working_directory(folder: Path) -> None:
    """Also one inside an object."""
    (folder / "my_model_one.py").write_text("class A:\n    @staticmethod\n    def go(x):\n        return x\n")
    assert function_named("my_model_one:A.go", folder)([1]) == [1]


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ("my_model_two", "write module:function"),
        ("my_model_two:", "write module:function"),
        ("no_such_module_here:f", "cannot be imported"),
        ("my_model_two:g", "has no 'g'"),
        ("my_model_two:number", "it is no function"),
        ("my_model_bad:f", "failed while it was imported: ZeroDivisionError"),
        ("my_model_ends:f", "failed while it was imported: SystemExit"),
    ],
)
def test_what_is_named_wrongly_is_said(folder: Path, named: str, why: str) -> None:
    """With the option and what is wrong."""
    (folder / "my_model_two.py").write_text("number = 4\n")
    (folder / "my_model_bad.py").write_text("1 / 0\n")
    (folder / "my_model_ends.py").write_text("import sys\nsys.exit(0)\n")
    with pytest.raises(UsageError, match=why):
        function_named(named, folder)
